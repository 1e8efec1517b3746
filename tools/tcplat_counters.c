// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the kernel half counted: metrics and totals summed over the CPUs, the connections by way of
 * an iterator, and the histograms that go round among the busy ones.
 */
#include "tcplat_parts.h"
#include "log.h"
#include "run.h"
#include "tcplat.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAST_WALKS    200
#define LAST_PAUSE_US 2000

static struct {
	struct tcplat_bpf *skel;
	struct bpf_link *poll;
	int ncpus;
	struct tl_metric *metric; /* one for each CPU */
	struct tl_totals *totals;
	uint64_t polled_ns;
	/* Who has which of the connections' histograms, as of the last poll. */
	struct owner {
		uint64_t id;
		uint32_t n, new; /* turns, and those of the last interval */
		bool seen, wanted_back;
	} * owners;
	uint32_t wanting; /* active connections without one */
	struct tl_hist_rec hist;
} counters;

void counters_size(struct tcplat_bpf *skel, bool storage)
{
	uint32_t slots = set.conn_hists ?: 1;

	bpf_map__set_max_entries(skel->maps.conns_by_sock, storage ? 1 : set.max_tracked);
	bpf_map__set_max_entries(skel->maps.hists, slots);
	bpf_map__set_max_entries(skel->maps.free_hists, slots);
	bpf_map__set_max_entries(skel->maps.dead_hists, slots);
	bpf_map__set_max_entries(skel->maps.take_hists, slots);
	skel->rodata->conn_hists = set.conn_hists;
}

static int free_slot(uint32_t slot)
{
	static const uint32_t empty[HIST_SLOTS];
	int err;

	counters.owners[slot] = (struct owner){};
	err = bpf_map_update_elem(bpf_map__fd(counters.skel->maps.hists), &slot, empty, BPF_ANY);
	return err
		       ?: bpf_map_update_elem(bpf_map__fd(counters.skel->maps.free_hists), NULL,
					      &slot, BPF_ANY);
}

static struct bpf_link *attach_poll(bool storage)
{
	struct tcplat_bpf *s = counters.skel;
	union bpf_iter_link_info info = {
		.map.map_fd = bpf_map__fd(storage ? s->maps.conns : s->maps.conns_by_sock),
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__attach_iter(storage ? s->progs.poll_storage : s->progs.poll_hash,
					&opts);
}

int counters_init(struct tcplat_bpf *skel, bool storage)
{
	int err = 0;

	/* Of a backend that could not be attached. */
	bpf_link__destroy(counters.poll);
	free(counters.metric);
	free(counters.totals);
	free(counters.owners);
	counters.poll = NULL;
	counters.skel = skel;
	counters.ncpus = libbpf_num_possible_cpus();
	counters.metric = calloc(counters.ncpus, sizeof(*counters.metric));
	counters.totals = calloc(counters.ncpus, sizeof(*counters.totals));
	counters.owners = calloc(set.conn_hists ?: 1, sizeof(*counters.owners));
	if (!counters.metric || !counters.totals || !counters.owners)
		return -ENOMEM;
	for (uint32_t i = 0; i < set.conn_hists && !err; i++)
		err = free_slot(i);
	if (err)
		return fail(err, "cannot fill a map: %s", strerror(-err));
	counters.poll = attach_poll(storage);
	return counters.poll ? 0 : fail(-errno, "cannot iterate: %s", strerror(errno));
}

static int read_cpus(const struct bpf_map *map, uint32_t key, void *values)
{
	int err = bpf_map_lookup_elem(bpf_map__fd(map), &key, values);

	return err ? fail(err, "cannot read the counters: %s", strerror(-err)) : 0;
}

static void add_metric(struct tl_metric *a, const struct tl_metric *b)
{
	a->sum += b->sum;
	a->nmin = b->nmin > a->nmin ? b->nmin : a->nmin;
	a->max = b->max > a->max ? b->max : a->max;
	for (int k = 0; k < HIST_SLOTS; k++)
		a->slot[k] += b->slot[k];
}

static int read_metric(enum tl_metric_id which, struct tl_metric *m)
{
	int err = read_cpus(counters.skel->maps.metrics, which, counters.metric);

	memset(m, 0, sizeof(*m));
	for (int i = 0; i < counters.ncpus && !err; i++)
		add_metric(m, &counters.metric[i]);
	return err;
}

/* What of the client's turns is kept elsewhere, or as a difference. */
static void complete_client(struct tl_metric *client, struct tl_metric *last, struct tl_totals *t)
{
	unsigned int first = 0;

	for (int i = 0; i < HIST_SLOTS; i++) {
		uint64_t value = hist_slot_min(i);
		unsigned int octave = value ? hist_log2(value) : 0;

		t->split[octave < TL_OCTAVES ? octave : TL_OCTAVES - 1].n += client->slot[i];
	}
	for (int i = 0; i < TL_OCTAVES; i++)
		client->sum += t->split[i].total_ns;
	add_metric(last, client);
	while (first < HIST_SLOTS - 1 && !last->slot[first])
		first++;
	/* The least of the first bytes may have been an answer that went on. */
	if (last->slot[first] && hist_slot(~last->nmin) < first)
		last->nmin = ~hist_slot_min(first);
}

static int read_totals(struct tl_totals *t)
{
	int err = read_cpus(counters.skel->maps.totals, 0, counters.totals);
	__u64 *to = (__u64 *)t;

	memset(t, 0, sizeof(*t));
	for (int i = 0; i < counters.ncpus && !err; i++) {
		const __u64 *from = (const __u64 *)&counters.totals[i];

		for (size_t k = 0; k < sizeof(*t) / sizeof(*to); k++)
			to[k] += from[k];
	}
	return err;
}

static uint64_t samples(const struct tl_metric *m)
{
	uint64_t n = 0;

	for (int i = 0; i < HIST_SLOTS; i++)
		n += m->slot[i];
	return n;
}

static void complete(struct tl_metric_rec *m, struct tl_totals *t)
{
	complete_client(&m[TL_CLIENT].m, &m[TL_CLIENT_LAST].m, t);
	t->count[TL_N_ANSWERED] = samples(&m[TL_CLIENT].m) + samples(&m[TL_SERVER].m);
	t->count[TL_N_MULTI] = samples(&m[TL_CLIENT_MULTI].m);
}

int counters_feed(bool last)
{
	static struct tl_metric_rec m[TL_METRICS];
	static struct tl_totals_rec r;
	struct cost c;
	int err = 0;

	for (int i = 0; i < TL_METRICS && !err; i++) {
		m[i].metric = i;
		err = read_metric(i, &m[i].m);
	}
	err = err ?: read_totals(&r.t);
	if (!err)
		complete(m, &r.t);
	for (int i = 0; i < TL_METRICS && !err; i++)
		err = run_feed(TL_REC_METRIC, &m[i], sizeof(m[i]));
	cost_get(&c);
	r.now_ns = run_now();
	r.missed = c.missed;
	r.hook_window_ns = c.window_ns;
	r.hooks = c.hooks;
	r.hook_ns = c.hook_ns;
	r.hook_turns = c.turns;
	r.last = last;
	return err ?: run_feed(TL_REC_TOTALS, &r, sizeof(r));
}

uint64_t counters_opened(void)
{
	static struct tl_totals t;

	return read_totals(&t) ? 0 : t.count[TL_N_OPENED];
}

/* Feeds the histogram of a connection. */
static int feed_hist(uint64_t id, uint32_t slot)
{
	int err = bpf_map_lookup_elem(bpf_map__fd(counters.skel->maps.hists), &slot,
				      counters.hist.slot);

	counters.hist.id = id;
	return err ? 0 : run_feed(TL_REC_HIST, &counters.hist, sizeof(counters.hist));
}

int counters_before_closed(const struct tl_conn_rec *r)
{
	uint32_t slot = r->hist - 1;
	int err;

	if (!r->hist || slot >= set.conn_hists)
		return 0;
	err = feed_hist(r->id, slot);
	return err ?: free_slot(slot);
}

int counters_before_open(const struct tl_conn_rec *r)
{
	uint32_t slot = r->hist - 1, no = 0;
	struct owner *o;
	int err;

	if (!r->hist || slot >= set.conn_hists) {
		counters.wanting += r->st.n >= TL_HIST_AFTER;
		return 0;
	}
	o = &counters.owners[slot];
	if (o->id != r->id)
		*o = (struct owner){.id = r->id};
	o->new = r->st.n - o->n;
	o->n = r->st.n;
	o->seen = true;
	err = feed_hist(r->id, slot);
	if (err || !r->hist_taken)
		return err;
	return bpf_map_update_elem(bpf_map__fd(counters.skel->maps.take_hists), &slot, &no, BPF_ANY)
		       ?: free_slot(slot);
}

/*
 * More connections want a histogram than there are: whoever had a quarter of the owners' average,
 * or nothing, gives his back at the next poll.
 */
static void take_back(void)
{
	uint64_t sum = 0, n = 0;
	uint32_t yes = 1;

	for (uint32_t i = 0; i < set.conn_hists; i++) {
		n += counters.owners[i].id != 0;
		sum += counters.owners[i].seen ? counters.owners[i].new : 0;
	}
	for (uint32_t i = 0; i < set.conn_hists; i++) {
		struct owner *o = &counters.owners[i];

		if (n == set.conn_hists && counters.wanting && o->id &&
		    (!o->seen || o->new *n * 4 < sum)) {
			bpf_map_update_elem(bpf_map__fd(counters.skel->maps.take_hists), &i, &yes,
					    BPF_ANY);
			counters.wanting--;
		}
		o->seen = false;
	}
}

/*
 * One walk over the connections. Their records come through the ring buffer: the iterator's own
 * buffer holds a hundred, and each time that it is full the walk begins its bucket anew, of which
 * socket storage has but one for each CPU.
 */
static int walk(void)
{
	int fd = bpf_iter_create(bpf_link__fd(counters.poll)), err = 0;
	char nothing[64];
	ssize_t n;

	if (fd < 0)
		return fail(-errno, "cannot iterate: %s", strerror(errno));
	do {
		n = read(fd, nothing, sizeof(nothing));
		/* The ring is half full, or a million connections were passed. */
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			err = fail(-errno, "cannot read the connections: %s", strerror(errno));
		err = err ?: run_drain();
	} while (!err && n);
	close(fd);
	return err;
}

static bool all_reported(void)
{
	static struct tl_totals t;

	return read_totals(&t) ||
	       t.count[TL_N_CONNS] <= t.count[TL_N_CONNS_LOST] + model.closed + model.open;
}

int counters_conns(bool last)
{
	uint64_t now = run_now();
	int err, walks = 0;

	counters.skel->bss->poll_since = counters.polled_ns;
	counters.skel->bss->poll_last = last;
	counters.wanting = 0;
	/*
	 * While connections die a walk may pass over others. The last one must not: each is
	 * reported once, so that walks go on until all are accounted for.
	 */
	while (!(err = walk()) && last && !all_reported() && ++walks < LAST_WALKS)
		usleep(LAST_PAUSE_US);
	take_back();
	counters.polled_ns = now;
	return err;
}

void counters_tick(void)
{
	int fd = bpf_map__fd(counters.skel->maps.dead_hists);
	uint32_t slot;

	while (!bpf_map_lookup_and_delete_elem(fd, NULL, &slot)) {
		if (slot >= set.conn_hists || free_slot(slot))
			return;
	}
}
