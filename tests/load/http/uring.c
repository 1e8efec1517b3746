// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Sending and receiving by io_uring, in its forms. A ring belongs to one end of a connection. */
#include "../uring.h"
#include "hows.h"

/* Of later kernels than the headers may be. */
#define OP_SEND_ZC	 47
#define OP_SENDMSG_ZC	 48
#define RECV_MULTI	 (1u << 1) /* IORING_RECV_MULTISHOT */
#define CQE_MORE	 (1u << 1)
#define CQE_NOTICE	 (1u << 3)
#define CQE_BUFFER_SHIFT 16
#define FIXED_SIZE	 65536
#define SELECTED	 16 /* buffers that the kernel selects from ... */
#define SELECTED_SIZE	 4096 /* ... and their size */
#define LINKED_MAX	 16384
#define MAX_IOV		 300
#define FIXED_FD(r)	 ((r)->u.p.flags & IORING_SETUP_SQPOLL)

struct ring {
	struct uring u;
	char *fixed; /* registered */
	char *selected;
	bool armed; /* a multishot receive is under way */
	struct iovec v[MAX_IOV];
	struct msghdr m;
};

static int ring_new(struct ring *r, bool poll, int fd)
{
	struct io_uring_params p = {};
	int err;

	if (poll) {
		p.flags = IORING_SETUP_SQPOLL;
		p.sq_thread_idle = 5; /* ms */
	}
	err = uring_open(&r->u, 64, &p);
	if (err || !poll)
		return err;
	/* Before 5.11 such a ring took no other files. */
	if (syscall(SYS_io_uring_register, r->u.fd, IORING_REGISTER_FILES, &fd, 1) < 0)
		return -errno;
	return 0;
}

static int fix_buffer(struct ring *r)
{
	struct iovec v = {.iov_len = FIXED_SIZE};

	r->fixed = mmap(NULL, FIXED_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (r->fixed == MAP_FAILED)
		die("mmap");
	v.iov_base = r->fixed;
	if (syscall(SYS_io_uring_register, r->u.fd, IORING_REGISTER_BUFFERS, &v, 1) < 0)
		return -errno;
	return 0;
}

/* The end's ring: 0 of its sends, 1 of its receives. */
static struct ring *ring_of(struct end *e, int which)
{
	bool poll = which ? e->recv->arg == GET_SQPOLL : e->send->arg == GIVE_SQPOLL;
	bool fixed = which ? e->recv->arg == GET_FIXED : e->send->arg == GIVE_FIXED;
	struct ring *r = e->ring[which];
	int err;

	if (r)
		return r;
	r = e->ring[which] = need(calloc(1, sizeof(*r)));
	err = ring_new(r, poll, e->fd);
	if (!err && fixed)
		err = fix_buffer(r);
	if (err) {
		errno = -err;
		die("io_uring");
	}
	return r;
}

void ring_free(struct ring *r)
{
	uring_close(&r->u);
	if (r->fixed)
		munmap(r->fixed, FIXED_SIZE);
	free(r->selected);
	free(r);
}

static struct io_uring_sqe *prepare(struct end *e, struct ring *r, int op, const void *addr,
				    size_t len)
{
	struct io_uring_sqe *s = uring_sqe(&r->u);

	s->opcode = op;
	s->fd = FIXED_FD(r) ? 0 : e->fd;
	s->flags = FIXED_FD(r) ? IOSQE_FIXED_FILE : 0;
	s->addr = (uintptr_t)addr;
	s->len = len;
	return s;
}

static void submit(struct ring *r)
{
	int err = uring_submit(&r->u);

	if (err < 0) {
		errno = -err;
		die("io_uring_enter");
	}
}

static void completion(struct ring *r, struct io_uring_cqe *cqe)
{
	int err = uring_wait(&r->u, cqe);

	if (err < 0) {
		errno = -err;
		die("io_uring_enter");
	}
}

/* As a system call returns it. */
static ssize_t result(int res)
{
	if (res >= 0)
		return res;
	errno = -res;
	return -1;
}

/* What was prepared, to its end; a zero-copy send also says when it needs the bytes no more. */
static ssize_t complete(struct ring *r)
{
	struct io_uring_cqe cqe, notice;

	submit(r);
	completion(r, &cqe);
	if (cqe.flags & CQE_MORE)
		completion(r, &notice);
	return result(cqe.res);
}

static unsigned int cut(struct ring *r, unsigned int count, char *p, size_t n)
{
	size_t each = n / count + 1, len;

	for (unsigned int i = 0; i < count; i++) {
		len = i == count - 1 || n < each ? n : each;
		if (count > 3 && i % 7 == 0 && i < count - 1)
			len = 0;
		r->v[i] = (struct iovec){p, len};
		p += len;
		n -= len;
	}
	r->m = (struct msghdr){.msg_iov = r->v, .msg_iovlen = count};
	return count;
}

/*
 * Three sends in a chain. What one leaves undone ends it and the rest is cancelled, but not in old
 * kernels: no more than any socket takes at once.
 */
static ssize_t linked(struct end *e, struct ring *r, const char *p, size_t n)
{
	struct io_uring_cqe cqe;
	ssize_t sum = 0, first_error = 0;
	size_t third = n / 3;

	for (int i = 0; i < 3; i++) {
		size_t len = i == 2 ? n - 2 * third : third;
		struct io_uring_sqe *s = prepare(e, r, IORING_OP_SEND, p + i * third, len);

		s->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
		s->flags |= i < 2 ? IOSQE_IO_LINK : 0;
	}
	submit(r);
	for (int i = 0; i < 3; i++) {
		completion(r, &cqe);
		if (cqe.res > 0)
			sum += cqe.res;
		else if (cqe.res < 0 && !first_error)
			first_error = cqe.res;
	}
	return sum ? sum : result(first_error);
}

ssize_t uring_give(struct end *e, const char *p, size_t n)
{
	struct ring *r = ring_of(e, 0);
	struct io_uring_sqe *s = NULL;

	switch (e->send->arg) {
	case GIVE_LINKED:
		if (n >= 3 && n <= LINKED_MAX)
			return linked(e, r, p, n);
		break;
	case GIVE_WRITE:
		s = prepare(e, r, IORING_OP_WRITE, p, n);
		s->off = -1;
		return complete(r);
	case GIVE_WRITEV:
		s = prepare(e, r, IORING_OP_WRITEV, r->v, cut(r, 3, (char *)p, n));
		s->off = -1;
		return complete(r);
	case GIVE_FIXED:
		n = n < FIXED_SIZE ? n : FIXED_SIZE;
		memcpy(r->fixed, p, n);
		prepare(e, r, IORING_OP_WRITE_FIXED, r->fixed, n);
		return complete(r);
	case GIVE_SENDMSG:
	case GIVE_SENDMSG300:
	case GIVE_MSG_ZC:
		cut(r, e->send->arg == GIVE_SENDMSG300 ? 300 : 3, (char *)p, n);
		s = prepare(e, r, e->send->arg == GIVE_MSG_ZC ? OP_SENDMSG_ZC : IORING_OP_SENDMSG,
			    &r->m, 1);
		break;
	case GIVE_ZC: s = prepare(e, r, OP_SEND_ZC, p, n); break;
	}
	s = s ?: prepare(e, r, IORING_OP_SEND, p, n);
	s->msg_flags = MSG_NOSIGNAL;
	s->flags |= e->send->arg == GIVE_ASYNC ? IOSQE_ASYNC : 0;
	return complete(r);
}

/* Gives the kernel count buffers to select from, from the one with number first on. */
static void provide(struct ring *r, unsigned int first, unsigned int count)
{
	struct io_uring_sqe *s = uring_sqe(&r->u);

	s->opcode = IORING_OP_PROVIDE_BUFFERS;
	s->fd = count;
	s->addr = (uintptr_t)(r->selected + first * SELECTED_SIZE);
	s->len = SELECTED_SIZE;
	s->off = first;
	s->flags = count == 1 ? 0 : IOSQE_IO_LINK; /* the receive comes after it */
	s->user_data = 1;
}

static void arm(struct end *e, struct ring *r)
{
	bool first = !r->selected;
	struct io_uring_sqe *s;

	if (first) {
		r->selected = need(malloc(SELECTED * SELECTED_SIZE));
		provide(r, 0, SELECTED);
	}
	s = prepare(e, r, IORING_OP_RECV, NULL, 0);
	s->flags |= IOSQE_BUFFER_SELECT;
	if (e->recv->arg == GET_MULTI)
		s->ioprio = RECV_MULTI;
	else
		s->len = SELECTED_SIZE;
	submit(r);
	r->armed = true;
}

static ssize_t get_selected(struct end *e, struct ring *r)
{
	struct io_uring_cqe cqe;
	unsigned int id;

	for (;;) {
		if (!r->armed)
			arm(e, r);
		completion(r, &cqe);
		if (cqe.user_data) {
			if (cqe.res < 0)
				return result(cqe.res);
			continue;
		}
		if (!(cqe.flags & CQE_MORE))
			r->armed = false;
		if (cqe.res != -ENOBUFS)
			break;
	}
	if (cqe.res <= 0)
		return result(cqe.res);
	id = cqe.flags >> CQE_BUFFER_SHIFT;
	memcpy(e->buf, r->selected + id * SELECTED_SIZE, cqe.res);
	provide(r, id, 1);
	submit(r);
	return cqe.res;
}

ssize_t uring_get(struct end *e, size_t want)
{
	struct ring *r = ring_of(e, 1);
	struct io_uring_sqe *s;
	size_t size = e->size < FIXED_SIZE ? e->size : FIXED_SIZE;
	ssize_t n;

	(void)want;
	switch (e->recv->arg) {
	case GET_SELECT:
	case GET_MULTI: return get_selected(e, r);
	case GET_READ:
		s = prepare(e, r, IORING_OP_READ, e->buf, e->size);
		s->off = -1;
		return complete(r);
	case GET_READV:
		s = prepare(e, r, IORING_OP_READV, r->v, cut(r, 3, e->buf, e->size));
		s->off = -1;
		return complete(r);
	case GET_RECVMSG:
		cut(r, 3, e->buf, e->size);
		prepare(e, r, IORING_OP_RECVMSG, &r->m, 1);
		return complete(r);
	case GET_FIXED:
		prepare(e, r, IORING_OP_READ_FIXED, r->fixed, size);
		n = complete(r);
		if (n > 0)
			memcpy(e->buf, r->fixed, n);
		return n;
	default:
		s = prepare(e, r, IORING_OP_RECV, e->buf, e->size);
		s->flags |= e->recv->arg == GET_ASYNC ? IOSQE_ASYNC : 0;
		return complete(r);
	}
}
