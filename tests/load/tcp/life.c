// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* How connections begin and end. */
#include <netinet/tcp.h>
#include <pthread.h>
#include "tcp.h"
#include "cases.h"

/* The connection is there before the program says that it is ready. */
void client_old_main(void)
{
	struct end *e = end_new(dial(0), 0, &shared->client);

	setup_client();
	client_rr(e);
	end_free(e);
}

void server_old_main(void)
{
	int fd = accept_one(listeners[0]);
	struct end *e = end_new(fd, 0, &shared->server);

	ready();
	serve_rr(e);
	end_free(e);
}

/*
 * One turn for each of -n connections, by -c clients at a time. The server closes first: the
 * TIME_WAITs are on its side, where they hold no port of a client's.
 */
static void *short_client(void *arg)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn t = {};
		int fd = new_socket();
		struct end e = {fd, 0, &shared->client, arg, 65536};

		dial_on(fd, ports[0]);
		ask(&e, &t);
		hear(&e, &t, opt.resp);
		series_add(CLIENT, t.c_first - t.c_send);
		series_add(LAST, t.c_last - t.c_send);
		await_eof(&e);
		close(fd);
	}
	return NULL;
}

static void *short_server(void *arg)
{
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn t = {};
		int fd = accept_one(listeners[0]);
		struct end e = {fd, 0, &shared->server, arg, 65536};

		if (take(&e, &t, opt.req)) {
			serve_sleep();
			answer(&e, &t);
			series_add(SERVER, t.s_send - t.s_got);
		}
		close(fd);
	}
	return NULL;
}

static void workers(void *(*body)(void *))
{
	pthread_t *t = calloc(opt.conns, sizeof(*t));
	char **buf = calloc(opt.conns, sizeof(*buf));

	for (int64_t i = 0; i < opt.conns; i++) {
		buf[i] = calloc(1, 65536);
		run_thread(&t[i], body, buf[i]);
	}
	for (int64_t i = 0; i < opt.conns; i++) {
		pthread_join(t[i], NULL);
		free(buf[i]);
	}
	free(buf);
	free(t);
}

void client_short_main(void)
{
	uint64_t start;

	setup_client();
	start = now_ns();
	workers(short_client);
	shared->extra[ELAPSED_US] = (now_ns() - start) / 1000;
}

void server_short_main(void)
{
	ready();
	workers(short_server);
}

/* Nobody listens: the port was free a moment ago and is kept from others by being bound. */
void client_refused_main(void)
{
	int kept = new_socket();

	bind_port(kept, 0);
	setup_client();
	for (int64_t i = 0; i < opt.turns; i++) {
		struct sockaddr_storage sa;
		socklen_t len = address(&sa, port_of(kept, false));
		int fd = new_socket();

		if (!connect(fd, (struct sockaddr *)&sa, len) || errno != ECONNREFUSED)
			die("a connect that should be refused");
		add(&shared->extra[REFUSED], 1);
		close(fd);
	}
	close(kept);
}

void server_none_main(void)
{
	ready();
}

/* The request is read, and answered with a reset. */
void serve_rst(struct end *e)
{
	const struct linger now = {.l_onoff = 1};

	if (!take(e, turn_at(e->conn, 0), opt.req))
		return;
	serve_sleep();
	setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void client_rst(struct end *e)
{
	ask(e, turn_at(e->conn, 0));
	await_eof(e);
}

void serve_halfclose(struct end *e)
{
	struct turn *t = turn_at(e->conn, 0);

	if (!take(e, t, opt.req))
		return;
	await_eof(e);
	serve_sleep();
	answer(e, t);
}

void client_halfclose(struct end *e)
{
	struct turn *t = turn_at(e->conn, 0);

	ask(e, t);
	shutdown(e->fd, SHUT_WR);
	hear(e, t, opt.resp);
	await_eof(e);
}

/* The client leaves after the first byte of the answer, which resets the connection. */
void client_unread(struct end *e)
{
	struct turn *t = turn_at(e->conn, 0);

	ask(e, t);
	await_in(e->fd, POLLIN);
	t->c_enter = now_ns();
	if (get(e, 1, 0) != 1)
		die("the first byte");
	t->c_first = t->c_last = now_ns();
}

/* The same four numbers again and again: the server closes first and keeps the TIME_WAIT. */
void client_reuse_main(void)
{
	uint16_t port = 0;

	setup_client();
	for (int64_t i = 0; i < opt.conns; i++) {
		int fd = new_socket();
		struct end *e = end_new(fd, i, &shared->client);

		bind_port(fd, port);
		port = port_of(fd, false);
		shared->conns[0].port = port;
		dial_on(fd, ports[0]);
		client_rr(e);
		await_eof(e);
		end_free(e);
	}
}

/* As serve_rr, but the server closes. Connections are numbered as they come. */
void server_first_main(void)
{
	ready();
	for (int64_t i = 0; i < opt.conns; i++) {
		struct end *e = end_new(accept_one(listeners[0]), i, &shared->server);

		for (int64_t k = 0; k < opt.turns; k++) {
			struct turn *t = turn_at(i, k);

			if (!take(e, t, opt.req))
				break;
			serve_sleep();
			answer(e, t);
		}
		end_free(e);
	}
}

/* connect(AF_UNSPEC) resets, then the same socket connects again. */
void client_reconnect_main(void)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct end *e = end_new(new_socket(), 0, &shared->client);

	setup_client();
	for (int64_t i = 0; i < opt.conns; i++) {
		dial_on(e->fd, ports[0]);
		shared->conns[i].port = port_of(e->fd, false);
		e->conn = i;
		client_rr(e);
		if (connect(e->fd, &none, sizeof(none)))
			die("connect(AF_UNSPEC)");
	}
	end_free(e);
}

/* Accepted here, served by a child. */
void server_passed_main(void)
{
	struct end *e;
	pid_t pid;

	ready();
	e = end_new(accept_one(listeners[0]), 0, &shared->server);
	pid = spawn();
	if (!pid) {
		shared->extra[SERVED_PID] = getpid();
		serve_rr(e);
		_exit(0);
	}
	end_free(e);
	await_child(pid);
}

static void accept_rest(void)
{
	for (int64_t i = 0; i < opt.conns; i++) {
		struct end *e = end_new(accept_one(listeners[0]), i, &shared->server);

		serve_rr(e);
		end_free(e);
	}
}

/* Connections by their order, as a client that uses one socket again leaves only one port. */
void server_counted_main(void)
{
	ready();
	accept_rest();
}

/* Established and with a request in it, 50 ms before anyone accepts. */
void server_waiting_main(void)
{
	ready();
	await_in(listeners[0], POLLIN);
	sleep_ns(50000000);
	accept_rest();
}

/* The connection is not accepted before its first byte, which is sent 5 ms late. */
void server_deferaccept_main(void)
{
	set_int(listeners[0], IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
	ready();
	accept_rest();
}

void client_deferaccept(struct end *e)
{
	sleep_ns(5000000);
	client_rr(e);
}

/* A socket that is connected to itself reads its own requests: no process answers. */
void client_selfconnect_main(void)
{
	int fd = new_socket();
	struct end *e;

	bind_port(fd, 0);
	shared->conns[0].port = port_of(fd, false);
	setup_client();
	dial_on(fd, shared->conns[0].port);
	e = end_new(fd, 0, &shared->client);
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(0, i);

		ask(e, t);
		hear(e, t, opt.resp);
	}
	end_free(e);
}

int prepare_selfconnect(void)
{
	opt.resp = opt.req;
	return 0;
}
