// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Lines of text: logfmt, with the keys of most use first and those that may be long last. Keys that
 * do not apply are left out.
 */
#include "httpsniff_rows.h"
#include "body.h"
#include "logfmt.h"
#include "row.h"
#include <string.h>

static void put_text(struct json *j, const char *key, struct text t)
{
	if (t.s)
		logfmt_strn(j, key, t.s, t.n);
}

static void put_base64(struct json *j, const char *key, const char *s, size_t n)
{
	char piece[BODY_BASE64_SIZE(3 * 1024)];

	logfmt_word(j, key, "\"", 1);
	for (size_t take; n; s += take, n -= take) {
		take = n < 3 * 1024 ? n : 3 * 1024;
		json_raw(j, piece, body_base64(piece, s, take));
	}
	json_raw(j, "\"", 1);
}

static void put_when(struct json *j, uint64_t time_ns)
{
	char when[36];

	logfmt_word(j, "ts", row_rfc3339(when, time_ns), strlen("2026-01-02T03:04:05.000000000Z"));
}

static void put_where(struct json *j, const struct cap_conn *c, const struct cap_who *w, int dir)
{
	char end[ROW_END_SIZE];

	logfmt_u64(j, "pid", w->pid);
	put_text(j, "comm", row_comm(w));
	logfmt_word(j, "dir", dir == CAP_SEND ? "send" : "recv", 4);
	if (row_ends_known(c)) {
		logfmt_word(j, "src", end, row_end_text(end, c, dir, true));
		logfmt_word(j, "dst", end, row_end_text(end, c, dir, false));
	}
	put_text(j, "path", row_path(c));
}

static void put_anomalies(struct json *j, uint32_t anomalies)
{
	char names[HTTP1_NANOMALIES * 24], *p = names;

	for (unsigned int bit = 0; bit < HTTP1_NANOMALIES; bit++) {
		if (!(anomalies >> bit & 1))
			continue;
		if (p > names)
			*p++ = ',';
		p = stpcpy(p, http1_anomaly_name(bit));
	}
	if (p > names)
		logfmt_strn(j, "anomalies", names, p - names);
}

/* What a reader has to know before he takes the body for all that was said. */
static void put_notes(struct json *j, const struct message *msg)
{
	if (!msg->complete)
		logfmt_str(j, "complete", "false");
	if (!msg->m->complete)
		logfmt_str(j, "why", http1_why_name(msg->m->why));
	if (msg->truncated)
		logfmt_str(j, "truncated", "true");
	if (msg->lost_bytes)
		logfmt_u64(j, "lost", msg->lost_bytes);
	if (msg->lost_cause)
		logfmt_str(j, "cause", msg->lost_cause);
	if (msg->body_coding)
		logfmt_str(j, "coding", msg->body_coding);
	if (msg->decoding)
		logfmt_str(j, "decoding", msg->decoding);
	if (msg->m->anomalies)
		put_anomalies(j, msg->m->anomalies);
}

static void put_body(struct json *j, const struct message *msg)
{
	if (!msg->body_len)
		return;
	if (msg->body_text) {
		logfmt_quoted(j, "body", msg->body, msg->body_len);
		return;
	}
	logfmt_str(j, "encoding", "base64");
	put_base64(j, "body", msg->body, msg->body_len);
}

static void put_raw(struct json *j, const struct message *msg)
{
	bool is_text;
	struct text raw = row_raw(msg, &is_text);

	if (!raw.s)
		return;
	if (is_text) {
		logfmt_quoted(j, "raw", raw.s, raw.n);
		return;
	}
	logfmt_str(j, "raw_encoding", "base64");
	put_base64(j, "raw", raw.s, raw.n);
}

void text_message(struct json *j, const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	put_when(j, msg->time_ns);
	put_where(j, msg->conn, &msg->who, m->dir);
	logfmt_u64(j, "bytes", msg->bytes);
	put_text(j, "method", row_method(msg));
	put_text(j, "url", row_url(msg));
	if (!m->request)
		logfmt_u64(j, "status", m->status);
	put_notes(j, msg);
	put_body(j, msg);
	if (set.raw)
		put_raw(j, msg);
	logfmt_end(j);
}

void text_gap(struct json *j, const struct gap *g)
{
	put_when(j, g->time_ns);
	logfmt_str(j, "gap", cap_cause_names[g->cause]);
	put_where(j, g->conn, &g->who, g->dir);
	if (g->bytes)
		logfmt_u64(j, "bytes", g->bytes);
	logfmt_end(j);
}

void text_notice(struct json *j, const struct notice *n)
{
	put_when(j, n->time_ns);
	logfmt_str(j, "notice", row_protocol(n->what));
	put_where(j, n->conn, &n->who, n->dir);
	if (n->name)
		logfmt_strn(j, n->what == HTTP1_TO_TLS ? "sni" : "name", n->name, n->name_len);
	logfmt_str(j, "not_decoded", "true");
	logfmt_end(j);
}
