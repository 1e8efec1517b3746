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

/* As json_strn() has it, whatever the length. */
static void test_quoted(void)
{
	static const char odd[] = "\"\\\n\xff\x01\xc3";
	static char big[10000];
	const size_t sizes[] = {0, 1, 7, 8, 31, 33, 4095, 4096, 4097, sizeof(big)};
	struct json a, b;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = i % 37 ? (char)('a' + i % 26) : odd[i % 6];
	json_init(&a);
	json_init(&b);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		json_quoted(&a, "{x:", 3, big, sizes[i], "}}", 2);
		json_raw(&b, "{x:", 3);
		b.comma = false;
		json_strn(&b, NULL, big, sizes[i]);
		json_raw(&b, "}}", 2);
		T_STR(json_text(&a), json_text(&b));
	}
	json_quoted(&a, "", 0, NULL, 0, "", 0);
	json_raw(&b, "\"\"", 2);
	T_STR(json_text(&a), json_text(&b));
	json_free(&a);
	json_free(&b);
}

int main(void)
{
	json_init(&j);
	test_structure();
	test_strings();
	test_bad_utf8();
	test_raw();
	test_numbers();
	test_locale();
	test_growth();
	json_free(&j);
	test_quoted();
	return t_done();
}
