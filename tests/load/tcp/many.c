// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * many: -c connections at once, one turn on each in every second, for -d seconds. A process of
 * each role for every PER_PROCESS connections: a process may not open as many files as it likes,
 * and a port of the server has no more clients than there are ephemeral ports.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include "tcp.h"
#include "cases.h"

#define PER_PROCESS 15000 /* 200,000, the most that -c takes, are less than LISTENERS of them */

static uint64_t *sent_ns; /* by descriptor: when its request was sent, 0: none is open */

static int raise_files(rlim_t need)
{
	struct rlimit r;

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

int prepare_files(void)
{
	return raise_files(opt.conns + 256);
}

int prepare_many(void)
{
	int64_t n = (opt.conns + PER_PROCESS - 1) / PER_PROCESS;

	listen_all(n);
	return raise_files((n > 1 ? PER_PROCESS : opt.conns) + 256);
}

static int64_t share(int worker)
{
	int64_t left = opt.conns - (int64_t)worker * PER_PROCESS;

	return left < PER_PROCESS ? left : PER_PROCESS;
}

/* The first share is this process's own. */
static void crowd(void (*body)(int worker))
{
	pid_t pids[LISTENERS];

	for (int i = 1; i < nlisteners; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			body(i);
			_exit(0);
		}
	}
	body(0);
	for (int i = 1; i < nlisteners; i++)
		await_child(pids[i]);
}

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
static void many_round(struct end *e, int ep, const int *fds, int64_t n)
{
	uint64_t start = now_ns();

	for (int64_t i = 0; i < n; i++) {
		uint64_t due = start + i * 800000000 / n, now = now_ns();

		if (now < due && due - now > 2000000)
			many_drain(e, ep, (due - now) / 1000000);
		else if (i % 64 == 0)
			many_drain(e, ep, 0);
		e->fd = fds[i];
		sent_ns[e->fd] = now_ns();
		put(e, e->buf, opt.req, 0);
	}
	do
		many_drain(e, ep, 1);
	while (now_ns() < start + 1000000000);
}

/* Until all the processes have theirs: then as many are open as was asked for. */
static void await_all(int64_t n)
{
	uint64_t *open = &shared->extra[OPEN];

	if (__atomic_add_fetch(open, n, __ATOMIC_RELAXED) == (uint64_t)opt.conns) {
		printf("open %lld\n", (long long)opt.conns);
		fflush(stdout);
	}
	while (__atomic_load_n(open, __ATOMIC_RELAXED) < (uint64_t)opt.conns)
		sleep_ns(1000000);
}

/* An answer may be late: the last ones are waited for, but not for ever. */
static void await_answers(struct end *e, int ep, const int *fds, int64_t n)
{
	uint64_t end = now_ns() + 10000000000;

	for (int64_t i = 0; i < n && now_ns() < end; i++) {
		while (sent_ns[fds[i]] && now_ns() < end)
			many_drain(e, ep, 10);
	}
}

static void many_client(int worker)
{
	struct end *e = end_new(-1, 0, &shared->client);
	int64_t n = share(worker);
	int *fds = calloc(n, sizeof(*fds)), ep = epoll_create1(EPOLL_CLOEXEC);
	uint64_t start;

	sent_ns = calloc(n + 256, sizeof(*sent_ns));
	for (int64_t i = 0; i < n; i++) {
		fds[i] = new_socket();
		dial_on(fds[i], ports[worker]);
		watch(ep, fds[i]);
	}
	await_all(n);
	start = now_ns();
	for (int64_t s = 0; s < opt.sec; s++)
		many_round(e, ep, fds, n);
	await_answers(e, ep, fds, n);
	shared->extra[ELAPSED_US] = (now_ns() - start) / 1000;
	e->fd = -1;
	end_free(e);
	free(fds);
	free(sent_ns);
}

void client_many_main(void)
{
	setup_client();
	crowd(many_client);
}

/* Returns how many connections ended: 0 or 1. */
static int many_serve(struct end *e, int ep, int listener)
{
	struct turn t = {};

	if (e->fd == listener) {
		watch(ep, accept_one(listener));
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

static void many_server(int worker)
{
	struct end *e = end_new(-1, 0, &shared->server);
	struct epoll_event ev[256];
	int ep = epoll_create1(EPOLL_CLOEXEC);

	watch(ep, listeners[worker]);
	for (int64_t left = share(worker); left > 0;) {
		int n = epoll_wait(ep, ev, 256, -1);

		for (int i = 0; i < n; i++) {
			e->fd = ev[i].data.fd;
			left -= many_serve(e, ep, listeners[worker]);
		}
	}
	e->fd = -1;
	end_free(e);
}

void server_many_main(void)
{
	ready();
	crowd(many_server);
}
