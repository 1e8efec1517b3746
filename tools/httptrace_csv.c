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

	while ((quote = memchr(s, '"', end - s))) {
		json_raw(&line, s, quote + 1 - s);
		json_raw(&line, "\"", 1);
		s = quote + 1;
	}
	json_raw(&line, s, end - s);
}

static void put_text(struct text t)
{
	size_t n;
	const char *s = escaped(t, &n);
	bool quotes;

	if (!s) {
		line.err = -ENOMEM;
		return;
	}
	quotes = memchr(s, ',', n) || memchr(s, '"', n) || s[0] == ' ' || s[n - 1] == ' ';
	json_raw(&line, "\"", quotes);
	json_raw(&line, "'", !!memchr("=+-@", s[0], 4));
	put_quoted(s, n);
	json_raw(&line, "\"", quotes);
}

static void put_value(const struct value *v)
{
	char tmp[24];

	switch (v->kind) {
	case VALUE_NONE: break;
	case VALUE_NUMBER: json_raw(&line, tmp, decimal(tmp, v->n) - tmp); break;
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
