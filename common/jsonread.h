/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef JSONREAD_H
#define JSONREAD_H
/*
 * A JSON reader (RFC 8259) for files that our own tools wrote: the whole text becomes a tree. It is
 * strict in all but this: bytes from 0x80 on are taken as they are, UTF-8 or not.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jval_kind { JVAL_NULL, JVAL_BOOL, JVAL_NUM, JVAL_STR, JVAL_ARRAY, JVAL_OBJECT };

struct jval {
	enum jval_kind kind;
	uint32_t next; /* of its container's, by jval_next(); 0: the last */
	uint32_t first; /* of a container, by jval_first(); 0: empty */
	bool whole; /* JVAL_NUM: u is its exact value */
	char *key; /* in an object */
	union {
		bool b;
		char *str;
		uint64_t u;
	};
	double num; /* JVAL_NUM: at most some units in the last place off, in every locale */
};

struct jsonread {
	char *text; /* keys and strings are in it */
	struct jval *vals; /* the first is the outermost */
	size_t n, cap;
};

/* Containers within containers. */
#define JSONREAD_DEPTH 64

/*
 * Reads the one value in text (len bytes, copied). 0; -EINVAL with fail() text ("line 1, column 5:
 * ..."), -ENOMEM. Free with jsonread_free(), also after an error.
 */
int jsonread(struct jsonread *r, const char *text, size_t len);
void jsonread_free(struct jsonread *r);

/* The first member of that name; NULL if there is none, or v is NULL or no object. */
const struct jval *jval_get(const struct jsonread *r, const struct jval *v, const char *key);
/* The first of a container's values; NULL if there is none, or v is NULL or no container. */
const struct jval *jval_first(const struct jsonread *r, const struct jval *v);
/* The one after v in its container; NULL after the last. */
const struct jval *jval_next(const struct jsonread *r, const struct jval *v);
/* The string of v; NULL if v is NULL or no string. */
const char *jval_str(const struct jval *v);
#endif
