// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Functions of Go files, by the names of the pclntab, which stripping leaves in place.
 *
 * A Go function never gets a return probe: the kernel would replace the return address on a stack
 * that Go moves, and kill the process. So exit_off is set for each of them, also for those that
 * were refused or never return.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nearest.h"
#include "resolve.h"

static int see_func(size_t i, const struct gofunc *f, void *ctx)
{
	struct hit h = {.addr = f->entry,
			.size = f->size,
			.index = i,
			.name = (char *)f->name,
			.args = f->args};
	struct resolve *r = ctx;
	enum match m;
	int err = 0;

	for (size_t p = 0; !err && p < r->npats; p++) {
		m = pattern_match(&r->pats[p], f->name);
		if (m == MATCH_NONE)
			continue;
		h.pattern = (uint32_t)p;
		h.match = m;
		err = hits_add(&r->hits, &r->pats[p], &h);
	}
	return err;
}

static int by_name_then_size(const void *a, const void *b)
{
	const struct hit *x = *(const struct hit *const *)a, *y = *(const struct hit *const *)b;

	return strcmp(x->name, y->name) ?: (x->size < y->size) - (x->size > y->size);
}

/*
 * A function that assembly and Go both call is there twice under one name: its body, and a few
 * instructions that translate the calling convention and call it. The larger one is the body; the
 * other is marked (kind 1). The instances of a generic are not that: until Go 1.20 the linker
 * calls all of them F[...].
 */
static int mark_wrappers(struct hits *l)
{
	struct hit **order;
	size_t i, body = 0;

	order = reallocarray(NULL, l->n, sizeof(*order));
	if (!order)
		return fail(-ENOMEM, "out of memory");
	for (i = 0; i < l->n; i++)
		order[i] = &l->v[i];
	qsort(order, l->n, sizeof(*order), by_name_then_size);
	for (i = 1; i < l->n; i++) {
		if (strcmp(order[i]->name, order[body]->name))
			body = i;
		else
			order[i]->kind = order[i]->addr != order[body]->addr &&
					 !strstr(order[i]->name, "[...]");
	}
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
	tf->va_off = s->entry - tf->entry_off;
	for (i = 0; !err && i < tf->nexits; i++)
		err = elf_va_to_off(e, tf->exit_off[i], &tf->exit_off[i]);
	if (err)
		return tfunc_refuse(tf, "its code is not in the file");
	return s->note ? tfunc_note(tf, "%s", s->note) : 0;
}

static struct tfunc *add_named(struct resolve *r, const char *name)
{
	struct tfunc *tf = tfile_add(r->t, name);

	if (tf)
		tf->exit_off = calloc(1, sizeof(*tf->exit_off));
	return tf && tf->exit_off ? tf : NULL;
}

static int add_go(struct resolve *r, struct gobin *g, const struct hit *h)
{
	struct tfunc *tf = add_named(r, h->name);
	struct gosites s = {};
	int err;

	if (!tf)
		return fail(-ENOMEM, "out of memory");
	tf->addr = h->addr;
	tf->args = h->args;
	err = gobin_sites(g, h->index, &s);
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

	if (pattern_match(c->p, s->name) == MATCH_NONE || gobin_at(c->g, s->addr) >= 0)
		return 0;
	snprintf(c->name, sizeof(c->name), "%s", s->name);
	return 1;
}

static int see_near(size_t i, const struct gofunc *f, void *ctx)
{
	nearest_see(ctx, f->name);
	return 0;
}

static int explain_go(struct resolve *r, struct gobin *g, const struct pattern *p)
{
	struct cgo cgo = {.p = p, .g = g};
	char into[256] = "", text[600];
	struct nearest near;

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
	gobin_each(g, see_near, &near);
	return fail(-ENOENT, "no function of %s %s %s%s", r->t->name,
		    p->glob ? "matches" : "is called", p->text,
		    nearest_text(&near, text, sizeof(text)));
}

int resolve_go(struct resolve *r, struct gobin *g)
{
	struct hits *l = &r->hits;
	size_t i;
	int err;

	err = gobin_each(g, see_func, r);
	for (i = 0; !err && i < r->npats; i++)
		if (r->pats[i].best == MATCH_NONE)
			err = explain_go(r, g, &r->pats[i]);
	if (err)
		return err;
	hits_settle(l, r->pats);
	err = mark_wrappers(l);
	for (i = 0; !err && i < l->n; i++) {
		if (!l->v[i].kind && (!i || l->v[i].index != l->v[i - 1].index))
			err = add_go(r, g, &l->v[i]);
		/* The function has its own copy; a glob may match 80,000. */
		free(l->v[i].name);
		l->v[i].name = NULL;
	}
	return err;
}

static int see_known(size_t i, const struct gofunc *f, void *ctx)
{
	const struct known *k = known_find(f->name);
	struct pattern any = {.best = MATCH_NONE};
	struct resolve *r = ctx;

	if (!k)
		return 0;
	return hits_add(&r->hits, &any,
			&(struct hit){.addr = f->entry,
				      .index = i,
				      .name = (char *)f->name,
				      .pattern = (uint32_t)(k - known_entries)});
}

/*
 * The row has only a sentence to give, and a row that can be timed was found on the same library.
 */
static bool superseded(const struct resolve *r, const struct known *k)
{
	const struct known *other;

	for (size_t i = 0; i < r->hits.n; i++) {
		other = &known_entries[r->hits.v[i].pattern];
		if (!other->cannot && !strcmp(other->on, k->on))
			return true;
	}
	return false;
}

int resolve_known(struct resolve *r, struct gobin *g)
{
	int err = gobin_each(g, see_known, r);
	const struct known *k;
	struct tfunc *tf;

	for (size_t i = 0; !err && i < r->hits.n; i++) {
		k = &known_entries[r->hits.v[i].pattern];
		if (!k->cannot) {
			err = add_go(r, g, &r->hits.v[i]);
		} else if (!superseded(r, k)) {
			tf = add_named(r, r->hits.v[i].name);
			err = tf ? tfunc_refuse(tf, "%s", k->cannot)
				 : fail(-ENOMEM, "out of memory");
		}
	}
	if (!err && !r->t->nfuncs)
		err = -ENOENT;
	return err;
}
