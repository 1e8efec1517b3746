// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * From records to what they say together. Everything here works the same on a recording: it knows
 * no kernel, no process and no clock but the records' own. A recording may be damaged, so that what
 * an enum's value picks is checked here, once; sums that do not add up give odd figures, no more.
 */
#include "tcplat_model.h"
#include "run.h"
#include "log.h"
#include "row.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct model model;

const struct metric_name metric_names[TL_METRICS] = {
	[TL_CLIENT] = {"client", "client"},
	[TL_CLIENT_LAST] = {"client_last", "client, last"},
	[TL_CLIENT_MULTI] = {"client_multi", "client, multi"},
	[TL_SERVER] = {"server", "server"},
	[TL_WAIT] = {"wait", "wait"},
	[TL_CONNECT] = {"connect", "connect"},
	[TL_IDLE] = {"idle", "idle"},
};

const char *const backend_names[] = {
	[TL_BE_TRACEPOINT] = "tracepoint",
	[TL_BE_MIXED] = "tracepoint+fentry",
	[TL_BE_FENTRY] = "fentry",
	[TL_BE_KPROBE] = "kprobe",
};

const char *const role_names[] = {
	[TL_ROLE_UNKNOWN] = "unknown",
	[TL_ROLE_CLIENT] = "client",
	[TL_ROLE_SERVER] = "server",
};

const char *const count_names[TL_COUNTS] = {
	[TL_N_SEND] = "sends",
	[TL_N_SEND_AGAIN] = "sends_eagain",
	[TL_N_SEND_FAILED] = "sends_failed",
	[TL_N_RECV] = "receives",
	[TL_N_RECV_AGAIN] = "receives_eagain",
	[TL_N_RECV_EOF] = "receives_eof",
	[TL_N_RECV_PEEK] = "receives_peek",
	[TL_N_RECV_FAILED] = "receives_failed",
	[TL_N_CLEANUP] = "cleanups",
	[TL_N_CONNS] = "connections",
	[TL_N_CONNS_LOST] = "connections_lost",
	[TL_N_CONNS_OLD] = "connections_old",
	[TL_N_CONNS_FULL] = "connections_full",
	[TL_N_CONNS_SAMPLED] = "connections_sampled_out",
	[TL_N_CONNS_OTHER] = "connections_other",
	[TL_N_CONNECT_FAILED] = "connects_failed",
	[TL_N_SUBFLOWS] = "subflows",
	[TL_N_OPENED] = "turns",
	[TL_N_ANSWERED] = "turns_answered",
	[TL_N_MULTI] = "turns_multi",
	[TL_N_INTERLEAVED] = "turns_interleaved",
	[TL_N_UNKNOWN] = "turns_unknown_role",
	[TL_N_UNANSWERED] = "turns_unanswered",
	[TL_N_LEFT_OUT] = "turns_left_out",
	[TL_N_UNSOLICITED] = "unsolicited",
	[TL_N_MID] = "began_before",
	[TL_N_LOST_TURNS] = "turns_lost",
	[TL_N_LOST_WAITS] = "waits_lost",
	[TL_N_SLOW_LOST] = "slowest_lost",
};

/* The histogram of the connection whose record comes next. */
static struct tl_hist_rec pending;

static int on_conn(uint32_t type, const struct tl_conn_rec *r)
{
	const struct tl_hist_rec *h = pending.id == r->id ? &pending : NULL;
	int err;

	if (r->type != type || !r->id || r->role > TL_ROLE_SERVER || r->phase > TL_READ ||
	    (r->flow.family != 4 && r->flow.family != 6) || r->turn_open > 1 || r->hist_taken > 1)
		return fail(-EBADMSG, "the record of connection %llu makes no sense",
			    (unsigned long long)r->id);
	err = conns_record(r, h);
	pending.id = 0;
	/* The events of --max-events are connections that closed. */
	if (std.max_events && model.closed >= std.max_events && !std.replay)
		run_stop();
	return err;
}

static int on_slow(const struct tl_slow_rec *r)
{
	size_t at;

	if (r->metric != TL_CLIENT && r->metric != TL_CLIENT_MULTI && r->metric != TL_SERVER)
		return fail(-EBADMSG, "the record of a slow turn has metric %u", r->metric);
	if (r->flow.family != 4 && r->flow.family != 6)
		return fail(-EBADMSG, "the record of a slow turn has family %u", r->flow.family);
	if (!set.slowest)
		return 0;
	if (!model.slow)
		model.slow = calloc(set.slowest, sizeof(*model.slow));
	if (!model.slow)
		return fail(-ENOMEM, "no memory for the slowest turns");
	/* Of two that took as long the earlier stays: it came first. */
	for (at = model.nslow; at && model.slow[at - 1].lat_ns < r->lat_ns; at--)
		;
	if (at == set.slowest)
		return 0;
	if (model.nslow < set.slowest)
		model.nslow++;
	memmove(&model.slow[at + 1], &model.slow[at], (model.nslow - at - 1) * sizeof(*model.slow));
	model.slow[at] = *r;
	return 0;
}

/* Where the bounds do not fit the slots (a poll may see a slot and not yet these): the slots'. */
static void metric_bounds(struct hist *h)
{
	uint64_t max = h->max;

	if (h->min <= h->max)
		return;
	h->min = UINT64_MAX;
	h->max = 0;
	for (unsigned int i = 0; i < HIST_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		if (h->min == UINT64_MAX)
			h->min = hist_slot_min(i);
		h->max = i < HIST_SLOTS - 1 ? hist_slot_max(i) : max;
	}
	if (h->max < h->min && h->min != UINT64_MAX)
		h->max = h->min;
}

static int on_metric(const struct tl_metric_rec *r)
{
	struct hist *h;

	if (r->metric >= TL_METRICS)
		return fail(-EBADMSG, "a metric's record is of metric %u", r->metric);
	h = &model.metrics[r->metric].now;
	memcpy(h->slot, r->m.slot, sizeof(h->slot));
	h->sum = r->m.sum;
	h->min = ~r->m.nmin;
	h->max = r->m.max;
	metric_bounds(h);
	return 0;
}

static int report(void)
{
	struct json j;
	int err;

	rows_final();
	if (!row_json())
		return 0;
	json_init(&j);
	report_json(&j);
	err = row_object(&j);
	json_free(&j);
	return err;
}

static int on_totals(const struct tl_totals_rec *r)
{
	uint64_t before = model.totals_before.now_ns ?: model.start.now_ns;

	if (model.last)
		return fail(-EBADMSG, "a poll comes after the last");
	if (r->now_ns < before)
		return fail(-EBADMSG, "a poll is older than the one before it");
	model.totals = *r;
	model.interval_ns = r->now_ns - before;
	if (r->last) {
		model.last = true;
		return report();
	}
	rows_interval();
	for (int i = 0; i < TL_METRICS; i++)
		model.metrics[i].before = model.metrics[i].now;
	model.totals_before = model.totals;
	conns_interval_done();
	return 0;
}

static int on_start(const struct tl_start_rec *r)
{
	if (model.started)
		return fail(-EBADMSG, "a second run begins within the recording");
	if (r->backend > TL_BE_KPROBE)
		return fail(-EBADMSG, "the first record has backend %u", r->backend);
	model.start = *r;
	model.start.kernel[sizeof(model.start.kernel) - 1] = 0;
	model.started = true;
	for (int i = 0; i < TL_METRICS; i++) {
		hist_init(&model.metrics[i].now);
		hist_init(&model.metrics[i].before);
	}
	return 0;
}

int model_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	static const size_t sizes[] = {
		[TL_REC_CLOSED] = sizeof(struct tl_conn_rec),
		[TL_REC_OPEN] = sizeof(struct tl_conn_rec),
		[TL_REC_SLOW] = sizeof(struct tl_slow_rec),
		[TL_REC_HIST] = sizeof(struct tl_hist_rec),
		[TL_REC_METRIC] = sizeof(struct tl_metric_rec),
		[TL_REC_TOTALS] = sizeof(struct tl_totals_rec),
		[TL_REC_START] = sizeof(struct tl_start_rec),
	};

	if (type >= sizeof(sizes) / sizeof(*sizes) || !type || len != sizes[type])
		return fail(-EBADMSG, "a record of type %u has %zu bytes", type, len);
	if (!model.started && type != TL_REC_START)
		return fail(-EBADMSG, "a record of type %u comes before the first", type);
	switch (type) {
	case TL_REC_CLOSED:
	case TL_REC_OPEN: return on_conn(type, data);
	case TL_REC_SLOW: return on_slow(data);
	case TL_REC_HIST: memcpy(&pending, data, sizeof(pending)); return 0;
	case TL_REC_METRIC: return on_metric(data);
	case TL_REC_TOTALS: return on_totals(data);
	case TL_REC_START: return on_start(data);
	}
	return 0;
}

/*
 * The kernel keeps maximum and minimum since the start; they are this interval's own when they
 * changed in it, or when nothing came before. Otherwise the outermost slots' edges stand in: within
 * 3.125 %.
 */
void model_interval(const struct metric *m, struct hist *h)
{
	int lo = -1, hi = -1;

	hist_init(h);
	for (int i = 0; i < HIST_SLOTS; i++) {
		h->slot[i] = less(m->now.slot[i], m->before.slot[i]);
		if (h->slot[i])
			hi = i;
		if (h->slot[i] && lo < 0)
			lo = i;
	}
	if (hi < 0)
		return;
	h->sum = less(m->now.sum, m->before.sum);
	h->max = m->now.max;
	if (m->now.max == m->before.max && hist_slot_max(hi) < h->max)
		h->max = hist_slot_max(hi);
	h->min = m->now.min;
	if (m->now.min == m->before.min && hist_slot_min(lo) > h->min)
		h->min = hist_slot_min(lo);
}

struct split model_split(const struct tl_totals *t, unsigned int lo, unsigned int hi)
{
	struct split s = {};

	for (unsigned int i = lo; i < hi && i < TL_OCTAVES; i++) {
		s.n += t->split[i].n;
		s.local_ns += t->split[i].local_ns;
		s.network_ns += t->split[i].network_ns;
		s.total_ns += t->split[i].total_ns;
	}
	return s;
}

enum tl_metric_id model_headline(void)
{
	return !hist_count(&model.metrics[TL_CLIENT].now) &&
			       hist_count(&model.metrics[TL_SERVER].now)
		       ? TL_SERVER
		       : TL_CLIENT;
}

uint64_t model_slow_floor(void)
{
	if (!set.slowest)
		return UINT64_MAX;
	return model.nslow < set.slowest ? 0 : model.slow[model.nslow - 1].lat_ns;
}

uint64_t model_open(void)
{
	const __u64 *n = model.totals.t.count;

	return less(n[TL_N_CONNS], n[TL_N_CONNS_LOST] + model.closed);
}

uint64_t model_vanished(void)
{
	const __u64 *n = model.totals.t.count;

	return less(n[TL_N_CONNS], model.closed + n[TL_N_CONNS_LOST] + model.open);
}

bool model_complete(void)
{
	static const enum tl_count losses[] = {TL_N_CONNS_LOST, TL_N_CONNS_FULL, TL_N_LOST_TURNS,
					       TL_N_LOST_WAITS, TL_N_SLOW_LOST};

	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
		if (model.totals.t.count[losses[i]])
			return false;
	}
	return model.last && !model.totals.missed && !model_vanished();
}

/* By Newton's method from above, for want of libm; v is not negative. */
static double square_root(double v)
{
	double root = v > 1 ? v : 1, next;

	while ((next = (root + v / root) / 2) < root)
		root = next;
	return v > 0 ? root : 0;
}

double stats_dev(uint64_t n, uint64_t sum, double squares)
{
	double mean = n ? (double)sum / n : 0, var = n ? squares / n - mean * mean : 0;

	return var > 0 ? square_root(var) : 0;
}
