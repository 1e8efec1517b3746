// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Servers' spans that may still have children, by process, by thread or goroutine, by trace and by
 * request id. Nothing here takes longer when there are many: who looks for a parent sees LOOK_AT of
 * each list, and is told when that was not all.
 */
#include "httptrace_links.h"
#include <stdlib.h>
#include <string.h>

#define SENDERS	 16384 /* goroutines that are known to send requests */
#define WAYS	 4
#define LATE	 4 /* spans that are over already, in each list, that are looked at */
#define MAX_LATE (1u << 17)

static struct {
	/* Those that are over, in that order: a ring. */
	struct span **late;
	uint32_t first, n, size;
	struct sender {
		uint64_t goid;
		uint32_t pid, used;
	} * senders;
	uint32_t clock;
} ix;

/* --- what is looked for */

/* From when its request was read until the last of its answer was sent. */
bool span_open_at(const struct span *p, uint64_t ns)
{
	uint64_t end = p->answered_ns ?: p->over ? p->over_ns : UINT64_MAX;

	return p->head_ns <= ns && ns < end;
}

bool query_fits(const struct query *q, const struct span *p)
{
	const struct span *s = q->s;

	if (p == s || !span_open_at(p, q->ns) || trace_apart(s, p))
		return false;
	if (q->same_trace && trace_of(s) != trace_of(p))
		return false;
	if (q->passed && (!p->parent_given || memcmp(p->parent_id, q->passed_id, 8)))
		return false;
	return !q->same_id || (has_request_id(p) && same_request_id(s, p));
}

void found_add(struct found *f, struct span *p)
{
	if (f->n < LOOK_AT)
		f->v[f->n++] = p;
	else
		f->more = true;
}

void index_find(const struct group *g, const struct query *q, struct found *f)
{
	enum span_index i = g && g->value ? INDEX_WHO : INDEX_PROC;
	struct span *p = g ? g->open : NULL;
	int most = 2 * LOOK_AT;

	for (; p && most--; p = p->index_next[i])
		if (query_fits(q, p))
			found_add(f, p);
	f->more |= p != NULL;
	p = g ? g->over : NULL;
	for (most = LATE; p && most--; p = p->index_next[i])
		if (query_fits(q, p))
			found_add(f, p);
}

/* The one that was touched next; NULL: none was. */
static struct span *newer(const struct group *who, const struct span *s)
{
	struct span **link = s->index_link[INDEX_WHO];

	if (link == &who->open)
		return NULL;
	return (struct span *)((char *)link - offsetof(struct span, index_next[INDEX_WHO]));
}

void index_find_due(const struct group *g, const struct query *q, struct found *f)
{
	struct span *p = g->due;

	for (int most = LOOK_AT; p && most--; p = newer(g, p))
		if (query_fits(q, p))
			found_add(f, p);
}

/* --- which there are */

void span_list_add(struct span **list, struct span *s, enum span_index i)
{
	s->index_next[i] = *list;
	s->index_link[i] = list;
	if (*list)
		(*list)->index_link[i] = &s->index_next[i];
	*list = s;
}

void span_list_del(struct span *s, enum span_index i)
{
	if (!s->index_link[i])
		return;
	*s->index_link[i] = s->index_next[i];
	if (s->index_next[i])
		s->index_next[i]->index_link[i] = s->index_link[i];
	s->index_link[i] = NULL;
}

void index_several(struct proc *p)
{
	if (p->several)
		return;
	p->several = true;
	for (struct span *s = p->g.open; s; s = s->index_next[INDEX_PROC])
		ids_add(s, INDEX_URL);
}

static struct group *who_of(const struct span *s)
{
	return (struct group *)index_who(s->who->pid, s->who->tid, s->who->goid);
}

static void who_del(struct group *who, struct span *s)
{
	if (who->due == s)
		who->due = newer(who, s);
	span_list_del(s, INDEX_WHO);
}

/*
 * A thread reads what there is, then sends what that calls for, then reads again: what it read
 * before it sent something, and sent nothing for then, is not next.
 */
static void who_add(struct group *who, struct span *s)
{
	span_list_add(&who->open, s, INDEX_WHO);
	s->used = 0;
	if (who->sent || !who->due)
		who->due = s;
	who->sent = false;
}

void index_used(struct span *s)
{
	struct group *who = s->indexed && !s->left ? who_of(s) : NULL;

	if (!who)
		return;
	s->used = 1;
	who->sent = true;
	while (who->due && who->due->used)
		who->due = newer(who, who->due);
}

struct proc *index_add(struct span *s)
{
	struct proc *p;
	struct group *who;

	if (s->role == CAP_ROLE_CLIENT) {
		ids_add(s, INDEX_TRACE);
		s->indexed = 1;
		span_get(s);
		return NULL;
	}
	p = group_proc(s->who->pid);
	who = p ? group_who(s) : NULL;
	if (!who)
		return NULL;
	group_first(p);
	p->open++;
	who->n++;
	span_list_add(&p->g.open, s, INDEX_PROC);
	who_add(who, s);
	if (s->trace_id_given)
		ids_add(s, INDEX_TRACE);
	if (has_request_id(s))
		ids_add(s, INDEX_REQUEST_ID);
	/* Of others none need be told apart by it. */
	if (p->several)
		ids_add(s, INDEX_URL);
	s->touch_ns = s->head_ns;
	s->indexed = 1;
	span_get(s);
	return p;
}

static void forget_span(struct span *s)
{
	struct proc *p;

	ids_del(s, INDEX_TRACE);
	if (s->role == CAP_ROLE_SERVER) {
		/* One that has left may wait to be shown: INDEX_WAIT. */
		if (!s->left) {
			ids_del(s, INDEX_REQUEST_ID);
			ids_del(s, INDEX_URL);
		}
		p = index_proc(s->who->pid);
		p->open -= !s->left;
		span_list_del(s, INDEX_PROC);
		who_del(who_of(s), s);
		group_last(p);
		group_who_put(who_of(s));
	}
	s->indexed = 0;
	span_put(s);
}

static void pop_late(void)
{
	struct span *s = ix.late[ix.first];

	ix.first = (ix.first + 1) & (ix.size - 1);
	ix.n--;
	forget_span(s);
}

static bool push_late(struct span *s)
{
	uint32_t more = ix.size ? ix.size * 2 : 1024;
	struct span **late;

	if (ix.n == MAX_LATE)
		pop_late();
	if (ix.n == ix.size) {
		late = malloc(more * sizeof(*late));
		if (!late)
			return false;
		for (uint32_t i = 0; i < ix.n; i++)
			late[i] = ix.late[(ix.first + i) & (ix.size - 1)];
		free(ix.late);
		ix.late = late;
		ix.first = 0;
		ix.size = more;
	}
	ix.late[(ix.first + ix.n++) & (ix.size - 1)] = s;
	return true;
}

void index_over(struct span *s)
{
	struct proc *p;

	if (!s->indexed)
		return;
	if (!push_late(s)) {
		forget_span(s);
		return;
	}
	if (s->role == CAP_ROLE_CLIENT)
		return;
	p = index_proc(s->who->pid);
	p->open--;
	s->left = 1;
	ids_del(s, INDEX_TRACE);
	ids_del(s, INDEX_REQUEST_ID);
	ids_del(s, INDEX_URL);
	span_list_del(s, INDEX_PROC);
	who_del(who_of(s), s);
	span_list_add(&p->g.over, s, INDEX_PROC);
	span_list_add(&who_of(s)->over, s, INDEX_WHO);
}

void index_touch(struct span *s, uint64_t ns)
{
	struct group *who = s->indexed && !s->left ? who_of(s) : NULL;

	if (!who || ns <= s->touch_ns)
		return;
	s->touch_ns = ns;
	who_del(who, s);
	who_add(who, s);
}

void index_expire(uint64_t now_ns)
{
	while (ix.n && ix.late[ix.first]->over_ns + JOIN_NS <= now_ns)
		pop_late();
}

/* --- goroutines */

bool index_new_sender(uint32_t pid, uint64_t goid)
{
	struct sender *ways, *oldest;

	if (!ix.senders)
		ix.senders = calloc(SENDERS, sizeof(*ix.senders));
	/* Without memory none is sure to be new. */
	if (!ix.senders)
		return false;
	cause_start();
	ways = ix.senders +
	       (cause_mix(cause_mix(cause_seed, pid), goid) & (SENDERS / WAYS - 1)) * WAYS;
	oldest = ways;
	ix.clock++;
	for (struct sender *k = ways; k < ways + WAYS; k++) {
		if (k->pid == pid && k->goid == goid) {
			k->used = ix.clock;
			return false;
		}
		if (k->used < oldest->used)
			oldest = k;
	}
	*oldest = (struct sender){goid, pid, ix.clock};
	return true;
}

/* At the end of all, some may be open still. */
static void forget_all(struct span **list)
{
	while (*list)
		forget_span(*list);
}

void index_finish(void)
{
	while (ix.n)
		pop_late();
	groups_each(forget_all);
	ids_each(forget_all);
	groups_finish();
	ids_finish();
	free(ix.late);
	free(ix.senders);
	memset(&ix, 0, sizeof(ix));
}
