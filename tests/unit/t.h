/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef T_H
#define T_H
/*
 * Checks for unit tests: each counts, a failing one prints where and what; t_done() gives the exit
 * code.
 */
#include <stdio.h>
#include <string.h>

static int t_checks, t_failures;

#define T_OK(cond)                                                                                 \
	do {                                                                                       \
		t_checks++;                                                                        \
		if (!(cond)) {                                                                     \
			t_failures++;                                                              \
			printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);                \
		}                                                                                  \
	} while (0)
#define T_EQ(got, want)                                                                            \
	do {                                                                                       \
		long long t_g = (long long)(got), t_w = (long long)(want);                         \
		t_checks++;                                                                        \
		if (t_g != t_w) {                                                                  \
			t_failures++;                                                              \
			printf("%s:%d: %s: got %lld, want %lld\n", __FILE__, __LINE__, #got, t_g,  \
			       t_w);                                                               \
		}                                                                                  \
	} while (0)
#define T_STR(got, want)                                                                           \
	do {                                                                                       \
		const char *t_g = (got), *t_w = (want);                                            \
		t_checks++;                                                                        \
		if (!t_g || strcmp(t_g, t_w)) {                                                    \
			t_failures++;                                                              \
			printf("%s:%d: %s:\n  got  \"%s\"\n  want \"%s\"\n", __FILE__, __LINE__,   \
			       #got, t_g ? t_g : "(null)", t_w);                                   \
		}                                                                                  \
	} while (0)

static inline int t_done(void)
{
	printf("%d checks, %d failed\n", t_checks, t_failures);
	return t_failures != 0;
}
#endif
