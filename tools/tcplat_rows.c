// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Rows of single connections: the busiest of an interval and, in JSON, each that closed.
 */
#include "tcplat_model.h"
#include "net.h"
#include "run.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void duration_cell(uint64_t ns, struct json *j, const char *key, char *buf, size_t size)
{
	char d[24];

	if (j && ns == UINT64_MAX)
		json_null(j, key);
	else if (j)
		json_f64(j, key, ns / 1e3);
	else if (ns != UINT64_MAX)
		snprintf(buf, size, "%s", row_duration(d, ns));
}

void ends_text(char *local, char *remote, const struct flow *f)
{
	net_endpoint(local, f->local, f->local_port);
	net_endpoint(remote, f->remote, f->remote_port);
}

struct percent split_percent(const struct split *s)
{
	double per = s->total_ns ? 100.0 / s->total_ns : 0;

	return (struct percent){s->local_ns * per, s->network_ns * per,
				less(s->total_ns, s->local_ns + s->network_ns) * per};
}

void conn_row(struct conn_row *r, const struct conn *c, double seconds)
{
	const struct tl_conn_rec *rec = &c->rec;
	bool client = rec->role == TL_ROLE_CLIENT;
	uint32_t ends[2] = {rec->writer, rec->reader};
	struct split s = {c->d_turns, c->d_local_ns, c->d_network_ns, c->d_sum_ns};

	*r = (struct conn_row){
		.c = c,
		.seconds = seconds,
		/* Whose time a turn is: who reads the answer, or who sends it. */
		.pid = ends[client] ?: ends[!client],
		.local_ns = client ? c->d_local_ns : UINT64_MAX,
		.network_ns = client ? c->d_network_ns : UINT64_MAX,
		.remote_ns =
			client ? less(c->d_sum_ns, c->d_local_ns + c->d_network_ns) : UINT64_MAX,
		.srtt_ns = rec->srtt_us ? rec->srtt_us * 1000ULL : UINT64_MAX,
		.min_rtt_ns = rec->min_rtt_us ? rec->min_rtt_us * 1000ULL : UINT64_MAX,
		.percent = split_percent(&s),
	};
	memcpy(r->comm, rec->comm, sizeof(r->comm));
	ends_text(r->local, r->remote, &rec->flow);
}

#define CELL(NAME)                                                                                 \
	static void NAME(const void *rec, struct json *j, const char *key, char *buf, size_t size)
#define DURATION(NAME, VALUE)                                                                      \
	CELL(NAME)                                                                                 \
	{                                                                                          \
		const struct conn_row *r = rec;                                                    \
                                                                                                   \
		duration_cell(VALUE, j, key, buf, size);                                           \
	}
#define PERCENT(NAME)                                                                              \
	CELL(NAME##_percent)                                                                       \
	{                                                                                          \
		const struct conn_row *r = rec;                                                    \
		double v = r->percent.NAME;                                                        \
                                                                                                   \
		if (r->local_ns != UINT64_MAX)                                                     \
			snprintf(buf, size, "%.*f", v < 99.95, v);                                 \
	}
DURATION(p50, r->c->p50_ns)
DURATION(p99, r->c->p99_ns)
DURATION(max, r->c->max_ns)
DURATION(local, r->local_ns)
DURATION(network, r->network_ns)
DURATION(remote, r->remote_ns)
DURATION(srtt, r->srtt_ns)
DURATION(min_rtt, r->min_rtt_ns)
PERCENT(local)
PERCENT(network)
PERCENT(remote)

CELL(cookie)
{
	const struct conn_row *r = rec;

	/* Where the kernel gave the socket none, the id is of our own making. */
	if (!(r->c->rec.id >> 63))
		json_u64(j, key, r->c->rec.id);
}

CELL(role)
{
	const struct conn_row *r = rec;

	if (j)
		json_str(j, key, role_names[r->c->rec.role]);
	else
		snprintf(buf, size, "%s", r->c->rec.role ? role_names[r->c->rec.role] : "?");
}

CELL(turn_rate)
{
	const struct conn_row *r = rec;
	double rate = r->seconds > 0 ? r->c->d_turns / r->seconds : 0;
	char number[TEXT_F64_SIZE];

	if (j && r->seconds > 0)
		json_f64(j, key, rate);
	else if (j)
		json_null(j, key);
	else
		snprintf(buf, size, "%s", text_f64(number, rate, rate < 99.95));
}

CELL(flags)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} names[] = {
		{TL_F_MPTCP, "mptcp"},
		{TL_F_KTLS, "ktls"},
		{TL_F_INTERLEAVED, "interleaved"},
		{TL_F_OLD, "old"},
		{TL_F_BY_PORT, "role_by_port"},
	};
	const struct tl_conn_rec *r = &((const struct conn_row *)rec)->c->rec;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (r->flags & names[i].flag)
			json_bool(j, names[i].name, true);
	}
	if (r->flow.mapped)
		json_bool(j, "mapped", true);
}

CELL(opened)
{
	uint64_t born_ns = ((const struct conn_row *)rec)->c->rec.born_ns;
	char when[36];

	json_str(j, key, born_ns ? row_rfc3339(when, run_wall(born_ns)) : NULL);
}

CELL(duration)
{
	const struct conn_row *r = rec;

	if (r->seconds > 0)
		json_f64(j, key, r->seconds);
	else
		json_null(j, key);
}

/* The numbers of turns and of waits in all; null where there were none. */
CELL(statistics)
{
	const struct tl_conn_stats *st = &((const struct conn_row *)rec)->c->rec.st;
	double squares = st->sq_hi * 0x1p64 + st->sq_lo;
	uint64_t none = UINT64_MAX;

	duration_cell(st->n ? st->min : none, j, "min_us", NULL, 0);
	duration_cell(st->n ? st->sum / st->n : none, j, "avg_us", NULL, 0);
	duration_cell(st->n ? stats_dev(st->n, st->sum, squares) : none, j, "std_dev_us", NULL, 0);
	json_u64(j, "waits", st->waits);
	duration_cell(st->waits ? st->wait_ns / st->waits : none, j, "wait_avg_us", NULL, 0);
	duration_cell(st->waits ? st->wait_max * 1024ULL : none, j, "wait_max_us", NULL, 0);
}

CELL(turns)
{
	json_u64(j, key, ((const struct conn_row *)rec)->c->d_turns);
}

/* The rest of the record, as it is. */
#define RECORD(NAME, MEMBER)                                                                       \
	CELL(NAME)                                                                                 \
	{                                                                                          \
		json_u64(j, key, ((const struct conn_row *)rec)->c->rec.MEMBER);                   \
	}
RECORD(netns, flow.netns)
RECORD(writer, writer)
RECORD(reader, reader)
RECORD(bytes_sent, bytes_sent)
RECORD(bytes_received, bytes_received)
RECORD(retransmissions, retrans)

static const struct col conn_cols[] = {
	COL_CALL(cookie, "cookie", NULL, 0, COL_F_JSON),
	COL_CALL(role, "role", "ROLE", 6, COL_F_LEFT),
	COL(struct conn_row, local, COL_CHARS, "source", "LOCAL", 15, COL_F_LEFT),
	COL(struct conn_row, remote, COL_CHARS, "destination", "REMOTE", 15, COL_F_LEFT),
	COL_CALL(netns, "netns", NULL, 0, COL_F_JSON),
	COL_CALL(turns, "turns", NULL, 0, COL_F_JSON),
	COL_CALL(turn_rate, "turns_per_second", "TURN/S", 6, 0),
	COL_CALL(p50, "p50_us", "P50", 6, 0),
	COL_CALL(p99, "p99_us", "P99", 6, 0),
	COL_CALL(max, "max_us", "MAX", 6, 0),
	COL_CALL(local_percent, NULL, "LOC%", 4, COL_F_TEXT),
	COL_CALL(network_percent, NULL, "NET%", 4, COL_F_TEXT),
	COL_CALL(remote_percent, NULL, "REM%", 4, COL_F_TEXT),
	COL_CALL(local, "local_sum_us", NULL, 0, COL_F_JSON),
	COL_CALL(network, "network_sum_us", NULL, 0, COL_F_JSON),
	COL_CALL(remote, "remote_sum_us", NULL, 0, COL_F_JSON),
	COL_CALL(srtt, "srtt_us", "SRTT", 6, 0),
	COL_CALL(min_rtt, "min_rtt_us", NULL, 0, COL_F_JSON),
	COL(struct conn_row, pid, COL_U32, "pid", "PID", 7, COL_F_OPT),
	COL(struct conn_row, comm, COL_CHARS, "comm", "COMM", 0, COL_F_OPT | COL_F_LAST),
	COL_CALL(flags, "flags", NULL, 0, COL_F_JSON),
	{.kind = COL_END},
};
const struct table conn_table = {"interval", conn_cols};

/* Of a connection that has closed, besides. */
static const struct col closed_cols[] = {
	COL_CALL(opened, "opened", NULL, 0, COL_F_JSON),
	COL_CALL(duration, "duration_seconds", NULL, 0, COL_F_JSON),
	COL_CALL(writer, "writer_pid", NULL, 0, COL_F_JSON),
	COL_CALL(reader, "reader_pid", NULL, 0, COL_F_JSON),
	COL_CALL(statistics, "statistics", NULL, 0, COL_F_JSON),
	COL_CALL(bytes_sent, "bytes_sent", NULL, 0, COL_F_JSON),
	COL_CALL(bytes_received, "bytes_received", NULL, 0, COL_F_JSON),
	COL_CALL(retransmissions, "retransmissions", NULL, 0, COL_F_JSON),
	{.kind = COL_END},
};
static const struct table closed_table = {"conn", closed_cols};

void rows_closed(const struct conn *c)
{
	static struct json j;
	struct conn_row r;
	char when[36];

	if (!row_json())
		return;
	conn_row(&r, c, c->rec.born_ns ? less(c->rec.now_ns, c->rec.born_ns) / 1e9 : 0);
	json_reset(&j);
	json_open(&j, NULL, '{');
	json_str(&j, "type", closed_table.type);
	json_str(&j, "timestamp", row_rfc3339(when, run_wall(c->rec.now_ns)));
	row_keys(&conn_table, &r, &j);
	row_keys(&closed_table, &r, &j);
	json_close(&j, '}');
	row_object(&j);
}
