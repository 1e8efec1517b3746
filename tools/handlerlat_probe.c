// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The functions that are probed, and the calls of them that have not returned.
 */
#include "handlerlat_parts.h"
#include "log.h"
#include "proc.h"
#include "run.h"
#include "handlerlat.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A thread whose stack pointer is above a frame has left it, if both are on one stack. Further
 * apart than this they may be on two: coroutines.
 */
#define SAME_STACK (1ULL << 20)
/* runtime.g.stack.hi, and the states of runtime.g.atomicstatus (runtime2.go), Go 1.17 to 1.27 */
#define G_STACK_HI     8
#define G_RUNNABLE     1
#define G_SYSCALL      3
#define G_WAITING      4
#define G_DEAD	       6
#define G_SCAN	       0x1000
#define MAX_REMEMBERED 256
#define YOUNG_NS       10000000ULL /* calls younger than this are not examined */

struct probe_file *probe_files;
size_t probe_nfiles;
uint32_t probe_nfuncs;

static struct remembered {
	pid_t pid;
	uint64_t starttime;
	int mem_fd;
} remembered[MAX_REMEMBERED];
static size_t nremembered;

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

/*
 * All frames of the map, each at most once however busy it is: the kernel walks bucket by bucket.
 */
struct frame_list {
	struct hl_key *keys;
	struct hl_frame *frames;
	size_t n, cap;
};

static int read_frames(int map, struct frame_list *l)
{
	uint32_t cursor, count, room = 256;
	bool first = true;
	int err = 0;

	while (!err) {
		if (l->cap - l->n < room) {
			size_t cap = l->cap + room + l->cap / 2;
			void *k = realloc(l->keys, cap * sizeof(*l->keys));
			void *f;

			l->keys = k ?: l->keys;
			f = k ? realloc(l->frames, cap * sizeof(*l->frames)) : NULL;
			l->frames = f ?: l->frames;
			if (!f)
				return -ENOMEM;
			l->cap = cap;
		}
		count = l->cap - l->n;
		err = bpf_map_lookup_batch(map, first ? NULL : &cursor, &cursor, l->keys + l->n,
					   l->frames + l->n, &count, NULL);
		if (err == -ENOSPC) { /* a bucket holds more than there is room for */
			room *= 2;
			err = 0;
			continue;
		}
		if (!err || err == -ENOENT)
			l->n += count;
		first = false;
	}
	return err == -ENOENT ? 0 : fail(err, "cannot read the running calls: %s", strerror(-err));
}

static void free_frames(struct frame_list *l)
{
	free(l->keys);
	free(l->frames);
}

/* Is any call going on? */
static bool any_call(int map)
{
	struct frame_list l = {};
	bool any = false;

	if (!read_frames(map, &l)) {
		for (size_t i = 0; i < l.n && !any; i++)
			any = l.frames[i].start_ns;
	}
	free_frames(&l);
	return any;
}

void probe_detach_all(struct handlerlat_bpf *skel, int wait_ms)
{
	struct timespec ms = {.tv_nsec = 1000000};

	for (size_t i = 0; i < probe_nfiles; i++) {
		attach_close(probe_files[i].entries);
		probe_files[i].entries = NULL;
	}
	while (wait_ms-- > 0 && any_call(bpf_map__fd(skel->maps.frames)))
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

/* --- what became of calls that did not return */

static struct remembered *recall(pid_t pid)
{
	for (size_t i = 0; i < nremembered; i++) {
		if (remembered[i].pid == pid)
			return &remembered[i];
	}
	return NULL;
}

void probe_remember(pid_t pid)
{
	struct remembered *r = recall(pid);

	if (r && r->starttime == proc_starttime(pid))
		return;
	if (r && r->mem_fd >= 0)
		close(r->mem_fd);
	if (!r && nremembered == MAX_REMEMBERED)
		return;
	r = r ?: &remembered[nremembered++];
	*r = (struct remembered){pid, proc_starttime(pid), proc_mem_open(pid)};
}

/* What a process did last, nobody can tell any more: its calls count as running when it ended. */
static bool process_ended(pid_t pid)
{
	int state = proc_state(pid);

	return state < 0 || state == 'Z' || state == 'X';
}

static bool read_word(int fd, uint64_t addr, void *dst, size_t n)
{
	return pread(fd, dst, n, addr) == (ssize_t)n;
}

/* True when goroutine g no longer holds a frame at stack.hi - pos; false when it does or may. */
static bool goroutine_left(const struct hl_key *k, const struct hl_frame *f,
			   const struct gooffsets *off)
{
	struct remembered *r = recall(f->tgid);
	uint64_t hi, again, goid, sp, ra;
	uint32_t status;

	if (process_ended(f->tgid) || !r || r->mem_fd < 0 ||
	    !read_word(r->mem_fd, k->g + G_STACK_HI, &hi, 8) ||
	    !read_word(r->mem_fd, k->g + off->goid, &goid, 8) ||
	    !read_word(r->mem_fd, k->g + off->atomicstatus, &status, 4))
		return false;
	status &= ~G_SCAN;
	if (goid != f->goid || status == G_DEAD || !hi)
		return true;
	/* Another return address where the frame's was: its place on the stack has been taken. */
	if (f->ra && read_word(r->mem_fd, hi - k->pos, &ra, 8) && ra != f->ra &&
	    read_word(r->mem_fd, k->g + G_STACK_HI, &again, 8) && again == hi)
		return true;
	if (status != G_RUNNABLE && status != G_SYSCALL && status != G_WAITING)
		return false; /* running: where its stack pointer is, only its CPU knows */
	return read_word(r->mem_fd, k->g + off->sched_sp, &sp, 8) && hi - sp < k->pos;
}

struct thread_list {
	struct hl_thread *v;
	size_t n;
	bool known;
};

static void read_threads(struct handlerlat_bpf *skel, struct thread_list *l)
{
	struct hl_thread buf[64], *v;
	ssize_t n;
	int fd;

	if (!skel->links.threads)
		return;
	fd = bpf_iter_create(bpf_link__fd(skel->links.threads));
	if (fd < 0)
		return;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		v = realloc(l->v, l->n * sizeof(*v) + n);
		if (!v)
			break;
		l->v = v;
		memcpy(v + l->n, buf, n);
		l->n += n / sizeof(*v);
	}
	l->known = !n;
	close(fd);
}

/*
 * True when the thread is gone, or its stack pointer is above the frame on the same stack. Not when
 * its whole process is: that ended inside the call, for all that can be known.
 */
static bool thread_left(const struct hl_key *k, const struct hl_frame *f,
			const struct thread_list *l)
{
	bool alive = false;

	for (size_t i = 0; l->known && i < l->n; i++) {
		if (l->v[i].tid == k->id)
			return l->v[i].sp > k->pos && l->v[i].sp - k->pos < SAME_STACK;
		alive |= l->v[i].tgid == f->tgid;
	}
	return alive;
}

static int report_call(const struct hl_key *k, const struct hl_frame *f,
		       struct handlerlat_bpf *skel, uint64_t now, bool left)
{
	struct hl_http_call h = {
		.call = {.type = HL_REC_CALL,
			 .fn = k->fn,
			 .end_ns = now,
			 .lat_ns = left ? 0 : now - f->start_ns,
			 .tgid = f->tgid,
			 .tid = f->tid,
			 .goid = f->goid,
			 .outcome = left ? HL_UNWOUND : HL_RUNNING},
	};
	bool http =
		f->has_http && !bpf_map_lookup_elem(bpf_map__fd(skel->maps.requests), k, &h.req);

	proc_comm(f->tgid, h.call.comm, sizeof(h.call.comm));
	h.call.type = http ? HL_REC_HTTP_CALL : HL_REC_CALL;
	return run_feed(h.call.type, &h, http ? sizeof(h) : sizeof(h.call));
}

static bool call_left(struct handlerlat_bpf *skel, const struct hl_key *k, const struct hl_frame *f,
		      const struct probe_file *file, struct thread_list *threads)
{
	if (file->t->lang == LANG_GO)
		return goroutine_left(k, f, &file->t->off);
	if (!threads->known)
		read_threads(skel, threads);
	return thread_left(k, f, threads);
}

static bool forget_frame(struct handlerlat_bpf *skel, const struct hl_key *k)
{
	if (bpf_map_delete_elem(bpf_map__fd(skel->maps.frames), k))
		return false;
	bpf_map_delete_elem(bpf_map__fd(skel->maps.requests), k);
	__atomic_fetch_sub(&skel->bss->nframes, 1, __ATOMIC_RELAXED);
	return true;
}

int probe_leftovers(struct handlerlat_bpf *skel, bool report, struct leftovers *o, bool sweep)
{
	int map = bpf_map__fd(skel->maps.frames), err;
	struct frame_list l = {};
	struct thread_list threads = {};
	uint64_t now = run_now();
	bool left;

	err = read_frames(map, &l);
	for (size_t i = 0; i < l.n && !err; i++) {
		const struct probe_file *file = probe_of(l.keys[i].fn);

		if (!file || !l.frames[i].start_ns)
			continue;
		/*
		 * Its process ended: nothing will change any more, so it can be told and
		 * forgotten.
		 */
		if (sweep && process_ended(l.frames[i].tgid) && forget_frame(skel, &l.keys[i])) {
			err = report_call(&l.keys[i], &l.frames[i], skel, now, false);
			continue;
		}
		/* A young call may well be on its way: waiting costs less than looking. */
		left = (report || now - l.frames[i].start_ns > YOUNG_NS) &&
		       call_left(skel, &l.keys[i], &l.frames[i], file, &threads);
		if (!left)
			o->running[l.keys[i].fn]++;
		else if (sweep && forget_frame(skel, &l.keys[i]))
			o->swept[l.keys[i].fn]++;
		else
			o->gone[l.keys[i].fn]++;
		if (report && (!left || !aggregating() || set.slower_ns))
			err = report_call(&l.keys[i], &l.frames[i], skel, now, left);
	}
	free(threads.v);
	free_frames(&l);
	return err;
}

int probe_cut(struct handlerlat_bpf *skel, uint64_t *cut)
{
	struct frame_list l = {};
	int n = 0, err = read_frames(bpf_map__fd(skel->maps.frames), &l);

	for (size_t i = 0; i < l.n && !err; i++) {
		if (!forget_frame(skel, &l.keys[i]) || !l.frames[i].start_ns)
			continue;
		if (l.keys[i].fn <= probe_nfuncs)
			cut[l.keys[i].fn]++;
		n++;
	}
	free_frames(&l);
	return err ?: n;
}
