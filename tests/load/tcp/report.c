// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The truth, as "truth KEY VALUE" lines. */
#include "tcp.h"
#include "cases.h"

static const char *const series_names[NSERIES] = {
	[CLIENT] = "client",
	[LAST] = "last",
	[SERVER] = "server",
	[WAIT] = "wait",
	[LOCAL] = "local",
	[WAIT_FLOOR] = "wait_floor",
	[LOCAL_FLOOR] = "local_floor",
	[CONNECT] = "connect",
};

const char *const extra_names[EXTRA] = {
	[REFUSED] = "refused",
	[REQUESTS] = "requests",
	[BANNERS] = "banners",
	[BLOCKED] = "blocked",
	[OPEN] = "open",
	[MAPPED_BYTES] = "mapped_bytes",
	[FASTOPEN] = "fastopen",
	[OOB] = "oob",
	[WRITER_TID] = "writer_tid",
	[READER_TID] = "reader_tid",
	[SERVED_PID] = "served_pid",
	[MULTIPATH] = "multipath",
	[CLIENT1_PID] = "client1_pid",
	[CLIENT2_PID] = "client2_pid",
	[ELAPSED_US] = "elapsed_us",
};

static void say(const char *key, uint64_t value)
{
	printf("truth %s %llu\n", key, (unsigned long long)value);
}

static void say_of(const char *who, const char *key, uint64_t value)
{
	printf("truth %s%s %llu\n", who, key, (unsigned long long)value);
}

static uint64_t floor_sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void fold(const struct turn *t)
{
	if (t->c_first) {
		series_add(CLIENT, t->c_first - t->c_send);
		series_add(LAST, t->c_last - t->c_send);
	}
	if (t->s_send)
		series_add(SERVER, t->s_send - t->s_got);
	if (t->s_first && t->c_send) {
		series_add(WAIT, t->s_first - t->c_send);
		series_add(WAIT_FLOOR, floor_sub(t->s_enter, t->c_sent));
	}
	if (t->c_first && t->s_send) {
		series_add(LOCAL, t->c_first - t->s_send);
		series_add(LOCAL_FLOOR, floor_sub(t->c_enter, t->s_sent));
	}
}

static void stamps(uint64_t i, const struct turn *t)
{
	if (!t->c_send && !t->s_got)
		return;
	printf("turn %llu %llu %llu %llu\n", (unsigned long long)i,
	       (unsigned long long)floor_sub(t->c_first, t->c_send),
	       (unsigned long long)floor_sub(t->s_send, t->s_got),
	       (unsigned long long)floor_sub(t->s_first, t->c_send));
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void say_us(const char *name, const char *what, uint64_t ns)
{
	printf("truth %s_%s_us %.1f\n", name, what, ns / 1e3);
}

static void report_series(int i)
{
	struct series *s = &shared->series[i];
	uint64_t kept = s->n < SAMPLES ? s->n : SAMPLES;
	const char *name = series_names[i];

	if (!s->n)
		return;
	qsort(s->samples, kept, sizeof(*s->samples), by_value);
	say_us(name, "min", s->min);
	say_us(name, "avg", s->sum / s->n);
	say_us(name, "p50", s->samples[(kept - 1) / 2]);
	say_us(name, "p99", s->samples[(kept * 99 + 99) / 100 - 1]);
	say_us(name, "max", s->max);
}

static void report_side(const char *who, const struct side *s)
{
	say_of(who, "_sends", s->sends);
	say_of(who, "_recvs", s->recvs);
	say_of(who, "_bytes_sent", s->bytes_sent);
	say_of(who, "_bytes_received", s->bytes_received);
	say_of(who, "_eagain", s->eagain);
	say_of(who, "_peeks", s->peeks);
	say_of(who, "_zeros", s->zeros);
	say_of(who, "_resets", s->resets);
	say_of(who, "_eofs", s->eofs);
}

void report_setup(void)
{
	say("port", ports[0]);
	for (int i = 1; i < nlisteners; i++)
		say("more_port", ports[i]);
	say("client_pid", shared->client.pid);
	say("server_pid", shared->server.pid);
}

static void report_ports(void)
{
	const char *comma = "";

	printf("truth client_ports ");
	for (int64_t i = 0; i < opt.conns && i < 100; i++) {
		if (!shared->conns[i].port)
			continue;
		printf("%s%u", comma, shared->conns[i].port);
		comma = ",";
	}
	printf("%s\n", *comma ? "" : "-");
}

/* What one end sent the other received, but for what a reset threw away. */
static int contradiction(void)
{
	const struct side *c = &shared->client, *s = &shared->server;

	if (c->resets || s->resets || the_case->prepare == prepare_selfconnect)
		return 0;
	if (c->bytes_sent == s->bytes_received + shared->extra[OOB] &&
	    s->bytes_sent == c->bytes_received)
		return 0;
	fprintf(stderr, "tcp: what one side sent the other did not receive\n");
	return 1;
}

int report(bool complete)
{
	const uint64_t elapsed = shared->extra[ELAPSED_US];

	for (uint64_t i = 0; i < shared->nturns; i++) {
		if (opt.stamps)
			stamps(i, &shared->turns[i]);
		fold(&shared->turns[i]);
	}
	say("complete", complete);
	say("connections", shared->connections);
	say("turns", shared->series[CLIENT].n);
	say("server_turns", shared->series[SERVER].n);
	say("bytes_sent", shared->client.bytes_sent);
	say("bytes_received", shared->client.bytes_received);
	report_ports();
	report_side("client", &shared->client);
	report_side("server", &shared->server);
	for (int i = 0; i < NSERIES; i++)
		report_series(i);
	for (int i = 0; i < EXTRA; i++) {
		if (shared->extra[i])
			say(extra_names[i], shared->extra[i]);
	}
	if (elapsed)
		say("rate_per_s", shared->series[CLIENT].n * 1000000 / elapsed);
	return complete ? contradiction() : 0;
}
