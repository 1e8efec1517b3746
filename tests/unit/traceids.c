// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Examples of W3C Trace Context (level 1: 2.2, 3.2; its test suite's odd ones) and of Zipkin's B3;
 * SipHash's published test vectors.
 */
#include "traceids.h"
#include <errno.h>
#include <stdlib.h>
#include "unit/t.h"

#define T "4bf92f3577b34da6a3ce929d0e0e4736"
#define S "00f067aa0ba902b7"
#define P "05e3ac9a4f6e3b90"

static uint8_t trace[16], span[8], flags;
static char text[33];

/* A copy of the very size, so that a byte beside it is seen. */
static int call(int (*fn)(const char *, size_t, uint8_t *, uint8_t *, uint8_t *), const char *v)
{
	size_t n = strlen(v);
	char *copy = malloc(n + !n);
	int err;

	memcpy(copy, v, n);
	memset(trace, 0xaa, sizeof(trace));
	memset(span, 0xaa, sizeof(span));
	flags = 0xaa;
	err = fn(copy, n, trace, span, &flags);
	free(copy);
	return err;
}

static void untouched(void)
{
	uint8_t aa[16];

	memset(aa, 0xaa, sizeof(aa));
	T_OK(!memcmp(trace, aa, 16) && !memcmp(span, aa, 8) && flags == 0xaa);
}

static void traceparent(void)
{
	static const struct {
		const char *v;
		int flags;
	} good[] = {
		{"00-" T "-" S "-01", 1},
		{"00-" T "-" S "-00", 0},
		{"00-" T "-" S "-ff", 255},
		{"01-" T "-" S "-09", 9},
		{"cc-" T "-" S "-01-what-the-future-brings", 1},
		{"fe-" T "-" S "-01-", 1},
	};
	static const char *const bad[] = {
		"",
		"00",
		"00-" T "-" S,
		"00-" T "-" S "-",
		"00-" T "-" S "-0",
		"00-" T "-" S "-01-",
		"00-" T "-" S "-01-what",
		"00-" T "-" S "-011",
		"00-" T "-" S "-01 ",
		" 00-" T "-" S "-01",
		"01-" T "-" S "-011",
		"cc-" T "-" S "-01.what",
		"ff-" T "-" S "-01",
		"FE-" T "-" S "-01",
		"0-" T "-" S "-01",
		".0-" T "-" S "-01",
		"00-" T "-" S "-0g",
		"00-" T "-" S "-FF",
		"00-" T "-" S "_01",
		"00_" T "-" S "-01",
		"00-" T "_" S "-01",
		"00-00000000000000000000000000000000-" S "-01",
		"00-" T "-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" S "-01",
		"00-" T "-00F067AA0BA902B7-01",
		"00-" T "-00f067aa0ba902b-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473-" S "-01",
		"00-.bf92f3577b34da6a3ce929d0e0e4736-" S "-01",
		"00-" T "-00f067aa0ba902.7-01",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		T_EQ(call(ids_traceparent, good[i].v), 0);
		T_STR(ids_hex(text, trace, 16), T);
		T_STR(ids_hex(text, span, 8), S);
		T_EQ(flags, good[i].flags);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		T_EQ(call(ids_traceparent, bad[i]), -EINVAL);
		untouched();
	}
}

static void b3(void)
{
	static const struct {
		const char *v, *trace;
		int flags;
	} good[] = {
		{T "-" S, T, 0},
		{T "-" S "-1", T, 1},
		{T "-" S "-0", T, 0},
		{T "-" S "-d", T, 1},
		{T "-" S "-1-" P, T, 1},
		{T "-" S "-0-" P, T, 0},
		{"a3ce929d0e0e4736-" S, "0000000000000000a3ce929d0e0e4736", 0},
		{"a3ce929d0e0e4736-" S "-d-" P, "0000000000000000a3ce929d0e0e4736", 1},
	};
	static const char *const alone[] = {"0", "1", "d"};
	static const char *const bad[] = {
		"",
		"2",
		"true",
		"-",
		"--",
		T,
		T "-",
		T "-" S "-",
		T "-" S "-2",
		T "-" S "-1-",
		T "-" S "-11",
		T "-" S "-1-" P "0",
		T "-" S "-1-05e3ac9a4f6e3b9",
		T "-" S "-1_" P,
		T "-" S "_1-" P,
		T "-" S "-1-05e3ac9a4f6e3bXX",
		T "-" S "-" P,
		T "-00f067aa0ba902b",
		T "-0000000000000000",
		T "-00F067AA0BA902B7",
		"0000000000000000-" S,
		"00000000000000000000000000000000-" S,
		"4BF92F3577B34DA6A3CE929D0E0E4736-" S,
		"3ce929d0e0e4736-" S,
		"0a3ce929d0e0e4736-" S,
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		T_EQ(call(ids_b3, good[i].v), 0);
		T_STR(ids_hex(text, trace, 16), good[i].trace);
		T_STR(ids_hex(text, span, 8), S);
		T_EQ(flags, good[i].flags);
	}
	for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++) {
		T_EQ(call(ids_b3, alone[i]), -ENOENT);
		untouched();
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		T_EQ(call(ids_b3, bad[i]), -EINVAL);
		untouched();
	}
}

static void b3_parts(void)
{
	T_EQ(ids_b3_trace(T, 32, trace), 0);
	T_STR(ids_hex(text, trace, 16), T);
	T_EQ(ids_b3_trace(S, 16, trace), 0);
	T_STR(ids_hex(text, trace, 16), "000000000000000000f067aa0ba902b7");
	T_EQ(ids_b3_trace(T, 31, trace), -EINVAL);
	T_EQ(ids_b3_trace("", 0, trace), -EINVAL);
	T_EQ(ids_b3_span(S, 16, span), 0);
	T_STR(ids_hex(text, span, 8), S);
	T_EQ(ids_b3_span(S, 15, span), -EINVAL);
	T_EQ(ids_b3_span("0000000000000000", 16, span), -EINVAL);
	T_EQ(ids_b3_sampled("1", 1), 1);
	T_EQ(ids_b3_sampled("true", 4), 1);
	T_EQ(ids_b3_sampled("0", 1), 0);
	T_EQ(ids_b3_sampled("", 0), 0);
	T_EQ(ids_b3_sampled("11", 2), 0);
}

/* Of the authors' vectors_sip128: the message is 00 01 02 ..., as long as its number. */
static void hash(void)
{
	static const struct {
		int n;
		const char *id;
	} want[] = {
		{0, "a3817f04ba25a8e66df67214c7550293"},  {1, "da87c1d86b99af44347659119b22fc45"},
		{2, "8177228da4a45dc7fca38bdef60affe4"},  {7, "a1f1ebbed8dbc153c0b84aa61ff08239"},
		{8, "3b62a9ba6258f5610f83e264f31497b4"},  {15, "5493e99933b0a8117e08ec0f97cfc3d9"},
		{63, "5150d1772f50834a503e069a973fbd7c"},
	};
	uint8_t in[64], id[16];

	for (int i = 0; i < 64; i++)
		in[i] = i;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		ids_hash(id, in, want[i].n);
		T_STR(ids_hex(text, id, 16), want[i].id);
	}
}

int main(void)
{
	traceparent();
	b3();
	b3_parts();
	hash();
	return t_done();
}
