// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Ways to write and to read one request and its answer. */
#include <sys/epoll.h>
#include <fcntl.h>
#include "tcp.h"
#include "cases.h"

#define PIPELINED 10
#define PIECES	  5

/* Five recv()s before there is an answer, then epoll_wait(). */
void client_epoll(struct end *e)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(EPOLL_CLOEXEC);

	fcntl(e->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, e->fd, &ev))
		die("epoll_ctl");
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask(e, t);
		for (int k = 0; k < 5; k++) {
			if (get(e, opt.resp, 0) != -EAGAIN)
				die("the answer came before the fifth recv(): more --service");
		}
		if (epoll_wait(ep, &ev, 1, -1) != 1)
			die("epoll_wait");
		hear(e, t, opt.resp);
	}
	close(ep);
}

void serve_slow(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		await_in(e->fd, POLLIN);
		slow_sleep();
		if (!take(e, t, opt.req))
			return;
		serve_sleep();
		answer(e, t);
	}
	await_eof(e);
}

void client_slow(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask(e, t);
		await_in(e->fd, POLLIN);
		slow_sleep();
		hear(e, t, opt.resp);
	}
}

void client_twosends(struct end *e)
{
	size_t half = opt.req / 2;

	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask_len(e, t, half, 0);
		sleep_ns(1000000);
		ask_len(e, t, opt.req - half, 0);
		hear(e, t, opt.resp);
	}
}

void client_partial(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask(e, t);
		hear(e, t, (opt.resp + PIECES - 1) / PIECES);
	}
}

/* The buffer is set on the listener or before the connection, so that the window is small. */
void client_smallbuf_main(void)
{
	struct end *e;
	int fd;

	setup_client();
	fd = new_socket();
	set_int(fd, SOL_SOCKET, SO_RCVBUF, 65536);
	bind_port(fd, 0);
	shared->conns[0].port = port_of(fd, false);
	dial_on(fd, ports[0]);
	e = end_new(fd, 0, &shared->client);
	client_rr(e);
	end_free(e);
}

void serve_bytewise(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		if (!take(e, t, 1))
			return;
		serve_sleep();
		answer(e, t);
	}
	await_eof(e);
}

void client_bytewise(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask(e, t);
		hear(e, t, 1);
	}
}

static void peek(struct end *e)
{
	for (int k = 0; k < 5; k++) {
		if (get(e, e->size, MSG_PEEK) <= 0)
			return;
	}
}

void serve_peek(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		peek(e);
		if (!take(e, t, opt.req))
			return;
		serve_sleep();
		answer(e, t);
	}
	await_eof(e);
}

void client_peek(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask(e, t);
		peek(e);
		hear(e, t, opt.resp);
	}
}

/* MSG_TRUNC on TCP reads and throws away. */
void client_trunc(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);
		ssize_t left = opt.resp;

		ask(e, t);
		while (left) {
			uint64_t enter = now_ns();
			ssize_t n = get(e, left, MSG_TRUNC);

			if (n <= 0)
				die("MSG_TRUNC");
			t->c_last = now_ns();
			if (!t->c_first) {
				t->c_enter = enter;
				t->c_first = t->c_last;
			}
			left -= n;
		}
	}
}

/* The request's last byte is urgent, and read apart. The server's turn begins at the byte before. */
void client_oob(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask_len(e, t, opt.req, MSG_OOB);
		hear(e, t, opt.resp);
	}
}

void serve_oob(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);
		ssize_t n, left = opt.req - 1;
		char c;

		while (left) {
			t->s_enter = t->s_enter ?: now_ns();
			n = get(e, left, 0);
			if (n <= 0)
				return;
			t->s_got = now_ns();
			t->s_first = t->s_first ?: t->s_got;
			left -= n;
		}
		await_in(e->fd, POLLPRI);
		if (recv(e->fd, &c, 1, MSG_OOB) != 1)
			die("MSG_OOB");
		add(&shared->extra[OOB], 1);
		serve_sleep();
		answer(e, t);
	}
	await_eof(e);
}

/* An empty send(), and a recv() of no bytes once there is an answer (before that it would wait). */
void client_zerosend(struct end *e)
{
	char c;

	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		if (send(e->fd, "", 0, 0))
			die("empty send");
		ask(e, t);
		await_in(e->fd, POLLIN);
		if (recv(e->fd, &c, 0, 0))
			die("empty recv");
		hear(e, t, opt.resp);
		add(&e->side->zeros, 2);
	}
}

int prepare_pipeline(void)
{
	opt.turns *= PIPELINED;
	return 0;
}

/* Ten requests, then ten answers. A client's turn is a batch, a server's a request. */
void client_pipeline(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i += PIPELINED) {
		struct turn answers, *first = turn_at(e->conn, i);

		for (int k = 0; k < PIPELINED; k++)
			ask(e, turn_at(e->conn, i + k));
		add(&shared->extra[REQUESTS], PIPELINED);
		hear(e, first, opt.resp);
		for (int k = 1; k < PIPELINED; k++) {
			memset(&answers, 0, sizeof(answers));
			hear(e, &answers, opt.resp);
			first->c_last = answers.c_last;
		}
	}
}

/* The server speaks first, then is asked. */
void serve_banner(struct end *e)
{
	put(e, e->buf, opt.resp, 0);
	add(&shared->extra[BANNERS], 1);
	serve_rr(e);
}

void client_banner(struct end *e)
{
	struct turn banner = {};

	hear(e, &banner, opt.resp);
	client_rr(e);
}

/* A turn, a second of nothing, a turn. */
void client_idle(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		if (i)
			sleep_ns(1000000000);
		ask(e, t);
		hear(e, t, opt.resp);
	}
}
