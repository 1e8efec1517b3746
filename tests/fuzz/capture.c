// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Any records: what is damaged is refused, and whatever comes, each byte is accounted for, each
 * connection ends once, and what http1 is fed stands where it says.
 *
 * The first byte sets options; then, again and again: what (3 bits; 7: raw bytes as a record),
 * which connection and direction, a number near the last one of that direction, a time, and bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../common/capture.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)
#define IDS 8

struct seen {
	uint64_t next[2];
	const struct http1_msg *open[2];
	const struct cap_task *task[2];
	uint32_t pid[2];
};
static uint64_t open_conns, raw_bytes, now;
static volatile uint8_t touched;
static uint32_t seq[IDS][2];

static void on_conn(struct cap_conn *c)
{
	MUST(!c->user && c->h && c->who[0]->task && c->who[1]->task);
	MUST(c->proto < CAP_PROTOS && c->role < CAP_ROLES);
	c->user = calloc(1, sizeof(struct seen));
	open_conns++;
}

static void check_who(struct cap_conn *c, int dir)
{
	struct seen *s = c->user;
	const struct cap_task *t = c->who[dir]->task;

	MUST(!t->pid || t->pid == c->who[dir]->pid);
	MUST(!t->cmdline == !t->cmdline_len);
	/* What was told before is still there. */
	if (s->task[dir])
		MUST(s->task[dir]->pid == s->pid[dir]);
	s->task[dir] = t;
	s->pid[dir] = t->pid;
}

/* The parser may hold back the beginning of a body: it does not count that yet. */
static void check_fed(struct cap_conn *c, int dir, uint64_t pos)
{
	uint64_t fed = http1_bytes(c->h, dir)->fed;

	MUST(fed <= pos && pos - fed <= 12);
}

static void on_raw(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, const void *data,
		   uint64_t len)
{
	struct seen *s = c->user;
	uint8_t sum = 0;

	MUST(len && pos == s->next[dir]);
	check_fed(c, dir, pos);
	MUST(capture_find(c->id) == c);
	check_who(c, dir);
	s->next[dir] += len;
	for (uint64_t i = 0; data && i < len; i++)
		sum += ((const uint8_t *)data)[i];
	touched = sum;
	raw_bytes += data ? len : 0;
}

static void on_gap(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, uint64_t len,
		   enum cap_cause cause)
{
	MUST(cause < CAP_CAUSES && cause != CAP_LIMIT);
	check_fed(c, dir, pos);
}

static void on_gone(struct cap_conn *c)
{
	struct seen *s = c->user;

	MUST(!s->open[0] && !s->open[1]);
	MUST(!http1_waiting(c->h));
	free(s);
	open_conns--;
}

static void on_head(void *ctx, struct http1_msg *m)
{
	struct cap_conn *c = ctx;
	struct seen *s = c->user;

	MUST(!s->open[m->dir]);
	s->open[m->dir] = m;
}

static void on_message_end(void *ctx, struct http1_msg *m)
{
	struct cap_conn *c = ctx;
	struct seen *s = c->user;

	MUST(s->open[m->dir] == m);
	s->open[m->dir] = NULL;
}

static const struct capture_ops ops = {.conn = on_conn,
				       .raw = on_raw,
				       .gap = on_gap,
				       .gone = on_gone,
				       .http1 = {.head = on_head, .end = on_message_end}};

union any {
	struct cap_start_rec start;
	struct cap_conn_rec conn;
	struct cap_task_rec task;
	struct cap_data_rec data;
	struct cap_end_rec end;
	struct cap_close_rec close;
	struct cap_counts_rec counts;
};

/* In memory of its own size, so that a read beyond it is seen. */
static int feed(uint32_t type, const void *rec, size_t len, const void *more, size_t nmore)
{
	char *copy = malloc(len + nmore ?: 1);
	int err;

	memcpy(copy, rec, len);
	if (nmore)
		memcpy(copy + len, more, nmore);
	err = capture_record(type, copy, len + nmore, NULL);
	free(copy);
	MUST(capture_stats.conns_open == open_conns);
	return err;
}

static int near_data(const uint8_t *b, int id, int dir, const uint8_t *p, size_t n)
{
	union any r = {.data = {.type = CAP_REC_DATA,
				.id = id + 1,
				.now_ns = now,
				.pid = b[1] >> 6,
				.tid = b[1] >> 5,
				.dir = dir,
				.seq = seq[id][dir] + (int8_t)b[2] / 16,
				.len = n + (b[3] & 1 ? b[2] : 0),
				.captured = n}};
	int err;

	if (b[3] & 2) {
		r.data.flags = CAP_DATA_F_OTHER;
		r.data.other_seq = seq[id][!dir] + (int8_t)(b[2] << 4) / 16;
	}
	r.data.cause = r.data.len > n ? 1 + b[2] % (CAP_CAUSES - 1) : 0;
	err = feed(CAP_REC_DATA, &r, sizeof(r.data), p, n);
	MUST(!err);
	seq[id][dir] = r.data.seq + r.data.len;
	return err;
}

static void near_conn(const uint8_t *b, int id)
{
	union any r = {.conn = {.type = CAP_REC_CONN,
				.id = id + 1,
				.now_ns = now,
				.proto = b[1] % CAP_PROTOS,
				.role = b[2] % CAP_ROLES,
				.flags = b[3] & 1,
				.flow = {.family = 4, .local_port = b[3] & 2},
				.seq = {seq[id][0], seq[id][1]}}};

	MUST(!feed(CAP_REC_CONN, &r, sizeof(r.conn), NULL, 0));
}

static void near_task(const uint8_t *b, const uint8_t *p, size_t n)
{
	union any r = {.task = {.type = CAP_REC_TASK, .pid = b[1] >> 6, .start_ns = b[2]}};

	r.task.args_len = n;
	memcpy(r.task.args, p, n);
	memset(r.task.cgroup, 'a', b[3] & 127);
	MUST(!feed(CAP_REC_TASK, &r, sizeof(r.task), NULL, 0));
}

static void near_end(const uint8_t *b, int id, int dir)
{
	union any r = {.end = {.type = CAP_REC_END, .dir = dir, .id = id + 1, .now_ns = now}};

	r.end.seq = seq[id][dir] + (int8_t)b[2] / 8;
	MUST(!feed(CAP_REC_END, &r, sizeof(r.end), NULL, 0));
}

static void near_close(const uint8_t *b, int id)
{
	union any r = {.close = {.type = CAP_REC_CLOSE,
				 .reset = b[3] & 1,
				 .id = id + 1,
				 .now_ns = now,
				 .seq = {seq[id][0] + (int8_t)b[2] / 8, seq[id][1]}}};

	MUST(!feed(CAP_REC_CLOSE, &r, sizeof(r.close), NULL, 0));
}

static size_t one(const uint8_t *b, size_t left)
{
	int what = b[0] & 7, id = b[0] >> 3 & (IDS - 1), dir = b[0] >> 6 & 1;
	size_t n = what == 0 || what == 1 || what == 3 || what == 7 ? b[1] & 63 : 0;
	const uint8_t *p = b + 4;

	n = b[0] & 128 ? n * 8 : n;
	n = n < left - 4 ? n : left - 4;
	now += b[3] * 1000000ull >> 1;
	switch (what) {
	case 2: near_conn(b, id); break;
	case 3: near_task(b, p, n); break;
	case 4: near_end(b, id, dir); break;
	case 5: near_close(b, id); break;
	case 6: capture_tick(now); break;
	case 7: feed(b[2] & 15, p, n, NULL, 0); break;
	default: near_data(b, id, dir, p, n); break;
	}
	return 4 + n;
}

static void check_account(bool damaged)
{
	const struct streams *all = &capture_stats.streams;
	const struct http1_bytes *h = &capture_stats.http;
	char text[4096] = "";
	struct json j;

	MUST(!all->held && !all->total && !all->waiting && !capture_stats.conns_open);
	MUST(all->in == capture_stats.data_bytes && raw_bytes == all->delivered);
	MUST(h->fed == h->messages + h->skipped + h->opaque + h->lost);
	json_init(&j);
	json_open(&j, NULL, '{');
	if (!damaged)
		MUST(capture_account(&j, text, sizeof(text)));
	json_close(&j, '}');
	json_free(&j);
}

/* What the kernel half would have counted. */
static void counts(void)
{
	union any r = {.counts = {.now_ns = UINT64_MAX, .last = 1}};

	r.counts.n[CAP_N_SENT] = r.counts.n[CAP_N_CAPTURED] = capture_stats.data_bytes;
	feed(CAP_REC_COUNTS, &r, sizeof(r.counts), NULL, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_options o = {.max_header = 256};
	union any r = {.start = {.now_ns = 1}};
	bool damaged;

	if (size < 1)
		return 0;
	o.max_conns = *data & 1 ? 3 : 0;
	now = raw_bytes = open_conns = 0;
	memset(seq, *data & 2 ? 0xff : 0, sizeof(seq));
	MUST(!capture_init(&ops, &o));
	if (*data & 4)
		capture_stats.streams.max_pieces = 3;
	MUST(!feed(CAP_REC_START, &r, sizeof(r.start), NULL, 0));
	for (size_t i = 1; i + 4 <= size;)
		i += one(data + i, size - i);
	/* A poll among the raw records may have been the last. */
	damaged = capture_stats.counts.now_ns;
	if (!damaged)
		counts();
	capture_finish();
	check_account(damaged);
	return 0;
}
