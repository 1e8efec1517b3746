// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The report's lists: connections, octaves of the split, slowest turns.
 */
#include "tcplat_report.h"
#include "net.h"
#include "row.h"
#include "run.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	struct conn_total *v;
	size_t n, cap;
	bool failed;
} named;

static void name_one(const struct conn_total *t, void *ctx)
{
	if (named.n == named.cap) {
		size_t cap = named.cap ? named.cap * 2 : 64;
		struct conn_total *v = reallocarray(named.v, cap, sizeof(*v));

		if (!v) {
			named.failed = true;
			return;
		}
		named.v = v;
		named.cap = cap;
	}
	named.v[named.n++] = *t;
}

static int by_ends(const struct flow *x, const struct flow *y)
{
	return memcmp(x->local, y->local, sizeof(x->local))	    ?:
	       (int)x->local_port - y->local_port		    ?:
	       memcmp(x->remote, y->remote, sizeof(x->remote)) ?:
	       (int)x->remote_port - y->remote_port;
}

/* So that those with the same ends stand side by side, and two reports in the same order. */
static int by_key(const void *a, const void *b)
{
	const struct conn_total *x = a, *y = b;
	int order = by_ends(&x->flow, &y->flow);

	if (order)
		return order;
	if (x->flow.netns != y->flow.netns)
		return x->flow.netns < y->flow.netns ? -1 : 1;
	return (int)x->role - y->role;
}

/* "SRC -> DST", and what tells it from others with the same ends: [first, last) of named. */
static void conn_key(char *key, size_t size, const struct conn_total *t, size_t first, size_t last)
{
	char source[NET_ENDPOINT_SIZE], destination[NET_ENDPOINT_SIZE], netns[32] = "";
	bool roles = false;

	for (size_t i = first; i < last; i++) {
		roles |= named.v[i].role != t->role;
		if (named.v[i].flow.netns != t->flow.netns)
			snprintf(netns, sizeof(netns), " (netns %u)", t->flow.netns);
	}
	snprintf(key, size, "%s -> %s%s%s%s%s",
		 net_endpoint(source, t->flow.local, t->flow.local_port),
		 net_endpoint(destination, t->flow.remote, t->flow.remote_port), roles ? " (" : "",
		 roles ? role_names[t->role] : "", roles ? ")" : "", netns);
}

/* Without a turn there is no latency. */
static void us_or_null(struct json *j, const char *key, bool known, double ns)
{
	json_f64(j, key, known ? ns / 1e3 : NAN);
}

static void conn_flags(struct json *j, const struct conn_total *t)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} flags[] = {{TL_F_OLD, "old"},
		     {TL_F_MPTCP, "mptcp"},
		     {TL_F_KTLS, "ktls"},
		     {TL_F_INTERLEAVED, "interleaved"},
		     {TL_F_BY_PORT, "role_by_port"}};

	json_open(j, "flags", '[');
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (t->flags & flags[i].flag)
			json_str(j, NULL, flags[i].name);
	}
	if (t->flow.mapped)
		json_str(j, NULL, "mapped");
	json_close(j, ']');
}

static void cookie_json(struct json *j, uint64_t id)
{
	report_known(j, "cookie", id >> 63 ? 0 : id); /* a made-up id means nothing to others */
}

static void ends_json(struct json *j, const struct flow *f)
{
	char end[NET_ENDPOINT_SIZE];

	json_str(j, "source", net_endpoint(end, f->local, f->local_port));
	json_str(j, "destination", net_endpoint(end, f->remote, f->remote_port));
}

static void latency_json(struct json *j, const struct conn_total *t)
{
	const struct tl_conn_stats *st = &t->st;
	bool split = t->n && t->role == TL_ROLE_CLIENT;

	us_or_null(j, "min_latency_us", t->n, st->min);
	us_or_null(j, "max_latency_us", t->n, st->max);
	us_or_null(j, "avg_latency_us", t->n, (double)st->sum / t->n);
	us_or_null(j, "std_dev_us", t->n, stats_dev(t->n, st->sum, t->sq));
	us_or_null(j, "local_sum_us", split, st->local_ns);
	us_or_null(j, "network_sum_us", split, st->network_ns);
	us_or_null(j, "remote_sum_us", split, (double)st->sum - st->local_ns - st->network_ns);
	json_u64(j, "waits", t->waits);
	us_or_null(j, "wait_avg_us", t->waits, (double)st->wait_ns / t->waits);
	us_or_null(j, "wait_max_us", t->waits, st->wait_max * 1024.0);
}

static void conn_json(struct json *j, const char *key, const struct conn_total *t)
{
	json_open(j, key, '{');
	ends_json(j, &t->flow);
	json_u64(j, "events", t->n);
	latency_json(j, t);
	json_str(j, "role", role_names[t->role]);
	cookie_json(j, t->id);
	report_known(j, "netns", t->flow.netns);
	json_u64(j, "sockets", t->sockets);
	json_u64(j, "open", t->open);
	report_known(j, "writer_pid", t->writer);
	report_known(j, "reader_pid", t->reader);
	json_strn(j, "comm", t->comm, strnlen(t->comm, sizeof(t->comm)));
	report_known(j, "srtt_us", t->srtt_us);
	report_known(j, "min_rtt_us", t->min_rtt_us);
	json_u64(j, "retransmissions", t->retrans);
	json_u64(j, "bytes_sent", t->bytes_sent);
	json_u64(j, "bytes_received", t->bytes_received);
	conn_flags(j, t);
	json_close(j, '}');
}

void report_conns(struct json *j)
{
	char key[2 * NET_ENDPOINT_SIZE + 64];
	struct conn_total other = {};
	size_t nother = 0, last = 0;

	named.n = 0;
	conns_each(name_one, NULL, &other, &nother);
	if (named.n)
		qsort(named.v, named.n, sizeof(*named.v), by_key);
	json_open(j, "connections", '{');
	for (size_t i = 0, first = 0; i < named.n; i++) {
		if (i == last) {
			first = i;
			while (last < named.n &&
			       !by_ends(&named.v[first].flow, &named.v[last].flow))
				last++;
		}
		conn_key(key, sizeof(key), &named.v[i], first, last);
		conn_json(j, key, &named.v[i]);
	}
	json_close(j, '}');
	json_open(j, "other", '{');
	json_u64(j, "connections", nother);
	json_u64(j, "turns", other.n);
	json_u64(j, "waits", other.waits);
	json_u64(j, "bytes_sent", other.bytes_sent);
	json_u64(j, "bytes_received", other.bytes_received);
	json_close(j, '}');
	if (named.failed)
		j->err = -ENOMEM;
	free(named.v);
	memset(&named, 0, sizeof(named));
}

static void split_json(struct json *j, const struct split *s)
{
	json_u64(j, "turns", s->n);
	report_us(j, "total_sum_us", s->total_ns);
	report_us(j, "local_sum_us", s->local_ns);
	report_us(j, "network_sum_us", s->network_ns);
	report_us(j, "remote_sum_us", s->total_ns - s->local_ns - s->network_ns);
}

void report_split(struct json *j)
{
	const struct tl_totals *t = &model.totals.t;
	struct split all = model_split(t, 0, TL_OCTAVES);
	uint64_t remote_ns = all.total_ns - all.local_ns - all.network_ns;

	json_open(j, "split", '{');
	split_json(j, &all);
	/* 0 / 0 gives null. */
	json_f64(j, "local_percent", all.local_ns * 100.0 / all.total_ns);
	json_f64(j, "network_percent", all.network_ns * 100.0 / all.total_ns);
	json_f64(j, "remote_percent", remote_ns * 100.0 / all.total_ns);
	json_open(j, "octaves", '[');
	for (unsigned int i = 0; i < TL_OCTAVES; i++) {
		struct split one = model_split(t, i, i + 1);

		if (!one.n)
			continue;
		json_open(j, NULL, '{');
		json_u64(j, "from_ns", i ? 1ULL << i : 0);
		if (i + 1 < TL_OCTAVES)
			json_u64(j, "to_ns", (2ULL << i) - 1);
		else
			json_null(j, "to_ns");
		split_json(j, &one);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

/* The stamps of a turn, and what its time was made of: a server's has no parts. */
static void slow_times(struct json *j, const struct tl_slow_rec *r)
{
	bool client = r->metric != TL_SERVER, arrived = client && r->arrived_ns;
	char when[36];

	json_str(j, "begin", row_rfc3339(when, run_wall(r->begin_ns)));
	json_str(j, "arrived", arrived ? row_rfc3339(when, run_wall(r->arrived_ns)) : NULL);
	json_str(j, "end", row_rfc3339(when, run_wall(r->end_ns)));
	report_us(j, "total_us", r->lat_ns);
	us_or_null(j, "local_us", arrived, r->local_ns);
	us_or_null(j, "network_us", client && r->min_rtt_us, r->network_ns);
	us_or_null(j, "remote_us", arrived && r->min_rtt_us,
		   (double)r->lat_ns - r->local_ns - r->network_ns);
}

static void slow_json(struct json *j, const struct tl_slow_rec *r)
{
	json_open(j, NULL, '{');
	json_str(j, "metric", metric_names[r->metric].name);
	ends_json(j, &r->flow);
	cookie_json(j, r->id);
	report_known(j, "netns", r->flow.netns);
	report_known(j, "pid", r->pid);
	json_strn(j, "comm", r->comm, strnlen(r->comm, sizeof(r->comm)));
	slow_times(j, r);
	report_known(j, "request_bytes", r->request_bytes);
	json_u64(j, "unread_bytes", r->unread_bytes);
	if (r->metric == TL_SERVER)
		json_null(j, "sends");
	else
		json_u64(j, "sends", r->sends);
	json_bool(j, "retransmission", r->flags & TL_F_RETRANS);
	json_bool(j, "reordered", r->flags & TL_F_REORDERED);
	json_bool(j, "held", r->flags & TL_F_HELD);
	json_bool(j, "zero_window", r->flags & TL_F_ZERO_WINDOW);
	report_known(j, "srtt_us", r->srtt_us);
	report_known(j, "min_rtt_us", r->min_rtt_us);
	json_close(j, '}');
}

void report_slowest(struct json *j)
{
	json_open(j, "slowest", '[');
	for (size_t i = 0; i < model.nslow; i++)
		slow_json(j, &model.slow[i]);
	json_close(j, ']');
}
