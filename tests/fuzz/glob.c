// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Input: a pattern, a newline, a text. The two matchers must agree wherever the pattern compiles,
 * and with fnmatch() where the pattern has only what both know alike. A slow match is a time-out.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Sets differ in corner cases ([[:alpha:]], an unclosed one), a final backslash does, and fnmatch()
 * counts characters in the locale: only ASCII, stars, question marks and letters are compared. */
static bool comparable(const char *s)
{
	for (; *s; s++) {
		if (*s == '[' || *s == '\\' || (unsigned char)*s >= 0x80)
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *pat = calloc(1, size + 1), *text;
	struct glob_bits g;
	bool match, both;

	memcpy(pat, data, size);
	text = strchr(pat, '\n');
	if (text)
		*text++ = '\0';
	else
		text = pat + strlen(pat);
	/* The automaton also takes a second pattern that can match nothing here. */
	match = glob_matches(pat, text);
	both = !glob_compile(&g, (const char *const[]){pat, "\x01\x02"}, 2);
	if (both && strcmp(text, "\x01\x02") && glob_bits_match(&g, text) != match)
		abort();
	/* fnmatch() is exponential in the number of stars in old C libraries. */
	if (size < 64 && comparable(pat) && comparable(text) && !fnmatch(pat, text, 0) != match)
		abort();
	free(pat);
	return 0;
}
