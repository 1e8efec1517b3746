// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --diff: did it become slower? Two reports, metric by metric.
 */
#include "tcplat_diff.h"
#include "log.h"
#include "row.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct figure {
	const char *metric, *name;
	double a, b; /* not finite: unknown */
	bool is_count;
	const char *verdict;
};

static double change(const struct figure *f)
{
	return f->a > 0 ? (f->b - f->a) * 100 / f->a : NAN;
}

/* --- text */

static void side_text(double v, bool is_count, char *buf, size_t size)
{
	char d[24], count[TEXT_F64_SIZE];

	if (!isfinite(v))
		return;
	if (is_count)
		snprintf(buf, size, "%s", text_f64(count, v, v < 1e15 && v != (uint64_t)v));
	else
		snprintf(buf, size, "%s", row_duration(d, v + 0.5));
}

static void a_text(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct figure *f = rec;

	side_text(f->a, f->is_count, buf, size);
}

static void b_text(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct figure *f = rec;

	side_text(f->b, f->is_count, buf, size);
}

static void change_text(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct figure *f = rec;
	char d[TEXT_F64_SIZE];
	double percent = change(f);

	if (isfinite(percent))
		snprintf(buf, size, "%s%s%%", percent > 0 ? "+" : "", text_f64(d, percent, 1));
}

static const struct col cols[] = {
	COL(struct figure, metric, COL_STR, NULL, "METRIC", 12, COL_F_LEFT | COL_F_TEXT),
	COL(struct figure, name, COL_STR, NULL, "FIGURE", 10, COL_F_LEFT | COL_F_TEXT),
	COL_CALL(a_text, NULL, "A", 10, COL_F_TEXT),
	COL_CALL(b_text, NULL, "B", 10, COL_F_TEXT),
	COL_CALL(change_text, NULL, "CHANGE", 9, COL_F_TEXT),
	COL(struct figure, verdict, COL_STR, NULL, "VERDICT", 0, COL_F_LAST | COL_F_TEXT),
	{.kind = COL_END},
};
static const struct table table = {"diff", cols};

/* --- output */

/* The same keys three times: of A, of B, and of the change. */
static void figures_json(struct json *j, const struct figure *f, size_t n)
{
	static const char *const keys[] = {"a", "b", "change_percent"};
	char key[32];

	for (int i = 0; i < 3; i++) {
		json_open(j, keys[i], '{');
		for (size_t k = 0; k < n; k++) {
			snprintf(key, sizeof(key), "%s%s", f[k].name,
				 f[k].is_count || i == 2 ? "" : "_us");
			json_f64(j, key,
				 i == 2		 ? change(&f[k])
				 : f[k].is_count ? (i ? f[k].b : f[k].a)
						 : (i ? f[k].b : f[k].a) / 1e3);
		}
		json_close(j, '}');
	}
}

static void verdicts_json(struct json *j, const struct figure *f, size_t n)
{
	json_open(j, "verdict", '{');
	for (size_t i = 0; i < n; i++)
		json_str(j, f[i].name, f[i].verdict);
	json_close(j, '}');
}

static void distance_json(struct json *j, const struct distance *d)
{
	json_open(j, "distribution", '{');
	json_f64(j, "ks_distance", d->d);
	json_f64(j, "ks_bound_99", d->bound);
	json_str(j, "verdict", d->verdict);
	json_close(j, '}');
}

static int show_json(const struct figure *f, size_t n, const struct distance *d)
{
	struct json j;
	int err;

	json_init(&j);
	json_open(&j, NULL, '{');
	json_str(&j, "type", "diff");
	json_str(&j, "metric", f->metric);
	figures_json(&j, f, n);
	if (d) {
		verdicts_json(&j, f + 3, 3); /* the percentiles */
		distance_json(&j, d);
	}
	json_close(&j, '}');
	err = row_object(&j);
	json_free(&j);
	return err;
}

static int show_text(const struct figure *f, size_t n, const struct distance *d)
{
	char text[80], x[TEXT_F64_SIZE], y[TEXT_F64_SIZE];
	struct figure last = {f->metric, "all", NAN, NAN, true, text};
	int err = 0;

	/* Nothing of it in either. */
	if (!f->a && !f->b)
		return 0;
	for (size_t i = 0; i < n && !err; i++)
		err = row_print(&table, &f[i]);
	if (err || !d)
		return err;
	if (isnan(d->d))
		snprintf(text, sizeof(text), "%s", d->verdict);
	else
		snprintf(text, sizeof(text), "%s (distance %s, by chance %s)", d->verdict,
			 text_f64(x, d->d, 3), text_f64(y, d->bound, 3));
	return row_print(&table, &last);
}

static int show(const struct figure *f, size_t n, const struct distance *d)
{
	return std.json ? show_json(f, n, d) : show_text(f, n, d);
}

static double known(uint64_t ns)
{
	return ns == UINT64_MAX ? NAN : (double)ns;
}

static int compare_metric(const struct saved *a, const struct saved *b, const char *name)
{
	static struct hist x, y; /* 10 KB each */
	struct distance d;
	double n, m;
	int err = saved_hist(a, name, &x) ?: saved_hist(b, name, &y);

	if (err)
		return err;
	n = hist_count(&x);
	m = hist_count(&y);
	d = diff_distance(&x, &y);
	const struct figure f[] = {
		{name, "count", n, m, true, NULL},
		{name, "per_second", n / a->seconds, m / b->seconds, true, NULL},
		{name, "avg", x.sum / n, y.sum / m, false, NULL},
#define QUANTILE(NAME, P)                                                                          \
	{name,                                                                                     \
	 NAME,                                                                                     \
	 known(hist_quantile(&x, P)),                                                              \
	 known(hist_quantile(&y, P)),                                                              \
	 false,                                                                                    \
	 diff_quantile(&x, &y, P)}
		QUANTILE("p50", 0.5),
		QUANTILE("p90", 0.9),
		QUANTILE("p99", 0.99),
		{name, "max", n ? (double)x.max : NAN, m ? (double)y.max : NAN, false, NULL},
	};
	return show(f, sizeof(f) / sizeof(*f), &d);
}

/* What a client's mean turn was made of. */
static int compare_split(const struct saved *a, const struct saved *b)
{
	struct split x, y;
	int err = saved_split(a, &x) ?: saved_split(b, &y);

	if (err)
		return err;
#define PART(NAME, EXPR_A, EXPR_B)                                                                 \
	{                                                                                          \
		"split", NAME, (double)(EXPR_A) / x.n, (double)(EXPR_B) / y.n, false, NULL         \
	}
	const struct figure f[] = {
		{"split", "turns", x.n, y.n, true, NULL},
		PART("local", x.local_ns, y.local_ns),
		PART("network", x.network_ns, y.network_ns),
		PART("remote", x.total_ns - x.local_ns - x.network_ns,
		     y.total_ns - y.local_ns - y.network_ns),
	};
	return show(f, sizeof(f) / sizeof(*f), NULL);
}

/* What makes the two hard to compare. */
static void warn_unlike(const struct saved *a, const struct saved *b)
{
	const struct saved *both[] = {a, b};

	if (strcmp(a->headline, b->headline))
		log_warn("A saw this machine as a %s above all, B as a %s", a->headline,
			 b->headline);
	if (strcmp(a->backend, b->backend))
		log_warn("A was measured by %s, B by %s: some microseconds are due to that",
			 a->backend, b->backend);
	if (a->sample != b->sample || a->sample_turns != b->sample_turns)
		log_warn("A and B were sampled differently (connections 1 in %" PRIu64
			 " and 1 in %" PRIu64 ", turns 1 in %" PRIu64 " and 1 in %" PRIu64
			 "): counts do not compare",
			 a->sample, b->sample, a->sample_turns, b->sample_turns);
	for (int i = 0; i < 2; i++) {
		if (!both[i]->complete)
			log_warn("%c (%s) is not complete: something was lost", 'A' + i,
				 both[i]->name);
	}
}

/* Is each metric of a sound, and in b too? Before anything is printed. */
static int check_metrics(const struct saved *a, const struct saved *b)
{
	static struct hist h;
	struct split split;
	const char *m = NULL;
	int err = saved_split(a, &split);

	while (!err && (m = saved_next(a, m))) {
		err = saved_hist(a, m, &h);
		if (!err && !saved_has(b, m))
			err = fail(-EINVAL, "%s has the metric %s, %s has not", a->name, m,
				   b->name);
	}
	return err;
}

static int compare(const struct saved *a, const struct saved *b)
{
	const char *m = NULL;
	int err = check_metrics(a, b) ?: check_metrics(b, a);

	if (err)
		return err;
	warn_unlike(a, b);
	row_header(&table);
	while (!err && (m = saved_next(a, m)))
		err = compare_metric(a, b, m);
	return err ?: compare_split(a, b);
}

int diff_reports(const char *file_a, const char *file_b)
{
	struct saved a = {}, b = {};
	int err, flush;

	row_init(std.json, NULL);
	if (!strcmp(file_a, "-") && !strcmp(file_b, "-"))
		err = fail(-EINVAL, "only one of the two reports can come from stdin");
	else
		err = saved_open(&a, file_a) ?: saved_open(&b, file_b) ?: compare(&a, &b);
	flush = row_flush();
	err = err ?: flush;
	if (err && err != -EPIPE)
		log_error("%s", fail_text(err));
	saved_close(&a);
	saved_close(&b);
	return err && err != -EPIPE;
}
