// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The closing account: each message that ended was shown or left out for a reason, and each byte is
 * in one of them or elsewhere (capture_account()).
 */
#include "account.h"
#include "httpsniff_parts.h"
#include <inttypes.h>

#define COUNT(what) ((uint64_t)capture_stats.counts.n[what])

/* Did nothing of what was to be seen escape? What was not wanted does not count. */
static bool complete(void)
{
	const struct capture_stats *c = &capture_stats;
	bool whole = !msg_stats.lost && !msg_stats.no_memory && !c->no_memory &&
		     !c->conns_dropped && !c->bad_records && !c->streams.lost;

	return whole && c->counts.last && !c->counts.missed && !COUNT(CAP_N_RING) &&
	       !COUNT(CAP_N_RING_RECORDS) && !COUNT(CAP_N_CONNS_FULL);
}

static void account_json(struct json *j)
{
	const struct msg_stats *s = &msg_stats;

	json_bool(j, "complete", complete());
	json_u64(j, "messages", s->messages);
	json_u64(j, "shown", s->shown);
	json_u64(j, "filtered", s->filtered);
	json_u64(j, "deduped", s->deduped);
	json_u64(j, "rate_limited", s->rate_limited);
	json_u64(j, "over_max_events", s->over_max);
	json_u64(j, "messages_no_memory", s->no_memory);
	json_u64(j, "shown_incomplete", s->incomplete);
	json_u64(j, "requests_unanswered", s->unanswered);
	json_u64(j, "notices", s->notices);
	json_u64(j, "gap_records", s->gaps);
	json_u64(j, "message_bytes", s->bytes);
	json_u64(j, "message_unread_bytes", s->unread);
	json_u64(j, "lost_bytes", s->lost);
}

static void messages_say(uint64_t sum)
{
	const struct msg_stats *s = &msg_stats;

	account_say("messages %" PRIu64 " = shown %" PRIu64, s->messages, s->shown);
	account_cause(s->filtered, " + left out by filters", "");
	account_cause(s->deduped, " + seen at the other end", "");
	account_cause(s->rate_limited, " + over --rate", "");
	account_cause(s->over_max, " + over --max-events", "");
	account_cause(s->no_memory, " + NOT SHOWN for want of memory", "");
	account_cause(s->incomplete, "; INCOMPLETE of those shown", "");
	account_cause(s->unanswered, "; requests without an answer", "");
	account_cause(s->lost, "; bytes LOST or unread", " (see the gaps)");
	if (s->messages != sum)
		account_say("\nnot equal: messages %" PRIu64 " and %" PRIu64, s->messages, sum);
	if (s->bytes + s->unread != capture_stats.http.messages)
		account_say("\nnot equal: bytes of messages %" PRIu64 " and %" PRIu64,
			    s->bytes + s->unread, capture_stats.http.messages);
}

bool account_summary(struct json *j, char *text, size_t size, void *ctx)
{
	const struct msg_stats *s = &msg_stats;
	uint64_t sum =
		s->shown + s->filtered + s->rate_limited + s->deduped + s->over_max + s->no_memory;
	bool ok = s->messages == sum && s->bytes + s->unread == capture_stats.http.messages;

	account_begin(text, size);
	account_json(j);
	messages_say(sum);
	return capture_account(j, text, size) && ok;
}
