/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HANDLERLAT_H
#define HANDLERLAT_H
/* What the two halves of handlerlat share. */
#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif
#include "hist_slots.h"

/*
 * The cookie of a probe: which function, and what the kernel half must know about it.
 *   bits 0..19 function id, 20..31 flags, 32..63 frame depth (bytes to add to SP at the entry probe
 *   so that it equals SP at the RET).
 */
#define HL_FN_MASK	 0xfffffULL
#define HL_FN_CALIBRATE	 0 /* the tool's own dummy; real functions start at 1 */
#define HL_F_BRANCH	 (1ULL << 20) /* the probe sits on the stack check's branch */
#define HL_F_HTTP_FUNC	 (1ULL << 21) /* func(w http.ResponseWriter, r *http.Request) */
#define HL_F_HTTP_METHOD (1ULL << 22) /* the same behind a one-word receiver */
#define HL_F_GOID_160	 (1ULL << 23) /* runtime.g.goid at 160 (Go 1.23, 1.24), else 152 */
#define HL_F_STATUS_128	 (1ULL << 24) /* http.response.status at 128 (Go 1.27), else 120 */
#define HL_F_PAT	 (1ULL << 25) /* Go 1.22: Request.pat at 248 */
#define HL_F_PATTERN	 (1ULL << 26) /* Go >= 1.23: Request.Pattern at 232 */
#define HL_F_RETS	 (1ULL << 27) /* C: exits are RETs, not a return probe */
#define HL_F_JUMP	 (1ULL << 28) /* this exit is a tail jump: the frame may be another's */
#define HL_F_HTTP	 (HL_F_HTTP_FUNC | HL_F_HTTP_METHOD)
#define HL_DEPTH(cookie) ((cookie) >> 32)

#define HL_METHOD 8
#define HL_PATH	  128
#define HL_ROUTE  64

enum hl_outcome { HL_RETURNED, HL_UNWOUND, HL_RUNNING };

/* Records of the ring buffer, and of a recording. */
enum hl_rec {
	HL_REC_CALL = 1, /* struct hl_call */
	HL_REC_HTTP_CALL = 2, /* struct hl_http_call */
	HL_REC_EXEC = 3, /* struct hl_exec */
	/* from here on made by the user half */
	HL_REC_FUNC = 16, /* struct hl_func: a function that is probed */
	HL_REC_STATS = 17, /* struct hl_stats_rec: what one function counted so far */
	HL_REC_ROUTE = 18, /* struct hl_route_rec: the same for one method and route */
	HL_REC_STATE = 19, /* struct hl_state: how the run was set up, and how it stands */
};

/*
 * One call that is going on. Go: id is the tgid, g the goroutine, pos = g.stack.hi - SP, which
 * neither moves when the stack is copied nor repeats under recursion. C: id is the thread, g counts
 * tail calls on one frame, pos = SP.
 */
struct hl_key {
	__u32 id, fn;
	__u64 g, pos;
};

struct hl_frame {
	__u64 start_ns; /* 0: nothing is going on here */
	__u64 req, rw; /* Go: *http.Request and the ResponseWriter's data word */
	__u64 goid;
	__u64 ra; /* Go on x86: the return address, on the stack while the frame lives */
	__u32 tgid, tid;
	__u32 levels; /* C: tail calls that share this frame */
	__u32 has_http; /* the request map has this key too */
};

struct hl_request {
	char method[HL_METHOD]; /* not terminated when full */
	char path[HL_PATH];
	char route[HL_ROUTE]; /* the path with ids folded, or the pattern that the mux matched */
	__u16 path_len; /* the real length; more than HL_PATH: cut */
	__u16 status;
	/* the folding's state; in memory, so that the verifier of 5.10 sees one state per byte */
	__u16 out, seg;
	__u8 digits, others, hex, pad;
};

struct hl_call {
	__u32 type, fn;
	__u64 end_ns, lat_ns; /* CLOCK_MONOTONIC; lat_ns: for unwound calls 0, unknown */
	__u32 tgid, tid;
	__u64 goid;
	char comm[16];
	__u32 outcome;
	__u32 pad;
};

struct hl_http_call {
	struct hl_call call;
	struct hl_request req;
};

struct hl_exec {
	__u32 type, pid;
	__u64 dev, ino;
};

/* What is counted per function. Slots, sum, max and min are of the calls that returned. */
struct hl_stats {
	__u64 entered; /* entry probes hit by calls that the filter takes */
	__u64 unwound; /* a panic, longjmp or exception passed through */
	__u64 untracked; /* the map of running calls was full, or g unreadable */
	__u64 undepthed; /* C: the kernel's limit of 64 pending return probes */
	__u64 missed; /* exits whose entry was not seen: not part of entered */
	__u64 cut; /* running when the probes were taken off by the overhead guard */
	__u64 below; /* returned faster than --slower: not sent */
	__u64 ring_full; /* not sent: the ring buffer was full */
	__u64 attr_full; /* method and path not kept: the map was full */
	__u64 other; /* counted under no route: the map was full */
	__u64 sum;
	__u64 max;
	__u64 nmin; /* ~min, so that zeroed memory means "none" */
	__u64 slot[HIST_SLOTS];
};

struct hl_route_key {
	__u32 fn, shard;
	char method[HL_METHOD];
	char route[HL_ROUTE];
};

/* --- user half only, but part of the recording's format */
struct hl_func {
	__u32 fn, lang;
	char name[256], file[256];
};

struct hl_stats_rec {
	__u32 fn, running;
	struct hl_stats stats;
};

struct hl_route_rec {
	struct hl_route_key key;
	struct hl_stats stats;
};

struct hl_state {
	__u64 now_ns;
	__u64 traced_ns; /* time with probes attached: less than the run's under --max-overhead */
	__u64 entry_cost_ns, exit_cost_ns,
		bias_ns; /* per call, measured at start; 0: not measured */
	__u32 last, pad;
};

/* The iterator's answer about one thread. */
struct hl_thread {
	__u32 tgid, tid;
	__u64 sp, dev, ino;
};
#endif
