// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Gaps, resynchronisation and joining: which response is given to which request. */
#include "unit/http1_t.h"

#define GET(t)	"GET " t " HTTP/1.1\r\n\r\n"
#define R(t, h) "HTTP/1.1 200 OK\r\nX: " t "\r\n" h "\r\n"
#define R0(t)	R(t, "Content-Length: 0\r\n")

struct sample {
	const char *name;
	struct step steps[STEPS];
	const char *want;
};

static const struct sample samples[] = {
	{"a gap in a request's head",
	 {C("GET /a HTTP/1.1\r\nX"), LOST(0, 9), C("\r\n\r\n"), S(R0("/a")), C(GET("/b")),
	  S(R0("/b"))},
	 "Q1 GET /a~; q1 gap; R1>1 200; r1; S0 27+4; Q2 GET /b; q2; R2>2 200; r2; "},
	{"a gap in a response's head",
	 {C(GET("/a")), S("HTTP/1.1 200 OK\r\nX"), LOST(1, 0), S("\r\n\r\n"), C(GET("/b")),
	  S(R0("/b")), C(GET("/c")), S(R0("/c"))},
	 "Q1 GET /a; q1; R1>1 200~; r1 gap; U1 gap; Q2 GET /b; q2; U2 gap; S1 18+4; R2>- 200; r2; "
	 "Q3 GET /c; q3; R3>3 200; r3; "},
	{"a gap in chunks",
	 {C(GET("/a")), S(R("/a", "Transfer-Encoding: chunked\r\n") "5\r\nhe"), LOST(1, 4),
	  S("lo\r\n"), C(GET("/b")), S(R0("/b")), C(GET("/c")), S(R0("/c"))},
	 "Q1 GET /a; q1; R1>1 200; r1=he gap; Q2 GET /b; q2; U2 gap; S1 63+4; R2>- 200; r2; "
	 "Q3 GET /c; q3; R3>3 200; r3; "},
	{"a gap over two requests' answers",
	 {C(GET("/a") GET("/b") GET("/c")), LOST(1, 40), S(R0("/c")), C(GET("/d")), S(R0("/d"))},
	 "Q1 GET /a; q1; Q2 GET /b; q2; Q3 GET /c; q3; U1 gap; U2 gap; U3 gap; R1>- 200; r1; "
	 "Q4 GET /d; q4; U4 gap; R2>- 200; r2; "},
	{"pipelined, and all answers seen",
	 {C(GET("/a") GET("/b")), LOST(1, 5), S(R0("/a") R0("/b")), C(GET("/c")), S(R0("/c"))},
	 "Q1 GET /a; q1; Q2 GET /b; q2; U1 gap; U2 gap; R1>- 200; r1; R2>- 200; r2; Q3 GET /c; q3; "
	 "R3>3 200; r3; "},
	{"a gap between, in both directions",
	 {C(GET("/a")), S(R0("/a")), LOST(0, 0), LOST(1, 0), C(GET("/c")), S(R0("/c")),
	  C(GET("/d")), S(R0("/d"))},
	 "Q1 GET /a; q1; R1>1 200; r1; Q2 GET /c; q2; U2 gap; R2>- 200; r2; Q3 GET /d; q3; "
	 "R3>3 200; r3; "},
	{"a gap beyond a body",
	 {C(GET("/a")), S(R("/a", "Content-Length: 3\r\n") "x"), LOST(1, 5), S(R0("/b"))},
	 "Q1 GET /a; q1; R1>1 200; r1=x<2> gap -2; R2>- 200; r2; "},
	{"a head that was not copied",
	 {C(GET("/a")), SKIP(1, 50), C(GET("/b")), S(R0("/b")), C(GET("/c")), S(R0("/c"))},
	 "Q1 GET /a; q1; U1 gap; Q2 GET /b; q2; U2 gap; S1 0+50; R1>- 200; r1; Q3 GET /c; q3; "
	 "R2>3 200; r2; "},
	{"a method that lost its beginning",
	 {C(GET("/a")), LOST(0, 2), C("PATCH /b HTTP/1.1\r\n\r\n" GET("/c"))},
	 "Q1 GET /a; q1; S0 21+21; Q2 GET /c; q2; U2 gap; U1 open; "},
	{"start-lines in what is searched",
	 {C(GET("/a")), LOST(0, 0),
	  C("x\nGET /x HTTP/1.1\nGET /y\r\nno head HTTP/1.1\r\nGET /b HTTP/1.1\r\n"
	    "GET /c HTTP/1.1\r\nA: b\r\n\r\n")},
	 "Q1 GET /a; q1; S0 19+61; Q2 GET /c; q2; U2 gap; U1 open; "},
	{"any method, but whole lines",
	 {C(GET("/a")), LOST(0, 0), C("x\nGET /x HTTP/1.1\n\nPROPFIND /b HTTP/1.1\r\n\r\n")},
	 "Q1 GET /a; q1; S0 19+19; Q2 PROPFIND /b; q2; U2 gap; U1 open; "},
	{"pipelined behind a gap in a request's head",
	 {C(GET("/1")), S(R0("/1")), C("GET /2 HT"), LOST(0, 5), C(GET("/3")), S(R0("/2")),
	  C(GET("/4")), S(R0("/3") R0("/4")), C(GET("/5")), S(R0("/5"))},
	 "Q1 GET /1; q1; R1>1 200; r1; S0 19+9; Q2 GET /3; q2; U2 gap; R2>- 200; r2; Q3 GET /4; "
	 "q3; U3 gap; R3>- 200; r3; R4>- 200; r4; Q4 GET /5; q4; R5>4 200; r5; "},
	{"pipelined behind a gap in a request's body",
	 {C("POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab"), LOST(0, 0),
	  C("\r\n" GET("/2")), S(R0("/1")), C(GET("/3")), S(R0("/2") R0("/3")), C(GET("/4")),
	  S(R0("/4"))},
	 "Q1 POST /1; q1=ab gap; S0 53+2; Q2 GET /2; q2; U2 gap; R1>1 200; r1; Q3 GET /3; q3; U3 "
	 "gap; R2>- 200; r2; R3>- 200; r3; Q4 GET /4; q4; R4>4 200; r4; "},
	{"an answer that goes by unseen while it is searched",
	 {C(GET("/1")), LOST(1, 0), C(GET("/2")), S("no answer\n"), C(GET("/3")), S(R0("/3")),
	  C(GET("/4")), S(R0("/4"))},
	 "Q1 GET /1; q1; U1 gap; Q2 GET /2; q2; U2 gap; Q3 GET /3; q3; U3 gap; S1 0+10; "
	 "R1>- 200; r1; Q4 GET /4; q4; R2>4 200; r2; "},
	{"HEAD answered behind a gap",
	 {C(GET("/a")), S(R0("/a")), LOST(0, 9), S(R("/b", "Content-Length: 50\r\n")), S(R0("/c")),
	  C(GET("/d")), S(R0("/d"))},
	 "Q1 GET /a; q1; R1>1 200; r1; R2>- 200; r2; R3>- 200; r3; Q2 GET /d; q2; R4>2 200; r4; "},
	{"a body behind a gap that looks like a response at first",
	 {C(GET("/a")), S(R0("/a")), LOST(0, 9), S(R("/b", "Content-Length: 9\r\n") "HTTP/1.1x"),
	  S(R("/c", "Content-Length: 4\r\n") "HTTP"), S(R("/d", "") "HTTP/1."), END(1)},
	 "Q1 GET /a; q1; R1>1 200; r1; R2>- 200; r2=HTTP/1.1x; R3>- 200; r3=HTTP; R4>- 200; "
	 "r4=HTTP/1.; "},
	{"a request reported late",
	 {S(R0("/a")), C(GET("/a")), C(GET("/b")), S(R0("/b")), C(GET("/c")), S(R0("/c"))},
	 "R1>- 200; r1; Q1 GET /a; q1; U1 gap; Q2 GET /b; q2; U2 gap; R2>- 200; r2; Q3 GET /c; q3; "
	 "R3>3 200; r3; "},
	{"a response to nobody",
	 {S("HTTP/1.1 408 T\r\nContent-Length: 0\r\n\r\n"), C(GET("/a")), S(R0("/a")), C(GET("/b")),
	  S(R0("/b"))},
	 "R1>- 408; r1; Q1 GET /a; q1; U1 gap; R2>- 200; r2; Q2 GET /b; q2; R3>2 200; r3; "},
};

static const struct sample joined[] = {
	{"joined idle",
	 {C(GET("/a")), S(R0("/a")), C(GET("/b")), S(R0("/b"))},
	 "Q1 GET /a; q1; R1>1? 200; r1; Q2 GET /b; q2; R2>2 200; r2; "},
	{"joined in a response",
	 {S("lo\r\n"), C(GET("/b")), S(R0("/b")), C(GET("/c")), S(R0("/c"))},
	 "Q1 GET /b; q1; U1 gap; S1 0+4; R1>- 200; r1; Q2 GET /c; q2; R2>2 200; r2; "},
	{"joined before a response",
	 {S(R0("/a")), C(GET("/b")), S(R0("/b"))},
	 "R1>- 200; r1; Q1 GET /b; q1; R2>1 200; r2; "},
	{"joined in a request's body",
	 {C("a body\r\n" GET("/b")), S(R0("/a")), S(R0("/b")), C(GET("/c")), S(R0("/c"))},
	 "S0 0+8; Q1 GET /b; q1; U1 gap; R1>- 200; r1; R2>- 200; r2; Q2 GET /c; q2; R3>2 200; "
	 "r3; "},
	{"joined before a response that comes in the midst of a request",
	 {C("GET /a HT"), S(R0("/z")), C("TP/1.1\r\n\r\n"), S(R0("/a"))},
	 "R1>- 200; r1; Q1 GET /a; q1; U1 gap; R2>- 200; r2; "},
	{"joined, and a response begins in the midst of a request",
	 {S(R0("/a")), C("GE"), S("HTTP/1.1 408 T\r\n"), C("T /b HTTP/1.1\r\n\r\n"),
	  S("Content-Length: 0\r\n\r\n"), S(R0("/b"))},
	 "R1>- 200; r1; Q1 GET /b; q1; U1 gap; R2>- 408; r2; R3>- 200; r3; "},
	{"joined, and a response is lost in the midst of a request",
	 {S(R0("/a")), C("GE"), LOST(1, 5), S(R0("/z")), C("T /b HTTP/1.1\r\n\r\n"), S(R0("/b"))},
	 "R1>- 200; r1; R2>- 200; r2; Q1 GET /b; q1; U1 gap; R3>- 200; r3; "},
	{"joined at what is nearly TLS",
	 {C("\x17&\n" GET("/a"))},
	 "S0 0+3; Q1 GET /a; q1; U1 gap; "},
	{"joined, and never HTTP",
	 {C("abc\n"), S("HTTP/1.1 200\n"), C("GET x\r\n")},
	 "S0 0+11; S1 0+13; "},
};

/*
 * Exchanges in which each response names its request: whatever is lost and however pieces arrive,
 * no response is given to another.
 */
static const char *const requests[] = {
	"GET /1 HTTP/1.1\r\nA: b\r\n\r\n",
	"POST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
	"POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
	"HEAD /4 HTTP/1.1\r\n\r\n",
};
static const char *const responses[] = {
	"HTTP/1.1 100 C\r\nX: /1\r\n\r\nHTTP/1.1 200 OK\r\nX: /1\r\nContent-Length: 3\r\n\r\nabc",
	"HTTP/1.1 200 OK\r\nX: /2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
	"HTTP/1.1 204 No\r\nX: /3\r\n\r\n",
	"HTTP/1.1 200 OK\r\nX: /4\r\nContent-Length: 30\r\n\r\n",
};
#define NPAIRS 4

static unsigned pairs, wrong;

static void right_pair(struct told *t, const struct http1_msg *m)
{
	const struct http1_header *h = m->headers;

	if (!m->nheaders)
		return;
	pairs++;
	if (strncmp(m->text + h->value.at, t->target[m->answers & 7], h->value.len))
		wrong++;
}

/* n exchanges of those, from the first, as steps; turns: the client waits for each answer. */
static void exchange(struct step *s, int n, bool turns, size_t gap_at, size_t gap, int dir,
		     bool known)
{
	size_t at[2] = {0, 0};

	for (int i = 0; i < 2 * n; i++) {
		int d = turns ? i & 1 : i >= n, k = turns ? i / 2 : i % n;
		const char *text = d ? responses[k] : requests[k];
		size_t len = strlen(text), from = 0, to = len;

		if (d == dir && gap_at < at[d] + len && gap_at + gap > at[d]) {
			from = gap_at > at[d] ? gap_at - at[d] : 0;
			to = gap_at + gap < at[d] + len ? gap_at + gap - at[d] : len;
			*s++ = (struct step){OP_DATA, d, text, from};
			*s++ = (struct step){OP_LOST, d, NULL, known ? to - from : 0};
			*s++ = (struct step){OP_DATA, d, text + to, len - to};
		} else {
			*s++ = (struct step){OP_DATA, d, text, len};
		}
		at[d] += len;
	}
	*s = (struct step){0};
}

static size_t total(const char *const *text, int n)
{
	size_t sum = 0;

	while (n--)
		sum += strlen(text[n]);
	return sum;
}

static void run(struct http1_parser *p, const struct step *s, const char *what, int dir, size_t at)
{
	static struct told t = {.paired = right_pair};

	if (wrong || (told_run(&t, p, s, -1, false, 0) && !wrong))
		return;
	T_OK(!"each pair is right");
	printf("%s, gap in %d at %zu: %s\n", what, dir, at, t.text);
	wrong++;
}

static void gaps(struct http1_parser *p, int n, bool turns)
{
	const char *what = turns ? "in turns" : "pipelined";
	unsigned before = pairs;
	struct step s[64];

	for (int dir = 0; dir < 2; dir++) {
		size_t len = total(dir ? responses : requests, n);

		for (size_t at = 0; at < len; at++)
			for (size_t gap = 1; gap <= len - at; gap += 1 + gap / 8) {
				exchange(s, n, turns, at, gap, dir, false);
				run(p, s, what, dir, at);
				exchange(s, n, turns, at, gap, dir, true);
				run(p, s, what, dir, at);
			}
	}
	printf("%d exchanges, %s: %u pairs in spite of gaps\n", n, what, pairs - before);
	T_OK(pairs > before);
}

/* The next half of a message, with a gap of 7 bytes where it contains at. */
static struct step *half(struct step *o, int d, size_t h, size_t at)
{
	const char *text = (d ? responses : requests)[h / 2];
	size_t len = strlen(text), n = h & 1 ? len - len / 2 : len / 2;
	size_t gap = at >= n ? 0 : n - at < 7 ? n - at : 7;

	text += h & 1 ? len / 2 : 0;
	if (!gap) {
		*o++ = (struct step){OP_DATA, d, text, n};
		return o;
	}
	*o++ = (struct step){OP_DATA, d, text, at};
	*o++ = (struct step){OP_LOST, d, NULL, gap};
	*o++ = (struct step){OP_DATA, d, text + at + gap, n - at - gap};
	return o;
}

/*
 * Two exchanges, each message in two halves that are seen in the order that the bits tell (set: the
 * next half of a response). False where a response would come before its request.
 */
static bool in_order(struct step *o, unsigned order, int dir, size_t at)
{
	size_t seen[2] = {0, 0};

	for (unsigned bit = 0; bit < 8; bit++) {
		int d = order >> bit & 1;
		size_t h = seen[d]++, len;

		if (h > 3 || (d && h / 2 * 2 >= seen[0]))
			return false;
		len = strlen((d ? responses : requests)[h / 2]);
		len = h & 1 ? len - len / 2 : len / 2;
		o = half(o, d, h, d == dir ? at : len);
		if (d == dir)
			at = at < len ? SIZE_MAX : at - len;
	}
	*o = (struct step){0};
	return true;
}

static void orders(struct http1_parser *p)
{
	struct step s[64];
	char what[32];
	int possible = 0;

	for (unsigned order = 0; order < 256; order++) {
		snprintf(what, sizeof(what), "order %x", order);
		for (int dir = 0; dir < 2; dir++)
			for (size_t at = 0; at < total(dir ? responses : requests, 2); at++)
				if (in_order(s, order, dir, at)) {
					possible++;
					run(p, s, what, dir, at);
				}
	}
	printf("%d orders with gaps\n", possible);
	T_OK(possible > 1000);
}

/* An anchor by order, but not by time: it is the late one. */
static void test_late(struct http1_parser *p)
{
	static struct told t;
	struct http1 *c = http1_open(p, &t, 0, true);
	static const char a[] = GET("/a"), b[] = GET("/b"), r[] = R0("/a");

	T_EQ(http1_data(c, 1, r, sizeof(r) - 1, 20), 0);
	T_EQ(http1_data(c, 0, a, sizeof(a) - 1, 10), 0);
	T_EQ(http1_data(c, 0, b, sizeof(b) - 1, 30), 0);
	T_EQ(http1_data(c, 1, r, sizeof(r) - 1, 40), 0);
	http1_finish(c);
	http1_free(c);
	T_STR(t.text, "R1>- 200; r1; Q1 GET /a; q1; U1 gap; Q2 GET /b; q2; U2 gap; R2>- 200; r2; ");
}

/* A start-line longer than one that is searched for. */
static void test_long(struct http1_parser *p)
{
	static struct told t;
	static char text[20000];
	struct step s[] = {{OP_DATA, 0, text, 0}, {0}};

	for (int n = 8160; n < 8200; n += 20) {
		s[0].n = snprintf(text, sizeof(text), "x\nGET /%0*d HTTP/1.1\r\n\r\n", n, 1);
		for (int piece = 0; piece < 3; piece++) {
			told_run(&t, p, s, 0, true, -piece);
			T_OK(n < 8180 ? !strncmp(t.text, "S0 0+2; Q1 GET", 14)
				      : !strncmp(t.text, "S0 0+82", 7));
		}
	}
}

static void test_queue(void)
{
	static struct told t;
	struct http1_options o = {.max_requests = 5};
	struct http1_parser *p = http1_new(&told_ops, &o);
	struct step s[] = {C(GET("/1") GET("/2") GET("/3") GET("/4") GET("/5")),
			   S(R0("/1") R0("/2")),
			   C(GET("/6") GET("/7")),
			   S(R0("/3") R0("/4") R0("/5")),
			   C(GET("/8")),
			   {0}};

	told_run(&t, p, s, 0, false, 0);
	T_STR(t.text, "Q1 GET /1; q1; Q2 GET /2; q2; Q3 GET /3; q3; Q4 GET /4; q4; Q5 GET /5; q5; "
		      "R1>1 200; r1; R2>2 200; r2; Q6 GET /6; q6; Q7 GET /7; q7; "
		      "R3>3 200; r3; R4>4 200; r4; R5>5 200; r5; Q8 GET /8; q8; U6 open; U7 open; "
		      "U8 open; ");
	s[1] = (struct step)C(GET("/6"));
	s[2] = (struct step){OP_END, 1, NULL, 0};
	s[3] = (struct step){0};
	told_run(&t, p, s, 0, false, 0);
	T_STR(t.text, "Q1 GET /1; q1; Q2 GET /2; q2; Q3 GET /3; q3; Q4 GET /4; q4; Q5 GET /5; q5; "
		      "U1 overflow; U2 overflow; U3 overflow; U4 overflow; U5 overflow; Q6 GET /6; "
		      "q6; U6 gap; ");
	http1_delete(p);
}

int main(void)
{
	struct http1_parser *p = http1_new(&told_ops, NULL);

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		check_steps(samples[i].name, p, samples[i].steps, -1, false, samples[i].want);
	for (size_t i = 0; i < sizeof(joined) / sizeof(joined[0]); i++)
		check_steps(joined[i].name, p, joined[i].steps, -1, true, joined[i].want);
	for (int n = 2; n <= NPAIRS; n += 2) {
		gaps(p, n, true);
		gaps(p, n, false);
	}
	orders(p);
	T_EQ(wrong, 0);
	test_late(p);
	test_long(p);
	test_queue();
	http1_delete(p);
	return t_done();
}
