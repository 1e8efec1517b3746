// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The end of a run, for people: every metric, what the turns were made of, the slowest of them, and
 * the calls that were seen.
 */
#include "tcplat_model.h"
#include "net.h"
#include "run.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(what)  ((uint64_t)model.totals.t.count[what])
#define MIN_FOR_P999 1000 /* with fewer values it would be the maximum by another name */

/* --- metrics */

struct metric_row {
	const char *title;
	uint64_t count, min, avg, dev, p50, p90, p99, p999, max; /* ns; UINT64_MAX: unknown */
};

#define DURATION(NAME)                                                                             \
	static void NAME##_cell(const void *rec, struct json *j, const char *key, char *buf,       \
				size_t size)                                                       \
	{                                                                                          \
		duration_cell(((const struct metric_row *)rec)->NAME, j, key, buf, size);          \
	}
DURATION(min)
DURATION(avg)
DURATION(dev)
DURATION(p50)
DURATION(p90)
DURATION(p99)
DURATION(p999)
DURATION(max)
#undef DURATION

static const struct col metric_cols[] = {
	COL(struct metric_row, title, COL_STR, NULL, "METRIC", 13, COL_F_LEFT),
	COL(struct metric_row, count, COL_U64, NULL, "COUNT", 10, 0),
	COL_CALL(min_cell, NULL, "MIN", 6, 0),
	COL_CALL(avg_cell, NULL, "AVG", 6, 0),
	COL_CALL(dev_cell, NULL, "STDDEV", 6, 0),
	COL_CALL(p50_cell, NULL, "P50", 6, 0),
	COL_CALL(p90_cell, NULL, "P90", 6, 0),
	COL_CALL(p99_cell, NULL, "P99", 6, 0),
	COL_CALL(p999_cell, NULL, "P99.9", 6, 0),
	COL_CALL(max_cell, NULL, "MAX", 6, 0),
	{.kind = COL_END},
};
static const struct table metric_table = {NULL, metric_cols};

static void metrics_text(void)
{
	bool headed = false;

	for (int i = 0; i < TL_METRICS; i++) {
		const struct hist *h = &model.metrics[i].now;
		struct metric_row r = {.title = metric_names[i].title, .count = hist_count(h)};

		if (!r.count)
			continue;
		r.min = h->min;
		r.avg = h->sum / r.count;
		r.dev = hist_stddev(h);
		r.p50 = hist_quantile(h, 0.5);
		r.p90 = hist_quantile(h, 0.9);
		r.p99 = hist_quantile(h, 0.99);
		r.p999 = r.count < MIN_FOR_P999 ? UINT64_MAX : hist_quantile(h, 0.999);
		r.max = h->max;
		if (!headed)
			row_header(&metric_table);
		headed = true;
		row_line(&metric_table, &r);
	}
}

static void histograms_text(void)
{
	enum tl_metric_id headline = model_headline();

	for (enum tl_metric_id i = 0; i < TL_METRICS; i++) {
		const struct hist *h = &model.metrics[i].now;

		if ((i != headline && !set.histogram) || !hist_count(h))
			continue;
		row_text("\n%s:\n", metric_names[i].title);
		hist_draw(h);
	}
}

/* --- the split */

static void split_text(const struct split *s)
{
	struct percent p = split_percent(s);
	char local[24], network[24], remote[24];

	row_text("local %.1f%% (%s), network %.1f%% (%s), remote %.1f%% (%s)\n", p.local,
		 row_duration(local, s->local_ns / s->n), p.network,
		 row_duration(network, s->network_ns / s->n), p.remote,
		 row_duration(remote, less(s->total_ns, s->local_ns + s->network_ns) / s->n));
}

/* Of all turns, and of the octaves from the 99th percentile's up: a tail may have its own cause. */
static void splits_text(void)
{
	uint64_t p99 = hist_quantile(&model.metrics[TL_CLIENT].now, 0.99);
	struct split all = model_split(&model.totals.t, 0, TL_OCTAVES), slow;
	unsigned int octave = p99 && p99 != UINT64_MAX ? hist_log2(p99) : 0;
	char from[24];

	if (!all.n)
		return;
	row_text("\nclient turns, on the average: ");
	split_text(&all);
	slow = model_split(&model.totals.t, octave, TL_OCTAVES);
	if (!slow.n || slow.n == all.n)
		return;
	row_text("the slowest %" PRIu64 " (%s and more): ", slow.n,
		 row_duration(from, 1ULL << octave));
	split_text(&slow);
}

/* --- the slowest turns */

struct slow_row {
	uint64_t wall_ns;
	const char *title;
	char local[NET_ENDPOINT_SIZE], remote[NET_ENDPOINT_SIZE], comm[16];
	const struct tl_slow_rec *r;
	uint32_t pid, bytes;
};

#define DURATION(NAME, VALUE)                                                                      \
	static void NAME##_cell(const void *rec, struct json *j, const char *key, char *buf,       \
				size_t size)                                                       \
	{                                                                                          \
		const struct tl_slow_rec *r = ((const struct slow_row *)rec)->r;                   \
		bool split = r->metric != TL_SERVER;                                               \
                                                                                                   \
		duration_cell(split ? (VALUE) : UINT64_MAX, j, key, buf, size);                    \
	}
DURATION(local, r->local_ns)
DURATION(network, r->network_ns)
DURATION(remote, less(r->lat_ns, r->local_ns + r->network_ns))

static void total_cell(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	duration_cell(((const struct slow_row *)rec)->r->lat_ns, j, key, buf, size);
}

static void flags_cell(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} names[] = {
		{TL_F_RETRANS, "retrans"},
		{TL_F_REORDERED, "reordered"},
		{TL_F_HELD, "held"},
		{TL_F_ZERO_WINDOW, "zero-window"},
	};
	int n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (((const struct slow_row *)rec)->r->flags & names[i].flag)
			n += snprintf(buf + n, size - n, "%s%s", n ? "," : "", names[i].name);
	}
}

static const struct col slow_cols[] = {
	COL(struct slow_row, wall_ns, COL_TIME, NULL, "TIME", 12, COL_F_LEFT),
	COL(struct slow_row, title, COL_STR, NULL, "TURN", 6, COL_F_LEFT),
	COL(struct slow_row, local, COL_CHARS, NULL, "LOCAL", 15, COL_F_LEFT),
	COL(struct slow_row, remote, COL_CHARS, NULL, "REMOTE", 15, COL_F_LEFT),
	COL_CALL(total_cell, NULL, "TOTAL", 6, 0),
	COL_CALL(local_cell, NULL, "LOC", 6, 0),
	COL_CALL(network_cell, NULL, "NET", 6, 0),
	COL_CALL(remote_cell, NULL, "REM", 6, 0),
	COL(struct slow_row, bytes, COL_U32, NULL, "BYTES", 6, COL_F_OPT),
	COL(struct slow_row, pid, COL_U32, NULL, "PID", 7, COL_F_OPT),
	COL(struct slow_row, comm, COL_CHARS, NULL, "COMM", 15, COL_F_OPT | COL_F_LEFT),
	COL_CALL(flags_cell, NULL, "FLAGS", 0, COL_F_LAST),
	{.kind = COL_END},
};
static const struct table slow_table = {NULL, slow_cols};

static void slowest_text(void)
{
	if (!model.nslow)
		return;
	row_text("\nslowest turns:\n");
	row_header(&slow_table);
	for (size_t i = 0; i < model.nslow; i++) {
		const struct tl_slow_rec *s = &model.slow[i];
		struct slow_row r = {
			.wall_ns = run_wall(s->begin_ns),
			.title = s->metric == TL_CLIENT_MULTI ? "multi"
							      : metric_names[s->metric].title,
			.r = s,
			.pid = s->pid,
			.bytes = s->request_bytes,
		};

		memcpy(r.comm, s->comm, sizeof(r.comm));
		ends_text(r.local, r.remote, &s->flow);
		row_line(&slow_table, &r);
	}
}

/* --- calls */

struct outcome {
	enum tl_count what;
	const char *words;
};

static int call_text(char *dst, size_t size, const char *name, uint64_t done,
		     const struct outcome *o)
{
	const char *open = " (";
	int n = snprintf(dst, size, "%s %" PRIu64, name, done);

	for (; o->words; o++) {
		if (!COUNT(o->what))
			continue;
		n += snprintf(dst + n, size - n, "%s%" PRIu64 " %s", open, COUNT(o->what),
			      o->words);
		open = ", ";
	}
	if (*open == ',')
		n += snprintf(dst + n, size - n, ")");
	return n;
}

static void calls_text(void)
{
	static const struct outcome sends[] = {
		{TL_N_SEND_AGAIN, "EAGAIN"}, {TL_N_SEND_FAILED, "failed"}, {}};
	static const struct outcome receives[] = {{TL_N_RECV_AGAIN, "EAGAIN"},
						  {TL_N_RECV_PEEK, "peeked"},
						  {TL_N_RECV_EOF, "end of stream"},
						  {TL_N_RECV_FAILED, "failed"},
						  {}};
	char text[512];
	int n;

	n = call_text(text, sizeof(text), "tcp_sendmsg", COUNT(TL_N_SEND), sends);
	n += snprintf(text + n, sizeof(text) - n, ", ");
	n += call_text(text + n, sizeof(text) - n, "tcp_recvmsg", COUNT(TL_N_RECV), receives);
	if (model.start.cleanup)
		snprintf(text + n, sizeof(text) - n, ", tcp_cleanup_rbuf %" PRIu64,
			 COUNT(TL_N_CLEANUP));
	row_text("\ncalls: %s\n", text);
}

int rows_final(void)
{
	uint64_t conns = COUNT(TL_N_CONNS);

	row_text("total of %.1f s: %" PRIu64 " connection%s, %" PRIu64 " open at the end\n",
		 (model.totals.now_ns - model.start.now_ns) / 1e9, conns, conns == 1 ? "" : "s",
		 model_open());
	metrics_text();
	histograms_text();
	splits_text();
	slowest_text();
	calls_text();
	return 0;
}
