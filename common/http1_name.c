// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include "http1_int.h"

const char *http1_anomaly_name(unsigned bit)
{
	static const char *const name[] = {
		[HTTP1_BIT_LENGTH_AND_ENCODING] = "length-and-encoding",
		[HTTP1_BIT_LENGTH_CONFLICT] = "length-conflict",
		[HTTP1_BIT_LENGTH_REPEATED] = "length-repeated",
		[HTTP1_BIT_BAD_LENGTH] = "bad-length",
		[HTTP1_BIT_BAD_ENCODING] = "bad-encoding",
		[HTTP1_BIT_BARE_LF] = "bare-lf",
		[HTTP1_BIT_OBS_FOLD] = "obs-fold",
		[HTTP1_BIT_SPACE_BEFORE_COLON] = "space-before-colon",
		[HTTP1_BIT_CONTROL_BYTE] = "control-byte",
		[HTTP1_BIT_PATH_TRAVERSAL] = "path-traversal",
		[HTTP1_BIT_HEAD_LIMIT] = "head-limit",
		[HTTP1_BIT_BAD_LINE] = "bad-line",
		[HTTP1_BIT_ODD_START] = "odd-start",
		[HTTP1_BIT_BAD_CHUNK] = "bad-chunk",
		[HTTP1_BIT_AFTER_CLOSE] = "after-close",
	};

	_Static_assert(sizeof(name) / sizeof(name[0]) == HTTP1_NANOMALIES, "each has a name");
	return bit < HTTP1_NANOMALIES ? name[bit] : NULL;
}

const char *http1_why_name(unsigned why)
{
	static const char *const name[] = {
		[HTTP1_COMPLETE] = "complete", [HTTP1_CLOSED] = "closed",
		[HTTP1_RESET] = "reset",       [HTTP1_GAP] = "gap",
		[HTTP1_RESYNC] = "resync",     [HTTP1_UPGRADED] = "upgraded",
		[HTTP1_OVERFLOW] = "overflow", [HTTP1_OPEN] = "open",
		[HTTP1_NOMEM] = "nomem",
	};

	_Static_assert(sizeof(name) / sizeof(name[0]) == HTTP1_NWHYS, "each has a name");
	return why < HTTP1_NWHYS ? name[why] : NULL;
}

#define ONES (~0ull / 255)

/* Eight bytes at a time: one below 0x20 or equal to 0x7f. */
static bool suspicious(uint64_t x)
{
	uint64_t del = x ^ ONES * 0x7f;

	return (((x - ONES * 0x20) & ~x) | ((del - ONES) & ~del)) & ONES * 0x80;
}

bool http1_has_control(const char *s, size_t n)
{
	size_t i = 0;
	uint64_t x;

	for (; n - i >= sizeof(x); i += sizeof(x)) {
		memcpy(&x, s + i, sizeof(x));
		if (suspicious(x))
			break;
	}
	/* What is left of it, with some of what went before. */
	if (n >= sizeof(x) && n - i < sizeof(x)) {
		memcpy(&x, s + n - sizeof(x), sizeof(x));
		if (!suspicious(x))
			return false;
	}
	for (; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return true;
	return false;
}

int http1_hex(unsigned char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 0x20;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* The byte at s, percent-decoded once, or twice where that gives another escape ("%252e"). */
static unsigned char decoded(const char *s, size_t n, size_t *len)
{
	size_t skip = n >= 5 && !memcmp(s, "%25", 3) && http1_hex(s[3]) >= 0 && http1_hex(s[4]) >= 0
			      ? 2
			      : 0;

	*len = 1;
	if (*s != '%' || n < 3 + skip || http1_hex(s[1 + skip]) < 0 || http1_hex(s[2 + skip]) < 0)
		return *s;
	*len = 3 + skip;
	return http1_hex(s[1 + skip]) << 4 | http1_hex(s[2 + skip]);
}

static bool slash(unsigned char ch)
{
	return ch == '/' || ch == '\\';
}

/* In the query, too: "?file=../x" is one, "/a../b" and "..." are names. */
bool http1_traversal(const char *s, size_t n)
{
	unsigned char before = '/', ch;
	size_t dots = 0, len;

	if (!memmem(s, n, "..", 2) && !memchr(s, '%', n))
		return false;
	for (size_t i = 0; i < n; i += len) {
		ch = decoded(s + i, n - i, &len);
		if (ch == '.') {
			dots++;
			continue;
		}
		/* "/x/.." ends at a query or fragment as it would at the target's end. */
		if (dots == 2 && !http1_tchar(before) &&
		    (slash(ch) || (slash(before) && (ch == '?' || ch == '#' || ch == ';'))))
			return true;
		dots = 0;
		before = ch;
	}
	return dots == 2 && slash(before);
}
