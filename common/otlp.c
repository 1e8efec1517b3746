// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include "decimal.h"
#include "otlp.h"

#define LIT(J, S) json_raw(J, S, sizeof(S) - 1)

/* The comma in front of it is skipped for the first in a list. */
static void attr(struct json *j, const char *lit, size_t n)
{
	json_raw(j, lit + !j->comma, n - !j->comma);
	j->comma = false;
}

static void attr_done(struct json *j)
{
	LIT(j, "}}");
	j->comma = true;
}

void otlp_str(struct json *j, const char *lit, size_t nlit, const void *s, size_t n)
{
	json_quoted(j, lit + !j->comma, nlit - !j->comma, s, n, "}}", 2);
	j->comma = true;
}

/* The value is signed in the schema. */
void otlp_int(struct json *j, const char *lit, size_t nlit, uint64_t v)
{
	char text[DECIMAL_SIZE], *end = decimal(text, v < INT64_MAX ? v : INT64_MAX);

	otlp_str(j, lit, nlit, text, end - text);
}

void otlp_double(struct json *j, const char *lit, size_t nlit, double v)
{
	attr(j, lit, nlit);
	json_f64(j, NULL, v);
	attr_done(j);
}

void otlp_bool(struct json *j, const char *lit, size_t nlit, bool v)
{
	attr(j, lit, nlit);
	json_bool(j, NULL, v);
	attr_done(j);
}

void otlp_hex(struct json *j, const uint8_t *id, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char text[34], *d = text;

	*d++ = '"';
	for (size_t i = 0; i < n; i++) {
		*d++ = digits[id[i] >> 4];
		*d++ = digits[id[i] & 15];
	}
	*d++ = '"';
	json_raw(j, text, d - text);
}

void otlp_links_begin(struct json *j)
{
	LIT(j, "],\"links\":[");
	j->comma = false;
}

void otlp_link_begin(struct json *j, const uint8_t trace_id[16], const uint8_t span_id[8])
{
	if (j->comma)
		LIT(j, ",");
	LIT(j, "{\"traceId\":");
	otlp_hex(j, trace_id, 16);
	LIT(j, ",\"spanId\":");
	otlp_hex(j, span_id, 8);
	LIT(j, ",\"attributes\":[");
	j->comma = false;
}

void otlp_link_end(struct json *j)
{
	LIT(j, "]}");
	j->comma = true;
}

uint64_t otlp_rejected(const char *body, size_t len, uint64_t n)
{
	static const char key[] = "\"rejectedSpans\"";
	const char *p = memmem(body, len, key, sizeof(key) - 1), *end = body + len;
	uint64_t v = 0;

	if (!p)
		return 0;
	/* A number, or as a 64-bit integer may be, a string of digits. */
	for (p += sizeof(key) - 1; p < end && strchr(" \t\r\n:\"", *p) && *p; p++)
		;
	for (; p < end && *p >= '0' && *p <= '9' && v <= n; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	return v < n ? v : n;
}
