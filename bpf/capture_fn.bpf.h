/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_FN_BPF_H
#define CAPTURE_FN_BPF_H
/*
 * The protocols' functions: what the backends fentry and kprobe do where a call begins and where it
 * ends, and fentry's programs.
 */
#include "capture_twice.bpf.h"

static __noinline int f_bytes(struct sock *sk, __u32 dir, __u32 len, struct src *s)
{
	int proto = proto_of(true, sk);

	return proto < 0 ? zero() : on_bytes(true, sk, proto, dir, len, s);
}

/* Kprobes leave the bytes to k_do(): 1. */
static __noinline int k_bytes(struct sock *sk, __u32 dir, __u32 len, struct src *s)
{
	struct act *a = act_make(bpf_get_current_pid_tgid());

	if (!a)
		return 0;
	a->src = *s;
	a->sk = (__u64)sk;
	a->way = dir;
	a->len = len;
	return 1;
}

/*
 * A return probe has room for so many calls at a time, and of what it is left out of nothing is
 * heard. But a thread that begins a call has ended the one before. What TCP receives is told of
 * before that.
 */
static __always_inline void begins(struct act *a)
{
	__u32 zero = 0;
	struct cap_sums *sums = bpf_map_lookup_elem(&counts, &zero);

	if (sums && a->inside && !a->in_parts)
		sums->no_return++;
	a->inside = 1;
	a->in_parts = 0;
}

/* A call begins: its iterator is saved, unless nothing of it will be looked at. */
static __always_inline int on_entry(const bool direct, struct socket *socket, struct msghdr *msg,
				    __u32 flags, __u32 dir, const bool again)
{
	struct sock *sk = GET(direct, socket, sk);
	int proto = proto_of(direct, sk);
	struct cap_state *c;
	struct act *a;
	__u32 at = 0;

	if (proto < 0)
		return 0;
	/* A first send may connect: then it is not known yet where to. */
	if (GET(direct, sk, __sk_common.skc_dport) && !passes(direct, sk, proto))
		return 0;
	c = state_get(sk);
	if (c &&
	    (c->verdict == CAP_HTTP2 || (c->verdict >= CAP_NOT && c->last_dir == dir &&
					 (c->verdict == CAP_NOT || c->tries >= TRIES_UNKNOWN))))
		return 0;
	a = act_make(bpf_get_current_pid_tgid());
	if (!a)
		return 0;
	/* Seen by the first program, and nobody's that was not seen to end: nothing has moved. */
	if (config.twice && c)
		at = place(direct, sk, c, dir);
	if (again && a->live && a->sk == (__u64)sk && a->msg == (__u64)msg && a->begin_seq == at)
		return 0;
	if (!direct)
		begins(a);
	a->live = 1;
	a->sk = (__u64)sk;
	a->msg = (__u64)msg;
	a->begin_seq = at;
	a->flags = flags;
	src_of_iter(direct, &msg->msg_iter, &a->src);
	return 0;
}

/* ... and is over: ret bytes of what the iterator pointed to. */
static __always_inline int on_exit(const bool direct, struct sock *sk, __s64 ret, __u32 flags,
				   __u32 dir, __u32 take)
{
	struct src s = {.cause = CAP_CALL};
	int proto = proto_of(direct, sk);
	struct act *a;

	if (ret < 0 || proto < 0 || (dir == CAP_RECV && flags & (MSG_ERRQUEUE | MSG_OOB)) ||
	    !passes(direct, sk, proto))
		return 0;
	if (dir == CAP_RECV && flags & MSG_PEEK) {
		count(CAP_N_PEEKS, 1);
		return 0;
	}
	if (!ret)
		return dir == CAP_RECV ? on_eof(direct, sk, proto) : 0;
	a = act_get(bpf_get_current_pid_tgid());
	if (a && a->live && a->sk == (__u64)sk) {
		a->live = 0;
		s = a->src;
	} else {
		count(CAP_N_NO_ENTRY, 1);
	}
	if (dir == CAP_RECV && flags & MSG_TRUNC && proto != CAP_UNIX) {
		s.kind = SRC_NONE;
		s.cause = CAP_TRUNC;
	}
	s.take = take;
	return direct ? f_bytes(sk, dir, ret, &s) : k_bytes(sk, dir, ret, &s);
}

static __noinline int f_entry(struct socket *socket, struct msghdr *msg, __u32 dir)
{
	return on_entry(true, socket, msg, 0, dir, false);
}

static __noinline int f_entry_again(struct socket *socket, struct msghdr *msg, __u32 dir)
{
	return on_entry(true, socket, msg, 0, dir, true);
}

static __always_inline int f_exit(struct socket *socket, __s64 ret, __u32 flags, __u32 dir,
				  __u32 take)
{
	return on_exit(true, socket->sk, ret, flags, dir, take);
}

/* The first program takes the call's beginning away. */
static __always_inline int f_exit_again(struct socket *socket, __s64 ret, __u32 flags, __u32 dir,
					__u32 take)
{
	struct act *a = act_get(bpf_get_current_pid_tgid());

	if (ret <= 0 || !a || !a->live || a->sk != (__u64)socket->sk)
		return 0;
	return f_exit(socket, ret, flags, dir, take);
}

#define F_PAIR(NAME, FUNCTION, DIR, FLAGS, RET, TAKE)                                              \
	SEC("fentry/" FUNCTION)                                                                    \
	int f_##NAME(__u64 *ctx)                                                                   \
	{                                                                                          \
		return f_entry((struct socket *)ctx[0], (struct msghdr *)ctx[1], DIR);             \
	}                                                                                          \
	SEC("fexit/" FUNCTION)                                                                     \
	int x_##NAME(__u64 *ctx)                                                                   \
	{                                                                                          \
		return f_exit((struct socket *)ctx[0], (int)ctx[RET], FLAGS, DIR, TAKE);           \
	}                                                                                          \
	SEC("fentry/" FUNCTION)                                                                    \
	int f_##NAME##_again(__u64 *ctx)                                                           \
	{                                                                                          \
		return f_entry_again((struct socket *)ctx[0], (struct msghdr *)ctx[1], DIR);       \
	}                                                                                          \
	SEC("fexit/" FUNCTION)                                                                     \
	int x_##NAME##_again(__u64 *ctx)                                                           \
	{                                                                                          \
		return f_exit_again((struct socket *)ctx[0], (int)ctx[RET], FLAGS, DIR, TAKE + 1); \
	}

F_PAIR(send, "inet_sendmsg", CAP_SEND, 0, 3, 0)
F_PAIR(send6, "inet6_sendmsg", CAP_SEND, 0, 3, 2)
F_PAIR(recv, "inet_recvmsg", CAP_RECV, ctx[3], 4, 4)
F_PAIR(recv6, "inet6_recvmsg", CAP_RECV, ctx[3], 4, 6)
F_PAIR(unix_send, "unix_stream_sendmsg", CAP_SEND, 0, 3, 8)
F_PAIR(unix_recv, "unix_stream_recvmsg", CAP_RECV, ctx[3], 4, 10)

/* One page, before 6.5. */
static __always_inline int on_page(const bool direct, struct sock *sk, __u64 page, __u64 offset,
				   __s64 ret)
{
	struct src s = {.kind = SRC_NONE, .cause = CAP_SENDFILE, .take = direct ? 12 : 0};
	int proto = proto_of(direct, sk);

	if (ret <= 0 || proto < 0 || !passes(direct, sk, proto))
		return 0;
	if (vmemmap_at) {
		s.kind = SRC_KERNEL;
		s.base = page_address(page) + offset;
	}
	return direct ? f_bytes(sk, CAP_SEND, ret, &s) : k_bytes(sk, CAP_SEND, ret, &s);
}

SEC("fexit/inet_sendpage")
int x_page(__u64 *ctx)
{
	struct socket *socket = (void *)ctx[0];
	__u64 page;

	bpf_probe_read_kernel(&page, sizeof(page), &ctx[1]);
	return on_page(true, socket->sk, page, (int)ctx[2], (__s64)ctx[5]);
}

/* Bytes that go from the socket into a pipe. */
static __always_inline int on_splice(const bool direct, struct sock *sk, __s64 ret)
{
	struct src s = {.kind = SRC_NONE, .cause = CAP_SPLICE, .take = direct ? 13 : 0};
	int proto = proto_of(direct, sk);

	if (ret < 0 || proto < 0 || !passes(direct, sk, proto))
		return 0;
	if (!ret)
		return on_eof(direct, sk, proto);
	return on_rest(direct, sk, proto, CAP_RECV, ret, &s);
}

SEC("fexit/tcp_splice_read")
int x_splice(__u64 *ctx)
{
	struct socket *socket = (void *)ctx[0];

	return on_splice(true, socket->sk, (__s64)ctx[5]);
}

/* A unix socket has no states that are told. */
static __always_inline int on_release(const bool direct, struct sock *sk)
{
	struct cap_state *c;

	if (!sk || proto_of(direct, sk) != CAP_UNIX)
		return 0;
	c = state_get(sk);
	if (!c)
		return 0;
	if (c->told)
		tell_close(direct, sk, c, 0);
	c->told = 0;
	if (!use_storage)
		state_drop(sk);
	return 0;
}

SEC("fentry/unix_release")
int f_unix_release(__u64 *ctx)
{
	struct socket *socket = (void *)ctx[0];

	return on_release(true, socket->sk);
}

SEC("fentry/tcp_data_ready")
int f_ready(__u64 *ctx)
{
	return on_ready(true, (struct sock *)ctx[0]);
}
#endif
