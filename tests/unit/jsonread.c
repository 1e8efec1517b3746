// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include "json.h"
#include "jsonread.h"
#include "log.h"
#include "unit/t.h"

static struct jsonread r;

static int readn(const char *text, size_t len)
{
	jsonread_free(&r);
	return jsonread(&r, text, len);
}

/* The outermost value, or what is wrong with the text. */
static const struct jval *val(const char *text)
{
	int err = readn(text, strlen(text));

	T_STR(err ? fail_text(err) : "", "");
	return err ? NULL : r.vals;
}

static double num(const char *text)
{
	const struct jval *v = val(text);

	return v && v->kind == JVAL_NUM ? v->num : NAN;
}

static const char *str(const char *text)
{
	return jval_str(val(text));
}

static const char *why(const char *text)
{
	T_EQ(readn(text, strlen(text)), -EINVAL);
	return fail_text(-EINVAL);
}

static void test_values(void)
{
	const struct jval *v;

	T_EQ(val(" null\n")->kind, JVAL_NULL);
	v = val("true");
	T_OK(v->kind == JVAL_BOOL && v->b);
	v = val("\t\r false ");
	T_OK(v->kind == JVAL_BOOL && !v->b);
	T_EQ(val("[]")->kind, JVAL_ARRAY);
	T_EQ(val(" { } ")->kind, JVAL_OBJECT);
	T_OK(!jval_first(&r, r.vals));
	T_OK(!jval_get(&r, r.vals, ""));
	v = val("{\"a\":1,\"b\": [2 , {\"c\":null}] ,\"a\":3}");
	T_EQ(jval_get(&r, v, "a")->u, 1);
	v = jval_first(&r, jval_get(&r, v, "b"));
	T_EQ(v->u, 2);
	v = jval_next(&r, v);
	T_EQ(jval_get(&r, v, "c")->kind, JVAL_NULL);
	T_OK(!jval_get(&r, v, "d") && !jval_get(&r, jval_get(&r, v, "d"), "e"));
	T_OK(!jval_get(&r, jval_get(&r, v, "c"), "c"));
	T_OK(!jval_next(&r, v));
	T_OK(!jval_first(&r, NULL) && !jval_str(NULL) && !jval_str(v));
}

static void test_many(void)
{
	char text[20001] = "[";
	uint64_t sum = 0;

	for (int i = 0; i < 10000 - 1; i++)
		memcpy(text + 1 + 2 * i, i < 9998 ? "1," : "1]", 3);
	for (const struct jval *v = jval_first(&r, val(text)); v; v = jval_next(&r, v))
		sum += v->u;
	T_EQ(sum, 9999);
	/* Side by side is not within. */
	for (int i = 0; i < 200; i++)
		memcpy(text + 1 + 3 * i, i < 199 ? "[]," : "{}]", 4);
	T_EQ(r.n, 10000);
	val(text);
	T_EQ(r.n, 201);
}

static void test_numbers(void)
{
	T_OK(num("0") == 0 && r.vals->whole && !r.vals->u);
	T_OK(num("1844674407370955160") == 1844674407370955160.0 && r.vals->whole);
	T_OK(r.vals->u == 1844674407370955160ULL);
	T_OK(num("-7") == -7 && !r.vals->whole);
	T_OK(num("1.5") == 1.5 && !r.vals->whole);
	T_OK(num("1e3") == 1000 && !r.vals->whole);
	T_OK(num("2.50E+1") == 25 && num("25e-1") == 2.5);
	T_OK(num("1234567.890625") == 1234567.890625);
	T_OK(fabs(num("0.000001") / 1e-6 - 1) < 1e-15);
	T_OK(fabs(num("0.1") / 0.1 - 1) < 1e-15);
	T_OK(fabs(num("1.7976931348623157e308") / 1.7976931348623157e308 - 1) < 1e-15);
	T_OK(fabs(num("123456789012345678901234567890.5") / 123456789012345678901234567890.5 - 1) <
	     1e-15);
	T_OK(!r.vals->whole);
	T_OK(isinf(num("1e999999999999999999999")) && num("1e-99999999999999") == 0);
	T_OK(num("0e99999999") == 0);
}

static void test_strings(void)
{
	T_STR(str("\"\""), "");
	T_STR(str("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\""), "a\"\\/\b\f\n\r\tz");
	T_STR(str("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00!\""),
	      "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!");
	T_STR(str("\"\\uFFFF\\u07ff\\u0800\\udbff\\udfff\""),
	      "\xef\xbf\xbf\xdf\xbf\xe0\xa0\x80\xf4\x8f\xbf\xbf");
	T_STR(str("\"\xff\x7f\""), "\xff\x7f");
	T_STR(val("{\"k\\n\":1}") ? r.vals[1].key : NULL, "k\n");
}

static void test_mistakes(void)
{
	char deep[2 * JSONREAD_DEPTH + 3];

	T_STR(why(""), "line 1, column 1: it ends in the middle");
	T_STR(why("{\"a\":"), "line 1, column 6: it ends in the middle");
	T_STR(why("\"abc"), "line 1, column 5: it ends in the middle");
	T_STR(why("[1,\n 2"), "line 2, column 3: it ends in the middle");
	T_STR(why("{}\n{}"), "line 2, column 1: something follows the value");
	T_STR(why("[1 2]"), "line 1, column 4: a comma or a closing bracket is expected");
	T_STR(why("[1}"), "line 1, column 3: a comma or a closing bracket is expected");
	T_STR(why("[1,]"), "line 1, column 4: a value is expected");
	T_STR(why("{\"a\":1,}"), "line 1, column 8: a string is expected");
	T_STR(why("{\"a\" 1}"), "line 1, column 6: a colon is expected");
	T_STR(why("{1:1}"), "line 1, column 2: a string is expected");
	T_STR(why("nul "), "line 1, column 1: a value is expected");
	T_STR(why("truth"), "line 1, column 1: a value is expected");
	T_STR(why("01"), "line 1, column 1: a number that begins with 0");
	T_STR(why("+1"), "line 1, column 1: a value is expected");
	T_STR(why("- 1"), "line 1, column 2: a value is expected");
	T_STR(why("1. "), "line 1, column 3: a digit is expected");
	T_STR(why(".5"), "line 1, column 1: a value is expected");
	T_STR(why("1e+ "), "line 1, column 4: a digit is expected");
	T_STR(why("NaN"), "line 1, column 1: a value is expected");
	T_STR(why("\"\n\""), "line 1, column 2: a control character in a string");
	T_STR(why("\"\\x41\""), "line 1, column 3: no such escape");
	T_STR(why("\"\\u12g4\""), "line 1, column 3: \\u needs four digits");
	T_STR(why("\"\\u12"), "line 1, column 3: \\u needs four digits");
	T_STR(why("\"\\u0000\""), "line 1, column 3: a NUL in a string");
	T_STR(why("\"\\ud83d\""), "line 1, column 8: half of a surrogate pair");
	T_STR(why("\"\\ud83d\\u0041\""), "line 1, column 8: half of a surrogate pair");
	T_STR(why("\"\\ude00\""), "line 1, column 8: half of a surrogate pair");
	T_EQ(readn("[\0]", 3), -EINVAL);
	T_EQ(readn("1\0", 2), -EINVAL);
	memset(deep, '[', JSONREAD_DEPTH + 1);
	memset(deep + JSONREAD_DEPTH + 1, ']', JSONREAD_DEPTH + 1);
	T_EQ(readn(deep, 2 * JSONREAD_DEPTH + 2), -EINVAL);
	T_STR(fail_text(-EINVAL), "line 1, column 66: too many brackets within brackets");
	T_EQ(readn(deep + 1, 2 * JSONREAD_DEPTH), 0);
}

/* What json.c wrote is read back. */
static void test_written(void)
{
	struct json j;

	json_init(&j);
	json_open(&j, NULL, '{');
	json_strn(&j, "s\"", "\x1b\xff\xe2\x80\xae\\", 6);
	json_f64(&j, "f", 12345.678901);
	json_f64(&j, "nan", NAN);
	json_close(&j, '}');
	T_EQ(readn(json_text(&j), j.len), 0);
	T_STR(jval_str(jval_get(&r, r.vals, "s\"")), "\x1b\xef\xbf\xbd\xe2\x80\xae\\");
	T_OK(fabs(jval_get(&r, r.vals, "f")->num - 12345.678901) < 1e-9);
	T_EQ(jval_get(&r, r.vals, "nan")->kind, JVAL_NULL);
	json_free(&j);
}

int main(void)
{
	test_values();
	test_many();
	/* A decimal comma, where there is such a locale, changes nothing. */
	setlocale(LC_ALL, "de_DE.UTF-8");
	test_numbers();
	test_strings();
	test_mistakes();
	test_written();
	jsonread_free(&r);
	jsonread_free(&r);
	return t_done();
}
