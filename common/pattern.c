// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "glob.h"
#include "log.h"
#include "pattern.h"

#define SHAPE	  "[...]"
#define SHAPE_LEN 5
#define NAME_BUF                                                                                   \
	1024 /* import paths with escapes are shorter; longer names are compared as they are */

/* "(*T" is Go's pointer receiver, not a wildcard; "(*)" is any receiver. */
static bool is_receiver_star(const char *text, const char *p)
{
	return *p == '*' && p > text && p[-1] == '(' &&
	       (isalpha((unsigned char)p[1]) || p[1] == '_' || (unsigned char)p[1] >= 0x80);
}

int pattern_init(struct pattern *p, const char *text)
{
	bool magic = false;
	char *out;

	*p = (struct pattern){.text = text, .best = MATCH_NONE};
	if (!*text)
		return fail(-EINVAL, "empty function name");
	p->shape = strstr(text, SHAPE);
	out = p->glob = malloc(2 * strlen(text) + 1);
	if (!out)
		return fail(-ENOMEM, "out of memory");
	while (*text) {
		if (!strncmp(text, SHAPE, SHAPE_LEN)) {
			out = stpcpy(out, "\\[*\\]");
			text += SHAPE_LEN;
			continue;
		}
		if (is_receiver_star(p->text, text))
			*out++ = '\\';
		else if (strchr("*?[", *text))
			magic = true;
		*out++ = *text++;
	}
	*out = 0;
	if (!magic) {
		free(p->glob);
		p->glob = NULL;
	}
	return 0;
}

void pattern_free(struct pattern *p)
{
	free(p->glob);
	p->glob = NULL;
}

/* The character after the group that opens at s, which is on '['. */
static const char *skip_brackets(const char *s)
{
	int depth = 0;

	for (; *s; s++) {
		if (*s == '[')
			depth++;
		else if (*s == ']' && !--depth)
			return s + 1;
	}
	return s;
}

static bool shape_match(const char *pat, const char *name)
{
	while (*pat) {
		if (!strncmp(pat, SHAPE, SHAPE_LEN) && *name == '[') {
			pat += SHAPE_LEN;
			name = skip_brackets(name);
		} else if (*pat++ != *name++) {
			return false;
		}
	}
	return !*name;
}

/*
 * The linker writes the dots in the last element of an import path as %2e
 * (gopkg.in/yaml%2ev3.Unmarshal), and so do Go's own stack traces; people write what the source
 * says.
 */
static bool unescape(char *dst, size_t size, const char *src)
{
	char hex[3] = "";
	size_t n = 0;

	for (; *src && n + 1 < size; n++) {
		if (*src == '%') {
			if (!isxdigit((unsigned char)src[1]) || !isxdigit((unsigned char)src[2]))
				return false;
			memcpy(hex, src + 1, 2);
			dst[n] = (char)strtoul(hex, NULL, 16);
			src += 3;
		} else {
			dst[n] = *src++;
		}
	}
	dst[n] = 0;
	return !*src;
}

static enum match match_one(const struct pattern *p, const char *name)
{
	if (!strcmp(p->text, name))
		return MATCH_EXACT;
	if (p->shape && shape_match(p->text, name))
		return MATCH_SHAPE;
	if (p->glob && glob_matches(p->glob, name))
		return MATCH_GLOB;
	return MATCH_NONE;
}

enum match pattern_match(const struct pattern *p, const char *name)
{
	enum match m = match_one(p, name);
	char plain[NAME_BUF];

	if (m == MATCH_NONE && strchr(name, '%') && unescape(plain, sizeof(plain), name))
		m = match_one(p, plain);
	return m;
}

int hits_add(struct hits *l, struct pattern *p, const struct hit *h)
{
	struct hit *v;
	char *name = NULL;

	if (h->match > p->best)
		return 0;
	p->best = h->match;
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;

		v = reallocarray(l->v, cap, sizeof(*v));
		if (!v)
			return fail(-ENOMEM, "out of memory");
		l->v = v;
		l->cap = cap;
	}
	if (h->name) {
		name = strdup(h->name);
		if (!name)
			return fail(-ENOMEM, "out of memory");
	}
	l->v[l->n] = *h;
	l->v[l->n++].name = name;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->match != y->match)
		return x->match - y->match;
	return (x->index > y->index) - (x->index < y->index);
}

void hits_settle(struct hits *l, const struct pattern *pats)
{
	size_t i, n = 0;

	for (i = 0; i < l->n; i++) {
		if (l->v[i].match > pats[l->v[i].pattern].best)
			free(l->v[i].name);
		else
			l->v[n++] = l->v[i];
	}
	l->n = n;
	if (n)
		qsort(l->v, n, sizeof(*l->v), by_address);
}

void hits_free(struct hits *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	*l = (struct hits){};
}
