// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Secrets on a command line: headers, users with their passwords, URLs, and options by their names.
 */
#include "redact.h"
#include <stdio.h>
#include <string.h>

/* Options whose value is USER:PASSWORD, of curl, wget and others. */
static bool takes_user(const char *arg)
{
	static const char *const names[] = {"-u", "-U", "--user", "--proxy-user"};

	for (size_t i = 0; i < 4; i++)
		if (!strcmp(arg, names[i]))
			return true;
	return false;
}

static size_t mask(char *s, size_t n)
{
	memset(s, '*', n);
	return n;
}

/* What stands behind the colon of USER:PASSWORD. */
static size_t mask_user(char *arg, size_t n)
{
	char *colon = memchr(arg, ':', n);

	return colon ? mask(colon + 1, arg + n - colon - 1) : 0;
}

/* "Name: value", with -H before it or not. */
static size_t mask_header(const struct redact *r, char *arg, size_t n)
{
	size_t skip = n > 2 && arg[0] == '-' && arg[1] == 'H' ? 2 : 0;
	char *colon = memchr(arg + skip, ':', n - skip);

	if (!colon || colon == arg + skip || memchr(arg + skip, '/', colon - arg - skip))
		return 0;
	return redact_header(r, arg + skip, colon - arg - skip, colon + 1, arg + n - colon - 1);
}

/* Is "--password" one, so that the next argument is it? A URL's parameter of that name would be. */
static bool names_secret(const struct redact *r, const char *arg, size_t n)
{
	char probe[80];

	if (n < 4 || n > 64 || arg[0] != '-' || memchr(arg, '=', n))
		return false;
	memcpy(probe, arg, n);
	memcpy(probe + n, "=x", 2);
	return redact_url(r, probe, n + 2);
}

static size_t mask_arg(const struct redact *r, const char *before, char *arg, size_t n)
{
	size_t done = 0;

	if (takes_user(before))
		done = mask_user(arg, n);
	else if (names_secret(r, before, strlen(before)))
		return arg[0] == '-' ? 0 : mask(arg, n);
	else if (n > 2 && (!strncmp(arg, "-u", 2) || !strncmp(arg, "-U", 2)))
		done = mask_user(arg + 2, n - 2);
	return done + mask_header(r, arg, n) + redact_url(r, arg, n);
}

size_t redact_args(const struct redact *r, char *args, size_t len)
{
	char before[80] = "";
	size_t done = 0;

	for (size_t at = 0; at < len;) {
		size_t n = strnlen(args + at, len - at);

		/* The first is the program. */
		if (at)
			done += mask_arg(r, before, args + at, n);
		snprintf(before, sizeof(before), "%.*s", (int)(n < sizeof(before) ? n : 0),
			 args + at);
		at += n + 1;
	}
	return done;
}
