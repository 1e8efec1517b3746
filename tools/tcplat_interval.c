// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What an interval was: its busiest connections, and the line that answers for all of them.
 */
#include "tcplat_model.h"
#include "run.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct interval {
	struct hist hist[TL_METRICS];
	uint64_t count[TL_METRICS];
	struct split split;
	double seconds;
	struct conn_row *rows;
	size_t nrows;
};

static void metric_json(struct json *j, const struct interval *i, int m)
{
	const struct hist *h = &i->hist[m];
	uint64_t n = i->count[m], none = UINT64_MAX;

	json_open(j, metric_names[m].name, '{');
	json_u64(j, "count", n);
	duration_cell(n ? h->sum / n : none, j, "avg_us", NULL, 0);
	duration_cell(hist_quantile(h, 0.5), j, "p50_us", NULL, 0);
	duration_cell(hist_quantile(h, 0.9), j, "p90_us", NULL, 0);
	duration_cell(hist_quantile(h, 0.99), j, "p99_us", NULL, 0);
	duration_cell(n ? h->max : none, j, "max_us", NULL, 0);
	json_close(j, '}');
}

static void interval_json(const struct interval *i)
{
	const struct split *s = &i->split;
	struct json j;
	char when[36];

	json_init(&j);
	json_open(&j, NULL, '{');
	json_str(&j, "type", "interval");
	json_str(&j, "timestamp", row_rfc3339(when, run_wall(model.totals.now_ns)));
	json_f64(&j, "interval_seconds", i->seconds);
	json_open(&j, "metrics", '{');
	for (int m = 0; m < TL_METRICS; m++)
		metric_json(&j, i, m);
	json_close(&j, '}');
	json_open(&j, "split", '{');
	duration_cell(s->local_ns, &j, "local_sum_us", NULL, 0);
	duration_cell(s->network_ns, &j, "network_sum_us", NULL, 0);
	duration_cell(less(s->total_ns, s->local_ns + s->network_ns), &j, "remote_sum_us", NULL, 0);
	json_close(&j, '}');
	json_u64(&j, "connections_open", model_open());
	json_open(&j, "connections", '[');
	for (size_t k = 0; k < i->nrows; k++) {
		json_open(&j, NULL, '{');
		row_keys(&conn_table, &i->rows[k], &j);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	row_object(&j);
	json_free(&j);
}

/* "client 1234 turns, p50 1.2ms p99 20ms max 31ms" */
static int metric_text(char *dst, size_t size, const struct interval *i, int m)
{
	const struct hist *h = &i->hist[m];
	char p50[24], p99[24], max[24], n[32] = "";

	if (m != TL_WAIT)
		snprintf(n, sizeof(n), " %" PRIu64 " turn%s,", i->count[m],
			 i->count[m] == 1 ? "" : "s");
	return snprintf(dst, size, "%s%s p50 %s p99 %s max %s", metric_names[m].title, n,
			row_duration(p50, hist_quantile(h, 0.5)),
			row_duration(p99, hist_quantile(h, 0.99)), row_duration(max, h->max));
}

/* Is it the network, the peer, or me? */
static void answer_text(const struct interval *i)
{
	static const int others[] = {TL_SERVER, TL_WAIT};
	struct percent p = split_percent(&i->split);
	char hms[36], text[512] = "";
	int n = 0;

	row_hms(hms, run_wall(model.totals.now_ns));
	hms[8] = 0; /* without the fraction */
	if (i->count[TL_CLIENT]) {
		metric_text(text, sizeof(text), i, TL_CLIENT);
		row_text("%s %s: local %.1f%% network %.1f%% remote %.1f%%\n", hms, text, p.local,
			 p.network, p.remote);
		memset(hms, ' ', 8);
	}
	for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++) {
		if (!i->count[others[k]])
			continue;
		n += snprintf(text + n, sizeof(text) - n, "%s", n ? " | " : "");
		n += metric_text(text + n, sizeof(text) - n, i, others[k]);
	}
	if (n)
		row_text("%s %s\n", hms, text);
	else if (!i->count[TL_CLIENT])
		row_text("%s no turns; %" PRIu64 " connection%s open\n", hms, model_open(),
			 model_open() == 1 ? "" : "s");
	row_text("\n");
}

static struct split split_between(const struct tl_totals *now, const struct tl_totals *before)
{
	struct split a = model_split(now, 0, TL_OCTAVES), b = model_split(before, 0, TL_OCTAVES);

	return (struct split){less(a.n, b.n), less(a.local_ns, b.local_ns),
			      less(a.network_ns, b.network_ns), less(a.total_ns, b.total_ns)};
}

/* NULL where there is no memory, or none is asked for: the interval goes without rows. */
static struct conn_row *busiest(size_t *n, double seconds)
{
	const struct conn **top = calloc(set.top ?: 1, sizeof(*top));
	struct conn_row *rows = calloc(set.top ?: 1, sizeof(*rows));

	*n = top && rows ? conns_top(top, set.top) : 0;
	for (size_t i = 0; i < *n; i++)
		conn_row(&rows[i], top[i], seconds);
	free(top);
	return rows;
}

void rows_interval(void)
{
	static struct interval i;

	i.seconds = model.interval_ns / 1e9;
	i.split = split_between(&model.totals.t, &model.totals_before.t);
	for (int m = 0; m < TL_METRICS; m++) {
		model_interval(&model.metrics[m], &i.hist[m]);
		i.count[m] = hist_count(&i.hist[m]);
	}
	i.rows = busiest(&i.nrows, i.seconds);
	if (row_json())
		interval_json(&i);
	if (i.nrows)
		row_header(&conn_table);
	for (size_t k = 0; k < i.nrows; k++)
		row_line(&conn_table, &i.rows[k]);
	answer_text(&i);
	free(i.rows);
}
