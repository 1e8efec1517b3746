/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CAPTURE_H
#define CAPTURE_H
/*
 * What the kernel half of the HTTP tools (capture.bpf.h) tells the user half (common/capture.c).
 *
 * A connection's end is a socket; each byte of it has a place, seq: in TCP that of the protocol, so
 * that both ends of a connection on one machine agree on it; elsewhere a count from the first byte
 * that was seen.
 */
#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif
#include "flow.h"

enum cap_dir { CAP_SEND, CAP_RECV };
enum cap_proto { CAP_TCP, CAP_MPTCP, CAP_UNIX, CAP_PROTOS };
enum cap_role { CAP_ROLE_UNKNOWN, CAP_ROLE_CLIENT, CAP_ROLE_SERVER, CAP_ROLES };
enum cap_backend { CAP_BE_FENTRY, CAP_BE_TRACEPOINT, CAP_BE_KPROBE, CAP_BACKENDS };

/* Why bytes that went by are not at hand. */
enum cap_cause {
	CAP_WHOLE, /* they are */
	CAP_LIMIT, /* behind what --max-body wants */
	CAP_IO_URING,
	CAP_SENDFILE, /* sendfile or splice into the socket */
	CAP_SPLICE, /* splice out of it */
	CAP_FAULT, /* the memory could not be read */
	CAP_COMPAT, /* a 32-bit call */
	CAP_TRUNC, /* MSG_TRUNC: nobody got them */
	CAP_CALL, /* a call that is not known */
	CAP_CAUSES
};

/* What the kernel half goes by; set before load by common/capload.c. */
struct cap_config {
	__u64 max_body; /* bytes of a message's body that are wanted; UINT64_MAX: all */
	__u32 max_header; /* and of its head */
	__u32 sample; /* one connection in so many */
	__u32 directions; /* bit by enum cap_dir: whose bodies are wanted */
	__u8 by_task; /* bpf/filter.h has something to say */
	__u8 by_flow; /* struct netsel has */
	__u8 unix_too; /* unix stream sockets are looked at */
	__u8 twice; /* there are second programs */
	__u8 goids; /* goroutines are told of */
	__u8 go_asks; /* ... by who asked, where bpf/goclient.bpf.h knows that */
	__u8 times; /* waited_us, opened_ns and connect_ns are */
};

#define CAP_TAKES 14 /* programs of one backend that take bytes */

enum cap_count {
	CAP_N_CALLS, /* calls that moved bytes of connections that are looked at */
	CAP_N_SENT, /* bytes they moved ... */
	CAP_N_RECEIVED,
	/* ... and what became of them; these and CAP_N_UNREAD to the end add up */
	CAP_N_CAPTURED,
	CAP_N_NOT_HTTP, /* on connections, or before their places, that do not look like HTTP */
	CAP_N_RING, /* lost to a full ring buffer */
	CAP_N_RING_RECORDS, /* records lost to it, of any kind */
	CAP_N_CONNS, /* told of */
	CAP_N_CONNS_FULL, /* calls that found no room for their connection's state; not in CALLS */
	CAP_N_CONNS_NOT_HTTP, /* given up as not HTTP */
	CAP_N_CONNS_TLS,
	CAP_N_CONNS_HTTP2,
	CAP_N_FILTERED, /* calls that filters left out */
	CAP_N_SAMPLED, /* calls that --sample left out */
	CAP_N_PEEKS,
	CAP_N_NO_ENTRY, /* calls whose beginning was not seen: CAP_CALL */
	CAP_N_UNREAD, /* by enum cap_cause, bytes: [CAP_N_UNREAD + cause] */
	CAP_COUNTS = CAP_N_UNREAD + CAP_CAUSES
};

/* Of one CPU, and of one program or of all. */
struct cap_sums {
	__u64 n[CAP_COUNTS];
	__u64 unasked; /* bytes that left since the ring buffer was asked how full it is */
	__u64 no_return; /* calls whose end no return probe had room for */
};

enum cap_rec_type {
	CAP_REC_START = 1, /* struct cap_start_rec: the first of a run */
	CAP_REC_CONN, /* struct cap_conn_rec: before all else of that connection */
	CAP_REC_TASK, /* struct cap_task_rec: before the first record of that process */
	CAP_REC_DATA, /* struct cap_data_rec, and the bytes */
	CAP_REC_END, /* struct cap_end_rec: one direction is over */
	CAP_REC_CLOSE, /* struct cap_close_rec: the connection is */
	CAP_REC_COUNTS, /* struct cap_counts_rec: sums since the start; polled */
};

struct cap_start_rec {
	__u64 now_ns;
	__u32 backend; /* enum cap_backend */
	__u32 sample;
	__u64 max_body, max_header; /* what the kernel half went by; UINT64_MAX: all */
	__u32 sees; /* bit by enum cap_cause: bytes of these calls are read all the same */
	__u32 pad;
	char kernel[64];
};

#define CAP_F_JOINED 1 /* bytes went by before the first that are told of */
#define CAP_F_MAYBE  2 /* its first bytes were too few to tell whether it is HTTP */

struct cap_conn_rec {
	__u32 type;
	__u8 proto, role;
	__u16 flags;
	__u64 id; /* socket cookie */
	__u64 peer; /* of a unix socket: its peer's cookie, 0: none yet */
	__u64 now_ns;
	/* Where asked for: when it was established, how long connect() took; 0: not seen. */
	__u64 opened_ns, connect_ns;
	struct flow flow; /* of a unix socket: netns alone */
	__u32 seq[2]; /* of the next byte, by enum cap_dir */
	char path[112]; /* of a unix socket: where it, or else its peer, is bound; '@': abstract */
};

#define CAP_ARGS 512
struct cap_task_rec {
	__u32 type;
	__u32 pid;
	__u64 start_ns; /* since boot: with pid it names a process */
	__u32 args_len; /* of args, at most CAP_ARGS */
	__u32 uid; /* the real one, in the first user namespace */
	char comm[16]; /* the process's, not the thread's */
	char cgroup[128]; /* the last part of its cgroup's path (v2); empty: unknown */
	char args[CAP_ARGS]; /* argv with its NULs */
};

#define CAP_DATA_F_OTHER  1 /* other_seq is known */
#define CAP_DATA_F_WAITED 2 /* waited_us is */

/* One call, or a part of one. The bytes stand behind it. */
struct cap_data_rec {
	__u32 type;
	__u32 seq;
	__u64 id;
	__u64 now_ns; /* when the call ended */
	__u32 len; /* bytes in the stream ... */
	__u32 captured; /* ... of which the first so many are here */
	__u32 pid, tid;
	/* Of Go programs, where asked for; 0: none, or not known. */
	__u64 goid, parent_goid;
	__u8 dir;
	__u8 cause; /* enum cap_cause: why captured < len */
	__u8 flags; /* CAP_DATA_F_... */
	__u8 pad;
	/*
	 * TCP: the other direction's place when the call ended. No lock holds it still: another
	 * thread's call of that direction may have moved it, and be told of later.
	 */
	__u32 other_seq;
	__u32 waited_us; /* from when the first of them could be read until they were */
	__u32 pad2;
	char comm[16]; /* the thread's */
};

struct cap_end_rec {
	__u32 type;
	__u32 dir;
	__u64 id;
	__u64 now_ns;
	__u32 seq; /* behind the last byte */
	__u32 pad;
};

struct cap_close_rec {
	__u32 type;
	__u32 reset; /* it was */
	__u64 id;
	__u64 now_ns;
	__u32 seq[2]; /* behind the last byte sent, and read */
	__u64 bytes[2]; /* of the whole connection, as the socket counts them; 0: unknown */
};

struct cap_counts_rec {
	__u64 now_ns;
	__u64 missed; /* hooks that did not run, for one ran on that CPU already */
	/* What hooks cost, where it was measured: in so long so many ran and took so long. */
	__u64 hook_window_ns, hooks, hook_ns;
	__u32 last; /* of this run */
	__u32 pad;
	__u64 n[CAP_COUNTS];
};

/*
 * The kernel half's state of a connection. In a socket's storage it and its header take 128 bytes.
 */
enum cap_verdict {
	CAP_UNKNOWN,
	CAP_MAYBE, /* too few bytes to tell */
	CAP_HTTP,
	CAP_NOT,
	CAP_TLS, /* its first record is told of */
	CAP_HTTP2, /* its preface is */
};

struct cap_state {
	__u64 id;
	__u32 pos[2]; /* bytes so far, where the protocol has no numbers */
	__u32 budget[2]; /* bytes of the message at hand that are still wanted */
	__u32 end[2]; /* behind the last byte that was told of */
	__u32 pid; /* who was there last */
	__u32 tries;
	__u32 maybe_ms; /* CAP_MAYBE: since when */
	__u8 verdict, proto;
	__u8 last_dir;
	__u8 told; /* CAP_REC_CONN has left */
	__u8 in_head[2], chunked[2];
	__u8 ended; /* bit by enum cap_dir: CAP_REC_END has left */
	__u8 closing; /* CAP_REC_CLOSE waits for the last bytes to be read */
	__u8 go; /* enum go_is: of pid */
	__u8 pad;
};
#endif
