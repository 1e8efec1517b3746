// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The functions that are probed, and their probes.
 */
#include "handlerlat_parts.h"
#include "log.h"
#include "run.h"
#include "handlerlat.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct probe_file *probe_files;
size_t probe_nfiles;
uint32_t probe_nfuncs;

int probe_add(struct tfile *t, pid_t pid)
{
	struct probe_file *all = realloc(probe_files, (probe_nfiles + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	probe_files = all;
	if (t->nfuncs > HL_FN_MASK - probe_nfuncs)
		return fail(-E2BIG, "too many functions: at most %llu", HL_FN_MASK);
	probe_files[probe_nfiles++] =
		(struct probe_file){.t = t, .first_fn = probe_nfuncs + 1, .pid = pid};
	probe_nfuncs += t->nfuncs;
	return 0;
}

bool probe_has(uint64_t dev, uint64_t ino)
{
	for (size_t i = 0; i < probe_nfiles; i++) {
		if (probe_files[i].t->dev == dev && probe_files[i].t->ino == ino)
			return true;
	}
	return false;
}

bool probe_stepped(uint32_t fn)
{
	const struct probe_file *f = probe_of(fn);

	return f && f->t->funcs[fn - f->first_fn].stepped;
}

bool probe_any_return(void)
{
	for (size_t i = 0; i < probe_nfiles; i++) {
		const struct tfile *t = probe_files[i].t;

		for (size_t k = 0; k < t->nfuncs; k++) {
			if (!t->funcs[k].refused && !t->funcs[k].exit_off)
				return true;
		}
	}
	return false;
}

const struct probe_file *probe_of(uint32_t fn)
{
	for (size_t i = 0; i < probe_nfiles; i++) {
		const struct probe_file *f = &probe_files[i];

		if (fn >= f->first_fn && fn - f->first_fn < f->t->nfuncs)
			return f;
	}
	return NULL;
}

/*
 * Could this Go function be an HTTP handler? Its arguments then take 24 bytes, or 32 behind a
 * one-word receiver; the kernel half checks what it finds there on each call.
 */
static uint64_t http_flags(const struct tfunc *f)
{
	const struct known *k = known_find(f->name);

	if (f->args == 32 || (k && k->http))
		return HL_F_HTTP_METHOD;
	return f->args == 24 ? HL_F_HTTP_FUNC : 0;
}

bool probe_any_http(void)
{
	for (size_t i = 0; i < probe_nfiles; i++) {
		const struct tfile *t = probe_files[i].t;

		for (size_t k = 0; t->lang == LANG_GO && k < t->nfuncs; k++) {
			if (http_flags(&t->funcs[k]))
				return true;
		}
	}
	return false;
}

static uint64_t cookie_of(const struct tfile *t, const struct tfunc *f, uint32_t fn)
{
	uint64_t c = fn | (uint64_t)f->depth << 32;

	if (t->lang != LANG_GO)
		return fn | (f->exit_off ? HL_F_RETS : 0);
	if (f->kind == SITE_BRANCH)
		c |= HL_F_BRANCH;
	c |= http_flags(f);
	if (t->off.goid == 160)
		c |= HL_F_GOID_160;
	if (t->off.resp_status == 128)
		c |= HL_F_STATUS_128;
	if (t->off.req_pattern)
		c |= HL_F_PATTERN;
	else if (t->off.req_pat)
		c |= HL_F_PAT;
	return c;
}

/* The points of one file: entries, exits that are instructions, and entries with return probes. */
struct points {
	struct attach_point *in, *out, *ret;
	size_t nin, nout, nret;
};

static void add_points(struct points *p, const struct tfile *t, const struct tfunc *f, uint32_t fn)
{
	uint64_t cookie = cookie_of(t, f, fn);

	p->in[p->nin++] = (struct attach_point){f->entry_off, cookie};
	/* exit_off is never NULL for Go: a return probe there would be a bug here. */
	if (!f->exit_off && t->lang != LANG_GO)
		p->ret[p->nret++] = (struct attach_point){f->entry_off, cookie};
	for (size_t k = 0; k < f->nexits; k++)
		p->out[p->nout++] = (struct attach_point){
			f->exit_off[k], cookie | (k + f->njumps >= f->nexits ? HL_F_JUMP : 0)};
}

static int attach_points(struct probe_file *f, struct handlerlat_bpf *skel, enum attach_backend be,
			 const struct points *p)
{
	bool go = f->t->lang == LANG_GO;
	struct bpf_program *entry = go ? skel->progs.go_entry : skel->progs.c_entry;
	struct bpf_program *exit = go ? skel->progs.go_exit : skel->progs.c_exit;
	int err;

	err = attach_uprobes(&f->exits, exit, be, f->t->path, p->out, p->nout, false, f->pid);
	if (!err)
		err = attach_uprobes(&f->returns, skel->progs.c_return, be, f->t->path, p->ret,
				     p->nret, true, f->pid);
	if (!err)
		err = attach_uprobes(&f->entries, entry, be, f->t->path, p->in, p->nin, false,
				     f->pid);
	return err;
}

static void detach_exits(struct probe_file *f)
{
	attach_close(f->exits);
	attach_close(f->returns);
	f->exits = f->returns = NULL;
}

int probe_attach(struct probe_file *f, struct handlerlat_bpf *skel, enum attach_backend be)
{
	size_t nfuncs = f->t->nfuncs, nexits = 0;
	struct points p = {};
	int err;

	for (size_t i = 0; i < nfuncs; i++)
		nexits += f->t->funcs[i].nexits;
	p.in = calloc(2 * nfuncs + nexits + 1, sizeof(*p.in));
	if (!p.in)
		return -ENOMEM;
	p.ret = p.in + nfuncs;
	p.out = p.ret + nfuncs;
	for (size_t i = 0; i < nfuncs; i++) {
		if (!f->t->funcs[i].refused)
			add_points(&p, f->t, &f->t->funcs[i], f->first_fn + i);
	}
	err = attach_points(f, skel, be, &p);
	free(p.in);
	if (err) {
		attach_close(f->entries);
		f->entries = NULL;
		detach_exits(f);
	}
	return err;
}

void probe_detach_all(struct handlerlat_bpf *skel, int wait_ms)
{
	struct timespec ms = {.tv_nsec = 1000000};

	for (size_t i = 0; i < probe_nfiles; i++) {
		attach_close(probe_files[i].entries);
		probe_files[i].entries = NULL;
	}
	while (wait_ms-- > 0 && frames_any(skel))
		nanosleep(&ms, NULL);
	for (size_t i = 0; i < probe_nfiles; i++)
		detach_exits(&probe_files[i]);
}

int probe_announce(const struct probe_file *f)
{
	struct hl_func rec = {.lang = f->t->lang};
	int err = 0;

	for (size_t i = 0; i < f->t->nfuncs && !err; i++) {
		if (f->t->funcs[i].refused)
			continue;
		rec.fn = f->first_fn + i;
		snprintf(rec.name, sizeof(rec.name), "%s", f->t->funcs[i].name);
		snprintf(rec.file, sizeof(rec.file), "%s", f->t->name);
		err = run_feed(HL_REC_FUNC, &rec, sizeof(rec));
	}
	return err;
}
