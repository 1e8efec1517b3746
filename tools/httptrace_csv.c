// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --csv: comma-separated values by RFC 4180, which ends lines with CR LF and doubles quotes. What
 * would act on a terminal is escaped as in text. Nothing is an empty cell.
 *
 * Spreadsheets take a cell that begins with = + - or @ for a formula, and what is in a URL anybody
 * may have written: text that begins so gets a ' in front, which they take for "this is text".
 */
#include "httptrace_rows.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct json line; /* as a buffer that grows */

static int put_line(void)
{
	json_raw(&line, "\r\n", 2);
	if (line.err)
		return fail(line.err, "no memory for a line of CSV");
	return row_put(line.buf, line.len);
}

static void put_quoted(const char *s, size_t n)
{
	const char *end = s + n, *quote;

	json_raw(&line, "\"", 1);
	while ((quote = memchr(s, '"', end - s))) {
		json_raw(&line, s, quote + 1 - s);
		json_raw(&line, "\"", 1);
		s = quote + 1;
	}
	json_raw(&line, s, end - s);
	json_raw(&line, "\"", 1);
}

static void put_text(struct text t)
{
	static char *escaped; /* kept for the next */
	static size_t cap;
	size_t need = 4 * t.n + 2, n;
	char *buf = need > cap ? realloc(escaped, need) : escaped;

	if (!buf) {
		line.err = -ENOMEM;
		return;
	}
	escaped = buf;
	cap = need > cap ? need : cap;
	buf[0] = '\'';
	n = text_escape(buf + 1, cap - 1, t.s, t.n);
	if (buf[1] && strchr("=+-@", buf[1]))
		n++;
	else
		buf++;
	if (memchr(buf, ',', n) || memchr(buf, '"', n) || buf[0] == ' ' || buf[n - 1] == ' ')
		put_quoted(buf, n);
	else
		json_raw(&line, buf, n);
}

static void put_value(const struct value *v)
{
	char tmp[24];

	switch (v->kind) {
	case VALUE_NONE: break;
	case VALUE_NUMBER: json_raw(&line, tmp, put_number(tmp, v->n) - tmp); break;
	case VALUE_PERCENT: json_raw(&line, tmp, put_percent(tmp, v->n) - tmp); break;
	case VALUE_BOOL: json_raw(&line, v->n ? "true" : "false", v->n ? 4 : 5); break;
	case VALUE_WORD: json_raw(&line, v->text.s, v->text.n); break;
	case VALUE_TEXT: put_text(v->text); break;
	}
}

int csv_header(void)
{
	json_reset(&line);
	for (size_t i = 0; i < nfields; i++) {
		json_raw(&line, ",", !!i);
		json_raw(&line, fields[i].key, fields[i].key_len);
	}
	return put_line();
}

int csv_span(const struct span *s)
{
	struct view view;

	if (!set.csv)
		return 0;
	view_of(&view, s);
	json_reset(&line);
	for (size_t i = 0; i < nfields; i++) {
		struct value v = fields[i].get(&view);

		json_raw(&line, ",", !!i);
		put_value(&v);
	}
	return put_line();
}
