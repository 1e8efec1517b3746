/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTP1_T_H
#define HTTP1_T_H
/*
 * An exchange as a list of steps, and what the parser tells of it as one line of text:
 *   Q1 GET /a        head of request 1; "~": cut short; "!": truncated
 *   q1=body          its end; "q1 gap" when not complete; -3: lost bytes; [bare-lf,...]: anomalies
 *   R1>2 200 / r1    the same of response 1, which answers request 2 ("-": none, "?": assumed)
 *   T1 a=b           trailers of message 1
 *   U1 gap           request 1 will not be answered
 *   S0 7+3           3 bytes at 7 in direction 0 skipped over
 *   O0 tls name      opaque from here
 * Bytes of a body that were not copied or lost are "<n>". Direction 0 is the client's.
 */
#include <stdarg.h>
#include <stdlib.h>
#include "http1.h"
#include "unit/t.h"

enum op { OP_NONE, OP_DATA, OP_SKIP, OP_LOST, OP_END, OP_RESET };
struct step {
	enum op op;
	int dir;
	const char *data;
	size_t n;
};
#define C(s)                                                                                       \
	{                                                                                          \
		OP_DATA, 0, "" s, sizeof(s) - 1                                                    \
	}
#define S(s)                                                                                       \
	{                                                                                          \
		OP_DATA, 1, "" s, sizeof(s) - 1                                                    \
	}
#define SKIP(d, n)                                                                                 \
	{                                                                                          \
		OP_SKIP, d, NULL, n                                                                \
	}
#define LOST(d, n)                                                                                 \
	{                                                                                          \
		OP_LOST, d, NULL, n                                                                \
	}
#define END(d)                                                                                     \
	{                                                                                          \
		OP_END, d, NULL, 0                                                                 \
	}
#define RESET(d)                                                                                   \
	{                                                                                          \
		OP_RESET, d, NULL, 0                                                               \
	}
#define STEPS 16

struct told {
	char text[1 << 16];
	size_t n;
	char body[2][1 << 15];
	size_t nbody[2];
	uint64_t pos[2]; /* where the last message ended */
	bool broken; /* what no transcript shows: positions, times, sums */
	/* For pairs by content: see http1_sync.c. */
	void (*paired)(struct told *t, const struct http1_msg *m);
	uint64_t now;
	char target[8][16]; /* by request number */
};

static void tell(struct told *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct told *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->n += vsnprintf(t->text + t->n, sizeof(t->text) - t->n, fmt, ap);
	va_end(ap);
	if (t->n >= sizeof(t->text))
		abort();
}

static void tell_span(struct told *t, const struct http1_msg *m, struct http1_span s)
{
	t->broken |= s.at > 1 << 20 || s.len > 1 << 20;
	tell(t, s.len > 40 ? "%.*s..." : "%.*s", s.len > 40 ? 40 : (int)s.len, m->text + s.at);
}

static void on_head(void *ctx, struct http1_msg *m)
{
	struct told *t = ctx;

	t->nbody[m->dir] = 0;
	t->broken |= m->begin < t->pos[m->dir];
	if (m->request) {
		tell(t, "Q%d ", (int)m->number);
		tell_span(t, m, m->method);
		tell(t, " ");
		tell_span(t, m, m->target);
		if (m->number < 8)
			snprintf(t->target[m->number], sizeof(t->target[0]), "%.*s",
				 (int)m->target.len, m->text + m->target.at);
		m->user = t->target[m->number & 7];
	} else if (m->answers) {
		tell(t, "R%d>%d%s %d", (int)m->number, (int)m->answers, m->assumed ? "?" : "",
		     m->status);
		t->broken |= m->request_user && m->request_user != t->target[m->answers & 7];
		if (t->paired)
			t->paired(t, m);
	} else {
		tell(t, "R%d>- %d", (int)m->number, m->status);
	}
	tell(t, "%s%s; ", m->head_whole ? "" : "~", m->truncated ? "!" : "");
}

static void on_body(void *ctx, struct http1_msg *m, const void *data, uint64_t n)
{
	struct told *t = ctx;
	char *at = t->body[m->dir] + t->nbody[m->dir];
	size_t room = sizeof(t->body[0]) - t->nbody[m->dir];

	if (!data)
		t->nbody[m->dir] += snprintf(at, room, "<%d>", (int)n);
	else if (n < room) {
		memcpy(at, data, n);
		t->nbody[m->dir] += n;
	}
}

static void on_trailers(void *ctx, struct http1_msg *m)
{
	struct told *t = ctx;

	for (uint32_t i = 0; i < m->ntrailers; i++) {
		tell(t, "T%d ", (int)m->number);
		tell_span(t, m, m->headers[m->nheaders + i].name);
		tell(t, "=");
		tell_span(t, m, m->headers[m->nheaders + i].value);
		tell(t, "; ");
	}
}

static void on_end(void *ctx, struct http1_msg *m)
{
	struct told *t = ctx;
	const char *sep = " [";

	t->broken |=
		m->end - m->begin != m->wire_bytes + m->lost || m->complete != !m->why ||
		m->head_bytes + m->body_bytes > m->wire_bytes ||
		(m->complete && m->framing == HTTP1_LENGTH && m->body_bytes != m->content_length);
	t->pos[m->dir] = m->end;
	tell(t, "%c%d", m->request ? 'q' : 'r', (int)m->number);
	if (t->nbody[m->dir])
		tell(t, t->nbody[m->dir] > 60 ? "=%.*s..." : "=%.*s",
		     t->nbody[m->dir] > 60 ? 60 : (int)t->nbody[m->dir], t->body[m->dir]);
	if (m->why)
		tell(t, " %s", http1_why_name(m->why));
	if (m->lost)
		tell(t, " -%d", (int)m->lost);
	for (unsigned i = 0; http1_anomaly_name(i); i++)
		if (m->anomalies & 1u << i) {
			tell(t, "%s%s", sep, http1_anomaly_name(i));
			sep = ",";
		}
	tell(t, "%s; ", *sep == ',' ? "]" : "");
}

static void on_unanswered(void *ctx, uint64_t number, void *user, enum http1_why why)
{
	struct told *t = ctx;

	t->broken |= user && user != t->target[number & 7];
	tell(t, "U%d %s; ", (int)number, http1_why_name(why));
}

static void on_skipped(void *ctx, int dir, uint64_t pos, uint64_t n)
{
	tell(ctx, "S%d %d+%d; ", dir, (int)pos, (int)n);
}

static void on_other(void *ctx, int dir, enum http1_other what, const char *name, size_t n)
{
	static const char *const word[] = {"upgrade", "tunnel", "http2", "tls", "unknown"};

	tell(ctx, "O%d %s%s%.*s; ", dir, word[what], n ? " " : "", (int)n, n ? name : "");
}

static const struct http1_ops told_ops = {on_head,	 on_body,    on_trailers, on_end,
					  on_unanswered, on_skipped, on_other};

static inline void put(struct http1 *c, struct told *t, const struct step *s, size_t from,
		       size_t to)
{
	int err = 0;

	t->now++;
	switch (s->op) {
	case OP_DATA: err = http1_data(c, s->dir, s->data + from, to - from, t->now); break;
	case OP_SKIP: err = http1_skipped(c, s->dir, s->n, t->now); break;
	case OP_LOST: err = http1_lost(c, s->dir, s->n, t->now); break;
	case OP_END: err = http1_end(c, s->dir, false, t->now); break;
	case OP_RESET: err = http1_end(c, s->dir, true, t->now); break;
	case OP_NONE: break;
	}
	t->broken |= err;
}

/*
 * Runs the steps. split is the place, counted through all data, where a piece ends; a negative one
 * makes pieces of -split bytes. Returns false when the sums are wrong.
 */
static inline bool told_run(struct told *t, struct http1_parser *p, const struct step *s,
			    int client, bool joined, long split)
{
	struct http1 *c;
	long seen = 0;

	t->n = t->nbody[0] = t->nbody[1] = t->pos[0] = t->pos[1] = t->now = 0;
	t->broken = false;
	*t->text = 0;
	c = http1_open(p, t, client, joined);
	for (; c && s->op; s++) {
		size_t from = 0, cut;

		for (; split < 0 && s->op == OP_DATA && from + -split < s->n; from += -split)
			put(c, t, s, from, from + -split);
		cut = split > seen && (size_t)(split - seen) < s->n ? split - seen : 0;
		if (s->op == OP_DATA && cut) {
			put(c, t, s, 0, cut);
			from = cut;
		}
		put(c, t, s, from, s->n);
		seen += s->n;
	}
	if (!c)
		return false;
	http1_finish(c);
	for (int i = 0; i < 2; i++) {
		const struct http1_bytes *b = http1_bytes(c, i);

		t->broken |= b->fed != b->messages + b->skipped + b->opaque + b->lost;
	}
	http1_free(c);
	return !t->broken;
}

static inline size_t steps_data(const struct step *s)
{
	size_t n = 0;

	for (; s->op; s++)
		n += s->op == OP_DATA ? s->n : 0;
	return n;
}

static inline void check_told(const char *name, const char *how, long split, const struct told *t,
			      bool ok, const char *want)
{
	t_checks++;
	if (ok && !strcmp(t->text, want))
		return;
	t_failures++;
	printf("%s, %s %ld:%s\n  got  \"%s\"\n  want \"%s\"\n", name, how, split,
	       ok ? "" : " sums or positions are wrong", t->text, want);
}

/* The steps whole, cut at every place, and in pieces of 1 to 3 bytes. */
static inline void check_steps(const char *name, struct http1_parser *p, const struct step *s,
			       int client, bool joined, const char *want)
{
	static struct told t;
	size_t n = steps_data(s), by = n > 4000 ? 97 : 1;

	check_told(name, "whole", 0, &t, told_run(&t, p, s, client, joined, 0), want);
	for (long piece = 1; piece <= 3; piece++)
		check_told(name, "pieces of", piece, &t, told_run(&t, p, s, client, joined, -piece),
			   want);
	for (size_t i = 1; i < n; i += by)
		check_told(name, "split at", i, &t, told_run(&t, p, s, client, joined, i), want);
}
#endif
