// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The closing account: what began equals what became of it.
 */
#include "handlerlat_model.h"
#include "row.h"
#include <stdio.h>

#define ADD(member) (sum.member += s->now.member)

bool model_summary(struct json *j, char *text, size_t size, void *ctx)
{
	struct hl_stats sum = {};
	uint64_t returned = 0, running, known, sent, hooks;
	bool rows, balanced;
	double traced_s = model.state.traced_ns / 1e9, cost_ns;
	/* Of the whole run, also where --max-overhead traced only part of it. */
	double run_s = (model.state.now_ns - model.first_ns) / 1e9;
	char d[24];
	int n;

	for (size_t i = 0; i < model.nseries; i++) {
		const struct series *s = model.series[i];

		if (s->is_route)
			continue;
		returned += returned_of(&s->now);
		ADD(entered), ADD(unwound), ADD(untracked), ADD(undepthed), ADD(missed), ADD(cut);
		ADD(below), ADD(ring_full), ADD(attr_full), ADD(other);
	}
	running = model.running_rows;
	known = returned + sum.unwound + running + sum.untracked + sum.undepthed + sum.cut;
	sent = model.returned_rows + model.unwound_rows + sum.below + sum.ring_full;
	/* Whether a recording has rows is not known from how it is shown. */
	rows = std.replay ? sent > 0 : rows_wanted();
	balanced = known == sum.entered && (!rows || sent == returned + sum.unwound);
	hooks = sum.entered + returned + sum.missed;
	cost_ns = (double)sum.entered * model.state.entry_cost_ns +
		  (double)(returned + sum.missed) * model.state.exit_cost_ns;

	json_u64(j, "calls", sum.entered);
	json_u64(j, "returned", returned);
	json_u64(j, "unwound", sum.unwound);
	json_u64(j, "running", running);
	json_u64(j, "oldest_running_ns", model.oldest_ns);
	json_u64(j, "untracked", sum.untracked);
	json_u64(j, "depth_dropped", sum.undepthed);
	json_u64(j, "cut", sum.cut);
	json_u64(j, "missed", sum.missed);
	json_u64(j, "rows", model.shown);
	json_u64(j, "below_slower", sum.below + model.below);
	json_u64(j, "ring_full", sum.ring_full);
	json_u64(j, "over_max_events", model.over_max);
	json_u64(j, "attributes_lost", sum.attr_full);
	json_u64(j, "routes_lost", sum.other);
	json_f64(j, "traced_s", traced_s);
	json_u64(j, "hooks", hooks);
	json_u64(j, "entry_cost_ns", model.state.entry_cost_ns);
	json_u64(j, "exit_cost_ns", model.state.exit_cost_ns);
	json_u64(j, "latency_bias_ns", model.state.bias_ns);
	json_f64(j, "probe_cpu_percent", run_s > 0 ? cost_ns / run_s / 1e7 : 0);

	n = snprintf(text, size, "calls %llu = returned %llu + unwound %llu + still running %llu",
		     (unsigned long long)sum.entered, (unsigned long long)returned,
		     (unsigned long long)sum.unwound, (unsigned long long)running);
	if (running)
		n += snprintf(text + n, size - n, " (oldest %s)", row_duration(d, model.oldest_ns));
#define CAUSE(value, words)                                                                        \
	do {                                                                                       \
		if (value)                                                                         \
			n += snprintf(text + n, size - n, words, (unsigned long long)(value));     \
	} while (0)
	CAUSE(sum.untracked, " + not tracked %llu (raise --max-running)");
	CAUSE(sum.undepthed, " + returns dropped by the kernel %llu (over 64 nested)");
	CAUSE(sum.cut, " + cut off by --max-overhead %llu");
	n += snprintf(text + n, size - n, "\nrows %llu", (unsigned long long)model.shown);
	CAUSE(sum.below + model.below, "; faster than --slower %llu");
	CAUSE(sum.ring_full, "; LOST to a full ring buffer %llu (raise --ring-size)");
	CAUSE(model.over_max, "; over --max-events %llu");
	CAUSE(sum.missed, "; exits without their entry %llu");
	CAUSE(sum.attr_full, "; without method and path %llu (raise --max-running)");
	CAUSE(sum.other, "; counted under no route %llu (raise --max-routes)");
#undef CAUSE
	if (model.state.entry_cost_ns && run_s > 0)
		snprintf(text + n, size - n,
			 "\nprobes cost about %.2f%% of one CPU (%.2f us a call; %.2f us of it are "
			 "inside each latency)",
			 cost_ns / run_s / 1e7,
			 (model.state.entry_cost_ns + model.state.exit_cost_ns) / 1e3,
			 model.state.bias_ns / 1e3);
	return balanced;
}
