// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What of io_uring this kernel has: it is asked, and where that says nothing it is tried. */
#include "../uring.h"
#include "hows.h"

#define OPS		64
#define OP_SENDMSG_ZC	48
#define OP_SEND_ZC	47
#define PROBE_SUPPORTED (1u << 0) /* IO_URING_OP_SUPPORTED */

static int open_ring(struct uring *r, unsigned int flags)
{
	struct io_uring_params p = {.flags = flags, .sq_thread_idle = 1};

	return -uring_open(r, 8, &p);
}

static int can_op(unsigned int op)
{
	size_t size = sizeof(struct io_uring_probe) + OPS * sizeof(struct io_uring_probe_op);
	struct io_uring_probe *probe = need(calloc(1, size));
	struct uring r;
	int err = open_ring(&r, 0);

	if (!err && syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_PROBE, probe, OPS) < 0)
		err = errno;
	else if (!err && (op > probe->last_op || !(probe->ops[op].flags & PROBE_SUPPORTED)))
		err = EINVAL;
	if (r.fd >= 0)
		uring_close(&r);
	free(probe);
	return err;
}

static int can_poll(void)
{
	struct uring r;
	int err = open_ring(&r, IORING_SETUP_SQPOLL);

	if (!err)
		uring_close(&r);
	return err;
}

static int can_fix(void)
{
	struct uring r;
	int err = open_ring(&r, 0);
	struct iovec v = {.iov_len = 65536};

	if (err)
		return err;
	v.iov_base = mmap(NULL, v.iov_len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &v, 1) < 0)
		err = errno;
	uring_close(&r);
	munmap(v.iov_base, v.iov_len);
	return err;
}

/* A receive of one byte that is there already, into a provided buffer. */
static int try_receive(struct uring *r, int fd, unsigned int ioprio)
{
	char buf[64];
	struct io_uring_sqe *s = uring_sqe(r);
	struct io_uring_cqe cqe;
	int err;

	s->opcode = IORING_OP_PROVIDE_BUFFERS;
	s->fd = 1;
	s->addr = (uintptr_t)buf;
	s->len = sizeof(buf);
	s->flags = IOSQE_IO_LINK;
	s = uring_sqe(r);
	s->opcode = IORING_OP_RECV;
	s->fd = fd;
	s->flags = IOSQE_BUFFER_SELECT;
	s->len = ioprio ? 0 : 1;
	s->ioprio = ioprio;
	err = uring_submit(r);
	for (int i = 0; i < 2 && err >= 0; i++) {
		err = uring_wait(r, &cqe);
		if (!err && cqe.res < 0)
			err = cqe.res;
	}
	return err < 0 ? -err : 0;
}

static int can_select(unsigned int ioprio)
{
	struct uring r;
	int err = open_ring(&r, 0), pair[2];

	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) || write(pair[1], "x", 1) != 1)
		die("socketpair");
	err = try_receive(&r, pair[0], ioprio);
	uring_close(&r);
	close(pair[0]);
	close(pair[1]);
	return err;
}

int can_give(unsigned int arg)
{
	bool zc = arg == GIVE_ZC || arg == GIVE_MSG_ZC;

	if (zc && (opt.family == AF_UNIX || opt.proto))
		return EOPNOTSUPP;
	if (zc)
		return can_op(arg == GIVE_ZC ? OP_SEND_ZC : OP_SENDMSG_ZC);
	if (arg == GIVE_SQPOLL)
		return can_poll();
	return arg == GIVE_FIXED ? can_fix() : can_op(IORING_OP_SEND);
}

int can_get(unsigned int arg)
{
	switch (arg) {
	case GET_SQPOLL: return can_poll();
	case GET_FIXED: return can_fix();
	case GET_SELECT: return can_select(0);
	case GET_MULTI: return can_select(1u << 1 /* IORING_RECV_MULTISHOT */);
	default: return can_op(IORING_OP_RECV);
	}
}
