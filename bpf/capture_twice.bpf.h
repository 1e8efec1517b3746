/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_TWICE_BPF_H
#define CAPTURE_TWICE_BPF_H
/*
 * Where programs may be preempted there are two for each hook: has the first one seen this call?
 */
#include "capture_calls.bpf.h"

/* The user half sets it to 1 when it takes the second programs off. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} once SEC(".maps");

static __always_inline bool is_alone(void)
{
	__u32 zero = 0, *v = bpf_map_lookup_elem(&once, &zero);

	return v && *v;
}

/*
 * How often this thread was given a CPU: in between none of its calls misses a program that another
 * of them did not.
 */
static __always_inline __u64 turns_of_thread(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return 1 + task->nvcsw + task->nivcsw;
}

/*
 * Second programs: has the first one seen this call? It leaves the end of its bytes; and since
 * another thread may move that end before the second looks, its turn, which the second takes away.
 */
static __always_inline bool seen(struct sock *sk, __u32 dir, const bool again)
{
	struct tcp_sock *tp;
	struct act *a;
	__u64 turn;
	__u32 end;
	bool same;

	if (!config.twice)
		return false;
	if (is_alone())
		return again;
	tp = tcp_of(true, sk);
	a = act_make(bpf_get_current_pid_tgid());
	if (!a)
		return again;
	if (!tp) {
		/* No numbers to tell calls apart by: the first program leaves a mark. */
		same = again && a->done == (__u64)sk;
		a->done = again ? 0 : (__u64)sk;
		return same;
	}
	end = dir == CAP_SEND ? written_end(true, sk, tp) : read_end(true, sk, tp);
	turn = turns_of_thread();
	same = again && a->done == (__u64)sk && (a->done_seq == end || a->done_turn == turn);
	a->done = (__u64)sk;
	a->done_seq = end;
	a->done_turn = again ? 0 : turn;
	return same;
}
#endif
