// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Hostile bytes as key, string and number: the object must be read by a strict reader (RFC 8259,
 * and no byte that acts on a terminal), and text_escape() must keep its promises.
 */
#include <stdlib.h>
#include <string.h>
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* One character of well-formed UTF-8 by the table of RFC 3629, section 4, that does nothing to a
 * terminal. */
static const char *character(const char *p)
{
	const unsigned char *s = (const unsigned char *)p;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80) {
		check(s[0] >= 0x20 && s[0] != 0x7f);
		return p + 1;
	}
	check((s[0] >= 0xc2 && s[0] <= 0xf4));
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	low = s[0] == 0xe0 || s[0] == 0xc2 ? 0xa0 : s[0] == 0xf0 ? 0x90 : low;
	high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : high;
	check(s[1] >= low && s[1] <= high);
	for (size_t i = 2; i < n; i++)
		check(s[i] >= 0x80 && s[i] <= 0xbf);
	check(memcmp(s, "\xe2\x80\xae", 3) && memcmp(s, "\xe2\x81\xa6", 3));
	return p + n;
}

static const char *string(const char *p)
{
	check(*p++ == '"');
	while (*p != '"') {
		if (*p != '\\') {
			p = character(p);
		} else if (p[1] == 'u') {
			check(strspn(p + 2, "0123456789abcdef") >= 4);
			p += 6;
		} else {
			check(p[1] && strchr("\"\\/bfnrt", p[1]));
			p += 2;
		}
	}
	return p + 1;
}

static const char *digits(const char *p)
{
	size_t n = strspn(p, "0123456789");

	check(n);
	return p + n;
}

static const char *value(const char *p)
{
	if (!strncmp(p, "null", 4))
		return p + 4;
	if (*p == '"')
		return string(p);
	if (*p == '[') {
		p = value(p + 1);
		while (*p == ',')
			p = value(p + 1);
		check(*p == ']');
		return p + 1;
	}
	p += *p == '-';
	check(*p != '0' || p[1] < '0' || p[1] > '9');
	p = digits(p);
	return *p == '.' ? digits(p + 1) : p;
}

static void object(const char *p)
{
	check(*p == '{');
	do {
		p = string(p + 1);
		check(*p == ':');
		p = value(p + 1);
	} while (*p == ',');
	check(*p == '}' && !p[1]);
}

/* Nothing that acts on a terminal, whatever the room; and with room enough, nothing is lost. */
static void check_text(const uint8_t *data, size_t size)
{
	size_t dsize = size ? data[0] : 1, len;
	char *dst = malloc(4 * size + 256);

	len = text_escape(dst, dsize, data, size);
	check(dsize ? len < dsize && strlen(dst) == len : !len);
	len = text_escape(dst, 4 * size + 1, data, size);
	check(len >= size && strlen(dst) == len);
	for (const char *p = dst; *p;)
		p = character(p);
	/* Undone, it is what it was. */
	for (const char *p = dst; *p; data++) {
		if (*p != '\\') {
			check((uint8_t)*p++ == *data);
		} else if (p[1] == '\\') {
			check(*data == '\\');
			p += 2;
		} else {
			char hex[3] = {p[2], p[3]};

			check(p[1] == 'x' && strtoul(hex, NULL, 16) == *data);
			p += 4;
		}
	}
	free(dst);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *key = calloc(1, size + 1);
	double number = 0;
	struct json j;

	memcpy(key, data, size);
	memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	json_init(&j);
	json_open(&j, NULL, '{');
	json_strn(&j, key, data, size);
	json_open(&j, "a", '[');
	json_f64(&j, NULL, number);
	json_i64(&j, NULL, -(int64_t)size);
	json_str(&j, NULL, key);
	json_close(&j, ']');
	json_close(&j, '}');
	object(json_text(&j));
	check(strlen(json_text(&j)) == j.len);
	json_free(&j);
	check_text(data, size);
	free(key);
	return 0;
}
