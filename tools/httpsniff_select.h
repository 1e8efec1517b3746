/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSNIFF_SELECT_H
#define HTTPSNIFF_SELECT_H
#include "httpsniff_parts.h"

/* --dedupe (httpsniff_dedupe.c). 0 or -ENOMEM with text. */
int dedupe_init(void);
/* Was this message seen already, at the other end of its connection? Else it is remembered. */
bool dedupe_seen(const struct message *msg);
void dedupe_free(void);
#endif
