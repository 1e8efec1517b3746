/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef SYMBOLS_H
#define SYMBOLS_H
#include <stdint.h>

void other_run(uint64_t i); /* calls other.c's work_same twice */
uint64_t other_calls(void); /* how often in all */
#endif
