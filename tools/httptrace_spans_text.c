// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What a span keeps of its request's head: a few parts, masked unless --no-redact.
 */
#include "httptrace_spans.h"
#include "headmask.h"
#include "httphead.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIELD_MAX 512 /* bytes that are kept of x-request-id, and of tracestate */

/* A head on its way into a span. */
struct head {
	const struct http1_msg *m;
	size_t len; /* bytes of it that count */
	const char *whole; /* all of it masked, or as it is; NULL: it is masked line by line */
	uint32_t host, request_id; /* which headers they are; HEADMASK_START: none */
	struct http1_span host_at, id_at;
	char state[FIELD_MAX]; /* tracestate, masked */
	size_t state_len;
	bool failed; /* no memory */
};
static struct head taken; /* the last */

/* What is masked of a head; as long as the largest so far. */
static struct {
	char *buf;
	size_t cap;
} room;

static bool room_for(size_t n)
{
	char *more;

	if (n <= room.cap)
		return true;
	more = realloc(room.buf, n);
	if (!more)
		return false;
	room.buf = more;
	room.cap = n;
	return true;
}

void text_free(void)
{
	free(room.buf);
	memset(&room, 0, sizeof(room));
}

/* The text in which the line of header i, or the start-line, can be shown. */
static const char *line_of(const struct head *h, uint32_t i)
{
	return h->whole ?: headmask_line(&redact, h->m, i, h->len, room.buf);
}

static size_t clip(const struct head *h, struct http1_span s)
{
	return s.at >= h->len ? 0 : s.len < h->len - s.at ? s.len : h->len - s.at;
}

/* RFC 9110, 5.3, and W3C Trace Context, 3.3.1: several are one, with commas. */
static void add_state(struct head *h, uint32_t i)
{
	struct http1_span v = h->m->headers[i].value;
	size_t n = clip(h, v), left = sizeof(h->state) - h->state_len;

	if (h->state_len && left) {
		h->state[h->state_len++] = ',';
		left--;
	}
	n = n < left ? n : left;
	memcpy(h->state + h->state_len, line_of(h, i) + v.at, n);
	h->state_len += n;
}

static bool is(const struct http1_msg *m, uint32_t i, const char *name)
{
	return !strncasecmp(m->text + m->headers[i].name.at, name, m->headers[i].name.len);
}

static void find_fields(struct head *h)
{
	const struct http1_msg *m = h->m;

	h->host = h->request_id = HEADMASK_START;
	for (uint32_t i = 0; i < m->nheaders; i++) {
		switch (m->headers[i].name.len) {
		case 4:
			if (h->host == HEADMASK_START && is(m, i, "Host"))
				h->host = i;
			break;
		case 10:
			if (is(m, i, "tracestate"))
				add_state(h, i);
			break;
		case 12:
			if (h->request_id == HEADMASK_START && is(m, i, "X-Request-ID"))
				h->request_id = i;
			break;
		}
	}
}

static bool take_head(struct head *h, const struct http1_msg *m)
{
	h->m = m;
	h->whole = NULL;
	h->state_len = 0;
	h->len = headmask_len(m, set.max_header);
	if (set.no_redact) {
		h->whole = m->text;
	} else {
		if (!room_for(headmask_room(m, 0, h->len)))
			return false;
		if (!headmask_by_line(m)) {
			headmask_copy(&redact, m, room.buf, 0, h->len);
			h->whole = room.buf;
		}
	}
	find_fields(h);
	return true;
}

static uint32_t append(char **to, const char *s, size_t n)
{
	memcpy(*to, s, n);
	*to += n;
	return n;
}

static void fill(struct span *s, const struct head *h, char *to)
{
	const struct http1_msg *m = h->m;
	struct http1_span host = h->host_at, id = h->id_at;
	const char *start = line_of(h, HEADMASK_START);
	size_t method = clip(h, m->method);
	/* It stands in the target, or else in its header. */
	bool in_target = h->host == HEADMASK_START || host.at != m->headers[h->host].value.at;

	s->method_len =
		append(&to, start + m->method.at, method < UINT16_MAX ? method : UINT16_MAX);
	s->url_len = append(&to, start + m->target.at, clip(h, m->target));
	s->host_len =
		append(&to, (in_target ? start : line_of(h, h->host)) + host.at, clip(h, host));
	if (id.len)
		s->request_id_len = append(&to, line_of(h, h->request_id) + id.at, clip(h, id));
	s->state_len = append(&to, h->state, h->state_len);
}

static size_t text_size(const struct head *h)
{
	const struct http1_msg *m = h->m;

	return (size_t)m->method.len + m->target.len + h->host_at.len + h->id_at.len + h->state_len;
}

size_t text_take(const struct http1_msg *m)
{
	struct head *h = &taken;

	h->failed = !take_head(h, m);
	if (h->failed)
		return 0;
	h->host_at = head_host(m);
	h->id_at = (struct http1_span){};
	if (h->request_id != HEADMASK_START) {
		h->id_at = m->headers[h->request_id].value;
		h->id_at.len = h->id_at.len < FIELD_MAX ? h->id_at.len : FIELD_MAX;
	}
	return text_size(h);
}

void text_give(struct span *s)
{
	char *to = taken.failed ? NULL : span_room(s, text_size(&taken));

	if (to) {
		fill(s, &taken, to);
		return;
	}
	s->complete = 0;
	s->why = HTTP1_NOMEM;
}
