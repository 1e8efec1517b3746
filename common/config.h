/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CONFIG_H
#define CONFIG_H
/*
 * Config files: lines of "key = value", where '#' at the start of a line or after a blank begins a
 * comment. A value may be in double quotes, in which \" \\ and \xHH stand for one byte. A list's
 * key may be repeated. Used by opts only; the text is hostile until it has been read.
 */
#include <stdio.h>
#include "opttable.h"

typedef void config_error_fn(const char *msg, void *ctx);

/* Reads text as the file of that name and source. As opts_config() otherwise. */
int config_text(struct opt_table *t, enum opt_source from, const char *file, const char *text,
		size_t len, bool apply, config_error_fn *on_error, void *ctx);
/*
 * Reads a file of at most 1 MiB. Returns the number of mistakes; a file that cannot be read is
 * one, unless it does not exist and may_miss is set.
 */
int config_file(struct opt_table *t, enum opt_source from, const char *file, bool may_miss,
		bool apply, config_error_fn *on_error, void *ctx);
/* Writes a config file that documents itself: what was set is in force, defaults are comments. */
void config_print(const struct opt_table *t, FILE *f);
#endif
