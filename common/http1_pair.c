// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which request a response answers: in step, the one that waits longest. What ends that and what
 * brings it back is in http1_doubt.c.
 */
#include <stdlib.h>
#include <string.h>
#include "http1_int.h"

static struct request *waiting(struct http1 *c, uint32_t i)
{
	return &c->queue[(c->front + i) & (c->cap - 1)];
}

void http1_pair_flush(struct http1 *c, enum http1_why why)
{
	struct http1_dir *d = &c->dir[c->client == 1];
	uint32_t n = c->waiting;

	c->waiting = 0;
	c->tentative = false;
	for (uint32_t i = 0; i < n; i++) {
		const struct request *r = waiting(c, i);

		if (c->p->ops.unanswered)
			c->p->ops.unanswered(c->ctx, c->oldest + i, r->user, why);
	}
	if (n && d->state == ST_HELD && !d->dumb && why != HTTP1_UPGRADED)
		http1_unhold(c, d);
}

static bool enlarge(struct http1 *c)
{
	uint32_t cap = c->cap * 2;
	struct request *more;

	if (c->waiting < c->cap)
		return true;
	if (c->waiting >= c->p->opts.max_requests)
		return false;
	more = malloc(cap * sizeof(*more));
	if (!more)
		return false;
	for (uint32_t i = 0; i < c->waiting; i++)
		more[i] = *waiting(c, i);
	if (c->queue != c->two)
		free(c->queue);
	c->queue = more;
	c->cap = cap;
	c->front = 0;
	return true;
}

void http1_pair_request(struct http1 *c, struct msg *m)
{
	m->pub.number = ++c->requests;
	if (!http1_doubt_request(c, m))
		return;
	if (c->waiting >= c->p->opts.max_requests || !enlarge(c)) {
		http1_pair_lost(c, http1_responses(c), false, HTTP1_OVERFLOW);
		http1_give_up(c, m);
		return;
	}
	if (!c->waiting)
		c->oldest = m->pub.number;
	*waiting(c, c->waiting++) = (struct request){
		.head_method = m->head_method, .connect = m->connect, .assumed = c->assumed};
}

struct request *http1_waits(struct http1 *c, const struct msg *m)
{
	uint64_t i;

	if (!m->pub.request || m->given_up || !c->waiting)
		return NULL;
	i = m->pub.number - c->oldest;
	return i < c->waiting ? waiting(c, i) : NULL;
}

void http1_pair_user(struct http1 *c, struct msg *m)
{
	struct request *r = http1_waits(c, m);

	if (r)
		r->user = m->pub.user;
}

void http1_pair_answer(struct http1 *c, struct msg *m)
{
	m->pub.number = ++c->responses;
	http1_doubt_answer(c, m);
}

void http1_pair_response(struct http1 *c, struct msg *m, bool whole)
{
	struct http1_msg *pub = &m->pub;
	const struct request *r;

	pub->interim = pub->status < 200 && pub->status != 101;
	/* What waits may be behind a loss that this began before. */
	m->unknown_request = !c->waiting || (int32_t)(m->epoch - c->emptied) < 0;
	if (m->unknown_request)
		return;
	r = waiting(c, 0);
	pub->answers = c->oldest;
	pub->request_user = r->user;
	pub->assumed = r->assumed;
	m->head_method = r->head_method;
	m->connect = r->connect;
	if (pub->interim || !whole)
		return;
	c->front = (c->front + 1) & (c->cap - 1);
	c->waiting--;
	c->oldest++;
	c->tentative = false;
}

static void given_up_over(struct http1 *c, const struct msg *m)
{
	if (m->given_up && c->p->ops.unanswered)
		c->p->ops.unanswered(c->ctx, m->pub.number, m->pub.user, HTTP1_GAP);
}

void http1_pair_over(struct http1 *c, struct msg *m)
{
	struct http1_dir *d = http1_peer(c, &c->dir[m->pub.dir]);

	given_up_over(c, m);
	if (m->pub.request || m->pub.interim)
		return;
	http1_doubt_over(c, m);
	c->assumed &= c->waiting > 0;
	if (m->connect && m->pub.status >= 300 && d->state == ST_HELD)
		http1_unhold(c, d);
}

void http1_pair_broken(struct http1 *c, struct msg *m, enum http1_why why)
{
	given_up_over(c, m);
}
