/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef STREAM_H
#define STREAM_H
/*
 * One direction of a connection, put in order. Pieces come nearly in order, each with the sequence
 * number of its first byte; some twice (a peek and the read after it), some overlapping, some late
 * (two threads that send). What is in order goes straight to the callbacks, uncopied. What lies
 * behind a hole is copied and held until the hole is filled, or its time is up, or too much is
 * held; then the hole is lost and told so.
 *
 * How far a stream has come may be known before its bytes come (stream_reached): a hole that
 * nothing but such word lies behind is waited for likewise; then it is told of as overdue, and its
 * bytes may still come.
 *
 * Every byte is accounted for, in struct streams:
 *   in = delivered + skipped + duplicate + after_end + discarded + held
 *   last position - first position of each stream, added up = delivered + skipped + lost
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_hold;

/*
 * One direction. All zero is a new one; stream_free() when done. 24 bytes while nothing is held;
 * its address must not change while something is.
 */
struct stream {
	uint64_t next; /* position after what was handed out; see struct stream_at */
	struct stream_hold *hold; /* what waits; NULL when nothing does */
	uint32_t reached; /* where it is overdue: the number behind what is */
	bool based; /* next is known */
	bool joining; /* next may still go down: pieces before the first may come */
	bool ended;
	bool overdue;
};

/* What came from the kernel. */
struct stream_piece {
	uint32_t seq; /* of the first byte */
	uint32_t len; /* bytes in the stream */
	uint32_t captured; /* the first so many of them are at data; at most len */
	uint32_t tag, aux; /* the caller's own (who sent it), handed back with the bytes */
	uint64_t ts_ns; /* when it was sent or read; handed back with the bytes */
	const void *data; /* not kept after the call */
};

/* Where and when the bytes of a callback are. */
struct stream_at {
	/*
	 * Position of the first byte. It grows for ever; its low 32 bits are the sequence number.
	 */
	uint64_t pos;
	uint64_t ts_ns; /* of the piece; for lost bytes, of what comes after them */
	uint64_t order; /* of the same, and so are these */
	uint32_t tag, aux;
};

struct streams;
/*
 * Called in the order of the positions, without overlap and without a hole. They must not call a
 * function of this file. None may be NULL.
 */
struct stream_ops {
	void (*data)(struct streams *all, struct stream *s, const struct stream_at *at,
		     const void *data, size_t len); /* valid during the call */
	/* Bytes that went by and were not captured. */
	void (*skipped)(struct streams *all, struct stream *s, const struct stream_at *at,
			uint64_t len);
	/* Bytes that never came. */
	void (*lost)(struct streams *all, struct stream *s, const struct stream_at *at,
		     uint64_t len);
	/*
	 * The next len bytes went by, as was heard at at->ts_ns; they are waited for no longer, but
	 * may still come. Told in its order, and moves nothing.
	 */
	void (*overdue)(struct streams *all, struct stream *s, const struct stream_at *at,
			uint64_t len);
	/* Nothing follows. reset: the end is not at a FIN. */
	void (*end)(struct streams *all, struct stream *s, const struct stream_at *at, bool reset);
};

/* What the streams of a tool share. */
struct streams {
	const struct stream_ops *ops;
	void *ctx; /* the caller's */
	uint64_t order; /* the caller's, to be raised before each call: see stream_next_order() */
	uint64_t wait_ns; /* how long a hole may stay open */
	/*
	 * How long the first piece of a stream that was joined in its midst waits for one before
	 * it; 0: not at all.
	 */
	uint64_t join_ns;
	uint32_t max_pieces; /* that one stream may hold */
	uint32_t max_bytes; /* that one stream may hold, with what a piece costs beside its bytes */
	uint64_t max_total; /* the same, all streams together */
	/* The account, in bytes. Only held ever goes down. */
	uint64_t in, delivered, skipped, lost, duplicate, after_end, discarded, held;
	uint64_t total; /* memory held, as max_bytes counts it */
	struct stream_hold *waiting; /* all that hold something */
};

/* The defaults: 200 ms for both waits, 256 pieces, 256 KiB, 16 MiB. ops is not copied. */
void streams_init(struct streams *all, const struct stream_ops *ops, void *ctx);

/*
 * The number of the first byte is known (the handshake was seen): nothing before it is waited for.
 * To be called before the first piece; later it does nothing.
 */
void stream_start(struct stream *s, uint32_t seq);
/*
 * Takes a piece. now_ns: any clock that never goes back, the same one in all calls; it is compared
 * with itself alone. Bytes at positions that were passed already count as duplicate, also where
 * they come too late to fill a hole that was given up. Without memory a hole is given up at once.
 */
void stream_push(struct streams *all, struct stream *s, const struct stream_piece *p,
		 uint64_t now_ns);
/*
 * The bytes before seq went by, by ts_ns: what of them did not come is under way, or lost. Does
 * nothing before the first piece or stream_start(). by: the caller's own, see below.
 */
void stream_reached(struct streams *all, struct stream *s, uint32_t seq, uint32_t by,
		    uint64_t ts_ns, uint64_t now_ns);
/* Forgets what was said so of bytes behind seq by those that were said to be by less than limit. */
void stream_unreached(struct streams *all, struct stream *s, uint32_t seq, uint32_t limit);
/*
 * The stream ends before seq (a FIN's number). The end is told when all before it was. A piece
 * beyond it that comes before it is told moves it; one that comes later is counted in after_end.
 */
void stream_fin(struct streams *all, struct stream *s, uint32_t seq, uint64_t ts_ns,
		uint64_t now_ns);
/* The connection was reset or forgotten: what is held goes out, holes are lost, the end is told. */
void stream_reset(struct streams *all, struct stream *s, uint64_t ts_ns);
/* Gives up every hole: nothing is held afterwards. */
void stream_flush(struct streams *all, struct stream *s);
/* Nothing comes any more: the same, and what is overdue is lost. No end is told. */
void stream_finish(struct streams *all, struct stream *s, uint64_t ts_ns);
/* Gives up the holes, of all streams, that are open for too long at now_ns. */
void streams_expire(struct streams *all, uint64_t now_ns);
/*
 * The order of what comes out next, which is that of the call that brought it: of the first piece
 * that is held, or of the end that waits; UINT64_MAX where nothing does. In a callback: of what
 * comes after that.
 */
uint64_t stream_next_order(const struct stream *s);
/* Frees what is held without handing it out, and makes the stream a new one. */
void stream_free(struct streams *all, struct stream *s);
#endif
