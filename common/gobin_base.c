// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The address that a Go function table is relative to.
 *
 * A wrong base would put breakpoints into the middle of instructions of a live process, so it is
 * never guessed (the start of .text is not it where the C linker linked) but read from the header
 * (until Go 1.25) or runtime.firstmoduledata, and then held against the code itself: verify().
 */
#include <errno.h>
#include <linux/elf.h>
#include <stdlib.h>
#include <string.h>
#include "gobin_int.h"
#include "log.h"

/* ELF gABI and the processor supplements; not in <linux/elf.h>. */
enum { TAG_RELA = 7, TAG_RELASZ = 8, RELATIVE_X86_64 = 8, RELATIVE_AARCH64 = 1027 };

/*
 * Indices of words in runtime.moduledata: the header's address; slices (address, length, capacity)
 * for names, cu, files, pctab and functab twice; findfunctab; minpc; maxpc; text. Since Go 1.16.
 */
enum { MOD_NAMES = 1, MOD_PCLN = 13, MOD_NFTAB = 17, MOD_TEXT = 22, MOD_WORDS = 44 };

/*
 * Candidates for moduledata that are looked into (one in practice), and functions that verify()
 * samples.
 */
enum { MAX_CANDIDATES = 64, SAMPLES = 256 };

/* Where the RELA table is: its file offset, its size through *size; 0 when there is none. */
static uint64_t find_rela(const struct elf *e, uint64_t *size)
{
	const struct elf_seg *s;
	uint64_t va = 0;
	Elf64_Dyn d;

	*size = 0;
	for (uint64_t i = 0; i < 256 && i < e->dynamic.filesz / sizeof(d); i++) {
		if (elf_pread(e, &d, sizeof(d), e->dynamic.off + i * sizeof(d)) || !d.d_tag)
			break;
		if (d.d_tag == TAG_RELA)
			va = d.d_un.d_ptr;
		else if (d.d_tag == TAG_RELASZ)
			*size = d.d_un.d_val;
	}
	s = *size ? elf_seg_at(e, va, *size) : NULL;
	return s ? s->off + (va - s->vaddr) : 0;
}

/* Calls fn with each RELATIVE relocation until it returns other than 0, which is returned. */
static int each_rela(const struct elf *e, int (*fn)(uint64_t va, uint64_t addend, void *ctx),
		     void *ctx)
{
	uint32_t type = e->machine == EM_X86_64 ? RELATIVE_X86_64 : RELATIVE_AARCH64;
	uint64_t size, off = find_rela(e, &size);
	struct elf_win *w;
	const void *p;
	Elf64_Rela r;
	int err = 0;

	if (!off)
		return 0;
	w = malloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->e = e;
	w->off = w->len = 0;
	for (uint64_t at = 0; !err && at + sizeof(r) <= size; at += sizeof(r)) {
		p = elf_peek(w, off + at, sizeof(r));
		if (!p)
			break;
		memcpy(&r, p, sizeof(r));
		if ((uint32_t)r.r_info == type)
			err = fn(r.r_offset, (uint64_t)r.r_addend, ctx);
	}
	free(w);
	return err;
}

struct words {
	uint64_t va, *w, n;
};

static int see_word(uint64_t va, uint64_t addend, void *ctx)
{
	struct words *c = ctx;

	if (va >= c->va && (va - c->va) / 8 < c->n && !((va - c->va) & 7))
		c->w[(va - c->va) / 8] = addend;
	return 0;
}

int gobin_words(const struct elf *e, uint64_t va, uint64_t *w, size_t n)
{
	struct words c = {va, w, n};

	/* DT_RELR, the compact form of these relocations, keeps its addends in place. */
	return elf_read_va(e, w, n * sizeof(*w), va) ?: each_rela(e, see_word, &c);
}

struct module {
	struct gobin *g;
	uint64_t w[MOD_WORDS];
	int tried;
};

/* 1: va is moduledata, whose words are in m->w. 0: it is not. Negative: give up. */
static int try_module(struct module *m, uint64_t va)
{
	struct gobin *g = m->g;
	uint64_t *w = m->w;

	if (m->tried++ >= MAX_CANDIDATES)
		return -E2BIG;
	return !gobin_words(g->elf, va, w, MOD_WORDS) && w[0] == g->table_va &&
	       w[MOD_NAMES] == g->table_va + (g->names - g->table) &&
	       w[MOD_PCLN] == g->table_va + (g->functab - g->table) && w[MOD_NFTAB] == g->n + 1;
}

static int see_candidate(uint64_t va, uint64_t addend, void *ctx)
{
	struct module *m = ctx;

	return addend == m->g->table_va ? try_module(m, va) : 0;
}

/* Looks for the header's address in writable memory, word by word. */
static int scan_for_module(struct module *m, const struct elf_seg *s)
{
	uint64_t first = -s->vaddr & 7, at, word;
	const struct elf *e = m->g->elf;
	struct elf_win *w;
	const void *p;
	int err = 0;

	w = malloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->e = e;
	w->off = w->len = 0;
	for (at = first; !err && at + 8 <= s->filesz; at += 8) {
		p = elf_peek(w, s->off + at, 8);
		if (!p)
			break;
		memcpy(&word, p, 8);
		if (word == m->g->table_va)
			err = try_module(m, s->vaddr + at);
	}
	free(w);
	return err;
}

static bool find_module(struct module *m)
{
	const struct elf *e = m->g->elf;
	const struct elf_sec *sec = elf_section(e, ".go.module"); /* from Go 1.26 */
	uint64_t va;
	int found = 0;

	if (sec)
		found = try_module(m, sec->addr);
	if (!found && !elf_find_symbol(e, "runtime.firstmoduledata", &va, NULL))
		found = try_module(m, va);
	if (!found)
		found = each_rela(e, see_candidate, m);
	for (size_t i = 0; !found && i < e->nsegs; i++)
		if (e->segs[i].flags & PF_W)
			found = scan_for_module(m, &e->segs[i]);
	return found == 1;
}

/*
 * Whether the code agrees that SP first moves where function i's table says: the instruction before
 * that address makes the frame. 1 yes, 0 no, -1 the function has no frame. Negative errno: damaged.
 *   amd64, Go >= 1.21   55                    push %rbp
 *   amd64 before        48 83 ec imm8         sub $imm8,%rsp (48 83 c4 80: add $-128,%rsp)
 *                       48 81 ec imm32        sub $imm32,%rsp
 *   arm64               f81..ffe              str x30,[sp,#-imm]!
 *                       9100029f              mov sp,x20, after large frames' address was made in
 *                       x20
 */
static int frame_agrees(struct gobin *g, size_t i)
{
	uint64_t at = g->text + g->fn[i].entry;
	struct rawfunc r;
	struct pciter it;
	struct pcrun run;
	uint8_t b[7] = {0};
	uint32_t w;

	if (gobin_raw(g, i, &r))
		return -EBADMSG;
	if (!r.pcsp || r.flag & (FUNC_ASM | FUNC_SPWRITE))
		return -1;
	gobin_pc_start(g, r.pcsp, &it);
	if (gobin_pc_next(&it, &run) != 1 || run.val)
		return -1;
	at += run.end;
	if (gobin_pc_next(&it, &run) != 1)
		return -1;
	if (g->quantum == 4) {
		if (elf_read_va(g->elf, &w, 4, at - 4))
			return 0;
		return (w & 0xfff00fff) == 0xf8100ffe || w == 0x9100029f;
	}
	if (elf_read_va(g->elf, b, sizeof(b), at - sizeof(b)))
		return 0;
	if (!g->minor || g->minor >= 20)
		if (b[6] == 0x55)
			return 1;
	return (b[3] == 0x48 && b[4] == 0x83 && (b[5] == 0xec || (b[5] == 0xc4 && b[6] == 0x80))) ||
	       (b[0] == 0x48 && b[1] == 0x81 && b[2] == 0xec);
}

/*
 * The first and last function lie in one executable segment; a symbol runtime.text, where there is
 * one, is the base; and of functions all over the table nine in ten start with the instruction that
 * the table says they do. With a wrong base that is so for one in a hundred, by accident.
 */
static int verify(struct gobin *g)
{
	uint64_t first = g->text + g->fn[0].entry, size = g->fn[g->n].entry - g->fn[0].entry, sym;
	const struct elf_seg *s = elf_seg_at(g->elf, first, size);
	size_t step = g->n / SAMPLES + 1, framed = 0, agree = 0;

	if (!s || !(s->flags & PF_X))
		return fail(
			-EBADMSG,
			"%s: cannot verify where its Go code starts: the functions of its table "
			"do not lie in an executable segment",
			g->elf->path);
	if (!elf_find_symbol(g->elf, "runtime.text", &sym, NULL) && sym != g->text)
		return fail(-EBADMSG,
			    "%s: cannot verify where its Go code starts: 0x%llx by its table, "
			    "0x%llx by the symbol runtime.text",
			    g->elf->path, (unsigned long long)g->text, (unsigned long long)sym);
	for (size_t i = 0; i < g->n; i += step) {
		int a = frame_agrees(g, i);

		if (a < -1)
			return a;
		framed += a >= 0;
		agree += a == 1;
	}
	if (!framed || agree * 10 < framed * 9)
		return fail(
			-EBADMSG,
			"%s: cannot verify where its Go code starts: %zu of %zu functions do not "
			"begin as its table says",
			g->elf->path, framed - agree, framed);
	return 0;
}

int gobin_base(struct gobin *g, uint64_t header)
{
	/*
	 * Index of moduledata.gofunc: covctrs came in 1.20, typedesclen and two of itabs in 1.27.
	 */
	int gofunc = g->minor >= 27 ? 43 : g->layout == GO_120 ? 40 : 38;
	struct module m = {.g = g};
	bool found = find_module(&m);

	if (found && header && g->layout != GO_117 && m.w[MOD_TEXT] != header)
		return fail(-EBADMSG,
			    "%s: cannot verify where its Go code starts: 0x%llx by its table, "
			    "0x%llx by its module data",
			    g->elf->path, (unsigned long long)header,
			    (unsigned long long)m.w[MOD_TEXT]);
	if (!found && !header)
		return fail(
			-EBADMSG,
			"%s: cannot find where its Go code starts: no module data refers to its "
			"function table",
			g->elf->path);
	g->text = g->layout != GO_117 && found ? m.w[MOD_TEXT] : header;
	g->gofunc = g->layout != GO_117 && found ? m.w[gofunc] : 0;
	return verify(g);
}
