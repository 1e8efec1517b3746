/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef RECORD_H
#define RECORD_H
/*
 * Recordings: what a tool's user half was fed, in order, byte for byte.
 *   header  "reqtrec\n", tool name[16], u32 payload format, u32 0, i64 wall clock -
 *           CLOCK_MONOTONIC ns
 *   record  u32 type, u32 length, payload, zeroes up to a multiple of 8
 * Numbers are little-endian, as on every machine that reqtools runs on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_MAX_LEN (1u << 20) /* a longer payload is damage, not data */

struct record_writer;
struct record_reader;

/*
 * Creates (mode 0600: there may be secrets in it) or truncates the file. wall_offset_ns: wall clock
 * minus CLOCK_MONOTONIC. -errno and text.
 */
int record_create(struct record_writer **w, const char *path, const char *tool, uint32_t format,
		  int64_t wall_offset_ns);
int record_write(struct record_writer *w, uint32_t type, const void *data, size_t len);
/* Flushes, closes, frees. Returns 0 or the first write error. */
int record_close_writer(struct record_writer *w);

/* -EBADMSG: not a recording, another tool's, or another format; text says which. */
int record_open(struct record_reader **r, const char *path, const char *tool, uint32_t format,
		int64_t *wall_offset_ns);
/*
 * The next record: 1, with *data aligned to 8 and valid until the next call; 0 at the end; -EBADMSG
 * (text: where) on a cut or damaged file.
 */
int record_read(struct record_reader *r, uint32_t *type, const void **data, size_t *len);
/* All of it is there already: it is neither a pipe nor a terminal. */
bool record_is_file(const struct record_reader *r);
void record_close_reader(struct record_reader *r);
#endif
