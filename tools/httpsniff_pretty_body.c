// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Bodies for people: text with its lines, or a dump.
 */
#include "httpsniff_pretty.h"
#include <stdio.h>
#include <string.h>

#define DUMP 256 /* bytes of a binary body that are shown */

void pretty_piece(struct json *page, const char *s, size_t n)
{
	char buf[4 * 512 + 1];

	for (size_t take; n; s += take, n -= take) {
		take = n < 512 ? n : 512;
		/* A character is not cut in two. */
		while (take < n && take > 509 && (s[take] & 0xc0) == 0x80)
			take--;
		json_raw(page, buf, text_escape(buf, sizeof(buf), s, take));
	}
}

void pretty_lines(struct json *page, const char *s, size_t n)
{
	const char *end = s + n;

	while (s < end) {
		size_t run = 0;

		while (run < (size_t)(end - s) && !memchr("\n\t\\\r", s[run], 4))
			run++;
		pretty_piece(page, s, run);
		s += run;
		if (s == end)
			break;
		if (*s == '\r' && s + 1 < end && s[1] == '\n')
			s++;
		if (*s == '\r')
			pretty_piece(page, s, 1);
		else
			json_raw(page, s, 1);
		s++;
	}
	if (n && end[-1] != '\n')
		json_raw(page, "\n", 1);
}

void pretty_dump(struct json *page, const struct message *msg)
{
	const unsigned char *body = (const unsigned char *)msg->body;
	char line[128];
	int len;
	size_t shown = msg->body_len < DUMP ? msg->body_len : DUMP;

	for (size_t at = 0; at < shown; at += 16) {
		char hex[16 * 3 + 2], chars[17], *h = hex;
		size_t n = shown - at < 16 ? shown - at : 16;

		for (size_t i = 0; i < 16; i++) {
			unsigned char c = i < n ? body[at + i] : ' ';

			h += snprintf(h, 4, i < n ? " %02x" : "   ", c);
			chars[i] = c >= ' ' && c < 0x7f ? c : '.';
		}
		len = snprintf(line, sizeof(line), "%08zx %s  |%.*s|\n", at, hex, (int)n, chars);
		json_raw(page, line, len);
	}
	if (msg->body_size > shown)
		json_raw(page, line,
			 snprintf(line, sizeof(line), "... %llu bytes more\n",
				  (unsigned long long)(msg->body_size - shown)));
}
