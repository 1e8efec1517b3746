// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * tcplat-synth DIR: writes the recordings of tcplat that the golden tests replay:
 *   DIR/tcplat-mixed.rec       every kind of connection and turn, two intervals, some of it lost
 *   DIR/tcplat-server.rec      a server alone, sampled, by kprobes, with hooks that did not run
 *   DIR/tcplat-many.rec        more connections than are named
 *   DIR/tcplat-idle.rec        nothing happens
 *   DIR/tcplat-vanished.rec    the end of a connection was not seen
 *   DIR/tcplat-unbalanced.rec  a turn is missing from the account
 *   DIR/tcplat-bad-*.rec       damage that is refused
 */
#include "tcplat-world.h"

static void mixed_first(struct conn *c)
{
	struct conn short_one;

	/* Quick at first; then it waits for its own reader. */
	c[0] = conn(101, TL_ROLE_CLIENT, "worker", 1000);
	c[0].has_hist = true;
	turns(&c[0], 200, 2 * MS, 10 * US);
	turn(&c[0], 80 * MS, 60 * MS);
	slow(&c[0], TL_CLIENT, 80 * MS, 60 * MS, TL_F_HELD | TL_F_ZERO_WINDOW);
	odd_turn(&c[0], TL_N_MULTI);
	slow(&c[0], TL_CLIENT_MULTI, 3 * MS, MS, 0);
	/* IPv6, hostile name */
	c[1] = conn(102, TL_ROLE_SERVER, "e\033[31m\xff\"\\\n\xe2\x80\xae!", 2000);
	c[1].r.flow.family = 6;
	c[1].r.flow.local[0] = c[1].r.flow.remote[0] = 0xb80d0120;
	c[1].r.flow.local[1] = 1ULL << 56;
	c[1].r.flow.remote[1] = 2ULL << 56;
	c[1].r.flags = TL_F_KTLS;
	turns(&c[1], 50, 500 * US, 100 * US);
	slow(&c[1], TL_SERVER, 5400 * US, 0, TL_F_RETRANS | TL_F_REORDERED);
	/* IPv4 in an IPv6 socket, MPTCP, older than the tool, no cookie */
	c[2] = conn(103 | 1ULL << 63, TL_ROLE_CLIENT, "mapped", 3000);
	c[2].r.born_ns = 0;
	c[2].r.flow.mapped = 1;
	c[2].r.flags = TL_F_OLD | TL_F_MPTCP | TL_F_INTERLEAVED;
	c[2].r.srtt_us = c[2].r.min_rtt_us = 0;
	totals.t.count[TL_N_CONNS_OLD]++;
	turns(&c[2], 3, 300 * US, US);
	odd_turn(&c[2], TL_N_INTERLEAVED);
	/* Its role is not known, so that it has no turns that are measured. */
	c[3] = conn(104, TL_ROLE_UNKNOWN, "", 0);
	c[3].r.writer = c[3].r.reader = 0;
	odd_turn(&c[3], TL_N_UNKNOWN);
	/* Three sockets with the same two ends, one after another */
	for (int i = 0; i < 3; i++) {
		short_one = conn(110 + i, TL_ROLE_CLIENT, "short", 4000 + i);
		short_one.r.flow.local_port = 55555;
		short_one.r.writer = 4100;
		turn(&short_one, (i + 1) * MS, 10 * US);
		short_one.r.retrans = i;
		now += 100 * MS;
		add(TL_CONNECT, 150 * US);
		closed(&short_one);
	}
}

static void mixed_losses(void)
{
	struct conn lost = conn(120, TL_ROLE_SERVER, "lost", 5000);
	__u64 *n = totals.t.count;

	turns(&lost, 4, 10 * MS, MS);
	n[TL_N_CONNS_LOST] = 1;
	n[TL_N_LOST_TURNS] = lost.r.st.n;
	n[TL_N_LOST_WAITS] = lost.r.st.waits;
	n[TL_N_SLOW_LOST] = 2;
	n[TL_N_CONNS_FULL] = 3;
	n[TL_N_CONNS_OTHER] = 5;
	n[TL_N_CONNECT_FAILED] = 6;
	n[TL_N_SUBFLOWS] = 7;
	n[TL_N_UNSOLICITED] = 8;
	n[TL_N_MID] = 9;
	n[TL_N_SEND_AGAIN] = 10;
	n[TL_N_SEND_FAILED] = 11;
	n[TL_N_RECV_AGAIN] = 12;
	n[TL_N_RECV_EOF] = 13;
	n[TL_N_RECV_PEEK] = 14;
	n[TL_N_RECV_FAILED] = 15;
	totals.hook_window_ns = SEC;
	totals.hooks = 20000;
	totals.hook_ns = 2 * MS;
	totals.hook_turns = 5000;
}

static void mixed(void)
{
	struct tl_start_rec s = start();
	struct conn c[4];

	begin("mixed", &s);
	mixed_first(c);
	now = START + 5 * SEC;
	/* Its histogram goes to the third connection. */
	c[0].r.hist_taken = 1;
	for (int i = 0; i < 4; i++)
		put_conn(&c[i], TL_REC_OPEN);
	poll_ends(false);

	/* It got another: as many in a slot as the old one had are new all the same. */
	c[0].r.hist_taken = 0;
	memset(c[0].h.slot, 0, sizeof(c[0].h.slot));
	c[2].has_hist = true;
	turns(&c[0], 16, MS, 0);
	turns(&c[0], 4, 2 * MS, 0);
	turns(&c[1], 60, 600 * US, 0);
	turns(&c[2], 1000, 200 * US, US / 2);
	add(TL_IDLE, 4 * SEC);
	c[0].r.turn_open = 1;
	totals.t.count[TL_N_OPENED]++;
	now = START + 10 * SEC;
	for (int i = 0; i < 3; i++)
		put_conn(&c[i], TL_REC_OPEN);
	/* One closes between its own record and the end of the poll, with a turn more. */
	turn(&c[1], 700 * US, US);
	closed(&c[1]);
	poll_ends(false);

	turns(&c[2], 2, 400 * US, 0);
	mixed_losses();
	/* One closes in the middle of a turn, after its own record. */
	c[2].r.turn_open = 1;
	totals.t.count[TL_N_OPENED]++;
	totals.t.count[TL_N_UNANSWERED]++;
	now = START + 12 * SEC;
	for (int i = 0; i < 4; i++) {
		if (i != 1)
			put_conn(&c[i], TL_REC_OPEN);
	}
	closed(&c[2]);
	poll_ends(true);
	end();
}

static void server(void)
{
	struct tl_start_rec s = start();
	struct conn c;

	s.backend = TL_BE_KPROBE;
	s.sample = 10;
	s.sample_turns = 2;
	s.cleanup = s.sees_again = 0;
	begin("server", &s);
	c = conn(7 | 1ULL << 63, TL_ROLE_SERVER, "nginx", 80);
	c.r.born_ns = 0;
	c.r.flags = TL_F_OLD | TL_F_BY_PORT;
	totals.t.count[TL_N_CONNS_OLD]++;
	totals.t.count[TL_N_CONNS_SAMPLED] = 9;
	turns(&c, 1200, 20 * US, 50);
	for (int i = 0; i < 1190; i++)
		odd_turn(&c, TL_N_LEFT_OUT);
	/* A hook did not run: a connection and its open turn have no end. */
	totals.t.count[TL_N_CONNS]++;
	totals.t.count[TL_N_OPENED]++;
	totals.missed = 1;
	now = START + 2 * SEC;
	put_conn(&c, TL_REC_OPEN);
	poll_ends(false);
	now = START + 3 * SEC;
	put_conn(&c, TL_REC_OPEN);
	poll_ends(true);
	end();
}

static void many(void)
{
	struct tl_start_rec s = start();
	struct conn c[40];

	begin("many", &s);
	for (int i = 0; i < 40; i++) {
		c[i] = conn(i + 1, i % 2 ? TL_ROLE_CLIENT : TL_ROLE_SERVER, "many", i + 1);
		turns(&c[i], 1 + i * 7 % 40, MS, US);
		if (i % 4 == 3)
			closed(&c[i]);
	}
	now = START + SEC;
	for (int last = 0; last < 2; last++) {
		for (int i = 0; i < 40; i++) {
			if (i % 4 != 3)
				put_conn(&c[i], TL_REC_OPEN);
		}
		/* It has no name by then: it is in the sum, and leaves it. */
		if (last)
			closed(&c[0]);
		poll_ends(last);
		now += SEC;
	}
	end();
}

/* Nothing but one of a kind that nothing else knows of, unless it is TL_COUNTS. */
static void idle(const char *name, enum tl_count missing)
{
	struct tl_start_rec s = start();

	begin(name, &s);
	if (missing < TL_COUNTS)
		totals.t.count[missing] = 1;
	now = START + 5 * SEC;
	poll_ends(false);
	now = START + 6 * SEC;
	poll_ends(true);
	end();
}

/* --- damage */

static void bad(const char *what, uint32_t type, const void *data, size_t len, bool started)
{
	struct tl_start_rec s = start();
	char name[64];

	snprintf(name, sizeof(name), "bad-%s", what);
	begin(name, started ? &s : NULL);
	put(type, data, len);
	end();
}

static void damage(void)
{
	struct tl_start_rec s = start();
	struct tl_slow_rec slow_turn = {.type = TL_REC_SLOW, .flow.family = 4};
	struct tl_metric_rec metric = {.metric = TL_METRICS};
	struct tl_totals_rec early = {.now_ns = START - 1};
	struct conn c = conn(1, TL_ROLE_CLIENT, "bad", 1);

	c.r.type = TL_REC_OPEN;
	bad("type", 77, &s, 8, true);
	bad("size", TL_REC_OPEN, &c.r, sizeof(c.r) - 1, true);
	bad("order", TL_REC_OPEN, &c.r, sizeof(c.r), false);
	bad("again", TL_REC_START, &s, sizeof(s), true);
	bad("metric", TL_REC_METRIC, &metric, sizeof(metric), true);
	bad("poll", TL_REC_TOTALS, &early, sizeof(early), true);
	slow_turn.metric = TL_WAIT;
	bad("slow", TL_REC_SLOW, &slow_turn, sizeof(slow_turn), true);
	c.r.role = 3;
	bad("role", TL_REC_OPEN, &c.r, sizeof(c.r), true);
	s.backend = 4;
	bad("backend", TL_REC_START, &s, sizeof(s), false);
	bad("end", TL_REC_CLOSED, &c.r, 0, true);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: tcplat-synth DIR\n");
		return 2;
	}
	dir = argv[1];
	mixed();
	server();
	many();
	idle("idle", TL_COUNTS);
	idle("vanished", TL_N_CONNS);
	idle("unbalanced", TL_N_OPENED);
	damage();
	return 0;
}
