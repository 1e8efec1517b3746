// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The connections. Of each that is open and was active in a poll the last figures are remembered,
 * no more, so that the next poll can tell what is new; there may be 100,000 of them. Those that
 * close before a poll saw them, and they may be 50,000 a second, leave nothing here.
 *
 * A connection may be polled and then close before the poll is over: it counts as closed, once.
 */
#include "tcplat_model.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 64 bytes */
struct open {
	uint64_t id; /* 0: free */
	uint64_t sum, local_ns, network_ns, max;
	uint32_t n, waits;
	uint32_t poll; /* it was last heard of in */
	uint8_t turn_open;
	uint32_t *hist; /* slots, when it has a histogram */
};

static struct {
	struct open *v; /* open addressing: a connection is at its hash or behind it */
	size_t n, mask; /* mask + 1 places */
	uint32_t poll; /* the one that is going on */
	bool over; /* the poll is: its figures go with the next record */
	struct ends closed, open; /* that have closed; that are open by this poll */
} t = {.poll = 1};

/* --- the table of open connections */

static size_t home_of(uint64_t id)
{
	return (id * 0x9e3779b97f4a7c15ULL >> 32) & t.mask; /* 2^64 over the golden ratio */
}

/* Where id is, or the free place where it belongs. */
static struct open *place_of(uint64_t id)
{
	size_t i = home_of(id);

	while (t.v[i].id && t.v[i].id != id)
		i = (i + 1) & t.mask;
	return &t.v[i];
}

static struct open *open_find(uint64_t id)
{
	struct open *o = t.v ? place_of(id) : NULL;

	return o && o->id ? o : NULL;
}

static int open_grow(void)
{
	struct open *old = t.v, *v;
	size_t size = old ? t.mask + 1 : 0, more = size ? 2 * size : 64;

	v = calloc(more, sizeof(*v));
	if (!v)
		return fail(-ENOMEM, "no memory for %zu open connections", t.n);
	t.v = v;
	t.mask = more - 1;
	for (size_t i = 0; i < size; i++) {
		if (old[i].id)
			*place_of(old[i].id) = old[i];
	}
	free(old);
	return 0;
}

/* NULL: no memory. */
static struct open *open_make(uint64_t id)
{
	struct open *o;

	if ((!t.v || (t.n + 1) * 8 > (t.mask + 1) * 7) && open_grow())
		return NULL;
	o = place_of(id);
	if (!o->id) {
		o->id = id;
		t.n++;
	}
	return o;
}

/* Frees its place, and moves what was put behind it for want of it. */
static void open_remove(struct open *o)
{
	size_t hole = o - t.v, i = hole;

	free(o->hist);
	while (t.v[i = (i + 1) & t.mask].id) {
		if (((i - home_of(t.v[i].id)) & t.mask) < ((i - hole) & t.mask))
			continue;
		t.v[hole] = t.v[i];
		hole = i;
	}
	memset(&t.v[hole], 0, sizeof(t.v[hole]));
	t.n--;
}

/* --- what is new of one */

/* o: what was known of it, or NULL. */
static void conn_new(struct conn *c, const struct tl_conn_rec *r, const struct open *o)
{
	static const struct open nothing;

	/* Sums never shrink: it is another connection, or a damaged recording. */
	if (!o || r->st.sum < o->sum)
		o = &nothing;
	*c = (struct conn){
		.rec = *r,
		.closed = r->type == TL_REC_CLOSED,
		.d_turns = (uint32_t)(r->st.n - o->n),
		.d_sum_ns = r->st.sum - o->sum,
		.d_local_ns = less(r->st.local_ns, o->local_ns),
		.d_network_ns = less(r->st.network_ns, o->network_ns),
		.p50_ns = UINT64_MAX,
		.p99_ns = UINT64_MAX,
		.max_ns = UINT64_MAX,
	};
	if (c->d_turns && r->st.max > o->max)
		c->max_ns = r->st.max;
}

/* --- records */

/* The figures of the poll before are not asked for any more. */
static void poll_begin(void)
{
	if (!t.over)
		return;
	t.over = false;
	t.poll++;
	busiest_clear();
	ends_clear(&t.open);
	model.open = model.open_turns = model.open_waits = model.turns_open = 0;
}

/* It was open by this poll, and is not, or is there once more. */
static void poll_undo(const struct open *o, const struct tl_conn_rec *r)
{
	struct conn_total was;

	ends_total(&was, r);
	was.open = 1;
	was.n = o->n;
	was.waits = o->waits;
	was.st.sum = o->sum;
	was.st.local_ns = o->local_ns;
	was.st.network_ns = o->network_ns;
	ends_sub(&t.open, &was);
	model.open--;
	model.open_turns -= o->n;
	model.open_waits -= o->waits;
	model.turns_open -= o->turn_open;
}

static int on_closed(const struct tl_conn_rec *r, const struct tl_hist_rec *h)
{
	struct conn whole;

	model.closed++;
	model.closed_turns += r->st.n;
	model.closed_waits += r->st.waits;
	conn_new(&whole, r, NULL);
	if (h && row_json())
		conn_percentiles(&whole, h->slot, NULL);
	rows_closed(&whole);
	return 0;
}

static int on_open(const struct tl_conn_rec *r, const struct tl_hist_rec *h)
{
	struct open *o = open_make(r->id);

	if (!o)
		return -ENOMEM;
	model.open++;
	model.open_turns += r->st.n;
	model.open_waits += r->st.waits;
	model.turns_open += r->turn_open;
	o->n = r->st.n;
	o->waits = r->st.waits;
	o->sum = r->st.sum;
	o->local_ns = r->st.local_ns;
	o->network_ns = r->st.network_ns;
	o->max = r->st.max;
	o->turn_open = r->turn_open;
	o->poll = t.poll;
	if (!h || r->hist_taken) {
		free(o->hist);
		o->hist = NULL;
		return 0;
	}
	if (!o->hist)
		o->hist = malloc(sizeof(h->slot));
	if (!o->hist)
		return fail(-ENOMEM, "no memory for a connection's histogram");
	memcpy(o->hist, h->slot, sizeof(h->slot));
	return 0;
}

int conns_record(const struct tl_conn_rec *r, const struct tl_hist_rec *h)
{
	bool closed = r->type == TL_REC_CLOSED, again;
	struct conn_total total;
	struct open *o;
	struct conn c;
	int err = 0;

	poll_begin();
	o = open_find(r->id);
	again = o && o->poll == t.poll;
	if (again)
		poll_undo(o, r);
	conn_new(&c, r, o);
	if (!again || !busiest_again(&c))
		err = busiest_offer(&c, h, o ? o->hist : NULL);
	ends_total(&total, r);
	t.closed.max = t.open.max = set.max_conns;
	err = err ?: ends_add(closed ? &t.closed : &t.open, &total);
	if (err)
		return err;
	if (!closed)
		return on_open(r, h);
	if (o)
		open_remove(o);
	return on_closed(r, h);
}

void conns_interval_done(void)
{
	t.over = true;
}

void conns_each(void (*fn)(const struct conn_total *total, void *ctx), void *ctx,
		struct conn_total *other, size_t *nother)
{
	struct ends all = {.max = set.max_conns};
	const struct ends *parts[] = {&t.closed, &t.open};

	for (int p = 0; p < 2; p++) {
		for (size_t i = 0; i < parts[p]->n; i++) {
			if (ends_add(&all, &parts[p]->v[i]))
				ends_other(&all, &parts[p]->v[i]);
		}
		ends_other(&all, &parts[p]->other);
	}
	ends_sort(&all);
	for (size_t i = 0; i < all.n; i++)
		fn(&all.v[i], ctx);
	*other = all.other;
	*nother = all.other.sockets;
	ends_free(&all);
}
