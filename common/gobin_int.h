/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef GOBIN_INT_H
#define GOBIN_INT_H
/*
 * What the halves of gobin share: gobin_open.c fills the struct and vouches for it, gobin.c reads
 * functions with it, gobin_sites.c their code.
 *
 * The table (Go 1.27 internal/abi/symtab.go, runtime/symtab.go; older releases alike):
 *   header   magic u32, 0, 0, quantum u8 (1 or 4), pointer size u8, then words: functions, files,
 *            [text start, from 1.18; always 0 from 1.26,] and the offsets of names, cu, files,
 *            pctab, functab
 *   functab  functions + 1 pairs (entry, offset of _func from functab): u32 relative to the text's
 *            start; in 1.16 and 1.17 words and absolute
 *   _func    struct rawfunc below, then npcdata u32 (offsets into pctab), then nfuncdata offsets
 *   pctab    for each table a sequence of (zigzag varint value delta, varint pc delta / quantum),
 *            ended by a zero value delta; values start at -1. "pcsp" is that of SP's distance from
 *            entry.
 */
#include "elf.h"
#include "gobin.h"
#include "insn.h"

enum layout { GO_117 = 0xfffffffa, GO_118 = 0xfffffff0, GO_120 = 0xfffffff1 };

/* Values of _func.flag. ASM from 1.18. */
enum { FUNC_SPWRITE = 2, FUNC_ASM = 4 };

struct gofn {
	uint32_t entry, func; /* offsets from the text's start and from functab */
};

struct names; /* arena of names given out */

struct gobin {
	const struct elf *elf;
	uint32_t layout;
	int minor; /* 0 until known */
	char version[64];
	uint8_t quantum;
	uint64_t table, table_va; /* the header: file offset and address */
	uint64_t names, names_end, pctab, pctab_end, functab, table_end; /* file offsets */
	uint64_t text; /* address that entries are relative to */
	size_t n;
	struct gofn *fn; /* n, and one that ends the last */
	uint64_t gofunc; /* what funcdata is relative to; 0: unknown, or absolute (1.17) */
	uint64_t morestack[4]; /* addresses known to be morestack functions */
	struct block *texts;
	const char **names_given; /* by function; NULL until one is asked for */
	struct elf_win func_win, name_win, pc_win, code_win;
};

/* The fixed part of _func, and where its arrays start. */
struct rawfunc {
	uint32_t entry, name, pcsp, npcdata;
	int32_t args;
	uint8_t flag, nfuncdata;
	uint64_t arrays; /* file offset of pcdata[0] */
};
int gobin_raw(struct gobin *g, size_t i, struct rawfunc *r);
/* The name at offset name of the name table; valid until the next call; NULL when damaged. */
const char *gobin_name(struct gobin *g, uint32_t name);

/* A copy of text that lives until gobin_close; NULL: out of memory. */
const char *gobin_text(struct gobin *g, const char *text);

/* One run of a pctab table: offsets from the function's entry, and the value there. */
struct pcrun {
	uint32_t start, end;
	int32_t val;
};
struct pciter {
	struct gobin *g;
	uint64_t off;
	uint32_t pc;
	int32_t val;
	bool first;
};
void gobin_pc_start(struct gobin *g, uint32_t table, struct pciter *it);
/* 1: *r is the next run; 0: no more; -EBADMSG. */
int gobin_pc_next(struct pciter *it, struct pcrun *r);
/*
 * Reads n words at va as they are in memory once the file is loaded at its own addresses: in place,
 * or the addend of the RELATIVE relocation there, which is what a PIE has. 0 or -ERANGE.
 */
int gobin_words(const struct elf *e, uint64_t va, uint64_t *w, size_t n);
/*
 * Sets g->text and g->gofunc. header is the text's start by the table's header, 0 where that has
 * none. Refuses with fail() text what it cannot verify.
 */
int gobin_base(struct gobin *g, uint64_t header);
#endif
