// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What waits of each trace, until the trace is whole.
 */
#include "httptrace_cause.h"
#include <stdlib.h>
#include <string.h>

#define SPARE_PILES 1024

struct pile {
	struct trace *trace; /* not a reference: its spans have some */
	struct span *first, *last; /* by INDEX_WAIT */
	uint32_t n;
	uint64_t due_ns; /* when it may be quiet */
	struct pile *newer, *older; /* by their first span */
	struct pile *next, *prev; /* by due_ns */
};

static struct {
	struct pile *oldest, *newest;
	struct pile *soonest, *latest;
	struct pile *spares; /* by next */
	uint32_t nspares;
	uint64_t spans; /* that wait */
	struct span **sorted;
	size_t room;
} piles;

/* --- the two lists */

static void age_add(struct pile *p)
{
	p->newer = NULL;
	p->older = piles.newest;
	*(p->older ? &p->older->newer : &piles.oldest) = p;
	piles.newest = p;
}

static void age_del(struct pile *p)
{
	*(p->older ? &p->older->newer : &piles.oldest) = p->newer;
	*(p->newer ? &p->newer->older : &piles.newest) = p->older;
}

static void due_add(struct pile *p)
{
	p->next = NULL;
	p->prev = piles.latest;
	*(p->prev ? &p->prev->next : &piles.soonest) = p;
	piles.latest = p;
}

static void due_del(struct pile *p)
{
	*(p->prev ? &p->prev->next : &piles.soonest) = p->next;
	*(p->next ? &p->next->prev : &piles.latest) = p->prev;
}

static struct pile *pile_new(struct trace *t)
{
	struct pile *p = piles.spares;

	if (p) {
		piles.spares = p->next;
		piles.nspares--;
	} else {
		p = malloc(sizeof(*p));
	}
	if (!p)
		return NULL;
	*p = (struct pile){.trace = t, .due_ns = spans_now() + QUIET_NS};
	t->pile = p;
	age_add(p);
	due_add(p);
	return p;
}

static void pile_delete(struct pile *p)
{
	age_del(p);
	due_del(p);
	p->trace->pile = NULL;
	if (piles.nspares >= SPARE_PILES) {
		free(p);
		return;
	}
	p->next = piles.spares;
	piles.spares = p;
	piles.nspares++;
}

/* --- to the outputs */

static int by_begin(const void *a, const void *b)
{
	const struct span *x = *(struct span *const *)a, *y = *(struct span *const *)b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	/* A client's was first, though it may only have been told of when it was done. */
	return x->role - y->role;
}

static int by_end(const void *a, const void *b)
{
	const struct span *x = *(struct span *const *)a, *y = *(struct span *const *)b;

	return (x->over_ns > y->over_ns) - (x->over_ns < y->over_ns);
}

static void sort_spans(struct span **v, size_t n, int (*by)(const void *a, const void *b))
{
	size_t i = 1;

	while (i < n && by(&v[i - 1], &v[i]) <= 0)
		i++;
	if (i < n)
		qsort(v, n, sizeof(*v), by);
}

void pile_show(struct span **v, size_t n)
{
	struct span *few[PILE_FEW], **shown = n <= PILE_FEW ? few : v + n;
	size_t nshown = 0;

	sort_spans(v, n, by_end);
	for (size_t i = 0; i < n; i++) {
		/* Its place there is the tree's from here on. */
		join_over(v[i]);
		if (hold_show(v[i]))
			shown[nshown++] = v[i];
	}
	if (set.tree && nshown) {
		sort_spans(shown, nshown, by_begin);
		hold_told(tree_trace(shown, nshown));
	}
	for (size_t i = 0; i < n; i++)
		hold_release(v[i]);
}

/* Room for all twice: for those that wait, and for those that are shown. */
static bool room_for(size_t n)
{
	struct span **more;

	if (2 * n <= piles.room)
		return true;
	more = realloc(piles.sorted, 4 * n * sizeof(*more));
	if (!more)
		return false;
	piles.sorted = more;
	piles.room = 4 * n;
	return true;
}

static void flush(struct pile *p)
{
	struct trace *t = p->trace;
	struct span *few[PILE_FEW], *s = p->first, *next, **v = few;
	size_t most = PILE_FEW, n = 0;

	if (p->n > PILE_FEW && room_for(p->n)) {
		v = piles.sorted;
		most = p->n;
	}
	t->wanted |= set.sample <= 1 || t->keep || trace_sampled(t);
	piles.spans -= p->n;
	trace_get(t);
	pile_delete(p);
	for (; s; s = next) {
		next = s->index_next[INDEX_WAIT];
		v[n++] = s;
		if (n < most && next)
			continue;
		pile_show(v, n);
		n = 0;
	}
	trace_put(t);
}

/* --- */

/* Too many wait: the trace that waits longest is shown as it is. */
static void flush_oldest(void)
{
	struct pile *p = piles.oldest;

	span_stats.early_shown += p->n;
	p->trace->flushed = p->trace->open > 0;
	flush(p);
}

bool pile_add(struct span *s)
{
	struct trace *t = trace_of(s);
	struct pile *p = t->pile ?: pile_new(t);

	if (!p)
		return false;
	s->index_next[INDEX_WAIT] = NULL;
	*(p->last ? &p->last->index_next[INDEX_WAIT] : &p->first) = span_get(s);
	p->last = s;
	p->n++;
	if (++piles.spans > set.max_held)
		flush_oldest();
	return true;
}

void pile_merge(struct trace *win, struct trace *lose)
{
	struct pile *p = lose->pile, *to = win->pile;

	if (!p)
		return;
	if (!to) {
		p->trace = win;
		win->pile = p;
		lose->pile = NULL;
		return;
	}
	to->last->index_next[INDEX_WAIT] = p->first;
	to->last = p->last;
	to->n += p->n;
	pile_delete(p);
}

void pile_tick(uint64_t now_ns)
{
	struct pile *p;

	while ((p = piles.soonest) && p->due_ns <= now_ns) {
		uint64_t quiet = p->trace->last_ns + QUIET_NS;

		if (!p->trace->open && quiet <= now_ns) {
			flush(p);
			continue;
		}
		p->due_ns = p->trace->open ? now_ns + QUIET_NS : quiet;
		due_del(p);
		due_add(p);
	}
}

void pile_finish(void)
{
	while (piles.oldest)
		flush(piles.oldest);
	while (piles.spares) {
		struct pile *p = piles.spares;

		piles.spares = p->next;
		free(p);
	}
	free(piles.sorted);
	memset(&piles, 0, sizeof(piles));
}
