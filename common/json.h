/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef JSON_H
#define JSON_H
/*
 * A JSON writer into one growing buffer. Output is always valid JSON: strings are escaped, bytes
 * that are not UTF-8 become U+FFFD, and a non-finite number becomes null.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *buf;	/* owned; NUL-terminated after json_text() */
	size_t len, cap;
	bool comma;	/* the next value in this container needs one */
	int err;	/* -ENOMEM sticks; later calls do nothing */
};

void json_init(struct json *j);
void json_reset(struct json *j);	/* empty, keeps the buffer */
void json_free(struct json *j);
const char *json_text(struct json *j);	/* valid until the next call */

/* key is NULL inside an array and for the outermost value. */
void json_open(struct json *j, const char *key, char bracket);	/* '{' or '[' */
void json_close(struct json *j, char bracket);			/* '}' or ']' */
void json_u64(struct json *j, const char *key, uint64_t v);
void json_i64(struct json *j, const char *key, int64_t v);
void json_f64(struct json *j, const char *key, double v);	/* shortest form, at most 6 decimals */
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
void json_str(struct json *j, const char *key, const char *s);	/* NULL gives null */
void json_strn(struct json *j, const char *key, const void *s, size_t n);	/* stops at n only */

/*
 * Copies s (n bytes) into dst (size dsize, always NUL-terminated) so that it may go to a terminal:
 * control bytes, DEL, C1 controls, bidirectional overrides and invalid UTF-8 become \xHH; a
 * backslash becomes \\. Returns the bytes written without the NUL; what does not fit is cut at a
 * whole character.
 */
size_t text_escape(char *dst, size_t dsize, const void *s, size_t n);
#endif
