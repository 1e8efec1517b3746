// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "otlp.h"

#define SLOTS	    64 /* a power of two */
#define KEEP_GROUPS 64 /* buffers that an empty batch keeps ... */
#define KEEP_BYTES  (1 << 20) /* ... of at most so many bytes each */

/* The spans of one process. */
struct group {
	struct group *next; /* in its slot */
	struct otlp_process p;
	struct json j; /* the resource and what follows, up to the last span */
};

struct otlp_batch {
	char *scope, *host; /* JSON; host may be NULL */
	struct group **groups; /* the first ngroups are in use, all have been made */
	size_t ngroups, made, room;
	struct group *slots[SLOTS];
	struct group *at; /* of the span that is being written */
	size_t mark; /* where it begins */
	bool links;
	size_t spans, bytes;
	struct json text;
};

#define LIT(J, S) json_raw(J, S, sizeof(S) - 1)

/* --- the resource */

static void put_resource(struct otlp_batch *b, struct group *g)
{
	struct json *j = &g->j;
	size_t name = strnlen(g->p.name, sizeof(g->p.name));
	size_t container = strnlen(g->p.container, sizeof(g->p.container));

	json_reset(j);
	LIT(j, "{\"resource\":{\"attributes\":[");
	/*
	 * The name that a process goes by is the best that is known from outside of the service
	 * that it is a part of. "unknown_service" is what OpenTelemetry wants where there is none.
	 */
	if (name)
		OTLP_STR(j, "service.name", g->p.name, name);
	else
		OTLP_STR(j, "service.name", "unknown_service", strlen("unknown_service"));
	if (g->p.pid)
		OTLP_INT(j, "process.pid", g->p.pid);
	if (name)
		OTLP_STR(j, "process.executable.name", g->p.name, name);
	if (container)
		OTLP_STR(j, "container.id", g->p.container, container);
	if (b->host)
		OTLP_STR(j, "host.name", b->host, strlen(b->host));
	LIT(j, "]},\"scopeSpans\":[{\"scope\":");
	json_raw(j, b->scope, strlen(b->scope));
	LIT(j, ",\"spans\":[");
	j->comma = false;
}

static unsigned int slot_of(const struct otlp_process *p)
{
	return (p->pid ^ p->pid >> 6) % SLOTS;
}

static bool same(const struct otlp_process *a, const struct otlp_process *b)
{
	return a->pid == b->pid && !strncmp(a->name, b->name, sizeof(a->name)) &&
	       !strncmp(a->container, b->container, sizeof(a->container));
}

/* One that is not in use; NULL: no memory. */
static struct group *spare_group(struct otlp_batch *b)
{
	struct group **groups;

	if (b->ngroups < b->made)
		return b->groups[b->ngroups];
	if (b->made == b->room) {
		groups = realloc(b->groups, (b->room ? b->room * 2 : 16) * sizeof(*groups));
		if (!groups)
			return NULL;
		b->groups = groups;
		b->room = b->room ? b->room * 2 : 16;
	}
	b->groups[b->made] = calloc(1, sizeof(struct group));
	return b->groups[b->made] ? b->groups[b->made++] : NULL;
}

static struct group *group_of(struct otlp_batch *b, const struct otlp_process *p)
{
	struct group **slot = &b->slots[slot_of(p)], *g;

	for (g = *slot; g; g = g->next)
		if (same(&g->p, p))
			return g;
	g = spare_group(b);
	if (!g)
		return NULL;
	g->p = *p;
	put_resource(b, g);
	if (g->j.err)
		return NULL;
	g->next = *slot;
	*slot = g;
	b->ngroups++;
	return g;
}

/* --- spans */

/* The number follows lit, in which the opening quote is. */
static void put_time(struct json *j, const char *lit, size_t nlit, uint64_t ns)
{
	json_raw(j, lit, nlit);
	j->comma = false;
	json_u64(j, NULL, ns);
	LIT(j, "\"");
}

#define TIME(J, S, NS) put_time(J, S, sizeof(S) - 1, NS)

static void put_head(struct json *j, const struct otlp_head *h)
{
	LIT(j, "{\"traceId\":");
	otlp_hex(j, h->trace_id, 16);
	LIT(j, ",\"spanId\":");
	otlp_hex(j, h->span_id, 8);
	if (h->parent_id) {
		LIT(j, ",\"parentSpanId\":");
		otlp_hex(j, h->parent_id, 8);
	}
	j->comma = true;
	if (h->state && h->state_len)
		json_strn(j, "traceState", h->state, h->state_len);
	if (h->flags)
		json_u64(j, "flags", h->flags);
	json_strn(j, "name", h->name, h->name_len);
	json_u64(j, "kind", h->kind);
	TIME(j, ",\"startTimeUnixNano\":\"", h->start_ns);
	TIME(j, ",\"endTimeUnixNano\":\"", h->end_ns > h->start_ns ? h->end_ns : h->start_ns);
	if (h->error)
		LIT(j, ",\"status\":{\"code\":2}");
	LIT(j, ",\"attributes\":[");
	j->comma = false;
}

struct json *otlp_span_begin(struct otlp_batch *b, const struct otlp_process *p,
			     const struct otlp_head *h)
{
	struct group *g = group_of(b, p);

	if (!g)
		return NULL;
	b->at = g;
	b->links = false;
	b->mark = g->j.len;
	/* Of a group of which nothing but a span without memory came, too. */
	if (g->j.buf[g->j.len - 1] != '[')
		LIT(&g->j, ",");
	put_head(&g->j, h);
	return &g->j;
}

int otlp_span_end(struct otlp_batch *b)
{
	struct json *j = &b->at->j;

	LIT(j, "]}");
	if (j->err) {
		/* What was there before it stays good. */
		j->err = 0;
		j->len = b->mark;
		return -ENOMEM;
	}
	b->spans++;
	b->bytes += j->len - b->mark;
	return 0;
}

size_t otlp_batch_spans(const struct otlp_batch *b)
{
	return b->spans;
}

size_t otlp_batch_bytes(const struct otlp_batch *b)
{
	return b->bytes;
}

/* --- the batch */

/* A string's JSON, owned; NULL: no memory. */
static char *scope_json(const char *name, const char *version)
{
	struct json j;

	json_init(&j);
	json_open(&j, NULL, '{');
	json_str(&j, "name", name);
	json_str(&j, "version", version);
	json_close(&j, '}');
	json_text(&j);
	if (!j.err)
		return j.buf;
	json_free(&j);
	return NULL;
}

int otlp_batch_new(struct otlp_batch **out, const char *scope, const char *version,
		   const char *host)
{
	struct otlp_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->scope = scope_json(scope, version);
	b->host = host && *host ? strdup(host) : NULL;
	if (!b->scope || (host && *host && !b->host)) {
		otlp_batch_free(b);
		return -ENOMEM;
	}
	json_init(&b->text);
	*out = b;
	return 0;
}

void otlp_batch_free(struct otlp_batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->made; i++) {
		json_free(&b->groups[i]->j);
		free(b->groups[i]);
	}
	json_free(&b->text);
	free(b->groups);
	free(b->scope);
	free(b->host);
	free(b);
}

const char *otlp_batch_text(struct otlp_batch *b, size_t *len)
{
	struct json *t = &b->text;
	bool first = true;

	if (!b->spans)
		return NULL;
	json_reset(t);
	LIT(t, "{\"resourceSpans\":[");
	for (size_t i = 0; i < b->ngroups; i++) {
		const struct json *j = &b->groups[i]->j;

		if (j->buf[j->len - 1] == '[')
			continue;
		if (!first)
			LIT(t, ",");
		first = false;
		json_raw(t, j->buf, j->len);
		LIT(t, "]}]}");
	}
	LIT(t, "]}");
	json_text(t);
	*len = t->len;
	return t->err ? NULL : t->buf;
}

void otlp_batch_reset(struct otlp_batch *b)
{
	for (size_t i = 0; i < b->ngroups; i++)
		if (b->groups[i]->j.cap > KEEP_BYTES)
			json_free(&b->groups[i]->j);
	for (; b->made > KEEP_GROUPS; b->made--) {
		json_free(&b->groups[b->made - 1]->j);
		free(b->groups[b->made - 1]);
	}
	memset(b->slots, 0, sizeof(b->slots));
	b->ngroups = b->spans = b->bytes = 0;
}
