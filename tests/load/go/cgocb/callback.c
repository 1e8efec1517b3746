// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The C side of cgocb. Its own file, because cgo forbids definitions in one that exports. */
#include <pthread.h>
#include <stdint.h>
#include "_cgo_export.h"

int c_call_back(int i);
int c_nest(int i);
int c_threads(int threads, int n);

__attribute__((noinline)) int c_call_back(int i)
{
	return goCallback(i);
}

__attribute__((noinline)) int c_nest(int i)
{
	return goNested(i);
}

static void *body(void *n)
{
	intptr_t ok = 0;

	for (int i = 0; i < (int)(intptr_t)n; i++)
		ok += goThread(i) == i + 1;
	return (void *)ok;
}

/* Returns how many of the threads' calls gave the right result, or -1. */
int c_threads(int threads, int n)
{
	pthread_t t[64];
	int ok = 0;

	if (threads > 64)
		return -1;
	for (int i = 0; i < threads; i++) {
		if (pthread_create(&t[i], NULL, body, (void *)(intptr_t)n))
			return -1;
	}
	for (int i = 0; i < threads; i++) {
		void *r;

		pthread_join(t[i], &r);
		ok += (int)(intptr_t)r;
	}
	return ok;
}
