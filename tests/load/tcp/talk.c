// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requests and answers, with their stamps. */
#include "tcp.h"

void gave(struct end *e, ssize_t n)
{
	add(&e->side->sends, 1);
	add(&e->side->bytes_sent, n);
}

void took(struct end *e, ssize_t n)
{
	add(&e->side->recvs, 1);
	add(&e->side->bytes_received, n);
}

void put(struct end *e, const void *data, size_t len, int flags)
{
	while (len) {
		ssize_t n = send(e->fd, data, len, flags | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			add(&e->side->eagain, 1);
			await_in(e->fd, POLLOUT);
			continue;
		}
		if (n < 0)
			die("send");
		gave(e, n);
		data = (const char *)data + n;
		len -= n;
	}
}

ssize_t get(struct end *e, size_t len, int flags)
{
	ssize_t n = recv(e->fd, e->buf, len < e->size ? len : e->size, flags);

	if (n < 0 && errno == EAGAIN) {
		add(&e->side->eagain, 1);
		return -EAGAIN;
	}
	if (n < 0 && errno == ECONNRESET) {
		add(&e->side->resets, 1);
		return 0;
	}
	if (n < 0)
		die("recv");
	if (flags & MSG_PEEK)
		add(&e->side->peeks, 1);
	else if (n)
		took(e, n);
	else if (len)
		add(&e->side->eofs, 1);
	return n;
}

void await_in(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	while (poll(&p, 1, -1) < 0) {
		if (errno != EINTR)
			die("poll");
	}
}

void ask_len(struct end *e, struct turn *t, size_t len, int flags)
{
	uint64_t before = now_ns();

	put(e, e->buf, len, flags);
	if (!t->c_send) {
		t->c_sent = now_ns();
		t->c_send = before;
	}
}

void ask(struct end *e, struct turn *t)
{
	ask_len(e, t, opt.req, 0);
}

void hear(struct end *e, struct turn *t, size_t chunk)
{
	size_t left = opt.resp;

	while (left) {
		uint64_t enter = now_ns();
		ssize_t n = get(e, chunk < left ? chunk : left, 0);

		if (n == -EAGAIN) {
			await_in(e->fd, POLLIN);
			continue;
		}
		if (n <= 0) {
			fprintf(stderr, "client: the stream ended inside an answer\n");
			_exit(1);
		}
		t->c_last = now_ns();
		if (!t->c_first) {
			t->c_enter = enter;
			t->c_first = t->c_last;
		}
		left -= n;
	}
}

bool take(struct end *e, struct turn *t, size_t chunk)
{
	size_t left = opt.req;

	while (left) {
		uint64_t enter = now_ns();
		ssize_t n = get(e, chunk < left ? chunk : left, 0);

		if (n <= 0)
			return false;
		t->s_got = now_ns();
		if (!t->s_first) {
			t->s_enter = enter;
			t->s_first = t->s_got;
		}
		left -= n;
	}
	return true;
}

void serve_sleep(void)
{
	if (opt.service_ms)
		sleep_ns(opt.service_ms * 1000000);
}

void slow_sleep(void)
{
	if (opt.slow_ms)
		sleep_ns(opt.slow_ms * 1000000);
}

void answer_pieces(struct end *e, struct turn *t, int pieces, int gap_ms)
{
	size_t left = opt.resp, piece = (left + pieces - 1) / pieces;

	t->s_send = now_ns();
	while (left) {
		size_t len = left < piece ? left : piece;

		if (left != (size_t)opt.resp && gap_ms)
			sleep_ns(gap_ms * 1000000);
		put(e, e->buf, len, 0);
		if (!t->s_sent)
			t->s_sent = now_ns();
		left -= len;
	}
}

void answer(struct end *e, struct turn *t)
{
	answer_pieces(e, t, 1, 0);
}

void await_eof(struct end *e)
{
	while (get(e, e->size, 0) > 0)
		;
}

void serve_rr(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		if (!take(e, t, opt.req))
			return;
		serve_sleep();
		answer(e, t);
	}
	await_eof(e);
}

void client_rr(struct end *e)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask(e, t);
		hear(e, t, opt.resp);
	}
}
