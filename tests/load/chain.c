// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * chain: services that call one another, and know which request caused which.
 *
 *	chain ask -p PORT [-c CLIENTS] [-n REQUESTS] [OPTION...]	the clients at one end
 *		--close			a connection for each request
 *		--unique		a path for each request; else all have the same
 *		--trace, --request-id, --b3	the requests carry ids for tracers
 *		--rate N		requests a second, of all clients (0: no limit)
 *		--fail N		each Nth request is one that the last service answers by 500
 *		--slow N,MS		each Nth is one that the last service takes MS for
 *	chain serve [-p PORT] [OPTION...]	a service, a thread for each connection
 *		--name NAME		in the truth; its first letter in X-Hop (last)
 *		--next PORT		asks the service there before it answers
 *		--calls N		... N times, one after the other
 *		--pool N		... by N threads that have nothing else to do
 *		--delay MS		lets so much time go by before it answers
 *	both: --truth FILE (default: stdout); -a ADDRESS (127.0.0.1)
 *
 * Each request on a connection has two headers by which it can be told from all others, whatever
 * else is the same: X-Chain-Id, the number that the client gave and that all requests have which
 * were caused by its own; and X-Hop, the way there: "c", then for each service that called on its
 * letter and the number of the call: "c.g1.p1". So "c.g1" caused "c.g1.p1". The services in Python,
 * Go and nginx keep to that, too.
 *
 * A server prints "listening PORT" when it listens, and ends by SIGTERM. The truth is one JSON line
 * for each request that a service read, and for each that chain ask sent:
 *
 * {"type":"served" or "made","service","chain","hop"
 *	"server_port","client_port"	of the connection. Requests of a connection stand in order
 *	"pid","tid"	who read the request (0: the service does not know)
 *	"begin_ns","end_ns"	wall clock: from when the request was there (made: before it
 *			was sent) to before the answer was sent (made: after it was there)
 *	"answer_bytes"	made: of the answer, on the wire, where that is not in chunks
 * }
 *
 * Exit status: 0; 1 when an answer is not that of the request; 2 usage.
 */
#include <getopt.h>
#include "chain_ask.h"
#include "chain_serve.h"

static uint64_t begun; /* requests that are taken */

static void ids(struct head *h, uint64_t n)
{
	uint64_t mixed = (n + 1) * 0x9e3779b97f4a7c15;
	char *p = h->rest;

	*p = '\0';
	if (opt.trace)
		p += sprintf(p, "traceparent: 00-%016llx%016llx-%016llx-01\r\n",
			     (unsigned long long)mixed, (unsigned long long)n + 1,
			     (unsigned long long)mixed ^ 0xc0ffee);
	if (opt.b3)
		p += sprintf(p, "b3: %016llx%016llx-%016llx-1\r\n", (unsigned long long)mixed,
			     (unsigned long long)n + 1, (unsigned long long)mixed ^ 0xb3);
	if (opt.request_id)
		sprintf(p, "X-Request-ID: request-%llu\r\n", (unsigned long long)n);
}

static void *client(void *arg)
{
	struct line *l = calloc(1, sizeof(*l));
	uint64_t n, start = now_ns();
	struct head h;

	while (l && !broken &&
	       (n = __atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED)) < opt.requests) {
		bool fails = opt.fail_each && n % opt.fail_each == 0;
		bool slow = opt.slow_each && n % opt.slow_each == 0;
		uint64_t at = opt.rate ? start + n * 1000000000u / opt.rate : 0, now = now_ns();

		if (at > now)
			sleep_ns(at - now);
		sprintf(h.chain, "%llu", (unsigned long long)n);
		strcpy(h.hop, "c");
		sprintf(h.path,
			fails	     ? "/fail"
			: slow	     ? "/slow/%llu"
			: opt.unique ? "/item/%llu"
				     : "/item",
			(unsigned long long)(slow ? opt.slow_ms : n));
		ids(&h, n);
		if (ask(l, opt.port, &h, true) != (fails ? 500 : 200))
			broken = true;
	}
	if (l)
		hang_up(l);
	free(l);
	return arg;
}

static int ask_all(void)
{
	pthread_t threads[CLIENTS_MAX];

	for (uint64_t i = 0; i < opt.clients; i++) {
		errno = pthread_create(&threads[i], NULL, client, NULL);
		if (errno) {
			perror("pthread_create");
			return 1;
		}
	}
	for (uint64_t i = 0; i < opt.clients; i++)
		pthread_join(threads[i], NULL);
	return broken;
}

static const struct option longs[] = {
	{"close", 0, NULL, 'C'},      {"unique", 0, NULL, 'U'}, {"trace", 0, NULL, 'T'},
	{"request-id", 0, NULL, 'R'}, {"b3", 0, NULL, 'B'},	{"rate", 1, NULL, 'r'},
	{"fail", 1, NULL, 'F'},	      {"slow", 1, NULL, 'S'},	{"name", 1, NULL, 'N'},
	{"next", 1, NULL, 'x'},	      {"calls", 1, NULL, 'k'},	{"pool", 1, NULL, 'o'},
	{"delay", 1, NULL, 'd'},      {"truth", 1, NULL, 't'},	{},
};

static void open_truth(const char *path)
{
	truth = fopen(path, "a");
	if (!truth) {
		perror(path);
		exit(1);
	}
}

static bool take(int c)
{
	char *ms;

	switch (c) {
	case 'a': opt.address = optarg; break;
	case 'p': opt.port = number("-p", optarg, 0, 65535); break;
	case 'c': opt.clients = number("-c", optarg, 1, CLIENTS_MAX); break;
	case 'n': opt.requests = number("-n", optarg, 1, 1u << 30); break;
	case 'C': opt.close = true; break;
	case 'U': opt.unique = true; break;
	case 'T': opt.trace = true; break;
	case 'R': opt.request_id = true; break;
	case 'B': opt.b3 = true; break;
	case 'r': opt.rate = number("--rate", optarg, 0, 1000000); break;
	case 'F': opt.fail_each = number("--fail", optarg, 1, 1u << 30); break;
	case 'S':
		ms = strchr(optarg, ',') ?: optarg;
		opt.slow_ms = number("--slow", *ms ? ms + 1 : "", 1, 60000);
		*ms = '\0';
		opt.slow_each = number("--slow", optarg, 1, 1u << 30);
		break;
	case 'N': opt.name = optarg; break;
	case 'x': opt.next = number("--next", optarg, 1, 65535); break;
	case 'k': opt.calls = number("--calls", optarg, 1, 100); break;
	case 'o': opt.pool = number("--pool", optarg, 1, 1000); break;
	case 'd': opt.delay_ms = number("--delay", optarg, 0, 60000); break;
	case 't': open_truth(optarg); break;
	default: return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	bool good = argc > 1;
	int c;

	truth = stdout;
	opt.serve = good && !strcmp(argv[1], "serve");
	good = good && (opt.serve || !strcmp(argv[1], "ask"));
	optind = 2;
	while (good && (c = getopt_long(argc, argv, "a:p:c:n:", longs, NULL)) != -1)
		good = take(c);
	if (!good || optind != argc || (!opt.serve && !opt.port)) {
		fprintf(stderr, "usage: chain serve|ask [-p PORT] [OPTION...]\n");
		return 2;
	}
	if (!opt.serve)
		opt.name = "client";
	signal(SIGPIPE, SIG_IGN);
	c = opt.serve ? serve_all() : ask_all();
	return fflush(truth) ? 1 : c;
}
