/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef OPTVAL_H
#define OPTVAL_H
/* The value of one option, from text. Used by opts only. */
#include <stdbool.h>
#include <stddef.h>
#include "opts.h"

/* As opts_set(), but with apply false the value is only checked. */
int optval_parse(const struct opt *o, const char *value, bool apply);

/* The largest process id (PID_MAX_LIMIT of 64-bit kernels). */
#define OPTVAL_PID_MAX 4194304
/*
 * A stored OPT_SEC or OPT_MSEC is in nanoseconds: decimals of the unit it is given in; 0 for whole
 * numbers. A percentage is read with as many as a second.
 */
unsigned optval_places(enum opt_kind kind);
/* Is its value a struct opt_list? */
bool optval_is_list(enum opt_kind kind);
/* 10^n */
double optval_pow10(unsigned n);

/* Zeroed memory that lives until opts_free(); NULL when there is none. */
void *optval_alloc(size_t size);
#endif
