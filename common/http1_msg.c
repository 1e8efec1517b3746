// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "http1_int.h"

#define TEXT	      1024 /* what most heads fit in */
#define HEADERS	      32
#define SPARES	      64
#define SPARE_TEXT    (16 << 10) /* what grew beyond these is not kept for another message */
#define SPARE_HEADERS 256

static struct msg *fresh(struct http1_parser *p)
{
	struct msg *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->text_cap = TEXT;
	m->header_cap = HEADERS;
	m->text = malloc(TEXT);
	m->headers = malloc(HEADERS * sizeof(*m->headers));
	if (m->text && m->headers)
		return m;
	free(m->text);
	free(m->headers);
	free(m);
	return NULL;
}

static struct msg *spare(struct http1_parser *p)
{
	struct msg *m = p->spare;
	struct msg kept;

	if (!m)
		return fresh(p);
	p->spare = m->next;
	p->nspare--;
	kept = (struct msg){.text = m->text,
			    .headers = m->headers,
			    .text_cap = m->text_cap,
			    .header_cap = m->header_cap};
	*m = kept;
	return m;
}

void http1_release(struct http1_parser *p, struct msg *m)
{
	if (p->nspare < SPARES && m->text_cap <= SPARE_TEXT && m->header_cap <= SPARE_HEADERS) {
		m->next = p->spare;
		p->spare = m;
		p->nspare++;
		return;
	}
	free(m->text);
	free(m->headers);
	free(m);
}

struct msg *http1_begin(struct http1 *c, struct http1_dir *d, uint64_t ago)
{
	struct msg *m = spare(c->p);

	if (!m) {
		http1_nomem(c);
		return NULL;
	}
	m->pub.text = m->text;
	m->pub.headers = m->headers;
	m->pub.dir = http1_dirno(c, d);
	m->pub.begin = d->count.fed - ago;
	m->pub.first_ns = d->now_ns;
	m->candidate = d->state == ST_SEARCH;
	d->m = m;
	http1_pair_begin(c, d, m);
	return m;
}

void http1_skip(struct http1 *c, struct http1_dir *d, uint64_t pos, uint64_t n)
{
	if (d->run && d->run_at + d->run != pos)
		http1_tell_skipped(c, d);
	if (!d->run)
		d->run_at = pos;
	d->run += n;
}

void http1_tell_skipped(struct http1 *c, struct http1_dir *d)
{
	uint64_t n = d->run;

	if (!n)
		return;
	d->run = 0;
	d->count.skipped += n;
	if (c->p->ops.skipped)
		c->p->ops.skipped(c->ctx, http1_dirno(c, d), d->run_at, n);
}

void http1_tell_head(struct http1 *c, struct msg *m)
{
	m->pub.text = m->text;
	m->pub.headers = m->headers;
	m->head_told = true;
	http1_tell_skipped(c, &c->dir[m->pub.dir]);
	if (c->p->ops.head)
		c->p->ops.head(c->ctx, &m->pub);
	http1_pair_user(c, m);
}

void http1_body_bytes(struct http1 *c, struct http1_dir *d, const char *data, uint64_t n)
{
	struct msg *m = d->m;

	if (!n)
		return;
	if (!m->pub.body_ns)
		m->pub.body_ns = d->now_ns;
	if (c->p->ops.body)
		c->p->ops.body(c->ctx, &m->pub, data, n);
}

void http1_over(struct http1 *c, struct http1_dir *d, enum http1_why why)
{
	struct msg *m = d->m;
	struct http1_msg *pub = &m->pub;

	if (!m->head_told) {
		if (!pub->request)
			http1_pair_response(c, m, false);
		pub->head_bytes = d->count.fed - pub->begin - pub->lost;
		http1_tell_head(c, m);
	}
	pub->text = m->text;
	pub->headers = m->headers;
	pub->why = why == HTTP1_COMPLETE && m->holed ? HTTP1_GAP : why;
	pub->complete = pub->why == HTTP1_COMPLETE;
	pub->end = d->count.fed;
	pub->wire_bytes = pub->end - pub->begin - pub->lost;
	pub->last_ns = d->byte_ns;
	d->count.messages += pub->wire_bytes;
	d->said_close = pub->close && !pub->interim;
	d->m = NULL;
	d->left = 0;
	if (pub->ntrailers && c->p->ops.trailers)
		c->p->ops.trailers(c->ctx, pub);
	if (c->p->ops.end)
		c->p->ops.end(c->ctx, pub);
	if (why == HTTP1_COMPLETE)
		http1_pair_over(c, m);
	else
		http1_pair_broken(c, m, why);
	http1_release(c->p, m);
}

void http1_complete(struct http1 *c, struct http1_dir *d)
{
	const struct msg *m = d->m;

	/* Nobody knows what the bytes behind it are before CONNECT is answered. */
	d->state = m->connect && http1_waits(c, m) ? ST_HELD : ST_START;
	http1_over(c, d, HTTP1_COMPLETE);
}

void http1_drop(struct http1 *c, struct http1_dir *d, enum http1_why why, bool opaque)
{
	struct msg *m;
	uint64_t n;

	if (d->state == ST_PEEK)
		http1_unpeek(c, d);
	m = d->m;
	if (m && m->start_done && !m->candidate) {
		http1_over(c, d, why);
	} else if (m || d->state == ST_HELD) {
		n = m ? d->count.fed - m->pub.begin : d->left;
		if (m)
			http1_release(c->p, m);
		d->m = NULL;
		d->left = 0;
		if (opaque)
			d->count.opaque += n;
		else if (n)
			http1_skip(c, d, d->count.fed - n, n);
	}
}
