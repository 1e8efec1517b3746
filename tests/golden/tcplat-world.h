/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TCPLAT_WORLD_H
#define TCPLAT_WORLD_H
/*
 * A small world of connections for tcplat-synth.c. It keeps the kernel half's books, so that the
 * account of what it writes balances unless it is to be wrong.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "record.h"
#include "tcplat.h"

#define START 1000000000ULL
#define SEC   1000000000ULL
#define MS    1000000ULL
#define US    1000ULL
/* 2026-01-02 03:04:05 UTC at START */
#define WALL_OFFSET ((1767323045LL - 1) * 1000000000LL)
#define NETNS	    4026531840U

static struct record_writer *w;
static const char *dir;
static struct tl_metric_rec metrics[TL_METRICS];
static struct tl_totals_rec totals;
static uint64_t now;
static uint16_t next_port;

static void put(uint32_t type, const void *data, size_t len)
{
	if (record_write(w, type, data, len)) {
		perror("tcplat-synth");
		exit(1);
	}
}

static struct tl_start_rec start(void)
{
	struct tl_start_rec s = {
		.now_ns = START,
		.backend = TL_BE_FENTRY,
		.sample = 1,
		.sample_turns = 1,
		.cleanup = 1,
		.sees_again = 1,
		.kernel = "6.1.0-test",
	};

	return s;
}

static void begin(const char *name, const struct tl_start_rec *s)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/tcplat-%s.rec", dir, name);
	if (record_create(&w, path, "tcplat", 1, WALL_OFFSET))
		exit(1);
	memset(metrics, 0, sizeof(metrics));
	memset(&totals, 0, sizeof(totals));
	now = START;
	next_port = 40000;
	if (s)
		put(TL_REC_START, s, sizeof(*s));
}

static void end(void)
{
	if (record_close_writer(w))
		exit(1);
}

static void add(enum tl_metric_id which, uint64_t ns)
{
	struct tl_metric *m = &metrics[which].m;

	metrics[which].metric = which;
	m->slot[hist_slot(ns)]++;
	m->sum += ns;
	if (~ns > m->nmin)
		m->nmin = ~ns;
	if (ns > m->max)
		m->max = ns;
}

/* --- connections */

struct conn {
	struct tl_conn_rec r;
	struct tl_hist_rec h;
	bool has_hist;
};

static uint64_t v4(int a, int b, int c, int d)
{
	return ((uint64_t)d << 56) | ((uint64_t)c << 48) | ((uint64_t)b << 40) |
	       ((uint64_t)a << 32) | 0xffff0000ULL;
}

static struct conn conn(uint64_t id, uint8_t role, const char *comm, uint32_t pid)
{
	struct conn c = {
		.r =
			{
				.id = id,
				.born_ns = now,
				.flow =
					{
						.local = {0, v4(10, 0, 0, 1)},
						.remote = {0, v4(10, 0, 0, 2)},
						.netns = NETNS,
						.local_port = 443,
						.remote_port = 443,
						.family = 4,
					},
				.srtt_us = 250,
				.min_rtt_us = 120,
				.writer = pid,
				.reader = pid,
				.role = role,
				.state = 1,
			},
	};

	if (role == TL_ROLE_CLIENT)
		c.r.flow.local_port = next_port++;
	else
		c.r.flow.remote_port = next_port++;
	memcpy(c.r.comm, comm, strnlen(comm, sizeof(c.r.comm)));
	c.h.id = id;
	totals.t.count[TL_N_CONNS]++;
	return c;
}

static void waited(struct conn *c, uint64_t ns)
{
	struct tl_conn_stats *st = &c->r.st;

	add(TL_WAIT, ns);
	st->waits++;
	st->wait_ns += ns;
	if (ns >> 10 > st->wait_max)
		st->wait_max = ns >> 10;
}

/* What one call of each kind leaves in the socket. */
static void talked(struct conn *c)
{
	totals.t.count[TL_N_SEND]++;
	totals.t.count[TL_N_RECV]++;
	totals.t.count[TL_N_CLEANUP]++;
	c->r.bytes_sent += 100;
	c->r.bytes_received += 2000;
}

/* A turn of ns, local_ns of them here; the network's part is the round trip, as far as it fits. */
static void turn(struct conn *c, uint64_t ns, uint64_t local_ns)
{
	struct tl_conn_stats *st = &c->r.st;
	struct tl_split *s = &totals.t.split[hist_log2(ns)];
	uint64_t network_ns = c->r.min_rtt_us * US;

	if (network_ns > ns - local_ns)
		network_ns = ns - local_ns;
	totals.t.count[TL_N_OPENED]++;
	totals.t.count[TL_N_ANSWERED]++;
	talked(c);
	waited(c, local_ns);
	if (c->r.role == TL_ROLE_CLIENT) {
		add(TL_CLIENT, ns);
		add(TL_CLIENT_LAST, ns + 50 * US);
		s->n++;
		s->local_ns += local_ns;
		s->network_ns += network_ns;
		s->total_ns += ns;
		st->local_ns += local_ns;
		st->network_ns += network_ns;
	} else {
		add(TL_SERVER, ns);
	}
	if (!st->n || ns < st->min)
		st->min = ns;
	if (ns > st->max)
		st->max = ns;
	st->n++;
	st->sum += ns;
	st->sq_lo += ns * ns;
	if (c->has_hist)
		c->h.slot[hist_slot(ns)]++;
}

/* n turns from ns up, in steps; an eighth of each is local. */
static void turns(struct conn *c, int n, uint64_t ns, uint64_t step)
{
	for (int i = 0; i < n; i++)
		turn(c, ns + i * step, (ns + i * step) / 8);
}

/* A turn that is not measured with the others. */
static void odd_turn(struct conn *c, enum tl_count what)
{
	totals.t.count[TL_N_OPENED]++;
	totals.t.count[what]++;
	talked(c);
	if (what == TL_N_MULTI)
		add(TL_CLIENT_MULTI, 3 * MS);
}

static void put_conn(struct conn *c, uint32_t type)
{
	c->r.type = type;
	c->r.now_ns = now;
	c->r.hist = c->has_hist;
	if (c->has_hist)
		put(TL_REC_HIST, &c->h, sizeof(c->h));
	put(type, &c->r, sizeof(c->r));
}

static void closed(struct conn *c)
{
	c->r.turn_open = 0;
	put_conn(c, TL_REC_CLOSED);
}

static void slow(const struct conn *c, enum tl_metric_id metric, uint64_t ns, uint64_t local_ns,
		 uint16_t flags)
{
	struct tl_slow_rec s = {
		.type = TL_REC_SLOW,
		.metric = metric,
		.id = c->r.id,
		.flow = c->r.flow,
		.begin_ns = now,
		.arrived_ns = metric == TL_SERVER ? 0 : now + ns - local_ns,
		.end_ns = now + ns,
		.lat_ns = ns,
		.local_ns = metric == TL_SERVER ? 0 : local_ns,
		.network_ns = metric == TL_SERVER ? 0 : c->r.min_rtt_us * US,
		.request_bytes = metric == TL_SERVER ? 0 : 100,
		.unread_bytes = 7,
		.srtt_us = c->r.srtt_us,
		.min_rtt_us = c->r.min_rtt_us,
		.pid = c->r.reader,
		.flags = flags,
		.sends = metric == TL_CLIENT_MULTI ? 2 : 1,
	};

	memcpy(s.comm, c->r.comm, sizeof(s.comm));
	put(TL_REC_SLOW, &s, sizeof(s));
}

/* The end of a poll; what is empty is left out, for the sake of the files' size. */
static void poll_ends(bool last)
{
	for (int i = 0; i < TL_METRICS; i++) {
		if (metrics[i].m.nmin)
			put(TL_REC_METRIC, &metrics[i], sizeof(metrics[i]));
	}
	totals.now_ns = now;
	totals.last = last;
	put(TL_REC_TOTALS, &totals, sizeof(totals));
}
#endif
