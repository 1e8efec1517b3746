// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include "body.h"

#define BLOCK 64

/* What a byte below 0x80 must not be. Bit n: control byte n is text. */
#define CONTROLS (1u << '\b' | 1u << '\t' | 1u << '\n' | 1u << '\f' | 1u << '\r' | 1u << 0x1b)

static bool ascii_binary(unsigned char c)
{
	return c == 0x7f || (c < 0x20 && !(CONTROLS >> c & 1));
}

/*
 * What a whole block is made of: bit 7 set, some byte is not ASCII; bit 0, some byte is binary. No
 * branches and a fixed length, so that the compiler makes vector code of it.
 */
static unsigned char classify(const unsigned char *p)
{
	unsigned char high = 0, bad = 0;

	for (int i = 0; i < BLOCK; i++) {
		unsigned char c = p[i];
		/* 8, 9, 10; 12, 13: all but 11 of a range, and ESC. */
		unsigned char fine = ((unsigned char)(c - 8) < 6) & (c != 11);

		high |= c;
		bad |= ((c < 0x20) & !fine & (c != 0x1b)) | (c == 0x7f);
	}
	return (high & 0x80) | bad;
}

/* The first byte of a character of several. What the second may be is by RFC 3629, section 4. */
static bool begin(struct body_text *t, unsigned char c)
{
	if (c < 0xc2 || c > 0xf4)
		return false;
	t->have = 1;
	t->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	t->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	t->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	return true;
}

static bool go_on(struct body_text *t, unsigned char c)
{
	if (c < t->low || c > t->high)
		return false;
	t->low = 0x80;
	t->high = 0xbf;
	t->have = --t->need ? t->have + 1 : 0;
	return true;
}

void body_text_feed(struct body_text *t, const void *data, size_t n)
{
	const unsigned char *p = data, *end = p + n;
	unsigned char is;

	while (p < end && !t->binary) {
		if (t->need) {
			t->binary = !go_on(t, *p++);
		} else if (end - p >= BLOCK && !(is = classify(p))) {
			p += BLOCK;
		} else {
			/* A block's worth one by one, so that it is not looked at over and over. */
			const unsigned char *stop = end - p > BLOCK ? p + BLOCK : end;

			for (; p < stop && !t->binary; p++) {
				if (t->need)
					t->binary = !go_on(t, *p);
				else if (*p < 0x80)
					t->binary = ascii_binary(*p);
				else
					t->binary = !begin(t, *p);
			}
		}
	}
}

bool body_text_end(const struct body_text *t, bool cut)
{
	return !t->binary && (cut || !t->need);
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Six bytes at once: eight digits from one word. */
static void encode6(char *dst, const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	for (int i = 0; i < 8; i++)
		dst[i] = digits[v >> (58 - 6 * i) & 63];
}

size_t body_base64(char *dst, const void *src, size_t n)
{
	const unsigned char *p = src;
	char *d = dst;

	/* encode6() reads eight bytes. */
	for (; n >= 8; n -= 6, p += 6, d += 8)
		encode6(d, p);
	for (; n >= 3; n -= 3, p += 3, d += 4) {
		d[0] = digits[p[0] >> 2];
		d[1] = digits[(p[0] & 3) << 4 | p[1] >> 4];
		d[2] = digits[(p[1] & 15) << 2 | p[2] >> 6];
		d[3] = digits[p[2] & 63];
	}
	if (n) {
		unsigned int second = n > 1 ? p[1] : 0;

		d[0] = digits[p[0] >> 2];
		d[1] = digits[(p[0] & 3) << 4 | second >> 4];
		d[2] = n > 1 ? digits[(second & 15) << 2] : '=';
		d[3] = '=';
		d += 4;
	}
	return d - dst;
}
