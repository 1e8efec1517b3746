// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include "sha256.h"

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static uint32_t k[64];

/* The fraction's first 32 bits of the root of p: bit by bit, in integers. */
static uint32_t root_fraction(uint32_t p, int degree)
{
	unsigned __int128 want = (unsigned __int128)p << (32 * degree);
	uint64_t r = 0;

	if (degree == 3) /* p << 96: the root has 32 + 3 bits */
		for (int bit = 35; bit >= 0; bit--) {
			uint64_t t = r | 1ULL << bit;
			unsigned __int128 sq = (unsigned __int128)t * t;

			if (sq <= want / t)
				r = t;
		}
	else
		for (int bit = 37; bit >= 0; bit--) {
			uint64_t t = r | 1ULL << bit;

			if ((unsigned __int128)t * t <= want)
				r = t;
		}
	return (uint32_t)r;
}

static void constants(uint32_t h[8])
{
	static uint32_t first[8];
	int n = 0;

	for (uint32_t p = 2; n < 64 && !k[63]; p++) {
		uint32_t d = 2;

		while (d * d <= p && p % d)
			d++;
		if (d * d <= p)
			continue;
		if (n < 8)
			first[n] = root_fraction(p, 2);
		k[n++] = root_fraction(p, 3);
	}
	memcpy(h, first, sizeof(first));
}

void sha256_init(struct sha256 *s)
{
	constants(s->h);
	s->len = 0;
}

static uint32_t ror(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static void schedule(const uint8_t *b, uint32_t w[64])
{
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)b[4 * i] << 24 | b[4 * i + 1] << 16 | b[4 * i + 2] << 8 |
		       b[4 * i + 3];
	for (int i = 16; i < 64; i++) {
		uint32_t x = w[i - 15], y = w[i - 2];

		w[i] = w[i - 16] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[i - 7] +
		       (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
	}
}

static void one_block(struct sha256 *s, const uint8_t *b)
{
	uint32_t w[64], v[8];

	schedule(b, w);
	memcpy(v, s->h, sizeof(v));
	for (int i = 0; i < 64; i++) {
		uint32_t e = v[4], a = v[0];
		uint32_t t1 = v[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) +
			      ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
		uint32_t t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) +
			      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		s->h[i] += v[i];
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
	const uint8_t *b = p;
	size_t have = s->len % 64;

	s->len += n;
	if (have && have + n >= 64) {
		memcpy(s->block + have, b, 64 - have);
		one_block(s, s->block);
		b += 64 - have;
		n -= 64 - have;
		have = 0;
	}
	for (; !have && n >= 64; b += 64, n -= 64)
		one_block(s, b);
	if (n)
		memcpy(s->block + have, b, n);
}

void sha256_hex(struct sha256 *s, char hex[65])
{
	static const uint8_t pad[64] = {0x80};
	uint64_t bits = s->len * 8;
	uint8_t tail[8];

	sha256_add(s, pad, 1 + (119 - s->len % 64) % 64);
	for (int i = 0; i < 8; i++)
		tail[i] = bits >> (56 - 8 * i);
	sha256_add(s, tail, 8);
	for (int i = 0; i < 8; i++)
		sprintf(hex + 8 * i, "%08x", s->h[i]);
}
