/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ACCOUNT_H
#define ACCOUNT_H
/* The text of a closing account: sums, and what they are made of, in a room of limited size. */
#include <stddef.h>
#include <stdint.h>

/*
 * What is said from here on goes behind what is in text, which stays the caller's: size bytes, of
 * which the last is for the 0. What is beyond that is left out.
 */
void account_begin(char *text, size_t size);

/* Adds as printf() would. */
__attribute__((format(printf, 1, 2))) void account_say(const char *fmt, ...);

/* Adds before, a space, n and after; nothing where n is 0. */
void account_cause(uint64_t n, const char *before, const char *after);
#endif
