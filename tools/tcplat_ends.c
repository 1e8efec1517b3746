// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Connections by their two ends, for the report: those with the most turns by name, the rest as a
 * sum, so that a day of short connections takes no more memory than a minute of them.
 */
#include "tcplat_model.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL; /* 2^64 over the golden ratio */
	return h ^ h >> 32;
}

static size_t hash_of(const struct flow *f, uint8_t role)
{
	uint64_t h = mix(mix(mix(mix(role, f->local[0]), f->local[1]), f->remote[0]), f->remote[1]);

	return mix(h, (uint64_t)f->netns << 32 | (uint32_t)f->local_port << 16 | f->remote_port);
}

static bool same_ends(const struct conn_total *a, const struct conn_total *b)
{
	const struct flow *x = &a->flow, *y = &b->flow;

	return a->role == b->role && x->local_port == y->local_port &&
	       x->remote_port == y->remote_port && x->netns == y->netns &&
	       !memcmp(x->local, y->local, sizeof(x->local)) &&
	       !memcmp(x->remote, y->remote, sizeof(x->remote));
}

/* Where t is in the index, or the free place where it belongs. */
static uint32_t *place_of(const struct ends *e, const struct conn_total *t)
{
	size_t i = hash_of(&t->flow, t->role) & e->mask;

	while (e->index[i] && !same_ends(&e->v[e->index[i] - 1], t))
		i = (i + 1) & e->mask;
	return &e->index[i];
}

void ends_total(struct conn_total *t, const struct tl_conn_rec *r)
{
	*t = (struct conn_total){
		.flow = r->flow,
		.role = r->role,
		.flags = r->flags,
		.sockets = 1,
		.open = r->type == TL_REC_OPEN,
		.id = r->id,
		.writer = r->writer,
		.reader = r->reader,
		.st = r->st,
		.n = r->st.n,
		.waits = r->st.waits,
		.sq = r->st.sq_hi * 0x1p64 + r->st.sq_lo,
		.srtt_us = r->srtt_us,
		.min_rtt_us = r->min_rtt_us,
		.retrans = r->retrans,
		.bytes_sent = r->bytes_sent,
		.bytes_received = r->bytes_received,
	};
	memcpy(t->comm, r->comm, sizeof(t->comm));
}

static void sums_add(struct conn_total *a, const struct conn_total *b)
{
	a->sockets += b->sockets;
	a->open += b->open;
	a->n += b->n;
	a->waits += b->waits;
	a->sq += b->sq;
	a->st.sum += b->st.sum;
	a->st.local_ns += b->st.local_ns;
	a->st.network_ns += b->st.network_ns;
	a->st.wait_ns += b->st.wait_ns;
	a->retrans += b->retrans;
	a->bytes_sent += b->bytes_sent;
	a->bytes_received += b->bytes_received;
}

/* b is the later: who and what it was stands for all. */
static void merge(struct conn_total *a, const struct conn_total *b)
{
	struct conn_total old = *a;

	*a = *b;
	a->sockets = old.sockets;
	a->open = old.open;
	a->n = old.n;
	a->waits = old.waits;
	a->sq = old.sq;
	a->st = old.st;
	a->retrans = old.retrans;
	a->bytes_sent = old.bytes_sent;
	a->bytes_received = old.bytes_received;
	sums_add(a, b);
	if (b->n && (!old.n || b->st.min < old.st.min))
		a->st.min = b->st.min;
	if (b->st.max > old.st.max)
		a->st.max = b->st.max;
	if (b->st.wait_max > old.st.wait_max)
		a->st.wait_max = b->st.wait_max;
	if (old.min_rtt_us && (!a->min_rtt_us || old.min_rtt_us < a->min_rtt_us))
		a->min_rtt_us = old.min_rtt_us;
	if (!a->srtt_us)
		a->srtt_us = old.srtt_us;
	a->flags |= old.flags;
}

static void index_all(struct ends *e)
{
	memset(e->index, 0, (e->mask + 1) * sizeof(*e->index));
	for (size_t i = 0; i < e->n; i++)
		*place_of(e, &e->v[i]) = i + 1;
}

/* More turns first; of two with as many the one that was there first, by its id. */
static int by_turns(const void *a, const void *b)
{
	const struct conn_total *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Moves the max that by_turns() puts first to the front, in no order. */
static void select_most(struct conn_total *v, size_t n, size_t max)
{
	size_t lo = 0, hi = n;

	/* The boundary lies within [lo, hi). The pivot must not be the last: no end. */
	while (lo < max && max < hi) {
		struct conn_total pivot = v[lo + (hi - lo - 1) / 2], t;
		size_t i = lo, j = hi - 1;

		for (;;) {
			while (by_turns(&v[i], &pivot) < 0)
				i++;
			while (by_turns(&v[j], &pivot) > 0)
				j--;
			if (i >= j)
				break;
			t = v[i], v[i] = v[j], v[j] = t;
			i++, j--;
		}
		if (max <= j)
			hi = j + 1;
		else
			lo = j + 1;
	}
}

static void fold(struct ends *e)
{
	if (e->n <= e->max)
		return;
	select_most(e->v, e->n, e->max);
	while (e->n > e->max)
		sums_add(&e->other, &e->v[--e->n]);
}

static int ends_alloc(struct ends *e)
{
	/* A power of two, at most half full. */
	for (e->mask = 15; e->mask < 4 * e->max; e->mask = e->mask * 2 + 1)
		;
	e->v = calloc(2 * e->max, sizeof(*e->v));
	e->index = calloc(e->mask + 1, sizeof(*e->index));
	if (e->v && e->index)
		return 0;
	ends_free(e);
	return -ENOMEM;
}

int ends_add(struct ends *e, const struct conn_total *t)
{
	uint32_t *place;

	if (!e->max) {
		sums_add(&e->other, t);
		return 0;
	}
	if (!e->v && ends_alloc(e))
		return fail(-ENOMEM, "no memory for %zu connections (lower --max-conns)", e->max);
	place = place_of(e, t);
	if (*place) {
		merge(&e->v[*place - 1], t);
		return 0;
	}
	if (e->n == 2 * e->max) {
		fold(e);
		index_all(e);
		place = place_of(e, t);
	}
	e->v[e->n++] = *t;
	*place = e->n;
	return 0;
}

/* Frees a place, and moves what was put behind it for want of it. */
static void index_remove(struct ends *e, uint32_t *place)
{
	size_t hole = place - e->index, i = hole;

	while (e->index[i = (i + 1) & e->mask]) {
		const struct conn_total *t = &e->v[e->index[i] - 1];
		size_t home = hash_of(&t->flow, t->role);

		if (((i - home) & e->mask) < ((i - hole) & e->mask))
			continue;
		e->index[hole] = e->index[i];
		hole = i;
	}
	e->index[hole] = 0;
}

void ends_sub(struct ends *e, const struct conn_total *t)
{
	uint32_t *place = e->v ? place_of(e, t) : NULL;
	struct conn_total *o = &e->other;
	size_t i;

	if (place && *place && e->v[*place - 1].id == t->id) {
		i = *place - 1;
		index_remove(e, place);
		if (i != --e->n) {
			*place_of(e, &e->v[e->n]) = i + 1;
			e->v[i] = e->v[e->n];
		}
		return;
	}
	o->sockets -= t->sockets;
	o->open -= t->open;
	o->n -= t->n;
	o->waits -= t->waits;
	o->sq -= t->sq;
	o->st.sum -= t->st.sum;
	o->st.local_ns -= t->st.local_ns;
	o->st.network_ns -= t->st.network_ns;
	o->st.wait_ns -= t->st.wait_ns;
	o->retrans -= t->retrans;
	o->bytes_sent -= t->bytes_sent;
	o->bytes_received -= t->bytes_received;
}

void ends_other(struct ends *e, const struct conn_total *t)
{
	sums_add(&e->other, t);
}

void ends_sort(struct ends *e)
{
	fold(e);
	if (e->n)
		qsort(e->v, e->n, sizeof(*e->v), by_turns);
	if (e->v)
		index_all(e);
}

void ends_clear(struct ends *e)
{
	if (e->n)
		memset(e->index, 0, (e->mask + 1) * sizeof(*e->index));
	e->n = 0;
	memset(&e->other, 0, sizeof(e->other));
}

void ends_free(struct ends *e)
{
	free(e->v);
	free(e->index);
	*e = (struct ends){.max = e->max};
}
