// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include "http1_int.h"

#define METHOD_MAX 32 /* the longest registered is 17 */
#define NVERSION   8 /* "HTTP/1.1" */

const bool http1_tchars[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,	    ['&'] = 1,	       ['\''] = 1,
	['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,	    ['^'] = 1,	       ['_'] = 1,
	['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

static bool digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool is_version(const char *s)
{
	return !memcmp(s, "HTTP/1.", 7) && digit(s[7]);
}

static size_t method_length(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && i <= METHOD_MAX && http1_tchar(s[i]))
		i++;
	return i <= METHOD_MAX ? i : 0;
}

static size_t spaces(const char *s, size_t i, size_t n)
{
	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	return i;
}

static enum start_kind response(const char *s, size_t n, struct start *st)
{
	size_t i = spaces(s, NVERSION, n);

	if (i == NVERSION || n - i < 3 || s[i] < '1' || s[i] > '9' || !digit(s[i + 1]) ||
	    !digit(s[i + 2]))
		return START_NONE;
	st->status = (s[i] - '0') * 100 + (s[i + 1] - '0') * 10 + (s[i + 2] - '0');
	st->minor = s[7] - '0';
	st->odd = i != NVERSION + 1 || s[NVERSION] != ' ';
	i += 3;
	if (i == n)
		return START_RESPONSE;
	if (s[i] != ' ')
		return START_NONE;
	st->reason = (struct http1_span){i + 1, n - i - 1};
	return START_RESPONSE;
}

static enum start_kind request(const char *s, size_t n, const char *end, size_t nend,
			       struct start *st)
{
	size_t method = method_length(s, n), at, stop = n;
	bool cut = end + nend != s + n;

	while (nend && end[nend - 1] == ' ' && !cut) {
		st->odd = true;
		nend--;
		stop--;
	}
	if (!method || method >= n || nend < NVERSION + 1 || !is_version(end + nend - NVERSION))
		return START_NONE;
	if (end[nend - NVERSION - 1] != ' ' && end[nend - NVERSION - 1] != '\t')
		return START_NONE;
	st->minor = end[nend - 1] - '0';
	if (!cut)
		stop -= NVERSION;
	at = spaces(s, method, n);
	while (!cut && stop > at && (s[stop - 1] == ' ' || s[stop - 1] == '\t'))
		stop--;
	if (at == method || stop <= at)
		return START_NONE;
	st->odd |= at != method + 1 || s[method] != ' ' || memchr(s + at, ' ', stop - at) ||
		   (!cut && (stop != n - NVERSION - 1 || s[stop] != ' '));
	st->method = (struct http1_span){0, method};
	st->target = (struct http1_span){at, stop - at};
	return START_REQUEST;
}

enum start_kind http1_start(const char *s, size_t n, const char *end, size_t nend, struct start *st)
{
	memset(st, 0, sizeof(*st));
	if (n > NVERSION && is_version(s))
		return response(s, n, st);
	if (n == 14 && !memcmp(s, "PRI * HTTP/2.0", 14))
		return START_HTTP2;
	return request(s, n, end, nend, st);
}

/*
 * The first eight: behind a hole a line may have lost its beginning, but none of these is the end
 * of another method, so "UT / HTTP/1.1" is not taken for one. The others are registered (IANA, HTTP
 * Method Registry) or known from UPnP and caches. Where the place is lost a line may begin with the
 * end of a body that has no line end: "abcGET / HTTP/1.1" has none of them.
 */
static bool known_method(const char *s, size_t n, bool common)
{
	static const char *const method[] = {
		"GET",
		"HEAD",
		"POST",
		"PUT",
		"DELETE",
		"OPTIONS",
		"TRACE",
		"CONNECT",
		"ACL",
		"BASELINE-CONTROL",
		"BIND",
		"CHECKIN",
		"CHECKOUT",
		"COPY",
		"LABEL",
		"LINK",
		"LOCK",
		"MERGE",
		"MKACTIVITY",
		"MKCALENDAR",
		"MKCOL",
		"MKWORKSPACE",
		"MOVE",
		"ORDERPATCH",
		"PATCH",
		"PROPFIND",
		"PROPPATCH",
		"QUERY",
		"REBIND",
		"REPORT",
		"SEARCH",
		"UNBIND",
		"UNCHECKOUT",
		"UNLINK",
		"UNLOCK",
		"UPDATE",
		"VERSION-CONTROL",
		"M-SEARCH",
		"NOTIFY",
		"SUBSCRIBE",
		"UNSUBSCRIBE",
		"PURGE",
		"BAN",
	};

	for (size_t i = 0; i < (common ? 8 : sizeof(method) / sizeof(method[0])); i++)
		if (strlen(method[i]) == n && !memcmp(method[i], s, n))
			return true;
	return false;
}

/* Of a request's target (RFC 9112 3.2) its first bytes, for which it is known. */
static bool strict_target(const char *s, size_t n, bool connect)
{
	if (http1_has_control(s, n))
		return false;
	if (connect)
		return memchr(s, ':', n);
	return *s == '/' || (n == 1 && *s == '*') || memmem(s, n < 32 ? n : 32, "://", 3);
}

bool http1_start_strict(const char *s, size_t n, bool after_gap)
{
	struct start st;

	if (n < 2 || s[n - 2] != '\r')
		return false;
	n -= 2;
	switch (http1_start(s, n, s, n, &st)) {
	case START_RESPONSE: return !st.odd && !http1_has_control(s, n);
	case START_HTTP2: return true;
	case START_REQUEST:
		return !st.odd && known_method(s, st.method.len, after_gap) &&
		       strict_target(s + st.target.at, st.target.len,
				     st.method.len == 7 && !memcmp(s, "CONNECT", 7));
	case START_NONE: break;
	}
	return false;
}

bool http1_start_likely(const char *s, size_t n)
{
	size_t method = 0, m = n < NVERSION - 1 ? n : NVERSION - 1;

	if (!memcmp(s, "HTTP/1.", m))
		return n < NVERSION || digit(s[7]);
	while (method < n && method <= METHOD_MAX && http1_tchar(s[method]))
		method++;
	if (method == n || !method)
		return method && method <= METHOD_MAX;
	return method <= METHOD_MAX && (s[method] == ' ' || s[method] == '\t');
}

bool http1_start_fits(const struct http1 *c, const struct http1_dir *d, enum start_kind kind)
{
	if (kind == START_NONE)
		return false;
	return c->client < 0 || (c->client == http1_dirno(c, d)) == (kind != START_RESPONSE);
}
