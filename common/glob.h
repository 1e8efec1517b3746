/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef GLOB_H
#define GLOB_H
/*
 * Globs, matched in time linear in pattern x text: no input makes it slow.
 *   *       any bytes, also none, also '/'
 *   ?       one byte
 *   [a-z]   one byte of the set; [!a-z] or [^a-z] one that is not; a ']' that comes first is in
 *           the set
 *   \       takes the next character as it is; at the end of the pattern it is a backslash
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when a character of pat has a meaning of its own, so that comparing strings would not do. */
bool glob_has_magic(const char *pat);
/* From the first '[' that is never closed, '[' is an ordinary character; [z-a] takes nothing. */
bool glob_matches(const char *pat, const char *text);

/*
 * Several globs over short names compiled to one bit-parallel automaton, for the kernel half:
 *   state = init; for each byte c of the name: state = ((state & step[c]) << 1) | (state & stay);
 *   match = state & accept.
 * step[c] has bit i where the pattern character at position i takes c; stay where a star is at i. A
 * pattern takes one position for each character but '*', and one more.
 */
struct glob_bits {
	uint64_t step[256];
	uint64_t stay, init, accept;
};
/*
 * Compiles n patterns; a name matches when one of them does, and none when n is 0. With fail()
 * text: -E2BIG when they need more than 64 positions, -EINVAL on a set that is not closed or
 * [z-a].
 */
int glob_compile(struct glob_bits *g, const char *const *pats, size_t n);
bool glob_bits_match(const struct glob_bits *g, const char *text);
#endif
