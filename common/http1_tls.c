// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The name that a ClientHello asks for: RFC 8446 4.1.2 and 5.1, RFC 6066 3. */
#include <string.h>
#include "http1_int.h"

#define RECORD_HEAD  5
#define HANDSHAKE    0x16
#define CLIENT_HELLO 1
#define SERVER_NAME  0

struct cursor {
	const unsigned char *p, *end;
};

/* A number of n bytes; *ok turns false at the end. */
static uint32_t number(struct cursor *c, int n, bool *ok)
{
	uint32_t v = 0;

	if (c->end - c->p < n) {
		*ok = false;
		c->p = c->end;
		return 0;
	}
	while (n--)
		v = v << 8 | *c->p++;
	return v;
}

static void skip(struct cursor *c, size_t n)
{
	c->p += (size_t)(c->end - c->p) < n ? (size_t)(c->end - c->p) : n;
}

static size_t server_name(struct cursor c, const char **name)
{
	bool ok = true;
	uint32_t type, n;

	number(&c, 2, &ok);
	type = number(&c, 1, &ok);
	n = number(&c, 2, &ok);
	if (!ok || type || !n || n > (size_t)(c.end - c.p))
		return 0;
	*name = (const char *)c.p;
	return n;
}

static size_t find_name(struct cursor c, const char **name)
{
	bool ok = true;
	uint32_t type, n;

	skip(&c, RECORD_HEAD);
	if (number(&c, 1, &ok) != CLIENT_HELLO)
		return 0;
	skip(&c, 3 + 2 + 32); /* length, version, random */
	skip(&c, number(&c, 1, &ok)); /* session */
	skip(&c, number(&c, 2, &ok)); /* ciphers */
	skip(&c, number(&c, 1, &ok)); /* compression */
	number(&c, 2, &ok);
	while (ok) {
		type = number(&c, 2, &ok);
		n = number(&c, 2, &ok);
		if (ok && type == SERVER_NAME)
			return server_name(c, name);
		skip(&c, n);
	}
	return 0;
}

void http1_tls_done(struct http1 *c, struct http1_dir *d)
{
	const struct msg *m = d->m;
	const unsigned char *s = (const unsigned char *)m->text;
	size_t limit = c->p->opts.max_header, len = m->text_len < limit ? m->text_len : limit,
	       n = 0;
	const char *at = NULL;
	char name[256];

	if (len < RECORD_HEAD) {
		d->state = m->candidate ? ST_SEARCH : ST_HEAD;
		http1_not_start(c, d, false);
		return;
	}
	if (*s == HANDSHAKE)
		n = find_name((struct cursor){s, s + len}, &at);
	if (n > sizeof(name) - 1)
		n = sizeof(name) - 1;
	if (n)
		memcpy(name, at, n);
	http1_opaque(c, d, HTTP1_TO_TLS, n ? name : NULL, n);
}

/* False when the first n bytes of a record are none's (RFC 8446 5.1: at most 2^14 + 256). */
static bool record_head(const unsigned char *s, size_t n)
{
	return (n < 2 || s[1] == 3) && (n < 3 || s[2] <= 4) && (n < 4 || s[3] <= 0x41);
}

size_t http1_tls_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	struct msg *m = d->m;
	const unsigned char *s = (const unsigned char *)m->text;
	bool head = m->line_len < RECORD_HEAD;
	uint64_t want = head ? RECORD_HEAD : RECORD_HEAD + (s[3] << 8 | s[4]);
	size_t k;

	if (want > c->p->opts.max_header)
		want = c->p->opts.max_header;
	/* Its head a byte at a time: where pieces are cut must not matter to what refuses it. */
	k = head ? 1 : want - m->line_len < n ? want - m->line_len : n;
	d->count.fed += k;
	if (!http1_keep(c, m, p, k))
		return n;
	s = (const unsigned char *)m->text;
	if (!record_head(s, m->text_len)) {
		d->state = m->candidate ? ST_SEARCH : ST_HEAD;
		http1_not_start(c, d, false);
	} else if (m->line_len == want && (!head || *s != HANDSHAKE)) {
		http1_tls_done(c, d);
	}
	return k;
}
