// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * httptrace-rec DIR KIND TRANSACTIONS: writes DIR/httptrace-KIND.rec, what the kernel half tells of
 * so many, heads alone:
 *   server   a GET and its answer, at the server's end; 32 connections in turn
 *   both     the same at both ends, which are joined: two transactions for each request
 *   chain    a client asks a Go service, which asks another, which asks a third: by turns with
 *            traceparent in the heads, and without; six transactions for each request
 *   open     requests that are never answered, one to a connection
 *   open10   the same, ten to a connection
 */
#pragma GCC diagnostic ignored "-Wunused-function" /* not all of the world is needed */
#include "../golden/httpsniff-world.h"
#include "../../common/escape.c"
#include "../../common/log.c"
#include "../../common/record.c"

#define CONNS 32
#define BODY  612

static const char ask[] = "GET /api/v1/things/1234?limit=20 HTTP/1.1\r\n"
			  "Host: bench.example\r\nUser-Agent: wrk/4.1.0\r\nAccept: */*\r\n\r\n";
static const char head[] = "HTTP/1.1 200 OK\r\n"
			   "Server: nginx/1.22.1\r\n"
			   "Date: Fri, 20 Nov 2026 17:00:00 GMT\r\n"
			   "Content-Type: application/json\r\n"
			   "Content-Length: 612\r\n"
			   "Last-Modified: Fri, 20 Nov 2026 16:00:00 GMT\r\n"
			   "Connection: keep-alive\r\n"
			   "ETag: \"655b8c00-80\"\r\n"
			   "Accept-Ranges: bytes\r\n\r\n";

/* One request in a chain, seen at both ends. */
struct link {
	struct conn c, s;
};

/* The head is there, the body is not. */
static void answers(struct conn *c, int to)
{
	moved(c, to, head, sizeof(head) - 1 + BODY, sizeof(head) - 1, CAP_LIMIT);
}

static struct link linked(uint64_t id, struct who client, struct who server)
{
	struct link l = {.c = conn(id, CAP_ROLE_CLIENT, client)};

	l.c.r.flow.netns = NETNS;
	/* A port for each, so that no two have the same ends. */
	l.c.r.flow.remote_port = 8000 + id % 50000 / 2;
	tell(&l.c);
	l.s = peer_of(&l.c, id + 1, server);
	return l;
}

static void asks(struct link *l, const char *text)
{
	size_t n = strlen(text);

	says(&l->c, CAP_SEND, text, n);
	says(&l->s, CAP_RECV, text, n);
}

static void answered(struct link *l)
{
	answers(&l->s, CAP_SEND);
	answers(&l->c, CAP_RECV);
}

static void server(long n, struct who nginx)
{
	static struct conn c[CONNS];

	for (int i = 0; i < CONNS; i++)
		c[i] = told(i + 1, CAP_ROLE_SERVER, nginx);
	for (long i = 0; i < n; i++) {
		READS(&c[i % CONNS], ask);
		answers(&c[i % CONNS], CAP_SEND);
	}
	for (int i = 0; i < CONNS; i++)
		closes(&c[i], false);
}

static void both(long n, struct who nginx)
{
	static struct link l[CONNS];
	struct who wrk = PROCESS(700, "wrk", "wrk");

	for (int i = 0; i < CONNS; i++)
		l[i] = linked(2 * i + 1, wrk, nginx);
	for (long i = 0; i < n / 2; i++) {
		asks(&l[i % CONNS], ask);
		answered(&l[i % CONNS]);
	}
	for (int i = 0; i < CONNS; i++) {
		closes(&l[i].c, false);
		closes(&l[i].s, false);
	}
}

/* What a hop of request i sends; from the third one on its id names the hop. */
static const char *words(long i, int hop)
{
	static char text[512];
	int len = snprintf(text, sizeof(text),
			   "GET /page/%ld/%d HTTP/1.1\r\nHost: shop.example\r\n", i, hop);

	if (i % 2 == 0)
		len += snprintf(text + len, sizeof(text) - len,
				"traceparent: 00-%032lx-%015lx%d-01\r\n", i + 1, i + 1, hop + 1);
	snprintf(text + len, sizeof(text) - len, "Accept: */*\r\n\r\n");
	return text;
}

#define HOPS 3

static void chain(long n, struct who nginx)
{
	static struct link l[CONNS][HOPS];
	struct who who[HOPS + 1] = {PROCESS(700, "client", "client"), nginx,
				    PROCESS(810, "shop", "shop"), PROCESS(820, "stock", "stock")};

	for (int i = 0; i < CONNS; i++) {
		for (int k = 0; k < HOPS; k++) {
			struct who from = who[k], to = who[k + 1];

			/* Each connection has a goroutine of its own, on one of four threads. */
			from.tid += from.pid + i % 4;
			to.tid += to.pid + i % 4;
			from.goid = k ? 100 + i : 0;
			to.goid = 100 + i;
			l[i][k] = linked(2 * (i * HOPS + k) + 1, from, to);
		}
	}
	for (long i = 0; i < n / (2 * HOPS); i++) {
		for (int k = 0; k < HOPS; k++)
			asks(&l[i % CONNS][k], words(i, k));
		for (int k = HOPS; k--;)
			answered(&l[i % CONNS][k]);
	}
}

static void open_ones(long n, struct who nginx, int each)
{
	for (long i = 0; i < n; i += each) {
		struct conn c = conn(i + 1, CAP_ROLE_SERVER, nginx);

		/* There are more of them than ports. */
		c.r.flow.remote[1] = v4(10, 1, i >> 24 & 255, i >> 16 & 255);
		tell(&c);
		for (int k = 0; k < each; k++)
			READS(&c, ask);
	}
}

int main(int argc, char **argv)
{
	struct cap_start_rec s = start();
	const char *kind = argc == 4 ? argv[2] : "";
	long n = argc == 4 ? atol(argv[3]) : 0;
	struct who nginx;

	dir = argv[1];
	tool = "httptrace";
	s.max_body = 0;
	s.max_header = 16384;
	if (n < 1)
		goto usage;
	begin(kind, &s);
	nginx = PROCESS(800, "nginx", "nginx: worker process");
	if (!strcmp(kind, "server"))
		server(n, nginx);
	else if (!strcmp(kind, "both"))
		both(n, nginx);
	else if (!strcmp(kind, "chain"))
		chain(n, nginx);
	else if (!strcmp(kind, "open"))
		open_ones(n, nginx, 1);
	else if (!strcmp(kind, "open10"))
		open_ones(n, nginx, 10);
	else
		goto usage;
	poll_ends(true);
	end();
	return 0;
usage:
	fprintf(stderr, "usage: httptrace-rec DIR server|both|chain|open|open10 TRANSACTIONS\n");
	return 2;
}
