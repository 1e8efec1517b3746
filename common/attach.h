/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ATTACH_H
#define ATTACH_H
/* Uprobes by file and offset. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_program;

enum attach_backend {
	ATTACH_AUTO,
	ATTACH_MULTI, /* uprobe_multi links (Linux 6.6) */
	ATTACH_PERF, /* a perf event and a link for each */
	ATTACH_CLONE, /* a perf event each, and a copy of the program for each cookie: before 5.15,
			 where programs cannot ask for their cookie */
};

/* What this kernel can do; asked once, by trying. */
struct attach_caps {
	bool multi; /* uprobe_multi links */
	bool multi_pid; /* ... whose pid filter means the process, not one thread */
	bool cookie; /* bpf_get_attach_cookie in uprobes */
};
const struct attach_caps *attach_caps(void);
/* The best backend that works here where ATTACH_AUTO is asked for, else what is asked for. */
enum attach_backend attach_choose(enum attach_backend asked);

/* What a program to be cloned loads as a 64-bit constant where its cookie belongs. */
#define ATTACH_COOKIE_MAGIC 0x72657174636f6f6bULL

struct attach_point {
	uint64_t off; /* file offset */
	uint64_t cookie;
};

/* Before load: sets prog's expected attach type for the backend. 0 or -errno. */
int attach_prepare(struct bpf_program *prog, enum attach_backend be);

struct attach_set; /* the probes of one call; the caller's until attach_close() */
/*
 * Attaches prog at n points of the file at path. ret: return probes. pid: breakpoints are put in
 * that process alone where the backend can; 0: in every process that maps the file. All or nothing:
 * -errno with text that names the point that was refused. *set is NULL when n is 0.
 */
int attach_uprobes(struct attach_set **set, struct bpf_program *prog, enum attach_backend be,
		   const char *path, const struct attach_point *pts, size_t n, bool ret, pid_t pid);
/* Takes the probes off and frees. NULL is fine. */
void attach_close(struct attach_set *set);
#endif
