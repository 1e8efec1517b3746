/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PRIV_H
#define PRIV_H
/* Privileges: what is needed, and dropping what is not needed any more. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * 0 when the process may load and attach tracing programs: CAP_BPF + CAP_PERFMON, or CAP_SYS_ADMIN
 * (all there was before 5.8), and bpf() is not refused by something else. ptrace: other users'
 * processes will be opened (CAP_SYS_PTRACE). Raises permitted capabilities to effective. -EPERM
 * with fail() text that names each missing capability, or other errors that say what refuses
 * bpf().
 */
int priv_check(bool ptrace);
/* Raises RLIMIT_MEMLOCK as far as it goes (kernels before 5.11 charge maps to it). */
void priv_memlock(void);

enum {
	/* CAP_BPF: maps are read and written where unprivileged bpf() is off. */
	PRIV_KEEP_BPF = 1,
	/* Will attach again: CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH. */
	PRIV_KEEP_ATTACH = 2,
	/*
	 * ... by perf events: CAP_SYS_ADMIN too. Debian's 5.10 and 6.1 answer EACCES to a uprobe's
	 * perf_event_open() without it, whatever kernel.perf_event_paranoid says.
	 */
	PRIV_KEEP_PERF = 4,
	PRIV_NO_SECCOMP = 256, /* does not enter the seccomp filter */
};
/*
 * Drops every capability but those kept (CAP_SYS_ADMIN in place of one that is not held), empties
 * the inheritable, ambient and bounding sets where permitted, becomes the user nobody (65534, no
 * supplementary groups) when root, makes the process undumpable, sets no_new_privs, and enters a
 * seccomp filter. It allows what a tool's loop needs, answers EPERM (ENOSYS to what is newer than
 * 5.1) to the rest, and kills on execve, ptrace, process_vm_writev, mount, module loading and the
 * like. PRIV_KEEP_BPF allows the map commands of bpf(), info by descriptor and ITER_CREATE;
 * PRIV_KEEP_ATTACH all of bpf(), perf_event_open and its ioctls.
 *
 * Afterwards: files open for reading only; sockets of AF_UNIX and AF_INET* connect; threads may be
 * started; signals may be sent to the process itself and to the child of priv_keep_child(). Call
 * it while there is one thread: -EBUSY otherwise. Returns 0 or -errno with text; on an error it
 * may be half done, so end.
 */
int priv_drop(unsigned keep);
/*
 * Before priv_drop(): lets the process signal this child of its own afterwards, and it alone.
 * Keeps CAP_KILL when the child may be another user's; without it the kernel would not even send
 * the child's PR_SET_PDEATHSIG.
 */
void priv_keep_child(pid_t pid);
#endif
