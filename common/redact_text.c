// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Text with URLs in it. Each character is looked at decoded, so that a percent-encoded URL within
 * another's parameter reads like any; only what ends a secret must stand there as it is.
 */
#include <string.h>
#include "redact_int.h"

void redact_text_start(struct redact_text *t)
{
	memset(t, 0, sizeof(*t));
	t->naming = true;
}

static int hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * The character that byte c completes, or -1 while one is under way. *encoded: it came as %XX. A
 * '%' that came so begins another one: what was encoded twice is decoded twice.
 */
static int decode(struct redact_text *t, unsigned char c, bool *encoded)
{
	int digit = hex_digit(c);

	*encoded = false;
	if (t->percent == 1 && digit >= 0) {
		t->hex = digit;
		t->percent = 2;
		return -1;
	}
	if (t->percent == 2 && digit >= 0) {
		*encoded = true;
		c = t->hex << 4 | digit;
	}
	t->percent = c == '%';
	return c == '%' ? -1 : c;
}

/* Does an '@' begin here, as it is or, nested, encoded? */
static bool is_at(const char *p, size_t len, bool nested)
{
	size_t i = 1;

	if (*p == '@' || *p != '%' || !nested)
		return *p == '@';
	while (i + 2 < len && !memcmp(p + i, "25", 2))
		i += 2;
	return i + 2 <= len && !memcmp(p + i, "40", 2);
}

/* An authority at hand: where in the piece its userinfo and it itself end. */
struct extent {
	size_t at, end;
};

static struct extent extent_of(const char *buf, size_t len, bool nested)
{
	struct extent e = {};

	for (; e.end < len; e.end++) {
		char c = buf[e.end];

		if (c && strchr(nested ? "/?# \t\r\n&" : "/?# \t\r\n", c))
			break;
		if (is_at(buf + e.end, len - e.end, nested))
			e.at = e.end;
	}
	return e;
}

/*
 * At buf + from begin the authorities that are named in t->authority; returns how far they are to
 * be masked, at least until. One that is cut by the end of the piece is masked as far as it goes,
 * for an '@' may follow. A nested one ends where the parameter does: its own end may be encoded,
 * but so may a '/' of the password; those that begin in it have the same end.
 */
static size_t userinfo(struct redact_text *t, const char *buf, size_t from, size_t len, bool last,
		       size_t until, size_t *nested_end)
{
	/* All is masked already. */
	if (until == len)
		return len;
	for (int kind = AUTHORITY_PLAIN; kind <= AUTHORITY_NESTED; kind <<= 1) {
		bool nested = kind == AUTHORITY_NESTED;
		struct extent e;

		if (nested && from < *nested_end)
			t->authority &= ~kind;
		if (!(t->authority & kind))
			continue;
		e = extent_of(buf + from, len - from, nested);
		if (from + e.end == len && !last)
			return len;
		t->authority &= ~kind;
		until = from + e.at > until && e.at ? from + e.at : until;
		if (nested)
			*nested_end = from + e.end;
	}
	return until;
}

/* What the second of two slashes begins: behind a scheme, or at a beginning of some kind. */
static int slashes(const struct redact_text *t, int c, bool encoded)
{
	unsigned char first = t->before[0];

	if (c != '/' || t->before[1] != '/' || (first && !strchr(":= \t<>\"'(,;&?#\r\n", first)))
		return AUTHORITY_NONE;
	return encoded ? AUTHORITY_NESTED : AUTHORITY_PLAIN;
}

/* Takes one character, decoded. */
static void take(struct redact_text *t, const struct redact *r, int c)
{
	if (c == '/' || c == '?')
		t->path = true;
	else if (c == ' ' || c == '\t')
		t->path = false;
	if (c == '?' || c == '&' || c == '#' || (c == ';' && t->path) || c == '\r' || c == '\n') {
		t->naming = true;
		memset(&t->name, 0, sizeof(t->name));
	} else if (c == '=') {
		t->secret = t->naming && redact_is_secret(r, &t->name);
		t->naming = false;
	} else if (t->naming) {
		redact_name_add(&t->name, c);
	}
	t->before[0] = t->before[1];
	t->before[1] = c;
}

/* No '=' in it has a name before it that ends like a secret's. */
static bool harmless_names(const struct redact *r, const char *buf, size_t len)
{
	const char *end = buf + len, *is;

	for (const char *p = buf; (is = memchr(p, '=', end - p)); p = is + 1) {
		struct redact_name n = {};

		for (const char *c = is; c > buf && is - c < 16 && n.kept < 2; c--)
			redact_name_add(&n, c[-1]);
		/* Fewer may be the end of a name that began in the piece before. */
		if (r->nparams || n.kept < 2 || redact_may_be_known(n.tail[1], n.tail[0]))
			return false;
	}
	return true;
}

/*
 * There is nothing to mask in the last piece: told fast, for most values are so. Names in it need
 * not be kept, for a line end is all that can follow; but a fold behind that may go on with a path.
 */
static bool harmless(struct redact_text *t, const struct redact *r, const char *buf, size_t len)
{
	if (t->secret || t->percent || memchr(buf, '@', len) || memchr(buf, '%', len) ||
	    !harmless_names(r, buf, len))
		return false;
	for (size_t i = len; i-- > 0;) {
		bool blank = buf[i] == ' ' || buf[i] == '\t';

		if (blank || buf[i] == '/' || buf[i] == '?') {
			t->path = !blank;
			break;
		}
	}
	return true;
}

size_t redact_text_feed(struct redact_text *t, const struct redact *r, char *buf, size_t len,
			bool last)
{
	size_t masked = 0, until = 0, nested_end = 0;
	bool encoded;
	int c, kind;

	if (t->authority && len)
		until = userinfo(t, buf, 0, len, last, 0, &nested_end);
	if (last && !until && harmless(t, r, buf, len))
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (t->secret && buf[i] != '&') {
			masked += redact_mask(buf + i);
			continue;
		}
		t->secret = false;
		c = decode(t, buf[i], &encoded);
		if (i < until)
			masked += redact_mask(buf + i);
		if (c < 0)
			continue;
		kind = slashes(t, c, encoded);
		take(t, r, c);
		t->authority |= kind;
		if (kind)
			until = userinfo(t, buf, i + 1, len, last, until, &nested_end);
	}
	return masked;
}
