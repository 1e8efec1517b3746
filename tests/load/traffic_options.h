/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TRAFFIC_OPTIONS_H
#define TRAFFIC_OPTIONS_H
/*
 * What traffic.c is told to do: its command line, and the order of the paths that follows from it.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <sys/un.h>
#include "http.h"
#include "load.h"

#define PATHS_MAX  32
#define WEIGHT_MAX 1000

static struct {
	uint64_t conns, requests, rate, sec, post;
	struct sockaddr_storage addr;
	socklen_t addrlen;
	const char *host;
} opt = {.conns = 4, .requests = 100000, .rate = 50, .sec = 60, .post = 200};

static struct {
	char *name;
	uint64_t weight, sent;
} paths[PATHS_MAX];
static int npaths;
static uint64_t weights;
static unsigned char schedule[PATHS_MAX * WEIGHT_MAX]; /* one round: weights entries */

static void usage(const char *why, const char *what)
{
	fprintf(stderr,
		"%s: %s\nusage: traffic [-c CONNS] [-n REQUESTS] [-r RATE] [-d SECONDS] [-b BYTES] "
		"HOST:PORT [PATH=WEIGHT...]\n",
		what, why);
	exit(2);
}

/* Only this machine: a load generator must not be pointed at anybody else's by a slip. */
static void set_address(char *host)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)&opt.addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&opt.addr;
	struct sockaddr_un *un = (struct sockaddr_un *)&opt.addr;
	char ip[64], *colon = strrchr(host, ':');
	uint16_t port;

	if (!strncmp(host, "unix:", 5)) {
		if (strlen(host + 5) >= sizeof(un->sun_path))
			usage("longer than a socket's name may be", host);
		un->sun_family = AF_UNIX;
		strcpy(un->sun_path, host + 5);
		opt.addrlen = sizeof(*un);
		opt.host = "localhost";
		return;
	}
	if (!colon || colon - host >= (int)sizeof(ip))
		usage("not HOST:PORT", host);
	opt.host = host;
	port = number("PORT", colon + 1, 1, 65535);
	snprintf(ip, sizeof(ip), "%.*s", (int)(colon - host), host);
	if (!strcmp(ip, "[::1]")) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		in6->sin6_addr = in6addr_loopback;
		opt.addrlen = sizeof(*in6);
		return;
	}
	in4->sin_family = AF_INET;
	in4->sin_port = htons(port);
	opt.addrlen = sizeof(*in4);
	if (inet_pton(AF_INET, strcmp(ip, "localhost") ? ip : "127.0.0.1", &in4->sin_addr) != 1 ||
	    ntohl(in4->sin_addr.s_addr) >> 24 != 127)
		usage("not a loopback address", host);
}

static void add_path(char *arg)
{
	char *eq = strrchr(arg, '=');
	/* the '=' of "/slow?ms=5" is the query's, unless another one follows */
	bool query = eq && strchr(arg, '?') && strchr(arg, '=') == eq;

	if (npaths == PATHS_MAX || *arg != '/' || strlen(arg) > 1000 || strpbrk(arg, " \r\n\"\\"))
		usage("not a PATH=WEIGHT, or one too many", arg);
	paths[npaths].weight = eq && !query ? number("WEIGHT", eq + 1, 1, WEIGHT_MAX) : 1;
	if (eq && !query)
		*eq = '\0';
	paths[npaths++].name = arg;
}

/* Lays out one round so that each path is spread over it, as weighted round-robin balancers do. */
static void make_schedule(void)
{
	int64_t credit[PATHS_MAX] = {0};

	for (int i = 0; i < npaths; i++)
		weights += paths[i].weight;
	for (uint64_t at = 0; at < weights; at++) {
		int best = 0;

		for (int i = 0; i < npaths; i++) {
			credit[i] += paths[i].weight;
			if (credit[i] > credit[best])
				best = i;
		}
		credit[best] -= weights;
		schedule[at] = best;
	}
}

static void parse(int argc, char **argv)
{
	static char defaults[][16] = {"/=5", "/healthz=3", "/echo=2"};
	int o;

	while ((o = getopt(argc, argv, "c:n:r:d:b:")) != -1) {
		switch (o) {
		case 'c': opt.conns = number("-c", optarg, 1, 1000); break;
		case 'n': opt.requests = number("-n", optarg, 1, 1000000); break;
		case 'r': opt.rate = number("-r", optarg, 0, 1000000); break;
		case 'd': opt.sec = number("-d", optarg, 1, 3600); break;
		case 'b': opt.post = number("-b", optarg, 0, BODY_MAX); break;
		default: usage("unknown option", argv[optind - 1]);
		}
	}
	if (optind == argc)
		usage("no HOST:PORT", "traffic");
	set_address(argv[optind++]);
	while (optind < argc)
		add_path(argv[optind++]);
	if (!npaths) {
		for (int i = 0; i < 3; i++)
			add_path(defaults[i]);
	}
	make_schedule();
}
#endif
