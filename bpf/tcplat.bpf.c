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

const volatile bool use_storage = true; /* socket storage, or conns_by_sock where there is none */
const volatile bool by_task = false; /* filter.bpf.h has something to say */
const volatile bool by_flow = false; /* netsel.bpf.h has */
const volatile __u32 sample = 1; /* one connection in so many */
const volatile bool have_cast = false; /* bpf_rdonly_cast() is there */
const volatile __u32 recv_args = 5; /* of tcp_recvmsg(): 6, from 5.19 on 5, from 7.1 on 4 */
const volatile __u64 salt = 0; /* for the ids of sockets that have no cookie */

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

static __always_inline __u64 conn_id(const bool direct, struct sock *sk)
{
	__u64 cookie = GET(direct, sk, __sk_common.skc_cookie.counter), address;

	if (!cookie && direct && use_storage)
		cookie = bpf_get_socket_cookie(sk);
	if (cookie)
		return cookie;
	/* A pointer becomes a number by being read. */
	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	/* Not the address: whoever reads the rows need not know where the kernel lies. */
	return (address ^ salt) * 0x9e3779b97f4a7c15ULL | 1ULL << 63;
}

#include "turns.bpf.h"

/* Linux 6.2. Not a call in the end: the verifier makes a move of it. */
extern void *bpf_rdonly_cast(void *obj, __u32 btf_id) __ksym __weak;

static __always_inline struct tcp_sock *tcp_of(const bool direct, struct sock *sk)
{
	if (GET(direct, sk, sk_protocol) != IPPROTO_TCP)
		return NULL;
	if (!direct)
		return (struct tcp_sock *)sk;
	if (have_cast)
		return bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock));
	return bpf_skc_to_tcp_sock(sk);
}

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

static __always_inline bool sampled(const bool direct, struct sock *sk)
{
	struct flow f;

	if (sample <= 1)
		return true;
	flow_of(direct, sk, NULL, &f);
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
	c->flags = TL_F_OLD;
	conn_seqs(direct, sk, tp, c);
	role_of_old(direct, sk, tp, c);
	conn_counts(c);
	return c;
}

/* The state of the connection whose task is running. */
static __always_inline struct tl_conn *conn_of(const bool direct, struct sock *sk,
					       struct tcp_sock *tp)
{
	struct tl_conn *c;

	/* Before the lookup: what is left out should cost nothing. */
	if (!sampled(direct, sk))
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

	r->hist = c->hist;
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
		if (c->hist) {
			slot = c->hist - 1;
			bpf_map_push_elem(&dead_hists, &slot, 0);
		}
	}
	c->hist = 0;
	/* It is reported: neither a poll nor the second look at its death is to report it again. */
	c->flags |= TL_F_TENTATIVE;
}

/* --- what the hooks of all backends come to */

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
	    !sampled(direct, sk))
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
	if (!tp || !sampled(direct, sk))
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

	if (!tp || !sampled(direct, sk))
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
	    !sampled(direct, sk) || !conn_get(sk))
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

	if (!c)
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
		connected(direct, sk, tp);
		return;
	}
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
			count(sampled(direct, sk) ? TL_N_CONNS_OTHER : TL_N_CONNS_SAMPLED);
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

/* --- MPTCP: the connection's own socket has no TCP state. Seen where the calls end. */

static __always_inline struct tl_conn *mptcp_conn(struct sock *sk)
{
	struct tl_conn *c;

	if (!sampled(true, sk))
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

SEC("tp_btf/tcp_sendmsg_locked")
int tp_send(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct msghdr *msg = (void *)ctx[1];
	struct tcp_sock *tp = tcp_of(true, sk);
	struct tl_conn *c;

	if (!tp)
		return 0;
	c = conn_of(true, sk, tp);
	if (c && !same_call(c, msg->msg_iter.count, tp->write_seq))
		send_begins(true, sk, tp, c);
	return 0;
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
	return on_read(true, (struct sock *)ctx[0]);
}

SEC("tp_btf/inet_sock_set_state")
int tp_state(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];

	return sk->sk_protocol == IPPROTO_MPTCP ? mptcp_state(sk, ctx[1], ctx[2])
						: on_state(true, sk, ctx[1], ctx[2]);
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
	return on_send(true, (struct sock *)ctx[0]);
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
	return on_send(true, (struct sock *)ctx[0]);
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
	return on_send(false, (struct sock *)REG_ARG1(ctx));
}

SEC("kprobe/do_tcp_sendpages")
int k_sendpages(struct pt_regs *ctx)
{
	return on_send(false, (struct sock *)REG_ARG1(ctx));
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

static __always_inline int poll(const bool direct, struct seq_file *seq, struct sock *sk,
				struct tl_conn *c)
{
	struct tcp_sock *tp = tcp_of(direct, sk);
	bool wanted_back = is_wanted_back(c);
	struct tl_conn_rec r;

	if (c->flags & TL_F_TENTATIVE)
		return 0;
	if (!poll_last && !wanted_back && c->last_ns < poll_since && c->turn_ns < poll_since)
		return 0;
	if (poll_last && tp)
		settle(direct, sk, tp, c);
	r.type = TL_REC_OPEN;
	fill_rec(direct, sk, tp, c, &r);
	if (wanted_back) {
		r.hist_taken = 1;
		c->hist = 0;
	}
	bpf_seq_write(seq, &r, sizeof(r));
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int poll_storage(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct tl_conn *c = ctx->value;

	return sk && c ? poll(true, ctx->meta->seq, sk, c) : 0;
}

SEC("iter/bpf_map_elem")
int poll_hash(struct bpf_iter__bpf_map_elem *ctx)
{
	struct tl_conn *c = ctx->value;
	__u64 *key = ctx->key;

	return key && c ? poll(false, ctx->meta->seq, (struct sock *)*key, c) : 0;
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
