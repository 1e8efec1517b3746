// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * gobin on made-up programs of every layout, whole and damaged. Real ones: tests/gobin-exits.sh.
 *
 *   gobin            runs the tests
 *   gobin DIR        writes the programs to DIR: the seeds of tests/fuzz/corpus/elf
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "unit/t.h"
#include "gobin/fake.h"
#include "gobin.h"
#include "log.h"

static struct elf *e;
static struct gobin *g;

static int open_fake(const struct fake *f)
{
	static int fd = -1;
	char path[64];
	int err;

	gobin_close(g);
	elf_file_close(e);
	g = NULL;
	if (fd >= 0)
		close(fd);
	fd = memfd_create("go", 0);
	if (fd < 0 || write(fd, f->buf, f->size) != (ssize_t)f->size)
		exit(99);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = elf_file_open(&e, path);
	T_EQ(err, 0);
	if (err) {
		e = NULL;
		return err;
	}
	fail_clear();
	return gobin_open(&g, e);
}

static const struct fake good[] = {
	{.magic = 0xfffffffa, .version = "go1.17.13", .sections = true},
	{.magic = 0xfffffffa, .sections = false, .version = "go1.17"},
	{.magic = 0xfffffff0, .version = "go1.18.1", .sections = true, .text_start = true},
	{.magic = 0xfffffff0, .version = "go1.19.8", .text_start = true, .module = true},
	{.magic = 0xfffffff0, .version = "go1.19.8", .text_start = true, .arm64 = true},
	{.magic = 0xfffffff1,
	 .version = "go1.21.0 X:boringcrypto",
	 .sections = true,
	 .text_start = true},
	{.magic = 0xfffffff1, .version = "go1.23.4", .text_start = true},
	{.magic = 0xfffffff1, .version = "go1.26.1", .sections = true, .module = true},
	{.magic = 0xfffffff1, .version = "go1.27.3", .module = true},
	{.magic = 0xfffffff1,
	 .version = "go1.27.3",
	 .module = true,
	 .arm64 = true,
	 .sections = true},
};
enum { NGOOD = sizeof(good) / sizeof(good[0]) };

/* Sites of function i: kind, entry and exits by their offsets in the function; e1 -1: none. */
static void sites(const struct fake *f, size_t i, enum site_kind kind, int entry, int e0, int e1)
{
	uint64_t base = FAKE_BASE + FAKE_TEXT + fake_funcs(f)[i].at;
	struct gosites s;

	T_EQ(gobin_sites(g, i, &s), 0);
	T_EQ(s.kind, kind);
	T_EQ(s.entry, base + entry);
	T_EQ(s.depth, 0);
	T_EQ(s.nexits, e1 < 0 ? 1 : 2);
	T_OK(s.nexits > 0 && s.exits[0] == base + e0);
	T_OK(e1 < 0 || (s.nexits > 1 && s.exits[1] == base + e1));
	T_OK(!s.note);
	free(s.exits);
}

static void refused(size_t i, const char *text)
{
	struct gosites s;

	T_EQ(gobin_sites(g, i, &s), -ENOTSUP);
	T_STR(fail_text(-ENOTSUP), text);
	T_OK(!s.exits);
}

static void test_good(const struct fake *model)
{
	bool old = model->magic != 0xfffffff1 && !model->arm64;
	struct fake f = *model;
	struct gofunc fn;
	char into[64];

	fake_build(&f);
	T_EQ(open_fake(&f), 0);
	if (!g) {
		printf("%s: %s\n", f.version, fail_text(-1));
		return;
	}
	T_OK(!strncmp(f.version, gobin_version(g), strlen(gobin_version(g))));
	T_OK(!strchr(gobin_version(g), ' '));
	T_EQ(gobin_minor(g), atoi(f.version + 4));
	T_EQ(gobin_count(g), FAKE_FUNCS);
	for (size_t i = 0; i < FAKE_FUNCS; i++) {
		T_EQ(gobin_func(g, i, &fn), 0);
		T_STR(fn.name, fake_funcs(&f)[i].name);
		T_EQ(fn.entry, FAKE_BASE + FAKE_TEXT + fake_funcs(&f)[i].at);
		T_EQ(fn.size, 32);
		T_EQ(fn.args, -1);
		T_EQ(gobin_find(g, fn.name), i);
		T_EQ(gobin_at(g, fn.entry), i);
		T_EQ(gobin_at(g, fn.entry + 31), i);
	}
	T_EQ(gobin_func(g, FAKE_FUNCS, &fn), -EINVAL);
	T_EQ(gobin_at(g, fn.entry + 32), -ENOENT);
	T_EQ(gobin_at(g, FAKE_BASE), -ENOENT);
	T_EQ(gobin_find(g, "main.inlined"), -ENOENT);
	T_OK(gobin_inlined(g, "main.inlined", into, sizeof(into)));
	T_STR(into, "");
	T_OK(!gobin_inlined(g, "main.framed", NULL, 0));
	T_OK(!gobin_inlined(g, "main.nothing", NULL, 0));
	if (f.arm64) {
		sites(&f, FAKE_FRAMED, SITE_BRANCH, 8, 20, -1);
		sites(&f, FAKE_LEAF, SITE_FIRST, 0, 4, 8);
		sites(&f, FAKE_NOSPLIT, SITE_FIRST, 0, 8, -1);
	} else {
		sites(&f, FAKE_FRAMED, old ? SITE_BRANCH : SITE_PUSH, old ? 4 : 6, old ? 16 : 13,
		      -1);
		sites(&f, FAKE_LEAF, SITE_FIRST, 0, 4, 5);
		sites(&f, FAKE_NOSPLIT, old ? SITE_FIRST : SITE_PUSH, 0, old ? 8 : 5, -1);
	}
	refused(FAKE_TAIL, "main.tail: ends in a tail jump to main.leaf");
	refused(FAKE_LOOPS,
		"main.loops: it loops back to its first instruction, so that calls cannot "
		"be told from turns of the loop");
}

static void bad(struct fake f, size_t at, uint8_t value, int want)
{
	int err;

	fake_build(&f);
	if (at)
		f.buf[at] = value;
	err = open_fake(&f);
	T_EQ(err, want);
	T_OK(!g);
	T_OK(err == -ENOENT || strlen(fail_text(err)) > 20);
}

/* Offsets in the table: those of its header's words, from 1.18 on. */
enum { H_NFUNC = FAKE_TABLE + 8, H_NAMES = FAKE_TABLE + 32, H_FUNCTAB = FAKE_TABLE + 64 };

static void test_bad(void)
{
	struct fake f = {
		.magic = 0xfffffff1, .version = "go1.22.1", .text_start = true, .sections = true};
	struct fake m = {.magic = 0xfffffff1, .version = "go1.27.1", .module = true};

	/* No Go: nothing says so. */
	f.version = NULL;
	f.sections = false;
	bad(f, 0, 0, -ENOENT);
	f.version = "go1.22.1";
	f.sections = true;
	/*
	 * A base that is wrong by a few bytes, or a whole function: by the header, by the module
	 * data.
	 */
	f.shift = 1;
	bad(f, 0, 0, -EBADMSG);
	f.shift = 32;
	bad(f, 0, 0, -EBADMSG);
	f.shift = 1 << 20;
	bad(f, 0, 0, -EBADMSG);
	f.shift = 0;
	m.shift = 16;
	bad(m, 0, 0, -EBADMSG);
	m.shift = 0;
	m.module = false;
	bad(m, 0, 0, -EBADMSG);
	/* Text that cannot be executed: p_flags of the first program header. */
	bad(f, sizeof(Elf64_Ehdr) + 4, PF_R, -EBADMSG);
	/* Releases that are not read. */
	f.version = "go1.16.5";
	bad(f, 0, 0, -EPROTONOSUPPORT);
	f.version = "go1.22.1";
	f.magic = 0xfffffffb;
	bad(f, 0, 0, -EPROTONOSUPPORT);
	f.magic = 0xfffffffa;
	f.version = "go1.17.1";
	f.arm64 = true;
	bad(f, 0, 0, -EPROTONOSUPPORT);
	f.arm64 = false;
	f.version = "go1.22.1";
	/* Obfuscated: another magic. */
	f.magic = 0xfffffff7;
	bad(f, 0, 0, -EBADMSG);
	f.magic = 0xfffffff1;
	/* Counts and offsets out of range; functions out of order, beyond the end. */
	bad(f, H_NFUNC + 1, 1, -EBADMSG);
	bad(f, H_NFUNC + 7, 0x80, -EBADMSG);
	bad(f, H_NFUNC, 0, -EBADMSG);
	bad(f, H_NAMES + 4, 1, -EBADMSG);
	bad(f, H_FUNCTAB + 3, 1, -EBADMSG);
	bad(f, FAKE_TABLE + 320 + 8, 200, -EBADMSG);
	bad(f, FAKE_TABLE + 320 + 8 + 7, 1, -EBADMSG);
}

/* Damage that only shows when a function is looked at. */
static void test_bad_func(void)
{
	struct fake f = {.magic = 0xfffffff1, .version = "go1.22.1", .text_start = true};
	size_t func = FAKE_TABLE + 320 + 8 * (FAKE_FUNCS + 1) + 56 * FAKE_LEAF;
	struct gosites s;
	struct gofunc fn;

	fake_build(&f);
	f.buf[func + 6] = 1; /* name */
	f.buf[func + 18] = 1; /* pcsp */
	T_EQ(open_fake(&f), 0);
	T_EQ(gobin_func(g, FAKE_LEAF, &fn), -EBADMSG);
	T_EQ(gobin_sites(g, FAKE_LEAF, &s), -EBADMSG);
	T_EQ(gobin_find(g, "main.nosplit"), -EBADMSG);
	fake_build(&f);
	f.buf[FAKE_TEXT + 64] = 0x06; /* no such instruction */
	f.buf[func + 56 + 16] = 0; /* main.tail: no table */
	f.buf[func + 112 + 41] = 2; /* main.loops: SPWRITE */
	T_EQ(open_fake(&f), 0);
	refused(FAKE_LEAF, "main.leaf: its code could not be decoded");
	refused(FAKE_TAIL, "main.tail: it is C or has no frame information");
	refused(FAKE_LOOPS, "main.loops: it is assembly that switches stacks");
}

static void test_offsets(void)
{
	static const struct {
		const char *version;
		struct gooffsets o;
	} want[] = {
		{"go1.21.1", {152, 144, 56, 120, 0, 0}},
		{"go1.22.1", {152, 144, 56, 120, 0, 248}},
		{"go1.24.1", {160, 152, 56, 120, 232, 0}},
		{"go1.25.1", {152, 144, 56, 120, 232, 0}},
		{"go1.27.1", {152, 144, 56, 128, 232, 0}},
	};
	struct gooffsets o;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct fake f = {.magic = 0xfffffff1, .version = want[i].version, .module = true};

		fake_build(&f);
		T_EQ(open_fake(&f), 0);
		gobin_offsets(g, &o);
		T_OK(!memcmp(&o, &want[i].o, sizeof(o)));
	}
}

/* The tests' own runtime is no Go program, and refused without a sentence. */
static void test_self(void)
{
	struct elf *self;
	struct gobin *none;

	fail_clear();
	T_EQ(elf_file_open(&self, "/proc/self/exe"), 0);
	T_EQ(gobin_open(&none, self), -ENOENT);
	T_OK(!none);
	T_STR(fail_text(-ENOENT), "No such file or directory");
	elf_file_close(self);
}

static int write_seeds(const char *dir)
{
	char path[256];

	for (int i = 0; i < NGOOD; i++) {
		struct fake f = good[i];
		FILE *out;

		fake_build(&f);
		snprintf(path, sizeof(path), "%s/fake%d", dir, i);
		out = fopen(path, "w");
		if (!out || fwrite(f.buf, f.size, 1, out) != 1 || fclose(out))
			return 99;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return write_seeds(argv[1]);
	for (int i = 0; i < NGOOD; i++)
		test_good(&good[i]);
	test_bad();
	test_bad_func();
	test_offsets();
	test_self();
	gobin_close(g);
	elf_file_close(e);
	return t_done();
}
