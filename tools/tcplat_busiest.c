// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The busiest connections of an interval: a heap of as many as have rows, so that 100,000 others
 * cost a comparison each.
 */
#include "tcplat_model.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct conn *busy; /* set.top of them */
static struct conn **heap; /* the least busy is the first */
static const struct conn **sorted;
static size_t nheap;

void conn_percentiles(struct conn *c, const uint32_t *slots, const uint32_t *before)
{
	static struct hist h;
	int hi = -1;

	hist_init(&h);
	for (int i = 0; i < HIST_SLOTS; i++) {
		/* Slots that have shrunk are another's now, or damaged. */
		h.slot[i] = before && before[i] <= slots[i] ? slots[i] - before[i] : slots[i];
		if (h.slot[i])
			hi = i;
	}
	if (hi < 0)
		return;
	if (c->max_ns == UINT64_MAX)
		c->max_ns = hist_slot_max(hi) < c->rec.st.max ? hist_slot_max(hi) : c->rec.st.max;
	h.min = c->rec.st.min < c->max_ns ? c->rec.st.min : c->max_ns;
	h.max = c->max_ns;
	c->p50_ns = hist_quantile(&h, 0.5);
	c->p99_ns = hist_quantile(&h, 0.99);
}

static bool busier(const struct conn *a, const struct conn *b)
{
	return a->d_turns != b->d_turns ? a->d_turns > b->d_turns : a->rec.id < b->rec.id;
}

static void top_sink(size_t i)
{
	for (size_t child; (child = 2 * i + 1) < nheap; i = child) {
		struct conn *c;

		if (child + 1 < nheap && busier(heap[child], heap[child + 1]))
			child++;
		if (!busier(heap[i], heap[child]))
			return;
		c = heap[i], heap[i] = heap[child], heap[child] = c;
	}
}

static void top_rise(size_t i)
{
	for (size_t up; i && busier(heap[up = (i - 1) / 2], heap[i]); i = up) {
		struct conn *c = heap[i];

		heap[i] = heap[up], heap[up] = c;
	}
}

static int top_alloc(void)
{
	busy = calloc(set.top, sizeof(*busy));
	heap = calloc(set.top, sizeof(*heap));
	sorted = calloc(set.top, sizeof(*sorted));
	if (!busy || !heap || !sorted)
		return fail(-ENOMEM, "no memory for %llu rows (lower --top)",
			    (unsigned long long)set.top);
	for (size_t i = 0; i < set.top; i++)
		heap[i] = &busy[i];
	return 0;
}

bool busiest_again(const struct conn *c)
{
	for (size_t i = 0; i < nheap; i++) {
		struct conn *old = heap[i];

		if (old->rec.id != c->rec.id || old->closed)
			continue;
		old->rec = c->rec;
		old->closed = c->closed;
		old->d_turns += c->d_turns;
		old->d_sum_ns += c->d_sum_ns;
		old->d_local_ns += c->d_local_ns;
		old->d_network_ns += c->d_network_ns;
		if (c->d_turns && c->max_ns != UINT64_MAX)
			old->max_ns = c->max_ns;
		top_sink(i);
		return true;
	}
	return false;
}

int busiest_offer(struct conn *c, const struct tl_hist_rec *h, const uint32_t *before)
{
	if (!c->d_turns || !set.top)
		return 0;
	if (!busy && top_alloc())
		return -ENOMEM;
	if (nheap == set.top && !busier(c, heap[0]))
		return 0;
	if (h)
		conn_percentiles(c, h->slot, before);
	if (nheap < set.top) {
		*heap[nheap] = *c;
		top_rise(nheap++);
	} else {
		*heap[0] = *c;
		top_sink(0);
	}
	return 0;
}

static int by_business(const void *a, const void *b)
{
	const struct conn *x = *(const struct conn *const *)a, *y = *(const struct conn *const *)b;

	return busier(x, y) ? -1 : busier(y, x);
}

size_t conns_top(const struct conn **top, size_t n)
{
	if (n > nheap)
		n = nheap;
	if (!n)
		return 0;
	memcpy(sorted, heap, nheap * sizeof(*sorted));
	qsort(sorted, nheap, sizeof(*sorted), by_business);
	memcpy(top, sorted, n * sizeof(*top));
	return n;
}

void busiest_clear(void)
{
	nheap = 0;
}
