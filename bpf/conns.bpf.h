/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CONNS_BPF_H
#define CONNS_BPF_H
/*
 * The state of connections: which are looked at, where their state is, and what is known of one
 * that the tool did not see begin. A record leaves for each that is over.
 */

#include "sockid.bpf.h"

const volatile bool by_task = false; /* filter.bpf.h has something to say */
const volatile bool by_flow = false; /* netsel.bpf.h has */
const volatile __u32 sample = 1; /* one connection in so many */

#define TL_F_TENTATIVE 0x8000 /* not known yet whether it is wanted, or known to be over */

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tl_conn);
} conns SEC(".maps");

/* Linux 5.10, and kprobes, which know no sockets. Preallocated: the 5.10 verifier insists. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct tl_conn);
} conns_by_sock SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tl_conn);
} no_conn SEC(".maps");

struct port_key {
	__u32 netns;
	__u32 port;
};

/* Ports that were listened on while we looked: whoever's local port it is, is a server. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct port_key);
	__type(value, __u8);
} listening SEC(".maps");

#include "turns.bpf.h"

static __always_inline struct tl_conn *conn_get(struct sock *sk)
{
	__u64 key = (__u64)sk;

	return use_storage ? bpf_sk_storage_get(&conns, sk, NULL, 0)
			   : bpf_map_lookup_elem(&conns_by_sock, &key);
}

static __always_inline void conn_drop(struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (use_storage)
		bpf_sk_storage_delete(&conns, sk);
	else
		bpf_map_delete_elem(&conns_by_sock, &key);
}

static __always_inline struct tl_conn *conn_make(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct tl_conn *none;
	__u32 zero = 0;

	if (use_storage)
		return bpf_sk_storage_get(&conns, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	none = bpf_map_lookup_elem(&no_conn, &zero);
	if (!none || bpf_map_update_elem(&conns_by_sock, &key, none, BPF_NOEXIST))
		return NULL;
	return bpf_map_lookup_elem(&conns_by_sock, &key);
}

/* tp may be NULL; a socket that was closed has given its port back, see flow_of(). */
static __always_inline bool sampled(const bool direct, struct sock *sk, struct tcp_sock *tp)
{
	struct flow f;

	if (sample <= 1)
		return true;
	flow_of(direct, sk, tp, &f);
	return flow_hash(&f) % sample == 0;
}

/* What can be said of a connection by its addresses. */
static __always_inline bool flow_passes(const bool direct, struct sock *sk)
{
	struct flow f;

	if (!by_flow && sample <= 1)
		return true;
	flow_of(direct, sk, NULL, &f);
	if (sample > 1 && flow_hash(&f) % sample)
		return false;
	return !by_flow || netsel_pass(&f);
}

static __always_inline bool task_passes(void)
{
	return !by_task || filter_pass(bpf_get_current_pid_tgid() >> 32);
}

/* From here on the connection is in the account. */
static __always_inline void conn_counts(struct tl_conn *c)
{
	c->flags &= ~TL_F_TENTATIVE;
	count(TL_N_CONNS);
	if (c->flags & TL_F_OLD)
		count(TL_N_CONNS_OLD);
}

/* Where the streams stand now. */
static __always_inline void conn_seqs(const bool direct, struct sock *sk, struct tcp_sock *tp,
				      struct tl_conn *c)
{
	if (!tp)
		return;
	c->read_seq = GET(direct, tp, copied_seq);
	c->rcv_seen = bytes_end(direct, sk, tp);
}

static __always_inline bool is_listening(const bool direct, struct sock *sk)
{
	struct net *net = GET(direct, sk, __sk_common.skc_net.net);
	struct port_key key = {
		.netns = GET(direct, net, ns.inum),
		.port = GET(direct, sk, __sk_common.skc_num),
	};

	return bpf_map_lookup_elem(&listening, &key);
}

static __always_inline void role_of_old(const bool direct, struct sock *sk, struct tcp_sock *tp,
					struct tl_conn *c)
{
	__u8 state = GET(direct, sk, __sk_common.skc_state);
	__s64 ours = -1;

	if (tp && (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT))
		ours = opened_by_us(direct, tp);
	if (ours == 1) {
		c->role = TL_ROLE_CLIENT;
	} else if (!ours) {
		c->role = TL_ROLE_SERVER;
	} else if (is_listening(direct, sk)) {
		c->role = TL_ROLE_SERVER;
		c->flags |= TL_F_BY_PORT;
	}
}

/* A connection that the tool did not see begin, or that only its tasks make interesting. */
static __noinline struct tl_conn *conn_found(const bool direct, struct sock *sk,
					     struct tcp_sock *tp)
{
	__u8 state = GET(direct, sk, __sk_common.skc_state);
	struct tl_conn *c;

	if (state == TCP_LISTEN || state == TCP_CLOSE || state == TCP_SYN_SENT ||
	    !flow_passes(direct, sk) || !task_passes())
		return NULL;
	if (tp && bpf_core_field_exists(tp->is_mptcp) && GET(direct, tp, is_mptcp))
		return NULL;
	c = conn_make(sk);
	if (!c) {
		count(TL_N_CONNS_FULL);
		return NULL;
	}
	conn_seqs(direct, sk, tp, c);
	if (state == TCP_SYN_RECV) {
		/* Fast open: its request is there before the handshake is over. */
		c->role = TL_ROLE_SERVER;
		c->born_ns = bpf_ktime_get_ns();
	} else {
		c->flags = TL_F_OLD;
		role_of_old(direct, sk, tp, c);
	}
	conn_counts(c);
	return c;
}

/* The state of the connection whose task is running. */
static __always_inline struct tl_conn *conn_of(const bool direct, struct sock *sk,
					       struct tcp_sock *tp)
{
	struct tl_conn *c;

	/* Before the lookup: what is left out should cost nothing. */
	if (!sampled(direct, sk, tp))
		return NULL;
	c = conn_get(sk);
	if (!c)
		return conn_found(direct, sk, tp);
	if (c->flags & TL_F_TENTATIVE) {
		/*
		 * Still connecting: its addresses are not known yet. Or the hook did not run that
		 * would have seen it connected.
		 */
		if (!c->role) {
			if (GET(direct, sk, __sk_common.skc_state) == TCP_SYN_SENT)
				return NULL;
			conn_drop(sk);
			return conn_found(direct, sk, tp);
		}
		if (!task_passes()) {
			conn_drop(sk);
			return NULL;
		}
		conn_counts(c);
	}
	return c;
}

static __noinline void fill_rec(const bool direct, struct sock *sk, struct tcp_sock *tp,
				const struct tl_conn *c, struct tl_conn_rec *r)
{
	const struct tcp_ulp_ops *ulp;

	r->hist = c->hist == TL_POLLED ? 0 : c->hist;
	r->id = conn_id(direct, sk);
	r->now_ns = bpf_ktime_get_ns();
	r->born_ns = c->flags & TL_F_OLD ? 0 : c->born_ns;
	flow_of(direct, sk, tp, &r->flow);
	r->st = c->st;
	r->writer = c->writer;
	r->reader = c->reader;
	r->flags = c->flags & (TL_F_OLD | TL_F_MPTCP | TL_F_INTERLEAVED | TL_F_BY_PORT);
	r->phase = c->phase;
	r->role = c->role;
	r->state = GET(direct, sk, __sk_common.skc_state);
	r->min_rtt_us = c->min_rtt_us;
	r->turn_open = (c->role == TL_ROLE_CLIENT && c->phase == TL_SENT) ||
		       (c->role == TL_ROLE_SERVER && c->phase == TL_READ);
	r->hist_taken = 0;
	__builtin_memset(r->pad, 0, sizeof(r->pad));
	__builtin_memcpy(r->comm, c->comm, sizeof(r->comm));
	r->bytes_sent = r->bytes_received = 0;
	r->srtt_us = r->retrans = 0;
	if (!tp)
		return;
	r->bytes_sent = GET(direct, tp, bytes_sent) - GET(direct, tp, bytes_retrans);
	/* With the FIN, as if it were a byte. */
	r->bytes_received = GET(direct, tp, bytes_received) - fin_came(direct, sk);
	r->srtt_us = GET(direct, tp, srtt_us) >> 3;
	r->retrans = GET(direct, tp, total_retrans);
	ulp = GET(direct, tp, inet_conn.icsk_ulp_ops);
	if (ulp) {
		__u32 name = 0;

		bpf_probe_read_kernel(&name, sizeof(name), &ulp->name);
		if ((name & 0xffffff) == ('t' | 'l' << 8 | 's' << 16))
			r->flags |= TL_F_KTLS;
	}
}

/* The connection is over: its record, or what the account needs of it. */
static __noinline void conn_close(const bool direct, struct sock *sk, struct tcp_sock *tp,
				  struct tl_conn *c)
{
	struct tl_conn_rec *r;
	__u32 slot;

	end_turns(direct, sk, tp, c);
	r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (r) {
		r->type = TL_REC_CLOSED;
		fill_rec(direct, sk, tp, c, r);
		bpf_ringbuf_submit(r, event_flags());
	} else {
		__u32 zero = 0;
		struct tl_totals *t = bpf_map_lookup_elem(&totals, &zero);

		count(TL_N_CONNS_LOST);
		if (t) {
			add(&t->count[TL_N_LOST_TURNS], c->st.n);
			add(&t->count[TL_N_LOST_WAITS], c->st.waits);
		}
		if (c->hist && c->hist != TL_POLLED) {
			slot = c->hist - 1;
			bpf_map_push_elem(&dead_hists, &slot, 0);
		}
	}
	c->hist = 0;
	/* It is reported: neither a poll nor the second look at its death is to report it again. */
	c->flags |= TL_F_TENTATIVE;
}
#endif
