/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef STREAM_INT_H
#define STREAM_INT_H
/*
 * What the files of stream share: stream.c takes pieces, stream_hold.c has the list of what waits
 * behind a hole, stream_mark.c knows how far a stream has come, stream_end.c gives up and ends.
 */
#include "stream.h"

/* A span of the stream; a captured one has its bytes at data. */
struct span {
	struct stream_at at;
	uint64_t len;
	uint32_t captured;
	const unsigned char *data;
};

struct held {
	struct held *next;
	struct span span;
	uint64_t since_ns; /* when it came */
	unsigned char bytes[];
};

struct stream_hold {
	struct stream *stream;
	struct stream_hold *next, **link; /* of all->waiting */
	struct held *first, *last; /* by position, without overlap */
	uint32_t pieces, bytes;
	uint32_t
		marks; /* of the pieces: those of no bytes, that tell how far the stream has come */
	bool fin; /* end is known */
	uint64_t end, end_ts_ns, end_order, end_since_ns;
	uint64_t since_ns; /* the hole in front is known since then */
};

/* The position behind it. */
static inline uint64_t span_end(const struct span *p)
{
	return p->at.pos + p->len;
}

/* Takes n bytes, at most all, off the front. */
static inline void span_cut(struct span *p, uint64_t n)
{
	uint32_t data = n < p->captured ? n : p->captured;

	p->at.pos += n;
	p->len -= n;
	p->captured -= data;
	if (data)
		p->data += data;
}

/* --- stream_hold.c */
/* What the stream holds, made and put among those that wait if it held nothing. NULL: no memory. */
struct stream_hold *stream_hold_get(struct streams *all, struct stream *s, uint64_t now_ns);
/* The stream holds nothing from here on; the list must be empty. */
void stream_hold_drop(struct stream *s);
/*
 * The last piece that begins at pos or before it, NULL where there is none; h may be NULL.
 */
struct held *stream_hold_before(const struct stream_hold *h, uint64_t pos);
/*
 * Copies p, which must fit there, behind prev (NULL: to the front). False where a bound would be
 * passed or memory ran out; then nothing has changed.
 */
bool stream_hold_insert(struct streams *all, struct stream *s, struct held *prev,
			const struct span *p, uint64_t now_ns);
/* The first piece leaves the list, for the caller to free. */
struct held *stream_hold_take(struct streams *all, struct stream_hold *h);
/* p, which stands behind prev (NULL: at the front), is freed. */
void stream_hold_remove(struct streams *all, struct stream_hold *h, struct held *prev,
			struct held *p);
/* Sets since_ns anew after what was in front went. */
void stream_hold_since(struct stream_hold *h);

/* --- stream.c */
/* The position of a number near s->next. */
uint64_t stream_position(const struct stream *s, uint32_t seq);
/* Tells of the bytes up to after as lost, if there are any. */
void stream_lose(struct streams *all, struct stream *s, const struct stream_at *after);
/*
 * Waits no longer for what would come first: the hole before the first of what is held, of p (the
 * piece at hand, or NULL), and of the end.
 */
void stream_give_up(struct streams *all, struct stream *s, const struct span *p);
void stream_tell_end(struct streams *all, struct stream *s, uint64_t ts_ns, uint64_t order,
		     bool reset);

/* --- stream_mark.c */
/* Nothing is held but word of how far the stream has come. h may be NULL. */
bool stream_only_marks(const struct stream_hold *h);
/* So it is, and its bytes are waited for no longer. */
void stream_tell_marks(struct streams *all, struct stream *s);
/* Forgets it of bytes behind pos; limit not NULL: if it was by less than that. */
void stream_drop_marks(struct streams *all, struct stream *s, uint64_t pos, const uint32_t *limit);

/* --- stream_end.c: the time of the hole in front is up */
bool stream_overdue(const struct streams *all, const struct stream_hold *h, uint64_t now_ns);
#endif
