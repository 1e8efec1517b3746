// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The report: the whole run as one JSON object. Units are in the keys, what is not known is null,
 * and a bucket's upper edge stands for what is in it.
 */
#include "tcplat_report.h"
#include "opts.h"
#include "proc.h"
#include "row.h"
#include "run.h"
#include <math.h>
#include <string.h>
#include <time.h>

#define COUNT(WHAT) (model.totals.t.count[WHAT])

void report_us(struct json *j, const char *key, uint64_t ns)
{
	json_f64(j, key, ns / 1e3);
}

void report_known(struct json *j, const char *key, uint64_t v)
{
	if (v)
		json_u64(j, key, v);
	else
		json_null(j, key);
}

static void time_or_null(struct json *j, const char *key, uint64_t mono_ns)
{
	char when[36];

	json_str(j, key, mono_ns ? row_rfc3339(when, run_wall(mono_ns)) : NULL);
}

static void head_json(struct json *j)
{
	const struct tl_start_rec *s = &model.start;
	uint64_t end_ns = model.totals.now_ns ?: s->now_ns;
	uint64_t one_in = (uint64_t)s->sample * s->sample_turns;

	json_str(j, "type", "report");
	json_u64(j, "schema", REPORT_SCHEMA);
	json_str(j, "tool", "tcplat");
	json_str(j, "version", VERSION);
	time_or_null(j, "timestamp", end_ns);
	time_or_null(j, "started", s->now_ns);
	json_f64(j, "duration_seconds", (end_ns - s->now_ns) / 1e9);
	json_strn(j, "kernel", s->kernel, strnlen(s->kernel, sizeof(s->kernel)));
	json_str(j, "backend", backend_names[s->backend]);
	json_open(j, "sample", '{');
	json_u64(j, "connections_1_in", s->sample);
	json_u64(j, "turns_1_in", s->sample_turns);
	json_bool(j, "scaled", one_in > 1);
	if (one_in > 1) {
		json_u64(j, "scaled_connections", COUNT(TL_N_CONNS) * s->sample);
		json_u64(j, "scaled_turns", COUNT(TL_N_ANSWERED) * one_in);
	}
	json_close(j, '}');
	json_bool(j, "complete", model_complete());
	json_str(j, "headline", model_headline() == TL_SERVER ? "server" : "client");
	json_u64(j, "total_events", COUNT(TL_N_SEND) + COUNT(TL_N_RECV) + COUNT(TL_N_CLEANUP));
}

/*
 * The coarse histogram that people know. A bucket of ours that an edge falls into goes where its
 * upper edge is: at most 3.125 % of a value too high.
 */
static void coarse_json(const struct hist *h, struct json *j)
{
	static const struct {
		const char *name;
		uint64_t below_ns;
	} bins[] = {{"0-1ms", 1000000},	   {"1-5ms", 5000000},	    {"5-10ms", 10000000},
		    {"10-50ms", 50000000}, {"50-100ms", 100000000}, {"100ms+", UINT64_MAX}};
	unsigned int slot = 0;

	json_open(j, "histogram", '{');
	for (size_t i = 0; i < sizeof(bins) / sizeof(*bins); i++) {
		bool last = bins[i].below_ns == UINT64_MAX;
		uint64_t n = 0;

		for (; slot < HIST_SLOTS; slot++) {
			uint64_t edge = hist_slot_max(slot);

			if (!last && (edge < h->max ? edge : h->max) >= bins[i].below_ns)
				break;
			n += h->slot[slot];
		}
		json_u64(j, bins[i].name, n);
	}
	json_close(j, '}');
}

/* In units of so many ns; p999 says nothing of fewer than 1,000 values. */
static void percentiles_json(const struct hist *h, struct json *j, const char *key, double unit_ns)
{
	static const struct {
		const char *name;
		double p;
	} ps[] = {{"p50", 0.5},	 {"p75", 0.75}, {"p90", 0.9},
		  {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};
	uint64_t n = hist_count(h);

	json_open(j, key, '{');
	for (size_t i = 0; i < sizeof(ps) / sizeof(*ps); i++) {
		if (!n || (ps[i].p > 0.99 && n < 1000))
			json_null(j, ps[i].name);
		else
			json_f64(j, ps[i].name, hist_quantile(h, ps[i].p) / unit_ns);
	}
	json_close(j, '}');
}

static void breakdown_json(struct json *j)
{
	bool sees = model.start.sees_again;

	json_open(j, "event_type_breakdown", '{');
	if (sees || COUNT(TL_N_SEND))
		json_u64(j, "tcp_sendmsg", COUNT(TL_N_SEND));
	else
		json_null(j, "tcp_sendmsg");
	json_u64(j, "tcp_recvmsg", COUNT(TL_N_RECV));
	if (model.start.cleanup)
		json_u64(j, "tcp_cleanup_rbuf", COUNT(TL_N_CLEANUP));
	else
		json_null(j, "tcp_cleanup_rbuf");
	json_close(j, '}');
}

static void calls_json(struct json *j)
{
	static const struct {
		const char *name;
		enum tl_count what;
		bool always; /* also where no hook sees how a call ends */
	} calls[] = {
		{"sends", TL_N_SEND, false},
		{"sends_eagain", TL_N_SEND_AGAIN, false},
		{"sends_failed", TL_N_SEND_FAILED, false},
		{"receives", TL_N_RECV, true},
		{"receives_eagain", TL_N_RECV_AGAIN, false},
		{"receives_eof", TL_N_RECV_EOF, false},
		{"receives_peek", TL_N_RECV_PEEK, false},
		{"receives_failed", TL_N_RECV_FAILED, false},
	};

	json_open(j, "calls", '{');
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (calls[i].always || model.start.sees_again)
			json_u64(j, calls[i].name, COUNT(calls[i].what));
		else
			json_null(j, calls[i].name);
	}
	json_close(j, '}');
}

static void metrics_json(struct json *j)
{
	json_open(j, "metrics", '{');
	for (size_t i = 0; i < TL_METRICS; i++) {
		const struct hist *h = &model.metrics[i].now;
		uint64_t n = hist_count(h);

		json_open(j, metric_names[i].name, '{');
		json_u64(j, "count", n);
		report_us(j, "sum_us", h->sum);
		if (n) {
			report_us(j, "min_us", h->min);
			json_f64(j, "avg_us", (double)h->sum / n / 1e3);
			report_us(j, "max_us", h->max);
		} else {
			json_null(j, "min_us");
			json_null(j, "avg_us");
			json_null(j, "max_us");
		}
		json_f64(j, "std_dev_us", hist_stddev(h) / 1e3); /* NAN gives null */
		percentiles_json(h, j, "percentiles_us", 1e3);
		hist_json(h, j, "buckets");
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void turns_json(struct json *j)
{
	static const struct {
		const char *name;
		enum tl_count what;
	} classes[] = {
		{"opened", TL_N_OPENED},	{"answered", TL_N_ANSWERED},
		{"multi", TL_N_MULTI},		{"interleaved", TL_N_INTERLEAVED},
		{"unknown_role", TL_N_UNKNOWN}, {"unanswered", TL_N_UNANSWERED},
		{"left_out", TL_N_LEFT_OUT},	{"unsolicited", TL_N_UNSOLICITED},
		{"began_before", TL_N_MID},
	};

	json_open(j, "turns", '{');
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		json_u64(j, classes[i].name, COUNT(classes[i].what));
	json_u64(j, "open", model.turns_open);
	json_close(j, '}');
}

static void accounting_json(struct json *j)
{
	char text[4096];
	bool balanced;

	json_open(j, "accounting", '{');
	balanced = model_summary(j, text, sizeof(text), NULL);
	json_bool(j, "balanced", balanced);
	json_close(j, '}');
}

/* What is divided by nothing, or was not measured, is NAN or infinite, which is null in JSON. */
static void cost_json(struct json *j)
{
	const struct tl_totals_rec *t = &model.totals;
	double hooks = t->hooks ? (double)t->hooks : NAN, ns = t->hooks ? (double)t->hook_ns : NAN;
	struct timespec cpu;

	json_open(j, "cost", '{');
	json_f64(j, "measured_seconds", t->hooks ? t->hook_window_ns / 1e9 : NAN);
	json_f64(j, "hooks", hooks);
	json_f64(j, "hooks_per_second", hooks * 1e9 / t->hook_window_ns);
	json_f64(j, "ns_per_hook", ns / hooks);
	/* The hooks run for connections too that the filters leave out. */
	json_f64(j, "ns_per_turn", model.start.filtered ? NAN : ns / t->hook_turns);
	json_f64(j, "cpu_share_percent", ns * 100 / t->hook_window_ns);
	/* Of a replay these would say nothing of the run. */
	if (!std.replay && !clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu))
		json_f64(j, "tool_cpu_ms", cpu.tv_sec * 1e3 + cpu.tv_nsec / 1e6);
	else
		json_null(j, "tool_cpu_ms");
	report_known(j, "tool_rss_bytes", std.replay ? 0 : proc_self_rss());
	json_close(j, '}');
}

void report_json(struct json *j)
{
	const struct hist *h = &model.metrics[model_headline()].now;

	json_open(j, NULL, '{');
	head_json(j);
	report_conns(j);
	coarse_json(h, j);
	percentiles_json(h, j, "percentiles", 1e6);
	json_f64(j, "percentile_error", 1.0 / HIST_SUB);
	breakdown_json(j);
	calls_json(j);
	metrics_json(j);
	report_split(j);
	turns_json(j);
	report_slowest(j);
	accounting_json(j);
	cost_json(j);
	json_close(j, '}');
}
