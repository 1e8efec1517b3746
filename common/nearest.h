/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef NEAREST_H
#define NEAREST_H
/*
 * "Did you mean": the names nearest to one that was not found. Names are shown to it one at a time
 * and only the best are kept, so that a file of any size costs no memory.
 */
#include <stddef.h>

#define NEAREST_MAX 3
/* Longer names are never suggested: nobody would type them. */
#define NEAREST_LEN 160

struct nearest {
	char want
		[NEAREST_LEN]; /* as compared: lower case, no receivers' marks, no type arguments */
	char mangled[NEAREST_LEN]; /* "4area7compute" for area::compute; "" without "::" */
	size_t n;
	struct {
		int score;
		char name[NEAREST_LEN];
	} best[NEAREST_MAX]; /* nearest first */
};

/* Begins the search for want, which is copied; then each name is shown to nearest_see(). */
void nearest_init(struct nearest *n, const char *want);
void nearest_see(struct nearest *n, const char *name);
/* Writes " (did you mean A, B or C?)", or "" when nothing is near. Returns buf. */
char *nearest_text(const struct nearest *n, char *buf, size_t size);
#endif
