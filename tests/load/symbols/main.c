// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * symbols: functions whose symbols are not one name for one piece of code, and how often each was called.
 *
 *	symbols [-w] N
 *		-w	print "pid PID", then wait for a line on stdin or for SIGUSR1
 *
 *	work_same	two static functions of one name, here (N calls) and in other.c (2N calls)
 *	work_ifunc	an IFUNC; N calls go to work_ifunc_chosen
 *	work_cold	N calls, every tenth of which runs on in gcc's work_cold.cold and comes back
 *	work_const	a static function that gcc compiles as work_const.constprop.0; N calls
 *	work_alias	a second name of work_aliased; N calls by each
 *
 * Built from main.c and other.c. Prints one JSON line: {"case","pid","calls":{NAME:N}}.
 */
#include "../load.h"
#include "symbols.h"

static uint64_t same, ifunc, cold, constant, aliased;
static volatile unsigned int sink;

static __attribute__((noinline)) void work_same(uint64_t i)
{
	same++;
	sink = i;
}

void work_ifunc(void);
void work_ifunc_chosen(void);
void work_cold(uint64_t i);
void work_aliased(void);
void work_alias(void);

WORK void work_ifunc_chosen(void)
{
	ifunc++;
}

static __attribute__((used)) void (*resolve_ifunc(void))(void)
{
	return work_ifunc_chosen;
}

void work_ifunc(void) __attribute__((ifunc("resolve_ifunc")));

static __attribute__((cold, noinline)) void rare(uint64_t i)
{
	sink = sink + i;
}

__attribute__((noinline)) void work_cold(uint64_t i)
{
	cold++;
	if (__builtin_expect(i % 10 == 0, 0)) {
		rare(i);
		sink = sink * 3 + 1;
		rare(i + sink);
	}
	sink = sink + 1;
}

/* All callers pass 7: worth a clone. */
static __attribute__((noinline)) unsigned int work_const(uint64_t i, unsigned int times)
{
	unsigned int r = 0;

	constant++;
	for (unsigned int t = 0; t < times; t++)
		r += sink ^ (i << t);
	return r;
}

WORK void work_aliased(void)
{
	aliased++;
}

void work_alias(void) __attribute__((alias("work_aliased")));

int main(int argc, char **argv)
{
	bool wait = argc > 1 && !strcmp(argv[1], "-w");
	uint64_t n;

	argc -= wait;
	argv += wait;
	if (argc != 2) {
		fprintf(stderr, "usage: symbols [-w] N\n");
		return 2;
	}
	n = number("N", argv[1], 1, 1000000);
	if (wait)
		wait_start();
	for (uint64_t i = 0; i < n; i++) {
		work_same(i);
		other_run(i);
		work_ifunc();
		work_cold(i);
		sink = work_const(i, 7);
		work_aliased();
		work_alias();
	}
	printf("{\"case\":\"symbols\",\"pid\":%d,\"calls\":{\"work_same\":%llu,\"work_ifunc_"
	       "chosen\":%llu,"
	       "\"work_cold\":%llu,\"work_const\":%llu,\"work_aliased\":%llu}}\n",
	       getpid(), (unsigned long long)(same + other_calls()), (unsigned long long)ifunc,
	       (unsigned long long)cold, (unsigned long long)constant, (unsigned long long)aliased);
	return same != n || other_calls() != 2 * n;
}
