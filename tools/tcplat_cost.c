// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the hooks cost, by the kernel's own measurement. Measuring costs as much as half a hook, so
 * it goes on only until there is enough to say; an empty program that runs beside the others tells
 * what of each figure is the measurement's own. What calling a program costs is in neither.
 */
#include "tcplat_parts.h"
#include "log.h"
#include "run.h"
#include "tcplat.skel.h"
#include <bpf/bpf.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_NS   1000000000ULL
#define ENOUGH_RUNS 2000

static struct {
	struct tcplat_bpf *skel;
	int fd; /* as long as it is open, the kernel counts */
	uint64_t begin_ns;
	struct cost result;
	bool over; /* the run is, which the second programs saw to its end */
} cost = {.fd = -1};

static bool prog_info(struct bpf_program *prog, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, len);
	return bpf_program__fd(prog) >= 0 &&
	       !bpf_obj_get_info_by_fd(bpf_program__fd(prog), info, &len);
}

/* Is it one that the traffic runs? Iterators run for the tool. */
static bool is_hook(struct bpf_program *prog)
{
	return prog != cost.skel->progs.nothing && prog != cost.skel->progs.poll_storage &&
	       prog != cost.skel->progs.poll_hash && prog != cost.skel->progs.find_listening;
}

void cost_begin(struct tcplat_bpf *skel)
{
	cost.skel = skel;
	cost.fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (cost.fd < 0) {
		log_debug("the kernel does not measure programs: %s", strerror(-cost.fd));
		return;
	}
	skel->links.nothing = bpf_program__attach(skel->progs.nothing);
	cost.begin_ns = run_now();
}

/* Sums over the hooks; what an empty program took per run is taken off. */
static void measure(struct cost *c)
{
	struct bpf_prog_info info;
	struct bpf_program *prog;
	uint64_t own_ns = 0;

	memset(c, 0, sizeof(*c));
	if (prog_info(cost.skel->progs.nothing, &info) && info.run_cnt)
		own_ns = info.run_time_ns / info.run_cnt;
	bpf_object__for_each_program (prog, cost.skel->obj) {
		if (!is_hook(prog) || !prog_info(prog, &info))
			continue;
		c->hooks += info.run_cnt;
		c->hook_ns += info.run_time_ns;
	}
	c->hook_ns -= c->hooks * own_ns < c->hook_ns ? c->hooks * own_ns : c->hook_ns;
	c->window_ns = run_now() - cost.begin_ns;
	c->turns = counters_opened();
}

bool cost_tick(bool now)
{
	struct cost c;

	if (cost.fd < 0 || (!now && run_now() - cost.begin_ns < WINDOW_NS))
		return false;
	measure(&c);
	if (!now && c.hooks < ENOUGH_RUNS)
		return false;
	close(cost.fd);
	cost.fd = -1;
	bpf_link__destroy(cost.skel->links.nothing);
	cost.skel->links.nothing = NULL;
	cost.result = c;
	return true;
}

static uint64_t misses(struct bpf_program *prog)
{
	struct bpf_prog_info info;

	return prog_info(prog, &info) ? info.recursion_misses : 0;
}

/* Runs that the kernel left out, of any program. */
static uint64_t left_out(void)
{
	struct bpf_program *prog;
	uint64_t n = 0;

	bpf_object__for_each_program (prog, cost.skel->obj)
		n += is_hook(prog) ? misses(prog) : 0;
	return n;
}

/*
 * Hooks that nothing saw. Where a second program does what the first did not, that is at most what
 * the one of them missed that missed less; as long as it is attached (that of a socket's end always
 * is).
 */
static uint64_t missed(uint64_t n)
{
	struct tcplat_bpf *s = cost.skel;
	struct {
		struct bpf_program *first, *second;
		bool attached;
	} pairs[] = {
		{s->progs.tp_send, s->progs.tp_send_again, cost.over || s->links.tp_send_again},
		{s->progs.f_send, s->progs.f_send_again, cost.over || s->links.f_send_again},
		{s->progs.tp_read, s->progs.tp_read_again, cost.over || s->links.tp_read_again},
		{s->progs.tp_state, s->progs.tp_state_again, cost.over || s->links.tp_state_again},
		{s->progs.tp_destroy, s->progs.tp_destroy_again, true},
		{s->progs.k_destroy, s->progs.k_destroy_again, true},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		uint64_t a = misses(pairs[i].first), b = misses(pairs[i].second);

		n -= b;
		if (pairs[i].attached)
			n -= a > b ? a - b : 0;
	}
	return n;
}

void cost_over(void)
{
	cost.over = cost.skel->links.tp_read_again;
}

void cost_get(struct cost *c)
{
	*c = cost.result;
	c->left_out = left_out();
	c->missed = missed(c->left_out);
}
