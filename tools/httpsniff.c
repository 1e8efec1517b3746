// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * httpsniff: what was said?
 */
#include "httpsniff_parts.h"
#include "log.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

struct settings set = {
	.max_header = 64 << 10,
	.max_body_text = "64K",
	.color = "auto",
	.direction = "both",
	.sample = 1,
	.ring_kib = 8192,
	.max_conns = 65536,
};
struct redact redact;

static const char *const colors[] = {"auto", "always", "never", NULL};
static const char *const directions[] = {"both", "send", "recv", NULL};

static const struct opt rows[] = {
	{"max-body", 0, "SIZE", OPT_STR, &set.max_body_text, 0, 0,
	 "bytes of each body that are shown (K and M are understood), 0 for none, all for whole",
	 NULL, 0},
	{"max-header", 0, "BYTES", OPT_UINT, &set.max_header, 256, 1 << 20,
	 "bytes of each head that are looked at", NULL, 0},
	{"raw", 0, NULL, OPT_FLAG, &set.raw, 0, 0, "add each message as it was on the wire", NULL,
	 0},
	{"pretty", 0, NULL, OPT_FLAG, &set.pretty, 0, 0,
	 "print messages as a person would read them", NULL, 0},
	{"color", 0, "WHEN", OPT_ENUM, &set.color, 0, 0, "colours of --pretty", colors, 0},
	{"har", 0, "FILE", OPT_STR, &set.har, 0, 0,
	 "write requests with their responses to FILE, as HAR 1.2", NULL, 0},
	{"pcapng", 0, "FILE", OPT_STR, &set.pcapng, 0, 0,
	 "write messages to FILE as TCP segments for Wireshark and tshark; - is standard output",
	 NULL, 0},
	{.kind = OPT_GROUP, .help = "Which messages"},
	{"method", 0, "METHOD[,...]", OPT_LIST, &set.methods, 0, 0,
	 "requests with one of these methods, and their responses", NULL, 0},
	{"path", 0, "GLOB[,...]", OPT_LIST, &set.paths, 0, 0,
	 "requests whose path matches one of these, and their responses", NULL, 0},
	{"host", 0, "GLOB[,...]", OPT_LIST, &set.hosts, 0, 0,
	 "requests to a host that matches one of these, and their responses", NULL, 0},
	{"status", 0, "CODE[,...]", OPT_LIST, &set.statuses, 0, 0,
	 "responses with one of these statuses: 404, 5xx", NULL, 0},
	{"min-size", 0, "BYTES", OPT_UINT, &set.min_size, 0, 0,
	 "messages of at least so many bytes on the wire", NULL, 0},
	{"anomalies", 0, NULL, OPT_FLAG, &set.anomalies, 0, 0,
	 "messages alone that have something odd about them", NULL, 0},
	{"direction", 0, "DIR", OPT_ENUM, &set.direction, 0, 0, "messages sent or received alone",
	 directions, 0},
	{"dedupe", 0, NULL, OPT_FLAG, &set.dedupe, 0, 0,
	 "where both ends are seen, show each message once: as it was sent", NULL, 0},
	{"sample", 0, "N", OPT_UINT, &set.sample, 1, 1 << 20,
	 "look at one connection in N, both ends of it or none", NULL, 0},
	{"rate", 0, "N", OPT_UINT, &set.rate, 0, 1 << 30,
	 "show at most N messages a second; 0 for all", NULL, 0},
	{"unix", 0, NULL, OPT_FLAG, &set.unix_sockets, 0, 0, "unix stream sockets, too", NULL, 0},
	{.kind = OPT_GROUP, .help = "Secrets"},
	{"no-redact", 0, NULL, OPT_FLAG, &set.no_redact, 0, 0,
	 "show credentials, cookies and tokens, which are masked otherwise", NULL, 0},
	{"redact-header", 0, "NAME[,...]", OPT_LIST, &set.redact_headers, 0, 0,
	 "mask the values of these headers, too", NULL, 0},
	{"redact-param", 0, "NAME[,...]", OPT_LIST, &set.redact_params, 0, 0,
	 "mask the values of these query parameters, too", NULL, 0},
	{.kind = OPT_GROUP, .help = "Limits"},
	{"ring-size", 0, "KIB", OPT_UINT, &set.ring_kib, 256, 1 << 20,
	 "size of the ring buffer between kernel and tool, rounded up to a power of two", NULL, 0},
	{"max-conns", 0, "N", OPT_UINT, &set.max_conns, 1, 1 << 22,
	 "connections that are kept in mind at one time", NULL, 0},
	{.kind = OPT_END},
};

static const char *const backends[] = {"auto", "fentry", "tracepoint", "kprobe", NULL};

static const struct opt_tool tool = {
	.name = "httpsniff",
	.summary = "show the HTTP messages that processes send and receive",
	.examples =
		"  httpsniff -p 8080                   all that is said on a port, by either side\n"
		"  httpsniff --pretty -P 1234          by a process, for a person to read\n"
		"  httpsniff --status 5xx -p 80        failures, with the URLs that were asked\n"
		"  httpsniff -j -p 8080 | jq .url      JSON lines\n"
		"  httpsniff --pcapng - -p 80 | tshark -r -\n",
	.opts = rows,
	.backends = backends,
	.network = true,
};

/* "0", "all", "1500", "64K", "2M" */
static int parse_max_body(void)
{
	const char *s = set.max_body_text;
	uint64_t n = 0, unit = 1;
	size_t i = 0;

	if (!strcmp(s, "all")) {
		set.max_body = UINT64_MAX;
		return 0;
	}
	for (; s[i] >= '0' && s[i] <= '9' && i < 10; i++)
		n = n * 10 + (uint64_t)(s[i] - '0');
	if (s[i] == 'K' || s[i] == 'k')
		unit = 1 << 10;
	if (s[i] == 'M' || s[i] == 'm')
		unit = 1 << 20;
	if (!i || s[i + (unit > 1)] || n * unit > 1U << 30)
		return fail(-EINVAL, "--max-body %s: a number of bytes up to 1024M, or all", s);
	set.max_body = n * unit;
	return 0;
}

static int check_settings(void)
{
	int outputs = set.pretty + std.json + (set.pcapng && !strcmp(set.pcapng, "-"));
	uint64_t size = 64;
	int err = parse_max_body() ?: select_init();

	for (size_t i = 0; i < set.redact_headers.n && !err; i++)
		err = redact_add_header(&redact, set.redact_headers.v[i]);
	for (size_t i = 0; i < set.redact_params.n && !err; i++)
		err = redact_add_param(&redact, set.redact_params.v[i]);
	if (err)
		return err;
	if (outputs > 1)
		return fail(-EINVAL,
			    "of --json, --pretty and --pcapng - only one can have standard "
			    "output");
	if (std.replay && std.record)
		return fail(-EINVAL, "--replay and --record exclude each other");
	while (size < set.ring_kib)
		size *= 2;
	set.ring_kib = size;
	return 0;
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
