/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CALLS_PROCESS_H
#define CALLS_PROCESS_H
/*
 * The cases of calls.c in which a thread, a process or its image ends or doubles inside a call.
 * Part of calls.c, which declares fn[] and child_returned before it includes this.
 */
#include <sys/wait.h>

void work_pthread_exit(void);
void work_exit(void);
pid_t work_fork(void);
void work_vfork(void);
void work_child(void);
void work_exec(uint64_t n, uint64_t done);

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Waits for a child that must have ended with status 0. */
static void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "child %d: status %#x\n", pid, status);
		exit(1);
	}
}

WORK void work_pthread_exit(void)
{
	truth_enter(&fn[PTHREAD_EXIT]);
	add(&fn[PTHREAD_EXIT].unwound, 1);
	pthread_exit(NULL);
}

static void *pthread_exit_body(void *arg)
{
	(void)arg;
	work_pthread_exit();
	return NULL;
}

WORK void work_exit(void)
{
	truth_enter(&fn[EXIT]);
	add(&fn[EXIT].ended, 1);
	_exit(0);
}

static int case_exit(const uint64_t *arg)
{
	for (uint64_t i = 0; i < arg[0]; i++) {
		pthread_t t;
		pid_t pid;

		errno = pthread_create(&t, NULL, pthread_exit_body, NULL);
		if (errno)
			die("pthread_create");
		pthread_join(t, NULL);
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid)
			work_exit();
		reap(pid);
	}
	return 0;
}

WORK pid_t work_fork(void)
{
	uint64_t start = truth_enter(&fn[FORK]);
	pid_t pid = fork();

	if (pid)
		truth_leave(&fn[FORK], start);
	else
		add(child_returned, 1);
	return pid;
}

static int case_fork(const uint64_t *arg)
{
	for (uint64_t i = 0; i < arg[0]; i++) {
		uint64_t start = now_ns();
		pid_t pid = work_fork();

		if (!pid)
			_exit(0);
		add(&fn[FORK].outer_ns, now_ns() - start);
		if (pid < 0)
			die("fork");
		reap(pid);
	}
	return 0;
}

WORK void work_child(void)
{
	uint64_t start = truth_enter(&fn[CHILD]);

	truth_leave(&fn[CHILD], start);
}

static volatile pid_t vforked;

WORK void work_vfork(void)
{
	uint64_t start = truth_enter(&fn[VFORK]);

	vforked = vfork();
	if (!vforked) {
		OUTER(&fn[CHILD], work_child());
		_exit(0);
	}
	truth_leave(&fn[VFORK], start);
}

static int case_vfork(const uint64_t *arg)
{
	for (uint64_t i = 0; i < arg[0]; i++) {
		OUTER(&fn[VFORK], work_vfork());
		if (vforked < 0)
			die("vfork");
		reap(vforked);
	}
	return 0;
}

WORK void work_exec(uint64_t n, uint64_t done)
{
	char ns[24], ds[24];
	char *const argv[] = {"calls", "exec", ns, ds, NULL};

	snprintf(ns, sizeof(ns), "%llu", (unsigned long long)n);
	snprintf(ds, sizeof(ds), "%llu", (unsigned long long)done + 1);
	execv("/proc/self/exe", argv);
	die("exec");
}

/* arg[1] is how many calls the images before this one made. */
static int case_exec(const uint64_t *arg)
{
	uint64_t done = arg[1] == UINT64_MAX ? 0 : arg[1];

	if (done < arg[0])
		work_exec(arg[0], done);
	fn[EXEC].calls = done;
	fn[EXEC].ended = done;
	return 0;
}
#endif
