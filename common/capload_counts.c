// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the kernel half counted, and what its hooks cost by the kernel's own measurement. Measuring
 * costs as much as half a hook, so it goes on only until there is enough to say; an empty program
 * that runs beside the others tells what of each figure is the measurement's own.
 */
#include "capload_int.h"
#include "log.h"
#include "run.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define WINDOW_NS   1000000000ULL
#define ENOUGH_RUNS 2000
#define SURE_RUNS   50000 /* without one that was left out: none will be */

static struct {
	int fd; /* as long as it is open, the kernel measures */
	uint64_t begin_ns;
	uint64_t window_ns, hooks, hook_ns; /* the result */
	struct bpf_link *nothing;
} cost = {.fd = -1};

static bool prog_info(struct bpf_program *prog, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, len);
	return bpf_program__fd(prog) >= 0 &&
	       !bpf_obj_get_info_by_fd(bpf_program__fd(prog), info, &len);
}

void capload_cost_begin(void)
{
	struct bpf_program *nothing = bpf_object__find_program_by_name(capload.o.obj, "nothing");

	cost.fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (cost.fd < 0) {
		log_debug("the kernel does not measure programs: %s", strerror(-cost.fd));
		return;
	}
	if (bpf_program__fd(nothing) >= 0)
		cost.nothing = bpf_program__attach(nothing);
	cost.begin_ns = run_now();
}

/* Sums over the hooks; what an empty program took per run is taken off. */
static void measure(void)
{
	struct bpf_prog_info info;
	struct bpf_program *prog;
	uint64_t own_ns = 0;

	cost.hooks = cost.hook_ns = 0;
	bpf_object__for_each_program (prog, capload.o.obj)
		if (!strcmp(bpf_program__name(prog), "nothing") && prog_info(prog, &info) &&
		    info.run_cnt)
			own_ns = info.run_time_ns / info.run_cnt;
	bpf_object__for_each_program (prog, capload.o.obj) {
		if (!strcmp(bpf_program__name(prog), "nothing") || !prog_info(prog, &info))
			continue;
		cost.hooks += info.run_cnt;
		cost.hook_ns += info.run_time_ns;
	}
	cost.hook_ns -= cost.hooks * own_ns < cost.hook_ns ? cost.hooks * own_ns : cost.hook_ns;
	cost.window_ns = run_now() - cost.begin_ns;
}

void capload_cost_end(void)
{
	if (cost.fd < 0)
		return;
	if (capload.o.obj)
		measure();
	close(cost.fd);
	cost.fd = -1;
	bpf_link__destroy(cost.nothing);
	cost.nothing = NULL;
}

static uint64_t misses(struct bpf_program *prog)
{
	struct bpf_prog_info info;

	return prog_info(prog, &info) ? info.recursion_misses : 0;
}

/*
 * Hooks that nothing saw. Where there is a second program, it did what the first one was left out
 * of, but for what it was left out of itself. all: what any program was left out of.
 */
static uint64_t missed(bool all)
{
	char name[64];
	struct bpf_program *prog, *again;
	uint64_t n = 0, a, b;

	bpf_object__for_each_program (prog, capload.o.obj) {
		if (!all && strstr(bpf_program__name(prog), "_again"))
			continue;
		snprintf(name, sizeof(name), "%s_again", bpf_program__name(prog));
		again = bpf_object__find_program_by_name(capload.o.obj, name);
		a = misses(prog);
		b = again && capload.twice ? misses(again) : UINT64_MAX;
		n += all || a < b ? a : b;
	}
	return n;
}

/* Enough has been seen: and where no hook was left out, one program each will do. */
void capload_cost_tick(void)
{
	if (cost.fd < 0 || run_now() - cost.begin_ns < WINDOW_NS)
		return;
	measure();
	if (cost.hooks < (capload.twice ? SURE_RUNS : ENOUGH_RUNS))
		return;
	capload_cost_end();
	if (capload.twice && !missed(true))
		capload_once();
}

/* *no_return: calls that return probes were left out of. */
static int read_counts(uint64_t *sums, uint64_t *no_return)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	int fd = bpf_object__find_map_fd_by_name(capload.o.obj, "counts");
	struct cap_sums *values = cpus > 0 ? calloc(cpus, sizeof(*values)) : NULL;

	if (!values)
		return -ENOMEM;
	memset(sums, 0, CAP_COUNTS * sizeof(*sums));
	*no_return = 0;
	for (uint32_t of = 0; of < 1 + CAP_TAKES && !err; of++) {
		if (bpf_map_lookup_elem(fd, &of, values))
			err = fail(-errno, "cannot read the counts: %s", strerror(errno));
		for (int cpu = 0; cpu < cpus && !err; cpu++) {
			*no_return += values[cpu].no_return;
			for (int i = 0; i < CAP_COUNTS; i++)
				sums[i] += values[cpu].n[i];
		}
	}
	free(values);
	return err;
}

int capload_feed_counts(bool last)
{
	struct cap_counts_rec r = {.now_ns = run_now(), .last = last};
	uint64_t sums[CAP_COUNTS], no_return;
	int err;

	if (last)
		capload_cost_end();
	err = read_counts(sums, &no_return);
	if (err)
		return err;
	for (int i = 0; i < CAP_COUNTS; i++)
		r.n[i] = sums[i];
	r.missed = missed(false) + no_return;
	r.hook_window_ns = cost.window_ns;
	r.hooks = cost.hooks;
	r.hook_ns = cost.hook_ns;
	return run_feed(CAP_REC_COUNTS, &r, sizeof(r));
}

int capload_feed_start(void)
{
	const struct cap_config *c = &capload.tool->config;
	struct cap_start_rec r = {
		.now_ns = run_now(),
		.backend = capload.be,
		.sample = c->sample,
		.max_body = c->max_body,
		.max_header = c->max_header,
		.sees = (capload.pages ? 1U << CAP_SENDFILE : 0) |
			(capload.be != CAP_BE_TRACEPOINT ? 1U << CAP_IO_URING : 0),
	};
	struct utsname u;

	uname(&u);
	snprintf(r.kernel, sizeof(r.kernel), "%.63s", u.release);
	return run_feed(CAP_REC_START, &r, sizeof(r));
}
