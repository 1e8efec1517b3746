/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef STREAM_INT_H
#define STREAM_INT_H
/* What the files of stream share: the list of what waits behind a hole. */
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
	bool fin; /* end is known */
	uint64_t end, end_ts_ns, end_since_ns;
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
/* Sets since_ns anew after what was in front went. */
void stream_hold_since(struct stream_hold *h);
#endif
