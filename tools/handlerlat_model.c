// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * From records to what they say together. Everything here works the same on a recording: it knows
 * no kernel, no process and no clock but the records' own.
 */
#include "handlerlat_model.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct model model;

const char *func_name(uint32_t fn)
{
	return fn < model.nnames && model.names[fn] ? model.names[fn] : "?";
}

void copy_route(char *dst, const char *src, size_t n, const char *method)
{
	size_t skip = strlen(method);

	if (skip && skip + 1 < n && !strncmp(src, method, skip) && src[skip] == ' ')
		skip++;
	else
		skip = 0;
	memcpy(dst, src + skip, n - skip);
	dst[n - skip] = 0;
}

uint64_t returned_of(const struct hl_stats *st)
{
	uint64_t n = 0;

	for (int i = 0; i < HIST_SLOTS; i++)
		n += st->slot[i];
	return n;
}

static struct series *series_of(uint32_t fn, const struct hl_route_key *key)
{
	struct series *s, **all;

	for (size_t i = 0; i < model.nseries; i++) {
		s = model.series[i];
		if (s->fn == fn && s->is_route == !!key &&
		    (!key || (!strncmp(s->method, key->method, HL_METHOD) &&
			      !strncmp(s->route, key->route, HL_ROUTE))))
			return s;
	}
	s = calloc(1, sizeof(*s));
	all = realloc(model.series, (model.nseries + 1) * sizeof(*all));
	if (all)
		model.series = all;
	if (!s || !all) {
		free(s);
		return NULL;
	}
	s->fn = fn;
	if (key) {
		s->is_route = true;
		memcpy(s->method, key->method, HL_METHOD);
		memcpy(s->route, key->route, HL_ROUTE);
	}
	model.series[model.nseries++] = s;
	return s;
}

static int on_stats(uint32_t fn, const struct hl_route_key *key, const struct hl_stats *st,
		    uint32_t running)
{
	struct series *s = series_of(fn, key);

	if (!s)
		return -ENOMEM;
	s->now = *st;
	s->running = running;
	s->changed = memcmp(&s->now, &s->last, sizeof(s->now));
	return 0;
}

static int on_func(const struct hl_func *f)
{
	char **all;

	if (f->fn > HL_FN_MASK)
		return fail(-EBADMSG, "a function record has id %u", f->fn);
	if (f->fn >= model.nnames) {
		all = realloc(model.names, (f->fn + 1) * sizeof(*all));
		if (!all)
			return -ENOMEM;
		memset(all + model.nnames, 0, (f->fn + 1 - model.nnames) * sizeof(*all));
		model.names = all;
		model.nnames = f->fn + 1;
	}
	free(model.names[f->fn]);
	model.names[f->fn] = strndup(f->name, sizeof(f->name));
	return model.names[f->fn] ? 0 : -ENOMEM;
}

int model_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	static const size_t sizes[] = {
		[HL_REC_CALL] = sizeof(struct hl_call),
		[HL_REC_HTTP_CALL] = sizeof(struct hl_http_call),
		[HL_REC_FUNC] = sizeof(struct hl_func),
		[HL_REC_STATS] = sizeof(struct hl_stats_rec),
		[HL_REC_ROUTE] = sizeof(struct hl_route_rec),
		[HL_REC_STATE] = sizeof(struct hl_state),
	};

	if (type >= sizeof(sizes) / sizeof(*sizes) || len < sizes[type])
		return fail(-EBADMSG, "a record of type %u has %zu bytes", type, len);
	switch (type) {
	case HL_REC_CALL: return model_call(data, NULL);
	case HL_REC_HTTP_CALL: return model_call(data, &((const struct hl_http_call *)data)->req);
	case HL_REC_FUNC: return on_func(data);
	case HL_REC_STATS: {
		const struct hl_stats_rec *r = data;

		return on_stats(r->fn, NULL, &r->stats, r->running);
	}
	case HL_REC_ROUTE: {
		const struct hl_route_rec *r = data;

		return on_stats(r->key.fn, &r->key, &r->stats, 0);
	}
	case HL_REC_STATE: return model_state(data);
	}
	return 0;
}
