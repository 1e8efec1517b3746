/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CAPTURE_T_H
#define CAPTURE_T_H
/*
 * Records go in, and what capture tells of them comes out as one line of text:
 *   +7 ~7      connection 7 is new; joined
 *   Q1@20 q1   head and end of request 1, whose head process 20 moved; "q1:gap": not complete
 *   R1>2@30 r1 the same of response 1, which answers request 2 ("-": none)
 *   G0@5+9lost 9 bytes at position 5 of direction 0 are not at hand, and why
 *   -7 -7! -7? connection 7 is gone; reset; without having been closed
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include "../common/capture.h"
#include "json.h"
#include "unit/t.h"

#define MS 1000000ull
static char told[1 << 16];
static size_t ntold;
static uint64_t now = 1000 * MS; /* of the records that are made */
static uint32_t by = 20; /* the process that moves bytes */
static uint64_t raw_bytes[2], raw_broken;
static bool quiet;

__attribute__((format(printf, 1, 2))) static void tell(const char *fmt, ...)
{
	va_list ap;

	if (quiet)
		return;
	va_start(ap, fmt);
	ntold += vsnprintf(told + ntold, sizeof(told) - ntold, fmt, ap);
	va_end(ap);
	if (ntold >= sizeof(told))
		abort();
}

static void on_conn(struct cap_conn *c)
{
	tell("%s%d ", c->joined ? "~" : "+", (int)c->id);
}

static void on_raw(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, const void *data,
		   uint64_t len)
{
	raw_broken += pos != http1_bytes(c->h, dir)->fed || !len;
	raw_bytes[dir] += data ? len : 0;
}

static void on_gap(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, uint64_t len,
		   enum cap_cause cause)
{
	tell("G%d@%d+%d%s ", dir, (int)pos, (int)len, cap_cause_names[cause]);
}

static void on_gone(struct cap_conn *c)
{
	tell("-%d%s ", (int)c->id, c->reset ? "!" : c->closed ? "" : "?");
}

static void on_head(void *ctx, struct http1_msg *m)
{
	struct cap_conn *c = ctx;

	if (m->request)
		tell("Q%d", (int)m->number);
	else if (m->answers)
		tell("R%d>%d", (int)m->number, (int)m->answers);
	else
		tell("R%d>-", (int)m->number);
	tell("@%d ", (int)c->who[m->dir]->pid);
}

static void on_message_end(void *ctx, struct http1_msg *m)
{
	tell("%s%d", m->request ? "q" : "r", (int)m->number);
	tell(m->complete ? " " : ":%s ", http1_why_name(m->why));
}

static const struct capture_ops told_ops = {.conn = on_conn,
					    .raw = on_raw,
					    .gap = on_gap,
					    .gone = on_gone,
					    .http1 = {.head = on_head, .end = on_message_end}};

static void start(uint32_t max_conns)
{
	struct capture_options o = {.max_conns = max_conns};
	struct cap_start_rec r = {.now_ns = now, .backend = CAP_BE_FENTRY};

	ntold = 0;
	*told = 0;
	raw_broken = 0;
	quiet = false;
	by = 20;
	memset(raw_bytes, 0, sizeof(raw_bytes));
	T_EQ(capture_init(&told_ops, &o), 0);
	T_EQ(capture_record(CAP_REC_START, &r, sizeof(r), NULL), 0);
}

/* What was told since it was asked last. */
static inline const char *said(void)
{
	static char s[sizeof(told)];

	memcpy(s, told, ntold + 1);
	if (ntold)
		s[ntold - 1] = 0;
	ntold = 0;
	*told = 0;
	return s;
}

static struct cap_conn_rec conn_rec(uint64_t id, int role, bool joined)
{
	struct cap_conn_rec r = {.type = CAP_REC_CONN, .role = role, .id = id, .now_ns = now};

	r.flags = joined ? CAP_F_JOINED : 0;
	r.flow.family = 4;
	r.flow.local_port = 40000 + id;
	r.flow.remote_port = 80;
	r.flow.netns = 1;
	return r;
}

static inline void conn(uint64_t id, int role, bool joined)
{
	struct cap_conn_rec r = conn_rec(id, role, joined);

	T_EQ(capture_record(CAP_REC_CONN, &r, sizeof(r), NULL), 0);
}

/* The numbers of both directions begin at 0 unless a test says otherwise. */
static inline void data_part(uint64_t id, int dir, uint32_t seq, const char *s, uint32_t len,
			     enum cap_cause cause)
{
	struct {
		struct cap_data_rec r;
		char bytes[4096];
	} b = {.r = {.type = CAP_REC_DATA, .seq = seq, .id = id, .now_ns = now, .len = len}};

	b.r.captured = strlen(s);
	b.r.pid = b.r.tid = by;
	b.r.dir = dir;
	b.r.cause = cause;
	memcpy(b.bytes, s, b.r.captured);
	T_EQ(capture_record(CAP_REC_DATA, &b, sizeof(b.r) + b.r.captured, NULL), 0);
	now += 1000;
}

static inline void data(uint64_t id, int dir, uint32_t seq, const char *s)
{
	data_part(id, dir, seq, s, strlen(s), CAP_WHOLE);
}

static inline void end(uint64_t id, int dir, uint32_t seq)
{
	struct cap_end_rec r = {
		.type = CAP_REC_END, .dir = dir, .id = id, .now_ns = now, .seq = seq};

	T_EQ(capture_record(CAP_REC_END, &r, sizeof(r), NULL), 0);
}

static inline void close_conn(uint64_t id, uint32_t sent, uint32_t read, bool reset)
{
	struct cap_close_rec r = {.type = CAP_REC_CLOSE, .reset = reset, .id = id, .now_ns = now};

	r.seq[0] = r.bytes[0] = sent;
	r.seq[1] = r.bytes[1] = read;
	T_EQ(capture_record(CAP_REC_CLOSE, &r, sizeof(r), NULL), 0);
}

static inline void task(uint32_t pid, uint64_t start_ns, const char *args, size_t n,
			const char *cgroup)
{
	struct cap_task_rec r = {.type = CAP_REC_TASK, .pid = pid, .start_ns = start_ns};

	r.args_len = n;
	memcpy(r.args, args, n);
	memcpy(r.comm, "task", 5);
	memcpy(r.cgroup, cgroup, strlen(cgroup));
	T_EQ(capture_record(CAP_REC_TASK, &r, sizeof(r), NULL), 0);
}

/* The kernel half's counts, as they are when it told of everything. */
static inline struct cap_counts_rec counts_rec(uint64_t captured, uint64_t unread)
{
	struct cap_counts_rec r = {.now_ns = now, .last = 1};

	r.n[CAP_N_SENT] = captured + unread;
	r.n[CAP_N_CAPTURED] = captured;
	r.n[CAP_N_UNREAD + CAP_LIMIT] = unread;
	return r;
}

/* All is over: what remained comes out, and bytes went in and out alike. */
static void finish(void)
{
	const struct streams *all = &capture_stats.streams;
	const struct http1_bytes *h = &capture_stats.http;

	capture_finish();
	T_EQ(raw_broken, 0);
	T_EQ(capture_stats.conns_open, 0);
	T_EQ(all->held, 0);
	T_EQ(all->total, 0);
	T_OK(!all->waiting);
	T_EQ(all->in + capture_stats.no_memory_bytes, capture_stats.data_bytes);
	T_EQ(all->in, all->delivered + all->skipped + all->duplicate + all->after_end);
	T_EQ(all->delivered + all->skipped + all->lost, h->fed);
	T_EQ(h->fed, h->messages + h->skipped + h->opaque + h->lost);
	T_EQ(all->delivered, raw_bytes[0] + raw_bytes[1]);
}

#define GET   "GET / HTTP/1.1\r\nHost: a\r\n\r\n" /* 27 bytes */
#define NGET  27
#define OK200 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" /* 40 bytes */
#define NOK   40
#endif
