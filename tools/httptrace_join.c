// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The two ends of a connection on this machine see the same request, and agree on where its first
 * byte is: in TCP by address, port and sequence number of the client. Network namespaces are not
 * looked at, for the ends may be in two.
 */
#include "httptrace_cause.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024 /* to begin with */
#define CHAIN	64 /* spans that are looked at in a hash chain */

static struct {
	struct span **hash;
	uint32_t nbuckets, n;
} joins;

/* Addresses and ports as the client has them: [0] its own. */
struct ends {
	const __u64 *addr[2];
	uint16_t port[2];
};

static bool is_client(const struct span *s)
{
	return s->role == CAP_ROLE_CLIENT;
}

static struct ends ends_of(const struct span *s)
{
	const struct flow *f = &s->hop->flow;

	if (is_client(s))
		return (struct ends){{f->local, f->remote}, {f->local_port, f->remote_port}};
	return (struct ends){{f->remote, f->local}, {f->remote_port, f->local_port}};
}

static bool same_addr(const __u64 *a, const __u64 *b)
{
	return a[0] == b[0] && a[1] == b[1];
}

/* Where s is, or with other, where its other end is. */
static struct span **end_bucket(const struct span *s, bool other)
{
	uint64_t h = cause_mix(cause_seed, s->seq);
	struct ends e = ends_of(s);

	if (s->hop->proto != CAP_UNIX)
		h = cause_mix(cause_mix(cause_mix(h, e.addr[0][0]), e.addr[0][1]), e.port[0]);
	else
		h = cause_mix(h, other ? s->hop->peer : s->hop->id);
	return &joins.hash[h & (joins.nbuckets - 1)];
}

static void add(struct span **list, struct span *s)
{
	s->join_next = *list;
	s->join_link = list;
	if (*list)
		(*list)->join_link = &s->join_next;
	*list = s;
}

static void del(struct span *s)
{
	*s->join_link = s->join_next;
	if (s->join_next)
		s->join_next->join_link = s->join_link;
	s->join_link = NULL;
}

static bool grow_joins(void)
{
	uint32_t n = joins.nbuckets, more = n ? n * 2 : BUCKETS;
	struct span **old = joins.hash, **hash, *s;

	if (joins.n < n)
		return true;
	cause_start();
	hash = calloc(more, sizeof(*hash));
	if (!hash)
		return n;
	joins.hash = hash;
	joins.nbuckets = more;
	for (uint32_t i = 0; i < n; i++) {
		while ((s = old[i])) {
			del(s);
			add(end_bucket(s, false), s);
		}
	}
	free(old);
	return true;
}

/* 0, or how sure it is that these are the ends of one connection, in percent. */
static unsigned int match(const struct span *a, const struct span *b)
{
	const struct hop *x = a->hop, *y = b->hop;
	struct ends e = ends_of(a), f = ends_of(b);

	if (a->role == b->role || a->seq != b->seq || b->peer || x->proto != y->proto || x == y)
		return 0;
	if (x->proto == CAP_UNIX)
		return a->begin == b->begin && (x->peer == y->id || y->peer == x->id) ? 100 : 0;
	if (!same_addr(e.addr[0], f.addr[0]) || e.port[0] != f.port[0])
		return 0;
	/* Not a number of TCP's, but a count: many connections are there. */
	if (x->proto != CAP_TCP && x->flow.netns != y->flow.netns && cause_is_loopback(e.addr[0]))
		return 0;
	if (same_addr(e.addr[1], f.addr[1]) && e.port[1] == f.port[1])
		return 100;
	return x->proto == CAP_TCP ? 95 : 0;
}

static struct span *find_end(const struct span *s, unsigned int *percent)
{
	struct span *found = NULL;
	unsigned int most = CHAIN, sure;

	*percent = 0;
	for (struct span *p = *end_bucket(s, true); p && most; p = p->join_next, most--) {
		sure = match(s, p);
		if (sure <= *percent)
			continue;
		*percent = sure;
		found = p;
	}
	return found;
}

/*
 * The header that both ends saw may name the client's span, or, where a proxy passed it on, the one
 * before it: the client is the parent in any case.
 */
static void link_ends(struct span *server, struct span *client, unsigned int percent)
{
	bool named = server->parent_given && !memcmp(server->parent_id, client->span_id, 8);

	if (named && link_set(server, client, server->link, 100))
		return;
	if (!trace_apart(server, client) && server->parent_given) {
		server->link = LINK_NONE;
		server->parent_given = 0;
	}
	link_set(server, client, LINK_JOIN, percent);
}

void join_request(struct span *s)
{
	struct span *other;
	unsigned int percent;

	if (!grow_joins())
		return;
	if (s->hop->proto != CAP_UNIX && !s->hop->flow.local_port)
		return;
	other = find_end(s, &percent);
	if (!other) {
		add(end_bucket(s, false), s);
		joins.n++;
		return;
	}
	join_over(other);
	s->peer = span_get(other);
	other->peer = span_get(s);
	s->nat = other->nat = percent < 100;
	span_stats.joined++;
	if (is_client(s))
		link_ends(other, s, percent);
	else
		link_ends(s, other, percent);
}

void join_over(struct span *s)
{
	if (!s->join_link)
		return;
	del(s);
	joins.n--;
}

void join_finish(void)
{
	/* Those that are left belong to whoever has a reference. */
	for (uint32_t i = 0; i < joins.nbuckets; i++)
		while (joins.hash[i])
			join_over(joins.hash[i]);
	free(joins.hash);
	memset(&joins, 0, sizeof(joins));
}
