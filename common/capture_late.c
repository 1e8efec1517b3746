// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The two directions of a connection, in step. Who reads HTTP must see them in the order in which
 * things happened, else a client that waits for each answer seems to pipeline, and answers go to
 * other requests than their own. A direction with a hole stands still until the hole is filled or
 * given up; what the other one has to tell meanwhile is kept here, and goes out in its turn.
 */
#include "capture_int.h"
#include <stdlib.h>
#include <string.h>

#define CONN_MAX  (256u << 10) /* memory of what waits; beyond, holes are given up */
#define TOTAL_MAX (8u << 20)

struct late {
	struct late *next;
	uint64_t order;
	struct event e;
	char bytes[];
};

static uint32_t cost(const struct event *e)
{
	return sizeof(struct late) + (e->kind == EV_DATA ? e->len : 0);
}

static bool add(struct conn *c, struct side *side, const struct event *e, uint64_t order)
{
	struct late *l = malloc(cost(e));

	if (!l)
		return false;
	l->next = NULL;
	l->order = order;
	l->e = *e;
	if (e->kind == EV_DATA)
		l->e.data = memcpy(l->bytes, e->data, e->len);
	*(side->late ? &side->late_last->next : &side->late) = l;
	side->late_last = l;
	c->late_bytes += cost(e);
	capture.late_bytes += cost(e);
	conn_wait(c);
	return true;
}

static void take(struct conn *c, struct side *side)
{
	struct late *l = side->late;

	side->late = l->next;
	c->late_bytes -= cost(&l->e);
	capture.late_bytes -= cost(&l->e);
	conn_event(c, side->dir, &l->e);
	free(l);
}

/* The side whose first is the earlier one, or NULL. */
static struct side *first(struct conn *c)
{
	struct side *a = &c->side[0], *b = &c->side[1];

	if (!a->late || !b->late)
		return a->late ? a : b->late ? b : NULL;
	return a->late->order <= b->late->order ? a : b;
}

/*
 * Where an event stands among those of both directions: by when its record came, and what is
 * missing before the bytes by which it is known. What fills a hole was before what is behind that.
 * Of what one record shows to be missing in both, responses come first: then nothing is made of
 * requests that are lost while others wait.
 */
static uint64_t place(const struct conn *c, int dir, const struct event *e)
{
	uint64_t next = stream_next_order(&c->side[dir].s);
	bool missing = e->kind == EV_LOST || e->kind == EV_OVERDUE;
	bool later = http1_client(c->pub.h) == dir;

	if (next <= e->at.order)
		return next << 2 | later;
	return e->at.order << 2 | !missing << 1 | later;
}

void late_event(struct conn *c, int dir, const struct event *e)
{
	struct side *own = &c->side[dir], *other = &c->side[!dir], *side;
	uint64_t order = place(c, dir, e);

	if (other->s.hold && add(c, own, e, order))
		return;
	/* What is before it in its own direction goes first in any case. */
	while ((side = first(c)) && (own->late || side->late->order <= order))
		take(c, side);
	conn_event(c, dir, e);
}

void late_flush(struct conn *c)
{
	struct side *side;

	while ((side = first(c)))
		take(c, side);
}

void late_settle(struct conn *c)
{
	bool hold[2] = {c->side[0].s.hold, c->side[1].s.hold};

	if (!hold[0] && !hold[1])
		late_flush(c);
	/* With what was before it. */
	for (int i = 0; i < 2; i++)
		while (!hold[!i] && c->side[i].late)
			take(c, first(c));
}

bool late_full(const struct conn *c)
{
	return c->late_bytes > CONN_MAX || (c->late_bytes && capture.late_bytes > TOTAL_MAX);
}
