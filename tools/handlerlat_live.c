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

#define STATS_BUDGET  (16u << 20) /* bytes of kernel memory for the shards of all functions */
#define MAX_SHARDS    8
#define LATER_FUNCS   64 /* functions of files that turn up while we watch */
#define DRAIN_WAIT_MS 20 /* how long the end waits for calls that are about to return */
#define GUARD_NS      1000000000ULL
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
	pid_t child;
	int child_go;
	size_t watched_pids;
	struct {
		uint64_t dev, ino;
	} miss[MISS_CACHE];
} live;

/* --- the command of "-- CMD" */

/* Forks the command, held back until live.child_go is closed. It dies with us, however we die. */
static int hold_command(char **cmd)
{
	int go[2];
	char c;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	live.child = fork();
	if (live.child < 0)
		return fail(-errno, "cannot fork: %s", strerror(errno));
	if (!live.child) {
		close(go[1]);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		signal(SIGPIPE, SIG_DFL);
		if (read(go[0], &c, 1) < 0 || c != 'g')
			_exit(127);
		execvp(cmd[0], cmd);
		fprintf(stderr, "handlerlat: cannot run %s: %s\n", cmd[0], strerror(errno));
		_exit(127);
	}
	close(go[0]);
	live.child_go = go[1];
	return 0;
}

static int on_child(int fd, void *ctx)
{
	run_stop();
	return 0;
}

static int on_pid_gone(int fd, void *ctx)
{
	/* Readable for good: each process is counted once. */
	static int gone[64];
	static size_t n;

	for (size_t i = 0; i < n; i++) {
		if (gone[i] == fd)
			return 0;
	}
	if (n < 64)
		gone[n++] = fd;
	if (n >= live.watched_pids) {
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

	if (live.child)
		err = watch_pid(live.child, on_child);
	for (size_t i = 0; i < std.pids.n && i < 60 && !err; i++)
		err = watch_pid(atoi(std.pids.v[i]), on_pid_gone);
	return err;
}

/* --- load */

static uint32_t power_of_two_below(uint32_t v)
{
	uint32_t p = 1;

	while (2 * p <= v)
		p *= 2;
	return p;
}

static void size_maps(void)
{
	struct handlerlat_bpf *s = live.skel;
	uint32_t cpus = libbpf_num_possible_cpus(), most;
	bool http = s->rodata->want_http;

	live.capacity = 1 + probe_nfuncs + (live.watching ? LATER_FUNCS : 0);
	most = STATS_BUDGET / (live.capacity * sizeof(struct hl_stats)) ?: 1;
	live.shards = power_of_two_below(cpus < most ? cpus : most);
	if (live.shards > MAX_SHARDS)
		live.shards = MAX_SHARDS;
	while (1u << live.shard_bits < live.shards)
		live.shard_bits++;
	s->rodata->shard_bits = live.shard_bits;
	s->rodata->shard_mask = live.shards - 1;
	bpf_map__set_max_entries(s->maps.stats, live.capacity << live.shard_bits);
	bpf_map__set_max_entries(s->maps.frames, 2 * set.max_running);
	bpf_map__set_max_entries(s->maps.requests, http ? 2 * set.max_running : 1);
	s->rodata->frames_keep = set.max_running;
	bpf_map__set_max_entries(s->maps.routes,
				 aggregating() ? set.max_routes << live.shard_bits : 1);
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
	bpf_program__set_autoload(s->progs.threads, c);
	bpf_program__set_autoload(s->progs.on_exec, live.watching);
	bpf_program__set_autoload(s->progs.on_fork, live.child != 0);
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
	       select_constants((struct filter *)&s->rodata->filter, live.child != 0);
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
		return fail(err, "cannot load the BPF programs: %s%s", strerror(-err),
			    err == -ESRCH || err == -ENOENT
				    ? " (no BTF: the kernel needs CONFIG_DEBUG_INFO_BTF)"
			    : log_verbose ? ""
					  : " (-v shows the kernel's reason)");
	err = select_maps(bpf_map__fd(live.skel->maps.filter_pids),
			  bpf_map__fd(live.skel->maps.filter_cgroups));
	if (!err && live.child)
		err = bpf_map_update_elem(bpf_map__fd(live.skel->maps.filter_pids), &live.child,
					  &wanted, BPF_ANY);
	live.read_buf = calloc(live.shards, sizeof(*live.read_buf));
	live.left.gone = calloc(live.capacity, sizeof(*live.left.gone));
	live.left.swept = calloc(live.capacity, sizeof(*live.left.swept));
	live.left.running = calloc(live.capacity, sizeof(*live.left.running));
	live.cut = calloc(live.capacity, sizeof(*live.cut));
	live.seen = calloc(live.capacity, sizeof(*live.seen));
	if (!live.read_buf || !live.left.gone || !live.left.swept || !live.left.running ||
	    !live.cut || !live.seen)
		return -ENOMEM;
	return err;
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

/* --- reading the counters */

static void add_stats(struct hl_stats *a, const struct hl_stats *b)
{
	uint64_t max = a->max > b->max ? a->max : b->max;
	uint64_t nmin = a->nmin > b->nmin ? a->nmin : b->nmin;
	__u64 *x = (__u64 *)a;
	const __u64 *y = (const __u64 *)b;

	for (size_t i = 0; i < sizeof(*a) / sizeof(*x); i++)
		x[i] += y[i];
	a->max = max;
	a->nmin = nmin;
}

static int read_stats(uint32_t fn, struct hl_stats *st)
{
	int fd = bpf_map__fd(live.skel->maps.stats), err = 0;

	memset(st, 0, sizeof(*st));
	for (uint32_t i = 0; i < live.shards && !err; i++) {
		uint32_t key = fn << live.shard_bits | i;

		err = bpf_map_lookup_elem(fd, &key, live.read_buf);
		if (!err)
			add_stats(st, live.read_buf);
	}
	st->unwound += live.left.gone[fn] + live.left.swept[fn];
	st->cut += live.cut[fn];
	return err ? fail(err, "cannot read the counters: %s", strerror(-err)) : 0;
}

static uint64_t returned_of(const struct hl_stats *st)
{
	uint64_t n = 0;

	for (int i = 0; i < HIST_SLOTS; i++)
		n += st->slot[i];
	return n;
}

static uint64_t activity(const struct hl_stats *st)
{
	return st->entered + st->unwound + st->missed + st->cut + returned_of(st);
}

static int feed_functions(void)
{
	struct hl_stats_rec r = {};
	uint64_t n;
	int err = 0;

	for (uint32_t fn = 1; fn <= probe_nfuncs && !err; fn++) {
		err = read_stats(fn, &r.stats);
		n = activity(&r.stats);
		if (err || (n == live.seen[fn] && !live.left.running[fn]))
			continue;
		live.seen[fn] = n;
		r.fn = fn;
		r.running = live.left.running[fn];
		err = run_feed(HL_REC_STATS, &r, sizeof(r));
	}
	return err;
}

/* One record per method and route, whose shards lie scattered in the hash. */
static int feed_routes(void)
{
	int fd = bpf_map__fd(live.skel->maps.routes), err = 0;
	struct hl_route_key key, *prev = NULL;
	struct hl_route_rec r;

	for (; !err && !bpf_map_get_next_key(fd, prev, &key); prev = &key) {
		memset(&r, 0, sizeof(r));
		r.key = key;
		/* The lowest shard that exists speaks for all. */
		for (r.key.shard = 0; r.key.shard < live.shards; r.key.shard++) {
			if (bpf_map_lookup_elem(fd, &r.key, live.read_buf))
				continue;
			if (r.key.shard < key.shard)
				break;
			add_stats(&r.stats, live.read_buf);
		}
		if (r.key.shard < live.shards)
			continue;
		r.key.shard = 0;
		err = run_feed(HL_REC_ROUTE, &r, sizeof(r));
	}
	return err;
}

static int feed_state(bool last)
{
	uint64_t now = run_now();
	struct hl_state st = {
		.now_ns = now,
		.traced_ns = live.traced_ns + (live.attached ? now - live.attached_since : 0),
		.entry_cost_ns = live.cost.entry_ns,
		.exit_cost_ns = live.cost.exit_ns,
		.bias_ns = live.cost.bias_ns,
		.last = last,
	};

	return run_feed(HL_REC_STATE, &st, sizeof(st));
}

static int look_at_leftovers(bool report, bool sweep)
{
	memset(live.left.running, 0, live.capacity * sizeof(*live.left.running));
	memset(live.left.gone, 0, live.capacity * sizeof(*live.left.gone));
	return probe_leftovers(live.skel, report, &live.left, sweep);
}

static int on_interval(bool last, void *ctx)
{
	int err;

	if (last)
		detach_all();
	err = run_drain();
	err = err ?: look_at_leftovers(last, false);
	err = err ?: feed_functions();
	if (aggregating())
		err = err ?: feed_routes();
	return err ?: feed_state(last);
}

/* --- new files, and the overhead guard */

static int on_exec(const struct hl_exec *e)
{
	uint64_t dev = makedev(e->dev >> 20, e->dev & 0xfffff);
	size_t slot = (dev ^ e->ino) % MISS_CACHE, before = probe_nfiles;
	int err;

	if (live.miss[slot].ino == e->ino && live.miss[slot].dev == dev)
		return 0;
	if (probe_nfuncs + 1 >= live.capacity)
		return 0;
	err = choose_process(e->pid, NULL);
	if (err)
		return err;
	if (probe_nfiles == before) {
		live.miss[slot].dev = dev;
		live.miss[slot].ino = e->ino;
		return 0;
	}
	if (probe_nfuncs >= live.capacity) {
		log_warn("no room for more functions: %s is not traced",
			 probe_files[before].t->name);
		probe_nfiles = before;
		probe_nfuncs = live.capacity - 1;
		return 0;
	}
	err = probe_announce(&probe_files[before]);
	if (!err && live.attached && probe_attach(&probe_files[before], live.skel, live.be))
		log_warn("%s", fail_text(-EINVAL));
	return err;
}

static uint64_t total_cost(void)
{
	struct hl_stats st;
	uint64_t ns = 0;

	for (uint32_t fn = 1; fn <= probe_nfuncs; fn++) {
		if (read_stats(fn, &st))
			return 0;
		ns += st.entered * live.cost.entry_ns +
		      (returned_of(&st) + st.missed) * live.cost.exit_ns;
	}
	return ns;
}

/*
 * Once a second: what did the probes cost? Above the limit they come off for so long that the
 * average is the limit. They go on again, and the next second is measured anew.
 */
static int guard(uint64_t now)
{
	uint64_t cost, spent;
	double percent;

	if (!live.attached) {
		if (now < live.resume_at)
			return 0;
		live.guard_at = now;
		live.guard_hits = total_cost();
		return attach_all();
	}
	if (now - live.guard_at < GUARD_NS / (live.guarding ? 10 : 1))
		return 0;
	cost = total_cost();
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
	return probe_cut(live.skel, live.cut) < 0 ? -EIO : run_drain();
}

/*
 * Frames that a panic left and nobody took again pile up. When more than half of the map may be
 * taken, those that are gone make room.
 */
static int make_room(uint64_t now)
{
	struct hl_stats st;
	uint64_t going = 0;
	int err = 0;

	if (now < live.sweep_at)
		return 0;
	live.sweep_at = now + SWEEP_NS;
	for (uint32_t fn = 1; fn <= probe_nfuncs && !err; fn++) {
		err = read_stats(fn, &st);
		going += st.entered + live.left.gone[fn] - st.unwound - st.untracked -
			 st.undepthed - st.cut - returned_of(&st);
	}
	return err ?: going > set.max_running / 2 ? look_at_leftovers(false, true) : 0;
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

static int start(struct opt_words *w)
{
	enum attach_backend asked = ATTACH_AUTO;
	static const char *const names[] = {"auto", "uprobe_multi", "perf", "perf-clone"};
	unsigned int keep = PRIV_KEEP_BPF;
	size_t nprobes = 0;
	int err;

	if (std.backend)
		for (int i = 0; i < 4; i++)
			asked = strcmp(std.backend, names[i]) ? asked : (enum attach_backend)i;
	err = priv_check(true) ?: choose_targets(w, &live.watching);
	if (!err && w->ncmd)
		err = hold_command(w->cmd);
	if (err)
		return err;
	live.be = attach_choose(asked);
	if (live.be == ATTACH_MULTI && !attach_caps()->multi)
		return fail(-ENOTSUP, "this kernel has no uprobe_multi links (they came with Linux "
				      "6.6): leave --backend out");
	if (live.be == ATTACH_PERF && !attach_caps()->cookie)
		return fail(-ENOTSUP, "this kernel has no cookies for probes (they came with Linux "
				      "5.15): leave --backend out");
	err = load() ?: run_ring(bpf_map__fd(live.skel->maps.events));
	if (err)
		return err;
	if (guard_measure(live.skel, live.be, any_go() ? LANG_GO : LANG_C, &live.cost))
		log_debug("cannot measure the cost of a probe: %s", fail_text(-EIO));
	for (size_t i = 0; i < probe_nfiles && !err; i++)
		err = probe_announce(&probe_files[i]);
	err = err ?: attach_all();
	if (!err)
		err = handlerlat_bpf__attach(live.skel);
	err = err ?: watch_processes();
	if (live.child)
		priv_keep_child(live.child);
	if (live.watching || set.max_overhead > 0)
		keep |= PRIV_KEEP_ATTACH | (live.be == ATTACH_MULTI ? 0 : PRIV_KEEP_PERF);
	if (!err && !std.stay_root)
		err = priv_drop(keep);
	if (err)
		return err;
	for (size_t i = 0; i < probe_nfiles; i++) {
		for (size_t k = 0; k < probe_files[i].t->nfuncs; k++)
			nprobes += !probe_files[i].t->funcs[k].refused;
	}
	log_debug("a probed call costs %.2f us here, %.2f us of it inside the measured latency",
		  (live.cost.entry_ns + live.cost.exit_ns) / 1e3, live.cost.bias_ns / 1e3);
	if (set.max_overhead > 0)
		log_info("a probed call costs %.2f us on this machine: at most %.0f calls/s for "
			 "%g%% "
			 "of one CPU",
			 (live.cost.entry_ns + live.cost.exit_ns) / 1e3,
			 set.max_overhead * 1e7 / (live.cost.entry_ns + live.cost.exit_ns + 1),
			 set.max_overhead);
	run_ready("%zu function%s, backend %s", nprobes, nprobes == 1 ? "" : "s", names[live.be]);
	live.guard_at = run_now();
	model_header();
	err = feed_state(false);
	if (!err && live.child_go && write(live.child_go, "g", 1) != 1)
		err = -errno;
	return err;
}

int live_run(struct opt_words *words)
{
	static const struct run_tool tool = {
		.name = "handlerlat",
		.format = 1,
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
	if (live.child > 0) {
		if (live.child_go)
			close(live.child_go);
		kill(live.child, SIGTERM);
	}
	if (live.skel)
		handlerlat_bpf__destroy(live.skel);
	return status;
}
