/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef LOAD_H
#define LOAD_H
/*
 * What the workloads share: the truth about a function's calls, and the start line that lets a
 * tracer attach first. C and C++ alike.
 *
 * A function's truth has two clocks. sum_ns, min_ns and max_ns are read inside the function (first
 * and last statement), outer_ns around the call: a tracer whose probes sit at the entry and at the
 * return must report a sum between sum_ns and outer_ns.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/*
 * Keeps a function whole, with its own symbol: no inlining, no clones, no inter-procedural
 * guesses.
 */
#ifdef __clang__
#define WORK __attribute__((noinline, used))
#else
#define WORK __attribute__((noipa, used))
#endif

/* calls = returned + unwound + running + ended. */
struct truth {
	const char *name;
	uint64_t calls;
	uint64_t returned;
	uint64_t unwound; /* left without a return, the thread lives on (or unwinds to its end) */
	uint64_t running; /* still inside when the line is printed */
	uint64_t ended; /* the process or its image ended inside the call */
	uint64_t min_ns, max_ns, sum_ns, outer_ns; /* of the returned ones */
};

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + ts.tv_nsec;
}

static inline void add(uint64_t *v, uint64_t n)
{
	__atomic_fetch_add(v, n, __ATOMIC_RELAXED);
}

/* First statement of a timed function: counts the call and returns its start. */
static inline uint64_t truth_enter(struct truth *t)
{
	add(&t->calls, 1);
	return now_ns();
}

/* Last statement of a timed function that returns. */
static inline void truth_leave(struct truth *t, uint64_t start)
{
	uint64_t ns = now_ns() - start, old;

	add(&t->returned, 1);
	add(&t->sum_ns, ns);
	old = __atomic_load_n(&t->min_ns, __ATOMIC_RELAXED);
	while ((!old || ns < old) &&
	       !__atomic_compare_exchange_n(&t->min_ns, &old, ns, true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
	old = __atomic_load_n(&t->max_ns, __ATOMIC_RELAXED);
	while (ns > old && !__atomic_compare_exchange_n(&t->max_ns, &old, ns, true,
							__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* Times a whole call from outside. */
#define OUTER(t, call)                                                                             \
	do {                                                                                       \
		uint64_t outer_start = now_ns();                                                   \
                                                                                                   \
		call;                                                                              \
		add(&(t)->outer_ns, now_ns() - outer_start);                                       \
	} while (0)

/* n truths in memory that forked children share. Never freed: it lives as long as the program. */
static inline struct truth *truth_alloc(const char *const *names, size_t n)
{
	void *mem = mmap(NULL, n * sizeof(struct truth), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct truth *t = (struct truth *)mem;

	if (mem == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	for (size_t i = 0; i < n; i++)
		t[i].name = names[i];
	return t;
}

/* "NAME":{...}; no comma, no newline. */
static inline void truth_json(const struct truth *t)
{
	printf("\"%s\":{\"calls\":%llu,\"returned\":%llu,\"unwound\":%llu,\"running\":%llu,"
	       "\"ended\":%llu,\"min_ns\":%llu,\"max_ns\":%llu,\"sum_ns\":%llu,\"outer_ns\":%llu}",
	       t->name, (unsigned long long)t->calls, (unsigned long long)t->returned,
	       (unsigned long long)t->unwound, (unsigned long long)t->running,
	       (unsigned long long)t->ended, (unsigned long long)t->min_ns,
	       (unsigned long long)t->max_ns, (unsigned long long)t->sum_ns,
	       (unsigned long long)t->outer_ns);
}

/*
 * "functions":{...} of those that were called. Returns the exit status: 1 when a function's calls
 * are not accounted for, which is a broken bench.
 */
static inline int truth_functions(const struct truth *t, size_t n)
{
	const char *comma = "";
	int status = 0;

	printf("\"functions\":{");
	for (size_t i = 0; i < n; i++) {
		if (!t[i].calls)
			continue;
		printf("%s", comma);
		truth_json(&t[i]);
		comma = ",";
		if (t[i].calls != t[i].returned + t[i].unwound + t[i].running + t[i].ended) {
			fprintf(stderr, "%s: calls do not add up\n", t[i].name);
			status = 1;
		}
	}
	printf("}");
	return status;
}

/*
 * -w: prints "pid PID" and waits for a line on stdin or for SIGUSR1. The end of stdin alone does
 * not start anything: a shell gives a background job /dev/null.
 */
static inline void wait_start(void)
{
	struct pollfd p[2];
	char line[256];
	ssize_t n;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p[0].fd = signalfd(-1, &set, SFD_CLOEXEC);
	p[0].events = POLLIN;
	p[1].fd = STDIN_FILENO;
	p[1].events = POLLIN;
	printf("pid %d\n", getpid());
	fflush(stdout);
	for (;;) {
		p[0].revents = p[1].revents = 0;
		if (poll(p, 2, -1) < 0 && errno != EINTR) {
			perror("poll");
			exit(1);
		}
		if (p[0].revents)
			break;
		if (!p[1].revents)
			continue;
		n = read(STDIN_FILENO, line, sizeof(line));
		if (n > 0)
			break;
		p[1].fd = -1;
	}
	close(p[0].fd);
}

/* A decimal number within [min, max], or a message and exit status 2. */
static inline uint64_t number(const char *what, const char *s, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || v < min || v > max) {
		fprintf(stderr, "%s: \"%s\" is not a number from %llu to %llu\n", what, s,
			(unsigned long long)min, (unsigned long long)max);
		exit(2);
	}
	return v;
}

static inline void sleep_ns(uint64_t ns)
{
	struct timespec ts;

	ts.tv_sec = ns / 1000000000u;
	ts.tv_nsec = ns % 1000000000u;
	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}
#endif
