// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdint.h>
#include <string.h>
#include "account.h"
#include "unit/t.h"

static void test_text(void)
{
	char text[64] = "before\n";

	account_begin(text, sizeof(text));
	account_say("rows %d", 3);
	account_cause(0, " = none", "");
	account_cause(UINT64_MAX, " + LOST", " (more)");
	T_STR(text, "before\nrows 3 + LOST 18446744073709551615 (more)");
}

/* What is beyond the room is left out, and nothing behind it is touched. */
static void test_room(void)
{
	char text[16];

	for (size_t size = 0; size < sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		if (size)
			text[0] = 0;
		account_begin(text, size);
		account_say("%s", "abc");
		account_cause(12, "d", "e");
		account_say("%s", "fghijklmnop");
		T_OK(!size || strlen(text) == size - 1);
		T_OK(!strncmp(text, "abcd 12efghijklmnop", size ? size - 1 : 0));
		for (size_t i = size; i < sizeof(text); i++)
			T_EQ(text[i], '#');
	}
}

/* A text that is full, without an end. */
static void test_full(void)
{
	char text[5] = "full?";

	account_begin(text, 4);
	account_say("more");
	T_OK(!memcmp(text, "ful\0?", 5));
}

int main(void)
{
	test_text();
	test_room();
	test_full();
	return t_done();
}
