// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * From common/capture to struct span. http1 pairs; here a request's span is followed through what
 * it tells of both messages, whose ends come in any order: an answer may begin and end before the
 * request has, even before its head is there.
 */
#include "httptrace_spans.h"
#include "capload.h"
#include <errno.h>
#include <string.h>

#define HOLD_NS 10000000 /* how often a replay asks what need not wait any longer */

struct span_stats span_stats;

static struct {
	uint64_t held_ns; /* when that was asked last */
	int err; /* the first that an output gave */
} spans;

uint64_t spans_now(void)
{
	return capture_now();
}

void spans_told(int err)
{
	if (err && err != -EPIPE && !spans.err)
		spans.err = err;
}

static void over(struct span *s)
{
	struct line *l = (struct line *)s->hop;

	if (!s->asked_over || !s->answer_over)
		return;
	s->over = 1;
	s->over_ns = capture_now();
	s->complete &= !s->lost_bytes;
	s->error |= span_is_error(s);
	span_stats.outcome[s->outcome]++;
	span_stats.incomplete += s->outcome == SPAN_ANSWERED && !s->complete;
	span_memory.open--;
	l->open--;
	links_over(s);
	hold_span(s);
	span_put(s);
}

/* Why something is missing: the first reason counts. */
static void incomplete(struct span *s, enum http1_why why)
{
	s->complete = 0;
	if (s->why == HTTP1_COMPLETE)
		s->why = why;
}

static void answer_over(struct span *s, enum span_outcome outcome)
{
	s->outcome = outcome;
	s->answer_over = 1;
	over(s);
}

/* The span of request number, of which so far only something of its answer is known. */
static struct span *early(struct line *l, uint64_t number)
{
	if (!l->early) {
		l->early = span_new(l, 0);
		if (!l->early)
			return NULL;
		l->early->complete = 1;
		l->early->number = number;
	}
	return l->early;
}

/* With room for so much text, unless it is there already; NULL: counted. */
static struct span *begin(struct line *l, const struct http1_msg *m, size_t text)
{
	struct span *s = l->early;

	l->early = NULL;
	l->heads = m->number;
	l->hop.spans++;
	/* There was no memory for what is known of its answer, of which nothing more will come. */
	if (!s && m->number > l->done) {
		if (span_memory.open >= set.max_open) {
			span_stats.over_max_open++;
			return NULL;
		}
		s = span_new(l, text);
		if (s)
			s->complete = 1;
	}
	span_stats.no_memory += !s;
	return s;
}

static void set_place(struct span *s, struct cap_conn *c, const struct http1_msg *m)
{
	struct line *l = c->user;
	bool alone = l->open == 1 && http1_waiting(c->h) <= 1;

	s->role = m->dir == CAP_SEND ? CAP_ROLE_CLIENT : CAP_ROLE_SERVER;
	s->number = m->number;
	s->begin = m->begin;
	s->seq = capture_seq(c, m->dir, m->begin);
	s->minor = m->minor;
	s->first_ns = m->first_ns;
	s->head_ns = m->head_ns ?: m->first_ns;
	s->waited_us = s->role == CAP_ROLE_SERVER ? line_waited(l, m->begin) : UINT32_MAX;
	/* Pipelined, it was not idle before. */
	if (alone && l->hop.last_ns && l->hop.last_ns <= m->first_ns)
		s->prev_ns = l->hop.last_ns;
}

static void asked(struct cap_conn *c, struct http1_msg *m)
{
	struct line *l = c->user;
	const struct cap_who *who = c->who[m->dir];
	struct span *s;

	span_stats.requests++;
	if (!l) {
		span_stats.no_memory++;
		return;
	}
	line_update(l, c);
	line_opened(c);
	m->user = s = begin(l, m, text_take(m));
	if (!s)
		return;
	set_place(s, c, m);
	cap_who_put(s->who);
	s->who = cap_who_get(who);
	text_give(s);
	ids_request(s, m);
	if (s->role == CAP_ROLE_CLIENT && !l->told_connect && c->opened_ns && c->connect_ns)
		links_connect(s->hop, who, c->opened_ns - c->connect_ns);
	l->told_connect = true;
	links_request(s);
	join_request(s);
}

static void answering(struct cap_conn *c, struct http1_msg *m)
{
	struct span *s = m->request_user;
	struct line *l = c->user;

	if (l && !s && m->answers > l->heads)
		s = early(l, m->answers);
	if (l && !m->interim && m->head_whole && m->answers > l->done)
		l->done = m->answers;
	m->user = s;
	if (!s)
		return;
	if (m->interim) {
		s->interim_ns = s->interim_ns ?: m->first_ns;
		return;
	}
	s->status = m->status;
	s->answer_ns = m->first_ns;
	s->answer_tid = c->who[m->dir]->tid;
	s->assumed = m->assumed;
	s->early = !s->asked_over;
}

static void on_head(void *ctx, struct http1_msg *m)
{
	struct cap_conn *c = ctx;

	if (c->maybe) {
		c->maybe = false;
		capload_is_http(c->id);
	}
	if (m->request)
		asked(c, m);
	else
		answering(c, m);
}

static void request_end(struct span *s, const struct http1_msg *m)
{
	s->request_bytes = m->wire_bytes;
	s->request_body = m->body_bytes;
	s->lost_bytes += m->lost;
	if (m->why != HTTP1_OPEN)
		s->last_ns = m->last_ns;
	if (!m->complete)
		incomplete(s, m->why);
	/* The answer may only have been told of before; where bytes are missing nobody knows. */
	if (m->complete ? s->last_ns <= s->answer_ns : m->why == HTTP1_GAP)
		s->early = 0;
	s->asked_over = 1;
	over(s);
}

static void response_end(struct span *s, const struct http1_msg *m)
{
	s->lost_bytes += m->lost;
	if (!m->complete && m->head_whole)
		incomplete(s, m->why);
	if (m->interim)
		return;
	s->response_bytes = m->wire_bytes;
	s->response_body = m->body_bytes;
	/* No more than the beginning of an answer: the request goes unanswered. */
	if (!m->head_whole)
		return;
	if (m->why != HTTP1_OPEN)
		s->answered_ns = m->last_ns;
	answer_over(s, m->why == HTTP1_RESET  ? SPAN_RESET
		       : m->why == HTTP1_OPEN ? SPAN_OPEN
					      : SPAN_ANSWERED);
}

static void on_end(void *ctx, struct http1_msg *m)
{
	struct line *l = ((struct cap_conn *)ctx)->user;

	*(m->request ? &span_stats.request_bytes : &span_stats.response_bytes) += m->wire_bytes;
	span_stats.unpaired += !m->request && !m->interim && !m->answers;
	if (l && m->last_ns > l->hop.last_ns)
		l->hop.last_ns = m->last_ns;
	if (l && m->request && m->dir == CAP_RECV)
		l->read_end = m->end;
	if (m->user && m->request)
		request_end(m->user, m);
	else if (m->user)
		response_end(m->user, m);
}

static void on_unanswered(void *ctx, uint64_t number, void *user, enum http1_why why)
{
	struct line *l = ((struct cap_conn *)ctx)->user;
	struct span *s = user;

	if (!l)
		return;
	if (!s && number > l->heads)
		s = early(l, number);
	if (number > l->done)
		l->done = number;
	if (!s)
		return;
	incomplete(s, why);
	/* Where bytes are missing, nobody knows that there was no answer. */
	s->error = why == HTTP1_CLOSED;
	answer_over(s, why == HTTP1_RESET  ? SPAN_RESET
		       : why == HTTP1_OPEN ? SPAN_OPEN
					   : SPAN_UNANSWERED);
}

static void on_other(void *ctx, int dir, enum http1_other what, const char *name, size_t n)
{
	span_stats.others += what != HTTP1_TO_UNKNOWN;
}

/* --- */

static void mask_args(char *args, size_t len)
{
	if (!set.no_redact)
		redact_args(&redact, args, len);
}

int spans_init(void)
{
	const struct capture_ops ops = {
		.args = mask_args,
		.conn = line_heard,
		.raw = line_raw,
		.gap = line_gap,
		.gone = line_gone,
		.http1 = {.head = on_head,
			  .end = on_end,
			  .unanswered = on_unanswered,
			  .skipped = line_skipped,
			  .other = on_other},
	};
	const struct capture_options o = {.max_header = set.max_header, .max_conns = set.max_conns};

	return capture_init(&ops, &o);
}

int spans_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	int err = capture_record(type, data, len, NULL);
	uint64_t now = capture_now();

	if (now - spans.held_ns >= HOLD_NS) {
		spans.held_ns = now;
		hold_tick(now);
	}
	return err ?: spans.err ?: hold_error();
}

void spans_tick(uint64_t now_ns)
{
	capture_tick(now_ns);
	spans.held_ns = capture_now();
	hold_tick(spans.held_ns);
}

int spans_finish(void)
{
	capture_finish();
	hold_finish();
	links_finish();
	join_finish();
	span_free_spares();
	text_free();
	select_finish();
	return spans.err ?: hold_error();
}
