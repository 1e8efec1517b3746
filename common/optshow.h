/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef OPTSHOW_H
#define OPTSHOW_H
/* The value of one option, to text, and what may be given. Used by opts only. */
#include <stddef.h>
#include <stdio.h>
#include "opts.h"

/*
 * What may be given, for people: "seconds from 0.1 to 86400". Always NUL-terminated. Returns buf.
 */
const char *optval_wanted(const struct opt *o, char *buf, size_t size);

/*
 * How many config lines the value in force takes: a list's items, 0 for what is not set, else 1.
 */
size_t optval_count(const struct opt *o);
/*
 * Writes item i (< optval_count) so that a config file reads it back exactly, quoted where needed.
 */
void optval_print(const struct opt *o, size_t i, FILE *f);
#endif
