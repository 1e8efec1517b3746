// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which hooks this kernel has is asked of its BTF and by trying, never of its version.
 */
#include "capload.h"
#include "capture.h"
#include "log.h"
#include "netsel.h"
#include "opts.h"
#include "run.h"
#include "select.h"
#include "capload_int.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

struct capload capload;

static struct btf *btf; /* the kernel's, until the programs are loaded */

static bool has_function(const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

static bool has_tracepoint(const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

/* --- which programs go where */

#define BE(x) (1 << CAP_BE_##x)

enum need { MUST, MAY }; /* a hook that a kernel may lack */
enum part { ALWAYS, UNIX, TWICE, UNIX_TWICE, TIMES };

/*
 * In the order of attaching: ends first, so that a call that is seen to begin is seen to end. Of
 * two programs on a tracepoint the one that was attached first runs first, in a trampoline the last
 * one; the second programs run second.
 */
static const struct hook {
	const char *prog, *function; /* function NULL: its section says it; a kprobe needs it */
	const char *needs; /* a function, or "tp:" and a tracepoint, that must be there */
	uint8_t backends;
	uint8_t need, part;
	bool returns;
} hooks[] = {
	{"tp_destroy", NULL, "tp:tcp_destroy_sock", BE(TRACEPOINT) | BE(FENTRY), MUST, ALWAYS, 0},
	{"tp_destroy_again", NULL, "tp:tcp_destroy_sock", BE(TRACEPOINT) | BE(FENTRY), MAY, TWICE,
	 0},
	{"k_destroy", NULL, "tp:tcp_destroy_sock", BE(KPROBE), MUST, ALWAYS, 0},
	{"tp_state", NULL, "tp:inet_sock_set_state", BE(TRACEPOINT) | BE(FENTRY), MUST, ALWAYS, 0},
	{"tp_state_again", NULL, "tp:inet_sock_set_state", BE(TRACEPOINT) | BE(FENTRY), MAY, TWICE,
	 0},
	{"k_state", NULL, "tp:inet_sock_set_state", BE(KPROBE), MUST, ALWAYS, 0},
	{"tp_received", NULL, "tp:sock_recv_length", BE(TRACEPOINT), MUST, ALWAYS, 0},
	{"tp_received_again", NULL, "tp:sock_recv_length", BE(TRACEPOINT), MAY, TWICE, 0},
	{"tp_sent", NULL, "tp:sock_send_length", BE(TRACEPOINT), MUST, ALWAYS, 0},
	{"tp_sent_again", NULL, "tp:sock_send_length", BE(TRACEPOINT), MAY, TWICE, 0},
	{"tp_part", NULL, "tp:tcp_sendmsg_locked", BE(TRACEPOINT), MAY, ALWAYS, 0},
	{"tp_ready", NULL, "tp:sk_data_ready", BE(TRACEPOINT), MAY, TIMES, 0},
	{"f_ready", NULL, "tcp_data_ready", BE(FENTRY), MAY, TIMES, 0},
	{"k_ready", "tcp_data_ready", "tcp_data_ready", BE(KPROBE), MAY, TIMES, 0},
	{"f_unix_release", NULL, "unix_release", BE(FENTRY), MAY, UNIX, 0},
	{"x_unix_recv_again", NULL, "unix_stream_recvmsg", BE(FENTRY), MAY, UNIX_TWICE, 0},
	{"x_unix_recv", NULL, "unix_stream_recvmsg", BE(FENTRY), MAY, UNIX, 0},
	{"f_unix_recv_again", NULL, "unix_stream_recvmsg", BE(FENTRY), MAY, UNIX_TWICE, 0},
	{"f_unix_recv", NULL, "unix_stream_recvmsg", BE(FENTRY), MAY, UNIX, 0},
	{"x_unix_send_again", NULL, "unix_stream_sendmsg", BE(FENTRY), MAY, UNIX_TWICE, 0},
	{"x_unix_send", NULL, "unix_stream_sendmsg", BE(FENTRY), MAY, UNIX, 0},
	{"f_unix_send_again", NULL, "unix_stream_sendmsg", BE(FENTRY), MAY, UNIX_TWICE, 0},
	{"f_unix_send", NULL, "unix_stream_sendmsg", BE(FENTRY), MAY, UNIX, 0},
	{"x_splice", NULL, "tcp_splice_read", BE(FENTRY), MAY, ALWAYS, 0},
	{"x_page", NULL, "inet_sendpage", BE(FENTRY), MAY, ALWAYS, 0},
	{"x_recv_again", NULL, "inet_recvmsg", BE(FENTRY), MAY, TWICE, 0},
	{"x_recv", NULL, "inet_recvmsg", BE(FENTRY), MUST, ALWAYS, 0},
	{"f_recv_again", NULL, "inet_recvmsg", BE(FENTRY), MAY, TWICE, 0},
	{"f_recv", NULL, "inet_recvmsg", BE(FENTRY), MUST, ALWAYS, 0},
	{"x_recv6_again", NULL, "inet6_recvmsg", BE(FENTRY), MAY, TWICE, 0},
	{"x_recv6", NULL, "inet6_recvmsg", BE(FENTRY), MAY, ALWAYS, 0},
	{"f_recv6_again", NULL, "inet6_recvmsg", BE(FENTRY), MAY, TWICE, 0},
	{"f_recv6", NULL, "inet6_recvmsg", BE(FENTRY), MAY, ALWAYS, 0},
	{"x_send_again", NULL, "inet_sendmsg", BE(FENTRY), MAY, TWICE, 0},
	{"x_send", NULL, "inet_sendmsg", BE(FENTRY), MUST, ALWAYS, 0},
	{"f_send_again", NULL, "inet_sendmsg", BE(FENTRY), MAY, TWICE, 0},
	{"f_send", NULL, "inet_sendmsg", BE(FENTRY), MUST, ALWAYS, 0},
	{"x_send6_again", NULL, "inet6_sendmsg", BE(FENTRY), MAY, TWICE, 0},
	{"x_send6", NULL, "inet6_sendmsg", BE(FENTRY), MAY, ALWAYS, 0},
	{"f_send6_again", NULL, "inet6_sendmsg", BE(FENTRY), MAY, TWICE, 0},
	{"f_send6", NULL, "inet6_sendmsg", BE(FENTRY), MAY, ALWAYS, 0},
	{"k_unix_release", "unix_release", "unix_release", BE(KPROBE), MAY, UNIX, 0},
	{"kr_recv", "unix_stream_recvmsg", "unix_stream_recvmsg", BE(KPROBE), MAY, UNIX, 1},
	{"k_recv", "unix_stream_recvmsg", "unix_stream_recvmsg", BE(KPROBE), MAY, UNIX, 0},
	{"kr_send", "unix_stream_sendmsg", "unix_stream_sendmsg", BE(KPROBE), MAY, UNIX, 1},
	{"k_send", "unix_stream_sendmsg", "unix_stream_sendmsg", BE(KPROBE), MAY, UNIX, 0},
	{"kr_splice", "tcp_splice_read", "tcp_splice_read", BE(KPROBE), MAY, ALWAYS, 1},
	{"k_splice", "tcp_splice_read", "tcp_splice_read", BE(KPROBE), MAY, ALWAYS, 0},
	{"kr_page", "inet_sendpage", "inet_sendpage", BE(KPROBE), MAY, ALWAYS, 1},
	{"k_page", "inet_sendpage", "inet_sendpage", BE(KPROBE), MAY, ALWAYS, 0},
	{"k_read", "tcp_rcv_space_adjust", "tcp_rcv_space_adjust", BE(KPROBE), MAY, ALWAYS, 0},
	{"kr_recv", "inet_recvmsg", "inet_recvmsg", BE(KPROBE), MUST, ALWAYS, 1},
	{"k_recv", "inet_recvmsg", "inet_recvmsg", BE(KPROBE), MUST, ALWAYS, 0},
	{"kr_recv", "inet6_recvmsg", "inet6_recvmsg", BE(KPROBE), MAY, ALWAYS, 1},
	{"k_recv", "inet6_recvmsg", "inet6_recvmsg", BE(KPROBE), MAY, ALWAYS, 0},
	{"kr_send", "inet_sendmsg", "inet_sendmsg", BE(KPROBE), MUST, ALWAYS, 1},
	{"k_send", "inet_sendmsg", "inet_sendmsg", BE(KPROBE), MUST, ALWAYS, 0},
	{"kr_send", "inet6_sendmsg", "inet6_sendmsg", BE(KPROBE), MAY, ALWAYS, 1},
	{"k_send", "inet6_sendmsg", "inet6_sendmsg", BE(KPROBE), MAY, ALWAYS, 0},
};
#define HOOKS (sizeof(hooks) / sizeof(*hooks))
_Static_assert(HOOKS <= CAPLOAD_LINKS, "room for each link");

static bool there(const char *needs)
{
	return strncmp(needs, "tp:", 3) ? has_function(needs) : has_tracepoint(needs + 3);
}

static bool goes(const struct hook *h)
{
	return h->backends >> capload.be & 1 &&
	       ((h->part != UNIX && h->part != UNIX_TWICE) || capload.tool->config.unix_too) &&
	       ((h->part != TWICE && h->part != UNIX_TWICE) || capload.twice) &&
	       (h->part != TIMES || capload.tool->config.times) && there(h->needs);
}

/*
 * May it preempt what runs in the kernel? "#1 SMP PREEMPT_DYNAMIC ..." is built to; where debugfs
 * can be read it says which of "none (voluntary) full" is in force.
 */
static bool preemptible(void)
{
	FILE *f = fopen("/sys/kernel/debug/sched/preempt", "re");
	char modes[128] = "";
	struct utsname u;

	if (f) {
		if (!fgets(modes, sizeof(modes), f))
			modes[0] = 0;
		fclose(f);
	}
	if (strstr(modes, "(none)") || strstr(modes, "(voluntary)"))
		return false;
	return !uname(&u) && strstr(u.version, "PREEMPT");
}

static const char *missing_hook(void)
{
	for (size_t i = 0; i < HOOKS; i++)
		if (hooks[i].backends >> capload.be & 1 && hooks[i].need == MUST &&
		    !there(hooks[i].needs))
			return hooks[i].needs + (strncmp(hooks[i].needs, "tp:", 3) ? 0 : 3);
	return NULL;
}

static struct bpf_program *program(const char *name)
{
	return bpf_object__find_program_by_name(capload.o.obj, name);
}

/* Can a program look up where the kernel has something? (5.16) */
static bool has_helper(const char *name)
{
	int id = btf__find_by_name_kind(btf, "bpf_func_id", BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;
	const struct btf_enum *e = t ? btf_enum(t) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, e[i].name_off), name))
			return true;
	return false;
}

static void choose_programs(void)
{
	struct bpf_program *p;

	bpf_object__for_each_program (p, capload.o.obj)
		bpf_program__set_autoload(p, false);
	for (size_t i = 0; i < HOOKS; i++)
		if (goes(&hooks[i]))
			bpf_program__set_autoload(program(hooks[i].prog), true);
	for (int i = 0; i < 2; i++)
		if (capload.o.own[i])
			bpf_program__set_autoload(capload.o.own[i], true);
	bpf_program__set_autoload(program("nothing"), capload.be != CAP_BE_KPROBE);
	bpf_program__set_autoload(program("k_do"), capload.be == CAP_BE_KPROBE);
	bpf_program__set_autoload(program("find_pages"),
				  has_helper("BPF_FUNC_kallsyms_lookup_name"));
}

/* --- load */

static struct bpf_map *map(const char *name)
{
	return bpf_object__find_map_by_name(capload.o.obj, name);
}

static int map_fd(const char *name)
{
	return bpf_map__fd(map(name));
}

static bool tasks_selected(void)
{
	return std.pids.n || std.exclude_pids.n || std.comms.n || std.exclude_comms.n ||
	       std.cgroups.n || std.exclude_cgroups.n;
}

static int set_constants(void)
{
	const struct capload_object *o = &capload.o;
	struct netsel *n = o->netsel;
	int err;

	*o->config = capload.tool->config;
	o->config->by_task = tasks_selected();
	o->config->twice = capload.twice;
	*o->use_storage = capload.storage;
	*o->events_half = capload.tool->ring_bytes / 2;
	if (getrandom(o->salt, sizeof(*o->salt), 0) < 0)
		log_debug("no random numbers: %s", strerror(errno));
	bpf_map__set_max_entries(map("events"), capload.tool->ring_bytes);
	bpf_map__set_max_entries(map("states_by_sock"),
				 capload.storage ? 1 : capload.tool->max_conns);
	bpf_map__set_max_entries(map("takes"), CAP_TAKES);
	bpf_map__set_max_entries(map("counts"), 1 + CAP_TAKES);
	if (o->config->times && !capload.storage)
		bpf_map__set_max_entries(map("times_by_sock"), capload.tool->max_conns);
	if (!capload.storage) {
		bpf_map__set_autocreate(map("states"), false);
		bpf_map__set_autocreate(map("times"), false);
	}
	err = select_constants(o->filter, false)
		      ?: netsel_constants(n, o->port, o->local, o->remote);
	o->config->by_flow =
		n->ports || n->local_ports || n->remote_ports || n->family || n->naddrs;
	return err;
}

static int load(void)
{
	int err = capload.tool->open(&capload.o);

	if (err)
		return fail(err, "cannot open the BPF object: %s", strerror(-err));
	choose_programs();
	err = set_constants();
	if (err)
		return err;
	err = bpf_object__load(capload.o.obj);
	if (err)
		return fail(err, "cannot load the BPF programs: %s%s", error_text(err),
			    log_verbose ? "" : " (-v shows the kernel's reason)");
	if (capload.be == CAP_BE_KPROBE) {
		int fd = bpf_program__fd(program("k_do"));

		if (bpf_map_update_elem(map_fd("k_then"), &(uint32_t){0}, &fd, BPF_ANY))
			return fail(-errno, "cannot set the program to go on with: %s",
				    strerror(errno));
	}
	return select_maps(map_fd("filter_pids"), map_fd("filter_cgroups"));
}

/* Where are pages? What sendfile() sends cannot be read where nobody says. */
static void find_pages(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, o);
	int fd = bpf_program__fd(program("find_pages")), err;

	if (!bpf_program__autoload(program("find_pages")))
		return;
	err = bpf_prog_test_run_opts(fd, &o);
	capload.pages = !err && o.retval == 1;
	log_debug("pages %s read%s%s", capload.pages ? "can be" : "cannot be", err ? ": " : "",
		  err ? strerror(-err) : "");
}

static int attach_one(const struct hook *h, struct bpf_link **link)
{
	struct bpf_program *p = program(h->prog);

	*link = h->function ? bpf_program__attach_kprobe(p, h->returns, h->function)
			    : bpf_program__attach(p);
	if (*link)
		return 0;
	return fail(-errno, "cannot attach to %s: %s", h->function ?: bpf_program__section_name(p),
		    error_text(-errno));
}

static int attach_all(void)
{
	for (size_t i = 0; i < HOOKS; i++) {
		int err = goes(&hooks[i]) ? attach_one(&hooks[i], &capload.links[i]) : 0;

		if (err)
			return err;
	}
	return 0;
}

/* --- which backend */

static int try_backend(enum cap_backend be, bool storage)
{
	const char *missing;
	int err;

	capload.be = be;
	capload.storage = storage;
	capload.twice = preemptible();
	missing = missing_hook();
	if (missing)
		return fail(-ENOTSUP, "backend %s: this kernel has no %s", cap_backend_names[be],
			    missing);
	err = load();
	if (!err)
		find_pages();
	err = err ?: attach_all();
	if (err) {
		err = fail(err, "backend %s: %s", cap_backend_names[be], fail_text(err));
		log_debug("%s%s", fail_text(err), storage ? "" : " (state in a hash)");
		capload_close();
	}
	return err;
}

int capload_start(const struct capload_tool *tool)
{
	bool any = !std.backend || !strcmp(std.backend, "auto");
	char why[900] = "";
	int err = -ENOTSUP;

	capload.tool = tool;
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return fail(-ENOTSUP, "no BTF of the kernel: it needs CONFIG_DEBUG_INFO_BTF (%s)",
			    strerror(errno));
	for (int be = 0; be < CAP_BACKENDS && err; be++) {
		size_t n = strlen(why);

		if (!any && strcmp(std.backend, cap_backend_names[be]))
			continue;
		if (be != CAP_BE_KPROBE)
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

const char *capload_name(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s%s", cap_backend_names[capload.be],
		 capload.storage ? "" : ", state in a hash");
	return name;
}

int capload_ring(void)
{
	return map_fd("events");
}

void capload_is_http(uint64_t id)
{
	uint8_t yes = 1;

	if (capload.o.obj)
		bpf_map_update_elem(map_fd("known_http"), &id, &yes, BPF_ANY);
}

/* --- the end */

static void let_hooks_finish(void)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(20000);
}

void capload_once(void)
{
	uint32_t zero = 0, one = 1;

	for (size_t i = 0; i < HOOKS; i++) {
		if (hooks[i].part != TWICE && hooks[i].part != UNIX_TWICE)
			continue;
		bpf_link__destroy(capload.links[i]);
		capload.links[i] = NULL;
	}
	if (bpf_map_update_elem(map_fd("once"), &zero, &one, BPF_ANY))
		log_debug("cannot tell the first programs that they are alone: %s",
			  strerror(errno));
	capload.twice = false;
}

/* The opposite order: no call begins that is not seen to end; then the ends. */
void capload_detach(void)
{
	for (size_t i = HOOKS; i-- > 0;) {
		bpf_link__destroy(capload.links[i]);
		capload.links[i] = NULL;
	}
	let_hooks_finish();
}

void capload_close(void)
{
	for (size_t i = 0; i < HOOKS; i++) {
		bpf_link__destroy(capload.links[i]);
		capload.links[i] = NULL;
	}
	capload_cost_end();
	capload.tool->close();
	capload.o.obj = NULL;
}
