/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HEADMASK_H
#define HEADMASK_H
/*
 * Heads and trailers of messages (http1.h) with their secrets masked, by the same rules as heads on
 * the wire (redact_head_feed()), so that the two agree. All positions are those of m->text.
 *
 * r is one and the same in all calls, and gets no more names after the first: what is known of
 * headers' names is kept in mind.
 */
#include <stdbool.h>
#include <stddef.h>
#include "http1.h"
#include "redact.h"

/* How much of m's text is head, where max_header (of http1_options) may have cut it. */
size_t headmask_len(const struct http1_msg *m, size_t max_header);
/*
 * Copies m->text from byte from up to to into dst, at the same place, masked: the head, where from
 * is 0, or trailers. dst has headmask_room() bytes; what is behind to may be written to.
 */
void headmask_copy(const struct redact *r, const struct http1_msg *m, char *dst, size_t from,
		   size_t to);
size_t headmask_room(const struct http1_msg *m, size_t from, size_t to);
/* Masks a head as it was on the wire, or with start_line false trailers. */
void headmask_raw(const struct redact *r, char *p, size_t n, bool start_line);

/* Is each line what it seems to be, so that it can be masked by itself? */
bool headmask_by_line(const struct http1_msg *m);
#define HEADMASK_START UINT32_MAX
/*
 * For such a head of len bytes: a text in which the line of header i, or the start-line, is masked
 * and stands where it does in m->text: m->text itself where there is nothing to be masked, or else
 * room, which has len bytes; what else is in that counts for nothing.
 */
const char *headmask_line(const struct redact *r, const struct http1_msg *m, uint32_t i, size_t len,
			  char *room);
#endif
