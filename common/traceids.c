// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "traceids.h"
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* The value of a digit, -1: none. Capital letters are refused, as both specifications say. */
static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 2 * n digits at v. */
static bool read_hex(const char *v, uint8_t *dst, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit(v[2 * i]), low = digit(v[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		dst[i] = high << 4 | low;
	}
	return true;
}

static bool all_zeros(const uint8_t *id, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= id[i];
	return !any;
}

/* An id that is one. */
static bool read_id(const char *v, uint8_t *dst, size_t n)
{
	return read_hex(v, dst, n) && !all_zeros(dst, n);
}

int ids_traceparent(const char *v, size_t n, uint8_t trace[16], uint8_t parent[8], uint8_t *flags)
{
	uint8_t version, t[16], p[8], f;

	if (n < 55 || v[2] != '-' || v[35] != '-' || v[52] != '-')
		return -EINVAL;
	if (!read_hex(v, &version, 1) || version == 0xff)
		return -EINVAL;
	if (version ? n > 55 && v[55] != '-' : n != 55)
		return -EINVAL;
	if (!read_id(v + 3, t, 16) || !read_id(v + 36, p, 8) || !read_hex(v + 53, &f, 1))
		return -EINVAL;
	memcpy(trace, t, sizeof(t));
	memcpy(parent, p, sizeof(p));
	*flags = f;
	return 0;
}

int ids_b3_trace(const char *v, size_t n, uint8_t trace[16])
{
	uint8_t t[16] = {0};

	if ((n != 16 && n != 32) || !read_hex(v, t + 16 - n / 2, n / 2) || all_zeros(t, 16))
		return -EINVAL;
	memcpy(trace, t, sizeof(t));
	return 0;
}

int ids_b3_span(const char *v, size_t n, uint8_t span[8])
{
	uint8_t s[8];

	if (n != 16 || !read_id(v, s, 8))
		return -EINVAL;
	memcpy(span, s, sizeof(s));
	return 0;
}

static bool is_decision(char c)
{
	return c == '0' || c == '1' || c == 'd';
}

int ids_b3(const char *v, size_t n, uint8_t trace[16], uint8_t span[8], uint8_t *flags)
{
	uint8_t t[16], s[8], parent[8];
	const char *dash = memchr(v, '-', n), *rest;
	size_t left;

	if (n == 1 && is_decision(*v))
		return -ENOENT;
	if (!dash || v + n - dash < 17 || ids_b3_trace(v, dash - v, t) ||
	    ids_b3_span(dash + 1, 16, s))
		return -EINVAL;
	rest = dash + 17;
	left = v + n - rest;
	if (left && left != 2 && left != 19)
		return -EINVAL;
	if (left && (rest[0] != '-' || !is_decision(rest[1])))
		return -EINVAL;
	if (left == 19 && (rest[2] != '-' || !read_hex(rest + 3, parent, 8)))
		return -EINVAL;
	memcpy(trace, t, sizeof(t));
	memcpy(span, s, sizeof(s));
	*flags = left && rest[1] != '0';
	return 0;
}

uint8_t ids_b3_sampled(const char *v, size_t n)
{
	return (n == 1 && *v == '1') || (n == 4 && !memcmp(v, "true", 4));
}

char *ids_hex(char *dst, const uint8_t *id, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[id[i] >> 4];
		dst[2 * i + 1] = digits[id[i] & 15];
	}
	dst[2 * n] = 0;
	return dst;
}

/* --- SipHash-2-4: Aumasson and Bernstein, "SipHash: a fast short-input PRF" */

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void rounds(uint64_t v[4], int n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotl(v[1], 13) ^ v[0];
		v[3] = rotl(v[3], 16) ^ v[2];
		v[0] = rotl(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotl(v[1], 17) ^ v[2];
		v[3] = rotl(v[3], 21) ^ v[0];
		v[2] = rotl(v[2], 32);
	}
}

static uint64_t load(const uint8_t *p, size_t n)
{
	uint64_t x = 0;

	memcpy(&x, p, n);
	return le64toh(x);
}

static void store(uint8_t *p, uint64_t x)
{
	x = htole64(x);
	memcpy(p, &x, sizeof(x));
}

static uint64_t sum(const uint64_t v[4])
{
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The key is that of the paper's test vectors, 00 01 ... 0f: it is no secret. */
void ids_hash(uint8_t id[16], const void *data, size_t n)
{
	const uint64_t k0 = 0x0706050403020100, k1 = 0x0f0e0d0c0b0a0908;
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
			 k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
	const uint8_t *p = data, *end = p + n / 8 * 8;
	uint64_t last = (uint64_t)n << 56;

	for (; p < end; p += 8) {
		v[3] ^= load(p, 8);
		rounds(v, 2);
		v[0] ^= load(p, 8);
	}
	last |= load(p, n % 8);
	v[3] ^= last;
	rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xee;
	rounds(v, 4);
	store(id, sum(v));
	v[1] ^= 0xdd;
	rounds(v, 4);
	store(id + 8, sum(v));
}
