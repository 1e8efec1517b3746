// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "elf.h"
#include "log.h"

/* Not in every release of <linux/elf.h>. */
#ifndef SHN_XINDEX
#define SHN_XINDEX 0xffff
#endif

/*
 * Real files have some ten program headers and some hundred section names; a hostile one has any
 * number.
 */
enum { MAX_PHDRS = 1024, MAX_SHSTR = 1 << 20 };

int elf_pread(const struct elf *e, void *buf, size_t n, uint64_t off)
{
	char *p = buf;

	if (off > e->size || n > e->size - off)
		return -EBADMSG;
	while (n) {
		ssize_t got = pread(e->fd, p, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -EBADMSG;
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

const struct elf_seg *elf_seg_at(const struct elf *e, uint64_t va, uint64_t n)
{
	for (size_t i = 0; i < e->nsegs; i++) {
		const struct elf_seg *s = &e->segs[i];

		if (va >= s->vaddr && va - s->vaddr < s->filesz && n <= s->filesz - (va - s->vaddr))
			return s;
	}
	return NULL;
}

int elf_read_va(const struct elf *e, void *buf, size_t n, uint64_t va)
{
	const struct elf_seg *s = elf_seg_at(e, va, n);

	return s ? elf_pread(e, buf, n, s->off + (va - s->vaddr)) : -ERANGE;
}

int elf_va_to_off(const struct elf *e, uint64_t va, uint64_t *off)
{
	for (size_t i = 0; i < e->nsegs; i++) {
		const struct elf_seg *s = &e->segs[i];

		if (s->flags & PF_X && va >= s->vaddr && va - s->vaddr < s->filesz &&
		    s->off + (va - s->vaddr) < e->size) {
			*off = s->off + (va - s->vaddr);
			return 0;
		}
	}
	return -ERANGE;
}

const struct elf_sec *elf_section(const struct elf *e, const char *name)
{
	for (size_t i = 0; i < e->nsecs; i++)
		if (!strcmp(e->secs[i].name, name))
			return &e->secs[i];
	return NULL;
}

bool elf_packed(const struct elf *e)
{
	char head[2048], magic[] = "UPX!";
	size_t n = e->size < sizeof(head) ? e->size : sizeof(head);

	if (!elf_pread(e, head, n, 0) && memmem(head, n, magic, 4))
		return true;
	for (size_t i = 0; !e->nsecs && i < e->nsegs; i++)
		if ((e->segs[i].flags & (PF_W | PF_X)) == (PF_W | PF_X))
			return true;
	return false;
}

const void *elf_peek(struct elf_win *w, uint64_t off, size_t n)
{
	if (off < w->off || off - w->off > w->len || n > w->len - (off - w->off)) {
		if (n > ELF_WIN || off > w->e->size || n > w->e->size - off)
			return NULL;
		w->len = w->e->size - off < ELF_WIN ? w->e->size - off : ELF_WIN;
		w->off = off;
		if (elf_pread(w->e, w->buf, w->len, off)) {
			w->len = 0;
			return NULL;
		}
	}
	return w->buf + (off - w->off);
}

const char *elf_peek_str(struct elf_win *w, uint64_t off, uint64_t end)
{
	size_t n;

	if (end > w->e->size)
		end = w->e->size;
	if (off >= end)
		return NULL;
	/* First what the window has, then as much as it can have. */
	if (off >= w->off && off - w->off < w->len) {
		n = w->len - (off - w->off);
		n = n < end - off ? n : end - off;
		if (memchr(w->buf + (off - w->off), 0, n))
			return (char *)w->buf + (off - w->off);
	}
	n = end - off < ELF_WIN ? end - off : ELF_WIN;
	return elf_peek(w, off, n) && memchr(w->buf + (off - w->off), 0, n)
		       ? (char *)w->buf + (off - w->off)
		       : NULL;
}

static int read_ehdr(struct elf *e, Elf64_Ehdr *h)
{
	if (elf_pread(e, h, sizeof(*h), 0) || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return fail(-ENOEXEC, "%s is not an ELF file", e->path);
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
		return fail(-EPROTONOSUPPORT,
			    "%s is 32-bit or big-endian: only 64-bit little-endian programs can be "
			    "read",
			    e->path);
	if (h->e_machine != EM_X86_64 && h->e_machine != EM_AARCH64)
		return fail(-EPROTONOSUPPORT,
			    "%s is for another machine (ELF machine %u): only x86-64 and arm64 are "
			    "known",
			    e->path, h->e_machine);
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return fail(-ENOEXEC, "%s is neither a program nor a shared library (ELF type %u)",
			    e->path, h->e_type);
	e->machine = h->e_machine;
	e->dyn = h->e_type == ET_DYN;
	e->entry = h->e_entry;
	return 0;
}

static int bad(const struct elf *e, const char *what)
{
	return fail(-EBADMSG, "%s is truncated or damaged: %s", e->path, what);
}

static int read_phdrs(struct elf *e, const Elf64_Ehdr *h)
{
	size_t n = h->e_phnum;
	Elf64_Phdr *ph;
	int err;

	if (n > MAX_PHDRS || (n && h->e_phentsize != sizeof(*ph)))
		return bad(e, "impossible program header table");
	ph = calloc(n ?: 1, sizeof(*ph));
	e->segs = calloc(n ?: 1, sizeof(*e->segs));
	e->notes = calloc(n ?: 1, sizeof(*e->notes));
	err = ph && e->segs && e->notes ? 0 : fail(-ENOMEM, "out of memory");
	if (!err && elf_pread(e, ph, n * sizeof(*ph), h->e_phoff))
		err = bad(e, "program headers lie beyond its end");
	for (size_t i = 0; !err && i < n; i++) {
		struct elf_seg s = {ph[i].p_vaddr, ph[i].p_offset, ph[i].p_filesz, ph[i].p_memsz,
				    ph[i].p_flags};

		if (s.off + s.filesz < s.off || s.vaddr + s.filesz < s.vaddr)
			err = bad(e, "a segment wraps around");
		else if (ph[i].p_type == PT_LOAD)
			e->segs[e->nsegs++] = s;
		else if (ph[i].p_type == PT_NOTE)
			e->notes[e->nnotes++] = s;
		else if (ph[i].p_type == PT_DYNAMIC)
			e->dynamic = s;
	}
	free(ph);
	return err;
}

/*
 * The string table is ended with a NUL of our own, so that each offset below its size is a string.
 */
static int read_shstr(struct elf *e, const Elf64_Shdr *sh, size_t n, size_t index, size_t *size)
{
	*size = 0;
	if (index < n && sh[index].sh_type != SHT_NOBITS)
		*size = sh[index].sh_size;
	if (*size > MAX_SHSTR)
		return bad(e, "impossible section name table");
	e->shstr = calloc(1, *size + 1);
	if (!e->shstr)
		return fail(-ENOMEM, "out of memory");
	if (*size && elf_pread(e, e->shstr, *size, sh[index].sh_offset))
		return bad(e, "section names lie beyond its end");
	return 0;
}

static int read_shdrs(struct elf *e, const Elf64_Ehdr *h)
{
	size_t n = h->e_shnum, strsize = 0;
	Elf64_Shdr *sh, first;
	int err;

	if (!h->e_shoff)
		return 0;
	if (h->e_shentsize != sizeof(*sh) || elf_pread(e, &first, sizeof(first), h->e_shoff))
		return bad(e, "section headers lie beyond its end");
	/* More than 0xfeff sections: their number and the string table's are in the first one. */
	if (!n)
		n = first.sh_size;
	if (n > (e->size - h->e_shoff) / sizeof(*sh))
		return bad(e, "section headers lie beyond its end");
	sh = calloc(n ?: 1, sizeof(*sh));
	e->secs = calloc(n ?: 1, sizeof(*e->secs));
	err = sh && e->secs ? elf_pread(e, sh, n * sizeof(*sh), h->e_shoff) : -ENOMEM;
	if (err)
		err = fail(err, "%s: section headers: %s", e->path, strerror(-err));
	else
		err = read_shstr(e, sh, n,
				 h->e_shstrndx == SHN_XINDEX ? first.sh_link : h->e_shstrndx,
				 &strsize);
	for (size_t i = 0; !err && i < n; i++)
		e->secs[e->nsecs++] = (struct elf_sec){
			.name = sh[i].sh_name < strsize ? e->shstr + sh[i].sh_name : "",
			.addr = sh[i].sh_addr,
			.off = sh[i].sh_offset,
			.size = sh[i].sh_size,
			.type = sh[i].sh_type,
			.link = sh[i].sh_link,
			.info = sh[i].sh_info,
			.flags = sh[i].sh_flags,
			.entsize = sh[i].sh_entsize,
		};
	free(sh);
	return err;
}

static int open_file(struct elf *e)
{
	struct stat st;

	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	e->fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (e->fd < 0 || fstat(e->fd, &st))
		return fail(-errno, "%s: %s", e->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(-ENOEXEC, "%s is not a regular file", e->path);
	e->size = (uint64_t)st.st_size;
	e->dev = st.st_dev;
	e->ino = st.st_ino;
	return 0;
}

int elf_file_open(struct elf **ep, const char *path)
{
	struct elf *e = calloc(1, sizeof(*e));
	Elf64_Ehdr h;
	int err;

	*ep = NULL;
	if (!e)
		return fail(-ENOMEM, "out of memory");
	e->fd = -1;
	e->path = strdup(path);
	err = e->path ? 0 : fail(-ENOMEM, "out of memory");
	err = err ?: open_file(e);
	err = err ?: read_ehdr(e, &h);
	err = err ?: read_phdrs(e, &h);
	err = err ?: read_shdrs(e, &h);
	if (err)
		elf_file_close(e);
	else
		*ep = e;
	return err;
}

void elf_file_close(struct elf *e)
{
	if (!e)
		return;
	if (e->fd >= 0)
		close(e->fd);
	free(e->segs);
	free(e->notes);
	free(e->secs);
	free(e->shstr);
	free(e->path);
	free(e);
}
