/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_SYS_BPF_H
#define CAPTURE_SYS_BPF_H
/*
 * Tracepoints are not given the bytes: by the thread's saved registers they are told what call it
 * is, and where its buffers are.
 */
#include "capture_calls.bpf.h"

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
#endif
