// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "hist.h"
#include "row.h"

#define BAR 40 /* characters; 40 before it make 80 columns */

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

uint64_t hist_count(const struct hist *h)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < HIST_SLOTS; i++)
		n += h->slot[i];
	return n;
}

void hist_value(struct hist *h, uint64_t ns)
{
	h->slot[hist_slot(ns)]++;
	h->sum += ns;
	if (ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
}

void hist_add(struct hist *a, const struct hist *b)
{
	for (unsigned int i = 0; i < HIST_SLOTS; i++)
		a->slot[i] += b->slot[i];
	a->sum += b->sum;
	if (b->min < a->min)
		a->min = b->min;
	if (b->max > a->max)
		a->max = b->max;
}

uint64_t hist_slot_max(unsigned int slot)
{
	return slot < HIST_SLOTS - 1 ? hist_slot_min(slot + 1) - 1 : UINT64_MAX;
}

/* ceil() without libm; v is not negative. */
static uint64_t round_up(double v)
{
	uint64_t n = v;

	return n + ((double)n < v);
}

uint64_t hist_quantile(const struct hist *h, double p)
{
	uint64_t n = hist_count(h), seen = 0, rank, v;
	unsigned int slot = 0;

	if (!n)
		return UINT64_MAX;
	/* 0.07 * 100 is a little over 7 in doubles, and must still be rank 7. */
	rank = round_up(p * (double)n * (1 - 1e-12));
	while (slot < HIST_SLOTS - 1) {
		seen += h->slot[slot];
		if (seen && seen >= rank)
			break;
		slot++;
	}
	v = hist_slot_max(slot);
	if (v > h->max)
		v = h->max;
	return v < h->min ? h->min : v;
}

/* sqrt() without libm, by Newton's method from above; v is not negative. */
static double square_root(double v)
{
	double root = v > 1 ? v : 1, next;

	if (!v)
		return 0;
	while ((next = (root + v / root) / 2) < root)
		root = next;
	return root;
}

double hist_stddev(const struct hist *h)
{
	double n = hist_count(h), squares = 0, mean;

	if (!n)
		return NAN;
	mean = h->sum / n;
	for (unsigned int i = 0; i < HIST_SLOTS; i++) {
		uint64_t lo = hist_slot_min(i), hi = hist_slot_max(i);
		double d;

		if (!h->slot[i])
			continue;
		if (lo < h->min)
			lo = h->min;
		if (hi > h->max)
			hi = h->max;
		d = ((double)lo + hi) / 2 - mean;
		squares += d * d * h->slot[i];
	}
	return square_root(squares / n);
}

void hist_json(const struct hist *h, struct json *j, const char *key)
{
	json_open(j, key, '[');
	for (unsigned int i = 0; i < HIST_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		json_open(j, NULL, '{');
		json_u64(j, "le_ns", i < HIST_SLOTS - 1 ? hist_slot_max(i) : h->max);
		json_u64(j, "count", h->slot[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void hist_draw(const struct hist *h)
{
	static const char stars[] = "****************************************";
	uint64_t octave[HIST_MAX_BIT + 1] = {}, most = 0;
	unsigned int first = HIST_MAX_BIT + 1, last = 0;
	char from[24], to[24];

	for (unsigned int i = 0; i < HIST_SLOTS; i++) {
		unsigned int k = i ? hist_log2(hist_slot_min(i)) : 0;

		octave[k] += h->slot[i];
		if (octave[k] > most)
			most = octave[k];
		if (octave[k] && first > k)
			first = k;
		if (octave[k])
			last = k;
	}
	if (!most)
		return;
	row_text("  %18s   : %-10s distribution\n", "latency", "count");
	for (unsigned int k = first; k <= last; k++) {
		uint64_t edge = 2ULL << k;
		/* Rounded up: a bucket that is not empty is seen. */
		int bar = round_up((double)octave[k] * BAR / (double)most);

		/* The last octave takes everything above as well: say how far it went. */
		if (k == HIST_MAX_BIT && h->max > edge)
			edge = h->max;
		row_text("  %8s -> %-8s : %-10" PRIu64 "|%-*.*s|\n",
			 row_duration(from, k ? 1ULL << k : 0), row_duration(to, edge), octave[k],
			 BAR, bar, stars);
	}
}
