/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PROC_H
#define PROC_H
/* /proc, read only. Nothing else reads it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Calls fn for each process (thread group leader) until it returns non-zero; returns that or 0. */
int proc_each(int (*fn)(pid_t pid, void *ctx), void *ctx);
int proc_comm(pid_t pid, char *buf, size_t size);
/* Thread group of a thread id (itself for a leader), or -ESRCH. */
pid_t proc_tgid(pid_t tid);
/* 'R' 'S' 'Z' ... or -ESRCH. */
int proc_state(pid_t pid);
/* Start time in clock ticks since boot: with the pid it names a process for ever. 0 if gone. */
uint64_t proc_starttime(pid_t pid);
/* "/proc/PID/exe": opens the file whatever happened to its name. Kernel threads give -ENOENT. */
int proc_exe_path(pid_t pid, char *buf, size_t size);
/* What the link says, for people only (may end in " (deleted)"). */
int proc_exe_name(pid_t pid, char *buf, size_t size);

struct proc_map {
	uint64_t start, end, off;
	uint64_t dev, ino;
	char perm[5];
	char path[4096];
};
/* Calls fn for each mapping of the process until it returns non-zero; returns that or 0. */
int proc_maps(pid_t pid, int (*fn)(const struct proc_map *m, void *ctx), void *ctx);
/* A path through which this process's view of path can be opened: "/proc/PID/root" + path. */
int proc_root_path(pid_t pid, const char *path, char *buf, size_t size);
/* An open O_RDONLY fd of /proc/PID/mem, or -errno. It stays readable after privileges are gone. */
int proc_mem_open(pid_t pid);
/* Share of memory: resident bytes (VmRSS) and peak (VmHWM) of this process. */
uint64_t proc_self_rss(void);
uint64_t proc_self_peak_rss(void);
#endif
