/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef RUN_H
#define RUN_H
/*
 * The life of a tool: signals, duration, intervals, the ring buffer, record and replay, the ready
 * line, the closing account, exit codes.
 *
 * Everything above the kernel is fed by records. Live, they come from the ring buffer and from the tool's
 * own polling of maps (run_feed); --record writes each of them to a file, --replay reads that file
 * back into the very same on_record.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "json.h"

struct run;
struct run_tool {
	const char *name;
	uint32_t format;	/* version of the record payloads; a recording of another one is refused */
	/* One record. data is read-only, aligned to 8. < 0 ends the run with an error. */
	int (*on_record)(uint32_t type, const void *data, size_t len, void *ctx);
	/* Live only: at each interval (-i) and, with last set, once at the end. Reads maps, feeds records. */
	int (*on_interval)(bool last, void *ctx);
	/* Live only: every tick (about 10 times a second), and at once after each wake-up. May be NULL. */
	int (*on_tick)(uint64_t now_ns, void *ctx);
	/* Fills the summary's keys and returns whether the account balances. */
	bool (*on_summary)(struct json *j, char *text, size_t size, void *ctx);
	void *ctx;
};

/* Types below 256 are the tool's own; RUN_REC_* are run's. */
enum { RUN_REC_META = 0x100, RUN_REC_INTERVAL, RUN_REC_END };

/* One sentence of the truth about a record's time: kernel monotonic ns to wall-clock ns. In a replay the
 * recording's own offset is used. */
uint64_t run_wall(uint64_t mono_ns);
uint64_t run_now(void);	/* CLOCK_MONOTONIC, ns */

/* Sets up signals, the libbpf print callback, --record or --replay. Returns 0 or -errno. */
int run_init(const struct run_tool *tool);
/* Adds a ring buffer map; its records are {u32 type, u32 len, payload}-free: the first 4 bytes of each are
 * the record type. */
int run_ring(int map_fd);
/* Adds a file descriptor to the loop: cb when readable. */
int run_fd(int fd, int (*cb)(int fd, void *ctx), void *ctx);
/* Hands in a record as if the kernel had sent it; records it too. */
int run_feed(uint32_t type, const void *data, size_t len);
/* "NAME: ready (fmt...)" on stderr. */
void run_ready(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The loop. Returns 0 at the end of duration, signal or run_stop(); or a negative errno. */
int run_loop(void);
void run_stop(void);
bool run_stopping(void);
/* --replay: feeds the whole file. */
int run_replay(void);
/* Prints the account (stderr text, last JSON object), closes recording. err: how the run went. Returns
 * the exit status: 0, 1 failed or not balanced, 2. */
int run_finish(int err);
#endif
