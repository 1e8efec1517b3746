// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Functions of everything that is not Go (C, C++, Rust ...), by the symbols of the file or of its
 * separate debug file. C++ and Rust names are compared as they are in the symbol table (mangled).
 */
#include <errno.h>
#include <linux/elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "nearest.h"
#include "resolve.h"
#include "target_exits.h"

#ifndef STT_GNU_IFUNC
#define STT_GNU_IFUNC 10 /* the gABI's STT_LOOS; not in the kernel's header */
#endif

#define IFUNC_HINTS 16 /* so many get candidates looked up; a glob over libc has 70 */
#define ALIASES	    3 /* shown in a note */

enum { /* hit.kind */
       SYM_IFUNC = 1,
       SYM_COLD = 2,
       SYM_CLONE = 4,
       SYM_NOSIZE = 8,
       SYM_LOCAL = 16,
};

struct source {
	struct elf *debug; /* separate debug file, or NULL */
	bool exported_only; /* stripped, and no debug file: .dynsym is all there is */
};

struct scan {
	struct resolve *r;
	char **clone; /* for each pattern: a clone of the function it names */
	size_t seen;
	bool rets; /* probe RETs, not returns */
	struct cold { /* then: the parts that the compiler set aside, by name */
		char *name; /* of the function */
		struct code_range range;
	} * cold;
	size_t ncold;
};

/*
 * gcc and clang put what they did to a function behind its name: foo.constprop.0, foo.isra.0.cold,
 * foo.llvm.123.
 */
static unsigned int clone_kind(const char *name, size_t *base)
{
	static const char *const marks[] = {"cold",	"constprop", "isra", "part",
					    "lto_priv", "llvm",	     "ipa"};
	const char *p = *name ? strchr(name + 1, '.') : NULL;
	unsigned int kind = 0;
	size_t i, len;

	if (!p)
		return 0;
	*base = (size_t)(p - name);
	for (; *p; p += len) {
		len = strcspn(++p, ".");
		if (len && strspn(p, "0123456789") >= len)
			continue;
		for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
			if (len == strlen(marks[i]) && !strncmp(p, marks[i], len))
				break;
		if (i == sizeof(marks) / sizeof(marks[0]))
			return 0;
		kind |= i ? SYM_CLONE : SYM_COLD | SYM_CLONE;
	}
	return kind;
}

static int match_sym(struct scan *c, size_t i, const char *name, struct hit *h, size_t base)
{
	struct pattern *p = &c->r->pats[i];
	enum match m = pattern_match(p, name);

	if (m > MATCH_CLONE && h->kind & SYM_COLD)
		return 0;
	if (m > MATCH_CLONE && h->kind & SYM_CLONE && strlen(p->text) == base &&
	    !strncmp(p->text, name, base)) {
		m = MATCH_CLONE;
		if (!c->clone[i]) {
			c->clone[i] = strdup(name);
			if (!c->clone[i])
				return fail(-ENOMEM, "out of memory");
		}
	}
	if (m == MATCH_NONE)
		return 0;
	h->match = m;
	h->pattern = (uint32_t)i;
	return hits_add(&c->r->hits, p, h);
}

/* foo@@VERSION in .symtab: the version is not part of the name. buf is used when there is one. */
static char *plain_name(const struct elf_sym *s, char *buf, size_t size)
{
	const char *at = strchr(s->name, '@');

	if (!at || at == s->name || (size_t)(at - s->name) >= size)
		return (char *)s->name;
	memcpy(buf, s->name, at - s->name);
	buf[at - s->name] = 0;
	return buf;
}

static int see_sym(const struct elf_sym *s, void *ctx)
{
	struct hit h = {.addr = s->addr, .size = s->size};
	struct scan *c = ctx;
	size_t i, base = 0;
	char buf[1024];
	int err = 0;

	if (!*s->name)
		return 0;
	c->seen++;
	h.name = plain_name(s, buf, sizeof(buf));
	h.kind = clone_kind(h.name, &base) | (s->type == STT_GNU_IFUNC ? SYM_IFUNC : 0) |
		 (s->size ? 0 : SYM_NOSIZE) | (s->bind == STB_LOCAL ? SYM_LOCAL : 0);
	for (i = 0; !err && i < c->r->npats; i++)
		err = match_sym(c, i, h.name, &h, base);
	return err;
}

/* Where the names are: .symtab, else the separate debug file, else .dynsym. */
static void open_source(struct resolve *r, struct source *s)
{
	size_t i;

	*s = (struct source){};
	for (i = 0; i < r->elf->nsecs; i++)
		if (r->elf->secs[i].type == SHT_SYMTAB)
			return;
	if (elf_debug_open(r->elf, r->root, r->dir, &s->debug)) {
		s->debug = NULL;
		s->exported_only = true;
	}
}

static int each_sym(const struct resolve *r, const struct source *s,
		    int (*fn)(const struct elf_sym *, void *), void *ctx)
{
	return elf_each_func(s->debug ? s->debug : r->elf, fn, ctx);
}

/* "install its debug symbols (build-id ...)": what to do about a stripped file. */
static const char *remedy(const struct elf *e, char *buf, size_t size)
{
	uint8_t id[64];
	int i, n = elf_build_id(e, id, sizeof(id));
	size_t len;

	len = (size_t)snprintf(buf, size, "install its debug symbols%s",
			       n > 0 ? " (build-id " : "");
	for (i = 0; i < n && i < (int)sizeof(id) && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%02x", id[i]);
	if (len < size)
		snprintf(buf + len, size - len, "%s, or rebuild without -s", n > 0 ? ")" : "");
	return buf;
}

static int see_near(const struct elf_sym *s, void *ctx)
{
	char buf[NEAREST_LEN];

	nearest_see(ctx, plain_name(s, buf, sizeof(buf)));
	return 0;
}

static int explain_c(const struct resolve *r, const struct source *s, const struct pattern *p)
{
	char near_text[600], cure[256];
	struct nearest near;

	nearest_init(&near, p->text);
	each_sym(r, s, see_near, &near);
	nearest_text(&near, near_text, sizeof(near_text));
	return fail(-ENOENT, "no function of %s %s %s%s%s%s%s", r->t->name,
		    p->glob ? "matches" : "is called", p->text, near_text,
		    strstr(p->text, "::")
			    ? "; C++ and Rust names are matched as the linker sees them"
			    : "",
		    s->exported_only ? "; it is stripped, and only exported names are left: " : "",
		    s->exported_only ? remedy(r->elf, cure, sizeof(cure)) : "");
}

/*
 * Of several names at one address: what was asked for, then what is exported, then without
 * underscores, then the shorter.
 */
static bool better(const struct hit *a, const struct hit *b)
{
	if (a->match != b->match)
		return a->match < b->match;
	if ((a->kind ^ b->kind) & SYM_LOCAL)
		return !(a->kind & SYM_LOCAL);
	if ((a->name[0] == '_') != (b->name[0] == '_'))
		return a->name[0] != '_';
	return strlen(a->name) < strlen(b->name);
}

/*
 * Of what a function may begin with, x86 kernels emulate push, nop, jumps and calls
 * (arch/x86/kernel/uprobes.c); the rest they single-step. arm64's cost nearly the same either way.
 */
static bool entry_is_stepped(const struct elf *e, uint64_t va)
{
	uint8_t b[2];

	if (e->machine != EM_X86_64 || elf_read_va(e, b, sizeof(b), va))
		return false;
	if (b[0] == 0x41)
		b[0] = b[1];
	else if (b[0] == 0x0f)
		return b[1] != 0x1f && (b[1] & 0xf0) != 0x80;
	return !((b[0] & 0xf8) == 0x50 || (b[0] & 0xf0) == 0x70 || b[0] == 0x90 || b[0] == 0xe8 ||
		 b[0] == 0xe9 || b[0] == 0xeb);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct cold *)a)->name, ((const struct cold *)b)->name);
}

static int see_cold(const struct elf_sym *s, void *ctx)
{
	struct scan *c = ctx;
	const char *mark = strstr(s->name, ".cold");
	struct cold *all;

	if (!mark || mark[5])
		return 0;
	all = realloc(c->cold, (c->ncold + 1) * sizeof(*all));
	if (!all)
		return fail(-ENOMEM, "out of memory");
	c->cold = all;
	all[c->ncold] =
		(struct cold){strndup(s->name, (size_t)(mark - s->name)), {s->addr, s->size}};
	return all[c->ncold++].name ? 0 : fail(-ENOMEM, "out of memory");
}

/* Exits that are instructions: RETs first, then the jumps that leave. */
static int set_exits(struct resolve *r, const struct scan *c, struct tfunc *f, const struct hit *h)
{
	struct func_exits x;
	struct cold key = {.name = h->name}, *cold = NULL;
	int err;

	if (c->ncold)
		cold = bsearch(&key, c->cold, c->ncold, sizeof(*cold), by_name);
	err = target_find_exits(r->elf, (struct code_range){f->addr, h->size},
				cold ? cold->range : (struct code_range){}, &x);

	if (err == -ENOTSUP)
		return tfunc_refuse(f, "its exits are not certain: %s%s", fail_text(err),
				    target_exits_mode == EXITS_AUTO
					    ? "; a return probe would end the program if an "
					      "exception passed: --exits=return takes that risk"
					    : "");
	if (err)
		return err;
	f->exit_off = calloc(x.n + 1, sizeof(*f->exit_off));
	err = f->exit_off ? 0 : fail(-ENOMEM, "out of memory");
	for (int jump = 0; jump < 2; jump++) {
		for (size_t i = 0; i < x.n && !err; i++) {
			if (x.jump[i] != jump)
				continue;
			err = elf_va_to_off(r->elf, x.va[i], &f->exit_off[f->nexits++]);
			f->njumps += jump;
		}
	}
	free(x.va);
	free(x.jump);
	if (!err && f->njumps)
		err = tfunc_note(f, "time stops where it ends in a jump to another function");
	return err;
}

static int note_all(struct resolve *r, const struct scan *c, struct tfunc *f, const struct hit *h)
{
	const char *clone = c->clone[h->pattern];
	size_t base = 0;
	int err = 0;

	clone_kind(f->name, &base);
	if (h->kind & SYM_IFUNC)
		return tfunc_refuse(
			f, "indirect function: this is the code that selects an implementation");
	if (h->kind & SYM_COLD)
		return tfunc_refuse(
			f, "not an entry point: the unlikely part of %.*s, which is jumped into",
			(int)base, f->name);
	if (elf_va_to_off(r->elf, f->addr, &f->entry_off))
		return tfunc_refuse(f, "its code is not in the file");
	f->va_off = f->addr - f->entry_off;
	f->stepped = entry_is_stepped(r->elf, f->addr);
	if (c->rets) {
		err = set_exits(r, c, f, h);
		if (err || f->refused)
			return err;
	}
	if (h->kind & SYM_CLONE)
		err = tfunc_note(f, "compiler clone of %.*s", (int)base, f->name);
	else if (h->match == MATCH_EXACT && clone)
		err = tfunc_note(f, "calls of its compiler clone %s are not included", clone);
	if (!err && h->kind & SYM_NOSIZE)
		err = tfunc_note(f, "symbol without a size");
	return err;
}

/* One function for all the names at an address. from..to are hits. */
static int add_c(struct resolve *r, const struct scan *c, size_t from, size_t to)
{
	struct hit *v = r->hits.v, best = v[from];
	size_t i, shown = 0, aliases = 0;
	unsigned int any = 0;
	struct tfunc *f;
	int err;

	for (i = from; i < to; i++) {
		any |= v[i].kind & SYM_IFUNC;
		if (better(&v[i], &best))
			best = v[i];
	}
	f = tfile_add(r->t, best.name);
	if (!f)
		return fail(-ENOMEM, "out of memory");
	f->addr = best.addr;
	f->kind = SITE_FIRST;
	best.kind |= any;
	err = note_all(r, c, f, &best);
	for (i = from; !err && i < to; i++) {
		if (!strcmp(v[i].name, best.name) ||
		    (i > from && !strcmp(v[i].name, v[i - 1].name)))
			continue;
		aliases++;
		if (shown < ALIASES)
			err = tfunc_note(f, "%s%s", shown++ ? "" : "also ", v[i].name);
	}
	if (!err && aliases > shown)
		err = tfunc_note(f, "and %zu more names", aliases - shown);
	return err;
}

/* memcpy is chosen from __memcpy_avx_unaligned and its kin when the library is loaded. */
struct variants {
	struct tfunc *f;
	size_t n;
	char text[256];
};

static int see_variant(const struct elf_sym *s, void *ctx)
{
	struct variants *v = ctx;
	const char *want = v->f->name + strspn(v->f->name, "_");
	const char *name = s->name + strspn(s->name, "_");
	size_t len = strlen(want), used = strlen(v->text);

	if (s->type == STT_GNU_IFUNC || strstr(name, "_chk") || strncmp(name, want, len) ||
	    !strchr("_.", name[len]) || !name[len] || strchr(s->name, '@') ||
	    strstr(name, "ifunc") || strstr(name, "resolve"))
		return 0;
	if (used + strlen(s->name) + 3 > sizeof(v->text))
		return 1;
	sprintf(v->text + used, "%s%s", used ? ", " : "", s->name);
	return ++v->n == ALIASES;
}

static int hint_ifuncs(struct resolve *r, const struct source *s)
{
	struct variants v;
	size_t i, hints = 0;
	char *reason;
	int err = 0;

	for (i = 0; !err && i < r->t->nfuncs && hints < IFUNC_HINTS; i++) {
		v = (struct variants){.f = &r->t->funcs[i]};
		if (!v.f->refused || strncmp(v.f->refused, "indirect", 8))
			continue;
		hints++;
		each_sym(r, s, see_variant, &v);
		if (!v.n)
			continue;
		reason = v.f->refused;
		v.f->refused = NULL;
		err = tfunc_refuse(v.f, "%s: trace the implementation, e.g. %s", reason, v.text);
		free(reason);
	}
	return err;
}

static int add_all(struct resolve *r, const struct source *s, const struct scan *c)
{
	struct hits *l = &r->hits;
	size_t i, from;
	int err = 0;

	for (i = 0; i < r->npats; i++)
		if (r->pats[i].best == MATCH_NONE)
			return explain_c(r, s, &r->pats[i]);
	hits_settle(l, r->pats);
	for (from = 0; !err && from < l->n; from = i) {
		for (i = from + 1; i < l->n && l->v[i].addr == l->v[from].addr; i++)
			;
		err = add_c(r, c, from, i);
	}
	return err ?: hint_ifuncs(r, s);
}

int resolve_c(struct resolve *r)
{
	struct scan c = {.r = r};
	struct source s;
	char cure[256];
	size_t i;
	int err;

	c.clone = calloc(r->npats, sizeof(*c.clone));
	if (!c.clone)
		return fail(-ENOMEM, "out of memory");
	open_source(r, &s);
	err = each_sym(r, &s, see_sym, &c);
	if (err == -ENOENT || (!err && !c.seen))
		err = fail(-ENOENT, "%s has no symbols: %s", r->t->name,
			   remedy(r->elf, cure, sizeof(cure)));
	c.rets = target_exits_mode == EXITS_RET ||
		 (target_exits_mode == EXITS_AUTO && target_unwinds(r->elf));
	if (!err && c.rets) {
		err = each_sym(r, &s, see_cold, &c);
		if (c.ncold)
			qsort(c.cold, c.ncold, sizeof(*c.cold), by_name);
	}
	err = err ?: add_all(r, &s, &c);
	elf_file_close(s.debug);
	for (i = 0; i < c.ncold; i++)
		free(c.cold[i].name);
	free(c.cold);
	for (i = 0; i < r->npats; i++)
		free(c.clone[i]);
	free(c.clone);
	return err;
}
