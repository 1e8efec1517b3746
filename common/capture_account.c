// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The account of the captured bytes, from the calls that moved them to the messages they are in.
 */
#include "account.h"
#include "capture_int.h"
#include "json.h"
#include <inttypes.h>
#include <string.h>

#define COUNT(what)  ((uint64_t)capture_stats.counts.n[what])
#define UNREAD(what) COUNT(CAP_N_UNREAD + (what))

const char *const cap_cause_names[CAP_CAUSES] = {
	[CAP_WHOLE] = "lost",	     [CAP_LIMIT] = "limit",	[CAP_IO_URING] = "io_uring",
	[CAP_SENDFILE] = "sendfile", [CAP_SPLICE] = "splice",	[CAP_FAULT] = "fault",
	[CAP_COMPAT] = "32-bit",     [CAP_TRUNC] = "msg_trunc", [CAP_CALL] = "unknown_call",
};

const char *const cap_backend_names[CAP_BACKENDS] = {
	[CAP_BE_FENTRY] = "fentry",
	[CAP_BE_TRACEPOINT] = "tracepoint",
	[CAP_BE_KPROBE] = "kprobe",
};

const char *const cap_role_names[CAP_ROLES] = {
	[CAP_ROLE_UNKNOWN] = "unknown",
	[CAP_ROLE_CLIENT] = "client",
	[CAP_ROLE_SERVER] = "server",
};

const char *const cap_count_names[CAP_COUNTS] = {
	[CAP_N_CALLS] = "calls",
	[CAP_N_SENT] = "bytes_sent",
	[CAP_N_RECEIVED] = "bytes_received",
	[CAP_N_CAPTURED] = "bytes_captured",
	[CAP_N_NOT_HTTP] = "bytes_not_http",
	[CAP_N_RING] = "bytes_ring_full",
	[CAP_N_RING_RECORDS] = "records_ring_full",
	[CAP_N_CONNS] = "connections",
	[CAP_N_CONNS_FULL] = "calls_connections_full",
	[CAP_N_CONNS_NOT_HTTP] = "connections_not_http",
	[CAP_N_CONNS_TLS] = "connections_tls",
	[CAP_N_CONNS_HTTP2] = "connections_http2",
	[CAP_N_FILTERED] = "calls_filtered",
	[CAP_N_SAMPLED] = "calls_sampled_out",
	[CAP_N_PEEKS] = "peeks",
	[CAP_N_NO_ENTRY] = "calls_no_entry",
	[CAP_N_UNREAD + CAP_WHOLE] = "unread_unnamed",
	[CAP_N_UNREAD + CAP_LIMIT] = "unread_limit",
	[CAP_N_UNREAD + CAP_IO_URING] = "unread_io_uring",
	[CAP_N_UNREAD + CAP_SENDFILE] = "unread_sendfile",
	[CAP_N_UNREAD + CAP_SPLICE] = "unread_splice",
	[CAP_N_UNREAD + CAP_FAULT] = "unread_fault",
	[CAP_N_UNREAD + CAP_COMPAT] = "unread_32bit",
	[CAP_N_UNREAD + CAP_TRUNC] = "unread_msg_trunc",
	[CAP_N_UNREAD + CAP_CALL] = "unread_unknown_call",
};

/* What is to be equal, from hand to hand. */
struct sums {
	uint64_t calls, fates; /* bytes that calls moved, and what became of them */
	uint64_t told, came; /* in records, by both halves */
	uint64_t pushed, settled; /* into the streams, and what became of them */
	uint64_t ordered, fed; /* out of the streams, into http1 */
	uint64_t read; /* and what http1 made of them */
};

static void sum_up(struct sums *s)
{
	const struct capture_stats *st = &capture_stats;
	const struct streams *all = &st->streams;

	*s = (struct sums){
		.calls = COUNT(CAP_N_SENT) + COUNT(CAP_N_RECEIVED),
		.told = COUNT(CAP_N_CAPTURED),
		.came = st->data_bytes,
		.pushed = all->in + st->no_memory_bytes,
		.settled = all->delivered + all->skipped + all->duplicate + all->after_end +
			   all->discarded + all->held,
		.ordered = all->delivered + all->skipped + all->lost,
		.fed = st->http.fed,
		.read = st->http.messages + st->http.skipped + st->http.opaque + st->http.lost,
	};
	for (int i = 0; i < CAP_CAUSES; i++)
		s->told += UNREAD(i);
	s->fates = s->told + COUNT(CAP_N_NOT_HTTP) + COUNT(CAP_N_RING);
}

static bool balanced(const struct sums *s)
{
	const struct capture_stats *st = &capture_stats;

	if (s->calls != s->fates || s->pushed != s->came || s->settled != st->streams.in)
		return false;
	if (!st->bad_records && s->told != s->came)
		return false;
	return st->conns_open || (s->ordered == s->fed && s->fed == s->read);
}

static void stats_json(struct json *j)
{
	const struct capture_stats *st = &capture_stats;
	const struct cap_counts_rec *c = &st->counts;

	for (int i = 0; i < CAP_COUNTS; i++)
		json_u64(j, cap_count_names[i], COUNT(i));
	json_u64(j, "records", st->records);
	json_u64(j, "records_damaged", st->bad_records);
	json_u64(j, "connections_seen", st->conns);
	json_u64(j, "connections_dropped", st->conns_dropped);
	json_u64(j, "bytes_in_records", st->data_bytes);
	json_u64(j, "bytes_ordered", st->streams.delivered);
	json_u64(j, "bytes_uncaptured", st->streams.skipped);
	json_u64(j, "bytes_missing", st->streams.lost);
	json_u64(j, "bytes_duplicate", st->streams.duplicate);
	json_u64(j, "bytes_after_end", st->streams.after_end);
	json_u64(j, "bytes_in_messages", st->http.messages);
	json_u64(j, "bytes_skipped", st->http.skipped);
	json_u64(j, "bytes_opaque", st->http.opaque);
	json_u64(j, "gaps", st->http.gaps);
	json_u64(j, "no_memory", st->no_memory);
	json_u64(j, "bytes_no_memory", st->no_memory_bytes);
	json_u64(j, "hooks_missed", c->missed);
	if (c->hooks)
		json_f64(j, "ns_per_hook", (double)c->hook_ns / c->hooks);
	if (c->hook_window_ns)
		json_f64(j, "hook_cpu_percent", c->hook_ns * 100.0 / c->hook_window_ns);
}

static void bytes_say(const struct sums *s)
{
	static const char *const words[CAP_CAUSES] = {
		[CAP_WHOLE] = " + UNREAD for no reason",
		[CAP_LIMIT] = " + not wanted",
		[CAP_IO_URING] = " + UNREAD of io_uring",
		[CAP_SENDFILE] = " + UNREAD of sendfile",
		[CAP_SPLICE] = " + UNREAD of splice",
		[CAP_FAULT] = " + UNREADABLE memory",
		[CAP_COMPAT] = " + UNREAD of 32-bit calls",
		[CAP_TRUNC] = " + dropped by MSG_TRUNC",
		[CAP_CALL] = " + UNREAD of unknown calls",
	};

	account_say("bytes %" PRIu64 " = captured %" PRIu64, s->calls, COUNT(CAP_N_CAPTURED));
	for (int i = 0; i < CAP_CAUSES; i++)
		account_cause(UNREAD(i), words[i], "");
	account_cause(COUNT(CAP_N_NOT_HTTP), " + not HTTP", "");
	account_cause(COUNT(CAP_N_RING), " + LOST to a full ring buffer", " (raise --ring-size)");
	account_cause(COUNT(CAP_N_RING_RECORDS), "; records LOST to it", "");
	account_cause(COUNT(CAP_N_PEEKS), "; peeks", "");
	account_cause(capture_stats.counts.missed, "; hooks that did not run", "");
}

static void streams_say(void)
{
	const struct capture_stats *st = &capture_stats;

	account_say("\nin messages %" PRIu64, st->http.messages);
	account_cause(st->http.skipped, " + between them", "");
	account_cause(st->http.opaque, " + of other protocols", "");
	account_cause(st->http.lost, " + MISSING", "");
	account_cause(st->http.gaps, "; gaps", "");
	account_cause(st->streams.duplicate, "; seen twice", "");
	account_cause(st->streams.after_end, "; after the end", "");
	account_cause(st->streams.discarded, "; discarded", "");
	account_cause(st->no_memory_bytes, "; given up for want of MEMORY", "");
	account_cause(st->no_memory, "; times there was NO MEMORY", "");
}

static void conns_say(void)
{
	const struct capture_stats *st = &capture_stats;

	account_say("\nconnections %" PRIu64, st->conns);
	account_cause(st->conns_dropped, "; DROPPED to make room", " (raise --max-conns)");
	account_cause(COUNT(CAP_N_CONNS_TLS), "; TLS", "");
	account_cause(COUNT(CAP_N_CONNS_HTTP2), "; HTTP/2", "");
	account_cause(COUNT(CAP_N_CONNS_NOT_HTTP), "; not HTTP", "");
	account_cause(COUNT(CAP_N_CONNS_FULL), "; calls with NO ROOM for their connection",
		      " (raise --max-conns or net.core.optmem_max)");
	account_cause(COUNT(CAP_N_NO_ENTRY), "; calls that had begun before", "");
	account_cause(COUNT(CAP_N_FILTERED), "; calls left out by filters", "");
	account_cause(COUNT(CAP_N_SAMPLED), "; calls left out by --sample", "");
	account_cause(st->bad_records, "; DAMAGED records", "");
}

static void sums_say(const struct sums *s)
{
	account_say("\nnot equal: bytes of calls %" PRIu64 " and %" PRIu64 ", in records %" PRIu64
		    " and %" PRIu64,
		    s->calls, s->fates, s->told, s->came);
	account_say(", given to streams %" PRIu64 ", in them %" PRIu64 " and %" PRIu64, s->pushed,
		    capture_stats.streams.in, s->settled);
	account_say(", out of them %" PRIu64 ", read %" PRIu64 " and %" PRIu64, s->ordered, s->fed,
		    s->read);
}

static void cost_say(void)
{
	const struct cap_counts_rec *c = &capture_stats.counts;

	if (!c->hooks || !c->hook_window_ns)
		return;
	account_say("\nhooks took %.0f ns each, %.2f%% of one CPU (%" PRIu64
		    " hooks, measured for %.1f s)",
		    (double)c->hook_ns / c->hooks, c->hook_ns * 100.0 / c->hook_window_ns,
		    (uint64_t)c->hooks, c->hook_window_ns / 1e9);
}

bool capture_account(struct json *j, char *text, size_t size)
{
	size_t used = size ? strnlen(text, size - 1) : 0;
	struct sums s;
	bool ok;

	account_begin(text, size);
	sum_up(&s);
	stats_json(j);
	if (used)
		account_say("\n");
	if (!capture_stats.counts.last) {
		/* The run broke off, and why is said elsewhere. */
		account_say("the last poll is missing: there is no account");
		return true;
	}
	ok = balanced(&s);
	bytes_say(&s);
	streams_say();
	conns_say();
	if (!ok)
		sums_say(&s);
	cost_say();
	return ok;
}
