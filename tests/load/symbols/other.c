// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The other half of symbols: a static function that has the name of one in main.c. */
#include "symbols.h"

static uint64_t same;
static volatile uint64_t sink;

static __attribute__((noinline)) void work_same(uint64_t i)
{
	same++;
	sink = i + 1;
}

void other_run(uint64_t i)
{
	work_same(i);
	work_same(i + 1);
}

uint64_t other_calls(void)
{
	return same;
}
