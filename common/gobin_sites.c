// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Where to probe a Go function.
 *
 * Exits: the table of SP's distance from entry ("pcsp") has a run of 0 at the entry, until the
 * frame is made; each later run of 0 starts where a frame has just been taken down, and its first
 * instruction leaves the function: RET, or a jump to another function (or it is the call of
 * morestack, behind the body). So nothing needs to be disassembled. Functions without a frame have
 * one run of 0 and are decoded from end to end.
 *
 * Entry: cmd/internal/obj/x86 and arm64, stacksplit(), begin a function with
 *	cmp 0x10(%r14),%rsp; jbe MORE; push %rbp (until 1.20: sub $N,%rsp)
 *	MORE: spill registers; call runtime.morestack...; reload; jmp entry
 * so that the first instruction is passed twice when the stack grows or the goroutine is preempted
 * there. Larger frames have lea or mov+sub+jb before the cmp; all end in the jbe (arm64: b.ls) that
 * makes the decision. A jbe counts as that only if it leads to a call of morestack.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gobin_int.h"
#include "log.h"

/* Largest frameless body that is decoded; chacha20poly1305's assembly has 9 KiB. */
enum { MAX_FRAMELESS = 1 << 20 };

enum { START = 1, TARGET = 2 };

/* The function under study. */
struct body {
	struct gobin *g;
	struct rawfunc raw;
	uint64_t va;
	uint32_t size; /* to the next function, with padding */
	uint32_t used; /* to the end of its SP table */
	uint32_t frame; /* where SP first moves; == used where it never does */
	uint8_t *code; /* [0, frame) */
	uint8_t *marks; /* of each byte of it: START, TARGET */
	struct gosites *s;
	size_t room; /* for exits */
	bool tail; /* jumps to another function: */
	uint64_t tail_va; /* where to; 0: not known */
};

static int refuse(const struct body *b, const char *why)
{
	const char *name = gobin_name(b->g, b->raw.name);

	return fail(-ENOTSUP, "%s: %s", name ?: "?", why);
}

static int decode(const struct body *b, const uint8_t *p, size_t n, struct insn *in)
{
	return b->g->quantum == 1 ? insn_decode_x86(p, n, in) : insn_decode_arm64(p, n, in);
}

/* Decodes the instruction at offset at of the function; its length, or 0. */
static int decode_at(const struct body *b, uint32_t at, struct insn *in)
{
	size_t n = b->size - at < 15 ? b->size - at : 15;
	uint8_t code[15];

	if (at >= b->size || elf_read_va(b->g->elf, code, n, b->va + at))
		return 0;
	return decode(b, code, n, in);
}

static bool is_morestack(struct gobin *g, uint64_t va)
{
	size_t slots = sizeof(g->morestack) / sizeof(g->morestack[0]);
	ssize_t i = gobin_at(g, va);
	struct rawfunc r;
	const char *name;

	for (size_t k = 0; k < slots; k++)
		if (g->morestack[k] == va)
			return true;
	if (i < 0 || g->text + g->fn[i].entry != va || gobin_raw(g, (size_t)i, &r))
		return false;
	name = gobin_name(g, r.name);
	/*
	 * morestack, morestack_noctxt, morestackc; and the linker's trampolines to them on arm64.
	 */
	if (!name || strncmp(name, "runtime.morestack", 17))
		return false;
	memmove(g->morestack + 1, g->morestack, (slots - 1) * sizeof(g->morestack[0]));
	g->morestack[0] = va;
	return true;
}

/*
 * Whether the code at offset at spills registers (nine integer ones and fifteen floating at most)
 * and calls morestack.
 */
static bool grows_stack(const struct body *b, int64_t at)
{
	struct insn in;

	if (at < 0 || at >= b->size)
		return false;
	for (int i = 0; i < 40 && decode_at(b, (uint32_t)at, &in); i++) {
		if (in.kind == INSN_CALL)
			return is_morestack(b->g, b->va + (uint64_t)(at + in.to));
		if (in.kind != INSN_OTHER && in.kind != INSN_NOP)
			return false;
		at += in.len;
	}
	return false;
}

static int add_exit(struct body *b, uint32_t at)
{
	struct gosites *s = b->s;

	if (s->nexits == b->room) {
		size_t room = b->room ? 2 * b->room : 8;
		uint64_t *p = reallocarray(s->exits, room, sizeof(*p));

		if (!p)
			return fail(-ENOMEM, "out of memory");
		s->exits = p;
		b->room = room;
	}
	s->exits[s->nexits++] = b->va + at;
	return 0;
}

/* Notes how the instruction at offset at leaves the function, if it does. */
static int see_exit(struct body *b, uint32_t at, const struct insn *in)
{
	int64_t to = at + in->to;

	if (in->kind == INSN_RET)
		return add_exit(b, at);
	if ((in->kind == INSN_JMP || in->kind == INSN_JCC) && (to < 0 || to >= b->size)) {
		b->tail = true;
		b->tail_va = b->va + (uint64_t)to;
	} else if (in->kind == INSN_JMP_REG || in->kind == INSN_JMP_MEM) {
		b->tail = true;
	}
	return 0;
}

/* What the instructions before the frame (or the whole of a frameless function) are. */
struct prologue {
	int64_t check; /* offset of the stack check's branch; -1 without one */
	int64_t more; /* and of what it branches to */
	uint32_t after; /* of the instruction after the branch */
	uint32_t last; /* of the last instruction */
	bool loops; /* something jumps back to the first instruction */
	bool branches; /* a branch that is not the stack check's */
};

static void see_jump(struct body *b, struct prologue *p, uint32_t at, const struct insn *in)
{
	int64_t to = at + in->to;

	if (to >= 0 && to < b->frame)
		b->marks[to] |= TARGET;
	if (in->kind == INSN_JCC && in->ls && p->check < 0 && grows_stack(b, to)) {
		p->check = at;
		p->more = to;
		p->after = at + in->len;
	} else if (to == 0) {
		/* After morestack that is as it should be: the check is made again. */
		p->loops |= p->check < 0 || at < p->more;
	} else if (in->kind == INSN_JCC && !grows_stack(b, to)) {
		p->branches = true;
	}
}

static int read_prologue(struct body *b, struct prologue *p)
{
	struct insn in;
	int err = 0;

	*p = (struct prologue){.check = -1};
	for (uint32_t at = 0; !err && at < b->frame; at += in.len) {
		if (!decode(b, b->code + at, b->frame - at, &in))
			return refuse(b, "its code could not be decoded");
		p->last = at;
		b->marks[at] |= START;
		if (in.kind == INSN_JMP || in.kind == INSN_JCC)
			see_jump(b, p, at, &in);
		err = see_exit(b, at, &in); /* assembly may return before it makes its frame */
	}
	/*
	 * Assembly may hold data, behind a jump; decoding that as code, one loses the next
	 * instruction.
	 */
	for (uint32_t at = 0; !err && at < b->frame; at++)
		if (b->marks[at] == TARGET)
			err = refuse(b, "its code could not be decoded");
	return err;
}

static int choose_entry(struct body *b)
{
	bool framed = b->frame < b->used;
	struct prologue p;
	uint32_t at = 0;
	int err = read_prologue(b, &p);

	if (err)
		return err;
	if (framed && p.branches && !(b->raw.flag & FUNC_ASM))
		return refuse(b, "it begins with a branch that is not Go's stack check");
	if (p.check < 0 && p.loops)
		return refuse(b, "it loops back to its first instruction, so that calls cannot be "
				 "told from turns of the loop");
	b->s->kind = SITE_FIRST;
	if (p.check >= 0) {
		b->s->kind = SITE_BRANCH;
		at = (uint32_t)p.check;
	}
	/* A push is as good as a branch, and no hit must be ignored. */
	if (b->g->quantum == 1 && framed && (p.check < 0 ? 0 : p.after) == p.last &&
	    b->code[p.last] == 0x55) {
		b->s->kind = SITE_PUSH;
		at = p.last;
	}
	b->s->entry = b->va + at;
	b->s->depth = 0; /* SP has not moved yet at any of them */
	return 0;
}

/*
 * The exits in one run of 0. What the compiler made has its one at the start, until Go 1.19 on
 * arm64 after sub x29,sp,#8. Assembly may do more there; but beyond the start there can also be
 * data (arm64's constants), so the whole run is for assembly only.
 */
static int see_run(struct body *b, const struct pcrun *run, bool whole)
{
	int err = 0, left = b->g->quantum == 1 ? 1 : 2;
	struct insn in;

	for (uint32_t at = run->start; !err && at < run->end && (whole || left); at += in.len) {
		if (!decode_at(b, at, &in))
			return refuse(b, "its code could not be decoded");
		err = see_exit(b, at, &in);
		left -= in.kind != INSN_NOP;
		if (in.kind == INSN_RET && !whole)
			break;
	}
	return err;
}

static int find_exits(struct body *b)
{
	bool whole = b->raw.flag & FUNC_ASM || b->g->minor < 18;
	struct pciter it;
	struct pcrun run;
	int err = 0, more;

	gobin_pc_start(b->g, b->raw.pcsp, &it);
	while (!err && (more = gobin_pc_next(&it, &run)) == 1)
		if (run.start >= b->frame && run.val == 0)
			err = see_run(b, &run, whole);
	return err ?: more;
}

/* Where SP first moves and where the table ends. */
static int measure(struct body *b)
{
	struct pciter it;
	struct pcrun run;
	int more;

	if (!b->size)
		return refuse(b, "it has no code");
	if (b->raw.flag & FUNC_SPWRITE)
		return refuse(b, "it is assembly that switches stacks");
	if (!b->raw.pcsp)
		return refuse(b, "it is C or has no frame information");
	gobin_pc_start(b->g, b->raw.pcsp, &it);
	while ((more = gobin_pc_next(&it, &run)) == 1) {
		if (run.end > b->size)
			return fail(-EBADMSG,
				    "%s: damaged Go function table: a function overlaps the next",
				    b->g->elf->path);
		if (run.val < 0)
			return refuse(b,
				      "it is assembly that takes its return address off the stack");
		if (b->frame == b->used)
			b->frame = run.val ? run.start : run.end;
		b->used = run.end;
	}
	return more;
}

static int set_note(struct body *b)
{
	ssize_t to = b->tail_va ? gobin_at(b->g, b->tail_va) : -ENOENT;
	char text[512], name[400];
	struct rawfunc r;

	if (!b->tail) {
		if (!b->s->nexits)
			b->s->note = "never returns: its calls are counted as running";
		return 0;
	}
	if (to >= 0 && b->g->text + b->g->fn[to].entry == b->tail_va &&
	    !gobin_raw(b->g, (size_t)to, &r))
		snprintf(name, sizeof(name), "%s", gobin_name(b->g, r.name) ?: "?");
	else if (b->tail_va)
		snprintf(name, sizeof(name), "0x%llx", (unsigned long long)b->tail_va);
	else
		snprintf(name, sizeof(name), "an address in a register or in memory");
	snprintf(text, sizeof(text), "ends in a tail jump to %s", name);
	if (!b->s->nexits)
		return refuse(b, text);
	b->s->note = gobin_text(b->g, text);
	return b->s->note ? 0 : fail(-ENOMEM, "out of memory");
}

static int read_code(struct body *b)
{
	if (!b->frame)
		return refuse(b, "it has no instructions before its frame");
	if (b->frame > MAX_FRAMELESS)
		return refuse(b, "its code is too large to be searched");
	b->code = malloc(b->frame);
	b->marks = calloc(1, b->frame);
	if (!b->code || !b->marks)
		return fail(-ENOMEM, "out of memory");
	if (elf_read_va(b->g->elf, b->code, b->frame, b->va))
		return fail(-EBADMSG, "%s: the code of a Go function is not in the file",
			    b->g->elf->path);
	return 0;
}

int gobin_sites(const struct gobin *cg, size_t i, struct gosites *s)
{
	struct gobin *g = (struct gobin *)cg;
	struct body b = {.g = g, .s = s};
	int err;

	*s = (struct gosites){0};
	if (i >= g->n)
		return fail(-EINVAL, "%s has no function number %zu", g->elf->path, i);
	b.va = g->text + g->fn[i].entry;
	b.size = g->fn[i + 1].entry - g->fn[i].entry;
	err = gobin_raw(g, i, &b.raw);
	err = err ?: measure(&b);
	err = err ?: read_code(&b);
	err = err ?: choose_entry(&b);
	err = err ?: find_exits(&b);
	err = err ?: set_note(&b);
	free(b.code);
	free(b.marks);
	if (err) {
		free(s->exits);
		*s = (struct gosites){0};
	}
	return err;
}
