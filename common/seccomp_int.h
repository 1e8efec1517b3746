/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef SECCOMP_INT_H
#define SECCOMP_INT_H
/*
 * From a table of system calls to a filter. The first rules are the fastest to pass. (Since 5.11
 * the kernel remembers the calls that are allowed whatever their arguments, and does not run the
 * filter for them.)
 *
 * What no rule allows fails with EPERM; a number above those that every kernel since 5.1 shares
 * fails with ENOSYS, as on a kernel that lacks it, because libc then falls back to an older call
 * (clone3 to clone, whose flags can be looked at; faccessat2, openat2, epoll_pwait2). What nothing
 * does by mistake (execve, ptrace, mount...) kills, as does a call of another machine's table.
 */
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/* Allows nr when (argument & mask) == value. Without a mask: always. */
struct seccomp_rule {
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

#define SECCOMP_INSNS 1024 /* at most 10 a rule; the kernel's limit is BPF_MAXINSNS, 4096 */

struct seccomp_program {
	struct sock_filter insns[SECCOMP_INSNS];
	unsigned short n;
};

/*
 * One filter: begin, allow any number of times, end. keep: PRIV_KEEP_* of priv.h. The end enters it
 * for good, in this thread and those it starts; no_new_privs must be set. Returns 0 or -errno with
 * fail() text.
 */
void seccomp_begin(struct seccomp_program *p);
void seccomp_allow(struct seccomp_program *p, const struct seccomp_rule *rules, size_t n,
		   unsigned keep);
int seccomp_end(struct seccomp_program *p);
#endif
