/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef LINEQ_H
#define LINEQ_H
/* A bounded queue of whole lines, whose bytes lie in one piece for a stream to take any part of. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINEQ_SIZE (1 << 20) /* bytes that may wait, newlines included */

struct lineq {
	char *buf; /* owned */
	size_t start, end;
	size_t part; /* bytes of the first line that the connection at hand has taken */
	uint64_t lines; /* waiting */
};

int lineq_init(struct lineq *q); /* -ENOMEM */
void lineq_free(struct lineq *q);
/*
 * Adds head and line, as one line, and a newline. Neither has one. False when the queue is too
 * full.
 */
bool lineq_add(struct lineq *q, const char *head, size_t nhead, const char *line, size_t nline);
size_t lineq_bytes(const struct lineq *q);
/* The first line without its newline; NULL when there is none. */
const char *lineq_first(const struct lineq *q, size_t *len);
/* What a stream has not taken yet; *len 0 when there is nothing. */
const char *lineq_rest(const struct lineq *q, size_t *len);
/* n more bytes were taken. Returns how many lines this completed; they are gone from the queue. */
uint64_t lineq_took(struct lineq *q, size_t n);
/* The connection went: the line it took a part of must be sent from its start. */
void lineq_rewind(struct lineq *q);
#endif
