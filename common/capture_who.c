// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Threads that moved bytes. What waits in a stream carries a number for its thread: a place in a
 * table that is emptied when nothing waits.
 */
#include "capture_int.h"
#include <stdlib.h>
#include <string.h>

#define WHO_HASH   4096
#define WHO_SOFT   4096 /* where the table is emptied when nothing waits */
#define WHO_HARD   65536 /* where what waits must go */
#define CAUSE_BITS 4
_Static_assert(CAP_CAUSES <= 1 << CAUSE_BITS, "a cause fits in its bits of a tag");

static const struct cap_task nobody;
const struct cap_who cap_nobody = {.task = &nobody};

/* A thread, or a goroutine of it. */
struct who {
	struct cap_who w; /* first; its task with a reference */
	uint32_t refs; /* the table's, connections', the tool's */
	uint32_t next; /* of its hash chain; 0: none */
};

static struct {
	struct who **who; /* who[0] is not used; each with a reference */
	uint32_t nwho, cap;
	uint32_t hash[WHO_HASH];
} t;

static bool anything_waits(void)
{
	return capture_stats.streams.waiting || capture.late_bytes;
}

/* NULL: nobody's. */
static struct task *task_by(const struct who *w)
{
	return w->w.task == &nobody ? NULL : (struct task *)w->w.task;
}

const struct cap_who *cap_who_get(const struct cap_who *w)
{
	if (w != &cap_nobody)
		((struct who *)w)->refs++;
	return w;
}

void cap_who_put(const struct cap_who *pub)
{
	struct who *w = (struct who *)pub;

	if (pub == &cap_nobody || --w->refs)
		return;
	if (task_by(w))
		task_put(task_by(w));
	free(w);
}

static void clear(void)
{
	for (uint32_t i = 1; i < t.nwho; i++)
		cap_who_put(&t.who[i]->w);
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

static bool room_for_one(void)
{
	uint32_t more = t.cap ? t.cap * 2 : 64;
	struct who **who;

	if (t.nwho < t.cap)
		return true;
	who = t.nwho < WHO_HARD ? realloc(t.who, more * sizeof(*who)) : NULL;
	if (!who)
		return false;
	t.who = who;
	t.cap = more;
	return true;
}

/* Its number; 0: no memory. */
static uint32_t who_add(const struct cap_data_rec *r, struct task *task)
{
	struct who *w = room_for_one() ? malloc(sizeof(*w)) : NULL;
	uint32_t *head = who_bucket(r);

	if (!w) {
		capture_stats.no_memory++;
		return 0;
	}
	*w = (struct who){.refs = 1, .next = *head};
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
	t.who[t.nwho] = w;
	return *head = t.nwho++;
}

uint32_t who_tag(const struct cap_data_rec *r, uint32_t hint)
{
	uint32_t i = hint >> CAUSE_BITS;
	struct task *task = i && i < t.nwho && is_who(t.who[i], r) ? task_by(t.who[i]) : NULL;

	if (task && task->current) {
		task->used_ns = capture.now_ns;
		return i << CAUSE_BITS | r->cause;
	}
	task = task_of(r->pid);
	if (task)
		task->used_ns = capture.now_ns;
	for (i = *who_bucket(r); i; i = t.who[i]->next)
		if (task_by(t.who[i]) == task && is_who(t.who[i], r))
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

void who_set(struct conn *c, int dir, uint32_t tag)
{
	const struct cap_who **told = &c->pub.who[dir];
	const struct who *w;

	/* Of bytes that were lost at the end nobody is known. */
	if (tag < 1 << CAUSE_BITS)
		return;
	w = t.who[tag >> CAUSE_BITS];
	if (*told == &w->w)
		return;
	cap_who_put(*told);
	*told = cap_who_get(&w->w);
}

enum cap_cause who_cause(uint32_t tag)
{
	return tag & ((1 << CAUSE_BITS) - 1);
}

void who_drop(struct conn *c)
{
	cap_who_put(c->pub.who[0]);
	cap_who_put(c->pub.who[1]);
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
