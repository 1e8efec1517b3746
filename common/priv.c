// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "log.h"
#include "priv.h"
#include "proc.h"
#include "seccomp.h"

/* 5.8; headers may be older */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif
#define NOBODY	 65534 /* overflowuid: owns nothing on a sane machine */
#define CAP_BITS 64

#define BIT(CAP) (1ULL << (CAP))

static pid_t kept_child;

struct caps {
	uint64_t effective, permitted, inheritable;
};

static int get_caps(struct caps *c)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		return fail(-errno, "cannot read this process's capabilities: %s", strerror(errno));
	c->effective = d[0].effective | (uint64_t)d[1].effective << 32;
	c->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	c->inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	return 0;
}

static int set_caps(const struct caps *c)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {
		{(uint32_t)c->effective, (uint32_t)c->permitted, (uint32_t)c->inheritable},
		{(uint32_t)(c->effective >> 32), (uint32_t)(c->permitted >> 32),
		 (uint32_t)(c->inheritable >> 32)},
	};

	if (syscall(SYS_capset, &h, d))
		return fail(-errno, "cannot set this process's capabilities: %s", strerror(errno));
	return 0;
}

void priv_memlock(void)
{
	struct rlimit lim = {RLIM_INFINITY, RLIM_INFINITY};

	/* Beyond the hard limit only CAP_SYS_RESOURCE goes; the hard limit itself may do. */
	if (setrlimit(RLIMIT_MEMLOCK, &lim) && !getrlimit(RLIMIT_MEMLOCK, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &lim);
	}
}

/*
 * Whether bpf() can be used at all: a container's own seccomp filter, a user namespace or a
 * security module may refuse it to a process that holds every capability.
 */
static int try_bpf(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
	};
	int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd < 0 && errno == EPERM) { /* before 5.11 also a small RLIMIT_MEMLOCK */
		priv_memlock();
		fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	}
	if (fd < 0 && errno == ENOSYS)
		return fail(-ENOSYS, "this kernel was built without bpf()");
	if (fd < 0)
		return fail(-errno,
			    "bpf() is refused although the capabilities are there (%s): a "
			    "container, a user namespace or a security module forbids it; run on "
			    "the host",
			    strerror(errno));
	close(fd);
	return 0;
}

int priv_check(bool ptrace)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {{CAP_BPF, "CAP_BPF"},
		      {CAP_PERFMON, "CAP_PERFMON"},
		      {CAP_SYS_PTRACE, "CAP_SYS_PTRACE"}};
	char missing[64] = "";
	struct caps c;
	int err = get_caps(&c);

	if (err)
		return err;
	/* "setcap ...+p" gives capabilities that are only lent when asked for. */
	if (c.effective != c.permitted) {
		c.effective = c.permitted;
		err = set_caps(&c);
		if (err)
			return err;
	}
	for (int i = 0; i < 2 + ptrace; i++) {
		/* CAP_SYS_ADMIN stands for the first two, and was all there was before 5.8. */
		if (c.effective & BIT(needed[i].cap) || (i < 2 && c.effective & BIT(CAP_SYS_ADMIN)))
			continue;
		snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing), "%s%s",
			 missing[0] ? ", " : "", needed[i].name);
	}
	if (missing[0])
		return fail(-EPERM,
			    "not permitted to trace: missing %s; run as root (sudo %s), or give "
			    "the program its capabilities: setcap "
			    "cap_bpf,cap_perfmon,cap_sys_ptrace+ep FILE",
			    missing, log_name);
	return try_bpf();
}

/* The capabilities to keep, of those held. */
static uint64_t kept_caps(unsigned keep, uint64_t permitted)
{
	uint64_t tracing = 0, other = 0;

	if (keep & (PRIV_KEEP_BPF | PRIV_KEEP_ATTACH))
		tracing |= BIT(CAP_BPF);
	if (keep & PRIV_KEEP_ATTACH) {
		tracing |= BIT(CAP_PERFMON);
		other |= BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH);
	}
	if (keep & PRIV_KEEP_PERF)
		tracing |= BIT(CAP_SYS_ADMIN);
	if (kept_child)
		other |= BIT(CAP_KILL);
	/* Held alone, or before 5.8, CAP_SYS_ADMIN does the work of those that are not there. */
	if (tracing & ~permitted)
		tracing |= BIT(CAP_SYS_ADMIN);
	return (tracing | other) & permitted;
}

static int become_nobody(const struct caps *c)
{
	if (getuid() && geteuid())
		return 0;
	if (!(c->effective & BIT(CAP_SETUID)) || !(c->effective & BIT(CAP_SETGID))) {
		log_warn("no CAP_SETUID and CAP_SETGID: staying user 0, without capabilities");
		return 0;
	}
	/* Or the change of user would empty the permitted set. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return fail(-errno, "cannot keep capabilities: %s", strerror(errno));
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return fail(-errno,
			    "cannot become the user nobody (%d): %s; --stay-root runs without",
			    NOBODY, strerror(errno));
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return 0;
}

/*
 * What a program that is executed could get back. Nothing may be executed, so a refusal is no
 * loss.
 */
static void empty_sets(void)
{
	for (unsigned long cap = 0; cap < CAP_BITS; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void priv_keep_child(pid_t pid)
{
	kept_child = pid;
}

int priv_drop(unsigned keep)
{
	struct caps c;
	int err = get_caps(&c);

	if (err)
		return err;
	/* Capabilities and the filter are each thread's own. */
	if (proc_self_threads() > 1)
		return fail(-EBUSY,
			    "cannot drop privileges: threads are running that would keep them");
	c.effective = c.permitted;
	err = set_caps(&c);
	if (err)
		return err;
	empty_sets();
	err = become_nobody(&c);
	if (err)
		return err;
	c.permitted = kept_caps(keep, c.permitted);
	c.effective = c.permitted;
	c.inheritable = 0;
	err = set_caps(&c);
	if (err)
		return err;
	/* Another process of the user nobody must not be able to take the capabilities over. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(-errno, "cannot give up new privileges: %s", strerror(errno));
	return keep & PRIV_NO_SECCOMP ? 0 : seccomp_enter(keep, kept_child);
}
