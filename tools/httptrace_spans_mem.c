// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Spans and connections: references, and spares, for they come and go all the time.
 */
#include "httptrace_spans.h"
#include <stdlib.h>
#include <string.h>

#define SPARES	   4096
#define SPARE_TEXT 512 /* bytes of text that a spare keeps */

struct box {
	struct span s; /* first */
	uint32_t text_cap; /* of s.text, which is owned; 0: it is none */
	char none[4];
};

struct span_memory span_memory;

static struct {
	struct span *first; /* by INDEX_WAIT */
	unsigned int n;
} spares;

struct line *line_new(const struct cap_conn *c)
{
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->hop = (struct hop){.id = c->id,
			      .flow = c->flow,
			      .heard_ns = c->heard_ns,
			      .refs = 1,
			      .proto = c->proto,
			      .joined = c->joined};
	line_update(l, c);
	return l;
}

void line_update(struct line *l, const struct cap_conn *c)
{
	struct hop *h = &l->hop;

	h->role = capture_role(c);
	h->opened_ns = c->opened_ns;
	h->connect_ns = c->connect_ns;
	h->peer = c->peer;
	/* Without memory it has no path. */
	if (!h->path && c->path)
		h->path = strdup(c->path);
}

void line_put(struct line *l)
{
	if (--l->hop.refs)
		return;
	free(l->hop.path);
	free(l);
}

static struct span *spare(void)
{
	struct span *s = spares.first;
	struct box *b;
	char *text;

	if (!s) {
		b = calloc(1, sizeof(*b));
		if (b)
			b->s.text = b->none;
		return b ? &b->s : NULL;
	}
	spares.first = s->index_next[INDEX_WAIT];
	spares.n--;
	text = s->text;
	memset(s, 0, sizeof(*s));
	s->text = text;
	return s;
}

struct span *span_new(struct line *l)
{
	struct span *s = spare();

	if (!s)
		return NULL;
	s->hop = &l->hop;
	l->hop.refs++;
	l->open++;
	s->who = &cap_nobody;
	s->refs = 1;
	span_memory.open++;
	span_memory.alive++;
	return s;
}

bool span_room(struct span *s, size_t n)
{
	struct box *b = (struct box *)s;
	char *text;

	if (n <= b->text_cap)
		return true;
	text = malloc(n);
	if (!text)
		return false;
	if (b->text_cap)
		free(s->text);
	s->text = text;
	b->text_cap = n;
	return true;
}

struct span *span_get(struct span *s)
{
	s->refs++;
	return s;
}

static void release(struct span *s)
{
	struct box *b = (struct box *)s;
	bool keep = spares.n < SPARES;

	if (b->text_cap && (!keep || b->text_cap > SPARE_TEXT)) {
		free(s->text);
		s->text = b->none;
		b->text_cap = 0;
	}
	if (!keep) {
		free(b);
		return;
	}
	s->index_next[INDEX_WAIT] = spares.first;
	spares.first = s;
	spares.n++;
}

void span_put(struct span *s)
{
	struct span *parent;

	/* A chain of parents may be as long as a trace is deep. */
	for (; s && !--s->refs; s = parent) {
		parent = s->parent;
		span_memory.alive--;
		span_put(s->peer);
		if (s->trace)
			trace_put(s->trace);
		free(s->candidates);
		cap_who_put(s->who);
		line_put((struct line *)s->hop);
		release(s);
	}
}

void span_free_spares(void)
{
	while (spares.first) {
		struct box *b = (struct box *)spare();

		if (b->text_cap)
			free(b->s.text);
		free(b);
	}
}
