// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A row for each call.
 */
#include "handlerlat_model.h"
#include "log.h"
#include "row.h"
#include "run.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct call_row {
	uint64_t wall_ns, lat_ns, goid;
	uint32_t pid, tid;
	char comm[16];
	const char *function, *outcome;
	char method[HL_METHOD + 1], path[HL_PATH + 1], route[HL_ROUTE + 1];
	uint16_t status;
	bool path_cut;
};

static const char *const outcomes[] = {"returned", "unwound", "running"};

/* FUNCTION, and behind it what is known of the request or of an unusual end. */
static void what_text(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct call_row *r = rec;
	int n = snprintf(buf, size, "%s", r->function);

	if (r->method[0]) {
		n += snprintf(buf + n, size - n, " %s ", r->method);
		n += r->status ? snprintf(buf + n, size - n, "%u", r->status)
			       : snprintf(buf + n, size - n, "-");
		n += snprintf(buf + n, size - n, " %s%s", r->path, r->path_cut ? "..." : "");
	}
	if (strcmp(r->outcome, "returned"))
		snprintf(buf + n, size - n, " (%s)", r->outcome);
}

static void path_json(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct call_row *r = rec;

	if (j && r->method[0]) {
		json_str(j, "path", r->path);
		if (r->path_cut)
			json_bool(j, "path_truncated", true);
	}
}

static const struct col call_cols[] = {
	COL(struct call_row, wall_ns, COL_TIME, "timestamp", "TIME", 12, COL_F_LEFT),
	COL(struct call_row, pid, COL_U32, "pid", "PID", 7, COL_F_LEFT),
	COL(struct call_row, tid, COL_U32, "tid", "TID", 7, COL_F_LEFT),
	COL(struct call_row, comm, COL_CHARS, "comm", "COMM", 15, COL_F_LEFT),
	COL(struct call_row, lat_ns, COL_MS, "latency_ns", "LAT(ms)", 10, COL_F_NULL),
	COL_CALL(what_text, NULL, "FUNCTION", 0, COL_F_LEFT | COL_F_LAST | COL_F_TEXT),
	COL(struct call_row, function, COL_STR, "function", NULL, 0, COL_F_JSON),
	COL(struct call_row, outcome, COL_STR, "outcome", NULL, 0, COL_F_JSON),
	COL(struct call_row, goid, COL_U64, "goid", NULL, 0, COL_F_JSON | COL_F_OPT),
	COL(struct call_row, method, COL_CHARS, "method", NULL, 0, COL_F_JSON | COL_F_OPT),
	COL_CALL(path_json, "path", NULL, 0, COL_F_JSON),
	COL(struct call_row, route, COL_CHARS, "route", NULL, 0, COL_F_JSON | COL_F_OPT),
	COL(struct call_row, status, COL_U16, "status", NULL, 0, COL_F_JSON | COL_F_OPT),
	{.kind = COL_END},
};
static const struct table call_table = {"call", call_cols};

static int show_call(const struct hl_call *c, const struct hl_request *req)
{
	struct call_row r = {
		.wall_ns = run_wall(c->end_ns),
		.lat_ns = c->outcome == HL_UNWOUND ? UINT64_MAX : c->lat_ns,
		.pid = c->tgid,
		.tid = c->tid,
		.goid = c->goid,
		.function = func_name(c->fn),
		.outcome = outcomes[c->outcome],
	};

	memcpy(r.comm, c->comm, sizeof(r.comm));
	if (req) {
		memcpy(r.method, req->method, HL_METHOD);
		memcpy(r.path, req->path, HL_PATH);
		copy_route(r.route, req->route, HL_ROUTE, r.method);
		r.path_cut = req->path_len > HL_PATH;
		r.status = req->status;
	}
	model.shown++;
	if (!model.headed)
		row_header(&call_table);
	model.headed = true;
	model.open = true;
	return row_print(&call_table, &r);
}

/* A replay: was this call recorded, but not asked for? Live, the kernel half saw to that. */
static bool hidden(const struct hl_call *c)
{
	if (!std.replay || c->outcome == HL_RUNNING)
		return false;
	if (!rows_wanted())
		return true;
	if (c->outcome != HL_RETURNED || c->lat_ns >= set.slower_ns)
		return false;
	model.below++;
	return true;
}

int model_call(const struct hl_call *c, const struct hl_request *req)
{
	int err;

	if (c->fn == HL_FN_CALIBRATE)
		return 0;
	if (c->outcome > HL_RUNNING)
		return fail(-EBADMSG, "a call record has outcome %u", c->outcome);
	if (c->outcome == HL_RUNNING) {
		model.running_rows++;
		if (c->lat_ns > model.oldest_ns)
			model.oldest_ns = c->lat_ns;
	} else if (c->outcome == HL_UNWOUND) {
		model.unwound_rows++;
	} else {
		model.returned_rows++;
	}
	if (hidden(c))
		return 0;
	if (std.max_events && model.shown >= std.max_events) {
		model.over_max++;
		return 0;
	}
	err = show_call(c, req);
	/* A recording is read to its end, where its account is. */
	if (model.shown == std.max_events && !std.replay)
		run_stop();
	return err;
}

void model_header(void)
{
	if (std.replay || !rows_wanted())
		return;
	row_header(&call_table);
	model.headed = true;
}
