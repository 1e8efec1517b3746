// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A line for each message, as text (httpsniff_rows_text.c) or JSON (httpsniff_rows_json.c).
 */
#include "httpsniff_rows.h"
#include "body.h"
#include "log.h"
#include "row.h"
#include <stdio.h>
#include <string.h>

#define KEEP (4 << 20) /* bytes of a line's buffer that are kept for the next */

static struct json line;

/* --- what all kinds of rows say in the same words */

/* Few addresses come again and again, and formatting one takes longer than all else of a row. */
static const char *addr_text(const __u64 a[2], size_t *n)
{
	static struct {
		__u64 a[2];
		char text[NET_ADDR_SIZE];
		uint8_t len; /* 0: empty */
	} known[256], *k;
	uint64_t hash = (a[0] ^ a[1]) * 0x9e3779b97f4a7c15;

	k = &known[hash >> 56];
	if (!k->len || k->a[0] != a[0] || k->a[1] != a[1]) {
		memcpy(k->a, a, sizeof(k->a));
		k->len = strlen(net_addr(k->text, a));
	}
	*n = k->len;
	return k->text;
}

bool row_ends_known(const struct cap_conn *c)
{
	return c->proto == CAP_UNIX || c->flow.family;
}

struct end row_end(const struct cap_conn *c, int dir, bool sender)
{
	bool local = (dir == CAP_SEND) == sender;
	const struct flow *f = &c->flow;
	struct end e = {.port = local ? f->local_port : f->remote_port};

	if (c->proto == CAP_UNIX)
		return (struct end){.cookie = local ? c->id : c->peer};
	if (!row_ends_known(c))
		return e;
	e.addr = addr_text(local ? f->local : f->remote, &e.addr_len);
	e.v6 = memchr(e.addr, ':', e.addr_len);
	return e;
}

static char *put_number(char *p, uint64_t v)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = '0' + v % 10;
	while (v /= 10);
	while (n)
		*p++ = digits[--n];
	return p;
}

size_t row_end_text(char buf[ROW_END_SIZE], const struct cap_conn *c, int dir, bool sender)
{
	struct end e = row_end(c, dir, sender);
	char *p = buf;

	if (!row_ends_known(c))
		return stpcpy(p, "unknown") - buf;
	if (!e.addr) {
		p = stpcpy(p, "unix");
		if (e.cookie) {
			*p++ = ':';
			p = put_number(p, e.cookie);
		}
		return p - buf;
	}
	if (e.v6)
		*p++ = '[';
	p = mempcpy(p, e.addr, e.addr_len);
	if (e.v6)
		*p++ = ']';
	*p++ = ':';
	return put_number(p, e.port) - buf;
}

struct text row_comm(const struct cap_who *w)
{
	const char *comm = w->task->comm[0] ? w->task->comm : w->comm;

	return (struct text){comm, strnlen(comm, sizeof(w->comm))};
}

struct text row_method(const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	if (m->request)
		return (struct text){msg->text + m->method.at, m->method.len};
	if (msg->request)
		return (struct text){msg->request->method, msg->request->method_len};
	return (struct text){};
}

struct text row_url(const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	if (m->request)
		return (struct text){msg->text + m->target.at, m->target.len};
	if (msg->request)
		return (struct text){msg->request->url, msg->request->url_len};
	return (struct text){};
}

struct text row_path(const struct cap_conn *c)
{
	const char *path = c->proto == CAP_UNIX ? c->path : NULL;

	return (struct text){path, path ? strlen(path) : 0};
}

struct text row_raw(const struct message *msg, bool *is_text)
{
	struct text raw = {msg->raw_len ? msg->raw : NULL, msg->raw ? msg->raw_len : 0};
	bool cut = raw.n < msg->m->wire_bytes;
	struct body_text t = {};

	body_text_feed(&t, raw.s, raw.n);
	*is_text = body_text_end(&t, cut);
	if (*is_text)
		raw.n -= t.have;
	return raw;
}

bool row_body_hidden(const struct message *msg)
{
	return !set.max_body && (msg->m->body_bytes || msg->body_size);
}

const char *row_protocol(enum http1_other what)
{
	switch (what) {
	case HTTP1_TO_UPGRADE: return "upgrade";
	case HTTP1_TO_TUNNEL: return "tunnel";
	case HTTP1_TO_HTTP2: return "http2";
	case HTTP1_TO_TLS: return "tls";
	case HTTP1_TO_UNKNOWN: break;
	}
	return "unknown";
}

/* --- lines and objects */

static bool text_wanted(void)
{
	return !std.json && !set.pretty && !(set.pcapng && !strcmp(set.pcapng, "-"));
}

/* What a huge line took is given back. */
static void shrink(struct json *j)
{
	if (j->cap > KEEP)
		json_free(j);
}

static int put_line(struct json *j)
{
	int err;

	if (j->err)
		return fail(j->err, "no memory for a line of text");
	err = row_put(j->buf, j->len);
	shrink(j);
	return err;
}

static int put_object(struct json *j)
{
	int err = row_object(j);

	shrink(j);
	return err;
}

/* Each kind of row, in the forms that are wanted. */
#define ROW(KIND, ARG)                                                                             \
	int err = 0;                                                                               \
                                                                                                   \
	if (text_wanted()) {                                                                       \
		json_reset(&line);                                                                 \
		text_##KIND(&line, ARG);                                                           \
		err = put_line(&line);                                                             \
	}                                                                                          \
	if (row_json()) {                                                                          \
		json_reset(&line);                                                                 \
		json_##KIND(&line, ARG);                                                           \
		err = put_object(&line) ?: err;                                                    \
	}                                                                                          \
	return err

int rows_message(const struct message *msg)
{
	ROW(message, msg);
}

int rows_gap(const struct gap *g)
{
	ROW(gap, g);
}

int rows_notice(const struct notice *n)
{
	ROW(notice, n);
}
