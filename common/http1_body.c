// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include "http1_int.h"

static bool like_response(const char *s, size_t n)
{
	static const char shape[PEEK + 1] = "HTTP/1.d ddd";

	for (size_t i = 0; i < n; i++)
		if (shape[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
			return false;
	return true;
}

void http1_unpeek(struct http1 *c, struct http1_dir *d)
{
	struct msg *m = d->m;
	char held[PEEK];
	size_t n = m->npeek;

	memcpy(held, m->peek, n);
	m->npeek = 0;
	d->state = m->after_peek;
	http1_feed(c, d, held, n);
}

size_t http1_peek_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	struct msg *m = d->m;
	char held[PEEK];
	size_t i = 0;

	if (!m->npeek)
		m->pub.body_ns = d->now_ns;
	while (i < n && m->npeek < PEEK && like_response(m->peek, m->npeek))
		m->peek[m->npeek++] = p[i++];
	if (!like_response(m->peek, m->npeek)) {
		http1_unpeek(c, d);
	} else if (m->npeek == PEEK) {
		memcpy(held, m->peek, PEEK);
		m->pub.framing = HTTP1_NO_BODY;
		m->pub.body_ns = 0;
		d->left = 0;
		http1_complete(c, d);
		http1_feed(c, d, held, PEEK);
	}
	return i;
}

size_t http1_fixed_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	size_t k = n < d->left ? n : d->left;

	d->count.fed += k;
	d->m->pub.body_bytes += k;
	d->left -= k;
	http1_body_bytes(c, d, p, k);
	if (!d->left) {
		if (d->state == ST_CHUNK) {
			d->state = ST_CHUNK_END;
			d->phase = PHASE_NONE;
		} else {
			http1_complete(c, d);
		}
	}
	return k;
}

static void bad_chunk(struct http1 *c, struct http1_dir *d)
{
	d->m->pub.anomalies |= HTTP1_BAD_CHUNK;
	http1_lose(c, d, HTTP1_RESYNC);
}

/* The size's digits; false where there is no size. */
static bool size_digits(struct http1_dir *d, const char *p, size_t n, size_t *i)
{
	for (; *i < n && http1_hex(p[*i]) >= 0; ++*i) {
		if (d->left >> 59)
			return false;
		d->left = d->left << 4 | http1_hex(p[*i]);
		d->phase = PHASE_DIGITS;
	}
	if (*i == n)
		return true;
	return d->phase == PHASE_DIGITS && memchr(" \t;\r\n", p[*i], 5);
}

static void size_end(struct http1_dir *d, bool cr)
{
	struct msg *m = d->m;

	if (!cr)
		m->pub.anomalies |= HTTP1_BARE_LF;
	d->phase = PHASE_NONE;
	if (d->left) {
		d->state = ST_CHUNK;
		return;
	}
	d->state = ST_TRAILER;
	m->in_trailers = true;
	m->line = m->text_len;
	m->line_len = m->ntail = 0;
	m->last = FIELD_OTHER;
}

size_t http1_size_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	const char *nl;
	size_t i = 0, end;

	if (d->phase < PHASE_REST) {
		if (!size_digits(d, p, n, &i)) {
			d->count.fed += i;
			bad_chunk(c, d);
			return i;
		}
		if (i < n)
			d->phase = PHASE_REST;
	}
	if (i < n) {
		nl = memchr(p + i, '\n', n - i);
		end = nl ? (size_t)(nl - p) : n;
		/* A CR that is not before the LF is one in the extension. */
		if (d->phase == PHASE_CR && end > i)
			d->m->pub.anomalies |= HTTP1_CONTROL_BYTE;
		if (end > i) {
			d->phase = p[end - 1] == '\r' ? PHASE_CR : PHASE_REST;
			if (http1_has_control(p + i, end - i - (d->phase == PHASE_CR)))
				d->m->pub.anomalies |= HTTP1_CONTROL_BYTE;
		}
		i = end;
		if (nl) {
			size_end(d, d->phase == PHASE_CR);
			i++;
		}
	}
	d->count.fed += i;
	return i;
}

size_t http1_chunk_end_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	if (*p == '\r' && d->phase == PHASE_NONE) {
		d->phase = PHASE_CR;
	} else if (*p == '\n') {
		if (d->phase == PHASE_NONE)
			d->m->pub.anomalies |= HTTP1_BARE_LF;
		d->phase = PHASE_NONE;
		d->state = ST_SIZE;
	} else {
		bad_chunk(c, d);
		return 0;
	}
	d->count.fed++;
	return 1;
}
