// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include <strings.h>
#include "http1_int.h"

enum field http1_field(const char *name, size_t n)
{
	switch (n) {
	case 10: return strncasecmp(name, "Connection", n) ? FIELD_OTHER : FIELD_CONNECTION;
	case 14: return strncasecmp(name, "Content-Length", n) ? FIELD_OTHER : FIELD_LENGTH;
	case 17: return strncasecmp(name, "Transfer-Encoding", n) ? FIELD_OTHER : FIELD_ENCODING;
	}
	return FIELD_OTHER;
}

/* The next element of a list, without spaces; false at its end. Empty elements count. */
static bool element(const char **s, size_t *n, const char **e, size_t *len)
{
	const char *comma;

	if (!*s)
		return false;
	comma = memchr(*s, ',', *n);
	*e = *s;
	*len = comma ? (size_t)(comma - *s) : *n;
	*n -= *len + !!comma;
	*s = comma ? comma + 1 : NULL;
	for (; *len && (**e == ' ' || **e == '\t'); (*e)++)
		--*len;
	while (*len && ((*e)[*len - 1] == ' ' || (*e)[*len - 1] == '\t'))
		--*len;
	return true;
}

static bool is(const char *e, size_t n, const char *word)
{
	return n == strlen(word) && !strncasecmp(e, word, n);
}

/* RFC 9112 6.3: equal values in a list or in several headers are one. */
static void length_field(struct msg *m, const char *s, size_t n)
{
	const char *e;
	size_t len;

	while (element(&s, &n, &e, &len)) {
		uint64_t v = 0;
		size_t i = 0;

		for (; i < len && e[i] >= '0' && e[i] <= '9' && v < (uint64_t)INT64_MAX / 10; i++)
			v = v * 10 + (e[i] - '0');
		if (!len || i < len) {
			m->bad_length = true;
			continue;
		}
		if (m->has_length)
			m->pub.anomalies |=
				m->length == v ? HTTP1_LENGTH_REPEATED : HTTP1_LENGTH_CONFLICT;
		m->has_length = true;
		m->length = v;
	}
}

static void encoding_field(struct msg *m, const char *s, size_t n)
{
	const char *e;
	size_t len;

	m->has_encoding = true;
	while (element(&s, &n, &e, &len)) {
		/* Nothing comes after chunked, which comes once; an empty element says nothing. */
		m->encoding_bad |= m->chunked && len;
		for (size_t i = 0; i < len && e[i] != ';'; i++)
			m->encoding_bad |= !http1_tchar(e[i]);
		m->chunked = is(e, len, "chunked") || (m->chunked && !len);
	}
}

void http1_frame_field(struct msg *m, enum field f, const char *s, size_t n)
{
	const char *e;
	size_t len;

	switch (f) {
	case FIELD_LENGTH: length_field(m, s, n); break;
	case FIELD_ENCODING: encoding_field(m, s, n); break;
	case FIELD_CONNECTION:
		while (element(&s, &n, &e, &len)) {
			m->pub.close |= is(e, len, "close");
			m->keep_alive |= is(e, len, "keep-alive");
		}
		break;
	case FIELD_OTHER: break;
	}
}

static enum http1_framing by_fields(const struct msg *m)
{
	if (m->has_encoding && m->chunked && !m->encoding_bad)
		return HTTP1_CHUNKED;
	/* A server cannot know where such a request ends; a response goes on to the close. */
	if (m->has_encoding)
		return m->pub.request ? HTTP1_UNKNOWN : HTTP1_UNTIL_CLOSE;
	if (m->bad_length || m->pub.anomalies & HTTP1_LENGTH_CONFLICT)
		return HTTP1_UNKNOWN;
	if (m->has_length)
		return m->length ? HTTP1_LENGTH : HTTP1_NO_BODY;
	return m->pub.request ? HTTP1_NO_BODY : HTTP1_UNTIL_CLOSE;
}

/* RFC 9112 6.3, in its order. */
static enum http1_framing framing(struct msg *m)
{
	struct http1_msg *pub = &m->pub;

	if (m->bad_length)
		pub->anomalies |= HTTP1_BAD_LENGTH;
	if (m->has_encoding && (m->has_length || m->bad_length))
		pub->anomalies |= HTTP1_LENGTH_AND_ENCODING;
	if (m->has_encoding && (!m->chunked || m->encoding_bad))
		pub->anomalies |= HTTP1_BAD_ENCODING;
	if (!pub->request && (pub->status < 200 || pub->status == 204 || pub->status == 304 ||
			      m->head_method || (m->connect && pub->status < 300)))
		return HTTP1_NO_BODY;
	return by_fields(m);
}

static void enter_body(struct http1 *c, struct http1_dir *d)
{
	struct msg *m = d->m;

	d->phase = PHASE_NONE;
	d->left = 0;
	switch (m->pub.framing) {
	case HTTP1_LENGTH:
		d->left = m->length;
		d->state = ST_FIXED;
		break;
	case HTTP1_CHUNKED: d->state = ST_SIZE; break;
	default: d->state = ST_CLOSE; break;
	}
	/* Was it a HEAD that it answers? Then the next response stands where its body would. */
	if (m->unknown_request && !m->pub.request) {
		m->after_peek = d->state;
		d->state = ST_PEEK;
	}
}

/* The message has no body, and is over. */
static void no_body(struct http1 *c, struct http1_dir *d)
{
	struct msg *m = d->m;
	const struct http1_msg *pub = &m->pub;
	bool upgrade = !pub->request && pub->status == 101;
	bool tunnel = !pub->request && m->connect && pub->status >= 200 && pub->status < 300;

	http1_complete(c, d);
	if (upgrade || tunnel)
		http1_opaque(c, d, upgrade ? HTTP1_TO_UPGRADE : HTTP1_TO_TUNNEL, NULL, 0);
}

void http1_frame(struct http1 *c, struct http1_dir *d)
{
	struct msg *m = d->m;
	struct http1_msg *pub = &m->pub;

	if (m->candidate) {
		if (!http1_start_fits(c, d, pub->request ? START_REQUEST : START_RESPONSE)) {
			http1_not_start(c, d, true);
			return;
		}
		m->candidate = false;
		http1_heard(c, d, m);
	}
	if (!pub->request)
		http1_pair_response(c, m, true);
	pub->close |= !pub->minor && !m->keep_alive;
	pub->framing = framing(m);
	if (pub->framing == HTTP1_LENGTH)
		pub->content_length = m->length;
	if (pub->framing != HTTP1_NO_BODY && pub->framing != HTTP1_UNKNOWN)
		enter_body(c, d);
	http1_tell_head(c, m);
	if (pub->framing == HTTP1_NO_BODY)
		no_body(c, d);
	else if (pub->framing == HTTP1_UNKNOWN)
		http1_lose(c, d, HTTP1_RESYNC);
}
