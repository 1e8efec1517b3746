// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A client and a server, simulated by a fixed sequence of chances: each response names its request.
 * However the pieces of both directions come, and whatever is lost of them, none is given to
 * another request, for a client that waits for each answer, and for one that pipelines and was seen
 * to before anything was lost. And where nothing is lost, all are paired.
 */
#include "unit/http1_t.h"

#define N     7 /* exchanges of a connection */
#define CONNS 20000

static const char *const requests[] = {
	"GET /%d HTTP/1.1\r\nA: b\r\n\r\n",
	"POST /%d HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
	"POST /%d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
	"HEAD /%d HTTP/1.1\r\n\r\n",
};
/* By request; two each. */
static const char *const responses[][2] = {
	{"HTTP/1.1 200 OK\r\nX: /%d\r\nContent-Length: 3\r\n\r\nabc",
	 "HTTP/1.1 103 E\r\nX: /%d\r\n\r\nHTTP/1.1 200 OK\r\nX: /%d\r\nContent-Length: 0\r\n\r\n"},
	{"HTTP/1.1 100 C\r\nX: /%d\r\n\r\nHTTP/1.1 204 No\r\nX: /%d\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nX: /%d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
	{"HTTP/1.1 304 Not\r\nX: /%d\r\nContent-Length: 9\r\n\r\n",
	 "HTTP/1.1 500 Oh\r\nX: /%d\r\nContent-Length: 1\r\n\r\nx"},
	{"HTTP/1.1 200 OK\r\nX: /%d\r\nContent-Length: 200\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nX: /%d\r\n\r\n"},
};

struct side {
	char text[4096];
	size_t n, at; /* bytes there are; bytes that went by */
	size_t end[N]; /* of each message */
	size_t gap, gap_end; /* what is lost */
};

static struct side side[2];
static uint32_t state = 7;
static unsigned pairs, wrong, answers;

static uint32_t any(uint32_t n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 16) % n;
}

static void check_pair(struct told *t, const struct http1_msg *m)
{
	const struct http1_header *h = m->headers;

	if (!m->nheaders)
		return;
	pairs++;
	if (strncmp(m->text + h->value.at, t->target[m->answers & 7], h->value.len))
		wrong++;
}

static void fill(void)
{
	side[0].n = side[1].n = side[0].at = side[1].at = 0;
	for (int i = 0; i < N; i++) {
		int kind = any(4);
		struct side *q = &side[0], *r = &side[1];
		const char *text = responses[kind][any(2)];

		q->n += sprintf(q->text + q->n, requests[kind], i);
		r->n += sprintf(r->text + r->n, text, i, i);
		q->end[i] = q->n;
		r->end[i] = r->n;
	}
}

static int messages(const struct side *s, bool begun)
{
	int n = 0;

	while (n < N && s->end[n] <= s->at)
		n++;
	return n + (begun && n < N && s->at > (n ? s->end[n - 1] : 0));
}

/* How many bytes direction d may send now: to its message's end at most. */
static size_t may_send(int d, int depth)
{
	struct side *s = &side[d];
	int done = messages(s, false);

	if (done == N)
		return 0;
	/* A response after the whole of its request; requests as far as the client goes. */
	if (d && messages(&side[0], false) <= done)
		return 0;
	if (!d && messages(s, true) == done && done - messages(&side[1], false) >= depth)
		return 0;
	return s->end[done] - s->at;
}

/* n bytes pass, those in the gap unseen. */
static void pass(struct http1 *c, int d, size_t n, bool known, uint64_t ns)
{
	struct side *s = &side[d];
	size_t to = s->at + n, k;

	for (; s->at < to; s->at += k) {
		bool lost = s->at >= s->gap && s->at < s->gap_end;

		k = to - s->at;
		if (lost && k > s->gap_end - s->at)
			k = s->gap_end - s->at;
		if (!lost && s->at < s->gap && k > s->gap - s->at)
			k = s->gap - s->at;
		if (lost)
			http1_lost(c, d, known ? k : 0, ns);
		else
			http1_data(c, d, s->text + s->at, k, ns);
	}
}

static void lose(int d, size_t from)
{
	struct side *s = &side[d];

	s->gap = from + any(s->n - from);
	s->gap_end = s->gap + 1 + any(any(2) ? 12 : 150);
}

static void connection(struct http1_parser *p, int depth, bool gaps)
{
	static struct told t = {.paired = check_pair};
	struct http1 *c = http1_open(p, &t, any(3) - 1 ? -1 : 0, false);
	bool known = any(2), burst = any(2);
	size_t n[2];

	fill();
	t.n = t.pos[0] = t.pos[1] = 0;
	side[0].gap = side[0].gap_end = side[1].gap = side[1].gap_end = 0;
	if (gaps && any(2))
		lose(0, depth > 1 ? side[0].end[1] : 0);
	if (gaps && (!side[0].gap_end || any(3)))
		lose(1, 0);
	/* Two requests before anything else: it is seen to pipeline. */
	if (depth > 1)
		pass(c, 0, side[0].end[1], known, 1);
	for (uint64_t ns = 2; (n[0] = may_send(0, depth)) | (n[1] = may_send(1, depth)); ns++) {
		int d = n[0] && n[1] ? any(2) : !n[0];

		pass(c, d, burst ? n[d] : 1 + any(n[d]), known, ns);
	}
	http1_finish(c);
	answers += N;
	for (int i = 0; i < 2; i++) {
		const struct http1_bytes *b = http1_bytes(c, i);

		if (b->fed != b->messages + b->skipped + b->opaque + b->lost)
			wrong++;
	}
	http1_free(c);
	if (!wrong)
		return;
	T_OK(!"each pair is right");
	printf("depth %d, gaps %zu+%zu %zu+%zu: %s\n%s\n%s\n", depth, side[0].gap,
	       side[0].gap_end - side[0].gap, side[1].gap, side[1].gap_end - side[1].gap, t.text,
	       side[0].text, side[1].text);
}

static void many(struct http1_parser *p, const char *what, int depth, bool gaps, unsigned least)
{
	pairs = answers = 0;
	for (int i = 0; i < CONNS && !wrong; i++)
		connection(p, depth, gaps);
	printf("%s: %u of %u responses paired\n", what, pairs, answers);
	T_EQ(wrong, 0);
	T_OK(pairs >= answers / 100 * least);
}

int main(void)
{
	struct http1_parser *p = http1_new(&told_ops, NULL);

	/* Interim responses are pairs, too: more than all. */
	many(p, "in turns", 1, false, 100);
	many(p, "pipelined", 3, false, 100);
	many(p, "in turns, with gaps", 1, true, 50);
	many(p, "pipelined 2, with gaps", 2, true, 30);
	many(p, "pipelined 4, with gaps", 4, true, 30);
	http1_delete(p);
	return t_done();
}
