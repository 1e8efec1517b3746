// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Threads that serve several requests at once: event loops, as of nginx, Node and asyncio. What
 * such a thread sends it sends because of something that it read: a request, or the answer to one
 * that it had sent before. Some read all there is, and then send for each, in that order; some send
 * at once, or when something comes that is not HTTP, so that it is likelier for what was read last.
 * Which one a process is shows when answers are sent before those that they should have waited for.
 *
 * It is a guess in any case, and its percent says so. A proxy sends what it got: that method and
 * URL are the same is another hint.
 */
#include "httptrace_links.h"
#include <string.h>

#define BEGAN 65 /* percent, by when the connection was begun */
#define SENT  55 /* ... by when the request was sent */
#define ALIKE 75 /* ... where the only one with that method and URL is the parent */
#define SOME  8 /* what is seen so often tells how a process works ... */
#define FEW   4 /* ... or what is not likely to be so by chance */

/* When the thread last read something of it, before ns; 0: nothing. */
static uint64_t touched(const struct span *p, uint64_t ns)
{
	uint64_t t = p->touch_ns <= ns ? p->touch_ns : p->head_ns;

	if (t > ns)
		return 0;
	return p->last_ns > t && p->last_ns <= ns ? p->last_ns : t;
}

static bool is_later(const struct span *a, const struct span *b, uint64_t ns)
{
	uint64_t x = touched(a, ns), y = touched(b, ns);

	if (x != y)
		return x > y;
	/* Read by one call: the first comes first. */
	if (a->has_child != b->has_child)
		return b->has_child;
	return a->number < b->number;
}

static struct span *latest(const struct found *f, uint64_t ns)
{
	struct span *p = NULL;

	for (unsigned int i = 0; i < f->n; i++)
		if (touched(f->v[i], ns) && (!p || is_later(f->v[i], p, ns)))
			p = f->v[i];
	return p;
}

/* The first of those whose turn it is. */
static struct span *next(const struct found *due, uint64_t ns)
{
	for (unsigned int i = 0; i < due->n; i++)
		if (!due->v[i]->used && touched(due->v[i], ns))
			return due->v[i];
	return NULL;
}

bool order_is_proxy(const struct proc *proc)
{
	return proc->ordered > FEW && proc->same_url >= proc->ordered / 8 * 7;
}

/* By the order of things; of those in f. */
static struct span *choose(const struct proc *proc, const struct found *f, const struct found *due,
			   uint64_t ns)
{
	struct span *p = proc->last_first ? NULL : next(due, ns);

	return p ?: latest(f, ns) ?: latest(due, ns);
}

unsigned int order_choose(struct proc *proc, const struct group *thread, const struct query *q,
			  struct span **p)
{
	uint64_t ns = q->began_ns ?: q->ns;
	struct found f = {0}, due = {0}, alike = {0}, alike_due = {0};
	const struct span *s = q->s;

	index_find(thread, q, &f);
	index_find_due(thread, q, &due);
	index_find_alike(q, &alike);
	proc->ordered++;
	proc->same_url += alike.n > 0;
	*p = choose(proc, &f, &due, ns);
	/* What is alike counts where all that it sends is like what came. */
	if (alike.n && order_is_proxy(proc)) {
		for (unsigned int i = 0; i < due.n; i++)
			if (span_is_alike(s, due.v[i]))
				found_add(&alike_due, due.v[i]);
		*p = choose(proc, &alike, &alike_due, ns);
	}
	if (!*p)
		return 0;
	if (alike.n == 1 && *p == alike.v[0] && !alike.more)
		return ALIKE;
	return q->began_ns ? BEGAN : SENT;
}

/* --- was it right? */

void order_call(struct span *p)
{
	p->calls += p->calls < 255;
}

void order_answer(struct span *p)
{
	p->calls -= p->calls && p->calls < 255;
}

void order_over(struct proc *proc, const struct span *p)
{
	if (p->has_child)
		*(p->calls ? &proc->missed : &proc->waited) += 1;
	if (proc->missed + proc->waited < SOME)
		return;
	if (proc->missed > proc->waited / 3)
		proc->last_first = !proc->last_first;
	proc->missed = proc->waited = 0;
}
