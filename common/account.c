// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "account.h"

static struct {
	char *at;
	size_t left;
} out;

void account_begin(char *text, size_t size)
{
	size_t used = strnlen(text, size);

	if (size && used == size)
		text[--used] = 0;
	out.at = text + used;
	out.left = size - used;
}

void account_say(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out.at, out.left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= out.left)
		n = out.left ? out.left - 1 : 0;
	out.at += n;
	out.left -= n;
}

void account_cause(uint64_t n, const char *before, const char *after)
{
	if (n)
		account_say("%s %" PRIu64 "%s", before, n, after);
}
