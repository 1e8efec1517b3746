// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --pretty: messages as a person would read them. A line that says who, when and where; the message
 * as it was sent, but for what a terminal would obey; notes on what is missing or odd; an empty
 * line.
 */
#include "httpsniff_pretty.h"
#include "log.h"
#include "row.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEEP (4 << 20) /* bytes of the buffer that are kept for the next message */

static bool colors;
static struct json page; /* the text of a message */

int pretty_init(void)
{
	const char *no = getenv("NO_COLOR");

	if (!strcmp(set.color, "auto"))
		colors = isatty(STDOUT_FILENO) && !(no && *no);
	else
		colors = !strcmp(set.color, "always");
	return 0;
}

/* --- pieces */

#define RESET  "\033[0m"
#define DIM    "\033[2m"
#define BOLD   "\033[1m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define BLUE   "\033[34m"
#define CYAN   "\033[36m"

/* Text of our own. */
static void put(const char *s)
{
	json_raw(&page, s, strlen(s));
}

static void color(const char *c)
{
	if (colors)
		put(c);
}

/* Hostile text. */
static void put_piece(const char *s, size_t n)
{
	pretty_piece(&page, s, n);
}

static void put_text(struct text t)
{
	put_piece(t.s, t.n);
}

static void put_span(const struct message *msg, const struct http1_span *s)
{
	put_piece(msg->text + s->at, s->len);
}

#define PUTF(...)                                                                                  \
	do {                                                                                       \
		char buf_[256];                                                                    \
                                                                                                   \
		snprintf(buf_, sizeof(buf_), __VA_ARGS__);                                         \
		put(buf_);                                                                         \
	} while (0)

/* "16:00:00.123 nginx[812] 10.0.0.1:4242 -> 10.0.0.2:80" */
static void put_where(uint64_t time_ns, const struct cap_conn *c, const struct cap_who *w, int dir)
{
	char when[36], end[ROW_END_SIZE];
	struct text path = row_path(c);

	color(CYAN);
	put(row_hms(when, time_ns));
	put(" ");
	put_text(row_comm(w));
	PUTF("[%u] ", w->pid);
	json_raw(&page, end, row_end_text(end, c, dir, true));
	put(" -> ");
	json_raw(&page, end, row_end_text(end, c, dir, false));
	if (path.s)
		put(" ");
	put_text(path);
	put(dir == CAP_SEND ? " sent" : " received");
	color(RESET);
}

static int print_page(void)
{
	int err;

	put("\n");
	if (page.err)
		return fail(page.err, "no memory for a message");
	err = row_put(page.buf, page.len);
	if (page.cap > KEEP)
		json_free(&page);
	return err;
}

/* --- head */

static const char *status_color(uint16_t status)
{
	return status >= 400 ? RED : status >= 300 ? YELLOW : status >= 200 ? GREEN : BLUE;
}

static void put_start(const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	color(BOLD);
	if (m->request) {
		put_span(msg, &m->method);
		put(" ");
		put_span(msg, &m->target);
		PUTF(" HTTP/1.%u", m->minor);
	} else {
		color(status_color(m->status));
		PUTF("HTTP/1.%u %u", m->minor, m->status);
		if (m->reason.len)
			put(" ");
		put_span(msg, &m->reason);
	}
	color(RESET);
	put("\n");
}

static void put_headers(const struct message *msg, uint32_t first, uint32_t n)
{
	const struct http1_header *h = msg->m->headers + first;

	for (; n--; h++) {
		color(BLUE);
		put_span(msg, &h->name);
		put(":");
		color(RESET);
		if (h->value.len)
			put(" ");
		put_span(msg, &h->value);
		put("\n");
	}
}

/* --- body */

static void put_body(const struct message *msg)
{
	if (!msg->body_len)
		return;
	put("\n");
	if (msg->body_text)
		pretty_lines(&page, msg->body, msg->body_len);
	else
		pretty_dump(&page, msg);
}

/* --- notes */

static void note_begin(void)
{
	color(YELLOW);
	put("[");
}

static void note_end(void)
{
	put("]");
	color(RESET);
	put("\n");
}

#define NOTE(...)                                                                                  \
	do {                                                                                       \
		note_begin();                                                                      \
		PUTF(__VA_ARGS__);                                                                 \
		note_end();                                                                        \
	} while (0)

static void put_missing(const struct message *msg)
{
	const struct http1_msg *m = msg->m;
	const char *cause = msg->lost_cause ?: "lost";

	if (!m->complete)
		NOTE("not complete: %s", http1_why_name(m->why));
	if (msg->lost_bytes)
		NOTE("%llu bytes missing: %s", (unsigned long long)msg->lost_bytes, cause);
	else if (msg->lost_cause)
		NOTE("bytes missing: %s", cause);
	if (row_body_hidden(msg))
		NOTE("body not shown: %llu bytes", (unsigned long long)m->body_bytes);
	else if (msg->truncated && msg->body_text && msg->body_size > msg->body_len)
		NOTE("truncated: %zu of %llu bytes of the body shown", msg->body_len,
		     (unsigned long long)msg->body_size);
	else if (msg->truncated && msg->body_text)
		NOTE("truncated");
}

static void put_notes(const struct message *msg)
{
	uint32_t odd = msg->m->anomalies;

	put_missing(msg);
	if (msg->body_coding) {
		note_begin();
		put("still coded: ");
		put_piece(msg->body_coding, strlen(msg->body_coding));
		note_end();
	}
	if (msg->decoding)
		NOTE("decoding: %s", msg->decoding);
	if (!odd)
		return;
	note_begin();
	put("odd:");
	for (unsigned int bit = 0; bit < HTTP1_NANOMALIES; bit++) {
		if (odd >> bit & 1)
			PUTF(" %s", http1_anomaly_name(bit));
	}
	note_end();
}

/* --raw: the bytes as they were, behind the message. */
static void put_raw(const struct message *msg)
{
	bool is_text;
	struct text raw = row_raw(msg, &is_text);

	if (!raw.s)
		return;
	note_begin();
	PUTF("raw: %zu bytes", raw.n);
	note_end();
	pretty_lines(&page, raw.s, raw.n);
}

/* --- whole messages */

int pretty_message(const struct message *msg)
{
	const struct http1_msg *m = msg->m;
	const struct request *r = msg->request;

	if (!set.pretty)
		return 0;
	json_reset(&page);
	put_where(msg->time_ns, msg->conn, &msg->who, m->dir);
	if (!m->request && r) {
		color(DIM);
		put(", answers ");
		put_text(row_method(msg));
		put(" ");
		put_text(row_url(msg));
		color(RESET);
	}
	put("\n");
	put_start(msg);
	put_headers(msg, 0, m->nheaders);
	put_body(msg);
	if (m->ntrailers)
		put("\n");
	put_headers(msg, m->nheaders, m->ntrailers);
	put_notes(msg);
	if (set.raw)
		put_raw(msg);
	return print_page();
}

int pretty_gap(const struct gap *g)
{
	if (!set.pretty)
		return 0;
	json_reset(&page);
	put_where(g->time_ns, g->conn, &g->who, g->dir);
	put("\n");
	if (g->bytes)
		NOTE("%llu bytes missing here: %s", (unsigned long long)g->bytes,
		     cap_cause_names[g->cause]);
	else
		NOTE("bytes missing here, an unknown number: %s", cap_cause_names[g->cause]);
	return print_page();
}

int pretty_notice(const struct notice *n)
{
	if (!set.pretty)
		return 0;
	json_reset(&page);
	put_where(n->time_ns, n->conn, &n->who, n->dir);
	put("\n");
	note_begin();
	PUTF("%s, not decoded", row_protocol(n->what));
	if (n->name) {
		put(": ");
		put_piece(n->name, n->name_len);
	}
	note_end();
	return print_page();
}
