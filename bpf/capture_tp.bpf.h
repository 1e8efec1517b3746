/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_TP_BPF_H
#define CAPTURE_TP_BPF_H
/*
 * The backend of tracepoints.
 */
#include "capture_sys.bpf.h"
#include "capture_twice.bpf.h"

/*
 * What is sent by another way than a plain call, seen where its parts are about to be copied: the
 * first time the iterator is whole. It is the same call if the iterator has lost just what the
 * stream gained since: no other can begin like that. A call that failed and is made again, as one
 * that was put off by EAGAIN, begins where it began: where nothing is lost or gained, the iterator
 * is as good as the one before, and its array may be elsewhere on the stack.
 */
static __always_inline int on_part(struct sock *sk, struct msghdr *msg)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs;
	struct tcp_sock *tp;
	__u32 left, seq;
	struct act *a;

	if (!ports_pass(true, sk))
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (!(task->flags & PF_IO_WORKER) && SYS_UNDER_WAY(regs) && sys_of(regs) < SYS_SENDFILE)
		return 0;
	if (proto_of(true, sk) != CAP_TCP || !passes(true, sk, CAP_TCP))
		return 0;
	tp = tcp_of(true, sk);
	a = tp ? act_make(bpf_get_current_pid_tgid()) : NULL;
	if (!a)
		return 0;
	left = msg->msg_iter.count;
	seq = tp->write_seq;
	if (a->live && a->sk == (__u64)sk && left != a->begin_left &&
	    seq - a->begin_seq == a->begin_left - left)
		return 0;
	a->live = 1;
	a->sk = (__u64)sk;
	a->begin_seq = seq;
	a->begin_left = left;
	src_of_iter(true, &msg->msg_iter, &a->src);
	return 0;
}

/* What on_part() found, if that was this call. */
static __noinline void src_of_parts(struct sock *sk, __u32 len, struct src *s)
{
	struct act *a = act_get(bpf_get_current_pid_tgid());
	struct tcp_sock *tp = tcp_of(true, sk);
	__u8 cause = s->cause;
	__u32 take = s->take;

	if (!a || !tp || !a->live || a->sk != (__u64)sk)
		return;
	a->live = 0;
	if (written_end(true, sk, tp) - a->begin_seq != len)
		return;
	*s = a->src;
	s->take = take; /* this program's, whichever filled it in */
	if (s->kind == SRC_NONE)
		s->cause = cause;
}

SEC("tp_btf/tcp_sendmsg_locked")
int tp_part(__u64 *ctx)
{
	return on_part((struct sock *)ctx[0], (struct msghdr *)ctx[1]);
}

static __always_inline int on_sent(__u64 *ctx, const bool again)
{
	struct sock *sk = (void *)ctx[0];
	struct src s = {.take = again};
	int ret = ctx[1], proto;

	if (ret <= 0)
		return 0;
	proto = proto_of(true, sk);
	if (proto < 0 || !passes(true, sk, proto) || seen(sk, CAP_SEND, again))
		return 0;
	src_of_syscall(sk, ret, &s);
	if (s.kind == SRC_NONE && proto == CAP_TCP)
		src_of_parts(sk, ret, &s);
	return on_bytes(true, sk, proto, CAP_SEND, ret, &s);
}

SEC("tp_btf/sock_send_length")
int tp_sent(__u64 *ctx)
{
	return on_sent(ctx, false);
}

SEC("tp_btf/sock_send_length")
int tp_sent_again(__u64 *ctx)
{
	return on_sent(ctx, true);
}

static __always_inline int on_received(__u64 *ctx, const bool again)
{
	struct sock *sk = (void *)ctx[0];
	struct src s = {.take = 2 + again};
	int ret = ctx[1], flags = ctx[2], proto;

	if (ret < 0 || flags & (MSG_ERRQUEUE | MSG_OOB))
		return 0;
	proto = proto_of(true, sk);
	if (proto < 0 || !passes(true, sk, proto))
		return 0;
	if (flags & MSG_PEEK) {
		count(CAP_N_PEEKS, !again);
		return 0;
	}
	if (!ret)
		return on_eof(true, sk, proto);
	if (seen(sk, CAP_RECV, again))
		return 0;
	src_of_syscall(sk, ret, &s);
	if (flags & MSG_TRUNC && proto != CAP_UNIX) {
		s.kind = SRC_NONE;
		s.cause = CAP_TRUNC;
	}
	return on_bytes(true, sk, proto, CAP_RECV, ret, &s);
}

SEC("tp_btf/sock_recv_length")
int tp_received(__u64 *ctx)
{
	return on_received(ctx, false);
}

SEC("tp_btf/sock_recv_length")
int tp_received_again(__u64 *ctx)
{
	return on_received(ctx, true);
}

SEC("tp_btf/inet_sock_set_state")
int tp_state(__u64 *ctx)
{
	return on_state(true, (struct sock *)ctx[0], ctx[1], ctx[2]);
}

SEC("tp_btf/tcp_destroy_sock")
int tp_destroy(__u64 *ctx)
{
	return on_destroy(true, (struct sock *)ctx[0]);
}

SEC("tp_btf/sk_data_ready")
int tp_ready(__u64 *ctx)
{
	return on_ready(true, (struct sock *)ctx[0]);
}

/* What these two do is done once. */
SEC("tp_btf/inet_sock_set_state")
int tp_state_again(__u64 *ctx)
{
	return on_state(true, (struct sock *)ctx[0], ctx[1], ctx[2]);
}

SEC("tp_btf/tcp_destroy_sock")
int tp_destroy_again(__u64 *ctx)
{
	return on_destroy(true, (struct sock *)ctx[0]);
}
#endif
