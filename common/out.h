/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef OUT_H
#define OUT_H
/*
 * The bytes of stdout, which row.c alone lays out. A row leaves in one write as soon as it is
 * complete, unless stdout is a regular file: that gets 64 KiB at a time. The first error sticks,
 * and what comes after it goes nowhere.
 */
#include <stddef.h>

/* Looks at what stdout is, empties stdio's buffer of it, and forgets an error. */
void out_init(void);
void out_batch(void); /* from here on stdout gets 64 KiB at a time, whatever it is */
/*
 * Room for n more bytes at the end, or NULL after an error; out_advance() says how many were used.
 */
char *out_reserve(size_t n);
void out_advance(size_t n);
void out_put(const void *s, size_t n);
/* The row is complete. Returns as out_flush(). */
int out_end_row(void);
/* Writes what waits. Returns the error so far: 0, -EPIPE without text, others with fail() text. */
int out_flush(void);
/* The error so far. */
int out_error(void);
#endif
