/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ATTACH_H
#define ATTACH_H
/*
 * Uprobes by file and offset: uprobe_multi (6.6) through BPF_LINK_CREATE, perf events elsewhere, and
 * before bpf_get_attach_cookie (5.15) one clone of the program per cookie.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_program;

enum attach_backend { ATTACH_AUTO, ATTACH_MULTI, ATTACH_PERF };

/* What this kernel can do; asked once, by trying. */
struct attach_caps {
	bool multi;		/* uprobe_multi links */
	bool multi_pid;		/* ... whose pid filter means the process, not one thread */
	bool cookie;		/* bpf_get_attach_cookie in uprobes */
	bool session;		/* uprobe.session */
};
const struct attach_caps *attach_caps(void);

struct attach_point {
	uint64_t off;		/* file offset */
	uint64_t cookie;
};

struct attach_set;	/* the links of one call; owned by the caller */
/*
 * Attaches prog at n points of the file. ret: return probes. pid 0: every process. prog must have been loaded for the
 * backend (attach_prepare). All or nothing; fail() text names the point that was refused.
 */
int attach_uprobes(struct attach_set **set, struct bpf_program *prog, enum attach_backend be,
		   const char *path, const struct attach_point *pts, size_t n, bool ret, pid_t pid);
/* Detaches (perf links in parallel: each waits for RCU). */
void attach_close(struct attach_set *set);
/* Before load: sets prog's expected attach type for the backend. */
int attach_prepare(struct bpf_program *prog, enum attach_backend be);
#endif
