// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * elf.c and elfsym.c on this very program, on what binutils makes of it, and on damaged copies of
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/t.h"
#include "elf.h"
#include "log.h"

static char dir[] = "/tmp/elf-test-XXXXXX";

int elf_test_marker(int x);
int elf_test_marker(int x)
{
	return x * 3 + 1;
}

static char *file_of(const char *path, size_t *size)
{
	struct stat st;
	char *buf;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st))
		exit(99);
	buf = malloc(st.st_size);
	*size = read(fd, buf, st.st_size);
	close(fd);
	return buf;
}

static const char *memfile(const void *buf, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd >= 0)
		close(fd);
	fd = memfd_create("elf", 0);
	if (fd < 0 || write(fd, buf, size) != (ssize_t)size)
		exit(99);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

struct seen {
	const char *name;
	uint64_t addr;
	int count;
};

static int see(const struct elf_sym *s, void *ctx)
{
	struct seen *c = ctx;

	c->count++;
	if (!strcmp(s->name, c->name)) {
		c->addr = s->addr;
		return 7;
	}
	return 0;
}

static void test_self(void)
{
	struct seen c = {"elf_test_marker", 0, 0};
	uint64_t addr, size, off;
	uint8_t code[16];
	struct elf *e;

	T_EQ(elf_file_open(&e, "/proc/self/exe"), 0);
	T_EQ(elf_each_func(e, see, &c), 7);
	T_OK(c.count > 1);
	T_EQ(elf_find_symbol(e, "elf_test_marker", &addr, &size), 0);
	T_EQ(addr, c.addr);
	T_OK(size > 0);
	T_EQ(elf_find_symbol(e, "no such symbol", NULL, NULL), -ENOENT);
	/* The bytes at the symbol are those of the running function. */
	T_EQ(elf_read_va(e, code, sizeof(code), addr), 0);
	T_OK(!memcmp(code, (void *)elf_test_marker, sizeof(code)));
	T_EQ(elf_va_to_off(e, addr, &off), 0);
	T_EQ(elf_pread(e, code, sizeof(code), off), 0);
	T_OK(!memcmp(code, (void *)elf_test_marker, sizeof(code)));
	/* Data has no offset to probe; beyond the file nothing can be read. */
	T_EQ(elf_find_symbol(e, "log_name", &addr, NULL), 0);
	T_EQ(elf_va_to_off(e, addr, &off), -ERANGE);
	T_OK(elf_seg_at(e, addr, 8));
	T_EQ(elf_read_va(e, code, 1, UINT64_MAX), -ERANGE);
	T_EQ(elf_pread(e, code, 2, e->size - 1), -EBADMSG);
	T_EQ(elf_pread(e, code, 2, UINT64_MAX), -EBADMSG);
	T_OK(elf_section(e, ".text"));
	T_OK(!elf_section(e, ".nosuch"));
	T_OK(!elf_packed(e));
	elf_file_close(e);
	elf_file_close(NULL);
}

static void test_window(void)
{
	char *buf = malloc(3 * ELF_WIN);
	struct elf e = {0};
	struct elf_win *w = calloc(1, sizeof(*w));

	for (size_t i = 0; i < 3 * ELF_WIN; i++)
		buf[i] = (char)('a' + i % 23);
	strcpy(buf + ELF_WIN - 3, "across");
	e.fd = open(memfile(buf, 3 * ELF_WIN), O_RDONLY);
	e.size = 3 * ELF_WIN;
	w->e = &e;
	T_OK(!memcmp(elf_peek(w, 5, 10), buf + 5, 10));
	T_STR(elf_peek_str(w, ELF_WIN - 3, e.size), "across");
	T_OK(!elf_peek_str(w, ELF_WIN - 3, ELF_WIN));
	T_OK(!memcmp(elf_peek(w, 0, ELF_WIN), buf, ELF_WIN));
	T_OK(!elf_peek(w, 0, ELF_WIN + 1));
	T_OK(!elf_peek(w, e.size - 4, 5));
	T_OK(elf_peek(w, e.size - 4, 4));
	T_OK(!elf_peek(w, UINT64_MAX, 1));
	/* No NUL in the last two windows' worth. */
	T_OK(!elf_peek_str(w, ELF_WIN + 100, e.size));
	close(e.fd);
	free(w);
	free(buf);
}

static void refused(const void *buf, size_t size, int want)
{
	struct elf *e;
	int err;

	fail_clear();
	err = elf_file_open(&e, memfile(buf, size));
	T_EQ(err, want);
	T_OK(!e);
	T_OK(strlen(fail_text(err)) > 20);
}

static void test_refusals(void)
{
	size_t size;
	char *buf = file_of("/proc/self/exe", &size);
	Elf64_Ehdr *h = (Elf64_Ehdr *)buf, good = *h;
	struct elf *e;

	refused(buf, 0, -ENOEXEC);
	refused(buf, 40, -ENOEXEC);
	refused("#!/bin/sh\nexit 0; this is no ELF file, but long enough to be one....", 64,
		-ENOEXEC);
	refused(buf, sizeof(*h), -EBADMSG);
	refused(buf, size - 1, -EBADMSG);
	h->e_ident[EI_CLASS] = ELFCLASS32;
	refused(buf, size, -EPROTONOSUPPORT);
	*h = good;
	h->e_ident[EI_DATA] = ELFDATA2MSB;
	refused(buf, size, -EPROTONOSUPPORT);
	*h = good;
	h->e_machine = EM_386;
	refused(buf, size, -EPROTONOSUPPORT);
	*h = good;
	h->e_type = ET_CORE;
	refused(buf, size, -ENOEXEC);
	*h = good;
	h->e_phoff = size;
	refused(buf, size, -EBADMSG);
	*h = good;
	h->e_phnum = 0xffff;
	refused(buf, size, -EBADMSG);
	*h = good;
	h->e_shoff = UINT64_MAX - 8;
	refused(buf, size, -EBADMSG);
	*h = good;
	((Elf64_Phdr *)(buf + h->e_phoff))[2].p_offset = 4096;
	((Elf64_Phdr *)(buf + h->e_phoff))[2].p_filesz = UINT64_MAX;
	refused(buf, size, -EBADMSG);
	T_EQ(elf_file_open(&e, "/no such file"), -ENOENT);
	T_EQ(elf_file_open(&e, "/tmp"), -ENOEXEC);
	free(buf);
}

/*
 * Without section headers a file has no symbols but its segments; packed ones have a writable text
 * besides.
 */
static void test_no_sections(void)
{
	size_t size;
	char *buf = file_of("/proc/self/exe", &size);
	Elf64_Ehdr *h = (Elf64_Ehdr *)buf;
	Elf64_Phdr *ph = (Elf64_Phdr *)(buf + h->e_phoff);
	struct seen c = {"", 0, 0};
	uint8_t id[64];
	struct elf *e;

	h->e_shoff = h->e_shnum = h->e_shstrndx = 0;
	T_EQ(elf_file_open(&e, memfile(buf, size)), 0);
	T_EQ(e->nsecs, 0);
	T_OK(e->nsegs >= 2);
	T_EQ(elf_each_func(e, see, &c), -ENOENT);
	T_EQ(elf_build_id(e, id, sizeof(id)), 20);
	T_EQ(elf_build_id(e, id, 10), -ENOENT);
	T_OK(!elf_packed(e));
	elf_file_close(e);
	for (int i = 0; i < h->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			ph[i].p_flags |= PF_W | PF_X;
	T_EQ(elf_file_open(&e, memfile(buf, size)), 0);
	T_OK(elf_packed(e));
	elf_file_close(e);
	free(buf);
}

static int sh(const char *fmt)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "cd %s && %s", dir, fmt);
	return system(cmd);
}

static void test_debug(void)
{
	struct seen c = {"elf_test_marker", 0, 0};
	struct elf *e = NULL, *d = NULL;
	char path[128];

	snprintf(path, sizeof(path), "cp /proc/%d/exe full", getpid());
	T_EQ(sh(path), 0);
	T_EQ(sh("objcopy --only-keep-debug full x.debug && objcopy -S --add-gnu-debuglink=x.debug "
		"full bare && objcopy -S --remove-section=.note.gnu.build-id "
		"--add-gnu-debuglink=x.debug full bare2"),
	     0);
	snprintf(path, sizeof(path), "%s/bare", dir);
	T_EQ(elf_file_open(&e, path), 0);
	T_OK(elf_each_func(e, see, &c) != 7);
	/* By link, next to it and in .debug; root and dir are joined. */
	T_EQ(elf_debug_open(e, "", "/", &d), -ENOENT);
	T_OK(!d);
	T_EQ(elf_debug_open(e, "", dir, &d), 0);
	T_EQ(elf_each_func(d, see, &c), 7);
	elf_file_close(d);
	T_EQ(sh("mkdir .debug && mv x.debug .debug"), 0);
	T_EQ(elf_debug_open(e, dir, "/.", &d), 0);
	elf_file_close(d);
	/* Another file of that name: the CRC differs. */
	T_EQ(sh("printf x >> .debug/x.debug"), 0);
	T_EQ(elf_debug_open(e, "", dir, &d), -ENOENT);
	/* By build-id, below root; a file there with another build-id is not taken. */
	T_EQ(sh("id=$(readelf -n full | sed -n 's/.*Build ID: //p') && d=usr/lib/debug/.build-id/"
		"$(echo $id | cut -c1-2) && mkdir -p $d && objcopy --only-keep-debug full "
		"$d/$(echo $id | cut -c3-).debug"),
	     0);
	T_EQ(elf_debug_open(e, dir, "/", &d), 0);
	elf_file_close(d);
	T_EQ(sh("f=$(find usr -name '*.debug') && cp bare2 $f"), 0);
	T_EQ(elf_debug_open(e, dir, "/", &d), -ENOENT);
	elf_file_close(e);
}

int main(void)
{
	char cmd[64];

	if (!mkdtemp(dir))
		return 99;
	test_self();
	test_window();
	test_refusals();
	test_no_sections();
	if (!system("command -v objcopy readelf >/dev/null"))
		test_debug();
	else
		printf("no binutils: separate debug files not tested\n");
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		return 99;
	return t_done();
}
