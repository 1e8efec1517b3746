// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The life of the kernel half: which files, load, attach, poll, stop.
 */
#include "handlerlat_parts.h"
#include "log.h"
#include "priv.h"
#include "proc.h"
#include "row.h"
#include "run.h"
#include "select.h"
#include "handlerlat.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define LATER_FUNCS   64 /* functions of files that turn up while we watch */
#define DRAIN_WAIT_MS 20 /* how long the end waits for calls that are about to return */
#define GUARD_NS      100000000ULL
#define SWEEP_NS      5000000000ULL
#define MISS_CACHE    1024

static struct {
	struct handlerlat_bpf *skel;
	enum attach_backend be;
	uint32_t capacity; /* function ids the maps have room for, the dummy included */
	uint32_t shards, shard_bits;
	struct hl_stats *read_buf; /* one function's shards */
	struct leftovers left; /* what the user half found out, added to the kernel's counts */
	uint64_t *cut;
	uint64_t *seen; /* by function: activity at the last poll */
	bool watching, attached;
	struct cost cost;
	uint64_t attached_since, traced_ns; /* time with probes on, before attached_since */
	uint64_t sweep_at, guard_at, guard_hits, resume_at;
	bool guarding;
	size_t watched_pids;
	struct {
		uint64_t dev, ino;
	} miss[MISS_CACHE];
} live;

/* --- processes that end */

static int on_child(int fd, void *ctx)
{
	run_stop();
	return 0;
}

static int on_pid_gone(int fd, void *ctx)
{
	run_fd_done(fd);
	if (!--live.watched_pids) {
		log_info("the traced process has ended");
		run_stop();
	}
	return 0;
}

static int watch_pid(pid_t pid, int (*cb)(int fd, void *ctx))
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return errno == ENOSYS ? 0 : fail(-errno, "pid %d: %s", pid, strerror(errno));
	live.watched_pids++;
	return run_fd(fd, cb, NULL);
}

static int watch_processes(void)
{
	int err = 0;

	if (command_pid)
		err = watch_pid(command_pid, on_child);
	for (size_t i = 0; i < std.pids.n && i < 60 && !err; i++)
		err = watch_pid(atoi(std.pids.v[i]), on_pid_gone);
	return err;
}

/* --- load */

static void size_maps(void)
{
	struct handlerlat_bpf *s = live.skel;
	bool http = s->rodata->want_http;

	live.capacity = 1 + probe_nfuncs + (live.watching ? LATER_FUNCS : 0);
	counters_size(s, live.capacity);
	bpf_map__set_max_entries(s->maps.frames, 2 * set.max_running);
	bpf_map__set_max_entries(s->maps.requests, http ? 2 * set.max_running : 1);
	s->rodata->frames_keep = set.max_running;
	bpf_map__set_max_entries(s->maps.events, set.ring_kib * 1024);
	s->rodata->events_half = set.ring_kib * 512;
}

static bool any_go(void)
{
	for (size_t i = 0; i < probe_nfiles; i++) {
		if (probe_files[i].t->lang == LANG_GO)
			return true;
	}
	return live.watching;
}

static int prepare(void)
{
	struct handlerlat_bpf *s = live.skel;
	bool go = any_go(), c = false;

	for (size_t i = 0; i < probe_nfiles; i++)
		c |= probe_files[i].t->lang != LANG_GO;
	bpf_program__set_autoload(s->progs.go_entry, go);
	bpf_program__set_autoload(s->progs.go_exit, go);
	bpf_program__set_autoload(s->progs.c_entry, c);
	bpf_program__set_autoload(s->progs.c_return, c);
	bpf_program__set_autoload(s->progs.c_exit, c);
	bpf_program__set_autoload(s->progs.threads, c);
	bpf_program__set_autoload(s->progs.on_exec, live.watching);
	bpf_program__set_autoload(s->progs.on_fork, command_pid != 0);
	s->rodata->emit_calls = !aggregating() || set.slower_ns;
	s->rodata->aggregate = aggregating();
	s->rodata->want_http = go;
	s->rodata->slower_ns = set.slower_ns;
	s->rodata->have_cookie = live.be != ATTACH_CLONE;
	size_maps();
	return attach_prepare(s->progs.go_entry, live.be) ?:
	       attach_prepare(s->progs.go_exit, live.be) ?:
	       attach_prepare(s->progs.c_entry, live.be) ?:
	       attach_prepare(s->progs.c_return, live.be) ?:
	       attach_prepare(s->progs.c_exit, live.be) ?:
	       select_constants((struct filter *)&s->rodata->filter, command_pid != 0);
}

static int load(void)
{
	uint8_t wanted = 1;
	int err;

	priv_memlock();
	live.skel = handlerlat_bpf__open();
	if (!live.skel)
		return fail(-errno, "cannot open the BPF object: %s", strerror(errno));
	err = prepare();
	if (err)
		return err;
	err = handlerlat_bpf__load(live.skel);
	if (err)
		return fail(err, "cannot load the BPF programs: %s%s", error_text(err),
			    err == -ESRCH || err == -ENOENT
				    ? " (no BTF: the kernel needs CONFIG_DEBUG_INFO_BTF)"
			    : log_verbose ? ""
					  : " (-v shows the kernel's reason)");
	err = select_maps(bpf_map__fd(live.skel->maps.filter_pids),
			  bpf_map__fd(live.skel->maps.filter_cgroups));
	if (!err && command_pid)
		err = bpf_map_update_elem(bpf_map__fd(live.skel->maps.filter_pids), &command_pid,
					  &wanted, BPF_ANY);
	return err ?: counters_init();
}

static int attach_all(void)
{
	uint64_t t = run_now();
	int err = 0;

	for (size_t i = 0; i < probe_nfiles && !err; i++)
		err = probe_attach(&probe_files[i], live.skel, live.be);
	live.attached = true;
	live.attached_since = run_now();
	log_debug("attached in %.1f ms", (live.attached_since - t) / 1e6);
	return err;
}

static void detach_all(void)
{
	uint64_t now = run_now();

	if (!live.attached)
		return;
	probe_detach_all(live.skel, DRAIN_WAIT_MS);
	live.attached = false;
	live.traced_ns += now - live.attached_since;
	log_debug("detached in %.1f ms", (run_now() - now) / 1e6);
}

/* --- intervals */

static int feed_state(bool last)
{
	uint64_t now = run_now();
	struct hl_state st = {
		.now_ns = now,
		.traced_ns = live.traced_ns + (live.attached ? now - live.attached_since : 0),
		.entry_cost_ns = counters_entry_cost(&live.cost),
		.exit_cost_ns = live.cost.exit_ns,
		.bias_ns = live.cost.bias_ns,
		.last = last,
	};

	return run_feed(HL_REC_STATE, &st, sizeof(st));
}

static int on_interval(bool last, void *ctx)
{
	int err;

	if (last)
		detach_all();
	err = run_drain();
	err = err ?: counters_look(last, false);
	err = err ?: counters_feed();
	return err ?: feed_state(last);
}

/* --- new files, and the overhead guard */

static int on_exec(const struct hl_exec *e)
{
	uint64_t dev = makedev(e->dev >> 20, e->dev & 0xfffff);
	size_t slot = (dev ^ e->ino) % MISS_CACHE, before = probe_nfiles;
	bool none = false;
	int err;

	if (live.miss[slot].ino == e->ino && live.miss[slot].dev == dev)
		return 0;
	err = choose_process(e->pid, &none);
	if (err)
		return err;
	if (none) {
		live.miss[slot].dev = dev;
		live.miss[slot].ino = e->ino;
	}
	if (probe_nfiles == before)
		return 0;
	if (probe_nfuncs >= live.capacity) {
		log_warn("no room for more functions: %s is not traced; start again to trace it",
			 probe_files[before].t->name);
		probe_nfiles = before;
		probe_nfuncs = probe_files[before].first_fn - 1;
		return 0;
	}
	err = probe_announce(&probe_files[before]);
	if (!err && live.attached && probe_attach(&probe_files[before], live.skel, live.be))
		log_warn("%s", fail_text(-EINVAL));
	return err;
}

/*
 * Ten times a second: what did the probes cost? Above the limit they come off for so long that the
 * average is the limit. Then they go on again, and are measured anew.
 */
static int guard(uint64_t now)
{
	uint64_t cost, spent;
	double percent;

	if (!live.attached) {
		if (now < live.resume_at)
			return 0;
		live.guard_at = now;
		live.guard_hits = counters_cost(&live.cost);
		return attach_all();
	}
	if (now - live.guard_at < GUARD_NS)
		return 0;
	cost = counters_cost(&live.cost);
	spent = now - live.guard_at;
	percent = (cost - live.guard_hits) * 100.0 / spent;
	live.guard_at = now;
	live.guard_hits = cost;
	if (percent <= set.max_overhead)
		return 0;
	if (!live.guarding)
		log_warn("the probes cost %.1f%% of one CPU, more than --max-overhead %g: tracing "
			 "%.1f%% of the time from now on",
			 percent, set.max_overhead, 100 * set.max_overhead / percent);
	live.guarding = true;
	detach_all();
	live.resume_at = now + spent * (percent / set.max_overhead - 1);
	return counters_cut() < 0 ? -EIO : run_drain();
}

/*
 * Frames that a panic left and nobody took again pile up. When more than half of the map may be
 * taken, those that are gone make room.
 */
static int make_room(uint64_t now)
{
	if (now < live.sweep_at)
		return 0;
	live.sweep_at = now + SWEEP_NS;
	return live.skel->bss->nframes > set.max_running ? counters_look(false, true) : 0;
}

static int on_tick(uint64_t now, void *ctx)
{
	int err = make_room(now);

	return err ?: (set.max_overhead > 0 && live.cost.entry_ns ? guard(now) : 0);
}

static int on_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	if (type == HL_REC_EXEC)
		return len >= sizeof(struct hl_exec) ? on_exec(data) : 0;
	return model_record(type, data, len, ctx);
}

/* --- start to end */

static enum guard_kind guard_kind(void)
{
	if (live.watching || probe_any_http())
		return GUARD_HTTP;
	return any_go() ? GUARD_GO : probe_any_return() ? GUARD_RETURN : GUARD_RET;
}

static const char *const backend_names[] = {"auto", "uprobe_multi", "perf", "perf-clone"};

static int choose_backend(void)
{
	enum attach_backend asked = ATTACH_AUTO;

	for (int i = 0; std.backend && i < 4; i++)
		asked = strcmp(std.backend, backend_names[i]) ? asked : (enum attach_backend)i;
	live.be = attach_choose(asked);
	if (live.be == ATTACH_MULTI && !attach_caps()->multi)
		return fail(-ENOTSUP, "this kernel has no uprobe_multi links (they came with Linux "
				      "6.6): leave --backend out");
	if (live.be == ATTACH_PERF && !attach_caps()->cookie)
		return fail(-ENOTSUP, "this kernel has no cookies for probes (they came with Linux "
				      "5.15): leave --backend out");
	return 0;
}

/* Probes on, the command released, privileges gone. */
static int go_live(void)
{
	unsigned int keep = PRIV_KEEP_BPF;
	int err = 0;

	for (size_t i = 0; i < probe_nfiles && !err; i++)
		err = probe_announce(&probe_files[i]);
	err = err ?: attach_all();
	err = err ?: handlerlat_bpf__attach(live.skel);
	err = err ?: watch_processes();
	if (!err && command_pid) {
		priv_keep_child(command_pid);
		err = command_release();
	}
	if (live.watching || set.max_overhead > 0)
		keep |= PRIV_KEEP_ATTACH | (live.be == ATTACH_MULTI ? 0 : PRIV_KEEP_PERF);
	if (!err && !std.stay_root)
		err = priv_drop(keep);
	return err;
}

static void say_ready(void)
{
	uint64_t cost = counters_entry_cost(&live.cost) + live.cost.exit_ns;
	size_t n = 0;

	for (size_t i = 0; i < probe_nfiles; i++) {
		for (size_t k = 0; k < probe_files[i].t->nfuncs; k++)
			n += !probe_files[i].t->funcs[k].refused;
	}
	log_debug("a probed call costs %.2f us here, %.2f us of it inside the measured latency",
		  cost / 1e3, live.cost.bias_ns / 1e3);
	if (set.max_overhead > 0)
		log_info("a probed call costs %.2f us on this machine: %g%% of one CPU are %.0f "
			 "calls/s",
			 cost / 1e3, set.max_overhead, set.max_overhead * 1e7 / (cost + 1));
	run_ready("%zu function%s, backend %s", n, n == 1 ? "" : "s", backend_names[live.be]);
}

static int start(struct opt_words *w)
{
	int err = priv_check(true) ?: choose_targets(w, &live.watching);

	if (!err && w->ncmd)
		err = command_hold(w->cmd);
	err = err ?: choose_backend();
	err = err ?: load();
	err = err ?: run_ring(bpf_map__fd(live.skel->maps.events));
	if (err)
		return err;
	if (guard_measure(live.skel, live.be, guard_kind(), &live.cost))
		log_debug("cannot measure the cost of a probe: %s", fail_text(-EIO));
	err = go_live();
	if (err)
		return err;
	say_ready();
	live.guard_at = run_now();
	model_header();
	return feed_state(false);
}

int live_run(struct opt_words *words)
{
	static const struct run_tool tool = {
		.name = "handlerlat",
		.format = 2,
		.on_record = on_record,
		.on_interval = on_interval,
		.on_tick = on_tick,
		.on_summary = model_summary,
	};
	int err, status;

	err = run_init(&tool);
	if (!err && std.replay) {
		model_header();
		return run_finish(run_replay());
	}
	err = err ?: start(words) ?: run_loop();
	status = run_finish(err);
	command_end();
	if (live.skel)
		handlerlat_bpf__destroy(live.skel);
	return status;
}
