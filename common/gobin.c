// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "gobin_int.h"
#include "log.h"

static int damaged(const struct gobin *g, const char *what)
{
	return fail(-EBADMSG, "%s: damaged Go function table: %s", g->elf->path, what);
}

/* Texts given out live until gobin_close, in blocks, so that none ever moves. */
struct block {
	struct block *next;
	size_t used;
	char text[65536 - sizeof(void *) - sizeof(size_t)];
};

const char *gobin_text(struct gobin *g, const char *text)
{
	size_t len = strlen(text) + 1;
	struct block *b = g->texts;

	if (!b || len > sizeof(b->text) - b->used) {
		b = malloc(sizeof(*b));
		if (!b)
			return NULL;
		b->used = 0;
		b->next = g->texts;
		g->texts = b;
	}
	b->used += len;
	return memcpy(b->text + b->used - len, text, len);
}

void gobin_close(struct gobin *g)
{
	struct block *b, *next;

	if (!g)
		return;
	for (b = g->texts; b; b = next) {
		next = b->next;
		free(b);
	}
	free(g->names_given);
	free(g->fn);
	free(g);
}

const char *gobin_version(const struct gobin *g)
{
	return g->version;
}

int gobin_minor(const struct gobin *g)
{
	return g->minor;
}

size_t gobin_count(const struct gobin *g)
{
	return g->n;
}

int gobin_raw(struct gobin *g, size_t i, struct rawfunc *r)
{
	/* A word for the entry in 1.17, then u32 all through; one more (startLine) from 1.20. */
	size_t skip = g->layout == GO_117 ? 4 : 0;
	size_t size = (g->layout == GO_120 ? 44 : 40) + skip;
	const uint8_t *p =
		i < g->n ? elf_peek(&g->func_win, g->functab + g->fn[i].func, size) : NULL;

	if (!p)
		return damaged(g, "a function lies beyond its end");
	memcpy(&r->entry, p, 4);
	p += skip;
	memcpy(&r->name, p + 4, 4);
	memcpy(&r->args, p + 8, 4);
	memcpy(&r->pcsp, p + 16, 4);
	memcpy(&r->npcdata, p + 28, 4);
	r->flag = p[size - skip - 3];
	r->nfuncdata = p[size - skip - 1];
	r->arrays = g->functab + g->fn[i].func + size;
	if (g->layout == GO_117)
		r->entry = g->fn[i].entry;
	return r->entry == g->fn[i].entry ? 0 : damaged(g, "two entries of a function differ");
}

const char *gobin_name(struct gobin *g, uint32_t name)
{
	return elf_peek_str(&g->name_win, g->names + name, g->names_end);
}

void gobin_pc_start(struct gobin *g, uint32_t table, struct pciter *it)
{
	*it = (struct pciter){.g = g, .off = g->pctab + table, .val = -1, .first = true};
}

static bool varint(struct pciter *it, uint32_t *v)
{
	*v = 0;
	for (int shift = 0; shift < 35 && it->off < it->g->pctab_end; shift += 7) {
		const uint8_t *b = elf_peek(&it->g->pc_win, it->off++, 1);

		if (!b)
			return false;
		*v |= (uint32_t)(*b & 0x7f) << shift;
		if (!(*b & 0x80))
			return true;
	}
	return false;
}

int gobin_pc_next(struct pciter *it, struct pcrun *r)
{
	uint32_t delta, pc;

	if (!varint(it, &delta))
		return damaged(it->g, "an address table does not end");
	if (!delta && !it->first)
		return 0;
	it->first = false;
	if (!varint(it, &pc) || __builtin_mul_overflow(pc, it->g->quantum, &pc) ||
	    __builtin_add_overflow(it->pc, pc, &pc))
		return damaged(it->g, "an address table does not end");
	it->val = (int32_t)((uint32_t)it->val + (delta >> 1 ^ -(delta & 1)));
	*r = (struct pcrun){it->pc, pc, it->val};
	it->pc = pc;
	return 1;
}

static int read_func(struct gobin *g, size_t i, struct gofunc *f)
{
	struct rawfunc r;
	int err = gobin_raw(g, i, &r);

	if (err)
		return err;
	f->entry = g->text + g->fn[i].entry;
	f->size = g->fn[i + 1].entry - g->fn[i].entry;
	/* 0x80000000: "unknown", of assembly without a declaration. */
	f->args = r.args < 0 ? -1 : r.args;
	f->name = gobin_name(g, r.name);
	return f->name ? 0 : damaged(g, "a name lies beyond its end");
}

int gobin_func(const struct gobin *cg, size_t i, struct gofunc *f)
{
	/* Reading moves windows and keeps names; what a caller can see of g stays as it is. */
	struct gobin *g = (struct gobin *)cg;
	int err;

	if (i >= g->n)
		return fail(-EINVAL, "%s has no function number %zu", g->elf->path, i);
	err = read_func(g, i, f);
	if (err)
		return err;
	if (!g->names_given)
		g->names_given = calloc(g->n, sizeof(*g->names_given));
	if (g->names_given && !g->names_given[i])
		g->names_given[i] = gobin_text(g, f->name);
	f->name = g->names_given ? g->names_given[i] : NULL;
	return f->name ? 0 : fail(-ENOMEM, "out of memory");
}

int gobin_each(const struct gobin *cg, int (*fn)(size_t i, const struct gofunc *f, void *ctx),
	       void *ctx)
{
	struct gobin *g = (struct gobin *)cg;
	struct gofunc f;
	int err = 0;

	for (size_t i = 0; !err && i < g->n; i++)
		err = read_func(g, i, &f) ?: fn(i, &f, ctx);
	return err;
}

ssize_t gobin_at(const struct gobin *g, uint64_t va)
{
	size_t lo = 0, hi = g->n;

	if (va < g->text || va - g->text < g->fn[0].entry || va - g->text >= g->fn[g->n].entry)
		return -ENOENT;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (g->fn[mid].entry <= va - g->text)
			lo = mid;
		else
			hi = mid;
	}
	return (ssize_t)lo;
}

struct find {
	const char *name;
	ssize_t index;
	uint64_t size;
};

static int see_func(size_t i, const struct gofunc *f, void *ctx)
{
	struct find *c = ctx;

	if (!strcmp(f->name, c->name) && (c->index < 0 || f->size > c->size)) {
		c->index = (ssize_t)i;
		c->size = f->size;
	}
	return 0;
}

ssize_t gobin_find(const struct gobin *g, const char *name)
{
	struct find c = {.name = name, .index = -ENOENT};
	int err = gobin_each(g, see_func, &c);

	return err ?: c.index;
}

void gobin_offsets(const struct gobin *g, struct gooffsets *o)
{
	*o = (struct gooffsets){
		/* g.syscallbp came in 1.23, gobuf.ret left in 1.25. */
		.goid = g->minor == 23 || g->minor == 24 ? 160 : 152,
		.atomicstatus = g->minor == 23 || g->minor == 24 ? 152 : 144,
		.sched_sp = 56,
		.resp_status = g->minor >= 27 ? 128 : 120,
		.req_pattern = g->minor >= 23 ? 232 : 0,
		.req_pat = g->minor == 22 ? 248 : 0,
	};
}
