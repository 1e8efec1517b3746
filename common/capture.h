/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef REQ_CAPTURE_H
#define REQ_CAPTURE_H
/*
 * From the records of bpf/capture.h to messages: connections, each with two directions that are put
 * in order (stream.h) and read as HTTP (http1.h), and the processes behind them. The same for a
 * live run and for a recording; a recording may be damaged, and is checked here.
 *
 * Not more than max_conns connections are kept: beyond, the one that was idle longest is ended as
 * if the tool were (http1_finish) and counted. A connection whose records come again begins anew,
 * as joined.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../bpf/capture.h"
#include "http1.h"
#include "stream.h"

/* A process, by pid and start time. */
struct cap_task {
	uint32_t pid;
	uint64_t start_ns; /* since boot; 0: unknown */
	char comm[16]; /* up to the first NUL; hostile, as all of these */
	char *cmdline; /* arguments, with a space between two; NULL: unknown. Owned */
	size_t cmdline_len; /* it may hold any byte */
	char container[13]; /* the first 12 digits of its id, "" where there is none */
	bool uid_known;
	uint32_t uid; /* the real one */
};

/*
 * Who moved the bytes at hand: a thread. One for all that it moves; it and its task never change,
 * and are there as long as somebody has a reference, also after capture_finish().
 */
struct cap_who {
	uint32_t pid, tid;
	uint64_t goid, parent_goid; /* 0: none, or not known */
	char comm[16]; /* the thread's */
	/* Never NULL, but it may be that only pid is known, or not even that. */
	const struct cap_task *task;
};
extern const struct cap_who cap_nobody; /* of whom nothing is known */
/* Another reference, and one less; returns w. */
const struct cap_who *cap_who_get(const struct cap_who *w);
void cap_who_put(const struct cap_who *w);

struct cap_conn {
	uint64_t id;
	struct flow flow;
	uint64_t peer; /* cookie of a unix socket's peer, 0: unknown */
	uint64_t heard_ns; /* when it was first heard of */
	uint64_t seen_ns; /* of the last record */
	/* When it was established, and how long connect() took; 0: not seen, or not asked for. */
	uint64_t opened_ns, connect_ns;
	char *path; /* of a unix socket; NULL: it has none, or there was no memory. Owned */
	uint8_t proto; /* enum cap_proto */
	uint8_t role; /* enum cap_role, as the kernel half knew it; see capture_role() */
	bool joined; /* bytes went by before those that are told of */
	bool maybe; /* the kernel half does not know yet that it is HTTP: see capload_is_http() */
	bool closed, reset;
	uint64_t bytes[2]; /* as its socket counts them; once closed */
	struct http1 *h;
	/*
	 * Of the bytes being handed out; by enum cap_dir. Never NULL; who keeps it until other
	 * bytes come takes a reference.
	 */
	const struct cap_who *who[2];
	/* How long before the call that moved them there was a first byte; UINT32_MAX: unknown. */
	uint32_t waited_us[2];
	void *user; /* the tool's */
};

struct capture_ops {
	/* The arguments of a new process, with a NUL behind each: they may be masked in place. */
	void (*args)(char *args, size_t len);
	/* A new connection: nothing of it was handed out yet. */
	void (*conn)(struct cap_conn *c);
	/*
	 * The bytes of a direction in order, before they are read as HTTP; pos as in http1_msg.
	 * data NULL: len bytes that were not captured, or lost.
	 */
	void (*raw)(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, const void *data,
		    uint64_t len);
	/*
	 * len bytes that are not at hand, told before http1 hears of them: cause CAP_WHOLE where
	 * records were lost. Not told for CAP_LIMIT, which was wished.
	 */
	void (*gap)(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, uint64_t len,
		    enum cap_cause cause);
	/* It is over: all was told. user is to be freed. */
	void (*gone)(struct cap_conn *c);
	struct http1_ops http1; /* their ctx is the struct cap_conn */
};

struct capture_options {
	uint32_t max_header; /* as in http1_options */
	uint32_t max_requests;
	uint32_t max_conns; /* at least 1; 0: 65536 */
};

/* What became of records and bytes. */
struct capture_stats {
	uint64_t records, bad_records; /* damaged: dropped */
	uint64_t conns, conns_open, conns_dropped; /* dropped: beyond max_conns */
	uint64_t data_bytes; /* len of the data records, summed */
	struct streams streams; /* the account of the streams: see stream.h */
	struct http1_bytes http; /* of all connections that are gone, both directions */
	uint64_t no_memory; /* connections and records given up for want of it; their bytes */
	uint64_t no_memory_bytes;
	struct cap_start_rec start;
	struct cap_counts_rec counts; /* the last that came */
};
extern struct capture_stats capture_stats;

/* Any of the ops may be NULL; they are copied. 0 or -ENOMEM with text. */
int capture_init(const struct capture_ops *ops, const struct capture_options *o);
/*
 * Takes a record: the on_record of struct run_tool. 0; -EBADMSG with text for a damaged one
 * (replays stop there); -ENOMEM.
 */
int capture_record(uint32_t type, const void *data, size_t len, void *ctx);
/*
 * Time goes by: holes that were open too long are lost. Live, 20 times a second; a replay does it
 * by the records' own times.
 */
void capture_tick(uint64_t now_ns);
/* The latest time heard of: of a record, or a tick. */
uint64_t capture_now(void);
/* The end: everything under way is told of, all connections are gone, all memory is freed. */
void capture_finish(void);

/* What is known of its role by now, also by what was said: enum cap_role. */
int capture_role(const struct cap_conn *c);
/* The sequence number of the byte at that position of http1's. */
uint32_t capture_seq(const struct cap_conn *c, int dir, uint64_t pos);
/* The connection with that cookie, or NULL. */
struct cap_conn *capture_find(uint64_t id);
/* Each connection that is open, until fn returns false. It must not feed records. */
void capture_each(bool (*fn)(struct cap_conn *c, void *ctx), void *ctx);

/* "io_uring" and the like; "lost" for CAP_WHOLE. */
extern const char *const cap_cause_names[CAP_CAUSES];
extern const char *const cap_backend_names[CAP_BACKENDS]; /* "fentry" ... */
extern const char *const cap_role_names[CAP_ROLES]; /* "unknown" "client" "server" */
/* JSON keys of the kernel half's counts ("calls", "bytes_sent", ..., "unread_io_uring"). */
extern const char *const cap_count_names[CAP_COUNTS];

/*
 * The kernel half's identity: bytes that went by are captured, not HTTP, lost to the ring or
 * unread, and those captured came here; and of those that came here, where they went. Adds keys to
 * j and lines behind those in text, which has size bytes; false when it does not hold. After a run
 * that was cut short it is not judged (counts.last is 0): true. To be called after
 * capture_finish().
 */
struct json;
bool capture_account(struct json *j, char *text, size_t size);
#endif
