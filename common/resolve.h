/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef RESOLVE_H
#define RESOLVE_H
/* What target.c shares with target_go.c and target_c.c: one file being searched for functions. */
#include "log.h"
#include "pattern.h"
#include "target.h"

struct resolve {
	struct tfile *t; /* being filled */
	const struct elf *elf;
	const char *root; /* prefix below which separate debug files are looked for */
	char *dir; /* directory of the file as seen below root */
	struct pattern *pats;
	size_t npats;
	struct hits hits;
};

/*
 * Append to r->t->funcs whatever the patterns match, in address order. 0, or a negative errno with
 * fail() text that names the first pattern without a match.
 */
int resolve_go(struct resolve *r, struct gobin *g);
int resolve_c(struct resolve *r);
/*
 * Appends the known server entries (known.c) of a Go file. -ENOENT when it has none; -ENOTSUP with
 * fail() text when all it has is a framework whose handler cannot be known.
 */
int resolve_known(struct resolve *r, struct gobin *g);

/* A new, zeroed function of that name (copied) at the end of t->funcs; NULL when out of memory. */
struct tfunc *tfile_add(struct tfile *t, const char *name);
/*
 * Add to f->note ("; " between notes), or set f->refused unless it has a reason already. 0 or
 * -ENOMEM.
 */
int tfunc_note(struct tfunc *f, const char *fmt, ...) PRINTF(2, 3);
int tfunc_refuse(struct tfunc *f, const char *fmt, ...) PRINTF(2, 3);
/* Notes the address with functions that share a name. 0 or -ENOMEM. */
int tfile_note_namesakes(struct tfile *t);
/* -ENOTSUP with the first reasons as fail() text when no function can be timed, else 0. */
int tfile_all_refused(const struct tfile *t);
#endif
