// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Heads masked as messages, line by line or whole, are as they would be masked on the wire; and
 * where a head says which host it is for.
 */
#include <stdlib.h>
#include <string.h>
#include "headmask.h"
#include "httphead.h"
#include "unit/t.h"

#define MAX_HEADER 512

static const struct redact none;
static struct http1_parser *parser;
static void (*look)(const struct http1_msg *m);
static const char *wire; /* the head at hand */
static unsigned seen;

static void on_head(void *ctx, struct http1_msg *m)
{
	seen++;
	look(m);
}

static void feed(const char *text)
{
	struct http1 *c = http1_open(parser, NULL, 0, false);

	wire = text;
	http1_data(c, 0, text, strlen(text), 1);
	http1_finish(c);
	http1_free(c);
}

/* --- masked */

static void check_lines(const struct http1_msg *m, const char *want, size_t len)
{
	char *room = malloc(len + 1);

	for (uint32_t i = 0; i <= m->nheaders; i++) {
		uint32_t line = i < m->nheaders ? i : HEADMASK_START;
		size_t at = i < m->nheaders ? m->headers[i].name.at : 0;
		size_t to = i + 1 < m->nheaders ? m->headers[i + 1].name.at : len;
		const char *text;

		if (i == m->nheaders && m->nheaders)
			to = m->headers[0].name.at;
		memset(room, '!', len);
		text = headmask_line(&none, m, line, len, room);
		T_OK(!memcmp(text + at, want + at, to - at));
	}
	free(room);
}

static void check_masked(const struct http1_msg *m)
{
	size_t len = headmask_len(m, MAX_HEADER), size = headmask_room(m, 0, len);
	char *copy = malloc(size + 1), *want = malloc(len + 1);

	copy[size] = 'Z';
	headmask_copy(&none, m, copy, 0, len);
	T_EQ(copy[size], 'Z');
	memcpy(want, wire, len);
	headmask_raw(&none, want, len, true);
	if (!(m->anomalies & HTTP1_OBS_FOLD))
		T_OK(!memcmp(copy, want, len));
	if (headmask_by_line(m))
		check_lines(m, want, len);
	free(copy);
	free(want);
}

static const char *one_of(const char *const *of, size_t n)
{
	return of[rand() % n];
}
#define ONE_OF(a) one_of(a, sizeof(a) / sizeof(*(a)))

static void test_masked(void)
{
	static const char *const targets[] = {
		"/", "/?a=b&token=cd", "/a%3ftoken%3dx", "http://u:p@h/x", "/x@y",
		"*", "h:443",	       "/;sid=12",	 "/a?x=y#key=z"};
	static const char *const names[] = {"Host",
					    "Authorization",
					    "Cookie",
					    "X-Api-Key",
					    "Accept",
					    "Referer",
					    "X-Request-ID",
					    "tracestate",
					    "x",
					    "Set-Cookie",
					    "X-Something-With-A-Name-Longer-Than-Is-Remembered"};
	static const char *const values[] = {
		"",	   "a",	  "Basic eHl6", "a=b; c=d", "http://u:p@h/?sig=x", "plain words",
		"k=1,l=2", "a@b", "%3Fpwd=1"};
	static const char *const ends[] = {"\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r\n "};

	look = check_masked;
	srand(1);
	seen = 0;
	for (int i = 0; i < 20000; i++) {
		char text[2048];
		int n = rand() % 8,
		    at = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n", ONE_OF(targets));

		while (n--)
			at += snprintf(text + at, sizeof(text) - at, "%s: %s%s", ONE_OF(names),
				       ONE_OF(values), n ? ONE_OF(ends) : "\r\n");
		if (rand() % 8)
			snprintf(text + at, sizeof(text) - at, "\r\n");
		feed(text);
	}
	T_EQ(seen, 20000);
}

static void test_folds(void)
{
	/* Behind the line end, others may see a cookie. */
	static const char text[] = "GET / HTTP/1.1\r\nX: a\r\n Cookie: b=c\r\nHost: h\r\n\r\n";

	look = check_masked;
	feed(text);
}

/* --- whose host */

static char hosts[256];

static void note_host(const struct http1_msg *m)
{
	struct http1_span h = head_host(m);

	snprintf(hosts, sizeof(hosts), "%.*s", (int)h.len, m->text + h.at);
}

static void test_host(void)
{
	static const char *const want[][2] = {
		{"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", "a"},
		{"GET / HTTP/1.0\r\n\r\n", ""},
		{"GET / HTTP/1.1\r\nHosts: a\r\nHOST:  b:80 \r\n\r\n", "b:80"},
		{"GET http://c/ HTTP/1.1\r\nHost: a\r\n\r\n", "c"},
		{"GET http://u:p@c:8080?x=@d HTTP/1.1\r\nHost: a\r\n\r\n", "c:8080"},
		{"GET /http://c/ HTTP/1.1\r\nHost: a\r\n\r\n", "a"},
		{"GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", "a"},
		{"CONNECT u@d:443 HTTP/1.1\r\nHost: a\r\n\r\n", "d:443"},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "a"},
	};

	look = note_host;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		strcpy(hosts, "?");
		feed(want[i][0]);
		T_STR(hosts, want[i][1]);
	}
}

int main(void)
{
	const struct http1_ops ops = {.head = on_head};
	const struct http1_options o = {.max_header = MAX_HEADER};

	parser = http1_new(&ops, &o);
	test_masked();
	test_folds();
	test_host();
	http1_delete(parser);
	return t_done();
}
