// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "decimal.h"
#include "json.h"

void json_init(struct json *j)
{
	memset(j, 0, sizeof(*j));
}

void json_reset(struct json *j)
{
	j->len = 0;
	j->comma = false;
	j->err = 0;
}

void json_free(struct json *j)
{
	free(j->buf);
	json_init(j);
}

static bool grow(struct json *j, size_t n)
{
	size_t cap = j->cap ?: 256;
	char *buf;

	if (j->err)
		return false;
	while (cap <= j->len + n)
		cap *= 2;
	buf = realloc(j->buf, cap);
	if (!buf) {
		j->err = -ENOMEM;
		return false;
	}
	j->buf = buf;
	j->cap = cap;
	return true;
}

/* Room for n more bytes and a NUL. */
static inline bool reserve(struct json *j, size_t n)
{
	return (!j->err && j->len + n < j->cap) || grow(j, n);
}

static void put(struct json *j, const void *s, size_t n)
{
	if (!reserve(j, n))
		return;
	memcpy(j->buf + j->len, s, n);
	j->len += n;
}

const char *json_text(struct json *j)
{
	/* Half an object is not JSON. */
	if (!reserve(j, 0))
		return "null";
	j->buf[j->len] = '\0';
	return j->buf;
}

#define CHUNK 4096 /* bytes for which room is made at once */

static void put_string(struct json *j, const void *str, size_t n)
{
	const unsigned char *s = str, *end = n ? s + n : s;
	char *d;

	put(j, "\"", 1);
	do {
		const unsigned char *stop = end - s > CHUNK ? s + CHUNK : end;

		/* The last character may end behind stop; it takes no more than a byte may. */
		if (!reserve(j, JSON_ESCAPE_MAX * (stop - s) + 1))
			return;
		d = json_escape(j->buf + j->len, &s, stop, end);
		j->len = d - j->buf;
	} while (s < end);
	j->buf[j->len++] = '"';
}

/* What stands before a value. */
static void put_key(struct json *j, const char *key)
{
	const unsigned char *s = (const unsigned char *)key;
	size_t n = key ? strlen(key) : 0;
	char *d;

	if (!reserve(j, JSON_ESCAPE_MAX * n + 4))
		return;
	d = j->buf + j->len;
	if (j->comma)
		*d++ = ',';
	j->comma = true;
	if (key) {
		*d++ = '"';
		d = json_escape(d, &s, s + n, s + n);
		*d++ = '"';
		*d++ = ':';
	}
	j->len = d - j->buf;
}

void json_open(struct json *j, const char *key, char bracket)
{
	put_key(j, key);
	put(j, &bracket, 1);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	put(j, &bracket, 1);
	j->comma = true;
}

void json_u64(struct json *j, const char *key, uint64_t v)
{
	put_key(j, key);
	if (reserve(j, DECIMAL_SIZE))
		j->len = decimal(j->buf + j->len, v) - j->buf;
}

void json_i64(struct json *j, const char *key, int64_t v)
{
	if (v >= 0) {
		json_u64(j, key, v);
		return;
	}
	put_key(j, key);
	put(j, "-", 1);
	if (reserve(j, DECIMAL_SIZE))
		j->len = decimal(j->buf + j->len, -(uint64_t)v) - j->buf;
}

char *text_f64(char *dst, double v, int decimals)
{
	char tmp[TEXT_F64_SIZE], *end = decimal_f64(dst, v, decimals);
	size_t n = 0;

	if (end) {
		*end = '\0';
		return dst;
	}
	snprintf(tmp, sizeof(tmp), "%.*f", decimals, v);
	/* The locale's decimal separator may be any character, of several bytes too. */
	for (const char *p = tmp; *p; p++) {
		if (*p == '-' || (*p >= '0' && *p <= '9'))
			dst[n++] = *p;
		else if (n && dst[n - 1] != '.')
			dst[n++] = '.';
	}
	dst[n] = '\0';
	return dst;
}

void json_f64(struct json *j, const char *key, double v)
{
	char text[TEXT_F64_SIZE];
	size_t n;

	put_key(j, key);
	if (!isfinite(v)) {
		put(j, "null", 4);
		return;
	}
	n = strlen(text_f64(text, v, 6));
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	if (n == 2 && !memcmp(text, "-0", 2))
		put(j, "0", 1);
	else
		put(j, text, n);
}

void json_bool(struct json *j, const char *key, bool v)
{
	put_key(j, key);
	put(j, v ? "true" : "false", v ? 4 : 5);
}

void json_null(struct json *j, const char *key)
{
	put_key(j, key);
	put(j, "null", 4);
}

void json_str(struct json *j, const char *key, const char *s)
{
	if (s)
		json_strn(j, key, s, strlen(s));
	else
		json_null(j, key);
}

void json_strn(struct json *j, const char *key, const void *s, size_t n)
{
	put_key(j, key);
	put_string(j, s, n);
}

void json_quoted(struct json *j, const char *before, size_t nbefore, const void *str, size_t n,
		 const char *after, size_t nafter)
{
	const unsigned char *s = str, *end = n ? s + n : s;
	char *d;

	if (n > CHUNK) {
		put(j, before, nbefore);
		put_string(j, str, n);
		put(j, after, nafter);
		return;
	}
	if (!reserve(j, nbefore + JSON_ESCAPE_MAX * n + nafter + 2))
		return;
	d = mempcpy(j->buf + j->len, before, nbefore);
	*d++ = '"';
	d = json_escape(d, &s, end, end);
	*d++ = '"';
	d = mempcpy(d, after, nafter);
	j->len = d - j->buf;
}

void json_raw(struct json *j, const void *s, size_t n)
{
	put(j, s, n);
}
