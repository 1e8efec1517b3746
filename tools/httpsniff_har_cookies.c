// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "httpsniff_har.h"
#include "row.h"

static struct har_text trim(struct har_text t)
{
	for (; t.n && isspace((unsigned char)*t.s); t.s++)
		t.n--;
	while (t.n && isspace((unsigned char)t.s[t.n - 1]))
		t.n--;
	return t;
}

/* Takes what stands before the first such character, and that character, from t. */
static struct har_text cut(struct har_text *t, char at)
{
	const char *end = memchr(t->s, at, t->n);
	struct har_text first = {t->s, end ? end - t->s : (ptrdiff_t)t->n};

	t->s += first.n + !!end;
	t->n -= first.n + !!end;
	return trim(first);
}

static bool is(struct har_text t, const char *what)
{
	return t.n == strlen(what) && !strncasecmp(t.s, what, t.n);
}

/* "Wed, 21 Oct 2026 07:28:00 GMT", as HAR writes times; what is none is left out. */
static void put_expires(struct json *j, struct har_text t)
{
	char text[40], iso[36];
	struct tm tm = {};
	time_t when;

	if (t.n >= sizeof(text))
		return;
	memcpy(text, t.s, t.n);
	text[t.n] = 0;
	for (char *c = text; *c; c++)
		*c = *c == '-' ? ' ' : *c;
	if (!strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		return;
	when = timegm(&tm);
	/* Years that the clock's nanoseconds reach */
	if (when >= 0 && (uint64_t)when < UINT64_MAX / 1000000000)
		json_str(j, "expires", row_rfc3339(iso, (uint64_t)when * 1000000000));
}

enum { PATH, DOMAIN, EXPIRES, HTTP_ONLY, SECURE, SAME_SITE, ATTRIBUTES };

/* Takes a cookie's attributes from t; of one that is repeated the last counts. */
static void put_attributes(struct json *j, struct har_text t)
{
	static const char *const names[] = {"Path",	"Domain", "Expires",
					    "HttpOnly", "Secure", "SameSite"};
	struct har_text v[ATTRIBUTES] = {};

	while (t.n) {
		struct har_text value = cut(&t, ';'), name = cut(&value, '=');

		for (int i = 0; i < ATTRIBUTES; i++) {
			if (is(name, names[i]))
				v[i] = trim(value);
		}
	}
	if (v[PATH].s)
		har_put_text(j, "path", v[PATH]);
	if (v[DOMAIN].s)
		har_put_text(j, "domain", v[DOMAIN]);
	if (v[EXPIRES].s)
		put_expires(j, v[EXPIRES]);
	json_bool(j, "httpOnly", v[HTTP_ONLY].s);
	json_bool(j, "secure", v[SECURE].s);
	if (v[SAME_SITE].s)
		har_put_text(j, "sameSite", v[SAME_SITE]);
}

/* "a=1; b=2", or "a=1; Path=/": the attributes of one. */
static void put_cookie_header(struct json *j, struct har_text value, bool request)
{
	struct har_text pair, name;

	while (value.n) {
		pair = cut(&value, ';');
		if (!pair.n)
			continue;
		name = cut(&pair, '=');
		json_open(j, NULL, '{');
		har_put_text(j, "name", name);
		har_put_text(j, "value", trim(pair));
		if (!request) {
			put_attributes(j, value);
			value.n = 0;
		}
		json_close(j, '}');
	}
}

void har_put_cookies(struct json *j, const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	json_open(j, "cookies", '[');
	for (uint32_t i = 0; i < m->nheaders; i++) {
		if (har_named(msg, &m->headers[i], m->request ? "Cookie" : "Set-Cookie"))
			put_cookie_header(j, har_span(msg, m->headers[i].value), m->request);
	}
	json_close(j, ']');
}
