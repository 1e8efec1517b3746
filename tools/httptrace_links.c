// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What caused a client's request: one of the requests that its process serves at that time. Rules
 * are asked in the order of enum span_link; what one finds several of, the next ones choose from.
 *
 * A rule's percent is a promise. At 80 and more it may not be wrong, so a thread is believed to do
 * what it read last only in a process that never showed otherwise: that no thread serves several at
 * once, nor sends what it did not read the cause of, nor answers what another one read.
 */
#include "httptrace_links.h"
#include <stdlib.h>
#include <string.h>

#define SURE	 90 /* percent of a thread that is believed */
#define NOT_SURE 70
#define TRUST	 8 /* calls of a process that serves several at once, before it is believed */

const char *const span_link_names[LINKS] = {
	[LINK_TRACEPARENT] = "traceparent",
	[LINK_B3] = "b3",
	[LINK_JOIN] = "join",
	[LINK_REQUEST_ID] = "request_id",
	[LINK_GOROUTINE] = "goroutine",
	[LINK_ANCESTRY] = "ancestry",
	[LINK_THREAD] = "thread",
	[LINK_ORDER] = "order",
	[LINK_CANDIDATES] = "candidates",
};

/* --- link_set() */

static bool is_surer(const struct span *s, const struct span *parent, enum span_link link,
		     unsigned int percent)
{
	if (!s->link || link < s->link)
		return true;
	return link == s->link && (percent > s->percent || (parent && !s->parent));
}

/* Only who has children can be above another. */
static bool is_above(const struct span *s, const struct span *p)
{
	if (s == p)
		return true;
	if (!s->has_child)
		return false;
	while (p && p != s)
		p = p->parent;
	return p;
}

bool link_set(struct span *s, struct span *parent, enum span_link link, unsigned int percent)
{
	struct span *old = s->parent;

	if (s->shown || !is_surer(s, parent, link, percent))
		return false;
	if (parent && (is_above(s, parent) || trace_apart(s, parent)))
		return false;
	s->link = link;
	s->percent = percent;
	free(s->candidates);
	s->candidates = NULL;
	s->ncandidates = 0;
	if (!parent)
		return true;
	s->parent = span_get(parent);
	parent->has_child = 1;
	memcpy(s->parent_id, parent->span_id, sizeof(s->parent_id));
	trace_link(s, parent);
	span_put(old);
	return true;
}

/* --- the rules */

static bool link_to(const struct query *q, struct span *p, enum span_link link,
		    unsigned int percent)
{
	return link_set((struct span *)q->s, p, link, percent);
}

static bool one(const struct found *f)
{
	return f->n == 1 && !f->more;
}

static unsigned int with_parent(const struct found *f, const uint8_t id[8], struct span **last)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < f->n; i++) {
		if (!f->v[i]->parent_given || memcmp(f->v[i]->parent_id, id, 8))
			continue;
		*last = f->v[i];
		n++;
	}
	return n;
}

/*
 * The same trace came in. A proxy may have passed the header on as it was: then the id in it is
 * that of the span that called the proxy, and this one needs its own. X-B3-ParentSpanId is the id
 * that came in, where both ends use the same.
 */
static bool by_trace_id(struct query *q)
{
	struct span *s = (struct span *)q->s, *p = NULL;
	enum span_link link = s->from_b3 ? LINK_B3 : LINK_TRACEPARENT;
	struct found f = {0};
	unsigned int n;

	index_find_trace(q, &f);
	n = with_parent(&f, s->span_id, &p);
	if (n) {
		memcpy(q->passed_id, s->span_id, sizeof(q->passed_id));
		q->passed = true;
		ids_own(s);
	} else if (s->parent_given) {
		n = with_parent(&f, s->parent_id, &p);
	}
	q->same_trace = f.n;
	if (n == 1 && !f.more)
		return link_to(q, p, link, 100);
	return one(&f) && link_to(q, f.v[0], link, 100);
}

static bool by_request_id(struct query *q)
{
	struct found f = {0};

	q->same_id = true;
	index_find_request_id(q, &f);
	q->same_id = f.n;
	return one(&f) && link_to(q, f.v[0], LINK_REQUEST_ID, 95);
}

/* A goroutine does one thing at a time: of requests that were pipelined to it, the first. */
static struct span *first_of_connection(const struct found *f)
{
	struct span *p = f->v[0];

	for (unsigned int i = 1; i < f->n; i++) {
		if (f->v[i]->hop != p->hop)
			return NULL;
		if (f->v[i]->number < p->number)
			p = f->v[i];
	}
	return f->more ? NULL : p;
}

/*
 * Who was started by a goroutine that serves a request works for that one, unless it lived before:
 * one that sends for all who come is started by the first of them.
 */
static bool by_goroutine(const struct query *q)
{
	const struct span *s = q->s;
	struct found f = {0}, above = {0};
	bool new = s->from_go || index_new_sender(s->who->pid, s->who->goid);
	struct span *p;

	index_find(index_who(s->who->pid, 0, s->who->goid), q, &f);
	if (f.n) {
		p = first_of_connection(&f);
		return p && link_to(q, p, LINK_GOROUTINE, f.n == 1 ? 98 : 95);
	}
	if (!new || !s->who->parent_goid)
		return false;
	index_find(index_who(s->who->pid, 0, s->who->parent_goid), q, &above);
	return one(&above) && link_to(q, above.v[0], LINK_ANCESTRY, 90);
}

/* It shows so often that work moves from thread to thread that a thread says nothing. */
static bool is_loose(const struct proc *proc)
{
	return proc->strays * 4 > proc->calls || proc->elsewhere * 4 > proc->answers;
}

static bool is_sure(const struct proc *proc, const struct query *q, const struct span *p)
{
	if (proc->several || proc->strays || proc->elsewhere)
		return false;
	/* A connection that was begun before was begun for something else. */
	if (q->began_ns && q->began_ns < p->head_ns)
		return false;
	return proc->open == 1 || proc->calls > TRUST;
}

static bool by_thread(struct proc *proc, const struct query *q, bool again)
{
	const struct group *thread = index_who(q->s->who->pid, q->s->who->tid, 0);
	struct found f = {0};
	struct span *p;
	unsigned int percent;

	index_find(thread, q, &f);
	if (!again && !q->same_trace && !q->same_id) {
		proc->calls += proc->open > 1;
		proc->strays += !f.n;
	}
	if (!f.n || is_loose(proc))
		return false;
	if (one(&f)) {
		index_used(f.v[0]);
		percent = is_sure(proc, q, f.v[0]) ? SURE : NOT_SURE;
		return link_to(q, f.v[0], LINK_THREAD, percent);
	}
	percent = order_choose(proc, thread, q, &p);
	if (!percent || !link_to(q, p, LINK_ORDER, percent))
		return false;
	index_used(p);
	order_call(p);
	return true;
}

/* Nobody knows which one it is, not even of a single one. */
static void candidates(const struct proc *proc, const struct query *q)
{
	struct span *s = (struct span *)q->s;
	struct found f = {0};
	uint32_t n;

	if (q->same_id)
		index_find_request_id(q, &f);
	else if (q->same_trace)
		index_find_trace(q, &f);
	else
		index_find(&proc->g, q, &f);
	if (!f.n || !link_set(s, NULL, LINK_CANDIDATES, 0))
		return;
	n = f.more && proc->open > f.n ? proc->open : f.n;
	s->ncandidates = n < 255 ? n : 255;
	n = f.n < MAX_CANDIDATES ? f.n : MAX_CANDIDATES;
	s->candidates = malloc(n * sizeof(*s->candidates));
	for (uint32_t i = 0; s->candidates && i < n; i++) {
		memcpy(s->candidates[i].trace_id, trace_of(f.v[i])->id, 16);
		memcpy(s->candidates[i].span_id, f.v[i]->span_id, 8);
	}
}

/* again: it was asked when the request was sent, and nothing was found. */
static void find_cause(struct span *s, struct proc *proc, bool again)
{
	struct query q = {.s = s, .ns = s->first_ns};

	if (s->number == 1 && !s->hop->joined)
		q.began_ns = s->hop->began_ns;
	if (s->trace_id_given && by_trace_id(&q))
		return;
	if (has_request_id(s) && by_request_id(&q))
		return;
	proc->go |= s->who->goid != 0;
	if (s->who->goid && by_goroutine(&q))
		return;
	/* Goroutines go from thread to thread. */
	if (!proc->go && by_thread(proc, &q, again))
		return;
	candidates(proc, &q);
}

/* --- what is told */

void links_connect(struct hop *h, const struct cap_who *who, uint64_t ns)
{
	h->began_ns = ns;
}

static void call(struct span *s)
{
	struct proc *proc = index_proc(s->who->pid);

	if (proc && proc->g.n)
		find_cause(s, proc, false);
	if (!s->span_id_given)
		return;
	/* Who asks again, or is redirected, may send the same header twice. */
	if (index_id_used(s))
		ids_own(s);
	else
		index_add(s);
}

static void serve(struct span *s)
{
	const struct group *who = s->who->goid ? NULL : index_who(s->who->pid, s->who->tid, 0);
	const struct span *p = who ? who->open : NULL;
	bool several = false;
	struct proc *proc;

	for (int i = 0; p && i < 4; p = p->index_next[INDEX_WHO], i++)
		several |= span_open_at(p, s->head_ns);
	proc = index_add(s);
	if (!proc)
		return;
	proc->go |= s->who->goid != 0;
	if (several)
		index_several(proc);
}

void links_request(struct span *s)
{
	index_expire(spans_now());
	if (!s->who->pid)
		return;
	if (s->role == CAP_ROLE_CLIENT)
		call(s);
	else
		serve(s);
}

/* The answer to what p's thread asked for came: it goes on with p. */
static void called(struct span *s)
{
	struct proc *proc = index_proc(s->who->pid);
	struct span *p;

	if (!s->link && proc && proc->g.n)
		find_cause(s, proc, true);
	p = s->parent;
	if (!p || !proc || p->who->pid != s->who->pid)
		return;
	if (s->link == LINK_ORDER)
		order_answer(p);
	if (!s->answered_ns)
		return;
	if (s->answer_tid == p->who->tid && !p->who->goid && !order_is_proxy(proc))
		index_touch(p, s->answered_ns);
	/* Who had answered already did not wait for it, as one who serves one at a time does. */
	if (s->link == LINK_THREAD && p->answered_ns && p->answered_ns < s->answer_ns) {
		index_several(proc);
		s->percent = s->percent < NOT_SURE ? s->percent : NOT_SURE;
	}
}

void links_over(struct span *s)
{
	struct proc *proc;

	if (s->role == CAP_ROLE_CLIENT) {
		called(s);
	} else if (s->indexed && s->answered_ns && s->answer_tid && !s->who->goid) {
		proc = index_proc(s->who->pid);
		proc->answers++;
		proc->elsewhere += s->answer_tid != s->who->tid;
		order_over(proc, s);
	}
	index_over(s);
}

void links_finish(void)
{
	index_finish();
}
