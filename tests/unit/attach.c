// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Each backend that works here, on functions of this very program: entries and returns are counted
 * by cookie, and nothing is left when the set is closed. Needs root and uprobes: 77 without.
 *
 * attach_uprobes() takes a libbpf program, so an object is made here, in memory: two programs that
 * count hits in an array by their cookie.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/elf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "attach.h"
#include "elf.h"
#include "log.h"
#include "unit/t.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif
#define SLOTS 16

static int counts = -1;

#define TARGET __attribute__((noinline, used, no_sanitize("address", "undefined")))
TARGET static int one(int v)
{
	asm volatile("" : "+r"(v));
	return v + 1;
}
TARGET static int two(int v)
{
	asm volatile("" : "+r"(v));
	return v + 2;
}
TARGET static int three(int v)
{
	asm volatile("" : "+r"(v));
	return v + 3;
}

static uint64_t count(uint32_t slot)
{
	uint64_t v = 0;

	T_EQ(bpf_map_lookup_elem(counts, &slot, &v), 0);
	return v;
}

/* What has been counted under cookie 4 by the time that it is in here. */
TARGET static int inside(int v)
{
	return count(4);
}

/* --- the object */

#define INSN(C, D, S, O, I)                                                                        \
	((struct bpf_insn){.code = (C), .dst_reg = (D), .src_reg = (S), .off = (O), .imm = (I)})

/* counts[cookie]++ */
static size_t make_program(struct bpf_insn *p, bool clone)
{
	size_t n = 0;

	if (clone) {
		p[n++] = INSN(BPF_LD | BPF_DW | BPF_IMM, 0, 0, 0, (int32_t)ATTACH_COOKIE_MAGIC);
		p[n++] = INSN(0, 0, 0, 0, (int32_t)(ATTACH_COOKIE_MAGIC >> 32));
	} else {
		p[n++] = INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_attach_cookie);
	}
	p[n++] = INSN(BPF_STX | BPF_W | BPF_MEM, 10, 0, -4, 0);
	p[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0);
	p[n++] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4);
	p[n++] = INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, counts);
	p[n++] = INSN(0, 0, 0, 0, 0);
	p[n++] = INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem);
	p[n++] = INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2, 0);
	p[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1);
	p[n++] = INSN(BPF_STX | BPF_DW | 0xc0 /* atomic add */, 0, 1, 0, BPF_ADD);
	p[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	p[n++] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return n;
}

/* Sections: 1 strings, 2 licence, 3 and 4 programs, 5 symbols; the section headers come first. */
enum { NONE, STRINGS, LICENSE, ENTRY, LEAVE, SYMBOLS, SECTIONS };
static const char strings[] = "\0.strtab\0license\0uprobe\0uretprobe\0.symtab\0entry\0leave";

struct image {
	Elf64_Ehdr eh;
	Elf64_Shdr sh[SECTIONS];
	char strings[sizeof(strings)];
	char license[8];
	_Alignas(8) struct bpf_insn insns[32];
	Elf64_Sym syms[3];
};

static uint32_t string(const char *s)
{
	for (size_t i = 1; i < sizeof(strings); i += strlen(strings + i) + 1) {
		if (!strcmp(strings + i, s))
			return i;
	}
	return 0;
}

static Elf64_Shdr section(const char *name, uint32_t type, uint64_t flags, size_t off, size_t size)
{
	return (Elf64_Shdr){.sh_name = string(name),
			    .sh_type = type,
			    .sh_flags = flags,
			    .sh_offset = off,
			    .sh_size = size,
			    .sh_addralign = 8};
}

static struct bpf_object *make_object(bool clone)
{
	struct image m = {.license = "GPL"};
	size_t size = make_program(m.insns, clone) * sizeof(*m.insns);
	const uint64_t code = SHF_ALLOC | SHF_EXECINSTR;
	unsigned char info = STB_GLOBAL << 4 | STT_FUNC;

	m.eh = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			    .e_type = ET_REL,
			    .e_machine = EM_BPF,
			    .e_version = EV_CURRENT,
			    .e_shoff = offsetof(struct image, sh),
			    .e_ehsize = sizeof(m.eh),
			    .e_shentsize = sizeof(m.sh[0]),
			    .e_shnum = SECTIONS,
			    .e_shstrndx = STRINGS};
	memcpy(m.strings, strings, sizeof(strings));
	m.sh[STRINGS] =
		section(".strtab", SHT_STRTAB, 0, offsetof(struct image, strings), sizeof(strings));
	m.sh[LICENSE] =
		section("license", SHT_PROGBITS, SHF_ALLOC, offsetof(struct image, license), 4);
	m.sh[ENTRY] = section("uprobe", SHT_PROGBITS, code, offsetof(struct image, insns), size);
	m.sh[LEAVE] = section("uretprobe", SHT_PROGBITS, code, offsetof(struct image, insns), size);
	m.sh[SYMBOLS] =
		section(".symtab", SHT_SYMTAB, 0, offsetof(struct image, syms), sizeof(m.syms));
	m.sh[SYMBOLS].sh_link = STRINGS;
	m.sh[SYMBOLS].sh_info = 1; /* the first global symbol */
	m.sh[SYMBOLS].sh_entsize = sizeof(m.syms[0]);
	m.syms[1] = (Elf64_Sym){string("entry"), info, 0, ENTRY, 0, size};
	m.syms[2] = (Elf64_Sym){string("leave"), info, 0, LEAVE, 0, size};
	return bpf_object__open_mem(&m, sizeof(m), NULL);
}

/* --- the probes */

static const char self[] = "/proc/self/exe";

static uint64_t offset_of(int (*f)(int))
{
	extern const char __executable_start[];
	uint64_t va = (uintptr_t)f, off = 0;
	struct elf *e;

	if (elf_file_open(&e, self))
		return 0;
	if (e->dyn)
		va -= (uintptr_t)__executable_start;
	T_EQ(elf_va_to_off(e, va, &off), 0);
	elf_file_close(e);
	return off;
}

static void zero_counts(void)
{
	uint64_t none = 0;

	for (uint32_t i = 0; i < SLOTS; i++)
		T_EQ(bpf_map_update_elem(counts, &i, &none, BPF_ANY), 0);
}

/* Five calls of one(), four of two(), three of three(). */
static void call_all(void)
{
	int v = 0;

	for (int i = 0; i < 5; i++) {
		v += one(i);
		v += i < 4 ? two(i) : 0;
		v += i < 3 ? three(i) : 0;
	}
	T_EQ(v, 15 + 14 + 12);
}

static void expect(uint64_t a, uint64_t b, uint64_t c)
{
	T_EQ(count(1), a);
	T_EQ(count(2), b);
	T_EQ(count(3), c);
	T_EQ(count(0), 0);
	zero_counts();
}

static void test_points(struct bpf_object *obj, enum attach_backend be)
{
	struct bpf_program *entry = bpf_object__find_program_by_name(obj, "entry");
	struct bpf_program *leave = bpf_object__find_program_by_name(obj, "leave");
	struct attach_point pts[] = {
		{offset_of(one), 1}, {offset_of(two), 2}, {offset_of(three), 3}};
	struct attach_set *in = NULL, *out = NULL;

	T_EQ(attach_uprobes(&in, entry, be, self, pts, 3, false, 0), 0);
	call_all();
	expect(5, 4, 3);
	/* Return probes beside them: each counts on its own, so that the sums double. */
	T_EQ(attach_uprobes(&out, leave, be, self, pts, 2, true, 0), 0);
	call_all();
	expect(10, 8, 3);
	attach_close(in);
	call_all();
	expect(5, 4, 0);
	attach_close(out);
	call_all();
	expect(0, 0, 0);
	/* Nothing to attach is no error and nothing to close. */
	in = (void *)1;
	T_EQ(attach_uprobes(&in, entry, be, self, pts, 0, false, 0), 0);
	T_OK(!in);
	attach_close(NULL);
}

/*
 * With a pid, another process must not be counted where the backend can keep it out; where it
 * cannot (uprobe_multi before its pid meant the process), the programs filter.
 */
static void test_pid(struct bpf_object *obj, enum attach_backend be)
{
	struct bpf_program *entry = bpf_object__find_program_by_name(obj, "entry");
	struct attach_point pt = {offset_of(one), 1};
	bool can = be != ATTACH_MULTI || attach_caps()->multi_pid;
	struct attach_set *set = NULL;
	int status;
	pid_t pid;

	T_EQ(attach_uprobes(&set, entry, be, self, &pt, 1, false, getpid()), 0);
	pid = fork();
	if (!pid) {
		call_all();
		_exit(t_failures != 0);
	}
	T_OK(waitpid(pid, &status, 0) == pid && !status);
	expect(can ? 0 : 5, 0, 0);
	call_all();
	expect(5, 0, 0);
	attach_close(set);
}

/* One point among good ones that no kernel takes: all or nothing, and the text names it. */
static void test_refused(struct bpf_object *obj, enum attach_backend be)
{
	struct bpf_program *entry = bpf_object__find_program_by_name(obj, "entry");
	struct attach_point pts[] = {
		{offset_of(one), 1}, {offset_of(two), 2}, {1ULL << 40, 9}, {offset_of(three), 3}};
	struct attach_set *set = (void *)1;

	fail_clear();
	T_OK(attach_uprobes(&set, entry, be, self, pts, 4, false, 0) < 0);
	T_OK(!set);
	T_OK(strstr(fail_text(0), self) && strstr(fail_text(0), "0x10000000000"));
	call_all();
	expect(0, 0, 0);
	T_OK(attach_uprobes(&set, entry, be, "/no/such/file", pts, 1, false, 0) < 0);
	T_OK(strstr(fail_text(0), "/no/such/file"));
	T_OK(!set);
}

/* A return probe counts when the function has ended, an entry probe before it begins. */
static void test_when(struct bpf_object *obj, enum attach_backend be)
{
	struct attach_point pt = {offset_of(inside), 4};
	struct attach_set *set = NULL;

	for (int ret = 0; ret < 2; ret++) {
		T_EQ(attach_uprobes(&set,
				    bpf_object__find_program_by_name(obj, ret ? "leave" : "entry"),
				    be, self, &pt, 1, ret, 0),
		     0);
		T_EQ(inside(0), !ret);
		T_EQ(count(4), 1);
		attach_close(set);
		zero_counts();
	}
}

/* More than are closed at one time. */
static void test_many(struct bpf_object *obj, enum attach_backend be)
{
	struct bpf_program *entry = bpf_object__find_program_by_name(obj, "entry");
	struct attach_point pts[50];
	struct attach_set *set = NULL;

	for (int i = 0; i < 50; i++)
		pts[i] = (struct attach_point){offset_of(i & 1 ? two : one), 1 + (i & 1)};
	T_EQ(attach_uprobes(&set, entry, be, self, pts, 50, false, 0), 0);
	call_all();
	expect(5 * 25, 4 * 25, 0);
	attach_close(set);
	call_all();
	expect(0, 0, 0);
}

static bool works(enum attach_backend be)
{
	const struct attach_caps *c = attach_caps();

	return be == ATTACH_MULTI ? c->multi : be == ATTACH_PERF ? c->cookie : true;
}

static void test_backend(enum attach_backend be)
{
	struct bpf_object *obj = make_object(be == ATTACH_CLONE);
	struct bpf_program *p;

	T_OK(obj);
	if (!obj)
		return;
	bpf_object__for_each_program (p, obj)
		T_EQ(attach_prepare(p, be), 0);
	T_EQ(bpf_object__load(obj), 0);
	zero_counts();
	test_points(obj, be);
	test_pid(obj, be);
	test_refused(obj, be);
	test_when(obj, be);
	test_many(obj, be);
	bpf_object__close(obj);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

int main(void)
{
	static const char *const names[] = {"auto", "uprobe_multi", "perf", "perf-clone"};

	libbpf_set_print(quiet);
	counts = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counts", 4, 8, SLOTS, NULL);
	if (counts < 0 || access("/sys/bus/event_source/devices/uprobe", F_OK)) {
		printf("needs root, bpf() and uprobes\n");
		return 77;
	}
	for (int be = ATTACH_MULTI; be <= ATTACH_CLONE; be++) {
		T_EQ(attach_choose(be), be);
		if (works(be))
			test_backend(be);
		printf("backend %s: %s\n", names[be],
		       works(be) ? "tested" : "this kernel has it not");
	}
	T_OK(works(attach_choose(ATTACH_AUTO)));
	return t_done();
}
