/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METRICS_BPF_H
#define METRICS_BPF_H
/*
 * Where tcplat's figures go: counters and histograms of the CPU, the sums of a connection, and the
 * histograms that go round among the busy ones.
 */
#include "tcplat.h"

const volatile __u32 conn_hists = 0; /* slots of hists */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TL_METRICS);
	__type(key, __u32);
	__type(value, struct tl_metric);
} metrics SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tl_totals);
} totals SEC(".maps");

struct conn_hist {
	__u32 slot[HIST_SLOTS];
};

/*
 * Histograms of single connections, for the busy ones: slots go round. The user half puts those
 * that are empty in free_hists, and takes those whose connection's record was lost from
 * dead_hists; the others come back in records.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct conn_hist);
} hists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, __u32);
} free_hists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, __u32);
} dead_hists SEC(".maps");

static __always_inline void add(__u64 *p, __u64 v)
{
	__sync_fetch_and_add(p, v);
}

static __always_inline void count_more(enum tl_count what, __u64 n)
{
	__u32 zero = 0;
	struct tl_totals *t = bpf_map_lookup_elem(&totals, &zero);

	if (t)
		add(&t->count[what], n);
}

static __always_inline void count(enum tl_count what)
{
	count_more(what, 1);
}

/* Into the histogram. Returns where the sum belongs, unless that is kept elsewhere. */
static __always_inline struct tl_metric *metric_slot(enum tl_metric_id which, __u64 ns)
{
	__u32 key = which;
	struct tl_metric *m = bpf_map_lookup_elem(&metrics, &key);
	__u64 slot = hist_slot(ns);

	barrier_var(slot);
	if (!m || slot >= HIST_SLOTS)
		return NULL;
	add(&m->slot[slot], 1);
	if (~ns > m->nmin)
		m->nmin = ~ns;
	if (ns > m->max)
		m->max = ns;
	return m;
}

static __always_inline void metric_add(enum tl_metric_id which, __u64 ns)
{
	struct tl_metric *m = metric_slot(which, ns);

	if (m)
		add(&m->sum, ns);
}

/* A slot of a histogram counts one less: somebody else was counted there. */
static __always_inline void metric_less(enum tl_metric_id which, __u64 ns)
{
	__u32 key = which;
	struct tl_metric *m = bpf_map_lookup_elem(&metrics, &key);
	__u64 slot = hist_slot(ns);

	barrier_var(slot);
	if (!m || slot >= HIST_SLOTS)
		return;
	add(&m->slot[slot], -1);
	add(&m->sum, -ns);
}

/* The sum of squares in 128 bits: ns as long as they fit in 32 bits, beyond that to 65 us. */
static __always_inline void stats_square(struct tl_conn_stats *st, __u64 ns)
{
	__u64 lo = ns * ns, hi = 0;

	if (ns >> 32) {
		__u64 s = (ns >> 16) * (ns >> 16);

		lo = s << 32;
		hi = s >> 32;
	}
	st->sq_lo += lo;
	st->sq_hi += hi + (st->sq_lo < lo);
}

static __always_inline void hist_turn(struct tl_conn *c, __u64 ns)
{
	struct conn_hist *h;
	__u64 slot = hist_slot(ns);
	__u32 i;

	if (!conn_hists)
		return;
	if (!c->hist) {
		if (c->st.n % TL_HIST_AFTER || bpf_map_pop_elem(&free_hists, &i))
			return;
		c->hist = i + 1;
	}
	i = c->hist - 1;
	h = bpf_map_lookup_elem(&hists, &i);
	barrier_var(slot);
	if (h && slot < HIST_SLOTS)
		h->slot[slot]++;
}

static __always_inline void conn_turn(struct tl_conn *c, __u64 ns)
{
	struct tl_conn_stats *st = &c->st;

	if (!st->n || ns < st->min)
		st->min = ns;
	if (ns > st->max)
		st->max = ns;
	st->n++;
	st->sum += ns;
	stats_square(st, ns);
	hist_turn(c, ns);
}
#endif
