// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "headmask.h"
#include <string.h>

/* More than one empty line does not end the masking: what follows may be headers to others. */
void headmask_raw(const struct redact *r, char *p, size_t n, bool start_line)
{
	struct redact_head h;
	size_t k;

	for (; n; p += k, n -= k) {
		redact_head_start(&h, r, start_line);
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
static bool is_text(const struct redact *r, const char *name, size_t n)
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
		k->text = !redact_header(r, name, n, &probe, 1);
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

/* Where the line of header i ends. */
static size_t line_end(const struct http1_msg *m, uint32_t i, size_t len)
{
	return i + 1 < m->nheaders ? m->headers[i + 1].name.at : len;
}

/* What headmask_raw() may find something in: few lines have anything to be masked. */
static bool suspect(const struct redact *r, const struct http1_msg *m, uint32_t i)
{
	const struct http1_header *h = &m->headers[i];

	return !is_text(r, m->text + h->name.at, h->name.len) ||
	       marked(m->text + h->value.at, h->value.len);
}

/* The start-line, and empty lines before it. */
static size_t start_end(const struct http1_msg *m, size_t len)
{
	return m->nheaders ? m->headers[0].name.at : len;
}

static void mask_lines(const struct redact *r, const struct http1_msg *m, char *p, size_t len)
{
	size_t start = start_end(m, len);

	if (marked(p, start))
		headmask_raw(r, p, start, true);
	for (uint32_t i = 0; i < m->nheaders; i++) {
		size_t at = m->headers[i].name.at;

		if (suspect(r, m, i))
			headmask_raw(r, p + at, line_end(m, i, len) - at, false);
	}
}

const char *headmask_line(const struct redact *r, const struct http1_msg *m, uint32_t i, size_t len,
			  char *room)
{
	bool start = i == HEADMASK_START;
	size_t at = start ? 0 : m->headers[i].name.at;
	size_t to = start ? start_end(m, len) : line_end(m, i, len);

	if (start ? !marked(m->text, to) : !suspect(r, m, i))
		return m->text;
	memcpy(room + at, m->text + at, to - at);
	headmask_raw(r, room + at, to - at, start);
	return room;
}

/*
 * http1 joins folds with spaces; on the wire there were line ends, behind which others may see a
 * header of its own. They may have been where two blanks meet: p, a copy of the n bytes at text
 * that is masked already, gets what is to be masked then, too. spare has room for n bytes.
 */
static void mask_folds(const struct redact *r, char *p, const char *text, size_t n, bool start_line,
		       char *spare)
{
	const char *nl = start_line ? memchr(text, '\n', n) : text;
	size_t i = nl ? (size_t)(nl - text) : n;

	memcpy(spare, text, n);
	for (; i + 1 < n; i++) {
		if (text[i] == ' ' && text[i + 1] == ' ' && (!i || text[i - 1] != ' '))
			spare[i] = '\n';
	}
	headmask_raw(r, spare, n, start_line);
	for (i = 0; i < n; i++) {
		if (spare[i] == '*')
			p[i] = '*';
	}
}

size_t headmask_len(const struct http1_msg *m, size_t max_header)
{
	bool all = m->head_bytes < max_header || (m->head_whole && !m->truncated);

	return all ? m->head_bytes : max_header;
}

bool headmask_by_line(const struct http1_msg *m)
{
	return m->head_whole && !m->truncated && !(m->anomalies & ODD_LINES);
}

size_t headmask_room(const struct http1_msg *m, size_t from, size_t to)
{
	return to + (m->anomalies & HTTP1_OBS_FOLD ? to - from : 0);
}

void headmask_copy(const struct redact *r, const struct http1_msg *m, char *dst, size_t from,
		   size_t to)
{
	size_t n = to - from;

	memcpy(dst + from, m->text + from, n);
	if (!from && headmask_by_line(m))
		mask_lines(r, m, dst, n);
	else
		headmask_raw(r, dst + from, n, !from);
	if (m->anomalies & HTTP1_OBS_FOLD)
		mask_folds(r, dst + from, m->text + from, n, !from, dst + to);
}
