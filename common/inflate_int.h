/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef INFLATE_INT_H
#define INFLATE_INT_H
/* What the files of inflate share. */
#include <zlib.h>
#include "inflate.h"

enum inflate_coding {
	CODING_IDENTITY,
	CODING_UNKNOWN,
	CODING_GZIP,
	CODING_DEFLATE, /* first taken for zlib's wrapping */
	CODING_RAW, /* deflate that is not wrapped: nothing marks it */
};

/*
 * One coding being undone. Until it is sure that the bytes are what they claim, they are kept, so
 * that they can be tried again or handed out as they are.
 */
struct inflate_stage {
	struct inflater *f;
	unsigned int index; /* of f->stage */
	enum inflate_coding coding;
	bool sure;
	bool pass; /* not in this coding: bytes go on as they are */
	bool ended; /* the coding's end was reached */
	bool again; /* in a member of gzip after the first, before its first byte of output */
	uint16_t nin;
	size_t memory;
	uint64_t bytes_out;
	z_stream z;
	/* No table of codes is longer (RFC 1951, 3.2.7: 320 lengths of 14 bits at most). */
	unsigned char in[1024];
};

/* Bytes for the stage of this index; the last one's output goes to the caller. */
void inflate_pass(struct inflater *f, unsigned int index, const unsigned char *data, size_t len);
/* A stage's own. NULL: no memory. */
struct inflate_stage *inflate_stage_new(struct inflater *f, unsigned int index);
void inflate_stage_feed(struct inflate_stage *st, const unsigned char *data, size_t len);
/* No more input. */
void inflate_stage_finish(struct inflate_stage *st);
void inflate_stage_free(struct inflate_stage *st);
/* No more output either. */
static inline bool inflate_stopped(const struct inflater *f)
{
	return f->cut || (f->state >= INFLATE_CORRUPT && f->state != INFLATE_WRONG);
}
/* How many bytes of output the ratio allows by now. */
static inline uint64_t inflate_allowed(const struct inflater *f)
{
	uint64_t grown;

	if (!f->max_ratio || __builtin_mul_overflow(f->bytes_in, f->max_ratio, &grown))
		return UINT64_MAX;
	return grown > f->free_out ? grown : f->free_out;
}
#endif
