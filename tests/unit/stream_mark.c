// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* How far a stream has come, as is heard before its bytes come. */
#include "unit/stream_t.h"

static void reach(int off, uint32_t by, uint64_t now_ms)
{
	all.order++;
	stream_reached(&all, &s, start + off, by, now_ms, now_ms * 1000000);
}

/* How far it has come is known before its bytes: these may come in time, or late, or not. */
static void test_reached(void)
{
	begin(-3, false);
	reach(5, 0, 1);
	T_OK(s.hold);
	T_EQ(stream_next_order(&s), 1);
	push(0, 4, 4, 2);
	push(4, 3, 3, 3);
	T_STR(out, "abcdefg");
	T_OK(!s.hold && !s.overdue);
	/* The time is up, and nothing else is behind: they may still come. */
	reach(9, 0, 10);
	reach(12, 0, 20);
	reach(12, 0, 30);
	T_EQ(all.waiting->pieces, 2);
	streams_expire(&all, 209000000);
	T_EQ(overdue, 0);
	streams_expire(&all, 210000000);
	T_EQ(overdue, 5);
	T_OK(!s.hold && s.overdue);
	/* The next is not waited for. */
	reach(14, 0, 211);
	T_EQ(overdue, 7);
	T_STR(out, "abcdefg");
	push(7, 7, 7, 212);
	T_STR(out, "abcdefghijklmn");
	T_OK(!s.overdue);
	T_EQ(all.lost, 0);
	finish();
}

/* What is behind the place tells that it is lost, and so does the end. */
static void test_reached_lost(void)
{
	begin(0, false);
	reach(3, 0, 1);
	reach(6, 0, 2);
	push(8, 2, 2, 3);
	reach(8, 0, 4);
	T_EQ(all.waiting->pieces, 3);
	streams_expire(&all, 205000000);
	T_STR(out, "????????ij");
	T_EQ(last_ts, 3);
	reach(15, 0, 300);
	stream_fin(&all, &s, 13, 301, 301000000);
	reach(20, 0, 302);
	T_EQ(s.hold->end, s.next + 3);
	streams_expire(&all, 501000000);
	T_STR(out, "????????ij???.");
	finish();
	begin(0, false);
	reach(3, 0, 1);
	stream_finish(&all, &s, 77);
	T_STR(out, "??"
		   "?");
	T_EQ(last_ts, 77);
	reach(5, 0, 2);
	stream_reset(&all, &s, 78);
	T_STR(out, "????"
		   "?!");
	finish();
}

/* It is taken back of those that said it by a low number, and of the rest it is not. */
static void test_unreached(void)
{
	begin(0, false);
	stream_unreached(&all, &s, 0, 9);
	reach(2, 5, 1);
	reach(4, 7, 2);
	reach(6, 9, 3);
	stream_unreached(&all, &s, 2, 9);
	T_EQ(s.hold->pieces, 2);
	T_EQ(s.hold->last->span.at.aux, 9);
	stream_unreached(&all, &s, 0, 6);
	T_EQ(s.hold->pieces, 1);
	T_EQ(s.hold->since_ns, 3000000);
	stream_unreached(&all, &s, 0, 10);
	T_OK(!s.hold && !all.waiting);
	finish();
}

/* More of it than may be held. */
static void test_reached_often(void)
{
	begin(0, false);
	all.max_pieces = 3;
	for (int i = 1; i < 6; i++)
		reach(i, 0, i);
	T_EQ(overdue, 5);
	T_OK(!s.hold && s.overdue);
	push(7, 1, 1, 10);
	reach(9, 0, 11);
	T_EQ(s.hold->pieces, 2);
	stream_flush(&all, &s);
	T_STR(out, "???????h");
	T_EQ(overdue, 1);
	finish();
}

int main(void)
{
	test_reached();
	test_reached_lost();
	test_unreached();
	test_reached_often();
	return t_done();
}
