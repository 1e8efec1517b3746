/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PRIV_H
#define PRIV_H
/* Privileges: what is needed, and dropping what is not needed any more. */
#include <stdbool.h>
#include <stdint.h>

/*
 * 0 when the process may load and attach tracing programs (root, or CAP_BPF + CAP_PERFMON, before 5.8
 * CAP_SYS_ADMIN); -EPERM with fail() text naming each missing capability otherwise. ptrace: other users' processes will
 * be opened (CAP_SYS_PTRACE).
 */
int priv_check(bool ptrace);
/* Raises RLIMIT_MEMLOCK (kernels before 5.11 charge maps to it). */
void priv_memlock(void);

enum {
	PRIV_KEEP_BPF = 1,	/* reading maps needs CAP_BPF where unprivileged bpf() is off */
	PRIV_KEEP_ATTACH = 2,	/* will attach again: CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN before 5.8 */
};
/*
 * Drops every capability but those kept (permitted, effective; inheritable, ambient and bounding emptied where permitted), becomes the
 * user nobody (65534, supplementary groups emptied) when root, sets no_new_privs, and enters a seccomp filter that allows what a tool's loop
 * needs and answers EPERM to anything else, kills on execve, ptrace, process_vm_writev, ... With PRIV_KEEP_ATTACH perf_event_open and bpf() in full are
 * allowed; with PRIV_KEEP_BPF only the map and iterator commands of bpf(). Returns 0 or -errno with text.
 */
int priv_drop(unsigned keep);
#endif
