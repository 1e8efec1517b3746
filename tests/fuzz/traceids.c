// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Any bytes as traceparent and b3: what is taken can be written again as it was read, and nothing
 * else is taken.
 */
#include "traceids.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t trace[16], span[8], flags;
static char t[33], s[17];

static void check(int ok)
{
	if (!ok)
		abort();
}

static void taken(void)
{
	uint8_t none[16] = {0};

	check(memcmp(trace, none, 16) && memcmp(span, none, 8));
	ids_hex(t, trace, 16);
	ids_hex(s, span, 8);
}

static void traceparent(const char *v, size_t n)
{
	char again[64];

	if (ids_traceparent(v, n, trace, span, &flags))
		return;
	taken();
	snprintf(again, sizeof(again), "%.2s-%s-%s-%02x", v, t, s, flags);
	check(n >= 55 && !memcmp(v, again, 55) && memcmp(v, "ff", 2));
	check(n == 55 || (memcmp(v, "00", 2) && v[55] == '-'));
}

static void b3(const char *v, size_t n)
{
	int err = ids_b3(v, n, trace, span, &flags);
	const char *id = t, *dash = memchr(v, '-', n);

	check(err == 0 || err == -EINVAL || (err == -ENOENT && n == 1));
	if (err)
		return;
	taken();
	if (dash - v == 16) {
		check(!memcmp(t, "0000000000000000", 16));
		id += 16;
	}
	check(!memcmp(v, id, dash - v) && !memcmp(dash + 1, s, 16));
	check(flags == (n > (size_t)(dash - v) + 18 && dash[18] != '0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *v = malloc(size + !size);
	uint8_t id[16], again[16];

	memcpy(v, data, size);
	traceparent(v, size);
	b3(v, size);
	if (!ids_b3_trace(v, size, trace))
		check(!memcmp(ids_hex(t, trace, 16) + 32 - size, v, size));
	if (!ids_b3_span(v, size, span))
		check(size == 16 && !memcmp(ids_hex(s, span, 8), v, 16));
	check(ids_b3_sampled(v, size) <= 1);
	ids_hash(id, v, size);
	ids_hash(again, data, size);
	check(!memcmp(id, again, 16));
	free(v);
	return 0;
}
