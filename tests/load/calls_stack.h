/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CALLS_STACK_H
#define CALLS_STACK_H
/*
 * The cases of calls.c in which entries and returns do not nest like brackets on one stack. Part of
 * calls.c, which declares fn[] before it includes this.
 */
#include <setjmp.h>
#include <ucontext.h>

int work_longjmp(unsigned int i);
void work_signal(bool outer);
void work_coro(int id);
int work_tail(int x);
int work_tail_target(int x);

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
#endif
