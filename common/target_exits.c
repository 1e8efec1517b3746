// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Where functions of C, C++ and Rust return, for those that must not have a return probe: it puts a
 * foreign return address on the stack, at which an unwinder finds no caller and ends the program,
 * and which a program that switches stacks takes along. So the code is walked from end to end for
 * its RETs and for the jumps that leave it, the part that the compiler set aside as NAME.cold
 * included.
 */
#include "target_exits.h"
#include "insn.h"
#include "log.h"
#include <errno.h>
#include <linux/elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CODE  (4u << 20) /* bytes of one function; the largest known are below 1 MiB */
#define MAX_EXITS 4096

enum exits_mode target_exits_mode = EXITS_AUTO;

/* In the symbol tables of programs and libraries through which exceptions or panics pass. */
static const char *const unwinders[] = {"__gxx_personality_v0", "__cxa_throw", "__cxa_rethrow",
					"rust_eh_personality", "rust_panic"};

bool target_unwinds(const struct elf *e)
{
	return elf_mentions(e, unwinders, sizeof(unwinders) / sizeof(*unwinders));
}

struct walk {
	const struct elf *e;
	struct code_range part[2]; /* the function, and its cold part (size 0: none) */
	struct func_exits *x;
	size_t room;
};

static bool inside(const struct walk *w, uint64_t va)
{
	for (int i = 0; i < 2; i++) {
		/* A jump to the very first instruction is a call of itself: this one ends there. */
		if (va - w->part[i].addr < w->part[i].size && va != w->part[0].addr)
			return true;
	}
	return false;
}

static int add_exit(struct walk *w, uint64_t va, bool jump)
{
	struct func_exits *x = w->x;

	if (x->n == MAX_EXITS)
		return fail(-ENOTSUP, "it has more than %d exits", MAX_EXITS);
	if (x->n == w->room) {
		size_t room = w->room ? 2 * w->room : 8;
		uint64_t *va2 = realloc(x->va, room * sizeof(*va2));
		bool *jump2;

		x->va = va2 ?: x->va;
		jump2 = va2 ? realloc(x->jump, room * sizeof(*jump2)) : NULL;
		x->jump = jump2 ?: x->jump;
		if (!jump2)
			return fail(-ENOMEM, "out of memory");
		w->room = room;
	}
	x->va[x->n] = va;
	x->jump[x->n++] = jump;
	return 0;
}

static int see_insn(struct walk *w, uint64_t va, const struct insn *in)
{
	switch (in->kind) {
	case INSN_RET: return add_exit(w, va, false);
	case INSN_JMP: return inside(w, va + in->to) ? 0 : add_exit(w, va, true);
	case INSN_JMP_MEM: return add_exit(w, va, true);
	case INSN_JCC:
		if (inside(w, va + in->to))
			return 0;
		return fail(-ENOTSUP, "a conditional jump leaves it at 0x%llx",
			    (unsigned long long)va);
	case INSN_JMP_REG:
		return fail(-ENOTSUP, "it may or may not be left by the indirect jump at 0x%llx",
			    (unsigned long long)va);
	default: return 0;
	}
}

static int walk_part(struct walk *w, const struct code_range *c)
{
	uint8_t *text;
	struct insn in;
	uint64_t at = 0;
	int err, len;

	if (!c->size)
		return 0;
	if (c->size > MAX_CODE)
		return fail(-ENOTSUP, "it has %llu bytes of code", (unsigned long long)c->size);
	text = malloc(c->size);
	if (!text)
		return fail(-ENOMEM, "out of memory");
	err = elf_read_va(w->e, text, c->size, c->addr);
	while (!err && at < c->size) {
		len = w->e->machine == EM_AARCH64 ? insn_decode_arm64(text + at, c->size - at, &in)
						  : insn_decode_x86(text + at, c->size - at, &in);
		if (!len)
			err = fail(-ENOTSUP, "its code could not be decoded at 0x%llx",
				   (unsigned long long)(c->addr + at));
		else
			err = see_insn(w, c->addr + at, &in);
		at += len;
	}
	free(text);
	return err;
}

int target_find_exits(const struct elf *e, struct code_range body, struct code_range cold,
		      struct func_exits *x)
{
	struct walk w = {.e = e, .part = {body, cold}, .x = x};
	int err;

	memset(x, 0, sizeof(*x));
	if (!body.size)
		return fail(-ENOTSUP, "its symbol has no size");
	err = walk_part(&w, &w.part[0]) ?: walk_part(&w, &w.part[1]);
	if (err) {
		free(x->va);
		free(x->jump);
		memset(x, 0, sizeof(*x));
	}
	return err;
}
