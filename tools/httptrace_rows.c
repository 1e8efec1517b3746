// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A line for each transaction: text for people, JSON for programs.
 */
#include "httptrace_rows.h"
#include "run.h"
#include <string.h>

/* --- text */

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
	p = decimal(p, s->status);
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
		.pid = s->who->pid,
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
	case VALUE_NUMBER: d = decimal(d, v->n); break;
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

int rows_begin(void)
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
