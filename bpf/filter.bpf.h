/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FILTER_BPF_H
#define FILTER_BPF_H
/*
 * Is the current task one that the user asked for? What is not set costs nothing: the fields are
 * constants by the time the verifier sees them.
 */
#include "filter.h"

const volatile struct filter filter = {};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_MAX_PIDS);
	__type(key, __u32);
	__type(value, __u8); /* 1 wanted, 2 excluded */
} filter_pids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 2 * FILTER_MAX_CGROUPS);
	__type(key, __u32);
	__type(value, __u32);
} filter_cgroups SEC(".maps");

static __always_inline bool filter_comm(const volatile struct filter_glob *g, const char *comm)
{
	__u64 state = g->init;

	for (int i = 0; i < 16 && comm[i]; i++)
		state = ((state & g->step[(__u8)comm[i]]) << 1) | (state & g->stay);
	return state & g->accept;
}

static __always_inline bool filter_cgroup(__u32 first, __u32 n)
{
	for (__u32 i = 0; i < FILTER_MAX_CGROUPS; i++) {
		if (i >= n)
			break;
		if (bpf_current_task_under_cgroup(&filter_cgroups, first + i) == 1)
			return true;
	}
	return false;
}

static __always_inline bool filter_pid(__u32 tgid)
{
	__u8 *v;

	if (filter.only_pid && tgid != filter.only_pid)
		return false;
	if (filter.pids || filter.exclude_pids) {
		v = bpf_map_lookup_elem(&filter_pids, &tgid);
		if (filter.pids && !(v && *v == 1))
			return false;
		if (v && *v == 2)
			return false;
	}
	return true;
}

static __always_inline bool filter_pass(__u32 tgid)
{
	if (!filter_pid(tgid))
		return false;
	if (filter.comms || filter.exclude_comms) {
		char comm[16] = {};

		bpf_get_current_comm(comm, sizeof(comm));
		if (filter.comms && !filter_comm(&filter.comm, comm))
			return false;
		if (filter.exclude_comms && filter_comm(&filter.exclude_comm, comm))
			return false;
	}
	if (filter.cgroups && !filter_cgroup(0, filter.cgroups))
		return false;
	if (filter.exclude_cgroups && filter_cgroup(FILTER_MAX_CGROUPS, filter.exclude_cgroups))
		return false;
	return true;
}
#endif
