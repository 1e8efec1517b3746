// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * -i and --histogram: what each method and route counted, on each side, in an interval and in all.
 *
 * The first --max-routes that come have a place; all that come later share one on each side, so
 * that who makes up paths cannot take the memory. How many those are is known to MAX_OTHERS.
 */
#include "httptrace_table.h"
#include "log.h"
#include "run.h"
#include <errno.h>
#include <stdlib.h>

#define MAX_METHOD 32 /* bytes; longer ones are cut */
#define MAX_OTHERS (1 << 18) /* 2 MiB of hashes */

static struct {
	struct route **bucket; /* nbuckets of them, a power of two */
	size_t nbuckets;
	struct route **all; /* in the order they came; the last two are the others' */
	size_t n, max;
	struct route *other[2]; /* by whether it is the server's side */
	uint64_t *seen; /* hashes of routes in other, 0: free; nseen of cap */
	size_t nseen, cap;
	int err; /* of an interval that a span's time brought about */
	uint64_t begin_ns, interval_ns; /* when all began, and this interval; 0: not yet */
} table;

static uint64_t hash_bytes(uint64_t h, const char *s, size_t n)
{
	uint64_t w;

	for (; n >= sizeof(w); s += sizeof(w), n -= sizeof(w)) {
		memcpy(&w, s, sizeof(w));
		h = (h ^ w) * 0x9e3779b97f4a7c15;
		h ^= h >> 32;
	}
	w = n;
	memcpy(&w, s, n);
	h = (h ^ w ^ (uint64_t)n << 56) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

/* What a span is counted under. */
struct key {
	uint64_t hash; /* never 0 */
	uint8_t role;
	struct text method;
	struct text route;
	char buf[ROUTE_MAX];
};

static void key_of(struct key *k, const struct span *s)
{
	size_t n = route_of(SPAN_URL(s), s->url_len, k->buf, sizeof(k->buf));

	k->role = s->role;
	k->route = (struct text){k->buf, n};
	k->method = (struct text){SPAN_METHOD(s), s->method_len};
	if (k->method.n > MAX_METHOD)
		k->method.n = MAX_METHOD;
	k->hash = hash_bytes(s->role + 1, k->method.s, k->method.n);
	k->hash = hash_bytes(k->hash, k->route.s, n) ?: 1;
}

static bool same(const struct route *r, const struct key *k)
{
	return r->hash == k->hash && r->role == k->role && r->method_len == k->method.n &&
	       r->route_len == k->route.n && !memcmp(r->text, k->method.s, k->method.n) &&
	       !memcmp(r->text + r->method_len, k->route.s, k->route.n);
}

static struct route *route_new(const struct key *k)
{
	struct route *r = calloc(1, sizeof(*r) + k->method.n + k->route.n);

	if (!r)
		return NULL;
	r->hash = k->hash;
	r->role = k->role;
	r->method_len = k->method.n;
	r->route_len = k->route.n;
	memcpy(r->text, k->method.s, k->method.n);
	memcpy(r->text + k->method.n, k->route.s, k->route.n);
	hist_init(&r->now.h);
	hist_init(&r->total.h);
	return r;
}

/* --- the others */

/* Where it stands, or is to stand. The set is never full. */
static uint64_t *place(uint64_t *set, size_t cap, uint64_t hash)
{
	size_t i = hash & (cap - 1);

	while (set[i] && set[i] != hash)
		i = (i + 1) & (cap - 1);
	return &set[i];
}

static bool grow_seen(void)
{
	size_t cap = table.cap ? 2 * table.cap : 1024;
	uint64_t *bigger;

	if (table.nseen < table.cap / 2)
		return true;
	bigger = cap <= MAX_OTHERS ? calloc(cap, sizeof(*bigger)) : NULL;
	if (!bigger)
		return false;
	for (size_t i = 0; i < table.cap; i++) {
		if (table.seen[i])
			*place(bigger, cap, table.seen[i]) = table.seen[i];
	}
	free(table.seen);
	table.seen = bigger;
	table.cap = cap;
	return true;
}

static struct route *other(const struct key *k)
{
	struct route *r = table.other[k->role == CAP_ROLE_SERVER];

	if (table.cap && *place(table.seen, table.cap, k->hash))
		return r;
	if (!grow_seen()) {
		r->more = true;
		return r;
	}
	*place(table.seen, table.cap, k->hash) = k->hash;
	table.nseen++;
	r->routes++;
	return r;
}

static struct route *find(const struct key *k)
{
	struct route **at = &table.bucket[k->hash & (table.nbuckets - 1)], *r;

	for (r = *at; r; r = r->next) {
		if (same(r, k))
			return r;
	}
	r = table.n < table.max ? route_new(k) : NULL;
	if (!r)
		return other(k);
	r->next = *at;
	*at = r;
	table.all[table.n++] = r;
	return r;
}

/* --- counting */

static void weigh(struct hist *h, uint64_t ns, uint64_t weight)
{
	h->slot[hist_slot(ns)] += weight;
	h->sum += ns * weight;
	if (ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
}

static void tally_add(struct tally *a, const struct tally *b)
{
	a->count += b->count;
	a->errors += b->errors;
	hist_add(&a->h, &b->h);
}

static void tally_reset(struct tally *t)
{
	t->count = t->errors = 0;
	hist_init(&t->h);
}

/* The run's own beginning, where the recording tells it. */
static void begin(const struct span *s)
{
	table.begin_ns = capture_stats.start.now_ns ?: s->first_ns ?: s->head_ns ?: 1;
	table.interval_ns = table.interval_ns ?: table.begin_ns;
}

/* A replay has no clock but the records'. What it says is told at the end. */
static void catch_up(void)
{
	uint64_t now = spans_now();

	if (std.replay && std.interval_ns && now - table.interval_ns >= std.interval_ns &&
	    now > table.interval_ns)
		table.err = table_interval(false);
}

void table_span(const struct span *s)
{
	uint64_t weight;
	struct route *r;
	struct span_times t;
	struct key k;

	if (!aggregating() || !table.bucket)
		return;
	if (!table.begin_ns)
		begin(s);
	catch_up();
	key_of(&k, s);
	r = find(&k);
	span_times(s, &t);
	weight = hold_weight(s);
	r->now.count += weight;
	r->now.errors += s->error ? weight : 0;
	if (t.total_us != UINT64_MAX)
		weigh(&r->now.h, t.total_us * 1000, weight);
}

/* --- the life of the table */

static struct route *other_new(uint8_t role)
{
	struct key k = {.role = role, .method = {"", 0}, .route = {"other", 5}};
	struct route *r = route_new(&k);

	if (r)
		r->other = true;
	return r;
}

int table_init(void)
{
	if (!aggregating())
		return 0;
	table.max = set.max_routes;
	for (table.nbuckets = 64; table.nbuckets < 2 * table.max;)
		table.nbuckets *= 2;
	table.bucket = calloc(table.nbuckets, sizeof(*table.bucket));
	table.all = calloc(table.max + 2, sizeof(*table.all));
	table.other[0] = other_new(CAP_ROLE_CLIENT);
	table.other[1] = other_new(CAP_ROLE_SERVER);
	if (!table.bucket || !table.all || !table.other[0] || !table.other[1]) {
		table_finish();
		return fail(-ENOMEM, "no memory for --max-routes %llu",
			    (unsigned long long)set.max_routes);
	}
	return 0;
}

/* Moves what stood in now to total, with which it is shown at the end. */
static int show(bool total, uint64_t since_ns)
{
	struct route **rows = calloc(table.n + 2, sizeof(*rows));
	uint64_t now = spans_now();
	size_t n = 0;
	int err;

	if (!rows)
		return fail(-ENOMEM, "no memory for a table");
	for (size_t i = 0; i < table.n + 2; i++) {
		struct route *r = i < table.n ? table.all[i] : table.other[i - table.n];

		if (total ? r->total.count : r->now.count)
			rows[n++] = r;
	}
	err = table_show(rows, n, total, now > since_ns ? (now - since_ns) / 1e9 : 0);
	free(rows);
	return err;
}

static bool quiet(void)
{
	for (size_t i = 0; i < table.n; i++) {
		if (table.all[i]->now.count)
			return false;
	}
	return !table.other[0]->now.count && !table.other[1]->now.count;
}

static void settle(struct route *r)
{
	tally_add(&r->total, &r->now);
	tally_reset(&r->now);
}

int table_interval(bool last)
{
	uint64_t now = spans_now();
	int err = table.err;

	if (!aggregating() || !table.bucket)
		return 0;
	if (!table.interval_ns)
		table.interval_ns = capture_stats.start.now_ns ?: now;
	if (std.interval_ns && !(last && quiet()))
		err = show(false, table.interval_ns) ?: err;
	table.interval_ns = now;
	for (size_t i = 0; i < table.n; i++)
		settle(table.all[i]);
	settle(table.other[0]);
	settle(table.other[1]);
	return last ? show(true, table.begin_ns ?: now) ?: err : err;
}

void table_finish(void)
{
	for (size_t i = 0; i < table.n; i++)
		free(table.all[i]);
	free(table.other[0]);
	free(table.other[1]);
	free(table.all);
	free(table.bucket);
	free(table.seen);
	memset(&table, 0, sizeof(table));
}
