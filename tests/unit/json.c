// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include "json.h"
#include "unit/t.h"

static struct json j;

static const char *str(const char *s, size_t n)
{
	json_reset(&j);
	json_strn(&j, NULL, s, n);
	return json_text(&j);
}

static const char *f64(double v)
{
	json_reset(&j);
	json_f64(&j, NULL, v);
	return json_text(&j);
}

static const char *u64(uint64_t v)
{
	json_reset(&j);
	json_u64(&j, NULL, v);
	return json_text(&j);
}

static void test_structure(void)
{
	json_reset(&j);
	T_STR(json_text(&j), "");
	json_open(&j, NULL, '{');
	json_open(&j, "a", '[');
	json_close(&j, ']');
	json_open(&j, "b", '{');
	json_close(&j, '}');
	json_open(&j, "c", '[');
	json_u64(&j, NULL, UINT64_MAX);
	json_i64(&j, NULL, INT64_MIN);
	json_bool(&j, NULL, true);
	json_null(&j, NULL);
	json_open(&j, NULL, '{');
	json_bool(&j, "x\"\n", false);
	json_close(&j, '}');
	json_f64(&j, NULL, -1.5);
	json_close(&j, ']');
	json_str(&j, "s", "t");
	json_str(&j, "n", NULL);
	json_strn(&j, "e", "", 0);
	json_close(&j, '}');
	T_EQ(j.err, 0);
	T_STR(json_text(&j),
	      "{\"a\":[],\"b\":{},\"c\":[18446744073709551615,-9223372036854775808,true,"
	      "null,{\"x\\\"\\n\":false},-1.5],\"s\":\"t\",\"n\":null,\"e\":\"\"}");
	T_EQ(j.len, strlen(json_text(&j)));
}

static void test_strings(void)
{
	T_STR(str("a\"\\/\b\t\n\f\r", 9), "\"a\\\"\\\\/\\b\\t\\n\\f\\r\"");
	T_STR(str("\0\x1f\x7f", 3), "\"\\u0000\\u001f\\u007f\"");
	T_STR(str("\xc2\x9b", 2), "\"\\u009b\""); /* C1: CSI */
	T_STR(str("\xe2\x80\xae", 3), "\"\\u202e\""); /* right-to-left override */
	T_STR(str("\xe2\x81\xa6\xd8\x9c", 5), "\"\\u2066\\u061c\""); /* isolate, Arabic mark */
	T_STR(str("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 12),
	      "\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
	T_STR(str("\xf4\x8f\xbf\xbf\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80", 13),
	      "\"\xf4\x8f\xbf\xbf\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80\"");
}

#define U "\xef\xbf\xbd"
static void test_bad_utf8(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"\xff", "\"" U "\""}, /* never in UTF-8 */
		{"a\x80z", "\"a" U "z\""}, /* continuation alone */
		{"\xc0\xaf", "\"" U U "\""}, /* overlong '/' */
		{"\xc1\xbf", "\"" U U "\""}, /* overlong */
		{"\xe0\x9f\xbf", "\"" U U U "\""}, /* overlong */
		{"\xf0\x8f\xbf\xbf", "\"" U U U U "\""}, /* overlong */
		{"\xed\xa0\x80", "\"" U U U "\""}, /* surrogate */
		{"\xf4\x90\x80\x80", "\"" U U U U "\""}, /* above U+10FFFF */
		{"\xf5\x80\x80\x80", "\"" U U U U "\""},
		{"\xc3(", "\"" U "(\""}, /* cut by another character */
		{"\xe2\x82", "\"" U U "\""}, /* cut by the end */
		{"\xc3", "\"" U "\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		T_STR(str(cases[i].in, strlen(cases[i].in)), cases[i].out);
	/* The bytes beyond n must not complete a character. */
	T_STR(str("\xc3\xa9", 1), "\"" U "\"");
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

static void test_raw(void)
{
	json_reset(&j);
	json_raw(&j, "a=", 2);
	json_raw(&j, "", 0);
	json_strn(&j, NULL, "b c", 3);
	json_raw(&j, "\n\0", 2);
	T_EQ(j.len, 9);
	T_OK(!memcmp(j.buf, "a=\"b c\"\n", 9));
}

static void test_numbers(void)
{
	char text[TEXT_F64_SIZE];

	T_STR(u64(0), "0");
	T_STR(u64(9), "9");
	T_STR(u64(10), "10");
	T_STR(u64(12345678901234567890U), "12345678901234567890");
	T_STR(f64(0), "0");
	T_STR(f64(-0.0), "0");
	T_STR(f64(-1e-9), "0");
	T_STR(f64(0.1), "0.1");
	T_STR(f64(-2.50), "-2.5");
	T_STR(f64(100), "100");
	T_STR(f64(1.0 / 3), "0.333333");
	T_STR(f64(0.9999996), "1");
	T_STR(f64(1e22), "10000000000000000000000");
	T_STR(f64(NAN), "null");
	T_STR(f64(INFINITY), "null");
	T_STR(f64(-INFINITY), "null");
	T_EQ(strlen(f64(-1.7976931348623157e308)), 310);
	T_STR(text_f64(text, 2.345, 1), "2.3");
	T_STR(text_f64(text, 7, 0), "7");
	T_EQ(strlen(text_f64(text, -1.7976931348623157e308, 6)), 317);
}

/* A decimal comma, in a locale that is compiled here where there is localedef. */
static void test_locale(void)
{
	char dir[] = "/tmp/json.XXXXXX", cmd[256];

	if (!mkdtemp(dir))
		return;
	snprintf(cmd, sizeof(cmd), "localedef -i de_DE -f UTF-8 %s/comma >/dev/null 2>&1", dir);
	if (system(cmd) == 0 && !setenv("LOCPATH", dir, 1) && setlocale(LC_NUMERIC, "comma")) {
		char text[8];

		snprintf(text, sizeof(text), "%.1f", 1.5);
		T_STR(text, "1,5");
		T_STR(f64(1.5), "1.5");
		setlocale(LC_NUMERIC, "C");
	} else {
		printf("no locale with a decimal comma: not checked\n");
	}
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	T_EQ(system(cmd), 0);
}

static void test_growth(void)
{
	size_t want = 1;

	json_reset(&j);
	json_open(&j, NULL, '[');
	for (int i = 0; i < 100000; i++)
		json_u64(&j, NULL, i % 10);
	json_close(&j, ']');
	want += 100000 + 99999 + 1;
	T_EQ(j.len, want);
	T_EQ(strlen(json_text(&j)), want);
	/* No memory: nothing more is written, and what is handed out is still JSON. */
	j.err = -12;
	json_u64(&j, NULL, 1);
	T_EQ(j.len, want);
	T_STR(json_text(&j), "null");
	json_reset(&j);
	T_EQ(j.err, 0);
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
	test_structure();
	test_strings();
	test_bad_utf8();
	test_runs();
	test_long();
	test_raw();
	test_numbers();
	test_locale();
	test_growth();
	test_text();
	json_free(&j);
	return t_done();
}
