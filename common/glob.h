/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef GLOB_H
#define GLOB_H
/*
 * Globs with '*', '?' and [sets], matched in time linear in pattern x text: no input makes it slow.
 * A backslash takes the next character as it is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool glob_has_magic(const char *pat);
bool glob_match(const char *pat, const char *text);

/*
 * Several globs over short names compiled to one bit-parallel automaton, for the kernel half:
 *   state = init; for each byte c of the name: state = ((state & step[c]) << 1) | (state & stay);
 *   match = state & accept.
 * step[c] has bit i where the pattern character at position i takes c.
 */
struct glob_bits {
	uint64_t step[256];
	uint64_t stay, init, accept;
};
/* Compiles n patterns; -E2BIG when they need more than 64 positions, -EINVAL on a bad set. */
int glob_compile(struct glob_bits *g, const char *const *pats, size_t n);
bool glob_bits_match(const struct glob_bits *g, const char *text);
#endif
