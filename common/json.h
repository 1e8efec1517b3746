/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef JSON_H
#define JSON_H
/*
 * A JSON writer into one growing buffer. Strings are escaped, bytes that are not UTF-8 become
 * U+FFFD, and a non-finite number becomes null, so that output is valid JSON whatever the values
 * are; the caller sees to it that what was opened is closed. Characters that act on a terminal
 * (see text_escape) are escaped too: JSON lines are read on terminals.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "escape.h"

struct json {
	char *buf; /* owned; NUL-terminated after json_text() */
	size_t len, cap;
	bool comma; /* the next value in this container needs one */
	int err; /* -ENOMEM sticks until json_reset(); later calls do nothing */
};

/* An empty writer; json_free() when done. */
void json_init(struct json *j);
void json_reset(struct json *j); /* empty, keeps the buffer */
void json_free(struct json *j);
/* The text, valid until the next call; "null" when err is set. */
const char *json_text(struct json *j);

/* key is NULL inside an array and for the outermost value; it is escaped like any string. */
void json_open(struct json *j, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket); /* '}' or ']' */
void json_u64(struct json *j, const char *key, uint64_t v);
void json_i64(struct json *j, const char *key, int64_t v);
/* Rounded to 6 decimals, without trailing zeros or an exponent; the same in every locale. */
void json_f64(struct json *j, const char *key, double v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
void json_str(struct json *j, const char *key, const char *s); /* NULL gives null */
void json_strn(struct json *j, const char *key, const void *s, size_t n); /* stops at n only */
/* A string between the caller's own notation, which is as in json_raw(). */
void json_quoted(struct json *j, const char *before, size_t nbefore, const void *s, size_t n,
		 const char *after, size_t nafter);
/* n bytes as they are, with no comma before them: the caller's own notation. */
void json_raw(struct json *j, const void *s, size_t n);

/* The longest double: sign, 309 digits, a point of up to 8 bytes, 6 decimals, NUL. */
#define TEXT_F64_SIZE 352
/*
 * Formats a finite v with 0 to 6 decimals and a '.', in every locale. Returns dst (TEXT_F64_SIZE).
 */
char *text_f64(char *dst, double v, int decimals);
#endif
