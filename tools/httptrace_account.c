// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The closing account: each request that began was shown or left out for a reason, each byte is in
 * a message or elsewhere (capture_account()), and each span for --otlp was sent or dropped.
 */
#include "account.h"
#include "httptrace_parts.h"
#include <inttypes.h>

#define COUNT(what) ((uint64_t)capture_stats.counts.n[what])

/* What is to be equal. */
struct sums {
	uint64_t spans; /* of all requests but those for which there never was one */
	uint64_t fates, outcomes; /* what became of requests, and of spans */
	uint64_t bytes; /* of messages */
	uint64_t otlp;
};

static void sum_up(struct sums *s)
{
	const struct span_stats *st = &span_stats;

	*s = (struct sums){
		.spans = st->requests - st->over_max_open - st->no_memory,
		.fates = st->shown + st->filtered + st->sampled + st->rate_limited + st->over_max +
			 st->over_max_open + st->no_memory,
		.bytes = st->request_bytes + st->response_bytes,
		.otlp = otlp_stats.sent + otlp_stats.dropped,
	};
	for (int i = 0; i < SPAN_OUTCOMES; i++)
		s->outcomes += st->outcome[i];
}

static bool balanced(const struct sums *s)
{
	return s->fates == span_stats.requests && s->outcomes == s->spans &&
	       s->bytes == capture_stats.http.messages && s->otlp == otlp_stats.spans;
}

/* Did nothing of what was to be seen escape? What was not wanted does not count. */
static bool complete(void)
{
	const struct capture_stats *c = &capture_stats;
	bool whole = !span_stats.no_memory && !span_stats.over_max_open && !c->no_memory &&
		     !c->conns_dropped && !c->bad_records && !c->streams.lost;

	return whole && c->counts.last && !c->counts.missed && !COUNT(CAP_N_RING) &&
	       !COUNT(CAP_N_RING_RECORDS) && !COUNT(CAP_N_CONNS_FULL);
}

static void links_json(struct json *j)
{
	json_open(j, "links", '{');
	json_u64(j, "none", span_stats.links[LINK_NONE]);
	for (int i = LINK_NONE + 1; i < LINKS; i++)
		json_u64(j, span_link_names[i], span_stats.links[i]);
	json_close(j, '}');
}

static void otlp_json(struct json *j)
{
	const struct otlp_stats *o = &otlp_stats;

	if (!set.otlp)
		return;
	json_u64(j, "otlp_spans", o->spans);
	json_u64(j, "otlp_sent", o->sent);
	json_u64(j, "otlp_dropped", o->dropped);
	json_u64(j, "otlp_refused", o->refused);
	json_u64(j, "otlp_own", o->own);
	json_u64(j, "otlp_posts", o->posts);
	json_u64(j, "otlp_retries", o->retries);
}

static void account_json(struct json *j)
{
	const struct span_stats *s = &span_stats;

	json_bool(j, "complete", complete());
	json_u64(j, "requests", s->requests);
	json_u64(j, "shown", s->shown);
	json_u64(j, "filtered", s->filtered);
	json_u64(j, "sampled_out", s->sampled);
	json_u64(j, "rate_limited", s->rate_limited);
	json_u64(j, "over_max_events", s->over_max);
	json_u64(j, "over_max_open", s->over_max_open);
	json_u64(j, "requests_no_memory", s->no_memory);
	for (int i = 0; i < SPAN_OUTCOMES; i++)
		json_u64(j, span_outcome_names[i], s->outcome[i]);
	json_u64(j, "answered_incomplete", s->incomplete);
	json_u64(j, "responses_unpaired", s->unpaired);
	json_u64(j, "joined", s->joined);
	links_json(j);
	json_u64(j, "shown_early", s->early_shown);
	json_u64(j, "events", s->events);
	json_u64(j, "connections_other", s->others);
	json_u64(j, "request_bytes", s->request_bytes);
	json_u64(j, "response_bytes", s->response_bytes);
	otlp_json(j);
}

static void fates_say(void)
{
	const struct span_stats *s = &span_stats;

	account_say("requests %" PRIu64 " = shown %" PRIu64, s->requests, s->shown);
	account_cause(s->filtered, " + left out by filters", "");
	account_cause(s->sampled, " + left out by --sample", "");
	account_cause(s->rate_limited, " + over --rate", "");
	account_cause(s->over_max, " + over --max-events", "");
	account_cause(s->over_max_open, " + NOT FOLLOWED beyond --max-open", " (raise it)");
	account_cause(s->no_memory, " + NOT FOLLOWED for want of memory", "");
}

static void spans_say(void)
{
	const struct span_stats *s = &span_stats;

	account_say("\nanswered %" PRIu64, s->outcome[SPAN_ANSWERED]);
	account_cause(s->outcome[SPAN_UNANSWERED], " + unanswered", "");
	account_cause(s->outcome[SPAN_RESET], " + reset", "");
	account_cause(s->outcome[SPAN_OPEN], " + still open", "");
	account_cause(s->incomplete, "; INCOMPLETE of those answered", "");
	account_cause(s->unpaired, "; responses to requests that were NOT SEEN", "");
	account_cause(s->joined, "; seen from both ends", "");
	account_cause(s->early_shown, "; shown before their trace was whole",
		      " (raise --max-held)");
	account_cause(s->others, "; connections that went over to another protocol", "");
}

static void links_say(void)
{
	const char *before = "\nparents:";
	uint64_t any = 0;

	for (int i = LINK_NONE + 1; i < LINKS; i++) {
		uint64_t n = span_stats.links[i];

		if (n)
			account_say("%s %s %" PRIu64, any ? "," : before, span_link_names[i], n);
		any += n;
	}
	account_cause(any ? span_stats.links[LINK_NONE] : 0, ", none", "");
}

static void otlp_say(void)
{
	const struct otlp_stats *o = &otlp_stats;

	if (!set.otlp)
		return;
	account_say("\nspans for --otlp %" PRIu64 " = sent %" PRIu64, o->spans, o->sent);
	account_cause(o->dropped, " + DROPPED", "");
	account_cause(o->refused, ", of them refused", "");
	account_cause(o->retries, "; retries", "");
}

static void sums_say(const struct sums *s)
{
	account_say("\nnot equal: requests %" PRIu64 " and %" PRIu64 ", spans %" PRIu64
		    " and %" PRIu64,
		    span_stats.requests, s->fates, s->spans, s->outcomes);
	account_say(", bytes of messages %" PRIu64 " and %" PRIu64 ", spans for --otlp %" PRIu64
		    " and %" PRIu64,
		    s->bytes, capture_stats.http.messages, otlp_stats.spans, s->otlp);
}

bool account_summary(struct json *j, char *text, size_t size, void *ctx)
{
	struct sums s;
	bool ok;

	account_begin(text, size);
	sum_up(&s);
	ok = balanced(&s);
	account_json(j);
	fates_say();
	spans_say();
	links_say();
	otlp_say();
	if (!ok)
		sums_say(&s);
	return capture_account(j, text, size) && ok;
}
