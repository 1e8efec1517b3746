/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPTRACE_TABLE_H
#define HTTPTRACE_TABLE_H
/*
 * What -i and --histogram count: httptrace_table.c finds the route, httptrace_table_rows.c shows.
 */
#include "httptrace_rows.h"
#include "hist.h"

/* Counts are weighted: with --sample a transaction may stand for several. */
struct tally {
	uint64_t count, errors;
	struct hist h; /* total times, ns; those that are not known are not in it */
};
struct route {
	struct route *next; /* with the same hash's place */
	uint64_t hash;
	uint8_t role; /* enum cap_role */
	bool other; /* all those that found no room */
	uint64_t routes; /* of other: how many they are */
	bool more; /* ... at least */
	struct tally now, total; /* of this interval; of all before it */
	uint32_t method_len, route_len;
	char text[]; /* method, route: hostile */
};
/* A row of each, and their drawings; sorted by time. seconds: what rates are of. */
int table_show(struct route **routes, size_t n, bool total, double seconds);
#endif
