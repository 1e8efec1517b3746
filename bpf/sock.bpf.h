/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOCK_BPF_H
#define SOCK_BPF_H
/*
 * Reading sockets. Programs of tracepoints and trampolines get pointers that the verifier knows and
 * lets them follow; kprobes and raw tracepoints must copy. GET() does either: direct is a constant
 * wherever it is used, so that one text serves both.
 */
#include "flow.h"

#define GET(direct, p, field)                                                                      \
	({                                                                                         \
		typeof((p)->field) v_;                                                             \
		if (direct)                                                                        \
			v_ = (p)->field;                                                           \
		else                                                                               \
			bpf_core_read((void *)&v_, sizeof(v_), &(p)->field);                       \
		v_;                                                                                \
	})

#define AF_INET	      2
#define AF_INET6      10
#define IPPROTO_TCP   6
#define IPPROTO_MPTCP 262
#define MSG_PEEK      2
#define MSG_ERRQUEUE  0x2000
#define EAGAIN	      11
#define SOCK_DONE     1 /* of enum sock_flags */

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
};

static __always_inline __u16 swap16(__u16 v)
{
	return v << 8 | v >> 8;
}

/* ::ffff: of an IPv4 address, in the upper word of little-endian machines' second half */
static __always_inline __u64 v4_half(__be32 a)
{
	return (__u64)a << 32 | 0xffff0000ULL;
}

static __always_inline __u64 v6_half(__be32 a, __be32 b)
{
	return (__u64)b << 32 | a;
}

/*
 * The two ends of a connected socket. tp may be NULL: it is asked for the local port of a socket
 * that was closed, which has given it back.
 */
static __always_inline void flow_of(const bool direct, struct sock *sk, struct tcp_sock *tp,
				    struct flow *f)
{
	bool v6 = GET(direct, sk, __sk_common.skc_family) == AF_INET6;
	struct net *net = GET(direct, sk, __sk_common.skc_net.net);

	f->local_port = GET(direct, sk, __sk_common.skc_num);
	if (!f->local_port && tp)
		f->local_port = swap16(GET(direct, tp, inet_conn.icsk_inet.inet_sport));
	f->remote_port = swap16(GET(direct, sk, __sk_common.skc_dport));
	f->netns = GET(direct, net, ns.inum);
	f->mapped = 0;
	f->family = 4;
	f->pad[0] = f->pad[1] = 0;
	if (v6) {
		struct in6_addr l = GET(direct, sk, __sk_common.skc_v6_rcv_saddr);
		struct in6_addr r = GET(direct, sk, __sk_common.skc_v6_daddr);

		f->local[0] = v6_half(l.in6_u.u6_addr32[0], l.in6_u.u6_addr32[1]);
		f->local[1] = v6_half(l.in6_u.u6_addr32[2], l.in6_u.u6_addr32[3]);
		f->remote[0] = v6_half(r.in6_u.u6_addr32[0], r.in6_u.u6_addr32[1]);
		f->remote[1] = v6_half(r.in6_u.u6_addr32[2], r.in6_u.u6_addr32[3]);
		if (f->remote[0] || r.in6_u.u6_addr32[2] != 0xffff0000U)
			f->family = 6;
		else
			f->mapped = 1;
		return;
	}
	f->local[0] = f->remote[0] = 0;
	f->local[1] = v4_half(GET(direct, sk, __sk_common.skc_rcv_saddr));
	f->remote[1] = v4_half(GET(direct, sk, __sk_common.skc_daddr));
}

/*
 * A number that both ends of a connection agree on, spread evenly: who samples by it takes both
 * ends or none.
 */
static __always_inline __u32 flow_hash(const struct flow *f)
{
	__u64 a = f->local[0] + f->remote[0] + (f->local[1] ^ f->remote[1]);
	__u32 l = f->local_port, r = f->remote_port;
	__u32 h = (__u32)a ^ (__u32)(a >> 32) ^ (l + r) * 0x9e3779b1U ^ (l * r) * 0x85ebca6bU;

	h ^= h >> 16;
	h *= 0x7feb352dU; /* the constants of a hash that mixes well: lowbias32 of prospector */
	h ^= h >> 15;
	h *= 0x846ca68bU;
	return h ^ h >> 16;
}

/*
 * Has the peer's FIN come? sk_shutdown does not tell: our own close() and shutdown() set it too.
 */
static __always_inline __u32 fin_came(const bool direct, struct sock *sk)
{
	return GET(direct, sk, __sk_common.skc_flags) >> SOCK_DONE & 1;
}

/* rcv_nxt without the FIN, which is counted as a byte there but is never read. */
static __always_inline __u32 bytes_end(const bool direct, struct sock *sk, struct tcp_sock *tp)
{
	return GET(direct, tp, rcv_nxt) - fin_came(direct, sk);
}

/* write_seq without our own FIN. */
static __always_inline __u32 written_end(const bool direct, struct sock *sk, struct tcp_sock *tp)
{
	__u8 state = GET(direct, sk, __sk_common.skc_state);
	__u32 seq = GET(direct, tp, write_seq);

	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSING ||
			       state == TCP_LAST_ACK
		       ? seq - 1
		       : seq;
}

/*
 * Who opened this connection? The SYN of the side that did was acknowledged as if it were a byte
 * (bytes_acked counts it, bytes_sent does not), and the other side's child socket starts behind its
 * own. So what was acknowledged or is under way exceeds what was sent by one at the client, by none
 * at the server. Returns 1, 0, or something else: not known (a FIN was sent, a transmission
 * failed, the socket was restored).
 */
static __always_inline __s64 opened_by_us(const bool direct, struct tcp_sock *tp)
{
	__u32 flight = GET(direct, tp, snd_nxt) - GET(direct, tp, snd_una);

	return GET(direct, tp, bytes_acked) + flight -
	       (GET(direct, tp, bytes_sent) - GET(direct, tp, bytes_retrans));
}
#endif
