// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "stream_int.h"

/*
 * A number this far behind is an old one, anything else is ahead: TCP's largest window (RFC 7323,
 * section 2.3), so nothing that is sent twice lies further back. It leaves 3 GiB ahead for a hole.
 */
#define BEHIND (1u << 30)
/* The first position of a stream, so that pieces before the first find room below it. */
#define ORIGIN (1ull << 48)

void streams_init(struct streams *all, const struct stream_ops *ops, void *ctx)
{
	*all = (struct streams){
		.ops = ops,
		.ctx = ctx,
		.wait_ns = 200000000,
		.join_ns = 200000000,
		.max_pieces = 256,
		.max_bytes = 256 << 10,
		.max_total = 16 << 20,
	};
}

uint64_t stream_position(const struct stream *s, uint32_t seq)
{
	uint32_t ahead = seq - (uint32_t)s->next;

	return ahead < -BEHIND ? s->next + ahead : s->next - (uint32_t)-ahead;
}

static void advance(struct stream *s, uint64_t next)
{
	s->next = next;
	if (s->overdue && (int32_t)(s->reached - (uint32_t)next) <= 0)
		s->overdue = false;
}

static void emit(struct streams *all, struct stream *s, const struct span *p)
{
	struct stream_at rest = p->at;
	uint32_t uncaptured = p->len - p->captured;

	rest.pos += p->captured;
	advance(s, rest.pos);
	all->delivered += p->captured;
	if (p->captured)
		all->ops->data(all, s, &p->at, p->data, p->captured);
	advance(s, s->next + uncaptured);
	all->skipped += uncaptured;
	if (uncaptured)
		all->ops->skipped(all, s, &rest, uncaptured);
}

void stream_tell_end(struct streams *all, struct stream *s, uint64_t ts_ns, uint64_t order,
		     bool reset)
{
	struct stream_at at = {.pos = s->next, .ts_ns = ts_ns, .order = order};

	s->ended = true;
	s->overdue = false;
	all->ops->end(all, s, &at, reset);
}

/* Hands out what is held and in order by now. */
static void drain(struct streams *all, struct stream *s)
{
	struct stream_hold *h = s->hold;
	bool moved = false;
	struct held *p;

	while (h && h->first && h->first->span.at.pos <= s->next) {
		uint64_t passed;

		p = stream_hold_take(all, h);
		passed = s->next - p->span.at.pos;
		passed = passed < p->span.len ? passed : p->span.len;
		all->duplicate += passed;
		span_cut(&p->span, passed);
		if (p->span.len)
			emit(all, s, &p->span);
		free(p);
		moved = true;
	}
	if (!h || h->first || (h->fin && s->next < h->end)) {
		if (moved)
			stream_hold_since(h);
		return;
	}
	if (h->fin)
		stream_tell_end(all, s, h->end_ts_ns, h->end_order, false);
	stream_hold_drop(s);
}

void stream_lose(struct streams *all, struct stream *s, const struct stream_at *after)
{
	struct stream_at at = *after;
	uint64_t len = at.pos - s->next;

	at.pos = s->next;
	advance(s, s->next + len);
	all->lost += len;
	if (len)
		all->ops->lost(all, s, &at, len);
}

void stream_give_up(struct streams *all, struct stream *s, const struct span *p)
{
	const struct held *first = s->hold ? s->hold->first : NULL;
	const struct stream_at *after = p ? &p->at : NULL;
	struct stream_at end;

	if (s->joining) {
		s->joining = false;
	} else if (!p && stream_only_marks(s->hold)) {
		stream_tell_marks(all, s);
		return;
	} else if (first && (!after || first->span.at.pos < after->pos)) {
		stream_lose(all, s, &first->span.at);
	} else if (after) {
		stream_lose(all, s, after);
	} else if (s->hold && s->hold->fin) {
		end = (struct stream_at){.pos = s->hold->end,
					 .ts_ns = s->hold->end_ts_ns,
					 .order = s->hold->end_order};
		stream_lose(all, s, &end);
	}
	drain(all, s);
}

/* Holds as much of p as lies before the next held piece, or passes what is held already. */
static void hold(struct streams *all, struct stream *s, struct span *p, uint64_t now_ns)
{
	struct held *prev = stream_hold_before(s->hold, p->at.pos), *next;
	struct span part = *p;
	uint64_t covered;

	if (prev && span_end(&prev->span) > p->at.pos) {
		covered = span_end(&prev->span) - p->at.pos;
		covered = covered < p->len ? covered : p->len;
		all->duplicate += covered;
		span_cut(p, covered);
		return;
	}
	next = prev ? prev->next : s->hold ? s->hold->first : NULL;
	if (next && span_end(p) > next->span.at.pos) {
		part.len = next->span.at.pos - p->at.pos;
		part.captured = part.captured < part.len ? part.captured : part.len;
	}
	if (stream_hold_insert(all, s, prev, &part, now_ns))
		span_cut(p, part.len);
	else
		stream_give_up(all, s, p);
}

/* Takes what of p is new, as far as it goes at once. */
static void step(struct streams *all, struct stream *s, struct span *p, uint64_t now_ns)
{
	uint64_t passed = p->at.pos < s->next ? s->next - p->at.pos : 0;

	if (passed) {
		passed = passed < p->len ? passed : p->len;
		all->duplicate += passed;
		span_cut(p, passed);
	} else if (!s->joining && p->at.pos == s->next) {
		emit(all, s, p);
		p->len = 0;
		if (s->hold)
			drain(all, s);
	} else {
		hold(all, s, p, now_ns);
	}
}

void stream_start(struct stream *s, uint32_t seq)
{
	if (s->based)
		return;
	s->based = true;
	s->next = ORIGIN | seq;
}

/* The first piece of a stream whose start was not seen is the start, if none comes before it. */
static void base(struct streams *all, struct stream *s, uint32_t seq)
{
	if (s->based)
		return;
	stream_start(s, seq);
	s->joining = all->join_ns > 0;
}

void stream_push(struct streams *all, struct stream *s, const struct stream_piece *p,
		 uint64_t now_ns)
{
	struct span span = {.at = {0, p->ts_ns, all->order, p->tag, p->aux}, .len = p->len};

	all->in += p->len;
	if (s->ended) {
		all->after_end += p->len;
		return;
	}
	base(all, s, p->seq);
	span.at.pos = stream_position(s, p->seq);
	span.captured = p->captured < p->len ? p->captured : p->len;
	span.data = p->data;
	/* Just before: as far as a late piece could be and still be held with the others. */
	if (s->joining && span.at.pos < s->next && span_end(&span) + all->max_bytes >= s->next)
		s->next = span.at.pos;
	if (s->hold && s->hold->fin && span_end(&span) > s->hold->end)
		s->hold->end = span_end(&span);
	while (span.len)
		step(all, s, &span, now_ns);
	while (s->hold && stream_overdue(all, s->hold, now_ns))
		stream_give_up(all, s, NULL);
}
