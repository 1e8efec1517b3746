// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The textfile of --prometheus: counters since the start, in the text format 0.0.4. All numbers are
 * integers or seconds with nine digits made of integers, so that no locale has a say.
 */
#include "tcplat_report.h"
#include "run.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Edges of the histograms: powers of two from 1 us to 69 s. They stay: a series is its edges. */
#define FIRST_BIT 10
#define LAST_BIT  36

#define COUNT(WHAT) ((uint64_t)model.totals.t.count[WHAT])

static void heading(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void seconds(FILE *f, uint64_t ns)
{
	fprintf(f, "%" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000, ns % 1000000000);
}

/* s has at most n bytes, any of them. What is not fit for a terminal is escaped twice. */
static void label(FILE *f, const char *before, const char *s, size_t n)
{
	char safe[4 * 256 + 1];

	text_escape(safe, sizeof(safe), s, strnlen(s, n));
	fprintf(f, "%s=\"", before);
	for (const char *c = safe; *c; c++) {
		if (*c == '\\' || *c == '"')
			fputc('\\', f);
		fputc(*c, f);
	}
	fputc('"', f);
}

static void info(FILE *f)
{
	const struct tl_start_rec *s = &model.start;

	heading(f, "tcplat_info", "gauge", "What measured: tool, way into the kernel, kernel.");
	label(f, "tcplat_info{version", VERSION, sizeof(VERSION));
	label(f, ",backend", backend_names[s->backend], 64);
	label(f, ",kernel", s->kernel, sizeof(s->kernel));
	fputs("} 1\n", f);
	heading(f, "tcplat_start_time_seconds", "gauge",
		"When the counters began, since the epoch.");
	fputs("tcplat_start_time_seconds ", f);
	seconds(f, run_wall(s->now_ns));
	heading(f, "tcplat_sample_one_in", "gauge",
		"One in so many is measured; the counters are not scaled.");
	fprintf(f, "tcplat_sample_one_in{of=\"connections\"} %u\n", s->sample);
	fprintf(f, "tcplat_sample_one_in{of=\"turns\"} %u\n", s->sample_turns);
}

/*
 * Values are whole ns and a bucket of ours ends where a power of two begins, so that with the last
 * ns below it for an edge each count is exact.
 */
static void histogram(FILE *f, enum tl_metric_id m)
{
	const struct hist *h = &model.metrics[m].now;
	const char *name = metric_names[m].name;
	unsigned int slot = 0;
	uint64_t n = 0;

	for (unsigned int bit = FIRST_BIT; bit <= LAST_BIT; bit++) {
		uint64_t edge = (1ULL << bit) - 1;

		while (slot < HIST_SLOTS && hist_slot_max(slot) <= edge)
			n += h->slot[slot++];
		fprintf(f, "tcplat_turn_seconds_bucket{metric=\"%s\",le=\"%u.%09u\"} %" PRIu64 "\n",
			name, (unsigned int)(edge / 1000000000), (unsigned int)(edge % 1000000000),
			n);
	}
	n = hist_count(h);
	fprintf(f, "tcplat_turn_seconds_bucket{metric=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, n);
	fprintf(f, "tcplat_turn_seconds_sum{metric=\"%s\"} ", name);
	seconds(f, h->sum);
	fprintf(f, "tcplat_turn_seconds_count{metric=\"%s\"} %" PRIu64 "\n", name, n);
}

struct labelled {
	const char *labels;
	enum tl_count what;
};

static void counters(FILE *f, const char *name, const struct labelled *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s{%s} %" PRIu64 "\n", name, l[i].labels, COUNT(l[i].what));
}

#define COUNTERS(F, NAME, HELP, L)                                                                 \
	do {                                                                                       \
		heading(F, NAME, "counter", HELP);                                                 \
		counters(F, NAME, L, sizeof(L) / sizeof(*(L)));                                    \
	} while (0)

static void turns(FILE *f)
{
	static const struct labelled classes[] = {
		{"class=\"answered\"", TL_N_ANSWERED},
		{"class=\"multi\"", TL_N_MULTI},
		{"class=\"interleaved\"", TL_N_INTERLEAVED},
		{"class=\"unknown_role\"", TL_N_UNKNOWN},
		{"class=\"unanswered\"", TL_N_UNANSWERED},
		{"class=\"left_out\"", TL_N_LEFT_OUT},
	};
	struct split s = model_split(&model.totals.t, 0, TL_OCTAVES);

	COUNTERS(f, "tcplat_turns_total", "Turns that ended, by what became of them.", classes);
	heading(f, "tcplat_split_seconds_total", "counter",
		"What the client's turns were made of: read late, round trip, the rest.");
	fputs("tcplat_split_seconds_total{part=\"local\"} ", f);
	seconds(f, s.local_ns);
	fputs("tcplat_split_seconds_total{part=\"network\"} ", f);
	seconds(f, s.network_ns);
	fputs("tcplat_split_seconds_total{part=\"remote\"} ", f);
	seconds(f, s.total_ns - s.local_ns - s.network_ns);
}

static void calls(FILE *f)
{
	static const struct labelled results[] = {
		{"call=\"receive\",result=\"ok\"", TL_N_RECV},
		{"call=\"send\",result=\"ok\"", TL_N_SEND},
		{"call=\"send\",result=\"eagain\"", TL_N_SEND_AGAIN},
		{"call=\"send\",result=\"failed\"", TL_N_SEND_FAILED},
		{"call=\"receive\",result=\"eagain\"", TL_N_RECV_AGAIN},
		{"call=\"receive\",result=\"eof\"", TL_N_RECV_EOF},
		{"call=\"receive\",result=\"peek\"", TL_N_RECV_PEEK},
		{"call=\"receive\",result=\"failed\"", TL_N_RECV_FAILED},
	};

	heading(f, "tcplat_calls_total", "counter", "Calls of send and receive on connections.");
	/* Where no hook sees how a call ends, the others would say that none is made. */
	counters(f, "tcplat_calls_total", results,
		 model.start.sees_again ? sizeof(results) / sizeof(*results) : 1);
}

static void connections(FILE *f)
{
	static const struct labelled kinds[] = {
		{"kind=\"looked_at\"", TL_N_CONNS},
		{"kind=\"connect_failed\"", TL_N_CONNECT_FAILED},
		{"kind=\"not_sampled\"", TL_N_CONNS_SAMPLED},
		{"kind=\"filtered\"", TL_N_CONNS_OTHER},
	};

	COUNTERS(f, "tcplat_connections_total",
		 "Connections; those that are not looked at are counted when they close.", kinds);
	heading(f, "tcplat_connections_open", "gauge", "Connections that are looked at.");
	fprintf(f, "tcplat_connections_open %" PRIu64 "\n", model_open());
}

static void losses(FILE *f)
{
	static const struct labelled kinds[] = {
		{"what=\"connections\"", TL_N_CONNS_LOST},
		{"what=\"connections_no_room\"", TL_N_CONNS_FULL},
		{"what=\"slow_turns\"", TL_N_SLOW_LOST},
	};

	COUNTERS(f, "tcplat_lost_total", "What could not be kept; 0 in a complete measurement.",
		 kinds);
	fprintf(f, "tcplat_lost_total{what=\"hooks\"} %" PRIu64 "\n",
		(uint64_t)model.totals.missed);
}

static void cost(FILE *f)
{
	const struct tl_totals_rec *t = &model.totals;

	if (!t->hooks)
		return;
	heading(f, "tcplat_hook_seconds", "gauge", "A hook's mean cost while it was measured.");
	fputs("tcplat_hook_seconds ", f);
	seconds(f, t->hook_ns / t->hooks);
}

int prom_text(char **text, size_t *len)
{
	FILE *f = open_memstream(text, len);
	bool failed;

	if (!f)
		return -ENOMEM;
	info(f);
	heading(f, "tcplat_turn_seconds", "histogram",
		"Times of turns, and of waits, connects, pauses and peers, by metric.");
	for (size_t i = 0; i < TL_METRICS; i++)
		histogram(f, i);
	turns(f);
	calls(f);
	connections(f);
	losses(f);
	cost(f);
	failed = ferror(f);
	if (!fclose(f) && !failed)
		return 0;
	free(*text);
	*text = NULL;
	return -ENOMEM;
}
