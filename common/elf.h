/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ELF_FILE_H
#define ELF_FILE_H
/*
 * ELF files, read by bounded pread: a truncated or hostile file gives an error, never a crash. (Not
 * mmap: a file that shrinks meanwhile would kill the reader, and mapped pages count as its memory.)
 * Only 64-bit little-endian x86-64 and AArch64 executables and shared objects are accepted.
 * The names are elf_file_*, because newer libbpf archives have an elf_open() and elf_close().
 * (This file hides the system's <elf.h> where -Icommon is in force: include <linux/elf.h>.)
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct elf_seg {
	uint64_t vaddr, off, filesz, memsz;
	uint32_t flags; /* PF_X ... */
};

struct elf_sec {
	const char *name; /* in the file's section string table; "" where there is none */
	uint64_t addr, off, size;
	uint32_t type, link, info;
	uint64_t flags, entsize;
};

struct elf {
	int fd;
	uint64_t size; /* of the file */
	uint64_t dev, ino;
	uint16_t machine; /* EM_X86_64 or EM_AARCH64 */
	bool dyn; /* ET_DYN */
	uint64_t entry;
	struct elf_seg *segs; /* PT_LOAD only, in file order */
	size_t nsegs;
	struct elf_seg dynamic; /* PT_DYNAMIC; filesz 0 when there is none */
	struct elf_seg *notes; /* PT_NOTE */
	size_t nnotes;
	struct elf_sec *secs; /* empty when the file has no section headers */
	size_t nsecs;
	char *shstr;
	char *path;
};

/*
 * Opens path and reads its headers. -ENOEXEC: not an ELF program or library; -EPROTONOSUPPORT:
 * 32-bit, big-endian or another machine; -EBADMSG: truncated or inconsistent; each with fail()
 * text. Free with elf_file_close(). Segments may lie beyond the end of the file, as in separate
 * debug files: reading there fails.
 */
int elf_file_open(struct elf **e, const char *path);
/* Takes NULL too. */
void elf_file_close(struct elf *e);
/* Reads exactly n bytes of file offset off; -EBADMSG beyond the end. */
int elf_pread(const struct elf *e, void *buf, size_t n, uint64_t off);
/* Reads n bytes at virtual address va (file-backed part of a PT_LOAD only); -ERANGE elsewhere. */
int elf_read_va(const struct elf *e, void *buf, size_t n, uint64_t va);
/* File offset of a virtual address inside an executable PT_LOAD's file part, through the program
 * headers; 0 on success, -ERANGE otherwise. */
int elf_va_to_off(const struct elf *e, uint64_t va, uint64_t *off);
/* The PT_LOAD whose file part has va and all of va + n - 1; NULL if none. */
const struct elf_seg *elf_seg_at(const struct elf *e, uint64_t va, uint64_t n);
/* The first section of that name; NULL if none. */
const struct elf_sec *elf_section(const struct elf *e, const char *name);
/* True when the file looks packed (UPX magic; one writable+executable LOAD and no sections). */
bool elf_packed(const struct elf *e);

/*
 * A note: name and desc are valid during the callback only. Other than 0 from fn ends it and is
 * returned.
 */
struct elf_note {
	const char *name; /* NUL-terminated */
	uint32_t type;
	const uint8_t *desc;
	size_t size;
};
/* Calls fn for each note of PT_NOTE, or of SHT_NOTE where there is no PT_NOTE; 0 at the end. */
int elf_each_note(const struct elf *e, int (*fn)(const struct elf_note *n, void *ctx), void *ctx);
/* Build-id bytes (PT_NOTE/SHT_NOTE); returns the length or -ENOENT. */
int elf_build_id(const struct elf *e, uint8_t *buf, size_t size);

/*
 * A window on the file for many small reads at rising offsets: one pread for some hundred of them.
 * Zero it and set e; no clean-up. 16 KiB also bounds the length of a name.
 */
enum { ELF_WIN = 16384 };
struct elf_win {
	const struct elf *e;
	uint64_t off;
	size_t len;
	uint8_t buf[ELF_WIN];
};
/* n (at most ELF_WIN) bytes at file offset off, valid until the next call; NULL beyond the end. */
const void *elf_peek(struct elf_win *w, uint64_t off, size_t n);
/* The string at off, which must end before file offset end; NULL if it does not, or is too long. */
const char *elf_peek_str(struct elf_win *w, uint64_t off, uint64_t end);

struct elf_sym {
	const char *name; /* valid during the callback only */
	uint64_t addr, size;
	uint8_t type, bind; /* STT_*, STB_* */
	uint16_t shndx;
};
/*
 * Calls fn for each defined STT_FUNC / STT_GNU_IFUNC symbol of .symtab, or of .dynsym when there is
 * no .symtab (a separate debug file is the caller's business: elf_debug_open). Until fn returns
 * non-zero, which is returned. -ENOENT when the file has no symbols at all, -EBADMSG when they are
 * damaged.
 */
int elf_each_func(const struct elf *e, int (*fn)(const struct elf_sym *s, void *ctx), void *ctx);
/*
 * Finds one symbol of any type by exact name in .symtab, else in .dynsym. addr and size may be
 * NULL. 0 or -ENOENT.
 */
int elf_find_symbol(const struct elf *e, const char *name, uint64_t *addr, uint64_t *size);
/* True when .dynsym or .symtab has one of the n names, defined or to be found elsewhere. */
bool elf_mentions(const struct elf *e, const char *const *names, size_t n);
/*
 * Opens the separate debug file: by build-id (ROOT/usr/lib/debug/.build-id/xx/rest.debug, whose own
 * build-id must be the same), then by .gnu_debuglink (DIR/, DIR/.debug/, /usr/lib/debug/DIR/; CRC
 * checked). root is a prefix such as "/proc/PID/root" or ""; dir is the directory the original is
 * in as seen below root. -ENOENT if none. elf_file_close() it.
 */
int elf_debug_open(const struct elf *e, const char *root, const char *dir, struct elf **debug);
#endif
