// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which messages are shown, and how many were not, by reason.
 */
#include "httpsniff_select.h"
#include "httpsel.h"
#include <string.h>

static struct {
	struct httpsel http;
	int dir; /* -1: both */
	uint64_t second, passed; /* --rate: of this second so many were let through */
} sel;

int select_init(void)
{
	const struct httpsel_given given = {set.methods, set.paths, set.hosts, set.statuses,
					    set.max_header};
	int err = httpsel_init(&sel.http, &given);

	sel.dir = strcmp(set.direction, "both")
			  ? strcmp(set.direction, "send") ? CAP_RECV : CAP_SEND
			  : -1;
	if (!err && set.dedupe)
		err = dedupe_init();
	return err;
}

void select_finish(void)
{
	httpsel_free(&sel.http);
	memset(&sel, 0, sizeof(sel));
	dedupe_free();
}

bool select_request(const struct request *r)
{
	const struct httpsel_request q = {r->method,	 r->url,     r->host,
					  r->method_len, r->url_len, r->host_len};

	return httpsel_request(&sel.http, &q);
}

static bool filters_pass(const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	if (sel.http.of_requests && !(msg->request && msg->request->passed))
		return false;
	if (!httpsel_status(&sel.http, m->request ? 0 : m->status))
		return false;
	return m->wire_bytes >= set.min_size && (!set.anomalies || m->anomalies);
}

/* Messages end nearly in order: one that is late counts in the second at hand. */
static bool rate_passes(const struct message *msg)
{
	uint64_t second = msg->end_ns / 1000000000;

	if (!set.rate)
		return true;
	if (second > sel.second) {
		sel.second = second;
		sel.passed = 0;
	}
	if (sel.passed >= set.rate)
		return false;
	sel.passed++;
	return true;
}

static bool count(uint64_t *reason)
{
	++*reason;
	return false;
}

bool select_message(const struct message *msg)
{
	if ((sel.dir >= 0 && msg->m->dir != sel.dir) || !filters_pass(msg))
		return count(&msg_stats.filtered);
	if (set.dedupe && dedupe_seen(msg))
		return count(&msg_stats.deduped);
	if (!rate_passes(msg))
		return count(&msg_stats.rate_limited);
	if (std.max_events && msg_stats.shown >= std.max_events)
		return count(&msg_stats.over_max);
	return true;
}

bool select_gap(const struct gap *g)
{
	return sel.dir < 0 || g->dir == sel.dir;
}
