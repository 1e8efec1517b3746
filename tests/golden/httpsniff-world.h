/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSNIFF_WORLD_H
#define HTTPSNIFF_WORLD_H
/*
 * A small world of connections for httpsniff-synth.c and httptrace-synth.c. It keeps the kernel
 * half's books, so that the account of what it writes balances unless it is to be wrong.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "capture.h"
#include "record.h"

#define START 1000000000ULL
#define SEC   1000000000ULL
#define MS    1000000ULL
#define US    1000ULL
/* 2026-01-02 03:04:05 UTC at START */
#define WALL_OFFSET ((1767323045LL - 1) * 1000000000LL)
#define NETNS	    4026531840U

static struct record_writer *w;
static const char *dir, *tool = "httpsniff"; /* dir/tool-NAME.rec */
static struct cap_counts_rec counts;
static uint64_t now;
static uint16_t next_port;
static uint32_t uid; /* of processes that are told of from now on */
static uint32_t waited_us = UINT32_MAX; /* what is read had waited so long; UINT32_MAX: unknown */

static void put(uint32_t type, const void *data, size_t len)
{
	if (record_write(w, type, data, len)) {
		perror(tool);
		exit(1);
	}
}

static struct cap_start_rec start(void)
{
	struct cap_start_rec s = {
		.now_ns = START,
		.backend = CAP_BE_FENTRY,
		.sample = 1,
		.max_body = 65536,
		.max_header = 65536,
		.kernel = "6.1.0-test",
	};

	return s;
}

static void begin(const char *name, const struct cap_start_rec *s)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s-%s.rec", dir, tool, name);
	if (record_create(&w, path, "http", 1, WALL_OFFSET))
		exit(1);
	memset(&counts, 0, sizeof(counts));
	now = START;
	next_port = 40000;
	waited_us = UINT32_MAX;
	uid = 0;
	if (s)
		put(CAP_REC_START, s, sizeof(*s));
}

static void poll_ends(bool last)
{
	counts.now_ns = now;
	counts.last = last;
	put(CAP_REC_COUNTS, &counts, sizeof(counts));
}

static void end(void)
{
	if (record_close_writer(w))
		exit(1);
}

/* --- processes */

struct who {
	uint32_t pid, tid;
	const char *thread;
	uint64_t goid, parent_goid;
};

/* args: with a NUL behind each */
static struct who process(uint32_t pid, const char *comm, const char *args, size_t len,
			  const char *cgroup)
{
	struct cap_task_rec r = {
		.type = CAP_REC_TASK, .pid = pid, .start_ns = pid * MS, .uid = uid};

	r.args_len = len < CAP_ARGS ? len : CAP_ARGS;
	memcpy(r.comm, comm, strnlen(comm, sizeof(r.comm) - 1));
	memcpy(r.cgroup, cgroup, strnlen(cgroup, sizeof(r.cgroup) - 1));
	memcpy(r.args, args, r.args_len);
	put(CAP_REC_TASK, &r, sizeof(r));
	return (struct who){pid, pid, comm, 0, 0};
}
#define PROCESS(pid, comm, args) process(pid, comm, args, sizeof(args), "")

/* --- connections */

struct conn {
	struct cap_conn_rec r;
	struct who who;
	uint32_t at[2]; /* the next byte's number */
};

static uint64_t v4(int a, int b, int c, int d)
{
	return ((uint64_t)d << 56) | ((uint64_t)c << 48) | ((uint64_t)b << 40) |
	       ((uint64_t)a << 32) | 0xffff0000ULL;
}

/* One end of a connection, not told of yet; where it numbers its bytes from is anybody's guess. */
static struct conn conn(uint64_t id, uint8_t role, struct who who)
{
	struct conn c = {
		.r =
			{
				.type = CAP_REC_CONN,
				.proto = CAP_TCP,
				.role = role,
				.id = id,
				.flow =
					{
						.local = {0, v4(10, 0, 0, 1)},
						.remote = {0, v4(10, 0, 0, 2)},
						.netns = NETNS,
						.local_port = 80,
						.remote_port = 80,
						.family = 4,
					},
				.seq = {1000 * id, 2000 * id},
			},
		.who = who,
	};

	if (role == CAP_ROLE_SERVER)
		c.r.flow.remote_port = next_port++;
	else
		c.r.flow.local_port = next_port++;
	memcpy(c.at, c.r.seq, sizeof(c.at));
	return c;
}

static void tell(struct conn *c)
{
	c->r.now_ns = now;
	put(CAP_REC_CONN, &c->r, sizeof(c->r));
	counts.n[CAP_N_CONNS]++;
}

static struct conn told(uint64_t id, uint8_t role, struct who who)
{
	struct conn c = conn(id, role, who);

	tell(&c);
	return c;
}

/* The other end of c, which is on this machine, too. */
static struct conn peer_of(const struct conn *c, uint64_t id, struct who who)
{
	struct conn p = *c;

	p.r.id = id;
	p.r.role = c->r.role == CAP_ROLE_CLIENT ? CAP_ROLE_SERVER : CAP_ROLE_CLIENT;
	memcpy(p.r.flow.local, c->r.flow.remote, sizeof(p.r.flow.local));
	memcpy(p.r.flow.remote, c->r.flow.local, sizeof(p.r.flow.local));
	p.r.flow.local_port = c->r.flow.remote_port;
	p.r.flow.remote_port = c->r.flow.local_port;
	p.r.seq[0] = c->r.seq[1];
	p.r.seq[1] = c->r.seq[0];
	memcpy(p.at, p.r.seq, sizeof(p.at));
	p.who = who;
	tell(&p);
	return p;
}

/* A call moved len bytes, of which the first so many are at hand. */
static void moved(struct conn *c, int to, const void *data, uint32_t len, uint32_t captured,
		  enum cap_cause cause)
{
	static char buf[1 << 20];
	struct cap_data_rec r = {
		.type = CAP_REC_DATA,
		.seq = c->at[to],
		.id = c->r.id,
		.now_ns = now += 100 * US,
		.len = len,
		.captured = captured,
		.pid = c->who.pid,
		.tid = c->who.tid,
		.goid = c->who.goid,
		.parent_goid = c->who.parent_goid,
		.dir = to,
		.cause = cause,
	};

	if (to == CAP_RECV && waited_us != UINT32_MAX) {
		r.flags = CAP_DATA_F_WAITED;
		r.waited_us = waited_us;
	}
	memcpy(r.comm, c->who.thread, strnlen(c->who.thread, sizeof(r.comm) - 1));
	memcpy(buf, &r, sizeof(r));
	memcpy(buf + sizeof(r), data, captured);
	put(CAP_REC_DATA, buf, sizeof(r) + captured);
	c->at[to] += len;
	counts.n[CAP_N_CALLS]++;
	counts.n[to == CAP_SEND ? CAP_N_SENT : CAP_N_RECEIVED] += len;
	counts.n[CAP_N_CAPTURED] += captured;
	counts.n[CAP_N_UNREAD + cause] += len - captured;
}

static void says(struct conn *c, int to, const char *data, size_t len)
{
	moved(c, to, data, len, len, CAP_WHOLE);
}
#define SENDS(c, text) says(c, CAP_SEND, text, sizeof(text) - 1)
#define READS(c, text) says(c, CAP_RECV, text, sizeof(text) - 1)

/* Bytes that no record tells of: the ring buffer was full. */
static void lost(struct conn *c, int to, uint32_t len)
{
	c->at[to] += len;
	counts.n[CAP_N_CALLS]++;
	counts.n[to == CAP_SEND ? CAP_N_SENT : CAP_N_RECEIVED] += len;
	counts.n[CAP_N_RING] += len;
	counts.n[CAP_N_RING_RECORDS]++;
}

static void ends(struct conn *c, int to)
{
	struct cap_end_rec r = {.type = CAP_REC_END,
				.dir = to,
				.id = c->r.id,
				.now_ns = now += 100 * US,
				.seq = c->at[to]};

	put(CAP_REC_END, &r, sizeof(r));
}

static void closes(struct conn *c, bool reset)
{
	struct cap_close_rec r = {.type = CAP_REC_CLOSE,
				  .reset = reset,
				  .id = c->r.id,
				  .now_ns = now += 100 * US,
				  .seq = {c->at[0], c->at[1]}};

	for (int i = 0; i < 2; i++)
		r.bytes[i] = c->at[i] - c->r.seq[i];
	put(CAP_REC_CLOSE, &r, sizeof(r));
}
#endif
