// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What is kept of each connection beside its spans.
 */
#include "httptrace_spans.h"

static void event(struct cap_conn *c, enum conn_event what)
{
	const struct line *l = c->user;
	int dir = capture_role(c) == CAP_ROLE_CLIENT ? CAP_SEND : CAP_RECV;

	if (!set.events || !select_conn(c, c->who[dir]))
		return;
	spans_told(events_conn(c, l ? &l->hop : NULL, what));
}

void line_opened(struct cap_conn *c)
{
	struct line *l = c->user;
	int role = capture_role(c);

	if (!l || l->told_open || !c->opened_ns || role == CAP_ROLE_UNKNOWN)
		return;
	l->told_open = true;
	event(c, role == CAP_ROLE_SERVER ? CONN_ACCEPT : CONN_CONNECT);
}

void line_heard(struct cap_conn *c)
{
	c->user = line_new(c);
}

void line_gone(struct cap_conn *c)
{
	struct line *l = c->user;

	line_opened(c);
	if (c->reset)
		event(c, CONN_RESET);
	else if (c->closed)
		event(c, CONN_CLOSE);
	if (!l)
		return;
	/* All requests were told of. */
	if (l->early) {
		span_memory.open--;
		span_put(l->early);
	}
	c->user = NULL;
	line_put(l);
}

void line_raw(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, const void *data,
	      uint64_t len)
{
	struct line *l = c->user;

	if (!l || dir != CAP_RECV)
		return;
	l->last = (struct piece){pos, len < UINT32_MAX ? len : UINT32_MAX, c->waited_us[dir]};
	if (pos <= l->read_end)
		l->first = l->last;
}

void line_gap(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, uint64_t len,
	      enum cap_cause cause)
{
	struct line *l = c->user;

	/* Nobody knows whether it was idle. */
	if (l && cause == CAP_WHOLE)
		l->hop.last_ns = 0;
}

void line_skipped(void *ctx, int dir, uint64_t pos, uint64_t n)
{
	struct line *l = ((struct cap_conn *)ctx)->user;

	if (l && dir == CAP_RECV)
		l->read_end = pos + n;
}

static bool within(const struct piece *p, uint64_t pos)
{
	return pos >= p->pos && pos - p->pos < p->len;
}

uint32_t line_waited(const struct line *l, uint64_t pos)
{
	if (within(&l->first, pos))
		return l->first.waited_us;
	return within(&l->last, pos) ? l->last.waited_us : UINT32_MAX;
}
