// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* uring: both ends send and receive through io_uring, one operation at a time, without a library. */
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include "tcp.h"
#include "cases.h"

struct ring {
	int fd;
	char *mem; /* both queues: every kernel since 5.4 maps them at once */
	struct io_uring_sqe *sqes;
	struct io_uring_params p;
};

static int ring_setup(struct io_uring_params *p)
{
	memset(p, 0, sizeof(*p));
	return syscall(SYS_io_uring_setup, 8, p);
}

int prepare_uring(void)
{
	struct io_uring_params p;
	int fd = ring_setup(&p);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	fprintf(stderr, "skip: io_uring_setup: %s\n", strerror(errno));
	return 77;
}

static void ring_open(struct ring *r)
{
	size_t size;

	r->fd = ring_setup(&r->p);
	if (r->fd < 0)
		die("io_uring_setup");
	size = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe);
	if (size < r->p.sq_off.array + r->p.sq_entries * sizeof(uint32_t))
		size = r->p.sq_off.array + r->p.sq_entries * sizeof(uint32_t);
	r->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		      IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, r->p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	if (r->mem == MAP_FAILED || r->sqes == MAP_FAILED)
		die("mmap of the ring");
}

static uint32_t *at(struct ring *r, uint32_t offset)
{
	return (uint32_t *)(r->mem + offset);
}

/* One operation to its end. Returns its result: bytes, or -errno. */
static int ring_do(struct ring *r, int op, int fd, void *buf, size_t len)
{
	uint32_t tail = *at(r, r->p.sq_off.tail), slot = tail & *at(r, r->p.sq_off.ring_mask);
	uint32_t head = *at(r, r->p.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(r->mem + r->p.cq_off.cqes);
	struct io_uring_sqe *sqe = &r->sqes[slot];
	int result;

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)buf;
	sqe->len = len;
	sqe->msg_flags = op == IORING_OP_SEND ? MSG_NOSIGNAL : 0;
	at(r, r->p.sq_off.array)[slot] = slot;
	__atomic_store_n(at(r, r->p.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		die("io_uring_enter");
	while (__atomic_load_n(at(r, r->p.cq_off.tail), __ATOMIC_ACQUIRE) == head)
		;
	result = cqes[head & *at(r, r->p.cq_off.ring_mask)].res;
	__atomic_store_n(at(r, r->p.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return result;
}

static void ring_put(struct ring *r, struct end *e, size_t len)
{
	while (len) {
		int n = ring_do(r, IORING_OP_SEND, e->fd, e->buf, len);

		if (n <= 0)
			die("io_uring send");
		gave(e, n);
		len -= n;
	}
}

/* Stamps: before the first receive, after it, after the last. False at the end of the stream. */
static bool ring_get(struct ring *r, struct end *e, size_t len, uint64_t *stamp)
{
	while (len) {
		uint64_t enter = now_ns();
		int n = ring_do(r, IORING_OP_RECV, e->fd, e->buf, len);

		if (n < 0)
			die("io_uring recv");
		if (!n)
			return false;
		stamp[2] = now_ns();
		if (!stamp[1]) {
			stamp[0] = enter;
			stamp[1] = stamp[2];
		}
		took(e, n);
		len -= n;
	}
	return true;
}

void client_uring(struct end *e)
{
	struct ring r;

	ring_open(&r);
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);
		uint64_t stamp[3] = {};

		t->c_send = now_ns();
		ring_put(&r, e, opt.req);
		t->c_sent = now_ns();
		if (!ring_get(&r, e, opt.resp, stamp))
			die("the answer's end");
		t->c_enter = stamp[0];
		t->c_first = stamp[1];
		t->c_last = stamp[2];
	}
	close(r.fd);
}

void serve_uring(struct end *e)
{
	struct ring r;

	ring_open(&r);
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);
		uint64_t stamp[3] = {};

		if (!ring_get(&r, e, opt.req, stamp))
			break;
		t->s_enter = stamp[0];
		t->s_first = stamp[1];
		t->s_got = stamp[2];
		serve_sleep();
		t->s_send = now_ns();
		ring_put(&r, e, opt.resp);
		t->s_sent = now_ns();
	}
	await_eof(e);
	close(r.fd);
}
