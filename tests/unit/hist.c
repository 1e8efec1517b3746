// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include "hist.h"
#include "row.h"
#include "unit/t.h"

#define HOUR 3600000000000ULL

static void test_slots(void)
{
	unsigned int prev = 0, bad = 0;

	/* Dense below 2^20, then around every edge and in strides that hit all residues. */
	for (uint64_t v = 0; v < 1 << 20; v++) {
		unsigned int s = hist_slot(v);

		bad += s < prev || s > prev + 1 || hist_slot_min(s) > v || hist_slot_max(s) < v;
		prev = s;
	}
	T_EQ(bad, 0);
	for (uint64_t v = 1 << 20; v < 1ULL << 45; v += v / 1021 + 1) {
		unsigned int s = hist_slot(v);

		bad += s < prev || hist_slot_min(s) > v || hist_slot_max(s) < v;
		prev = s;
	}
	T_EQ(bad, 0);
	T_EQ(prev, HIST_SLOTS - 1);
	for (unsigned int s = 0; s < HIST_SLOTS; s++) {
		T_EQ(hist_slot(hist_slot_min(s)), s);
		T_EQ(hist_slot(hist_slot_max(s)), s);
		if (s)
			T_EQ(hist_slot(hist_slot_min(s) - 1), s - 1);
	}
	for (unsigned int k = 0; k < 64; k++)
		T_EQ(hist_log2(1ULL << k), k);
	T_EQ(hist_slot(UINT64_MAX), HIST_SLOTS - 1);
	T_EQ(hist_slot(1ULL << 44), HIST_SLOTS - 1);
	T_EQ(hist_slot(63ULL << 38), HIST_SLOTS - 1);
	T_EQ(hist_slot((63ULL << 38) - 1), HIST_SLOTS - 2);
	/* What is promised: so many slots, and none wider than a 32nd of its smallest value. */
	T_EQ(HIST_SLOTS, 1280);
	for (unsigned int s = 1; s < HIST_SLOTS - 1; s++)
		T_OK(hist_slot_max(s) - hist_slot_min(s) < hist_slot_min(s) / 32.0);
}

/* A single value is told exactly, whatever it is. */
static void test_edges(void)
{
	static struct hist h;
	uint64_t v[] = {0,	    1,
			15,	    16,
			17,	    31,
			32,	    33,
			63,	    64,
			65,	    HOUR,
			HOUR - 1,   (1ULL << 44) - 1,
			1ULL << 44, (1ULL << 44) + 1,
			UINT64_MAX};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		hist_init(&h);
		hist_value(&h, v[i]);
		T_OK(hist_quantile(&h, 0.5) == v[i] && hist_quantile(&h, 1) == v[i]);
	}
	for (unsigned int k = 1; k < 64; k++) {
		for (int d = -1; d <= 1; d++) {
			hist_init(&h);
			hist_value(&h, (1ULL << k) + d);
			T_EQ(hist_quantile(&h, 0.999), (1ULL << k) + d);
		}
	}
	/* Two values around an edge lie in two slots. */
	hist_init(&h);
	hist_value(&h, 1023);
	hist_value(&h, 1024);
	T_EQ(hist_quantile(&h, 0.5), 1023);
	T_EQ(hist_quantile(&h, 0.51), 1024);
	/* Two in one slot: its upper edge, never less. */
	hist_init(&h);
	hist_value(&h, 1024);
	hist_value(&h, 5000);
	T_EQ(hist_quantile(&h, 0.5), 1055);
	T_EQ(hist_quantile(&h, 1), 5000);
	hist_init(&h);
	T_OK(hist_quantile(&h, 0.5) == UINT64_MAX);
	T_EQ(hist_count(&h), 0);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Against the sorted values: never below, at most a 32nd above. */
static void test_quantiles(void)
{
	static const int permille[] = {1, 10, 70, 250, 500, 900, 990, 999, 1000};
	static uint64_t v[1000];
	static struct hist h;
	unsigned int seed = 1, bad = 0;

	for (size_t n = 1; n <= 1000; n += n < 20 ? 1 : 49) {
		hist_init(&h);
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			v[i] = (uint64_t)(seed >> 4) << (seed >> 28);
			hist_value(&h, v[i]);
		}
		qsort(v, n, sizeof(*v), compare);
		for (size_t i = 0; i < sizeof(permille) / sizeof(*permille); i++) {
			uint64_t truth = v[(permille[i] * n + 999) / 1000 - 1];
			uint64_t q = hist_quantile(&h, permille[i] / 1000.0);

			bad += q < truth || q - truth > truth / 32;
		}
	}
	T_EQ(bad, 0);
	/* p * n that is whole in arithmetic but not in doubles. */
	hist_init(&h);
	for (uint64_t i = 1; i <= 100; i++)
		hist_value(&h, i < 8 ? 1 : 1000);
	T_EQ(hist_quantile(&h, 0.07), 1);
	T_EQ(hist_quantile(&h, 0.071), 1000);
}

/* By halving: the tests have no libm either. */
static double root(double v)
{
	double lo = 0, hi = v + 1;

	for (int i = 0; i < 2000; i++) {
		double mid = (lo + hi) / 2;

		*(mid * mid < v ? &lo : &hi) = mid;
	}
	return hi;
}

/* Against two passes over the values, each of them less than 2^bits. */
static void against_two_passes(size_t n, int bits)
{
	static uint64_t v[1000];
	static struct hist h;
	double mean = 0, var = 0, square = 0, got;
	uint64_t x = 1;

	hist_init(&h);
	for (size_t i = 0; i < n; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		v[i] = x >> (64 - bits) >> (i % 3);
		hist_value(&h, v[i]);
		mean += (double)v[i] / n;
		square += (double)v[i] * v[i] / n;
	}
	for (size_t i = 0; i < n; i++)
		var += (v[i] - mean) * (v[i] - mean) / n;
	got = hist_stddev(&h);
	T_OK(fabs(got - root(var)) <= root(square) / 64 + root(var) * 1e-9);
	/* Values with slots of their own are told exactly; errors to both sides cancel out. */
	if (bits <= 6)
		T_OK(fabs(got - root(var)) <= root(var) * 1e-9);
	else if (n == 1000)
		T_OK(fabs(got - root(var)) <= root(var) / 500);
}

static void test_stddev(void)
{
	static const int known[] = {2, 4, 4, 4, 5, 5, 7, 9};
	static struct hist h;

	hist_init(&h);
	T_OK(isnan(hist_stddev(&h)));
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		hist_value(&h, known[i]);
	T_OK(hist_stddev(&h) == 2);
	for (int bits = 1; bits <= 44; bits++) {
		against_two_passes(2, bits);
		against_two_passes(17, bits);
		against_two_passes(1000, bits);
	}
	/* Equal values differ by nothing, wherever their slot's middle lies; the last has none. */
	for (uint64_t ns = 1; ns < 1ULL << 60; ns = ns * 3 + 1) {
		hist_init(&h);
		hist_value(&h, ns);
		hist_value(&h, ns);
		T_OK(hist_stddev(&h) == 0);
	}
	/* In the last slot: the middle of the slot's beginning and the maximum. */
	hist_init(&h);
	hist_value(&h, 0);
	hist_value(&h, 80 * HOUR);
	T_OK(fabs(hist_stddev(&h) / HOUR - 28.335) < 0.001);
}

static void test_add_json(void)
{
	static struct hist a, b;
	struct json j;

	hist_init(&a);
	hist_init(&b);
	hist_value(&a, 3);
	hist_value(&a, 1024);
	hist_value(&b, 1030);
	hist_value(&b, UINT64_MAX / 2);
	hist_add(&a, &b);
	T_EQ(hist_count(&a), 4);
	T_EQ(a.min, 3);
	T_EQ(a.max, UINT64_MAX / 2);
	T_EQ(a.sum, 3 + 1024 + 1030 + UINT64_MAX / 2);
	hist_init(&b);
	hist_add(&b, &a);
	T_EQ(b.min, 3);
	json_init(&j);
	json_open(&j, NULL, '{');
	hist_json(&a, &j, "histogram");
	json_close(&j, '}');
	T_STR(json_text(&j),
	      "{\"histogram\":[{\"le_ns\":3,\"count\":1},{\"le_ns\":1055,\"count\":2},"
	      "{\"le_ns\":9223372036854775807,\"count\":1}]}");
	json_free(&j);
}

/* What a drawing looks like: stdout is a file for as long. */
static void drawn(const struct hist *h, const char *want)
{
	char got[4096], path[] = "/tmp/hist.XXXXXX";
	int file = mkstemp(path), saved = dup(1);
	ssize_t n;

	fflush(stdout);
	unlink(path);
	dup2(file, 1);
	row_init(false, NULL);
	hist_draw(h);
	T_EQ(row_flush(), 0);
	dup2(saved, 1);
	close(saved);
	n = pread(file, got, sizeof(got) - 1, 0);
	close(file);
	got[n < 0 ? 0 : n] = '\0';
	T_STR(got, want);
	for (char *line = strtok(got, "\n"); line; line = strtok(NULL, "\n"))
		T_OK(strlen(line) <= 80);
}

static void test_draw(void)
{
	static struct hist h;

	hist_init(&h);
	drawn(&h, "");
	for (int i = 0; i < 80; i++)
		hist_value(&h, 1100);
	for (int i = 0; i < 40; i++)
		hist_value(&h, 2048);
	hist_value(&h, 9000);
	drawn(&h,
	      "             latency   : count      distribution\n"
	      "    1.02us -> 2.05us   : 80        |****************************************|\n"
	      "    2.05us -> 4.10us   : 40        |********************                    |\n"
	      "    4.10us -> 8.19us   : 0         |                                        |\n"
	      "    8.19us -> 16.4us   : 1         |*                                       |\n");
	hist_init(&h);
	hist_value(&h, 0);
	drawn(&h,
	      "             latency   : count      distribution\n"
	      "       0ns -> 2ns      : 1         |****************************************|\n");
	hist_init(&h);
	h.slot[HIST_SLOTS - 1] = 999999999999;
	h.min = h.max = 20000ULL * 1000000000;
	drawn(&h,
	      "             latency   : count      distribution\n"
	      "     8796s -> 20000s   : 999999999999|****************************************|\n");
}

int main(void)
{
	test_slots();
	test_edges();
	test_quantiles();
	test_stddev();
	test_add_json();
	test_draw();
	return t_done();
}
