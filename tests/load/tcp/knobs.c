// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What a socket option or a flag does to when bytes leave and when they are given out. */
#include <netinet/tcp.h>
#include "tcp.h"
#include "cases.h"

#define PIECES 5

/* The answer in pieces, 1 ms apart. */
void serve_pieces(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		if (!take(e, t, opt.req))
			return;
		serve_sleep();
		answer_pieces(e, t, PIECES, 1);
	}
	await_eof(e);
}

/*
 * recv() copies the first piece when it comes and returns when all are there: the process cannot
 * see the first byte's instant. The server's stamp after its first send() stands for it, which is
 * a wake-up too early.
 */
void client_waitall(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask(e, t);
		t->c_enter = now_ns();
		if (get(e, opt.resp, MSG_WAITALL) != opt.resp)
			die("MSG_WAITALL");
		t->c_last = now_ns();
		t->c_first = t->s_sent;
	}
}

/* SO_RCVLOWAT: readable only when the whole answer is there. */
void client_lowat(struct end *e)
{
	set_int(e->fd, SOL_SOCKET, SO_RCVLOWAT, opt.resp);
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask(e, t);
		await_in(e->fd, POLLIN);
		hear(e, t, opt.resp);
	}
}

/* Nagle holds the second half until the first is acknowledged, which takes 40 ms or so. */
void client_nagle(struct end *e)
{
	size_t half = opt.req / 2;

	set_int(e->fd, IPPROTO_TCP, TCP_NODELAY, 0);
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask_len(e, t, half, 0);
		ask_len(e, t, opt.req - half, 0);
		hear(e, t, opt.resp);
	}
}

void serve_nagle(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		set_int(e->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
		if (!take(e, t, opt.req))
			return;
		serve_sleep();
		answer(e, t);
	}
	await_eof(e);
}

/* The first half waits 2 ms under the cork: the turn begins with it, and wait has it too. */
void client_cork(struct end *e)
{
	size_t half = opt.req / 2;

	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		set_int(e->fd, IPPROTO_TCP, TCP_CORK, 1);
		ask_len(e, t, half, 0);
		sleep_ns(2000000);
		ask_len(e, t, opt.req - half, 0);
		set_int(e->fd, IPPROTO_TCP, TCP_CORK, 0);
		hear(e, t, opt.resp);
	}
}

static void toggle_quickack(struct end *e)
{
	for (int k = 0; k < 10; k++)
		set_int(e->fd, IPPROTO_TCP, TCP_QUICKACK, k % 2 == 0);
}

void client_quickack(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		toggle_quickack(e);
		ask(e, t);
		toggle_quickack(e);
		await_in(e->fd, POLLIN);
		toggle_quickack(e);
		hear(e, t, opt.resp);
		toggle_quickack(e);
	}
}
