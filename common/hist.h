/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HIST_USER_H
#define HIST_USER_H
/* The user half of bpf/hist.h's buckets: percentiles, drawing, JSON. */
#include <stddef.h>
#include <stdint.h>
#include "hist_slots.h"
#include "json.h"

struct hist {
	uint64_t slot[HIST_SLOTS];
	uint64_t min, max, sum;	/* exact; min is UINT64_MAX when empty */
};

void hist_init(struct hist *h);
uint64_t hist_count(const struct hist *h);
/* Adds b to a (slots, sum, min, max). */
void hist_add(struct hist *a, const struct hist *b);
/*
 * The p-th quantile (0 < p <= 1): the upper edge of the slot where the rank-ceil(p*n) value lies, so at most
 * 6.25 % above the true value and never below it, clamped to [min, max]. UINT64_MAX when empty.
 */
uint64_t hist_quantile(const struct hist *h, double p);
/* "histogram": [{"le_ns": upper edge, "count": n}], non-empty slots only. */
void hist_json(const struct hist *h, struct json *j, const char *key);
/* Draws one line per power of two between the first and the last used, through row_text(). Indent and
 * width of the bar are fixed so that 80 columns hold. */
void hist_draw(const struct hist *h);
#endif
