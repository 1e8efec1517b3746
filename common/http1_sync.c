// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include "http1_int.h"

/*
 * Is a request in the hole that is not numbered? It may have begun before the hole. Where the order
 * is not known its response may have been seen. Or does a final response reach into it?
 */
static bool damaged(const struct http1 *c, const struct http1_dir *d)
{
	const struct msg *m = d->m;

	if (c->client >= 0 && c->client != http1_dirno(c, d))
		return m && !m->candidate && m->start_done && m->pub.status >= 200;
	if (d->state == ST_START)
		return c->in_order;
	return d->state == ST_HEAD && !m->start_done && !m->candidate;
}

/* The place is lost; paired: what that means for pairs is known already. */
static void lose(struct http1 *c, struct http1_dir *d, enum http1_why why, bool paired)
{
	bool hurt = why == HTTP1_GAP && damaged(c, d);

	http1_drop(c, d, why, false);
	d->state = ST_SEARCH;
	d->at_line = d->after_gap = false;
	if (!paired)
		http1_pair_lost(c, d, hurt, why);
}

void http1_lose(struct http1 *c, struct http1_dir *d, enum http1_why why)
{
	lose(c, d, why, false);
}

void http1_unhold(struct http1 *c, struct http1_dir *d)
{
	d->dumb = false;
	if (!d->left) {
		d->state = ST_START;
		return;
	}
	http1_lose(c, d, HTTP1_RESYNC);
	d->at_line = d->after_gap = true;
}

/* The connection's first bytes in d are not HTTP: the other direction may still tell what it is. */
static void dumb(struct http1 *c, struct http1_dir *d)
{
	uint64_t n = d->count.fed - d->m->pub.begin;

	if (c->client == http1_dirno(c, d) || http1_peer(c, d)->dumb) {
		http1_opaque(c, d, HTTP1_TO_UNKNOWN, NULL, 0);
		return;
	}
	http1_release(c->p, d->m);
	d->m = NULL;
	d->state = ST_HELD;
	d->left = n;
	d->dumb = true;
}

void http1_not_start(struct http1 *c, struct http1_dir *d, bool whole)
{
	if (!d->m->candidate && !c->heard && !c->joined) {
		dumb(c, d);
		return;
	}
	if (d->m->candidate) {
		http1_drop(c, d, HTTP1_RESYNC, false);
		d->state = ST_SEARCH;
		d->after_gap = false;
	} else {
		http1_lose(c, d, HTTP1_RESYNC);
	}
	d->at_line = whole;
}

void http1_not_head(struct http1 *c, struct http1_dir *d)
{
	struct msg *m = d->m, *again;
	const char *line = m->text + m->line;
	uint64_t n = m->line_len;

	http1_skip(c, d, m->pub.begin, d->count.fed - m->pub.begin - n);
	d->m = NULL;
	d->state = ST_SEARCH;
	d->at_line = true;
	d->after_gap = false;
	/* What ends a false head may be a true one's beginning. */
	if (n <= SEARCH_LINE && !m->ntail && http1_start_strict(line, n, false)) {
		again = http1_begin(c, d, n);
		if (again && http1_keep(c, again, line, n)) {
			d->state = ST_HEAD;
			http1_line(c, d);
		}
	} else {
		http1_skip(c, d, d->count.fed - n, n);
	}
	http1_release(c->p, m);
}

size_t http1_search_step(struct http1 *c, struct http1_dir *d, const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	size_t k = nl ? (size_t)(nl + 1 - p) : n;

	if (!d->count.fed && (*p == 0x16 || *p == 0x17)) {
		if (http1_begin(c, d, 0))
			d->state = ST_TLS;
		return 0;
	}
	if (d->at_line && http1_start_likely(p, k) &&
	    (!nl || (k <= SEARCH_LINE && http1_start_strict(p, k, d->after_gap)))) {
		if (http1_begin(c, d, 0))
			d->state = ST_HEAD;
		return 0;
	}
	d->count.fed += k;
	http1_skip(c, d, d->count.fed - k, k);
	d->at_line = nl;
	d->after_gap = false;
	return k;
}

/* n bytes of a body are missing, 0: an unknown number. */
static void missing(struct http1 *c, struct http1_dir *d, uint64_t n, bool lost)
{
	struct msg *m = d->m;

	d->count.fed += n;
	if (lost) {
		m->holed = true;
		m->pub.lost += n;
		d->count.lost += n;
	} else {
		m->pub.body_bytes += n;
		m->pub.body_skipped += n;
	}
	http1_body_bytes(c, d, NULL, n);
}

/* Takes of n what a body's framing spans; the rest is beyond it. */
static uint64_t in_body(struct http1 *c, struct http1_dir *d, uint64_t n, bool lost)
{
	uint64_t take = n < d->left ? n : d->left;

	if (d->state == ST_CLOSE) {
		missing(c, d, n, lost);
		return n;
	}
	if (d->state != ST_FIXED && (d->state != ST_CHUNK || n > d->left))
		return 0;
	missing(c, d, take, lost);
	d->left -= take;
	if (d->left)
		return take;
	if (d->state == ST_CHUNK)
		d->state = ST_CHUNK_END;
	else
		http1_complete(c, d);
	return take;
}

static void outside(struct http1 *c, struct http1_dir *d, uint64_t n, bool lost)
{
	d->count.fed += n;
	if (lost)
		d->count.lost += n;
	else if (d->state == ST_OPAQUE)
		d->count.opaque += n;
	else if (d->state == ST_HELD)
		d->left += n;
	else if (n)
		http1_skip(c, d, d->count.fed - n, n);
}

void http1_hole(struct http1 *c, struct http1_dir *d, uint64_t n, bool lost)
{
	bool unknown = !n;

	if (d->state == ST_PEEK)
		http1_unpeek(c, d);
	if (d->state == ST_TLS)
		http1_tls_done(c, d);
	if (!unknown || d->state == ST_CLOSE) {
		n -= in_body(c, d, n, lost);
		if (!n)
			return;
	}
	if (d->state < ST_HELD) {
		uint64_t to = d->count.fed + n;
		bool known = !unknown && http1_is_overdue(d) && to <= d->overdue;
		bool settled = known && d->settled && to == d->overdue;

		lose(c, d, HTTP1_GAP, known);
		/* Calls are lost whole: a message may well begin right behind. */
		d->at_line = d->after_gap = true;
		if (settled)
			d->state = ST_START;
	}
	outside(c, d, n, lost);
}

void http1_settle(struct http1 *c, struct http1_dir *d)
{
	d->settled = http1_is_overdue(d);
	if (d->settled || d->state == ST_START)
		return;
	http1_drop(c, d, HTTP1_RESYNC, false);
	d->state = ST_START;
}

void http1_doubt(struct http1 *c, struct http1_dir *d, uint64_t n)
{
	uint64_t to = d->count.fed + n;

	if (d->state >= ST_HELD || d->state == ST_CLOSE || (!d->found && to <= d->overdue))
		return;
	if ((d->state == ST_FIXED || d->state == ST_CHUNK) && n <= d->left)
		return;
	http1_pair_lost(c, d, damaged(c, d), HTTP1_GAP);
	d->overdue = to;
	d->settled = d->found = false;
}
