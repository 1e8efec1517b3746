// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* libwork.so.1: one function, for library. */
unsigned int work_library(unsigned int i);

unsigned int work_library(unsigned int i)
{
	for (volatile int k = 0; k < 100; k++)
		;
	return i * 3;
}
