/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef FILTER_H
#define FILTER_H
/* Who is looked at: set before load by common/select.c, read by bpf/filter.bpf.h. */
#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define FILTER_MAX_PIDS	   1024
#define FILTER_MAX_CGROUPS 16

/* The same automaton as struct glob_bits of common/glob.h. */
struct filter_glob {
	__u64 step[256];
	__u64 stay, init, accept;
};

struct filter {
	__u32 pids, exclude_pids; /* how many are in the map; one alone stands in only_pid */
	__u32 only_pid;
	__u32 cgroups, exclude_cgroups; /* slots 0.. and FILTER_MAX_CGROUPS.. of the cgroup array */
	__u32 comms, exclude_comms;
	__u32 pad;
	struct filter_glob comm, exclude_comm;
};
#endif
