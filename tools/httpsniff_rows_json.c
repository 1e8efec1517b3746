// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * JSON lines of httpsniff. Keys that the tool promises are always there, null where nothing is
 * known; the others are where they apply.
 */
#include "httpsniff_rows.h"
#include "body.h"
#include "row.h"
#include <string.h>

static void put_text(struct json *j, const char *key, struct text t)
{
	if (t.s)
		json_strn(j, key, t.s, t.n);
	else
		json_null(j, key);
}

/* Numbers that readers which count in doubles would change. */
static void put_id(struct json *j, const char *key, uint64_t id)
{
	char text[20], *p = text + sizeof(text);

	do
		*--p = '0' + id % 10;
	while (id /= 10);
	json_strn(j, key, p, text + sizeof(text) - p);
}

static void put_base64(struct json *j, const char *key, const char *s, size_t n)
{
	char piece[BODY_BASE64_SIZE(3 * 1024)];

	json_strn(j, key, "", 0);
	j->len -= !j->err; /* the closing quote comes later */
	for (size_t take; n && !j->err; s += take, n -= take) {
		take = n < 3 * 1024 ? n : 3 * 1024;
		json_raw(j, piece, body_base64(piece, s, take));
	}
	json_raw(j, "\"", 1);
}

static void put_type(struct json *j, const char *type, uint64_t time_ns)
{
	char when[36];

	json_open(j, NULL, '{');
	json_str(j, "type", type);
	json_str(j, "timestamp", row_rfc3339(when, time_ns));
}

static void put_who(struct json *j, const struct cap_who *w)
{
	struct text comm = row_comm(w);
	size_t n = strnlen(w->comm, sizeof(w->comm));

	json_u64(j, "pid", w->pid);
	json_u64(j, "tid", w->tid);
	put_text(j, "comm", comm);
	/* Where a thread has a name of its own */
	if (n && (n != comm.n || memcmp(w->comm, comm.s, n)))
		json_strn(j, "thread", w->comm, n);
	put_text(j, "cmdline", (struct text){w->task->cmdline, w->task->cmdline_len});
	if (w->goid)
		json_u64(j, "goid", w->goid);
}

static void put_end(struct json *j, const struct cap_conn *c, int dir, bool sender)
{
	struct end e = row_end(c, dir, sender);

	put_text(j, sender ? "source_ip" : "dest_ip", (struct text){e.addr, e.addr_len});
	if (e.addr)
		json_u64(j, sender ? "source_port" : "dest_port", e.port);
	else
		json_null(j, sender ? "source_port" : "dest_port");
}

static void put_where(struct json *j, const struct cap_conn *c, int dir)
{
	json_str(j, "direction", dir == CAP_SEND ? "send" : "recv");
	json_str(j, "role", cap_role_names[capture_role(c)]);
	put_end(j, c, dir, true);
	put_end(j, c, dir, false);
}

/* Which connection, and in what surroundings. */
static void put_conn(struct json *j, const struct cap_conn *c, const struct cap_who *w)
{
	put_id(j, "connection", c->id);
	json_str(j, "container", w->task->container[0] ? w->task->container : NULL);
	if (c->flow.netns)
		json_u64(j, "netns", c->flow.netns);
	else
		json_null(j, "netns");
	if (c->proto == CAP_MPTCP)
		json_bool(j, "mptcp", true);
	if (c->proto != CAP_UNIX)
		return;
	put_text(j, "path", row_path(c));
	if (c->peer)
		put_id(j, "peer", c->peer);
}

static void put_start(struct json *j, const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	json_u64(j, "bytes", msg->bytes);
	put_text(j, "method", row_method(msg));
	put_text(j, "url", row_url(msg));
	if (m->request)
		json_null(j, "status");
	else
		json_u64(j, "status", m->status);
	json_strn(j, "version", (char[]){'1', '.', '0' + m->minor}, 3);
}

static void put_body(struct json *j, const struct message *msg)
{
	if (row_body_hidden(msg)) {
		json_null(j, "body");
		json_null(j, "body_encoding");
	} else if (msg->body_text) {
		json_strn(j, "body", msg->body, msg->body_len);
		json_str(j, "body_encoding", "utf8");
	} else {
		put_base64(j, "body", msg->body, msg->body_len);
		json_str(j, "body_encoding", "base64");
	}
	json_u64(j, "body_size", msg->body_size);
	if (msg->body_coding)
		json_str(j, "body_coding", msg->body_coding);
	if (msg->decoding)
		json_str(j, "decoding", msg->decoding);
}

static void put_raw(struct json *j, const struct message *msg)
{
	bool is_text;
	struct text raw = row_raw(msg, &is_text);

	if (is_text) {
		put_text(j, "raw_payload", raw);
		return;
	}
	put_base64(j, "raw_payload", raw.s, raw.n);
	json_str(j, "raw_encoding", "base64");
}

static void put_order(struct json *j, const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	json_u64(j, "sequence", msg->sequence);
	json_u64(j, "number", m->number);
	if (!m->request && m->answers)
		json_u64(j, "answers", m->answers);
	else if (!m->request)
		json_null(j, "answers");
	if (m->assumed)
		json_bool(j, "assumed", true);
	json_bool(j, "joined_mid", msg->conn->joined);
}

/* How much of it there is. */
static void put_state(struct json *j, const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	json_bool(j, "complete", msg->complete);
	if (!m->complete)
		json_str(j, "why", http1_why_name(m->why));
	json_bool(j, "truncated", msg->truncated);
	json_u64(j, "lost_bytes", msg->lost_bytes);
	if (msg->lost_cause)
		json_str(j, "lost_cause", msg->lost_cause);
	if (!m->anomalies)
		return;
	json_open(j, "anomalies", '[');
	for (unsigned int bit = 0; bit < HTTP1_NANOMALIES; bit++) {
		if (m->anomalies >> bit & 1)
			json_str(j, NULL, http1_anomaly_name(bit));
	}
	json_close(j, ']');
}

void json_message(struct json *j, const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	put_type(j, "message", msg->time_ns);
	put_who(j, &msg->who);
	put_where(j, msg->conn, m->dir);
	put_start(j, msg);
	json_headers(j, "headers", msg, 0, m->nheaders);
	put_body(j, msg);
	if (m->ntrailers)
		json_headers(j, "trailers", msg, m->nheaders, m->ntrailers);
	if (set.raw)
		put_raw(j, msg);
	put_conn(j, msg->conn, &msg->who);
	put_order(j, msg);
	put_state(j, msg);
	json_u64(j, "duration_ns", msg->end_ns - msg->time_ns);
	json_close(j, '}');
}

void json_gap(struct json *j, const struct gap *g)
{
	put_type(j, "gap", g->time_ns);
	put_who(j, &g->who);
	put_where(j, g->conn, g->dir);
	put_conn(j, g->conn, &g->who);
	json_u64(j, "position", g->position);
	if (g->bytes)
		json_u64(j, "bytes", g->bytes);
	else
		json_null(j, "bytes");
	json_str(j, "cause", cap_cause_names[g->cause]);
	json_close(j, '}');
}

void json_notice(struct json *j, const struct notice *n)
{
	put_type(j, "connection", n->time_ns);
	put_who(j, &n->who);
	put_where(j, n->conn, n->dir);
	put_conn(j, n->conn, &n->who);
	json_str(j, "protocol", row_protocol(n->what));
	if (n->name)
		json_strn(j, n->what == HTTP1_TO_TLS ? "sni" : "name", n->name, n->name_len);
	json_bool(j, "decoded", false);
	json_close(j, '}');
}
