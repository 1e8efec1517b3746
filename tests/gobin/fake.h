/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef GOBIN_FAKE_H
#define GOBIN_FAKE_H
/*
 * Builds a Go program of six functions, 2 KiB in all, in the layout of any release: what the linker
 * writes, without the linker. Enough to be read, far too little to be run.
 */
#include <linux/elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct fake {
	/* What to build. */
	uint32_t magic;
	const char *version; /* "go1.22.0"; NULL: no build info */
	bool arm64;
	bool sections; /* .gopclntab and .go.buildinfo */
	bool text_start; /* in the header (1.18 to 1.25) */
	bool module; /* runtime.firstmoduledata */
	int shift; /* error of the base that the file claims */
	/* Result. */
	uint8_t buf[4096];
	size_t size;
};

/* Addresses are FAKE_BASE + file offset, in all three segments. */
enum {
	FAKE_BASE = 0x400000,
	FAKE_TEXT = 0x200,
	FAKE_TABLE = 0x400,
	FAKE_DATA = 0x800,
	FAKE_SECS = 0xc00
};
enum { FAKE_MORESTACK, FAKE_FRAMED, FAKE_LEAF, FAKE_TAIL, FAKE_LOOPS, FAKE_NOSPLIT, FAKE_FUNCS };

/* One function: its place in the text, its code, and its SP table as (value, length) pairs. */
struct fake_func {
	const char *name;
	uint32_t at;
	uint8_t code[40], len;
	int8_t sp[12];
};

static const struct fake_func fake_new[] = {
	{"runtime.morestack_noctxt", 0, {0xc3}, 1, {0, 1}},
	/* cmp; jbe 18; push; mov; xor; pop; ret; 18: call morestack; jmp 0 */
	{"main.framed",
	 32,
	 {0x49, 0x3b, 0x66, 0x10, 0x76,	       8,    0x55, 0x48, 0x89, 0xe5, 0x31,
	  0xc0, 0x5d, 0xc3, 0xe8, 0xff - 0x32, 0xff, 0xff, 0xff, 0xeb, 0xeb},
	 21,
	 {0, 7, 8, 6, 0, 8}},
	{"main.leaf", 64, {0x31, 0xc0, 0x74, 1, 0xc3, 0xc3}, 6, {0, 6}},
	{"main.tail", 96, {0xe9, 0xdb, 0xff, 0xff, 0xff}, 5, {0, 5}},
	{"main.loops", 128, {0xff, 0xc0, 0x75, 0xfc, 0xc3}, 5, {0, 5}},
	{"main.nosplit", 160, {0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3}, 6, {0, 1, 8, 4, 0, 1}},
};
/* Before 1.21: sub $24,%rsp and add $24,%rsp. */
static const struct fake_func fake_old[] = {
	{"runtime.morestack_noctxt", 0, {0xc3}, 1, {0, 1}},
	{"main.framed",
	 32,
	 {0x49, 0x3b, 0x66, 0x10, 0x76, 11,   0x48,	   0x83, 0xec, 24,   0x31, 0xc0,
	  0x48, 0x83, 0xc4, 24,	  0xc3, 0xe8, 0xff - 0x35, 0xff, 0xff, 0xff, 0xeb, 0xe8},
	 24,
	 {0, 10, 24, 6, 0, 8}},
	{"main.leaf", 64, {0x31, 0xc0, 0x74, 1, 0xc3, 0xc3}, 6, {0, 6}},
	{"main.tail", 96, {0xe9, 0xdb, 0xff, 0xff, 0xff}, 5, {0, 5}},
	{"main.loops", 128, {0xff, 0xc0, 0x75, 0xfc, 0xc3}, 5, {0, 5}},
	{"main.nosplit",
	 160,
	 {0x48, 0x83, 0xec, 8, 0x48, 0x83, 0xc4, 8, 0xc3},
	 9,
	 {0, 4, 8, 4, 0, 1}},
};
/*
 * ldr x16,[x28,#16]; cmp sp,x16; b.ls 24; str x30,[sp,#-16]!; ldr x30,[sp],#16; ret; 24: bl
 * morestack; b 0
 */
static const struct fake_func fake_arm[] = {
	{"runtime.morestack_noctxt", 0, {0xc0, 3, 0x5f, 0xd6}, 4, {0, 4}},
	{"main.framed",
	 32,
	 {0x90, 0x0b, 0x40, 0xf9, 0xff, 0x63, 0x30, 0xeb, 0x89, 0,    0,
	  0x54, 0xfe, 0x0f, 0x1f, 0xf8, 0xfe, 7,    0x41, 0xf8, 0xc0, 3,
	  0x5f, 0xd6, 0xf2, 0xff, 0xff, 0x97, 0xf9, 0xff, 0xff, 0x17},
	 32,
	 {0, 16, 16, 4, 0, 12}},
	{"main.leaf",
	 64,
	 {0x40, 0, 0, 0x34, 0xc0, 3, 0x5f, 0xd6, 0xc0, 3, 0x5f, 0xd6},
	 12,
	 {0, 12}},
	{"main.tail", 96, {0xf8, 0xff, 0xff, 0x17}, 4, {0, 4}},
	{"main.loops",
	 128,
	 {0x1f, 0x20, 3, 0xd5, 0xe0, 0xff, 0xff, 0x35, 0xc0, 3, 0x5f, 0xd6},
	 12,
	 {0, 12}},
	{"main.nosplit",
	 160,
	 {0xfe, 0x0f, 0x1f, 0xf8, 0xfe, 7, 0x41, 0xf8, 0xc0, 3, 0x5f, 0xd6},
	 12,
	 {0, 4, 16, 4, 0, 4}},
};

static inline const struct fake_func *fake_funcs(const struct fake *f)
{
	bool old = f->magic == 0xfffffffa || f->magic == 0xfffffff0;

	return f->arm64 ? fake_arm : old ? fake_old : fake_new;
}

static inline void fake_put(struct fake *f, size_t at, uint64_t v, size_t n)
{
	memcpy(f->buf + at, &v, n);
}

/* Appends an SP table at *at of the pctab that starts at pctab; returns its offset there. */
static inline uint32_t fake_pcsp(struct fake *f, size_t pctab, size_t *at, const int8_t *sp)
{
	uint32_t off = (uint32_t)(*at - pctab);
	int val = -1;

	for (int i = 0; i < 12 && sp[i + 1]; i += 2) {
		int d = sp[i] - val;

		f->buf[(*at)++] = (uint8_t)(d < 0 ? -d * 2 - 1 : d * 2);
		f->buf[(*at)++] = (uint8_t)(sp[i + 1] / (f->arm64 ? 4 : 1));
		val = sp[i];
	}
	(*at)++;
	return off;
}

/* Entry i of the functab, and its _func; the last entry is the end of the text and has none. */
static inline void fake_entry(struct fake *f, size_t functab, int i, uint32_t name, uint32_t pcsp)
{
	bool v117 = f->magic == 0xfffffffa;
	size_t pair = v117 ? 16 : 8, func = functab + pair * (FAKE_FUNCS + 1) + 56 * i;
	uint32_t entry = i < FAKE_FUNCS ? fake_funcs(f)[i].at : fake_funcs(f)[i - 1].at + 32;
	uint64_t va = FAKE_BASE + FAKE_TEXT + entry + f->shift;

	fake_put(f, functab + pair * i, v117 ? va : entry, pair / 2);
	if (i == FAKE_FUNCS)
		return;
	fake_put(f, functab + pair * i + pair / 2, func - functab, pair / 2);
	fake_put(f, func, v117 ? va : entry, pair / 2);
	func += v117 ? 4 : 0;
	fake_put(f, func + 4, name, 4);
	fake_put(f, func + 8, 0x80000000, 4);
	fake_put(f, func + 16, pcsp, 4);
}

static inline void fake_table(struct fake *f)
{
	bool v117 = f->magic == 0xfffffffa;
	size_t h = FAKE_TABLE, w = h + 8, names = h + 80, pctab = h + 240, functab = h + 320, at;
	const struct fake_func *fn = fake_funcs(f);
	uint32_t name[FAKE_FUNCS + 1] = {0}, pcsp[FAKE_FUNCS + 1] = {0};
	uint64_t text = FAKE_BASE + FAKE_TEXT;
	/* The name table begins with the empty name; main.inlined is in no function's _func. */
	char *n = (char *)f->buf + names + 1;

	for (int i = 0; i < FAKE_FUNCS; i++) {
		name[i] = (uint32_t)(n - (char *)f->buf - names);
		n = stpcpy(n, fn[i].name) + 1;
	}
	strcpy(n, "main.inlined");
	/* Offset 0 of pctab means "no table". */
	at = pctab + 1;
	for (int i = 0; i < FAKE_FUNCS; i++)
		pcsp[i] = fake_pcsp(f, pctab, &at, fn[i].sp);
	fake_put(f, h, f->magic, 4);
	f->buf[h + 6] = f->arm64 ? 4 : 1;
	f->buf[h + 7] = 8;
	fake_put(f, w, FAKE_FUNCS, 8);
	fake_put(f, w + 8, 1, 8);
	w += 16;
	if (!v117) {
		fake_put(f, w, f->text_start ? text + f->shift : 0, 8);
		w += 8;
	}
	fake_put(f, w, names - h, 8);
	fake_put(f, w + 8, pctab - 16 - h, 8);
	fake_put(f, w + 16, pctab - 8 - h, 8);
	fake_put(f, w + 24, pctab - h, 8);
	fake_put(f, w + 32, functab - h, 8);
	for (int i = 0; i <= FAKE_FUNCS; i++)
		fake_entry(f, functab, i, name[i], pcsp[i]);
}

static inline void fake_module(struct fake *f, size_t at)
{
	uint64_t table = FAKE_BASE + FAKE_TABLE;

	fake_put(f, at, table, 8);
	fake_put(f, at + 8 * 1, table + 80, 8);
	fake_put(f, at + 8 * 13, table + 320, 8);
	fake_put(f, at + 8 * 17, FAKE_FUNCS + 1, 8);
	fake_put(f, at + 8 * 22, FAKE_BASE + FAKE_TEXT + f->shift, 8);
}

static inline void fake_sections(struct fake *f, Elf64_Ehdr *h)
{
	static const char names[] = "\0.gopclntab\0.go.buildinfo\0.shstrtab";
	Elf64_Shdr *s = (Elf64_Shdr *)(f->buf + FAKE_SECS);
	size_t str = FAKE_SECS + 4 * sizeof(*s);

	memcpy(f->buf + str, names, sizeof(names));
	s[1] = (Elf64_Shdr){.sh_name = 1,
			    .sh_type = 1,
			    .sh_addr = FAKE_BASE + FAKE_TABLE,
			    .sh_offset = FAKE_TABLE,
			    .sh_size = FAKE_DATA - FAKE_TABLE};
	s[2] = (Elf64_Shdr){.sh_name = 12,
			    .sh_type = 1,
			    .sh_addr = FAKE_BASE + FAKE_DATA,
			    .sh_offset = FAKE_DATA,
			    .sh_size = 64};
	s[3] = (Elf64_Shdr){
		.sh_name = 26, .sh_type = 3, .sh_offset = str, .sh_size = sizeof(names)};
	h->e_shoff = FAKE_SECS;
	h->e_shentsize = sizeof(*s);
	h->e_shnum = 4;
	h->e_shstrndx = 3;
	f->size = str + sizeof(names);
}

static inline void fake_build(struct fake *f)
{
	static const uint32_t at[] = {FAKE_TEXT, FAKE_TABLE, FAKE_DATA, FAKE_SECS},
			      flags[] = {PF_R | PF_X, PF_R, PF_R | PF_W};
	Elf64_Ehdr *h = (Elf64_Ehdr *)f->buf;
	Elf64_Phdr *ph = (Elf64_Phdr *)(h + 1);
	const struct fake_func *fn = fake_funcs(f);
	uint8_t *info = f->buf + FAKE_DATA;
	size_t len = f->version ? strlen(f->version) : 0;

	memset(f->buf, 0, sizeof(f->buf));
	f->size = FAKE_SECS;
	*h = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
			  .e_type = 2,
			  .e_machine = f->arm64 ? EM_AARCH64 : EM_X86_64,
			  .e_version = 1,
			  .e_phoff = sizeof(*h),
			  .e_ehsize = sizeof(*h),
			  .e_phentsize = sizeof(*ph),
			  .e_phnum = 3};
	for (int i = 0; i < 3; i++)
		ph[i] = (Elf64_Phdr){.p_type = PT_LOAD,
				     .p_flags = flags[i],
				     .p_offset = at[i],
				     .p_vaddr = FAKE_BASE + at[i],
				     .p_filesz = at[i + 1] - at[i],
				     .p_memsz = at[i + 1] - at[i]};
	memset(f->buf + FAKE_TEXT, f->arm64 ? 0 : 0xcc, FAKE_TABLE - FAKE_TEXT);
	for (int i = 0; i < FAKE_FUNCS; i++)
		memcpy(f->buf + FAKE_TEXT + fn[i].at, fn[i].code, fn[i].len);
	fake_table(f);
	if (f->version) {
		memcpy(info, "\xff Go buildinf:\x08", 15);
		if (f->magic == 0xfffffffa) { /* by pointers, until 1.17 */
			fake_put(f, FAKE_DATA + 16, FAKE_BASE + FAKE_DATA + 32, 8);
			fake_put(f, FAKE_DATA + 32, FAKE_BASE + FAKE_DATA + 48, 8);
			fake_put(f, FAKE_DATA + 40, len, 8);
			memcpy(info + 48, f->version, len);
		} else {
			info[15] = 2;
			info[32] = (uint8_t)len;
			memcpy(info + 33, f->version, len);
		}
	}
	if (f->module)
		fake_module(f, FAKE_DATA + 128);
	if (f->sections)
		fake_sections(f, h);
}
#endif
