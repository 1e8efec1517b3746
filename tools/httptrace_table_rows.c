// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The rows of -i and --histogram.
 */
#include "httptrace_table.h"
#include "run.h"
#include <stdio.h>
#include <stdlib.h>

struct row {
	uint64_t wall_ns;
	double seconds, rate, share; /* share: of errors, 0 to 1 */
	const struct route *r;
	const struct tally *t;
	uint64_t min, avg, p50, p90, p99, p999, max; /* us; UINT64_MAX: none */
};

#define TIME(MEMBER)                                                                               \
	static void MEMBER##_us(const void *rec, struct json *j, const char *key, char *buf,       \
				size_t size)                                                       \
	{                                                                                          \
		uint64_t us = ((const struct row *)rec)->MEMBER;                                   \
                                                                                                   \
		if (!j)                                                                            \
			*put_ms(buf, us) = '\0';                                                   \
		else if (us == UINT64_MAX)                                                         \
			json_null(j, key);                                                         \
		else                                                                               \
			json_u64(j, key, us);                                                      \
	}
TIME(min)
TIME(avg)
TIME(p50)
TIME(p90)
TIME(p99)
TIME(p999)
TIME(max)

static void put_bytes(struct json *j, const char *key, char *buf, size_t size, const char *s,
		      size_t n)
{
	if (j && n)
		json_strn(j, key, s, n);
	else if (j)
		json_null(j, key);
	else
		for (size_t i = 0; i <= n && i < size; i++) {
			/* The text of a cell ends at a NUL. */
			buf[i] = i == n ? '\0' : s[i] ?: '?';
		}
}

static void method(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct route *r = ((const struct row *)rec)->r;

	put_bytes(j, key, buf, size, r->text, r->method_len);
}

static void route(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct route *r = ((const struct row *)rec)->r;

	if (!j && r->other)
		snprintf(buf, size, "other: %s%llu routes", r->more ? "more than " : "",
			 (unsigned long long)r->routes);
	else
		put_bytes(j, key, buf, size, r->text + r->method_len, r->other ? 0 : r->route_len);
}

static void role(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const char *name = cap_role_names[((const struct row *)rec)->r->role];

	if (j)
		json_str(j, key, name);
	else
		snprintf(buf, size, "%s", name);
}

static void count(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct tally *t = ((const struct row *)rec)->t;

	if (j)
		json_u64(j, key, t->count);
	else
		snprintf(buf, size, "%s%llu", set.sample > 1 ? "~" : "",
			 (unsigned long long)t->count);
}

static void share(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	double v = ((const struct row *)rec)->share;

	if (j)
		json_f64(j, key, v);
	else
		text_f64(buf, v * 100, v > 0 && v < 0.0995 ? 2 : 1);
}

/* What is not in each row. */
static void extra(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct row *row = rec;

	if (!j)
		return;
	json_u64(j, "errors", row->t->errors);
	if (row->r->other) {
		json_u64(j, "routes", row->r->routes);
		json_bool(j, "more_routes", row->r->more);
	}
	if (set.sample > 1)
		json_bool(j, "scaled", true);
}

/* All values are whole microseconds, so that each slot below 64 us has one at most. */
static void histogram(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct hist *h = &((const struct row *)rec)->t->h;

	if (!j || !set.histogram)
		return;
	json_open(j, key, '[');
	for (unsigned int i = 0; i < HIST_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		json_open(j, NULL, '{');
		json_u64(j, "le_us", (i < HIST_SLOTS - 1 ? hist_slot_max(i) : h->max) / 1000);
		json_u64(j, "count", h->slot[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static const struct col cols[] = {
	COL(struct row, wall_ns, COL_TIME, "timestamp", NULL, 0, COL_F_JSON),
	COL(struct row, seconds, COL_F64, "seconds", NULL, 0, COL_F_JSON),
	COL_CALL(role, "role", "ROLE", 6, COL_F_LEFT),
	COL_CALL(method, "method", NULL, 0, COL_F_JSON),
	COL_CALL(route, "route", NULL, 0, COL_F_JSON),
	COL_CALL(count, "count", "COUNT", 7, 0),
	COL(struct row, rate, COL_F64, "rate", "RATE/s", 8, 0),
	COL_CALL(extra, "errors", NULL, 0, COL_F_JSON),
	COL_CALL(share, "error_share", "ERR%", 5, 0),
	COL_CALL(min_us, "min_us", NULL, 0, COL_F_JSON),
	COL_CALL(avg_us, "avg_us", NULL, 0, COL_F_JSON),
	COL_CALL(p50_us, "p50_us", "p50(ms)", 7, 0),
	COL_CALL(p90_us, "p90_us", "p90", 6, 0),
	COL_CALL(p99_us, "p99_us", "p99", 6, 0),
	COL_CALL(p999_us, "p999_us", NULL, 0, COL_F_JSON),
	COL_CALL(max_us, "max_us", "max", 6, 0),
	COL_CALL(method, NULL, "REQ", 4, COL_F_TEXT | COL_F_LEFT),
	COL_CALL(route, NULL, "ROUTE", 0, COL_F_TEXT | COL_F_LEFT | COL_F_LAST),
	COL_CALL(histogram, "histogram", NULL, 0, COL_F_JSON),
	{.kind = COL_END},
};

static uint64_t quantile_us(const struct hist *h, double p)
{
	uint64_t ns = hist_quantile(h, p);

	return ns == UINT64_MAX ? ns : ns / 1000;
}

static struct row row_of(const struct route *r, bool total, double seconds)
{
	struct row row = {.r = r, .t = total ? &r->total : &r->now, .seconds = seconds};
	const struct hist *h = &row.t->h;
	uint64_t n = hist_count(h);

	row.wall_ns = run_wall(spans_now());
	row.rate = seconds > 0 ? row.t->count / seconds : 0;
	row.share = row.t->count ? (double)row.t->errors / row.t->count : 0;
	row.min = n ? h->min / 1000 : UINT64_MAX;
	row.avg = n ? h->sum / n / 1000 : UINT64_MAX;
	row.p50 = quantile_us(h, 0.5);
	row.p90 = quantile_us(h, 0.9);
	row.p99 = quantile_us(h, 0.99);
	row.p999 = quantile_us(h, 0.999);
	row.max = n ? h->max / 1000 : UINT64_MAX;
	return row;
}

static bool by_total;

/* Most of the time first, then the most calls; else in the order of what they are. Others last. */
static int by_time(const void *a, const void *b)
{
	const struct route *x = *(struct route *const *)a, *y = *(struct route *const *)b;
	const struct tally *s = by_total ? &x->total : &x->now;
	const struct tally *t = by_total ? &y->total : &y->now;
	uint32_t n = x->route_len < y->route_len ? x->route_len : y->route_len;

	if (x->other != y->other)
		return x->other - y->other;
	if (s->h.sum != t->h.sum)
		return s->h.sum < t->h.sum ? 1 : -1;
	if (s->count != t->count)
		return s->count < t->count ? 1 : -1;
	return memcmp(x->text + x->method_len, y->text + y->method_len, n)
		       ?: (int)x->route_len - (int)y->route_len
		       ?: (int)x->role - (int)y->role;
}

/* The last line is blank. */
static bool blank;

static int show_row(const struct table *t, const struct route *r, bool total, double seconds)
{
	struct row row = row_of(r, total, seconds);
	int err = row_print(t, &row);

	blank = false;
	if (err || !total || !set.histogram || row.max == UINT64_MAX)
		return err;
	hist_draw(&row.t->h);
	blank = true;
	return row_text("\n");
}

int table_show(struct route **routes, size_t n, bool total, double seconds)
{
	static const struct table interval_table = {"interval", cols};
	static const struct table total_table = {"total", cols};
	const struct table *t = total ? &total_table : &interval_table;
	const char *nothing = n ? "" : ": no transactions";
	char hms[36];
	int err = 0;

	by_total = total;
	blank = false;
	qsort(routes, n, sizeof(*routes), by_time);
	if (total)
		row_text("total of %.1f s%s\n", seconds, nothing);
	else
		row_text("%s%s\n", row_hms(hms, run_wall(spans_now())), nothing);
	if (n)
		row_header(t);
	for (size_t i = 0; i < n && !err; i++)
		err = show_row(t, routes[i], total, seconds);
	return err || blank ? err : row_text("\n");
}
