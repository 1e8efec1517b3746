// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "body.h"
#include "httpsniff_har.h"
#include "net.h"

/* What a browser writes where it does not know. */
#define NO_TYPE "x-unknown"

static struct har_text header(const struct message *msg, const char *name, const char *none)
{
	for (uint32_t i = 0; i < msg->m->nheaders; i++) {
		if (har_named(msg, &msg->m->headers[i], name))
			return har_span(msg, msg->m->headers[i].value);
	}
	return (struct har_text){none, strlen(none)};
}

static void put_headers(struct json *j, const char *key, const struct message *msg, uint32_t from,
			uint32_t n)
{
	json_open(j, key, '[');
	for (uint32_t i = from; i < from + n; i++) {
		json_open(j, NULL, '{');
		har_put_text(j, "name", har_span(msg, msg->m->headers[i].name));
		har_put_text(j, "value", har_span(msg, msg->m->headers[i].value));
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* --- bodies */

static void put_body(struct json *j, const struct message *msg, const char *encoding_key)
{
	char *base64;

	if (msg->body_text) {
		json_strn(j, "text", msg->body, msg->body_len);
		return;
	}
	base64 = malloc(BODY_BASE64_SIZE(msg->body_len));
	if (!base64) {
		j->err = -ENOMEM;
		return;
	}
	json_strn(j, "text", base64, body_base64(base64, msg->body, msg->body_len));
	json_str(j, encoding_key, "base64");
	free(base64);
}

/* What keeps the text from being the body. */
static void put_body_comment(struct json *j, const struct message *msg)
{
	char text[128];

	if (msg->body_coding)
		snprintf(text, sizeof(text), "Content-Encoding not undone: %s", msg->body_coding);
	else if (msg->decoding)
		snprintf(text, sizeof(text), "decoding: %s", msg->decoding);
	else if (msg->body_len < msg->body_size)
		snprintf(text, sizeof(text), "the first %zu of %llu bytes", msg->body_len,
			 (unsigned long long)msg->body_size);
	else
		return;
	json_str(j, "comment", text);
}

static void put_post_data(struct json *j, const struct message *msg)
{
	json_open(j, "postData", '{');
	har_put_text(j, "mimeType", header(msg, "Content-Type", ""));
	json_open(j, "params", '[');
	json_close(j, ']');
	/* HAR has no word for it in requests. */
	put_body(j, msg, "_encoding");
	put_body_comment(j, msg);
	json_close(j, '}');
}

static void put_content(struct json *j, const struct message *msg)
{
	json_open(j, "content", '{');
	json_u64(j, "size", msg->body_size);
	har_put_text(j, "mimeType", header(msg, "Content-Type", NO_TYPE));
	if (msg->body_len)
		put_body(j, msg, "encoding");
	put_body_comment(j, msg);
	json_close(j, '}');
}

/* --- messages */

static void put_version(struct json *j, const struct message *msg)
{
	char text[sizeof("HTTP/1.255")];

	snprintf(text, sizeof(text), "HTTP/1.%u", msg->m->minor);
	json_str(j, "httpVersion", text);
}

/* What both kinds end with. */
static void put_rest(struct json *j, const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	json_i64(j, "headersSize", m->head_whole ? (int64_t)m->head_bytes : -1);
	json_u64(j, "bodySize", m->body_bytes);
	if (m->ntrailers)
		put_headers(j, "_trailers", msg, m->nheaders, m->ntrailers);
	if (!m->complete)
		json_str(j, "_why", http1_why_name(m->why));
	if (msg->lost_cause)
		json_str(j, "_lost_cause", msg->lost_cause);
	if (m->anomalies) {
		json_open(j, "_anomalies", '[');
		for (unsigned int i = 0; i < HTTP1_NANOMALIES; i++) {
			if (m->anomalies >> i & 1)
				json_str(j, NULL, http1_anomaly_name(i));
		}
		json_close(j, ']');
	}
}

static bool server_is_local(const struct http1_msg *m)
{
	return m->request == (m->dir == CAP_RECV);
}

static void put_url(struct json *j, const struct har_target *t)
{
	size_t len;
	char *url = har_url(t, &len);

	if (!url) {
		j->err = -ENOMEM;
		return;
	}
	json_strn(j, "url", url, len);
	har_put_query(j, url, len);
	/* As it was, where the URL does not have it. */
	if (t->target_len && *t->target != '/')
		json_strn(j, "_target", t->target, t->target_len);
	free(url);
}

void har_put_request(struct json *j, const struct message *msg, bool body)
{
	const struct http1_msg *m = msg->m;
	struct har_text host = header(msg, "Host", "");
	struct har_text method = har_span(msg, m->method), target = har_span(msg, m->target);

	json_open(j, NULL, '{');
	har_put_text(j, "method", method);
	put_url(j, &(struct har_target){msg->conn, server_is_local(m), method.s, target.s, host.s,
					method.n, target.n, host.n});
	put_version(j, msg);
	har_put_cookies(j, msg);
	put_headers(j, "headers", msg, 0, m->nheaders);
	if (msg->body_len && body)
		put_post_data(j, msg);
	else if (msg->body_len)
		json_bool(j, "_body_left_out", true);
	put_rest(j, msg);
	json_close(j, '}');
}

void har_put_asked(struct json *j, const struct message *msg)
{
	static const struct request unknown = {};
	const struct request *r = msg->request ?: &unknown;

	json_open(j, NULL, '{');
	json_strn(j, "method", r->method, r->method_len);
	put_url(j, &(struct har_target){msg->conn, server_is_local(msg->m), r->method, r->url,
					r->host, r->method_len, r->url_len, r->host_len});
	json_str(j, "httpVersion", "");
	json_open(j, "cookies", '[');
	json_close(j, ']');
	json_open(j, "headers", '[');
	json_close(j, ']');
	json_i64(j, "headersSize", -1);
	json_i64(j, "bodySize", -1);
	json_str(j, "comment", "the request is not here");
	json_close(j, '}');
}

void har_put_response(struct json *j, const struct message *msg)
{
	json_open(j, NULL, '{');
	json_u64(j, "status", msg->m->status);
	har_put_text(j, "statusText", har_span(msg, msg->m->reason));
	put_version(j, msg);
	har_put_cookies(j, msg);
	put_headers(j, "headers", msg, 0, msg->m->nheaders);
	put_content(j, msg);
	har_put_text(j, "redirectURL", header(msg, "Location", ""));
	put_rest(j, msg);
	json_close(j, '}');
}

void har_put_no_response(struct json *j)
{
	static const char text[] =
		"{\"status\":0,\"statusText\":\"\",\"httpVersion\":\"\",\"cookies\":[],"
		"\"headers\":[],\"content\":{\"size\":0,\"mimeType\":\"" NO_TYPE "\"},"
		"\"redirectURL\":\"\",\"headersSize\":-1,\"bodySize\":-1,"
		"\"_error\":\"no response is here\"}";

	json_raw(j, text, sizeof(text) - 1);
}

/* --- who */

static void put_server(struct json *j, const struct cap_conn *c, bool local)
{
	char text[NET_ADDR_SIZE];

	if (c->proto == CAP_UNIX)
		json_str(j, "_path", c->path ?: "");
	if (c->proto == CAP_UNIX || !c->flow.family)
		return;
	json_str(j, "serverIPAddress", net_addr(text, local ? c->flow.local : c->flow.remote));
	/* Browsers have the server's port there. */
	snprintf(text, sizeof(text), "%u", local ? c->flow.local_port : c->flow.remote_port);
	json_str(j, "connection", text);
}

void har_put_who(struct json *j, const struct message *msg)
{
	const struct cap_who *w = &msg->who;
	bool local = server_is_local(msg->m);
	char id[24];

	json_open(j, NULL, '{');
	put_server(j, msg->conn, local);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)msg->conn->id);
	json_str(j, "_connectionId", id);
	json_u64(j, "_pid", w->pid);
	json_u64(j, "_tid", w->tid);
	json_strn(j, "_comm", w->comm, strnlen(w->comm, sizeof(w->comm)));
	if (w->task && w->task->cmdline)
		json_strn(j, "_cmdline", w->task->cmdline, w->task->cmdline_len);
	if (w->task && w->task->container[0])
		json_str(j, "_container", w->task->container);
	json_str(j, "_direction", local ? "recv" : "send");
	json_close(j, '}');
}
