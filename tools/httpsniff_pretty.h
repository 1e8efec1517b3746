/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSNIFF_PRETTY_H
#define HTTPSNIFF_PRETTY_H
/*
 * How --pretty writes what came from the wire to a page, so that a terminal obeys none of it.
 */
#include "httpsniff_rows.h"

/* Escaped by text_escape(). */
void pretty_piece(struct json *page, const char *s, size_t n);
/* Text with its lines, tabs and backslashes; all else that a terminal would obey is escaped. */
void pretty_lines(struct json *page, const char *s, size_t n);
/* The beginning of a body that is not text: "00000010  48 65 6c 6c 6f ...  |Hello...|". */
void pretty_dump(struct json *page, const struct message *msg);
#endif
