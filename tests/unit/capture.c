// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Records: what is taken, what is refused, and time. */
#include "unit/capture_t.h"
#include "log.h"

static int feed(uint32_t type, const void *r, size_t len)
{
	return capture_record(type, r, len, NULL);
}

static void test_exchange(void)
{
	struct cap_conn *c;

	start(0);
	conn(7, CAP_ROLE_SERVER, false);
	data(7, CAP_RECV, 0, GET);
	c = capture_find(7);
	T_OK(c && c->proto == CAP_TCP && c->flow.local_port == 40007);
	T_EQ(capture_role(c), CAP_ROLE_SERVER);
	T_EQ(capture_seq(c, CAP_RECV, 5), 5);
	data(7, CAP_SEND, 0, OK200);
	T_STR(said(), "+7 Q1@20 q1 R1>1@20 r1");
	end(7, CAP_RECV, NGET);
	T_STR(said(), "");
	close_conn(7, NOK, NGET, false);
	T_STR(said(), "-7");
	T_OK(!capture_find(7));
	T_EQ(capture_stats.data_bytes, NGET + NOK);
	finish();
}

/* In parts, with bytes that were not captured. */
static void test_parts(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	data(7, CAP_SEND, 0, "GET / HT");
	data(7, CAP_SEND, 8, "TP/1.1\r\n\r\n");
	data_part(7, CAP_RECV, 0, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc", 50,
		  CAP_LIMIT);
	T_STR(said(), "+7 Q1@20 q1 R1>1@20");
	data_part(7, CAP_RECV, 50, "", 20, CAP_IO_URING);
	data_part(7, CAP_RECV, 70, "", 19, CAP_LIMIT);
	T_STR(said(), "G1@50+20io_uring r1");
	T_EQ(capture_stats.streams.skipped, 50 - 42 + 39);
	close_conn(7, 18, 89, true);
	T_STR(said(), "-7!");
	finish();
}

static void test_numbers(void)
{
	struct cap_conn_rec r = conn_rec(7, CAP_ROLE_CLIENT, false);

	start(0);
	r.seq[0] = 0xfffffff0;
	r.seq[1] = 5;
	T_EQ(feed(CAP_REC_CONN, &r, sizeof(r)), 0);
	T_EQ(capture_seq(capture_find(7), 0, 3), 0xfffffff3);
	data(7, CAP_SEND, 0xfffffff0, GET);
	data(7, CAP_SEND, NGET - 16, GET);
	T_EQ(capture_seq(capture_find(7), 0, 16), 0);
	T_EQ(capture_seq(capture_find(7), 1, 1), 6);
	T_STR(said(), "+7 Q1@20 q1 Q2@20 q2");
	/* Joined: the first bytes are the first. */
	data(8, CAP_SEND, 1000, GET);
	T_EQ(capture_seq(capture_find(8), 0, 1), 1001);
	T_STR(said(), "~8 Q1@20 q1");
	T_EQ(capture_role(capture_find(8)), CAP_ROLE_CLIENT);
	T_EQ(capture_find(8)->flow.family, 0);
	finish();
	T_STR(said(), "-7? -8?");
}

/* What was heard of the connection, and how long its bytes had waited. */
static void test_waits(void)
{
	struct cap_conn_rec r = conn_rec(7, CAP_ROLE_SERVER, false);
	struct {
		struct cap_data_rec r;
		char bytes[NGET];
	} b = {.r = {.type = CAP_REC_DATA, .id = 7, .len = NGET, .captured = NGET, .dir = CAP_RECV},
	       .bytes = GET};
	struct cap_conn *c;

	start(0);
	r.opened_ns = 5;
	T_EQ(feed(CAP_REC_CONN, &r, sizeof(r)), 0);
	c = capture_find(7);
	T_EQ(c->heard_ns, now);
	T_EQ(c->opened_ns, 5);
	T_EQ(c->connect_ns, 0);
	T_EQ(c->waited_us[CAP_RECV], UINT32_MAX);
	b.r.waited_us = 77;
	b.r.flags = CAP_DATA_F_WAITED;
	b.r.parent_goid = 12;
	T_EQ(feed(CAP_REC_DATA, &b, sizeof(b)), 0);
	T_EQ(c->waited_us[CAP_RECV], 77);
	T_EQ(c->who[CAP_RECV]->parent_goid, 12);
	b.r.seq = NGET;
	b.r.flags = 0;
	b.r.parent_goid = 13;
	T_EQ(feed(CAP_REC_DATA, &b, sizeof(b)), 0);
	T_EQ(c->waited_us[CAP_RECV], UINT32_MAX);
	T_EQ(c->who[CAP_RECV]->parent_goid, 13);
	T_EQ(c->waited_us[CAP_SEND], UINT32_MAX);
	/* The record says it again, and knows more. */
	r.connect_ns = 6;
	r.seq[CAP_RECV] = NGET * 2;
	T_EQ(feed(CAP_REC_CONN, &r, sizeof(r)), 0);
	T_EQ(c->connect_ns, 6);
	b.r.seq = NGET * 2;
	b.r.flags = CAP_DATA_F_WAITED << 1;
	T_EQ(feed(CAP_REC_DATA, &b, sizeof(b)), -EBADMSG);
	finish();
}

/* A hole is lost after its time: by a tick, or by the records' own times. */
static void test_time(void)
{
	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	data(7, CAP_SEND, 5, GET);
	T_STR(said(), "+7");
	capture_tick(now + 100 * MS);
	T_STR(said(), "");
	capture_tick(now + 10); /* time does not go back */
	capture_tick(now + 201 * MS);
	T_STR(said(), "G0@0+5lost Q1@20 q1");
	now += 202 * MS;
	data(7, CAP_SEND, NGET + 15, GET);
	now += 201 * MS;
	T_STR(said(), "");
	conn(8, CAP_ROLE_CLIENT, false);
	T_STR(said(), "G0@32+10lost Q2@20 q2 +8");
	capture_tick(now + 100);
	capture_tick(now + 50);
	data(8, CAP_SEND, 0, GET);
	T_EQ(capture_find(8)->seen_ns, now - 1000 + 100);
	finish();
}

static void test_lengths(void)
{
	union {
		uint32_t type;
		char bytes[2048];
		uint64_t align;
	} b = {.type = CAP_REC_CONN};
	struct capture_options o = {};
	const struct capture_ops none = {};

	T_EQ(capture_init(&none, &o), 0);
	T_EQ(feed(CAP_REC_COUNTS, &b, sizeof(struct cap_counts_rec)), -EBADMSG);
	T_OK(strstr(fail_text(-EBADMSG), "before the first"));
	for (uint32_t type = 0; type < 10; type++)
		for (size_t len = 0; len < 200; len++)
			if (type != CAP_REC_START || len != sizeof(struct cap_start_rec))
				T_EQ(feed(type, &b, len), -EBADMSG);
	T_EQ(capture_stats.bad_records, capture_stats.records);
	T_EQ(feed(CAP_REC_START, &b, sizeof(struct cap_start_rec)), 0);
	T_EQ(feed(CAP_REC_START, &b, sizeof(struct cap_start_rec)), -EBADMSG);
	T_EQ(feed(CAP_REC_TASK, &b, sizeof(struct cap_task_rec) - 1), -EBADMSG);
	T_EQ(feed(CAP_REC_TASK, &b, sizeof(struct cap_task_rec) + 1), -EBADMSG);
	T_EQ(feed(8, &b, 100), -EBADMSG);
	capture_finish();
}

#define REFUSED(type, rec, member, value)                                                          \
	do {                                                                                       \
		__auto_type copy = rec;                                                            \
		memset(&copy.member, value, sizeof(copy.member));                                  \
		T_EQ(feed(type, &copy, sizeof(copy)), -EBADMSG);                                   \
		T_OK(strstr(fail_text(-EBADMSG), "makes no sense"));                               \
	} while (0)

static void test_damage(void)
{
	struct cap_conn_rec c = conn_rec(7, CAP_ROLE_CLIENT, false);
	struct cap_data_rec d = {.type = CAP_REC_DATA, .id = 7, .len = 10, .cause = CAP_LIMIT};
	struct cap_task_rec t = {.type = CAP_REC_TASK, .pid = 7};
	struct cap_end_rec e = {.type = CAP_REC_END, .id = 7};
	struct cap_close_rec l = {.type = CAP_REC_CLOSE, .id = 7};

	start(0);
	T_EQ(feed(CAP_REC_CONN, &c, sizeof(c)), 0);
	REFUSED(CAP_REC_CONN, c, type, 0);
	REFUSED(CAP_REC_CONN, c, id, 0);
	REFUSED(CAP_REC_CONN, c, proto, CAP_PROTOS);
	REFUSED(CAP_REC_CONN, c, role, CAP_ROLES);
	REFUSED(CAP_REC_CONN, c, path, 'a');
	REFUSED(CAP_REC_CONN, c, flow.family, 0);
	T_EQ(feed(CAP_REC_DATA, &d, sizeof(d)), 0);
	REFUSED(CAP_REC_DATA, d, type, 0);
	REFUSED(CAP_REC_DATA, d, id, 0);
	REFUSED(CAP_REC_DATA, d, captured, 1);
	REFUSED(CAP_REC_DATA, d, captured, 255);
	REFUSED(CAP_REC_DATA, d, dir, 2);
	REFUSED(CAP_REC_DATA, d, cause, CAP_CAUSES);
	REFUSED(CAP_REC_DATA, d, cause, CAP_WHOLE);
	REFUSED(CAP_REC_DATA, d, comm, 'a');
	REFUSED(CAP_REC_DATA, d, flags, 4);
	d.len = 0;
	T_EQ(feed(CAP_REC_DATA, &d, sizeof(d)), 0);
	T_EQ(feed(CAP_REC_TASK, &t, sizeof(t)), 0);
	REFUSED(CAP_REC_TASK, t, type, 0);
	REFUSED(CAP_REC_TASK, t, args_len, 3);
	REFUSED(CAP_REC_TASK, t, comm, 'a');
	REFUSED(CAP_REC_TASK, t, cgroup, 'a');
	T_EQ(feed(CAP_REC_END, &e, sizeof(e)), 0);
	REFUSED(CAP_REC_END, e, type, 0);
	REFUSED(CAP_REC_END, e, id, 0);
	REFUSED(CAP_REC_END, e, dir, 1);
	T_EQ(feed(CAP_REC_CLOSE, &l, sizeof(l)), 0);
	REFUSED(CAP_REC_CLOSE, l, type, 0);
	REFUSED(CAP_REC_CLOSE, l, id, 0);
	REFUSED(CAP_REC_CLOSE, l, reset, 1);
	finish();
}

/* More captured than the stream has, than is there; and more there than is captured. */
static void test_payload(void)
{
	struct {
		struct cap_data_rec r;
		char bytes[64];
	} b = {.r = {.type = CAP_REC_DATA, .id = 7, .len = 8, .captured = 8}, .bytes = "GET / HT"};

	start(0);
	T_EQ(feed(CAP_REC_DATA, &b, sizeof(b.r) + 7), -EBADMSG);
	T_EQ(feed(CAP_REC_DATA, &b, sizeof(b.r) + 8), 0);
	b.r.captured = 9;
	T_EQ(feed(CAP_REC_DATA, &b, sizeof(b)), -EBADMSG);
	b.r.captured = 8;
	b.r.seq = 8;
	T_EQ(feed(CAP_REC_DATA, &b, sizeof(b)), 0);
	T_EQ(raw_bytes[0], 16);
	finish();
}

static void test_counts(void)
{
	struct cap_counts_rec r = {.now_ns = now + 10};

	start(0);
	T_EQ(feed(CAP_REC_COUNTS, &r, sizeof(r)), 0);
	r.now_ns--;
	T_EQ(feed(CAP_REC_COUNTS, &r, sizeof(r)), -EBADMSG);
	r.now_ns += 2;
	r.last = 1;
	T_EQ(feed(CAP_REC_COUNTS, &r, sizeof(r)), 0);
	r.now_ns++;
	T_EQ(feed(CAP_REC_COUNTS, &r, sizeof(r)), -EBADMSG);
	T_OK(strstr(fail_text(-EBADMSG), "after the last"));
	T_EQ(capture_stats.counts.now_ns, now + 11);
	finish();
}

int main(void)
{
	test_exchange();
	test_parts();
	test_numbers();
	test_waits();
	test_time();
	test_lengths();
	test_damage();
	test_payload();
	test_counts();
	return t_done();
}
