// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "glob.h"
#include "log.h"

bool glob_has_magic(const char *pat)
{
	return strpbrk(pat, "*?[\\");
}

/*
 * Does the set at p ("[a-z]", "[!a-z]") take c? Returns the character after its ']', or NULL where
 * it is never closed. *backward tells of a range such as [z-a], which takes nothing.
 */
static const char *set(const char *p, unsigned char c, bool *takes, bool *backward)
{
	bool negated = p[1] == '!' || p[1] == '^', in = false;
	const char *first = p + 1 + negated;

	for (p = first; *p != ']' || p == first; p++) {
		unsigned char lo, hi;

		if (*p == '\\' && p[1])
			p++;
		if (!*p)
			return NULL;
		lo = hi = *p;
		if (p[1] == '-' && p[2] && p[2] != ']') {
			p += 2;
			if (*p == '\\' && p[1])
				p++;
			hi = *p;
		}
		*backward |= lo > hi;
		in |= lo <= c && c <= hi;
	}
	*takes = in != negated;
	return p + 1;
}

/*
 * Does the pattern element at p, which is not a star, take c? Returns the next element. From open
 * on a '[' is an ordinary character.
 */
static const char *element(const char *p, const char *open, unsigned char c, bool *takes)
{
	bool backward = false;

	if (*p == '[' && p < open)
		return set(p, c, takes, &backward);
	if (*p == '\\' && p[1])
		p++;
	else if (*p == '?') {
		*takes = true;
		return p + 1;
	}
	*takes = (unsigned char)*p == c;
	return p + 1;
}

/* The first '[' that is never closed, or the end. Looked for once: doing so at every element would
 * make "[[[[..." cost the square of its length. Nothing after it can be closed either. */
static const char *first_open(const char *p, bool *backward)
{
	const char *next;
	bool takes;

	*backward = false;
	for (; *p; p = next) {
		if (*p == '[') {
			next = set(p, 0, &takes, backward);
			if (!next)
				break;
		} else {
			next = p + 1 + (*p == '\\' && p[1]);
		}
	}
	return p;
}

bool glob_matches(const char *pat, const char *text)
{
	const char *after_star = NULL, *retry = NULL, *open, *next;
	bool takes;

	open = first_open(pat, &takes);
	while (*text) {
		if (*pat == '*') {
			after_star = ++pat;
			retry = text;
			continue;
		}
		takes = false;
		next = *pat ? element(pat, open, *text, &takes) : pat;
		if (takes) {
			pat = next;
			text++;
			continue;
		}
		/* Only the last star needs to take more: what an earlier one could, it can too. */
		if (!after_star)
			return false;
		pat = after_star;
		text = ++retry;
	}
	while (*pat == '*')
		pat++;
	return !*pat;
}

/* Adds one pattern from position *pos on. */
static int compile_one(struct glob_bits *g, const char *pat, unsigned int *pos)
{
	const char *p = pat, *open, *next;
	bool takes, backward;
	uint64_t init;

	open = first_open(pat, &backward);
	if (*open)
		return fail(-EINVAL,
			    "pattern '%s': '[' is not closed; write '\\[' for the character", pat);
	if (backward)
		return fail(-EINVAL, "pattern '%s': a range in [] runs backward", pat);
	init = *pos;
	for (;; p = next) {
		if (*pos > 63)
			return fail(-E2BIG,
				    "pattern '%s': too long: all patterns together may have 63 "
				    "characters",
				    pat);
		for (; *p == '*'; p++)
			g->stay |= 1ULL << *pos;
		if (!*p)
			break;
		for (int c = 1; c < 256; c++) {
			next = element(p, open, c, &takes);
			if (takes)
				g->step[c] |= 1ULL << *pos;
		}
		++*pos;
	}
	g->init |= 1ULL << init;
	/* No step leaves the accepting position: nothing leaks into the next pattern. */
	g->accept |= 1ULL << (*pos)++;
	return 0;
}

int glob_compile(struct glob_bits *g, const char *const *pats, size_t n)
{
	unsigned int pos = 0;
	int err = 0;

	memset(g, 0, sizeof(*g));
	for (size_t i = 0; i < n && !err; i++)
		err = compile_one(g, pats[i], &pos);
	return err;
}

bool glob_bits_match(const struct glob_bits *g, const char *text)
{
	uint64_t state = g->init;

	for (; *text; text++)
		state = ((state & g->step[(unsigned char)*text]) << 1) | (state & g->stay);
	return state & g->accept;
}
