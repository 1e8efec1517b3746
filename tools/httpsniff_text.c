// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Heads and trailers masked: the copies that are shown, and raw bytes. Both by the same rules, those
 * of heads on the wire (redact_head_feed()), so that they agree.
 */
#include "httpsniff_msg.h"
#include <string.h>

/* More than one empty line does not end the masking: what follows may be headers to others. */
static void mask(char *p, size_t n, bool start_line)
{
	struct redact_head h;
	size_t k;

	for (; n; p += k, n -= k) {
		redact_head_start(&h, &redact, start_line);
		k = redact_head_feed(&h, p, n);
		start_line = false;
	}
}

/*
 * http1 joins folds with spaces; on the wire there were line ends, behind which others may see a
 * header of its own. They may have been where two blanks meet: p, a copy of the n bytes at text that
 * is masked already, gets what is to be masked then, too. spare has room for n bytes.
 */
static void mask_folds(char *p, const char *text, size_t n, bool start_line, char *spare)
{
	const char *nl = start_line ? memchr(text, '\n', n) : text;
	size_t i = nl ? (size_t)(nl - text) : n;

	memcpy(spare, text, n);
	for (; i + 1 < n; i++) {
		if (text[i] == ' ' && text[i + 1] == ' ' && (!i || text[i - 1] != ' '))
			spare[i] = '\n';
	}
	mask(spare, n, start_line);
	for (i = 0; i < n; i++) {
		if (spare[i] == '*')
			p[i] = '*';
	}
}

static bool copy(struct draft *d, const struct http1_msg *m, size_t from, size_t to)
{
	bool folds = m->anomalies & HTTP1_OBS_FOLD;
	size_t n = to - from;

	if (!hold_grow(&d->text, &d->text_cap, to + (folds ? n : 0)))
		return false;
	memcpy(d->text + from, m->text + from, n);
	mask(d->text + from, n, !from);
	if (folds)
		mask_folds(d->text + from, m->text + from, n, !from, d->text + to);
	return true;
}

bool text_head(struct draft *d, const struct http1_msg *m)
{
	d->head_len = m->head_bytes < set.max_header ? m->head_bytes : set.max_header;
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

void text_mask_raw(char *raw, size_t len, const struct http1_msg *m, uint64_t body_end)
{
	size_t head = m->head_bytes < len ? m->head_bytes : len, at;
	const char *nl;

	mask(raw, head, true);
	if (m->framing != HTTP1_CHUNKED)
		return;
	/* Behind the last chunk its line end, and the line of one without bytes: "0". */
	at = body_end > m->begin ? body_end - m->begin : head;
	for (int lines = body_end > m->begin ? 2 : 1; lines; lines--) {
		nl = at < len ? memchr(raw + at, '\n', len - at) : NULL;
		if (!nl)
			return;
		at = nl + 1 - raw;
	}
	mask(raw + at, len - at, false);
}
