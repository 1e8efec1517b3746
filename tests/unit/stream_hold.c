// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The bounds of what a stream holds, and every order of pieces. */
#include <stdlib.h>
#include "stream_int.h"
#include "unit/t.h"

#define N 6
static uint64_t next, data, skipped, lost, ended;
static unsigned int wrong;

/* Each byte is its position's low one. */
static void on_data(struct streams *all, struct stream *s, const struct stream_at *at,
		    const void *p, size_t len)
{
	const unsigned char *b = p;

	wrong += at->pos != next;
	next = at->pos + len;
	data += len;
	for (size_t i = 0; i < len; i++)
		wrong += b[i] != (unsigned char)(at->pos + i);
}

static void on_skipped(struct streams *all, struct stream *s, const struct stream_at *at,
		       uint64_t len)
{
	wrong += at->pos != next;
	next += len;
	skipped += len;
}

static void on_lost(struct streams *all, struct stream *s, const struct stream_at *at, uint64_t len)
{
	wrong += at->pos != next;
	next += len;
	lost += len;
}

static void on_overdue(struct streams *all, struct stream *s, const struct stream_at *at,
		       uint64_t len)
{
}

static void on_end(struct streams *all, struct stream *s, const struct stream_at *at, bool reset)
{
	wrong += at->pos != next || reset;
	ended++;
}

static const struct stream_ops ops = {on_data, on_skipped, on_lost, on_overdue, on_end};
static unsigned char bytes[1 << 20];

static void begin(struct streams *all, struct stream *s)
{
	streams_init(all, &ops, NULL);
	memset(s, 0, sizeof(*s));
	stream_start(s, 0);
	next = s->next;
	data = skipped = lost = ended = 0;
}

static void push(struct streams *all, struct stream *s, uint32_t seq, uint32_t len, uint32_t cap)
{
	struct stream_piece p = {seq, len, cap, 0, 0, 0, bytes + (seq & 255)};

	stream_push(all, s, &p, 0);
}

/* Six pieces in each of the 720 orders, two of which overlap: the same bytes each time. */
static void order(const int *at)
{
	static const struct {
		uint32_t seq, len, cap;
	} piece[N] = {{0, 10, 10}, {10, 5, 5}, {15, 20, 20}, {30, 10, 10}, {38, 2, 2}, {40, 1, 1}};
	struct streams all;
	struct stream s;

	begin(&all, &s);
	for (int i = 0; i < N; i++)
		push(&all, &s, piece[at[i]].seq, piece[at[i]].len, piece[at[i]].cap);
	stream_fin(&all, &s, 41, 0, 0);
	T_OK(data == 41 && !lost && ended == 1 && !s.hold && !all.total);
	T_EQ(all.duplicate, 7);
	stream_free(&all, &s);
}

static void permute(int *at, int n)
{
	if (n == 1)
		order(at);
	for (int i = 0; n > 1 && i < n; i++) {
		int last = at[n - 1];

		at[n - 1] = at[i];
		at[i] = last;
		permute(at, n - 1);
		at[i] = at[n - 1];
		at[n - 1] = last;
	}
}

/* One piece over many held ones: what is new of it is held around them. */
static void test_around(void)
{
	struct streams all;
	struct stream s;

	begin(&all, &s);
	for (int i = 10; i < 60; i += 10)
		push(&all, &s, i, 3, 3);
	push(&all, &s, 5, 70, 40);
	T_EQ(all.held, 70);
	T_EQ(s.hold->pieces, 11);
	T_EQ(all.duplicate, 15);
	push(&all, &s, 0, 5, 5);
	T_EQ(data, 5 + 40 + 3); /* the held ones had bytes where the long one has none */
	T_EQ(skipped, 70 - 43);
	T_EQ(lost, 0);
	stream_free(&all, &s);
}

static void test_pieces(void)
{
	struct streams all;
	struct stream s;

	begin(&all, &s);
	all.max_pieces = 4;
	for (int i = 1; i <= 4; i++)
		push(&all, &s, 2 * i, 1, 1);
	T_EQ(s.hold->pieces, 4);
	T_EQ(data, 0);
	push(&all, &s, 10, 1, 1); /* one too many: the oldest hole goes */
	T_EQ(lost, 2);
	T_EQ(data, 1);
	T_EQ(s.hold->pieces, 4);
	push(&all, &s, 3, 1, 1);
	T_EQ(data, 3);
	stream_flush(&all, &s);
	T_EQ(lost, 2 + 3);
	T_OK(!s.hold);
	stream_free(&all, &s);
}

static void test_bytes(void)
{
	struct streams all;
	struct stream s, other;

	begin(&all, &s);
	push(&all, &s, 1, 300 << 10, 300 << 10); /* too much for one: not held at all */
	T_EQ(lost, 1);
	T_EQ(data, 300 << 10);
	T_OK(!s.hold);
	all.max_bytes = 2 * sizeof(struct held) + 90;
	push(&all, &s, (300 << 10) + 2, 40, 40); /* to the byte */
	push(&all, &s, (300 << 10) + 100, 50, 50);
	T_EQ(s.hold->bytes, all.max_bytes);
	T_EQ(lost, 1);
	push(&all, &s, (300 << 10) + 99, 1, 1);
	T_EQ(lost, 2);
	stream_free(&all, &s);
	begin(&all, &s);
	push(&all, &s, 1, 1 << 30, 0); /* costs nothing but its place */
	T_EQ(all.held, 1 << 30);
	T_EQ(all.total, sizeof(struct held));
	stream_free(&all, &s);
	/* All together. */
	begin(&all, &s);
	memset(&other, 0, sizeof(other));
	stream_start(&other, 0);
	all.max_total = 2 * sizeof(struct held) + 150;
	push(&all, &s, 1, 100, 100);
	push(&all, &other, 1, 50, 50);
	T_EQ(all.total, all.max_total);
	next = other.next;
	push(&all, &other, 51, 1, 1);
	T_OK(!other.hold);
	T_EQ(lost, 1);
	T_EQ(data, 51);
	T_EQ(s.hold->pieces, 1);
	stream_free(&all, &s);
	stream_free(&all, &other);
	T_EQ(all.discarded, 100);
}

/* With no room at all, pieces go on as they come, also where the stream was joined. */
static void test_no_room(void)
{
	struct streams all;
	struct stream s;

	begin(&all, &s);
	all.max_total = 0;
	push(&all, &s, 3, 2, 2);
	push(&all, &s, 0, 3, 3);
	push(&all, &s, 5, 2, 2);
	T_EQ(data, 4);
	T_EQ(lost, 3);
	T_EQ(all.duplicate, 3);
	T_OK(!s.hold && !all.waiting);
	stream_free(&all, &s);
	next += 9 - 7;
	push(&all, &s, 9, 1, 1);
	T_EQ(data, 5);
	T_EQ(lost, 3);
	stream_free(&all, &s);
}

int main(void)
{
	int at[N] = {0, 1, 2, 3, 4, 5};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	permute(at, N);
	test_around();
	test_pieces();
	test_bytes();
	test_no_room();
	T_EQ(wrong, 0);
	return t_done();
}
