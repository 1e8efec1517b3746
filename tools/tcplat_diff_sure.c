// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * How sure is a difference?
 *
 * A percentile is compared in two steps. The buckets' error may hide or feign up to 3.125 %: what
 * is within it is "same". Beyond it, chance may: around a percentile's rank lies, in 99 of 100
 * samples of that size, the true one (binomial, as a normal distribution); if the values at the
 * ends of both ranges do not overlap, it is "slower" or "faster", else "unclear". The same question
 * of the whole distribution is answered by Kolmogorov and Smirnov: the largest distance of the two
 * cumulative curves, and the one that chance passes once in 100. Buckets can only make it smaller.
 */
#include "tcplat_diff.h"
#include <math.h>

#define Z_99	  2.576 /* of the normal distribution, both sides */
#define KS_99	  1.628 /* Kolmogorov's, times sqrt((n + m) / (n m)) */
#define KS_FEWEST 30 /* it holds for large samples */

static double root(double v)
{
	return stats_dev(1, 0, v);
}

/* Between which values lies, surely enough, the quantile of what h was drawn from? */
static void quantile_range(const struct hist *h, double p, uint64_t *low, uint64_t *high)
{
	double n = hist_count(h), reach = Z_99 * root(n * p * (1 - p));
	double first = n * p - reach - 1, last = n * p + reach + 1;
	uint64_t edge;

	*low = 0;
	*high = UINT64_MAX;
	if (first > 0) {
		edge = hist_slot_min(hist_slot(hist_quantile(h, first / n)));
		*low = edge > h->min ? edge : h->min;
	}
	if (last <= n)
		*high = hist_quantile(h, last / n);
}

const char *diff_quantile(const struct hist *a, const struct hist *b, double p)
{
	uint64_t qa = hist_quantile(a, p), qb = hist_quantile(b, p), a_low, a_high, b_low, b_high;
	uint64_t distance = qa > qb ? qa - qb : qb - qa, larger = qa > qb ? qa : qb;

	if (qa == UINT64_MAX || qb == UINT64_MAX)
		return NULL;
	if (distance * HIST_SUB <= larger)
		return "same";
	quantile_range(a, p, &a_low, &a_high);
	quantile_range(b, p, &b_low, &b_high);
	return b_low > a_high ? "slower" : a_low > b_high ? "faster" : "unclear";
}

struct distance diff_distance(const struct hist *a, const struct hist *b)
{
	double n = hist_count(a), m = hist_count(b), x = 0, y = 0, here;
	struct distance r = {NAN, NAN, "too few"};

	if (n < KS_FEWEST || m < KS_FEWEST)
		return r;
	r.d = 0;
	for (unsigned int i = 0; i < HIST_SLOTS; i++) {
		x += a->slot[i];
		y += b->slot[i];
		here = fabs(x / n - y / m);
		if (here > r.d)
			r.d = here;
	}
	r.bound = KS_99 * root((n + m) / (n * m));
	r.verdict = r.d > r.bound ? "differs" : "no evidence";
	return r;
}
