/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CONN_MPTCP_BPF_H
#define CONN_MPTCP_BPF_H
/*
 * Connections of Multipath TCP. Their own socket has no TCP state, and so no sequence numbers: they
 * are seen where the calls end.
 */
#include "conns.bpf.h"

static __always_inline struct tl_conn *mptcp_conn(struct sock *sk)
{
	struct tl_conn *c;

	if (!sampled(true, sk, NULL))
		return NULL;
	c = conn_get(sk);
	if (!c) {
		c = conn_found(true, sk, NULL);
		if (c)
			c->flags |= TL_F_MPTCP;
	}
	return c;
}

static __always_inline int mptcp_sent(struct sock *sk, int ret)
{
	struct tl_conn *c = mptcp_conn(sk);

	if (!c)
		return 0;
	count(ret > 0 ? TL_N_SEND : ret == -EAGAIN ? TL_N_SEND_AGAIN : TL_N_SEND_FAILED);
	if (ret <= 0)
		return 0;
	c->pend_ns = bpf_ktime_get_ns();
	note_task(c, &c->writer);
	sent(true, sk, NULL, c);
	return 0;
}

static __always_inline int mptcp_received(struct sock *sk, int ret, int flags)
{
	struct tl_conn *c = mptcp_conn(sk);
	__u64 now = bpf_ktime_get_ns(), at = 0;
	bool odd = false;

	if (!c)
		return 0;
	if (ret <= 0 || (flags & MSG_PEEK)) {
		count(ret == -EAGAIN ? TL_N_RECV_AGAIN
		      : ret < 0	     ? TL_N_RECV_FAILED
		      : !ret	     ? TL_N_RECV_EOF
				     : TL_N_RECV_PEEK);
		return 0;
	}
	note_task(c, &c->reader);
	if (c->flags & TL_F_MARKED)
		at = take_mark(c, now, &odd);
	bytes_read(true, sk, NULL, c, now, at, false);
	return 0;
}

static __always_inline int mptcp_arrival(struct sock *sk)
{
	struct tl_conn *c = conn_get(sk);

	if (!c || (c->flags & TL_F_MARKED))
		return 0;
	c->mark_ns = bpf_ktime_get_ns();
	c->flags |= TL_F_MARKED;
	return 0;
}

static __always_inline int mptcp_state(struct sock *sk, int before, int now)
{
	struct tl_conn *c = conn_get(sk);

	if (now == TCP_CLOSE && c) {
		conn_close(true, sk, NULL, c);
		conn_drop(sk);
	} else if (now == TCP_ESTABLISHED && before == TCP_SYN_SENT && !c && !by_task &&
		   flow_passes(true, sk)) {
		c = conn_make(sk);
		if (!c)
			return 0;
		c->flags = TL_F_MPTCP;
		c->role = TL_ROLE_CLIENT;
		c->born_ns = bpf_ktime_get_ns();
		conn_counts(c);
	}
	return 0;
}
#endif
