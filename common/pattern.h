/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PATTERN_H
#define PATTERN_H
/*
 * A function as the user names it, held against the names that a file has.
 *
 * '*', '[' and ']' are part of Go's names as well as glob characters, so a name is compared three
 * ways, and the strongest way in which anything matched is the one that counts (see hits_settle).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum match { /* strongest first */
	     MATCH_EXACT, /* the very name, "%2e" in a Go import path being a dot */
	     MATCH_SHAPE, /* "pkg.F[...]": every instance of a generic */
	     MATCH_CLONE, /* foo.constprop.0 for foo (decided by the caller: C only) */
	     MATCH_GLOB,
	     MATCH_NONE,
};

struct pattern {
	const char *text; /* borrowed */
	char *glob; /* with Go's own '*' and [...] escaped; NULL when there is nothing to expand */
	bool shape; /* contains [...] */
	enum match best; /* strongest match so far */
};

/* text is borrowed and must outlive the pattern. -EINVAL with fail() text when empty, -ENOMEM. */
int pattern_init(struct pattern *p, const char *text);
void pattern_free(struct pattern *p);
enum match pattern_match(const struct pattern *p, const char *name);

/* What matched, in the order of the file until hits_settle(). */
struct hit {
	uint64_t addr, size;
	size_t index; /* the caller's: function number */
	char *name; /* the caller's, freed with the list; may be NULL */
	uint32_t pattern; /* which one */
	uint8_t match; /* enum match */
	uint8_t kind; /* the caller's, as args */
	int32_t args;
};

struct hits {
	struct hit *v;
	size_t n, cap;
};

/*
 * Adds h for pattern p, unless p has a stronger match already. name is copied when it is not NULL.
 * 0 or -ENOMEM.
 */
int hits_add(struct hits *l, struct pattern *p, const struct hit *h);
/* Drops the hits weaker than their pattern's best, and sorts by address, then by strength. */
void hits_settle(struct hits *l, const struct pattern *pats);
void hits_free(struct hits *l);
#endif
