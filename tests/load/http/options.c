// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The command line. main.c's head explains it. */
#include <getopt.h>
#include "http.h"

struct options opt;
const struct http_case *the_case;

static void help(void)
{
	printf("usage: http [OPTION...] CASE [-- IGNORED...]\n"
	       "  -w  -p PORT  -n TIMES  -c CONNECTIONS  --size BYTES  --ms MS  --hold MS\n"
	       "  --send HOW  --recv HOW  --client-send HOW  --client-recv HOW  --server-send HOW\n"
	       "  --server-recv HOW  --buffer BYTES  --threads  --fork  --old  -4  -6  --mapped\n"
	       "  --mptcp  --mptcp-server  --unix PATH  --pair  --netns  --odd-comm  --save DIR  "
	       "--limit SEC  "
	       "--can\n"
	       "http --self-test\n\ncases:\n");
	for (const struct http_case *c = cases; c->name; c++)
		printf("  %-20s%s\n", c->name, c->help);
	printf("\nways to send:\n");
	for (const struct send_how *s = send_hows; s->name; s++)
		printf("  %-20s%s\n", s->name, s->help);
	printf("\nways to receive:\n");
	for (const struct recv_how *r = recv_hows; r->name; r++)
		printf("  %-20s%s\n", r->name, r->help);
	exit(0);
}

const struct send_how *send_how(const char *name)
{
	const struct send_how *s = send_hows;

	while (s->name && strcmp(s->name, name))
		s++;
	return s->name ? s : NULL;
}

const struct recv_how *recv_how(const char *name)
{
	const struct recv_how *r = recv_hows;

	while (r->name && strcmp(r->name, name))
		r++;
	return r->name ? r : NULL;
}

static void unknown(const char *what, const char *name)
{
	fprintf(stderr, "http: no %s \"%s\"; --help lists them\n", what, name);
	exit(2);
}

/* sides: bits */
static void set_send(const char *name, int sides)
{
	const struct send_how *s = send_how(name);

	if (!s)
		unknown("way to send", name);
	for (int i = 0; i < SIDES; i++)
		opt.send[i] = sides & 1 << i ? s : opt.send[i];
}

static void set_recv(const char *name, int sides)
{
	const struct recv_how *r = recv_how(name);

	if (!r)
		unknown("way to receive", name);
	for (int i = 0; i < SIDES; i++)
		opt.recv[i] = sides & 1 << i ? r : opt.recv[i];
}

enum {
	SIZE = 256,
	MS,
	HOLD,
	SEND,
	RECV,
	CLIENT_SEND,
	CLIENT_RECV,
	SERVER_SEND,
	SERVER_RECV,
	BUFFER,
	MPTCP,
	UNIX,
	SAVE,
	LIMIT,
	MAPPED,
	PAIR,
	ON, /* the flags: what *flag_of() says is set */
};

static const struct option longs[] = {
	{"wait", no_argument, NULL, 'w'},
	{"port", required_argument, NULL, 'p'},
	{"times", required_argument, NULL, 'n'},
	{"connections", required_argument, NULL, 'c'},
	{"size", required_argument, NULL, SIZE},
	{"ms", required_argument, NULL, MS},
	{"hold", required_argument, NULL, HOLD},
	{"send", required_argument, NULL, SEND},
	{"recv", required_argument, NULL, RECV},
	{"client-send", required_argument, NULL, CLIENT_SEND},
	{"client-recv", required_argument, NULL, CLIENT_RECV},
	{"server-send", required_argument, NULL, SERVER_SEND},
	{"server-recv", required_argument, NULL, SERVER_RECV},
	{"buffer", required_argument, NULL, BUFFER},
	{"mptcp", no_argument, NULL, MPTCP},
	{"unix", required_argument, NULL, UNIX},
	{"save", required_argument, NULL, SAVE},
	{"limit", required_argument, NULL, LIMIT},
	{"mapped", no_argument, NULL, MAPPED},
	{"pair", no_argument, NULL, PAIR},
	{"help", no_argument, NULL, 'h'},
	{"threads", no_argument, NULL, ON},
	{"fork", no_argument, NULL, ON + 1},
	{"old", no_argument, NULL, ON + 2},
	{"netns", no_argument, NULL, ON + 3},
	{"odd-comm", no_argument, NULL, ON + 4},
	{"can", no_argument, NULL, ON + 5},
	{"spoil", no_argument, NULL, ON + 6}, /* the check of what came fails: it can */
	{"mptcp-server", no_argument, NULL, ON + 7},
	{},
};

static void parse_number(int o)
{
	switch (o) {
	case 'p': opt.port = number("--port", optarg, 0, 65535); break;
	case 'n': opt.times = number("--times", optarg, 1, 100000); break;
	case 'c': opt.conns = number("--connections", optarg, 1, 20000); break;
	case SIZE: opt.size = number("--size", optarg, 0, 256 << 20); break;
	case MS: opt.ms = number("--ms", optarg, 0, 60000); break;
	case HOLD: opt.hold_ms = number("--hold", optarg, 0, 300000); break;
	case BUFFER: opt.buffer = number("--buffer", optarg, 40000, 64 << 20); break;
	case LIMIT: opt.limit_sec = number("--limit", optarg, 1, 3600); break;
	default: exit(2);
	}
}

static void parse_one(int o)
{
	bool *const flags[] = {&opt.threads,  &opt.fork, &opt.old,   &opt.netns,
			       &opt.odd_comm, &opt.can,	 &opt.spoil, &opt.mptcp_server};

	switch (o) {
	case 'h': help(); break;
	case 'w': opt.wait = true; break;
	case '4': opt.family = AF_INET; break;
	case '6': opt.family = AF_INET6; break;
	case MAPPED:
		opt.mapped = true;
		opt.family = AF_INET6;
		break;
	case MPTCP: opt.proto = IPPROTO_MPTCP; break;
	case PAIR:
		opt.pair = true;
		opt.family = AF_UNIX;
		break;
	case UNIX:
		opt.path = optarg;
		opt.family = AF_UNIX;
		break;
	case SAVE: opt.save = optarg; break;
	case SEND: set_send(optarg, 3); break;
	case RECV: set_recv(optarg, 3); break;
	case CLIENT_SEND: set_send(optarg, 1); break;
	case CLIENT_RECV: set_recv(optarg, 1); break;
	case SERVER_SEND: set_send(optarg, 2); break;
	case SERVER_RECV: set_recv(optarg, 2); break;
	default:
		if (o < ON)
			parse_number(o);
		else
			*flags[o - ON] = true;
	}
}

static int64_t settled(int64_t given, int64_t wanted, int64_t otherwise)
{
	return given >= 0 ? given : wanted ?: otherwise;
}

/* What does not go together. */
static void refuse(bool both, const char *what)
{
	if (!both)
		return;
	fprintf(stderr, "http: %s: %s\n", the_case->name, what);
	exit(2);
}

static void settle(void)
{
	const struct http_case *c = the_case;

	refuse(c->flags & ENTRIES && opt.conns >= 0, "its connections are a list: no -c");
	refuse(opt.fork && c->partner != ALONE, "its server is two already: no --fork");
	refuse(c->flags & SAME_PORT && opt.old, "they have one port: no --old");
	refuse(c->flags & TOGETHER && (opt.fork || opt.old), "no --fork and no --old");
	for (int i = 0; i < SIDES; i++)
		refuse(c->flags & TOGETHER &&
			       (!opt.send[i]->call || strcmp(opt.recv[i]->name, "recv")),
		       "requests go in one call, and recv() is what receives");
	refuse((opt.proto || opt.mptcp_server) && opt.family == AF_UNIX,
	       "MPTCP is not for unix sockets");
	opt.times = settled(opt.times, c->times, 3);
	opt.conns = settled(opt.conns, c->entries ? c->entries() : c->conns, 1);
	opt.size = settled(opt.size, c->size, 1000);
	opt.ms = settled(opt.ms, 0, 20);
	opt.hold_ms = settled(opt.hold_ms, c->hold_ms, 0);
	opt.odd_comm |= !!(c->flags & ODD_COMM);
}

void parse(int argc, char **argv)
{
	const struct http_case *c = cases;
	int o;

	opt = (struct options){-1, -1, -1, -1, -1, .family = AF_INET, .buffer = 65536};
	opt.limit_sec = 60;
	set_send("send", 3);
	set_recv("recv", 3);
	while ((o = getopt_long(argc, argv, "n:c:p:w46h", longs, NULL)) >= 0)
		parse_one(o);
	if (optind >= argc || (optind < argc - 1 && strcmp(argv[optind + 1], "--") &&
			       strcmp(argv[optind - 1], "--"))) {
		fprintf(stderr, "http: one case is wanted; --help lists them\n");
		exit(2);
	}
	while (c->name && strcmp(c->name, argv[optind]))
		c++;
	if (!c->name)
		unknown("case", argv[optind]);
	the_case = c;
	settle();
}
