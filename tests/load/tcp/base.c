// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The two processes: their memory, their start, and a connection at a time (or all at once). */
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "tcp.h"
#include "process.h"

struct shared *shared;
static int ready_pipe[2], go_pipe[2];

static void *memory(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		die("mmap");
	return mem;
}

void shared_alloc(void)
{
	shared = memory(sizeof(*shared));
	shared->nturns = opt.turns * opt.conns;
	if (shared->nturns > SAMPLES)
		shared->nturns = SAMPLES;
	shared->turns = memory((shared->nturns + 1) * sizeof(*shared->turns));
	shared->conns = memory((opt.conns + 1) * sizeof(*shared->conns));
	for (int i = 0; i < NSERIES; i++) {
		shared->series[i].samples = memory(SAMPLES * sizeof(uint64_t));
		shared->series[i].min = UINT64_MAX;
	}
	if (pipe(ready_pipe) || pipe(go_pipe))
		die("pipe");
}

static __attribute__((noreturn)) void leave(int status)
{
	if (ready_pipe[1] && write(ready_pipe[1], "x", 1) < 0)
		status = 1;
	_exit(status);
}

void die(const char *what)
{
	perror(what);
	leave(1);
}

void skip(const char *why)
{
	fprintf(stderr, "skip: %s: %s\n", why, strerror(errno));
	leave(77);
}

struct turn *turn_at(unsigned int conn, uint64_t i)
{
	uint64_t at = conn * opt.turns + i;

	return &shared->turns[at < shared->nturns ? at : shared->nturns];
}

/* Several threads and both processes may add. */
void series_add(int series, uint64_t ns)
{
	struct series *s = &shared->series[series];
	uint64_t at = __atomic_fetch_add(&s->n, 1, __ATOMIC_RELAXED);
	uint64_t old;

	if (at < SAMPLES)
		s->samples[at] = ns;
	add(&s->sum, ns);
	old = __atomic_load_n(&s->min, __ATOMIC_RELAXED);
	while (ns < old && !__atomic_compare_exchange_n(&s->min, &old, ns, true, __ATOMIC_RELAXED,
							__ATOMIC_RELAXED))
		;
	old = __atomic_load_n(&s->max, __ATOMIC_RELAXED);
	while (ns > old && !__atomic_compare_exchange_n(&s->max, &old, ns, true, __ATOMIC_RELAXED,
							__ATOMIC_RELAXED))
		;
}

void ready(void)
{
	if (write(ready_pipe[1], "r", 1) != 1)
		die("ready");
}

void await_go(void)
{
	char c;

	if (read(go_pipe[0], &c, 1) != 1)
		die("go");
}

void setup_client(void)
{
	ready();
	await_go();
}

pid_t spawn(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

void await_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("a child");
}

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

/* A role's whole life. Sleeps are as exact as the kernel can make them. */
static pid_t start_role(const char *name, struct side *side, int cpu, void (*body)(void))
{
	pid_t pid = spawn();

	if (pid) {
		side->pid = pid;
		return pid;
	}
	side->pid = getpid();
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_TIMERSLACK, 1);
	signal(SIGPIPE, SIG_IGN);
	pin(cpu);
	body();
	fflush(NULL);
	_exit(0);
}

void roles_start(void)
{
	fflush(NULL);
	start_role("tcp-server", &shared->server, opt.pin_server,
		   the_case->server_main ?: server_default);
	start_role("tcp-client", &shared->client, opt.pin_client,
		   the_case->client_main ?: client_default);
	for (int i = 0; i < nlisteners; i++)
		close(listeners[i]);
}

/* Both processes say when they are set up. False: one of them gave up, or neither speaks. */
bool roles_ready(void)
{
	struct pollfd p = {.fd = ready_pipe[0], .events = POLLIN};
	char c;

	for (int i = 0; i < 2; i++) {
		if (poll(&p, 1, 60000) <= 0 || read(ready_pipe[0], &c, 1) != 1 || c != 'r')
			return false;
	}
	return true;
}

void roles_go(void)
{
	if (write(go_pipe[1], "gg", 2) != 2)
		die("go");
}

struct end *end_new(int fd, unsigned int conn, struct side *side)
{
	struct end *e = calloc(1, sizeof(*e));

	e->size = opt.req > opt.resp ? opt.req : opt.resp;
	if (e->size < 65536)
		e->size = 65536;
	e->buf = malloc(e->size);
	if (!e->buf)
		die("memory");
	memset(e->buf, 'x', e->size);
	e->fd = fd;
	e->conn = conn;
	e->side = side;
	return e;
}

void end_free(struct end *e)
{
	if (e->fd >= 0)
		close(e->fd);
	free(e->buf);
	free(e);
}

void run_thread(pthread_t *t, void *(*body)(void *), void *arg)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	errno = pthread_create(t, &attr, body, arg);
	if (errno)
		die("pthread_create");
	pthread_attr_destroy(&attr);
}

static void *client_one(void *arg)
{
	unsigned int conn = (uintptr_t)arg;
	struct end *e = end_new(dial(conn), conn, &shared->client);

	(the_case->client ?: client_rr)(e);
	end_free(e);
	return NULL;
}

static void *server_one(void *arg)
{
	struct end *e = arg;

	(the_case->serve ?: serve_rr)(e);
	end_free(e);
	return NULL;
}

/* --threads: all connections at once, a thread for each; else one after the other. */
static void each(void *(*body)(void *), void *(*arg)(unsigned int))
{
	pthread_t *t = calloc(opt.conns, sizeof(*t));

	for (unsigned int i = 0; i < opt.conns; i++) {
		void *a = arg(i);

		if (opt.threads)
			run_thread(&t[i], body, a);
		else
			body(a);
	}
	for (unsigned int i = 0; opt.threads && i < opt.conns; i++)
		pthread_join(t[i], NULL);
	free(t);
}

static void *client_arg(unsigned int conn)
{
	return (void *)(uintptr_t)conn;
}

static void *server_arg(unsigned int conn)
{
	int fd = accept_one(listeners[0]);

	return end_new(fd, conn_of(fd), &shared->server);
}

void client_default(void)
{
	setup_client();
	each(client_one, client_arg);
}

void server_default(void)
{
	ready();
	each(server_one, server_arg);
}
