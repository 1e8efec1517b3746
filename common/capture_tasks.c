// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Who moved bytes: processes by pid, and threads. A task that connections were told with lives as
 * long as they do, also when its pid belongs to another by then. What waits in a stream carries a
 * number for its thread: places in a table that is emptied when nothing waits.
 */
#include "capture_int.h"
#include <stdlib.h>
#include <string.h>

#define TASKS	   8192 /* beyond, those that nobody points to go, longest unused first */
#define TASK_HASH  4096
#define CONN_TASKS 64 /* of one connection */
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
	struct task *task[TASK_HASH];
	uint32_t ntasks, max_tasks;
	struct who *who; /* who[0] is not used */
	uint32_t nwho, cap;
	uint32_t who_hash[WHO_HASH];
} t;

static struct task **bucket(uint32_t pid)
{
	return &t.task[pid * 0x9e3779b1u >> 20 & (TASK_HASH - 1)];
}

static struct task *find(uint32_t pid)
{
	struct task *k = *bucket(pid);

	while (k && k->pub.pid != pid)
		k = k->hash_next;
	return k;
}

static void task_free(struct task *k)
{
	free(k->pub.cmdline);
	free(k);
}

static void put(struct task *k)
{
	if (!--k->refs && !k->current)
		task_free(k);
}

/* Its pid is another's from here on, or is forgotten. */
static void retire(struct task *k)
{
	struct task **p = bucket(k->pub.pid);

	while (*p != k)
		p = &(*p)->hash_next;
	*p = k->hash_next;
	k->current = false;
	t.ntasks--;
	if (!k->refs)
		task_free(k);
}

static void who_clear(void)
{
	for (uint32_t i = 1; i < t.nwho; i++)
		if (t.who[i].task)
			put(t.who[i].task);
	memset(t.who_hash, 0, sizeof(t.who_hash));
	t.nwho = 1;
}

static bool anything_waits(void)
{
	return capture_stats.streams.waiting || capture.late_bytes;
}

static int by_use(const void *a, const void *b)
{
	const struct task *x = *(struct task *const *)a, *y = *(struct task *const *)b;

	return (x->used_ns > y->used_ns) - (x->used_ns < y->used_ns);
}

/* Drops a quarter, as far as nobody points to them; where too many are in use, more may come. */
static void sweep(void)
{
	struct task **all = malloc(t.ntasks * sizeof(*all));
	uint32_t n = 0;

	if (!anything_waits())
		who_clear();
	for (uint32_t i = 0; all && i < TASK_HASH; i++)
		for (struct task *k = t.task[i]; k; k = k->hash_next)
			if (!k->refs)
				all[n++] = k;
	if (n)
		qsort(all, n, sizeof(*all), by_use);
	for (uint32_t i = 0; i < n && t.ntasks > TASKS / 4 * 3; i++)
		retire(all[i]);
	free(all);
	t.max_tasks = t.ntasks * 4 / 3 > TASKS ? t.ntasks * 4 / 3 : TASKS;
}

static void insert(struct task *k)
{
	if (t.ntasks >= t.max_tasks)
		sweep();
	k->used_ns = capture.now_ns;
	k->current = true;
	k->hash_next = *bucket(k->pub.pid);
	*bucket(k->pub.pid) = k;
	t.ntasks++;
}

/* Made where the pid is not known. NULL: no memory. */
static struct task *task_of(uint32_t pid)
{
	struct task *k = find(pid);

	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k) {
		capture_stats.no_memory++;
		return NULL;
	}
	k->pub.pid = pid;
	insert(k);
	return k;
}

static bool is_id(const char *s)
{
	for (int i = 0; i < 64; i++)
		if (!(s[i] >= '0' && s[i] <= '9') && !(s[i] >= 'a' && s[i] <= 'f'))
			return false;
	return true;
}

/*
 * "docker-ID.scope", "cri-containerd-ID.scope" and the like, or ID alone. Under "libpod-conmon-ID"
 * runs what looks after a container, outside of it.
 */
static void set_container(struct cap_task *k, const char *cgroup)
{
	static const char scope[] = ".scope", conmon[] = "conmon-";
	size_t n = strlen(cgroup), before;

	if (n >= sizeof(scope) - 1 && !strcmp(cgroup + n - (sizeof(scope) - 1), scope))
		n -= sizeof(scope) - 1;
	if (n < 64 || !is_id(cgroup + n - 64))
		return;
	before = n - 64;
	if (before && cgroup[before - 1] != '-')
		return;
	if (before >= sizeof(conmon) - 1 &&
	    !memcmp(cgroup + before - (sizeof(conmon) - 1), conmon, sizeof(conmon) - 1))
		return;
	memcpy(k->container, cgroup + before, 12);
}

/* False: no memory. */
static bool set_cmdline(struct cap_task *k, const char *args, size_t n)
{
	while (n && !args[n - 1])
		n--;
	if (!n)
		return true;
	k->cmdline = malloc(n + 1);
	if (!k->cmdline)
		return false;
	for (size_t i = 0; i < n; i++)
		k->cmdline[i] = args[i] ? args[i] : ' ';
	k->cmdline[n] = 0;
	k->cmdline_len = n;
	return true;
}

static struct task *task_new(const struct cap_task_rec *r)
{
	struct task *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->pub.pid = r->pid;
	k->pub.start_ns = r->start_ns;
	memcpy(k->pub.comm, r->comm, strnlen(r->comm, sizeof(r->comm) - 1));
	set_container(&k->pub, r->cgroup);
	if (set_cmdline(&k->pub, r->args, r->args_len))
		return k;
	task_free(k);
	return NULL;
}

static bool same_task(const struct cap_task *a, const struct cap_task *b)
{
	return a->start_ns == b->start_ns && a->cmdline_len == b->cmdline_len &&
	       !strcmp(a->comm, b->comm) && !strcmp(a->container, b->container) &&
	       (!a->cmdline_len || !memcmp(a->cmdline, b->cmdline, a->cmdline_len));
}

void task_record(const struct cap_task_rec *r)
{
	struct task *old = find(r->pid), *k;

	if (old && old->pub.start_ns > r->start_ns)
		return;
	k = task_new(r);
	if (!k) {
		capture_stats.no_memory++;
		return;
	}
	if (old && same_task(&old->pub, &k->pub)) {
		old->used_ns = capture.now_ns;
		task_free(k);
		return;
	}
	if (old)
		retire(old);
	insert(k);
}

/* --- threads */
static bool is_who(const struct who *w, const struct cap_data_rec *r)
{
	return w->w.pid == r->pid && w->w.tid == r->tid && w->w.goid == r->goid &&
	       !memcmp(w->w.comm, r->comm, sizeof(r->comm));
}

static uint32_t *who_bucket(const struct cap_data_rec *r)
{
	uint64_t v = ((uint64_t)r->pid << 32 | r->tid) ^ r->goid * 0xff51afd7ed558ccd;

	return &t.who_hash[v * 0x9e3779b97f4a7c15 >> 52 & (WHO_HASH - 1)];
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
	w->w = (struct cap_who){.pid = r->pid, .tid = r->tid, .goid = r->goid, .task = &nobody};
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
	if (!anything_waits())
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

void tasks_drop(struct conn *c)
{
	for (uint32_t i = 0; i < c->ntasks; i++)
		put(c->tasks[i]);
	free(c->tasks);
}

void tasks_init(void)
{
	memset(&t, 0, sizeof(t));
	t.nwho = 1;
	t.max_tasks = TASKS;
}

void tasks_free(void)
{
	who_clear();
	free(t.who);
	for (uint32_t i = 0; i < TASK_HASH; i++)
		while (t.task[i])
			retire(t.task[i]);
	memset(&t, 0, sizeof(t));
}
