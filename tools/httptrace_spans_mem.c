// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Spans and connections: references, and spares, for they come and go all the time.
 */
#include "httptrace_spans.h"
#include <stdlib.h>
#include <string.h>

#define SPARES	   4096
#define SPARE_TEXT 512 /* bytes of text that a spare keeps room for */

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

static struct span *spare(size_t n)
{
	struct span *s = spares.first;
	/* Room for a pointer, and no more bytes than malloc() gives anyway. */
	size_t size = (sizeof(*s) + (n > sizeof(char *) ? n : sizeof(char *)) + 7) & ~7ul;

	if (s) {
		spares.first = s->index_next[INDEX_WAIT];
		spares.n--;
		n = s->room >= n ? s->room : 0;
	}
	if (s && !n) {
		free(s);
		s = NULL;
	}
	if (!s) {
		s = malloc(size);
		n = size - sizeof(*s);
	}
	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->room = n;
	return s;
}

struct span *span_new(struct line *l, size_t n)
{
	struct span *s = n < UINT32_MAX / 2 ? spare(n) : NULL;

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

char *span_room(struct span *s, size_t n)
{
	char *text = n <= s->room ? span_text(s) : malloc(n);

	if (n <= s->room || !text)
		return text;
	memcpy(s + 1, &text, sizeof(text));
	s->apart = 1;
	return text;
}

struct span *span_get(struct span *s)
{
	s->refs++;
	return s;
}

static void release(struct span *s)
{
	if (s->apart)
		free(span_text(s));
	if (spares.n >= SPARES || s->room > SPARE_TEXT) {
		free(s);
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
	struct span *s;

	while ((s = spares.first)) {
		spares.first = s->index_next[INDEX_WAIT];
		free(s);
	}
	spares.n = 0;
}
