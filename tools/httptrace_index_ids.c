// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Spans by what their requests say: servers' by process and trace, by process and request id, by
 * thread and URL; clients' by the trace and the id that they send.
 */
#include "httptrace_links.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024 /* to begin with */
#define KINDS	(SPAN_INDEXES - INDEX_TRACE)
#define CHAIN	64 /* spans that are looked at in a hash chain */

static struct {
	struct span **ids;
	uint32_t nids; /* buckets, of each kind */
	uint32_t have_ids;
} by_id;

static uint64_t bytes_hash(uint64_t h, const void *data, size_t n)
{
	const char *p = data;
	uint64_t x;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&x, p, 8);
		h = cause_mix(h, x);
	}
	x = 0;
	memcpy(&x, p, n);
	return cause_mix(cause_mix(h, x), n);
}

/* Of a server's span its process and trace, of a client's its trace and id. */
static uint64_t trace_key(const struct span *s, bool client)
{
	uint64_t h = bytes_hash(cause_seed, trace_of(s)->id, 16);

	return client ? bytes_hash(h, s->span_id, 8) : cause_mix(h, s->who->pid);
}

static uint64_t request_id_key(const struct span *s)
{
	return bytes_hash(cause_mix(cause_seed, s->who->pid), SPAN_REQUEST_ID(s),
			  s->request_id_len);
}

/*
 * One that is masked, or longer than ids are and perhaps cut, says nothing; nor does one that is so
 * short that it is hardly another for each request.
 */
bool has_request_id(const struct span *s)
{
	return !set.no_headers && s->request_id_len >= 8 && s->request_id_len <= 256 &&
	       !memchr(SPAN_REQUEST_ID(s), '*', s->request_id_len);
}

static size_t path_len(const struct span *s)
{
	const char *query = memchr(SPAN_URL(s), '?', s->url_len);

	return query ? (size_t)(query - SPAN_URL(s)) : s->url_len;
}

static uint64_t url_key(const struct span *s)
{
	uint64_t h = cause_mix(cause_mix(cause_seed, s->who->pid), s->who->tid);

	/* The method is before the URL. */
	return bytes_hash(h, SPAN_METHOD(s), s->method_len + path_len(s));
}

bool span_is_alike(const struct span *a, const struct span *b)
{
	size_t n = a->method_len + path_len(a);

	return a->who->tid == b->who->tid && a->method_len == b->method_len &&
	       n == b->method_len + path_len(b) && !memcmp(SPAN_METHOD(a), SPAN_METHOD(b), n);
}

static uint64_t id_key(const struct span *s, enum span_index i)
{
	if (i == INDEX_REQUEST_ID)
		return request_id_key(s);
	if (i == INDEX_URL)
		return url_key(s);
	return trace_key(s, s->role == CAP_ROLE_CLIENT);
}

static struct span **id_bucket(uint64_t key, enum span_index i)
{
	/* Each kind has its own: a list has one kind of links. */
	return &by_id.ids[(key & (by_id.nids - 1)) * KINDS + i - INDEX_TRACE];
}

static void move_ids(struct span **from, enum span_index i)
{
	struct span *s;

	while ((s = *from)) {
		span_list_del(s, i);
		span_list_add(id_bucket(id_key(s, i), i), s, i);
	}
}

static bool grow_ids(void)
{
	uint32_t n = by_id.nids, more = n ? n * 2 : BUCKETS;
	struct span **old = by_id.ids, **to;

	if (by_id.have_ids < n)
		return true;
	cause_start();
	to = calloc(more, KINDS * sizeof(*to));
	if (!to)
		return n;
	by_id.ids = to;
	by_id.nids = more;
	for (uint32_t k = 0; k < KINDS * n; k++)
		move_ids(&old[k], INDEX_TRACE + k % KINDS);
	free(old);
	return true;
}

void ids_add(struct span *s, enum span_index i)
{
	if (!grow_ids())
		return;
	span_list_add(id_bucket(id_key(s, i), i), s, i);
	by_id.have_ids++;
}

void ids_del(struct span *s, enum span_index i)
{
	if (!s->index_link[i])
		return;
	span_list_del(s, i);
	by_id.have_ids--;
}

bool same_request_id(const struct span *a, const struct span *b)
{
	return a->request_id_len == b->request_id_len &&
	       !memcmp(SPAN_REQUEST_ID(a), SPAN_REQUEST_ID(b), a->request_id_len);
}

static void look_through(struct span *p, enum span_index i, const struct query *q, struct found *f)
{
	int most = CHAIN;

	for (; p && most--; p = p->index_next[i])
		if (p->role == CAP_ROLE_SERVER && p->who->pid == q->s->who->pid &&
		    query_fits(q, p) && (i != INDEX_URL || span_is_alike(q->s, p)))
			found_add(f, p);
	f->more |= p != NULL;
}

void index_find_trace(const struct query *q, struct found *f)
{
	if (by_id.nids)
		look_through(*id_bucket(trace_key(q->s, false), INDEX_TRACE), INDEX_TRACE, q, f);
}

void index_find_request_id(const struct query *q, struct found *f)
{
	if (by_id.nids)
		look_through(*id_bucket(request_id_key(q->s), INDEX_REQUEST_ID), INDEX_REQUEST_ID,
			     q, f);
}

void index_find_alike(const struct query *q, struct found *f)
{
	if (by_id.nids && q->s->url_len)
		look_through(*id_bucket(url_key(q->s), INDEX_URL), INDEX_URL, q, f);
}

bool index_id_used(const struct span *s)
{
	struct span *p = by_id.nids ? *id_bucket(trace_key(s, true), INDEX_TRACE) : NULL;
	int most = CHAIN;

	for (; p && most--; p = p->index_next[INDEX_TRACE])
		if (p != s && p->role == CAP_ROLE_CLIENT && trace_of(p) == trace_of(s) &&
		    !memcmp(p->span_id, s->span_id, sizeof(s->span_id)))
			return true;
	return false;
}

void ids_each(void (*fn)(struct span **list))
{
	for (uint32_t i = 0; i < KINDS * by_id.nids; i++)
		fn(&by_id.ids[i]);
}

void ids_finish(void)
{
	free(by_id.ids);
	memset(&by_id, 0, sizeof(by_id));
}
