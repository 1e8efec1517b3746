// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Tables: what each function, and each method and route of it, counted in an interval and in all.
 */
#include "handlerlat_model.h"
#include "hist.h"
#include "row.h"
#include "run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stat_row {
	uint64_t wall_ns;
	const char *function;
	char method[HL_METHOD + 1], route[HL_ROUTE + 1];
	uint64_t calls, returned, unwound, running;
	double rate, seconds;
	uint64_t min, avg, p50, p90, p99, p999, max;
	const struct hist *h;
};

static void name_text(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct stat_row *r = rec;

	if (r->route[0] || r->method[0])
		snprintf(buf, size, "  %s %s", r->method, r->route);
	else
		snprintf(buf, size, "%s", r->function);
}

/* Milliseconds in at most 7 characters up to three hours; below 10 us with two digits more. */
static void ms7(char *buf, size_t size, uint64_t ns)
{
	double ms = ns / 1e6;

	if (ns == UINT64_MAX)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%.*f",
			 ms < 0.01    ? 5
			 : ms < 100   ? 3
			 : ms < 1000  ? 2
			 : ms < 10000 ? 1
				      : 0,
			 ms);
}

#define MS7(NAME, MEMBER)                                                                          \
	static void NAME(const void *rec, struct json *j, const char *key, char *buf, size_t size) \
	{                                                                                          \
		const struct stat_row *r = rec;                                                    \
                                                                                                   \
		if (!j)                                                                            \
			ms7(buf, size, r->MEMBER);                                                 \
		else if (r->MEMBER == UINT64_MAX)                                                  \
			json_null(j, key);                                                         \
		else                                                                               \
			json_u64(j, key, r->MEMBER);                                               \
	}
MS7(p50_ms, p50)
MS7(p90_ms, p90)
MS7(p99_ms, p99)
MS7(p999_ms, p999)
MS7(max_ms, max)
MS7(min_ms, min)
MS7(avg_ms, avg)

static void hist_col(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	if (j)
		hist_json(((const struct stat_row *)rec)->h, j, key);
}

static const struct col stat_cols[] = {
	COL(struct stat_row, wall_ns, COL_TIME, "timestamp", NULL, 0, COL_F_JSON),
	COL(struct stat_row, seconds, COL_F64, "seconds", NULL, 0, COL_F_JSON),
	COL(struct stat_row, function, COL_STR, "function", NULL, 0, COL_F_JSON),
	COL(struct stat_row, method, COL_CHARS, "method", NULL, 0, COL_F_JSON | COL_F_OPT),
	COL(struct stat_row, route, COL_CHARS, "route", NULL, 0, COL_F_JSON | COL_F_OPT),
	COL(struct stat_row, calls, COL_U64, "calls", "CALLS", 7, 0),
	COL(struct stat_row, returned, COL_U64, "returned", NULL, 0, COL_F_JSON),
	COL(struct stat_row, rate, COL_F64, "calls_per_s", "CALLS/s", 8, 0),
	COL_CALL(min_ms, "min_ns", NULL, 0, COL_F_JSON),
	COL_CALL(avg_ms, "avg_ns", NULL, 0, COL_F_JSON),
	COL_CALL(p50_ms, "p50_ns", "p50(ms)", 7, 0),
	COL_CALL(p90_ms, "p90_ns", "p90", 7, 0),
	COL_CALL(p99_ms, "p99_ns", "p99", 7, 0),
	COL_CALL(p999_ms, "p999_ns", "p99.9", 7, 0),
	COL_CALL(max_ms, "max_ns", "max", 7, 0),
	COL(struct stat_row, unwound, COL_U64, "unwound", "UNW", 3, 0),
	COL(struct stat_row, running, COL_U64, "running", "RUN", 3, 0),
	COL_CALL(name_text, NULL, "FUNCTION", 0, COL_F_LEFT | COL_F_LAST | COL_F_TEXT),
	COL_CALL(hist_col, "histogram", NULL, 0, COL_F_JSON),
	{.kind = COL_END},
};
static const struct table interval_table = {"interval", stat_cols};
static const struct table total_table = {"total", stat_cols};

/*
 * h = now - last. The kernel keeps maximum and minimum since the start; they are this interval's
 * own when they changed in it, or when nothing came before. Otherwise the outermost slots' edges
 * stand in: within 3.125 %.
 */
static void hist_between(struct hist *h, const struct hl_stats *now, const struct hl_stats *last)
{
	int lo = -1, hi = -1;

	hist_init(h);
	for (int i = 0; i < HIST_SLOTS; i++) {
		h->slot[i] = now->slot[i] - last->slot[i];
		if (h->slot[i])
			hi = i;
		if (h->slot[i] && lo < 0)
			lo = i;
	}
	if (hi < 0)
		return;
	h->sum = now->sum - last->sum;
	h->max = now->max;
	if (now->max == last->max && hi + 1 < HIST_SLOTS && hist_slot_min(hi + 1) - 1 < h->max)
		h->max = hist_slot_min(hi + 1) - 1;
	h->min = ~now->nmin;
	if (now->nmin == last->nmin && hist_slot_min(lo) > h->min)
		h->min = hist_slot_min(lo);
}

/* Unless there is one. */
static int blank_line(void)
{
	bool open = model.open;

	model.open = false;
	return open ? row_text("\n") : 0;
}

static int show_series(const struct table *t, const struct series *s, const struct hl_stats *last,
		       double seconds, double traced_s)
{
	struct stat_row r = {.wall_ns = run_wall(model.state.now_ns), .seconds = seconds};
	struct hist h;
	uint64_t n;
	int err;

	hist_between(&h, &s->now, last);
	n = hist_count(&h);
	r.function = func_name(s->fn);
	memcpy(r.method, s->method, sizeof(r.method));
	copy_route(r.route, s->route, HL_ROUTE, s->method);
	r.returned = n;
	r.unwound = s->now.unwound - last->unwound;
	r.calls = s->is_route ? n : s->now.entered - last->entered;
	r.running = s->running;
	r.rate = traced_s > 0 ? r.calls / traced_s : 0;
	r.min = n ? h.min : UINT64_MAX;
	r.avg = n ? h.sum / n : UINT64_MAX;
	r.p50 = hist_quantile(&h, 0.5);
	r.p90 = hist_quantile(&h, 0.9);
	r.p99 = hist_quantile(&h, 0.99);
	r.p999 = hist_quantile(&h, 0.999);
	r.max = n ? h.max : UINT64_MAX;
	r.h = &h;
	err = row_print(t, &r);
	model.open = true;
	if (!err && set.hist && n) {
		hist_draw(&h);
		err = blank_line();
	}
	return err;
}

static int by_function(const void *a, const void *b)
{
	const struct series *x = *(struct series *const *)a, *y = *(struct series *const *)b;

	if (x->fn != y->fn)
		return x->fn < y->fn ? -1 : 1;
	if (x->is_route != y->is_route)
		return x->is_route ? 1 : -1;
	return strcmp(x->route, y->route) ?: strcmp(x->method, y->method);
}

/* One table: of what happened since the last state, or since the start. */
static int show_table(const struct table *t, bool whole)
{
	static const struct hl_stats none;
	uint64_t since = whole ? model.first_ns : model.prev_ns;
	double seconds = (model.state.now_ns - since) / 1e9;
	double traced = (model.state.traced_ns - (whole ? 0 : model.prev_traced_ns)) / 1e9;
	char hms[36];
	int err = 0;

	if (model.nseries)
		qsort(model.series, model.nseries, sizeof(*model.series), by_function);
	blank_line();
	if (!whole)
		row_text("%s\n", row_hms(hms, run_wall(model.state.now_ns)));
	else if (seconds - traced >= 1)
		row_text("total of %.1f s, traced for %.1f s\n", seconds, traced);
	else
		row_text("total of %.1f s\n", seconds);
	row_header(t);
	model.open = true;
	model.headed = false;
	for (size_t i = 0; i < model.nseries && !err; i++) {
		struct series *s = model.series[i];

		if (whole || s->changed || s->running)
			err = show_series(t, s, whole ? &none : &s->last, seconds, traced);
		s->last = s->now;
		s->changed = false;
	}
	return err ?: blank_line();
}

/* In a replay also where there is nothing else to show: calls that were only counted. */
static bool total_wanted(void)
{
	return aggregating() || std.json || std.output ||
	       (std.replay && (model.has_tables || !(model.returned_rows + model.unwound_rows)));
}

/* Nothing since the last state: at the end this is no interval that was asked for. */
static bool quiet(void)
{
	for (size_t i = 0; i < model.nseries; i++) {
		if (model.series[i]->changed || model.series[i]->running)
			return false;
	}
	return true;
}

int model_state(const struct hl_state *st)
{
	int err = 0;

	model.state = *st;
	if (!model.first_ns) {
		model.first_ns = model.prev_ns = st->now_ns;
		return 0;
	}
	if ((std.replay ? model.has_tables |= !st->last : std.interval_ns > 0) &&
	    !(st->last && quiet()))
		err = show_table(&interval_table, false);
	model.prev_ns = st->now_ns;
	model.prev_traced_ns = st->traced_ns;
	if (!err && st->last && total_wanted())
		err = show_table(&total_table, true);
	return err;
}
