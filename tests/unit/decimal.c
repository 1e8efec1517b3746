// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Against printf(). */
#include "decimal.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "unit/t.h"

static uint64_t any(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

static void check(uint64_t v)
{
	char text[64], want[64];

	*decimal(text, v) = 0;
	snprintf(want, sizeof(want), "%" PRIu64, v);
	T_STR(text, want);
	for (unsigned int n = 0; n < 10; n++) {
		uint64_t most = 1;

		for (unsigned int i = 0; i < n; i++)
			most *= 10;
		*decimal_digits(text, v, n) = 0;
		snprintf(want, sizeof(want), "%0*" PRIu64, (int)n, v % most);
		T_STR(text, n ? want : "");
	}
}

/* The double that is next to a positive one. */
static double beside(double v, int by)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	bits += by;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

static void check_f64(double v)
{
	char text[64], want[512];

	for (unsigned int d = 0; d <= 6; d++) {
		char *end = decimal_f64(text, v, d);

		T_OK(end);
		if (!end)
			return;
		*end = 0;
		snprintf(want, sizeof(want), "%.*f", (int)d, v);
		T_STR(text, want);
	}
}

int main(void)
{
	char text[64];

	check(0);
	check(UINT64_MAX);
	for (uint64_t v = 1; v < UINT64_MAX / 10; v *= 10) {
		check(v - 1);
		check(v);
		check(v + 1);
	}
	for (int i = 0; i < 20000; i++)
		check(any() >> any() % 64);
	check_f64(0);
	check_f64(0x1p-1074);
	check_f64(beside(0x1p53, -1));
	check_f64(0.5), check_f64(1.5), check_f64(2.5), check_f64(0.125), check_f64(0.375);
	check_f64(0.0000005), check_f64(0.9999995), check_f64(999999.9999995);
	/* Halves, which go to even, and what is next to them. */
	for (uint64_t i = 1; i < 2000; i += 2) {
		double half = i / 2.0 / 64;

		check_f64(half);
		check_f64(beside(half, -1));
		check_f64(beside(half, 1));
	}
	for (int i = 0; i < 50000; i++) {
		check_f64(ldexp(any() >> 11, -(int)(any() % 120)));
		check_f64((any() >> any() % 64) % 1000000000 / 1000.0);
	}
	T_OK(!decimal_f64(text, 0x1p53, 0) && !decimal_f64(text, -1, 0));
	T_OK(!decimal_f64(text, -0.0, 0) && !decimal_f64(text, NAN, 0));
	T_OK(!decimal_f64(text, INFINITY, 6));
	return t_done();
}
