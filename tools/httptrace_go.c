// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --go-probes: Go's http.Client hands each request to a goroutine that its connection has for
 * writing, so that the one that sends is not the one that asked. Two uprobes see the hand-over
 * (bpf/goclient.bpf.h). They are put into each program that has the client, by its file: those of
 * processes that run when we begin, and of others when they are first heard of.
 */
#include "httptrace_go.h"
#include "attach.h"
#include "elf.h"
#include "gobin.h"
#include "httptrace_parts.h"
#include "log.h"
#include "proc.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A program that was looked at, probed or not. */
struct program {
	uint64_t dev, ino;
	struct attach_set *sets[2];
};

static const char *const functions[2] = {
	"net/http.(*persistConn).roundTrip", /* by who asks */
	"net/http.(*Request).write", /* by who sends */
};

static struct {
	struct program *v;
	size_t n, cap, probed;
	struct bpf_program *progs[2];
	enum attach_backend be;
	bool on;
} go;

/* The file offset where that function is to be probed. */
static int site_of(const struct gobin *g, const struct elf *e, const char *name, uint64_t *off)
{
	ssize_t i = gobin_find(g, name);
	struct gosites s = {};
	int err;

	if (i < 0)
		return i;
	err = gobin_sites(g, i, &s);
	if (!err)
		err = elf_va_to_off(e, s.entry, off);
	free(s.exits);
	return err;
}

/* Where both functions are: 0, or a negative errno where it has no client that can be probed. */
static int sites_of(const char *path, uint64_t off[2])
{
	struct gobin *g = NULL;
	struct elf *e = NULL;
	int err = elf_file_open(&e, path);

	if (!err)
		err = gobin_open(&g, e);
	for (int i = 0; i < 2 && !err; i++)
		err = site_of(g, e, functions[i], &off[i]);
	gobin_close(g);
	elf_file_close(e);
	return err;
}

static struct program *add(const struct stat *st)
{
	for (size_t i = 0; i < go.n; i++)
		if (go.v[i].dev == st->st_dev && go.v[i].ino == st->st_ino)
			return NULL;
	if (go.n == go.cap) {
		size_t more = go.cap ? go.cap * 2 : 64;
		struct program *v = realloc(go.v, more * sizeof(*v));

		if (!v)
			return NULL;
		go.v = v;
		go.cap = more;
	}
	go.v[go.n] = (struct program){.dev = st->st_dev, .ino = st->st_ino};
	return &go.v[go.n++];
}

void go_process(uint32_t pid)
{
	uint64_t off[2];
	struct program *p;
	struct stat st;
	char path[64], name[256];
	int err = 0;

	if (!go.on || proc_exe_path(pid, path, sizeof(path)) || stat(path, &st))
		return;
	p = add(&st);
	if (!p || sites_of(path, off))
		return;
	for (int i = 0; i < 2 && !err; i++) {
		struct attach_point at = {.off = off[i]};

		err = attach_uprobes(&p->sets[i], go.progs[i], go.be, path, &at, 1, false, 0);
	}
	if (proc_exe_name(pid, name, sizeof(name)))
		snprintf(name, sizeof(name), "%s", path);
	if (err) {
		log_warn("--go-probes: %s: %s", name, fail_text(err));
		attach_close(p->sets[0]);
		p->sets[0] = NULL;
		return;
	}
	go.probed++;
	log_info("--go-probes: %s", name);
}

static int each(pid_t pid, void *ctx)
{
	go_process(pid);
	return 0;
}

int go_prepare(struct bpf_program *ask, struct bpf_program *write)
{
	go.progs[0] = ask;
	go.progs[1] = write;
	/* The programs need no cookie. */
	go.be = attach_caps()->multi ? ATTACH_MULTI : ATTACH_PERF;
	return attach_prepare(ask, go.be) ?: attach_prepare(write, go.be);
}

int go_start(void)
{
	go.on = true;
	return proc_each(each, NULL);
}

void go_stop(void)
{
	for (size_t i = 0; i < go.n; i++)
		for (int k = 0; k < 2; k++)
			attach_close(go.v[i].sets[k]);
	free(go.v);
	memset(&go, 0, sizeof(go));
}
