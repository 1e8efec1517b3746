// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which request a response answers.
 *
 * In step, the one that waits longest. A response that begins while none waits (an orphan) shows
 * that a request was missed, or is reported late: then the two are out of step, too. The next
 * request may be the late one, so nothing that begins before it counts below, and no response is
 * due to it.
 *
 * Out of step (unsure), requests are given up and responses answer nothing. What ends that is an
 * anchor, a request that begins when nothing can be unanswered before it:
 *  - a final response began after the loss and has ended (turned): what it answers was sent before,
 *    so a client that waits for an answer before it sends again has nothing else under way;
 *  - no response is under way, and the direction of responses is in step;
 *  - nothing is due (debt). On a connection that was never seen to pipeline, debt counts those
 *    given up whose response has surely not been seen: one more was sent than answered. On one that
 *    did pipeline it counts those whose response may not have been seen, and a loss in the
 *    requests' direction may hide any number of them;
 *  - its time is not before that response's: a request may be reported late.
 */
#include <stdlib.h>
#include <string.h>
#include "http1_int.h"

static struct request *waiting(struct http1 *c, uint32_t i)
{
	return &c->queue[(c->front + i) & (c->cap - 1)];
}

static struct http1_dir *responses(struct http1 *c)
{
	return &c->dir[c->client == 0];
}

static void owe(struct http1 *c, uint64_t n)
{
	c->debt = n > DEBT_FOREVER - c->debt ? DEBT_FOREVER : c->debt + n;
}

/* Between messages, having lost nothing. */
static bool quiet(struct http1 *c)
{
	return c->client >= 0 && responses(c)->state == ST_START;
}

void http1_pair_begin(struct http1 *c, struct http1_dir *d, struct msg *m)
{
	m->epoch = c->epoch;
	m->alone = !c->waiting;
	if (!c->unsure)
		return;
	m->anchor = c->turned && !c->debt && quiet(c) && d->now_ns >= c->final_ns;
	m->fresh = c->joined && !m->pub.begin && !http1_peer(c, d)->count.fed && !c->epoch;
}

void http1_pair_flush(struct http1 *c, enum http1_why why)
{
	struct http1_dir *d = &c->dir[c->client == 1];
	uint32_t n = c->waiting;

	c->waiting = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct request *r = waiting(c, i);

		if (c->p->ops.unanswered)
			c->p->ops.unanswered(c->ctx, r->number, r->user, why);
	}
	if (n && d->state == ST_HELD && !d->dumb && why != HTTP1_UPGRADED)
		http1_unhold(c, d);
}

void http1_pair_lost(struct http1 *c, struct http1_dir *d, bool damaged, enum http1_why why)
{
	bool of_requests = c->client < 0 || c->client == http1_dirno(c, d);
	uint64_t n = c->waiting;

	http1_pair_flush(c, why);
	if (c->pipelined)
		owe(c, of_requests ? DEBT_FOREVER : n);
	else if (of_requests && !http1_searching(http1_peer(c, d)))
		owe(c, n + damaged);
	else
		c->debt = 0;
	c->unsure = true;
	c->turned = c->orphan = false;
	c->epoch++;
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

static void give_up(struct http1 *c, struct msg *m)
{
	m->given_up = true;
	/* This may be what the response without a request answered. */
	if (c->orphan) {
		c->orphan = false;
		return;
	}
	/* While the other direction is searched, its answer may go by unseen. */
	if (c->pipelined || !http1_searching(responses(c)))
		owe(c, 1);
}

/* The request is known by now, and nothing has answered it. */
static bool ends_doubt(struct http1 *c, const struct msg *m)
{
	if (m->epoch != c->epoch)
		return false;
	if (m->fresh && !responses(c)->count.fed) {
		c->assumed = true;
		return true;
	}
	return m->anchor && quiet(c);
}

void http1_pair_request(struct http1 *c, struct msg *m)
{
	m->pub.number = ++c->requests;
	if (c->unsure && !ends_doubt(c, m)) {
		give_up(c, m);
		return;
	}
	c->unsure = false;
	c->debt = 0;
	c->pipelined |= c->waiting > 0;
	if (c->waiting >= c->p->opts.max_requests || !enlarge(c)) {
		http1_pair_lost(c, responses(c), false, HTTP1_OVERFLOW);
		give_up(c, m);
		return;
	}
	*waiting(c, c->waiting++) = (struct request){.number = m->pub.number,
						     .head_method = m->head_method,
						     .connect = m->connect,
						     .assumed = c->assumed};
}

void http1_pair_user(struct http1 *c, struct msg *m)
{
	uint64_t n = m->pub.number;

	if (m->pub.request && c->waiting && n >= waiting(c, 0)->number)
		waiting(c, n - waiting(c, 0)->number)->user = m->pub.user;
}

void http1_pair_answer(struct http1 *c, struct msg *m)
{
	m->pub.number = ++c->responses;
	if (!c->unsure && m->alone) {
		http1_pair_lost(c, &c->dir[m->pub.dir], false, HTTP1_GAP);
		m->epoch = c->epoch;
		c->orphan = true;
	}
	m->orphan = c->orphan;
}

void http1_pair_response(struct http1 *c, struct msg *m, bool whole)
{
	struct http1_msg *pub = &m->pub;
	const struct request *r;

	pub->interim = pub->status < 200 && pub->status != 101;
	/* None waits while unsure; nor since a loss after it began, for there was no anchor. */
	m->unknown_request = !c->waiting;
	if (m->unknown_request)
		return;
	r = waiting(c, 0);
	pub->answers = r->number;
	pub->request_user = r->user;
	pub->assumed = r->assumed;
	m->head_method = r->head_method;
	m->connect = r->connect;
	if (pub->interim || !whole)
		return;
	c->front = (c->front + 1) & (c->cap - 1);
	c->waiting--;
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
	c->final_ns = m->pub.last_ns;
	c->assumed &= c->waiting > 0;
	if (m->connect && m->pub.status >= 300 && d->state == ST_HELD)
		http1_unhold(c, d);
	if (!m->pub.answers && c->debt && c->debt != DEBT_FOREVER)
		c->debt--;
	c->turned |= c->unsure && m->epoch == c->epoch && !m->orphan;
}

void http1_pair_broken(struct http1 *c, struct msg *m, enum http1_why why)
{
	given_up_over(c, m);
}
