// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Input: a URL. Its route is no longer than what can come of it, has no query, is the same whatever
 * the room, and its own route: folded once, nothing is left to be folded.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = 4 * size + 1, n, again, part;
	char *whole = malloc(room), *twice = malloc(room), *tight;

	n = route_of((const char *)data, size, whole, room);
	if (n == room || memchr(whole, '?', n) || memchr(whole, '#', n) || !n != !size)
		abort();
	again = route_of(whole, n, twice, room);
	/* An authority that was cut may have had the next one behind it. */
	if (!strncmp(whole, "/", !!n) && (again != n || memcmp(whole, twice, n)))
		abort();
	part = size ? data[size - 1] % (n + 1) : 0;
	tight = malloc(part ?: 1);
	if (route_of((const char *)data, size, tight, part) != part || memcmp(tight, whole, part))
		abort();
	free(tight);
	free(whole);
	free(twice);
	return 0;
}
