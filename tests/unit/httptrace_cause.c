// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * httptrace's ids, traces, joins, links and what waits, with spans that are made here. First cases
 * in which it is known what caused what; then any spans in any order, of which each must come out
 * once, none may be its own ancestor, and nothing may be left.
 */
#include "../../tools/httptrace_ids.c"
#include "../../tools/httptrace_traces.c"
#include "../../tools/httptrace_index.c"
#include "../../tools/httptrace_index_groups.c"
#include "../../tools/httptrace_index_ids.c"
#include "../../tools/httptrace_links.c"
#include "../../tools/httptrace_order.c"
#include "../../tools/httptrace_join.c"
#include "../../tools/httptrace_hold.c"
#include "../../tools/httptrace_pile.c"
#include <stdio.h>
#include "unit/t.h"

#define MS 1000000ull

struct settings set;
struct span_stats span_stats;
const char *const span_link_names[LINKS];
static uint64_t now;
static int64_t alive;
static char shown[1 << 16]; /* names of what came out */
static size_t nshown;
static uint64_t trees, in_trees, total_weight;
static bool quiet;

/* What stands behind struct span: its name, and its connection. */
struct test_span {
	struct span s;
	char text[64]; /* right behind it */
	struct hop hop;
	struct cap_who who;
	char name;
};

uint64_t spans_now(void)
{
	return now;
}

struct span *span_get(struct span *s)
{
	s->refs++;
	return s;
}

void span_put(struct span *s)
{
	struct span *parent;

	for (; s && !--s->refs; s = parent) {
		parent = s->parent;
		span_put(s->peer);
		trace_put(s->trace);
		free(s->candidates);
		free(s);
		alive--;
	}
}

static void tell(char c)
{
	if (!quiet && nshown < sizeof(shown) - 1)
		shown[nshown++] = c;
}

static const char *told(void)
{
	static char s[sizeof(shown)];

	memcpy(s, shown, nshown);
	s[nshown] = 0;
	nshown = 0;
	return s;
}

int rows_span(const struct span *s)
{
	tell(((const struct test_span *)s)->name);
	total_weight += hold_weight(s);
	return 0;
}

int csv_span(const struct span *s)
{
	return 0;
}

void table_span(const struct span *s)
{
}

int otlp_span(const struct span *s)
{
	return 0;
}

int tree_trace(struct span *const *spans, size_t n)
{
	trees++;
	in_trees += n;
	for (size_t i = 1; i < n; i++)
		T_OK(spans[i - 1]->first_ns <= spans[i]->first_ns);
	tell(';');
	return 0;
}

bool select_span(const struct span *s)
{
	return ((const struct test_span *)s)->name != '-';
}

/* --- making spans */

static struct test_span *make(char name, int role, uint16_t client_port, uint16_t server_port)
{
	struct test_span *t = calloc(1, sizeof(*t));
	struct flow *f = &t->hop.flow;
	bool client = role == CAP_ROLE_CLIENT;
	static const __u64 home[2] = {0, 0x0100007fffff0000};

	alive++;
	t->name = name;
	t->s.hop = &t->hop;
	t->s.who = &t->who;
	t->hop.id = client_port * 2 + client;
	memcpy(f->local, home, 16);
	memcpy(f->remote, home, 16);
	f->local_port = client ? client_port : server_port;
	f->remote_port = client ? server_port : client_port;
	f->family = 4;
	t->s.role = role;
	t->s.refs = 1;
	t->s.number = 1;
	t->s.seq = client_port * 1000;
	t->s.waited_us = UINT32_MAX;
	t->s.first_ns = t->s.head_ns = now;
	return t;
}

/* "name: value\n" lines. */
static void request(struct test_span *t, const char *headers)
{
	struct http1_header h[8];
	struct http1_msg m = {.text = headers, .headers = h};
	const char *p = headers, *colon, *end;

	for (; *p; p = end + 1) {
		colon = strchr(p, ':');
		end = strchr(p, '\n');
		h[m.nheaders].name = (struct http1_span){p - headers, colon - p};
		h[m.nheaders++].value = (struct http1_span){colon + 2 - headers, end - colon - 2};
		if (!strncmp(p, "X-Request-ID", 12)) {
			t->s.request_id_len = end - colon - 2;
			memcpy(SPAN_REQUEST_ID(&t->s), colon + 2, end - colon - 2);
		}
	}
	ids_request(&t->s, &m);
	links_request(&t->s);
	join_request(&t->s);
	now += 1000;
}

static struct test_span *begin(char name, int role, int port, int server, int pid, int tid,
			       uint64_t goid, const char *headers)
{
	struct test_span *t = make(name, role, port, server);

	t->who.pid = pid;
	t->who.tid = tid;
	t->who.goid = goid;
	request(t, headers);
	return t;
}

#define SERVER(name, port, pid, tid, headers)                                                      \
	begin(name, CAP_ROLE_SERVER, port, 80, pid, tid, 0, headers)
#define CLIENT(name, port, pid, tid, headers)                                                      \
	begin(name, CAP_ROLE_CLIENT, port, 81, pid, tid, 0, headers)
#define GO_SERVER(name, port, pid, goid, headers)                                                  \
	begin(name, CAP_ROLE_SERVER, port, 80, pid, 1, goid, headers)
#define GO_CLIENT(name, port, pid, goid, headers)                                                  \
	begin(name, CAP_ROLE_CLIENT, port, 81, pid, 1, goid, headers)

/* It is over, and is given up. */
static void over(struct test_span *t)
{
	t->s.answer_ns = t->s.answered_ns = t->s.over_ns = now;
	t->s.outcome = SPAN_ANSWERED;
	t->s.answer_tid = t->s.answer_tid ?: t->who.tid;
	t->s.over = 1;
	links_over(&t->s);
	hold_span(&t->s);
	span_put(&t->s);
	now += 1000;
}

static void start(void)
{
	memset(&set, 0, sizeof(set));
	memset(&span_stats, 0, sizeof(span_stats));
	memset(&hold, 0, sizeof(hold));
	traces.over = false;
	set.max_held = 100000;
	now = 1000 * MS;
	trees = in_trees = total_weight = 0;
	nshown = 0;
}

static void finish(void)
{
	hold_finish();
	links_finish();
	join_finish();
	T_EQ(alive, 0);
	T_EQ(traces.n, 0);
	T_OK(!hold.first && !piles.oldest);
}

static bool is_child(const struct test_span *c, const struct test_span *p, int link, int percent)
{
	bool ok = c->s.parent == &p->s && c->s.link == link && c->s.percent == percent &&
		  !memcmp(c->s.parent_id, p->s.span_id, 8) && trace_of(&c->s) == trace_of(&p->s);

	if (!ok)
		printf("%c is no child of %c: link %d, percent %d, parent %c, %d candidates\n",
		       c->name, p->name, c->s.link, c->s.percent,
		       c->s.parent ? ((struct test_span *)c->s.parent)->name : '-',
		       c->s.ncandidates);
	return ok;
}

static bool is_one_of(const struct test_span *c, int n)
{
	if (c->s.link != LINK_CANDIDATES || c->s.ncandidates != n || c->s.parent)
		printf("%c: link %d, %d candidates\n", c->name, c->s.link, c->s.ncandidates);
	return c->s.link == LINK_CANDIDATES && !c->s.parent && c->s.ncandidates == n;
}

static bool is_root(const struct test_span *c)
{
	if (c->s.link || c->s.parent)
		printf("%c: link %d\n", c->name, c->s.link);
	return !c->s.link && !c->s.parent;
}

#define TRACE	       "0af7651916cd43dd8448eb211c80319c"
#define TRACE2	       "1af7651916cd43dd8448eb211c80319c"
#define ID1	       "b7ad6b7169203331"
#define ID2	       "00f067aa0ba902b7"
#define W3C(trace, id) "traceparent: 00-" trace "-" id "-01\n"

/* --- what is known */

static void made_ids(void)
{
	char text[33];
	uint8_t id[16];
	struct test_span *a, *b, *c;

	start();
	a = CLIENT('a', 1000, 1, 1, "");
	b = begin('b', CAP_ROLE_SERVER, 1000, 82, 2, 2, 0, "");
	T_OK(memcmp(a->s.trace->id, b->s.trace->id, 16) != 0);
	/* Both ends make the same trace, not the same span. */
	c = begin('c', CAP_ROLE_SERVER, 1000, 81, 2, 3, 0, "");
	make_trace(&c->s, id);
	T_OK(!memcmp(trace_of(&a->s)->id, id, 16));
	T_OK(memcmp(a->s.span_id, c->s.span_id, 8) != 0);
	over(a), over(b), over(c);
	a = CLIENT('a', 2000, 1, 1, W3C(TRACE, ID1));
	T_STR(ids_hex(text, a->s.trace->id, 16), TRACE);
	T_STR(ids_hex(text, a->s.span_id, 8), ID1);
	T_OK(a->s.span_id_given && a->s.flags == 1);
	b = SERVER('b', 2001, 1, 1, "X-B3-TraceId: " ID2 "\nX-B3-SpanId: " ID1 "\n");
	T_STR(ids_hex(text, b->s.trace->id, 16), "0000000000000000" ID2);
	T_STR(ids_hex(text, b->s.parent_id, 8), ID1);
	T_OK(b->s.parent_given && b->s.link == LINK_B3);
	/* Two of them: none. */
	c = SERVER('c', 2002, 1, 1, W3C(TRACE, ID1) W3C(TRACE, ID2));
	T_OK(!c->s.parent_given && !c->s.link && !c->s.trace->given);
	over(a), over(b), over(c);
	finish();
}

static void joins_of(bool server_first, bool nat)
{
	struct test_span *c, *s;

	start();
	if (server_first) {
		s = begin('s', CAP_ROLE_SERVER, 1000, nat ? 8080 : 81, 2, 2, 0, "");
		c = CLIENT('c', 1000, 1, 1, "");
	} else {
		c = CLIENT('c', 1000, 1, 1, "");
		s = begin('s', CAP_ROLE_SERVER, 1000, nat ? 8080 : 81, 2, 2, 0, "");
	}
	T_OK(c->s.peer == &s->s && s->s.peer == &c->s);
	T_EQ(s->s.nat, nat);
	T_OK(is_child(s, c, LINK_JOIN, nat ? 95 : 100));
	T_EQ(span_stats.joined, 1);
	over(s);
	T_STR(told(), "");
	over(c);
	T_STR(told(), "sc");
	finish();
}

static void no_join(void)
{
	struct test_span *a, *b;

	start();
	a = make('a', CAP_ROLE_CLIENT, 1000, 81);
	b = make('b', CAP_ROLE_SERVER, 1000, 81);
	b->s.seq++;
	request(a, "");
	request(b, "");
	T_OK(!a->s.peer && is_root(b));
	over(a), over(b);
	/* MPTCP counts: on lo of another namespace is another connection. */
	a = make('a', CAP_ROLE_CLIENT, 2000, 81);
	b = make('b', CAP_ROLE_SERVER, 2000, 81);
	a->hop.proto = b->hop.proto = CAP_MPTCP;
	b->hop.flow.netns = 7;
	request(a, "");
	request(b, "");
	T_OK(!a->s.peer);
	over(a), over(b);
	/* Unix sockets, of which the server's end knows the client's. */
	a = make('a', CAP_ROLE_CLIENT, 3000, 0);
	b = make('b', CAP_ROLE_SERVER, 3000, 0);
	a->hop.proto = b->hop.proto = CAP_UNIX;
	b->hop.peer = a->hop.id;
	request(a, "");
	request(b, "");
	T_OK(is_child(b, a, LINK_JOIN, 100));
	over(a), over(b);
	finish();
}

static void by_headers(void)
{
	struct test_span *a, *b, *c, *d, *e;

	start();
	/* One of that trace is served; others are. */
	a = SERVER('a', 1000, 1, 1, W3C(TRACE, ID1));
	b = SERVER('b', 1001, 1, 1, "");
	c = CLIENT('c', 1002, 1, 1, W3C(TRACE, ID2));
	T_OK(is_child(c, a, LINK_TRACEPARENT, 100) && c->s.span_id_given);
	over(c);
	/* Passed on as it came: an id of its own. */
	c = CLIENT('c', 1003, 1, 1, W3C(TRACE, ID1));
	T_OK(is_child(c, a, LINK_TRACEPARENT, 100) && !c->s.span_id_given);
	d = begin('d', CAP_ROLE_SERVER, 1003, 81, 2, 2, 0, W3C(TRACE, ID1));
	T_OK(is_child(d, c, LINK_JOIN, 100));
	over(d), over(c);
	/* The same trace twice: which one, the ids that are passed on tell. */
	d = SERVER('d', 1004, 1, 1, W3C(TRACE, ID2));
	c = CLIENT('c', 1005, 1, 1, W3C(TRACE, ID2));
	T_OK(is_child(c, d, LINK_TRACEPARENT, 100));
	over(c);
	/* ... or nothing does, but the thread does not matter for others. */
	c = CLIENT('c', 1006, 1, 9, W3C(TRACE, "0000000000000009"));
	T_OK(is_one_of(c, 2));
	/* Sent again, as by a redirect: not the same id twice. */
	e = CLIENT('e', 1007, 1, 9, W3C(TRACE, "0000000000000009"));
	T_OK(c->s.span_id_given && !e->s.span_id_given);
	over(e), over(c), over(d);
	/* Another trace than any: not a child of who has one. */
	c = CLIENT('c', 1008, 1, 1, W3C(TRACE2, ID2));
	T_OK(is_child(c, b, LINK_THREAD, 70) && trace_of(&b->s)->given);
	over(c), over(b);
	c = CLIENT('c', 1009, 1, 1, W3C(TRACE2, "0000000000000008"));
	T_OK(is_root(c));
	over(c), over(a);
	finish();
}

static void by_b3_parent(void)
{
	struct test_span *a, *b, *c;

	start();
	a = SERVER('a', 1000, 1, 1, "b3: " TRACE "-" ID1 "\n");
	b = SERVER('b', 1001, 1, 1, "b3: " TRACE "-" ID2 "\n");
	c = CLIENT('c', 1002, 1, 1, "b3: " TRACE "-000000000000000a-1-" ID1 "\n");
	T_OK(is_child(c, a, LINK_B3, 100));
	over(c), over(b), over(a);
	finish();
}

static void by_request_ids(void)
{
	struct test_span *a, *b, *c;

	start();
	a = SERVER('a', 1000, 1, 1, "X-Request-ID: abcdefgh\n");
	b = SERVER('b', 1001, 1, 1, "X-Request-ID: 12345678\n");
	c = CLIENT('c', 1002, 1, 7, "X-Request-ID: abcdefgh\n");
	T_OK(is_child(c, a, LINK_REQUEST_ID, 95));
	over(c), over(b);
	b = SERVER('b', 1003, 1, 1, "X-Request-ID: abcdefgh\n");
	c = CLIENT('c', 1004, 1, 7, "X-Request-ID: abcdefgh\n");
	T_OK(is_one_of(c, 2));
	over(c);
	set.no_headers = true;
	c = CLIENT('c', 1005, 1, 7, "X-Request-ID: abcdefgh\n" W3C(TRACE, ID1));
	T_OK(is_one_of(c, 2) && !c->s.trace_id_given);
	over(c), over(b), over(a);
	finish();
}

static void by_goroutines(void)
{
	struct test_span *a, *b, *c;

	start();
	a = GO_SERVER('a', 1000, 1, 11, "");
	b = GO_SERVER('b', 1001, 1, 12, "");
	c = GO_CLIENT('c', 1002, 1, 12, "");
	T_OK(is_child(c, b, LINK_GOROUTINE, 98));
	over(c);
	/* Never by thread. */
	c = GO_CLIENT('c', 1003, 1, 50, "");
	T_OK(is_one_of(c, 2));
	over(c);
	c = make('c', CAP_ROLE_CLIENT, 1004, 81);
	c->who.pid = c->who.tid = 1;
	c->who.goid = 60;
	c->who.parent_goid = 11;
	request(c, "");
	T_OK(is_child(c, a, LINK_ANCESTRY, 90));
	over(c);
	/* It sent before: it works for all who come. */
	c = make('c', CAP_ROLE_CLIENT, 1005, 81);
	c->who.pid = c->who.tid = 1;
	c->who.goid = 60;
	c->who.parent_goid = 11;
	request(c, "");
	T_OK(is_one_of(c, 2));
	over(c), over(b), over(a);
	/* Nothing is served any more. */
	c = GO_CLIENT('c', 1006, 1, 12, "");
	T_OK(is_root(c));
	over(c);
	finish();
}

/* A thread for each: it is believed when there was nothing against it for a while. */
static void by_threads(void)
{
	struct test_span *a, *b, *c;
	int port = 1000;

	start();
	a = SERVER('a', port++, 1, 11, "");
	c = CLIENT('c', port++, 1, 11, "");
	T_OK(is_child(c, a, LINK_THREAD, 90));
	over(c);
	for (int i = 0; i < TRUST + 2; i++) {
		b = SERVER('b', port++, 1, 12, "");
		c = CLIENT('c', port++, 1, 12, "");
		T_OK(is_child(c, b, LINK_THREAD, i < TRUST ? 70 : 90));
		over(c), over(b);
	}
	/* What comes behind the answer is nobody's. */
	b = SERVER('b', port++, 1, 12, "");
	over(b);
	c = CLIENT('c', port++, 1, 12, "");
	T_OK(is_one_of(c, 1));
	over(c);
	/* And it is not so sure any more. */
	c = CLIENT('c', port++, 1, 11, "");
	T_OK(is_child(c, a, LINK_THREAD, 70));
	over(c), over(a);
	finish();
}

/* The record of what was sent before the answer comes after it. */
static void late(void)
{
	struct test_span *a, *c;
	uint64_t sent;

	start();
	a = SERVER('a', 1000, 1, 11, "");
	sent = now;
	now += MS;
	over(a);
	c = make('c', CAP_ROLE_CLIENT, 1001, 81);
	c->who.pid = 1;
	c->who.tid = 11;
	c->s.first_ns = c->s.head_ns = sent;
	request(c, "");
	T_OK(c->s.parent == &a->s && c->s.link == LINK_THREAD);
	over(c);
	finish();
}

/* As nginx, Node: one thread, several requests. */
static void by_order(void)
{
	struct test_span *a, *b, *c, *d, *e, *f;

	start();
	a = SERVER('a', 1000, 1, 1, "");
	b = SERVER('b', 1001, 1, 1, "");
	c = CLIENT('c', 1002, 1, 1, "");
	T_OK(is_child(c, a, LINK_ORDER, 55));
	/* Its connection was begun before b was read. */
	d = make('d', CAP_ROLE_CLIENT, 1003, 81);
	d->who.pid = d->who.tid = 1;
	links_connect(&d->hop, NULL, b->s.head_ns - 1);
	request(d, "");
	T_OK(is_child(d, a, LINK_ORDER, 65));
	/* The answer to what a asked for: a goes on. */
	over(d);
	d = CLIENT('d', 1004, 1, 1, "");
	T_OK(is_child(d, a, LINK_ORDER, 55));
	over(d), over(c);
	/* All there is is read, then all is sent; what sent nothing then is not next. */
	e = SERVER('e', 1007, 1, 1, "");
	over(d = CLIENT('d', 1004, 1, 1, ""));
	c = SERVER('c', 1008, 1, 1, "");
	over(a), over(b);
	a = SERVER('a', 1009, 1, 1, "");
	b = SERVER('b', 1010, 1, 1, "");
	d = CLIENT('d', 1011, 1, 1, "");
	f = CLIENT('f', 1012, 1, 1, "");
	T_OK(is_child(d, c, LINK_ORDER, 55));
	T_OK(is_child(f, a, LINK_ORDER, 55));
	over(d), over(f), over(a), over(b), over(c), over(e);
	/* It serves one, but has served several. */
	a = SERVER('a', 1005, 1, 1, "");
	c = CLIENT('c', 1006, 1, 1, "");
	T_OK(is_child(c, a, LINK_THREAD, 70));
	over(c), over(a);
	finish();
}

static void set_url(struct test_span *t, const char *url)
{
	t->who.pid = t->who.tid = 1;
	t->s.method_len = 3;
	t->s.url_len = strlen(url);
	memcpy(t->text, "GET", 3);
	memcpy(t->text + 3, url, strlen(url));
	request(t, "");
}

/* The URL does not agree with the order: the order, until it is known to be a proxy. */
static void by_url(void)
{
	struct test_span *a, *b, *c, *d;
	char url[2][24];

	start();
	for (int i = 0; i < 12; i++) {
		sprintf(url[0], "/a/%d?x", i);
		sprintf(url[1], "/b/%d", i);
		set_url(a = make('a', CAP_ROLE_SERVER, 1000 + i, 80), url[0]);
		set_url(b = make('b', CAP_ROLE_SERVER, 1100 + i, 80), url[1]);
		set_url(c = make('c', CAP_ROLE_CLIENT, 1200 + i, 81), url[1]);
		*strchr(url[0], '?') = 0;
		set_url(d = make('d', CAP_ROLE_CLIENT, 1300 + i, 81), url[0]);
		if (i < 2) {
			T_OK(is_child(c, a, LINK_ORDER, 55));
			T_OK(is_child(d, b, LINK_ORDER, 55));
		} else {
			T_OK(is_child(c, b, LINK_ORDER, 75));
			T_OK(is_child(d, a, LINK_ORDER, 75));
		}
		over(c), over(d), over(a), over(b);
	}
	finish();
}

/*
 * It sends for what it read last, and answers that one as soon as it can: before what is first
 * would have been.
 */
static void by_last(void)
{
	struct test_span *a, *b, *c, *d;

	start();
	for (int i = 0; i < 12; i++) {
		a = SERVER('a', 1000 + i, 1, 1, "");
		b = SERVER('b', 1100 + i, 1, 1, "");
		c = CLIENT('c', 1200 + i, 1, 1, "");
		T_OK(is_child(c, i < 4 ? a : b, LINK_ORDER, 55));
		d = CLIENT('d', 1300 + i, 1, 1, "");
		over(c);
		over(b);
		over(d), over(a);
	}
	finish();
}

static void circles(void)
{
	struct test_span *a, *b, *c;

	start();
	a = SERVER('a', 1000, 1, 1, "");
	b = SERVER('b', 1001, 2, 2, "");
	c = SERVER('c', 1002, 3, 3, "");
	T_OK(link_set(&b->s, &a->s, LINK_THREAD, 70));
	T_OK(link_set(&c->s, &b->s, LINK_THREAD, 70));
	T_OK(!link_set(&a->s, &c->s, LINK_JOIN, 100));
	T_OK(!link_set(&a->s, &a->s, LINK_JOIN, 100));
	T_OK(is_root(a));
	/* Only by what is surer. */
	T_OK(!link_set(&c->s, &a->s, LINK_THREAD, 70));
	T_OK(link_set(&c->s, &a->s, LINK_THREAD, 90));
	T_OK(trace_of(&a->s) == trace_of(&c->s));
	over(a), over(b), over(c);
	finish();
}

/* --- what waits */

static void waits(void)
{
	struct test_span *a, *b;

	start();
	a = CLIENT('a', 1000, 1, 1, "");
	over(a);
	T_STR(told(), "");
	now += JOIN_NS;
	hold_tick(now);
	T_STR(told(), "a");
	/* No more than --max-held. */
	set.max_held = 3;
	for (int i = 0; i < 5; i++) {
		a = CLIENT('a' + i, 1001 + i, 1, 1, "");
		over(a);
	}
	T_STR(told(), "ab");
	T_EQ(span_stats.early_shown, 2);
	b = CLIENT('-', 1010, 1, 1, "");
	over(b);
	hold_finish();
	T_STR(told(), "cde");
	T_EQ(span_stats.shown, 6);
	T_EQ(span_stats.filtered, 1);
	finish();
}

static void tree(void)
{
	struct test_span *a, *b, *c;

	start();
	set.tree = true;
	a = SERVER('a', 1000, 1, 1, "");
	b = CLIENT('b', 1001, 1, 1, "");
	c = begin('c', CAP_ROLE_SERVER, 1001, 81, 2, 2, 0, "");
	over(c), over(b);
	now += 10 * QUIET_NS;
	hold_tick(now);
	T_STR(told(), "");
	over(a);
	hold_tick(now);
	T_STR(told(), "");
	now += 2 * QUIET_NS;
	hold_tick(now);
	T_STR(told(), "cba;");
	T_EQ(trees, 1);
	T_EQ(in_trees, 3);
	finish();
}

/* Of many spans, in pieces that are joined late: one tree. */
static void large_tree(void)
{
	enum { N = 100 };
	struct test_span *s[N], *c[N];

	start();
	set.tree = true;
	for (int i = 0; i < N; i++)
		over(s[i] = begin('s', CAP_ROLE_SERVER, i + 1, 81, 2, 2, 0, ""));
	s[0] = SERVER('r', 1000, 1, 1, "");
	for (int i = 0; i < N; i++)
		c[i] = CLIENT('c', i + 1, 1, 1, "");
	for (int i = 0; i < N; i++)
		over(c[i]);
	over(s[0]);
	now += 2 * QUIET_NS;
	hold_tick(now);
	hold_tick(now + 2 * QUIET_NS);
	T_EQ(trees, 1);
	T_EQ(in_trees, 2 * N + 1);
	finish();
}

/* The last 7 bytes of an id decide, alike on each machine. */
static void sampled_ids(void)
{
	struct trace t = {.id = {[8] = 0xff, [9] = 0x3f, [10] = 0xff, [15] = 0xff}};

	start();
	set.sample = 4;
	T_OK(trace_sampled(&t));
	t.id[9] = 0x40;
	T_OK(!trace_sampled(&t));
	t.id[9] = 0;
	memset(t.id, 0xff, 9);
	T_OK(trace_sampled(&t));
	set.sample = 1;
	memset(t.id, 0xff, 16);
	T_OK(trace_sampled(&t));
}

/* 3 spans each; some have an error. */
static void sampling(bool keep)
{
	enum { TRACES = 2000 };
	uint64_t errors = 0, n[3] = {0};

	start();
	set.sample = 4;
	set.keep_errors = keep;
	for (int i = 0; i < TRACES; i++) {
		struct test_span *a = SERVER('a', 3 * i, 1, 1, "");
		struct test_span *b = CLIENT('b', 3 * i + 1, 1, 1, "");
		struct test_span *c = begin('c', CAP_ROLE_SERVER, 3 * i + 1, 81, 2, 2, 0, "");

		b->s.error = i % 10 == 0;
		errors += b->s.error;
		over(c), over(b), over(a);
		now += 10 * MS;
		hold_tick(now);
	}
	finish();
	T_EQ(span_stats.shown + span_stats.sampled, 3 * TRACES);
	T_EQ(span_stats.shown % 3, 0);
	T_OK(total_weight > 3 * TRACES * 9 / 10 && total_weight < 3 * TRACES * 11 / 10);
	if (keep)
		T_OK(span_stats.shown >= 3 * errors + TRACES / 2);
	for (const char *s = told(); *s; s++)
		n[*s - 'a']++;
	T_OK(n[0] == n[1] && n[1] == n[2]);
}

static void rate(void)
{
	start();
	set.rate = 10;
	for (int i = 0; i < 1000; i++) {
		over(CLIENT('a', i, 1, 1, ""));
		now += 10 * MS;
		hold_tick(now);
	}
	finish();
	T_EQ(span_stats.shown + span_stats.rate_limited, 1000);
	T_OK(span_stats.shown >= 100 && span_stats.shown <= 112);
}

/* --- any spans */

static uint32_t seed = 1;
static uint32_t any(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

enum { OPEN = 400 };
static struct test_span *open_now[OPEN];
static unsigned int nopen;

static void check_parents(const struct test_span *t)
{
	unsigned int n = 0;

	for (const struct span *s = &t->s; s; s = s->parent)
		if (++n > 100000)
			break;
	T_OK(n <= 100000);
	if (t->s.parent)
		T_OK(trace_of(&t->s) == trace_of(t->s.parent));
}

static void any_begin(void)
{
	static char headers[256];
	int role = any(2) ? CAP_ROLE_SERVER : CAP_ROLE_CLIENT;
	struct test_span *t = make('a', role, any(300), any(20) ? 80 : 81);
	size_t n = 0;

	t->who.pid = any(20) ? 1 + any(5) : 0;
	t->who.tid = 1 + any(4);
	t->who.goid = t->who.pid == 2 ? 1 + any(30) : 0;
	t->who.parent_goid = t->who.goid ? any(30) : 0;
	t->s.number = 1 + any(3);
	t->hop.began_ns = any(3) ? 0 : now - any(5000);
	t->s.first_ns = t->s.head_ns = now - any(3000);
	*headers = 0;
	if (!any(4))
		n += sprintf(headers + n, "traceparent: 00-%031x%x-%016x-01\n", 1, any(6) + 1,
			     any(20) + 1);
	if (!any(6))
		n += sprintf(headers + n, "X-Request-ID: abcdefg%u\n", any(9));
	if (!any(9))
		n += sprintf(headers + n, "b3: %032x-%016x-1-%016x\n", any(6) + 1, any(20) + 1,
			     any(20) + 1);
	request(t, headers);
	check_parents(t);
	open_now[nopen++] = t;
}

static void any_over(unsigned int i)
{
	struct test_span *t = open_now[i];

	open_now[i] = open_now[--nopen];
	t->s.error = !any(20);
	t->s.answer_tid = any(9) ? 0 : 1 + any(4);
	check_parents(t);
	over(t);
}

static void stress(int mode)
{
	const struct span_stats *st = &span_stats;
	uint64_t begun = 0;

	start();
	quiet = true;
	set.max_held = mode & 1 ? 50 : 100000;
	set.tree = mode & 2;
	set.sample = mode & 4 ? 3 : 0;
	set.keep_errors = mode & 8;
	set.rate = mode & 16 ? 100 : 0;
	std.max_events = mode & 32 ? 4000 : 0;
	std.replay = "x";
	for (int i = 0; i < 20000; i++) {
		if (nopen < OPEN && (!nopen || any(100) < (i / 4000 % 2 ? 45 : 55))) {
			any_begin();
			begun++;
		} else {
			any_over(any(nopen));
		}
		now += any(20) ? any(50000) : any(20 * MS);
		hold_tick(now);
	}
	while (nopen)
		any_over(nopen - 1);
	finish();
	quiet = false;
	std.max_events = 0;
	T_EQ(st->shown + st->filtered + st->sampled + st->rate_limited + st->over_max, begun);
	T_OK(!set.tree || in_trees == st->shown || st->early_shown);
	T_OK(st->joined > 10);
}

int main(void)
{
	made_ids();
	joins_of(false, false);
	joins_of(true, false);
	joins_of(false, true);
	joins_of(true, true);
	no_join();
	by_headers();
	by_b3_parent();
	by_request_ids();
	by_goroutines();
	by_threads();
	late();
	by_order();
	by_url();
	by_last();
	circles();
	waits();
	tree();
	large_tree();
	sampled_ids();
	sampling(false);
	sampling(true);
	rate();
	for (int mode = 0; mode < 64; mode++)
		stress(mode);
	return t_done();
}
