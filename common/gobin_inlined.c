// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Functions that exist only inlined. Their names are in the name table (tracebacks print them), no
 * function has them; who swallowed them is in the inline trees.
 */
#include <errno.h>
#include <string.h>
#include "gobin_int.h"

/* Indices into the arrays behind _func (internal/abi/symtab.go). */
enum { PCDATA_INLTREE = 2, FUNCDATA_INLTREE = 3 };

/* Real functions have some hundred calls inlined; a damaged table has any number. */
enum { MAX_INLTREE = 65536 };

/* Offset of name in the name table, or -1. It has NUL-terminated names one after the other. */
static int64_t find_name(struct gobin *g, const char *name)
{
	uint64_t off = g->names;

	while (off < g->names_end) {
		const char *s = elf_peek_str(&g->name_win, off, g->names_end);

		if (!s)
			return -1;
		if (!strcmp(s, name))
			return (int64_t)(off - g->names);
		off += strlen(s) + 1;
	}
	return -1;
}

/*
 * Number of entries of the inline tree: the highest index that the function's code refers to, and
 * one.
 */
static uint32_t inltree_count(struct gobin *g, const struct rawfunc *r)
{
	const void *p = r->npcdata > PCDATA_INLTREE
				? elf_peek(&g->func_win, r->arrays + 4 * PCDATA_INLTREE, 4)
				: NULL;
	struct pciter it;
	struct pcrun run;
	uint32_t table, n = 0;

	if (!p)
		return 0;
	memcpy(&table, p, 4);
	if (!table)
		return 0;
	gobin_pc_start(g, table, &it);
	while (gobin_pc_next(&it, &run) == 1)
		if (run.val >= (int32_t)n && run.val < MAX_INLTREE)
			n = (uint32_t)run.val + 1;
	return n;
}

/* Address of the inline tree, or 0. */
static uint64_t inltree(struct gobin *g, const struct rawfunc *r)
{
	uint64_t arrays = r->arrays + 4ull * r->npcdata, va;
	const void *p;
	uint32_t off;

	if (r->nfuncdata <= FUNCDATA_INLTREE)
		return 0;
	if (g->layout == GO_117) { /* addresses, aligned */
		arrays = ((arrays - g->table + 7) & ~7ull) + 8 * FUNCDATA_INLTREE;
		return gobin_words(g->elf, g->table_va + arrays, &va, 1) ? 0 : va;
	}
	p = elf_peek(&g->func_win, arrays + 4 * FUNCDATA_INLTREE, 4);
	if (!p || !g->gofunc)
		return 0;
	memcpy(&off, p, 4);
	return off == UINT32_MAX ? 0 : g->gofunc + off;
}

/* Whether function i has name (an offset) inlined into it. */
static bool has_inlined(struct gobin *g, size_t i, uint32_t name)
{
	/*
	 * runtime.inlinedCall: 20 bytes with the name at 12, from 1.20 16 bytes with the name at
	 * 4.
	 */
	size_t size = g->layout == GO_120 ? 16 : 20, at = g->layout == GO_120 ? 4 : 12;
	struct rawfunc r;
	uint64_t tree;
	uint32_t n, got;

	if (gobin_raw(g, i, &r) || !(tree = inltree(g, &r)))
		return false;
	n = inltree_count(g, &r);
	for (uint32_t k = 0; k < n; k++) {
		if (elf_read_va(g->elf, &got, 4, tree + k * size + at))
			return false;
		if (got == name)
			return true;
	}
	return false;
}

bool gobin_inlined(const struct gobin *cg, const char *name, char *into, size_t size)
{
	struct gobin *g = (struct gobin *)cg;
	struct gofunc f;
	int64_t off;

	if (into && size)
		*into = '\0';
	if (gobin_find(g, name) != -ENOENT)
		return false;
	off = *name ? find_name(g, name) : -1;
	if (off < 0)
		return false;
	for (size_t i = 0; into && size && i < g->n; i++) {
		if (!has_inlined(g, i, (uint32_t)off) || gobin_func(g, i, &f))
			continue;
		strncat(into, f.name, size - 1);
		break;
	}
	return true;
}
