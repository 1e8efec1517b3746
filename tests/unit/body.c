// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include "body.h"
#include "unit/t.h"

/*
 * What the bytes are, whole and split at each point: -1 binary, else what a cut end leaves out.
 */
static int kind(const void *data, size_t n)
{
	struct body_text whole = {}, split;

	body_text_feed(&whole, data, n);
	for (size_t i = 0; i <= n; i++) {
		split = (struct body_text){};
		body_text_feed(&split, data, i);
		body_text_feed(&split, (const char *)data + i, n - i);
		T_OK(split.binary == whole.binary);
		T_OK(split.binary || (split.have == whole.have && split.need == whole.need));
	}
	T_EQ(body_text_end(&whole, false), !whole.binary && !whole.have);
	T_EQ(body_text_end(&whole, true), !whole.binary);
	return whole.binary ? -1 : whole.have;
}

static void test_ascii(void)
{
	char buf[300];

	T_EQ(kind("", 0), 0);
	for (int c = 0; c < 0x80; c++) {
		int want = (c >= 0x20 && c < 0x7f) || (c && strchr("\b\t\n\f\r\033", c)) ? 0 : -1;

		/* Alone, and anywhere in a block. */
		T_EQ(kind(&(char){c}, 1), want);
		for (size_t at = 0; at < 200; at += 33) {
			memset(buf, 'a', sizeof(buf));
			buf[at] = c;
			T_EQ(kind(buf, 200), want);
		}
	}
}

/* All characters of one to four bytes, against the definition of UTF-8, and their cut forms. */
static void test_utf8(void)
{
	unsigned int bad = 0;

	for (uint32_t c = 0x80; c < 0x110000; c++) {
		unsigned char s[4];
		size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		struct body_text t = {};
		bool surrogate = c >= 0xd800 && c < 0xe000;

		for (size_t i = n; i-- > 1;)
			s[i] = 0x80 | (c >> 6 * (n - 1 - i) & 0x3f);
		s[0] = (0xf00 >> n & 0xff) | c >> 6 * (n - 1);
		body_text_feed(&t, s, n - 1);
		bad += t.binary != surrogate || (!surrogate && (t.have != n - 1 || t.need != 1));
		body_text_feed(&t, s + n - 1, 1);
		bad += t.binary != surrogate || (!surrogate && (t.have || t.need));
	}
	T_EQ(bad, 0);
}

static void test_not_utf8(void)
{
	static const char *const wrong[] = {"\x80",
					    "\xbf",
					    "\xc0\x80",
					    "\xc1\xbf",
					    "\xe0\x9f\xbf",
					    "\xe0\x80",
					    "\xed\xa0\x80",
					    "\xf0\x8f\xbf\xbf",
					    "\xf4\x90\x80\x80",
					    "\xf5\x80",
					    "\xff",
					    "\xfe",
					    "a\xc3(",
					    "\xe2\x82(",
					    "\xe2(",
					    "\xf0\x9f\x98\xe2",
					    "\xc3\xc3",
					    "\xc3\n"};
	char buf[200];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		size_t n = strlen(wrong[i]);

		T_EQ(kind(wrong[i], n), -1);
		for (size_t at = 50; at < 80; at++) {
			memset(buf, ' ', sizeof(buf));
			memcpy(buf + at, wrong[i], n);
			T_EQ(kind(buf, sizeof(buf)), -1);
		}
	}
	T_EQ(kind("\xc3", 1), 1);
	T_EQ(kind("a\xe2\x82", 3), 2);
	T_EQ(kind("\xf0\x9f\x98", 3), 3);
	T_EQ(kind("\xf0\x9f\x98\x80", 4), 0);
	T_EQ(kind("\xc2\x85\xe2\x80\xa8", 5), 0); /* escaped where it is written */
	/* Once binary, always binary. */
	T_EQ(kind("\0text", 5), -1);
	for (size_t at = 40; at < 80; at++) {
		memset(buf, 'x', sizeof(buf));
		memcpy(buf + at, "\xe2\x82\xac", 3);
		T_EQ(kind(buf, 200), 0);
		T_EQ(kind(buf, at + 2), 2);
	}
}

static void test_base64(void)
{
	/* RFC 4648, section 10, and the last digits. */
	static const char *const c[][2] = {{"", ""},
					   {"f", "Zg=="},
					   {"fo", "Zm8="},
					   {"foo", "Zm9v"},
					   {"foob", "Zm9vYg=="},
					   {"fooba", "Zm9vYmE="},
					   {"foobar", "Zm9vYmFy"},
					   {"\xff\xff\xfe", "///+"},
					   {"foobarfoobarfoo", "Zm9vYmFyZm9vYmFyZm9v"}};
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char src[200];
	char dst[300];

	for (size_t i = 0; i < sizeof(c) / sizeof(*c); i++) {
		size_t n = body_base64(dst, c[i][0], strlen(c[i][0]));

		T_EQ(n, BODY_BASE64_SIZE(strlen(c[i][0])));
		dst[n] = '\0';
		T_STR(dst, c[i][1]);
	}
	/* Each length, undone bit by bit. The buffers end where the bytes do. */
	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = i * i * 7 + i / 3;
	for (size_t len = 0; len < sizeof(src); len++) {
		unsigned char *in = malloc(len + !len);
		char *out = malloc(BODY_BASE64_SIZE(len) + 1);
		unsigned int bad = 0;
		size_t n;

		memcpy(in, src, len);
		n = body_base64(out, in, len);
		bad += n != (len + 2) / 3 * 4;
		for (size_t bit = 0; bit < 8 * len; bit++) {
			const char *d = strchr(digits, out[bit / 6]);

			bad += !d || (int)((d - digits) >> (5 - bit % 6) & 1) !=
					     (in[bit / 8] >> (7 - bit % 8) & 1);
		}
		for (size_t i = (8 * len + 5) / 6; i < n; i++)
			bad += out[i] != '=';
		T_EQ(bad, 0);
		free(in);
		free(out);
	}
}

int main(void)
{
	test_ascii();
	test_utf8();
	test_not_utf8();
	test_base64();
	return t_done();
}
