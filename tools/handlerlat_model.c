// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * From records to rows. Everything here works the same on a recording: it knows no kernel, no
 * process and no clock but the records' own.
 */
#include "handlerlat_parts.h"
#include "hist.h"
#include "log.h"
#include "row.h"
#include "run.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one function, or one method and route of it, counted: at the last interval and now. */
struct series {
	uint32_t fn;
	char method[HL_METHOD + 1], route[HL_ROUTE + 1];
	bool is_route, changed;
	uint32_t running;
	struct hl_stats now, last;
};

static struct {
	char **names; /* of functions, by id */
	size_t nnames;
	struct series **series;
	size_t nseries;
	struct hl_state state;
	uint64_t first_ns, prev_ns; /* of the first state, of the last one */
	uint64_t prev_traced_ns;
	uint64_t returned_rows, unwound_rows, running_rows, shown, over_max;
	uint64_t below; /* a replay's calls that are faster than --slower */
	bool has_tables; /* the recording was made with -i */
	bool open; /* the last line of text is not blank */
	bool headed; /* the last header was that of single calls */
	uint64_t oldest_ns; /* how long the oldest running call has lasted */
} m;

static bool rows_wanted(void)
{
	return !aggregating() || set.slower_ns;
}

/* --- rows of single calls */

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

static const char *func_name(uint32_t fn)
{
	return fn < m.nnames && m.names[fn] ? m.names[fn] : "?";
}

/* Patterns of Go's mux may begin with a method; the row has one already. */
static void copy_route(char *dst, const char *src, size_t n, const char *method)
{
	size_t skip = strlen(method);

	if (skip && skip + 1 < n && !strncmp(src, method, skip) && src[skip] == ' ')
		skip++;
	else
		skip = 0;
	memcpy(dst, src + skip, n - skip);
	dst[n - skip] = 0;
}

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
	m.shown++;
	if (!m.headed)
		row_header(&call_table);
	m.headed = true;
	m.open = true;
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
	m.below++;
	return true;
}

static int on_call(const struct hl_call *c, const struct hl_request *req)
{
	int err;

	if (c->fn == HL_FN_CALIBRATE)
		return 0;
	if (c->outcome > HL_RUNNING)
		return fail(-EBADMSG, "a call record has outcome %u", c->outcome);
	if (c->outcome == HL_RUNNING) {
		m.running_rows++;
		if (c->lat_ns > m.oldest_ns)
			m.oldest_ns = c->lat_ns;
	} else if (c->outcome == HL_UNWOUND) {
		m.unwound_rows++;
	} else {
		m.returned_rows++;
	}
	if (hidden(c))
		return 0;
	if (std.max_events && m.shown >= std.max_events) {
		m.over_max++;
		return 0;
	}
	err = show_call(c, req);
	/* A recording is read to its end, where its account is. */
	if (m.shown == std.max_events && !std.replay)
		run_stop();
	return err;
}

/* --- intervals and totals */

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

static uint64_t returned_of(const struct hl_stats *st)
{
	uint64_t n = 0;

	for (int i = 0; i < HIST_SLOTS; i++)
		n += st->slot[i];
	return n;
}

/*
 * h = now - last. The kernel keeps maximum and minimum since the start; they are this interval's own
 * when they changed in it, or when nothing came before. Otherwise the outermost slots' edges stand in:
 * within 6.25 %.
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
	bool open = m.open;

	m.open = false;
	return open ? row_text("\n") : 0;
}

static int show_series(const struct table *t, const struct series *s, const struct hl_stats *last,
		       double seconds, double traced_s)
{
	struct stat_row r = {.wall_ns = run_wall(m.state.now_ns), .seconds = seconds};
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
	m.open = true;
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
	uint64_t since = whole ? m.first_ns : m.prev_ns;
	double seconds = (m.state.now_ns - since) / 1e9;
	double traced = (m.state.traced_ns - (whole ? 0 : m.prev_traced_ns)) / 1e9;
	char hms[36];
	int err = 0;

	if (m.nseries)
		qsort(m.series, m.nseries, sizeof(*m.series), by_function);
	blank_line();
	if (!whole)
		row_text("%s\n", row_hms(hms, run_wall(m.state.now_ns)));
	else if (seconds - traced >= 1)
		row_text("total of %.1f s, traced for %.1f s\n", seconds, traced);
	else
		row_text("total of %.1f s\n", seconds);
	row_header(t);
	m.open = true;
	m.headed = false;
	for (size_t i = 0; i < m.nseries && !err; i++) {
		struct series *s = m.series[i];

		if (whole || s->changed || s->running)
			err = show_series(t, s, whole ? &none : &s->last, seconds, traced);
		s->last = s->now;
		s->changed = false;
	}
	return err ?: blank_line();
}

static struct series *series_of(uint32_t fn, const struct hl_route_key *key)
{
	struct series *s, **all;

	for (size_t i = 0; i < m.nseries; i++) {
		s = m.series[i];
		if (s->fn == fn && s->is_route == !!key &&
		    (!key || (!strncmp(s->method, key->method, HL_METHOD) &&
			      !strncmp(s->route, key->route, HL_ROUTE))))
			return s;
	}
	s = calloc(1, sizeof(*s));
	all = realloc(m.series, (m.nseries + 1) * sizeof(*all));
	if (all)
		m.series = all;
	if (!s || !all) {
		free(s);
		return NULL;
	}
	s->fn = fn;
	if (key) {
		s->is_route = true;
		memcpy(s->method, key->method, HL_METHOD);
		memcpy(s->route, key->route, HL_ROUTE);
	}
	m.series[m.nseries++] = s;
	return s;
}

static int on_stats(uint32_t fn, const struct hl_route_key *key, const struct hl_stats *st,
		    uint32_t running)
{
	struct series *s = series_of(fn, key);

	if (!s)
		return -ENOMEM;
	s->now = *st;
	s->running = running;
	s->changed = memcmp(&s->now, &s->last, sizeof(s->now));
	return 0;
}

/* In a replay also where there is nothing else to show: calls that were only counted. */
static bool total_wanted(void)
{
	return aggregating() || std.json || std.output ||
	       (std.replay && (m.has_tables || !(m.returned_rows + m.unwound_rows)));
}

/* Nothing since the last state: at the end this is no interval that was asked for. */
static bool quiet(void)
{
	for (size_t i = 0; i < m.nseries; i++) {
		if (m.series[i]->changed || m.series[i]->running)
			return false;
	}
	return true;
}

static int on_state(const struct hl_state *st)
{
	int err = 0;

	m.state = *st;
	if (!m.first_ns) {
		m.first_ns = m.prev_ns = st->now_ns;
		return 0;
	}
	if ((std.replay ? m.has_tables |= !st->last : std.interval_ns > 0) &&
	    !(st->last && quiet()))
		err = show_table(&interval_table, false);
	m.prev_ns = st->now_ns;
	m.prev_traced_ns = st->traced_ns;
	if (!err && st->last && total_wanted())
		err = show_table(&total_table, true);
	return err;
}

static int on_func(const struct hl_func *f)
{
	char **all;

	if (f->fn > HL_FN_MASK)
		return fail(-EBADMSG, "a function record has id %u", f->fn);
	if (f->fn >= m.nnames) {
		all = realloc(m.names, (f->fn + 1) * sizeof(*all));
		if (!all)
			return -ENOMEM;
		memset(all + m.nnames, 0, (f->fn + 1 - m.nnames) * sizeof(*all));
		m.names = all;
		m.nnames = f->fn + 1;
	}
	free(m.names[f->fn]);
	m.names[f->fn] = strndup(f->name, sizeof(f->name));
	return m.names[f->fn] ? 0 : -ENOMEM;
}

int model_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	static const size_t sizes[] = {
		[HL_REC_CALL] = sizeof(struct hl_call),
		[HL_REC_HTTP_CALL] = sizeof(struct hl_http_call),
		[HL_REC_FUNC] = sizeof(struct hl_func),
		[HL_REC_STATS] = sizeof(struct hl_stats_rec),
		[HL_REC_ROUTE] = sizeof(struct hl_route_rec),
		[HL_REC_STATE] = sizeof(struct hl_state),
	};

	if (type >= sizeof(sizes) / sizeof(*sizes) || len < sizes[type])
		return fail(-EBADMSG, "a record of type %u has %zu bytes", type, len);
	switch (type) {
	case HL_REC_CALL: return on_call(data, NULL);
	case HL_REC_HTTP_CALL: return on_call(data, &((const struct hl_http_call *)data)->req);
	case HL_REC_FUNC: return on_func(data);
	case HL_REC_STATS: {
		const struct hl_stats_rec *r = data;

		return on_stats(r->fn, NULL, &r->stats, r->running);
	}
	case HL_REC_ROUTE: {
		const struct hl_route_rec *r = data;

		return on_stats(r->key.fn, &r->key, &r->stats, 0);
	}
	case HL_REC_STATE: return on_state(data);
	}
	return 0;
}

void model_header(void)
{
	if (std.replay || !rows_wanted())
		return;
	row_header(&call_table);
	m.headed = true;
}

/* --- the closing account */

#define ADD(member) (sum.member += s->now.member)

bool model_summary(struct json *j, char *text, size_t size, void *ctx)
{
	struct hl_stats sum = {};
	uint64_t returned = 0, running, known, sent, hooks;
	bool rows, balanced;
	double traced_s = m.state.traced_ns / 1e9, cost_ns;
	char d[24];
	int n;

	for (size_t i = 0; i < m.nseries; i++) {
		const struct series *s = m.series[i];

		if (s->is_route)
			continue;
		returned += returned_of(&s->now);
		ADD(entered), ADD(unwound), ADD(untracked), ADD(undepthed), ADD(missed), ADD(cut);
		ADD(below), ADD(ring_full), ADD(attr_full), ADD(other);
	}
	running = m.running_rows;
	known = returned + sum.unwound + running + sum.untracked + sum.undepthed + sum.cut;
	sent = m.returned_rows + m.unwound_rows + sum.below + sum.ring_full;
	/* Whether a recording has rows is not known from how it is shown. */
	rows = std.replay ? sent > 0 : rows_wanted();
	balanced = known == sum.entered && (!rows || sent == returned + sum.unwound);
	hooks = sum.entered + returned + sum.missed;
	cost_ns = (double)sum.entered * m.state.entry_cost_ns +
		  (double)(returned + sum.missed) * m.state.exit_cost_ns;

	json_u64(j, "calls", sum.entered);
	json_u64(j, "returned", returned);
	json_u64(j, "unwound", sum.unwound);
	json_u64(j, "running", running);
	json_u64(j, "oldest_running_ns", m.oldest_ns);
	json_u64(j, "untracked", sum.untracked);
	json_u64(j, "depth_dropped", sum.undepthed);
	json_u64(j, "cut", sum.cut);
	json_u64(j, "missed", sum.missed);
	json_u64(j, "rows", m.shown);
	json_u64(j, "below_slower", sum.below + m.below);
	json_u64(j, "ring_full", sum.ring_full);
	json_u64(j, "over_max_events", m.over_max);
	json_u64(j, "attributes_lost", sum.attr_full);
	json_u64(j, "routes_lost", sum.other);
	json_f64(j, "traced_s", traced_s);
	json_u64(j, "hooks", hooks);
	json_u64(j, "entry_cost_ns", m.state.entry_cost_ns);
	json_u64(j, "exit_cost_ns", m.state.exit_cost_ns);
	json_u64(j, "latency_bias_ns", m.state.bias_ns);
	json_f64(j, "probe_cpu_percent", traced_s > 0 ? cost_ns / traced_s / 1e7 : 0);

	n = snprintf(text, size, "calls %llu = returned %llu + unwound %llu + still running %llu",
		     (unsigned long long)sum.entered, (unsigned long long)returned,
		     (unsigned long long)sum.unwound, (unsigned long long)running);
	if (running)
		n += snprintf(text + n, size - n, " (oldest %s)", row_duration(d, m.oldest_ns));
#define CAUSE(value, words)                                                                        \
	do {                                                                                       \
		if (value)                                                                         \
			n += snprintf(text + n, size - n, words, (unsigned long long)(value));     \
	} while (0)
	CAUSE(sum.untracked, " + not tracked %llu (raise --max-running)");
	CAUSE(sum.undepthed, " + returns dropped by the kernel %llu (over 64 nested)");
	CAUSE(sum.cut, " + cut off by --max-overhead %llu");
	n += snprintf(text + n, size - n, "\nrows %llu", (unsigned long long)m.shown);
	CAUSE(sum.below + m.below, "; faster than --slower %llu");
	CAUSE(sum.ring_full, "; LOST to a full ring buffer %llu (raise --ring-size)");
	CAUSE(m.over_max, "; over --max-events %llu");
	CAUSE(sum.missed, "; exits without their entry %llu");
	CAUSE(sum.attr_full, "; without method and path %llu (raise --max-running)");
	CAUSE(sum.other, "; counted under no route %llu (raise --max-routes)");
#undef CAUSE
	if (m.state.entry_cost_ns && traced_s > 0)
		snprintf(text + n, size - n,
			 "\nprobes cost about %.2f%% of one CPU (%.2f us a call; %.2f us of it are "
			 "inside each latency)",
			 cost_ns / traced_s / 1e7,
			 (m.state.entry_cost_ns + m.state.exit_cost_ns) / 1e3,
			 m.state.bias_ns / 1e3);
	return balanced;
}
