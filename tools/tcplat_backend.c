// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which hooks this kernel has, which programs go on them, and when they come off.
 */
#include "tcplat_parts.h"
#include "log.h"
#include "netsel.h"
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

struct backend backend;

static struct btf *btf; /* the kernel's, until the programs are loaded */

/* --- what the kernel has */

static int function_id(const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
}

static bool has_function(const char *name)
{
	return function_id(name) > 0;
}

static bool has_tracepoint(const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

/* How many arguments a function has; 0: it is not there. */
static unsigned int arguments(const char *name)
{
	int id = function_id(name);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	t = t ? btf__type_by_id(btf, t->type) : NULL;
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
	bool tp = backend.be == TL_BE_TRACEPOINT, lengths = backend.be <= TL_BE_MIXED;
	bool f = backend.be == TL_BE_FENTRY, k = backend.be == TL_BE_KPROBE;
	bool pages = has_function("do_tcp_sendpages");
	const struct choice choices[] = {
		{s->progs.tp_send, tp},
		{s->progs.tp_send_again, tp && backend.twice},
		{s->progs.tp_sent, lengths},
		{s->progs.tp_arrival, lengths},
		{s->progs.tp_received, lengths},
		{s->progs.tp_read, !k},
		{s->progs.tp_read_again, !k && backend.twice},
		{s->progs.tp_state, !k},
		{s->progs.tp_state_again, !k && backend.twice},
		{s->progs.tp_destroy, !k},
		{s->progs.tp_destroy_again, !k},
		{s->progs.f_send, backend.be == TL_BE_MIXED || f},
		{s->progs.f_send_again, (backend.be == TL_BE_MIXED || f) && backend.twice},
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
		{s->progs.poll_storage, backend.storage},
		{s->progs.poll_hash, !backend.storage},
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
	s->rodata->use_storage = backend.storage;
	s->rodata->by_task = tasks_selected();
	s->rodata->sample = set.sample;
	s->rodata->sample_turns = set.sample_turns;
	s->rodata->twice = backend.twice;
	s->rodata->recv_args = arguments("tcp_recvmsg");
	s->rodata->salt = salt;
	s->rodata->events_half = set.ring_kib * 1024 / 2;
	bpf_map__set_max_entries(s->maps.events, set.ring_kib * 1024);
	counters_size(s, backend.storage);
	err = select_constants((struct filter *)&s->rodata->filter, false)
		      ?: netsel_constants((struct netsel *)&s->rodata->netsel,
					  s->rodata->netsel_port, s->rodata->netsel_local,
					  s->rodata->netsel_remote);
	s->rodata->by_flow = flows_selected(&s->rodata->netsel);
	return err;
}

void backend_close(void)
{
	if (backend.skel)
		tcplat_bpf__destroy(backend.skel);
	backend.skel = NULL;
}

static int load_once(void)
{
	int err;

	backend.skel = tcplat_bpf__open();
	if (!backend.skel)
		return fail(-errno, "cannot open the BPF object: %s", strerror(errno));
	choose_programs(backend.skel);
	err = set_constants(backend.skel);
	if (err)
		return err;
	err = tcplat_bpf__load(backend.skel);
	return err ? fail(err, "cannot load the BPF programs: %s%s", error_text(err),
			  log_verbose ? "" : " (-v shows the kernel's reason)")
		   : 0;
}

/* tcp_cleanup_rbuf() has no tracepoint: hardened kernels that let none see functions hide it. */
static int load(void)
{
	int err = load_once();

	if (!err || !set.cleanup)
		return err;
	backend_close();
	set.cleanup = false;
	if (!load_once()) {
		log_warn("--cleanup: this kernel lets no program see tcp_cleanup_rbuf(): its calls "
			 "are not counted");
		return 0;
	}
	set.cleanup = true;
	return err;
}

/*
 * Births and deaths first, sends last: a turn that is seen to begin is seen to end. Of two programs
 * on a tracepoint the one that was attached first runs first, in a trampoline the last one.
 */
static int attach_all(void)
{
	struct tcplat_bpf *s = backend.skel;
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
		HOOK(tp_send), HOOK(tp_send_again), HOOK(f_send_again), HOOK(f_send),
		HOOK(f_sendpages), HOOK(k_send), HOOK(k_sendpages),
		/* clang-format on */
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		if (!bpf_program__autoload(order[i].prog))
			continue;
		*order[i].link = bpf_program__attach(order[i].prog);
		if (!*order[i].link)
			return fail(-errno, "cannot attach to %s: %s",
				    bpf_program__section_name(order[i].prog), error_text(-errno));
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
void backend_detach_twice(void)
{
	struct tcplat_bpf *s = backend.skel;

	detach(&s->links.tp_send_again);
	detach(&s->links.f_send_again);
	detach(&s->links.tp_read_again);
	detach(&s->links.tp_state_again);
	backend.twice = false;
}

/* The opposite order; what sees connections die stays until backend_detach_last(). */
void backend_detach(void)
{
	struct tcplat_bpf *s = backend.skel;
	struct bpf_link **order[] = {
		&s->links.k_sendpages, &s->links.k_send,     &s->links.f_sendpages,
		&s->links.f_send,      &s->links.tp_send,    &s->links.f_sentpages,
		&s->links.f_sent,      &s->links.tp_sent,    &s->links.k_cleanup,
		&s->links.f_cleanup,   &s->links.f_received, &s->links.tp_received,
		&s->links.k_read,      &s->links.tp_read,    &s->links.k_arrival,
		&s->links.f_arrival,   &s->links.tp_arrival, &s->links.k_state,
		&s->links.tp_state,
	};

	backend_detach_twice();
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		detach(order[i]);
	let_hooks_finish();
}

void backend_detach_last(void)
{
	detach(&backend.skel->links.tp_destroy);
	detach(&backend.skel->links.tp_destroy_again);
	detach(&backend.skel->links.k_destroy_again);
	detach(&backend.skel->links.k_destroy);
	let_hooks_finish();
}

static int fill_filters(void)
{
	return select_maps(bpf_map__fd(backend.skel->maps.filter_pids),
			   bpf_map__fd(backend.skel->maps.filter_cgroups));
}

/* Loads and attaches one backend. */
static int try_backend(enum tl_backend be, bool storage)
{
	const char *missing = missing_hook(be);
	int err;

	backend.be = be;
	backend.storage = storage;
	backend.twice = preemptible();
	if (missing)
		return fail(-ENOTSUP, "backend %s: this kernel has no %s", backend_names[be],
			    missing);
	err = load() ?: counters_init(backend.skel, storage) ?: fill_filters() ?: attach_all();
	if (err) {
		err = fail(err, "backend %s: %s", backend_names[be], fail_text(err));
		log_debug("%s%s", fail_text(err), storage ? "" : " (state in a hash)");
		backend_close();
	}
	return err;
}

/* In the order of what they see and cost; each with socket storage first. */
int backend_start(void)
{
	bool any = !std.backend || !strcmp(std.backend, "auto");
	char why[900] = "";
	int err = -ENOTSUP;

	btf = btf__load_vmlinux_btf();
	if (!btf)
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
	btf__free(btf);
	btf = NULL;
	return err ? fail(err, "%s", why) : 0;
}

bool backend_filtered(void)
{
	return set.sample > 1 || tasks_selected() || flows_selected(&backend.skel->rodata->netsel);
}
