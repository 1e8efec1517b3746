// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "escape.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Length of the UTF-8 character at s (n bytes left), its code in *cp; 0 when it is not well-formed:
 * cut off, overlong, a surrogate, or above U+10FFFF (RFC 3629). */
static size_t utf8_char(const unsigned char *s, size_t n, uint32_t *cp)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c = len == 1 ? s[0] : s[0] & (0x7f >> len);

	if (!len || s[0] > 0xf4 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[len] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	*cp = c;
	return len;
}

/*
 * Characters that act on a terminal or on the order of what is read: C0, DEL, C1, line separators,
 * and the bidirectional marks, embeddings, overrides and isolates.
 */
static bool unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

#define SLOW 1

/* What stands behind the backslash; 0: the byte is itself; SLOW: it takes a closer look. */
static const unsigned char letter[256] = {
	[0 ... 7] = SLOW, ['\b'] = 'b',	 ['\t'] = 't',		 ['\n'] = 'n',
	['\v'] = SLOW,	  ['\f'] = 'f',	 ['\r'] = 'r',		 [0x0e ... 0x1f] = SLOW,
	['"'] = '"',	  ['\\'] = '\\', [0x7f ... 0xff] = SLOW,
};

/* The character at *s, before end, whose first byte is SLOW. */
static char *put_char(char *d, const unsigned char **s, const unsigned char *end)
{
	uint32_t c;
	size_t len = utf8_char(*s, end - *s, &c);

	if (!len) {
		*s += 1;
		return stpcpy(d, "\xef\xbf\xbd"); /* U+FFFD, for one byte */
	}
	if (unsafe(c)) {
		*s += len;
		*d++ = '\\';
		*d++ = 'u';
		for (int shift = 12; shift >= 0; shift -= 4)
			*d++ = "0123456789abcdef"[c >> shift & 15];
		return d;
	}
	while (len--)
		*d++ = *(*s)++;
	return d;
}

#define ONES (~0ULL / 255)

/* Is there, among eight bytes, one that is not itself? */
static bool special(uint64_t w)
{
	uint64_t quote = w ^ ONES * '"', slash = w ^ ONES * '\\';

	return (w | (w - ONES * 0x20) | (w + ONES) | (quote - ONES) | (slash - ONES)) & ONES * 0x80;
}

/* Up to n bytes from s on, before the first that is SLOW: *d is moved behind them. How many? */
static size_t put_bytes(char **d, const unsigned char *s, size_t n)
{
	char *to = *d;
	size_t i;

	/* No branch for what is escaped: every other byte may be. */
	for (i = 0; i < n && letter[s[i]] != SLOW; i++) {
		unsigned char l = letter[s[i]];

		to[0] = l ? '\\' : s[i];
		to[1] = l;
		to += 1 + (l != 0);
	}
	*d = to;
	return i;
}

#ifdef __SSE2__
/*
 * Copies what is itself or has a letter, 16 bytes at a time, and stops before what is SLOW, and
 * where less than two blocks are left, for it reads into the next one. One loop
 * for the escapes of a block: how many there are is hard to foresee, where they are is not asked.
 */
static char *put_blocks(char *d, const unsigned char **at, const unsigned char *stop)
{
	const unsigned char *s = *at;

	while (stop - s >= 32) {
		__m128i v = _mm_loadu_si128((const __m128i *)s);
		/* Below 0x20 and beyond ASCII, as signed bytes. */
		__m128i odd = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
					   _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
		__m128i quote = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
					     _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
		unsigned int hits = _mm_movemask_epi8(_mm_or_si128(odd, quote)), done = 0;

		_mm_storeu_si128((__m128i *)d, v);
		for (; hits; hits &= hits - 1) {
			unsigned int i = __builtin_ctz(hits);

			d += i - done;
			if (letter[s[i]] == SLOW) {
				*at = s + i;
				return d;
			}
			d[0] = '\\';
			d[1] = letter[s[i]];
			d += 2;
			done = i + 1;
			/* The rest of the block, and more, which will be written over. */
			_mm_storeu_si128((__m128i *)d,
					 _mm_loadu_si128((const __m128i *)(s + done)));
		}
		d += 16 - done;
		s += 16;
	}
	*at = s;
	return d;
}
#else
static char *put_blocks(char *d, const unsigned char **at, const unsigned char *stop)
{
	return d;
}
#endif

char *json_escape(char *d, const unsigned char **at, const unsigned char *stop,
		  const unsigned char *end)
{
	const unsigned char *s = *at;

	while (s < stop) {
		size_t left;
		uint64_t w;

		d = put_blocks(d, &s, stop);
		left = stop - s;
		if (left >= sizeof(w)) {
			memcpy(&w, s, sizeof(w));
			memcpy(d, &w, sizeof(w));
			if (!special(w)) {
				s += sizeof(w);
				d += sizeof(w);
				continue;
			}
			left = sizeof(w);
		}
		s += put_bytes(&d, s, left);
		while (s < stop && letter[*s] == SLOW)
			d = put_char(d, &s, end);
	}
	*at = s;
	return d;
}

size_t text_escape(char *dst, size_t dsize, const void *str, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = str;
	size_t out = 0, in, len;
	char piece[4 * 4];
	uint32_t c;

	if (!dsize)
		return 0;
	for (size_t i = 0; i < n; i += in) {
		/* Most of it, as a rule. */
		while (i < n && s[i] >= ' ' && s[i] < 0x7f && s[i] != '\\' && out + 1 < dsize)
			dst[out++] = s[i++];
		if (i == n)
			break;
		in = utf8_char(s + i, n - i, &c);
		if (in && !unsafe(c) && c != '\\') {
			memcpy(piece, s + i, in);
			len = in;
		} else if (in == 1 && c == '\\') {
			memcpy(piece, "\\\\", 2);
			len = 2;
		} else {
			in = in ?: 1;
			for (len = 0; len < 4 * in; len += 4) {
				unsigned char b = s[i + len / 4];

				memcpy(piece + len, (char[]){'\\', 'x', hex[b >> 4], hex[b & 15]},
				       4);
			}
		}
		if (len >= dsize - out)
			break;
		memcpy(dst + out, piece, len);
		out += len;
	}
	dst[out] = '\0';
	return out;
}
