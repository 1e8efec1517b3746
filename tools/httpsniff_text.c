// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Heads and trailers masked: the copies that are shown, and raw bytes. Both by the same rules,
 * those of heads on the wire (redact_head_feed()), so that they agree.
 */
#include "httpsniff_msg.h"
#include "headmask.h"
#include <string.h>

static bool copy(struct draft *d, const struct http1_msg *m, size_t from, size_t to)
{
	if (!hold_grow(&d->text, &d->text_cap, headmask_room(m, from, to)))
		return false;
	headmask_copy(&redact, m, d->text, from, to);
	return true;
}

bool text_head(struct draft *d, const struct http1_msg *m)
{
	d->head_len = headmask_len(m, set.max_header);
	return set.no_redact || copy(d, m, 0, d->head_len);
}

/* Spans of trailers end where the last of them does; what is masked, behind its line. */
bool text_trailers(struct draft *d, const struct http1_msg *m)
{
	const struct http1_header *last;
	size_t to;

	if (!m->ntrailers || set.no_redact)
		return true;
	last = &m->headers[m->nheaders + m->ntrailers - 1];
	to = (size_t)last->value.at + last->value.len;
	if (!m->truncated)
		to = (char *)rawmemchr(m->text + to, '\n') + 1 - m->text;
	return copy(d, m, d->head_len, to);
}

/* Is the head in d->text as it was on the wire, but for what is masked? */
static bool as_sent(const struct draft *d, const struct http1_msg *m)
{
	return d->head_len == m->head_bytes && !(m->anomalies & HTTP1_OBS_FOLD);
}

/* Trailers stand behind the last chunk, and the line of one without bytes; that is no header. */
void text_mask_raw(const struct draft *d, const struct http1_msg *m, char *raw, size_t len)
{
	size_t head = m->head_bytes < len ? m->head_bytes : len, at = head;

	if (as_sent(d, m))
		memcpy(raw, d->text, head);
	else
		headmask_raw(&redact, raw, head, true);
	if (d->body_end)
		at = d->body_end - m->begin;
	if (m->framing == HTTP1_CHUNKED && at < len)
		headmask_raw(&redact, raw + at, len - at, false);
}
