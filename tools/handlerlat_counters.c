// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the kernel half counted, with what the user half found out about calls that did not return.
 */
#include "handlerlat_parts.h"
#include "log.h"
#include "run.h"
#include "handlerlat.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATS_BUDGET (16u << 20) /* bytes of kernel memory for the shards of all functions */
#define MAX_SHARDS   8

static struct {
	struct handlerlat_bpf *skel;
	uint32_t capacity, shards, shard_bits;
	struct hl_stats *read_buf; /* one shard */
	struct leftovers left;
	uint64_t *cut; /* by function: running when the overhead guard took the probes off */
	uint64_t *seen; /* by function: activity at the last poll */
} counters;

static uint32_t power_of_two_below(uint32_t v)
{
	uint32_t p = 1;

	while (2 * p <= v)
		p *= 2;
	return p;
}

void counters_size(struct handlerlat_bpf *skel, uint32_t capacity)
{
	uint32_t cpus = libbpf_num_possible_cpus();
	uint32_t most = STATS_BUDGET / (capacity * sizeof(struct hl_stats)) ?: 1;

	counters.skel = skel;
	counters.capacity = capacity;
	counters.shards = power_of_two_below(cpus < most ? cpus : most);
	if (counters.shards > MAX_SHARDS)
		counters.shards = MAX_SHARDS;
	while (1u << counters.shard_bits < counters.shards)
		counters.shard_bits++;
	skel->rodata->shard_bits = counters.shard_bits;
	skel->rodata->shard_mask = counters.shards - 1;
	bpf_map__set_max_entries(skel->maps.stats, capacity << counters.shard_bits);
	bpf_map__set_max_entries(skel->maps.routes,
				 aggregating() ? set.max_routes << counters.shard_bits : 1);
}

int counters_init(void)
{
	uint32_t n = counters.capacity;

	counters.read_buf = calloc(1, sizeof(*counters.read_buf));
	counters.left.gone = calloc(n, sizeof(*counters.left.gone));
	counters.left.swept = calloc(n, sizeof(*counters.left.swept));
	counters.left.running = calloc(n, sizeof(*counters.left.running));
	counters.cut = calloc(n, sizeof(*counters.cut));
	counters.seen = calloc(n, sizeof(*counters.seen));
	if (!counters.read_buf || !counters.left.gone || !counters.left.swept ||
	    !counters.left.running || !counters.cut || !counters.seen)
		return -ENOMEM;
	return 0;
}

static void add_stats(struct hl_stats *a, const struct hl_stats *b)
{
	uint64_t max = a->max > b->max ? a->max : b->max;
	uint64_t nmin = a->nmin > b->nmin ? a->nmin : b->nmin;
	__u64 *x = (__u64 *)a;
	const __u64 *y = (const __u64 *)b;

	for (size_t i = 0; i < sizeof(*a) / sizeof(*x); i++)
		x[i] += y[i];
	a->max = max;
	a->nmin = nmin;
}

static int read_stats(uint32_t fn, struct hl_stats *st)
{
	int fd = bpf_map__fd(counters.skel->maps.stats), err = 0;

	memset(st, 0, sizeof(*st));
	for (uint32_t i = 0; i < counters.shards && !err; i++) {
		uint32_t key = fn << counters.shard_bits | i;

		err = bpf_map_lookup_elem(fd, &key, counters.read_buf);
		if (!err)
			add_stats(st, counters.read_buf);
	}
	st->unwound += counters.left.gone[fn] + counters.left.swept[fn];
	st->cut += counters.cut[fn];
	return err ? fail(err, "cannot read the counters: %s", strerror(-err)) : 0;
}

static uint64_t returned_of(const struct hl_stats *st)
{
	uint64_t n = 0;

	for (int i = 0; i < HIST_SLOTS; i++)
		n += st->slot[i];
	return n;
}

static uint64_t activity(const struct hl_stats *st)
{
	return st->entered + st->unwound + st->missed + st->cut + returned_of(st);
}

static int feed_functions(void)
{
	struct hl_stats_rec r = {};
	uint64_t n;
	int err = 0;

	for (uint32_t fn = 1; fn <= probe_nfuncs && !err; fn++) {
		err = read_stats(fn, &r.stats);
		n = activity(&r.stats);
		if (err || (n == counters.seen[fn] && !counters.left.running[fn]))
			continue;
		counters.seen[fn] = n;
		r.fn = fn;
		r.running = counters.left.running[fn];
		err = run_feed(HL_REC_STATS, &r, sizeof(r));
	}
	return err;
}

/* One record per method and route, whose shards lie scattered in the hash. */
static int feed_routes(void)
{
	int fd = bpf_map__fd(counters.skel->maps.routes), err = 0;
	struct hl_route_key key, *prev = NULL;
	struct hl_route_rec r;

	for (; !err && !bpf_map_get_next_key(fd, prev, &key); prev = &key) {
		if (key.fn == HL_FN_CALIBRATE)
			continue;
		memset(&r, 0, sizeof(r));
		r.key = key;
		/* The lowest shard that exists speaks for all. */
		for (r.key.shard = 0; r.key.shard < counters.shards; r.key.shard++) {
			if (bpf_map_lookup_elem(fd, &r.key, counters.read_buf))
				continue;
			if (r.key.shard < key.shard)
				break;
			add_stats(&r.stats, counters.read_buf);
		}
		if (r.key.shard < counters.shards)
			continue;
		r.key.shard = 0;
		err = run_feed(HL_REC_ROUTE, &r, sizeof(r));
	}
	return err;
}

int counters_feed(void)
{
	return feed_functions() ?: (aggregating() ? feed_routes() : 0);
}

int counters_look(bool report, bool sweep)
{
	memset(counters.left.running, 0, counters.capacity * sizeof(*counters.left.running));
	memset(counters.left.gone, 0, counters.capacity * sizeof(*counters.left.gone));
	return frames_left(counters.skel, report, &counters.left, sweep);
}

int counters_cut(void)
{
	return frames_cut(counters.skel, counters.cut);
}

uint64_t counters_cost(const struct cost *c)
{
	struct hl_stats st;
	uint64_t ns = 0;

	for (uint32_t fn = 1; fn <= probe_nfuncs; fn++) {
		if (read_stats(fn, &st))
			return 0;
		ns += st.entered * (c->entry_ns + (probe_stepped(fn) ? c->step_ns : 0)) +
		      (returned_of(&st) + st.missed) * c->exit_ns;
	}
	return ns;
}

uint64_t counters_entry_cost(const struct cost *c)
{
	uint64_t calls = 0, stepped = 0, functions = 0;
	struct hl_stats st;

	for (uint32_t fn = 1; fn <= probe_nfuncs && c->step_ns; fn++) {
		if (read_stats(fn, &st))
			break;
		calls += st.entered;
		stepped += probe_stepped(fn) ? st.entered : 0;
		functions += probe_stepped(fn);
	}
	if (!calls) {
		calls = probe_nfuncs;
		stepped = functions;
	}
	return c->entry_ns + (calls ? c->step_ns * stepped / calls : 0);
}
