// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A header's value by its kind. A name stays only where the '=' behind it is in the same piece. */
#include <string.h>
#include <strings.h>
#include "redact_int.h"

/* struct redact_value's state */
enum {
	BEGIN, /* REDACT_AUTH: no word yet. Cookies: before or in a name */
	VALUE, /* it is masked */
	ATTRIBUTE, /* REDACT_SET_COOKIE: before or in its name */
	KNOWN, /* the value of a known attribute: stays */
};

void redact_value_start(struct redact_value *v, enum redact_kind kind)
{
	memset(v, 0, sizeof(*v));
	v->kind = kind;
	redact_text_start(&v->text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_one(const char *word, size_t len, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(words[i]) == len && !strncasecmp(words[i], word, len))
			return true;
	}
	return false;
}

/*
 * IANA's registry of authentication schemes, and ones in wide use. Any other word may be the
 * secret.
 */
static bool is_scheme(const char *word, size_t len)
{
	static const char *const schemes[] = {
		"Basic",	 "Bearer",	 "Digest",	"Negotiate",	 "NTLM",
		"Kerberos",	 "Token",	 "ApiKey",	"AWS",		 "AWS4-HMAC-SHA256",
		"Concealed",	 "DPoP",	 "GNAP",	"GoogleLogin",	 "Hawk",
		"HMAC",		 "HOBA",	 "JWT",		"MAC",		 "Mutual",
		"OAuth",	 "PrivateToken", "SCRAM-SHA-1", "SCRAM-SHA-256", "SharedKey",
		"SharedKeyLite", "Signature",	 "SSWS",	"vapid"};

	return is_one(word, len, schemes, sizeof(schemes) / sizeof(*schemes));
}

/* Set-Cookie's attributes (RFC 6265, later drafts, and browsers'). */
static bool is_attribute(const char *word, size_t len)
{
	static const char *const attributes[] = {"Expires",   "Max-Age",  "Domain",	"Path",
						 "Secure",    "HttpOnly", "SameSite",	"Priority",
						 "SameParty", "Version",  "Partitioned"};

	return is_one(word, len, attributes, sizeof(attributes) / sizeof(*attributes));
}

/*
 * The scheme stays, if it is one and more stands behind it in this piece and line: alone it may be
 * the secret.
 */
static size_t feed_auth(struct redact_value *v, char *buf, size_t len)
{
	size_t start = 0, end, next;

	while (v->state == BEGIN && start < len && is_blank(buf[start]))
		start++;
	if (v->state == BEGIN && start < len) {
		for (end = start; end < len && !is_blank(buf[end]); end++)
			;
		for (next = end; next < len && (buf[next] == ' ' || buf[next] == '\t'); next++)
			;
		v->state = VALUE;
		if (next < len && !is_blank(buf[next]) && is_scheme(buf + start, end - start))
			start = end;
	}
	return redact_mask_all(buf + start, len - start);
}

/* The bytes of buf before one of a, or b, or all. */
static size_t before(const char *buf, size_t len, char a, char b)
{
	size_t i = 0;

	while (i < len && buf[i] != a && buf[i] != b)
		i++;
	return i;
}

/* Behind a ';'. */
static void next_part(struct redact_value *v)
{
	v->state = v->kind == REDACT_SET_COOKIE ? ATTRIBUTE : BEGIN;
	v->fresh = true;
}

/* Behind an '='. */
static void to_value(struct redact_value *v, int state)
{
	v->state = state;
	v->quoted = false;
	v->fresh = true;
}

/* A cookie's name: stays if an '=' is here. Returns the bytes it takes, with the '=' or ';'. */
static size_t feed_name(struct redact_value *v, char *buf, size_t len, size_t *masked)
{
	size_t n = before(buf, len, '=', ';');

	if (n < len && buf[n] == '=') {
		to_value(v, VALUE);
		return n + 1;
	}
	/* A cookie without a name is a value. */
	*masked += redact_mask_all(buf, n);
	if (n < len)
		next_part(v);
	return n + (n < len);
}

/* A cookie's value, to the ';'; one within quotes is part of it. */
static size_t feed_value(struct redact_value *v, char *buf, size_t len, size_t *masked)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] == ';' && !v->quoted) {
			next_part(v);
			return i + 1;
		}
		if (buf[i] == '"')
			v->quoted = !v->quoted && v->fresh;
		v->fresh &= is_blank(buf[i]);
		*masked += redact_mask(buf + i);
	}
	return i;
}

/* An attribute's name: stays if it is known, or if it has a value, which is masked then. */
static size_t feed_attribute(struct redact_value *v, char *buf, size_t len, bool last,
			     size_t *masked)
{
	size_t n = before(buf, len, '=', ';'), start = 0, end = n;
	bool known;

	while (start < n && is_blank(buf[start]))
		start++;
	while (end > start && is_blank(buf[end - 1]))
		end--;
	known = v->fresh && (n < len || last) && is_attribute(buf + start, end - start);
	if (n < len && buf[n] == '=') {
		to_value(v, known ? KNOWN : VALUE);
	} else {
		if (!known)
			*masked += redact_mask_all(buf, n);
		/* What is behind the piece's end belongs to this name. */
		v->fresh = n < len || (v->fresh && start == n);
	}
	return n + (n < len);
}

static size_t feed_cookie(struct redact_value *v, char *buf, size_t len, bool last)
{
	size_t masked = 0, n;

	for (; len; buf += n, len -= n) {
		switch (v->state) {
		case BEGIN: n = feed_name(v, buf, len, &masked); break;
		case VALUE: n = feed_value(v, buf, len, &masked); break;
		case ATTRIBUTE: n = feed_attribute(v, buf, len, last, &masked); break;
		default:
			/* Cookies that a proxy joined by a comma: the next one's value. */
			n = before(buf, len, '=', ';');
			if (n < len && buf[n] == '=')
				to_value(v, VALUE);
			else if (n < len)
				next_part(v);
			n += n < len;
		}
	}
	return masked;
}

/*
 * Behind a line end that this value is said to go on after: to a reader who takes no folds, a
 * header of its own. One byte; false when it is the ':' of one that has secrets.
 */
static bool feed_line(struct redact_value *v, const struct redact *r, char *c, size_t *masked)
{
	enum redact_kind kind;

	if (*c == '\r' || *c == '\n') {
		memset(&v->name, 0, sizeof(v->name));
	} else if (*c == ':') {
		kind = redact_kind_of(r, &v->name);
		v->line = false;
		if (kind != REDACT_TEXT) {
			redact_value_start(v, kind);
			return false;
		}
	} else {
		redact_name_add(&v->name, *c);
	}
	*masked += redact_text_feed(&v->text, r, c, 1, false);
	return true;
}

static size_t to_line_end(const char *buf, size_t len)
{
	const char *end = memchr(buf, '\n', len);

	len = end ? (size_t)(end - buf) : len;
	end = memchr(buf, '\r', len);
	return end ? (size_t)(end - buf) : len;
}

static size_t feed_text(struct redact_value *v, const struct redact *r, char *buf, size_t len,
			bool last)
{
	size_t masked = 0, n;

	for (; len; buf += n, len -= n) {
		if (v->line) {
			n = 1;
			if (!feed_line(v, r, buf, &masked))
				return masked + redact_value_feed(v, r, buf + 1, len - 1, last);
			continue;
		}
		n = to_line_end(buf, len);
		masked += redact_text_feed(&v->text, r, buf, n, last || n < len);
		v->line = n < len;
	}
	return masked;
}

size_t redact_value_feed(struct redact_value *v, const struct redact *r, char *buf, size_t len,
			 bool last)
{
	switch (v->kind) {
	case REDACT_TEXT: return feed_text(v, r, buf, len, last);
	case REDACT_AUTH: return feed_auth(v, buf, len);
	case REDACT_ALL: return redact_mask_all(buf, len);
	default: return feed_cookie(v, buf, len, last);
	}
}
