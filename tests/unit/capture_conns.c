// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Connections: how they begin, end, are told again, and make room for others. */
#include "unit/capture_t.h"

/* What is open when the end comes is told of; ends that never come do not keep others. */
static void test_ends(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	data(7, CAP_SEND, 0, GET);
	close_conn(7, NGET, 0, false);
	T_STR(said(), "+7 Q1@20 q1 -7");
	conn(8, CAP_ROLE_CLIENT, false);
	data(8, CAP_SEND, 0, "GET / HTTP/1.1\r\n\r\n");
	data(8, CAP_RECV, 0, "HTTP/1.1 200 OK\r\n\r\nbody");
	end(8, CAP_RECV, 23);
	T_STR(said(), "+8 Q1@20 q1 R1>1@20 r1");
	end(8, CAP_SEND, 18);
	T_STR(said(), "");
	close_conn(8, 18, 23, false);
	T_STR(said(), "-8");
	conn(9, CAP_ROLE_CLIENT, false);
	data(9, CAP_SEND, 0, "GET / HTTP/1.1\r\n");
	finish();
	T_STR(said(), "+9 Q1@20 q1:open -9?");
	T_EQ(capture_stats.conns, 3);
	T_EQ(capture_stats.conns_dropped, 0);
}

/* The last bytes may still come, and else are lost in their time; then it is gone. */
static void test_close_waits(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	data(7, CAP_SEND, 0, "GET /");
	close_conn(7, 27, 0, false);
	T_STR(said(), "+7");
	data(7, CAP_SEND, 5, GET + 5);
	T_STR(said(), "Q1@20 q1 -7");
	conn(8, CAP_ROLE_CLIENT, false);
	data(8, CAP_SEND, 0, GET);
	close_conn(8, NGET + 10, 20, false);
	T_STR(said(), "+8 Q1@20 q1");
	T_OK(capture_find(8));
	capture_tick(now + 100 * MS);
	T_STR(said(), "");
	capture_tick(now + 201 * MS);
	T_STR(said(), "G1@0+20lost G0@27+10lost -8");
	T_OK(!capture_find(8));
	now += 202 * MS;
	finish();
}

static void test_reset(void)
{
	start(0);
	conn(7, CAP_ROLE_SERVER, false);
	data(7, CAP_RECV, 0, GET);
	data(7, CAP_RECV, 30, "GET / HTTP/1.1\r\n");
	T_STR(said(), "+7 Q1@20 q1");
	data(7, CAP_SEND, 0, "HTTP/1.1 200 OK\r\n");
	T_STR(said(), "");
	close_conn(7, 40, 100, true);
	T_STR(said(), "G1@27+3lost R1>1@20 r1:reset -7!");
	finish();
}

/* With no record of its own: joined, and of unknown ends. */
static void test_unknown(void)
{
	static const struct flow zero;
	struct cap_conn *c;

	start(0);
	data(7, CAP_RECV, 77, "half a line\r\n" GET);
	c = capture_find(7);
	T_OK(c && c->joined && !memcmp(&c->flow, &zero, sizeof(zero)));
	T_EQ(capture_role(c), CAP_ROLE_SERVER);
	T_STR(said(), "~7 Q1@20 q1");
	end(9, CAP_SEND, 5);
	close_conn(9, 5, 5, false);
	T_OK(!capture_find(9));
	/* What it is told later, it was not: it begins anew. */
	conn(7, CAP_ROLE_SERVER, true);
	data(7, CAP_RECV, 0, GET);
	T_STR(said(), "-7? ~7 Q1@20 q1");
	finish();
}

/* Joined: of a direction of which nothing came it is known where it was, so what is missing. */
static void test_joined_ends(void)
{
	struct cap_conn_rec r = conn_rec(7, CAP_ROLE_SERVER, true);

	start(0);
	r.seq[0] = 500;
	r.seq[1] = 1000;
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	data(7, CAP_SEND, 500, OK200);
	T_STR(said(), "~7 R1>-@20 r1");
	close_conn(7, 500 + NOK, 1300, false);
	capture_tick(now + 201 * MS);
	T_STR(said(), "G1@0+300lost -7");
	r.id = 8;
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	end(8, CAP_RECV, 1000);
	/* What was under way when it was told of may be from before. */
	data(8, CAP_SEND, 500 - NOK, OK200);
	close_conn(8, 500, 1000, false);
	now += 202 * MS;
	finish();
	T_STR(said(), "~8 R1>-@20 r1 -8");
}

static void test_again(void)
{
	struct cap_conn_rec r = conn_rec(7, CAP_ROLE_CLIENT, false);

	start(0);
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	data(7, CAP_SEND, 0, GET);
	T_STR(said(), "+7 Q1@20 q1");
	/* The same: it goes on, with what was not known before. */
	r.seq[0] = NGET;
	r.peer = 99;
	memcpy(r.path, "@x", 2);
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	data(7, CAP_RECV, 0, OK200);
	T_STR(said(), "R1>1@20 r1");
	T_EQ(capture_find(7)->peer, 99);
	T_STR(capture_find(7)->path, "@x");
	/* Numbers that were used: another. */
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	T_STR(said(), "-7? +7");
	/* Other ends: another. */
	r.flow.remote_port++;
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	T_STR(said(), "-7? +7");
	r.flow.netns++;
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	T_STR(said(), "-7? +7");
	r.flow.local[1]++;
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	T_STR(said(), "-7? +7");
	T_EQ(capture_stats.conns, 5);
	/* It is over in a direction: another. */
	r.seq[0] = r.seq[1] = 100;
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	T_STR(said(), "");
	end(7, CAP_RECV, 0);
	capture_record(CAP_REC_CONN, &r, sizeof(r), NULL);
	T_STR(said(), "-7? +7");
	finish();
}

/* The one that was idle longest goes. */
static void test_room(void)
{
	start(3);
	conn(1, CAP_ROLE_CLIENT, false);
	conn(2, CAP_ROLE_CLIENT, false);
	conn(3, CAP_ROLE_CLIENT, false);
	data(1, CAP_SEND, 0, "GET / HTTP/1.1\r\n");
	T_STR(said(), "+1 +2 +3");
	conn(4, CAP_ROLE_CLIENT, false);
	T_STR(said(), "-2? +4");
	end(3, CAP_SEND, 0);
	data(5, CAP_SEND, 0, GET);
	T_STR(said(), "Q1@20 q1:open -1? ~5 Q1@20 q1");
	T_EQ(capture_stats.conns_dropped, 2);
	T_EQ(capture_stats.conns_open, 3);
	/* It comes again as joined. */
	data(1, CAP_SEND, 16, "\r\n" GET);
	T_STR(said(), "-4? ~1 Q1@20 q1");
	finish();
	T_STR(said(), "-3? -5? -1?");
}

static bool count(struct cap_conn *c, void *ctx)
{
	uint64_t *sum = ctx;

	*sum += c->id;
	return *sum < 1000000000;
}

/* The table grows, and what is in it is found. */
static void test_many(void)
{
	uint64_t sum = 0;

	start(0);
	quiet = true;
	for (uint64_t id = 1; id <= 5000; id++)
		conn(id << 20, CAP_ROLE_CLIENT, false);
	T_EQ(capture_stats.conns_open, 5000);
	for (uint64_t id = 1; id <= 5000; id++)
		T_OK(capture_find(id << 20) && !capture_find((id << 20) + 1));
	for (uint64_t id = 1; id <= 5000; id += 2)
		close_conn(id << 20, 0, 0, false);
	for (uint64_t id = 1; id <= 5000; id++)
		T_OK((capture_find(id << 20) != NULL) != (id & 1));
	capture_each(count, &sum);
	/* The sum of 2, 4, 6 ... 62, times 2^20: where it stops. */
	T_EQ(sum, (uint64_t)31 * 32 << 20);
	finish();
}

int main(void)
{
	test_ends();
	test_close_waits();
	test_reset();
	test_unknown();
	test_joined_ends();
	test_again();
	test_room();
	test_many();
	return t_done();
}
