// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* json_escape() by the strings of json.c; what those must be is in json.c's test. */
#include <stdlib.h>
#include "escape.h"
#include "json.h"
#include "unit/t.h"

static struct json j;

static const char *str(const char *s, size_t n)
{
	json_reset(&j);
	json_strn(&j, NULL, s, n);
	return json_text(&j);
}

/* What a byte alone becomes, without the quotes; alone, none is looked at in company. */
static const char *piece(unsigned char b)
{
	static char p[256][8];

	if (!p[b][0])
		snprintf(p[b], sizeof(p[b]), "%.*s", (int)j.len - 2, str((char *)&b, 1) + 1);
	return p[b];
}

/* Strings are read eight bytes at a time: each pair of bytes, at each place. */
static void test_runs(void)
{
	char in[16], want[64];
	int wrong = 0;

	T_STR(piece('\x7f'), "\\u007f");
	T_STR(piece('\x0b'), "\\u000b");
	T_STR(piece('\b'), "\\b");
	T_STR(piece('~'), "~");
	T_STR(piece(' '), " ");
	memset(in, 'x', sizeof(in));
	for (int pair = 0; pair < 129 * 129; pair++) {
		/* Of what is not ASCII one byte that is never in UTF-8. */
		unsigned char a = pair / 129 < 128 ? pair / 129 : 0xff;
		unsigned char b = pair % 129 < 128 ? pair % 129 : 0xff;

		for (int at = 0; at < 9; at++) {
			in[at] = a;
			in[at + 1] = b;
			piece(a);
			piece(b);
			snprintf(want, sizeof(want), "\"%.*s%s%s%.*s\"", at, "xxxxxxxxxxxxxxxx",
				 piece(a), piece(b), 14 - at, "xxxxxxxxxxxxxxxx");
			if (strlen(str(in, 16)) != j.len || strcmp(j.buf, want))
				wrong++;
			in[at] = in[at + 1] = 'x';
		}
	}
	T_EQ(wrong, 0);
}

/* Room is made in pieces: characters across their ends, and the longest escapes throughout. */
static void test_long(void)
{
	enum { LONG = 5 * 4096 + 1 };
	char *s = malloc(LONG);

	for (int off = 0; off < 4; off++) {
		int bad = 0;

		memset(s, 'y', off);
		for (int i = off; i < LONG; i++)
			s[i] = "\xf0\x9f\x98\x80"[(i - off) % 4];
		str(s, LONG - (LONG - off) % 4);
		T_EQ(j.len, LONG - (LONG - off) % 4 + 2);
		T_OK(!memcmp(j.buf + 1, s, j.len - 2));
		memset(s, 1, LONG);
		str(s, LONG);
		T_EQ(j.len, 6 * LONG + 2);
		for (int i = 0; i < LONG; i++)
			bad += memcmp(j.buf + 1 + 6 * i, "\\u0001", 6) != 0;
		T_EQ(bad, 0);
	}
	free(s);
}

/* No byte behind stop is looked at but to end a character, and none behind end. */
static void test_ends(void)
{
	const unsigned char s[] = "abcdefg\xc3\xa9\xe2\x82\xac", *at;
	char d[6 * sizeof(s)];

	at = s;
	T_EQ(json_escape(d, &at, s + 3, s + 12) - d, 3);
	T_EQ(at - s, 3);
	T_EQ(json_escape(d, &at, s + 8, s + 12) - d, 6);
	T_EQ(at - s, 9);
	T_OK(!memcmp(d, "defg\xc3\xa9", 6));
	T_EQ(json_escape(d, &at, s + 10, s + 11) - d, 3);
	T_EQ(at - s, 10);
	T_OK(!memcmp(d, "\xef\xbf\xbd", 3));
	at = s;
	T_EQ(json_escape(d, &at, s, s) - d, 0);
}

/* All of a text is what its characters are one by one; and nothing beyond it is read. */
static void test_mixed(void)
{
	static const char *const words[] = {
		"plain text", "\"",	     "\\",   "\n", "\"\"\"",	   "\x01",
		"\x7f",	      "caf\xc3\xa9", "\xff", "a",  "\xe2\x80\xae",
	};
	unsigned int seed = 1;

	for (int round = 0; round < 3000; round++) {
		size_t n = 0, size = rand_r(&seed) % 150, odd = rand_r(&seed) % 11 + 1;
		unsigned char *s = malloc(size ?: 1);
		const unsigned char *at = s, *one = s;
		char d[JSON_ESCAPE_MAX * 150], want[sizeof(d)], *end = d, *w = want;

		while (n < size) {
			const char *word = words[rand_r(&seed) % odd];
			size_t len = strlen(word) < size - n ? strlen(word) : size - n;

			memcpy(s + n, word, len);
			n += len;
		}
		while (one < s + size)
			w = json_escape(w, &one, one + 1, s + size);
		end = json_escape(end, &at, s + size, s + size);
		T_OK(at == s + size);
		T_OK(end - d == w - want && !memcmp(d, want, end - d));
		free(s);
	}
}

static const char *esc(const char *s, size_t n, size_t dsize)
{
	static char dst[256];
	size_t len;

	memset(dst, 'Z', sizeof(dst));
	len = text_escape(dst, dsize, s, n);
	T_EQ(len, strlen(dst));
	T_OK(len < dsize);
	return dst;
}

static void test_text(void)
{
	char one = 'Z';

	T_STR(esc("plain h\xc3\xa9", 9, 256), "plain h\xc3\xa9");
	T_STR(esc("a\\b\0\n\x1b[\x7f", 8, 256), "a\\\\b\\x00\\x0a\\x1b[\\x7f");
	T_STR(esc("\xc2\x9b"
		  "31m",
		  5, 256),
	      "\\xc2\\x9b31m");
	T_STR(esc("\xe2\x80\xae", 3, 256), "\\xe2\\x80\\xae");
	T_STR(esc("\xff\xed\xa0\x80", 4, 256), "\\xff\\xed\\xa0\\x80");
	/* Cut at a whole character, the escape of one included. */
	T_STR(esc("ab\xe2\x82\xac", 5, 5), "ab");
	T_STR(esc("ab\xe2\x82\xac", 5, 6), "ab\xe2\x82\xac");
	T_STR(esc("a\n", 2, 5), "a");
	T_STR(esc("a\n", 2, 6), "a\\x0a");
	T_STR(esc("a\xe2\x80\xae", 4, 13), "a");
	T_STR(esc("\\", 1, 2), "");
	T_STR(esc("x", 1, 1), "");
	T_EQ(text_escape(&one, 0, "x", 1), 0);
	T_EQ(one, 'Z');
}

int main(void)
{
	json_init(&j);
	test_runs();
	test_long();
	test_mixed();
	test_ends();
	test_text();
	json_free(&j);
	return t_done();
}
