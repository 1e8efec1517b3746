// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "decimal.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

static const char pairs[] = "0001020304050607080910111213141516171819"
			    "2021222324252627282930313233343536373839"
			    "4041424344454647484950515253545556575859"
			    "6061626364656667686970717273747576777879"
			    "8081828384858687888990919293949596979899";

char *decimal(char *dst, uint64_t v)
{
	char text[DECIMAL_SIZE], *p = text + sizeof(text);

	for (; v >= 100; v /= 100) {
		p -= 2;
		memcpy(p, pairs + 2 * (v % 100), 2);
	}
	*--p = pairs[2 * v + 1];
	if (v >= 10)
		*--p = pairs[2 * v];
	return mempcpy(dst, p, text + sizeof(text) - p);
}

char *decimal_digits(char *dst, uint64_t v, unsigned int n)
{
	char *p = dst + n;

	for (; p - dst >= 2; v /= 100) {
		p -= 2;
		memcpy(p, pairs + 2 * (v % 100), 2);
	}
	if (p > dst)
		*dst = '0' + v % 10;
	return dst + n;
}

/* Below 2^53 a double is 53 bits, shifted to the right: in 128 bits nothing is lost. */
char *decimal_f64(char *dst, double v, unsigned int decimals)
{
	static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
	unsigned __int128 x, half;
	uint64_t n, whole, part;
	int shift;

	if (!(v >= 0) || v >= 0x1p53 || signbit(v))
		return NULL;
	memcpy(&n, &v, sizeof(n));
	shift = 1075 - (int)(n >> 52 ?: 1);
	n = (n & ((1ull << 52) - 1)) | (uint64_t)(n >> 52 != 0) << 52;
	/* Less than half of the last digit. */
	if (shift > 100)
		n = shift = 0;
	whole = shift < 64 ? n >> shift : 0;
	x = (unsigned __int128)(shift < 64 ? n - (whole << shift) : n) * powers[decimals];
	part = x >> shift;
	x -= (unsigned __int128)part << shift;
	half = shift ? (unsigned __int128)1 << (shift - 1) : 1;
	part += x > half || (x == half && (decimals ? part : whole) & 1);
	whole += part == powers[decimals];
	dst = decimal(dst, whole);
	if (!decimals)
		return dst;
	*dst++ = '.';
	return decimal_digits(dst, part, decimals);
}
