// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Holds gobin_sites() against a disassembler, for every function of a Go program.
 *
 *   exits FILE                                      lists: function, kind of entry, entry, exits
 *   or refusal objdump -d --no-show-raw-insn FILE | exits -c FILE    compares; exit status 1 when
 *   they differ
 *   exits -i FUNCTION FILE                      says what a function that has no body was inlined
 *   into
 *
 * Compared is: each exit is a RET and each RET of the function is an exit; the entry is an
 * instruction, of the kind that is claimed; nothing in the function jumps to it; and where the
 * function calls morestack, so that it is begun twice, the entry is not the first instruction.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "gobin.h"
#include "log.h"

enum { I_RET = 1, I_PUSH = 2, I_BRANCH = 4, I_MORESTACK = 8, I_TARGET = 16 };

struct line {
	uint64_t addr, to;
	uint8_t what;
};

static struct line *lines;
static size_t nlines;

static struct totals {
	size_t funcs, refused, exits, rets, wrong, missed, bad;
	size_t kind[4];
} t;

static int by_addr(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

/* The first instruction at or after addr. */
static struct line *line_at(uint64_t addr)
{
	size_t lo = 0, hi = nlines;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (lines[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lines + lo;
}

/*
 * "jbe", "b.ls", "jmp", "cbz w0," ...: the address it jumps to is the last hexadecimal word before
 * any <symbol>.
 */
static uint64_t target(const char *text)
{
	const char *end = strchr(text, '<') ?: text + strcspn(text, "\n"), *p;

	for (p = end; p > text && p[-1] == ' '; p--)
		;
	while (p > text && !strchr(" ,\t", p[-1]))
		p--;
	return strtoull(p, NULL, 16);
}

static uint8_t classify(const char *text)
{
	static const char *const prefix[] = {"repz ", "bnd ", "cs ", "data16 "};

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (!strncmp(text, prefix[i], strlen(prefix[i])))
			text += strlen(prefix[i]);
	if (!strncmp(text, "ret", 3))
		return I_RET;
	if (!strncmp(text, "push ", 5))
		return I_PUSH;
	if (!strncmp(text, "jbe ", 4) || !strncmp(text, "b.ls\t", 5))
		return I_BRANCH;
	if ((!strncmp(text, "call", 4) || !strncmp(text, "bl\t", 3)) &&
	    strstr(text, "<runtime.morestack"))
		return I_MORESTACK;
	return 0;
}

static int read_objdump(void)
{
	size_t room = 0;
	char s[512];

	while (fgets(s, sizeof(s), stdin)) {
		char *end, *text;
		uint64_t addr = strtoull(s, &end, 16);

		if (end == s || *end != ':' || end[1] != '\t')
			continue;
		text = end + 2 + strspn(end + 2, " ");
		if (nlines == room) {
			room = room ? 2 * room : 1 << 20;
			lines = reallocarray(lines, room, sizeof(*lines));
			if (!lines)
				return fail(-ENOMEM, "out of memory");
		}
		lines[nlines++] = (struct line){
			addr,
			*text == 'j' || *text == 'b' || *text == 'c' || *text == 't' ? target(text)
										     : 0,
			classify(text)};
	}
	qsort(lines, nlines, sizeof(*lines), by_addr);
	return nlines ? 0 : fail(-EINVAL, "nothing that objdump says on stdin");
}

static void complain(const struct gofunc *f, const char *what, uint64_t at)
{
	printf("%s (0x%llx): %s 0x%llx\n", f->name, (unsigned long long)f->entry, what,
	       (unsigned long long)at);
}

static void compare_exits(const struct gofunc *f, const struct gosites *s)
{
	size_t k = 0;

	t.exits += s->nexits;
	for (struct line *l = line_at(f->entry); l < lines + nlines && l->addr < f->entry + f->size;
	     l++) {
		if (!(l->what & I_RET))
			continue;
		t.rets++;
		for (; k < s->nexits && s->exits[k] < l->addr; k++, t.wrong++)
			complain(f, "no RET at", s->exits[k]);
		if (k < s->nexits && s->exits[k] == l->addr) {
			k++;
		} else {
			t.missed++;
			complain(f, "missed the RET at", l->addr);
		}
	}
	for (; k < s->nexits; k++, t.wrong++)
		complain(f, "no RET at", s->exits[k]);
}

static void compare_entry(const struct gofunc *f, const struct gosites *s)
{
	static const uint8_t want[] = {[SITE_PUSH] = I_PUSH, [SITE_BRANCH] = I_BRANCH};
	struct line *at = line_at(s->entry);
	const char *why = NULL;

	t.kind[s->kind]++;
	if (at == lines + nlines || at->addr != s->entry)
		why = "entry in the middle of an instruction:";
	else if (s->kind == SITE_FIRST ? s->entry != f->entry : !(at->what & want[s->kind]))
		why = "entry of another kind than claimed:";
	for (struct line *l = line_at(f->entry); l < lines + nlines && l->addr < f->entry + f->size;
	     l++) {
		if (l->what & I_MORESTACK && s->entry == f->entry)
			why = "entry passed twice, by morestack at";
		else if (l->to == s->entry && !(l->what & I_MORESTACK))
			why = "entry is jumped to";
	}
	if (why) {
		t.bad++;
		complain(f, why, s->entry);
	}
}

static void list(const struct gofunc *f, const struct gosites *s)
{
	static const char *const kind[] = {"first", "push", "branch", "stepped"};

	printf("%s %s 0x%llx", f->name, kind[s->kind], (unsigned long long)s->entry);
	for (size_t i = 0; i < s->nexits; i++)
		printf(" 0x%llx", (unsigned long long)s->exits[i]);
	printf("%s%s\n", s->note ? " # " : "", s->note ?: "");
}

static int each(const struct gobin *g, bool compare)
{
	struct gosites s;
	struct gofunc f;
	int err;

	for (size_t i = 0; i < gobin_count(g); i++) {
		err = gobin_func(g, i, &f);
		if (err)
			return err;
		t.funcs++;
		err = gobin_sites(g, i, &s);
		if (err == -ENOTSUP) {
			t.refused++;
			if (!compare)
				printf("%s refused: %s\n", f.name, fail_text(err));
			continue;
		}
		if (err)
			return err;
		if (compare) {
			compare_exits(&f, &s);
			compare_entry(&f, &s);
		} else {
			list(&f, &s);
		}
		free(s.exits);
	}
	return 0;
}

static int inlined(const struct gobin *g, const char *name)
{
	char into[256];

	if (!gobin_inlined(g, name, into, sizeof(into)))
		return fail(-ENOENT, "%s is not inlined", name);
	printf("%s\n", into);
	return 0;
}

int main(int argc, char **argv)
{
	bool compare = argc == 3 && !strcmp(argv[1], "-c");
	bool inl = argc == 4 && !strcmp(argv[1], "-i");
	struct gobin *g = NULL;
	struct elf *e = NULL;
	struct rusage ru;
	int err;

	log_name = "exits";
	if (argc != 2 && !compare && !inl) {
		log_error("usage: exits [-c | -i FUNCTION] FILE");
		return 2;
	}
	err = compare ? read_objdump() : 0;
	err = err ?: elf_file_open(&e, argv[argc - 1]);
	err = err ?: gobin_open(&g, e);
	if (!err)
		err = inl ? inlined(g, argv[2]) : each(g, compare);
	if (err) {
		log_error("%s", fail_text(err));
	} else if (compare) {
		printf("%s: %zu functions, %zu refused; entries %zu push %zu branch %zu first, %zu "
		       "bad; "
		       "exits %zu, RETs %zu, %zu wrong, %zu missed\n",
		       gobin_version(g), t.funcs, t.refused, t.kind[SITE_PUSH], t.kind[SITE_BRANCH],
		       t.kind[SITE_FIRST], t.bad, t.exits, t.rets, t.wrong, t.missed);
	} else if (!inl) {
		getrusage(RUSAGE_SELF, &ru);
		log_info("%s: %zu functions, %ld KB", gobin_version(g), t.funcs, ru.ru_maxrss);
	}
	gobin_close(g);
	elf_file_close(e);
	free(lines);
	return err || t.wrong || t.missed || t.bad;
}
