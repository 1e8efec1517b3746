// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * handlerlat-rec DIR CALLS: writes DIR/handlerlat-calls.rec, so many calls of an HTTP handler, of
 * four routes in turn and with latencies from 20 us to 100 ms, as a run with a row for each has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "handlerlat.h"
#include "record.h"
#include "../../common/escape.c"
#include "../../common/log.c"
#include "../../common/record.c"

#define START	    1000000000ULL
#define WALL_OFFSET ((1767323045LL - 1) * 1000000000LL)
#define PACE	    100000 /* ns from one call to the next */

static struct record_writer *w;

static void put(uint32_t type, const void *data, size_t len)
{
	if (record_write(w, type, data, len)) {
		perror("handlerlat-rec");
		exit(1);
	}
}

static void call(long i, struct hl_stats *st)
{
	static const struct {
		const char *method, *path, *route;
		uint16_t status;
	} asks[] = {
		{"GET", "/healthz", "/healthz", 200},
		{"GET", "/users/4711/orders/17", "/users/{id}/orders/{id}", 200},
		{"POST", "/api/v1/things", "/api/v1/things", 201},
		{"GET", "/static/app.3f2a.js", "/static/{file}", 404},
	};
	struct hl_http_call c = {.call = {.type = HL_REC_HTTP_CALL, .fn = 1, .tgid = 700}};
	int k = i % 4;

	c.call.tid = 701 + i % 8;
	c.call.goid = 20 + i % 100;
	c.call.end_ns = START + (i + 1) * PACE;
	c.call.lat_ns = 20000 + (i * 2654435761u) % 100000000;
	memcpy(c.call.comm, "server", 6);
	memcpy(c.req.method, asks[k].method, strlen(asks[k].method));
	memcpy(c.req.path, asks[k].path, strlen(asks[k].path));
	memcpy(c.req.route, asks[k].route, strlen(asks[k].route));
	c.req.path_len = strlen(asks[k].path);
	c.req.status = asks[k].status;
	put(c.call.type, &c, sizeof(c));
	st->entered++;
	st->slot[hist_slot(c.call.lat_ns)]++;
	st->sum += c.call.lat_ns;
	if (c.call.lat_ns > st->max)
		st->max = c.call.lat_ns;
	if (~c.call.lat_ns > st->nmin)
		st->nmin = ~c.call.lat_ns;
}

int main(int argc, char **argv)
{
	struct hl_func f = {.fn = 1, .lang = 1, .name = "main.handleRequest", .file = "./server"};
	struct hl_state st = {.now_ns = START, .entry_cost_ns = 500, .exit_cost_ns = 700};
	static struct hl_stats_rec stats = {.fn = 1};
	long n = argc == 3 ? atol(argv[2]) : 0;
	char path[4096];

	if (n < 1) {
		fprintf(stderr, "usage: handlerlat-rec DIR CALLS\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/handlerlat-calls.rec", argv[1]);
	if (record_create(&w, path, "handlerlat", 2, WALL_OFFSET))
		return 1;
	put(HL_REC_FUNC, &f, sizeof(f));
	put(HL_REC_STATE, &st, sizeof(st));
	for (long i = 0; i < n; i++)
		call(i, &stats.stats);
	put(HL_REC_STATS, &stats, sizeof(stats));
	st.traced_ns = (n + 1) * PACE;
	st.now_ns = START + st.traced_ns;
	st.last = 1;
	put(HL_REC_STATE, &st, sizeof(st));
	return record_close_writer(w) ? 1 : 0;
}
