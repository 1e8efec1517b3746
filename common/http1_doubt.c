// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * When it is not known any more which request a response answers, and when it is again.
 *
 * What was lost of the requests' direction may hold requests: those that waited before it are
 * answered first, those behind it are given up. What was lost of the responses' direction may hold
 * the answers of all that wait: they are given up. So it is, too, when a response begins while none
 * waits (an orphan): a request was missed, or is reported late. The next request may be the late
 * one, so nothing that begins before it counts below, and no response is due to it.
 *
 * Then (unsure) what ends it is an anchor, a request that begins when nothing can be unanswered
 * before it:
 *  - a final response began after the loss and has ended (turned): what it answers was sent before,
 *    so a client that waits for an answer before it sends again has nothing else under way;
 *  - no response is under way, and the direction of responses is in step;
 *  - nothing is due (debt). On a connection that was never seen to pipeline, debt counts those
 *    given up whose response has surely not been seen: one more was sent than answered. On one that
 *    did pipeline it counts those whose response may not have been seen, and a loss in the
 *    requests' direction may hide any number of them;
 *  - its time is not before that response's: a request may be reported late.
 *
 * Where the order of both directions is known (in_order) and the client was never seen to pipeline,
 * more is known:
 *  - where only responses were lost, the next request is an anchor: the client had read them, if
 *    there were bytes enough for a final one. The next response begins right behind the loss. It is
 *    a tentative one until it is answered: a hook that ran late may have told of it behind its own
 *    answer, which is lost, so it must not be joined by another;
 *  - where requests were lost, an anchor begins right behind what the last response answered;
 *  - it pipelines, if two requests begin and no response between them, or two final responses end
 *    and no request between them. What is due then nobody knows, for good.
 */
#include "http1_int.h"

#define FINAL_MIN 16 /* bytes of the shortest response: "HTTP/1.1 200" and two line ends */

static void owe(struct http1 *c, uint64_t n)
{
	c->debt = n > DEBT_FOREVER - c->debt ? DEBT_FOREVER : c->debt + n;
}

static void never_again(struct http1 *c)
{
	c->pipelined = true;
	c->debt = DEBT_FOREVER;
}

/* How far a direction has come, as far as is known. */
static uint64_t place(const struct http1_dir *d)
{
	return http1_is_overdue(d) ? d->overdue : d->count.fed;
}

/* Responses may go by that are not seen. */
static bool unseen(struct http1 *c)
{
	const struct http1_dir *d = http1_responses(c);

	return http1_searching(d) || http1_is_overdue(d);
}

/* No response is under way, by what is known of the client also where they were lost. */
static bool quiet(struct http1 *c)
{
	struct http1_dir *d = http1_responses(c);

	if (c->client < 0)
		return false;
	return d->state == ST_START || (c->in_order && !c->pipelined && http1_searching(d));
}

/* May all before it be answered, by where it and what was lost are? */
static bool fits(const struct http1 *c, const struct msg *m)
{
	if (m->late || (c->at_asked && c->final_asked != (uint32_t)m->pub.begin))
		return false;
	return !c->at_answered || (int32_t)(m->asked - c->answered) >= 0;
}

void http1_pair_begin(struct http1 *c, struct http1_dir *d, struct msg *m)
{
	m->epoch = c->epoch;
	m->alone = !c->waiting;
	m->late = d->found && m->pub.begin < d->overdue;
	m->asked = place(http1_peer(c, d));
	if (!c->unsure)
		return;
	m->anchor = c->turned && !c->debt && !c->waiting && quiet(c) && d->now_ns >= c->final_ns &&
		    fits(c, m);
	m->fresh = c->joined && !m->pub.begin && !m->asked && !c->epoch;
}

static void lost_requests(struct http1 *c, bool damaged, enum http1_why why)
{
	if (c->tentative)
		http1_pair_flush(c, why);
	/* In turns, no request begins when another waits. */
	if (c->in_order && c->waiting && damaged)
		c->pipelined = true;
	if (c->pipelined)
		c->debt = DEBT_FOREVER;
	else if (unseen(c))
		c->debt = 0;
	else
		owe(c, damaged);
	c->turned = false;
}

static void lost_responses(struct http1 *c, struct http1_dir *d, bool damaged, enum http1_why why)
{
	bool tentative = c->tentative;
	uint32_t n = c->waiting;

	http1_pair_flush(c, why);
	c->emptied = c->epoch;
	if (c->pipelined)
		owe(c, n);
	else
		c->debt = 0;
	if (n) {
		c->at_answered = !damaged;
		c->answered = d->count.fed + FINAL_MIN;
	}
	c->turned = c->in_order && !tentative && (!c->unsure || c->turned);
}

void http1_pair_lost(struct http1 *c, struct http1_dir *d, bool damaged, enum http1_why why)
{
	c->epoch++;
	if (c->client < 0 || c->client == http1_dirno(c, d))
		lost_requests(c, damaged, why);
	else
		lost_responses(c, d, damaged, why);
	c->orphan = false;
	c->unsure = true;
}

void http1_pair_found(struct http1 *c, struct http1_dir *d)
{
	if (!http1_is_overdue(d))
		return;
	/*
	 * Requests that were taken for anchors are none. If these are requests, their answers were
	 * seen, maybe.
	 */
	http1_pair_lost(c, d, false, HTTP1_GAP);
	c->turned = false;
	d->found = true;
}

void http1_give_up(struct http1 *c, struct msg *m)
{
	m->given_up = true;
	if (m->late)
		return;
	if (c->in_order) {
		if (c->debt || !m->alone || m->again)
			never_again(c);
		c->turned = false;
	}
	/* This may be what the response without a request answered. */
	if (c->orphan) {
		c->orphan = false;
		return;
	}
	if (c->pipelined || !unseen(c))
		owe(c, 1);
}

/* The request is known by now, and nothing has answered it. */
static bool ends_doubt(struct http1 *c, const struct msg *m)
{
	struct http1_dir *d = http1_responses(c);

	if (m->epoch != c->epoch || !(m->fresh || m->anchor))
		return false;
	if (m->fresh ? d->count.fed : !quiet(c))
		return false;
	if (!c->in_order)
		return true;
	if (m->asked != (uint32_t)place(d))
		return false;
	c->tentative = d->state != ST_START || http1_is_overdue(d);
	http1_settle(c, d);
	return true;
}

bool http1_doubt_request(struct http1 *c, struct msg *m)
{
	/* Requests, or bytes that belong to some, without a response between them. */
	m->again = c->asked == m->asked ||
		   (c->final_end == m->asked && c->final_asked != (uint32_t)m->pub.begin);
	c->asked = m->asked;
	if (c->unsure && !ends_doubt(c, m)) {
		http1_give_up(c, m);
		return false;
	}
	c->assumed |= c->unsure && m->fresh;
	c->unsure = c->at_asked = c->at_answered = false;
	c->debt = 0;
	if (c->waiting && c->tentative) {
		/* Was the answer to what waits among what was lost? */
		http1_pair_lost(c, http1_responses(c), false, HTTP1_GAP);
		never_again(c);
		http1_give_up(c, m);
		return false;
	}
	c->pipelined |= c->waiting > 0;
	return true;
}

void http1_doubt_answer(struct http1 *c, struct msg *m)
{
	if (!c->unsure && m->alone) {
		http1_pair_lost(c, &c->dir[m->pub.dir], false, HTTP1_GAP);
		m->epoch = c->epoch;
		c->orphan = true;
		c->turned = false;
	}
	m->orphan = c->orphan;
}

void http1_doubt_over(struct http1 *c, const struct msg *m)
{
	c->final_ns = m->pub.last_ns;
	if (!m->pub.answers && c->debt && c->debt != DEBT_FOREVER)
		c->debt--;
	/* It was before what was fed meanwhile. */
	if (m->late)
		return;
	if (c->in_order && c->unsure && !m->pub.answers && c->final_asked == m->asked)
		never_again(c);
	c->final_asked = m->asked;
	c->final_end = m->pub.end;
	if (c->unsure && m->epoch == c->epoch && !m->orphan) {
		c->turned = true;
		c->at_asked = c->in_order;
		c->at_answered = false;
	}
}
