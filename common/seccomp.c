// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The table of a tool's loop, most frequent first. */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#include "priv.h"
#include "seccomp.h"
#include "seccomp_int.h"

/* O_TMPFILE without the O_DIRECTORY that is part of it */
#define TMPFILE	    020000000
#define WRITE_FLAGS (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | TMPFILE)
/* What glibc and musl start a thread with; musl adds a flag that means nothing any more. */
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define PERF_IOCTLS 0x2400 /* the type of PERF_EVENT_IOC_*: '$' */

#define BPF_CMD(CMD)                                                                               \
	{                                                                                          \
		.nr = __NR_bpf, .arg = 0, .mask = INT, .value = CMD, .keep = PRIV_KEEP_BPF         \
	}

static const struct seccomp_rule allowed[] = {
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
	/* waits for programs that are running, before their maps are read for the last time */
	ANY(membarrier),
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

#define COUNT(A) (sizeof(A) / sizeof(*(A)))

int seccomp_enter(unsigned keep, pid_t child)
{
	const struct seccomp_rule own[] = {
		ARG(kill, 0, INT, (uint32_t)getpid()),
		ARG(tgkill, 0, INT, (uint32_t)getpid()),
		/* without a child the same again: kill(0) would mean the process group */
		ARG(kill, 0, INT, (uint32_t)(child > 0 ? child : getpid())),
	};
	struct seccomp_program p;

	seccomp_begin(&p);
	seccomp_allow(&p, allowed, COUNT(allowed), keep);
	seccomp_allow(&p, own, COUNT(own), keep);
	return seccomp_end(&p);
}
