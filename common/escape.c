// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "escape.h"

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

static char *put_escape(char *d, uint32_t c)
{
	static const char letter[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
				      ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};

	*d++ = '\\';
	if (c < sizeof(letter) && letter[c]) {
		*d++ = letter[c];
		return d;
	}
	*d++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*d++ = "0123456789abcdef"[c >> shift & 15];
	return d;
}

#define ONES (~0ULL / 255)

/*
 * Has the top bit set in each of eight bytes that cannot be copied as it is: C0, '"', '\\', DEL and
 * what is not ASCII. The lowest that is set is right; above it there may be too many.
 */
static uint64_t special(uint64_t w)
{
	uint64_t quote = w ^ ONES * '"', slash = w ^ ONES * '\\';

	return (w | (w - ONES * 0x20) | (w + ONES) | (quote - ONES) | (slash - ONES)) & ONES * 0x80;
}

/* Copies bytes from s on that are plain, at most n, to d, where there is room for n. How many? */
static size_t put_plain(char *d, const unsigned char *s, size_t n)
{
	size_t i = 0;
	uint64_t w, odd;

	for (; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s + i, sizeof(w));
		memcpy(d + i, &w, sizeof(w));
		odd = special(le64toh(w));
		if (odd)
			return i + __builtin_ctzll(odd) / 8;
	}
	/* The last few once more with some before them, which are known to be plain. */
	if (i && i < n) {
		memcpy(&w, s + n - sizeof(w), sizeof(w));
		memcpy(d + n - sizeof(w), &w, sizeof(w));
		odd = special(le64toh(w));
		return odd ? n - sizeof(w) + __builtin_ctzll(odd) / 8 : n;
	}
	for (; i < n && s[i] >= 0x20 && s[i] < 0x7f && s[i] != '"' && s[i] != '\\'; i++)
		d[i] = s[i];
	return i;
}

/* The character at *s, before end, that is not plain. */
static char *put_char(char *d, const unsigned char **s, const unsigned char *end)
{
	uint32_t c;
	size_t len;

	if (**s < 0x80)
		return put_escape(d, *(*s)++);
	len = utf8_char(*s, end - *s, &c);
	if (!len) {
		*s += 1;
		return stpcpy(d, "\xef\xbf\xbd"); /* U+FFFD, for one byte */
	}
	if (unsafe(c)) {
		*s += len;
		return put_escape(d, c);
	}
	while (len--)
		*d++ = *(*s)++;
	return d;
}

char *json_escape(char *d, const unsigned char **at, const unsigned char *stop,
		  const unsigned char *end)
{
	const unsigned char *s = *at;

	while (s < stop) {
		size_t len = put_plain(d, s, stop - s);

		d += len;
		s += len;
		if (s < stop)
			d = put_char(d, &s, end);
		while (s < stop && *s >= 0x80)
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
