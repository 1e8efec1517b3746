// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A line for each transaction: text for people, JSON for programs.
 *
 * Text is laid out as row.c does it, but by hand: an URL may be of any length and hold any byte,
 * and half a million lines a second are to come out of a recording.
 */
#include "httptrace_rows.h"
#include "log.h"
#include "run.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- text */

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

enum { ROLE_W = 6, PID_W = 6, COMM_W = 9, STATE_W = 5, TOTAL_W = 7, MS_W = 6, METHOD_W = 4 };

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
	plain_cell(l, pid, put_number(pid, lead->pid) - pid, PID_W, false);
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

/* '!': it did not go by whole; '?': the pair rests on an assumption. */
char *state_text(char *dst, const struct span *s)
{
	static const char *const words[SPAN_OUTCOMES] = {
		[SPAN_OPEN] = "open",
		[SPAN_ANSWERED] = "?",
		[SPAN_UNANSWERED] = "none",
		[SPAN_RESET] = "reset",
	};
	char *p = dst;

	if (s->outcome != SPAN_ANSWERED || !s->status)
		return strcpy(dst, words[s->outcome]);
	p = put_number(p, s->status);
	if (s->assumed)
		*p++ = '?';
	if (!s->complete)
		*p++ = '!';
	*p = '\0';
	return dst;
}

static int text_span(const struct view *v)
{
	static struct line line;
	const struct span *s = v->s;
	bool server = s->role == CAP_ROLE_SERVER;
	char state[8];
	struct lead lead = {
		.wall_ns = run_wall(s->first_ns ?: s->head_ns),
		.role = cap_role_names[s->role],
		.pid = s->pid,
		.comm = comm_of(s),
		.state = state_text(state, s),
		.total_us = v->t.total_us,
		.wait_us = v->t.wait_us,
		.other_us = server ? v->t.queue_us : v->t.network_us,
	};

	line_begin(&line, &lead);
	line_cell(&line, (struct text){SPAN_METHOD(s), s->method_len}, METHOD_W);
	line_cell(&line, (struct text){SPAN_URL(s), s->url_len}, 0);
	return line_end(&line);
}

/* --- JSON */

/* What needs no escaping is gathered: most of an object is such, in many small pieces. */
struct piece {
	struct json *j;
	size_t n;
	char buf[1024];
};
#define PIECE_VALUE 128 /* a key and a value fit into that, but for hostile text */

static void piece_leave(struct piece *p)
{
	json_raw(p->j, p->buf, p->n);
	p->n = 0;
}

static char *put_word(char *d, struct text t)
{
	*d++ = '"';
	d = mempcpy(d, t.s, t.n);
	*d++ = '"';
	return d;
}

static void put_value(struct piece *p, const struct field *f, const struct value *v)
{
	char *d;

	if (v->kind == VALUE_NONE && !f->promised)
		return;
	if (p->n > sizeof(p->buf) - PIECE_VALUE)
		piece_leave(p);
	d = mempcpy(p->buf + p->n, f->head, f->head_len);
	switch (v->kind) {
	case VALUE_NONE: d = mempcpy(d, "null", 4); break;
	case VALUE_NUMBER: d = put_number(d, v->n); break;
	case VALUE_PERCENT: d = put_percent(d, v->n); break;
	case VALUE_BOOL: d = stpcpy(d, v->n ? "true" : "false"); break;
	case VALUE_WORD: d = put_word(d, v->text); break;
	case VALUE_TEXT: break;
	}
	p->n = d - p->buf;
	if (v->kind != VALUE_TEXT)
		return;
	piece_leave(p);
	p->j->comma = false; /* it stands in head */
	json_strn(p->j, NULL, v->text.s, v->text.n);
}

static void put_candidates(struct json *j, const struct span *s)
{
	char hex[17];

	json_open(j, "candidates", '[');
	for (size_t i = 0; s->candidates && i < s->ncandidates && i < MAX_CANDIDATES; i++)
		json_str(j, NULL, ids_hex(hex, s->candidates[i].span_id, 8));
	json_close(j, ']');
}

static int json_span(struct view *view)
{
	static struct json j;
	struct piece p;

	p.j = &j;
	p.n = 0;
	json_reset(&j);
	json_open(&j, NULL, '{');
	json_str(&j, "type", "transaction");
	for (size_t i = 0; i < nfields; i++) {
		struct value v = fields[i].get(view);

		put_value(&p, &fields[i], &v);
	}
	piece_leave(&p);
	j.comma = true;
	if (view->s->ncandidates)
		put_candidates(&j, view->s);
	json_close(&j, '}');
	return row_object(&j);
}

int rows_init(void)
{
	tree_init();
	if (set.csv)
		return csv_header();
	if (text_wanted())
		lead_header();
	return 0;
}

int rows_span(const struct span *s)
{
	bool text = text_wanted(), json = json_wanted();
	struct view v;
	int err = 0;

	if (!text && !json)
		return 0;
	view_of(&v, s);
	if (text)
		err = text_span(&v);
	if (json)
		err = json_span(&v) ?: err;
	return err;
}
