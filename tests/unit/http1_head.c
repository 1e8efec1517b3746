// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Heads: header lines, what is odd about them, and the limit. */
#include <errno.h>
#include "http1_int.h"
#include "unit/http1_t.h"

struct seen {
	char text[4096]; /* name=value| of each header */
	uint32_t nheaders, anomalies;
	uint64_t head_bytes, body_bytes;
	bool truncated, complete;
	struct http1_msg m;
};

static void seen_head(void *ctx, struct http1_msg *m)
{
	struct seen *s = ctx;
	size_t n = 0;

	s->m = *m;
	for (uint32_t i = 0; i < m->nheaders; i++) {
		const struct http1_header *h = &m->headers[i];

		n += snprintf(s->text + n, sizeof(s->text) - n, "%.*s=%.*s|", (int)h->name.len,
			      m->text + h->name.at, (int)h->value.len, m->text + h->value.at);
		if (n >= sizeof(s->text))
			break;
	}
}

static void seen_end(void *ctx, struct http1_msg *m)
{
	struct seen *s = ctx;

	s->nheaders = m->nheaders;
	s->anomalies = m->anomalies;
	s->head_bytes = m->head_bytes;
	s->body_bytes = m->body_bytes;
	s->truncated = m->truncated;
	s->complete = m->complete;
}

static const struct http1_ops seen_ops = {.head = seen_head, .end = seen_end};

/* One message in pieces; the last told of is in *s. */
static void parse(struct seen *s, uint32_t limit, const char *text, size_t n, size_t piece)
{
	struct http1_options o = {.max_header = limit};
	struct http1_parser *p = http1_new(&seen_ops, &o);
	struct http1 *c = http1_open(p, s, -1, false);

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < n; i += piece)
		T_EQ(http1_data(c, 0, text + i, n - i < piece ? n - i : piece, i + 1), 0);
	http1_finish(c);
	http1_free(c);
	http1_delete(p);
}

static const struct {
	const char *lines, *want;
	uint32_t anomalies;
} heads[] = {
	{"", "", 0},
	{"A: b\r\nA:c\r\na:\t d e \t\r\nEmpty:\r\n", "A=b|A=c|a=d e|Empty=|", 0},
	{"A: b\r\n c\r\n\t d \r\nE: f\r\n", "A=b   c  \t d|E=f|", HTTP1_OBS_FOLD},
	{"A:\r\n  b\r\n \r\n", "A=b|", HTTP1_OBS_FOLD},
	{" A: b\r\nC: d\r\n", "C=d|", HTTP1_BAD_LINE | HTTP1_OBS_FOLD},
	{"A : b\r\nC\t: d\r\n", "A=b|C=d|", HTTP1_SPACE_BEFORE_COLON},
	{"A: b\nC: d\r\n", "A=b|C=d|", HTTP1_BARE_LF},
	{"A: b\x01\r\nC: \x7f\r\n", "A=b\x01|C=\x7f|", HTTP1_CONTROL_BYTE},
	{"A: b\rC: d\r\n", "A=b\rC: d|", HTTP1_CONTROL_BYTE},
	{"A b: c\r\n", "A b=c|", HTTP1_BAD_LINE},
	{"no colon\r\n folded\r\nA: b\r\n", "A=b|", HTTP1_BAD_LINE | HTTP1_OBS_FOLD},
	{": b\r\nA: b\r\n", "A=b|", HTTP1_BAD_LINE},
	{"A: b\r\nno colon\r\n folded\r\n", "A=b|", HTTP1_BAD_LINE | HTTP1_OBS_FOLD},
	{"A: \xc3\xa4\xff\r\n", "A=\xc3\xa4\xff|", 0},
	{"A: 12345678\t9012345678\r\n", "A=12345678\t9012345678|", 0},
};

static void test_lines(void)
{
	static const char nul[] = "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n";
	static struct seen s;
	char text[512];

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		int n = snprintf(text, sizeof(text), "GET /x HTTP/1.1\r\n%s\r\n", heads[i].lines);

		for (int piece = n; piece; piece = piece == 1 ? 0 : piece > 7 ? 7 : 1) {
			parse(&s, 0, text, n, piece);
			T_STR(s.text, heads[i].want);
			T_EQ(s.anomalies, heads[i].anomalies);
			T_EQ(s.head_bytes, n);
			T_OK(s.complete && !s.truncated);
		}
	}
	parse(&s, 0, nul, sizeof(nul) - 1, 3);
	T_EQ(s.anomalies, HTTP1_CONTROL_BYTE);
}

/* A folded length is one; so is one that a space precedes the colon of. */
static void test_folded_length(void)
{
	static const char two[] = "POST / HTTP/1.1\r\nContent-Length: 3\r\n 4\r\n\r\n";
	static const char *const text[] = {
		"POST / HTTP/1.1\r\nContent-Length:\r\n 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\ncontent-length: \t3 \r\n\r\nabc",
		"POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	};
	static struct seen s;

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		parse(&s, 0, text[i], strlen(text[i]), 1);
		T_EQ(s.body_bytes, 3);
		T_OK(s.complete);
	}
	parse(&s, 0, two, sizeof(two) - 1, 5);
	T_OK(s.anomalies & HTTP1_BAD_LENGTH);
}

static void test_times(void)
{
	static struct seen s;
	static const char text[] = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";

	parse(&s, 0, text, sizeof(text) - 1, 1);
	T_EQ(s.m.first_ns, 1);
	T_EQ(s.m.head_ns, sizeof(text) - 1 - 3);
	T_EQ(s.m.content_length, 3);
	T_EQ(s.m.framing, HTTP1_LENGTH);
	T_EQ(s.m.minor, 1);
	T_OK(!s.m.close);
	parse(&s, 0, "GET / HTTP/1.0\r\n\r\n", 18, 18);
	T_EQ(s.m.minor, 0);
	T_OK(s.m.close);
}

/* n bytes of headers behind which the framing stands; with the limit, pieces do not matter. */
static void limit(size_t n, const char *framing)
{
	static struct seen s, t;
	static char text[200000];
	size_t at = snprintf(text, sizeof(text), "POST /%0*d HTTP/1.1\r\nHost: h\r\n", 40, 7);
	size_t body, head;
	bool truncated;

	while (at + 90 < n)
		at += snprintf(text + at, sizeof(text) - at, "X: %050d\r\n", 1);
	if (at + 6 < n)
		at += snprintf(text + at, sizeof(text) - at, "Y: %0*d\r\n", (int)(n - at - 5), 1);
	at += snprintf(text + at, sizeof(text) - at, "%s\r\n", framing);
	head = at;
	/* The empty line is not kept for anybody. */
	truncated = head - 2 > 4096;
	at += body = snprintf(text + at, sizeof(text) - at, "3\r\nabc\r\n0\r\n\r\n");
	parse(&s, 4096, text, at, at);
	T_EQ(s.truncated, truncated);
	T_EQ(!!(s.anomalies & HTTP1_HEAD_LIMIT), truncated);
	T_EQ(s.head_bytes, head);
	T_OK(s.complete);
	T_EQ(s.body_bytes, *framing == 'C' ? body : 3);
	for (size_t piece = 1; piece < 3000; piece += 931) {
		parse(&t, 4096, text, at, piece);
		T_EQ(memcmp(s.text, t.text, sizeof(s.text)), 0);
		T_EQ(t.nheaders, s.nheaders);
		T_EQ(t.anomalies, s.anomalies);
		T_EQ(t.complete, s.complete);
	}
}

/* Of 256 bytes, with what stands across its end. */
static void test_small_limit(void)
{
	static struct seen s;
	static char text[2000];
	size_t n;

	/* Lengths that were not read to their ends. */
	for (int pad = 1; pad < 900; pad += 400) {
		n = snprintf(text, sizeof(text),
			     "POST / HTTP/1.1\r\nA: %0300d\r\nContent-Length: %0*d\r\n\r\nabc", 1,
			     pad, 3);
		parse(&s, 256, text, n, 7);
		T_EQ(s.complete, pad < 500);
		T_EQ(s.body_bytes, pad < 500 ? 3 : 0);
		T_EQ(!!(s.anomalies & HTTP1_BAD_LENGTH), pad > 500);
	}
	n = snprintf(text, sizeof(text),
		     "POST / HTTP/1.1\r\nA: %0300d\r\nContent-Length: 3\r\n 4\r\n\r\nabc", 1);
	parse(&s, 256, text, n, n);
	T_OK(s.anomalies & HTTP1_BAD_LENGTH);
	/* Where the end of what is kept and the version meet. */
	for (int pad = 700; pad < 800; pad++) {
		n = snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\nA: b\r\n\r\n", pad, 1);
		for (size_t piece = 1; piece <= n; piece = piece * 5 + 1) {
			parse(&s, 256, text, n, piece);
			T_OK(s.truncated && s.complete);
			T_EQ(s.m.target.len, 256 - 4);
		}
	}
}

static void test_limit(void)
{
	static struct seen s;
	static char text[100000];
	size_t n;

	for (size_t at = 100; at != 5200; at += 100) {
		/* Around the limit, each size that there can be. */
		for (; at / 200 == 20; at++)
			limit(at, "Content-Length: 13\r\n");
		limit(at, "Content-Length: 13\r\n");
		limit(at, "Transfer-Encoding: gzip,\r\nTransfer-Encoding: chunked\r\n");
	}
	/* A target, a value and a name that the limit cuts. */
	n = snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\nA: b\r\n\r\n", 70000, 1);
	for (size_t piece = 1; piece <= n; piece = piece * 9 + 1) {
		parse(&s, 0, text, n, piece);
		T_OK(s.truncated && s.complete);
		T_EQ(s.m.target.len, 65536 - 4);
		T_EQ(s.nheaders, 0);
		T_EQ(s.head_bytes, n);
		T_EQ(s.anomalies, HTTP1_HEAD_LIMIT);
	}
	n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nA: %0*d\r\nB: c\r\n\r\n", 70000, 1);
	parse(&s, 0, text, n, n);
	T_EQ(s.nheaders, 1);
	T_EQ(s.m.headers ? s.m.nheaders : 0, 1);
	T_OK(s.truncated && s.complete);
	n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%0*d: x\r\nB: c\r\n\r\n", 70000, 1);
	parse(&s, 0, text, n, 1000);
	T_EQ(s.nheaders, 0);
	T_OK(s.truncated && s.complete);
}

static void test_many(void)
{
	static struct seen s;
	static char text[100000];
	size_t n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n");

	for (int i = 0; i < 300; i++)
		n += snprintf(text + n, sizeof(text) - n, "H%d: %d\r\n", i, i);
	n += snprintf(text + n, sizeof(text) - n, "\r\n");
	parse(&s, 0, text, n, 11);
	T_EQ(s.nheaders, 300);
	T_OK(s.complete && !s.truncated);
	n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 10000; i++)
		n += snprintf(text + n, sizeof(text) - n, "a:\r\n");
	n += snprintf(text + n, sizeof(text) - n, "\r\n");
	parse(&s, 0, text, n, n);
	T_EQ(s.nheaders, 4096);
	T_OK(s.complete && s.truncated);
}

static void test_traversal(void)
{
	static const char *const yes[] = {
		"/../x",     "/a/..",	      "/%2e%2e/x",     "/.%2E/x", "/..%2fx",
		"/..\\x",    "/%252e%252e/x", "/?f=../../etc", "../x",	  "/a/..?b",
		"/a/..;b/c", "/%2e%2e%5cwin", "/a/%2e.#x",
	};
	static const char *const no[] = {
		"/",	  "/a..b",     "/..a", "/a../b", "/.../x", "/./x",
		"/%2e/x", "/a?b=c..d", "/%zz", "/..%",	 "*",	   "/a/...",
	};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		T_OK(http1_traversal(yes[i], strlen(yes[i])));
		if (!http1_traversal(yes[i], strlen(yes[i])))
			printf("  %s\n", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		T_OK(!http1_traversal(no[i], strlen(no[i])));
		if (http1_traversal(no[i], strlen(no[i])))
			printf("  %s\n", no[i]);
	}
}

static void test_names(void)
{
	char text[40];

	for (unsigned i = 0; i < HTTP1_NANOMALIES; i++)
		for (unsigned j = 0; j < i; j++)
			T_OK(strcmp(http1_anomaly_name(i), http1_anomaly_name(j)));
	T_OK(!http1_anomaly_name(HTTP1_NANOMALIES));
	T_STR(http1_anomaly_name(HTTP1_BIT_BARE_LF), "bare-lf");
	for (unsigned i = 0; i < HTTP1_NWHYS; i++)
		T_OK(*http1_why_name(i));
	T_OK(!http1_why_name(HTTP1_NWHYS));
	/* Each byte at each place of a word. */
	for (int ch = 0; ch < 256; ch++) {
		for (size_t i = 0; i < 19; i++) {
			memset(text, 'a', sizeof(text));
			text[i] = ch;
			T_EQ(http1_has_control(text, 19), (ch < 0x20 && ch != '\t') || ch == 0x7f);
			text[19 - i] = '\t';
			T_EQ(http1_has_control(text, i), 0);
		}
	}
}

/* What cannot be allocated below is more than this. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "max_allocation_size_mb=2:allocator_may_return_null=1";
}

/* A head that there is no memory for: its connection is opaque, and nothing is unaccounted. */
static void test_nomem(void)
{
	struct http1_options o = {.max_header = 64 << 20};
	struct http1_parser *p = http1_new(&told_ops, &o);
	static struct told t;
	struct http1 *c = http1_open(p, &t, -1, false);
	const struct http1_bytes *b = http1_bytes(c, 0);
	char *more = malloc(1 << 20);
	int err = 0;

	memset(more, 'x', 1 << 20);
	T_EQ(http1_data(c, 0, "GET / HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nA: ", 39, 1), 0);
	for (int i = 0; i < 4; i++)
		err = http1_data(c, 0, more, 1 << 20, 2) ?: err;
	T_EQ(err, -ENOMEM);
	T_EQ(http1_data(c, 1, "HTTP/1.1 200 OK\r\n", 17, 2), 0);
	T_STR(t.text, "Q1 GET /; q1; Q2 GET /b~; q2 nomem; U1 nomem; U2 nomem; ");
	http1_finish(c);
	T_EQ(b->fed, 39 + (4 << 20));
	T_EQ(b->fed, b->messages + b->opaque);
	T_EQ(http1_bytes(c, 1)->opaque, 17);
	http1_free(c);
	http1_delete(p);
	free(more);
}

int main(void)
{
	test_lines();
	test_folded_length();
	test_times();
	test_limit();
	test_small_limit();
	test_many();
	test_traversal();
	test_names();
	test_nomem();
	/* What http1.h promises. */
	T_OK(sizeof(struct http1) < 400);
	T_OK(sizeof(struct msg) + 32 * sizeof(struct http1_header) < 1024);
	return t_done();
}
