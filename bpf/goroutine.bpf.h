/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GOROUTINE_BPF_H
#define GOROUTINE_BPF_H
/*
 * Which goroutine makes this system call, and which one started it? Go keeps g, the running
 * goroutine's struct, in a register that system calls leave alone, so it is among the registers
 * that the kernel saved: no probe in the program, no symbols. Whatever is there is checked, not
 * trusted: g leads to an m, the thread's struct, which has this thread's id; g says that it runs;
 * and who started a goroutine stands beside two addresses of the program's text.
 *
 * Offsets, of amd64 and arm64 alike, by the DWARF of programs that each version built:
 *
 *   Go          g.m  g.atomicstatus  g.goid  g.parentGoid  g.gopc  g.startpc  m.procid
 *   1.15         48             144     152             -     280        296        72
 *   1.19         48             144     152             -     296        312        72
 *   1.21, 1.22   48             144     152           272     280        296        72
 *   1.23, 1.24   48             152     160           280     288        304        72
 *   1.25         48             144     152           272     280        296        64
 *   1.26, 1.27   48             144     152           280     288        304        64
 *
 * Between gopc and startpc is g.ancestors. Before 1.17 amd64 has g in thread-local storage alone,
 * in the word before the thread pointer, but for programs that a C linker linked.
 */
#include "regs.bpf.h"

#define GO_G_M	   48
#define GO_G_WORDS 33
#define GO_M_WORDS 24
#define GO_WORD(o) (((o)-GO_G_M) / 8)

#define GO_RUNNING 2 /* _Grunning; 3 is _Gsyscall */
#define GO_SCAN	   0x1000 /* beside it: the collector is at it */

#define PF_IO_WORKER 0x10
#define PF_KTHREAD   0x200000

#define GO_TRIES 16 /* of a process that does not look like Go, before it is given up */
#define GO_RARE	 64 /* then one in so many */

enum go_is { GO_UNKNOWN, GO_IS, GO_IS_NOT };

/* What was found, and where it is looked for: it is too large for the stack. */
struct go {
	__u64 goid, parent_goid; /* 0: not known */
	__u64 g[GO_G_WORDS]; /* from g.m on */
	__u64 m[GO_M_WORDS];
};

struct go_fails {
	__u64 mark; /* of the process: an exec may make it one of Go's */
	__u64 n;
};

/* Processes, by number, that did not look like Go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct go_fails);
} not_go SEC(".maps");

static __always_inline struct pt_regs *user_regs(struct task_struct *task)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
#if defined(__TARGET_ARCH_x86)
	/* The top of a 16 KiB kernel stack. */
	return (struct pt_regs *)((__u64)BPF_CORE_READ(task, stack) + 16384) - 1;
#else
	return NULL;
#endif
}

/* The thread's number where it lives: in its own pid namespace. */
static __always_inline __u32 own_tid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level), nr = 0;

	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)&pid->numbers + level * bpf_core_type_size(struct upid));
	return nr;
}

/* Is it in the text of the program whose instruction is at ip? No text is that large. */
static __always_inline bool in_text(__u64 at, __u64 ip)
{
	return at && at - ip + (1ULL << 30) < 1ULL << 31;
}

static __always_inline bool go_runs(__u64 word)
{
	return (word & ~(__u64)(GO_SCAN | 1)) == GO_RUNNING;
}

static __always_inline __u64 go_parent(const __u64 *w, __u64 ip)
{
	return w[0] < 1ULL << 40 && in_text(w[1], ip) && in_text(w[3], ip) ? w[0] : 0;
}

static __always_inline bool go_address(__u64 at)
{
	return !(at & 7) && at >> 12 && !(at >> 56);
}

/* Is there a g at that place, of the thread tid? GO_IS: then it is found. */
static __always_inline enum go_is go_check(struct go *go, __u64 g, __u64 ip, __u32 tid)
{
	__u32 same = 0;

	if (!go_address(g) || bpf_probe_read_user(go->g, sizeof(go->g), (void *)(g + GO_G_M)) ||
	    !go_address(go->g[0]) || bpf_probe_read_user(go->m, sizeof(go->m), (void *)go->g[0]))
		return GO_UNKNOWN;
	for (int i = 0; i < GO_M_WORDS; i++)
		same |= go->m[i] == tid;
	if (!same)
		return GO_UNKNOWN;
	if (go_runs(go->g[GO_WORD(144)]))
		go->goid = go->g[GO_WORD(152)];
	else if (go_runs(go->g[GO_WORD(152)]))
		go->goid = go->g[GO_WORD(160)];
	else
		return GO_UNKNOWN;
	go->parent_goid =
		go_parent(go->g + GO_WORD(272), ip) ?: go_parent(go->g + GO_WORD(280), ip);
	return GO_IS;
}

static __always_inline enum go_is go_look(struct go *go, struct task_struct *task)
{
	struct pt_regs *regs = user_regs(task);
	__u64 g = 0, ip = 0;
	__u32 tid;

	if (BPF_CORE_READ(task, flags) & (PF_IO_WORKER | PF_KTHREAD) || !regs)
		return GO_UNKNOWN;
	tid = own_tid(task);
	bpf_probe_read_kernel(&ip, sizeof(ip), &REG_IP(regs));
	bpf_probe_read_kernel(&g, sizeof(g), &REG_G(regs));
	if (go_check(go, g, ip, tid) == GO_IS)
		return GO_IS;
#if defined(__TARGET_ARCH_x86)
	if (!bpf_probe_read_user(&g, sizeof(g), (void *)(BPF_CORE_READ(task, thread.fsbase) - 8)))
		return go_check(go, g, ip, tid);
#endif
	return GO_UNKNOWN;
}

/*
 * Finds the goroutine of this call. is: what is known of the process, whose mark an exec changes.
 * Returns what is known then.
 */
static __always_inline enum go_is go_find(struct go *go, enum go_is is, __u64 mark)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct go_fails *fails, first = {.mark = mark};
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (is == GO_IS) {
		/* Now and then a thread of it is about C's business. */
		go_look(go, task);
		return is;
	}
	fails = bpf_map_lookup_elem(&not_go, &tgid);
	if (fails && fails->mark != mark) {
		fails->mark = mark;
		fails->n = 0;
	}
	if (fails && fails->n++ >= GO_TRIES && fails->n % GO_RARE)
		return GO_IS_NOT;
	if (go_look(go, task) == GO_IS) {
		if (fails)
			fails->n = 0;
		return GO_IS;
	}
	if (!fails)
		bpf_map_update_elem(&not_go, &tgid, &first, BPF_ANY);
	return GO_UNKNOWN;
}
#endif
