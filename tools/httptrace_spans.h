/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPTRACE_SPANS_H
#define HTTPTRACE_SPANS_H
/*
 * What the parts of httptrace_spans share: httptrace_spans.c follows messages,
 * httptrace_spans_conn.c connections, httptrace_spans_mem.c has the memory of both,
 * httptrace_spans_text.c takes text from heads, httptrace_spans_times.c tells times.
 */
#include "httptrace_parts.h"

/* Bytes that one call read. */
struct piece {
	uint64_t pos;
	uint32_t len, waited_us; /* waited_us: as in struct cap_conn */
};

/* A connection, as long as it is open or a span of it is kept. */
struct line {
	struct hop hop; /* first, for spans point to it */
	/* Of a request whose head is not there yet: something is known of its answer already. */
	struct span *early;
	uint64_t heads; /* number of the last request whose head was there */
	uint64_t done; /* ... that no answer is due to any more */
	uint64_t read_end; /* where the last request that was read, or what was skipped, ended */
	struct piece first, last; /* read: with the first byte of a request in it; the last */
	uint32_t open; /* spans that are not over */
	bool told_connect; /* to httptrace_links.c */
	bool told_open; /* the row of --events */
};

struct span_memory {
	uint64_t open; /* spans that are not over */
	uint64_t alive;
};
extern struct span_memory span_memory;

/* What an output gave: the first error but -EPIPE, which row_flush() tells, ends the run. */
void spans_told(int err);

/* --- httptrace_spans_mem.c */
struct line *line_new(const struct cap_conn *c); /* with one reference; NULL: no memory */
void line_put(struct line *l);
/* What may have come to be known meanwhile. */
void line_update(struct line *l, const struct cap_conn *c);
/* All zero but for hop, who and refs (1), and open; with room for n bytes of text. NULL: no memory.
 */
struct span *span_new(struct line *l, size_t n);
/* Where n bytes of text go, of one that has none; NULL: no memory. */
char *span_room(struct span *s, size_t n);
void span_free_spares(void);

/* --- httptrace_spans_conn.c: a capture_op each */
void line_heard(struct cap_conn *c);
void line_gone(struct cap_conn *c);
void line_raw(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, const void *data,
	      uint64_t len);
void line_gap(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, uint64_t len,
	      enum cap_cause cause);
void line_skipped(void *ctx, int dir, uint64_t pos, uint64_t n);
/* The row that tells of its beginning, once it is known who opened it, and when. */
void line_opened(struct cap_conn *c);
/* How long the byte at pos, a request's first, had waited to be read; UINT32_MAX: not known. */
uint32_t line_waited(const struct line *l, uint64_t pos);

/* --- httptrace_spans_text.c */
/* Takes the text of a request's head: bytes that a span needs for it. Valid as long as m is. */
size_t text_take(const struct http1_msg *m);
/* The span gets what was taken. Without memory it has none, and is told to be incomplete. */
void text_give(struct span *s);
void text_free(void); /* at the end of all */

/* --- httptrace_spans_times.c */
/* Is it one by its status, or for a reset? */
bool span_is_error(const struct span *s);
#endif
