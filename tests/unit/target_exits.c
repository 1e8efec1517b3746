// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "log.h"
#include "target_exits.h"
#include "unit/t.h"

/*
 * Functions whose exits are known by their labels: NAME_rN is a RET, NAME_jN a jump that leaves.
 * Assembled, so that no compiler has a say; x86-64 only, like the machine code below.
 */
static const char source[] =
	".text\n"
	".macro fn n\n.globl \\n\n.type \\n,@function\n\\n:\n.endm\n"
	".macro end n\n.size \\n, .-\\n\n.endm\n"
	"fn two\n push %rbx\n test %edi,%edi\n je 1f\n pop %rbx\n two_r0: ret\n"
	" 1: pop %rbx\n two_r1: ret\n end two\n"
	"fn tail\n test %edi,%edi\n je 1f\n tail_r0: ret\n 1: tail_j0: jmp two\n end tail\n"
	"fn self\n dec %edi\n js 1f\n self_j0: jmp self\n 1: self_r0: ret\n end self\n"
	"fn split\n test %edi,%edi\n jne split.cold\n split_r0: ret\n end split\n"
	"fn split.cold\n push %rax\n call two\n pop %rax\n split_r1: ret\n end split.cold\n"
	"fn never\n call two\n ud2\n end never\n"
	"fn maybe\n test %edi,%edi\n je two\n ret\n end maybe\n"
	"fn indirect\n jmp *%rax\n end indirect\n"
	"fn broken\n .byte 0x06\n ret\n end broken\n"
	"fn main\n xor %eax,%eax\n ret\n end main\n"
	".section .note.GNU-stack,\"\",@progbits\n";

static char path[64];

static struct elf *build(const char *more)
{
	struct elf *e = NULL;
	char cmd[256];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/target_exits.%d", getpid());
	snprintf(cmd, sizeof(cmd), "gcc -x assembler -nostartfiles -Wl,-emain -o %s - 2>&1", path);
	f = popen(cmd, "w");
	fputs(source, f);
	fputs(more, f);
	if (pclose(f) || elf_file_open(&e, path))
		return NULL;
	return e;
}

static struct code_range range(const struct elf *e, const char *name)
{
	struct code_range r = {};

	elf_find_symbol(e, name, &r.addr, &r.size);
	return r;
}

/* Each label NAME_xN is among the exits, of its kind, and there are n of them. */
static void exits_are(const struct elf *e, const char *name, const char *cold, size_t rets,
		      size_t jumps)
{
	struct func_exits x;
	char label[64];
	uint64_t va;

	T_EQ(target_find_exits(e, range(e, name), cold ? range(e, cold) : (struct code_range){},
			       &x),
	     0);
	T_EQ(x.n, rets + jumps);
	for (size_t i = 0; i < rets + jumps; i++) {
		bool found = false;

		snprintf(label, sizeof(label), "%s_%c%zu", name, i < rets ? 'r' : 'j',
			 i < rets ? i : i - rets);
		T_EQ(elf_find_symbol(e, label, &va, NULL), 0);
		for (size_t k = 0; k < x.n; k++)
			found |= x.va[k] == va && x.jump[k] == (i >= rets);
		T_OK(found);
	}
	free(x.va);
	free(x.jump);
}

static void refused(const struct elf *e, const char *name, const char *why)
{
	struct func_exits x;

	T_EQ(target_find_exits(e, range(e, name), (struct code_range){}, &x), -ENOTSUP);
	T_OK(strstr(fail_text(-ENOTSUP), why));
	T_OK(!x.va && !x.n);
}

int main(void)
{
	struct elf *e;

#if !defined(__x86_64__)
	puts("assembles x86-64");
	return 77;
#endif
	e = build("");
	if (!e) {
		puts("no gcc to assemble with");
		return 77;
	}
	exits_are(e, "two", NULL, 2, 0);
	exits_are(e, "tail", NULL, 1, 1);
	exits_are(e, "self", NULL, 1, 1);
	exits_are(e, "split", "split.cold", 2, 0);
	exits_are(e, "never", NULL, 0, 0);
	refused(e, "split", "conditional jump"); /* without its cold part, who knows */
	refused(e, "maybe", "conditional jump");
	refused(e, "indirect", "indirect jump");
	refused(e, "broken", "decoded");
	refused(e, "no such", "no size");
	T_OK(!target_unwinds(e));
	elf_file_close(e);

	e = build(".text\n fn __cxa_throw\n ret\n end __cxa_throw\n");
	T_OK(e && target_unwinds(e));
	elf_file_close(e);
	unlink(path);
	return t_done();
}
