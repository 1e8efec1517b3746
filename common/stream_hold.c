// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "stream_int.h"

struct stream_hold *stream_hold_get(struct streams *all, struct stream *s, uint64_t now_ns)
{
	struct stream_hold *h = s->hold;

	if (h)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->stream = s;
	h->since_ns = now_ns;
	h->next = all->waiting;
	h->link = &all->waiting;
	if (h->next)
		h->next->link = &h->next;
	all->waiting = h;
	return s->hold = h;
}

void stream_hold_drop(struct stream *s)
{
	struct stream_hold *h = s->hold;

	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	free(h);
	s->hold = NULL;
}

static void cut_out(struct streams *all, struct stream_hold *h, struct held *prev, struct held *p)
{
	uint32_t cost = sizeof(*p) + p->span.captured;

	*(prev ? &prev->next : &h->first) = p->next;
	if (!p->next)
		h->last = prev;
	h->pieces--;
	h->marks -= !p->span.len;
	h->bytes -= cost;
	all->total -= cost;
	all->held -= p->span.len;
}

struct held *stream_hold_take(struct streams *all, struct stream_hold *h)
{
	struct held *first = h->first;

	cut_out(all, h, NULL, first);
	return first;
}

void stream_hold_remove(struct streams *all, struct stream_hold *h, struct held *prev,
			struct held *p)
{
	cut_out(all, h, prev, p);
	free(p);
}

/* What is in front now is known since the oldest of what lies behind it came. */
void stream_hold_since(struct stream_hold *h)
{
	uint64_t since = h->fin ? h->end_since_ns : UINT64_MAX;

	for (struct held *p = h->first; p; p = p->next)
		since = p->since_ns < since ? p->since_ns : since;
	h->since_ns = since;
}

bool stream_hold_insert(struct streams *all, struct stream *s, struct held *prev,
			const struct span *p, uint64_t now_ns)
{
	size_t cost = sizeof(struct held) + p->captured;
	struct stream_hold *h = s->hold;
	struct held *n;

	if ((h ? h->pieces : 0) >= all->max_pieces || cost + (h ? h->bytes : 0) > all->max_bytes ||
	    cost + all->total > all->max_total)
		return false;
	h = stream_hold_get(all, s, now_ns);
	n = h ? malloc(cost) : NULL;
	if (!n) {
		if (h && !h->first && !h->fin)
			stream_hold_drop(s);
		return false;
	}
	n->span = *p;
	n->since_ns = now_ns;
	n->span.data = p->captured ? memcpy(n->bytes, p->data, p->captured) : n->bytes;
	n->next = prev ? prev->next : h->first;
	*(prev ? &prev->next : &h->first) = n;
	/* It was before what is behind it, though it came later. */
	if (n->next && n->next->span.at.order < n->span.at.order)
		n->span.at.order = n->next->span.at.order;
	if (!n->next)
		h->last = n;
	h->pieces++;
	h->marks += !p->len;
	h->bytes += cost;
	all->total += cost;
	all->held += p->len;
	return true;
}

struct held *stream_hold_before(const struct stream_hold *h, uint64_t pos)
{
	struct held *prev = NULL;

	if (!h)
		return NULL;
	if (h->last && h->last->span.at.pos <= pos)
		return h->last;
	for (struct held *p = h->first; p && p->span.at.pos <= pos; p = p->next)
		prev = p;
	return prev;
}
