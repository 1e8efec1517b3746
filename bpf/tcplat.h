/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TCPLAT_H
#define TCPLAT_H
/* What tcplat's two halves share. Times are ns of the monotonic clock; sequence numbers wrap. */
#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif
#include "flow.h"
#include "hist_slots.h"

/* One histogram each. */
enum tl_metric_id {
	TL_CLIENT, /* first byte of one send -> first byte of the answer read */
	TL_CLIENT_LAST, /* ... -> last byte of the answer read; see struct tl_metric */
	TL_CLIENT_MULTI, /* the first of several sends -> first byte of the answer read */
	TL_SERVER, /* last byte of the request read -> first byte of the answer sent */
	TL_WAIT, /* a byte is readable -> it is read */
	TL_CONNECT, /* SYN -> established, on the side that connects */
	TL_IDLE, /* the end of a turn -> the beginning of the next */
	TL_METRICS,
};

/*
 * In the kernel half's maps TL_CLIENT_LAST is what it has more than TL_CLIENT (an answer that is
 * read at once costs nothing), and TL_CLIENT's sum is in the splits. Records have both whole.
 */
struct tl_metric {
	__u64 sum, nmin, max; /* nmin is ~min, 0 when empty */
	__u64 slot[HIST_SLOTS];
};

/* The client's turns of TL_CLIENT by powers of two of their time: what were they made of? */
#define TL_OCTAVES (HIST_MAX_BIT + 1)
struct tl_split {
	__u64 n; /* in records only */
	__u64 local_ns, network_ns, total_ns;
};

enum tl_count {
	/* calls, by what came of them; what a backend cannot see is 0 */
	TL_N_SEND, /* bytes were sent */
	TL_N_SEND_AGAIN,
	TL_N_SEND_FAILED, /* also those of no bytes */
	TL_N_RECV, /* bytes were read: copied_seq moved */
	TL_N_RECV_AGAIN,
	TL_N_RECV_EOF, /* 0: end of the stream, or nothing was asked for */
	TL_N_RECV_PEEK,
	TL_N_RECV_FAILED,
	TL_N_CLEANUP,
	/* connections */
	TL_N_CONNS, /* looked at; each is reported as closed or open, or lost */
	TL_N_CONNS_LOST, /* closed with the ring full */
	TL_N_CONNS_OLD, /* of TL_N_CONNS: older than the tool */
	TL_N_CONNS_FULL, /* no room to look at one: tried again at its next event */
	TL_N_CONNS_SAMPLED, /* closed, left out by --sample */
	TL_N_CONNS_OTHER, /* closed, left out by a filter or never active */
	TL_N_CONNECT_FAILED, /* SYN, but never established */
	TL_N_SUBFLOWS, /* of MPTCP connections: they are looked at as a whole */
	/* turns: each that is opened ends in one of the classes after it, or is open at the end */
	TL_N_OPENED,
	TL_N_ANSWERED, /* TL_CLIENT or TL_SERVER: in records only, by their histograms */
	TL_N_MULTI, /* TL_CLIENT_MULTI: likewise */
	TL_N_INTERLEAVED, /* the peer spoke before it had heard all, or we before we had */
	TL_N_UNKNOWN, /* of connections whose role is unknown */
	TL_N_UNANSWERED, /* the connection closed first */
	TL_N_LEFT_OUT, /* --sample-turns */
	/* not turns */
	TL_N_UNSOLICITED, /* data came, or were sent first, that nothing asked for */
	TL_N_MID, /* the answer to something sent before the tool came */
	/* samples of the connections that were lost, so that the sums agree */
	TL_N_LOST_TURNS,
	TL_N_LOST_WAITS,
	TL_N_SLOW_LOST, /* slowest turns that found the ring full */
	TL_COUNTS,
};

struct tl_totals {
	__u64 count[TL_COUNTS];
	struct tl_split split[TL_OCTAVES];
};

enum tl_role { TL_ROLE_UNKNOWN, TL_ROLE_CLIENT, TL_ROLE_SERVER };

enum tl_phase {
	TL_QUIET, /* nothing yet */
	TL_SENT, /* the last thing was a send */
	TL_READ, /* the last thing was a read */
};

/* of a connection */
#define TL_F_OLD	 0x0001 /* older than the tool */
#define TL_F_MPTCP	 0x0002
#define TL_F_KTLS	 0x0004
#define TL_F_INTERLEAVED 0x0008 /* had such turns */
#define TL_F_BY_PORT	 0x0010 /* its role is told by a listening port */
/* of the turn that is going on */
#define TL_F_ODD	 0x0020 /* it is interleaved */
#define TL_F_MARK_ODD	 0x0040 /* the marked byte came before the peer had heard all */
#define TL_F_SKIP	 0x0080 /* left out by --sample-turns */
#define TL_F_HELD	 0x0100 /* bytes stayed in the send queue when the call was over */
#define TL_F_ZERO_WINDOW 0x0200 /* ... because the peer's window was closed */
#define TL_F_RETRANS	 0x0400 /* something was sent again */
#define TL_F_REORDERED	 0x0800 /* something arrived out of order */
#define TL_F_MARKED	 0x1000 /* mark_ns is set */
#define TL_F_UNSETTLED	 0x2000 /* pend_ns is set */
#define TL_F_PEND_ODD	 0x4000 /* unread data when that send began */
#define TL_F_LONG	 TL_F_RETRANS /* in the state: the answer took more than one read */
#define TL_F_TURN	 (TL_F_ODD | TL_F_SKIP | TL_F_HELD | TL_F_ZERO_WINDOW)

struct tl_conn_stats {
	/* of TL_CLIENT or TL_SERVER, as its role is */
	__u64 sum, sq_lo, min, max;
	__u64 local_ns, network_ns; /* of TL_CLIENT */
	__u64 wait_ns; /* of TL_WAIT */
	__u32 n, sq_hi;
	__u32 waits;
	__u32 wait_max; /* in 1,024 ns, rounded up */
};

/*
 * The state of a connection: 184 bytes, so that with its header a socket's storage takes 256 bytes
 * of kernel memory and not 512. Addresses and the like are read from the socket when they are
 * needed.
 */
struct tl_conn {
	__u64 turn_ns; /* TL_SENT: of the first send; TL_READ on a server: of the last read */
	__u64 pend_ns; /* a send began; whether it took bytes, write_seq tells later */
	__u64 last_ns; /* of the last read (client) or send (server) */
	__u64 mark_ns; /* when the byte at mark_seq became readable */
	__u64 born_ns; /* of the SYN until it is established; 0: before the tool */
	struct tl_conn_stats st;
	__u32 pend_seq, turn_seq, mark_seq;
	__u32 read_seq; /* copied_seq as last seen */
	__u32 rcv_seen; /* rcv_nxt as last seen */
	__u32 chunk_left, chunk_seq; /* a long send passes its hook for each chunk */
	__u32 retrans, ooo; /* the socket's counters when the turn began */
	__u32 writer, reader; /* pids */
	char comm[16]; /* of the one that was there last */
	__u32 min_rtt_us;
	__u16 sends; /* in this turn */
	__u8 phase : 4, role : 4;
	__u8 doubt; /* so many turns are not believed yet; TL_STREAM: none ever */
	__u16 flags;
	__u16 hist; /* 1 + its slot of hists; 0: none; TL_POLLED: the last poll has reported it */
};
#define TL_POLLED 0xffff

/*
 * So many turns after an interleaved one count as interleaved too, because where both ends speak
 * all the time some sends happen to look like answers. It adds up: a connection that does it again
 * and again is a stream, whose turns are never believed.
 */
#define TL_DOUBT  32
#define TL_STREAM 255

/* Turns that a connection has before it gets a histogram of its own. */
#define TL_HIST_AFTER 4

enum tl_rec_type {
	TL_REC_CLOSED = 1, /* struct tl_conn_rec */
	TL_REC_OPEN, /* struct tl_conn_rec, polled */
	TL_REC_SLOW, /* struct tl_slow_rec */
	TL_REC_HIST, /* struct tl_hist_rec: comes before its connection's record */
	TL_REC_METRIC, /* struct tl_metric_rec: summed over the CPUs, since the start */
	TL_REC_TOTALS, /* struct tl_totals_rec: likewise; ends a poll */
	TL_REC_START, /* struct tl_start_rec: the first */
};

struct tl_conn_rec {
	__u32 type;
	__u32 hist; /* as in struct tl_conn */
	__u64 id; /* socket cookie */
	__u64 now_ns;
	__u64 born_ns;
	struct flow flow;
	struct tl_conn_stats st;
	__u64 bytes_sent, bytes_received; /* by the socket, since it was connected */
	__u32 srtt_us, min_rtt_us; /* 0: unknown */
	__u32 retrans; /* segments sent again, since it was connected */
	__u32 writer, reader;
	__u16 flags;
	__u8 phase, role;
	__u8 state; /* TCP_ESTABLISHED ... */
	__u8 turn_open; /* a turn is going on (TL_REC_OPEN) */
	__u8 hist_taken; /* its histogram goes to another (TL_REC_OPEN) */
	__u8 pad[5];
	char comm[16];
};

/* A turn that is one of the slowest so far. */
struct tl_slow_rec {
	__u32 type;
	__u32 metric; /* TL_CLIENT, TL_CLIENT_MULTI or TL_SERVER */
	__u64 id;
	struct flow flow;
	__u64 begin_ns, arrived_ns, end_ns; /* arrived_ns: the answer was readable; 0: unknown */
	__u64 lat_ns, local_ns, network_ns;
	__u32 request_bytes; /* of the request: sent (client), 0 on a server */
	__u32 unread_bytes; /* that were readable when the turn ended */
	__u32 srtt_us, min_rtt_us;
	__u32 pid;
	__u16 flags, sends;
	char comm[16];
};

struct tl_hist_rec {
	__u64 id;
	__u32 slot[HIST_SLOTS]; /* of TL_CLIENT or TL_SERVER since it got one */
};

struct tl_metric_rec {
	__u32 metric, pad;
	struct tl_metric m;
};

struct tl_totals_rec {
	__u64 now_ns;
	__u64 missed; /* hooks that did not run, for one ran on that CPU already */
	/*
	 * What the hooks cost, where it was measured (bpf_stats): in so long a time so many ran,
	 * took so long (less what counting them took), and so many turns were opened.
	 */
	__u64 hook_window_ns, hooks, hook_ns, hook_turns;
	__u32 last; /* of this run */
	__u32 pad;
	struct tl_totals t;
};

enum tl_backend { TL_BE_TRACEPOINT, TL_BE_MIXED, TL_BE_FENTRY, TL_BE_KPROBE };

struct tl_start_rec {
	__u64 now_ns;
	__u32 backend;
	__u32 sample, sample_turns; /* one in so many */
	__u32 cleanup; /* tcp_cleanup_rbuf is counted */
	__u32 sees_again; /* calls that failed are told from those that sent or received */
	__u32 filtered; /* hooks run for connections that are not looked at, too */
	char kernel[64];
};
#endif
