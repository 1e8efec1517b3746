/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef OPTTABLE_H
#define OPTTABLE_H
/*
 * All options of a tool in one table: its own rows, then the standard ones; and which source each
 * was set by. Used by opts only.
 */
#include <stdbool.h>
#include <stddef.h>
#include "opts.h"

/* Nearest first. */
enum opt_source { OPT_FROM_CMDLINE = 1, OPT_FROM_ENV, OPT_FROM_FILE, OPT_FROM_ETC };

struct opt_row {
	struct opt o; /* of kind OPT_GROUP for a heading */
	char also; /* the alias row's letter, or 0 */
	struct opt_row *rival; /* a flag that is not true together with this one, or NULL */
	enum opt_source from; /* 0: at its default */
	size_t line; /* in the config file being read; 0: not seen yet */
};

struct opt_table {
	const struct opt_tool *tool;
	struct opt_row *rows; /* owned: opttable_free() */
	size_t n;
};

/* Flags that make the tool print something and exit. */
struct opt_actions {
	bool help, version, print_config, check_config;
};
extern struct opt_actions opt_actions;

/*
 * -EINVAL with fail() text when two rows claim one name or letter, or an alias is of nothing.
 */
int opttable_init(struct opt_table *t, const struct opt_tool *tool);
void opttable_free(struct opt_table *t);

/* The option of that exact name, or NULL. */
struct opt_row *opttable_find(const struct opt_table *t, const char *name);
/* " (did you mean ...?)" or "". With dashes the names are suggested as "--name". Returns buf. */
char *opttable_nearest(const struct opt_table *t, const char *name, bool dashes, char *buf,
		       size_t size);
/*
 * Gives the row a value from a source. It is stored unless a nearer source gave one; a list given
 * by a nearer source replaces. Of two rivals that are true, one from a nearer source stands and
 * from the same source the second is refused. As opts_set() otherwise.
 */
int opttable_set(struct opt_row *r, enum opt_source from, const char *value, bool apply);
/* Whether the environment and config files may set it. */
bool opttable_settable(const struct opt_row *r);
#endif
