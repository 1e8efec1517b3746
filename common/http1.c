// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "http1_int.h"

struct http1_parser *http1_new(const struct http1_ops *ops, const struct http1_options *opts)
{
	struct http1_parser *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->ops = *ops;
	if (opts)
		p->opts = *opts;
	if (!p->opts.max_header)
		p->opts.max_header = 64 << 10;
	if (p->opts.max_header < 256)
		p->opts.max_header = 256;
	if (p->opts.max_header > 1 << 30)
		p->opts.max_header = 1 << 30;
	if (!p->opts.max_requests)
		p->opts.max_requests = 1024;
	return p;
}

void http1_delete(struct http1_parser *p)
{
	if (!p)
		return;
	while (p->spare) {
		struct msg *m = p->spare;

		p->spare = m->next;
		free(m->text);
		free(m->headers);
		free(m);
	}
	free(p);
}

struct http1 *http1_open(struct http1_parser *p, void *ctx, int client, bool joined)
{
	struct http1 *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->p = p;
	c->ctx = ctx;
	c->client = client;
	c->queue = c->two;
	c->cap = sizeof(c->two) / sizeof(c->two[0]);
	c->joined = c->unsure = joined;
	c->final_asked = c->final_end = c->asked = UINT32_MAX;
	for (int i = 0; i < 2; i++) {
		c->dir[i].state = joined ? ST_SEARCH : ST_START;
		c->dir[i].at_line = c->dir[i].after_gap = joined;
	}
	return c;
}

void http1_free(struct http1 *c)
{
	if (!c)
		return;
	for (int i = 0; i < 2; i++)
		if (c->dir[i].m)
			http1_release(c->p, c->dir[i].m);
	if (c->queue != c->two)
		free(c->queue);
	free(c);
}

bool http1_spoken(const struct http1 *c, const void *data, size_t n)
{
	return c->heard || (n && http1_start_likely(data, n));
}

bool http1_is_opaque(const struct http1 *c)
{
	return c->dir[0].state == ST_OPAQUE || c->dir[1].state == ST_OPAQUE;
}

void http1_in_order(struct http1 *c, bool in_order)
{
	/* Where the other direction was when a message began was not known until now. */
	if (in_order && !c->in_order && (c->dir[0].count.fed || c->dir[1].count.fed)) {
		c->epoch++;
		c->turned = false;
	}
	c->in_order = in_order;
}

int http1_client(const struct http1 *c)
{
	return c->client;
}

uint32_t http1_waiting(const struct http1 *c)
{
	return c->waiting;
}

const struct http1_bytes *http1_bytes(const struct http1 *c, int dir)
{
	return &c->dir[dir].count;
}

/* Nothing of the connection is read from here on. */
static void stop(struct http1 *c, enum http1_why why)
{
	for (int i = 0; i < 2; i++) {
		struct http1_dir *d = &c->dir[i];

		http1_drop(c, d, why, true);
		http1_tell_skipped(c, d);
		if (d->state != ST_ENDED)
			d->state = ST_OPAQUE;
		d->dumb = false;
	}
	http1_pair_flush(c, why);
}

void http1_opaque(struct http1 *c, struct http1_dir *d, enum http1_other what, const char *name,
		  size_t n)
{
	stop(c, HTTP1_UPGRADED);
	if (c->p->ops.other)
		c->p->ops.other(c->ctx, http1_dirno(c, d), what, name, n);
}

void http1_nomem(struct http1 *c)
{
	c->err = -ENOMEM;
	stop(c, HTTP1_NOMEM);
}

void http1_heard(struct http1 *c, struct http1_dir *d, struct msg *m)
{
	struct http1_dir *peer = http1_peer(c, d);

	if (c->client < 0)
		c->client = http1_dirno(c, d) ^ !m->pub.request;
	c->heard = true;
	d->after_gap = false;
	if (peer->dumb)
		http1_unhold(c, peer);
	if (m->pub.request)
		http1_pair_request(c, m);
	else
		http1_pair_answer(c, m);
}

static size_t start_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	bool first = !d->count.fed;
	size_t i = 0;

	/* RFC 9112 2.2: empty lines before a message are to be passed over. */
	while (i < n && (p[i] == '\r' || p[i] == '\n'))
		i++;
	d->count.fed += i;
	if (i)
		http1_skip(c, d, d->count.fed - i, i);
	if (i < n && http1_begin(c, d, 0))
		d->state = first && !i && (*p == 0x16 || *p == 0x17) ? ST_TLS : ST_HEAD;
	return i;
}

static size_t step(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	switch ((enum http1_state)d->state) {
	case ST_START: return start_step(c, d, p, n);
	case ST_HEAD:
	case ST_TRAILER: return http1_head_step(c, d, p, n);
	case ST_PEEK: return http1_peek_step(c, d, p, n);
	case ST_FIXED:
	case ST_CHUNK: return http1_fixed_step(c, d, p, n);
	case ST_SIZE: return http1_size_step(c, d, p, n);
	case ST_CHUNK_END: return http1_chunk_end_step(c, d, p, n);
	case ST_SEARCH: return http1_search_step(c, d, p, n);
	case ST_TLS: return http1_tls_step(c, d, p, n);
	case ST_CLOSE:
		d->m->pub.body_bytes += n;
		d->count.fed += n;
		http1_body_bytes(c, d, p, n);
		return n;
	case ST_HELD: d->left += n; break;
	case ST_OPAQUE: d->count.opaque += n; break;
	case ST_ENDED: http1_skip(c, d, d->count.fed, n); break;
	}
	d->count.fed += n;
	return n;
}

void http1_feed(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	while (n) {
		size_t k = step(c, d, p, n);

		p += k;
		n -= k;
	}
}

/* Errors are told once. */
static int result(struct http1 *c)
{
	int err = c->err;

	c->err = 0;
	return err;
}

int http1_data(struct http1 *c, int dir, const void *data, size_t n, uint64_t ns)
{
	struct http1_dir *d = &c->dir[dir];

	d->now_ns = ns;
	if (!n)
		return 0;
	d->byte_ns = ns;
	http1_pair_found(c, d);
	http1_feed(c, d, data, n);
	return result(c);
}

int http1_skipped(struct http1 *c, int dir, uint64_t n, uint64_t ns)
{
	struct http1_dir *d = &c->dir[dir];

	d->now_ns = ns;
	if (!n)
		return 0;
	d->byte_ns = ns;
	http1_pair_found(c, d);
	http1_hole(c, d, n, false);
	return result(c);
}

int http1_lost(struct http1 *c, int dir, uint64_t n, uint64_t ns)
{
	struct http1_dir *d = &c->dir[dir];

	d->now_ns = ns;
	d->count.gaps++;
	http1_hole(c, d, n, true);
	return result(c);
}

int http1_overdue(struct http1 *c, int dir, uint64_t n, uint64_t ns)
{
	struct http1_dir *d = &c->dir[dir];

	d->now_ns = ns;
	http1_doubt(c, d, n);
	return result(c);
}

static void end_one(struct http1 *c, struct http1_dir *d, enum http1_why why)
{
	if (d->state == ST_ENDED)
		return;
	if (d->state == ST_PEEK)
		http1_unpeek(c, d);
	if (d->state == ST_TLS)
		http1_tls_done(c, d);
	if (d->dumb)
		http1_opaque(c, d, HTTP1_TO_UNKNOWN, NULL, 0);
	if (d->state == ST_CLOSE && why == HTTP1_CLOSED)
		http1_complete(c, d);
	http1_drop(c, d, why, false);
	http1_tell_skipped(c, d);
	d->state = ST_ENDED;
}

int http1_end(struct http1 *c, int dir, bool reset, uint64_t ns)
{
	enum http1_why why = reset ? HTTP1_RESET : HTTP1_CLOSED;

	c->dir[dir].now_ns = ns;
	end_one(c, &c->dir[dir], why);
	if (reset)
		end_one(c, &c->dir[!dir], why);
	/* A client that has sent all may still be answered. */
	if (reset || c->client != dir)
		http1_pair_flush(c, why);
	return result(c);
}

void http1_finish(struct http1 *c)
{
	end_one(c, &c->dir[0], HTTP1_OPEN);
	end_one(c, &c->dir[1], HTTP1_OPEN);
	http1_pair_flush(c, HTTP1_OPEN);
	http1_tell_skipped(c, &c->dir[0]);
	http1_tell_skipped(c, &c->dir[1]);
}
