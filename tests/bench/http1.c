// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * usage: http1 [SECONDS]
 *
 * What the parser does on one core, as one JSON object: pairs of small messages in a second (one
 * after the other, and 16 pipelined in a piece), of larger ones as browsers send them, gigabytes of
 * bodies a second (by length, in chunks, until the close; pieces of 64 KiB, handed over unread, so
 * these say what framing costs), what a search for a lost place takes, and the bytes of an idle
 * connection. CPU time, SECONDS (0.5) for each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../../common/http1.c"
#include "../../common/http1_body.c"
#include "../../common/http1_doubt.c"
#include "../../common/http1_frame.c"
#include "../../common/http1_head.c"
#include "../../common/http1_msg.c"
#include "../../common/http1_name.c"
#include "../../common/http1_pair.c"
#include "../../common/http1_start.c"
#include "../../common/http1_sync.c"
#include "../../common/http1_tls.c"

#define BLOCK (64 << 10)

static double seconds = 0.5;
static uint64_t seen; /* of bodies and headers: the compiler must not see that nobody looks */

static void on_head(void *ctx, struct http1_msg *m)
{
	seen += m->nheaders + m->target.len;
}

static void on_body(void *ctx, struct http1_msg *m, const void *data, uint64_t n)
{
	seen += n;
}

static void on_end(void *ctx, struct http1_msg *m)
{
	seen += m->wire_bytes;
}

static const struct http1_ops ops = {.head = on_head, .body = on_body, .end = on_end};

static const char get[] = "GET /plaintext HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";
static const char small[] =
	"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\n"
	"Content-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\n"
	"Hello, World!";
static const char browser[] =
	"GET /static/app.4f2e1c.js?v=12 HTTP/1.1\r\nHost: www.example.com\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
	"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
	"Referer: https://www.example.com/index.html\r\nConnection: keep-alive\r\n"
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; lang=en\r\n"
	"Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: script\r\nSec-Fetch-Mode: no-cors\r\n"
	"Sec-Fetch-Site: same-origin\r\nIf-None-Match: \"65a1b2c3-1f40\"\r\n\r\n";
static const char reply[] =
	"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\n"
	"Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"
	"Connection: keep-alive\r\nVary: Accept-Encoding\r\nCache-Control: private, max-age=0\r\n"
	"X-Request-Id: 7d14a3f4-9b52-f822-814d-9bb6f87cb603\r\nX-Frame-Options: SAMEORIGIN\r\n"
	"Strict-Transport-Security: max-age=31536000\r\nETag: W/\"65a1b2c3-1f40\"\r\n\r\n"
	"20\r\n{\"status\":\"ok\",\"items\":[1,2,3]}\n\r\n0\r\n\r\n";

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void feed(struct http1 *c, int dir, const char *s, size_t n, uint64_t ns)
{
	if (http1_data(c, dir, s, n, ns))
		abort();
}

/* Pairs a second, deep of them in a piece; connections take turns, as they do on a server. */
static double pairs(struct http1_parser *p, const char *q, const char *r, int deep, int conns)
{
	struct http1 **c = calloc(conns, sizeof(*c));
	size_t nq = strlen(q), nr = strlen(r);
	char *many = malloc((nq + nr) * deep), *answers = many + nq * deep;
	uint64_t done = 0;
	double start;

	for (int i = 0; i < deep; i++) {
		memcpy(many + i * nq, q, nq);
		memcpy(answers + i * nr, r, nr);
	}
	for (int i = 0; i < conns; i++)
		c[i] = http1_open(p, NULL, 0, false);
	for (start = now(); now() - start < seconds;) {
		for (int i = 0; i < 1000; i++) {
			feed(c[done % conns], 0, many, nq * deep, done + 1);
			feed(c[done % conns], 1, answers, nr * deep, done + 2);
			done++;
		}
	}
	start = now() - start;
	for (int i = 0; i < conns; i++) {
		if (http1_bytes(c[i], 1)->skipped)
			abort();
		http1_free(c[i]);
	}
	free(c);
	free(many);
	return done * deep / start;
}

/* GB/s of a response's body whose pieces are block (n bytes), after head. */
static double body(struct http1_parser *p, const char *head, const char *block, size_t n)
{
	struct http1 *c = http1_open(p, NULL, 0, false);
	uint64_t done = 0;
	double start;

	feed(c, 0, get, sizeof(get) - 1, 1);
	feed(c, 1, head, strlen(head), 2);
	for (start = now(); now() - start < seconds;)
		for (int i = 0; i < 100; i++) {
			feed(c, 1, block, n, done);
			done += n;
		}
	start = now() - start;
	http1_free(c);
	return done / start / 1e9;
}

/* The same of what is searched: lines of text of some 60 bytes. */
static double search(struct http1_parser *p, const char *block, size_t n)
{
	struct http1 *c = http1_open(p, NULL, 0, true);
	uint64_t done = 0;
	double start;

	for (start = now(); now() - start < seconds; done += n)
		feed(c, 1, block, n, done);
	start = now() - start;
	http1_free(c);
	return done / start / 1e9;
}

/* Chunks of size bytes that fill a block; returns its length. */
static size_t chunks(char *block, size_t size)
{
	size_t n = 0;

	while (n + size + 20 < BLOCK) {
		n += sprintf(block + n, "%zx\r\n", size);
		memset(block + n, 'x', size);
		n += size;
		memcpy(block + n, "\r\n", 2);
		n += 2;
	}
	return n;
}

static void bodies(struct http1_parser *p)
{
	static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	static char block[BLOCK];
	size_t n;

	memset(block, 'x', BLOCK);
	printf(",\"length_gb_per_s\":%.1f",
	       body(p, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\n", block,
		    BLOCK));
	printf(",\"until_close_gb_per_s\":%.1f", body(p, "HTTP/1.1 200 OK\r\n\r\n", block, BLOCK));
	n = chunks(block, 8192);
	printf(",\"chunks_8k_gb_per_s\":%.1f", body(p, chunked, block, n));
	n = chunks(block, 100);
	printf(",\"chunks_100_gb_per_s\":%.2f", body(p, chunked, block, n));
	for (n = 0; n + 64 < BLOCK; n += 62)
		memcpy(block + n,
		       "the quick brown fox jumps over the lazy dog, and it looks up\r\n", 62);
	printf(",\"search_text_gb_per_s\":%.2f", search(p, block, n));
}

int main(int argc, char **argv)
{
	struct http1_parser *p = http1_new(&ops, NULL);

	if (argc > 1)
		seconds = atof(argv[1]);
	printf("{\"small_pairs_per_s\":%.0f", pairs(p, get, small, 1, 1));
	printf(",\"small_pairs_10000_connections_per_s\":%.0f", pairs(p, get, small, 1, 10000));
	printf(",\"small_pairs_pipelined_16_per_s\":%.0f", pairs(p, get, small, 16, 1));
	printf(",\"browser_pairs_per_s\":%.0f", pairs(p, browser, reply, 1, 1));
	bodies(p);
	printf(",\"idle_connection_bytes\":%zu,\"message_bytes\":%zu}\n", sizeof(struct http1),
	       sizeof(struct msg) + TEXT + HEADERS * sizeof(struct http1_header));
	http1_delete(p);
	return seen == 0;
}
