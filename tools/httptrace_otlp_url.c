// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * url.* and server.*: a server's span has the parts of the URL, a client's the whole.
 */
#include "httptrace_otlp_int.h"
#include "net.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* url.full is put together here. */
static struct {
	char *buf;
	size_t cap;
} scratch;

/* Parts of the target; NULL and 0: not there. */
struct url {
	const char *path, *query;
	size_t path_len, query_len;
	bool https, absolute, authority;
};

/* Where the request was sent to, as it says itself, else by the connection. */
struct server {
	const char *name;
	size_t len;
	uint16_t port; /* 0: none */
	char addr[NET_ADDR_SIZE];
};

static void parse_url(const struct span *s, struct url *u)
{
	const char *p = SPAN_URL(s), *end = p + s->url_len, *q;
	size_t scheme = 0;

	*u = (struct url){};
	if (s->url_len >= 7 && !strncasecmp(p, "http://", 7))
		scheme = 7;
	else if (s->url_len >= 8 && !strncasecmp(p, "https://", 8))
		scheme = 8;
	u->absolute = scheme;
	u->https = scheme == 8;
	u->authority = s->method_len == 7 && !memcmp(SPAN_METHOD(s), "CONNECT", 7);
	if (u->authority)
		return;
	for (p += scheme; scheme && p < end && *p != '/' && *p != '?'; p++)
		;
	q = memchr(p, '?', end - p);
	u->path = p;
	u->path_len = (q ?: end) - p;
	if (q) {
		u->query = q + 1;
		u->query_len = end - u->query;
	}
	if (!u->path_len) {
		u->path = "/";
		u->path_len = 1;
	}
}

/* The digits behind the host; -1: that is no port. */
static int parse_port(const char *s, size_t n)
{
	unsigned int v = 0;

	if (!n || n > 5)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (unsigned int)(s[i] - '0');
	}
	return v && v <= UINT16_MAX ? (int)v : -1;
}

static void find_server(const struct span *s, const struct url *u, struct server *v)
{
	const struct flow *f = &s->hop->flow;
	bool client = s->role == CAP_ROLE_CLIENT;
	const char *host = SPAN_HOST(s), *colon;
	int port;

	*v = (struct server){.name = host, .len = s->host_len};
	if (s->host_len) {
		colon = memrchr(host, ':', s->host_len);
		/* An IPv6 address has colons of its own, and brackets around. */
		if (colon && memchr(colon, ']', host + s->host_len - colon))
			colon = NULL;
		port = colon ? parse_port(colon + 1, host + s->host_len - colon - 1) : -1;
		if (port > 0)
			v->len = colon - host;
		v->port = port > 0 ? port : u->https ? 443 : 80;
		if (v->len > 2 && host[0] == '[' && host[v->len - 1] == ']') {
			v->name++;
			v->len -= 2;
		}
	} else if (otlp_unix(s)) {
		v->name = s->hop->path ?: "";
		v->len = strlen(v->name);
	} else {
		v->name = net_addr(v->addr, client ? f->remote : f->local);
		v->len = strlen(v->name);
		v->port = client ? f->remote_port : f->local_port;
	}
}

/* Room for n bytes; NULL: no memory. */
static char *scratch_for(size_t n)
{
	size_t cap = scratch.cap ?: 4096;
	char *buf;

	while (cap < n)
		cap *= 2;
	if (cap > scratch.cap) {
		buf = realloc(scratch.buf, cap);
		if (!buf)
			return NULL;
		scratch.buf = buf;
		scratch.cap = cap;
	}
	return scratch.buf;
}

void otlp_url_free(void)
{
	free(scratch.buf);
	scratch.buf = NULL;
	scratch.cap = 0;
}

/* What was asked for, as a whole URL. */
static void put_full(struct json *j, const struct span *s, const struct url *u,
		     const struct server *v)
{
	const char *scheme = u->absolute ? "" : u->authority ? "//" : "http://";
	const char *target = SPAN_URL(s), *host = SPAN_HOST(s);
	size_t target_len = s->url_len, host_len = s->host_len;
	char endpoint[NET_ENDPOINT_SIZE], *d;

	if (u->absolute || u->authority) {
		host_len = 0;
	} else if (!host_len && v->port) {
		const struct flow *f = &s->hop->flow;

		host = net_endpoint(endpoint, f->remote, f->remote_port);
		host_len = strlen(host);
	} else if (!host_len) {
		/* A URL cannot name a unix socket. */
		host = "localhost";
		host_len = strlen(host);
	}
	/* "OPTIONS *" is about the server itself. */
	if (target_len == 1 && *target == '*')
		target_len = 0;
	d = scratch_for(strlen(scheme) + host_len + target_len);
	if (!d) {
		j->err = -ENOMEM; /* otlp_span_end() takes the span back */
		return;
	}
	d = mempcpy(d, scheme, strlen(scheme));
	d = mempcpy(d, host, host_len);
	d = mempcpy(d, target, target_len);
	OTLP_STR(j, "url.full", scratch.buf, d - scratch.buf);
}

void otlp_put_url(struct json *j, const struct span *s)
{
	struct server v;
	struct url u;

	parse_url(s, &u);
	find_server(s, &u, &v);
	OTLP_STR(j, "server.address", v.name, v.len);
	if (v.port)
		OTLP_INT(j, "server.port", v.port);
	if (s->role == CAP_ROLE_CLIENT) {
		put_full(j, s, &u, &v);
	} else {
		OTLP_STR(j, "url.scheme", u.https ? "https" : "http", u.https ? 5 : 4);
		/* Of CONNECT there is none, but it is a required one. */
		OTLP_STR(j, "url.path", u.path ?: "", u.path_len);
		if (u.query)
			OTLP_STR(j, "url.query", u.query, u.query_len);
	}
}
