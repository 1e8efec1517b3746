// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The calls that have not returned: what became of them, or what they still do.
 */
#include "handlerlat_parts.h"
#include "log.h"
#include "proc.h"
#include "run.h"
#include "handlerlat.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

static struct remembered {
	pid_t pid;
	uint64_t starttime;
	int mem_fd;
} remembered[MAX_REMEMBERED];
static size_t nremembered;

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

bool frames_any(struct handlerlat_bpf *skel)
{
	struct frame_list l = {};
	bool any = false;

	if (!read_frames(bpf_map__fd(skel->maps.frames), &l)) {
		for (size_t i = 0; i < l.n && !any; i++)
			any = l.frames[i].start_ns;
	}
	free_frames(&l);
	return any;
}

static struct remembered *recall(pid_t pid)
{
	for (size_t i = 0; i < nremembered; i++) {
		if (remembered[i].pid == pid)
			return &remembered[i];
	}
	return NULL;
}

void frames_remember(pid_t pid)
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

/*
 * Is it still the call that was looked at? One that returned meanwhile has left its frame too, but
 * its exit has been counted before.
 */
static bool same_call(int map, const struct hl_key *k, const struct hl_frame *f)
{
	struct hl_frame now;

	return !bpf_map_lookup_elem(map, k, &now) && now.start_ns == f->start_ns;
}

int frames_left(struct handlerlat_bpf *skel, bool report, struct leftovers *o, bool sweep)
{
	int map = bpf_map__fd(skel->maps.frames), err;
	struct frame_list l = {};
	struct thread_list threads = {};
	uint64_t now = run_now();
	bool left, swept;

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
		       call_left(skel, &l.keys[i], &l.frames[i], file, &threads) &&
		       same_call(map, &l.keys[i], &l.frames[i]);
		swept = left && sweep && forget_frame(skel, &l.keys[i]);
		if (!left)
			o->running[l.keys[i].fn]++;
		else if (swept)
			o->swept[l.keys[i].fn]++;
		else
			o->gone[l.keys[i].fn]++;
		/* What is swept is counted for good, so it gets its row now. */
		if ((report || swept) && (!left || !aggregating() || set.slower_ns))
			err = report_call(&l.keys[i], &l.frames[i], skel, now, left);
	}
	free(threads.v);
	free_frames(&l);
	return err;
}

int frames_cut(struct handlerlat_bpf *skel, uint64_t *cut)
{
	struct frame_list l = {};
	int n = 0, err = read_frames(bpf_map__fd(skel->maps.frames), &l);

	for (size_t i = 0; i < l.n && !err; i++) {
		if (!forget_frame(skel, &l.keys[i]) || !l.frames[i].start_ns)
			continue;
		if (cut && l.keys[i].fn <= probe_nfuncs)
			cut[l.keys[i].fn]++;
		n++;
	}
	free_frames(&l);
	return err ?: n;
}
