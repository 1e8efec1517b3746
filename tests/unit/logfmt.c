// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include "logfmt.h"
#include "unit/t.h"

static struct json j;

static const char *value(const char *s, size_t n)
{
	json_reset(&j);
	logfmt_strn(&j, "k", s, n);
	return json_text(&j) + 2;
}

static void test_line(void)
{
	json_reset(&j);
	logfmt_word(&j, "ts", "2026-01-02T03:04:05.006Z", 24);
	logfmt_u64(&j, "pid", 42);
	logfmt_str(&j, "comm", "a b");
	logfmt_quoted(&j, "body", "7", 1);
	logfmt_str(&j, "url", "/x");
	logfmt_end(&j);
	T_EQ(j.err, 0);
	T_STR(json_text(&j), "ts=2026-01-02T03:04:05.006Z pid=42 comm=\"a b\" body=\"7\" url=/x\n");
	/* Each line begins anew. */
	json_reset(&j);
	logfmt_u64(&j, "n", 0);
	T_STR(json_text(&j), "n=0");
}

static void test_values(void)
{
	T_STR(value("/a/b?x&y#z", 10), "/a/b?x&y#z");
	T_STR(value("[2001:db8::1]:80", 16), "[2001:db8::1]:80");
	T_STR(value("", 0), "\"\"");
	T_STR(value("a=b", 3), "\"a=b\"");
	T_STR(value("a'b", 3), "\"a'b\"");
	T_STR(value("a`b", 3), "\"a`b\"");
	T_STR(value("a\"b", 3), "\"a\\\"b\"");
	T_STR(value("a\\b", 3), "\"a\\\\b\"");
	T_STR(value("a\0b\r\n\t", 6), "\"a\\u0000b\\r\\n\\t\"");
	T_STR(value("\x1b[31m", 5), "\"\\u001b[31m\"");
	T_STR(value("h\xc3\xa9", 3), "\"h\xc3\xa9\"");
	T_STR(value("\xff", 1), "\"\xef\xbf\xbd\"");
	T_STR(value("\xe2\x80\xa8", 3), "\"\\u2028\"");
}

/* Every byte: bare where no reader can trip over it, else quoted; the rest of the line is whole. */
static void test_bytes(void)
{
	for (int c = 0; c < 256; c++) {
		char in[3] = {'a', c, 'z'};
		bool bare = c > ' ' && c < 0x7f && !strchr("=\"'`\\", c);
		const char *got = value(in, 3);

		T_EQ(got[0] != '"', bare);
		if (bare)
			T_OK(!memcmp(got, in, 3) && !got[3]);
		for (const char *p = got; *p; p++)
			T_OK((unsigned char)*p >= ' ' && *p != 0x7f);
	}
}

static void test_memory(void)
{
	json_reset(&j);
	j.err = -12;
	logfmt_str(&j, "k", "v");
	logfmt_end(&j);
	T_EQ(j.len, 0);
}

int main(void)
{
	json_init(&j);
	test_line();
	test_values();
	test_bytes();
	test_memory();
	json_free(&j);
	return t_done();
}
