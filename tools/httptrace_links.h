/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPTRACE_LINKS_H
#define HTTPTRACE_LINKS_H
/*
 * What httptrace_links.c (which rule applies), httptrace_order.c (threads that serve several at
 * once) and httptrace_index.c (where spans are found) share.
 */
#include "httptrace_cause.h"

/* Spans that a rule looks at: beyond, it does not know which one it is. */
#define LOOK_AT 16

/*
 * Servers' spans of one process, thread or goroutine: those that are open, what was touched last
 * first, and behind them, for as long as records may be late, those that are over.
 */
struct group {
	struct group *next; /* of its hash chain */
	struct span *open, *over;
	struct span *due; /* of open: whose turn it is to send */
	bool sent; /* something, since it last read */
	uint64_t value; /* thread or goroutine; of a process, 0 */
	uint32_t pid, n;
};

/* A process, as long as it has spans, and some time. What it showed of how it works: */
struct proc {
	struct group g; /* first */
	struct proc *older, *newer; /* of those that have no spans */
	uint32_t open; /* spans */
	uint32_t calls; /* requests it sent while it served several ... */
	uint32_t strays; /* ... and those, of all, that a thread sent that had read none of them */
	uint32_t answers, elsewhere; /* it sent; not by the thread that had read the request */
	uint32_t ordered, same_url; /* calls of threads that serve several; and like one of them */
	uint32_t waited, missed; /* whose calls were guessed: they waited for those, or did not */
	bool last_first; /* what was read last, not first, is what it sends for */
	bool several; /* a thread of it serves more than one at once */
	bool go; /* it has goroutines */
};

/* Which spans may be the parent of s. */
struct query {
	const struct span *s;
	uint64_t ns; /* when it was sent */
	uint64_t began_ns; /* when its connection was begun for it; 0: not for it, or not known */
	uint8_t passed_id[8]; /* with passed: the id in its header ... */
	bool passed; /* ... which is only passed on: came in with them */
	bool same_trace, same_id; /* by headers: only those */
};

/* Those that may, up to LOOK_AT. */
struct found {
	struct span *v[LOOK_AT];
	unsigned int n;
	bool more; /* there are, or may be */
};

/* --- httptrace_index.c */
/* What is there; NULL: nothing. */
struct proc *index_proc(uint32_t pid);
const struct group *index_who(uint32_t pid, uint32_t tid, uint64_t goid);
bool span_open_at(const struct span *p, uint64_t ns); /* it may have children then */
bool query_fits(const struct query *q, const struct span *p);
/* Adds those of g (NULL: none) that fit. */
void index_find(const struct group *g, const struct query *q, struct found *f);
/* Those of q's process and trace, by the trace id that their header has. */
void index_find_trace(const struct query *q, struct found *f);
/* Of a thread, those whose turn it may be, the first one first; nothing comes twice. */
void index_find_due(const struct group *g, const struct query *q, struct found *f);
/* Those whose X-Request-ID is q's. */
void index_find_request_id(const struct query *q, struct found *f);
bool span_is_alike(const struct span *a, const struct span *b);
/* Those that the same thread serves, with the same method and path. */
void index_find_alike(const struct query *q, struct found *f);
bool has_request_id(const struct span *s);
/* Another client's span that sends the same ids. */
bool index_id_used(const struct span *s);
/* A server's span begins, or a client's that sends an id. NULL: no memory, or it is a client's. */
struct proc *index_add(struct span *s);
void index_over(struct span *s);
/* A thread of p serves more than one at once. */
void index_several(struct proc *p);
/* Something was read for s, at ns, by the thread that reads its requests. */
void index_touch(struct span *s, uint64_t ns);
/* Its thread sends something for it. */
void index_used(struct span *s);
void index_expire(uint64_t now_ns);
/* First request that goroutine sent: true; this is remembered. */
bool index_new_sender(uint32_t pid, uint64_t goid);
void index_finish(void);

/* --- httptrace_index_groups.c */
struct proc *group_proc(uint32_t pid); /* made if it is not there; NULL: no memory */
struct group *group_who(const struct span *s);
void group_first(struct proc *p); /* one more span */
void group_last(struct proc *p); /* one less */
void group_who_put(struct group *g); /* one less; it may be gone */
/* All lists of all processes. fn must empty each. */
void groups_each(void (*fn)(struct span **list));
void groups_finish(void);

/* --- httptrace_index_ids.c */
void ids_add(struct span *s, enum span_index i);
void ids_del(struct span *s, enum span_index i);
bool same_request_id(const struct span *a, const struct span *b);
void ids_each(void (*fn)(struct span **list)); /* as groups_each() */
void ids_finish(void);

/* --- lists of spans */
void span_list_add(struct span **list, struct span *s, enum span_index i);
void span_list_del(struct span *s, enum span_index i); /* if it is in one */
void found_add(struct found *f, struct span *p);

/* --- httptrace_order.c */
/* One of several that a thread serves: 0, or the percent of *p being the parent. */
unsigned int order_choose(struct proc *proc, const struct group *thread, const struct query *q,
			  struct span **p);
/* Its calls are like what came: what it reads of their answers is nothing to send another for. */
bool order_is_proxy(const struct proc *proc);
/* s was made a child of p; is over. */
void order_call(struct span *p);
void order_answer(struct span *p);
/* p is answered, though perhaps not its calls. */
void order_over(struct proc *proc, const struct span *p);
#endif
