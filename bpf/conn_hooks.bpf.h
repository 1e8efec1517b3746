/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CONN_HOOKS_BPF_H
#define CONN_HOOKS_BPF_H
/*
 * What the hooks of all backends come to: a send began or ended, data arrived or was read, a socket
 * was connected, accepted, reset or destroyed.
 */
#include "conns.bpf.h"

static __always_inline int on_send(const bool direct, struct sock *sk)
{
	struct tcp_sock *tp = tcp_of(direct, sk);
	struct tl_conn *c;

	if (!tp)
		return 0;
	c = conn_of(direct, sk, tp);
	if (c)
		send_begins(direct, sk, tp, c);
	return 0;
}

/* A send is over. Almost all took bytes and left none in the queue: nothing to be done. */
static __always_inline int on_sent(const bool direct, struct sock *sk, int ret)
{
	struct tcp_sock *tp = tcp_of(direct, sk);
	struct tl_conn *c;

	if (!tp || (ret > 0 && GET(direct, tp, snd_nxt) == GET(direct, tp, write_seq)) ||
	    !sampled(direct, sk, tp))
		return 0;
	c = conn_get(sk);
	if (!c)
		return 0;
	if (ret > 0) {
		c->flags |= TL_F_HELD;
		if (!GET(direct, tp, snd_wnd))
			c->flags |= TL_F_ZERO_WINDOW;
		return 0;
	}
	count(ret == -EAGAIN ? TL_N_SEND_AGAIN : TL_N_SEND_FAILED);
	/* It took nothing: the next call begins its own. */
	if ((c->flags & TL_F_UNSETTLED) && GET(direct, tp, write_seq) == c->pend_seq) {
		c->flags &= ~TL_F_UNSETTLED;
		count_more(TL_N_SEND, -1);
	}
	return 0;
}

static __always_inline int on_arrival(const bool direct, struct sock *sk)
{
	struct tcp_sock *tp;
	struct tl_conn *c;

	tp = tcp_of(direct, sk);
	if (!tp || !sampled(direct, sk, tp))
		return 0;
	c = conn_get(sk);
	if (c)
		arrived(direct, sk, tp, c);
	return 0;
}

static __always_inline int on_read(const bool direct, struct sock *sk)
{
	struct tcp_sock *tp = tcp_of(direct, sk);
	struct tl_conn *c;

	if (!tp || !sampled(direct, sk, tp))
		return 0;
	c = conn_get(sk);
	if (!c) {
		c = conn_found(direct, sk, tp);
		/* Its first read was just now: where it began is not known. */
		if (c)
			c->read_seq--;
	} else if (c->flags & TL_F_TENTATIVE) {
		c = conn_of(direct, sk, tp);
	}
	if (c)
		maybe_read(direct, sk, tp, c);
	return 0;
}

/* A receive is over: what it read, on_read() has seen. */
static __always_inline int on_received(const bool direct, struct sock *sk, int ret, int flags)
{
	if ((ret > 0 && !(flags & MSG_PEEK)) || GET(direct, sk, sk_protocol) != IPPROTO_TCP ||
	    !sampled(direct, sk, NULL) || !conn_get(sk))
		return 0;
	/* Of notices, not of the stream. */
	if (flags & MSG_ERRQUEUE)
		return 0;
	count(ret == -EAGAIN ? TL_N_RECV_AGAIN
	      : ret < 0	     ? TL_N_RECV_FAILED
	      : !ret	     ? TL_N_RECV_EOF
			     : TL_N_RECV_PEEK);
	return 0;
}

static __always_inline void note_listening(const bool direct, struct sock *sk)
{
	struct net *net = GET(direct, sk, __sk_common.skc_net.net);
	struct port_key key = {
		.netns = GET(direct, net, ns.inum),
		.port = GET(direct, sk, __sk_common.skc_num),
	};
	__u8 one = 1;

	bpf_map_update_elem(&listening, &key, &one, BPF_ANY);
}

/* connect() has sent its SYN. The local port is not chosen yet. */
static __noinline void connecting(const bool direct, struct sock *sk, struct tcp_sock *tp)
{
	struct tl_conn *c = conn_get(sk);

	if (c && (c->flags & TL_F_TENTATIVE) && !c->role)
		return;
	if (c) {
		/* The same socket, connected anew. */
		if (c->role && !(c->flags & TL_F_TENTATIVE))
			conn_close(direct, sk, tp, c);
		conn_drop(sk);
	}
	if (!task_passes())
		return;
	c = conn_make(sk);
	/* Whether it is wanted is not known yet: if it is, its first event tries again. */
	if (!c)
		return;
	c->flags = TL_F_TENTATIVE;
	c->born_ns = bpf_ktime_get_ns();
}

static __noinline void connected(const bool direct, struct sock *sk, struct tcp_sock *tp)
{
	struct tl_conn *c = conn_get(sk);
	__u64 now = bpf_ktime_get_ns();

	if (!c || !(c->flags & TL_F_TENTATIVE))
		return;
	if (!flow_passes(direct, sk)) {
		conn_drop(sk);
		return;
	}
	conn_counts(c);
	metric_add(TL_CONNECT, now - c->born_ns);
	c->role = TL_ROLE_CLIENT;
	conn_seqs(direct, sk, tp, c);
	/* The SYN had a request in it (TCP fast open), which no hook of a send has seen. */
	if (GET(direct, tp, bytes_sent)) {
		c->turn_ns = c->born_ns;
		c->turn_seq = GET(direct, tp, write_seq) - GET(direct, tp, bytes_sent);
		c->phase = TL_SENT;
		note_counters(direct, c, tp);
		begin_turn(c);
	}
	c->born_ns = now;
}

static __noinline void accepted(const bool direct, struct sock *sk, struct tcp_sock *tp)
{
	struct tl_conn *c = conn_get(sk);

	/* One that is there already was of an earlier socket at this address, or connects too. */
	if (c && (c->flags & TL_F_TENTATIVE)) {
		if (!c->role)
			connected(direct, sk, tp);
		return;
	}
	/* Fast open: seen already, for what it has read is where it stands. */
	if (c && c->role == TL_ROLE_SERVER && c->read_seq == GET(direct, tp, copied_seq))
		return;
	if (c)
		conn_drop(sk);
	if (!flow_passes(direct, sk))
		return;
	c = conn_make(sk);
	if (!c) {
		count(TL_N_CONNS_FULL);
		return;
	}
	c->role = TL_ROLE_SERVER;
	c->born_ns = bpf_ktime_get_ns();
	conn_seqs(direct, sk, tp, c);
	if (by_task)
		c->flags = TL_F_TENTATIVE;
	else
		conn_counts(c);
}

/*
 * The socket was reset by its owner: closed without lingering, or disconnected.
 * Nothing will be read any more, and its addresses are about to go. Whatever else ends a connection
 * has seen a FIN or left an error.
 */
static __always_inline void disconnected(const bool direct, struct sock *sk, struct tcp_sock *tp)
{
	struct tl_conn *c = conn_get(sk);

	/* Where data is unread the addresses stay. */
	if (!c || (c->flags & TL_F_TENTATIVE) || GET(direct, sk, sk_err) ||
	    after(bytes_end(direct, sk, tp), GET(direct, tp, copied_seq)))
		return;
	conn_close(direct, sk, tp, c);
	conn_drop(sk);
}

static __always_inline int on_state(const bool direct, struct sock *sk, int before, int now)
{
	struct tcp_sock *tp = tcp_of(direct, sk);

	if (!tp)
		return 0;
	if (now == TCP_LISTEN) {
		note_listening(direct, sk);
		return 0;
	}
	if (now == TCP_CLOSE && (before == TCP_ESTABLISHED || before == TCP_CLOSE_WAIT))
		disconnected(direct, sk, tp);
	if (now != TCP_SYN_SENT && now != TCP_ESTABLISHED)
		return 0;
	if (bpf_core_field_exists(tp->is_mptcp) && GET(direct, tp, is_mptcp)) {
		if (now == TCP_ESTABLISHED)
			count(TL_N_SUBFLOWS);
		return 0;
	}
	if (now == TCP_SYN_SENT)
		connecting(direct, sk, tp);
	else if (before == TCP_SYN_SENT)
		connected(direct, sk, tp);
	else if (before == TCP_SYN_RECV)
		accepted(direct, sk, tp);
	return 0;
}

static __always_inline int on_destroy(const bool direct, struct sock *sk)
{
	struct tcp_sock *tp = tcp_of(direct, sk);
	struct tl_conn *c = conn_get(sk);

	if (!c) {
		if (GET(direct, sk, __sk_common.skc_dport))
			count(sampled(direct, sk, tp) ? TL_N_CONNS_OTHER : TL_N_CONNS_SAMPLED);
		return 0;
	}
	if (!(c->flags & TL_F_TENTATIVE))
		conn_close(direct, sk, tp, c);
	else
		count(c->role ? TL_N_CONNS_OTHER : TL_N_CONNECT_FAILED);
	if (!use_storage)
		conn_drop(sk);
	return 0;
}

/*
 * A program does not run where it is interrupted or, on kernels whose tracepoints may be preempted,
 * where another task is in the middle of it. What dies then would die unseen, so there is a second
 * one.
 */
static __always_inline int on_destroy_again(const bool direct, struct sock *sk)
{
	struct tl_conn *c = conn_get(sk);

	if (!c || (c->flags & TL_F_TENTATIVE))
		return 0;
	conn_close(direct, sk, tcp_of(direct, sk), c);
	if (!use_storage)
		conn_drop(sk);
	return 0;
}
#endif
