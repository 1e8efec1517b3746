/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ELF_FILE_H
#define ELF_FILE_H
/*
 * ELF files, read by bounded pread: a truncated or hostile file gives an error, never a crash.
 * Only 64-bit little-endian x86-64 and AArch64 executables and shared objects are accepted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct elf_seg {
	uint64_t vaddr, off, filesz, memsz;
	uint32_t flags;	/* PF_X ... */
};

struct elf_sec {
	const char *name;	/* in the file's section string table; "" where there is none */
	uint64_t addr, off, size;
	uint32_t type, link, info;
	uint64_t flags, entsize;
};

struct elf {
	int fd;
	uint64_t size;	/* of the file */
	uint64_t dev, ino;
	uint16_t machine;	/* EM_X86_64 or EM_AARCH64 */
	bool dyn;		/* ET_DYN */
	uint64_t entry;
	struct elf_seg *segs;	/* PT_LOAD only, in file order */
	size_t nsegs;
	struct elf_sec *secs;	/* empty when the file has no section headers */
	size_t nsecs;
	char *shstr;
	char *path;
};

/*
 * Opens path and reads its headers. -ENOEXEC: not an ELF; -EPROTONOSUPPORT: 32-bit, big-endian or
 * another machine; -EBADMSG: truncated or inconsistent; each with fail() text. Free with elf_close().
 */
int elf_open(struct elf **e, const char *path);
void elf_close(struct elf *e);
/* Reads exactly n bytes of file offset off; -EBADMSG beyond the end. */
int elf_pread(const struct elf *e, void *buf, size_t n, uint64_t off);
/* Reads n bytes at virtual address va (file-backed part of a PT_LOAD only). */
int elf_read_va(const struct elf *e, void *buf, size_t n, uint64_t va);
/* File offset of a virtual address inside an executable PT_LOAD's file part, through the program
 * headers; 0 on success, -ERANGE otherwise. */
int elf_va_to_off(const struct elf *e, uint64_t va, uint64_t *off);
const struct elf_sec *elf_section(const struct elf *e, const char *name);
/* Build-id bytes (PT_NOTE/SHT_NOTE); returns the length or -ENOENT. */
int elf_build_id(const struct elf *e, uint8_t *buf, size_t size);
/* True when the file looks packed (UPX magic; one writable+executable LOAD and no sections). */
bool elf_packed(const struct elf *e);

struct elf_sym {
	const char *name;	/* valid during the callback only */
	uint64_t addr, size;
	uint8_t type, bind;	/* STT_*, STB_* */
	uint16_t shndx;
};
/*
 * Calls fn for each defined STT_FUNC / STT_GNU_IFUNC symbol of .symtab, or of .dynsym when there is no .symtab, and of
 * .gnu_debugdata-less stripped files' separate debug file when one is found (see elf_debug_open). Until fn
 * returns non-zero, which is returned. -ENOENT when the file has no symbols at all.
 */
int elf_each_func(const struct elf *e, int (*fn)(const struct elf_sym *s, void *ctx), void *ctx);
/* Finds one symbol of any type by exact name in .symtab/.dynsym. 0 or -ENOENT. */
int elf_find_symbol(const struct elf *e, const char *name, uint64_t *addr, uint64_t *size);
/*
 * Opens the separate debug file: by build-id (ROOT/usr/lib/debug/.build-id/xx/rest.debug), then by .gnu_debuglink (same
 * directory, .debug/, /usr/lib/debug/DIR/; CRC checked). root is a prefix such as "/proc/PID/root" or "". dir is
 * the directory the original is in as seen below root. -ENOENT if none.
 */
int elf_debug_open(const struct elf *e, const char *root, const char *dir, struct elf **debug);
#endif
