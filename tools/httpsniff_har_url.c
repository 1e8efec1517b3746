// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * URLs by the rules of the WHATWG's URL standard, which browsers go by: a path may hold any byte,
 * an authority may not.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "httpsniff_har.h"
#include "net.h"

/* --- authorities */

static bool port_ok(const char *s, size_t n)
{
	uint32_t port = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == 5 || !isdigit((unsigned char)s[i]))
			return false;
		port = port * 10 + (s[i] - '0');
	}
	return port <= 65535;
}

static bool is_address(int family, const char *s, size_t n)
{
	char text[INET6_ADDRSTRLEN], addr[16];

	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = 0;
	return inet_pton(family, text, addr) == 1;
}

/* Whether what a label of another alphabet decodes to is allowed is more than is known here. */
static bool label_ok(const char *s, size_t n)
{
	return n < 4 || strncasecmp(s, "xn--", 4);
}

static bool name_ok(const char *s, size_t n)
{
	const char *last = s, *end = s + n;

	for (const char *c = s; c < end; c++) {
		if (!isalnum((unsigned char)*c) && !memchr("-._", *c, 3))
			return false;
		if (*c != '.')
			continue;
		if (!label_ok(last, c - last))
			return false;
		/* A dot at the end begins no label. */
		if (c + 1 < end)
			last = c + 1;
	}
	if (!n || *last == '.' || !label_ok(last, end - last))
		return false;
	/* What ends in a number has to be an address. */
	if (*last == '0' && last + 1 < end && (last[1] | 0x20) == 'x')
		return false;
	while (last < end && isdigit((unsigned char)*last))
		last++;
	return (last < end && *last != '.') || is_address(AF_INET, s, n);
}

/* "example.org:80", "[::1]" */
static bool authority_ok(const char *s, size_t n)
{
	const char *close, *colon;

	if (n > 255 || !n)
		return false;
	if (*s == '[') {
		close = memchr(s, ']', n);
		if (!close || !is_address(AF_INET6, s + 1, close - s - 1))
			return false;
		n -= close + 1 - s;
		return !n || (close[1] == ':' && port_ok(close + 2, n - 1));
	}
	colon = memchr(s, ':', n);
	if (!colon)
		return name_ok(s, n);
	return name_ok(s, colon - s) && port_ok(colon + 1, s + n - colon - 1);
}

/* Where an authority ends. */
static size_t authority_len(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n && !memchr("/?#\\", s[i], 4); i++)
		;
	return i;
}

/* "http://user@example.org/", of a scheme whose rules are these. */
static bool is_absolute(const char *s, size_t n)
{
	static const char *const schemes[] = {"http://", "https://", "ws://", "wss://", "ftp://"};
	const char *at;
	size_t len;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		len = strlen(schemes[i]);
		if (n <= len || strncasecmp(s, schemes[i], len))
			continue;
		s += len;
		len = authority_len(s, n - len);
		at = memrchr(s, '@', len);
		return at ? authority_ok(at + 1, s + len - at - 1) : authority_ok(s, len);
	}
	return false;
}

/* --- the URL */

static char *add(char *to, const char *s, size_t n)
{
	return n ? mempcpy(to, s, n) : to;
}

/* Where the server listens, as far as a URL can say that. */
static char *add_server(char *to, const struct har_target *t)
{
	const struct cap_conn *c = t->conn;
	char text[NET_ENDPOINT_SIZE];
	uint16_t port = t->local ? c->flow.local_port : c->flow.remote_port;

	if (c->proto == CAP_UNIX)
		return stpcpy(to, "localhost");
	if (!c->flow.family)
		return stpcpy(to, "unknown.invalid");
	net_endpoint(text, t->local ? c->flow.local : c->flow.remote, port);
	if (!port || port == 80)
		*strrchr(text, ':') = 0;
	return stpcpy(to, text);
}

static bool is(const char *s, size_t n, const char *what)
{
	return n == strlen(what) && !memcmp(s, what, n);
}

char *har_url(const struct har_target *t, size_t *len)
{
	char *url = malloc(t->target_len + t->host_len + NET_ENDPOINT_SIZE + 16), *to = url;

	if (!url)
		return NULL;
	if (is_absolute(t->target, t->target_len)) {
		to = add(to, t->target, t->target_len);
	} else if (t->method && is(t->method, t->method_len, "CONNECT") &&
		   authority_ok(t->target, t->target_len)) {
		to = add(stpcpy(to, "http://"), t->target, t->target_len);
	} else {
		to = stpcpy(to, "http://");
		if (authority_ok(t->host, t->host_len))
			to = add(to, t->host, t->host_len);
		else
			to = add_server(to, t);
		if (!t->target_len || *t->target != '/')
			*to++ = '/';
		if (!t->target_len || !is(t->target, t->target_len, "*"))
			to = add(to, t->target, t->target_len);
	}
	*len = to - url;
	return url;
}

/* --- the query */

static int hex(unsigned char c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* Decodes into dst, which has room for n bytes. */
static size_t decode(char *dst, const char *s, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		dst[len] = s[i] == '+' ? ' ' : s[i];
		if (s[i] == '%' && n - i > 2 && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			dst[len] = hex(s[i + 1]) << 4 | hex(s[i + 2]);
			i += 2;
		}
		len++;
	}
	return len;
}

void har_put_query(struct json *j, const char *url, size_t len)
{
	const char *end = memchr(url, '#', len) ?: url + len;
	const char *s = memchr(url, '?', end - url), *stop, *equals;
	char *text = malloc(len + 1);

	json_open(j, "queryString", '[');
	for (s = s && text ? s + 1 : end; s < end; s = stop + 1) {
		stop = memchr(s, '&', end - s) ?: end;
		if (s == stop)
			continue;
		equals = memchr(s, '=', stop - s) ?: stop;
		json_open(j, NULL, '{');
		json_strn(j, "name", text, decode(text, s, equals - s));
		s = equals < stop ? equals + 1 : stop;
		json_strn(j, "value", text, decode(text, s, stop - s));
		json_close(j, '}');
	}
	json_close(j, ']');
	if (!text)
		j->err = -ENOMEM;
	free(text);
}
