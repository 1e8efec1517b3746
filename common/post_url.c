// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dest.h"
#include "log.h"
#include "post_int.h"

#define HOST_MAX 255

/* Splits "[::1]:4318" and the like; *port is left where there is none. */
static int take_authority(struct post_url *u, const char *url, const char *s, size_t n)
{
	const char *colon = memrchr(s, ':', n), *end = s + n;
	unsigned long port;
	char *stop;
	bool bracket = n && *s == '[';

	if (memchr(s, '@', n))
		return fail(-EINVAL,
			    "'%s': no user and password here; use a header (Authorization)", url);
	if (colon && bracket && colon[-1] != ']')
		colon = NULL;
	if (colon) {
		port = strtoul(colon + 1, &stop, 10);
		if (colon[1] < '0' || colon[1] > '9' || stop != end || !port || port > UINT16_MAX)
			return fail(-EINVAL, "'%s': bad port (1 to 65535)", url);
		u->port = (uint16_t)port;
		end = colon;
	}
	if (bracket && (end - s < 3 || end[-1] != ']'))
		return fail(-EINVAL, "'%s': an IPv6 address goes in brackets", url);
	s += bracket;
	end -= bracket;
	if (end <= s || end - s > HOST_MAX || (!bracket && memchr(s, ':', end - s)))
		return fail(-EINVAL, "'%s': %s", url,
			    end <= s		 ? "the host is missing"
			    : end - s > HOST_MAX ? "the host name is too long"
						 : "an IPv6 address goes in brackets");
	u->host = strndup(s, end - s);
	return u->host ? 0 : fail(-ENOMEM, "no memory for '%s'", url);
}

static bool is_address(const char *host)
{
	unsigned char a[16];

	return inet_pton(AF_INET, host, a) == 1 || inet_pton(AF_INET6, host, a) == 1;
}

/*
 * libcurl is told the addresses, or it would start a thread for each look-up, which could not read
 * what the resolver needs either, once privileges are gone.
 */
static int resolve(struct post_url *u, const char *url)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *a;
	char addr[INET6_ADDRSTRLEN];
	size_t room = strlen(u->host) + 16 + DEST_ADDRS * (INET6_ADDRSTRLEN + 3), n, naddrs = 0;
	int err = getaddrinfo(u->host, NULL, &hints, &list);

	if (err)
		return fail(-EHOSTUNREACH, "'%s': cannot resolve '%s': %s", url, u->host,
			    err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
	u->resolve = malloc(room);
	n = u->resolve ? snprintf(u->resolve, room, "%s:%u:", u->host, u->port) : 0;
	for (a = list; a && u->resolve && naddrs < DEST_ADDRS; a = a->ai_next, naddrs++) {
		bool v6 = a->ai_family == AF_INET6;

		if (getnameinfo(a->ai_addr, a->ai_addrlen, addr, sizeof(addr), NULL, 0,
				NI_NUMERICHOST))
			continue;
		n += snprintf(u->resolve + n, room - n, "%s%s%s%s", naddrs ? "," : "",
			      v6 ? "[" : "", addr, v6 ? "]" : "");
	}
	freeaddrinfo(list);
	return u->resolve ? 0 : fail(-ENOMEM, "no memory for '%s'", url);
}

int post_url_parse(struct post_url *u, const char *url, const char *path)
{
	const char *s = strstr(url, "://"), *end;
	int err;

	memset(u, 0, sizeof(*u));
	u->https = !strncasecmp(url, "https://", 8);
	if (!u->https && strncasecmp(url, "http://", 7))
		return fail(-EINVAL, "'%s': http:// or https:// is wanted", url);
	/* It goes into a request's first line. */
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p == 0x7f || *p == '#')
			return fail(-EINVAL, "'%s': a blank, control character or '#' in it", url);
	u->port = u->https ? 443 : 80;
	s += 3;
	end = s + strcspn(s, "/?");
	err = take_authority(u, url, s, end - s);
	if (err)
		return err;
	if (asprintf(&u->url, "%s%s", url, *end ? "" : path ?: "/") < 0) {
		u->url = NULL;
		return fail(-ENOMEM, "no memory for '%s'", url);
	}
	return is_address(u->host) ? 0 : resolve(u, url);
}

void post_url_free(struct post_url *u)
{
	free(u->url);
	free(u->host);
	free(u->resolve);
	memset(u, 0, sizeof(*u));
}

int post_header_check(const char *text)
{
	static const char *const ours[] = {"Content-Type",	"Content-Length",
					   "Transfer-Encoding", "Content-Encoding",
					   "Connection",	"Expect"};
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strspn(text, token);

	/* libcurl takes "Name;" and "Name:" for wishes of their own. */
	if (!n || text[n] != ':' || !text[n + 1 + strspn(text + n + 1, " \t")])
		return fail(-EINVAL, "header '%.80s': \"name: value\" is wanted", text);
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return fail(-EINVAL, "header '%.*s': a control character in its value",
				    (int)n, text);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (n == strlen(ours[i]) && !strncasecmp(text, ours[i], n))
			return fail(-EINVAL, "header '%s' is not for you to set", ours[i]);
	return 0;
}
