// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Who walks: a connection after the other, all in turn, a thread for each; two servers for one. */
#include <sys/prctl.h>
#include "http.h"

#define ODD_NAME "a\"b\\\n\x1b[7m\xff\xc3(" /* a comm that hurts those who print it */

static void run_thread(pthread_t *t, void *(*body)(void *), void *arg)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	errno = pthread_create(t, &attr, body, arg);
	if (errno)
		die("pthread_create");
	pthread_attr_destroy(&attr);
}

void odd_name(void)
{
	prctl(PR_SET_NAME, ODD_NAME);
}

static void introduce(int side)
{
	if (opt.odd_comm)
		odd_name();
	else
		prctl(PR_SET_NAME, side == CLIENT ? "http-client" : "http-server");
	shared->pid[side] = getpid();
	shared->tid[side] = tid();
	prctl(PR_GET_NAME, shared->comm[side]);
}

static void *walk_all(void *arg)
{
	struct end *e = arg;

	if (!(the_case->flags & TOGETHER))
		walk(e, false, -1);
	else if (e->side == CLIENT)
		together_client(e);
	else
		together_server(e);
	finish(e);
	end_free(e);
	return NULL;
}

static bool threaded(void)
{
	return opt.threads || (the_case->flags & THREADS);
}

static bool gated(void)
{
	for (unsigned int i = 0; i < conns[0].nsteps; i++) {
		if (conns[0].steps[i].kind == STEP_GATE)
			return true;
	}
	return false;
}

static bool all_open(void)
{
	return gated() || threaded() || (the_case->flags & ALL);
}

unsigned int gate_crowd(void)
{
	if (!gated())
		return 0;
	return opt.conns + (threaded() ? opt.conns : 1);
}

/* --- the client */
static void client_all(void)
{
	struct end **ends = need(calloc(opt.conns, sizeof(*ends)));
	pthread_t *t = need(calloc(opt.conns, sizeof(*t)));

	for (int64_t i = 0; i < opt.conns; i++) {
		ends[i] = end_new(&conns[i], CLIENT);
		dial(ends[i]);
		if (gated())
			walk(ends[i], true, -1);
	}
	sleep_ms(opt.hold_ms);
	for (int64_t i = 0; i < opt.conns; i++) {
		if (threaded())
			run_thread(&t[i], walk_all, ends[i]);
		else
			walk_all(ends[i]);
	}
	for (int64_t i = 0; threaded() && i < opt.conns; i++)
		pthread_join(t[i], NULL);
	free(t);
	free(ends);
}

void client_main(void)
{
	introduce(CLIENT);
	if (all_open()) {
		client_all();
		return;
	}
	for (int64_t i = 0; i < opt.conns; i++) {
		struct end *e = end_new(&conns[i], CLIENT);

		dial(e);
		walk_all(e);
	}
}

/* --- the server */
static struct end *accepted(struct conn *c)
{
	struct end *e = end_new(c, SERVER);

	e->fd = accept_for(c);
	return e;
}

static void server_all(void)
{
	pthread_t *t = need(calloc(opt.conns, sizeof(*t)));

	for (int64_t i = 0; i < opt.conns; i++)
		run_thread(&t[i], walk_all, accepted(&conns[i]));
	for (int64_t i = 0; i < opt.conns; i++)
		pthread_join(t[i], NULL);
	free(t);
}

/* The partner's half of a connection: its odd turns. */
static void *walk_odd(void *arg)
{
	struct end *e = arg;

	walk(e, false, 1);
	close(e->fd);
	end_free(e);
	return NULL;
}

static struct end *twin(struct conn *c, int fd)
{
	struct end *e = end_new(c, SERVER);

	e->fd = fd;
	return e;
}

/* A process that was there before, and is handed each connection. */
static pid_t helper_start(int *over)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	pid = spawn();
	if (pid) {
		close(pair[1]);
		*over = pair[0];
		return pid;
	}
	close(pair[0]);
	for (int64_t i = 0; i < opt.conns; i++)
		walk_odd(twin(&conns[i], take_fd(pair[1])));
	_exit(0);
}

static void serve_with_partner(struct conn *c, int over)
{
	struct end *e = accepted(c);
	pthread_t t = 0;
	pid_t pid = 0;

	switch (the_case->partner) {
	case FORKED:
		pid = spawn();
		if (!pid) {
			walk_odd(e);
			_exit(0);
		}
		break;
	case PASSED: pass_fd(over, e->fd); break;
	default: /* a dup in another thread, or the same descriptor there */
		run_thread(&t, walk_odd, twin(c, dup(e->fd)));
		break;
	}
	walk(e, false, 0);
	if (t)
		pthread_join(t, NULL);
	if (pid)
		await_child(pid);
	finish(e);
	end_free(e);
}

void server_main(void)
{
	pid_t helper = 0;
	int over = -1;

	introduce(SERVER);
	if (all_open()) {
		server_all();
		return;
	}
	if (the_case->partner == PASSED)
		helper = helper_start(&over);
	for (int64_t i = 0; i < opt.conns; i++) {
		if (the_case->partner == ALONE)
			walk_all(accepted(&conns[i]));
		else
			serve_with_partner(&conns[i], over);
	}
	if (helper)
		await_child(helper);
}
