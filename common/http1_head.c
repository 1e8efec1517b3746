// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "http1_int.h"

static bool grow(struct msg *m, size_t need, size_t limit)
{
	size_t cap = m->text_cap;
	char *text;

	while (cap < need)
		cap *= 2;
	if (cap > limit)
		cap = limit;
	text = realloc(m->text, cap);
	if (!text)
		return false;
	m->text = text;
	m->text_cap = cap;
	return true;
}

static void keep_tail(struct msg *m, const char *p, size_t n)
{
	size_t size = sizeof(m->tail), old;

	if (n >= size) {
		memcpy(m->tail, p + n - size, size);
		m->ntail = size;
		return;
	}
	old = m->ntail + n > size ? size - n : m->ntail;
	memmove(m->tail, m->tail + m->ntail - old, old);
	memcpy(m->tail + old, p, n);
	m->ntail = old + n;
}

bool http1_keep(struct http1 *c, struct msg *m, const char *p, size_t n)
{
	size_t limit = (size_t)c->p->opts.max_header + SCRATCH, take = n;

	m->line_len += n;
	if (take > limit - m->text_len)
		take = limit - m->text_len;
	if (m->text_len + take > m->text_cap && !grow(m, m->text_len + take, limit)) {
		http1_nomem(c);
		return false;
	}
	memcpy(m->text + m->text_len, p, take);
	m->text_len += take;
	if (take < n) {
		/* The line's end may be cut anywhere: the tail begins in what was kept. */
		if (!m->ntail)
			keep_tail(m, m->text + m->line, m->text_len - m->line);
		keep_tail(m, p + take, n - take);
	}
	return true;
}

size_t http1_head_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	struct msg *m = d->m;
	size_t done = 0;

	while (done < n && d->m == m && (d->state == ST_HEAD || d->state == ST_TRAILER)) {
		const char *nl = memchr(p + done, '\n', n - done);
		size_t k = nl ? (size_t)(nl + 1 - p - done) : n - done;

		d->count.fed += k;
		if (!http1_keep(c, m, p + done, k))
			return n;
		done += k;
		if (nl)
			http1_line(c, d);
		else if (!m->start_done && (!http1_start_likely(m->text, m->text_len) ||
					    (m->candidate && m->line_len > SEARCH_LINE)))
			http1_not_start(c, d, false);
	}
	return done;
}

static void start_line(struct http1 *c, struct http1_dir *d, char *s, size_t n)
{
	struct msg *m = d->m;
	struct http1_msg *pub = &m->pub;
	struct start st;
	enum start_kind kind;
	size_t limit = c->p->opts.max_header;
	bool cut = m->ntail;
	size_t nend = cut ? m->ntail - (m->tail[m->ntail - 2] == '\r' ? 2u : 1u) : n;

	kind = http1_start(s, n, cut ? m->tail : s, nend, &st);
	if (!http1_start_fits(c, d, kind) ||
	    (m->candidate && !http1_start_strict(s, m->text_len, d->after_gap))) {
		http1_not_start(c, d, true);
		return;
	}
	if (kind == START_HTTP2) {
		http1_opaque(c, d, HTTP1_TO_HTTP2, NULL, 0);
		return;
	}
	m->start_done = true;
	pub->request = kind == START_REQUEST;
	pub->minor = st.minor;
	pub->status = st.status;
	pub->method = st.method;
	pub->target = st.target;
	pub->reason = st.reason;
	if (st.target.at + st.target.len > limit)
		pub->target.len = st.target.at < limit ? limit - st.target.at : 0;
	if (st.reason.at + st.reason.len > limit)
		pub->reason.len = st.reason.at < limit ? limit - st.reason.at : 0;
	pub->anomalies |= (st.odd ? HTTP1_ODD_START : 0) |
			  (http1_has_control(s, n) ? HTTP1_CONTROL_BYTE : 0) |
			  (d->said_close ? HTTP1_AFTER_CLOSE : 0);
	if (http1_traversal(s + st.target.at, st.target.len))
		pub->anomalies |= HTTP1_PATH_TRAVERSAL;
	m->connect = st.method.len == 7 && !memcmp(s, "CONNECT", 7);
	m->head_method = st.method.len == 4 && !memcmp(s, "HEAD", 4);
	/* One that was searched for is believed when its head is whole. */
	if (!m->candidate)
		http1_heard(c, d, m);
}

/* The header before goes on in this line. */
static void fold(struct msg *m, const char *s, size_t n)
{
	struct http1_msg *pub = &m->pub;
	uint32_t count = pub->nheaders + pub->ntrailers;
	size_t at = s - m->text, end = at + n;
	struct http1_header *h;

	pub->anomalies |= HTTP1_OBS_FOLD;
	/* RFC 9112 2.2: what would continue the start-line is not processed. */
	if (m->dropped || (m->in_trailers ? !pub->ntrailers : !count)) {
		pub->anomalies |= HTTP1_BAD_LINE;
		return;
	}
	if (pub->truncated) {
		/* Its value was read already, without this. */
		if (m->last == FIELD_LENGTH)
			m->bad_length = true;
		m->encoding_bad |= m->last == FIELD_ENCODING;
		return;
	}
	h = &m->headers[count - 1];
	while (end > at && (m->text[end - 1] == ' ' || m->text[end - 1] == '\t'))
		end--;
	if (end == at)
		return;
	if (!h->value.len) {
		while (m->text[at] == ' ' || m->text[at] == '\t')
			at++;
		h->value.at = at;
	}
	for (size_t i = h->value.at + h->value.len; i < at; i++)
		m->text[i] = ' ';
	h->value.len = end - h->value.at;
}

/* The value of the last header is whole now. */
static void settle(struct msg *m)
{
	const struct http1_span *v;

	if (!m->pending)
		return;
	v = &m->headers[m->pub.nheaders - 1].value;
	http1_frame_field(m, m->last, m->text + v->at, v->len);
	m->pending = false;
}

/* Where there is no room for it, it is dropped: the rest of the head is framed only. */
static bool record(struct http1 *c, struct msg *m, struct http1_header h)
{
	struct http1_msg *pub = &m->pub;
	uint32_t limit = c->p->opts.max_header, count = pub->nheaders + pub->ntrailers;

	if (count == m->header_cap && count < limit / sizeof(h)) {
		size_t cap = 2 * (size_t)count;
		struct http1_header *more = realloc(m->headers, cap * sizeof(h));

		if (more) {
			m->headers = more;
			m->header_cap = cap;
		}
	}
	if (pub->truncated || count == m->header_cap || h.name.at + h.name.len > limit) {
		pub->truncated = true;
		return false;
	}
	if (h.value.at + h.value.len > limit) {
		h.value.len = h.value.at < limit ? limit - h.value.at : 0;
		pub->truncated = true;
	}
	m->headers[count] = h;
	if (m->in_trailers)
		pub->ntrailers++;
	else
		pub->nheaders++;
	return !pub->truncated;
}

/* The length of the name; 0: the line has none. */
static size_t name_length(struct msg *m, const char *s, size_t n, size_t *colon)
{
	size_t i = 0;
	const char *at;

	while (i < n && http1_tchar(s[i]))
		i++;
	*colon = i;
	if (i && i < n && s[i] == ':')
		return i;
	at = memchr(s, ':', n);
	*colon = at ? at - s : 0;
	if (!at || at == s) {
		m->pub.anomalies |= HTTP1_BAD_LINE;
		return 0;
	}
	for (n = *colon; n && (s[n - 1] == ' ' || s[n - 1] == '\t'); n--)
		;
	if (n < *colon)
		m->pub.anomalies |= HTTP1_SPACE_BEFORE_COLON;
	if (i < n)
		m->pub.anomalies |= HTTP1_BAD_LINE;
	return n;
}

static void header_line(struct http1 *c, struct msg *m, char *s, size_t n)
{
	size_t colon, name = name_length(m, s, n, &colon), at = s - m->text, end = n, value;
	enum field f;

	if (http1_has_control(s, n))
		m->pub.anomalies |= HTTP1_CONTROL_BYTE;
	m->dropped = !name;
	if (!name)
		return;
	for (value = colon + 1; value < end && (s[value] == ' ' || s[value] == '\t'); value++)
		;
	while (end > value && (s[end - 1] == ' ' || s[end - 1] == '\t'))
		end--;
	f = m->in_trailers ? FIELD_OTHER : http1_field(s, name);
	m->last = f;
	if (record(c, m, (struct http1_header){{at, name}, {at + value, end - value}})) {
		m->pending = f;
	} else if (f) {
		http1_frame_field(m, f, s + value, end - value);
		/* What does not fit even here has an end that nobody read. */
		if (m->ntail && f == FIELD_LENGTH)
			m->bad_length = true;
		m->encoding_bad |= m->ntail && f == FIELD_ENCODING;
	}
}

static void head_end(struct http1 *c, struct http1_dir *d)
{
	struct msg *m = d->m;

	if (m->pub.truncated)
		m->pub.anomalies |= HTTP1_HEAD_LIMIT;
	if (m->in_trailers) {
		http1_complete(c, d);
		return;
	}
	m->pub.head_bytes = d->count.fed - m->pub.begin;
	m->pub.head_ns = d->now_ns;
	m->pub.head_whole = true;
	http1_frame(c, d);
}

void http1_line(struct http1 *c, struct http1_dir *d)
{
	struct msg *m = d->m;
	char *s = m->text + m->line;
	size_t n = m->text_len - m->line;
	uint32_t limit = c->p->opts.max_header;
	bool cut = m->ntail;
	bool lf = cut ? m->tail[m->ntail - 2] != '\r' : n < 2 || s[n - 2] != '\r';

	if (lf)
		m->pub.anomalies |= HTTP1_BARE_LF;
	if (!cut)
		n -= lf ? 1 : 2;
	if (!m->start_done) {
		start_line(c, d, s, n);
		if (d->m != m || !m->start_done)
			return;
	} else if (!n && !cut) {
		settle(m);
		head_end(c, d);
		return;
	} else if (*s == ' ' || *s == '\t') {
		fold(m, s, n);
	} else {
		settle(m);
		header_line(c, m, s, n);
	}
	if (m->candidate && m->pub.anomalies & HTTP1_BAD_LINE) {
		http1_not_head(c, d);
		return;
	}
	if (m->text_len > limit) {
		m->pub.truncated = true;
		m->text_len = limit;
	}
	m->line = m->text_len;
	m->line_len = m->ntail = 0;
}
