// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * httptrace: which response answers which request, how long did it take, and what caused it?
 */
#include "httptrace_parts.h"
#include "log.h"
#include "rotate.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct settings set = {
	.role = "both",
	.max_routes = 100,
	.sample_text = "1",
	.sample = 1,
	.max_header = 16 << 10,
	.ring_kib = 8192,
	.max_conns = 262144,
	.max_open = 262144,
	.max_held = 131072,
};
struct redact redact;

static const char *const roles[] = {"both", "client", "server", NULL};

static const struct opt rows[] = {
	{.kind = OPT_GROUP, .help = "Which transactions"},
	{"role", 0, "ROLE", OPT_ENUM, &set.role, 0, 0,
	 "those that the process asked for, or answered, alone", roles, 0},
	{"method", 0, "METHOD[,...]", OPT_LIST, &set.methods, 0, 0, "with one of these methods",
	 NULL, 0},
	{"path", 0, "GLOB[,...]", OPT_LIST, &set.paths, 0, 0, "whose path matches one of these",
	 NULL, 0},
	{"host", 0, "GLOB[,...]", OPT_LIST, &set.hosts, 0, 0, "to a host that matches one of these",
	 NULL, 0},
	{"status", 0, "CODE[,...]", OPT_LIST, &set.statuses, 0, 0,
	 "answered with one of these statuses: 404, 5xx", NULL, 0},
	{"min-size", 0, "BYTES", OPT_UINT, &set.min_size, 0, 0,
	 "whose request and response together have so many bytes on the wire", NULL, 0},
	{"slower", 's', "MS", OPT_MSEC, &set.slower_ns, 0, 1e9,
	 "that took at least so many milliseconds", NULL, 0},
	{"uid", 0, "USER[,USER]", OPT_LIST, &set.uids, 0, 0,
	 "of processes of these users, by name or number", NULL, 0},
	{"exclude-uid", 0, "USER[,USER]", OPT_LIST, &set.exclude_uids, 0, 0,
	 "not of processes of these users", NULL, 0},
	{"localhost", 0, NULL, OPT_FLAG, &set.localhost, 0, 0,
	 "over loopback, or between two ends of one address", NULL, 0},
	{"unix", 0, NULL, OPT_FLAG, &set.unix_sockets, 0, 0, "unix stream sockets, too", NULL, 0},
	{.kind = OPT_GROUP, .help = "What is shown"},
	{"tree", 0, NULL, OPT_FLAG, &set.tree, 0, 0,
	 "print each trace as a tree, once all of it is over", NULL, 0},
	{"histogram", 'H', NULL, OPT_FLAG, &set.histogram, 0, 0,
	 "draw a histogram for each method and route at the end", NULL, 0},
	{"max-routes", 0, "N", OPT_UINT, &set.max_routes, 1, 65536,
	 "room for pairs of method and route with -i and -H", NULL, 0},
	{"events", 0, NULL, OPT_FLAG, &set.events, 0, 0,
	 "add rows for connections: accepted, connected, closed, reset", NULL, 0},
	{"csv", 0, NULL, OPT_FLAG, &set.csv, 0, 0, "print comma-separated values", NULL, 0},
	{"otlp", 0, "DEST", OPT_STR, &set.otlp, 0, 0,
	 "send spans to DEST: a file of OpenTelemetry's JSON lines, or http://HOST:PORT", NULL, 0},
	{"otlp-header", 0, "HEADER[,...]", OPT_LIST, &set.otlp_headers, 0, 0,
	 "add \"NAME: VALUE\" to what is sent to http://HOST:PORT", NULL, 0},
	{"rotate", 0, "SIZE[,KEEP]", OPT_STR, &set.rotate, 0, 0,
	 "begin the files of -o and --otlp anew at so many bytes (K, M and G are understood), and "
	 "keep so many old ones (5)",
	 NULL, 0},
	{.kind = OPT_GROUP, .help = "Sampling"},
	{"sample", 0, "1/N", OPT_STR, &set.sample_text, 0, 0, "show one trace in N, whole", NULL,
	 0},
	{"keep-errors", 0, NULL, OPT_FLAG, &set.keep_errors, 0, 0,
	 "with --sample: all traces in which something failed, too", NULL, 0},
	{"keep-slow", 0, "MS", OPT_MSEC, &set.keep_slow_ns, 0, 1e9,
	 "with --sample: all traces with a transaction that took so many milliseconds, too", NULL,
	 0},
	{"rate", 0, "N", OPT_UINT, &set.rate, 0, 1 << 30,
	 "show at most N transactions a second; 0 for all", NULL, 0},
	{.kind = OPT_GROUP, .help = "Causes"},
	{"no-trace-headers", 0, NULL, OPT_FLAG, &set.no_headers, 0, 0,
	 "do not look at traceparent, b3 and x-request-id", NULL, 0},
	{"go-probes", 0, NULL, OPT_FLAG, &set.go_probes, 0, 0,
	 "put two uprobes into the HTTP client of Go programs, to know which goroutine asked", NULL,
	 0},
	{.kind = OPT_GROUP, .help = "Secrets"},
	{"no-redact", 0, NULL, OPT_FLAG, &set.no_redact, 0, 0,
	 "show credentials and tokens in URLs, which are masked otherwise", NULL, 0},
	{"redact-param", 0, "NAME[,...]", OPT_LIST, &set.redact_params, 0, 0,
	 "mask the values of these query parameters, too", NULL, 0},
	{.kind = OPT_GROUP, .help = "Limits"},
	{"max-header", 0, "BYTES", OPT_UINT, &set.max_header, 256, 1 << 20,
	 "bytes of each head that are looked at", NULL, 0},
	{"max-conns", 0, "N", OPT_UINT, &set.max_conns, 1, 1 << 22,
	 "connections that are kept in mind at one time", NULL, 0},
	{"max-open", 0, "N", OPT_UINT, &set.max_open, 1, 1 << 24,
	 "transactions that may be under way at one time", NULL, 0},
	{"max-held", 0, "N", OPT_UINT, &set.max_held, 1, 1 << 24,
	 "transactions that wait for the rest of their trace at one time", NULL, 0},
	{"ring-size", 0, "KIB", OPT_UINT, &set.ring_kib, 256, 1 << 20,
	 "size of the ring buffer between kernel and tool, rounded up to a power of two", NULL, 0},
	{"cpus", 0, "CPU[,CPU]", OPT_LIST, &set.cpus, 0, 0, "run on these CPUs alone: 0, 2-3", NULL,
	 0},
	{"no-seccomp", 0, NULL, OPT_FLAG, &set.no_seccomp, 0, 0,
	 "do not enter the system call filter", NULL, 0},
	{.kind = OPT_END},
};

static const char *const backends[] = {"auto", "fentry", "tracepoint", "kprobe", NULL};

static const struct opt_tool tool = {
	.name = "httptrace",
	.summary = "show where HTTP transactions spend their time, and what caused them",
	.examples =
		"  httptrace -p 8080                   each transaction on a port, by either side\n"
		"  httptrace --slower 100 -p 8080      those of 100 ms and more\n"
		"  httptrace --tree                    what caused what, across processes\n"
		"  httptrace -i 5 --role server        a table by route, every 5 seconds\n"
		"  httptrace -j | jq 'select(.status >= 500)'\n"
		"  httptrace --otlp http://localhost:4318 --sample 1/100 --keep-errors\n",
	.opts = rows,
	.backends = backends,
	.intervals = true,
	.network = true,
};

/* "3" or "0-3" */
static int add_cpus(cpu_set_t *to, const char *s)
{
	char *end;
	unsigned long low = strtoul(s, &end, 10), high = low;

	if (*s >= '0' && *s <= '9' && *end == '-' && end[1] >= '0' && end[1] <= '9')
		high = strtoul(end + 1, &end, 10);
	if (*s < '0' || *s > '9' || *end || low > high || high >= CPU_SETSIZE)
		return fail(-EINVAL, "--cpus %s: a CPU's number (3) or a range (0-3) is wanted", s);
	for (; low <= high; low++)
		CPU_SET(low, to);
	return 0;
}

static int take_cpus(void)
{
	cpu_set_t cpus;
	int err = 0;

	if (!set.cpus.n)
		return 0;
	CPU_ZERO(&cpus);
	for (size_t i = 0; i < set.cpus.n && !err; i++)
		err = add_cpus(&cpus, set.cpus.v[i]);
	if (!err && sched_setaffinity(0, sizeof(cpus), &cpus))
		err = fail(-errno, "--cpus: %s; is one of them there?", strerror(errno));
	return err;
}

/* Does something else than rows of text have standard output? */
static int check_outputs(void)
{
	int outputs = set.csv + set.tree + std.json + (set.otlp && !strcmp(set.otlp, "-"));
	struct rotate_limits limits;

	if (outputs > 1)
		return fail(-EINVAL, "of --json, --csv, --tree and --otlp - only one can have "
				     "standard output");
	if ((std.interval_ns || set.histogram) && outputs > std.json)
		return fail(-EINVAL,
			    "-i and -H print tables, which --csv, --tree and --otlp - have "
			    "no place for");
	if (std.replay && std.record)
		return fail(-EINVAL, "--replay and --record exclude each other");
	if (set.rotate && !std.output && !set.otlp)
		return fail(-EINVAL, "--rotate: there is no file to be rotated: see -o, --otlp");
	return set.rotate ? rotate_parse(&limits, set.rotate) : 0;
}

static int check_settings(void)
{
	uint64_t size = 64;
	int err = check_outputs() ?: select_init();

	for (size_t i = 0; i < set.redact_params.n && !err; i++)
		err = redact_add_param(&redact, set.redact_params.v[i]);
	if (!err && set.sample == 1 && (set.keep_errors || set.keep_slow_ns))
		err = fail(-EINVAL, "--keep-errors and --keep-slow say what --sample is not to "
				    "leave out: which traces are to be left out?");
	while (size < set.ring_kib)
		size *= 2;
	set.ring_kib = size;
	return err ?: take_cpus();
}

int main(int argc, char **argv)
{
	struct opt_words words;
	int err;

	opts_parse(&tool, argc, argv, &words);
	err = check_settings();
	if (err) {
		log_error("%s", fail_text(err));
		return 2;
	}
	return live_run();
}
