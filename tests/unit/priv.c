// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What is dropped is gone for good, so each case is a child. Needs root: 77 otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../common/log.h"
#include "../../common/priv.h"
#include "../../common/seccomp.h"
#include "t.h"

#define BIT(CAP) (1ULL << (CAP))
#define TRACING	 (BIT(CAP_BPF) | BIT(CAP_PERFMON))
#define ATTACH	 (TRACING | BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH))

/*
 * Runs fn in a child and returns its wait status; its failed checks are printed, and make it exit
 * 1.
 */
static int in_child(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		t_failures = 0;
		fn();
		fflush(stdout);
		_exit(t_failures != 0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void set_caps(uint64_t caps)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{(uint32_t)caps, (uint32_t)caps, 0},
					      {(uint32_t)(caps >> 32), (uint32_t)(caps >> 32), 0}};

	T_EQ(syscall(SYS_capset, &h, d), 0);
}

static uint64_t status_hex(const char *key)
{
	char line[256];
	uint64_t v = UINT64_MAX;
	FILE *f = fopen("/proc/self/status", "r");

	T_OK(f != NULL);
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			v = strtoull(line + strlen(key), NULL, 16);
	if (f)
		fclose(f);
	return v;
}

static void holds_only(uint64_t caps)
{
	T_OK(status_hex("CapEff:") == caps);
	T_OK(status_hex("CapPrm:") == caps);
	T_EQ(status_hex("CapInh:"), 0);
	T_EQ(status_hex("CapAmb:"), 0);
	T_EQ(status_hex("NoNewPrivs:"), 1);
	T_EQ(status_hex("Seccomp:"), 2);
}

static void identity(void)
{
	gid_t groups[4] = {0x4242};
	uid_t r, e, s;

	T_EQ(setgroups(1, groups), 0);
	T_OK(status_hex("Groups:") != 0);
	T_EQ(priv_drop(0), 0);
	T_EQ(syscall(SYS_getuid), 65534);
	T_EQ(syscall(SYS_geteuid), 65534);
	T_EQ(syscall(SYS_getgid), 65534);
	/* not in the filter: asked through /proc */
	T_EQ(getresuid(&r, &e, &s), -1);
	T_EQ(getgroups(4, groups), -1);
	holds_only(0);
	T_EQ(status_hex("CapBnd:"), 0);
	T_EQ(status_hex("Groups:"), 0);
	T_EQ(open("/etc/shadow", O_RDONLY), -1);
	T_EQ(errno, EACCES);
	T_EQ(setuid(0), -1);
}

static void kept_bpf(void)
{
	T_EQ(priv_drop(PRIV_KEEP_BPF), 0);
	holds_only(BIT(CAP_BPF));
}

static void kept_attach(void)
{
	T_EQ(priv_drop(PRIV_KEEP_ATTACH), 0);
	holds_only(ATTACH);
}

/* As with file capabilities: an ordinary user stays who they are. */
static void file_caps(void)
{
	T_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
	T_EQ(setresgid(1000, 1000, 1000), 0);
	T_EQ(setresuid(1000, 1000, 1000), 0);
	set_caps(TRACING | BIT(CAP_SYS_PTRACE));
	T_EQ(priv_check(true), 0);
	T_EQ(priv_drop(PRIV_KEEP_BPF), 0);
	T_EQ(syscall(SYS_getuid), 1000);
	holds_only(BIT(CAP_BPF));
}

/* Before 5.8, and in containers that were given it: CAP_SYS_ADMIN does both. */
static void sys_admin(void)
{
	set_caps(BIT(CAP_SYS_ADMIN) | BIT(CAP_SETUID) | BIT(CAP_SETGID));
	T_EQ(priv_check(false), 0);
	T_EQ(priv_drop(PRIV_KEEP_ATTACH), 0);
	T_EQ(syscall(SYS_getuid), 65534);
	holds_only(BIT(CAP_SYS_ADMIN));
}

static void no_setuid(void)
{
	set_caps(TRACING);
	T_EQ(priv_drop(PRIV_KEEP_BPF), 0);
	T_EQ(syscall(SYS_getuid), 0);
	holds_only(BIT(CAP_BPF));
}

static void *sleep_thread(void *arg)
{
	pause();
	return arg;
}

static void other_threads(void)
{
	pthread_t t;

	T_EQ(pthread_create(&t, NULL, sleep_thread, NULL), 0);
	T_EQ(priv_drop(0), -EBUSY);
	T_OK(strstr(fail_text(-EBUSY), "threads are running"));
}

/* A root's child must end with a parent that has become nobody, however that ends. */
static int alive[2];
static void kept_child(void)
{
	pid_t parent = getpid(), other = getppid(), pid = fork();
	char c = 'r';

	if (!pid) {
		close(alive[0]);
		alarm(20);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent || write(alive[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	T_EQ(read(alive[0], &c, 1), 1);
	priv_keep_child(pid);
	T_EQ(priv_drop(0), 0);
	holds_only(BIT(CAP_KILL));
	T_EQ(kill(pid, 0), 0);
	T_EQ(kill(getpid(), 0), 0);
	T_EQ(kill(other, 0), -1);
	T_EQ(errno, EPERM);
	T_EQ(kill(0, 0), -1);
}

static void child_ends(void)
{
	struct pollfd p;
	char c;

	T_EQ(pipe(alive), 0);
	T_EQ(in_child(kept_child), 0);
	close(alive[1]);
	p = (struct pollfd){.fd = alive[0], .events = POLLIN};
	/* its end is the end of the pipe's last writer */
	T_EQ(poll(&p, 1, 10000), 1);
	T_EQ(read(alive[0], &c, 1), 0);
	close(alive[0]);
}

/* --- priv_check */

static void missing(void)
{
	uint64_t all = status_hex("CapPrm:");

	T_EQ(priv_check(true), 0);
	set_caps(all & ~(BIT(CAP_SYS_ADMIN) | BIT(CAP_BPF)));
	T_EQ(priv_check(true), -EPERM);
	T_OK(strstr(fail_text(-EPERM), "missing CAP_BPF; run as root"));
	set_caps(0);
	T_EQ(priv_check(false), -EPERM);
	T_OK(strstr(fail_text(-EPERM), "missing CAP_BPF, CAP_PERFMON; run as root (sudo "));
	T_EQ(priv_check(true), -EPERM);
	T_OK(strstr(fail_text(-EPERM), "missing CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE;"));
}

/* "setcap ...+p" without "e" */
static void only_permitted(void)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{0}, {0, (uint32_t)(TRACING >> 32), 0}};

	T_EQ(syscall(SYS_capset, &h, d), 0);
	T_EQ(priv_check(false), 0);
	T_OK(status_hex("CapEff:") == TRACING);
}

/* A container's filter that refuses bpf(). */
static void forbidden(void)
{
	T_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	T_EQ(seccomp_enter(0, 0), 0);
	T_EQ(priv_check(true), -EPERM);
	T_OK(strstr(fail_text(-EPERM), "bpf() is refused although the capabilities are there"));
}

static void memlock(void)
{
	struct rlimit lim = {4096, 8192};

	T_EQ(setrlimit(RLIMIT_MEMLOCK, &lim), 0);
	set_caps(TRACING);
	priv_memlock();
	T_EQ(getrlimit(RLIMIT_MEMLOCK, &lim), 0);
	T_EQ(lim.rlim_cur, 8192);
}

/* --- bpf() behind the filter */

static int map_fd;

static long bpf_call(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int map_value(uint64_t *value)
{
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_fd = (uint32_t)map_fd, .key = (uintptr_t)&key, .value = (uintptr_t)value};

	return bpf_call(BPF_MAP_LOOKUP_ELEM, &attr) ? -errno : 0;
}

/* "return 0" as a socket filter: what any holder of CAP_BPF may load. */
static int load_program(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
			       .insns = (uintptr_t)insns,
			       .insn_cnt = 2,
			       .license = (uintptr_t) "GPL"};
	long fd = bpf_call(BPF_PROG_LOAD, &attr);

	return fd < 0 ? -errno : 0;
}

static void bpf_none(void)
{
	uint64_t v = 0;

	T_EQ(load_program(), 0);
	T_EQ(priv_drop(0), 0);
	T_EQ(map_value(&v), -EPERM);
}

static void bpf_maps(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1};
	uint64_t v = 0;

	T_EQ(priv_drop(PRIV_KEEP_BPF), 0);
	T_EQ(map_value(&v), 0);
	T_EQ(v, 4711);
	T_EQ(load_program(), -EPERM);
	T_EQ(bpf_call(BPF_MAP_CREATE, &attr), -1);
	T_EQ(errno, EPERM);
	T_EQ(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0), -1);
	T_EQ(errno, EPERM);
}

static void bpf_attach(void)
{
	uint64_t v = 0;

	T_EQ(priv_drop(PRIV_KEEP_ATTACH), 0);
	T_EQ(map_value(&v), 0);
	T_EQ(load_program(), 0);
	/* reaches the kernel, which finds the argument bad */
	T_EQ(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0), -1);
	T_EQ(errno, EFAULT);
}

static void make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1};
	uint64_t v = 4711;
	uint32_t key = 0;

	map_fd = (int)bpf_call(BPF_MAP_CREATE, &attr);
	T_OK(map_fd >= 0);
	attr = (union bpf_attr){
		.map_fd = (uint32_t)map_fd, .key = (uintptr_t)&key, .value = (uintptr_t)&v};
	T_EQ(bpf_call(BPF_MAP_UPDATE_ELEM, &attr), 0);
}

#define PASSES(FN) T_EQ(in_child(FN), 0)

int main(void)
{
	if (geteuid()) {
		printf("skipped: needs root\n");
		return 77;
	}
	if (priv_check(true)) {
		printf("skipped: %s\n", fail_text(-EPERM));
		return 77;
	}
	make_map();
	PASSES(identity);
	PASSES(kept_bpf);
	PASSES(kept_attach);
	PASSES(file_caps);
	PASSES(sys_admin);
	PASSES(no_setuid);
	PASSES(other_threads);
	child_ends();
	PASSES(missing);
	PASSES(only_permitted);
	PASSES(forbidden);
	PASSES(memlock);
	PASSES(bpf_none);
	PASSES(bpf_maps);
	PASSES(bpf_attach);
	return t_done();
}
