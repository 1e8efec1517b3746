/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PROC_H
#define PROC_H
/*
 * /proc, read only. Nothing else reads it. A process that is gone gives -ESRCH, wherever it was
 * when it went; functions that return an error leave fail() text unless they say otherwise.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Calls fn for each process (thread group leader) until it returns non-zero; returns that or 0. */
int proc_each(int (*fn)(pid_t pid, void *ctx), void *ctx);
/* The name of a process or thread, cut to size. Raw: it may hold any byte. */
int proc_comm(pid_t pid, char *buf, size_t size);
/* Thread group of a thread id (itself for a leader), or -ESRCH without text. */
pid_t proc_tgid(pid_t tid);
/* 'R' 'S' 'Z' ... or -ESRCH without text. */
int proc_state(pid_t pid);
/*
 * Start time in clock ticks since boot: with the pid it names a process for ever. 0 if gone (or
 * hidden: under hidepid= other users' processes are seen only with CAP_SYS_PTRACE).
 */
uint64_t proc_starttime(pid_t pid);
/*
 * "/proc/PID/exe": opens the file whatever happened to its name. -ENOENT: kernel thread or zombie.
 */
int proc_exe_path(pid_t pid, char *buf, size_t size);
/* What the link says, for people only (may end in " (deleted)"). Errors as proc_exe_path(). */
int proc_exe_name(pid_t pid, char *buf, size_t size);

struct proc_map {
	uint64_t start, end, off;
	uint64_t dev, ino; /* as stat() has them; on overlayfs dev is of the file system below */
	char perm[5]; /* "r-xp" */
	/*
	 * As the process named it, a newline being one; " (deleted)" is added by the kernel. ""
	 * for anonymous memory and for a name of 4096 bytes or more; "[stack]" and the like for
	 * special ones.
	 */
	char path[4096];
};
/* Calls fn for each mapping of the process until it returns non-zero; returns that or 0. */
int proc_maps(pid_t pid, int (*fn)(const struct proc_map *m, void *ctx), void *ctx);
/* One line of maps, without its newline; -EBADMSG without text when it is none. */
int proc_parse_map(const char *line, struct proc_map *m);
/* A path through which this process's view of path can be opened: "/proc/PID/root" + path. */
int proc_root_path(pid_t pid, const char *path, char *buf, size_t size);
/* An open O_RDONLY fd of /proc/PID/mem, or -errno. It stays readable after privileges are gone. */
int proc_mem_open(pid_t pid);
/* Resident bytes of this process (VmRSS), and the most there were (VmHWM). 0 when unknown. */
uint64_t proc_self_rss(void);
uint64_t proc_self_peak_rss(void);
/* Threads of this process, or a negative errno without text. */
int proc_self_threads(void);
#endif
