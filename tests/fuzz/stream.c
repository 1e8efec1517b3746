// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Two streams fed with pieces that any bytes describe: what comes out is in order and without
 * overlap, each byte is one that was pushed for its position, the account is conserved at every
 * step, and the bounds hold.
 *
 * Four bytes are a piece: what it is, where, how long, how far the clock goes on.
 */
#include <stdlib.h>
#include <string.h>
#include "stream_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct side {
	struct stream s;
	uint64_t first, next; /* positions */
	unsigned int ends;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static struct side *side_at(struct stream *s, const struct stream_at *at, uint64_t len)
{
	struct side *d = (struct side *)s;

	check(len && !d->ends);
	if (!d->next)
		d->first = d->next = at->pos;
	check(at->pos == d->next);
	d->next += len;
	check(d->next == s->next);
	return d;
}

/* A byte is made of its sequence number. */
static unsigned char byte(uint32_t seq)
{
	return seq * 37 ^ seq >> 8;
}

static void on_data(struct streams *all, struct stream *s, const struct stream_at *at,
		    const void *data, size_t len)
{
	const unsigned char *p = data;

	side_at(s, at, len);
	for (size_t i = 0; i < len; i++)
		check(p[i] == byte(at->pos + i));
}

static void on_span(struct streams *all, struct stream *s, const struct stream_at *at, uint64_t len)
{
	side_at(s, at, len);
}

static void on_end(struct streams *all, struct stream *s, const struct stream_at *at, bool reset)
{
	struct side *d = (struct side *)s;

	check(!d->next || at->pos == d->next);
	d->ends++;
}

static void on_overdue(struct streams *all, struct stream *s, const struct stream_at *at,
		       uint64_t len)
{
	struct side *d = (struct side *)s;

	check(len && (!d->next || at->pos == d->next) && at->pos == s->next);
}

static const struct stream_ops ops = {on_data, on_span, on_span, on_overdue, on_end};

static void check_account(const struct streams *all, const struct side *d, uint64_t gone)
{
	uint64_t pieces = 0, cost = 0, spans = 0;

	check(all->in == all->delivered + all->skipped + all->duplicate + all->after_end +
				 all->discarded + all->held);
	check(gone + d[0].next - d[0].first + d[1].next - d[1].first ==
	      all->delivered + all->skipped + all->lost);
	for (const struct stream_hold *h = all->waiting; h; h = h->next) {
		uint64_t pos = h->stream->next, bytes = 0, marks = 0, order = 0;

		check(h->stream->hold == h && (h->first || h->fin));
		check(h->pieces <= all->max_pieces && h->bytes <= all->max_bytes);
		pieces = 0;
		for (const struct held *p = h->first; p; p = p->next, pieces++) {
			check(p->span.at.pos >= pos + !h->stream->joining * (p == h->first));
			pos = span_end(&p->span);
			spans += p->span.len;
			marks += !p->span.len;
			check(p->span.at.order <= all->order && p->span.at.order >= order);
			order = p->span.at.order;
			bytes += sizeof(*p) + p->span.captured;
			check(p->next || p == h->last);
		}
		check(pieces == h->pieces && bytes == h->bytes && marks == h->marks);
		check(!h->fin || (h->end >= pos && h->end > h->stream->next) || h->stream->joining);
		cost += bytes;
	}
	check(spans == all->held && cost == all->total && cost <= all->max_total);
}

static void piece(struct streams *all, struct side *d, const uint8_t *b, uint64_t now)
{
	static unsigned char buf[4096];
	uint32_t near = (uint32_t)d->s.next + (int8_t)b[1] * (b[0] & 8 ? 40 : 1);
	struct stream_piece p = {near, b[2], b[2], b[3], ~b[3], now, buf};

	if (b[0] & 16)
		p.seq = (uint32_t)b[1] << 24;
	if (b[0] & 32)
		p.len = (uint32_t)b[2] << (b[1] & 24);
	if (b[0] & 64)
		p.captured = b[3];
	if (p.captured > p.len && !(b[0] & 128))
		p.captured = p.len;
	for (uint32_t i = 0; i < p.captured; i++)
		buf[i] = byte(p.seq + i);
	stream_push(all, &d->s, &p, now);
}

static void mark(struct streams *all, struct stream *s, const uint8_t *b, uint64_t now)
{
	if (b[0] & 16)
		stream_unreached(all, s, s->next + (int8_t)b[1], b[2]);
	else if (b[0] & 32)
		stream_finish(all, s, now);
	else
		stream_reached(all, s, s->next + (int8_t)b[1], b[2], now, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t now = 0, gone = 0;
	struct side d[2] = {};
	struct streams all;

	streams_init(&all, &ops, NULL);
	if (!size)
		return 0;
	all.wait_ns = 200;
	all.join_ns = data[0] & 1 ? 0 : 100;
	all.max_pieces = data[0] >> 1 & 15;
	all.max_bytes = 1 << (data[0] >> 5) << 6;
	all.max_total = 2500;
	for (size_t i = 1; i + 4 <= size; i += 4) {
		const uint8_t *b = data + i;
		struct side *side = &d[b[0] & 1];

		now += b[3] >> 1;
		all.order++;
		switch (b[0] >> 1 & 3 ? 0 : b[3] & 7) {
		case 1: stream_fin(&all, &side->s, side->s.next + (int8_t)b[1], now, now); break;
		case 2: stream_reset(&all, &side->s, now); break;
		case 3: stream_start(&side->s, b[1]); break;
		case 4: streams_expire(&all, now); break;
		case 5: stream_flush(&all, &side->s); break;
		case 7: mark(&all, &side->s, b, now); break;
		case 6:
			gone += side->next - side->first;
			stream_free(&all, &side->s);
			memset(side, 0, sizeof(*side));
			break;
		default: piece(&all, side, b, now); break;
		}
		check_account(&all, d, gone);
	}
	streams_expire(&all, now + 1000);
	check(!all.waiting && !all.held && !all.total);
	check_account(&all, d, gone);
	stream_free(&all, &d[0].s);
	stream_free(&all, &d[1].s);
	return 0;
}
