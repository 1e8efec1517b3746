// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Groups of spans, by hash tables that grow.
 */
#include "httptrace_links.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS	   1024 /* to begin with */
#define IDLE_PROCS 1024 /* that have no spans, but whose ways are known */

static struct {
	struct group **procs, **who;
	uint32_t nprocs, nwho; /* buckets */
	uint32_t have_procs, have_who;
	struct proc *oldest, *newest; /* without spans */
	uint32_t idle;
	bool ending; /* none goes any more */
	struct group *spares;
} groups;

static uint64_t hash_of(uint32_t pid, uint64_t value)
{
	return cause_mix(cause_mix(cause_seed, pid), value);
}

static bool grow_groups(struct group ***table, uint32_t *size, uint32_t have)
{
	uint32_t n = *size, more = n ? n * 2 : BUCKETS;
	struct group **to, *g, *next, **b;

	if (have < n)
		return true;
	cause_start();
	to = calloc(more, sizeof(*to));
	if (!to)
		return n;
	for (uint32_t i = 0; i < n; i++) {
		for (g = (*table)[i]; g; g = next) {
			next = g->next;
			b = &to[hash_of(g->pid, g->value) & (more - 1)];
			g->next = *b;
			*b = g;
		}
	}
	free(*table);
	*table = to;
	*size = more;
	return true;
}

static struct group *look(struct group **table, uint32_t size, uint32_t pid, uint64_t value)
{
	struct group *g = size ? table[hash_of(pid, value) & (size - 1)] : NULL;

	while (g && (g->pid != pid || g->value != value))
		g = g->next;
	return g;
}

static void insert(struct group **table, uint32_t size, struct group *g)
{
	struct group **b = &table[hash_of(g->pid, g->value) & (size - 1)];

	g->next = *b;
	*b = g;
}

static void drop(struct group **table, uint32_t size, struct group *g)
{
	struct group **p = &table[hash_of(g->pid, g->value) & (size - 1)];

	while (*p != g)
		p = &(*p)->next;
	*p = g->next;
}

static uint64_t who_value(uint32_t tid, uint64_t goid)
{
	/* None is 0, which is a process. */
	return goid ? goid | 1ull << 63 : tid | 1ull << 62;
}

struct group *group_who(const struct span *s)
{
	uint64_t value = who_value(s->who->tid, s->who->goid);
	struct group *g = look(groups.who, groups.nwho, s->who->pid, value);

	if (g || !grow_groups(&groups.who, &groups.nwho, groups.have_who))
		return g;
	g = groups.spares;
	if (g)
		groups.spares = g->next;
	else
		g = malloc(sizeof(*g));
	if (!g)
		return NULL;
	*g = (struct group){.pid = s->who->pid, .value = value};
	insert(groups.who, groups.nwho, g);
	groups.have_who++;
	return g;
}

static void unlink_idle(struct proc *p)
{
	*(p->older ? &p->older->newer : &groups.oldest) = p->newer;
	*(p->newer ? &p->newer->older : &groups.newest) = p->older;
	groups.idle--;
}

/* It has no spans. */
static void proc_idle(struct proc *p)
{
	p->newer = NULL;
	p->older = groups.newest;
	*(p->older ? &p->older->newer : &groups.oldest) = p;
	groups.newest = p;
	if (++groups.idle <= IDLE_PROCS || groups.ending)
		return;
	p = groups.oldest;
	unlink_idle(p);
	drop(groups.procs, groups.nprocs, &p->g);
	groups.have_procs--;
	free(p);
}

struct proc *group_proc(uint32_t pid)
{
	struct proc *p = index_proc(pid);

	if (p || !grow_groups(&groups.procs, &groups.nprocs, groups.have_procs))
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->g.pid = pid;
	insert(groups.procs, groups.nprocs, &p->g);
	groups.have_procs++;
	proc_idle(p);
	return p;
}

struct proc *index_proc(uint32_t pid)
{
	return (struct proc *)look(groups.procs, groups.nprocs, pid, 0);
}

const struct group *index_who(uint32_t pid, uint32_t tid, uint64_t goid)
{
	return look(groups.who, groups.nwho, pid, who_value(tid, goid));
}

void group_first(struct proc *p)
{
	if (!p->g.n++)
		unlink_idle(p);
}

void group_last(struct proc *p)
{
	if (!--p->g.n)
		proc_idle(p);
}

void group_who_put(struct group *g)
{
	if (--g->n)
		return;
	drop(groups.who, groups.nwho, g);
	groups.have_who--;
	g->next = groups.spares;
	groups.spares = g;
}

void groups_each(void (*fn)(struct span **list))
{
	groups.ending = true;
	for (uint32_t i = 0; i < groups.nprocs; i++) {
		for (struct group *g = groups.procs[i], *next; g; g = next) {
			next = g->next;
			fn(&g->open);
			fn(&g->over);
		}
	}
}

void groups_finish(void)
{
	struct group *g;

	while (groups.oldest) {
		struct proc *p = groups.oldest;

		unlink_idle(p);
		free(p);
	}
	while ((g = groups.spares)) {
		groups.spares = g->next;
		free(g);
	}
	free(groups.procs);
	free(groups.who);
	memset(&groups, 0, sizeof(groups));
}
