/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef OPTENV_H
#define OPTENV_H
/* Options from the environment: HANDLERLAT_EXCLUDE_PID=1,2. Used by opts only. */
#include "config.h"

/*
 * Calls on_error for each variable that begins with the tool's name but is no option's, a mistake
 * that would otherwise go unseen. Returns how many.
 */
int optenv_check(const struct opt_table *t, config_error_fn *on_error, void *ctx);
/*
 * Sets the options that have a variable. Calls on_error for each bad value and returns how many.
 */
int optenv_read(struct opt_table *t, config_error_fn *on_error, void *ctx);
#endif
