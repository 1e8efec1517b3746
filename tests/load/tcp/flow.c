// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Streams, loads and crowds. */
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "tcp.h"
#include "cases.h"

#define PER_PORT 20000 /* connections to one server port, well under the ephemeral range */

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
	ready();
	for (int64_t i = 0; i < opt.conns; i++)
		accept_one(listeners[0]);
	pause();
}

int prepare_files(void)
{
	struct rlimit r;
	rlim_t need = opt.conns + 256;

	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur >= need)
		return 0;
	r.rlim_cur = need;
	if (r.rlim_max < need)
		r.rlim_max = need;
	if (!setrlimit(RLIMIT_NOFILE, &r))
		return 0;
	fprintf(stderr, "skip: %llu open files: %s\n", (unsigned long long)need, strerror(errno));
	return 77;
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

/* --- many: -c connections at once, one turn on each in every second, for -d seconds */
int prepare_many(void)
{
	int64_t n = (opt.conns + PER_PORT - 1) / PER_PORT;

	listen_all(n);
	return prepare_files();
}

static uint64_t *sent_ns; /* by descriptor: when its request was sent, 0: none is open */

static void many_hear(struct end *e)
{
	ssize_t n = get(e, opt.resp, 0);

	if (n <= 0 || !sent_ns[e->fd])
		return;
	series_add(CLIENT, now_ns() - sent_ns[e->fd]);
	sent_ns[e->fd] = 0;
}

static void many_drain(struct end *e, int ep, int wait_ms)
{
	struct epoll_event ev[256];
	int n;

	do {
		n = epoll_wait(ep, ev, 256, wait_ms);
		for (int i = 0; i < n; i++) {
			e->fd = ev[i].data.fd;
			many_hear(e);
		}
	} while (n == 256);
}

static void watch(int ep, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

/* One second: every connection asks once, evenly spread over 0.8 s, as far as the CPU allows. */
static void many_round(struct end *e, int ep, const int *fds, uint64_t start)
{
	for (int64_t i = 0; i < opt.conns; i++) {
		uint64_t due = start + i * 800000000 / opt.conns, now = now_ns();

		if (now < due && due - now > 2000000)
			many_drain(e, ep, (due - now) / 1000000);
		else if (i % 64 == 0)
			many_drain(e, ep, 0);
		e->fd = fds[i];
		sent_ns[e->fd] = now_ns();
		put(e, e->buf, opt.req, 0);
	}
	while (now_ns() < start + 1000000000)
		many_drain(e, ep, 1);
}

void client_many_main(void)
{
	struct end *e = end_new(-1, 0, &shared->client);
	int *fds = calloc(opt.conns, sizeof(*fds)), ep = epoll_create1(EPOLL_CLOEXEC);
	uint64_t start;

	sent_ns = calloc(opt.conns + 256, sizeof(*sent_ns));
	setup_client();
	for (int64_t i = 0; i < opt.conns; i++) {
		fds[i] = new_socket();
		dial_on(fds[i], ports[i / PER_PORT]);
		watch(ep, fds[i]);
	}
	printf("open %lld\n", (long long)opt.conns);
	fflush(stdout);
	start = now_ns();
	for (int64_t s = 0; s < opt.sec; s++)
		many_round(e, ep, fds, now_ns());
	elapsed_since(start);
	e->fd = -1;
	end_free(e);
	free(fds);
	free(sent_ns);
}

static bool is_listener(int fd)
{
	for (int i = 0; i < nlisteners; i++) {
		if (listeners[i] == fd)
			return true;
	}
	return false;
}

/* Returns how many connections ended: 0 or 1. */
static int many_serve(struct end *e, int ep)
{
	struct turn t = {};

	if (is_listener(e->fd)) {
		watch(ep, accept_one(e->fd));
		return 0;
	}
	if (!take(e, &t, opt.req)) {
		close(e->fd);
		return 1;
	}
	answer(e, &t);
	series_add(SERVER, t.s_send - t.s_got);
	return 0;
}

void server_many_main(void)
{
	struct end *e = end_new(-1, 0, &shared->server);
	struct epoll_event ev[256];
	int ep = epoll_create1(EPOLL_CLOEXEC);

	for (int i = 0; i < nlisteners; i++)
		watch(ep, listeners[i]);
	ready();
	for (int64_t ended = 0; ended < opt.conns;) {
		int n = epoll_wait(ep, ev, 256, -1);

		for (int i = 0; i < n; i++) {
			e->fd = ev[i].data.fd;
			ended += many_serve(e, ep);
		}
	}
	e->fd = -1;
	end_free(e);
}
