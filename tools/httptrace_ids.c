// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The ids of a span. Those that are made come from the place of the request's first byte: client,
 * server, sequence number. Whoever sees the same bytes makes the same ones: the other end, another
 * run, the replay of a recording.
 */
#include "httptrace_cause.h"
#include "run.h"
#include <endian.h>
#include <string.h>
#include <strings.h>

/* --- made */

/* Where a request is; little-endian, without holes. */
struct place {
	uint64_t client[2], server[2]; /* addresses; of a unix socket, its cookie and 0 */
	uint64_t at; /* ports, sequence number; of a unix socket, the position */
	uint32_t boot;
	uint32_t role; /* 0: of both, for the trace */
};

/*
 * What is alike on each machine, loopback addresses and cookies, is told apart by when it booted,
 * to the minute, for clocks are set.
 */
static uint32_t boot_minute(void)
{
	return (run_wall(0) + 30000000000) / 60000000000;
}

static void place_of(const struct span *s, struct place *p)
{
	const struct hop *h = s->hop;
	const struct flow *f = &h->flow;
	bool client = s->role == CAP_ROLE_CLIENT;
	uint16_t from = client ? f->local_port : f->remote_port;
	uint16_t to = client ? f->remote_port : f->local_port;

	memset(p, 0, sizeof(*p));
	if (h->proto == CAP_UNIX || !from) {
		p->client[0] = htole64(client ? h->id : h->peer);
		p->server[0] = htole64(client ? h->peer : h->id);
		/* Before 5.12 they have addresses for numbers, which come again. */
		p->at = htole64(s->begin ^ (h->id >> 63 ? h->heard_ns : 0));
		p->boot = htole32(boot_minute());
		return;
	}
	for (int i = 0; i < 2; i++) {
		p->client[i] = client ? f->local[i] : f->remote[i];
		p->server[i] = client ? f->remote[i] : f->local[i];
	}
	p->at = htole64((uint64_t)from << 48 | (uint64_t)to << 32 | s->seq);
	if (cause_is_loopback(p->client) || cause_is_loopback(p->server))
		p->boot = htole32(boot_minute());
}

static void make_trace(const struct span *s, uint8_t id[16])
{
	struct place p;

	place_of(s, &p);
	ids_hash(id, &p, sizeof(p));
	id[15] |= !memcmp(id, (uint8_t[16]){0}, 16);
}

static void make_span(struct span *s)
{
	struct place p;
	uint8_t id[16];

	place_of(s, &p);
	p.role = htole32(s->role);
	ids_hash(id, &p, sizeof(p));
	memcpy(s->span_id, id, 8);
	s->span_id[7] |= !memcmp(id, (uint8_t[8]){0}, 8);
}

void ids_own(struct span *s)
{
	s->span_id_given = 0;
	make_span(s);
}

/* --- given */

/* Headers of a request that have ids. */
struct given {
	struct http1_span parent, b3, b3_trace, b3_span, b3_parent, b3_sampled, b3_flags;
	unsigned int parents;
};

/* The values of what is there; len 0: it is not. */
static void find_ids(const struct http1_msg *m, struct given *g)
{
	static const struct {
		const char *name;
		uint8_t len, at;
	} names[] = {
		{"traceparent", 11, offsetof(struct given, parent)},
		{"b3", 2, offsetof(struct given, b3)},
		{"x-b3-traceid", 12, offsetof(struct given, b3_trace)},
		{"x-b3-spanid", 11, offsetof(struct given, b3_span)},
		{"x-b3-parentspanid", 17, offsetof(struct given, b3_parent)},
		{"x-b3-sampled", 12, offsetof(struct given, b3_sampled)},
		{"x-b3-flags", 10, offsetof(struct given, b3_flags)},
	};

	memset(g, 0, sizeof(*g));
	for (uint32_t i = 0; i < m->nheaders; i++) {
		struct http1_span n = m->headers[i].name;

		if (n.len != 2 && (n.len < 10 || n.len > 17))
			continue;
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
			if (n.len != names[k].len ||
			    strncasecmp(m->text + n.at, names[k].name, n.len))
				continue;
			g->parents += !k;
			memcpy((char *)g + names[k].at, &m->headers[i].value,
			       sizeof(m->headers[i].value));
		}
	}
}

/* Ids that stand in a header: of the trace, and of the client's span. */
struct ids {
	uint8_t trace[16], span[8], parent[8];
	uint8_t flags;
	bool has_parent; /* the span's own, which only X-B3-ParentSpanId and b3 tell */
};

#define AT(m, v) (m)->text + (v).at, (v).len

static bool read_b3(const struct http1_msg *m, const struct given *g, struct ids *ids)
{
	if (g->b3.len) {
		if (ids_b3(AT(m, g->b3), ids->trace, ids->span, &ids->flags))
			return false;
		/* Only the longest form has one, of a trace id of 16 or 32 digits. */
		ids->has_parent =
			(g->b3.len == 52 || g->b3.len == 68) &&
			!ids_b3_span(m->text + g->b3.at + g->b3.len - 16, 16, ids->parent);
		return true;
	}
	if (ids_b3_trace(AT(m, g->b3_trace), ids->trace) ||
	    ids_b3_span(AT(m, g->b3_span), ids->span))
		return false;
	ids->flags = ids_b3_sampled(AT(m, g->b3_sampled)) | ids_b3_sampled(AT(m, g->b3_flags));
	ids->has_parent = !ids_b3_span(AT(m, g->b3_parent), ids->parent);
	return true;
}

/* LINK_NONE: there are none that count. Who sends several says nothing that can be relied upon. */
static enum span_link read_ids(const struct http1_msg *m, struct ids *ids)
{
	struct given g;

	find_ids(m, &g);
	ids->has_parent = false;
	if (g.parents == 1 && !ids_traceparent(AT(m, g.parent), ids->trace, ids->span, &ids->flags))
		return LINK_TRACEPARENT;
	return read_b3(m, &g, ids) ? LINK_B3 : LINK_NONE;
}

static void take_given(struct span *s, enum span_link by, const struct ids *ids)
{
	s->trace_id_given = 1;
	s->flags = ids->flags;
	if (s->role == CAP_ROLE_SERVER) {
		memcpy(s->parent_id, ids->span, sizeof(s->parent_id));
		s->parent_given = 1;
		s->link = by;
		s->percent = 100;
		return;
	}
	memcpy(s->span_id, ids->span, sizeof(s->span_id));
	s->span_id_given = 1;
	s->from_b3 = by == LINK_B3;
	if (ids->has_parent) {
		memcpy(s->parent_id, ids->parent, sizeof(s->parent_id));
		s->parent_given = 1;
	}
}

void ids_request(struct span *s, const struct http1_msg *m)
{
	struct ids ids;
	enum span_link by = set.no_headers ? LINK_NONE : read_ids(m, &ids);

	if (by) {
		take_given(s, by, &ids);
		trace_begin(s, trace_given(ids.trace));
	} else {
		make_trace(s, ids.trace);
		trace_begin(s, trace_new(ids.trace, false));
	}
	if (!s->span_id_given)
		make_span(s);
}
