// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Streams, loads and crowds. */
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include "tcp.h"
#include "cases.h"

static void elapsed_since(uint64_t start)
{
	shared->extra[ELAPSED_US] = (now_ns() - start) / 1000;
}

/* --- duplex: both ends write and read all the time, from two threads each, for -d seconds */
static void *pour(void *arg)
{
	uint64_t end = now_ns() + opt.sec * 1000000000;
	struct end *e = arg;

	while (now_ns() < end)
		put(e, e->buf, opt.req, 0);
	shutdown(e->fd, SHUT_WR);
	return NULL;
}

void both_duplex(struct end *e)
{
	struct end *reader = end_new(dup(e->fd), e->conn, e->side);
	pthread_t t;

	run_thread(&t, pour, e);
	await_eof(reader);
	pthread_join(t, NULL);
	end_free(reader);
}

/* --- oneway: --size REQ bytes up, or RESP bytes down, and nothing back */
static void bulk(struct end *e, size_t len)
{
	while (len) {
		size_t n = len < 65536 ? len : 65536;

		put(e, e->buf, n, 0);
		len -= n;
	}
	shutdown(e->fd, SHUT_WR);
}

void client_oneway(struct end *e)
{
	uint64_t start = now_ns();

	bulk(e, opt.req);
	await_eof(e);
	elapsed_since(start);
}

void serve_oneway(struct end *e)
{
	await_eof(e);
}

void serve_oneway_down(struct end *e)
{
	bulk(e, opt.resp);
	await_eof(e);
}

void client_oneway_down(struct end *e)
{
	uint64_t start = now_ns();

	await_eof(e);
	elapsed_since(start);
}

/* --- threads: one thread writes, another reads the same socket */
struct pair {
	struct end *e;
	sem_t next;
};

static void *reader(void *arg)
{
	struct pair *p = arg;
	struct end *e = end_new(dup(p->e->fd), p->e->conn, p->e->side);

	shared->extra[READER_TID] = syscall(SYS_gettid);
	for (int64_t i = 0; i < opt.turns; i++) {
		hear(e, turn_at(e->conn, i), opt.resp);
		sem_post(&p->next);
	}
	end_free(e);
	return NULL;
}

void client_threads(struct end *e)
{
	struct pair p = {.e = e};
	pthread_t t;

	sem_init(&p.next, 0, 0);
	shared->extra[WRITER_TID] = syscall(SYS_gettid);
	run_thread(&t, reader, &p);
	for (int64_t i = 0; i < opt.turns; i++) {
		ask(e, turn_at(e->conn, i));
		while (sem_wait(&p.next))
			;
	}
	pthread_join(t, NULL);
}

/* --- blocked: -n threads in recv() that nobody answers, until the signal (or -d) */
static void *block(void *arg)
{
	struct end *e = end_new(dial((uintptr_t)arg), (uintptr_t)arg, &shared->client);

	add(&shared->extra[BLOCKED], 1);
	await_eof(e);
	end_free(e);
	return NULL;
}

void client_blocked_main(void)
{
	pthread_t t;

	setup_client();
	for (int64_t i = 0; i < opt.conns; i++)
		run_thread(&t, block, (void *)(uintptr_t)i);
	while (__atomic_load_n(&shared->extra[BLOCKED], __ATOMIC_RELAXED) < (uint64_t)opt.conns)
		sleep_ns(1000000);
	sleep_ns(10000000); /* the last one's way from the count into recv() */
	printf("blocked %lld\n", (long long)opt.conns);
	fflush(stdout);
	sleep_ns(opt.sec * 1000000000);
}

void server_blocked_main(void)
{
	int fd = -1;

	ready();
	for (int64_t i = 0; i < opt.conns; i++)
		fd = accept_one(listeners[0]);
	await_in(fd, POLLIN); /* the client's end */
}

/* --- saturate: -c pairs of threads, as fast as they can, for -d seconds */
static void *saturate_client(void *arg)
{
	unsigned int conn = (uintptr_t)arg;
	struct end *e = end_new(dial(conn), conn, &shared->client);
	uint64_t end = now_ns() + opt.sec * 1000000000;
	struct turn t = {};

	while (t.c_last < end) {
		memset(&t, 0, sizeof(t));
		ask(e, &t);
		hear(e, &t, opt.resp);
		series_add(CLIENT, t.c_first - t.c_send);
	}
	end_free(e);
	return NULL;
}

static void *saturate_server(void *arg)
{
	struct end *e = arg;

	for (;;) {
		struct turn t = {};

		if (!take(e, &t, opt.req))
			break;
		answer(e, &t);
		series_add(SERVER, t.s_send - t.s_got);
	}
	end_free(e);
	return NULL;
}

void client_saturate_main(void)
{
	pthread_t *t = calloc(opt.conns, sizeof(*t));
	uint64_t start;

	setup_client();
	start = now_ns();
	for (int64_t i = 0; i < opt.conns; i++)
		run_thread(&t[i], saturate_client, (void *)(uintptr_t)i);
	for (int64_t i = 0; i < opt.conns; i++)
		pthread_join(t[i], NULL);
	elapsed_since(start);
	free(t);
}

void server_saturate_main(void)
{
	pthread_t *t = calloc(opt.conns, sizeof(*t));

	ready();
	for (int64_t i = 0; i < opt.conns; i++) {
		int fd = accept_one(listeners[0]);

		run_thread(&t[i], saturate_server, end_new(fd, conn_of(fd), &shared->server));
	}
	for (int64_t i = 0; i < opt.conns; i++)
		pthread_join(t[i], NULL);
	free(t);
}
