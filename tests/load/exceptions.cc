// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * exceptions: C++ functions that exceptions leave or pass through, and the truth about them.
 *
 *	exceptions [-w] N
 *		-w	print "pid PID", then wait for a line on stdin or for SIGUSR1
 *
 *	work_throw	N calls; every second one throws through work_through, which has something to destroy,
 *			to work_catch, the caller's caller
 *	work_through	N calls, half of them unwound
 *	work_catch	N calls that all return
 *	work_rethrow	N/2 calls; each catches, throws again, and never returns
 *
 * Prints one JSON line: each function's truth (load.h).
 */
#include <stdexcept>
#include "load.h"

enum { THROW, THROUGH, CATCH, RETHROW, NFN };
static const char *const fn_names[NFN] = {"work_throw", "work_through", "work_catch",
					  "work_rethrow"};
static struct truth *fn;
static volatile uint64_t destroyed;

struct guard {
	~guard()
	{
		destroyed = destroyed + 1;
	}
};

extern "C" {
int work_throw(uint64_t i);
int work_through(uint64_t i);
int work_catch(uint64_t i);
void work_rethrow(uint64_t i);
}

WORK int work_throw(uint64_t i)
{
	uint64_t start = truth_enter(&fn[THROW]);

	if (i % 2)
		throw std::runtime_error("odd");
	truth_leave(&fn[THROW], start);
	return i;
}

WORK int work_through(uint64_t i)
{
	uint64_t start = truth_enter(&fn[THROUGH]);
	guard g;
	int r;

	OUTER(&fn[THROW], r = work_throw(i));
	truth_leave(&fn[THROUGH], start);
	return r;
}

WORK int work_catch(uint64_t i)
{
	uint64_t start = truth_enter(&fn[CATCH]);
	int r = -1;

	try {
		OUTER(&fn[THROUGH], r = work_through(i));
	} catch (const std::runtime_error &) {
		add(&fn[THROW].unwound, 1);
		add(&fn[THROUGH].unwound, 1);
	}
	truth_leave(&fn[CATCH], start);
	return r;
}

WORK void work_rethrow(uint64_t)
{
	truth_enter(&fn[RETHROW]);
	try {
		throw std::runtime_error("once");
	} catch (const std::runtime_error &) {
		throw;
	}
}

int main(int argc, char **argv)
{
	bool wait = argc > 1 && !strcmp(argv[1], "-w");
	uint64_t n;
	int status;

	argc -= wait;
	argv += wait;
	if (argc != 2) {
		fprintf(stderr, "usage: exceptions [-w] N\n");
		return 2;
	}
	n = number("N", argv[1], 1, 1000000);
	fn = truth_alloc(fn_names, NFN);
	if (wait)
		wait_start();
	for (uint64_t i = 0; i < n; i++) {
		OUTER(&fn[CATCH], work_catch(i));
		if (i % 2 == 0)
			continue;
		try {
			work_rethrow(i);
		} catch (const std::runtime_error &) {
			add(&fn[RETHROW].unwound, 1);
		}
	}
	printf("{\"case\":\"exceptions\",\"pid\":%d,", getpid());
	status = truth_functions(fn, NFN);
	printf("}\n");
	return status | (destroyed != n);
}
