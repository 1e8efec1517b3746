// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Any bytes as a program: no crash and no endless loop; an error has a sentence; what gobin says
 * of a function lies in it. Seeds: tests/unit/gobin DIR.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "gobin.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looked at of each program: more of the same finds nothing new. */
enum { MAX_FUNCS = 256 };

static void need(bool ok)
{
	if (!ok)
		abort();
}

static int see_sym(const struct elf_sym *s, void *ctx)
{
	return strlen(s->name) > ELF_WIN;
}

static int see_func(size_t i, const struct gofunc *f, void *ctx)
{
	need(strlen(f->name) < ELF_WIN);
	return i >= MAX_FUNCS;
}

static void look_at(const struct gobin *g, size_t i)
{
	struct gofunc f = {0};
	struct gosites s;
	int err = gobin_func(g, i, &f);

	need(err || (f.name && f.entry + f.size >= f.entry));
	if (err)
		return;
	err = gobin_sites(g, i, &s);
	if (err) {
		need(!s.exits && *fail_text(err));
		return;
	}
	need(s.entry - f.entry < f.size);
	for (size_t k = 0; k < s.nexits; k++)
		need(s.exits[k] - f.entry < f.size && (!k || s.exits[k] > s.exits[k - 1]));
	free(s.exits);
}

static void use_go(const struct elf *e)
{
	struct gooffsets o;
	struct gobin *g;
	char into[32];
	int err;

	fail_clear();
	err = gobin_open(&g, e);
	need(!err == !!g);
	if (err)
		return;
	gobin_offsets(g, &o);
	gobin_each(g, see_func, NULL);
	for (size_t i = 0; i < gobin_count(g) && i < MAX_FUNCS; i++)
		look_at(g, i);
	gobin_inlined(g, "main.inlined", into, sizeof(into));
	gobin_close(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf *e, *debug;
	uint8_t id[20];
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	need(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fail_clear();
	if (!elf_file_open(&e, path)) {
		elf_each_func(e, see_sym, NULL);
		elf_packed(e);
		elf_build_id(e, id, sizeof(id));
		if (!elf_debug_open(e, "/nowhere", "/", &debug))
			elf_file_close(debug);
		use_go(e);
		elf_file_close(e);
	} else {
		need(*fail_text(-EINVAL));
	}
	close(fd);
	return 0;
}
