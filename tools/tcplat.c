// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * tcplat: is it the network, the peer, or me?
 */
#include "tcplat_parts.h"
#include "log.h"
#include <malloc.h>

#define DEFAULT_INTERVAL_NS 5000000000ULL

struct settings set = {
	.sample = 1,
	.sample_turns = 1,
	.slowest = 10,
	.top = 10,
	.max_conns = 1000,
	.max_tracked = 32768,
	.conn_hists = 128,
	.ring_kib = 1024,
};

static const struct opt rows[] = {
	{"sample", 0, "N", OPT_UINT, &set.sample, 1, 1 << 20,
	 "look at one connection in N, both ends of it or none", NULL, 0},
	{"sample-turns", 0, "N", OPT_UINT, &set.sample_turns, 1, 1 << 20,
	 "measure one turn in N of each connection", NULL, 0},
	{"slowest", 0, "K", OPT_UINT, &set.slowest, 0, 1000,
	 "keep the K slowest turns, with what is known of each", NULL, 0},
	{"top", 0, "N", OPT_UINT, &set.top, 0, 1000,
	 "rows of an interval: its N busiest connections", NULL, 0},
	{"histogram", 'H', NULL, OPT_FLAG, &set.histogram, 0, 0,
	 "draw the histogram of each metric at the end, not of the first alone", NULL, 0},
	{"cleanup", 0, NULL, OPT_FLAG, &set.cleanup, 0, 0,
	 "count the calls of tcp_cleanup_rbuf too", NULL, 0},
	{"prometheus", 0, "FILE", OPT_STR, &set.prometheus, 0, 0,
	 "on each interval write the figures to FILE for node_exporter's textfile collector", NULL,
	 0},
	{"diff", 0, NULL, OPT_FLAG, &set.diff, 0, 0,
	 "compare two reports, metric by metric, and do nothing else", NULL, OPT_F_CMDLINE},
	{"max-conns", 0, "N", OPT_UINT, &set.max_conns, 1, 1 << 20,
	 "connections that the report names; the rest is summed up", NULL, 0},
	{"max-tracked", 0, "N", OPT_UINT, &set.max_tracked, 64, 1 << 22,
	 "room for open connections where the kernel has no socket storage for it", NULL, 0},
	{"conn-histograms", 0, "N", OPT_UINT, &set.conn_hists, 0, 4096,
	 "connections that have percentiles of their own at one time", NULL, 0},
	{"ring-size", 0, "KIB", OPT_UINT, &set.ring_kib, 64, 1 << 20,
	 "size of the ring buffer between kernel and tool, rounded up to a power of two", NULL, 0},
	{.kind = OPT_END},
};

static const char *const backends[] = {"auto", "tracepoint", "fentry", "kprobe", NULL};

static const struct opt_tool tool = {
	.name = "tcplat",
	.args = "\n--diff A.json B.json",
	.summary = "time TCP conversations: is it the network, the peer, or this machine?",
	.examples = "  tcplat                        the busiest connections, every 5 seconds\n"
		    "  tcplat -d 60 -o report.json   a minute, with a report for jq\n"
		    "  tcplat -p 5432                those of a database\n"
		    "  tcplat -P 1234 -i 1           those of a process, every second\n"
		    "  tcplat --diff old.json new.json   did the deploy make it slower?\n",
	.opts = rows,
	.backends = backends,
	.intervals = true,
	.network = true,
};

int main(int argc, char **argv)
{
	struct opt_words words;
	uint64_t size = 64;

	opts_parse(&tool, argc, argv, &words);
	if (words.ncmd || words.nargs != (set.diff ? 2 : 0)) {
		log_error(set.diff ? "--diff takes two reports" : "no arguments are expected: %s",
			  words.nargs ? words.args[0] : "");
		return 2;
	}
	if (set.diff)
		return diff_reports(words.args[0], words.args[1]);
	if (std.replay && std.record) {
		log_error("--replay and --record exclude each other");
		return 2;
	}
	if (!std.interval_ns)
		std.interval_ns = DEFAULT_INTERVAL_NS;
	while (size < set.ring_kib)
		size *= 2;
	set.ring_kib = size;
	/* Tables that grow leave the heap for good, instead of lying in it: half of its size. */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	return live_run();
}
