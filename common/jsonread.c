// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "jsonread.h"
#include "log.h"

struct reader {
	struct jsonread *r;
	char *p; /* strings are unescaped in place, behind it; at the end is a NUL */
	const char *end;
	const char *line; /* where the line begins that p is in */
	size_t lines;
	int depth;
};

static int value(struct reader *s, char *key, uint32_t *index);

static int bad(const struct reader *s, const char *why)
{
	return fail(-EINVAL, "line %zu, column %zu: %s", s->lines + 1, (size_t)(s->p - s->line) + 1,
		    s->p >= s->end ? "it ends in the middle" : why);
}

static void blanks(struct reader *s)
{
	for (; *s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'; s->p++) {
		if (*s->p == '\n') {
			s->lines++;
			s->line = s->p + 1;
		}
	}
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The four digits of \u; negative when they are none. */
static long hex4(const char *p)
{
	long v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i] | 0x20;

		if (!digit(p[i]) && (c < 'a' || c > 'f'))
			return -1;
		v = v << 4 | (digit(p[i]) ? p[i] - '0' : c - 'a' + 10);
	}
	return v;
}

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = c;
		return to;
	}
	if (c < 0x800) {
		*to++ = 0xc0 | c >> 6;
	} else {
		if (c < 0x10000) {
			*to++ = 0xe0 | c >> 12;
		} else {
			*to++ = 0xf0 | c >> 18;
			*to++ = 0x80 | (c >> 12 & 0x3f);
		}
		*to++ = 0x80 | (c >> 6 & 0x3f);
	}
	*to++ = 0x80 | (c & 0x3f);
	return to;
}

/* p is at the u; at least a NUL comes before the text's end, so that hex4() stops there. */
static int unicode(struct reader *s, char **to)
{
	long c = hex4(s->p + 1), low;

	if (c <= 0)
		return bad(s, c ? "\\u needs four digits" : "a NUL in a string");
	s->p += 5;
	if (c >= 0xd800 && c < 0xdc00) {
		low = s->p[0] == '\\' && s->p[1] == 'u' ? hex4(s->p + 2) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return bad(s, "half of a surrogate pair");
		s->p += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c < 0xe000) {
		return bad(s, "half of a surrogate pair");
	}
	*to = put_utf8(*to, c);
	return 0;
}

/* p is behind the backslash. */
static int escape(struct reader *s, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (*s->p == 'u')
		return unicode(s, to);
	at = *s->p ? strchr(from, *s->p) : NULL;
	if (!at)
		return bad(s, "no such escape");
	*(*to)++ = into[at - from];
	s->p++;
	return 0;
}

/* What is escaped takes more bytes than what it stands for. */
static int string(struct reader *s, char **str)
{
	char *to;
	int err = 0;

	if (*s->p != '"')
		return bad(s, "a string is expected");
	*str = to = ++s->p;
	while (!err && *s->p != '"') {
		if ((unsigned char)*s->p < 0x20)
			return bad(s, "a control character in a string");
		if (*s->p == '\\') {
			s->p++;
			err = escape(s, &to);
		} else {
			*to++ = *s->p++;
		}
	}
	if (err)
		return err;
	s->p++;
	*to = '\0';
	return 0;
}

/* m * 10^exp; not strtod(), which reads as the locale has it. */
static double scaled(uint64_t m, int exp)
{
	long double v = m;

	for (; m && exp > 0 && v < 1e320L; exp--)
		v *= 10;
	for (; m && exp < 0 && v > 1e-330L; exp++)
		v /= 10;
	return v;
}

/* The digits at p: into m, as many as fit; returns how many did not. */
static int digits(struct reader *s, uint64_t *m, int *count)
{
	int rest = 0;

	for (*count = 0; digit(*s->p); s->p++, ++*count) {
		if (*m > (UINT64_MAX - 9) / 10)
			rest++;
		else
			*m = *m * 10 + (*s->p - '0');
	}
	return rest;
}

static int exponent(struct reader *s, int *exp)
{
	bool minus = false;
	int e = 0;

	s->p++;
	if (*s->p == '+' || *s->p == '-')
		minus = *s->p++ == '-';
	if (!digit(*s->p))
		return bad(s, "a digit is expected");
	for (; digit(*s->p); s->p++) {
		if (e < 100000)
			e = e * 10 + (*s->p - '0');
	}
	*exp += minus ? -e : e;
	return 0;
}

static int number(struct reader *s, struct jval *v)
{
	bool minus = *s->p == '-';
	uint64_t m = 0;
	int exp, n, rest, err = 0;

	s->p += minus;
	if (!digit(*s->p))
		return bad(s, "a value is expected");
	if (*s->p == '0' && digit(s->p[1]))
		return bad(s, "a number that begins with 0");
	exp = digits(s, &m, &n);
	v->whole = !exp && !minus && *s->p != '.' && *s->p != 'e' && *s->p != 'E';
	v->u = m;
	if (*s->p == '.') {
		s->p++;
		if (!digit(*s->p))
			return bad(s, "a digit is expected");
		rest = exp ? digits(s, &(uint64_t){UINT64_MAX}, &n) : digits(s, &m, &n);
		exp -= n - rest;
	}
	if (*s->p == 'e' || *s->p == 'E')
		err = exponent(s, &exp);
	v->num = minus ? -scaled(m, exp) : scaled(m, exp);
	return err;
}

static int word(struct reader *s, const char *w)
{
	size_t n = strlen(w);

	if (strncmp(s->p, w, n))
		return bad(s, "a value is expected");
	s->p += n;
	return 0;
}

/* One value of a container, and its key. */
static int member(struct reader *s, bool object, uint32_t *index)
{
	char *key = NULL;
	int err;

	if (object) {
		err = string(s, &key);
		if (err)
			return err;
		blanks(s);
		if (*s->p != ':')
			return bad(s, "a colon is expected");
		s->p++;
		blanks(s);
	}
	return value(s, key, index);
}

/* p is behind the bracket; self is the container's index: vals may move. */
static int members(struct reader *s, uint32_t self, char close)
{
	uint32_t last = 0, index = 0;
	int err;

	if (++s->depth > JSONREAD_DEPTH)
		return bad(s, "too many brackets within brackets");
	blanks(s);
	while (*s->p != close) {
		if (last) {
			if (*s->p != ',')
				return bad(s, "a comma or a closing bracket is expected");
			s->p++;
			blanks(s);
		}
		err = member(s, close == '}', &index);
		if (err)
			return err;
		if (last)
			s->r->vals[last].next = index;
		else
			s->r->vals[self].first = index;
		last = index;
		blanks(s);
	}
	s->p++;
	s->depth--;
	return 0;
}

static int scalar(struct reader *s, struct jval *v)
{
	switch (*s->p) {
	case '"': v->kind = JVAL_STR; return string(s, &v->str);
	case 't':
	case 'f':
		v->kind = JVAL_BOOL;
		v->b = *s->p == 't';
		return word(s, v->b ? "true" : "false");
	case 'n': return word(s, "null");
	default: v->kind = JVAL_NUM; return number(s, v);
	}
}

static int value(struct reader *s, char *key, uint32_t *index)
{
	struct jsonread *r = s->r;
	char open = *s->p;

	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 256;
		struct jval *vals =
			cap < UINT32_MAX ? reallocarray(r->vals, cap, sizeof(*vals)) : NULL;

		if (!vals)
			return fail(-ENOMEM, "too large for memory");
		r->vals = vals;
		r->cap = cap;
	}
	*index = r->n++;
	r->vals[*index] = (struct jval){.kind = JVAL_NULL, .key = key};
	if (open != '{' && open != '[')
		return scalar(s, &r->vals[*index]);
	r->vals[*index].kind = open == '{' ? JVAL_OBJECT : JVAL_ARRAY;
	s->p++;
	return members(s, *index, open == '{' ? '}' : ']');
}

int jsonread(struct jsonread *r, const char *text, size_t len)
{
	struct reader s = {.r = r};
	uint32_t index;
	int err;

	memset(r, 0, sizeof(*r));
	r->text = malloc(len + 1);
	if (!r->text)
		return fail(-ENOMEM, "too large for memory");
	memcpy(r->text, text, len);
	r->text[len] = '\0';
	s.line = s.p = r->text;
	s.end = r->text + len;
	blanks(&s);
	err = value(&s, NULL, &index);
	if (err)
		return err;
	blanks(&s);
	return s.p == s.end ? 0 : bad(&s, "something follows the value");
}

void jsonread_free(struct jsonread *r)
{
	free(r->text);
	free(r->vals);
	memset(r, 0, sizeof(*r));
}

const struct jval *jval_first(const struct jsonread *r, const struct jval *v)
{
	return v && v->first ? &r->vals[v->first] : NULL;
}

const struct jval *jval_next(const struct jsonread *r, const struct jval *v)
{
	return v->next ? &r->vals[v->next] : NULL;
}

const struct jval *jval_get(const struct jsonread *r, const struct jval *v, const char *key)
{
	if (!v || v->kind != JVAL_OBJECT)
		return NULL;
	for (v = jval_first(r, v); v; v = jval_next(r, v)) {
		if (!strcmp(v->key, key))
			return v;
	}
	return NULL;
}

const char *jval_str(const struct jval *v)
{
	return v && v->kind == JVAL_STR ? v->str : NULL;
}
