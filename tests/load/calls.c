// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * calls: C functions that are called in every way that confuses a tracer, and the truth about them.
 *
 *	calls [-w] CASE [ARG...]
 *		-w	print "pid PID", then wait for a line on stdin or for SIGUSR1
 *
 *	spin US N	work_spin: N calls that burn US microseconds
 *	sleep MS N	work_sleep: N calls that sleep MS milliseconds
 *	recurse D N	work_recurse: N times D calls deep (D may exceed 64, the limit of uretprobes)
 *	longjmp N	work_longjmp: N calls; every second one leaves by longjmp, the last too if N is even
 *	threads T N	work_thread: T threads of N calls each
 *	signal N	work_signal: N calls, each interrupted by a signal handler that calls it again; every
 *			second one on an alternate stack
 *	coro N		work_coro: two coroutines of N calls each, both inside the function at once
 *	tail N		work_tail: N calls that end in a jump to work_tail_target
 *	hold S [T]	work_hold: T threads (1) sit in it for S seconds; prints "inside" once all are in
 *	exit [N]	work_pthread_exit: N threads (10) end inside; work_exit: N processes end inside
 *	fork N		work_fork: N calls that fork; both sides return
 *	vfork N		work_vfork: N calls whose vfork child calls work_child, on the same stack
 *	exec N		work_exec: N calls that each exec this program again, in one pid
 *
 * Prints one JSON line: the case, the pid, and each function's truth (load.h). The process cases are in
 * calls_process.h.
 */
#include <pthread.h>
#include <setjmp.h>
#include <ucontext.h>
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

void work_spin(uint64_t us);
void work_sleep(uint64_t ms);
unsigned int work_recurse(unsigned int depth);
int work_longjmp(unsigned int i);
void work_thread(void);
void work_signal(bool outer);
void work_coro(int id);
int work_tail(int x);
int work_tail_target(int x);
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

static jmp_buf back;

WORK int work_longjmp(unsigned int i)
{
	uint64_t start = truth_enter(&fn[LONGJMP]);

	if (i % 2)
		longjmp(back, 1);
	truth_leave(&fn[LONGJMP], start);
	return i;
}

static int case_longjmp(const uint64_t *arg)
{
	for (volatile unsigned int i = 0; i < arg[0]; i++) {
		if (setjmp(back))
			add(&fn[LONGJMP].unwound, 1);
		else
			OUTER(&fn[LONGJMP], work_longjmp(i));
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

WORK void work_signal(bool outer)
{
	uint64_t start = truth_enter(&fn[SIGNAL]);

	if (outer)
		raise(SIGUSR2);
	truth_leave(&fn[SIGNAL], start);
}

static void on_signal(int sig)
{
	(void)sig;
	OUTER(&fn[SIGNAL], work_signal(false));
}

static int case_signal(const uint64_t *arg)
{
	static char alt[64 * 1024];
	stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)};
	struct sigaction sa = {.sa_handler = on_signal};

	sigaltstack(&ss, NULL);
	for (uint64_t i = 0; i < arg[0]; i++) {
		sa.sa_flags = i % 2 ? SA_ONSTACK : 0;
		sigaction(SIGUSR2, &sa, NULL);
		OUTER(&fn[SIGNAL], work_signal(true));
	}
	return 0;
}

static ucontext_t scheduler, coroutine[2];
static uint64_t coro_calls;

WORK void work_coro(int id)
{
	uint64_t start = truth_enter(&fn[CORO]);

	swapcontext(&coroutine[id], &scheduler);
	truth_leave(&fn[CORO], start);
}

static void coro_body(int id)
{
	for (uint64_t i = 0; i < coro_calls; i++)
		OUTER(&fn[CORO], work_coro(id));
}

/* Turn by turn: each call of one coroutine begins while a call of the other is under way, and they
 * return in the order in which they began, which no stack of returns expects. */
static int case_coro(const uint64_t *arg)
{
	static char stack[2][128 * 1024];

	coro_calls = arg[0];
	for (int id = 0; id < 2; id++) {
		getcontext(&coroutine[id]);
		coroutine[id].uc_stack.ss_sp = stack[id];
		coroutine[id].uc_stack.ss_size = sizeof(stack[id]);
		coroutine[id].uc_link = &scheduler;
		makecontext(&coroutine[id], (void (*)(void))coro_body, 1, id);
	}
	for (uint64_t turn = 0; turn <= coro_calls; turn++) {
		swapcontext(&scheduler, &coroutine[0]);
		swapcontext(&scheduler, &coroutine[1]);
	}
	return 0;
}

/* gcc makes the jump at -O2, clang only when told. */
#ifdef __clang__
#define TAIL_CALL __attribute__((musttail))
#else
#define TAIL_CALL
#endif

static uint64_t tail_start;

/* The jump makes one return of two calls, so both are accounted for here. */
WORK int work_tail_target(int x)
{
	uint64_t start = truth_enter(&fn[TAIL_TARGET]);

	for (volatile int i = 0; i < 200; i++)
		;
	truth_leave(&fn[TAIL_TARGET], start);
	truth_leave(&fn[TAIL], tail_start);
	return x * 3;
}

WORK int work_tail(int x)
{
	tail_start = truth_enter(&fn[TAIL]);
	TAIL_CALL return work_tail_target(x + 1);
}

static int case_tail(const uint64_t *arg)
{
	for (uint64_t i = 0; i < arg[0]; i++)
		OUTER(&fn[TAIL], work_tail(i));
	fn[TAIL_TARGET].outer_ns = fn[TAIL].outer_ns;
	return 0;
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
	fprintf(stderr, "usage: calls [-w] CASE [ARG...]\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "\t%s", cases[i].name);
		for (int a = 0; a < 2 && cases[i].arg[a].name; a++)
			fprintf(stderr, cases[i].arg[a].value ? " [%s]" : " %s",
				cases[i].arg[a].name);
		fprintf(stderr, "\n");
	}
	return 2;
}

static int run_case(size_t i, int argc, char **argv)
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
	return status;
}

int main(int argc, char **argv)
{
	int i = 1;

	fn = truth_alloc(fn_names, NFN);
	child_returned = &truth_alloc(fn_names, 1)->returned;
	if (i < argc && !strcmp(argv[i], "-w")) {
		wait_start();
		i++;
	}
	if (i >= argc)
		return usage();
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		if (!strcmp(argv[i], cases[c].name))
			return run_case(c, argc - i - 1, argv + i + 1);
	}
	return usage();
}
