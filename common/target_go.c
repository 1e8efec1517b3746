// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Functions of Go files, by the names of the pclntab, which stripping leaves in place.
 *
 * A Go function never gets a return probe: the kernel would replace the return address on a stack that Go moves, and
 * kill the process. So exit_off is set for each of them, also for those that were refused or never return.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nearest.h"
#include "resolve.h"

static int match_all(struct resolve *r, const struct gobin *g)
{
	size_t i, p, n = gobin_count(g);
	struct gofunc f;
	enum match m;
	int err;

	for (i = 0; i < n; i++) {
		err = gobin_func(g, i, &f);
		if (err)
			return err;
		for (p = 0; p < r->npats; p++) {
			m = pattern_match(&r->pats[p], f.name);
			if (m == MATCH_NONE)
				continue;
			err = hits_add(&r->hits, &r->pats[p],
				       &(struct hit){.addr = f.entry,
						     .size = f.size,
						     .index = i,
						     .pattern = p,
						     .match = m});
			if (err)
				return err;
		}
	}
	return 0;
}

static int by_name_then_size(const void *a, const void *b, void *ctx)
{
	const struct hit *x = *(const struct hit *const *)a, *y = *(const struct hit *const *)b;
	struct gofunc f = {.name = ""}, h = {.name = ""};
	int c;

	gobin_func(ctx, x->index, &f);
	gobin_func(ctx, y->index, &h);
	c = strcmp(f.name, h.name);
	return c ?: (x->size < y->size) - (x->size > y->size);
}

/*
 * A function that assembly and Go both call is there twice under one name: its body, and a few instructions that
 * translate the calling convention and call it. The larger one is the body; the other is dropped (index set to the
 * count of functions).
 */
static int drop_wrappers(struct resolve *r, struct gobin *g)
{
	struct hits *l = &r->hits;
	struct gofunc f, prev;
	struct hit **order;
	size_t i;

	if (l->n < 2)
		return 0;
	order = reallocarray(NULL, l->n, sizeof(*order));
	if (!order)
		return fail(-ENOMEM, "out of memory");
	for (i = 0; i < l->n; i++)
		order[i] = &l->v[i];
	qsort_r(order, l->n, sizeof(*order), by_name_then_size, g);
	for (i = 1; i < l->n; i++)
		if (!gobin_func(g, order[i]->index, &f) &&
		    !gobin_func(g, order[i - 1]->index, &prev) && f.entry != prev.entry &&
		    !strcmp(f.name, prev.name))
			order[i]->kind = 1;
	free(order);
	return 0;
}

/* Virtual addresses to file offsets, in place: the array becomes the function's. */
static int set_sites(struct tfunc *tf, const struct elf *e, const struct gosites *s)
{
	size_t i;
	int err;

	tf->kind = s->kind;
	tf->depth = s->depth;
	if (s->exits) {
		free(tf->exit_off);
		tf->exit_off = s->exits;
		tf->nexits = s->nexits;
	}
	err = elf_va_to_off(e, s->entry, &tf->entry_off);
	for (i = 0; !err && i < tf->nexits; i++)
		err = elf_va_to_off(e, tf->exit_off[i], &tf->exit_off[i]);
	if (err)
		return tfunc_refuse(tf, "its code is not in the file");
	if (s->note)
		err = tfunc_note(tf, "%s", s->note);
	if (!err && !tf->nexits && !s->note)
		err = tfunc_note(tf, "never returns: its calls are counted as running");
	return err;
}

static int add_go(struct resolve *r, struct gobin *g, size_t index)
{
	struct gosites s = {};
	struct tfunc *tf;
	struct gofunc f;
	int err;

	err = gobin_func(g, index, &f);
	if (err)
		return err;
	tf = tfile_add(r->t, f.name);
	if (tf)
		tf->exit_off = calloc(1, sizeof(*tf->exit_off));
	if (!tf || !tf->exit_off)
		return fail(-ENOMEM, "out of memory");
	tf->addr = f.entry;
	tf->args = f.args;
	err = gobin_sites(g, index, &s);
	if (!err)
		return set_sites(tf, r->elf, &s);
	return err == -ENOMEM ? err : tfunc_refuse(tf, "%s", fail_text(err));
}

struct cgo {
	const struct pattern *p;
	const struct gobin *g;
	char name[256];
};

/* In .symtab but not in the pclntab: compiled by a C compiler. */
static int find_c(const struct elf_sym *s, void *ctx)
{
	struct cgo *c = ctx;
	struct gofunc f;
	size_t i;

	if (pattern_match(c->p, s->name) == MATCH_NONE)
		return 0;
	for (i = 0; i < gobin_count(c->g); i++)
		if (!gobin_func(c->g, i, &f) && s->addr >= f.entry && s->addr < f.entry + f.size)
			return 0;
	snprintf(c->name, sizeof(c->name), "%s", s->name);
	return 1;
}

static int explain_go(struct resolve *r, struct gobin *g, const struct pattern *p)
{
	struct cgo cgo = {.p = p, .g = g};
	char into[256] = "", text[600];
	struct nearest near;
	struct gofunc f;
	size_t i;

	if (gobin_inlined(g, p->text, into, sizeof(into)))
		return fail(-ENOENT,
			    "%s: %s exists only inlined%s%s%s: rebuild with -gcflags=all=-l, or "
			    "trace %s",
			    r->t->name, p->text, *into ? " (into " : "", into, *into ? ")" : "",
			    *into ? into : "its caller");
	if (elf_each_func(r->elf, find_c, &cgo) == 1)
		return fail(-ENOTSUP,
			    "%s: %s is C code inside a Go binary: return probes would damage Go's "
			    "stacks; "
			    "trace the Go function that calls it",
			    r->t->name, cgo.name);
	nearest_init(&near, p->text);
	for (i = 0; i < gobin_count(g); i++)
		if (!gobin_func(g, i, &f))
			nearest_see(&near, f.name);
	return fail(-ENOENT, "no function of %s %s %s%s", r->t->name,
		    p->glob ? "matches" : "is called", p->text,
		    nearest_text(&near, text, sizeof(text)));
}

int resolve_go(struct resolve *r, struct gobin *g)
{
	struct hits *l = &r->hits;
	size_t i;
	int err;

	err = match_all(r, g);
	for (i = 0; !err && i < r->npats; i++)
		if (r->pats[i].best == MATCH_NONE)
			err = explain_go(r, g, &r->pats[i]);
	if (err)
		return err;
	hits_settle(l, r->pats);
	err = drop_wrappers(r, g);
	for (i = 0; !err && i < l->n; i++)
		if (!l->v[i].kind && (!i || l->v[i].index != l->v[i - 1].index))
			err = add_go(r, g, l->v[i].index);
	return err;
}

/* Rows of known.c that say why nothing can be timed, for frameworks of which nothing else was found. */
static int add_hopeless(struct resolve *r, const size_t *at)
{
	const struct known *k, *other;
	struct tfunc *tf;
	size_t i, j;
	int err = 0;

	for (i = 0; !err && i < known_count; i++) {
		k = &known_entries[i];
		if (!k->cannot || at[i] == SIZE_MAX)
			continue;
		for (j = 0; j < known_count; j++) {
			other = &known_entries[j];
			if (!other->cannot && at[j] != SIZE_MAX && !strcmp(other->on, k->on))
				break;
		}
		if (j < known_count)
			continue;
		tf = tfile_add(r->t, k->function);
		if (!tf || !(tf->exit_off = calloc(1, sizeof(*tf->exit_off))))
			return fail(-ENOMEM, "out of memory");
		err = tfunc_refuse(tf, "%s", k->cannot);
	}
	return err;
}

int resolve_known(struct resolve *r, struct gobin *g)
{
	size_t i, n = gobin_count(g), *at;
	const struct known *k;
	struct gofunc f;
	int err = 0;

	at = malloc(known_count * sizeof(*at));
	if (!at)
		return fail(-ENOMEM, "out of memory");
	memset(at, 0xff, known_count * sizeof(*at));
	for (i = 0; !err && i < n; i++) {
		err = gobin_func(g, i, &f);
		k = err ? NULL : known_find(f.name);
		if (!k)
			continue;
		at[k - known_entries] = i;
		if (!k->cannot)
			err = add_go(r, g, i);
	}
	err = err ?: add_hopeless(r, at);
	free(at);
	if (!err && !r->t->nfuncs)
		err = -ENOENT;
	return err;
}
