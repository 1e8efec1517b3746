/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_BPF_H
#define WATCH_BPF_H
/*
 * Processes: which file one begins to run, whose child it is, where its threads' stacks stand. Raw
 * tracepoints and an iterator, which hardened kernels permit too.
 */

/* Which file a process has begun to run: the user half looks whether it is one to probe. */
SEC("raw_tp/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);
	struct hl_exec *e;

	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return 0;
	e->type = HL_REC_EXEC;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->ino = BPF_CORE_READ(inode, i_ino);
	e->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* The children of the command that we started are part of it. */
SEC("raw_tp/sched_process_fork")
int on_fork(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 parent = bpf_get_current_pid_tgid() >> 32;
	struct task_struct *task = (void *)ctx->args[1];
	__u32 child = BPF_CORE_READ(task, tgid);
	__u8 *wanted = bpf_map_lookup_elem(&filter_pids, &parent), one = 1;

	if (child != parent && wanted && *wanted == 1)
		bpf_map_update_elem(&filter_pids, &child, &one, BPF_ANY);
	return 0;
}

/*
 * Where each thread's user stack stands: a frame below it is gone. Asked at the end, for the calls
 * that have not returned. The registers of a thread that is on a CPU are those of its last entry to
 * the kernel.
 */
SEC("iter/task")
int threads(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct pt_regs *regs;
	struct hl_thread t = {};
	struct inode *inode;

	if (!task || !filter_pid(task->tgid))
		return 0;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
		regs = (struct pt_regs *)bpf_task_pt_regs(task);
	} else {
#if defined(__TARGET_ARCH_x86)
		/* task_pt_regs(): the top of a 16 KiB kernel stack */
		regs = (struct pt_regs *)((__u64)task->stack + 16384) - 1;
#else
		return 0;
#endif
	}
	if (!task->mm)
		return 0;
	bpf_probe_read_kernel(&t.sp, sizeof(t.sp), &REG_SP(regs));
	inode = BPF_CORE_READ(task, mm, exe_file, f_inode);
	t.tgid = task->tgid;
	t.tid = task->pid;
	t.ino = BPF_CORE_READ(inode, i_ino);
	t.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	bpf_seq_write(ctx->meta->seq, &t, sizeof(t));
	return 0;
}
#endif
