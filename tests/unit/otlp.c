// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Attributes and links as text, and what answers say. */
#include <errno.h>
#include <stdlib.h>
#include "../../common/otlp.h"
#include "t.h"

static void attributes(void)
{
	struct json j;

	json_init(&j);
	OTLP_STR(&j, "a", "x\"\n\xff", 4);
	OTLP_INT(&j, "b.c", 0);
	OTLP_INT(&j, "d", UINT64_MAX);
	OTLP_DOUBLE(&j, "e", 0.98);
	OTLP_BOOL(&j, "f", true);
	OTLP_STR(&j, "g", "", 0);
	T_STR(json_text(&j), "{\"key\":\"a\",\"value\":{\"stringValue\":\"x\\\"\\n\xef\xbf\xbd\"}},"
			     "{\"key\":\"b.c\",\"value\":{\"intValue\":\"0\"}},"
			     "{\"key\":\"d\",\"value\":{\"intValue\":\"9223372036854775807\"}},"
			     "{\"key\":\"e\",\"value\":{\"doubleValue\":0.98}},"
			     "{\"key\":\"f\",\"value\":{\"boolValue\":true}},"
			     "{\"key\":\"g\",\"value\":{\"stringValue\":\"\"}}");
	json_free(&j);
}

static void links(void)
{
	static const uint8_t trace[16] = {0x0a, [15] = 0xf1}, span[8] = {[7] = 1};
	struct json j;

	json_init(&j);
	OTLP_INT(&j, "a", 1);
	otlp_links_begin(&j);
	for (int i = 0; i < 2; i++) {
		otlp_link_begin(&j, trace, span);
		if (i)
			OTLP_BOOL(&j, "b", false);
		otlp_link_end(&j);
	}
	T_STR(json_text(&j),
	      "{\"key\":\"a\",\"value\":{\"intValue\":\"1\"}}],\"links\":["
	      "{\"traceId\":\"0a0000000000000000000000000000f1\",\"spanId\":\"0000000000000001\","
	      "\"attributes\":[]},"
	      "{\"traceId\":\"0a0000000000000000000000000000f1\",\"spanId\":\"0000000000000001\","
	      "\"attributes\":[{\"key\":\"b\",\"value\":{\"boolValue\":false}}]}");
	json_free(&j);
}

static void answers(void)
{
	static const struct {
		const char *body;
		uint64_t rejected;
	} cases[] = {
		{"", 0},
		{"{}", 0},
		{"{\"partialSuccess\":{}}", 0},
		{"{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"x\"}}", 3},
		{"{\"partialSuccess\":{\"rejectedSpans\" : 7 }}", 7},
		{"{\"partialSuccess\":{\"rejectedSpans\":\"11\"}}", 10},
		{"{\"partialSuccess\":{\"rejectedSpans\":99999999999999999999999}}", 10},
		{"{\"partialSuccess\":{\"rejectedSpans\":-1}}", 0},
		{"{\"partialSuccess\":{\"rejectedSpans\":null}}", 0},
		{"{\"rejectedSpans\":", 0},
		{"\"rejectedSpans\"", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		/* Without a NUL behind it, for the sanitizer. */
		size_t n = strlen(cases[i].body);
		char *body = malloc(n + !n);

		memcpy(body, cases[i].body, n);
		T_EQ(otlp_rejected(body, n, 10), cases[i].rejected);
		free(body);
	}
}

int main(void)
{
	attributes();
	links();
	answers();
	return t_done();
}
