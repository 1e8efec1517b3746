// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "body.h"
#include "inflate_int.h"

/* Window bits for zlib: the largest window, and 16 more for gzip's wrapping, or less than 0 for
 * none (zlib.h, inflateInit2). */
static int window_bits(enum inflate_coding coding)
{
	return coding == CODING_GZIP ? 15 + 16 : coding == CODING_DEFLATE ? 15 : -15;
}

static voidpf zlib_alloc(voidpf opaque, uInt n, uInt size)
{
	struct inflate_stage *st = opaque;
	size_t bytes = (size_t)n * size;
	void *p;

	if (bytes > INFLATE_STAGE_MEMORY - st->memory)
		return Z_NULL;
	p = malloc(bytes);
	if (p) {
		st->memory += bytes;
		st->f->memory += bytes;
	}
	return p;
}

static void zlib_free(voidpf opaque, voidpf p)
{
	free(p);
}

struct inflate_stage *inflate_stage_new(struct inflater *f, unsigned int index)
{
	struct inflate_stage *st = malloc(sizeof(*st));

	if (!st)
		return NULL;
	/* The buffers are not cleared: most bodies never use much of them. */
	memset(st, 0, offsetof(struct inflate_stage, in));
	st->f = f;
	st->index = index;
	st->coding = f->coding[index];
	st->memory = sizeof(*st);
	f->memory += sizeof(*st);
	st->z.zalloc = zlib_alloc;
	st->z.zfree = zlib_free;
	st->z.opaque = st;
	if (inflateInit2(&st->z, window_bits(st->coding)) != Z_OK) {
		inflate_stage_free(st);
		return NULL;
	}
	return st;
}

void inflate_stage_free(struct inflate_stage *st)
{
	if (!st)
		return;
	inflateEnd(&st->z);
	st->f->memory -= st->memory;
	free(st);
}

/* Decoded bytes, as far as the ratio lets them. */
static void hand_on(struct inflate_stage *st, const unsigned char *data, size_t len)
{
	struct inflater *f = st->f;
	uint64_t allowed = inflate_allowed(f);
	bool bomb;

	allowed -= st->bytes_out < allowed ? st->bytes_out : allowed;
	bomb = len > allowed;
	len = bomb ? allowed : len;
	st->bytes_out += len;
	inflate_pass(f, st->index + 1, data, len);
	if (bomb && !inflate_stopped(f))
		f->state = INFLATE_RATIO;
}

/* The bytes are not what they claim: they go on as they are, those that were kept first. */
static void not_so(struct inflate_stage *st)
{
	st->pass = true;
	st->f->state = INFLATE_WRONG;
	inflate_pass(st->f, st->index + 1, st->in, st->nin);
	st->nin = 0;
}

static void decode(struct inflate_stage *st, const unsigned char *data, size_t len);

/*
 * Raw deflate has no mark: text makes sense as deflate too, for a while, and compressed bytes are
 * hardly ever text. Only what deflate took is looked at, however much came with it.
 */
static bool seems_raw(const struct inflate_stage *st)
{
	struct body_text t = {};

	if (!st->ended && !st->z.total_out)
		return false;
	body_text_feed(&t, st->in, st->ended ? st->z.total_in : st->nin);
	return !body_text_end(&t, true);
}

/* No more keeping: the coding is what it claims, or is not. */
static void decide(struct inflate_stage *st)
{
	if (st->sure)
		return;
	if (st->coding != CODING_RAW) {
		st->sure = true;
	} else if (seems_raw(st)) {
		/* So far its output went nowhere. */
		st->sure = true;
		inflateReset2(&st->z, window_bits(CODING_RAW));
		decode(st, st->in, st->nin);
	} else {
		not_so(st);
	}
}

static void decoded(struct inflate_stage *st, const unsigned char *data, size_t len)
{
	st->again = false;
	if (st->coding != CODING_RAW)
		st->sure = true;
	if (st->sure)
		hand_on(st, data, len);
}

static void failed(struct inflate_stage *st, int rc)
{
	struct inflater *f = st->f;

	if (rc == Z_MEM_ERROR) {
		f->state = INFLATE_NO_MEMORY;
	} else if (st->sure && st->again && st->z.total_in <= 10) {
		/* After a member of gzip, bytes that only look like another (RFC 1952, 2.3). */
		f->trailing = st->ended = true;
	} else if (st->sure) {
		f->state = INFLATE_CORRUPT;
	} else if (st->coding == CODING_DEFLATE) {
		st->coding = CODING_RAW;
		inflateReset2(&st->z, window_bits(CODING_RAW));
		decode(st, st->in, st->nin);
	} else {
		not_so(st);
	}
}

/* At the end of the coding, with more bytes behind it. True when they are to be decoded too. */
static bool next_member(struct inflate_stage *st, unsigned char first)
{
	if (st->coding == CODING_GZIP && !st->f->trailing && first == 0x1f) {
		inflateReset(&st->z);
		st->again = true;
		st->ended = false;
		return true;
	}
	decide(st);
	st->f->trailing |= !st->pass;
	return false;
}

static void decode(struct inflate_stage *st, const unsigned char *data, size_t len)
{
	unsigned char buf[8192];
	z_stream *z = &st->z;
	size_t n;
	int rc;

	z->next_in = (unsigned char *)data;
	z->avail_in = len;
	do {
		z->next_out = buf;
		z->avail_out = sizeof(buf);
		rc = inflate(z, Z_NO_FLUSH);
		n = sizeof(buf) - z->avail_out;
		if (n)
			decoded(st, buf, n);
		if (st->pass || inflate_stopped(st->f))
			return;
		if (rc == Z_STREAM_END) {
			st->ended = true;
			/* A checksum was right. */
			st->sure |= st->coding != CODING_RAW;
			if (!z->avail_in || !next_member(st, *z->next_in))
				return;
		} else if (rc == Z_BUF_ERROR) {
			return;
		} else if (rc != Z_OK) {
			failed(st, rc);
			return;
		}
	} while (z->avail_in || !z->avail_out);
}

void inflate_stage_feed(struct inflate_stage *st, const unsigned char *data, size_t len)
{
	while (len && !st->pass && !inflate_stopped(st->f)) {
		/* zlib counts in 32 bits. */
		size_t n = len < 1 << 30 ? len : 1 << 30;

		if (st->ended && !next_member(st, *data) && !st->pass)
			return;
		if (st->pass)
			break;
		if (!st->sure) {
			n = len < sizeof(st->in) - st->nin ? len : sizeof(st->in) - st->nin;
			memcpy(st->in + st->nin, data, n);
			st->nin += n;
		}
		data += n;
		len -= n;
		decode(st, data - n, n);
		if (!st->sure && !st->pass && st->nin == sizeof(st->in))
			decide(st);
	}
	if (st->pass)
		inflate_pass(st->f, st->index + 1, data, len);
}

void inflate_stage_finish(struct inflate_stage *st)
{
	if (st->pass)
		return;
	if (!st->sure && !st->ended && st->nin == 1) {
		/* One byte tells nothing, and is nothing in any coding. */
		not_so(st);
		return;
	}
	decide(st);
	if (!st->pass && !st->ended && !inflate_stopped(st->f) && st->f->state != INFLATE_WRONG)
		st->f->state = INFLATE_TRUNCATED;
}
