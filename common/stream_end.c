// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Holes that are given up, and ends. */
#include <stdlib.h>
#include <string.h>
#include "stream_int.h"

bool stream_overdue(const struct streams *all, const struct stream_hold *h, uint64_t now_ns)
{
	uint64_t wait = h->stream->joining ? all->join_ns : all->wait_ns;

	return now_ns >= h->since_ns && now_ns - h->since_ns >= wait;
}

void stream_fin(struct streams *all, struct stream *s, uint32_t seq, uint64_t ts_ns,
		uint64_t now_ns)
{
	struct stream_hold *h;
	uint64_t end;

	if (s->ended)
		return;
	stream_start(s, seq);
	end = stream_position(s, seq);
	stream_drop_marks(all, s, end, NULL);
	h = end > s->next || s->hold ? stream_hold_get(all, s, now_ns) : NULL;
	if (!h) {
		/* In order; or no memory to wait with. */
		if (end > s->next)
			stream_lose(all, s, &(struct stream_at){end, ts_ns, all->order, 0, 0});
		stream_tell_end(all, s, ts_ns, all->order, false);
		return;
	}
	if (!h->fin) {
		h->end_since_ns = now_ns;
		h->end_ts_ns = ts_ns;
		h->end_order = all->order;
	}
	h->fin = true;
	h->end = end > h->end ? end : h->end;
	if (h->last && span_end(&h->last->span) > h->end)
		h->end = span_end(&h->last->span);
}

void stream_flush(struct streams *all, struct stream *s)
{
	while (s->hold)
		stream_give_up(all, s, NULL);
}

void stream_finish(struct streams *all, struct stream *s, uint64_t ts_ns)
{
	struct stream_at at = {.ts_ns = ts_ns, .order = all->order};

	stream_flush(all, s);
	at.pos = stream_position(s, s->reached);
	if (s->overdue)
		stream_lose(all, s, &at);
}

void stream_reset(struct streams *all, struct stream *s, uint64_t ts_ns)
{
	/* A FIN that waits would be told, and the reset not. */
	if (s->hold && !s->hold->first)
		stream_hold_drop(s);
	else if (s->hold)
		s->hold->fin = false;
	stream_finish(all, s, ts_ns);
	if (!s->ended)
		stream_tell_end(all, s, ts_ns, all->order, true);
}

void streams_expire(struct streams *all, uint64_t now_ns)
{
	struct stream_hold *h = all->waiting, *next;

	for (; h; h = next) {
		struct stream *s = h->stream;

		next = h->next;
		while (s->hold && stream_overdue(all, s->hold, now_ns))
			stream_give_up(all, s, NULL);
	}
}

uint64_t stream_next_order(const struct stream *s)
{
	const struct stream_hold *h = s->hold;

	if (!h || (!h->first && !h->fin))
		return UINT64_MAX;
	return h->first ? h->first->span.at.order : h->end_order;
}

void stream_free(struct streams *all, struct stream *s)
{
	while (s->hold && s->hold->first) {
		struct held *p = stream_hold_take(all, s->hold);

		all->discarded += p->span.len;
		free(p);
	}
	if (s->hold)
		stream_hold_drop(s);
	memset(s, 0, sizeof(*s));
}
