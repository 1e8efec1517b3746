// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "capture_int.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024 /* to begin with */

static struct conn **bucket(uint64_t id)
{
	return &capture.hash[id * 0x9e3779b97f4a7c15 >> 32 & (capture.nbuckets - 1)];
}

/* Without memory the chains grow longer instead. */
static void grow(void)
{
	uint32_t n = capture.nbuckets, more = n ? n * 2 : BUCKETS;
	struct conn **old = capture.hash, *c, *next;
	struct conn **hash = calloc(more, sizeof(*hash));

	if (!hash)
		return;
	capture.hash = hash;
	capture.nbuckets = more;
	for (uint32_t i = 0; i < n; i++) {
		for (c = old[i]; c; c = next) {
			next = c->hash_next;
			c->hash_next = *bucket(c->pub.id);
			*bucket(c->pub.id) = c;
		}
	}
	free(old);
}

static struct conn *find(uint64_t id)
{
	struct conn *c = capture.nbuckets ? *bucket(id) : NULL;

	while (c && c->pub.id != id)
		c = c->hash_next;
	return c;
}

static void unlink_age(struct conn *c)
{
	*(c->older ? &c->older->newer : &capture.oldest) = c->newer;
	*(c->newer ? &c->newer->older : &capture.newest) = c->older;
}

static void link_newest(struct conn *c)
{
	c->newer = NULL;
	c->older = capture.newest;
	*(c->older ? &c->older->newer : &capture.oldest) = c;
	capture.newest = c;
}

void conn_wait(struct conn *c)
{
	if (c->waiting_link)
		return;
	c->waiting_next = capture.waiting;
	c->waiting_link = &capture.waiting;
	if (c->waiting_next)
		c->waiting_next->waiting_link = &c->waiting_next;
	capture.waiting = c;
}

static void unwait(struct conn *c)
{
	if (!c->waiting_link)
		return;
	*c->waiting_link = c->waiting_next;
	if (c->waiting_next)
		c->waiting_next->waiting_link = c->waiting_link;
	c->waiting_link = NULL;
}

/* All was handed out. */
static void gone(struct conn *c)
{
	struct conn **p;

	http1_finish(c->pub.h);
	for (int i = 0; i < 2; i++) {
		const struct http1_bytes *b = http1_bytes(c->pub.h, i);
		struct http1_bytes *sum = &capture_stats.http;

		sum->fed += b->fed;
		sum->messages += b->messages;
		sum->skipped += b->skipped;
		sum->opaque += b->opaque;
		sum->lost += b->lost;
		sum->gaps += b->gaps;
	}
	if (capture.ops.gone)
		capture.ops.gone(&c->pub);
	for (p = bucket(c->pub.id); *p != c; p = &(*p)->hash_next)
		;
	*p = c->hash_next;
	unlink_age(c);
	unwait(c);
	who_drop(c);
	http1_free(c->pub.h);
	free(c->pub.path);
	free(c);
	capture_stats.conns_open--;
}

void conn_drop(struct conn *c)
{
	stream_finish(&capture_stats.streams, &c->side[0].s, capture.now_ns);
	stream_finish(&capture_stats.streams, &c->side[1].s, capture.now_ns);
	late_flush(c);
	gone(c);
}

void conn_settle(struct conn *c)
{
	if (late_full(c)) {
		stream_flush(&capture_stats.streams, &c->side[0].s);
		stream_flush(&capture_stats.streams, &c->side[1].s);
	}
	if (!c->waiting_link)
		return;
	late_settle(c);
	if (c->side[0].s.hold || c->side[1].s.hold)
		return;
	if (c->pub.closed && c->side[0].s.ended && c->side[1].s.ended)
		gone(c);
	else if (!c->pub.closed)
		unwait(c);
}

/* Of a unix socket's two ends the first has no peer with a number yet: the second tells it. */
static void tell_peer(const struct conn *c)
{
	struct cap_conn *peer = c->pub.peer ? capture_find(c->pub.peer) : NULL;

	if (peer && !peer->peer)
		peer->peer = c->pub.id;
}

/* Hardly any connection has one. */
static void set_path(struct conn *c, const struct cap_conn_rec *r)
{
	if (!c->pub.path && r->path[0])
		c->pub.path = strdup(r->path);
}

static void describe(struct conn *c, const struct cap_conn_rec *r)
{
	c->pub.flow = r->flow;
	c->pub.peer = r->peer;
	c->pub.opened_ns = r->opened_ns;
	c->pub.connect_ns = r->connect_ns;
	c->pub.proto = r->proto;
	c->pub.role = r->role;
	c->pub.joined = r->flags & CAP_F_JOINED;
	c->pub.maybe = r->flags & CAP_F_MAYBE;
	set_path(c, r);
	tell_peer(c);
	for (int i = 0; i < 2; i++) {
		c->side[i].first = r->seq[i];
		c->side[i].first_known = true;
		/* What was under way when it was told of may still come before that. */
		if (!c->pub.joined)
			stream_start(&c->side[i].s, r->seq[i]);
	}
}

void conn_base(struct conn *c, int dir)
{
	if (c->side[dir].first_known)
		stream_start(&c->side[dir].s, c->side[dir].first);
}

void conn_first(struct conn *c, int dir, uint32_t seq)
{
	struct side *side = &c->side[dir];
	int32_t ahead = seq - side->first;

	if (!side->first_known || side->s.based)
		return;
	if (ahead > 0)
		stream_start(&side->s, side->first);
}

void conn_before(struct conn *c, const struct cap_data_rec *r)
{
	struct side *side = &c->side[r->dir];
	uint32_t n = side->first - r->seq;
	struct event e = {.kind = EV_OVERDUE, .len = n};

	if (side->s.based || !side->first_known || (int32_t)n <= 0)
		return;
	stream_start(&side->s, r->seq);
	e.at = (struct stream_at){
		.pos = side->s.next, .ts_ns = r->now_ns, .order = capture_stats.streams.order};
	late_event(c, r->dir, &e);
}

/*
 * Hooks may run late: then each of two calls says that the other was before. So it is with one that
 * sends, for what it has sent may be answered before its hook has run; what a receive has got is in
 * nobody's hands before. What was sent was first.
 */
void conn_other(struct conn *c, const struct cap_data_rec *r)
{
	struct side *own = &c->side[r->dir], *other = &c->side[!r->dir];
	struct streams *all = &capture_stats.streams;
	bool known = r->flags & CAP_DATA_F_OTHER;

	/* Of TLS, for one, not all is told. */
	if (!c->spoken && http1_spoken(c->pub.h, r + 1, r->captured)) {
		c->spoken = true;
		c->spoken_order = all->order;
	}
	if (!c->spoken || http1_is_opaque(c->pub.h))
		return;
	c->numbered = known;
	if (!known)
		return;
	if (!other->first_known) {
		other->first = r->other_seq;
		other->first_known = true;
	}
	conn_first(c, !r->dir, r->other_seq);
	if (r->dir == CAP_RECV && own->s.hold) {
		stream_unreached(all, &own->s, r->seq, r->other_seq);
		late_settle(c);
	}
	stream_reached(all, &other->s, r->other_seq, r->seq, r->now_ns, capture.now_ns);
}

static int client_dir(const struct cap_conn *c)
{
	if (c->role == CAP_ROLE_UNKNOWN)
		return -1;
	return c->role == CAP_ROLE_CLIENT ? CAP_SEND : CAP_RECV;
}

static struct conn *make(uint64_t id, const struct cap_conn_rec *r)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->pub.id = id;
	c->pub.heard_ns = c->pub.seen_ns = capture.now_ns;
	c->pub.joined = true;
	for (int i = 0; i < 2; i++) {
		c->side[i].dir = i;
		c->pub.who[i] = &cap_nobody;
		c->pub.waited_us[i] = UINT32_MAX;
	}
	if (r)
		describe(c, r);
	c->pub.h = http1_open(capture.parser, &c->pub, client_dir(&c->pub), c->pub.joined);
	if (c->pub.h)
		return c;
	free(c->pub.path);
	free(c);
	return NULL;
}

static struct conn *add(uint64_t id, const struct cap_conn_rec *r)
{
	struct conn *c;

	while (capture_stats.conns_open >= capture.o.max_conns) {
		conn_drop(capture.oldest);
		capture_stats.conns_dropped++;
	}
	if (capture_stats.conns_open >= capture.nbuckets)
		grow();
	c = capture.nbuckets ? make(id, r) : NULL;
	if (!c) {
		capture_stats.no_memory++;
		return NULL;
	}
	c->hash_next = *bucket(id);
	*bucket(id) = c;
	link_newest(c);
	capture_stats.conns++;
	capture_stats.conns_open++;
	if (capture.ops.conn)
		capture.ops.conn(&c->pub);
	return c;
}

struct conn *conn_touch(uint64_t id)
{
	struct conn *c = find(id);

	if (!c)
		return NULL;
	c->pub.seen_ns = capture.now_ns;
	if (c != capture.newest) {
		unlink_age(c);
		link_newest(c);
	}
	return c;
}

/* Is the record of the connection that is known? */
static bool same(const struct conn *c, const struct cap_conn_rec *r)
{
	const struct flow *a = &c->pub.flow, *b = &r->flow;

	for (int i = 0; i < 2; i++) {
		const struct stream *s = &c->side[i].s;

		/* Numbers that were used up do not come again. */
		if (s->ended || (s->based && (int32_t)(r->seq[i] - (uint32_t)s->next) < 0) ||
		    a->local[i] != b->local[i] || a->remote[i] != b->remote[i])
			return false;
	}
	return a->netns == b->netns && a->local_port == b->local_port &&
	       a->remote_port == b->remote_port && c->pub.proto == r->proto && !c->pub.closed;
}

/* The record came twice: it may know what the first one did not. */
static void complete(struct conn *c, const struct cap_conn_rec *r)
{
	struct cap_conn *pub = &c->pub;

	pub->peer = pub->peer ?: r->peer;
	pub->opened_ns = pub->opened_ns ?: r->opened_ns;
	pub->connect_ns = pub->connect_ns ?: r->connect_ns;
	set_path(c, r);
}

struct conn *conn_get(uint64_t id, const struct cap_conn_rec *r)
{
	struct conn *c = conn_touch(id);

	if (c && r && !same(c, r)) {
		conn_drop(c);
		c = NULL;
	}
	if (!c)
		return add(id, r);
	if (r)
		complete(c, r);
	return c;
}

/* --- what comes out of the streams */
static int hand_bytes(struct conn *c, int dir, const struct event *e)
{
	const struct capture_ops *ops = &capture.ops;
	struct side *side = &c->side[dir];
	uint64_t pos, ns = e->at.ts_ns;
	enum cap_cause cause = CAP_WHOLE;

	pos = e->at.pos - side->base;
	who_set(c, dir, e->at.tag);
	c->pub.waited_us[dir] = e->kind == EV_LOST ? UINT32_MAX : e->at.aux;
	if (ops->raw)
		ops->raw(&c->pub, dir, pos, ns, e->kind == EV_DATA ? e->data : NULL, e->len);
	if (e->kind == EV_SKIPPED)
		cause = who_cause(e->at.tag);
	if (e->kind != EV_DATA && cause != CAP_LIMIT && ops->gap)
		ops->gap(&c->pub, dir, pos, ns, e->len, cause);
	if (e->kind == EV_DATA)
		return http1_data(c->pub.h, dir, e->data, e->len, ns);
	if (e->kind == EV_SKIPPED)
		return http1_skipped(c->pub.h, dir, e->len, ns);
	return http1_lost(c->pub.h, dir, e->len, ns);
}

void conn_event(struct conn *c, int dir, const struct event *e)
{
	struct side *side = &c->side[dir];
	int err = 0;

	if (!side->based && e->kind < EV_END) {
		side->based = true;
		side->base = e->at.pos;
	}
	/* Of what came before HTTP was seen nobody asked where the other direction was. */
	http1_in_order(c->pub.h, c->numbered && e->at.order >= c->spoken_order);
	if (e->kind == EV_OVERDUE)
		err = http1_overdue(c->pub.h, dir, e->len, e->at.ts_ns);
	else if (e->kind == EV_END || e->kind == EV_RESET)
		err = http1_end(c->pub.h, dir, e->kind == EV_RESET, e->at.ts_ns);
	else
		err = hand_bytes(c, dir, e);
	if (err)
		capture_stats.no_memory++;
}

static void event(struct stream *s, const struct event *e)
{
	late_event(conn_of(s), ((struct side *)s)->dir, e);
}

static void on_data(struct streams *all, struct stream *s, const struct stream_at *at,
		    const void *data, size_t len)
{
	event(s, &(struct event){EV_DATA, *at, len, data});
}

static void on_skipped(struct streams *all, struct stream *s, const struct stream_at *at,
		       uint64_t len)
{
	event(s, &(struct event){EV_SKIPPED, *at, len, NULL});
}

static void on_lost(struct streams *all, struct stream *s, const struct stream_at *at, uint64_t len)
{
	event(s, &(struct event){EV_LOST, *at, len, NULL});
}

static void on_overdue(struct streams *all, struct stream *s, const struct stream_at *at,
		       uint64_t len)
{
	event(s, &(struct event){EV_OVERDUE, *at, len, NULL});
}

static void on_end(struct streams *all, struct stream *s, const struct stream_at *at, bool reset)
{
	event(s, &(struct event){reset ? EV_RESET : EV_END, *at, 0, NULL});
}

const struct stream_ops conn_stream_ops = {on_data, on_skipped, on_lost, on_overdue, on_end};

/* --- for the tool */
int capture_role(const struct cap_conn *c)
{
	int client = http1_client(c->h);

	if (client < 0)
		return c->role;
	return client == CAP_SEND ? CAP_ROLE_CLIENT : CAP_ROLE_SERVER;
}

uint32_t capture_seq(const struct cap_conn *c, int dir, uint64_t pos)
{
	const struct side *side = &((const struct conn *)c)->side[dir];

	return (side->based ? side->base : side->s.next) + pos;
}

struct cap_conn *capture_find(uint64_t id)
{
	struct conn *c = find(id);

	return c ? &c->pub : NULL;
}

void capture_each(bool (*fn)(struct cap_conn *c, void *ctx), void *ctx)
{
	for (struct conn *c = capture.oldest; c; c = c->newer)
		if (!fn(&c->pub, ctx))
			return;
}
