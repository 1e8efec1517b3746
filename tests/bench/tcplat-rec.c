// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * tcplat-rec DIR CONNECTIONS: writes DIR/tcplat-short.rec, so many connections of five turns each,
 * one in ten of them with a slow one, and a poll behind each thousand.
 */
#pragma GCC diagnostic ignored "-Wunused-function" /* not all of the world is needed */
#include "../golden/tcplat-world.h"
#include "../../common/escape.c"
#include "../../common/log.c"
#include "../../common/record.c"

#define POLL 1000

int main(int argc, char **argv)
{
	struct tl_start_rec s = start();
	long n = argc == 3 ? atol(argv[2]) : 0;

	if (n < 1) {
		fprintf(stderr, "usage: tcplat-rec DIR CONNECTIONS\n");
		return 2;
	}
	dir = argv[1];
	begin("short", &s);
	for (long i = 0; i < n; i++) {
		uint8_t role = i % 2 ? TL_ROLE_SERVER : TL_ROLE_CLIENT;
		struct conn c = conn(i + 1, role, "worker", 1000 + i % 4);

		turns(&c, 5, 200 * US + i % 100 * US, 10 * US);
		if (i % 10 == 0)
			slow(&c, role == TL_ROLE_SERVER ? TL_SERVER : TL_CLIENT, 240 * US, 30 * US,
			     TL_F_HELD);
		now += 100 * US;
		closed(&c);
		if (i % POLL == POLL - 1)
			poll_ends(false);
	}
	poll_ends(true);
	end();
	return 0;
}
