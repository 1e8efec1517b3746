// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * From common/capture to struct message.
 */
#include "httpsniff_msg.h"
#include "capload.h"
#include "httphead.h"
#include "log.h"
#include "run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SPARES	  64
#define TEXT_KEEP 4096 /* bytes of buffers that a spare draft keeps */
#define BODY_KEEP (16 << 10)

struct msg_stats msg_stats;

/* What is kept for each connection. */
struct link {
	struct raw raw[2];
	struct draft *draft[2]; /* the message under way, behind its head */
	uint64_t hole_at[2];
	int hole[2]; /* enum cap_cause: of the bytes at hand; -1: they are, or were not wanted */
	uint64_t done; /* number of the last request that no response is due to any more */
	char *name; /* owned: the protocol of an upgrade, or a tunnel's other end */
	size_t name_len;
	bool opaque;
};

static struct {
	struct draft *spares;
	unsigned int nspares;
	bool raw; /* raw bytes are wanted ... */
	uint64_t raw_max; /* ... so many of each message */
	int err; /* the first that an output function gave */
} msgs;

static void told(int err)
{
	if (err && err != -EPIPE && !msgs.err)
		msgs.err = err;
}

/* --- drafts */

static struct draft *draft_new(void)
{
	struct draft *d = msgs.spares;

	if (!d)
		return calloc(1, sizeof(*d));
	msgs.spares = d->next;
	msgs.nspares--;
	return d;
}

static void draft_release(struct draft *d)
{
	bool spare = msgs.nspares < SPARES;

	cap_who_put(d->who);
	hold_trim(&d->text, &d->text_cap, spare ? TEXT_KEEP : 0);
	hold_trim(&d->body, &d->body_cap, spare ? BODY_KEEP : 0);
	if (!spare) {
		free(d);
		return;
	}
	d->asked = NULL;
	d->body_len = 0;
	d->begun = d->coded = d->ended = d->cut = false;
	d->decoding = d->cause = NULL;
	d->coding[0] = '\0';
	d->body_end = d->unread = 0;
	d->next = msgs.spares;
	msgs.spares = d;
	msgs.nspares++;
}

static void drafts_free(void)
{
	while (msgs.spares) {
		struct draft *d = draft_new();

		hold_trim(&d->text, &d->text_cap, 0);
		hold_trim(&d->body, &d->body_cap, 0);
		free(d);
	}
}

static struct draft *draft_of(const struct http1_msg *m)
{
	struct asked *a = m->user;

	return m->request ? (a ? a->draft : NULL) : m->user;
}

/* --- connections */

static void on_conn(struct cap_conn *c)
{
	struct link *l = calloc(1, sizeof(*l));

	c->user = l;
	if (l)
		l->hole[0] = l->hole[1] = -1;
}

static void on_raw(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, const void *data,
		   uint64_t len)
{
	struct link *l = c->user;

	if (!l)
		return;
	if (data || pos != l->hole_at[dir])
		l->hole[dir] = -1;
	if (!msgs.raw || l->opaque)
		return;
	/* No head goes on behind a hole: it was told of when the hole was. */
	if (l->raw[dir].closed && !l->draft[dir])
		raw_drop(&l->raw[dir], pos);
	raw_add(&l->raw[dir], pos, data, len, msgs.raw_max);
}

static void on_gap(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, uint64_t len,
		   enum cap_cause cause)
{
	struct link *l = c->user;
	struct gap g = {.conn = c,
			.who = *c->who[dir],
			.time_ns = run_wall(ns),
			.dir = dir,
			.position = pos,
			.bytes = len,
			.cause = cause};

	msg_stats.lost += len;
	if (l) {
		l->hole_at[dir] = pos;
		l->hole[dir] = cause;
		/* http1 tells of bytes alone: an unknown number is none to it. */
		if (!len && l->draft[dir])
			l->draft[dir]->cut = true;
	}
	if (!select_gap(&g))
		return;
	msg_stats.gaps++;
	told(rows_gap(&g));
	told(pretty_gap(&g));
	told(pcapng_gap(&g));
}

static void on_gone(struct cap_conn *c)
{
	struct link *l = c->user;

	told(pcapng_gone(c, c->reset, run_wall(c->seen_ns)));
	if (!l)
		return;
	raw_free(&l->raw[0]);
	raw_free(&l->raw[1]);
	free(l->name);
	free(l);
	c->user = NULL;
}

static void on_skipped(void *ctx, int dir, uint64_t pos, uint64_t n)
{
	struct link *l = ((struct cap_conn *)ctx)->user;

	if (l && msgs.raw)
		raw_drop(&l->raw[dir], pos + n);
}

static void on_other(void *ctx, int dir, enum http1_other what, const char *name, size_t n)
{
	struct cap_conn *c = ctx;
	struct link *l = c->user;
	struct notice notice = {.conn = c,
				.who = *c->who[dir],
				.time_ns = run_wall(c->seen_ns),
				.dir = dir,
				.what = what,
				.name = n ? name : NULL,
				.name_len = n};

	if (l) {
		l->opaque = true;
		raw_free(&l->raw[0]);
		raw_free(&l->raw[1]);
	}
	if (what == HTTP1_TO_UNKNOWN)
		return;
	if (l && (what == HTTP1_TO_UPGRADE || what == HTTP1_TO_TUNNEL)) {
		notice.name = l->name;
		notice.name_len = l->name_len;
	}
	msg_stats.notices++;
	told(rows_notice(&notice));
	told(pretty_notice(&notice));
}

static void set_name(struct link *l, const char *s, size_t n)
{
	char *copy = n ? malloc(n) : NULL;

	if (!copy)
		return;
	memcpy(copy, s, n);
	free(l->name);
	l->name = copy;
	l->name_len = n;
}

/* What a notice will tell of, once the message is over. */
static void note_name(struct link *l, const struct http1_msg *m, const struct asked *a)
{
	const struct http1_span *upgrade;

	if (m->request || !m->head_whole)
		return;
	if (m->status == 101) {
		upgrade = head_field(m, "Upgrade", 7);
		if (upgrade)
			set_name(l, m->text + upgrade->at, upgrade->len);
	} else if (m->status >= 200 && m->status < 300 && a && a->r.method_len == 7 &&
		   !memcmp(a->r.method, "CONNECT", 7)) {
		set_name(l, a->r.url, a->r.url_len);
	}
}

/* --- messages */

/*
 * The request that a response answers: the first reference is passed on to its final response, or
 * is given back by unanswered().
 */
static struct asked *answered(struct link *l, const struct http1_msg *m)
{
	if (m->interim || !m->head_whole)
		return asked_get(m->request_user);
	if (m->answers > l->done)
		l->done = m->answers;
	return m->request_user;
}

static void on_head(void *ctx, struct http1_msg *m)
{
	struct cap_conn *c = ctx;
	struct link *l = c->user;
	struct draft *d = l ? draft_new() : NULL;

	if (c->maybe) {
		c->maybe = false;
		capload_is_http(c->id);
	}
	if (!d)
		return;
	d->who = cap_who_get(c->who[m->dir]);
	if (!m->request) {
		d->asked = answered(l, m);
		m->user = d;
	} else if (text_head(d, m)) {
		d->asked = asked_new(m, set.no_redact ? m->text : d->text, d->head_len,
				     m->number > l->done);
		if (d->asked)
			d->asked->draft = d;
		m->user = d->asked;
	}
	if (m->user)
		l->draft[m->dir] = d;
	else
		draft_release(d);
}

static void on_body(void *ctx, struct http1_msg *m, const void *data, uint64_t n)
{
	struct cap_conn *c = ctx;
	struct draft *d = draft_of(m);
	struct link *l = c->user;
	int hole;

	if (!d)
		return;
	body_add(d, m, data, n);
	if (data) {
		d->body_end = http1_bytes(c->h, m->dir)->fed;
		return;
	}
	hole = l->hole[m->dir];
	if (hole > CAP_LIMIT)
		d->unread += n;
	if (hole >= 0 && hole != CAP_LIMIT && !d->cause)
		d->cause = cap_cause_names[hole];
}

static void fill_raw(struct message *msg, struct link *l, struct draft *d)
{
	const struct http1_msg *m = msg->m;
	char *raw = raw_take(&l->raw[m->dir], m->begin, m->end, msgs.raw_max, &msg->raw_len);

	if (raw && !set.no_redact)
		text_mask_raw(d, m, raw, msg->raw_len);
	msg->raw = raw ? raw : "";
	msg->truncated |= msg->raw_len < m->wire_bytes;
}

static void fill_lost(struct message *msg, const struct link *l, const struct draft *d)
{
	const struct http1_msg *m = msg->m;
	int hole = l->hole[m->dir];

	msg->lost_bytes = m->lost + d->unread;
	msg->bytes = m->wire_bytes - d->unread;
	msg->complete = m->complete && !msg->lost_bytes;
	msg->lost_cause = d->cause;
	if (msg->lost_cause)
		return;
	if (m->why == HTTP1_GAP && hole > CAP_LIMIT)
		msg->lost_cause = cap_cause_names[hole];
	else if (m->why == HTTP1_GAP && hole != CAP_LIMIT)
		msg->lost_cause = cap_cause_names[CAP_WHOLE];
}

static void show(struct message *msg, struct link *l, struct draft *d)
{
	const struct http1_msg *m = msg->m;
	bool ok = m->request || text_head(d, m);

	if (!ok || !text_trailers(d, m)) {
		msg_stats.no_memory++;
		return;
	}
	msg->text = set.no_redact ? m->text : d->text;
	msg->truncated = m->truncated || m->head_bytes > d->head_len;
	body_show(d, msg);
	if (msgs.raw)
		fill_raw(msg, l, d);
	msg_stats.shown++;
	msg_stats.incomplete += !msg->complete;
	told(rows_message(msg));
	told(pretty_message(msg));
	told(har_message(msg));
	told(pcapng_message(msg));
	if (std.max_events && msg_stats.shown == std.max_events && !std.replay)
		run_stop();
}

static void on_end(void *ctx, struct http1_msg *m)
{
	struct cap_conn *c = ctx;
	struct link *l = c->user;
	struct draft *d = draft_of(m);
	struct message msg = {.conn = c, .m = m, .sequence = ++msg_stats.messages};

	msg_stats.bytes += m->wire_bytes - (d ? d->unread : 0);
	msg_stats.unread += d ? d->unread : 0;
	if (!d) {
		msg_stats.no_memory++;
		return;
	}
	body_over(d);
	note_name(l, m, d->asked);
	msg.who = *d->who;
	msg.time_ns = run_wall(m->first_ns);
	msg.end_ns = run_wall(m->last_ns);
	msg.request = d->asked ? &d->asked->r : NULL;
	fill_lost(&msg, l, d);
	if (select_message(&msg))
		show(&msg, l, d);
	if (msgs.raw)
		raw_done(&l->raw[m->dir], m->end);
	if (m->request)
		d->asked->draft = NULL;
	l->draft[m->dir] = NULL;
	told(asked_put(d->asked));
	draft_release(d);
}

static void on_unanswered(void *ctx, uint64_t number, void *user, enum http1_why why)
{
	struct link *l = ((struct cap_conn *)ctx)->user;

	msg_stats.unanswered++;
	if (l && number > l->done)
		l->done = number;
	told(asked_put(user));
}

/* --- */

static void mask_args(char *args, size_t len)
{
	if (!set.no_redact)
		redact_args(&redact, args, len);
}

int messages_init(void)
{
	const struct capture_ops ops = {
		.args = mask_args,
		.conn = on_conn,
		.raw = on_raw,
		.gap = on_gap,
		.gone = on_gone,
		.http1 = {.head = on_head,
			  .body = on_body,
			  .end = on_end,
			  .unanswered = on_unanswered,
			  .skipped = on_skipped,
			  .other = on_other},
	};
	const struct capture_options o = {.max_header = set.max_header, .max_conns = set.max_conns};

	msgs.raw = set.raw || set.pcapng;
	msgs.raw_max = set.max_body + set.max_header;
	if (msgs.raw_max < set.max_body)
		msgs.raw_max = UINT64_MAX;
	return capture_init(&ops, &o);
}

int messages_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	return capture_record(type, data, len, NULL) ?: msgs.err;
}

int messages_finish(void)
{
	capture_finish();
	drafts_free();
	asked_free_spares();
	hold_free_spares();
	select_finish();
	return msgs.err;
}
