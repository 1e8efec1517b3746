// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Records that say how far the other direction is: what is lost is known at once, told where it
 * was, and no response is given to another request.
 */
#include "unit/capture_t.h"

/* The kernel half's record of a call, with the other direction's place. */
static void call(uint64_t id, int dir, uint32_t seq, const char *s, uint32_t other)
{
	struct {
		struct cap_data_rec r;
		char bytes[4096];
	} b = {.r = {.type = CAP_REC_DATA, .seq = seq, .id = id, .now_ns = now}};

	b.r.len = b.r.captured = strlen(s);
	b.r.pid = b.r.tid = by;
	b.r.dir = dir;
	b.r.flags = CAP_DATA_F_OTHER;
	b.r.other_seq = other;
	memcpy(b.bytes, s, b.r.captured);
	T_EQ(capture_record(CAP_REC_DATA, &b, sizeof(b.r) + b.r.captured, NULL), 0);
	now += 1000;
}

static void wait_long(void)
{
	now += 201 * MS;
	capture_tick(now);
}

/* A whole answer: the next request tells of it, and is answered by what follows. */
static void test_answer(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	call(7, CAP_SEND, 0, GET, 0);
	T_STR(said(), "+7 Q1@20 q1");
	call(7, CAP_SEND, NGET, GET, NOK);
	T_STR(said(), "");
	call(7, CAP_RECV, NOK, OK200, NGET * 2);
	wait_long();
	T_STR(said(), "G1@0+40lost Q2@20 q2 R1>2@20 r1");
	/* Whole exchanges, so that both directions have a hole. */
	call(7, CAP_SEND, NGET * 4, GET, NOK * 4);
	call(7, CAP_RECV, NOK * 4, OK200, NGET * 5);
	call(7, CAP_SEND, NGET * 5, GET, NOK * 5);
	call(7, CAP_RECV, NOK * 5, OK200, NGET * 6);
	wait_long();
	T_STR(said(), "G1@80+80lost G0@54+54lost Q3@20 q3 R2>-@20 r2 Q4@20 q4 R3>4@20 r3");
	finish();
}

/* A whole request: its answer tells of it, and answers no other. */
static void test_request(void)
{
	start(0);
	conn(7, CAP_ROLE_SERVER, false);
	call(7, CAP_RECV, 0, GET, 0);
	call(7, CAP_SEND, 0, OK200, NGET);
	call(7, CAP_SEND, NOK, OK200, NGET * 2);
	T_STR(said(), "+7 Q1@20 q1 R1>1@20 r1");
	call(7, CAP_RECV, NGET * 2, GET, NOK * 2);
	call(7, CAP_SEND, NOK * 2, OK200, NGET * 3);
	wait_long();
	T_STR(said(), "G1@27+27lost R2>-@20 r2 Q2@20 q2 R3>2@20 r3");
	finish();
}

/* It was there before, and its first answer is lost, of which its own record tells as well. */
static void test_joined(bool numbers)
{
	struct cap_conn_rec r = conn_rec(7, CAP_ROLE_CLIENT, true);

	start(0);
	r.seq[CAP_SEND] = 500;
	r.seq[CAP_RECV] = 900;
	T_EQ(capture_record(CAP_REC_CONN, &r, sizeof(r), NULL), 0);
	for (int i = 0; i < 3; i++) {
		if (numbers)
			call(7, CAP_SEND, 500 + i * NGET, GET, 900 + i * NOK);
		else
			data(7, CAP_SEND, 500 + i * NGET, GET);
		if (i && numbers)
			call(7, CAP_RECV, 900 + i * NOK, OK200, 500 + (i + 1) * NGET);
		else if (i)
			data(7, CAP_RECV, 900 + i * NOK, OK200);
	}
	wait_long();
	T_STR(said(), numbers ? "~7 Q1@20 q1 G1@0+40lost Q2@20 q2 R1>-@20 r1 Q3@20 q3 R2>3@20 r2"
			      : "~7 Q1@20 q1 Q2@20 q2 G1@0+40lost R1>-@20 r1 Q3@20 q3 R2>-@20 r2");
	finish();
}

/* Answers to what was asked before it was joined: one whose hook ran late, and one to come. */
static void test_before(void)
{
	struct cap_conn_rec r = conn_rec(7, CAP_ROLE_SERVER, true);

	start(0);
	r.seq[CAP_RECV] = 500;
	r.seq[CAP_SEND] = 900 + NOK;
	T_EQ(capture_record(CAP_REC_CONN, &r, sizeof(r), NULL), 0);
	call(7, CAP_RECV, 500, GET, 900 + NOK);
	call(7, CAP_SEND, 900, OK200, 500);
	call(7, CAP_SEND, 900 + NOK, OK200, 500 + NGET);
	call(7, CAP_RECV, 500 + NGET, GET, 900 + NOK * 2);
	call(7, CAP_SEND, 900 + NOK * 2, OK200, 500 + NGET * 2);
	T_STR(said(), "~7 Q1@20 q1 R1>-@20 r1 R2>-@20 r2 Q2@20 q2 R3>2@20 r3");
	finish();
}

/* An interim answer is lost: what follows may be the next request's, for all that is known. */
static void test_interim(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	call(7, CAP_SEND, 0, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", 0);
	call(7, CAP_SEND, 38, "abc", 25);
	call(7, CAP_RECV, 25, OK200, 41);
	call(7, CAP_SEND, 41, GET, 25 + NOK);
	call(7, CAP_RECV, 25 + NOK, OK200, 41 + NGET);
	wait_long();
	T_STR(said(), "+7 Q1@20 G1@0+25lost q1 R1>-@20 r1 Q2@20 q2 R2>2@20 r2");
	finish();
}

/* A client that pipelines, and was seen to: nobody knows which answer is lost. */
static void test_pipelined(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	call(7, CAP_SEND, 0, GET GET, 0);
	call(7, CAP_RECV, NOK, OK200, NGET * 2);
	wait_long();
	T_STR(said(), "+7 Q1@20 q1 Q2@20 q2 G1@0+40lost R1>-@20 r1");
	call(7, CAP_SEND, NGET * 2, GET, NOK * 2);
	call(7, CAP_RECV, NOK * 2, OK200, NGET * 3);
	T_STR(said(), "Q3@20 q3 R2>-@20 r2");
	/* Of requests that are lost: those before them are answered first. */
	conn(8, CAP_ROLE_CLIENT, false);
	call(8, CAP_SEND, 0, GET GET, 0);
	call(8, CAP_SEND, NGET * 3, GET, 0);
	call(8, CAP_RECV, 0, OK200 OK200 OK200 OK200, NGET * 4);
	wait_long();
	T_STR(said(), "+8 Q1@20 q1 Q2@20 q2 G0@54+27lost Q3@20 q3 R1>1@20 r1 R2>2@20 r2 R3>-@20 "
		      "r3 R4>-@20 r4");
	finish();
}

/* The head of a request is lost, and its end and its answer are seen. */
static void test_head(void)
{
	start(0);
	conn(7, CAP_ROLE_SERVER, false);
	call(7, CAP_RECV, 10, GET + 10, 0);
	call(7, CAP_SEND, 0, OK200, NGET);
	call(7, CAP_RECV, NGET, GET, NOK);
	call(7, CAP_SEND, NOK, OK200, NGET * 2);
	wait_long();
	T_STR(said(), "+7 G1@0+10lost R1>-@20 r1 Q1@20 q1 R2>1@20 r2");
	finish();
}

/*
 * A call takes its time: what it has moved so far is seen by one of the other direction. Nobody
 * waits long for its record, and it comes all the same.
 */
static void test_long_call(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	call(7, CAP_SEND, 0, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 0);
	call(7, CAP_RECV, 0, OK200, 50);
	T_STR(said(), "+7 Q1@20");
	wait_long();
	T_STR(said(), "R1>1@20 r1");
	call(7, CAP_RECV, NOK, OK200, 60);
	T_STR(said(), "R2>-@20 r2");
	call(7, CAP_SEND, 47, "a\r\n0123456789\r\n0\r\n\r\n", NOK * 2);
	T_STR(said(), "q1");
	T_EQ(capture_stats.streams.lost, 0);
	close_conn(7, 67, NOK * 2, false);
	T_STR(said(), "-7");
	/* Or it never comes: that is known at the end. */
	conn(8, CAP_ROLE_CLIENT, false);
	call(8, CAP_RECV, 0, OK200, 50);
	wait_long();
	T_STR(said(), "+8 R1>-@20 r1");
	finish();
	T_STR(said(), "G0@0+50lost -8?");
}

/* A send's hook runs late: its answer was read by then. And at the server, its next request. */
static void test_late_hook(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	call(7, CAP_RECV, 0, OK200, NGET);
	T_STR(said(), "+7");
	call(7, CAP_SEND, 0, GET, NOK);
	T_STR(said(), "Q1@20 q1 R1>1@20 r1");
	conn(8, CAP_ROLE_SERVER, false);
	call(8, CAP_RECV, 0, GET, 0);
	call(8, CAP_RECV, NGET, GET, NOK);
	T_STR(said(), "+8 Q1@20 q1");
	call(8, CAP_SEND, 0, OK200, NGET * 2);
	call(8, CAP_SEND, NOK, OK200, NGET * 2);
	T_STR(said(), "R1>1@20 r1 Q2@20 q2 R2>2@20 r2");
	/* Both: what was sent was first. */
	conn(9, CAP_ROLE_CLIENT, false);
	call(9, CAP_SEND, 0, GET, NOK);
	call(9, CAP_RECV, 0, OK200, NGET);
	T_STR(said(), "+9 Q1@20 q1 R1>1@20 r1");
	T_EQ(capture_stats.streams.lost, 0);
	finish();
}

/* Of TLS not all is told. */
static void test_tls(void)
{
	static const char hello[] = "\x16\x03\x01\x02\x05\x01\x01\x01\xfc\x03\x03rest";

	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	call(7, CAP_SEND, 0, hello, 0);
	call(7, CAP_SEND, 100, "\x17\x03\x03", 5000);
	wait_long();
	close_conn(7, 103, 0, false);
	finish();
	T_STR(said(), "+7 G0@15+85lost -7");
}

int main(void)
{
	test_answer();
	test_request();
	test_joined(true);
	test_joined(false);
	test_before();
	test_interim();
	test_pipelined();
	test_head();
	test_long_call();
	test_late_hook();
	test_tls();
	return t_done();
}
