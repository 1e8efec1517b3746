// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Heads and trailers masked: the copies that are shown, and raw bytes. Both by the same rules,
 * those of heads on the wire (redact_head_feed()), so that they agree.
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

/* Lines are what they seem to be: this one begins with its name, and ends behind its value. */
#define ODD_LINES                                                                                  \
	(HTTP1_OBS_FOLD | HTTP1_BAD_LINE | HTTP1_SPACE_BEFORE_COLON | HTTP1_CONTROL_BYTE |         \
	 HTTP1_ODD_START)

/* A header's name, and whether its values are masked as any text is. */
struct known {
	uint8_t len;
	bool text;
	char name[38];
};

/* Few names are in use, and telling of what kind they are takes longer than finding them here. */
static bool is_text(const char *name, size_t n)
{
	static struct known names[256];
	const unsigned char *s = (const unsigned char *)name;
	struct known *k;
	char probe = 'x';

	if (!n || n > sizeof(k->name))
		return false;
	k = &names[(n + s[0] * 5u + s[n / 2] * 31u + s[n - 1] * 17u) % 256];
	if (k->len != n || memcmp(k->name, name, n)) {
		k->len = n;
		memcpy(k->name, name, n);
		k->text = !redact_header(&redact, name, n, &probe, 1);
	}
	return k->text;
}

/* Has one of these bytes a value of c? */
static uint64_t has(uint64_t bytes, unsigned char c)
{
	uint64_t ones = 0x0101010101010101, x = bytes ^ ones * c;

	return (x - ones) & ~x & ones << 7;
}

/* In a text there is nothing to mask where there is no '@', '=' or '%', which stands for any. */
static bool marked(const char *p, size_t n)
{
	uint64_t w, found = 0;

	for (; n >= sizeof(w); p += sizeof(w), n -= sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		found |= has(w, '@') | has(w, '=') | has(w, '%');
	}
	for (; n; p++, n--)
		found |= *p == '@' || *p == '=' || *p == '%';
	return found;
}

/* What mask() does to a whole head with no odd lines: most of them have nothing to be masked. */
static void mask_lines(char *p, size_t n, const struct http1_msg *m)
{
	size_t at = m->nheaders ? m->headers[0].name.at : n;

	if (marked(p, at))
		mask(p, at, true);
	for (uint32_t i = 0; i < m->nheaders; i++) {
		const struct http1_header *h = &m->headers[i];
		size_t next = i + 1 < m->nheaders ? h[1].name.at : n;

		if (!is_text(p + h->name.at, h->name.len) || marked(p + h->value.at, h->value.len))
			mask(p + h->name.at, next - h->name.at, false);
	}
}

/*
 * http1 joins folds with spaces; on the wire there were line ends, behind which others may see a
 * header of its own. They may have been where two blanks meet: p, a copy of the n bytes at text
 * that is masked already, gets what is to be masked then, too. spare has room for n bytes.
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
	if (!from && m->head_whole && !m->truncated && !(m->anomalies & ODD_LINES))
		mask_lines(d->text, n, m);
	else
		mask(d->text + from, n, !from);
	if (folds)
		mask_folds(d->text + from, m->text + from, n, !from, d->text + to);
	return true;
}

bool text_head(struct draft *d, const struct http1_msg *m)
{
	bool all = m->head_bytes < set.max_header || (m->head_whole && !m->truncated);

	d->head_len = all ? m->head_bytes : set.max_header;
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
		mask(raw, head, true);
	if (d->body_end)
		at = d->body_end - m->begin;
	if (m->framing == HTTP1_CHUNKED && at < len)
		mask(raw + at, len - at, false);
}
