// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Processes by pid. One that connections were told with lives as long as they do, also when its pid
 * belongs to another by then.
 */
#include "capture_int.h"
#include <stdlib.h>
#include <string.h>

#define TASKS	  8192 /* beyond, those that nobody points to go, longest unused first */
#define TASK_HASH 4096

static struct {
	struct task *task[TASK_HASH];
	uint32_t ntasks, max_tasks;
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

void task_put(struct task *k)
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

struct task *task_of(uint32_t pid)
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
	memcpy(k->cmdline, args, n);
	if (capture.ops.args)
		capture.ops.args(k->cmdline, n);
	for (size_t i = 0; i < n; i++)
		k->cmdline[i] = k->cmdline[i] ?: ' ';
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
	k->pub.uid_known = r->start_ns;
	k->pub.uid = r->uid;
	memcpy(k->pub.comm, r->comm, strnlen(r->comm, sizeof(r->comm) - 1));
	set_container(&k->pub, r->cgroup);
	if (set_cmdline(&k->pub, r->args, r->args_len))
		return k;
	task_free(k);
	return NULL;
}

static bool same_task(const struct cap_task *a, const struct cap_task *b)
{
	return a->start_ns == b->start_ns && a->uid == b->uid && a->cmdline_len == b->cmdline_len &&
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

void tasks_init(void)
{
	memset(&t, 0, sizeof(t));
	who_init();
	t.max_tasks = TASKS;
}

void tasks_free(void)
{
	who_free();
	for (uint32_t i = 0; i < TASK_HASH; i++)
		while (t.task[i])
			retire(t.task[i]);
	memset(&t, 0, sizeof(t));
}
