/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_HOOKS_BPF_H
#define CAPTURE_HOOKS_BPF_H
/*
 * The hooks. All of them are at the socket, not at system calls: it needs no table of descriptors,
 * sees connections that are older than the tool, and any way into the socket.
 *
 *   tracepoint  sock_send_length, sock_recv_length: the end of each call. The bytes are found by
 *               the thread's saved registers, which say what call it is and where its buffers
 *               are. From 6.16 tcp_sendmsg_locked shows what is sent by other ways (io_uring,
 *               sendfile).
 *   fentry      the protocols' sendmsg and recvmsg: the iterator is saved where they begin, and
 *               what it points to read where they end, when it is known how many bytes it was.
 *               Before 6.5 pages are sent one by one by sendpage.
 *   kprobe      the same, where there are no trampolines. What TCP receives is taken as it is
 *               read, for a return probe has room for few calls at a time, and those that wait
 *               for data take it
 *
 * Where times are asked for, sk_data_ready (6.3) or tcp_data_ready tell when bytes have come.
 *
 * A program that is preempted in the middle runs for no other task of its CPU until it goes on.
 * Kernels differ in whether tracepoints and trampolines may be preempted. Where they may, a second
 * program stands behind each that takes bytes, and does what the first one did not.
 */
#include "capture_calls.bpf.h"

static __noinline int tp_bytes(struct sock *sk, __u32 dir, __u32 len, struct src *s)
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

/* --- tracepoints */

enum sys {
	SYS_BUF, /* (fd, buffer, ...) */
	SYS_IOV, /* (fd, array, n, ...) */
	SYS_MSG, /* (fd, msghdr, ...) */
	SYS_MMSG, /* (fd, array of mmsghdr, n, ...) */
	SYS_SENDFILE,
	SYS_IO_URING,
	SYS_OTHER,
};

#if defined(__TARGET_ARCH_x86)
#define SYS_ARG(regs, n) ((n) == 1 ? (regs)->si : (regs)->dx)
/* While a call goes on the result's register holds -ENOSYS: afterwards io_uring may do its work. */
#define SYS_UNDER_WAY(regs) ((regs)->ax == -38UL)

static __always_inline enum sys sys_of(struct pt_regs *regs)
{
	switch (regs->orig_ax) {
	case 0: /* read, write */
	case 1:
	case 44: /* sendto, recvfrom */
	case 45: return SYS_BUF;
	case 19: /* readv, writev, preadv2, pwritev2 */
	case 20:
	case 327:
	case 328: return SYS_IOV;
	case 46: /* sendmsg, recvmsg */
	case 47: return SYS_MSG;
	case 307: /* sendmmsg, recvmmsg */
	case 299: return SYS_MMSG;
	case 40: /* sendfile, splice */
	case 275: return SYS_SENDFILE;
	case 425 ... 427: return SYS_IO_URING;
	default: return SYS_OTHER;
	}
}
/* TS_COMPAT: a 32-bit call, whose numbers are others. */
#define SYS_COMPAT(task) ((task)->thread_info.status & 2)

#elif defined(__TARGET_ARCH_arm64)
#define SYS_ARG(regs, n)    ((regs)->user_regs.regs[n])
/*
 * The result takes the place of the first argument, which is kept beside: where the two differ, the
 * call is over. (A result that is the number of the call's file passes.) syscallno is -1 where the
 * thread did not come by a call: what io_uring does then is not of the number in a register.
 */
#define SYS_UNDER_WAY(regs) sys_under_way((const struct pt_regs___call *)(regs))

struct pt_regs___call {
	__u64 orig_x0;
	__s32 syscallno;
} __attribute__((preserve_access_index));

static __always_inline bool sys_under_way(const struct pt_regs___call *regs)
{
	return regs->syscallno != -1 &&
	       ((const struct pt_regs *)regs)->user_regs.regs[0] == regs->orig_x0;
}

static __always_inline enum sys sys_of(struct pt_regs *regs)
{
	switch (regs->user_regs.regs[8]) {
	case 63:
	case 64:
	case 206:
	case 207: return SYS_BUF;
	case 65:
	case 66:
	case 286:
	case 287: return SYS_IOV;
	case 211:
	case 212: return SYS_MSG;
	case 243:
	case 269: return SYS_MMSG;
	case 71:
	case 76: return SYS_SENDFILE;
	case 425 ... 427: return SYS_IO_URING;
	default: return SYS_OTHER;
	}
}
/* TIF_32BIT */
#define SYS_COMPAT(task)    ((task)->thread_info.flags & 1 << 22)
#endif

/* The beginnings of user space's struct msghdr and mmsghdr: ABI. */
struct user_msghdr {
	__u64 name, namelen, iov, iovlen;
};
#define MMSG_SIZE 64
#define MMSG_LEN  56

/*
 * sendmmsg() and recvmmsg() pass the tracepoint once for each message. Which is it? The one behind
 * the last, if this is the same call: then the kernel has written the last one's length.
 */
static __always_inline __u64 mmsg_next(__u64 array, __u32 vlen, __s64 ret)
{
	struct act *a = act_make(bpf_get_current_pid_tgid());
	__u32 len = 0, at;

	if (!a)
		return 0;
	at = a->mmsg_at;
	if (a->mmsg != array || !at || at >= vlen ||
	    bpf_probe_read_user(&len, sizeof(len),
				(void *)(array + (at - 1) * MMSG_SIZE + MMSG_LEN)) ||
	    len != (__u32)a->mmsg_ret)
		at = 0;
	a->mmsg = array;
	a->mmsg_at = at + 1;
	a->mmsg_ret = ret;
	return array + at * MMSG_SIZE;
}

static __always_inline void src_of_msg(__u64 msg, struct src *s)
{
	struct user_msghdr m;

	if (bpf_probe_read_user(&m, sizeof(m), (void *)msg)) {
		s->cause = CAP_FAULT;
		return;
	}
	s->kind = SRC_USER_IOV;
	s->iov = m.iov;
	s->segs = m.iovlen;
}

static __always_inline void src_of_syscall(struct sock *sk, __s64 ret, struct src *s)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct socket *socket = sk->sk_socket;
	enum sys sys;

	s->cause = CAP_CALL;
	/* A socket of the kernel's own (a network file system's): the call is another file's. */
	if (!socket || !socket->file)
		return;
	if (task->flags & (PF_IO_WORKER | PF_KTHREAD)) {
		s->cause = task->flags & PF_IO_WORKER ? CAP_IO_URING : CAP_CALL;
		return;
	}
	if (SYS_COMPAT(task)) {
		s->cause = CAP_COMPAT;
		return;
	}
	sys = SYS_UNDER_WAY(regs) ? sys_of(regs) : SYS_IO_URING;
	switch (sys) {
	case SYS_BUF:
		s->kind = SRC_USER;
		s->base = SYS_ARG(regs, 1);
		break;
	case SYS_IOV:
		s->kind = SRC_USER_IOV;
		s->iov = SYS_ARG(regs, 1);
		s->segs = SYS_ARG(regs, 2);
		break;
	case SYS_MSG: src_of_msg(SYS_ARG(regs, 1), s); break;
	case SYS_MMSG: src_of_msg(mmsg_next(SYS_ARG(regs, 1), SYS_ARG(regs, 2), ret), s); break;
	case SYS_SENDFILE: s->cause = CAP_SENDFILE; break;
	case SYS_IO_URING: s->cause = CAP_IO_URING; break;
	default: break;
	}
}

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

/* The user half sets it to 1 when it takes the second programs off. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} once SEC(".maps");

static __always_inline bool is_alone(void)
{
	__u32 zero = 0, *v = bpf_map_lookup_elem(&once, &zero);

	return v && *v;
}

/*
 * How often this thread was given a CPU: in between none of its calls misses a program that another
 * of them did not.
 */
static __always_inline __u64 turns_of_thread(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return 1 + task->nvcsw + task->nivcsw;
}

/*
 * Second programs: has the first one seen this call? It leaves the end of its bytes; and since
 * another thread may move that end before the second looks, its turn, which the second takes away.
 */
static __always_inline bool seen(struct sock *sk, __u32 dir, const bool again)
{
	struct tcp_sock *tp;
	struct act *a;
	__u64 turn;
	__u32 end;
	bool same;

	if (!config.twice)
		return false;
	if (is_alone())
		return again;
	tp = tcp_of(true, sk);
	a = act_make(bpf_get_current_pid_tgid());
	if (!a)
		return again;
	if (!tp) {
		/* No numbers to tell calls apart by: the first program leaves a mark. */
		same = again && a->done == (__u64)sk;
		a->done = again ? 0 : (__u64)sk;
		return same;
	}
	end = dir == CAP_SEND ? written_end(true, sk, tp) : read_end(true, sk, tp);
	turn = turns_of_thread();
	same = again && a->done == (__u64)sk && (a->done_seq == end || a->done_turn == turn);
	a->done = (__u64)sk;
	a->done_seq = end;
	a->done_turn = again ? 0 : turn;
	return same;
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

SEC("fentry/tcp_data_ready")
int f_ready(__u64 *ctx)
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

/* --- the protocols' functions */

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
	return direct ? tp_bytes(sk, dir, ret, &s) : k_bytes(sk, dir, ret, &s);
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
	return direct ? tp_bytes(sk, CAP_SEND, ret, &s) : k_bytes(sk, CAP_SEND, ret, &s);
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

/* --- kprobes: one pair of programs for all functions */

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

/*
 * Where are pages? x86-64 has variables for it where it places them at random, else one of two
 * fixed layouts. Whatever is found is tried on this task's stack: is the same there as where the
 * stack is mapped? Runs once, at the start; 1: it is.
 */
static __always_inline bool pages_are_at(__u64 pages, __u64 map)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	__u64 page = (__u64)BPF_CORE_READ(t, stack_vm_area, pages), size;
	__u64 stack = (__u64)BPF_CORE_READ(t, stack), here[4] = {}, there[4] = {};

	size = bpf_core_type_size(struct page);
	if (!size || bpf_probe_read_kernel(&page, sizeof(page), (void *)page) ||
	    bpf_probe_read_kernel(here, sizeof(here), (void *)stack) ||
	    bpf_probe_read_kernel(there, sizeof(there),
				  (void *)(map + (page - pages) / size * 4096)))
		return false;
	/* The lowest word of a stack is a mark that the kernel holds against overflows. */
	return here[0] && here[0] == there[0] && here[1] == there[1] && here[2] == there[2] &&
	       here[3] == there[3];
}

static __always_inline int set_pages(__u64 pages, __u64 map)
{
	if (!pages_are_at(pages, map))
		return 0;
	vmemmap_at = pages;
	direct_map_at = map;
	return 1;
}

SEC("syscall")
int find_pages(void *ctx)
{
#if defined(__TARGET_ARCH_x86)
	static const char pages_name[] = "vmemmap_base", map_name[] = "page_offset_base";
	__u64 at = 0, pages = 0, map = 0;

	if (!bpf_kallsyms_lookup_name(map_name, sizeof(map_name), 0, &at) &&
	    !bpf_probe_read_kernel(&map, sizeof(map), (void *)at) &&
	    !bpf_kallsyms_lookup_name(pages_name, sizeof(pages_name), 0, &at) &&
	    !bpf_probe_read_kernel(&pages, sizeof(pages), (void *)at))
		return set_pages(pages, map);
	/* Documentation/arch/x86/x86_64/mm.rst: four and five levels of page tables */
	return set_pages(0xffffea0000000000ULL, 0xffff888000000000ULL) ||
	       set_pages(0xffd4000000000000ULL, 0xff11000000000000ULL);
#else
	return 0;
#endif
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

/* What an empty program costs to run and to be measured: taken off what hooks are said to cost. */
SEC("tp_btf/inet_sock_set_state")
int nothing(__u64 *ctx)
{
	return 0;
}
#endif
