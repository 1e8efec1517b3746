/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef REDACT_INT_H
#define REDACT_INT_H
/* What the files of redact share. */
#include "redact.h"

enum redact_kind {
	REDACT_TEXT, /* what may have URLs in it */
	REDACT_ALL,
	REDACT_AUTH,
	REDACT_COOKIE,
	REDACT_SET_COOKIE,
};

/* struct redact_text's authority: bits */
enum {
	AUTHORITY_NONE = 0,
	AUTHORITY_PLAIN = 1,
	AUTHORITY_NESTED = 2, /* percent-encoded, in a parameter of another URL */
};

/* Adds a byte to a name, if it counts. */
void redact_name_add(struct redact_name *n, unsigned char c);
bool redact_name_ends(const struct redact_name *n, const char *end);
/* Can a name that ends in these two, small letters or digits, be one of those that are built in? */
bool redact_may_be_known(unsigned char last_but_one, unsigned char last);
/* Of a parameter. */
bool redact_is_secret(const struct redact *r, const struct redact_name *n);
/* Of a header. */
enum redact_kind redact_kind_of(const struct redact *r, const struct redact_name *n);

/* Masks one byte, unless it is a blank or a line end. Returns 1 if it did. */
static inline size_t redact_mask(char *c)
{
	if (*c == ' ' || *c == '\t' || *c == '\r' || *c == '\n')
		return 0;
	*c = '*';
	return 1;
}
/* The same for many. */
static inline size_t redact_mask_all(char *buf, size_t len)
{
	size_t masked = 0;

	for (size_t i = 0; i < len; i++)
		masked += redact_mask(buf + i);
	return masked;
}

/*
 * The next piece of a text, of a value; last: no more comes (of this line; a fold may). Both return
 * how many bytes were masked.
 */
void redact_text_start(struct redact_text *t);
size_t redact_text_feed(struct redact_text *t, const struct redact *r, char *buf, size_t len,
			bool last);
void redact_value_start(struct redact_value *v, enum redact_kind kind);
size_t redact_value_feed(struct redact_value *v, const struct redact *r, char *buf, size_t len,
			 bool last);
#endif
