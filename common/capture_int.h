/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CAPTURE_INT_H
#define CAPTURE_INT_H
/*
 * What the parts of capture share: capture.c checks records and knows the time, capture_conns.c has
 * the connections, capture_late.c keeps both directions of one in step, capture_who.c and
 * capture_tasks.c know who moved bytes, capture_account.c adds up.
 */
#include "capture.h"

struct late;

/* One direction of a connection. */
struct side {
	struct stream s; /* first, for the streams' callbacks get it */
	uint64_t base; /* stream position of http1's position 0 */
	struct late *late, *late_last; /* what waits for the other direction, in order */
	uint32_t tag; /* of the last record */
	uint32_t first; /* of a connection that was joined: the next byte when it was told of */
	uint8_t dir;
	bool based;
	bool first_known;
};

struct task {
	struct cap_task pub; /* first */
	struct task *hash_next;
	uint64_t used_ns;
	uint32_t refs; /* whos that point to it */
	bool current; /* the latest of that pid, and in the hash */
};

struct conn {
	struct cap_conn pub; /* first */
	struct side side[2];
	struct conn *hash_next, *older, *newer;
	/* Of capture.waiting: while something waits in side[].late, or for the end. */
	struct conn *waiting_next, **waiting_link;
	uint64_t spoken_order; /* since when it is known that HTTP is spoken */
	bool spoken; /* it is, as far as was seen */
	bool numbered; /* the last record said where the other direction is */
	uint32_t late_bytes; /* memory of what waits in side[].late */
};

struct capture {
	struct capture_ops ops;
	struct capture_options o;
	struct http1_parser *parser;
	uint64_t now_ns, expired_ns; /* the latest time heard of, and when holes were looked at */
	bool started;
	struct conn **hash; /* nbuckets, a power of two */
	uint32_t nbuckets;
	struct conn *oldest, *newest; /* by their last record */
	struct conn *waiting;
	uint64_t late_bytes; /* of all connections */
};
extern struct capture capture;

/* --- capture_conns.c */
extern const struct stream_ops conn_stream_ops;
/*
 * The connection, moved to the newest place; made if there is none. NULL: no memory, and counted.
 * rec is its own record, or NULL where there was none.
 */
struct conn *conn_get(uint64_t id, const struct cap_conn_rec *rec);
/* The same, but NULL where there is none. */
struct conn *conn_touch(uint64_t id);
/* Ends all that is under way and forgets it. */
void conn_drop(struct conn *c);
/* After a call of stream.h: hands out what need not wait any longer; c may be gone then. */
void conn_settle(struct conn *c);
void conn_wait(struct conn *c); /* puts it among capture.waiting */
/* Before an end is told: what is missing of a direction is known also where nothing of it came. */
void conn_base(struct conn *c, int dir);
/* Before bytes from seq on come: of a connection that was joined, those before them are missing. */
void conn_first(struct conn *c, int dir, uint32_t seq);
/* Of a connection that was joined bytes come that are from before: they answer nothing since. */
void conn_before(struct conn *c, const struct cap_data_rec *r);
/* What the record of bytes says of the other direction; before its bytes come. */
void conn_other(struct conn *c, const struct cap_data_rec *r);
static inline struct conn *conn_of(struct stream *s)
{
	struct side *side = (struct side *)s;

	return (struct conn *)((char *)(side - side->dir) - offsetof(struct conn, side));
}

/* --- capture_late.c: what a stream's callback has */
enum event_kind { EV_DATA, EV_SKIPPED, EV_LOST, EV_OVERDUE, EV_END, EV_RESET };
struct event {
	enum event_kind kind;
	struct stream_at at;
	uint64_t len;
	const void *data; /* where kind is EV_DATA */
};
/* To the tool and to http1. */
void conn_event(struct conn *c, int dir, const struct event *e);
/* Hands e out as soon as nothing that was before it can still come. */
void late_event(struct conn *c, int dir, const struct event *e);
/* Hands out what need not wait any longer. */
void late_settle(struct conn *c);
/* Hands out all that waits. */
void late_flush(struct conn *c);
/* More waits than should: the holes are to be given up. */
bool late_full(const struct conn *c);

/* --- capture_tasks.c */
void task_record(const struct cap_task_rec *r);
/* The latest of that pid; made where it is not known. NULL: no memory, and counted. */
struct task *task_of(uint32_t pid);
void task_put(struct task *k); /* a reference less */
void tasks_init(void);
void tasks_free(void);

/* --- capture_who.c */
/*
 * A stream's tag for who sent the record, and why it is not whole; hint: the tag of one that may
 * well be the same. 0 in the upper bits: no memory.
 */
uint32_t who_tag(const struct cap_data_rec *r, uint32_t hint);
/* Before who_tag(), with no connection at hand: makes room for another. */
void who_room(void);
/* Forgets all threads, if nothing waits that has a tag. */
void who_clear(void);
/* Sets c->pub.who[dir] by a tag. */
void who_set(struct conn *c, int dir, uint32_t tag);
enum cap_cause who_cause(uint32_t tag);
void who_drop(struct conn *c); /* the references of a connection */
void who_init(void);
void who_free(void);

/* --- capture.c: gives up all holes, of all connections */
void capture_flush(void);
#endif
