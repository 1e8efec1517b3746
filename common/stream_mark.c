// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * How far a stream has come, where that is known before its bytes come: pieces of no bytes among
 * those that are held.
 */
#include <stdlib.h>
#include "stream_int.h"

static void tell_overdue(struct streams *all, struct stream *s, const struct stream_at *reached)
{
	struct stream_at at = *reached;

	at.pos = s->next;
	s->overdue = true;
	s->reached = reached->pos;
	all->ops->overdue(all, s, &at, reached->pos - s->next);
}

bool stream_only_marks(const struct stream_hold *h)
{
	return h && h->first && h->pieces == h->marks && !h->fin;
}

void stream_tell_marks(struct streams *all, struct stream *s)
{
	while (s->hold->first) {
		struct held *p = stream_hold_take(all, s->hold);

		tell_overdue(all, s, &p->span.at);
		free(p);
	}
	stream_hold_drop(s);
}

void stream_reached(struct streams *all, struct stream *s, uint32_t seq, uint32_t by,
		    uint64_t ts_ns, uint64_t now_ns)
{
	const struct stream_hold *h = s->hold;
	struct span mark = {.at = {0, ts_ns, all->order, 0, by}};

	if (!s->based || s->joining || s->ended)
		return;
	mark.at.pos = stream_position(s, seq);
	if (mark.at.pos <= s->next)
		return;
	if (h && (h->fin || (h->last && span_end(&h->last->span) >= mark.at.pos)))
		return;
	/* The next after one that was waited for is not. */
	while (s->hold || !s->overdue) {
		h = s->hold;
		if (stream_hold_insert(all, s, h ? h->last : NULL, &mark, now_ns))
			return;
		if (!h)
			break;
		stream_give_up(all, s, NULL);
	}
	if (mark.at.pos > s->next)
		tell_overdue(all, s, &mark.at);
}

void stream_drop_marks(struct streams *all, struct stream *s, uint64_t pos, const uint32_t *limit)
{
	struct held *p, *next, *prev = NULL;

	if (!s->hold)
		return;
	for (p = s->hold->first; p; p = next) {
		next = p->next;
		if (!p->span.len && p->span.at.pos > pos &&
		    (!limit || (int32_t)(p->span.at.aux - *limit) < 0))
			stream_hold_remove(all, s->hold, prev, p);
		else
			prev = p;
	}
	if (s->hold->first || s->hold->fin)
		stream_hold_since(s->hold);
	else
		stream_hold_drop(s);
}

void stream_unreached(struct streams *all, struct stream *s, uint32_t seq, uint32_t limit)
{
	stream_drop_marks(all, s, stream_position(s, seq), &limit);
}
