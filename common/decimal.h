/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef DECIMAL_H
#define DECIMAL_H
/*
 * Numbers as text, as printf() has them in the C locale, in a fraction of its time: most of a row
 * are numbers.
 */
#include <stdint.h>

#define DECIMAL_SIZE 20 /* the longest one */
/* Writes v, without a NUL; returns where the next byte goes. */
char *decimal(char *dst, uint64_t v);
/* The same with n digits, of which the first may be zeros; what is above those is left out. */
char *decimal_digits(char *dst, uint64_t v, unsigned int n);
/*
 * v's value with so many decimals (0 to 6), correctly rounded, halves to even: "%.*f". NULL, and
 * nothing is written, where v is negative, not a number, or from 2^53 on. 25 bytes, no NUL.
 */
char *decimal_f64(char *dst, double v, unsigned int decimals);
#endif
