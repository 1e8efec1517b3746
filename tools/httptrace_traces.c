// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Traces are sets that are joined: one that was merged points to the other. Only those whose id was
 * given can be asked for, and only those whose id was made are merged into another: so what is
 * found by its id is a trace's own object.
 */
#include "httptrace_cause.h"
#include "run.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024 /* to begin with */
#define SPARES	4096

static struct trace none = {.refs = 1, .given = true};
uint64_t cause_seed;

static struct {
	struct trace **hash;
	uint32_t nbuckets, n;
	struct trace *spares; /* by hash_next */
	uint32_t nspares;
	bool over;
} traces;

void cause_start(void)
{
	if (!cause_seed)
		cause_seed = (uintptr_t)&traces ^ run_now() << 16 ^ 1;
}

/* NULL: it was not merged. */
static struct trace *merged_into(const struct trace *t)
{
	return t->given ? NULL : t->into;
}

static struct trace **trace_bucket(const uint8_t id[16])
{
	uint64_t a, b;

	memcpy(&a, id, 8);
	memcpy(&b, id + 8, 8);
	return &traces.hash[cause_mix(cause_mix(cause_seed, a), b) & (traces.nbuckets - 1)];
}

/* Without memory the chains grow longer instead; false: there are none. */
static bool grow_traces(void)
{
	uint32_t n = traces.nbuckets, more = n ? n * 2 : BUCKETS;
	struct trace **old = traces.hash, *t, *next;
	struct trace **hash;

	if (traces.n < n)
		return true;
	hash = calloc(more, sizeof(*hash));
	if (!hash)
		return n;
	cause_start();
	traces.hash = hash;
	traces.nbuckets = more;
	for (uint32_t i = 0; i < n; i++) {
		for (t = old[i]; t; t = next) {
			next = t->hash_next;
			t->hash_next = *trace_bucket(t->id);
			*trace_bucket(t->id) = t;
		}
	}
	free(old);
	return true;
}

static struct trace *trace_take(void)
{
	struct trace *t = traces.spares;

	if (!t)
		return calloc(1, sizeof(*t));
	traces.spares = t->hash_next;
	traces.nspares--;
	memset(t, 0, sizeof(*t));
	return t;
}

static void give_back(struct trace *t)
{
	if (traces.over || traces.nspares >= SPARES) {
		free(t);
		return;
	}
	t->hash_next = traces.spares;
	traces.spares = t;
	traces.nspares++;
}

struct trace *trace_new(const uint8_t id[16], bool given)
{
	struct trace *t;

	if (given && !grow_traces())
		return NULL;
	t = trace_take();
	if (!t)
		return NULL;
	memcpy(t->id, id, sizeof(t->id));
	t->refs = 1;
	t->given = given;
	if (!given)
		return t;
	t->hash_next = *trace_bucket(id);
	*trace_bucket(id) = t;
	traces.n++;
	return t;
}

struct trace *trace_given(const uint8_t id[16])
{
	struct trace *t = traces.nbuckets ? *trace_bucket(id) : NULL;

	while (t && memcmp(t->id, id, sizeof(t->id)))
		t = t->hash_next;
	return t ? trace_get(t) : trace_new(id, true);
}

struct trace *trace_get(struct trace *t)
{
	t->refs++;
	return t;
}

static void free_hash(void)
{
	free(traces.hash);
	traces.hash = NULL;
	traces.nbuckets = 0;
}

static void forget_id(struct trace *t)
{
	struct trace **p = trace_bucket(t->id);

	while (*p != t)
		p = &(*p)->hash_next;
	*p = t->hash_next;
	if (!--traces.n && traces.over)
		free_hash();
}

void traces_finish(void)
{
	traces.over = true;
	while (traces.spares)
		free(trace_take());
	if (!traces.n)
		free_hash();
}

void trace_put(struct trace *t)
{
	struct trace *into;

	for (; t && !--t->refs; t = into) {
		into = merged_into(t);
		if (t->given)
			forget_id(t);
		give_back(t);
	}
}

bool trace_is_none(const struct trace *t)
{
	return t == &none;
}

struct trace *trace_of(const struct span *s)
{
	struct trace *t = s->trace, *root = t;

	if (!t)
		return &none;
	if (!merged_into(t))
		return t;
	while (merged_into(root))
		root = root->into;
	((struct span *)s)->trace = trace_get(root);
	trace_put(t);
	return root;
}

void trace_begin(struct span *s, struct trace *t)
{
	s->trace = t ?: trace_get(&none);
	s->counted = 1;
	s->trace->spans++;
	s->trace->open++;
	s->trace->last_ns = spans_now();
}

void trace_end(struct span *s)
{
	struct trace *t = trace_of(s);

	t->open -= s->counted;
	s->counted = 0;
	t->last_ns = spans_now();
}

bool trace_apart(const struct span *a, const struct span *b)
{
	const struct trace *x = trace_of(a), *y = trace_of(b);

	return x != y && x->given && y->given && x != &none && y != &none;
}

static void merge(struct trace *win, struct trace *lose)
{
	win->spans += lose->spans;
	win->open += lose->open;
	if (lose->last_ns > win->last_ns)
		win->last_ns = lose->last_ns;
	win->keep |= lose->keep;
	win->wanted |= lose->wanted;
	win->flushed |= lose->flushed;
	win->rate = win->rate ?: lose->rate;
	pile_merge(win, lose);
	lose->into = trace_get(win);
}

void trace_link(struct span *child, struct span *parent)
{
	struct trace *c = trace_of(child), *p = trace_of(parent);

	if (c == p || c == &none || p == &none || (c->given && p->given))
		return;
	if (c->given)
		merge(c, p);
	else
		merge(p, c);
}

/* W3C Trace Context, level 2, 3.2.2.3.2: the last 7 bytes of an id are random. */
bool trace_sampled(const struct trace *t)
{
	uint64_t r = 0;

	for (int i = 9; i < 16; i++)
		r = r << 8 | t->id[i];
	return set.sample <= 1 || r < (1ull << 56) / set.sample;
}
