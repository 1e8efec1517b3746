// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * synth DIR: writes the recordings of runs that are hard to bring about: DIR/losses.rec, where
 * everything that can be lost was; DIR/unbalanced.rec, where a call is missing from the account;
 * DIR/idle.rec, where nothing happened in an interval, nor after it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "handlerlat.h"
#include "record.h"

#define START 1000000000ULL
/* 2026-01-02 03:04:05 UTC at START */
#define WALL_OFFSET ((1767323045LL - 1) * 1000000000LL)

static struct record_writer *w;

static void put(uint32_t type, const void *data, size_t len)
{
	if (record_write(w, type, data, len)) {
		perror("synth");
		exit(1);
	}
}

static void begin(const char *dir, const char *name)
{
	struct hl_func f = {.fn = 1, .name = "app::handle\033[1m\xff", .file = "./app"};
	struct hl_state st = {.now_ns = START, .entry_cost_ns = 500, .exit_cost_ns = 700};
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	st.bias_ns = 300;
	if (record_create(&w, path, "handlerlat", 2, WALL_OFFSET))
		exit(1);
	put(HL_REC_FUNC, &f, sizeof(f));
	put(HL_REC_STATE, &st, sizeof(st));
}

static void end(void)
{
	struct hl_state st = {.now_ns = START + 10000000000ULL,
			      .traced_ns = 4000000000ULL,
			      .entry_cost_ns = 500,
			      .exit_cost_ns = 700,
			      .bias_ns = 300,
			      .last = 1};

	put(HL_REC_STATE, &st, sizeof(st));
	if (record_close_writer(w))
		exit(1);
}

/* Latencies from one nanosecond to above the last bucket, each ten times the one before. */
static uint64_t returned(struct hl_stats *st, bool rows)
{
	struct hl_call c = {.type = HL_REC_CALL, .fn = 1, .tgid = 7, .tid = 4194304};
	uint64_t n = 0;

	memcpy(c.comm, "a\tcomm of 16 byt", 16);
	st->nmin = ~1ULL;
	for (uint64_t lat = 1; lat < 100000000000000ULL; lat *= 10, n++) {
		st->slot[hist_slot(lat)]++;
		st->sum += lat;
		st->max = lat;
		c.end_ns = START + (n + 1) * 100000000;
		c.lat_ns = lat;
		if (rows)
			put(c.type, &c, sizeof(c));
	}
	return n;
}

static void losses(const char *dir, bool balanced)
{
	struct hl_stats_rec r = {.fn = 1};
	uint64_t n;

	begin(dir, balanced ? "losses.rec" : "unbalanced.rec");
	n = returned(&r.stats, true);
	/* Three more returned, quickly, and have no row. */
	r.stats.slot[hist_slot(50)] += 3;
	r.stats.sum += 150;
	r.stats.below = 2;
	r.stats.ring_full = 1;
	r.stats.untracked = 4;
	r.stats.undepthed = 5;
	r.stats.cut = 6;
	r.stats.missed = 7;
	r.stats.attr_full = 8;
	r.stats.other = 9;
	r.stats.entered = n + 3 + 4 + 5 + 6 + !balanced;
	put(HL_REC_STATS, &r, sizeof(r));
	end();
}

int main(int argc, char **argv)
{
	struct hl_state middle = {.now_ns = START + 5000000000ULL, .traced_ns = 4000000000ULL};

	if (argc != 2) {
		fprintf(stderr, "usage: synth DIR\n");
		return 2;
	}
	losses(argv[1], true);
	losses(argv[1], false);
	/* The interval is shown, what follows until the end is not. */
	begin(argv[1], "idle.rec");
	put(HL_REC_STATE, &middle, sizeof(middle));
	end();
	return 0;
}
