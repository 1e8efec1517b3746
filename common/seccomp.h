/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef SECCOMP_H
#define SECCOMP_H
#include <sys/types.h>

/* The system calls a tool may make once it has dropped its privileges. Used by priv only. */

/*
 * Enters the filter for good, in this thread and those it starts; no_new_privs must be set. keep:
 * PRIV_KEEP_* of priv.h. Returns 0 or -errno with fail() text.
 */
int seccomp_enter(unsigned keep, pid_t child);
#endif
