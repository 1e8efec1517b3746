// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Both directions in step: what is told while one of them has a hole. */
#include "unit/capture_t.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" /* 40 bytes */

/*
 * The answer's body has a hole. The next request comes when all of the answer was read, so that it
 * is no pipelining, and an answer that is lost later does not end the pairing for good.
 */
static void test_hole_in_answer(void)
{
	char body[61];

	memset(body, 'x', 60);
	body[60] = 0;
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	data(7, CAP_SEND, 0, GET);
	data(7, CAP_RECV, 0, HEAD);
	data(7, CAP_RECV, 80, body);
	T_STR(said(), "+7 Q1@20 q1 R1>1@20");
	data(7, CAP_SEND, NGET, GET);
	data(7, CAP_RECV, 140, OK200);
	data(7, CAP_SEND, NGET * 2, GET);
	T_STR(said(), "");
	capture_tick(now + 201 * MS);
	now += 202 * MS;
	T_STR(said(), "G1@40+40lost r1:gap Q2@20 q2 R2>2@20 r2 Q3@20 q3");
	/* A head has one: pairs come back, as no client that pipelines would have them. */
	data(7, CAP_RECV, 180, OK200);
	data(7, CAP_SEND, NGET * 3, GET);
	data(7, CAP_RECV, 220, "HTTP/1.1 ");
	data(7, CAP_RECV, 240, "tent-Length: 2\r\n\r\n\r\n");
	T_STR(said(), "R3>3@20 r3 Q4@20 q4");
	data(7, CAP_SEND, NGET * 4, GET);
	data(7, CAP_RECV, 260, OK200);
	T_STR(said(), "");
	capture_tick(now + 201 * MS);
	now += 202 * MS;
	data(7, CAP_SEND, NGET * 5, GET);
	data(7, CAP_RECV, 300, OK200);
	finish();
	T_STR(said(), "G1@229+11lost Q5@20 q5 R4>-@20 r4 Q6@20 q6 R5>6@20 r5 -7?");
}

/* Filled in time: nothing is lost, and the order is that of time. */
static void test_filled(void)
{
	start(0);
	conn(7, CAP_ROLE_SERVER, false);
	data(7, CAP_RECV, 5, GET + 5);
	by = 30;
	data(7, CAP_SEND, 0, OK200);
	by = 20;
	data(7, CAP_RECV, NGET, GET);
	by = 30;
	data(7, CAP_SEND, NOK, OK200);
	T_STR(said(), "+7");
	by = 40;
	data(7, CAP_RECV, 0, "GET /");
	T_STR(said(), "Q1@20 q1 R1>1@30 r1 Q2@20 q2 R2>2@30 r2");
	T_EQ(capture_stats.streams.lost, 0);
	close_conn(7, NOK * 2, NGET * 2, false);
	T_STR(said(), "-7");
	finish();
}

/* Both have a hole. */
static void test_both(void)
{
	start(0);
	conn(7, CAP_ROLE_SERVER, false);
	data(7, CAP_RECV, 3, GET);
	data(7, CAP_SEND, 4, OK200);
	data(7, CAP_RECV, 3 + NGET, GET);
	data(7, CAP_SEND, 4 + NOK, OK200);
	T_STR(said(), "+7");
	data(7, CAP_RECV, 0, "\r\n\r");
	T_STR(said(), ""); /* an answer may have been before it */
	capture_tick(now + 201 * MS);
	T_STR(said(), "Q1@20 q1 G0@0+4lost R1>-@20 r1 Q2@20 q2 R2>2@20 r2");
	now += 202 * MS;
	close_conn(7, 4 + NOK * 2, 3 + NGET * 2, false);
	T_STR(said(), "-7");
	finish();
}

/* What waits in both is told by its time; and no longer than until the other's hole is filled. */
static void test_both_wait(void)
{
	start(0);
	conn(7, CAP_ROLE_SERVER, false);
	data(7, CAP_RECV, 3, GET);
	data(7, CAP_SEND, 2, OK200);
	data(7, CAP_RECV, 0, "\r\n\r");
	data(7, CAP_RECV, 3 + NGET + 5, GET);
	T_STR(said(), "+7");
	data(7, CAP_SEND, 0, "\r\n");
	T_STR(said(), "Q1@20 q1");
	capture_tick(now + 201 * MS);
	T_STR(said(), "R1>1@20 r1 G1@30+5lost Q2@20 q2");
	now += 202 * MS;
	close_conn(7, 2 + NOK, 8 + NGET * 2, false);
	T_STR(said(), "-7");
	finish();
}

/* Within a direction it is the place that counts, not the time. */
static void test_odd_times(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	data(7, CAP_SEND, 3, GET);
	data(7, CAP_RECV, 0, OK200);
	now -= 5 * MS;
	data(7, CAP_RECV, NOK + 5, OK200);
	now += 10 * MS;
	T_STR(said(), "+7");
	finish();
	T_STR(said(), "G0@0+3lost Q1@20 q1 R1>-@20 r1 G1@40+5lost R2>-@20 r2 -7?");
}

/* Ends keep their place behind the bytes that wait. */
static void test_end_waits(void)
{
	start(0);
	conn(7, CAP_ROLE_SERVER, false);
	data(7, CAP_RECV, 3, GET);
	data(7, CAP_SEND, 0, "HTTP/1.1 200 OK\r\n\r\nbody");
	end(7, CAP_SEND, 23);
	close_conn(7, 23, 3 + NGET, false);
	T_STR(said(), "+7");
	capture_tick(now + 201 * MS);
	T_STR(said(), "G1@0+3lost Q1@20 q1 R1>-@20 r1 -7");
	now += 202 * MS;
	finish();
}

/* Where more waits than should, the hole is given up. */
static void test_bounds(void)
{
	char big[4096];
	uint32_t seq = 0;

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = 0;
	start(0);
	conn(7, CAP_ROLE_SERVER, false);
	data(7, CAP_RECV, 3, GET);
	data(7, CAP_SEND, 0, "HTTP/1.1 200 OK\r\n\r\n");
	T_STR(said(), "+7");
	for (seq = 19; seq < 200000; seq += 4095)
		data(7, CAP_SEND, seq, big);
	T_STR(said(), "");
	for (; seq < 300000; seq += 4095)
		data(7, CAP_SEND, seq, big);
	T_STR(said(), "G1@0+3lost Q1@20 q1 R1>-@20");
	T_EQ(raw_bytes[0], seq);
	finish();
}

/* So it is for all connections together. */
static void test_total(void)
{
	char big[4096];
	uint64_t held = 0;

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = 0;
	start(0);
	quiet = true;
	for (uint64_t id = 1; id <= 100; id++) {
		conn(id, CAP_ROLE_SERVER, false);
		data(id, CAP_RECV, 3, GET);
		for (uint32_t seq = 0; seq < 200000; seq += 4095, held += 4095)
			data(id, CAP_SEND, seq, big);
	}
	T_OK(held > 16 << 20);
	T_OK(raw_bytes[0] > held - (8 << 20) && raw_bytes[0] < held - (7 << 20));
	finish();
}

int main(void)
{
	test_hole_in_answer();
	test_filled();
	test_both();
	test_both_wait();
	test_odd_times();
	test_end_waits();
	test_bounds();
	test_total();
	return t_done();
}
