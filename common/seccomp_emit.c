// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Rules turned into a classic BPF program that walks them. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "log.h"
#include "seccomp_int.h"

#if defined(__x86_64__)
#define ARCH	AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "no system call table for this machine"
#endif

/* pidfd_send_signal, the first with one number on every machine */
#define SHARED_NR 424
#define COUNT(A)  (sizeof(A) / sizeof(*(A)))

/* Nothing that a tool does by mistake: whoever calls these has taken it over. */
static const int deadly[] = {
	__NR_execve,
	__NR_execveat,
	__NR_ptrace,
	__NR_process_vm_writev,
	__NR_init_module,
	__NR_finit_module,
	__NR_delete_module,
	__NR_kexec_load,
	__NR_kexec_file_load,
	__NR_reboot,
	__NR_mount,
	__NR_umount2,
	__NR_pivot_root,
	__NR_chroot,
	__NR_setns,
	__NR_unshare,
	__NR_open_by_handle_at,
};

static void emit(struct seccomp_program *p, uint16_t code, uint32_t k, unsigned jt, unsigned jf)
{
	/* Counted all the same: what did not fit is never entered. */
	if (p->n < SECCOMP_INSNS)
		p->insns[p->n] = (struct sock_filter)BPF_JUMP(code, k, (uint8_t)jt, (uint8_t)jf);
	p->n++;
}

static void load(struct seccomp_program *p, size_t off)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)off, 0, 0);
}

static void ret(struct seccomp_program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

/* (word & mask) == value, else past the rule's end, which is after instructions further down. */
static void compare_word(struct seccomp_program *p, size_t off, uint32_t mask, uint32_t value,
			 unsigned after)
{
	load(p, off);
	emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, after);
}

/* The accumulator holds the call's number before and after. */
static void emit_rule(struct seccomp_program *p, const struct seccomp_rule *r)
{
	size_t low = offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (size_t)r->arg;
	bool wide = r->mask >> 32;

	if (!r->mask) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, 1);
		ret(p, SECCOMP_RET_ALLOW);
		return;
	}
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, wide ? 8 : 5);
	/* Both machines are little-endian. */
	compare_word(p, low, (uint32_t)r->mask, (uint32_t)r->value, wide ? 4 : 1);
	if (wide)
		compare_word(p, low + 4, (uint32_t)(r->mask >> 32), (uint32_t)(r->value >> 32), 1);
	ret(p, SECCOMP_RET_ALLOW);
	load(p, offsetof(struct seccomp_data, nr));
}

void seccomp_begin(struct seccomp_program *p)
{
	p->n = 0;
	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	ret(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
	emit(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	ret(p, SECCOMP_RET_KILL_PROCESS);
#endif
}

void seccomp_allow(struct seccomp_program *p, const struct seccomp_rule *rules, size_t n,
		   unsigned keep)
{
	for (size_t i = 0; i < n; i++)
		if (!rules[i].keep || rules[i].keep & keep)
			emit_rule(p, &rules[i]);
}

int seccomp_end(struct seccomp_program *p)
{
	struct sock_fprog prog;

	for (size_t i = 0; i < COUNT(deadly); i++) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)deadly[i], 0, 1);
		ret(p, SECCOMP_RET_KILL_PROCESS);
	}
	emit(p, BPF_JMP | BPF_JGE | BPF_K, SHARED_NR, 0, 1);
	ret(p, SECCOMP_RET_ERRNO | ENOSYS);
	ret(p, SECCOMP_RET_ERRNO | EPERM);
	if (p->n > SECCOMP_INSNS)
		return fail(-E2BIG, "the seccomp filter has too many rules");
	prog = (struct sock_fprog){.len = p->n, .filter = p->insns};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return fail(-errno,
			    "cannot enter the seccomp filter: %s; run with --stay-root if this "
			    "kernel has none",
			    strerror(errno));
	return 0;
}
