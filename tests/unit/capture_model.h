/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CAPTURE_MODEL_H
#define CAPTURE_MODEL_H
/*
 * A client and a server, simulated by a sequence of chances, and one end of their connection as the
 * kernel half sees it: calls, each told of when its hook runs, with the place that the other
 * direction has come to by then. Each response names its request. What is told may be lost, come
 * twice or come late.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../common/capture.h"

#define MODEL_MAX 10 /* exchanges */

/* How far a client goes without answers. */
enum manner { IN_TURNS, IN_BATCHES, IN_A_WINDOW, MANNERS };

struct flow_side {
	char text[8192];
	uint32_t n, at; /* bytes there are; that went by */
	uint32_t returned; /* ... by calls that are over */
	uint32_t head[MODEL_MAX]; /* where a request's head ends, or a response's interim part */
	uint32_t end[MODEL_MAX]; /* where a message does */
};

/* What a hook will tell, and when it was about to. */
struct hook {
	bool pending, looked; /* looked: other is set */
	uint32_t from, to, other;
};

struct model {
	/* What a run is like; to be set by the test. */
	enum manner manner;
	bool joined; /* it is told of from its midst on */
	bool numbers; /* records say where the other direction is */
	bool slow; /* pauses, in which holes are given up */
	uint32_t drop; /* of 1000 records, so many are lost ... */
	uint32_t burst; /* ... and so many others after each */
	uint32_t twice, late; /* of 1000, so many come twice, or late */
	/* The run. */
	uint64_t id, now;
	uint32_t n, depth;
	uint32_t batch[MODEL_MAX]; /* of each request: the last one of its batch */
	bool early[MODEL_MAX]; /* answered when the head is there */
	struct flow_side side[2]; /* requests, responses */
	struct hook hook[2];
	int dir[2]; /* of requests, responses: enum cap_dir */
	uint32_t seq[2]; /* of their first bytes */
	uint32_t burst_left;
	bool told; /* the connection is */
	bool started; /* from here on it is looked at */
	uint64_t dropped;
};

static uint64_t chance = 1;
static uint32_t any(uint32_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (chance >> 11) % n;
}

static const char *const model_requests[] = {
	"GET /%d HTTP/1.1\r\nA: b\r\n\r\n",
	"POST /%d HTTP/1.1\r\nContent-Length: 8\r\n\r\nabc\r\nabc",
	"POST /%d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabcdefgh\n\r\n0\r\n\r\n",
	"HEAD /%d HTTP/1.1\r\n\r\n",
};
/* By request; two each. */
static const char *const model_responses[][2] = {
	{"HTTP/1.1 200 OK\r\nX: /%d\r\nContent-Length: 3\r\n\r\nabc",
	 "HTTP/1.1 103 E\r\nX: /%d\r\n\r\nHTTP/1.1 200 OK\r\nX: /%d\r\nContent-Length: 0\r\n\r\n"},
	{"HTTP/1.1 100 C\r\nX: /%d\r\n\r\nHTTP/1.1 204 No\r\nX: /%d\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nX: /%d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
	{"HTTP/1.1 304 Not\r\nX: /%d\r\nContent-Length: 9\r\n\r\n",
	 "HTTP/1.1 500 Oh\r\nX: /%d\r\nContent-Length: 20\r\n\r\n01234567890123456789"},
	{"HTTP/1.1 200 OK\r\nX: /%d\r\nContent-Length: 200\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nX: /%d\r\n\r\n"},
};

static void model_fill(struct model *m)
{
	struct flow_side *q = &m->side[0], *r = &m->side[1];

	m->n = 1 + any(MODEL_MAX);
	m->depth = 2 + any(3);
	for (uint32_t i = 0; i < m->n; i++) {
		int kind = any(4);
		const char *text = model_responses[kind][any(2)], *end;

		q->n += sprintf(q->text + q->n, model_requests[kind], i);
		q->end[i] = q->n;
		r->n += sprintf(r->text + r->n, text, i, i);
		r->end[i] = r->n;
		end = strstr(q->text + (i ? q->end[i - 1] : 0), "\r\n\r\n");
		q->head[i] = end + 4 - q->text;
		end = strstr(r->text + (i ? r->end[i - 1] : 0), "\r\n\r\n");
		r->head[i] = text[9] == '1' ? end + 4 - r->text : i ? r->end[i - 1] : 0;
		m->early[i] = !any(12);
	}
	for (uint32_t i = m->n, last = m->n - 1; i--; last = any(2) ? last : i ? i - 1 : 0)
		m->batch[i] = last;
}

/* How many messages of a side are over. */
static uint32_t model_over(const struct model *m, const struct flow_side *s, uint32_t at)
{
	uint32_t n = 0;

	while (n < m->n && s->end[n] <= at)
		n++;
	return n;
}

/* What a side has sent by now: where this end sends, at once; where it reads, what was returned. */
static uint32_t model_known(const struct model *m, int side)
{
	return m->dir[side] == CAP_SEND ? m->side[side].at : m->side[side].returned;
}

/* How far requests, or responses, may go. */
static uint32_t model_limit(const struct model *m, int side)
{
	const struct flow_side *q = &m->side[0], *r = &m->side[1];
	uint32_t done = model_over(m, r, model_known(m, 1)), last = done, asked;

	if (side) {
		asked = model_known(m, 0);
		done = model_over(m, r, r->at);
		for (; done < m->n && asked >= q->end[done]; done++)
			;
		if (done < m->n && m->early[done] && asked >= q->head[done])
			return r->end[done];
		if (done < m->n && asked >= q->head[done])
			return r->head[done] > r->at ? r->head[done] : r->at;
		return done ? r->end[done - 1] : 0;
	}
	if (done == m->n)
		return q->n;
	if (m->manner == IN_BATCHES)
		last = m->batch[done];
	if (m->manner == IN_A_WINDOW)
		last = done + m->depth - 1;
	return q->end[last < m->n ? last : m->n - 1];
}

/* --- records */
static uint32_t model_place(const struct model *m, int side)
{
	return m->seq[side] + m->side[side].at;
}

static bool model_drops(struct model *m)
{
	if (m->burst_left)
		m->burst_left--;
	else if (any(1000) < m->drop)
		m->burst_left = m->burst ? any(m->burst) : 0;
	else
		return false;
	m->dropped++;
	return true;
}

static void model_record(struct model *m, uint32_t type, const void *r, size_t len)
{
	if (capture_record(type, r, len, NULL))
		abort();
}

/* False: it is lost, and the kernel half knows it. */
static bool model_conn(struct model *m, const uint32_t *from)
{
	struct cap_conn_rec r = {.type = CAP_REC_CONN, .id = m->id, .now_ns = m->now};

	r.flow.family = 4;
	r.flow.local_port = m->id;
	r.role = any(2) ? CAP_ROLE_UNKNOWN : m->dir[0] ? CAP_ROLE_SERVER : CAP_ROLE_CLIENT;
	for (int i = 0; i < 2; i++)
		r.seq[m->dir[i]] = m->seq[i] + from[i];
	if (from[0] || from[1])
		r.flags = CAP_F_JOINED;
	m->told = !model_drops(m);
	if (m->told)
		model_record(m, CAP_REC_CONN, &r, sizeof(r));
	return m->told;
}

static void model_data(struct model *m, int side, const struct hook *h, uint32_t from, uint32_t to)
{
	struct {
		struct cap_data_rec r;
		char bytes[8192];
	} b = {.r = {.type = CAP_REC_DATA, .id = m->id, .now_ns = m->now}};

	b.r.seq = m->seq[side] + from;
	b.r.len = b.r.captured = to - from;
	b.r.dir = m->dir[side];
	b.r.pid = b.r.tid = 10 + b.r.dir;
	b.r.flags = m->numbers ? CAP_DATA_F_OTHER : 0;
	b.r.other_seq = m->seq[!side] + h->other;
	memcpy(b.bytes, m->side[side].text + from, to - from);
	if (model_drops(m))
		return;
	model_record(m, CAP_REC_DATA, &b, sizeof(b.r) + b.r.captured);
	if (any(1000) < m->twice)
		model_record(m, CAP_REC_DATA, &b, sizeof(b.r) + b.r.captured);
}

/* The hook of a call runs to its end, and the call returns. */
static void model_hook(struct model *m, int side)
{
	struct hook *h = &m->hook[side];
	uint32_t from[2] = {m->side[0].at, m->side[1].at}, middle;

	if (!h->pending)
		return;
	h->pending = false;
	m->side[side].returned = h->to;
	m->now += 1000 + any(20000);
	if (!h->looked)
		h->other = m->side[!side].at;
	from[side] = h->from;
	if (!m->started || (!m->told && !model_conn(m, from)))
		return;
	middle = h->from + any(h->to - h->from);
	if (any(4) || middle == h->from)
		middle = h->to;
	model_data(m, side, h, h->from, middle);
	if (middle < h->to)
		model_data(m, side, h, middle, h->to);
}

/* A call moves bytes of a side. */
static void model_call(struct model *m, int side, uint32_t limit)
{
	struct flow_side *s = &m->side[side];
	struct hook *h = &m->hook[side];
	uint32_t over = model_over(m, s, s->at), n;

	model_hook(m, side);
	n = any(2) ? limit - s->at : 1 + any(limit - s->at);
	if (any(2) && over < m->n && s->at + n > s->end[over])
		n = s->end[over] - s->at;
	h->from = s->at;
	h->to = s->at += n;
	h->other = m->side[!side].at;
	h->looked = any(2);
	h->pending = true;
	if (any(1000) >= m->late)
		model_hook(m, side);
}

static void model_end(struct model *m)
{
	struct cap_close_rec r = {.type = CAP_REC_CLOSE, .id = m->id, .now_ns = m->now};
	struct cap_end_rec e = {.type = CAP_REC_END, .id = m->id, .now_ns = m->now};

	for (int i = 0; i < 2; i++) {
		e.dir = m->dir[i];
		r.seq[m->dir[i]] = e.seq = model_place(m, i);
		if (m->told && any(2) && !model_drops(m))
			model_record(m, CAP_REC_END, &e, sizeof(e));
	}
	r.reset = !any(4);
	if (m->told && !model_drops(m))
		model_record(m, CAP_REC_CLOSE, &r, sizeof(r));
}

/* Two requests at once, of which nothing is lost: it is seen to pipeline. */
static void model_show(struct model *m)
{
	uint32_t drop = m->drop, late = m->late;
	struct flow_side *q = &m->side[0];

	m->started = true;
	if (m->n < 2)
		return;
	m->drop = m->late = 0;
	m->hook[0] = (struct hook){.pending = true, .to = q->end[1]};
	q->at = q->end[1];
	model_hook(m, 0);
	m->drop = drop;
	m->late = late;
}

/* A connection from its first byte to its last, or to where it breaks off. */
static inline void model_run(struct model *m)
{
	uint32_t limit[2], calls = any(10) ? UINT32_MAX : any(40), begin = m->joined ? any(12) : 0;

	model_fill(m);
	m->dir[0] = any(2);
	m->dir[1] = !m->dir[0];
	m->seq[0] = any(2) ? any(UINT32_MAX) : -any(100);
	m->seq[1] = any(UINT32_MAX);
	if (m->manner != IN_TURNS && !m->joined)
		model_show(m);
	for (uint32_t i = 0; i < calls; i++) {
		bool can[2];

		m->started |= i >= begin;
		for (int s = 0; s < 2; s++) {
			limit[s] = model_limit(m, s);
			can[s] = limit[s] > m->side[s].at;
		}
		if (m->slow && !any(12)) {
			m->now += any(400) * 1000000ull;
			capture_tick(m->now);
		}
		if (can[0] || can[1]) {
			int s = can[0] && can[1] ? (int)any(2) : !can[0];

			model_call(m, s, limit[s]);
			continue;
		}
		if (!m->hook[0].pending && !m->hook[1].pending)
			break;
		model_hook(m, 0);
		model_hook(m, 1);
	}
	model_hook(m, 0);
	model_hook(m, 1);
	model_end(m);
}
#endif
