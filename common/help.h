/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HELP_H
#define HELP_H
/* --help, in 80 columns. Used by opts only. */
#include <stdio.h>
#include "opttable.h"

/*
 * Usage, summary, options by group, examples. Each option's line begins "  -x, --long=ARG   text"
 * or "      --long=ARG   text", and tests/docs.sh reads it; what is allowed and the default are
 * part of the text.
 */
void help_print(const struct opt_table *t, FILE *f);
#endif
