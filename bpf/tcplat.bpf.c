// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where do TCP conversations spend their time? Measured at the sockets, where the application's
 * calls and the packets meet, and aggregated here: a connection's state lives with its socket, its
 * times go into histograms of the CPU, and a record is sent for each connection that closed.
 *
 *                      tracepoints (6.16; 6.3 with one fentry)   fentry      kprobe
 *   a send begins      tcp_sendmsg_locked, for each chunk        the function, do_tcp_sendpages
 *   a send ended       sock_send_length                          fexit       -
 *   data is readable   sk_data_ready                             tcp_data_ready
 *   bytes were read    tcp_rcv_space_adjust, when copied_seq has moved
 *   a receive ended    sock_recv_length                          fexit       -
 *   birth, death       inet_sock_set_state, tcp_destroy_sock
 *
 * The clock of a send is read where it begins, because on loopback the answer may be there before
 * the call ends; that of a read when the bytes have been copied. Neither the entry of a blocking
 * receive nor tcp_cleanup_rbuf() says when anything was read: the one comes before the data, the
 * other also when nothing came.
 *
 * Everything but the two *_length hooks runs under the socket's lock.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "tcplat.h"
#include "regs.bpf.h"
#include "event.bpf.h"
#include "filter.bpf.h"
#include "netsel.bpf.h"
#include "sock.bpf.h"
#include "conn_hooks.bpf.h"
#include "conn_mptcp.bpf.h"

const volatile __u32 recv_args = 5; /* of tcp_recvmsg(): 6, from 5.19 on 5, from 7.1 on 4 */

/*
 * A program that is preempted in the middle runs for no other task of its CPU until it goes on: a
 * time slice without the hook. Kernels differ in whether tracepoints and trampolines may be
 * preempted. Where hooks are found to be left out, a second program does what the first one, which
 * runs before it, did not: it left its socket here.
 */
const volatile bool twice = false; /* there are second programs */

struct done {
	__u64 send, read, state;
	__u64 now; /* the state */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct done);
} done SEC(".maps");

static __always_inline struct done *done_here(void)
{
	__u32 zero = 0;

	return twice ? bpf_map_lookup_elem(&done, &zero) : NULL;
}

/* The first program has seen this one. */
static __always_inline bool seen(__u64 *who, struct sock *sk)
{
	bool same = *who == (__u64)sk;

	*who = 0;
	return same;
}

/* --- tracepoints */

/*
 * Passed for each chunk of a long send. It is the same call if the iterator has lost just what the
 * stream gained since the last time: no other call can begin like that.
 */
static __always_inline bool same_call(struct tl_conn *c, __u32 left, __u32 seq)
{
	bool same = (c->flags & TL_F_UNSETTLED) && left <= c->chunk_left &&
		    seq - c->chunk_seq == c->chunk_left - left;

	c->chunk_left = left;
	c->chunk_seq = seq;
	return same;
}

static __noinline int on_chunk(struct sock *sk, __u32 left)
{
	struct tcp_sock *tp = tcp_of(true, sk);
	struct tl_conn *c;

	if (!tp)
		return 0;
	c = conn_of(true, sk, tp);
	if (c && !same_call(c, left, tp->write_seq))
		send_begins(true, sk, tp, c);
	return 0;
}

/* One copy of what several programs do. */
static __noinline int tp_on_read(struct sock *sk)
{
	return on_read(true, sk);
}

static __noinline int f_on_send(struct sock *sk)
{
	return on_send(true, sk);
}

static __noinline int k_on_send(struct sock *sk)
{
	return on_send(false, sk);
}

SEC("tp_btf/tcp_sendmsg_locked")
int tp_send(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct msghdr *msg = (void *)ctx[1];
	struct done *d = done_here();

	on_chunk(sk, msg->msg_iter.count);
	if (d)
		d->send = (__u64)sk;
	return 0;
}

SEC("tp_btf/tcp_sendmsg_locked")
int tp_send_again(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct msghdr *msg = (void *)ctx[1];
	struct done *d = done_here();

	return d && !seen(&d->send, sk) ? on_chunk(sk, msg->msg_iter.count) : 0;
}

SEC("tp_btf/sock_send_length")
int tp_sent(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];

	return sk->sk_protocol == IPPROTO_MPTCP ? mptcp_sent(sk, ctx[1])
						: on_sent(true, sk, ctx[1]);
}

SEC("tp_btf/sk_data_ready")
int tp_arrival(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];

	return sk->sk_protocol == IPPROTO_MPTCP ? mptcp_arrival(sk) : on_arrival(true, sk);
}

SEC("tp_btf/sock_recv_length")
int tp_received(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];

	return sk->sk_protocol == IPPROTO_MPTCP ? mptcp_received(sk, ctx[1], ctx[2])
						: on_received(true, sk, ctx[1], ctx[2]);
}

SEC("tp_btf/tcp_rcv_space_adjust")
int tp_read(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct done *d = done_here();

	tp_on_read(sk);
	if (d)
		d->read = (__u64)sk;
	return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int tp_read_again(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct done *d = done_here();

	return d && !seen(&d->read, sk) ? tp_on_read(sk) : 0;
}

SEC("tp_btf/inet_sock_set_state")
int tp_state(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct done *d = done_here();

	if (sk->sk_protocol == IPPROTO_MPTCP)
		mptcp_state(sk, ctx[1], ctx[2]);
	else
		on_state(true, sk, ctx[1], ctx[2]);
	if (d) {
		d->state = (__u64)sk;
		d->now = ctx[2];
	}
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int tp_state_again(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct done *d = done_here();

	if (!d || sk->sk_protocol == IPPROTO_MPTCP || (d->now == ctx[2] && seen(&d->state, sk)))
		return 0;
	return on_state(true, sk, ctx[1], ctx[2]);
}

SEC("tp_btf/tcp_destroy_sock")
int tp_destroy(__u64 *ctx)
{
	return on_destroy(true, (struct sock *)ctx[0]);
}

SEC("tp_btf/tcp_destroy_sock")
int tp_destroy_again(__u64 *ctx)
{
	return on_destroy_again(true, (struct sock *)ctx[0]);
}

/* --- fentry: with tp_read, tp_state and tp_destroy, which are older than they are */

SEC("fentry/tcp_sendmsg_locked")
int f_send(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct done *d = done_here();

	f_on_send(sk);
	if (d)
		d->send = (__u64)sk;
	return 0;
}

SEC("fentry/tcp_sendmsg_locked")
int f_send_again(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct done *d = done_here();

	return d && !seen(&d->send, sk) ? f_on_send(sk) : 0;
}

SEC("fexit/tcp_sendmsg_locked")
int f_sent(__u64 *ctx)
{
	return on_sent(true, (struct sock *)ctx[0], ctx[3]);
}

/* sendfile and splice before 6.5 */
SEC("fentry/do_tcp_sendpages")
int f_sendpages(__u64 *ctx)
{
	return f_on_send((struct sock *)ctx[0]);
}

SEC("fexit/do_tcp_sendpages")
int f_sentpages(__u64 *ctx)
{
	return on_sent(true, (struct sock *)ctx[0], ctx[5]);
}

SEC("fentry/tcp_data_ready")
int f_arrival(__u64 *ctx)
{
	return on_arrival(true, (struct sock *)ctx[0]);
}

SEC("fexit/tcp_recvmsg")
int f_received(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];

	if (recv_args == 6)
		return on_received(true, sk, ctx[6], ctx[4]);
	if (recv_args == 5)
		return on_received(true, sk, ctx[5], ctx[3]);
	return on_received(true, sk, ctx[4], ctx[3]);
}

SEC("fentry/tcp_cleanup_rbuf")
int f_cleanup(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];

	if (conn_get(sk))
		count(TL_N_CLEANUP);
	return 0;
}

/* --- kprobes and raw tracepoints */

SEC("kprobe/tcp_sendmsg_locked")
int k_send(struct pt_regs *ctx)
{
	return k_on_send((struct sock *)REG_ARG1(ctx));
}

SEC("kprobe/do_tcp_sendpages")
int k_sendpages(struct pt_regs *ctx)
{
	return k_on_send((struct sock *)REG_ARG1(ctx));
}

SEC("kprobe/tcp_data_ready")
int k_arrival(struct pt_regs *ctx)
{
	return on_arrival(false, (struct sock *)REG_ARG1(ctx));
}

SEC("kprobe/tcp_cleanup_rbuf")
int k_cleanup(struct pt_regs *ctx)
{
	struct sock *sk = (struct sock *)REG_ARG1(ctx);

	if (conn_get(sk))
		count(TL_N_CLEANUP);
	return 0;
}

SEC("raw_tp/tcp_rcv_space_adjust")
int k_read(struct bpf_raw_tracepoint_args *ctx)
{
	return on_read(false, (struct sock *)ctx->args[0]);
}

SEC("raw_tp/inet_sock_set_state")
int k_state(struct bpf_raw_tracepoint_args *ctx)
{
	return on_state(false, (struct sock *)ctx->args[0], ctx->args[1], ctx->args[2]);
}

SEC("raw_tp/tcp_destroy_sock")
int k_destroy(struct bpf_raw_tracepoint_args *ctx)
{
	return on_destroy(false, (struct sock *)ctx->args[0]);
}

SEC("raw_tp/tcp_destroy_sock")
int k_destroy_again(struct bpf_raw_tracepoint_args *ctx)
{
	return on_destroy_again(false, (struct sock *)ctx->args[0]);
}

/* --- polling */

/* Set by the user half before each poll. */
__u64 poll_since = 0; /* connections that did nothing since then are left out */
bool poll_last = false; /* the hooks are off: what is unsettled may be settled from here */

/* Slots of hists that are wanted back: by now others are busier. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} take_hists SEC(".maps");

static __always_inline bool is_wanted_back(struct tl_conn *c)
{
	__u32 slot = c->hist - 1, *take;

	if (!c->hist)
		return false;
	take = bpf_map_lookup_elem(&take_hists, &slot);
	return take && *take;
}

/* Its record goes into the ring buffer. Returns 1 where there is no room: the walk is to stop. */
static __always_inline int poll(const bool direct, struct sock *sk, struct tl_conn *c)
{
	struct tcp_sock *tp = tcp_of(direct, sk);
	bool wanted_back = is_wanted_back(c);
	struct tl_conn_rec *r;

	if ((c->flags & TL_F_TENTATIVE) || c->hist == TL_POLLED)
		return 0;
	if (!poll_last && !wanted_back && c->last_ns < poll_since && c->turn_ns < poll_since)
		return 0;
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > events_half)
		return 1;
	r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (!r)
		return 1;
	if (poll_last && tp)
		settle(direct, sk, tp, c);
	r->type = TL_REC_OPEN;
	fill_rec(direct, sk, tp, c, r);
	if (poll_last) {
		c->hist = TL_POLLED;
	} else if (wanted_back) {
		r->hist_taken = 1;
		c->hist = 0;
	}
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int poll_storage(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct tl_conn *c = ctx->value;

	return sk && c ? poll(true, sk, c) : 0;
}

SEC("iter/bpf_map_elem")
int poll_hash(struct bpf_iter__bpf_map_elem *ctx)
{
	struct tl_conn *c = ctx->value;
	__u64 *key = ctx->key;

	return key && c ? poll(false, (struct sock *)*key, c) : 0;
}

SEC("iter/tcp")
int find_listening(struct bpf_iter__tcp *ctx)
{
	struct sock *sk = (void *)ctx->sk_common;

	if (sk && sk->__sk_common.skc_state == TCP_LISTEN)
		note_listening(true, sk);
	return 0;
}

/* What does counting a run cost (bpf_stats)? Attached beside the others while that is measured. */
SEC("raw_tp/tcp_rcv_space_adjust")
int nothing(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
