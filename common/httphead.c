// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "httphead.h"
#include <string.h>
#include <strings.h>

const struct http1_span *head_field(const struct http1_msg *m, const char *name, size_t len)
{
	for (uint32_t i = 0; i < m->nheaders; i++) {
		const struct http1_header *h = &m->headers[i];

		if (h->name.len == len && !strncasecmp(m->text + h->name.at, name, len))
			return &h->value;
	}
	return NULL;
}

/* The authority of "http://user@host:80/path", or of a CONNECT's target, without user. */
static struct http1_span authority(const struct http1_msg *m)
{
	const char *s = m->text + m->target.at, *at;
	size_t len = m->target.len, from = 0, n;

	if (m->method.len != 7 || memcmp(m->text + m->method.at, "CONNECT", 7)) {
		at = len && *s == '/' ? NULL : memmem(s, len, "://", 3);
		if (!at)
			return (struct http1_span){};
		from = at + 3 - s;
	}
	for (n = from; n < len && !memchr("/?#", s[n], 3); n++)
		;
	at = memrchr(s + from, '@', n - from);
	if (at)
		from = at + 1 - s;
	return (struct http1_span){m->target.at + from, n - from};
}

struct http1_span head_host(const struct http1_msg *m)
{
	struct http1_span a = authority(m);
	const struct http1_span *h = a.len ? NULL : head_field(m, "Host", 4);

	return h ? *h : a;
}
