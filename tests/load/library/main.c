// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * library: calls work_library, a function of libwork.so.1, which lies beside it.
 *
 *	library [-w] N
 *		-w	print "pid PID", then wait for a line on stdin or for SIGUSR1
 *
 * Prints one JSON line: the truth (load.h), counted around the calls.
 */
#include "../load.h"

unsigned int work_library(unsigned int i);

int main(int argc, char **argv)
{
	static const char *const name = "work_library";
	struct truth *t = truth_alloc(&name, 1);
	bool wait = argc > 1 && !strcmp(argv[1], "-w");
	uint64_t n;
	int status;

	argc -= wait;
	argv += wait;
	if (argc != 2) {
		fprintf(stderr, "usage: library [-w] N\n");
		return 2;
	}
	n = number("N", argv[1], 1, 1000000);
	if (wait)
		wait_start();
	for (uint64_t i = 0; i < n; i++) {
		OUTER(t, work_library(i));
		t->calls++;
		t->returned++;
	}
	printf("{\"case\":\"library\",\"pid\":%d,", getpid());
	status = truth_functions(t, 1);
	printf("}\n");
	return status;
}
