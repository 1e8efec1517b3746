// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The closing account: what was seen equals what was reported and, cause by cause, what was not.
 */
#include "account.h"
#include "tcplat_model.h"
#include <inttypes.h>

#define COUNT(what) ((uint64_t)model.totals.t.count[what])

struct sums {
	uint64_t conns, turns, single, samples, waits; /* what became of them */
	uint64_t hist_turns, hist_waits, hist_multi;
	uint64_t vanished;
};

/* Is a equal to b, but for what vanished? */
static bool equal(uint64_t a, uint64_t b, const struct sums *s)
{
	return a == b || (s->vanished && a > b);
}

static bool balanced(const struct sums *s)
{
	return COUNT(TL_N_CONNS) == s->conns + s->vanished &&
	       equal(COUNT(TL_N_OPENED), s->turns, s) && s->hist_turns == COUNT(TL_N_ANSWERED) &&
	       equal(s->hist_turns, s->samples, s) && s->hist_multi == COUNT(TL_N_MULTI) &&
	       equal(s->hist_waits, s->waits, s);
}

static void sum_up(struct sums *s)
{
	*s = (struct sums){
		.conns = model.closed + COUNT(TL_N_CONNS_LOST) + model.open,
		.turns = COUNT(TL_N_ANSWERED) + COUNT(TL_N_MULTI) + COUNT(TL_N_INTERLEAVED) +
			 COUNT(TL_N_UNKNOWN) + COUNT(TL_N_UNANSWERED) + COUNT(TL_N_LEFT_OUT) +
			 model.turns_open,
		.samples = model.closed_turns + model.open_turns + COUNT(TL_N_LOST_TURNS),
		.waits = model.closed_waits + model.open_waits + COUNT(TL_N_LOST_WAITS),
		.hist_turns = hist_count(&model.metrics[TL_CLIENT].now) +
			      hist_count(&model.metrics[TL_SERVER].now),
		.hist_waits = hist_count(&model.metrics[TL_WAIT].now),
		.hist_multi = hist_count(&model.metrics[TL_CLIENT_MULTI].now),
	};
	s->vanished = model_vanished();
}

static void account_json(struct json *j, bool complete, uint64_t gone)
{
	const struct tl_totals_rec *t = &model.totals;

	json_bool(j, "complete", complete);
	json_u64(j, "connections_closed", model.closed);
	json_u64(j, "connections_open", model.open);
	json_u64(j, "connections_vanished", gone);
	json_u64(j, "turns_open", model.turns_open);
	for (int i = 0; i < TL_COUNTS; i++)
		json_u64(j, count_names[i], COUNT(i));
	json_u64(j, "hooks_missed", t->missed);
	if (t->hooks)
		json_f64(j, "ns_per_hook", (double)t->hook_ns / t->hooks);
	if (t->hook_window_ns)
		json_f64(j, "hook_cpu_percent", t->hook_ns * 100.0 / t->hook_window_ns);
}

static void conns_say(uint64_t gone)
{
	account_say("connections %" PRIu64 " = closed %" PRIu64 " + open %" PRIu64,
		    COUNT(TL_N_CONNS), model.closed, model.open);
	account_cause(COUNT(TL_N_CONNS_LOST), " + LOST to a full ring buffer",
		      " (raise --ring-size)");
	account_cause(gone, " + VANISHED, for no hook saw their end", "");
	account_cause(COUNT(TL_N_CONNS_OLD), "; older than tcplat", "");
	account_cause(COUNT(TL_N_CONNS_OTHER), "; not looked at", "");
	account_cause(COUNT(TL_N_CONNS_SAMPLED), "; left out by --sample", "");
	account_cause(COUNT(TL_N_CONNS_FULL), "; events with NO ROOM for their connection",
		      " (raise --max-tracked or net.core.optmem_max)");
	account_cause(COUNT(TL_N_CONNECT_FAILED), "; connects that failed", "");
	account_cause(COUNT(TL_N_SUBFLOWS), "; subflows of MPTCP", "");
}

static void turns_say(void)
{
	account_say("\nturns %" PRIu64 " = answered %" PRIu64, COUNT(TL_N_OPENED),
		    COUNT(TL_N_ANSWERED));
	account_cause(COUNT(TL_N_MULTI), " + of several sends", "");
	account_cause(COUNT(TL_N_INTERLEAVED), " + interleaved", "");
	account_cause(COUNT(TL_N_UNKNOWN), " + of unknown role", "");
	account_cause(COUNT(TL_N_UNANSWERED), " + unanswered", "");
	account_cause(COUNT(TL_N_LEFT_OUT), " + left out by --sample-turns", "");
	account_cause(model.turns_open, " + open", "");
	account_cause(COUNT(TL_N_UNSOLICITED), "; unsolicited data", "");
	account_cause(COUNT(TL_N_MID), "; begun before tcplat", "");
	account_cause(COUNT(TL_N_LOST_TURNS), "; of LOST connections", "");
	account_cause(COUNT(TL_N_SLOW_LOST), "; slowest LOST to a full ring buffer", "");
	account_cause(model.totals.missed, "; hooks that did not run", "");
}

static void sums_say(const struct sums *s)
{
	account_say("\nnot equal: connections %" PRIu64 " and %" PRIu64 ", turns %" PRIu64
		    " and %" PRIu64,
		    COUNT(TL_N_CONNS), s->conns, COUNT(TL_N_OPENED), s->turns);
	account_say(", measured %" PRIu64 ", %" PRIu64 " and %" PRIu64, COUNT(TL_N_ANSWERED),
		    s->hist_turns, s->samples);
	account_say(", of several sends %" PRIu64 " and %" PRIu64 ", waits %" PRIu64
		    " and %" PRIu64,
		    COUNT(TL_N_MULTI), s->hist_multi, s->hist_waits, s->waits);
}

static void cost_say(void)
{
	const struct tl_totals_rec *t = &model.totals;

	if (!t->hooks || !t->hook_window_ns)
		return;
	account_say("\nhooks took %.0f ns each", (double)t->hook_ns / t->hooks);
	if (t->hook_turns && !model.start.filtered)
		account_say(", %.0f ns a turn", (double)t->hook_ns / t->hook_turns);
	account_say(", %.2f%% of one CPU (%" PRIu64 " hooks, measured for %.1f s)",
		    t->hook_ns * 100.0 / t->hook_window_ns, (uint64_t)t->hooks,
		    t->hook_window_ns / 1e9);
}

bool model_summary(struct json *j, char *text, size_t size, void *ctx)
{
	struct sums s;
	bool ok;

	account_begin(text, size);
	sum_up(&s);
	account_json(j, model_complete(), s.vanished);
	if (!model.last) {
		/* The run broke off, and why is said elsewhere. */
		account_say("the last poll is missing: there is no account");
		return true;
	}
	ok = balanced(&s);
	conns_say(s.vanished);
	turns_say();
	if (!ok)
		sums_say(&s);
	cost_say();
	return ok;
}
