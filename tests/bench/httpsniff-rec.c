// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * httpsniff-rec DIR small|large MESSAGES: writes DIR/httpsniff-small.rec or
 * DIR/httpsniff-large.rec, so many messages as a server's kernel half tells of them, half of them
 * requests:
 *   small   a short GET, and an answer with eight headers and a body of 128 bytes, each in one
 *           call; 32 connections in turn
 *   large   a short GET, and an answer with a body of 1 MiB, which is text, in records of 32 KiB
 */
#pragma GCC diagnostic ignored "-Wunused-function" /* not all of the world is needed */
#include "../golden/httpsniff-world.h"
#include "../../common/escape.c"
#include "../../common/log.c"
#include "../../common/record.c"

#define CONNS 32
#define BODY  (1 << 20)
#define PIECE (32 << 10)

static const char ask[] = "GET /api/v1/things/1234?limit=20 HTTP/1.1\r\n"
			  "Host: bench.example\r\nUser-Agent: wrk/4.1.0\r\nAccept: */*\r\n\r\n";
static const char head[] = "HTTP/1.1 200 OK\r\n"
			   "Server: nginx/1.22.1\r\n"
			   "Date: Fri, 20 Nov 2026 17:00:00 GMT\r\n"
			   "Content-Type: application/json\r\n"
			   "Content-Length: %d\r\n"
			   "Last-Modified: Fri, 20 Nov 2026 16:00:00 GMT\r\n"
			   "Connection: keep-alive\r\n"
			   "ETag: \"655b8c00-80\"\r\n"
			   "Accept-Ranges: bytes\r\n\r\n";

static size_t json(char *to, size_t n)
{
	static const char text[] =
		"{\"id\": 1234, \"name\": \"a thing\", \"tags\": [\"one\", \"two\"]},\n";

	for (size_t i = 0; i < n; i++)
		to[i] = text[i % (sizeof(text) - 1)];
	return n;
}

static void small(struct conn *c)
{
	char answer[1024];
	size_t n = snprintf(answer, sizeof(answer), head, 128);

	n += json(answer + n, 128);
	READS(c, ask);
	says(c, CAP_SEND, answer, n);
}

static void large(struct conn *c)
{
	static char body[BODY];
	char answer[1024];
	size_t n = snprintf(answer, sizeof(answer), head, BODY);

	if (!body[0])
		json(body, BODY);
	READS(c, ask);
	says(c, CAP_SEND, answer, n);
	for (size_t at = 0; at < BODY; at += PIECE)
		says(c, CAP_SEND, body + at, PIECE);
}

int main(int argc, char **argv)
{
	struct cap_start_rec s = start();
	static struct conn conns[CONNS];
	bool is_small = argc == 4 && !strcmp(argv[2], "small");
	long n = argc == 4 ? atol(argv[3]) : 0;
	struct who nginx;

	if (n < 2 || (!is_small && strcmp(argv[2], "large"))) {
		fprintf(stderr, "usage: httpsniff-rec DIR small|large MESSAGES\n");
		return 2;
	}
	dir = argv[1];
	s.max_body = UINT64_MAX;
	begin(argv[2], &s);
	nginx = PROCESS(800, "nginx", "nginx: worker process");
	for (int i = 0; i < CONNS; i++)
		conns[i] = told(i + 1, CAP_ROLE_SERVER, nginx);
	for (long i = 0; i < n / 2; i++)
		(is_small ? small : large)(&conns[i % CONNS]);
	for (int i = 0; i < CONNS; i++)
		closes(&conns[i], false);
	poll_ends(true);
	end();
	return 0;
}
