// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "logfmt.h"
#include <stdbool.h>
#include <string.h>

/* Left out: blanks, '=', and what one reader or another takes for a quote or an escape. */
static const bool safe[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['!'] = 1, ['#'] = 1, ['$'] = 1,
	['%'] = 1,	   ['&'] = 1,	      ['('] = 1,	 [')'] = 1, ['*'] = 1, ['+'] = 1,
	[','] = 1,	   ['-'] = 1,	      ['.'] = 1,	 ['/'] = 1, [':'] = 1, [';'] = 1,
	['<'] = 1,	   ['>'] = 1,	      ['?'] = 1,	 ['@'] = 1, ['['] = 1, [']'] = 1,
	['^'] = 1,	   ['_'] = 1,	      ['{'] = 1,	 ['|'] = 1, ['}'] = 1, ['~'] = 1,
};

static void put_key(struct json *j, const char *key)
{
	if (j->len)
		json_raw(j, " ", 1);
	json_raw(j, key, strlen(key));
	json_raw(j, "=", 1);
	j->comma = false; /* no value of ours has one before it */
}

void logfmt_quoted(struct json *j, const char *key, const void *s, size_t n)
{
	put_key(j, key);
	json_strn(j, NULL, s, n);
}

void logfmt_word(struct json *j, const char *key, const char *s, size_t n)
{
	put_key(j, key);
	json_raw(j, s, n);
}

void logfmt_strn(struct json *j, const char *key, const void *s, size_t n)
{
	const unsigned char *c = s;
	size_t i = 0;

	while (i < n && safe[c[i]])
		i++;
	if (n && i == n)
		logfmt_word(j, key, s, n);
	else
		logfmt_quoted(j, key, s, n);
}

void logfmt_str(struct json *j, const char *key, const char *s)
{
	logfmt_strn(j, key, s, strlen(s));
}

void logfmt_u64(struct json *j, const char *key, uint64_t v)
{
	put_key(j, key);
	json_u64(j, NULL, v);
}

void logfmt_end(struct json *j)
{
	json_raw(j, "\n", 1);
}
