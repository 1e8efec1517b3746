// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Threads that moved bytes. What waits in a stream carries a number for its thread: a place in a
 * table that is emptied when nothing waits.
 */
#include "capture_int.h"
#include <stdlib.h>
#include <string.h>

#define CONN_TASKS 64 /* that one connection is told with */
#define WHO_HASH   4096
#define WHO_SOFT   4096 /* where the table is emptied when nothing waits */
#define WHO_HARD   65536 /* where what waits must go */
#define CAUSE_BITS 4
_Static_assert(CAP_CAUSES <= 1 << CAUSE_BITS, "a cause fits in its bits of a tag");

const struct cap_task nobody;

/* A thread, or a goroutine of it. */
struct who {
	struct cap_who w;
	struct task *task; /* w.task, or NULL for nobody; with a reference */
	uint32_t next; /* of its hash chain; 0: none */
};

static struct {
	struct who *who; /* who[0] is not used */
	uint32_t nwho, cap;
	uint32_t hash[WHO_HASH];
} t;

static bool anything_waits(void)
{
	return capture_stats.streams.waiting || capture.late_bytes;
}

static void clear(void)
{
	for (uint32_t i = 1; i < t.nwho; i++)
		if (t.who[i].task)
			task_put(t.who[i].task);
	memset(t.hash, 0, sizeof(t.hash));
	t.nwho = 1;
}

void who_clear(void)
{
	if (!anything_waits())
		clear();
}

static bool is_who(const struct who *w, const struct cap_data_rec *r)
{
	return w->w.pid == r->pid && w->w.tid == r->tid && w->w.goid == r->goid &&
	       w->w.parent_goid == r->parent_goid && !memcmp(w->w.comm, r->comm, sizeof(r->comm));
}

static uint32_t *who_bucket(const struct cap_data_rec *r)
{
	uint64_t v = ((uint64_t)r->pid << 32 | r->tid) ^ r->goid * 0xff51afd7ed558ccd;

	return &t.hash[v * 0x9e3779b97f4a7c15 >> 52 & (WHO_HASH - 1)];
}

/* Its number; 0: no memory. */
static uint32_t who_add(const struct cap_data_rec *r, struct task *task)
{
	uint32_t *head = who_bucket(r), more = t.cap ? t.cap * 2 : 64;
	struct who *w;

	if (t.nwho >= t.cap) {
		w = t.nwho < WHO_HARD ? realloc(t.who, more * sizeof(*w)) : NULL;
		if (!w) {
			capture_stats.no_memory++;
			return 0;
		}
		t.who = w;
		t.cap = more;
	}
	w = &t.who[t.nwho];
	*w = (struct who){.task = task, .next = *head};
	w->w = (struct cap_who){.pid = r->pid,
				.tid = r->tid,
				.goid = r->goid,
				.parent_goid = r->parent_goid,
				.task = &nobody};
	memcpy(w->w.comm, r->comm, sizeof(r->comm));
	if (task) {
		w->w.task = &task->pub;
		task->refs++;
	}
	return *head = t.nwho++;
}

uint32_t who_tag(const struct cap_data_rec *r, uint32_t hint)
{
	uint32_t i = hint >> CAUSE_BITS;
	struct task *task;

	if (i && i < t.nwho && is_who(&t.who[i], r) && t.who[i].task && t.who[i].task->current) {
		t.who[i].task->used_ns = capture.now_ns;
		return i << CAUSE_BITS | r->cause;
	}
	task = task_of(r->pid);
	if (task)
		task->used_ns = capture.now_ns;
	for (i = *who_bucket(r); i; i = t.who[i].next)
		if (t.who[i].task == task && is_who(&t.who[i], r))
			break;
	return (i ?: who_add(r, task)) << CAUSE_BITS | r->cause;
}

void who_room(void)
{
	if (t.nwho < WHO_SOFT)
		return;
	if (t.nwho >= WHO_HARD && anything_waits())
		capture_flush();
	who_clear();
}

/* The connection was told with it. False: no memory, or too many. */
static bool keep(struct conn *c, struct task *k)
{
	struct task **more;

	for (uint32_t i = 0; i < c->ntasks; i++)
		if (c->tasks[i] == k)
			return true;
	if (!(c->ntasks & (c->ntasks - 1))) {
		more = c->ntasks < CONN_TASKS
			       ? realloc(c->tasks, (c->ntasks * 2 + !c->ntasks) * sizeof(*more))
			       : NULL;
		if (!more)
			return false;
		c->tasks = more;
	}
	c->tasks[c->ntasks++] = k;
	k->refs++;
	return true;
}

void who_set(struct conn *c, int dir, uint32_t tag)
{
	struct cap_who *told = &c->pub.who[dir];
	const struct who *w;

	/* Of bytes that were lost at the end nobody is known. */
	if (tag < 1 << CAUSE_BITS)
		return;
	w = &t.who[tag >> CAUSE_BITS];
	if (!memcmp(told, &w->w, sizeof(*told)))
		return;
	*told = w->w;
	if (w->task && !keep(c, w->task))
		told->task = &nobody;
}

enum cap_cause who_cause(uint32_t tag)
{
	return tag & ((1 << CAUSE_BITS) - 1);
}

void who_drop(struct conn *c)
{
	for (uint32_t i = 0; i < c->ntasks; i++)
		task_put(c->tasks[i]);
	free(c->tasks);
}

void who_init(void)
{
	memset(&t, 0, sizeof(t));
	t.nwho = 1;
}

void who_free(void)
{
	clear();
	free(t.who);
	who_init();
}
