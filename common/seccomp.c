// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * One table, most frequent first, turned into a classic BPF program that walks it. (Since 5.11 the
 * kernel remembers the calls that are allowed whatever their arguments, and does not run it for
 * them.)
 *
 * What is in no row fails with EPERM; a number above those that every kernel since 5.1 shares
 * fails with ENOSYS, as on a kernel that lacks it, because libc then falls back to an older call
 * (clone3 to clone, whose flags can be looked at; faccessat2, openat2, epoll_pwait2).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>
#include "log.h"
#include "priv.h"
#include "seccomp.h"

#if defined(__x86_64__)
#define ARCH	AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "no system call table for this machine"
#endif

#define SHARED_NR 424 /* pidfd_send_signal, the first with one number on every machine */
/* O_TMPFILE without the O_DIRECTORY that is part of it */
#define TMPFILE	    020000000
#define WRITE_FLAGS (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | TMPFILE)
/* What glibc and musl start a thread with; musl adds a flag that means nothing any more. */
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define PERF_IOCTLS 0x2400 /* the type of PERF_EVENT_IOC_*: '$' */

/* Allows nr when (argument & mask) == value. Without a mask: always. */
struct rule {
	int nr;
	int arg;
	uint64_t mask, value;
	unsigned keep; /* only with one of these PRIV_KEEP_* */
};

#define ANY(NAME)                                                                                  \
	{                                                                                          \
		.nr = __NR_##NAME                                                                  \
	}
#define ARG(NAME, I, MASK, VALUE)                                                                  \
	{                                                                                          \
		.nr = __NR_##NAME, .arg = I, .mask = MASK, .value = VALUE                          \
	}
#define INT UINT32_MAX
#define BPF_CMD(CMD)                                                                               \
	{                                                                                          \
		.nr = __NR_bpf, .arg = 0, .mask = INT, .value = CMD, .keep = PRIV_KEEP_BPF         \
	}

static const struct rule allowed[] = {
	/* the loop: waiting, reading rings and maps, writing rows */
	ANY(epoll_pwait),
#ifdef __NR_epoll_wait
	ANY(epoll_wait),
	ANY(poll),
	ANY(select),
#endif
	ANY(ppoll),
	ANY(pselect6),
	ANY(epoll_create1),
	ANY(epoll_ctl),
	ANY(read),
	ANY(write),
	ANY(writev),
	ANY(pread64),
	ANY(pwrite64),
	ANY(lseek),
	ANY(close),
	ANY(fstat),
	ANY(fsync),
	ANY(fdatasync),
	ANY(ftruncate),
	ANY(eventfd2),
	ANY(timerfd_create),
	ANY(timerfd_settime),
	ANY(timerfd_gettime),
	ANY(fcntl),
	/* stdio asks whether stdout is a terminal at its first write */
	ARG(ioctl, 1, INT, TCGETS),
	ARG(ioctl, 1, INT, TIOCGWINSZ),
	ANY(clock_gettime),
	ANY(clock_getres),
	ANY(clock_nanosleep),
	ANY(nanosleep),
	ANY(gettimeofday),
	/*
	 * with the map commands, those that read an object or its statistics through a descriptor
	 * held already
	 */
	BPF_CMD(BPF_MAP_LOOKUP_ELEM),
	BPF_CMD(BPF_MAP_GET_NEXT_KEY),
	BPF_CMD(BPF_MAP_UPDATE_ELEM),
	BPF_CMD(BPF_MAP_DELETE_ELEM),
	BPF_CMD(BPF_MAP_LOOKUP_AND_DELETE_ELEM),
	BPF_CMD(BPF_MAP_LOOKUP_BATCH),
	BPF_CMD(BPF_MAP_LOOKUP_AND_DELETE_BATCH),
	BPF_CMD(BPF_MAP_UPDATE_BATCH),
	BPF_CMD(BPF_MAP_DELETE_BATCH),
	BPF_CMD(BPF_MAP_FREEZE),
	BPF_CMD(BPF_OBJ_GET_INFO_BY_FD),
	BPF_CMD(BPF_ITER_CREATE),
	{.nr = __NR_bpf, .keep = PRIV_KEEP_ATTACH},
	{.nr = __NR_perf_event_open, .keep = PRIV_KEEP_ATTACH},
	{.nr = __NR_ioctl,
	 .arg = 1,
	 .mask = 0xff00,
	 .value = PERF_IOCTLS,
	 .keep = PRIV_KEEP_ATTACH},
	/* memory, never executable */
	ANY(futex),
	ARG(mmap, 2, PROT_EXEC, 0),
	ARG(mprotect, 2, PROT_EXEC, 0),
	ANY(munmap),
	ANY(mremap),
	ANY(madvise),
	ANY(brk),
	/* a sink's connection and its next ones */
	ARG(socket, 0, INT, AF_UNIX),
	ARG(socket, 0, INT, AF_INET),
	ARG(socket, 0, INT, AF_INET6),
	ANY(connect),
	ANY(sendto),
	ANY(sendmsg),
	ANY(recvfrom),
	ANY(recvmsg),
	ANY(getsockopt),
	ANY(setsockopt),
	ANY(getsockname),
	ANY(getpeername),
	ANY(shutdown),
	/* files, to read: /proc of those whom the user id lets it see */
	ARG(openat, 2, WRITE_FLAGS, O_RDONLY),
	ANY(newfstatat),
	ANY(statx),
	ANY(faccessat),
	ANY(readlinkat),
	ANY(getdents64),
#ifdef __NR_open
	ARG(open, 1, WRITE_FLAGS, O_RDONLY),
	ANY(stat),
	ANY(lstat),
	ANY(access),
	ANY(readlink),
#endif
	/* itself: threads, signals, its children's ends */
	ARG(clone, 0, ~(uint64_t)CLONE_DETACHED, THREAD_FLAGS),
	ANY(set_robust_list),
	ANY(rseq),
	ANY(set_tid_address),
	ANY(sched_yield),
	ANY(sched_getaffinity),
	ANY(sigaltstack),
	ANY(rt_sigaction),
	ANY(rt_sigprocmask),
	ANY(rt_sigreturn),
	ANY(rt_sigtimedwait),
	ANY(rt_sigsuspend),
	ANY(rt_sigpending),
	ANY(restart_syscall),
	ANY(getpid),
	ANY(getppid),
	ANY(gettid),
	ANY(getuid),
	ANY(geteuid),
	ANY(getgid),
	ANY(getegid),
	ANY(capget),
	ANY(wait4),
	ANY(waitid),
	ANY(pidfd_open),
	ANY(getrusage),
	ANY(times),
	ANY(uname),
	ANY(sysinfo),
	ANY(getrandom),
	/* limits may be read: no new one is given */
	ARG(prlimit64, 2, UINT64_MAX, 0),
#ifdef __NR_getrlimit
	ANY(getrlimit),
#endif
	ANY(exit),
	ANY(exit_group),
};

/* Nothing that a tool does by mistake: whoever calls these has taken it over. */
static const int deadly[] = {
	__NR_execve,
	__NR_execveat,
	__NR_ptrace,
	__NR_process_vm_writev,
	__NR_init_module,
	__NR_finit_module,
	__NR_delete_module,
	__NR_kexec_load,
	__NR_kexec_file_load,
	__NR_reboot,
	__NR_mount,
	__NR_umount2,
	__NR_pivot_root,
	__NR_chroot,
	__NR_setns,
	__NR_unshare,
	__NR_open_by_handle_at,
};

#define COUNT(A) (sizeof(A) / sizeof(*(A)))
/* At most 8 instructions a rule (two words masked and compared), 2 each for the rest. */
#define PROGRAM_MAX (8 * (COUNT(allowed) + 3) + 2 * COUNT(deadly) + 16)

struct program {
	struct sock_filter insns[PROGRAM_MAX];
	unsigned short n;
};

static void emit(struct program *p, uint16_t code, uint32_t k, unsigned jt, unsigned jf)
{
	p->insns[p->n++] = (struct sock_filter)BPF_JUMP(code, k, (uint8_t)jt, (uint8_t)jf);
}

static void load(struct program *p, size_t off)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)off, 0, 0);
}

static void ret(struct program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

/* (word & mask) == value, else past the rule's end, which is after instructions further down. */
static void compare_word(struct program *p, size_t off, uint32_t mask, uint32_t value,
			 unsigned after)
{
	load(p, off);
	emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, after);
}

/* The accumulator holds the call's number before and after. */
static void emit_rule(struct program *p, const struct rule *r)
{
	size_t low = offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (size_t)r->arg;
	bool wide = r->mask >> 32;

	if (!r->mask) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, 1);
		ret(p, SECCOMP_RET_ALLOW);
		return;
	}
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, wide ? 8 : 5);
	/* Both machines are little-endian. */
	compare_word(p, low, (uint32_t)r->mask, (uint32_t)r->value, wide ? 4 : 1);
	if (wide)
		compare_word(p, low + 4, (uint32_t)(r->mask >> 32), (uint32_t)(r->value >> 32), 1);
	ret(p, SECCOMP_RET_ALLOW);
	load(p, offsetof(struct seccomp_data, nr));
}

static void build(struct program *p, unsigned keep, pid_t child)
{
	const struct rule own[] = {
		ARG(kill, 0, INT, (uint32_t)getpid()),
		ARG(tgkill, 0, INT, (uint32_t)getpid()),
		/* without a child the same again: kill(0) would mean the process group */
		ARG(kill, 0, INT, (uint32_t)(child > 0 ? child : getpid())),
	};

	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	ret(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
	emit(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	ret(p, SECCOMP_RET_KILL_PROCESS);
#endif
	for (size_t i = 0; i < COUNT(allowed); i++)
		if (!allowed[i].keep || allowed[i].keep & keep)
			emit_rule(p, &allowed[i]);
	for (size_t i = 0; i < COUNT(own); i++)
		emit_rule(p, &own[i]);
	for (size_t i = 0; i < COUNT(deadly); i++) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)deadly[i], 0, 1);
		ret(p, SECCOMP_RET_KILL_PROCESS);
	}
	emit(p, BPF_JMP | BPF_JGE | BPF_K, SHARED_NR, 0, 1);
	ret(p, SECCOMP_RET_ERRNO | ENOSYS);
	ret(p, SECCOMP_RET_ERRNO | EPERM);
}

int seccomp_enter(unsigned keep, pid_t child)
{
	struct program p = {.n = 0};
	struct sock_fprog prog;

	build(&p, keep, child);
	prog = (struct sock_fprog){.len = p.n, .filter = p.insns};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return fail(-errno,
			    "cannot enter the seccomp filter: %s; run with --stay-root if this "
			    "kernel has none",
			    strerror(errno));
	return 0;
}
