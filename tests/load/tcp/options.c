// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The command line. main.c's head explains it. */
#include <getopt.h>
#include "tcp.h"
#include "process.h"

struct options opt;
const struct tcp_case *the_case;

static void help(void)
{
	printf("usage: tcp [OPTION...] CASE\n"
	       "  -n N  -c N  --threads  --service MS  --slow-read MS  --size REQ,RESP  -d SEC\n"
	       "  -s S  -4  -6  --mapped  -p PORT  --pin CLIENT,SERVER  --stamps  -w  --can\n");
	for (const struct tcp_case *c = cases; c->name; c++)
		printf("  %-16s%s\n", c->name, c->help);
	exit(0);
}

/* "A,B" */
static void two(const char *what, const char *s, uint64_t *a, uint64_t *b, uint64_t max)
{
	const char *comma = strchr(s, ',');
	char first[32] = "";

	if (comma && comma - s < (int)sizeof(first))
		memcpy(first, s, comma - s);
	*a = number(what, first, 0, max);
	*b = number(what, comma ? comma + 1 : "", 0, max);
}

static int64_t ms_of_seconds(const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !(v >= 0 && v <= 3600)) {
		fprintf(stderr, "-s: \"%s\" is not a number from 0 to 3600\n", s);
		exit(2);
	}
	return v * 1000;
}

enum { SERVICE = 256, SLOW_READ, SIZE, MAPPED, THREADS, STAMPS, PIN, CAN };

static const struct option longs[] = {
	{"turns", 1, NULL, 'n'},
	{"connections", 1, NULL, 'c'},
	{"duration", 1, NULL, 'd'},
	{"seconds", 1, NULL, 's'},
	{"port", 1, NULL, 'p'},
	{"wait", 0, NULL, 'w'},
	{"help", 0, NULL, 'h'},
	{"service", 1, NULL, SERVICE},
	{"slow-read", 1, NULL, SLOW_READ},
	{"size", 1, NULL, SIZE},
	{"mapped", 0, NULL, MAPPED},
	{"threads", 0, NULL, THREADS},
	{"stamps", 0, NULL, STAMPS},
	{"pin", 1, NULL, PIN},
	{"can", 0, NULL, CAN},
	{},
};

static void parse_pair(int o)
{
	uint64_t a, b;

	if (o == SIZE) {
		two("--size", optarg, &a, &b, 1u << 30);
		opt.req = a;
		opt.resp = b;
	} else {
		two("--pin", optarg, &a, &b, 1023);
		opt.pin_client = a;
		opt.pin_server = b;
	}
}

static void parse_one(int o)
{
	switch (o) {
	case 'n': opt.turns = number("-n", optarg, 1, 10000000); break;
	case 'c': opt.conns = number("-c", optarg, 1, 200000); break;
	case 'd': opt.sec = number("-d", optarg, 1, 3600); break;
	case 's': opt.service_ms = ms_of_seconds(optarg); break;
	case 'p': opt.port = number("-p", optarg, 1, 65535); break;
	case 'w': opt.wait = true; break;
	case '4': opt.family = AF_INET; break;
	case '6': opt.family = AF_INET6; break;
	case MAPPED:
		opt.family = AF_INET6;
		opt.mapped = true;
		break;
	case SERVICE: opt.service_ms = number("--service", optarg, 0, 3600000); break;
	case SLOW_READ: opt.slow_ms = number("--slow-read", optarg, 0, 3600000); break;
	case SIZE:
	case PIN: parse_pair(o); break;
	case THREADS: opt.threads = true; break;
	case STAMPS: opt.stamps = true; break;
	case CAN: opt.can = true; break;
	case 'h': help(); break;
	default: exit(2);
	}
}

/* What was given, else what the case wants, else what the program wants. */
static void settle(int64_t *v, int64_t wanted, int64_t otherwise)
{
	if (*v < 0)
		*v = wanted == NONE ? 0 : wanted ?: otherwise;
}

void parse(int argc, char **argv)
{
	const struct tcp_case *c = cases;
	int o;

	opt = (struct options){-1, -1, -1, -1, -1, -1, -1, .family = AF_INET};
	opt.pin_client = opt.pin_server = -1;
	while ((o = getopt_long(argc, argv, "n:c:d:s:p:w46h", longs, NULL)) >= 0)
		parse_one(o);
	if (optind != argc - 1) {
		fprintf(stderr, "tcp: one case is wanted; --help lists them\n");
		exit(2);
	}
	while (c->name && strcmp(c->name, argv[optind]))
		c++;
	if (!c->name) {
		fprintf(stderr, "tcp: no case \"%s\"; --help lists them\n", argv[optind]);
		exit(2);
	}
	the_case = c;
	settle(&opt.turns, c->turns, 20);
	settle(&opt.conns, c->conns, 1);
	settle(&opt.service_ms, c->service_ms, 2);
	settle(&opt.slow_ms, c->slow_ms, 20);
	settle(&opt.sec, c->sec, 1);
	settle(&opt.req, c->req, 100);
	settle(&opt.resp, c->resp, 200);
}
