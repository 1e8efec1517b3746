/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTP1_INT_H
#define HTTP1_INT_H
/*
 * What the parts of http1 share: http1.c takes the input, http1_head.c gathers lines of a head,
 * http1_start.c knows start-lines, http1_frame.c decides where a message ends, http1_body.c walks
 * bodies, http1_pair.c pairs and http1_doubt.c knows when that may be, http1_sync.c searches for a
 * lost place, http1_tls.c reads a hello, http1_msg.c begins and ends messages.
 */
#include "http1.h"

enum http1_state {
	ST_START, /* between messages, in step */
	ST_HEAD, /* d->m gathers a head */
	ST_PEEK, /* holds back the first bytes of a body that may be the next response */
	ST_FIXED, /* a body with d->left to come */
	ST_CLOSE, /* a body to the end */
	ST_SIZE, /* the line of a chunk's size; d->left is the size so far */
	ST_CHUNK, /* a chunk's data with d->left to come */
	ST_CHUNK_END, /* CRLF behind it */
	ST_TRAILER,
	ST_SEARCH, /* out of step; d->m, if any, gathers a line */
	ST_TLS, /* d->m gathers a TLS record */
	ST_HELD, /* d->left bytes wait for what the other direction says about them */
	ST_OPAQUE,
	ST_ENDED,
};

enum { PHASE_NONE, PHASE_DIGITS, PHASE_REST, PHASE_CR }; /* of a chunk's size line and its end */

#define PEEK	12 /* "HTTP/1.1 200" */
#define SCRATCH 512 /* bytes of a line behind max_header that framing is read from */

struct msg {
	struct http1_msg pub; /* first, for it is what callbacks get */
	struct msg *next; /* in the parser's spares */
	char *text;
	struct http1_header *headers;
	uint32_t text_cap, header_cap;
	uint32_t text_len;
	uint32_t line; /* where the line at hand begins in text */
	uint64_t line_len; /* all of it, kept or not */
	char tail[16]; /* the last bytes of a line that were not kept */
	uint8_t ntail;
	uint8_t last; /* enum field of the last header, whose value may go on in a fold */
	bool pending; /* that is not framed by yet */
	bool dropped; /* the last line was no header: its folds are none either */
	bool start_done, candidate, head_told, in_trailers;
	bool connect, head_method; /* what the request was, or the one answered */
	bool unknown_request; /* of a response whose request is not known */
	bool given_up, anchor, fresh, alone, orphan, late, again; /* http1_doubt.c */
	uint32_t asked; /* low bits of where the other direction was when it began */
	bool holed; /* something is missing, maybe an unknown number of bytes */
	bool has_length, bad_length, has_encoding, chunked, encoding_bad, keep_alive;
	uint32_t epoch; /* of the pairing, when it began */
	uint64_t length;
	uint8_t npeek, after_peek;
	char peek[PEEK];
};

struct http1_dir {
	struct msg *m;
	uint64_t left;
	uint64_t overdue; /* the position behind what is, if beyond count.fed */
	uint64_t run, run_at; /* bytes skipped over that are not told yet, and their position */
	uint64_t now_ns, byte_ns; /* of this call, of the last byte */
	struct http1_bytes count; /* fed is the stream position, too */
	uint8_t state, phase;
	bool at_line : 1; /* searching: a line begins here */
	bool after_gap : 1; /* searching: here is where a hole ended */
	bool dumb : 1; /* held because its first bytes are not HTTP */
	bool said_close : 1;
	bool settled : 1; /* what is overdue ends where a message begins */
	bool found : 1; /* some of what was overdue came */
};

struct request {
	void *user;
	bool head_method, connect, assumed;
};

struct http1 {
	struct http1_parser *p;
	void *ctx;
	struct http1_dir dir[2];
	struct request *queue, two[2]; /* a ring of cap, which is a power of two */
	uint32_t cap, front, waiting;
	uint64_t oldest; /* number of the first that waits; theirs are without a gap */
	uint64_t requests, responses;
	/* Responses that are due to requests given up, or may be: see http1_doubt.c. */
	uint64_t debt;
	uint64_t final_ns; /* of the last final response */
	uint32_t epoch, emptied; /* emptied: when requests were given up last */
	/*
	 * Positions' low bits: of the last final response, where requests were when it began, and
	 * its end; where responses were when the last request began; where they are at least, if
	 * those that were lost answer all.
	 */
	uint32_t final_asked, final_end, asked, answered;
	int8_t client;
	bool heard; /* a start-line was seen */
	bool in_order;
	bool joined, unsure, pipelined, turned, orphan, assumed;
	bool at_asked, at_answered; /* an anchor must begin at final_asked, or when at answered */
	bool tentative; /* what waits rests on a loss having been before it */
	int err;
};

struct http1_parser {
	struct http1_ops ops;
	struct http1_options opts;
	struct msg *spare;
	unsigned nspare;
};

/* The other direction, and the number of this one. */
static inline struct http1_dir *http1_peer(struct http1 *c, struct http1_dir *d)
{
	return &c->dir[d == c->dir];
}
static inline int http1_dirno(const struct http1 *c, const struct http1_dir *d)
{
	return d != c->dir;
}

/* Returns the direction that carries responses, as far as is known which one does. */
static inline struct http1_dir *http1_responses(struct http1 *c)
{
	return &c->dir[c->client == 0];
}

/* The next bytes are overdue, and none of them came. */
static inline bool http1_is_overdue(const struct http1_dir *d)
{
	return !d->found && d->overdue > d->count.fed;
}

/* Out of step, or not believed to be in step yet. */
static inline bool http1_searching(const struct http1_dir *d)
{
	return d->state == ST_SEARCH || (d->m && d->m->candidate);
}

/* --- http1.c: one step each; returns how many of n (> 0) bytes it took, or changes the state. */
void http1_feed(struct http1 *c, struct http1_dir *d, const char *p, size_t n);
/* The rest of the connection is opaque, both directions. */
void http1_opaque(struct http1 *c, struct http1_dir *d, enum http1_other what, const char *name,
		  size_t n);
void http1_nomem(struct http1 *c);

/* --- http1_msg.c */
/* A message, hello or line that begins n bytes ago; NULL: out of memory, and told. */
struct msg *http1_begin(struct http1 *c, struct http1_dir *d, uint64_t ago);
void http1_release(struct http1_parser *p, struct msg *m);
void http1_tell_head(struct http1 *c, struct msg *m);
void http1_body_bytes(struct http1 *c, struct http1_dir *d, const char *data, uint64_t n);
void http1_over(struct http1 *c, struct http1_dir *d, enum http1_why why);
/* The message is over where its framing says. */
void http1_complete(struct http1 *c, struct http1_dir *d);
/* Ends what is under way in d, for why; bytes in no message go to opaque, or are skipped over. */
void http1_drop(struct http1 *c, struct http1_dir *d, enum http1_why why, bool opaque);
/* The n bytes at pos are in no message. */
void http1_skip(struct http1 *c, struct http1_dir *d, uint64_t pos, uint64_t n);
void http1_tell_skipped(struct http1 *c, struct http1_dir *d);

/* --- http1_head.c */
size_t http1_head_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n);
/* Appends to the line at hand; what is beyond the limit is counted. False: out of memory, told. */
bool http1_keep(struct http1 *c, struct msg *m, const char *p, size_t n);
/* The line at hand, in m, is whole. */
void http1_line(struct http1 *c, struct http1_dir *d);
/* The start-line in m is one: the roles are known, and the message has its number. */
void http1_heard(struct http1 *c, struct http1_dir *d, struct msg *m);

/* --- http1_start.c */
enum start_kind { START_NONE, START_REQUEST, START_RESPONSE, START_HTTP2 };
struct start {
	struct http1_span method, target, reason; /* relative to the line */
	uint16_t status;
	uint8_t minor;
	bool odd;
};
/*
 * Reads a line of n bytes without its end. end is the line's last nend bytes: s + n where the line
 * was kept whole, else what is known of its end.
 */
enum start_kind http1_start(const char *s, size_t n, const char *end, size_t nend,
			    struct start *st);
/* As one is believed that was searched for; s has its CRLF. */
bool http1_start_strict(const char *s, size_t n, bool after_gap);
/* False when n bytes are enough to see that no start-line begins with them. */
bool http1_start_likely(const char *s, size_t n);
/* True when a start-line of that kind may stand in d. */
bool http1_start_fits(const struct http1 *c, const struct http1_dir *d, enum start_kind kind);
/* RFC 9110 5.6.2: what tokens consist of. */
extern const bool http1_tchars[256];
static inline bool http1_tchar(unsigned char ch)
{
	return http1_tchars[ch];
}
/* Control bytes but HT. */
bool http1_has_control(const char *s, size_t n);
bool http1_traversal(const char *s, size_t n);
/* The digit's value; -1: it is none. */
int http1_hex(unsigned char ch);

/* --- http1_frame.c */
enum field { FIELD_OTHER, FIELD_LENGTH, FIELD_ENCODING, FIELD_CONNECTION };
enum field http1_field(const char *name, size_t n);
void http1_frame_field(struct msg *m, enum field f, const char *value, size_t n);
/* The head is whole: tells it and sets the state of what follows. */
void http1_frame(struct http1 *c, struct http1_dir *d);

/* --- http1_body.c */
size_t http1_peek_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n);
size_t http1_fixed_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n);
size_t http1_size_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n);
size_t http1_chunk_end_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n);
/* What was held back is body after all. */
void http1_unpeek(struct http1 *c, struct http1_dir *d);

/* --- http1_pair.c */
#define SEARCH_LINE 8192 /* the longest start-line that is searched for */
void http1_pair_request(struct http1 *c, struct msg *m);
/* The start-line of m is there; its head is (or as much as will come: whole false). */
void http1_pair_answer(struct http1 *c, struct msg *m);
void http1_pair_response(struct http1 *c, struct msg *m, bool whole);
/* The request m, if it waits for its response, and NULL otherwise. */
struct request *http1_waits(struct http1 *c, const struct msg *m);
void http1_pair_user(struct http1 *c, struct msg *m);
/* m ended where its framing says; or before that. */
void http1_pair_over(struct http1 *c, struct msg *m);
void http1_pair_broken(struct http1 *c, struct msg *m, enum http1_why why);
void http1_pair_flush(struct http1 *c, enum http1_why why);

/* --- http1_doubt.c */
#define DEBT_FOREVER UINT64_MAX
void http1_pair_begin(struct http1 *c, struct http1_dir *d, struct msg *m);
/*
 * d lost its place; damaged: requests' within one that is not numbered yet, responses' within a
 * final one.
 */
void http1_pair_lost(struct http1 *c, struct http1_dir *d, bool damaged, enum http1_why why);
/* Bytes of d come that were overdue: they were not lost. */
void http1_pair_found(struct http1 *c, struct http1_dir *d);
/* Nobody knows what will answer it. */
void http1_give_up(struct http1 *c, struct msg *m);
/* Is it known which response will answer this request? Else it is given up. */
bool http1_doubt_request(struct http1 *c, struct msg *m);
/* A response began; a final one ended. */
void http1_doubt_answer(struct http1 *c, struct msg *m);
void http1_doubt_over(struct http1 *c, const struct msg *m);

/* --- http1_sync.c */
size_t http1_search_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n);
void http1_lose(struct http1 *c, struct http1_dir *d, enum http1_why why);
void http1_hole(struct http1 *c, struct http1_dir *d, uint64_t n, bool lost);
void http1_doubt(struct http1 *c, struct http1_dir *d, uint64_t n); /* the next n are overdue */
/* The line gathered in d->m, or up to here, is no start-line. whole: a line begins behind it. */
void http1_not_start(struct http1 *c, struct http1_dir *d, bool whole);
/* A line of a head that was searched for is no header: it was no head. */
void http1_not_head(struct http1 *c, struct http1_dir *d);

/* A message begins with the next byte of d, which is searched; or where what is overdue is lost. */
void http1_settle(struct http1 *c, struct http1_dir *d);

/* What waited in d for the other direction's word is no other protocol's. */
void http1_unhold(struct http1 *c, struct http1_dir *d);

/* --- http1_tls.c */
size_t http1_tls_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n);
void http1_tls_done(struct http1 *c, struct http1_dir *d);
#endif
