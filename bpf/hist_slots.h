/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HIST_SLOTS_H
#define HIST_SLOTS_H
/*
 * Log-linear buckets shared by both halves: 32 per power of two, so an edge is at most 3.125 % from
 * any value in its bucket. Values 0..63 have a bucket each. The last bucket begins at 63 * 2^38 ns
 * (4.8 hours) and takes everything above.
 */
#define HIST_SUB_BITS 5
#define HIST_SUB      (1 << HIST_SUB_BITS)
#define HIST_MAX_BIT  43
#define HIST_SLOTS    ((HIST_MAX_BIT - HIST_SUB_BITS + 2) * HIST_SUB) /* 1280 */

/* Position of the highest set bit; v must not be 0. Branches only: clang for BPF has no clz. */
static inline __attribute__((always_inline)) unsigned int hist_log2(unsigned long long v)
{
	unsigned int r = 0;

	if (v >> 32) {
		v >>= 32;
		r += 32;
	}
	if (v >> 16) {
		v >>= 16;
		r += 16;
	}
	if (v >> 8) {
		v >>= 8;
		r += 8;
	}
	if (v >> 4) {
		v >>= 4;
		r += 4;
	}
	if (v >> 2) {
		v >>= 2;
		r += 2;
	}
	return r + (v >> 1);
}

/* The slot of a value: 0 .. HIST_SLOTS - 1. */
static inline __attribute__((always_inline)) unsigned int hist_slot(unsigned long long v)
{
	unsigned int msb;

	if (v < HIST_SUB)
		return v;
	msb = hist_log2(v);
	if (msb > HIST_MAX_BIT)
		return HIST_SLOTS - 1;
	return (msb - HIST_SUB_BITS + 1) * HIST_SUB +
	       ((v >> (msb - HIST_SUB_BITS)) & (HIST_SUB - 1));
}

/* The smallest value of a slot. */
static inline __attribute__((always_inline)) unsigned long long hist_slot_min(unsigned int slot)
{
	unsigned int oct = slot / HIST_SUB;

	if (!oct)
		return slot;
	return (unsigned long long)(HIST_SUB + slot % HIST_SUB) << (oct - 1);
}
#endif
