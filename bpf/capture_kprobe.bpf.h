/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_KPROBE_BPF_H
#define CAPTURE_KPROBE_BPF_H
/*
 * The backend of kprobes: one pair of programs for all functions.
 */
#include "capture_fn.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} k_then SEC(".maps");

/* What all of them go on with: so the verifier has to follow it but once. */
SEC("kprobe")
int k_do(struct pt_regs *ctx)
{
	struct act *a = act_get(bpf_get_current_pid_tgid());
	struct sock *sk;
	struct src s;
	int proto;

	if (!a)
		return 0;
	s = a->src;
	s.take = 0;
	sk = (struct sock *)a->sk;
	proto = proto_of(false, sk);
	return proto < 0 ? 0 : on_bytes(false, sk, proto, a->way & 1, a->len, &s);
}

SEC("kprobe")
int k_send(struct pt_regs *ctx)
{
	return on_entry(false, (struct socket *)PT_REGS_PARM1(ctx),
			(struct msghdr *)PT_REGS_PARM2(ctx), 0, CAP_SEND, false);
}

SEC("kretprobe")
int kr_send(struct pt_regs *ctx)
{
	struct act *a = act_get(bpf_get_current_pid_tgid());

	if (!a)
		return 0;
	a->inside = 0;
	if (!a->live)
		return 0;
	if (on_exit(false, (struct sock *)a->sk, (int)PT_REGS_RC(ctx), 0, CAP_SEND, 0))
		bpf_tail_call(ctx, &k_then, 0);
	return 0;
}

SEC("kprobe")
int k_recv(struct pt_regs *ctx)
{
	struct socket *socket = (struct socket *)PT_REGS_PARM1(ctx);
	struct msghdr *msg = (struct msghdr *)PT_REGS_PARM2(ctx);
	__u32 flags = PT_REGS_PARM4(ctx);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	struct act *a;

	on_entry(false, socket, msg, flags, CAP_RECV, false);
	a = act_get(bpf_get_current_pid_tgid());
	if (!a)
		return 0;
	a->in_parts = 0;
	if (!a->live || a->sk != (__u64)sk || a->msg != (__u64)msg ||
	    proto_of(false, sk) != CAP_TCP || flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB))
		return 0;
	a->in_parts = 1;
	a->parts = 0;
	a->begin = a->src;
	a->begin_seq = read_end(false, sk, (struct tcp_sock *)sk);
	a->begin_left = BPF_CORE_READ(msg, msg_iter.count);
	return 0;
}

/*
 * How much this call has read by now: what its buffers took, for the socket's place is moved by
 * other threads, too. What is thrown away they do not take.
 */
static __always_inline __u32 read_so_far(struct sock *sk, struct act *a)
{
	struct msghdr *msg = (struct msghdr *)a->msg;

	if (a->flags & MSG_TRUNC)
		return read_end(false, sk, (struct tcp_sock *)sk) - a->begin_seq;
	return a->begin_left - BPF_CORE_READ(msg, msg_iter.count);
}

/* The next n bytes of a receive were read. */
static __always_inline int on_part_read(struct sock *sk, struct act *a, __u32 n)
{
	struct src s = a->begin;

	if (is_array(&s))
		s.skip += a->parts;
	else
		s.base += a->parts;
	if (a->flags & MSG_TRUNC) {
		s.kind = SRC_NONE;
		s.cause = CAP_TRUNC;
	}
	a->parts += n;
	return k_bytes(sk, CAP_RECV, n, &s);
}

SEC("kprobe")
int k_read(struct pt_regs *ctx)
{
	struct sock *sk = (struct sock *)PT_REGS_PARM1(ctx);
	struct act *a = act_get(bpf_get_current_pid_tgid());
	__s32 n;

	if (!a || !a->live || !a->in_parts || a->sk != (__u64)sk)
		return 0;
	n = read_so_far(sk, a) - a->parts;
	if (n > 0 && on_part_read(sk, a, n))
		bpf_tail_call(ctx, &k_then, 0);
	return 0;
}

SEC("kretprobe")
int kr_recv(struct pt_regs *ctx)
{
	struct act *a = act_get(bpf_get_current_pid_tgid());
	int ret = PT_REGS_RC(ctx), more;

	if (!a)
		return 0;
	a->inside = 0;
	if (!a->live)
		return 0;
	if (a->in_parts && ret > 0) {
		a->live = 0;
		ret -= a->parts;
		more = ret > 0 && on_part_read((struct sock *)a->sk, a, ret);
	} else {
		more = on_exit(false, (struct sock *)a->sk, ret, a->flags, CAP_RECV, 0);
	}
	if (more)
		bpf_tail_call(ctx, &k_then, 0);
	return 0;
}

/* Pages and splices: what the return needs is kept in the act's source. */
SEC("kprobe")
int k_page(struct pt_regs *ctx)
{
	struct socket *socket = (struct socket *)PT_REGS_PARM1(ctx);
	struct act *a = act_make(bpf_get_current_pid_tgid());

	if (!a)
		return 0;
	a->live = 1;
	a->in_parts = 0;
	a->sk = (__u64)BPF_CORE_READ(socket, sk);
	a->src.base = PT_REGS_PARM2(ctx);
	a->src.skip = PT_REGS_PARM3(ctx);
	return 0;
}

SEC("kretprobe")
int kr_page(struct pt_regs *ctx)
{
	struct act *a = act_get(bpf_get_current_pid_tgid());

	if (!a || !a->live)
		return 0;
	a->live = 0;
	if (on_page(false, (struct sock *)a->sk, a->src.base, a->src.skip, (__s64)PT_REGS_RC(ctx)))
		bpf_tail_call(ctx, &k_then, 0);
	return 0;
}

SEC("kprobe")
int k_splice(struct pt_regs *ctx)
{
	return k_page(ctx);
}

SEC("kretprobe")
int kr_splice(struct pt_regs *ctx)
{
	struct act *a = act_get(bpf_get_current_pid_tgid());

	if (!a || !a->live)
		return 0;
	a->live = 0;
	return on_splice(false, (struct sock *)a->sk, (__s64)PT_REGS_RC(ctx));
}

SEC("kprobe")
int k_ready(struct pt_regs *ctx)
{
	return on_ready(false, (struct sock *)PT_REGS_PARM1(ctx));
}

SEC("kprobe")
int k_unix_release(struct pt_regs *ctx)
{
	struct socket *socket = (struct socket *)PT_REGS_PARM1(ctx);

	return on_release(false, BPF_CORE_READ(socket, sk));
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
#endif
