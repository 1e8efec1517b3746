/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef RUN_H
#define RUN_H
/*
 * The life of a tool: signals, duration, intervals, the ring buffer, record and replay, the ready
 * line, the closing account, exit codes.
 *
 * Everything above the kernel is fed by records. Live, they come from the ring buffer and from the
 * tool's own polling of maps (run_feed); --record writes each of them to a file, --replay reads
 * that file back into the very same on_record.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "json.h"

struct run_tool {
	const char *name;
	const char *records; /* what recordings are of, where tools share them; NULL: name */
	uint32_t format; /* of the record payloads; a recording of another one is refused */
	const char *rotate; /* "SIZE[,KEEP]" for -o FILE, see rotate.h; NULL: it grows */
	bool own_file; /* -o FILE is the tool's own to write; other destinations get JSON lines */
	/* One record; data is read-only and aligned to 8. A negative errno ends the run. */
	int (*on_record)(uint32_t type, const void *data, size_t len, void *ctx);
	/*
	 * Live: before a record of the ring buffer is handed in. What belongs in front of it is fed
	 * here. May be NULL.
	 */
	int (*before_record)(uint32_t type, const void *data, size_t len, void *ctx);
	/* Live: at each interval and, with last, once at the end: takes the probes off, reads maps,
	 * feeds records. */
	int (*on_interval)(bool last, void *ctx);
	/* Live: 20 times a second, after the ring buffer was drained. May be NULL. */
	int (*on_tick)(uint64_t now_ns, void *ctx);
	/*
	 * Adds the account's keys to j and one or more lines of text; returns whether it balances.
	 */
	bool (*on_summary)(struct json *j, char *text, size_t size, void *ctx);
	void *ctx;
};

/* The clock of the kernel halves, ns. */
uint64_t run_now(void);
/* A kernel time as ns since the epoch; in a replay by the recording's own clocks. */
uint64_t run_wall(uint64_t mono_ns);

/*
 * Signals, libbpf's messages, stdout and the -o sink, --record or --replay. 0 or -errno with text.
 */
int run_init(const struct run_tool *tool);
/* Adds a ring buffer map. The first 4 bytes of its records are the record type. */
int run_ring(int map_fd);
/* Calls cb when fd is readable. The fd stays the caller's. */
int run_fd(int fd, int (*cb)(int fd, void *ctx), void *ctx);
/* Watches it no more: what is readable for good would keep the loop busy. */
void run_fd_done(int fd);
/* Hands in a record as if the kernel had sent it, and records it. */
int run_feed(uint32_t type, const void *data, size_t len);
/* Empties the ring buffer now. */
int run_drain(void);
/* "NAME: ready (TEXT, kernel RELEASE)" on stderr; the duration begins. */
void run_ready(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * Until the duration is over, a signal, run_stop(), or the reader of stdout is gone. 0 or -errno.
 */
int run_loop(void);
void run_stop(void);
bool run_stopping(void);
/* --replay: feeds the whole recording. */
int run_replay(void);
/*
 * The closing account: text on stderr, the "summary" object, everything flushed and closed.
 * err is how the run went (0 or a negative errno, whose text is printed). Returns the exit status.
 */
int run_finish(int err);
#endif
