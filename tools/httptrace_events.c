// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --events: a row for each connection that came to be, or ended.
 */
#include "httptrace_rows.h"
#include "run.h"
#include <stdio.h>
#include <string.h>

static const char *const names[CONN_EVENTS] = {
	[CONN_ACCEPT] = "accept",
	[CONN_CONNECT] = "connect",
	[CONN_CLOSE] = "close",
	[CONN_RESET] = "reset",
};

struct event {
	const struct cap_conn *c;
	enum conn_event what;
	bool over;
	int role;
	const struct cap_who *who;
	struct text comm;
	uint64_t wall_ns;
	uint64_t connect_us, first_bytes_us, duration_us; /* UINT64_MAX: not known */
	uint64_t requests; /* UINT64_MAX: not known */
};

static uint64_t us_between(uint64_t from_ns, uint64_t to_ns)
{
	return from_ns && to_ns >= from_ns ? (to_ns - from_ns) / 1000 : UINT64_MAX;
}

/* Who reads the requests, or sends them; or whoever else there was. */
static const struct cap_who *who(const struct cap_conn *c, int role)
{
	const struct cap_who *w = c->who[role == CAP_ROLE_SERVER ? CAP_RECV : CAP_SEND];

	return w->pid ? w : c->who[role == CAP_ROLE_SERVER ? CAP_SEND : CAP_RECV];
}

static struct text comm(const struct cap_who *w)
{
	const char *s = w->task->comm[0] ? w->task->comm : w->comm;

	return (struct text){s, strnlen(s, sizeof(w->comm))};
}

static struct event event_of(const struct cap_conn *c, const struct hop *h, enum conn_event what)
{
	struct event e = {.c = c, .what = what, .role = capture_role(c)};
	uint64_t since = c->opened_ns ?: c->heard_ns;

	e.over = what == CONN_CLOSE || what == CONN_RESET;
	e.who = who(c, e.role);
	e.comm = comm(e.who);
	e.wall_ns = run_wall(e.over ? c->seen_ns : since);
	e.connect_us = what == CONN_CONNECT && c->connect_ns ? c->connect_ns / 1000 : UINT64_MAX;
	e.first_bytes_us = e.over ? UINT64_MAX : us_between(c->opened_ns, c->heard_ns);
	e.duration_us = e.over ? us_between(since, c->seen_ns) : UINT64_MAX;
	e.requests = e.over && h ? h->spans : UINT64_MAX;
	return e;
}

/* Of a connection that was seen from its first byte, its bytes; else as its socket counts them. */
static uint64_t bytes_of(const struct cap_conn *c, int dir)
{
	return c->joined ? c->bytes[dir] : http1_bytes(c->h, dir)->fed;
}

static bool bytes_known(const struct event *e)
{
	return e->over && (bytes_of(e->c, CAP_SEND) || bytes_of(e->c, CAP_RECV));
}

static int text_event(const struct event *e, const struct ends *ends)
{
	static struct line line;
	char text[2 * END_SIZE + 128], counts[96] = "";
	struct lead lead = {
		.wall_ns = e->wall_ns,
		.role = cap_role_names[e->role],
		.pid = e->who->pid,
		.comm = e->comm,
		.state = names[e->what],
		.total_us = e->over ? e->duration_us : e->connect_us,
		.wait_us = e->first_bytes_us,
		.other_us = UINT64_MAX,
	};
	int n = 0;

	if (e->requests != UINT64_MAX)
		n = snprintf(counts, sizeof(counts), ", %llu request%s",
			     (unsigned long long)e->requests, e->requests == 1 ? "" : "s");
	if (bytes_known(e))
		snprintf(counts + n, sizeof(counts) - n, ", %llu bytes sent, %llu received",
			 (unsigned long long)bytes_of(e->c, CAP_SEND),
			 (unsigned long long)bytes_of(e->c, CAP_RECV));
	n = snprintf(text, sizeof(text), "%s -> %s%s", ends->client_len ? ends->client : "unknown",
		     ends->server_len ? ends->server : "unknown", counts);
	line_begin(&line, &lead);
	line_cell(&line, (struct text){text, n}, 0);
	return line_end(&line);
}

static void put_us(struct json *j, const char *key, uint64_t us)
{
	if (us != UINT64_MAX)
		json_u64(j, key, us);
}

static void put_text(struct json *j, const char *key, const char *s, size_t n)
{
	if (n)
		json_strn(j, key, s, n);
	else
		json_null(j, key);
}

static void put_place(struct json *j, const struct cap_conn *c, const struct cap_who *w)
{
	char id[20];

	json_strn(j, "connection", id, decimal(id, c->id) - id);
	json_str(j, "container", w->task->container[0] ? w->task->container : NULL);
	if (c->flow.netns)
		json_u64(j, "netns", c->flow.netns);
	else
		json_null(j, "netns");
	if (c->proto == CAP_UNIX && c->path)
		json_str(j, "path", c->path);
}

static int json_event(const struct event *e, const struct ends *ends)
{
	static struct json j;
	char when[36];

	json_reset(&j);
	json_open(&j, NULL, '{');
	json_str(&j, "type", "connection");
	json_str(&j, "timestamp", row_rfc3339(when, e->wall_ns));
	json_str(&j, "event", names[e->what]);
	json_str(&j, "role", cap_role_names[e->role]);
	json_u64(&j, "pid", e->who->pid);
	json_u64(&j, "tid", e->who->tid);
	put_text(&j, "comm", e->comm.s, e->comm.n);
	put_text(&j, "client", ends->client, ends->client_len);
	put_text(&j, "server", ends->server, ends->server_len);
	put_us(&j, "connect_us", e->connect_us);
	put_us(&j, "first_bytes_us", e->first_bytes_us);
	put_us(&j, "duration_us", e->duration_us);
	put_us(&j, "requests", e->requests);
	if (bytes_known(e)) {
		json_u64(&j, "bytes_sent", bytes_of(e->c, CAP_SEND));
		json_u64(&j, "bytes_received", bytes_of(e->c, CAP_RECV));
	}
	put_place(&j, e->c, e->who);
	json_close(&j, '}');
	return row_object(&j);
}

int events_conn(const struct cap_conn *c, const struct hop *h, enum conn_event what)
{
	const struct ends *ends;
	struct event e;
	int err = 0;

	if (!set.events)
		return 0;
	e = event_of(c, h, what);
	span_stats.events++;
	ends = ends_of(c->id, &c->flow, c->peer, c->proto, e.role);
	if (text_wanted())
		err = text_event(&e, ends);
	if (json_wanted())
		err = json_event(&e, ends) ?: err;
	return err;
}
