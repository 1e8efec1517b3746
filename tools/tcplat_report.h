/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TCPLAT_REPORT_H
#define TCPLAT_REPORT_H
/* What the two files that write the report share, and the two that write or read its figures. */
#include "tcplat_parts.h"

#define REPORT_SCHEMA 1 /* another one: keys have changed their meaning */

/* ns as microseconds, with all digits. */
void report_us(struct json *j, const char *key, uint64_t ns);
/* v, or null when it is 0, which stands for unknown. */
void report_known(struct json *j, const char *key, uint64_t v);

/* The keys "connections" and "other"; -ENOMEM goes to j. */
void report_conns(struct json *j);
/* The key "split": what the client's turns were made of, in all and by octave. */
void report_split(struct json *j);
/* The key "slowest". */
void report_slowest(struct json *j);
#endif
