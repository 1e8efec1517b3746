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
} ix;

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
	uint64_t value = who_value(s->tid, s->goid);
	struct group *g = look(ix.who, ix.nwho, s->pid, value);

	if (g || !grow_groups(&ix.who, &ix.nwho, ix.have_who))
		return g;
	g = ix.spares;
	if (g)
		ix.spares = g->next;
	else
		g = malloc(sizeof(*g));
	if (!g)
		return NULL;
	*g = (struct group){.pid = s->pid, .value = value};
	insert(ix.who, ix.nwho, g);
	ix.have_who++;
	return g;
}

static void unlink_idle(struct proc *p)
{
	*(p->older ? &p->older->newer : &ix.oldest) = p->newer;
	*(p->newer ? &p->newer->older : &ix.newest) = p->older;
	ix.idle--;
}

/* It has no spans. */
static void proc_idle(struct proc *p)
{
	p->newer = NULL;
	p->older = ix.newest;
	*(p->older ? &p->older->newer : &ix.oldest) = p;
	ix.newest = p;
	if (++ix.idle <= IDLE_PROCS || ix.ending)
		return;
	p = ix.oldest;
	unlink_idle(p);
	drop(ix.procs, ix.nprocs, &p->g);
	ix.have_procs--;
	free(p);
}

struct proc *group_proc(uint32_t pid)
{
	struct proc *p = index_proc(pid);

	if (p || !grow_groups(&ix.procs, &ix.nprocs, ix.have_procs))
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->g.pid = pid;
	insert(ix.procs, ix.nprocs, &p->g);
	ix.have_procs++;
	proc_idle(p);
	return p;
}

struct proc *index_proc(uint32_t pid)
{
	return (struct proc *)look(ix.procs, ix.nprocs, pid, 0);
}

const struct group *index_who(uint32_t pid, uint32_t tid, uint64_t goid)
{
	return look(ix.who, ix.nwho, pid, who_value(tid, goid));
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
	drop(ix.who, ix.nwho, g);
	ix.have_who--;
	g->next = ix.spares;
	ix.spares = g;
}

void groups_each(void (*fn)(struct span **list))
{
	ix.ending = true;
	for (uint32_t i = 0; i < ix.nprocs; i++) {
		for (struct group *g = ix.procs[i], *next; g; g = next) {
			next = g->next;
			fn(&g->open);
			fn(&g->over);
		}
	}
}

void groups_finish(void)
{
	struct group *g;

	while (ix.oldest) {
		struct proc *p = ix.oldest;

		unlink_idle(p);
		free(p);
	}
	while ((g = ix.spares)) {
		ix.spares = g->next;
		free(g);
	}
	free(ix.procs);
	free(ix.who);
	memset(&ix, 0, sizeof(ix));
}
