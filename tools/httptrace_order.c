// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Threads that serve several requests at once: event loops, as of nginx, Node and asyncio. What
 * such a thread sends it sends because of what it read last: a request, or the answer to one that
 * it had sent before. That is a guess, for timers and what is not HTTP wake it too, and its percent
 * says so. A proxy sends what it got: that it is the same method and URL is another hint.
 */
#include "httptrace_links.h"
#include <string.h>

#define BEGAN 65 /* percent, by when the connection was begun */
#define SENT  55 /* ... by when the request was sent */
#define ALIKE 75 /* ... where the only one with that method and URL is the parent */
#define PROXY 8 /* calls, all but one in 8 like a candidate, that show a proxy */

/* When the thread last read something of it, before ns. */
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

static size_t path_len(const struct span *s)
{
	const char *query = memchr(SPAN_URL(s), '?', s->url_len);

	return query ? (size_t)(query - SPAN_URL(s)) : s->url_len;
}

static bool is_alike(const struct span *a, const struct span *b)
{
	size_t n;

	if (!a->url_len || a->method_len != b->method_len ||
	    memcmp(SPAN_METHOD(a), SPAN_METHOD(b), a->method_len))
		return false;
	n = path_len(a);
	return n == path_len(b) && !memcmp(SPAN_URL(a), SPAN_URL(b), n);
}

unsigned int order_choose(struct proc *proc, const struct query *q, const struct found *f,
			  struct span **p)
{
	uint64_t ns = q->began_ns ?: q->ns;
	struct span *last = NULL, *alike = NULL;
	unsigned int nalike = 0;

	for (unsigned int i = 0; i < f->n; i++) {
		struct span *c = f->v[i];

		if (!touched(c, ns))
			continue;
		if (!last || is_later(c, last, ns))
			last = c;
		if (!is_alike(q->s, c))
			continue;
		nalike++;
		if (!alike || is_later(c, alike, ns))
			alike = c;
	}
	proc->ordered++;
	proc->same_url += nalike > 0;
	/* What is alike counts where the two agree, or where all that it sends is like what came. */
	if (alike && alike != last && proc->ordered > PROXY &&
	    proc->same_url >= proc->ordered / 8 * 7)
		last = alike;
	*p = last;
	if (!last)
		return 0;
	if (nalike == 1 && alike == last && !f->more)
		return ALIKE;
	return q->began_ns ? BEGAN : SENT;
}
