// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * calls: C functions that are called in every way that confuses a tracer, and the truth about them.
 *
 *	calls [-w] [-k] CASE [ARG...]
 *		-w	print "pid PID", then wait for a line on stdin or for SIGUSR1
 *		-k	stay after the JSON line, until killed: what became of a call can be seen
 *			while its
 *			process lives
 *
 *	spin US N	work_spin: N calls that burn US microseconds
 *	sleep MS N	work_sleep: N calls that sleep MS milliseconds
 *	recurse D N	work_recurse: N times D calls deep (D may exceed 64, the limit of
 *			uretprobes)
 *	longjmp N	work_longjmp: N calls; every second one leaves by longjmp, the last too if
 *			N is even
 *	threads T N	work_thread: T threads of N calls each
 *	signal N	work_signal: N calls, each interrupted by a signal handler that calls it
 *			again; every
 *			second one on an alternate stack
 *	coro N		work_coro: two coroutines of N calls each, both inside the function at once
 *	tail N		work_tail: N calls that end in a jump to work_tail_target
 *	hold S [T]	work_hold: T threads (1) sit in it for S seconds; prints "inside" once all
 *			are in
 *	exit [N]	work_pthread_exit: N threads (10) end inside; work_exit: N processes end
 *			inside
 *	fork N		work_fork: N calls that fork; both sides return
 *	vfork N		work_vfork: N calls whose vfork child calls work_child, on the same stack
 *	exec N		work_exec: N calls that each exec this program again, in one pid
 *
 * Prints one JSON line: the case, the pid, and each function's truth (load.h). The cases that play
 * with the stack are in calls_stack.h, those of processes in calls_process.h.
 */
#include <pthread.h>
#include "load.h"

enum {
	SPIN,
	SLEEP,
	RECURSE,
	LONGJMP,
	THREAD,
	SIGNAL,
	CORO,
	TAIL,
	TAIL_TARGET,
	HOLD,
	PTHREAD_EXIT,
	EXIT,
	FORK,
	VFORK,
	CHILD,
	EXEC,
	NFN,
};
static const char *const fn_names[NFN] = {
	[SPIN] = "work_spin",
	[SLEEP] = "work_sleep",
	[RECURSE] = "work_recurse",
	[LONGJMP] = "work_longjmp",
	[THREAD] = "work_thread",
	[SIGNAL] = "work_signal",
	[CORO] = "work_coro",
	[TAIL] = "work_tail",
	[TAIL_TARGET] = "work_tail_target",
	[HOLD] = "work_hold",
	[PTHREAD_EXIT] = "work_pthread_exit",
	[EXIT] = "work_exit",
	[FORK] = "work_fork",
	[VFORK] = "work_vfork",
	[CHILD] = "work_child",
	[EXEC] = "work_exec",
};
static struct truth *fn;
/* Returns of work_fork in children, which never entered it. Shared memory. */
static uint64_t *child_returned;

#include "calls_process.h"
#include "calls_stack.h"

void work_spin(uint64_t us);
void work_sleep(uint64_t ms);
unsigned int work_recurse(unsigned int depth);
void work_thread(void);
void work_hold(uint64_t sec);

WORK void work_spin(uint64_t us)
{
	uint64_t start = truth_enter(&fn[SPIN]);

	while (now_ns() - start < us * 1000)
		;
	truth_leave(&fn[SPIN], start);
}

static int case_spin(const uint64_t *arg)
{
	for (uint64_t i = 0; i < arg[1]; i++)
		OUTER(&fn[SPIN], work_spin(arg[0]));
	return 0;
}

WORK void work_sleep(uint64_t ms)
{
	uint64_t start = truth_enter(&fn[SLEEP]);

	sleep_ns(ms * 1000000);
	truth_leave(&fn[SLEEP], start);
}

static int case_sleep(const uint64_t *arg)
{
	for (uint64_t i = 0; i < arg[1]; i++)
		OUTER(&fn[SLEEP], work_sleep(arg[0]));
	return 0;
}

WORK unsigned int work_recurse(unsigned int depth)
{
	uint64_t start = truth_enter(&fn[RECURSE]);
	unsigned int r = 1;

	if (depth > 1)
		OUTER(&fn[RECURSE], r += work_recurse(depth - 1));
	truth_leave(&fn[RECURSE], start);
	return r;
}

static int case_recurse(const uint64_t *arg)
{
	unsigned int r;

	for (uint64_t i = 0; i < arg[1]; i++) {
		OUTER(&fn[RECURSE], r = work_recurse(arg[0]));
		if (r != arg[0])
			return 1;
	}
	return 0;
}

WORK void work_thread(void)
{
	uint64_t start = truth_enter(&fn[THREAD]);

	for (volatile int i = 0; i < 200; i++)
		;
	truth_leave(&fn[THREAD], start);
}

static void *thread_body(void *n)
{
	for (uint64_t i = 0; i < (uintptr_t)n; i++)
		OUTER(&fn[THREAD], work_thread());
	return NULL;
}

/* Runs n threads to their end. */
static int run_threads(uint64_t n, void *(*body)(void *), uint64_t arg)
{
	pthread_t t[1000];

	for (uint64_t i = 0; i < n; i++) {
		errno = pthread_create(&t[i], NULL, body, (void *)(uintptr_t)arg);
		if (errno) {
			perror("pthread_create");
			exit(1);
		}
	}
	for (uint64_t i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static int case_threads(const uint64_t *arg)
{
	return run_threads(arg[0], thread_body, arg[1]);
}

static pthread_barrier_t all_inside;

WORK void work_hold(uint64_t sec)
{
	uint64_t start = truth_enter(&fn[HOLD]);

	if (pthread_barrier_wait(&all_inside) == PTHREAD_BARRIER_SERIAL_THREAD) {
		printf("inside\n");
		fflush(stdout);
	}
	sleep_ns(sec * 1000000000);
	truth_leave(&fn[HOLD], start);
}

static void *hold_body(void *sec)
{
	OUTER(&fn[HOLD], work_hold((uintptr_t)sec));
	return NULL;
}

static int case_hold(const uint64_t *arg)
{
	pthread_barrier_init(&all_inside, NULL, arg[1]);
	return run_threads(arg[1], hold_body, arg[0]);
}

/* Arguments have an upper limit and, where they may be left out, a default. */
static const struct {
	const char *name;
	int (*run)(const uint64_t *arg);
	struct {
		const char *name;
		uint64_t max, value;
	} arg[2];
} cases[] = {
	{"spin", case_spin, {{"US", 10000000, 0}, {"N", 10000000, 0}}},
	{"sleep", case_sleep, {{"MS", 10000, 0}, {"N", 100000, 0}}},
	{"recurse", case_recurse, {{"DEPTH", 10000, 0}, {"N", 100000, 0}}},
	{"longjmp", case_longjmp, {{"N", 10000000, 0}}},
	{"threads", case_threads, {{"T", 1000, 0}, {"N", 10000000, 0}}},
	{"signal", case_signal, {{"N", 1000000, 0}}},
	{"coro", case_coro, {{"N", 1000000, 0}}},
	{"tail", case_tail, {{"N", 10000000, 0}}},
	{"hold", case_hold, {{"S", 3600, 0}, {"T", 1000, 1}}},
	{"exit", case_exit, {{"N", 1000, 10}}},
	{"fork", case_fork, {{"N", 10000, 0}}},
	{"vfork", case_vfork, {{"N", 10000, 0}}},
	{"exec", case_exec, {{"N", 1000, 0}, {"DONE", 1000, UINT64_MAX}}},
};

static int usage(void)
{
	fprintf(stderr, "usage: calls [-w] [-k] CASE [ARG...]\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "\t%s", cases[i].name);
		for (int a = 0; a < 2 && cases[i].arg[a].name; a++)
			fprintf(stderr, cases[i].arg[a].value ? " [%s]" : " %s",
				cases[i].arg[a].name);
		fprintf(stderr, "\n");
	}
	return 2;
}

static int run_case(size_t i, int argc, char **argv, bool keep)
{
	uint64_t arg[2] = {cases[i].arg[0].value, cases[i].arg[1].value};
	int status;

	for (int a = 0; a < 2 && cases[i].arg[a].name; a++) {
		if (a < argc)
			arg[a] = number(cases[i].arg[a].name, argv[a], 0, cases[i].arg[a].max);
		else if (!cases[i].arg[a].value)
			return usage();
	}
	status = cases[i].run(arg);
	printf("{\"case\":\"%s\",\"pid\":%d,", cases[i].name, getpid());
	if (*child_returned)
		printf("\"child_returned\":%llu,", (unsigned long long)*child_returned);
	status |= truth_functions(fn, NFN);
	printf("}\n");
	fflush(stdout);
	while (keep)
		pause();
	return status;
}

int main(int argc, char **argv)
{
	bool keep = false;
	int i = 1;

	fn = truth_alloc(fn_names, NFN);
	child_returned = &truth_alloc(fn_names, 1)->returned;
	if (i < argc && !strcmp(argv[i], "-w")) {
		wait_start();
		i++;
	}
	if (i < argc && !strcmp(argv[i], "-k")) {
		keep = true;
		i++;
	}
	if (i >= argc)
		return usage();
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		if (!strcmp(argv[i], cases[c].name))
			return run_case(c, argc - i - 1, argv + i + 1, keep);
	}
	return usage();
}
