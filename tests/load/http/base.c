// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Ends of the program, memory, processes. */
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "http.h"

struct shared *shared;
struct conn *conns;

void die(const char *what)
{
	fprintf(stderr, "http: %s: %s\n", what, strerror(errno));
	_exit(1);
}

void wrong(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "http: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	_exit(1);
}

void skip(const char *what)
{
	fprintf(stderr, "skip: %s: %s\n", what, strerror(errno));
	_exit(77);
}

void *memory(size_t size)
{
	static char *at;
	static size_t left;
	void *p;

	size = (size + 63) & ~(size_t)63;
	if (left < size) {
		left = size > (1u << 20) ? size : 1u << 20;
		at = mmap(NULL, left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			die("mmap");
	}
	p = at;
	at += size;
	left -= size;
	return p;
}

void *need(void *p)
{
	if (!p)
		die("memory");
	return p;
}

void sleep_ms(unsigned int ms)
{
	sleep_ns((uint64_t)ms * 1000000);
}

pid_t tid(void)
{
	return syscall(SYS_gettid);
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

	while (waitpid(pid, &status, 0) != pid) {
		if (errno != EINTR)
			die("waitpid");
	}
	if (WIFSIGNALED(status))
		wrong("a child died of signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status))
		_exit(WEXITSTATUS(status)); /* it said why */
}
