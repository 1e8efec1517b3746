/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef INFLATE_H
#define INFLATE_H
/*
 * A body's content coding undone as the body comes, with zlib: gzip (of several members too),
 * deflate (in zlib's wrapping, and raw as some send it), and up to three of them on top of each
 * other. The input is hostile: memory, output and the ratio between the two have limits, and what
 * cannot be decoded comes out as it is and is named.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFLATE_STAGES 3 /* codings on top of each other; more are not undone at all */
/* Memory of one coding, zlib's included: deflate's window is 32 KiB, the rest is state. */
#define INFLATE_STAGE_MEMORY (64 << 10)

/* How it stands, or how it ended. */
enum inflate_state {
	INFLATE_PLAIN, /* nothing that could be decoded: no coding, identity, unknown ones */
	INFLATE_OK, /* decoded; after inflater_end(): the whole body */
	INFLATE_TRUNCATED, /* the body ended before its coding did; what came is decoded */
	INFLATE_CORRUPT, /* damaged, or the checksum is wrong; decoded up to there */
	INFLATE_LIMIT, /* more output than max_out; cut there */
	INFLATE_RATIO, /* grows like a bomb; cut there */
	INFLATE_WRONG, /* not in the coding it claims: the bytes came out undecoded */
	INFLATE_NO_MEMORY, /* from some byte on nothing came out */
};

struct inflate_stage;

/* One body. All zero is fit for inflater_start(). */
struct inflater {
	/* Limits, to be changed between inflater_start() and the first inflater_feed(). */
	uint64_t max_out; /* bytes of output; default no limit */
	uint64_t free_out; /* output so long is never a matter of ratio; default 64 KiB */
	uint32_t max_ratio; /* output : input beyond; default 100. 0: no limit */
	/* Where decoded bytes go; data is valid during the call. */
	void (*out)(void *ctx, const void *data, size_t len);
	void *ctx;
	/* What became of it. */
	enum inflate_state state;
	/*
	 * The coding that was not undone and the ones below it, as they were named, cut at 31
	 * bytes; "" when there is none. Bytes that came out are still so coded.
	 */
	char undecoded[32];
	bool cut; /* max_out was reached: INFLATE_LIMIT, or undecoded bytes were too many */
	bool trailing; /* bytes behind the end of a coding; they were ignored */
	uint64_t bytes_in, bytes_out;
	size_t memory; /* in use by stages and zlib */
	/* Its own. */
	struct inflate_stage *stage[INFLATE_STAGES]; /* in the order of decoding */
	uint8_t coding[INFLATE_STAGES];
	uint8_t nstages;
};

/*
 * Begins a body. encoding: the value of Content-Encoding, of several such headers joined by commas;
 * NULL or empty where there is none. Names may be in any case; x-gzip is gzip; identity is skipped.
 * The codings are undone from the last to the first, as far as they are known: of "gzip, br"
 * nothing, and undecoded says "gzip, br"; of "br, gzip" gzip, and undecoded says "br". Frees what a
 * body before it left.
 */
void inflater_start(struct inflater *f, const char *encoding, size_t len,
		    void (*out)(void *ctx, const void *data, size_t len), void *ctx);
/*
 * More of the body. Output may come later than its input, at inflater_end() at the latest, and
 * never is more than the limits allow. Allocates at the first byte that needs decoding.
 */
void inflater_feed(struct inflater *f, const void *data, size_t len);
/* The body ended. Hands out what was kept back, frees all, and returns the final state. */
enum inflate_state inflater_end(struct inflater *f);
/* "truncated" and the like; NULL for INFLATE_PLAIN and INFLATE_OK. */
const char *inflate_state_name(enum inflate_state state);
#endif
