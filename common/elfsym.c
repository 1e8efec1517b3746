// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What an ELF file says about itself: its symbols, notes, build-id and separate debug file. */
#include <errno.h>
#include <limits.h>
#include <linux/elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "elf.h"
#include "log.h"

/* Not in every release of <linux/elf.h>. */
#ifndef NT_GNU_BUILD_ID
#define NT_GNU_BUILD_ID 3
#endif
#ifndef STT_GNU_IFUNC
#define STT_GNU_IFUNC 10
#endif

/* Build-id notes have 20 bytes and Go's 100; a section of notes is read at once. */
enum { MAX_NOTES = 65536 };

static uint64_t pad4(uint64_t n)
{
	return (n + 3) & ~3ull;
}

static int each_note_in(const struct elf *e, uint64_t off, uint64_t size,
			int (*fn)(const struct elf_note *n, void *ctx), void *ctx)
{
	Elf64_Nhdr h;
	char *buf;
	int err = 0;

	if (!size || size > MAX_NOTES)
		return 0;
	buf = malloc(size);
	if (!buf)
		return fail(-ENOMEM, "out of memory");
	if (elf_pread(e, buf, size, off))
		size = 0;
	for (uint64_t at = 0; !err && size - at >= sizeof(h);) {
		uint64_t name = at + sizeof(h), desc;

		memcpy(&h, buf + at, sizeof(h));
		desc = name + pad4(h.n_namesz);
		if (desc > size || h.n_descsz > size - desc)
			break;
		if (h.n_namesz && !buf[name + h.n_namesz - 1])
			err = fn(&(struct elf_note){buf + name, h.n_type, (uint8_t *)buf + desc,
						    h.n_descsz},
				 ctx);
		at = desc + pad4(h.n_descsz);
		if (at > size)
			break;
	}
	free(buf);
	return err;
}

int elf_each_note(const struct elf *e, int (*fn)(const struct elf_note *n, void *ctx), void *ctx)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nnotes; i++)
		err = each_note_in(e, e->notes[i].off, e->notes[i].filesz, fn, ctx);
	for (size_t i = 0; !e->nnotes && !err && i < e->nsecs; i++)
		if (e->secs[i].type == SHT_NOTE)
			err = each_note_in(e, e->secs[i].off, e->secs[i].size, fn, ctx);
	return err;
}

struct id {
	uint8_t *buf;
	size_t size;
};

static int see_build_id(const struct elf_note *n, void *ctx)
{
	struct id *id = ctx;

	if (strcmp(n->name, "GNU") || n->type != NT_GNU_BUILD_ID || !n->size || n->size > id->size)
		return 0;
	memcpy(id->buf, n->desc, n->size);
	return (int)n->size;
}

int elf_build_id(const struct elf *e, uint8_t *buf, size_t size)
{
	struct id id = {buf, size};

	return elf_each_note(e, see_build_id, &id) ?: -ENOENT;
}

/* Calls fn for each symbol of table, whatever its type. */
static int each_sym(const struct elf *e, const struct elf_sec *table,
		    int (*fn)(const struct elf_sym *s, void *ctx), void *ctx)
{
	struct {
		struct elf_win syms, names;
	} *w = malloc(sizeof(*w));
	uint64_t n = table->size / sizeof(Elf64_Sym);
	const struct elf_sec *str;
	int err = 0;

	if (!w)
		return fail(-ENOMEM, "out of memory");
	str = table->link < e->nsecs ? &e->secs[table->link] : table;
	w->syms = (struct elf_win){.e = e};
	w->names = (struct elf_win){.e = e};
	for (uint64_t i = 1; !err && i < n; i++) {
		const Elf64_Sym *s = elf_peek(&w->syms, table->off + i * sizeof(*s), sizeof(*s));
		struct elf_sym sym;

		if (!s || str->off + str->size < str->off || s->st_name >= str->size) {
			err = fail(-EBADMSG, "%s: damaged symbol table", e->path);
			break;
		}
		sym.name = elf_peek_str(&w->names, str->off + s->st_name, str->off + str->size);
		/* A C++ name may be longer than the window: nobody can ask for that one. */
		if (!sym.name)
			continue;
		sym.addr = s->st_value;
		sym.size = s->st_size;
		sym.type = ELF64_ST_TYPE(s->st_info);
		sym.bind = ELF64_ST_BIND(s->st_info);
		sym.shndx = s->st_shndx;
		err = fn(&sym, ctx);
	}
	free(w);
	return err;
}

static const struct elf_sec *sec_of_type(const struct elf *e, uint32_t type)
{
	for (size_t i = 0; i < e->nsecs; i++)
		if (e->secs[i].type == type && e->secs[i].size >= sizeof(Elf64_Sym))
			return &e->secs[i];
	return NULL;
}

struct each_func {
	int (*fn)(const struct elf_sym *s, void *ctx);
	void *ctx;
};

static int see_func(const struct elf_sym *s, void *ctx)
{
	struct each_func *c = ctx;

	if (s->shndx == SHN_UNDEF || (s->type != STT_FUNC && s->type != STT_GNU_IFUNC))
		return 0;
	return c->fn(s, c->ctx);
}

int elf_each_func(const struct elf *e, int (*fn)(const struct elf_sym *s, void *ctx), void *ctx)
{
	const struct elf_sec *t = sec_of_type(e, SHT_SYMTAB) ?: sec_of_type(e, SHT_DYNSYM);
	struct each_func c = {fn, ctx};

	return t ? each_sym(e, t, see_func, &c) : -ENOENT;
}

struct find {
	const char *name;
	uint64_t *addr, *size;
};

static int see_name(const struct elf_sym *s, void *ctx)
{
	struct find *f = ctx;

	if (s->shndx == SHN_UNDEF || strcmp(s->name, f->name))
		return 0;
	if (f->addr)
		*f->addr = s->addr;
	if (f->size)
		*f->size = s->size;
	return 1;
}

int elf_find_symbol(const struct elf *e, const char *name, uint64_t *addr, uint64_t *size)
{
	const struct elf_sec *sym = sec_of_type(e, SHT_SYMTAB), *dyn = sec_of_type(e, SHT_DYNSYM);
	struct find f = {name, addr, size};

	if ((sym && each_sym(e, sym, see_name, &f) == 1) ||
	    (dyn && each_sym(e, dyn, see_name, &f) == 1))
		return 0;
	return -ENOENT;
}

struct any {
	const char *const *names;
	size_t n;
};

static int see_any(const struct elf_sym *s, void *ctx)
{
	const struct any *a = ctx;

	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(s->name, a->names[i]))
			return 1;
	return 0;
}

bool elf_mentions(const struct elf *e, const char *const *names, size_t n)
{
	const struct elf_sec *sym = sec_of_type(e, SHT_SYMTAB), *dyn = sec_of_type(e, SHT_DYNSYM);
	struct any a = {names, n};

	return (dyn && each_sym(e, dyn, see_any, &a) == 1) ||
	       (sym && each_sym(e, sym, see_any, &a) == 1);
}

static int crc_of(const struct elf *e, uint32_t *crc)
{
	static const size_t chunk = 65536;
	uint8_t *buf = malloc(chunk);
	int err = buf ? 0 : -ENOMEM;

	*crc = crc32(0, NULL, 0);
	for (uint64_t off = 0; !err && off < e->size; off += chunk) {
		size_t n = e->size - off < chunk ? e->size - off : chunk;

		err = elf_pread(e, buf, n, off);
		if (!err)
			*crc = crc32(*crc, buf, n);
	}
	free(buf);
	return err;
}

static int open_by_id(const struct elf *e, const char *root, struct elf **debug)
{
	uint8_t id[64], other[64];
	int n = elf_build_id(e, id, sizeof(id)), len;
	char path[PATH_MAX];

	if (n < 2)
		return -ENOENT;
	len = snprintf(path, sizeof(path), "%s/usr/lib/debug/.build-id/%02x/", root, id[0]);
	if (len + 2 * n + 7 > (int)sizeof(path))
		return -ENOENT;
	for (int i = 1; i < n; i++)
		len += sprintf(path + len, "%02x", id[i]);
	strcpy(path + len, ".debug");
	if (elf_file_open(debug, path))
		return -ENOENT;
	if (elf_build_id(*debug, other, sizeof(other)) == n && !memcmp(id, other, n))
		return 0;
	elf_file_close(*debug);
	*debug = NULL;
	return -ENOENT;
}

static int open_if_crc(const struct elf *e, const char *path, uint32_t want, struct elf **debug)
{
	uint32_t crc;

	if (elf_file_open(debug, path))
		return -ENOENT;
	if (((*debug)->dev != e->dev || (*debug)->ino != e->ino) && !crc_of(*debug, &crc) &&
	    crc == want)
		return 0;
	elf_file_close(*debug);
	*debug = NULL;
	return -ENOENT;
}

/* .gnu_debuglink: a file name, NUL, padding to 4 bytes, CRC-32 of that file. */
static int open_by_link(const struct elf *e, const char *root, const char *dir, struct elf **debug)
{
	static const char *const where[] = {"%s%s/%s", "%s%s/.debug/%s", "%s/usr/lib/debug%s/%s"};
	const struct elf_sec *sec = elf_section(e, ".gnu_debuglink");
	char link[NAME_MAX + 9], path[PATH_MAX];
	int err = -ENOENT;
	uint32_t crc;

	if (!sec || sec->size < 8 || sec->size > sizeof(link) ||
	    elf_pread(e, link, sec->size, sec->off) || !memchr(link, 0, sec->size - 4) ||
	    !link[0] || strchr(link, '/'))
		return -ENOENT;
	memcpy(&crc, link + sec->size - 4, 4);
	for (size_t i = 0; err && i < sizeof(where) / sizeof(where[0]); i++)
		if (snprintf(path, sizeof(path), where[i], root, dir, link) < (int)sizeof(path))
			err = open_if_crc(e, path, crc, debug);
	return err;
}

int elf_debug_open(const struct elf *e, const char *root, const char *dir, struct elf **debug)
{
	*debug = NULL;
	if (!open_by_id(e, root, debug) || !open_by_link(e, root, dir, debug))
		return 0;
	/* The texts of the files that were tried and are not there say nothing about e. */
	fail_clear();
	return -ENOENT;
}
