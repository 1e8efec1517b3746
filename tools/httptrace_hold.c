// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Spans that are over wait for what they will be told with: their other end's times, or the rest of
 * their trace. Then they are shown, or counted.
 */
#include "httptrace_cause.h"
#include "run.h"
#include <errno.h>

enum { RATE_OPEN, RATE_TAKEN, RATE_LEFT_OUT }; /* struct trace.rate */

static struct {
	/* Those that wait for their other end alone, the oldest first. */
	struct span *first, **last;
	uint64_t n;
	/* --rate: tokens of a billionth of a span; below 0: a trace that was begun took more. */
	int64_t tokens;
	uint64_t filled_ns;
	int err;
} hold;

int hold_error(void)
{
	return hold.err;
}

void hold_told(int err)
{
	if (err && err != -EPIPE && !hold.err)
		hold.err = err;
}

/* --- which are shown */

/* Something may be kept that sampling would leave out, and only the whole trace tells. */
static bool by_trace(void)
{
	bool keep = set.keep_errors || set.keep_slow_ns;

	return set.tree || (keep && (set.sample > 1 || set.rate));
}

static uint64_t end_of(const struct span *s)
{
	return s->answered_ns ?: s->over_ns;
}

static bool is_kept(const struct span *s)
{
	uint64_t end = end_of(s);

	return (set.keep_errors && s->error) ||
	       (set.keep_slow_ns && end > s->first_ns && end - s->first_ns >= set.keep_slow_ns);
}

static bool is_sampled(const struct trace *t)
{
	return t->keep || t->wanted || trace_sampled(t);
}

uint64_t hold_weight(const struct span *s)
{
	return set.sample > 1 && !trace_of(s)->keep ? set.sample : 1;
}

#define TOKEN 1000000000

static void fill(uint64_t now)
{
	int64_t most = set.rate * TOKEN;
	uint64_t gone = now - hold.filled_ns;

	if (!hold.filled_ns || gone >= TOKEN)
		gone = TOKEN;
	hold.tokens += gone * set.rate;
	if (!hold.filled_ns || hold.tokens > most)
		hold.tokens = most;
	hold.filled_ns = now;
}

/*
 * A trace is whole or absent here too: one that was begun goes on when there is no token left. A
 * second's worth of debt is the end of that, for there are traces without end. It goes by when
 * transactions ended, not by when they are shown, which is another time in a replay.
 */
static bool within_rate(const struct span *s, struct trace *t)
{
	uint64_t now = end_of(s);
	int64_t least = TOKEN;

	if (!set.rate || t->keep)
		return true;
	if (now > hold.filled_ns)
		fill(now);
	if (t->rate == RATE_TAKEN)
		least = -(int64_t)set.rate * TOKEN + TOKEN;
	if (t->rate == RATE_LEFT_OUT || hold.tokens < least) {
		if (!trace_is_none(t))
			t->rate = t->rate ?: RATE_LEFT_OUT;
		return false;
	}
	if (!trace_is_none(t))
		t->rate = RATE_TAKEN;
	hold.tokens -= TOKEN;
	return true;
}

static void output(const struct span *s)
{
	hold_told(rows_span(s));
	if (set.csv)
		hold_told(csv_span(s));
	table_span(s);
	hold_told(otlp_span(s));
	span_stats.shown++;
	if (std.max_events && span_stats.shown == std.max_events && !std.replay)
		run_stop();
}

bool hold_show(struct span *s)
{
	struct trace *t = trace_of(s);
	uint64_t *left_out = NULL;

	span_stats.links[s->link]++;
	if (!select_span(s))
		left_out = &span_stats.filtered;
	else if (!is_sampled(t))
		left_out = &span_stats.sampled;
	else if (std.max_events && span_stats.shown >= std.max_events)
		left_out = &span_stats.over_max;
	else if (!within_rate(s, t))
		left_out = &span_stats.rate_limited;
	if (left_out)
		++*left_out;
	else
		output(s);
	t->spans--;
	return !left_out;
}

/*
 * Nobody asks any more who its parent was, or its other end: were they kept, a chain of calls that
 * never ends would be kept from its beginning.
 */
void hold_release(struct span *s)
{
	struct span *parent = s->parent, *peer = s->peer;

	join_over(s);
	s->shown = 1;
	s->held = 0;
	s->parent = s->peer = NULL;
	span_put(parent);
	span_put(peer);
	span_put(s);
}

/* --- those that wait for their other end */

static void unwait(struct span *s)
{
	*s->index_link[INDEX_WAIT] = s->index_next[INDEX_WAIT];
	if (s->index_next[INDEX_WAIT])
		s->index_next[INDEX_WAIT]->index_link[INDEX_WAIT] = s->index_link[INDEX_WAIT];
	else
		hold.last = s->index_link[INDEX_WAIT];
	s->index_link[INDEX_WAIT] = NULL;
	hold.n--;
}

static void wait(struct span *s)
{
	if (!hold.last)
		hold.last = &hold.first;
	s->index_next[INDEX_WAIT] = NULL;
	s->index_link[INDEX_WAIT] = hold.last;
	*hold.last = s;
	hold.last = &s->index_next[INDEX_WAIT];
	hold.n++;
}

static void show(struct span *s)
{
	unwait(s);
	pile_show(&s, 1);
}

static void show_both(struct span *a, struct span *b)
{
	struct span *both[] = {a, b};

	unwait(a);
	unwait(b);
	pile_show(both, 2);
}

static void hold_one(struct span *s)
{
	struct span *peer = s->peer;

	wait(span_get(s));
	if (peer && peer->index_link[INDEX_WAIT] && peer->held) {
		show_both(peer, s);
	} else if (peer && peer->shown) {
		show(s);
	}
	if (hold.n > set.max_held) {
		span_stats.early_shown++;
		show(hold.first);
	}
}

/* --- */

void hold_span(struct span *s)
{
	struct trace *t;

	trace_end(s);
	t = trace_of(s);
	t->keep |= is_kept(s);
	s->held = 1;
	if (by_trace() && !t->flushed && !trace_is_none(t) && pile_add(s))
		return;
	hold_one(s);
	/* What comes now is of no trace that was torn apart. */
	if (t->flushed && !t->open)
		t->flushed = false;
}

void hold_tick(uint64_t now_ns)
{
	while (hold.first && hold.first->over_ns + JOIN_NS <= now_ns)
		show(hold.first);
	pile_tick(now_ns);
}

void hold_finish(void)
{
	while (hold.first)
		show(hold.first);
	pile_finish();
	traces_finish();
}
