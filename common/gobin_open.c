// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Recognises a Go binary, its release and its function table. */
#include <errno.h>
#include <linux/elf.h>
#include <stdlib.h>
#include <string.h>
#include "gobin_int.h"
#include "log.h"

/* 2^24 functions: twenty times the largest known program, and 128 MB. */
enum { MAX_FUNCS = 1 << 24 };

static int damaged(const struct gobin *g, const char *what)
{
	return fail(-EBADMSG, "%s: damaged Go function table: %s", g->elf->path, what);
}

/*
 * Before 1.18: the word at 16 is the address of a string (address, length), all of them relocated
 * in a PIE.
 */
static void read_old_version(struct gobin *g, uint64_t off)
{
	uint64_t va = 0, str[2];

	for (size_t i = 0; i < g->elf->nsegs; i++)
		if (off >= g->elf->segs[i].off &&
		    off - g->elf->segs[i].off < g->elf->segs[i].filesz)
			va = g->elf->segs[i].vaddr + (off - g->elf->segs[i].off);
	if (gobin_words(g->elf, va + 16, &va, 1) || gobin_words(g->elf, va, str, 2) ||
	    str[1] >= sizeof(g->version) || elf_read_va(g->elf, g->version, str[1], str[0]))
		g->version[0] = '\0';
}

/*
 * debug/buildinfo: "\xff Go buildinf:", pointer size, flags; with flag 2 the version follows at
 * 32, its length first.
 */
static bool read_version(struct gobin *g, uint64_t off)
{
	uint8_t head[33];
	const char *v;

	if (elf_pread(g->elf, head, sizeof(head), off) || memcmp(head, "\xff Go buildinf:", 14))
		return false;
	if (!(head[15] & 2))
		read_old_version(g, off);
	else if (head[32] < sizeof(g->version) &&
		 elf_pread(g->elf, g->version, head[32], off + sizeof(head)))
		g->version[0] = '\0';
	v = strstr(g->version, "go1.");
	g->minor = v ? atoi(v + 4) : 0;
	/* "go1.24.4 X:nocoverageredesign": the experiments are no part of the release. */
	g->version[strcspn(g->version, " ")] = '\0';
	return true;
}

/* Build info lies in writable data, aligned to 16. */
static bool scan_version(struct gobin *g)
{
	const struct elf *e = g->elf;
	bool found = false;
	const char *p;

	for (size_t i = 0; !found && i < e->nsegs; i++) {
		const struct elf_seg *s = &e->segs[i];

		if (!(s->flags & PF_W))
			continue;
		for (uint64_t at = -s->vaddr & 15; at + 33 <= s->filesz && !found; at += 16) {
			p = elf_peek(&g->code_win, s->off + at, 16);
			if (!p)
				break;
			found = *p == '\xff' && read_version(g, s->off + at);
		}
	}
	return found;
}

static int see_go_note(const struct elf_note *n, void *ctx)
{
	return !strcmp(n->name, "Go");
}

static bool looks_go(struct gobin *g)
{
	const struct elf_sec *s = elf_section(g->elf, ".go.buildinfo");

	if (s ? read_version(g, s->off) : scan_version(g))
		return true;
	return elf_section(g->elf, ".gopclntab") || elf_each_note(g->elf, see_go_note, NULL) == 1;
}

static int see_foreign(const struct elf_sym *s, void *ctx)
{
	const char **name = ctx;

	if (!strncmp(s->name, "tinygo_", 7))
		*name = "TinyGo";
	else if (!strncmp(s->name, "__go_", 5))
		*name = "gccgo";
	return *name != NULL;
}

/* Not built by Go's own compiler: by another one, or no Go at all. */
static int not_go(const struct elf *e)
{
	const char *name = NULL;

	elf_each_func(e, see_foreign, &name);
	fail_clear();
	if (!name)
		return -ENOENT;
	return fail(-EPROTONOSUPPORT,
		    "%s was built with %s: only programs of Go's own compiler (gc) can be traced",
		    e->path, name);
}

/*
 * Takes the table at file offset off, address va, of which at most size bytes are there. -ENOENT:
 * no such thing there (this may be an accident of the scan). Other errors: a table, but not one we
 * read.
 */
static int read_header(struct gobin *g, uint64_t off, uint64_t va, uint64_t size)
{
	uint64_t w[8], first, n;
	uint8_t h[8];

	if (off >= g->elf->size)
		return -ENOENT;
	if (size > g->elf->size - off)
		size = g->elf->size - off;
	if (size < 8 + sizeof(w) || elf_pread(g->elf, h, 8, off) ||
	    elf_pread(g->elf, w, sizeof(w), off + 8))
		return -ENOENT;
	memcpy(&g->layout, h, 4);
	if (h[4] || h[5] || h[6] != (g->elf->machine == EM_X86_64 ? 1 : 4) || h[7] != 8)
		return -ENOENT;
	if (g->layout == 0xfffffffb)
		return fail(-EPROTONOSUPPORT,
			    "%s was built with Go 1.15 or older: Go 1.17 or newer is needed",
			    g->elf->path);
	if (g->layout != GO_117 && g->layout != GO_118 && g->layout != GO_120)
		return -ENOENT;
	/* The order of the parts is the format's, so offsets that do not rise are no header. */
	first = g->layout == GO_117 ? 2 : 3;
	n = w[0];
	for (uint64_t i = first; i < first + 4; i++)
		if (w[i] >= w[i + 1])
			return -ENOENT;
	if (!n || n > MAX_FUNCS || w[first] < 8 * (first + 6) || w[first + 4] >= size)
		return -ENOENT;
	g->quantum = h[6];
	g->table = off;
	g->table_va = va;
	g->table_end = off + size;
	g->names = off + w[first];
	g->names_end = off + w[first + 1];
	g->pctab = off + w[first + 3];
	g->pctab_end = g->functab = off + w[first + 4];
	g->n = n;
	return 0;
}

static int try_section(struct gobin *g, const char *name)
{
	const struct elf_sec *s = elf_section(g->elf, name);

	return s && s->type != SHT_NOBITS ? read_header(g, s->off, s->addr, s->size) : -ENOENT;
}

static int try_symbol(struct gobin *g)
{
	const struct elf_seg *s;
	uint64_t va;

	if (elf_find_symbol(g->elf, "runtime.pclntab", &va, NULL))
		return -ENOENT;
	s = elf_seg_at(g->elf, va, 1);
	return s ? read_header(g, s->off + (va - s->vaddr), va, s->filesz - (va - s->vaddr))
		 : -ENOENT;
}

/*
 * Linked by the C linker, the table lies unnamed in .data.rel.ro or .rodata: look for its first
 * eight bytes.
 */
static int scan_segment(struct gobin *g, const struct elf_seg *s)
{
	const uint8_t *p;
	int err = -ENOENT;

	for (uint64_t at = -s->vaddr & 7; at + 72 <= s->filesz && err == -ENOENT; at += 8) {
		p = elf_peek(&g->code_win, s->off + at, 8);
		if (!p)
			break;
		if (p[1] == 0xff && p[2] == 0xff && p[3] == 0xff && p[7] == 8)
			err = read_header(g, s->off + at, s->vaddr + at, s->filesz - at);
	}
	return err;
}

static int find_table(struct gobin *g)
{
	int err = try_section(g, ".gopclntab");

	if (err == -ENOENT)
		err = try_section(g, ".data.rel.ro.gopclntab");
	if (err == -ENOENT)
		err = try_symbol(g);
	for (size_t i = 0; err == -ENOENT && i < g->elf->nsegs; i++)
		err = scan_segment(g, &g->elf->segs[i]);
	if (err != -ENOENT)
		return err;
	return fail(-EBADMSG,
		    "%s was built with Go, but has no function table: obfuscated or packed?",
		    g->elf->path);
}

/*
 * Go 1.17 has absolute addresses in its functab, in a PIE as relocations. Returns the first one in
 * *base.
 */
static int read_functab_117(struct gobin *g, uint64_t *base)
{
	size_t words = 2 * g->n + 1;
	uint64_t *w = calloc(words, sizeof(*w));
	int err =
		w ? gobin_words(g->elf, g->table_va + (g->functab - g->table), w, words) : -ENOMEM;

	for (size_t i = 0; !err && i <= g->n; i++) {
		uint64_t func = i < g->n ? w[2 * i + 1] : 0;

		if (w[2 * i] < w[0] || w[2 * i] - w[0] > UINT32_MAX || func > UINT32_MAX)
			err = -EBADMSG;
		else
			g->fn[i] = (struct gofn){(uint32_t)(w[2 * i] - w[0]), (uint32_t)func};
	}
	*base = err ? 0 : w[0];
	free(w);
	return err;
}

/* base receives what the header says of the text's start; 0 from Go 1.26. */
static int read_functab(struct gobin *g, uint64_t *base)
{
	size_t size = g->n * sizeof(*g->fn) + 4;
	int err;

	if (g->n > (g->table_end - g->functab) / sizeof(*g->fn))
		return damaged(g, "more functions than it has room for");
	g->fn = calloc(g->n + 1, sizeof(*g->fn));
	if (!g->fn)
		return fail(-ENOMEM, "out of memory");
	if (g->layout == GO_117)
		err = read_functab_117(g, base);
	else
		err = elf_pread(g->elf, g->fn, size, g->functab)
			      ?: gobin_words(g->elf, g->table_va + 24, base, 1);
	for (size_t i = 0; !err && i < g->n; i++)
		if (g->fn[i].entry > g->fn[i + 1].entry)
			err = -EBADMSG; /* equal: C functions of the race detector, of size 0 */
	return err ? damaged(g, "its functions are not in order") : 0;
}

/*
 * 1.16 and 1.17 share a magic; without build info the code tells: 1.17 keeps g in R14, so that the
 * stack check of almost every function starts with cmp 0x10(%r14),%rsp.
 */
static int tell_117(const struct gobin *g, uint64_t base)
{
	size_t step = g->n / 256 + 1;
	uint8_t b[4];

	for (size_t i = 0; i < g->n; i += step)
		if (!elf_read_va(g->elf, b, 4, base + g->fn[i].entry) &&
		    !memcmp(b, "\x49\x3b\x66\x10", 4))
			return 17;
	return 16;
}

static int check_release(struct gobin *g, uint64_t base)
{
	if (!g->minor)
		g->minor = g->layout == GO_120 ? 20 : g->layout == GO_118 ? 18 : tell_117(g, base);
	if (g->minor < 17)
		return fail(-EPROTONOSUPPORT,
			    "%s was built with Go 1.%d: Go 1.17 or newer is needed", g->elf->path,
			    g->minor);
	if (g->minor < 18 && g->elf->machine == EM_AARCH64)
		return fail(-EPROTONOSUPPORT,
			    "%s was built with Go 1.17: on arm64, Go 1.18 or newer is needed",
			    g->elf->path);
	return 0;
}

int gobin_open(struct gobin **gp, const struct elf *e)
{
	struct gobin *g = calloc(1, sizeof(*g));
	uint64_t base;
	int err;

	*gp = NULL;
	if (!g)
		return fail(-ENOMEM, "out of memory");
	g->elf = e;
	g->func_win.e = g->name_win.e = g->pc_win.e = g->code_win.e = e;
	err = looks_go(g) ? find_table(g) : not_go(e);
	err = err ?: read_functab(g, &base);
	err = err ?: check_release(g, base);
	err = err ?: gobin_base(g, base);
	if (err)
		gobin_close(g);
	else
		*gp = g;
	return err;
}
