// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "ring.h"
#include "unit/t.h"

#define SIZE 4096

/* The writing end, as the kernel does it: the head of a record is written before its bytes are there. */
static uint64_t consumer, producer;
static struct ring ring;

static uint8_t *byte(uint64_t at)
{
	return (uint8_t *)ring.data + (at & (ring.size - 1));
}

static uint64_t put(const void *data, uint32_t len, uint32_t flags)
{
	uint64_t at = producer;
	uint32_t head[2] = {len | flags, 0};

	memcpy(byte(at), head, sizeof(head));
	for (uint32_t i = 0; i < len; i++)
		*byte(at + 8 + i) = ((const uint8_t *)data)[i];
	producer = at + ((8 + len + 7) & ~7ULL);
	return at;
}

static void begin(size_t size, uint64_t at)
{
	free((void *)ring.data);
	free(ring.cut);
	consumer = producer = at;
	ring = (struct ring){.consumer = &consumer,
			     .producer = &producer,
			     .data = calloc(1, size),
			     .size = size};
}

static char got[SIZE];
static size_t ngot;
static uint64_t given; /* what the kernel saw of the reading end, at each record */
static int answer;
static bool writes; /* a record comes for each that is read */

static int take(void *ctx, void *data, size_t len)
{
	T_EQ((uintptr_t)data % 8, 0);
	T_EQ(ctx, got);
	if (ngot + len + 1 < sizeof(got)) {
		memcpy(got + ngot, data, len);
		ngot += len;
		got[ngot++] = '|';
		got[ngot] = 0;
	}
	given = consumer;
	if (writes)
		put("more", 4, 0);
	return answer;
}

static const char *all(void)
{
	ngot = 0;
	got[0] = 0;
	T_EQ(ring_read(&ring, take, got), 0);
	return got;
}

static void records(void)
{
	uint64_t at;

	begin(SIZE, 0);
	T_STR(all(), "");
	put("one", 3, 0);
	put("", 0, 0);
	put("eightlen", 8, 0);
	put("gone", 4, BPF_RINGBUF_DISCARD_BIT);
	at = put("busy", 4, BPF_RINGBUF_BUSY_BIT);
	put("behind", 6, 0);
	T_STR(all(), "one||eightlen|");
	T_EQ(consumer, at);
	T_STR(all(), "");
	*(uint32_t *)byte(at) &= ~BPF_RINGBUF_BUSY_BIT;
	T_STR(all(), "busy|behind|");
	T_EQ(consumer, producer);
}

/* At each place, beyond 2^32 too: the record or its head alone may be at the end. */
static void ends(void)
{
	char text[200];

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = 'a' + i % 26;
	text[sizeof(text) - 1] = 0;
	for (uint64_t at = SIZE - 256; at <= SIZE; at += 8) {
		begin(SIZE, at + (3ULL << 32));
		put(text, 199, 0);
		put("next", 4, 0);
		all();
		T_EQ(memcmp(got, text, 199), 0);
		T_STR(got + 199, "|next|");
	}
	/* The room for cut records grows. */
	begin(SIZE, SIZE - 16);
	put(text, 20, 0);
	T_EQ(strlen(all()), 21);
	begin(SIZE, SIZE - 16);
	ring.cut = malloc(20);
	ring.cut_size = 20;
	put(text, 199, 0);
	T_EQ(strlen(all()), 200);
	T_EQ(ring.cut_size, 199);
}

/* Who writes all the time is left after what was there. */
static void bounded(void)
{
	begin(SIZE, 0);
	put("a", 1, 0);
	put("b", 1, 0);
	writes = true;
	T_STR(all(), "a|b|");
	writes = false;
	T_STR(all(), "more|more|");
}

static void gives_back(void)
{
	begin(1 << 20, 0);
	for (int i = 0; i < 3000; i++)
		put("0123456789abcdef", 16, 0);
	all();
	/* Room comes back in large parts, and all of it in the end. */
	T_EQ(given, 24 * 2731);
	T_EQ(consumer, 24 * 3000);
	/* In a small buffer in smaller ones. */
	begin(SIZE, 0);
	for (int i = 0; i < 100; i++)
		put("0123456789abcdef", 16, 0);
	all();
	T_EQ(given, 24 * 88);
}

static void errors(void)
{
	int fd = 0;

	begin(SIZE, 0);
	put("a", 1, 0);
	put("b", 1, 0);
	ngot = 0;
	answer = -EIO;
	T_EQ(ring_read(&ring, take, got), -EIO);
	T_STR(got, "a|");
	T_EQ(consumer, 16);
	answer = 0;
	T_STR(all(), "b|");
	/* A length beyond the buffer. */
	*(uint32_t *)byte(producer) = 2 * SIZE;
	producer += 8;
	T_EQ(ring_read(&ring, take, got), -EBADMSG);
	free((void *)ring.data);
	T_OK(ring_open(&ring, fd) < 0);
	T_EQ(ring.size, 0);
	ring_close(&ring);
}

int main(void)
{
	records();
	ends();
	bounded();
	gives_back();
	errors();
	return t_done();
}
