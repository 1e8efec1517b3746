// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* uring: both ends send and receive through io_uring, one operation at a time, without a library. */
#include "../uring.h"
#include "tcp.h"
#include "cases.h"

/* -errno where there is none. */
static int ring_open(struct uring *r)
{
	struct io_uring_params p = {};

	return uring_open(r, 8, &p);
}

int prepare_uring(void)
{
	struct uring r;
	int err = ring_open(&r);

	if (err) {
		fprintf(stderr, "skip: io_uring_setup: %s\n", strerror(-err));
		return 77;
	}
	uring_close(&r);
	return 0;
}

static void ring_new(struct uring *r)
{
	int err = ring_open(r);

	if (err) {
		errno = -err;
		die("io_uring_setup");
	}
}

/* One operation to its end. Returns its result: bytes, or -errno. */
static int ring_do(struct uring *r, int op, int fd, void *buf, size_t len)
{
	struct io_uring_sqe *sqe = uring_sqe(r);
	struct io_uring_cqe cqe;

	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)buf;
	sqe->len = len;
	sqe->msg_flags = op == IORING_OP_SEND ? MSG_NOSIGNAL : 0;
	if (uring_submit(r) < 0 || uring_wait(r, &cqe) < 0)
		die("io_uring_enter");
	return cqe.res;
}

static void ring_put(struct uring *r, struct end *e, size_t len)
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
static bool ring_get(struct uring *r, struct end *e, size_t len, uint64_t *stamp)
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
	struct uring r;

	ring_new(&r);
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
	uring_close(&r);
}

void serve_uring(struct end *e)
{
	struct uring r;

	ring_new(&r);
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
	uring_close(&r);
}
