// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The life of the kernel half: which hooks there are, load, attach, poll, stop.
 */
#include "tcplat_parts.h"
#include "dest.h"
#include "log.h"
#include "netsel.h"
#include "priv.h"
#include "publish.h"
#include "row.h"
#include "run.h"
#include "select.h"
#include "tcplat.skel.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct {
	struct tcplat_bpf *skel;
	enum tl_backend be;
	bool storage;
	struct btf *btf; /* the kernel's, until it is loaded */
	bool twice; /* the second programs are attached */
	struct publish *report, *prom;
} live;

/* --- what the kernel has */

static int function_id(const char *name)
{
	return btf__find_by_name_kind(live.btf, name, BTF_KIND_FUNC);
}

static bool has_function(const char *name)
{
	return function_id(name) > 0;
}

static bool has_tracepoint(const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(live.btf, type, BTF_KIND_TYPEDEF) > 0;
}

/* How many arguments a function has; 0: it is not there. */
static unsigned int arguments(const char *name)
{
	int id = function_id(name);
	const struct btf_type *t = id > 0 ? btf__type_by_id(live.btf, id) : NULL;

	t = t ? btf__type_by_id(live.btf, t->type) : NULL;
	return t ? btf_vlen(t) : 0;
}

/* Is it built to preempt what runs in the kernel? ("#1 SMP PREEMPT_DYNAMIC ...") */
static bool preemptible(void)
{
	struct utsname u;

	return !uname(&u) && strstr(u.version, "PREEMPT");
}

static const char *missing_hook(enum tl_backend be)
{
	static const char *const points[] = {"tcp_rcv_space_adjust", "inet_sock_set_state",
					     "tcp_destroy_sock"};
	static const char *const lengths[] = {"sock_send_length", "sock_recv_length",
					      "sk_data_ready"};

	for (int i = 0; i < 3; i++) {
		if (!has_tracepoint(points[i]))
			return points[i];
		if (be <= TL_BE_MIXED && !has_tracepoint(lengths[i]))
			return lengths[i];
	}
	if (be == TL_BE_TRACEPOINT)
		return has_tracepoint("tcp_sendmsg_locked") ? NULL : "tcp_sendmsg_locked";
	if (!has_function("tcp_sendmsg_locked"))
		return "tcp_sendmsg_locked";
	return be >= TL_BE_FENTRY && !has_function("tcp_data_ready") ? "tcp_data_ready" : NULL;
}

/* --- which programs */

struct choice {
	struct bpf_program *prog;
	bool wanted;
};

static void choose_programs(struct tcplat_bpf *s)
{
	bool tp = live.be == TL_BE_TRACEPOINT, lengths = live.be <= TL_BE_MIXED;
	bool f = live.be == TL_BE_FENTRY, k = live.be == TL_BE_KPROBE;
	bool pages = has_function("do_tcp_sendpages");
	const struct choice choices[] = {
		{s->progs.tp_send, tp},
		{s->progs.tp_send_again, tp && live.twice},
		{s->progs.tp_sent, lengths},
		{s->progs.tp_arrival, lengths},
		{s->progs.tp_received, lengths},
		{s->progs.tp_read, !k},
		{s->progs.tp_read_again, !k && live.twice},
		{s->progs.tp_state, !k},
		{s->progs.tp_state_again, !k && live.twice},
		{s->progs.tp_destroy, !k},
		{s->progs.tp_destroy_again, !k},
		{s->progs.f_send, live.be == TL_BE_MIXED || f},
		{s->progs.f_send_again, (live.be == TL_BE_MIXED || f) && live.twice},
		{s->progs.f_sent, f},
		{s->progs.f_sendpages, f && pages},
		{s->progs.f_sentpages, f && pages},
		{s->progs.f_arrival, f},
		{s->progs.f_received, f},
		{s->progs.f_cleanup, !k && set.cleanup},
		{s->progs.k_send, k},
		{s->progs.k_sendpages, k && pages},
		{s->progs.k_arrival, k},
		{s->progs.k_cleanup, k && set.cleanup},
		{s->progs.k_read, k},
		{s->progs.k_state, k},
		{s->progs.k_destroy, k},
		{s->progs.k_destroy_again, k},
		{s->progs.poll_storage, live.storage},
		{s->progs.poll_hash, !live.storage},
	};

	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++)
		bpf_program__set_autoload(choices[i].prog, choices[i].wanted);
}

static bool tasks_selected(void)
{
	return std.pids.n || std.exclude_pids.n || std.comms.n || std.exclude_comms.n ||
	       std.cgroups.n || std.exclude_cgroups.n;
}

static bool flows_selected(const volatile struct netsel *n)
{
	return n->ports || n->local_ports || n->remote_ports || n->family || n->naddrs;
}

static int set_constants(struct tcplat_bpf *s)
{
	uint64_t salt = 0;
	int err;

	if (getrandom(&salt, sizeof(salt), 0) < 0)
		log_debug("no random numbers: %s", strerror(errno));
	s->rodata->use_storage = live.storage;
	s->rodata->by_task = tasks_selected();
	s->rodata->sample = set.sample;
	s->rodata->sample_turns = set.sample_turns;
	s->rodata->twice = live.twice;
	s->rodata->have_cast = has_function("bpf_rdonly_cast");
	s->rodata->recv_args = arguments("tcp_recvmsg");
	s->rodata->salt = salt;
	s->rodata->events_half = set.ring_kib * 1024 / 2;
	bpf_map__set_max_entries(s->maps.events, set.ring_kib * 1024);
	counters_size(s, live.storage);
	err = select_constants((struct filter *)&s->rodata->filter, false)
		      ?: netsel_constants((struct netsel *)&s->rodata->netsel,
					  s->rodata->netsel_port, s->rodata->netsel_local,
					  s->rodata->netsel_remote);
	s->rodata->by_flow = flows_selected(&s->rodata->netsel);
	return err;
}

static void close_skel(void)
{
	if (live.skel)
		tcplat_bpf__destroy(live.skel);
	live.skel = NULL;
}

static int load_once(void)
{
	int err;

	live.skel = tcplat_bpf__open();
	if (!live.skel)
		return fail(-errno, "cannot open the BPF object: %s", strerror(errno));
	choose_programs(live.skel);
	err = set_constants(live.skel);
	if (err)
		return err;
	err = tcplat_bpf__load(live.skel);
	return err ? fail(err, "cannot load the BPF programs: %s%s", strerror(-err),
			  log_verbose ? "" : " (-v shows the kernel's reason)")
		   : 0;
}

/* tcp_cleanup_rbuf() has no tracepoint: hardened kernels that let none see functions hide it. */
static int load(void)
{
	int err = load_once();

	if (!err || !set.cleanup)
		return err;
	close_skel();
	set.cleanup = false;
	if (!load_once()) {
		log_warn("--cleanup: this kernel lets no program see tcp_cleanup_rbuf(): its calls "
			 "are not counted");
		return 0;
	}
	set.cleanup = true;
	return err;
}

/* Births and deaths first, sends last: a turn that is seen to begin is seen to end. */
static int attach_all(void)
{
	struct tcplat_bpf *s = live.skel;
	struct {
		struct bpf_program *prog;
		struct bpf_link **link;
	} order[] = {
#define HOOK(NAME) {s->progs.NAME, &s->links.NAME}
		/* clang-format off */
		HOOK(tp_destroy), HOOK(tp_destroy_again), HOOK(k_destroy), HOOK(k_destroy_again),
		HOOK(tp_state), HOOK(tp_state_again), HOOK(k_state),
		HOOK(tp_arrival), HOOK(f_arrival), HOOK(k_arrival),
		HOOK(tp_read), HOOK(tp_read_again), HOOK(k_read),
		HOOK(tp_received), HOOK(f_received), HOOK(f_cleanup), HOOK(k_cleanup),
		HOOK(tp_sent), HOOK(f_sent), HOOK(f_sentpages),
		HOOK(tp_send), HOOK(tp_send_again), HOOK(f_send), HOOK(f_send_again),
		HOOK(f_sendpages), HOOK(k_send), HOOK(k_sendpages),
		/* clang-format on */
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		if (!bpf_program__autoload(order[i].prog))
			continue;
		*order[i].link = bpf_program__attach(order[i].prog);
		if (!*order[i].link)
			return fail(-errno, "cannot attach to %s: %s",
				    bpf_program__section_name(order[i].prog), strerror(errno));
	}
	return 0;
}

static void detach(struct bpf_link **link)
{
	bpf_link__destroy(*link);
	*link = NULL;
}

/* Waits until every program that runs on another CPU is through. */
static void let_hooks_finish(void)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(20000);
}

/* Takes the second programs off. */
static void detach_twice(void)
{
	struct tcplat_bpf *s = live.skel;

	detach(&s->links.tp_send_again);
	detach(&s->links.f_send_again);
	detach(&s->links.tp_read_again);
	detach(&s->links.tp_state_again);
	live.twice = false;
}

/* The opposite order; what sees connections die stays until detach_last(). */
static void detach_all(void)
{
	struct tcplat_bpf *s = live.skel;
	struct bpf_link **order[] = {
		&s->links.k_sendpages, &s->links.k_send,     &s->links.f_sendpages,
		&s->links.f_send,      &s->links.tp_send,    &s->links.f_sentpages,
		&s->links.f_sent,      &s->links.tp_sent,    &s->links.k_cleanup,
		&s->links.f_cleanup,   &s->links.f_received, &s->links.tp_received,
		&s->links.k_read,      &s->links.tp_read,    &s->links.k_arrival,
		&s->links.f_arrival,   &s->links.tp_arrival, &s->links.k_state,
		&s->links.tp_state,
	};

	detach_twice();
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		detach(order[i]);
	let_hooks_finish();
}

static void detach_last(void)
{
	detach(&live.skel->links.tp_destroy);
	detach(&live.skel->links.tp_destroy_again);
	detach(&live.skel->links.k_destroy_again);
	detach(&live.skel->links.k_destroy);
	let_hooks_finish();
}

/* Loads and attaches one backend. */
static int try_backend(enum tl_backend be, bool storage)
{
	const char *missing = missing_hook(be);
	int err;

	live.be = be;
	live.storage = storage;
	live.twice = preemptible();
	if (missing)
		return fail(-ENOTSUP, "backend %s: this kernel has no %s", backend_names[be],
			    missing);
	err = load() ?: counters_init(live.skel, storage) ?: attach_all();
	if (err) {
		err = fail(err, "backend %s: %s", backend_names[be], fail_text(err));
		log_debug("%s%s", fail_text(err), storage ? "" : " (state in a hash)");
		close_skel();
	}
	return err;
}

/* In the order of what they see and cost; each with socket storage first. */
static int start_backend(void)
{
	bool any = !std.backend || !strcmp(std.backend, "auto");
	char why[900] = "";
	int err = -ENOTSUP;

	live.btf = btf__load_vmlinux_btf();
	if (!live.btf)
		return fail(-ENOTSUP, "no BTF of the kernel: it needs CONFIG_DEBUG_INFO_BTF (%s)",
			    strerror(errno));
	for (int be = TL_BE_TRACEPOINT; be <= TL_BE_KPROBE && err; be++) {
		const char *name = be == TL_BE_MIXED ? "tracepoint" : backend_names[be];
		size_t n = strlen(why);

		if (!any && strcmp(std.backend, name))
			continue;
		if (be != TL_BE_KPROBE)
			err = try_backend(be, true);
		if (err)
			err = try_backend(be, false);
		if (err)
			snprintf(why + n, sizeof(why) - n, "%s%s", n ? "; " : "", fail_text(err));
	}
	btf__free(live.btf);
	live.btf = NULL;
	return err ? fail(err, "%s", why) : 0;
}

/* --- polling */

static int publish(struct publish *p, char *text, size_t len)
{
	return p ? publish_text(p, text, len) : 0;
}

static int publish_prom(void)
{
	char *text;
	size_t len;
	int err;

	if (!live.prom)
		return 0;
	err = prom_text(&text, &len);
	if (err)
		return err;
	err = publish(live.prom, text, len);
	free(text);
	return err;
}

static int publish_report(void)
{
	struct json j;
	int err;

	if (!live.report || !model.started)
		return 0;
	json_init(&j);
	report_json(&j);
	err = j.err;
	if (!err) {
		json_text(&j);
		j.buf[j.len] = '\n'; /* in place of the NUL */
		err = publish(live.report, j.buf, j.len + 1);
	}
	json_free(&j);
	return err;
}

static int on_interval(bool last, void *ctx)
{
	int err;

	if (last) {
		cost_over();
		detach_all();
	}
	counters_tick();
	err = run_drain() ?: counters_conns(last);
	if (last) {
		cost_tick(true);
		detach_last();
		err = err ?: run_drain();
	}
	err = err ?: counters_feed(last);
	return err ?: publish_prom();
}

static int on_tick(uint64_t now, void *ctx)
{
	struct cost c;

	counters_tick();
	/* Enough has been seen, and no hook was left out: one program each will do. */
	if (cost_tick(false) && live.twice) {
		cost_get(&c);
		if (!c.missed)
			detach_twice();
		log_debug("%llu hooks did not run: %s", (unsigned long long)c.missed,
			  c.missed ? "second programs stay" : "second programs go");
	}
	live.skel->bss->slow_floor = set.slowest ? model_slow_floor() : UINT64_MAX;
	return 0;
}

static int before_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	if (len < sizeof(struct tl_conn_rec))
		return 0;
	return type == TL_REC_CLOSED ? counters_before_closed(data)
	       : type == TL_REC_OPEN ? counters_before_open(data)
				     : 0;
}

static int find_listening(void)
{
	struct bpf_link *link = bpf_program__attach_iter(live.skel->progs.find_listening, NULL);
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
	char none[64];

	while (fd >= 0 && read(fd, none, sizeof(none)) > 0)
		;
	if (fd < 0)
		log_debug("cannot ask for listening sockets: %s", strerror(errno));
	else
		close(fd);
	bpf_link__destroy(link);
	return 0;
}

static int feed_start(void)
{
	struct tl_start_rec r = {
		.now_ns = run_now(),
		.backend = live.be,
		.sample = set.sample,
		.sample_turns = set.sample_turns,
		.cleanup = set.cleanup,
		.sees_again = live.be != TL_BE_KPROBE,
		.filtered = set.sample > 1 || tasks_selected() ||
			    flows_selected(&live.skel->rodata->netsel),
	};
	struct utsname u;

	uname(&u);
	snprintf(r.kernel, sizeof(r.kernel), "%.63s", u.release);
	return run_feed(TL_REC_START, &r, sizeof(r));
}

static int start(void)
{
	int err;

	priv_memlock();
	err = priv_check(false) ?: start_backend();
	if (err)
		return err;
	err = select_maps(bpf_map__fd(live.skel->maps.filter_pids),
			  bpf_map__fd(live.skel->maps.filter_cgroups))
		      ?: run_ring(bpf_map__fd(live.skel->maps.events));
	if (err)
		return err;
	live.skel->bss->slow_floor = set.slowest ? 0 : UINT64_MAX;
	find_listening();
	cost_begin(live.skel);
	err = std.stay_root ? 0 : priv_drop(PRIV_KEEP_BPF);
	if (err)
		return err;
	run_ready("backend %s%s", backend_names[live.be], live.storage ? "" : ", state in a hash");
	return feed_start();
}

static int open_files(void)
{
	int err = 0;

	if (std.output && !strcmp(std.output, "-"))
		return fail(-EINVAL, "output '-': use -j for the report on standard output");
	if (std.output && !dest_is_peer(std.output))
		err = publish_open(&live.report, std.output);
	if (!err && set.prometheus)
		err = publish_open(&live.prom, set.prometheus);
	return err;
}

int live_run(void)
{
	static const struct run_tool tool = {
		.name = "tcplat",
		.format = 1,
		.own_file = true,
		.on_record = model_record,
		.before_record = before_record,
		.on_interval = on_interval,
		.on_tick = on_tick,
		.on_summary = model_summary,
	};
	int err, status;

	err = open_files() ?: run_init(&tool);
	if (!err && std.replay)
		err = run_replay() ?: publish_prom();
	else
		err = err ?: start() ?: run_loop();
	if (!err || err == -EPIPE)
		err = publish_report() ?: err;
	status = run_finish(err);
	publish_close(live.report);
	publish_close(live.prom);
	close_skel();
	return status;
}
