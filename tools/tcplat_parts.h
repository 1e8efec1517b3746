/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TCPLAT_PARTS_H
#define TCPLAT_PARTS_H
/*
 * tcplat's user half in parts:
 *   tcplat.c          options, main
 *   tcplat_model.c    from records to state; with all up to the account what a replay needs
 *   tcplat_conns.c    the connections that are open
 *   tcplat_ends.c     connections by their two ends: those that the report names
 *   tcplat_busiest.c  the busiest of an interval
 *   tcplat_rows.c     rows of connections, and the JSON line "conn"
 *   tcplat_interval.c the rows and the JSON line of an interval
 *   tcplat_final.c    the text at the end
 *   tcplat_report.c   the report, one JSON document
 *   tcplat_report_parts.c  its lists: connections, octaves of the split, slowest turns
 *   tcplat_account.c  the closing account
 *   tcplat_prom.c     the textfile of --prometheus
 *   tcplat_diff.c     --diff: two reports, metric by metric; with tcplat_diff_read.c, which reads
 *                     them, and tcplat_diff_sure.c: is a difference more than chance?
 *   tcplat_backend.c  which hooks the kernel has; load, attach, detach
 *   tcplat_live.c     the life of a run: start, poll, publish, stop
 *   tcplat_counters.c what the kernel half counted, and the histograms of single connections
 *   tcplat_cost.c     what the hooks cost, by the kernel's own measurement
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "filter.h"
#include "hist.h"
#include "json.h"
#include "opts.h"
#include "tcplat.h"

struct tcplat_bpf;

struct settings {
	uint64_t sample, sample_turns; /* one in so many */
	uint64_t slowest; /* how many of the slowest turns are kept */
	uint64_t top; /* rows per interval */
	uint64_t max_conns; /* connections that the report names */
	uint64_t max_tracked; /* room of conns_by_sock */
	uint64_t conn_hists, ring_kib;
	bool cleanup;
	bool histogram; /* draw every metric's, not the headline's alone */
	const char *prometheus;
	bool diff;
};
extern struct settings set;

/* --- model */

/* What one metric has come to. */
struct metric {
	struct hist now; /* since the start */
	struct hist before; /* at the end of the last interval */
};
struct metric_name {
	const char *name; /* JSON key: "client" "client_last" ... */
	const char *title; /* for people */
};
extern const struct metric_name metric_names[]; /* by enum tl_metric_id */

/* Quantities of one interval or of the whole run. */
struct split {
	uint64_t n, local_ns, network_ns, total_ns;
};

struct model {
	struct tl_start_rec start;
	struct metric metrics[TL_METRICS];
	struct tl_totals_rec totals, totals_before; /* as of the last poll, and of the one before */
	uint64_t interval_ns; /* between these */
	bool started, last;
	struct tl_slow_rec *slow; /* the slowest turns, slowest first; set.slowest at most */
	size_t nslow;
	/* Records that were seen, for the account. */
	uint64_t closed, open;
	uint64_t closed_turns, closed_waits, open_turns, open_waits;
	uint64_t turns_open; /* at the end */
};
extern struct model model;

int model_record(uint32_t type, const void *data, size_t len, void *ctx);
bool model_summary(struct json *j, char *text, size_t size, void *ctx); /* account */
/* now - before: the last interval alone. min and max are the whole run's where it cannot tell. */
void model_interval(const struct metric *m, struct hist *h);
/* Sum of the octaves lo <= octave < hi; of all: 0, TL_OCTAVES. */
struct split model_split(const struct tl_totals *t, unsigned int lo, unsigned int hi);
/* The metric of the headline: TL_CLIENT, or TL_SERVER where the machine saw no client. */
enum tl_metric_id model_headline(void);
/* The turn that is slow enough to be kept has at least this many ns; 0: any. */
uint64_t model_slow_floor(void);
/* How many connections were open at the last poll; model.open knows only at the end. */
uint64_t model_open(void);
/*
 * At the end: how many connections were looked at whose end no hook saw, and with them what they
 * came to. A hook did not run (model.totals.missed), or the kernel ran no program at all: while
 * tens of thousands of connections close on a busy machine, Linux 6.18 leaves all tracepoints out
 * for some packets, and counts none of it.
 */
uint64_t model_vanished(void);
/* Nothing was lost, nothing vanished, and the last poll is in. */
bool model_complete(void);
/* Standard deviation in ns of n values from their sum and the sum of their squares; 0 of none. */
double stats_dev(uint64_t n, uint64_t sum, double squares);
extern const char *const backend_names[]; /* by enum tl_backend */
extern const char *const role_names[]; /* by enum tl_role */
/* Names of enum tl_count for JSON ("connections_old" ...). */
extern const char *const count_names[TL_COUNTS];

/* --- connections */

/* One connection, as rows and report need it. */
struct conn {
	struct tl_conn_rec rec; /* the last that was heard of it; numbers since its beginning */
	bool closed;
	/* of the interval: what is new since the last one */
	uint64_t d_turns, d_sum_ns, d_local_ns, d_network_ns;
	uint64_t p50_ns, p99_ns, max_ns; /* UINT64_MAX: unknown */
};
/* Takes over a record. Several connections with the same two ends are one in the report. */
int conns_record(const struct tl_conn_rec *r, const struct tl_hist_rec *h);
/* The busiest of this interval, at most n, most turns first; valid until the next record. */
size_t conns_top(const struct conn **top, size_t n);
/* The interval is over. */
void conns_interval_done(void);
/*
 * For the report: each connection that it names, most turns first. other: what the rest came to
 * (its sockets, open, turns and sums alone mean something); nother: its sockets.
 */
struct conn_total {
	struct flow flow;
	uint8_t role;
	uint16_t flags;
	uint32_t sockets; /* how many had these two ends */
	uint32_t open; /* of them */
	uint64_t id; /* of the last */
	uint32_t writer, reader;
	char comm[16];
	struct tl_conn_stats st; /* n, sq_hi as of all: see below */
	uint64_t n, waits; /* 64 bits */
	double sq; /* sum of the squares, ns^2 */
	uint32_t srtt_us, min_rtt_us, retrans;
	uint64_t bytes_sent, bytes_received;
};
void conns_each(void (*fn)(const struct conn_total *t, void *ctx), void *ctx,
		struct conn_total *other, size_t *nother);

/* --- output */
void rows_interval(void); /* text rows or the JSON object "interval" */
/* JSON "conn"; nothing in text. What is new of c (d_turns ... max_ns) is all of it here. */
void rows_closed(const struct conn *c);
int rows_final(void); /* text at the end: metrics, histogram, split, slowest turns */
/* The report as one JSON object: type, schema version, everything. */
void report_json(struct json *j);
/* The same figures in the text format of Prometheus' node_exporter; *text is malloc()ed. */
int prom_text(char **text, size_t *len);
/* 0, 1 (a file that is no report: text on stderr). Prints a table, or with -j one object. */
int diff_reports(const char *a, const char *b);

/* --- live */
int live_run(void);

/* --- backend: the kernel half's programs */
struct backend {
	struct tcplat_bpf *skel;
	enum tl_backend be;
	bool storage; /* socket storage, not a hash */
	bool twice; /* the second programs are attached */
};
extern struct backend backend;
/* Loads and attaches the best that works here, or what --backend says. -errno with all reasons. */
int backend_start(void);
/* Are there connections that filters or --sample leave out? */
bool backend_filtered(void);
/* Takes all hooks off but those that see sockets die, and waits until none runs. */
void backend_detach(void);
/* Takes these off too. */
void backend_detach_last(void);
/* Takes the second programs off: none is found left out. */
void backend_detach_twice(void);
void backend_close(void);

/* --- counters: the kernel's maps */

/* Before load: sizes the maps. */
void counters_size(struct tcplat_bpf *skel, bool storage);
/* After load. 0 or -errno with text. */
int counters_init(struct tcplat_bpf *skel, bool storage);
/* Feeds the metrics and then the totals, which end a poll. */
int counters_feed(bool last);
/* Has the connections fed that were active since the last time; last: all. */
int counters_conns(bool last);
/* A record of a connection is about to be handed in: feeds its histogram. */
int counters_before_closed(const struct tl_conn_rec *r);
int counters_before_open(const struct tl_conn_rec *r);
/* Twenty times a second: takes back histograms whose connections' records were lost. */
void counters_tick(void);
/* Turns opened so far. */
uint64_t counters_opened(void);

/* --- cost */
struct cost {
	uint64_t window_ns, hooks, hook_ns, turns; /* as struct tl_totals_rec has them */
	uint64_t left_out; /* runs that the kernel left out, of first and of second programs */
	uint64_t missed; /* hooks that neither saw */
};
/*
 * Begins to measure what the hooks cost: with privileges. Where the kernel cannot, nothing is
 * measured.
 */
void cost_begin(struct tcplat_bpf *skel);
/* Ends the measurement when it has seen enough, or now. Returns whether it ended just now. */
bool cost_tick(bool now);
/* The hooks are about to come off. */
void cost_over(void);
void cost_get(struct cost *c);
#endif
