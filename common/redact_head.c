// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include "redact_int.h"

/* struct redact_head's state */
enum {
	BEFORE, /* the start line */
	METHOD, /* or a response's version */
	TARGET, /* and the rest of the start line */
	LINE, /* at the beginning of one */
	NAME,
	VALUE,
};

void redact_head_start(struct redact_head *h, const struct redact *r, bool start_line)
{
	memset(h, 0, sizeof(*h));
	h->r = r;
	h->state = start_line ? BEFORE : LINE;
	redact_value_start(&h->value, REDACT_TEXT);
}

/*
 * A line's first byte; the value before it goes on where the line is a fold. False when it is a
 * name's.
 */
static bool begin_line(struct redact_head *h, char c)
{
	h->ended = c == '\n';
	if (c == ' ' || c == '\t') {
		h->state = VALUE;
	} else if (c != '\r' && c != '\n') {
		memset(&h->name, 0, sizeof(h->name));
		h->state = NAME;
		return false;
	}
	return true;
}

/* Up to the ':'. Returns the bytes it takes. */
static size_t feed_name(struct redact_head *h, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (buf[i]) {
		case ':':
			redact_value_start(&h->value, redact_kind_of(h->r, &h->name));
			h->state = VALUE;
			return i + 1;
		case '\n':
			/* No header. What it may be folded onto is not known: text. */
			redact_value_start(&h->value, REDACT_TEXT);
			h->value.line = true;
			h->state = LINE;
			return i + 1;
		case '\r': memset(&h->name, 0, sizeof(h->name)); break;
		default: redact_name_add(&h->name, buf[i]);
		}
	}
	return len;
}

/*
 * Up to the line's end and with it: the value must see it, for what is behind may be a header to
 * one reader and a fold to another.
 */
static size_t feed_value(struct redact_head *h, char *buf, size_t len)
{
	const char *end = memchr(buf, '\n', len);
	size_t n = end ? (size_t)(end + 1 - buf) : len;

	h->masked += redact_value_feed(&h->value, h->r, buf, n, end);
	if (end)
		h->state = LINE;
	return n;
}

/*
 * The method, or "HTTP/1.1" of a response, and the blank behind it. With a ':' it is neither, but a
 * header: what was taken for a head begins in the midst of one.
 */
static size_t feed_method(struct redact_head *h, char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == ':' || buf[i] == '\n') {
			return i + feed_name(h, buf + i, len - i);
		}
		if (buf[i] == ' ' || buf[i] == '\t') {
			h->state = TARGET;
			if (memcmp(h->name.tail, "http", 4))
				h->value.text.authority = AUTHORITY_PLAIN;
			return i + 1;
		}
		redact_name_add(&h->name, buf[i]);
	}
	return len;
}

/* The version at a request's end is not part of a secret at the target's. */
static size_t feed_target(struct redact_head *h, char *buf, size_t len)
{
	const char *end = memchr(buf, '\n', len);
	size_t n = end ? (size_t)(end + 1 - buf) : len, target = n;

	for (size_t i = n; end && i-- > 0;) {
		if (buf[i] == ' ' && n - i > 6 && !memcmp(buf + i + 1, "HTTP/", 5))
			target = i;
		if (buf[i] == ' ')
			break;
	}
	h->masked += redact_text_feed(&h->value.text, h->r, buf, target, end);
	if (end) {
		/* The line end itself, for what follows may be a fold. */
		redact_value_feed(&h->value, h->r, buf + n - 1, 1, true);
		h->state = LINE;
	}
	return n;
}

size_t redact_head_feed(struct redact_head *h, char *buf, size_t len)
{
	size_t i = 0;

	while (i < len && !h->ended) {
		switch (h->state) {
		case BEFORE:
			if (buf[i] != '\r' && buf[i] != '\n')
				h->state = METHOD;
			else
				i++;
			break;
		case METHOD: i += feed_method(h, buf + i, len - i); break;
		case TARGET: i += feed_target(h, buf + i, len - i); break;
		case LINE: i += begin_line(h, buf[i]); break;
		case NAME: i += feed_name(h, buf + i, len - i); break;
		default: i += feed_value(h, buf + i, len - i);
		}
	}
	return i;
}
