// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * rate: calls an all but empty function, work_tick, at a steady rate or flat out: what a probe
 * costs is the difference between two runs.
 *
 *	rate [-w] [-f] CALLS_PER_SEC SECONDS
 *		-f		call work_framed instead, which begins with a push, as functions
 *				with
 *				saved registers do: kernels emulate it, and step work_tick's first
 *				instruction
 *		-w		print "pid PID", then wait for a line on stdin or for SIGUSR1
 *		CALLS_PER_SEC	0 is flat out
 *
 * Prints one JSON line: calls, elapsed_ns, cpu_ns (of the whole process) and ns_per_call, which is
 * elapsed time flat out and CPU time at a rate, where it includes the waiting loop's own cost.
 */
#include "load.h"

static volatile uint64_t ticks;

void work_tick(void);

WORK void work_tick(void)
{
	ticks = ticks + 1;
}

void work_framed(void);

WORK void work_framed(void)
{
	ticks = ticks + 1;
#if defined(__x86_64__)
	asm volatile("" ::: "rbx");
#elif defined(__aarch64__)
	asm volatile("" ::: "x19");
#endif
}

static void (*work)(void) = work_tick;

/* Looks at the clock every 64 calls only: it costs more than the call. */
static void flat_out(uint64_t end)
{
	while (now_ns() < end) {
		for (int i = 0; i < 64; i++)
			work();
	}
}

/* Makes the calls that are due, then sleeps to the next one or for 100 us, whichever is longer. */
static void steady(uint64_t start, uint64_t rate, uint64_t end)
{
	uint64_t n = 0, total = (end - start) / 1000 * rate / 1000000;

	while (n < total) {
		uint64_t due = (now_ns() - start) / 1000 * rate / 1000000;
		uint64_t gap = 1000000000 / rate;

		for (; n < due && n < total; n++)
			work();
		sleep_ns(gap > 100000 ? gap : 100000);
	}
}

int main(int argc, char **argv)
{
	bool wait = false;
	uint64_t rate, sec, start, elapsed, cpu;
	struct timespec ts;

	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		if (!strcmp(argv[1], "-w"))
			wait = true;
		else if (!strcmp(argv[1], "-f"))
			work = work_framed;
		else
			break;
	}
	if (argc != 3) {
		fprintf(stderr, "usage: rate [-w] [-f] CALLS_PER_SEC SECONDS\n");
		return 2;
	}
	rate = number("CALLS_PER_SEC", argv[1], 0, 10000000);
	sec = number("SECONDS", argv[2], 1, 3600);
	if (wait)
		wait_start();
	start = now_ns();
	if (rate)
		steady(start, rate, start + sec * 1000000000);
	else
		flat_out(start + sec * 1000000000);
	elapsed = now_ns() - start;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	cpu = (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	printf("{\"case\":\"rate\",\"pid\":%d,\"calls\":%llu,\"elapsed_ns\":%llu,\"cpu_ns\":%llu,"
	       "\"ns_per_call\":%.2f}\n",
	       getpid(), (unsigned long long)ticks, (unsigned long long)elapsed,
	       (unsigned long long)cpu, ticks ? (double)(rate ? cpu : elapsed) / ticks : 0);
	return 0;
}
