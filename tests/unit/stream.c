// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "unit/stream_t.h"

static void test_order(void)
{
	begin(1000, false);
	push(0, 3, 3, 1);
	T_OK(last_data == letters); /* not copied */
	push(3, 4, 2, 2);
	push(7, 0, 0, 3);
	push(7, 2, 0, 3);
	push(9, 1, 1, 4);
	T_STR(out, "abcde----j");
	T_EQ((uint32_t)last_pos, 1010);
	T_EQ(last_ts, 4);
	T_EQ(last_tag, 9);
	T_OK(!s.hold);
	stream_fin(&all, &s, 1010, 77, 5);
	T_STR(out, "abcde----j.");
	T_EQ(last_ts, 77);
	push(10, 2, 2, 6);
	push(0, 2, 2, 6);
	stream_fin(&all, &s, 1012, 78, 5);
	stream_reset(&all, &s, 79);
	T_STR(out, "abcde----j.");
	T_EQ(all.after_end, 4);
	T_EQ(all.delivered, 6);
	T_EQ(all.skipped, 4);
	finish();
}

static void test_twice(void)
{
	begin(0, false);
	push(0, 4, 4, 1); /* peeked, then read in parts */
	push(0, 2, 2, 1);
	push(2, 4, 4, 1); /* half of it is new */
	push(1, 3, 0, 1);
	push(0, 9, 1, 1); /* new bytes that were not captured */
	push(7, 4, 3, 1);
	T_STR(out, "abcdef---j-");
	T_EQ(all.duplicate, 2 + 2 + 3 + 6 + 2);
	T_EQ(all.lost, 0);
	finish();
}

static void test_late(void)
{
	begin(0, false);
	push(0, 2, 2, 1);
	push(6, 2, 1, 2);
	push(4, 2, 2, 3);
	T_STR(out, "ab");
	T_EQ(all.held, 4);
	T_EQ(stream_next_order(&s), 2);
	push(2, 2, 2, 200);
	T_STR(out, "abcdefg-");
	T_EQ(last_ts, 2); /* the piece's own, not that of the one that freed it */
	T_EQ(last_tag, 6);
	T_OK(!s.hold && !all.waiting);
	T_OK(stream_next_order(&s) == UINT64_MAX);
	/* One that comes again, and fills more than the hole. */
	push(10, 2, 2, 201);
	push(14, 2, 2, 201);
	push(9, 6, 6, 202);
	push(8, 3, 3, 203);
	T_STR(out, "abcdefg-ijklmnop");
	T_EQ(all.duplicate, 2 + 1 + 2);
	T_EQ(all.lost, 0);
	finish();
}

static void test_deadline(void)
{
	begin(0, false);
	push(0, 1, 1, 0);
	push(2, 1, 1, 100); /* b is missing since 100, d since 150, f since 280 */
	push(4, 1, 1, 150);
	push(6, 1, 1, 280);
	streams_expire(&all, 299000000);
	T_STR(out, "a");
	streams_expire(&all, 300000000);
	T_STR(out, "a?c");
	T_EQ(last_pos, s.next);
	push(1, 1, 1, 301); /* too late */
	T_EQ(all.duplicate, 1);
	push(7, 1, 1, 349);
	T_STR(out, "a?c");
	push(8, 1, 1, 350); /* any piece of the stream looks at the time too */
	T_STR(out, "a?c?e");
	push(5, 1, 1, 700); /* late, but nobody looked */
	T_STR(out, "a?c?efghi");
	T_EQ(all.lost, 2);
	/* No wait at all. */
	all.wait_ns = 0;
	push(10, 1, 1, 800);
	T_STR(out, "a?c?efghi?k");
	T_OK(!s.hold);
	all.wait_ns = 200000000;
	/* A piece in front of the others does not make their hole younger. */
	push(14, 1, 1, 1000);
	push(12, 2, 2, 1150);
	streams_expire(&all, 1199999999);
	T_OK(s.hold);
	streams_expire(&all, 1200000000);
	T_STR(out, "a?c?efghi?k?mno");
	finish();
}

static void test_joined(void)
{
	begin(5000, true);
	push(4, 2, 2, 0);
	push(6, 2, 1, 10);
	T_STR(out, "");
	push(2, 2, 2, 100);
	push(-1, 2, 2, 150); /* and b is missing */
	streams_expire(&all, 199000000);
	T_STR(out, "");
	streams_expire(&all, 200000000); /* b was waited for as long as the others */
	T_STR(out, "za?cdefg-");
	push(-3, 2, 2, 201);
	T_EQ(all.duplicate, 2);
	T_EQ(all.lost, 1);
	finish();
	/* Its own wait; none at all; and a piece that is too old to be just before. */
	begin(5000, true);
	all.join_ns = 10000000;
	push(0, 2, 2, 0);
	push(5, 1, 1, 0);
	push(2, 1, 1, 10);
	T_STR(out, "abc");
	finish();
	begin(5000, true);
	all.join_ns = 0;
	push(0, 2, 2, 0);
	T_STR(out, "ab");
	finish();
	begin(0, true);
	push(0, 2, 2, 0);
	push(-(256 << 10) - 3, 2, 2, 0);
	T_EQ(all.duplicate, 2);
	push(-(256 << 10) - 2, 2, 0, 0);
	T_EQ(all.duplicate, 2);
	T_EQ((int32_t)s.next, -(256 << 10) - 2);
	finish();
}

/* Numbers wrap, positions do not; what is behind and what is ahead. */
static void test_wrap(void)
{
	begin(0xfffffffd, false);
	push(4, 4, 4, 1);
	push(0, 4, 4, 1);
	T_STR(out, "abcdefgh");
	T_EQ(s.next, (1ull << 48) + 0x100000005);
	push(2, 2, 2, 1);
	T_EQ(all.duplicate, 2);
	push(8 - (1 << 30), 1, 1, 1); /* the oldest number */
	T_EQ(all.duplicate, 3);
	nout = sizeof(out) - 1; /* the holes are too long to print */
	push(7 - (1 << 30), 1, 0, 1); /* one more is 3 GiB ahead */
	streams_expire(&all, 300000000);
	T_EQ(all.lost, 0xbfffffff);
	T_EQ((uint32_t)s.next, start + 8 - (1 << 30));
	/* A piece of 4 GiB, and one that begins within it. */
	push(8 - (1 << 30), 0xffffffff, 0, 1);
	T_EQ((uint32_t)s.next, start + 7 - (1 << 30));
	push(6 - (1 << 30), 2, 0, 1);
	T_EQ(all.duplicate, 4);
	T_EQ(all.skipped, 1 + 0xffffffffull + 1);
	T_EQ(all.delivered, 8);
	finish();
}

static void test_end(void)
{
	begin(0, false);
	push(0, 2, 2, 0);
	stream_fin(&all, &s, 4, 9, 0);
	T_STR(out, "ab");
	push(2, 2, 2, 199);
	T_STR(out, "abcd.");
	finish();
	begin(0, false);
	push(4, 1, 1, 0);
	stream_fin(&all, &s, 7, 9, 100000000);
	streams_expire(&all, 200000000);
	T_STR(out, "????e");
	streams_expire(&all, 300000000);
	T_STR(out, "????e??.");
	T_EQ(last_ts, 9);
	T_OK(!s.hold);
	finish();
	/* An end that is too early moves. */
	begin(0, false);
	push(1, 3, 3, 0);
	stream_fin(&all, &s, 2, 9, 0);
	push(4, 1, 1, 0);
	push(0, 1, 1, 0);
	T_STR(out, "abcde.");
	finish();
	begin(0, false);
	stream_fin(&all, &s, 2, 9, 0);
	push(0, 5, 3, 0);
	T_STR(out, "abc--.");
	finish();
	begin(0, false);
	push(1, 3, 3, 0);
	stream_fin(&all, &s, 2, 9, 0);
	push(0, 1, 1, 0);
	T_STR(out, "abcd.");
	finish();
	/* What was held went out, the end still waits, and more is held. */
	begin(0, false);
	stream_fin(&all, &s, 8, 9, 0);
	push(2, 2, 2, 0);
	push(0, 2, 2, 0);
	push(6, 2, 2, 0);
	T_STR(out, "abcd");
	push(4, 2, 2, 0);
	T_STR(out, "abcdefgh.");
	finish();
	/* Nothing but an end. */
	begin(77, true);
	stream_fin(&all, &s, 77, 9, 0);
	T_STR(out, ".");
	finish();
	/* An end while the first piece waits for one before it. */
	begin(0, true);
	push(2, 2, 2, 0);
	stream_fin(&all, &s, 4, 9, 0);
	push(0, 2, 2, 1);
	T_STR(out, "");
	stream_flush(&all, &s);
	T_STR(out, "abcd.");
	finish();
}

static void test_reset(void)
{
	begin(0, false);
	push(0, 1, 1, 0);
	push(2, 1, 1, 0);
	stream_fin(&all, &s, 5, 9, 0);
	push(4, 1, 1, 0);
	stream_reset(&all, &s, 33);
	T_STR(out, "a?c?e!");
	T_EQ(last_ts, 33);
	stream_reset(&all, &s, 34);
	T_STR(out, "a?c?e!");
	finish();
	begin(0, false);
	stream_fin(&all, &s, 5, 9, 0);
	stream_reset(&all, &s, 33);
	T_STR(out, "!");
	finish();
	begin(0, false);
	push(2, 1, 1, 0);
	push(3, 1, 0, 0);
	T_EQ(all.held, 2);
	stream_free(&all, &s);
	T_EQ(all.discarded, 2);
	T_STR(out, "");
	finish();
}

/* Several streams wait; each has its own time. */
static void test_several(void)
{
	struct stream many[5] = {};

	begin(0, false);
	for (int i = 0; i < 5; i++) {
		struct stream_piece p = {1, 1, 1, 0, 0, 0, letters + i};

		stream_start(&many[i], 0);
		stream_push(&all, &many[i], &p, i);
	}
	last_pos = 0;
	stream_free(&all, &many[1]);
	stream_reset(&all, &many[4], 0);
	T_STR(out, "?e!");
	last_pos = 0;
	streams_expire(&all, 200000000);
	T_STR(out, "?e!?a");
	last_pos = 0;
	streams_expire(&all, 200000002);
	T_STR(out, "?e!?a?c");
	stream_free(&all, &many[0]);
	stream_free(&all, &many[2]);
	stream_free(&all, &many[3]);
	T_EQ(all.lost, 3);
	finish();
}

int main(void)
{
	T_OK(sizeof(struct stream) <= 24);
	test_order();
	test_twice();
	test_late();
	test_deadline();
	test_joined();
	test_wrap();
	test_end();
	test_reset();
	test_several();
	return t_done();
}
