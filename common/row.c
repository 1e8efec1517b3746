// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "decimal.h"
#include "log.h"
#include "out.h"
#include "row.h"
#include "sink.h"

#define NS_PER_SEC 1000000000ULL

static bool json_mode;
static struct sink *json_sink;
static struct json object; /* the record at hand */
static int sink_err; /* latched */
static char hms[13]; /* row_hms()'s last */

int row_init(bool json, struct sink *sink)
{
	json_mode = json;
	json_sink = sink;
	sink_err = 0;
	hms[0] = '\0';
	out_init();
	tzset();
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

/* What is said of the run so far. The quiet end wins: it is stdout's reader who decides. */
static int latched(int out_err)
{
	return out_err ?: sink_err;
}

void row_batch(void)
{
	out_batch();
}

int row_error(void)
{
	return latched(out_error());
}

int row_flush(void)
{
	return latched(out_flush());
}

int row_text(const char *fmt, ...)
{
	va_list ap;
	char *room;
	int n;

	if (json_mode)
		return latched(out_error());
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	room = n > 0 ? out_reserve(n + 1) : NULL;
	if (room) {
		va_start(ap, fmt);
		out_advance(vsnprintf(room, n + 1, fmt, ap));
		va_end(ap);
	}
	return latched(out_end_row());
}

int row_put(const void *text, size_t len)
{
	if (json_mode)
		return latched(out_error());
	out_put(text, len);
	return latched(out_end_row());
}

bool row_json(void)
{
	return json_mode || json_sink;
}

int row_object(struct json *j)
{
	const char *text = json_text(j);

	if (j->err)
		return sink_err = sink_err ?: fail(j->err, "no memory for a JSON object");
	if (json_sink)
		sink_err = sink_line(json_sink, text, j->len) ?: sink_err;
	if (!json_mode)
		return latched(out_error());
	out_put(text, j->len);
	out_put("\n", 1);
	return latched(out_end_row());
}

/* The members of a record, by kind. */
static uint64_t number(const struct col *c, const void *rec)
{
	const void *p = (const char *)rec + c->off;

	switch (c->kind) {
	case COL_U32: return *(const uint32_t *)p;
	case COL_U16: return *(const uint16_t *)p;
	default: return *(const uint64_t *)p;
	}
}

static double real(const struct col *c, const void *rec)
{
	return *(const double *)((const char *)rec + c->off);
}

static bool is_text(const struct col *c)
{
	return c->kind == COL_CHARS || c->kind == COL_STR;
}

/* NULL or the text, *n bytes of it. */
static const char *text_of(const struct col *c, const void *rec, size_t *n)
{
	const char *s = (const char *)rec + c->off;

	if (c->kind == COL_STR)
		memcpy(&s, (const char *)rec + c->off, sizeof(s));
	*n = !s ? 0 : c->kind == COL_STR ? strlen(s) : strnlen(s, c->size);
	return s;
}

/* Is the value one that stands for "not known"? */
static bool unknown(const struct col *c, const void *rec)
{
	size_t n;

	switch (c->kind) {
	case COL_FN: return false;
	case COL_F64: return (c->flags & COL_F_OPT) && real(c, rec) == 0;
	case COL_CHARS:
	case COL_STR: text_of(c, rec, &n); return (c->flags & COL_F_OPT) && !n;
	default: return (c->flags & COL_F_OPT) && !number(c, rec);
	}
}

static bool null(const struct col *c, const void *rec)
{
	bool wide = c->kind == COL_U64 || c->kind == COL_MS || c->kind == COL_TIME;

	return (c->flags & COL_F_NULL) && wide && number(c, rec) == UINT64_MAX;
}

static void json_value(const struct col *c, const void *rec, struct json *j)
{
	char tmp[36];
	const char *s;
	size_t n;

	if (unknown(c, rec))
		return;
	if (null(c, rec)) {
		json_null(j, c->key);
	} else if (c->kind == COL_FN) {
		c->fn(rec, j, c->key, NULL, 0);
	} else if (c->kind == COL_F64) {
		json_f64(j, c->key, real(c, rec));
	} else if (c->kind == COL_TIME) {
		json_str(j, c->key, row_rfc3339(tmp, number(c, rec)));
	} else if (is_text(c)) {
		s = text_of(c, rec, &n);
		if (s)
			json_strn(j, c->key, s, n);
		else
			json_null(j, c->key);
	} else {
		json_u64(j, c->key, number(c, rec));
	}
}

/* Formats the value into tmp, or points to it in rec. Not escaped. */
static const char *text_value(const struct col *c, const void *rec, char tmp[COL_FN_SIZE],
			      size_t *n)
{
	const char *s = tmp;

	tmp[0] = '\0';
	if (unknown(c, rec) || null(c, rec)) {
		*n = 0;
	} else if (is_text(c)) {
		s = text_of(c, rec, n);
	} else {
		if (c->kind == COL_FN)
			c->fn(rec, NULL, c->key, tmp, COL_FN_SIZE);
		else if (c->kind == COL_TIME)
			row_hms(tmp, number(c, rec));
		else if (c->kind == COL_MS)
			text_f64(tmp, number(c, rec) / 1e6, 3);
		else if (c->kind != COL_F64)
			*decimal(tmp, number(c, rec)) = '\0';
		else if (isfinite(real(c, rec)))
			text_f64(tmp, real(c, rec), 1);
		*n = strlen(tmp);
	}
	return *n ? s : "-";
}

/* A line of text being laid out: where its last character is, and where it ought to be. */
struct line {
	size_t at, want;
};

static void pad(struct line *l, size_t upto)
{
	char *room = l->at < upto ? out_reserve(upto - l->at) : NULL;

	if (!room)
		return;
	memset(room, ' ', upto - l->at);
	out_advance(upto - l->at);
	l->at = upto;
}

static void put_cell(struct line *l, const struct col *c, const char *s, size_t n)
{
	bool left = c->flags & (COL_F_LEFT | COL_F_LAST);
	size_t len, chars = 0, gap;
	char *cell;

	/* The cell to the left, if it was left aligned, and the separator. */
	if (l->want) {
		pad(l, l->want);
		out_put(" ", 1);
		l->at++;
		l->want++;
	}
	l->want += c->width;
	cell = out_reserve(4 * n + 1 + c->width);
	if (!cell)
		return;
	len = text_escape(cell, 4 * n + 1, s, n);
	for (size_t i = 0; i < len; i++)
		chars += (cell[i] & 0xc0) != 0x80;
	gap = !left && l->at + chars < l->want ? l->want - l->at - chars : 0;
	memmove(cell + gap, cell, len);
	memset(cell, ' ', gap);
	out_advance(gap + len);
	l->at += gap + chars;
}

void row_header(const struct table *t)
{
	struct line l = {};

	if (json_mode)
		return;
	for (const struct col *c = t->cols; c->kind != COL_END; c++) {
		if (c->head && !(c->flags & COL_F_JSON))
			put_cell(&l, c, c->head, strlen(c->head));
	}
	out_put("\n", 1);
	out_end_row();
}

static void text_row(const struct table *t, const void *rec)
{
	char tmp[COL_FN_SIZE];
	struct line l = {};

	for (const struct col *c = t->cols; c->kind != COL_END; c++) {
		size_t n;
		const char *s;

		if (!c->head || (c->flags & COL_F_JSON))
			continue;
		s = text_value(c, rec, tmp, &n);
		put_cell(&l, c, s, n ?: 1);
	}
	out_put("\n", 1);
	out_end_row();
}

int row_line(const struct table *t, const void *rec)
{
	if (!json_mode)
		text_row(t, rec);
	return latched(out_error());
}

void row_keys(const struct table *t, const void *rec, struct json *j)
{
	for (const struct col *c = t->cols; c->kind != COL_END; c++) {
		if (c->key && !(c->flags & COL_F_TEXT))
			json_value(c, rec, j);
	}
}

int row_print(const struct table *t, const void *rec)
{
	struct json *j = &object;

	row_line(t, rec);
	if (!row_json())
		return latched(out_error());
	json_reset(j);
	json_open(j, NULL, '{');
	json_str(j, "type", t->type);
	row_keys(t, rec, j);
	json_close(j, '}');
	return row_object(j);
}

char *row_rfc3339(char *dst, uint64_t epoch_ns)
{
	/* Records come in the order of their times: many have the second of the one before. */
	static char last[36] = "1970-01-01T00:00:00.000000000Z";
	static time_t last_sec;
	time_t sec = epoch_ns / NS_PER_SEC;
	unsigned int ns = epoch_ns % NS_PER_SEC;
	struct tm tm;

	if (sec != last_sec) {
		gmtime_r(&sec, &tm);
		snprintf(last, sizeof(last), "%04u-%02u-%02uT%02u:%02u:%02u.000000000Z",
			 (unsigned int)tm.tm_year + 1900, tm.tm_mon + 1U, (unsigned int)tm.tm_mday,
			 (unsigned int)tm.tm_hour, (unsigned int)tm.tm_min,
			 (unsigned int)tm.tm_sec);
		last_sec = sec;
	}
	memcpy(dst, last, sizeof(last));
	decimal_digits(dst + 20, ns, 9);
	return dst;
}

char *row_hms(char *dst, uint64_t epoch_ns)
{
	static time_t last_sec;
	time_t sec = epoch_ns / NS_PER_SEC;
	struct tm tm;

	if (sec != last_sec || !hms[0]) {
		localtime_r(&sec, &tm);
		memcpy(hms, "00:00:00.000", sizeof(hms));
		decimal_digits(hms, tm.tm_hour, 2);
		decimal_digits(hms + 3, tm.tm_min, 2);
		decimal_digits(hms + 6, tm.tm_sec, 2);
		last_sec = sec;
	}
	memcpy(dst, hms, sizeof(hms));
	decimal_digits(dst + 9, epoch_ns % NS_PER_SEC / 1000000, 3);
	return dst;
}

char *row_duration(char *dst, uint64_t ns)
{
	static const char *const unit[] = {"us", "ms", "s"};
	char number[TEXT_F64_SIZE];
	double v = ns / 1e3;
	int i = 0;

	if (ns < 1000) {
		snprintf(dst, 24, "%uns", (unsigned int)ns);
		return dst;
	}
	/* The limits are where rounding would give a fourth digit. */
	for (; i < 2 && v >= 999.5; i++)
		v /= 1e3;
	text_f64(number, v, v < 9.995 ? 2 : v < 99.95 ? 1 : 0);
	snprintf(dst, 24, "%.20s%s", number, unit[i]);
	return dst;
}
