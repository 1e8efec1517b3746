/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HIST_USER_H
#define HIST_USER_H
/* The user half of bpf/hist_slots.h's buckets: percentiles, drawing, JSON. Values are ns. */
#include <stddef.h>
#include <stdint.h>
#include "hist_slots.h"
#include "json.h"

struct hist {
	uint64_t slot[HIST_SLOTS];
	uint64_t min, max, sum; /* exact; min is UINT64_MAX and max 0 when empty */
};

/* Empties it; nothing to free. */
void hist_init(struct hist *h);
/* How many values are in it. */
uint64_t hist_count(const struct hist *h);
/* Adds one value. */
void hist_value(struct hist *h, uint64_t ns);
/* Adds b to a (slots, sum, min, max). */
void hist_add(struct hist *a, const struct hist *b);
/* The largest value that slot holds; UINT64_MAX for the last. */
uint64_t hist_slot_max(unsigned int slot);
/*
 * The p-th quantile (0 < p <= 1): the upper edge of the slot where the rank-ceil(p*n) value lies,
 * so at most 3.125 % above the true value (one that lies below the last slot) and never below it,
 * clamped to [min, max]. UINT64_MAX when empty.
 */
uint64_t hist_quantile(const struct hist *h, double p);
/*
 * The standard deviation in ns, of these values and not of a larger whole they were drawn from; NAN
 * when empty. The mean is exact, each value is taken for the middle of its slot within [min, max]:
 * off by at most 1/64 of the values' root mean square if none lies in the last slot.
 */
double hist_stddev(const struct hist *h);
/*
 * key: [{"le_ns": largest value of the slot, "count": n}], non-empty slots only, counts of each
 * slot alone. The last slot, which has no edge, has max for one.
 */
void hist_json(const struct hist *h, struct json *j, const char *key);
/* Draws one line per power of two between the first and the last used, through row_text(), under a
 * heading. Nothing when empty. 80 columns hold for counts of up to 12 digits. */
void hist_draw(const struct hist *h);
#endif
