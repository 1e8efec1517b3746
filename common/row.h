/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ROW_H
#define ROW_H
/*
 * A column is one row of a table; it prints aligned text and JSON, so the two cannot disagree.
 * This file owns stdout: text for people or JSON lines (-j) there, JSON lines to the -o sink.
 *
 * Text: cells are separated by a space and aligned by characters, not bytes. A cell is never cut: a
 * wider one pushes the next, and later padding gives way until the columns are back in place.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "json.h"

enum col_kind {
	COL_END,
	COL_U64, /* uint64_t */
	COL_U32, /* uint32_t */
	COL_U16, /* uint16_t; 0 is "-" / absent in JSON with COL_F_OPT */
	COL_F64, /* double, 1 decimal in text; not finite is "-" and null */
	COL_MS, /* uint64_t ns: text in milliseconds with 3 decimals, JSON in ns */
	COL_CHARS, /* char[size], up to the first NUL; hostile */
	COL_STR, /* const char *, hostile; NULL is "-" / null, absent with COL_F_OPT */
	COL_TIME, /* uint64_t ns since the epoch: text HH:MM:SS.mmm local, JSON RFC 3339 UTC, ns */
	COL_FN, /* custom: see fn */
};

enum {
	COL_F_OPT = 1, /* zero/empty means unknown: "-" in text, key left out of JSON */
	COL_F_TEXT = 2, /* only in text */
	COL_F_JSON = 4, /* only in JSON */
	COL_F_LEFT = 8, /* left aligned (cells are right aligned otherwise) */
	COL_F_LAST = 16, /* takes the rest of the line, never padded; left aligned */
	COL_F_NULL =
		32, /* UINT64_MAX is "-" in text and null in JSON (COL_U64, COL_MS, COL_TIME) */
};

struct col {
	const char *key; /* JSON key, unit included; NULL: text only */
	const char *head; /* text header; NULL: JSON only */
	int width; /* characters */
	enum col_kind kind;
	size_t off, size;
	unsigned int flags;
	/* COL_FN: writes text to buf when j is NULL (row.c escapes it; nothing gives "-"), else
	 * adds to j under key (or nothing). */
	void (*fn)(const void *rec, struct json *j, const char *key, char *buf, size_t bufsize);
};

#define COL_FN_SIZE 4096 /* bufsize of fn */

#define COL(T, m, K, KEY, HEAD, W, FL)                                                             \
	{                                                                                          \
		.key = KEY, .head = HEAD, .width = W, .kind = K, .off = offsetof(T, m),            \
		.size = sizeof(((T *)0)->m), .flags = FL                                           \
	}
#define COL_CALL(F, KEY, HEAD, W, FL)                                                              \
	{                                                                                          \
		.key = KEY, .head = HEAD, .width = W, .kind = COL_FN, .flags = FL, .fn = F         \
	}

struct table {
	const char *type; /* the "type" key of each object */
	const struct col *cols; /* ends with COL_END */
};

struct sink;
/*
 * Sets what stdout carries and the optional JSON sink (not owned). A row leaves at once, in one
 * write, when stdout is not a regular file. Reads the time zone, so that it must come before
 * privileges go, and ignores SIGPIPE, because a reader that went away is told by row_flush().
 * Whatever was in stdio's stdout goes first. Returns 0.
 */
int row_init(bool json, struct sink *sink);
/* From here on rows leave when there are 64 KiB of them: nobody waits for a single one. */
void row_batch(void);
/* Prints the header line of t (text mode only). */
void row_header(const struct table *t);
/* Prints one record: text or JSON on stdout, JSON to the sink. Returns what row_flush() would,
 * without flushing. */
int row_print(const struct table *t, const void *rec);
/*
 * Its two halves, for a table that is a part of something: the text alone (nothing under -j;
 * returns as row_print()), and the keys alone, into an object that is open in j.
 */
int row_line(const struct table *t, const void *rec);
void row_keys(const struct table *t, const void *rec, struct json *j);
/* Does JSON go anywhere? Who makes objects by hand may save the trouble. */
bool row_json(void);
/* A finished JSON object (histograms, summary): to stdout under -j and to the sink. Returns as
 * row_print(); -ENOMEM when j has failed. */
int row_object(struct json *j);
/*
 * Free text on stdout (histogram drawings); nothing under -j. Already escaped by the caller.
 * Returns as row_print().
 */
int row_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for a text of any length that is put together already. */
int row_put(const void *text, size_t len);
/*
 * Flushes stdout. Returns 0; -EPIPE when the reader of stdout went away (quiet end); or another
 * negative errno with fail() text, that a write to stdout or the sink gave (loud end; never -EPIPE
 * for a sink). Sticky: after an error stdout gets nothing more, and the sink still everything.
 */
int row_flush(void);
int row_error(void); /* the same, but flushes nothing */
/*
 * Formats a wall-clock time: "2026-01-02T03:04:05.123456789Z", "03:04:05.123" local. Both return
 * dst. dst needs 36 bytes.
 */
char *row_rfc3339(char *dst, uint64_t epoch_ns);
char *row_hms(char *dst, uint64_t epoch_ns);
/* Formats ns for people, in three digits: "870ns" "12.3us" "4.56ms" "1.23s" "3600s". dst needs 24
 * bytes. Returns dst. */
char *row_duration(char *dst, uint64_t ns);
#endif
