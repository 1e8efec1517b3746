/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef STREAM_T_H
#define STREAM_T_H
#include <inttypes.h>
#include <stdlib.h>
#include "stream_int.h"
#include "unit/t.h"

/*
 * What came out, as text: bytes as they are, skipped ones as -, lost ones as ?, the end as . or !
 * (reset). Byte number n of a stream is the letter n % 26.
 */
static char out[4096];
static size_t nout;
static uint64_t last_pos, last_ts;
static uint32_t last_tag;
static const void *last_data;
static unsigned int misplaced;
static uint64_t overdue;

static void put(const struct stream_at *at, const char *s, char c, uint64_t len)
{
	misplaced += last_pos && at->pos != last_pos;
	last_pos = at->pos + len;
	last_ts = at->ts_ns;
	last_tag = at->tag;
	misplaced += at->aux != -at->tag;
	for (uint64_t i = 0; i < len && nout < sizeof(out) - 1; i++)
		out[nout++] = s ? s[i] : c;
	out[nout] = '\0';
}

static void on_data(struct streams *all, struct stream *s, const struct stream_at *at,
		    const void *data, size_t len)
{
	last_data = data;
	put(at, data, 0, len);
}

static void on_skipped(struct streams *all, struct stream *s, const struct stream_at *at,
		       uint64_t len)
{
	put(at, NULL, '-', len);
}

static void on_lost(struct streams *all, struct stream *s, const struct stream_at *at, uint64_t len)
{
	put(at, NULL, '?', len);
}

static void on_overdue(struct streams *all, struct stream *s, const struct stream_at *at,
		       uint64_t len)
{
	overdue = len;
}

static void on_end(struct streams *all, struct stream *s, const struct stream_at *at, bool reset)
{
	put(at, NULL, reset ? '!' : '.', 1);
	last_pos--;
}

static const struct stream_ops ops = {on_data, on_skipped, on_lost, on_overdue, on_end};
static struct streams all;
static struct stream s;
static uint32_t start;
static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";

/* A stream whose first byte is number first; joined: its start was not seen. */
static inline void begin(uint32_t first, bool joined)
{
	streams_init(&all, &ops, NULL);
	memset(&s, 0, sizeof(s));
	start = first;
	if (!joined)
		stream_start(&s, first);
	nout = misplaced = overdue = 0;
	last_pos = 0;
	*out = '\0';
}

/* Everything is accounted for, and everything is freed. */
static inline void finish(void)
{
	T_EQ(misplaced, 0);
	T_EQ(all.in, all.delivered + all.skipped + all.duplicate + all.after_end + all.discarded +
			     all.held);
	stream_free(&all, &s);
	T_EQ(all.held, 0);
	T_EQ(all.total, 0);
	T_OK(!all.waiting && !s.hold);
	T_EQ(all.in, all.delivered + all.skipped + all.duplicate + all.after_end + all.discarded);
}

static inline void push(int off, uint32_t len, uint32_t captured, uint64_t now_ms)
{
	struct stream_piece p = {
		start + off, len, captured, off, -off, now_ms, letters + (off % 26 + 26) % 26};

	all.order++;
	stream_push(&all, &s, &p, now_ms * 1000000);
}
#endif
