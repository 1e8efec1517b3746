/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTP1_H
#define HTTP1_H
/*
 * HTTP/1.x as one sees it who watches both directions of a connection: messages are framed, bodies
 * de-chunked, responses given to the requests they answer, and the place found again after a gap.
 * By RFC 9112 (framing: section 6; message parsing: 2.2, 3, 4, 5; chunks: 7.1).
 *
 * A parser holds what connections share (callbacks, limits, spare buffers); it and its connections
 * belong to one thread. An idle connection takes sizeof(struct http1), under 400 bytes (a test
 * holds that), and nothing else. A message from its first byte to its end takes 2 KiB more, at most
 * twice max_header and the bytes of its struct; so do a TLS hello and half a line while the place
 * is searched. A queue of more than two requests takes 32 bytes for each, to max_requests.
 *
 * Feeding: the bytes of each direction in the order of their positions, in pieces of any size, and
 * the two directions in the order in which things happened. Results do not depend on where pieces
 * are cut. Nothing here fails for what the bytes are: what is not understood is counted. Each byte
 * fed is in the end in a message, skipped over, opaque or lost: see struct http1_bytes.
 *
 * Losing the place: in a body whose length or chunk spans the hole, or that goes on to the close,
 * framing goes on. Elsewhere, and where framing is not understood, the message ends there, and that
 * direction is searched for the next strict start-line at a line's beginning, or right behind the
 * hole. The other direction keeps its place; what the two share, the pairing, is lost for both.
 *
 * Pairing: responses answer requests in order. When the place is lost in the responses' direction,
 * the requests that wait are given up, for nobody knows which answers were in the hole; when it is
 * lost in the requests', those behind the hole are. No response answers anything more until the two
 * are known to be in step again: a final response that began after the loss has ended, and then a
 * request begins while no response is under way and none is known to be due; where it is known what
 * was before what (http1_in_order), less is asked for. On a connection where requests were seen to
 * be pipelined, each request that may be unanswered must first have had its response; that may be
 * never. So a response is never given to a request of which it is not known to be the answer, as
 * long as a client that was never seen to pipeline does not.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Odd things about a message, bits of http1_msg.anomalies. */
#define HTTP1_ANOMALIES(X)                                                                         \
	X(LENGTH_AND_ENCODING) /* Content-Length beside Transfer-Encoding, which wins */           \
	X(LENGTH_CONFLICT) /* lengths that differ; the end is not known */                         \
	X(LENGTH_REPEATED) /* the same length more than once */                                    \
	X(BAD_LENGTH) /* Content-Length that is not digits, or 2^63 and more */                    \
	X(BAD_ENCODING) /* Transfer-Encoding that does not end in one "chunked" */                 \
	X(BARE_LF) /* a line ends in LF alone */                                                   \
	X(OBS_FOLD) /* a header goes on in the next line; joined with spaces */                    \
	X(SPACE_BEFORE_COLON)                                                                      \
	X(CONTROL_BYTE) /* one but HT in the start-line, a header or a chunk's extension */        \
	X(PATH_TRAVERSAL) /* "../" in the target, plain or percent-encoded once or twice */        \
	X(HEAD_LIMIT) /* head and trailers are longer than max_header */                           \
	X(BAD_LINE) /* a header line with no name or colon (dropped), or an odd name (kept) */     \
	X(ODD_START) /* spaces in the start-line where none should be */                           \
	X(BAD_CHUNK) /* a chunk's size or end is not one; the place is lost */                     \
	X(AFTER_CLOSE) /* the message before it said that it was the last */

enum http1_anomaly_bit {
#define X(name) HTTP1_BIT_##name,
	HTTP1_ANOMALIES(X)
#undef X
		HTTP1_NANOMALIES
};
enum http1_anomaly {
#define X(name) HTTP1_##name = 1 << HTTP1_BIT_##name,
	HTTP1_ANOMALIES(X)
#undef X
};
/* "bare-lf" for the bit with that number; NULL beyond the last. */
const char *http1_anomaly_name(unsigned bit);

/* Why a message or a request ended. */
enum http1_why {
	HTTP1_COMPLETE, /* where its framing says */
	HTTP1_CLOSED, /* its direction was closed before that */
	HTTP1_RESET, /* the connection was reset before that */
	HTTP1_GAP, /* bytes of it are lost, or not copied where they had to be read */
	HTTP1_RESYNC, /* its framing, or what came where it should stand, is not understood */
	HTTP1_UPGRADED, /* the connection went to another protocol */
	HTTP1_OVERFLOW, /* more than max_requests wait */
	HTTP1_OPEN, /* it was under way when http1_finish() came */
	HTTP1_NOMEM, /* no memory; the rest of the connection is opaque */
	HTTP1_NWHYS
};
/* "closed"; NULL beyond the last. */
const char *http1_why_name(unsigned why);

/* What tells where a body ends. */
enum http1_framing {
	HTTP1_NO_BODY,
	HTTP1_LENGTH,
	HTTP1_CHUNKED,
	HTTP1_UNTIL_CLOSE,
	HTTP1_UNKNOWN, /* lengths contradict each other: the message ends with its head */
};

struct http1_span {
	uint32_t at, len; /* in http1_msg.text */
};
struct http1_header {
	struct http1_span name, value; /* value without spaces around it */
};

/*
 * A message; a callback has it until it returns, but text and headers keep their values until the
 * message's end. Positions count the bytes of the direction, those lost of known number included.
 */
struct http1_msg {
	const char *text; /* the head as it came, cut at max_header, then trailers */
	const struct http1_header *headers; /* trailers stand behind the headers */
	uint32_t nheaders, ntrailers;
	struct http1_span method, target; /* of a request */
	struct http1_span reason; /* of a response */
	uint64_t number; /* from 1: the connection's requests, or its responses */
	/* Of a response: the request it answers, 0 for none; and the user pointer of that. */
	uint64_t answers;
	void *request_user;
	void *user; /* the caller's: what head() sets here, later callbacks see */
	uint64_t begin, end; /* positions; end is set in end() only */
	uint64_t head_bytes; /* on the wire, to the empty line */
	uint64_t body_bytes; /* without chunks' framing, with those skipped, without those lost */
	uint64_t body_skipped; /* those of body_bytes that were not copied */
	uint64_t lost; /* bytes missing; a loss of unknown size adds none */
	uint64_t wire_bytes; /* end - begin - lost; in end() only */
	uint64_t content_length; /* where framing is HTTP1_LENGTH */
	/* Times that came with the first byte, the head's end, the first body byte, the last byte;
	 * 0: there was none. */
	uint64_t first_ns, head_ns, body_ns, last_ns;
	uint32_t anomalies; /* so far; all in end() */
	uint16_t status; /* of a response, 100 to 999 */
	uint8_t dir, minor; /* direction; x of HTTP/1.x */
	uint8_t framing; /* enum http1_framing */
	uint8_t why; /* enum http1_why, in end() */
	bool request;
	bool interim; /* 1xx but 101: the answer proper is still to come */
	bool head_whole; /* false: it ended within its head; head() tells what there was */
	bool truncated; /* max_header cut the head or trailers */
	bool complete; /* in end(): all of it went by */
	bool close; /* it says that its sender sends no more after it */
	/*
	 * The pair rests on the connection having been idle when it was joined: nothing was seen
	 * before its request, which began at the first byte.
	 */
	bool assumed;
};

/* What a connection turned out to carry from here on, and is counted only. */
enum http1_other {
	HTTP1_TO_UPGRADE, /* 101; the Upgrade header was in the head told before */
	HTTP1_TO_TUNNEL, /* CONNECT, answered 2xx */
	HTTP1_TO_HTTP2, /* the client's preface with prior knowledge (RFC 9113, 3.4) */
	HTTP1_TO_TLS, /* a TLS record at the first byte; name is the SNI of a ClientHello */
	HTTP1_TO_UNKNOWN, /* the first bytes are not HTTP */
};

/* Any may be NULL. They must not call back into the connection. ctx is that of http1_open(). */
struct http1_ops {
	/* The head is there. m->user may be set. */
	void (*head)(void *ctx, struct http1_msg *m);
	/* Bytes of the body in order; data NULL: n bytes that were skipped or lost. */
	void (*body)(void *ctx, struct http1_msg *m, const void *data, uint64_t n);
	/* Trailers there are; before end(). */
	void (*trailers)(void *ctx, struct http1_msg *m);
	/* The message is over; once for each head(). */
	void (*end)(void *ctx, struct http1_msg *m);
	/*
	 * A request will not be paired; once for each that has no final response. That and the head
	 * of a response may come before the request's own head() (an answer to half a head) or
	 * end(). user is what head() left, NULL before.
	 */
	void (*unanswered)(void *ctx, uint64_t number, void *user, enum http1_why why);
	/* n bytes at position pos that are in no message: empty lines, or not HTTP. */
	void (*skipped)(void *ctx, int dir, uint64_t pos, uint64_t n);
	/* The connection is opaque from here; once at most. name is not terminated; n 0: none. */
	void (*other)(void *ctx, int dir, enum http1_other what, const char *name, size_t n);
};

/* 0: the default. */
struct http1_options {
	uint32_t
		max_header; /* bytes of a head that are kept: 64 KiB, at least 256, at most 1 GiB */
	uint32_t max_requests; /* of a connection, unanswered: 1024 */
};

/* Where the bytes of one direction went: fed is the sum of the others after http1_finish(). */
struct http1_bytes {
	uint64_t fed; /* copied, skipped and lost of known number */
	uint64_t messages, skipped, opaque, lost;
	uint64_t gaps; /* losses, those of unknown size too */
};

struct http1_parser;
struct http1;

/* ops is copied, opts too (NULL: all defaults). NULL: out of memory. */
struct http1_parser *http1_new(const struct http1_ops *ops, const struct http1_options *opts);
void http1_delete(struct http1_parser *p); /* after its connections; NULL is fine */

/*
 * client: the direction (0 or 1) that the client sends in, or -1: the first start-line tells.
 * joined: the connection was there before, so its first byte may be any. NULL: out of memory.
 */
struct http1 *http1_open(struct http1_parser *p, void *ctx, int client, bool joined);
/* The next n bytes of direction dir. Like the next three, returns 0 or -ENOMEM: see HTTP1_NOMEM. */
int http1_data(struct http1 *c, int dir, const void *data, size_t n, uint64_t ns);
/* The next n bytes went by but were not copied. */
int http1_skipped(struct http1 *c, int dir, uint64_t n, uint64_t ns);
/* The next n bytes, or where n is 0 an unknown number of them, were lost. */
int http1_lost(struct http1 *c, int dir, uint64_t n, uint64_t ns);
/*
 * The next n bytes went by before what follows in the other direction, and are not here. They may
 * still come, or be lost; what both directions share is lost by now, if they may hold more than the
 * rest of a body.
 */
int http1_overdue(struct http1 *c, int dir, uint64_t n, uint64_t ns);
/*
 * From here on both directions are fed in the order in which things happened, and losses where they
 * were: all that was sent or read before some bytes is fed, or lost or overdue, before these. Not
 * so at first.
 */
void http1_in_order(struct http1 *c, bool in_order);
/* The direction is at its end (FIN); or the connection is, in both directions (reset). */
int http1_end(struct http1 *c, int dir, bool reset, uint64_t ns);
/* Ends all that is under way, as HTTP1_OPEN, and tells of all that is not told yet. */
void http1_finish(struct http1 *c);
/* Calls nobody back. NULL is fine. */
void http1_free(struct http1 *c);

/* HTTP is spoken: a start-line was seen, or these bytes begin like one. */
bool http1_spoken(const struct http1 *c, const void *data, size_t n);
/* It turned to another protocol: see http1_ops.other. */
bool http1_is_opaque(const struct http1 *c);
/* The direction that the client sends in; -1: not known yet. */
int http1_client(const struct http1 *c);
/* Requests that wait for their response. */
uint32_t http1_waiting(const struct http1 *c);
/* Valid as long as the connection is. What is under way is in fed only. */
const struct http1_bytes *http1_bytes(const struct http1 *c, int dir);
#endif
