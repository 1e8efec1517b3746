// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Records are checked here, once: a recording may be damaged, and what an enum's value or a length
 * picks must be within its bounds. Numbers that make no sense give odd messages, no more.
 */
#include "capture_int.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXPIRE_NS  50000000 /* how often a replay looks at holes: as a live run does */
#define DATA_FLAGS (CAP_DATA_F_OTHER | CAP_DATA_F_WAITED)

struct capture_stats capture_stats;
struct capture capture;

int capture_init(const struct capture_ops *ops, const struct capture_options *o)
{
	struct http1_options h = {.max_header = o->max_header, .max_requests = o->max_requests};

	capture = (struct capture){.ops = *ops, .o = *o};
	memset(&capture_stats, 0, sizeof(capture_stats));
	if (!capture.o.max_conns)
		capture.o.max_conns = 65536;
	tasks_init();
	streams_init(&capture_stats.streams, &conn_stream_ops, NULL);
	/*
	 * Who joins a connection in its midst takes the first record for the first: two threads
	 * that send at the same moment are no HTTP.
	 */
	capture_stats.streams.join_ns = 0;
	capture.parser = http1_new(&ops->http1, &h);
	if (!capture.parser)
		return fail(-ENOMEM, "no memory to read HTTP with");
	return 0;
}

/* Hands out, of all connections, what need not wait any longer. */
static void settle(void)
{
	struct conn *c, *next;

	for (c = capture.waiting; c; c = next) {
		next = c->waiting_next;
		conn_settle(c);
	}
}

void capture_flush(void)
{
	streams_expire(&capture_stats.streams, UINT64_MAX);
	settle();
}

void capture_tick(uint64_t now_ns)
{
	if (now_ns > capture.now_ns)
		capture.now_ns = now_ns;
	capture.expired_ns = capture.now_ns;
	streams_expire(&capture_stats.streams, capture.now_ns);
	settle();
}

uint64_t capture_now(void)
{
	return capture.now_ns;
}

static void at_time(uint64_t ns)
{
	if (ns > capture.now_ns)
		capture.now_ns = ns;
	if (capture.now_ns - capture.expired_ns >= EXPIRE_NS)
		capture_tick(capture.now_ns);
}

/* Is there a NUL in it? */
#define TERMINATED(a) (memchr(a, 0, sizeof(a)) != NULL)

static int damaged(const char *what, uint64_t id)
{
	return fail(-EBADMSG, "the record of %s %llu makes no sense", what, (unsigned long long)id);
}

static int on_start(const struct cap_start_rec *r)
{
	if (capture.started)
		return fail(-EBADMSG, "a second run begins within the recording");
	if (r->backend >= CAP_BACKENDS || !TERMINATED(r->kernel))
		return fail(-EBADMSG, "the first record makes no sense");
	capture_stats.start = *r;
	capture.started = true;
	at_time(r->now_ns);
	return 0;
}

static int on_conn(const struct cap_conn_rec *r)
{
	bool inet = r->proto != CAP_UNIX;

	if (!r->id || r->type != CAP_REC_CONN || r->proto >= CAP_PROTOS || r->role >= CAP_ROLES ||
	    !TERMINATED(r->path) || (inet && r->flow.family != 4 && r->flow.family != 6))
		return damaged("connection", r->id);
	at_time(r->now_ns);
	conn_get(r->id, r);
	return 0;
}

static int on_task(const struct cap_task_rec *r)
{
	if (r->type != CAP_REC_TASK || r->args_len > CAP_ARGS || !TERMINATED(r->comm) ||
	    !TERMINATED(r->cgroup))
		return damaged("process", r->pid);
	task_record(r);
	return 0;
}

static int on_data(const struct cap_data_rec *r, size_t len)
{
	struct stream_piece p = {.seq = r->seq, .len = r->len, .captured = r->captured};
	struct side *side;
	struct conn *c;

	if (!r->id || r->type != CAP_REC_DATA || r->captured > len - sizeof(*r) ||
	    r->captured > r->len || r->dir > CAP_RECV || r->cause >= CAP_CAUSES ||
	    (r->captured < r->len && r->cause == CAP_WHOLE) || r->flags & ~DATA_FLAGS ||
	    !TERMINATED(r->comm))
		return damaged("data of connection", r->id);
	capture_stats.data_bytes += r->len;
	at_time(r->now_ns);
	who_room();
	c = conn_get(r->id, NULL);
	if (!c) {
		capture_stats.no_memory_bytes += r->len;
		return 0;
	}
	side = &c->side[r->dir];
	side->tag = p.tag = who_tag(r, side->tag);
	p.aux = r->flags & CAP_DATA_F_WAITED ? r->waited_us : UINT32_MAX;
	p.ts_ns = r->now_ns;
	p.data = r + 1;
	conn_other(c, r);
	conn_first(c, r->dir, r->seq);
	conn_before(c, r);
	stream_push(&capture_stats.streams, &side->s, &p, capture.now_ns);
	conn_settle(c);
	return 0;
}

static int on_end(const struct cap_end_rec *r)
{
	struct conn *c;

	if (!r->id || r->type != CAP_REC_END || r->dir > CAP_RECV)
		return damaged("the end of connection", r->id);
	at_time(r->now_ns);
	c = conn_touch(r->id);
	if (!c)
		return 0;
	conn_base(c, r->dir);
	stream_fin(&capture_stats.streams, &c->side[r->dir].s, r->seq, r->now_ns, capture.now_ns);
	conn_settle(c);
	return 0;
}

static int on_close(const struct cap_close_rec *r)
{
	struct streams *all = &capture_stats.streams;
	struct conn *c;

	if (!r->id || r->type != CAP_REC_CLOSE || r->reset > 1)
		return damaged("the close of connection", r->id);
	at_time(r->now_ns);
	c = conn_touch(r->id);
	if (!c)
		return 0;
	c->pub.closed = true;
	c->pub.reset = r->reset;
	memcpy(c->pub.bytes, r->bytes, sizeof(c->pub.bytes));
	for (int i = 0; i < 2; i++) {
		conn_base(c, i);
		if (r->reset)
			stream_reset(all, &c->side[i].s, r->now_ns);
		else
			stream_fin(all, &c->side[i].s, r->seq[i], r->now_ns, capture.now_ns);
	}
	conn_wait(c);
	conn_settle(c);
	return 0;
}

static int on_counts(const struct cap_counts_rec *r)
{
	if (capture_stats.counts.last)
		return fail(-EBADMSG, "a poll comes after the last");
	if (r->now_ns < capture_stats.counts.now_ns)
		return fail(-EBADMSG, "a poll is older than the one before it");
	capture_stats.counts = *r;
	at_time(r->now_ns);
	return 0;
}

static int record(uint32_t type, const void *data, size_t len)
{
	static const size_t sizes[] = {
		[CAP_REC_START] = sizeof(struct cap_start_rec),
		[CAP_REC_CONN] = sizeof(struct cap_conn_rec),
		[CAP_REC_TASK] = sizeof(struct cap_task_rec),
		[CAP_REC_DATA] = sizeof(struct cap_data_rec),
		[CAP_REC_END] = sizeof(struct cap_end_rec),
		[CAP_REC_CLOSE] = sizeof(struct cap_close_rec),
		[CAP_REC_COUNTS] = sizeof(struct cap_counts_rec),
	};

	if (!type || type >= sizeof(sizes) / sizeof(*sizes) || len < sizes[type] ||
	    (len > sizes[type] && type != CAP_REC_DATA))
		return fail(-EBADMSG, "a record of type %u has %zu bytes", type, len);
	if (!capture.started && type != CAP_REC_START)
		return fail(-EBADMSG, "a record of type %u comes before the first", type);
	switch (type) {
	case CAP_REC_START: return on_start(data);
	case CAP_REC_CONN: return on_conn(data);
	case CAP_REC_TASK: return on_task(data);
	case CAP_REC_DATA: return on_data(data, len);
	case CAP_REC_END: return on_end(data);
	case CAP_REC_CLOSE: return on_close(data);
	case CAP_REC_COUNTS: return on_counts(data);
	}
	return 0;
}

int capture_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	int err;

	capture_stats.streams.order = ++capture_stats.records;
	err = record(type, data, len);
	if (err)
		capture_stats.bad_records++;
	return err;
}

void capture_finish(void)
{
	while (capture.oldest)
		conn_drop(capture.oldest);
	tasks_free();
	http1_delete(capture.parser);
	capture.parser = NULL;
	free(capture.hash);
	capture.hash = NULL;
	capture.nbuckets = 0;
}
