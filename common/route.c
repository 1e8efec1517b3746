// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "route.h"

#define SEGMENT_MAX 512 /* characters; nobody gives a route a longer name */

/* What a character may be part of. */
enum {
	DIGIT = 1,
	ALPHA = 2, /* ASCII letters */
	HEX = 4, /* letters that are hex digits */
	MAJOR = 8, /* parts what may be a token */
	MINOR = 16, /* parts words, but may stand within a token */
	NUMERIC = 32, /* stands between the digits of dates, addresses, lists */
};
static const unsigned char class[256] = {
	['0' ... '9'] = DIGIT,	 ['a' ... 'f'] = ALPHA | HEX,
	['g' ... 'z'] = ALPHA,	 ['A' ... 'F'] = ALPHA | HEX,
	['G' ... 'Z'] = ALPHA,	 ['-'] = MINOR | NUMERIC,
	['_'] = MINOR | NUMERIC, ['.'] = MAJOR | NUMERIC,
	[':'] = MAJOR | NUMERIC, [','] = MAJOR | NUMERIC,
	['+'] = MAJOR | NUMERIC, [' '] = MAJOR | NUMERIC,
	['~'] = MAJOR,		 ['='] = MAJOR,
	[';'] = MAJOR,		 ['@'] = MAJOR,
	['!'] = MAJOR,		 ['$'] = MAJOR,
	['&'] = MAJOR,		 ['\''] = MAJOR,
	['('] = MAJOR,		 [')'] = MAJOR,
	['*'] = MAJOR,
};

/* What is written. */
struct out {
	char *dst;
	size_t n, size;
};

static void put(struct out *o, const char *s, size_t n)
{
	if (n > o->size - o->n)
		n = o->size - o->n;
	memcpy(o->dst + o->n, s, n);
	o->n += n;
}

/* A segment's characters, percent-decoded, and where each stands in raw. */
struct segment {
	const char *raw;
	size_t n;
	unsigned char c[SEGMENT_MAX];
	uint32_t at[SEGMENT_MAX + 1];
};

static int hex_value(unsigned char c)
{
	if (!(class[c] & (DIGIT | HEX)))
		return -1;
	return class[c] & DIGIT ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* False: it is too long. */
static bool decode(struct segment *s, const char *raw, size_t n)
{
	size_t i = 0;

	s->raw = raw;
	for (s->n = 0; i < n && s->n < SEGMENT_MAX; s->n++) {
		int high = -1, low = -1;

		s->at[s->n] = i;
		if (raw[i] == '%' && n - i > 2) {
			high = hex_value(raw[i + 1]);
			low = hex_value(raw[i + 2]);
		}
		s->c[s->n] = high < 0 || low < 0 ? raw[i] : high << 4 | low;
		i += high < 0 || low < 0 ? 1 : 3;
	}
	s->at[s->n] = i;
	return i == n;
}

/* --- what n characters at c look like */

static bool all_digits(const unsigned char *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(class[c[i]] & DIGIT))
			return false;
	}
	return n;
}

/* "1.0", "12.1" */
static bool is_version(const unsigned char *c, size_t n)
{
	const unsigned char *dot = memchr(c, '.', n);
	size_t major = dot ? (size_t)(dot - c) : n;

	return dot && major <= 2 && n - major - 1 <= 2 && all_digits(c, major) &&
	       all_digits(dot + 1, n - major - 1);
}

/* Digits, also with what stands between those of dates and the like; "2026-01-02T03:04:05Z". */
static bool is_number(const unsigned char *c, size_t n)
{
	size_t digits = 0, letters = 0;

	for (size_t i = 0; i < n; i++) {
		if (class[c[i]] & DIGIT)
			digits++;
		else if ((c[i] | 0x20) == 't' || (c[i] | 0x20) == 'z')
			letters++;
		else if (!(class[c[i]] & NUMERIC))
			return false;
	}
	return digits && (!letters || (digits >= 8 && letters <= 2)) && !is_version(c, n);
}

static bool is_uuid(const unsigned char *c, size_t n)
{
	if (n != 36)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? c[i] != '-' : !(class[c[i]] & (DIGIT | HEX)))
			return false;
	}
	return true;
}

/* Is one of its words a UUID? */
static bool has_uuid(const unsigned char *c, size_t n)
{
	for (size_t i = 0; n > 36 && i <= n - 36; i++) {
		if (i && !(class[c[i - 1]] & MINOR))
			continue;
		if (is_uuid(c + i, 36) && (i + 36 == n || class[c[i + 36]] & MINOR))
			return true;
	}
	return false;
}

static bool is_hex(const unsigned char *c, size_t n)
{
	size_t digits = 0;

	if (n > 2 && c[0] == '0' && (c[1] | 0x20) == 'x') {
		c += 2;
		n -= 2;
	}
	for (size_t i = 0; i < n; i++) {
		if (!(class[c[i]] & (DIGIT | HEX)))
			return false;
		digits += class[c[i]] & DIGIT;
	}
	return n >= 8 && digits;
}

/*
 * Base64 and its like. What is made of words has dashes between them; a token has not, or seldom,
 * and digits are everywhere in it.
 */
static bool is_token(const unsigned char *c, size_t n)
{
	unsigned char run = 0;
	size_t len = 0;
	bool mixed = false;

	while (n && c[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		unsigned char k = class[c[i]] & (DIGIT | ALPHA);

		if (!k && !(class[c[i]] & MINOR) && c[i] != '+' && c[i] != '/')
			return false;
		run = k ? run | k : 0;
		len = k ? len + 1 : 0;
		mixed |= len >= 8 && run == (DIGIT | ALPHA);
	}
	return n >= 20 && mixed && !has_uuid(c, n);
}

/* A domain's last label has letters alone: "react@18.2.0" is none. */
static bool is_mail(const unsigned char *c, size_t n)
{
	const unsigned char *at = memchr(c, '@', n), *end = c + n, *p;
	size_t label = 0;

	if (!at || at == c || at + 1 == end || !(class[at[1]] & ALPHA))
		return false;
	for (p = c; p < at; p++) {
		if (!class[*p] && *p < 0x80)
			return false;
	}
	for (p = at + 1; p < end; p++) {
		if (!(class[*p] & (DIGIT | ALPHA)) && *p != '-' && *p != '.')
			return false;
	}
	while (class[end[-1 - (ptrdiff_t)label]] & ALPHA)
		label++;
	return label >= 2 && end[-1 - (ptrdiff_t)label] == '.';
}

static bool is_id(const unsigned char *c, size_t n)
{
	return is_number(c, n) || is_uuid(c, n) || is_hex(c, n) || is_token(c, n) || is_mail(c, n);
}

/* In a longer name, a few digits may be of a word. */
static bool is_part_id(const unsigned char *c, size_t n)
{
	return (n >= 4 && all_digits(c, n)) || is_uuid(c, n) || is_hex(c, n) || is_token(c, n);
}

/* --- segments */

/* What a segment's parts were turned into so far. */
struct parts {
	struct out *out;
	const struct segment *s;
	size_t kept; /* what stands before this is written */
	size_t id_end; /* where the last id ended; SIZE_MAX: nowhere */
};

static void keep_upto(struct parts *p, size_t to)
{
	const struct segment *s = p->s;

	put(p->out, s->raw + s->at[p->kept], s->at[to] - s->at[p->kept]);
	p->kept = to;
}

/* Several in a row, with a character between two, are one. */
static void fold(struct parts *p, size_t from, size_t to)
{
	if (p->id_end == SIZE_MAX || p->id_end + 1 != from) {
		keep_upto(p, from);
		put(p->out, ROUTE_ID, strlen(ROUTE_ID));
	}
	p->kept = p->id_end = to;
}

static size_t find_end(const struct segment *s, size_t i, size_t end, unsigned char stop)
{
	while (i < end && !(class[s->c[i]] & stop))
		i++;
	return i;
}

/* [i, end) has nothing major in it. */
static void fold_words(struct parts *p, size_t i, size_t end)
{
	const struct segment *s = p->s;
	size_t to;

	for (; i < end; i = to + 1) {
		bool follows = p->id_end != SIZE_MAX && p->id_end + 1 == i;

		to = i + 36;
		if (end - i >= 36 && is_uuid(s->c + i, 36) &&
		    (to == end || class[s->c[to]] & MINOR)) {
			fold(p, i, to);
			continue;
		}
		to = find_end(s, i, end, MINOR);
		if (is_part_id(s->c + i, to - i) || (follows && all_digits(s->c + i, to - i)))
			fold(p, i, to);
	}
}

/* Are these the characters of an id by what stands around them: "17;a=1", "a;id=17"? */
static bool stands_alone(const struct segment *s, size_t i, size_t to)
{
	if ((i && s->c[i - 1] == '=') || (!i && to < s->n && s->c[to] == ';'))
		return is_id(s->c + i, to - i);
	return false;
}

static void fold_parts(struct out *o, const struct segment *s)
{
	struct parts p = {.out = o, .s = s, .id_end = SIZE_MAX};

	for (size_t i = 0, to; i < s->n; i = to + 1) {
		to = find_end(s, i, s->n, MAJOR);
		if (stands_alone(s, i, to) || is_part_id(s->c + i, to - i))
			fold(&p, i, to);
		else
			fold_words(&p, i, to);
	}
	keep_upto(&p, s->n);
}

/* What is short once folded is folded again to the same; what has become too long is an id. */
static void fold_long(struct out *o, const struct segment *s)
{
	/* Encoded characters are three, and an id may be of one. */
	char folded[SEGMENT_MAX * (3 + sizeof(ROUTE_ID) - 1)];
	struct out all = {.dst = folded, .size = sizeof(folded)};
	struct segment again;

	fold_parts(&all, s);
	if (decode(&again, folded, all.n))
		put(o, folded, all.n);
	else
		put(o, ROUTE_ID, strlen(ROUTE_ID));
}

/* Where ".js" begins; n: there is none. */
static size_t extension(const struct segment *s)
{
	size_t i = s->n;
	bool letter = false;

	while (i && class[s->c[i - 1]] & (DIGIT | ALPHA))
		letter |= class[s->c[--i]] & ALPHA;
	if (!letter || i < 2 || s->c[i - 1] != '.' || s->n - i > 8 || is_hex(s->c + i, s->n - i))
		return s->n;
	return i - 1;
}

static void fold_segment(struct out *o, const char *raw, size_t n)
{
	struct segment s;
	size_t base;
	bool plain = true;

	/* Each kind of id has a digit in it, or an '@'; which may be encoded. */
	for (size_t i = 0; i < n && plain; i++)
		plain = !(class[(unsigned char)raw[i]] & DIGIT) && raw[i] != '@' && raw[i] != '%';
	if (plain) {
		put(o, raw, n);
		return;
	}
	if (!decode(&s, raw, n) || is_id(s.c, s.n)) {
		put(o, ROUTE_ID, strlen(ROUTE_ID));
		return;
	}
	base = extension(&s);
	if (base < s.n && is_id(s.c, base)) {
		put(o, ROUTE_ID, strlen(ROUTE_ID));
		put(o, raw + s.at[base], n - s.at[base]);
		return;
	}
	if (s.n * strlen(ROUTE_ID) <= SEGMENT_MAX)
		fold_parts(o, &s);
	else
		fold_long(o, &s);
}

/* The path's beginning: behind "http://host", if that is there; to the end: the path is empty. */
static const char *skip_authority(const char *s, const char *end)
{
	const char *p = s;

	while (p < end && (class[(unsigned char)*p] & (ALPHA | DIGIT) || strchr("+-.", *p)) && *p)
		p++;
	if (p == s || end - p < 3 || memcmp(p, "://", 3))
		return s;
	for (p += 3; p < end && *p != '/'; p++)
		;
	return p;
}

size_t route_of(const char *url, size_t n, char *dst, size_t size)
{
	struct out o = {.dst = dst, .size = size};
	const char *end = url + n, *p, *slash;

	if (!n)
		return 0;
	for (p = url; p < end && *p != '?' && *p != '#'; p++)
		;
	end = p;
	p = skip_authority(url, end);
	if (p == end)
		put(&o, "/", 1);
	while (p < end && o.n < size) {
		slash = memchr(p, '/', end - p) ?: end;
		fold_segment(&o, p, slash - p);
		if (slash < end)
			put(&o, "/", 1);
		p = slash + 1;
	}
	return o.n;
}
