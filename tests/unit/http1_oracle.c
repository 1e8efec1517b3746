// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The same streams through libhttp-parser 2.9 (Debian: libhttp-parser-dev) and through ours: the
 * same messages with the same methods, targets, status codes, headers, trailers and bodies. Streams
 * are made of parts by a fixed sequence; a part that the library refuses says so, and each what we
 * tell of it. The library is loaded at run time; without it, or its header, the test is skipped.
 *
 * Where the two differ:
 *  - the library stops at its first error; we tell of an anomaly and go on, or search;
 *  - it knows some 34 methods, we take any token;
 *  - it refuses any Content-Length beside another or beside Transfer-Encoding (by RFC 9112 6.3
 *    equal ones may be taken as one, and Transfer-Encoding wins);
 *  - it refuses a target with a control byte or a space, and spaces behind the version: we take
 *    them, for the server may, and say so;
 *  - as Debian builds it, it says nothing of other control bytes and of a space before a colon,
 *    which then is part of the name, and takes any two bytes for the end of a chunk;
 *  - of a folded value it drops what is between the lines, we keep spaces: they are not compared;
 *  - it leaves to its user that responses to HEAD and with 204 and 304 have no body; the test says
 *    so to it. It stops at CONNECT and Upgrade, whatever the server says then: not compared.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include "http1.h"
#include "unit/t.h"
#if __has_include(<http_parser.h>)
#include <http_parser.h>

#define MESSAGES 8
#define STREAMS	 40000

struct part {
	const char *head, *body;
	int lib; /* enum http_errno that the library refuses it with */
	uint32_t ours; /* anomalies that we tell of it */
	bool last; /* what is behind it is not compared */
};

static const struct part requests[] = {
	{.head = "GET / HTTP/1.1"},
	{.head = "GET /a/b?c=d&e=%20 HTTP/1.1"},
	{.head = "POST /p HTTP/1.1"},
	{.head = "PUT /p HTTP/1.0"},
	{.head = "HEAD /h HTTP/1.1"},
	{.head = "OPTIONS * HTTP/1.1"},
	{.head = "M-SEARCH * HTTP/1.1"},
	{.head = "DELETE http://host:80/x HTTP/1.1"},
	{.head = "\r\n\r\nPATCH /x HTTP/1.1"},
	{.head = "GET /x HTTP/1.1\n", .ours = HTTP1_BARE_LF},
	{.head = "get /x HTTP/1.1", .lib = HPE_INVALID_METHOD},
	{.head = "FETCH /x HTTP/1.1", .lib = HPE_INVALID_METHOD},
	{.head = "GET /\xc3\xa4 HTTP/1.1"},
	{.head = "GET /x\x01 HTTP/1.1", .lib = HPE_INVALID_URL, .ours = HTTP1_CONTROL_BYTE},
	{.head = "GET /x y HTTP/1.1", .lib = HPE_INVALID_CONSTANT, .ours = HTTP1_ODD_START},
	{.head = "GET /x HTTP/1.1 ", .lib = HPE_INVALID_VERSION, .ours = HTTP1_ODD_START},
};
#define NREQUESTS 9 /* that are nothing special, and come first */

static const struct part responses[] = {
	{.head = "HTTP/1.1 200 OK"},
	{.head = "HTTP/1.1 404 Not Found"},
	{.head = "HTTP/1.0 200 OK"},
	{.head = "HTTP/1.1 204 No Content"},
	{.head = "HTTP/1.1 304 Not Modified"},
	{.head = "HTTP/1.1 500 "},
	{.head = "HTTP/1.1 200"},
	{.head = "HTTP/1.1 200 \xc3\xa4"},
	{.head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"},
};
#define NRESPONSES 9

static const struct part lines[] = {
	{.head = "A: b"},
	{.head = "Host: example.com"},
	{.head = "X-Empty:"},
	{.head = "x-tab:\t a b\t "},
	{.head = "!#$%&'*+-.^_`|~0aZ: token"},
	{.head = "X: \xc3\xa4\xff"},
	{.head = "Connection: keep-alive"},
	{.head = "Set-Cookie: a=b"},
	{.head = "Set-Cookie: c=d"},
	{.head = "Fold: a\r\n  b\r\n\tc", .ours = HTTP1_OBS_FOLD},
	{.head = "Bare: lf\n", .ours = HTTP1_BARE_LF},
	{.head = "A : b", .ours = HTTP1_SPACE_BEFORE_COLON},
	{.head = "no colon", .lib = HPE_INVALID_HEADER_TOKEN, .ours = HTTP1_BAD_LINE},
	{.head = ": no name", .lib = HPE_INVALID_HEADER_TOKEN, .ours = HTTP1_BAD_LINE},
	{.head = "C: \x01", .ours = HTTP1_CONTROL_BYTE},
	{.head = "C: \x7f", .ours = HTTP1_CONTROL_BYTE},
	{.head = "C: a\rb", .lib = HPE_LF_EXPECTED, .ours = HTTP1_CONTROL_BYTE},
};
#define NLINES 9

#define TE  "Transfer-Encoding: chunked"
#define BAD HPE_INVALID_CONTENT_LENGTH
static const struct part framings[] = {
	{.head = "Content-Length: 0", .body = ""},
	{.head = "Content-Length: 5", .body = "hello"},
	{.head = "content-length:\t11 ", .body = "hello world"},
	{.head = TE, .body = "5\r\nhello\r\n0\r\n\r\n"},
	{.head = TE, .body = "5;a=b\r\nhello\r\n00006 ;x\r\n world\r\n0\r\nT: u\r\nV:w\r\n\r\n"},
	{.head = "Transfer-Encoding: gzip, Chunked", .body = "a\r\n0123456789\r\n0\r\n\r\n"},
	{.head = "Transfer-Encoding: gzip\r\n" TE, .body = "1\r\nx\r\n0\r\n\r\n"},
	{.head = "Content-Length: 2\r\nContent-Length: 2",
	 .body = "hi",
	 .lib = HPE_UNEXPECTED_CONTENT_LENGTH,
	 .ours = HTTP1_LENGTH_REPEATED},
	{.head = "Content-Length: 2\r\nContent-Length: 3",
	 .body = "hi",
	 .lib = HPE_UNEXPECTED_CONTENT_LENGTH,
	 .ours = HTTP1_LENGTH_CONFLICT},
	{.head = "Content-Length: 2, 2", .body = "hi", .lib = BAD, .ours = HTTP1_LENGTH_REPEATED},
	{.head = "Content-Length: +2", .body = "hi", .lib = BAD, .ours = HTTP1_BAD_LENGTH},
	{.head = "Content-Length: 0x2", .body = "hi", .lib = BAD, .ours = HTTP1_BAD_LENGTH},
	{.head = "Content-Length: 99999999999999999999",
	 .body = "hi",
	 .lib = BAD,
	 .ours = HTTP1_BAD_LENGTH},
	{.head = "Content-Length: 3\r\n" TE,
	 .body = "1\r\nx\r\n0\r\n\r\n",
	 .lib = HPE_UNEXPECTED_CONTENT_LENGTH,
	 .ours = HTTP1_LENGTH_AND_ENCODING},
	{.head = TE, .body = "x\r\n", .lib = HPE_INVALID_CHUNK_SIZE, .ours = HTTP1_BAD_CHUNK},
	{.head = TE,
	 .body = "10000000000000001\r\n",
	 .lib = HPE_INVALID_CONTENT_LENGTH,
	 .ours = HTTP1_BAD_CHUNK},
	{.head = TE,
	 .body = "1\r\nxyz\r\n", /* It reads two bytes unseen, then a size. */
	 .lib = HPE_INVALID_CHUNK_SIZE,
	 .ours = HTTP1_BAD_CHUNK},
	{.head = "Connection: close\r\nContent-Length: 1", .body = "x", .last = true},
};
#define NFRAMINGS 7

/* What a parser told: the messages, each as one text. */
struct told {
	char text[MESSAGES][4096];
	char body[1024];
	uint32_t anomalies[MESSAGES];
	int n;
	size_t at, nbody;
	bool in_value;
	const char *heads; /* for each response, 'h' where it answers a HEAD */
	int finals;
};

static void add(struct told *t, const char *s, size_t n)
{
	while (n-- && t->at < sizeof(t->text[0]) - 1)
		t->text[t->n][t->at++] = *s++;
}

static void add_value(struct told *t, const char *s, size_t n)
{
	for (; n--; s++)
		if (*s != ' ' && *s != '\t' && *s != '\r' && *s != '\n')
			add(t, s, 1);
}

static void add_body(struct told *t, const char *s, size_t n)
{
	memcpy(t->body + t->nbody, s, n);
	t->nbody += n;
}

static void add_end(struct told *t)
{
	add(t, "\n\n", 2);
	add(t, t->body, t->nbody);
	t->text[t->n][t->at] = 0;
	t->n++;
	t->at = t->nbody = 0;
	t->in_value = false;
}

static int lib_url(http_parser *p, const char *s, size_t n)
{
	add(p->data, s, n);
	return 0;
}

static int lib_field(http_parser *p, const char *s, size_t n)
{
	struct told *t = p->data;

	if (!t->in_value)
		add(t, "\n", 1);
	t->in_value = true;
	add_value(t, s, n);
	return 0;
}

static int lib_value(http_parser *p, const char *s, size_t n)
{
	struct told *t = p->data;

	if (t->in_value)
		add(t, "=", 1);
	t->in_value = false;
	add_value(t, s, n);
	return 0;
}

static int lib_head(http_parser *p)
{
	struct told *t = p->data;
	char start[32];
	size_t n;

	t->in_value = false;
	if (p->type == HTTP_REQUEST) {
		n = snprintf(start, sizeof(start), "\n%d 1.%d", p->method, p->http_minor);
		add(t, start, n);
		return 0;
	}
	n = snprintf(start, sizeof(start), "\n%d 1.%d", p->status_code, p->http_minor);
	add(t, start, n);
	if (p->status_code < 200)
		return 0;
	/* 1: no body. The library leaves these to its user. */
	return t->heads[t->finals++] == 'h' || p->status_code == 204 || p->status_code == 304;
}

static int lib_body(http_parser *p, const char *s, size_t n)
{
	add_body(p->data, s, n);
	return 0;
}

static int lib_end(http_parser *p)
{
	add_end(p->data);
	return 0;
}

static const http_parser_settings settings = {.on_url = lib_url,
					      .on_header_field = lib_field,
					      .on_header_value = lib_value,
					      .on_headers_complete = lib_head,
					      .on_body = lib_body,
					      .on_message_complete = lib_end};
static void (*init)(http_parser *, enum http_parser_type);
static size_t (*execute)(http_parser *, const http_parser_settings *, const char *, size_t);

static struct told theirs[2], ours[2];

static void add_headers(struct told *t, const struct http1_msg *m, uint32_t from, uint32_t to)
{
	for (; from < to; from++) {
		const struct http1_header *h = &m->headers[from];

		add(t, "\n", 1);
		add(t, m->text + h->name.at, h->name.len);
		add(t, "=", 1);
		add_value(t, m->text + h->value.at, h->value.len);
	}
}

/* The library's number of a method, which is all that it tells. */
static int method_number(const char *s, size_t n)
{
#define X(number, name, string)                                                                    \
	if (n == sizeof(#string) - 1 && !memcmp(s, #string, n))                                    \
		return number;
	HTTP_METHOD_MAP(X)
#undef X
	return -1;
}

static void our_body(void *ctx, struct http1_msg *m, const void *data, uint64_t n)
{
	add_body(&ours[m->dir], data, n);
}

static void our_end(void *ctx, struct http1_msg *m)
{
	struct told *t = &ours[m->dir];
	char start[32];
	int code = m->status;

	t->anomalies[t->n] = m->anomalies;
	if (m->request) {
		code = method_number(m->text + m->method.at, m->method.len);
		add(t, m->text + m->target.at, m->target.len);
	}
	add_headers(t, m, 0, m->nheaders);
	add(t, start, snprintf(start, sizeof(start), "\n%d 1.%d", code, m->minor));
	add_headers(t, m, m->nheaders, m->nheaders + m->ntrailers);
	add_end(t);
}

static const struct http1_ops ops = {.body = our_body, .end = our_end};

struct stream {
	char text[16384];
	size_t n;
	int messages;
	int odd; /* the first message with a part that the library refuses; -1 */
	int lib; /* with what */
	uint32_t ours[MESSAGES]; /* anomalies */
	bool over;
};

static uint32_t state = 1;

static uint32_t any(uint32_t n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 16) % n;
}

static void put(struct stream *s, const char *text)
{
	size_t n = strlen(text);

	memcpy(s->text + s->n, text, n);
	s->n += n;
}

/* One of usual parts, or seldom of all n. Of a message one part at most is refused. */
static const struct part *pick(struct stream *s, const struct part *parts, int usual, int n)
{
	const struct part *p = &parts[any(24) ? any(usual) : any(n)];

	if (p->lib && s->odd == s->messages)
		p = parts;
	if (p->lib && s->odd < 0) {
		s->odd = s->messages;
		s->lib = p->lib;
	}
	s->ours[s->messages] |= p->ours;
	s->over |= p->last;
	return p;
}

static void put_line(struct stream *s, const struct part *p)
{
	put(s, p->head);
	if (p->head[strlen(p->head) - 1] != '\n')
		put(s, "\r\n");
}

#define PICK(s, parts, usual) pick(s, parts, usual, sizeof(parts) / sizeof(parts[0]))

static void put_request(struct stream *s, char *head)
{
	const struct part *start = PICK(s, requests, NREQUESTS), *framing;

	*head = strncmp(start->head, "HEAD", 4) ? '-' : 'h';
	put_line(s, start);
	for (int i = any(5); i; i--)
		put_line(s, PICK(s, lines, NLINES));
	framing = any(2) ? PICK(s, framings, NFRAMINGS) : NULL;
	if (framing)
		put_line(s, framing);
	put(s, "\r\n");
	if (framing)
		put(s, framing->body);
	s->messages++;
}

static void put_response(struct stream *s, bool head, bool last)
{
	const struct part *start = PICK(s, responses, NRESPONSES), *framing;
	bool empty = head || strstr(start->head, " 204") || strstr(start->head, " 304");
	bool interim = strstr(start->head, "100");

	s->messages += interim;
	put_line(s, start);
	for (int i = any(5); i; i--)
		put_line(s, PICK(s, lines, NLINES));
	/* In a response that has no body, an odd length is no reason for us to stop. */
	framing = empty		   ? &framings[any(NFRAMINGS)]
		  : last && any(2) ? NULL
				   : PICK(s, framings, NFRAMINGS);
	if (framing)
		put_line(s, framing);
	put(s, "\r\n");
	put(s, empty ? "" : framing ? framing->body : "until the close");
	s->messages++;
}

static int complaints;

static void complain(const char *what, const struct stream *s, int dir, int lib)
{
	if (complaints++ < 5)
		printf("%s: direction %d, library %d (expected %d in message %d): %d messages, "
		       "ours %d\n%.*s\n--- theirs\n%s\n--- ours\n%s\n",
		       what, dir, lib, s->lib, s->odd, theirs[dir].n, ours[dir].n, (int)s->n,
		       s->text, theirs[dir].n ? theirs[dir].text[theirs[dir].n - 1] : "",
		       theirs[dir].n ? ours[dir].text[theirs[dir].n - 1] : "");
}

static int through_library(const struct stream *s, int dir)
{
	http_parser p;

	init(&p, dir ? HTTP_RESPONSE : HTTP_REQUEST);
	p.data = &theirs[dir];
	execute(&p, &settings, s->text, s->n);
	if (!p.http_errno)
		execute(&p, &settings, NULL, 0);
	return p.http_errno;
}

static void check(bool ok, const char *what, const struct stream *s, int dir, int lib)
{
	T_OK(ok);
	if (!ok)
		complain(what, s, dir, lib);
}

static void compare(const struct stream *s, int dir)
{
	struct told *t = &theirs[dir], *o = &ours[dir];
	int lib = through_library(s, dir), whole = s->odd < 0 ? s->messages : s->odd;

	check(lib == (s->odd < 0 ? 0 : s->lib) && t->n == whole, "another verdict", s, dir, lib);
	check(s->odd < 0 ? o->n == whole : o->n > whole, "another number of messages", s, dir, lib);
	for (int i = 0; i < whole && i < t->n && i < o->n; i++) {
		bool same = !strcmp(t->text[i], o->text[i]);

		if (!same)
			t->n = i + 1;
		check(same, "another message", s, dir, lib);
	}
	for (int i = 0; i <= whole && i < s->messages && i < o->n; i++)
		check((o->anomalies[i] & ~HTTP1_AFTER_CLOSE) == s->ours[i], "other anomalies", s,
		      dir, lib);
}

static void reset(const char *heads)
{
	for (int i = 0; i < 2; i++) {
		theirs[i].n = ours[i].n = theirs[i].finals = 0;
		theirs[i].at = theirs[i].nbody = ours[i].at = ours[i].nbody = 0;
		theirs[i].in_value = false;
		theirs[i].heads = heads;
	}
}

static void one(struct http1_parser *p, int *odd)
{
	static struct stream q, r;
	char heads[MESSAGES] = "";
	struct http1 *c = http1_open(p, NULL, 0, false);
	int n = 1 + any(3), i = 0;

	q.n = q.messages = r.n = r.messages = 0;
	q.odd = r.odd = -1;
	q.over = r.over = false;
	memset(q.ours, 0, sizeof(q.ours));
	memset(r.ours, 0, sizeof(r.ours));
	while (i < n && !q.over)
		put_request(&q, &heads[i++]);
	n = i;
	/* Where requests are refused, whose answers those would be is another question. */
	for (i = 0; i < n && !r.over && q.odd < 0; i++)
		put_response(&r, heads[i] == 'h', i == n - 1);
	reset(heads);
	T_EQ(http1_data(c, 0, q.text, q.n, 1), 0);
	T_EQ(http1_data(c, 1, r.text, r.n, 2), 0);
	http1_end(c, 0, false, 3);
	http1_end(c, 1, false, 3);
	http1_free(c);
	compare(&q, 0);
	if (r.n)
		compare(&r, 1);
	*odd += q.odd >= 0 || r.odd >= 0;
}

int main(void)
{
	void *lib = dlopen("libhttp_parser.so.2.9", RTLD_NOW);
	struct http1_parser *p;
	int odd = 0;

	if (!lib) {
		puts("no libhttp_parser.so.2.9 here");
		return 77;
	}
	init = dlsym(lib, "http_parser_init");
	execute = dlsym(lib, "http_parser_execute");
	p = http1_new(&ops, NULL);
	for (int i = 0; i < STREAMS; i++)
		one(p, &odd);
	T_OK(odd > STREAMS / 10);
	printf("%d exchanges, %d of them with something that the library refuses\n", STREAMS, odd);
	http1_delete(p);
	dlclose(lib);
	return t_done();
}
#else
int main(void)
{
	puts("built without http_parser.h (libhttp-parser-dev)");
	return 77;
}
#endif
