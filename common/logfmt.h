/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef LOGFMT_H
#define LOGFMT_H
/*
 * A line of key=value pairs with a space between two, as readers of logfmt take it: a value is
 * quoted when it is empty or has anything but letters, digits and punctuation that means nothing
 * to any of them. What stands in quotes is a JSON string (json.h), which Go's strconv.Unquote reads
 * to the same effect; nothing in it acts on a terminal.
 *
 * The line grows in a struct json, whose err says whether memory was lacking. Keys are the caller's
 * own words and go as they are.
 */
#include <stddef.h>
#include <stdint.h>
#include "json.h"

/* Quoted where it must be; or always, for text that may look like a number or a word. */
void logfmt_str(struct json *j, const char *key, const char *s);
void logfmt_strn(struct json *j, const char *key, const void *s, size_t n);
void logfmt_quoted(struct json *j, const char *key, const void *s, size_t n);
/* As it is: the caller knows that it needs no quotes. */
void logfmt_word(struct json *j, const char *key, const char *s, size_t n);
void logfmt_u64(struct json *j, const char *key, uint64_t v);
/* The newline. */
void logfmt_end(struct json *j);
#endif
