// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Lines of text, laid out as row.c does it, but by hand: an URL may be of any length and hold any
 * byte, and half a million lines a second are to come out of a recording.
 */
#include "httptrace_rows.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>

/* Nothing in it is to be escaped: so is most text, and telling so is quick. */
static bool plain(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		if ((unsigned char)(t.s[i] - ' ') >= 0x7f - ' ' || t.s[i] == '\\')
			return false;
	}
	return true;
}

const char *escaped(struct text t, size_t *n)
{
	static char *buf; /* kept for the next */
	static size_t cap;
	size_t need = 4 * t.n + 1;
	char *more;

	if (plain(t)) {
		*n = t.n;
		return t.s;
	}
	more = need > cap ? realloc(buf, need) : buf;
	if (!more)
		return NULL;
	buf = more;
	cap = need > cap ? need : cap;
	*n = text_escape(buf, cap, t.s, t.n);
	return buf;
}

static bool line_room(struct line *l, size_t n)
{
	size_t cap = l->cap ?: 512;
	char *buf;

	if (l->failed || l->cap - l->len >= n)
		return !l->failed;
	while (cap - l->len < n)
		cap *= 2;
	buf = realloc(l->buf, cap);
	if (!buf) {
		l->failed = true;
		return false;
	}
	l->buf = buf;
	l->cap = cap;
	return true;
}

static void pad(struct line *l, size_t upto)
{
	size_t n = l->at < upto ? upto - l->at : 0;

	memset(l->buf + l->len, ' ', n);
	l->len += n;
	l->at += n;
}

#define MAX_WIDTH 16

/* Brings the line to where the next cell begins. */
static bool next_cell(struct line *l, size_t n)
{
	if (!line_room(l, n + 2 * MAX_WIDTH + 1))
		return false;
	if (!l->want)
		return true;
	pad(l, l->want);
	l->buf[l->len++] = ' ';
	l->at++;
	l->want++;
	return true;
}

void line_cell(struct line *l, struct text t, size_t width)
{
	size_t n, chars = 0;
	const char *s = t.n ? escaped(t, &n) : "-";

	if (!t.n)
		n = 1;
	if (!s || !next_cell(l, n)) {
		l->failed = true;
		return;
	}
	memcpy(l->buf + l->len, s, n);
	for (size_t i = 0; i < n; i++)
		chars += (s[i] & 0xc0) != 0x80;
	l->at += chars;
	l->len += n;
	l->want += width;
}

/* ASCII that needs no escaping. */
static void plain_cell(struct line *l, const char *s, size_t n, size_t width, bool left)
{
	if (!next_cell(l, n))
		return;
	l->want += width;
	if (!left && l->at + n < l->want)
		pad(l, l->want - n);
	memcpy(l->buf + l->len, s, n);
	l->len += n;
	l->at += n;
}

char *put_ms(char *p, uint64_t us)
{
	/* Steps of the last digit, and how many there are behind the point. */
	uint64_t step = us < 100000 ? 1 : us < 999995 ? 10 : us < 9999950 ? 100 : 1000, v;
	int digits = step == 1 ? 3 : step == 10 ? 2 : step == 100 ? 1 : 0;
	char tmp[24], *q = tmp + sizeof(tmp);

	if (us == UINT64_MAX) {
		*p++ = '-';
		return p;
	}
	v = us / step + (us % step >= step - us % step);
	for (int i = 0; i < digits; i++, v /= 10)
		*--q = '0' + v % 10;
	if (digits)
		*--q = '.';
	do
		*--q = '0' + v % 10;
	while (v /= 10);
	return mempcpy(p, q, tmp + sizeof(tmp) - q);
}

/* "03:04:05.123"; many lines have the second of the one before. */
static void time_cell(struct line *l, uint64_t wall_ns)
{
	static char hms[36];
	static uint64_t last = UINT64_MAX;
	uint64_t sec = wall_ns / 1000000000;
	unsigned int ms = wall_ns % 1000000000 / 1000000;

	if (sec != last)
		row_hms(hms, wall_ns);
	last = sec;
	hms[9] = '0' + ms / 100;
	hms[10] = '0' + ms / 10 % 10;
	hms[11] = '0' + ms % 10;
	plain_cell(l, hms, 12, 12, true);
}

enum { ROLE_W = 6, PID_W = 6, COMM_W = 9, STATE_W = 5, TOTAL_W = 7, MS_W = 6 };

static void ms_cell(struct line *l, uint64_t us, size_t width)
{
	char text[24];

	plain_cell(l, text, put_ms(text, us) - text, width, false);
}

void line_begin(struct line *l, const struct lead *lead)
{
	char pid[20];

	l->len = l->at = l->want = 0;
	l->failed = false;
	time_cell(l, lead->wall_ns);
	plain_cell(l, lead->role, strlen(lead->role), ROLE_W, true);
	plain_cell(l, pid, decimal(pid, lead->pid) - pid, PID_W, false);
	line_cell(l, lead->comm, COMM_W);
	plain_cell(l, lead->state, strlen(lead->state), STATE_W, true);
	ms_cell(l, lead->total_us, TOTAL_W);
	ms_cell(l, lead->wait_us, MS_W);
	ms_cell(l, lead->other_us, MS_W);
}

int line_end(struct line *l)
{
	if (!line_room(l, 1)) {
		free(l->buf);
		*l = (struct line){};
		return fail(-ENOMEM, "no memory for a line of text");
	}
	l->buf[l->len++] = '\n';
	return row_put(l->buf, l->len);
}

/* For the header alone; the widths are the same. */
static const struct col heads[] = {
	{.head = "TIME", .width = 12, .flags = COL_F_LEFT, .kind = COL_FN},
	{.head = "ROLE", .width = ROLE_W, .flags = COL_F_LEFT, .kind = COL_FN},
	{.head = "PID", .width = PID_W, .kind = COL_FN},
	{.head = "COMM", .width = COMM_W, .flags = COL_F_LEFT, .kind = COL_FN},
	{.head = "STAT", .width = STATE_W, .flags = COL_F_LEFT, .kind = COL_FN},
	{.head = "TOT(ms)", .width = TOTAL_W, .kind = COL_FN},
	{.head = "WAIT", .width = MS_W, .kind = COL_FN},
	{.head = "Q/NET", .width = MS_W, .kind = COL_FN},
	{.head = "REQ", .width = METHOD_W, .flags = COL_F_LEFT, .kind = COL_FN},
	{.head = "URL", .flags = COL_F_LEFT | COL_F_LAST, .kind = COL_FN},
	{.kind = COL_END},
};

void lead_header(void)
{
	static const struct table t = {NULL, heads};

	row_header(&t);
}
