// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "httptrace_spans.h"

const char *const span_outcome_names[SPAN_OUTCOMES] = {
	[SPAN_OPEN] = "open",
	[SPAN_ANSWERED] = "answered",
	[SPAN_UNANSWERED] = "unanswered",
	[SPAN_RESET] = "reset",
};

/* From one time to the other; those of two calls may be in the wrong order by a little. */
static uint64_t between(uint64_t from_ns, uint64_t to_ns)
{
	if (!from_ns || !to_ns)
		return UINT64_MAX;
	return to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0;
}

static uint64_t queue(const struct span *s)
{
	return s->role == CAP_ROLE_SERVER && s->waited_us != UINT32_MAX ? s->waited_us : UINT64_MAX;
}

/* What of a client's time was the server's, and what was spent on the way there and back. */
static void at_peer(const struct span *s, struct span_times *t)
{
	const struct span *p = s->peer;
	uint64_t total, waited;

	t->server_us = t->network_us = UINT64_MAX;
	if (s->role != CAP_ROLE_CLIENT || !p || p->role != CAP_ROLE_SERVER)
		return;
	total = between(p->first_ns, p->answered_ns);
	if (total == UINT64_MAX)
		return;
	waited = queue(p);
	t->server_us = total + (waited == UINT64_MAX ? 0 : waited);
	if (t->total_us != UINT64_MAX)
		t->network_us = t->total_us > t->server_us ? t->total_us - t->server_us : 0;
}

void span_times(const struct span *s, struct span_times *t)
{
	t->idle_us = between(s->prev_ns, s->first_ns);
	t->queue_us = queue(s);
	t->request_us = between(s->first_ns, s->last_ns);
	t->wait_us = s->early ? 0 : between(s->last_ns, s->answer_ns);
	t->response_us = between(s->answer_ns, s->answered_ns);
	t->total_us = between(s->first_ns, s->answered_ns);
	at_peer(s, t);
}

bool span_is_error(const struct span *s)
{
	return s->outcome == SPAN_RESET || s->status >= 500 ||
	       (s->role == CAP_ROLE_CLIENT && s->status >= 400);
}
