/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPTRACE_PARTS_H
#define HTTPTRACE_PARTS_H
/*
 * httptrace's user half in parts:
 *   httptrace.c          options, main
 *   httptrace_live.c     the life of a run
 *   httptrace_spans.c    from common/capture to struct span: pairing and times
 *   httptrace_select.c   filters; counts what they leave out
 *   httptrace_ids.c      traceparent, b3, x-request-id; ids that are made
 *   httptrace_traces.c   struct trace: which spans are of one
 *   httptrace_join.c     the two ends of a connection on this machine
 *   httptrace_links.c    what caused a request: goroutine, thread
 *   httptrace_hold.c     how long a span waits before it is shown; sampling
 *   httptrace_rows.c     text and JSON; httptrace_csv.c --csv; httptrace_events.c --events
 *                        (httptrace_line.c, _fields.c, _ends.c: what they share)
 *   httptrace_tree.c     --tree
 *   httptrace_table.c    -i, --histogram (httptrace_table_rows.c); common/route.c folds ids
 *   httptrace_otlp.c     --otlp; httptrace_otlp_post.c over HTTP
 *   httptrace_account.c  the closing account
 * Kernel half and backends: bpf/capture*.bpf.h, common/capload.
 *
 * How a span goes: request head -> span_new() -> ids_request(), links_request(), join_request();
 * its end -> span_over() -> hold_span() ... hold_tick() -> show_span() -> each output. A span is
 * freed when its last reference is put.
 *
 * All times are ns of the kernel halves' clock (run_wall() makes them wall clock), 0: not known.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../common/capture.h" /* -Ibpf has one of that name, too */
#include "json.h"
#include "opts.h"
#include "redact.h"
#include "traceids.h" /* ids_traceparent(), ids_b3(), ids_hex() */

struct settings {
	/* What is shown. */
	const char *role; /* "both", "client", "server" */
	struct opt_list methods, paths, hosts, statuses; /* as given */
	struct opt_list uids, exclude_uids;
	uint64_t min_size, slower_ns;
	bool localhost, unix_sockets, events;
	/* How. */
	bool csv, tree, histogram;
	const char *otlp; /* a file, or http://HOST:PORT[/PATH] */
	struct opt_list otlp_headers; /* "name: value" */
	const char *rotate; /* "SIZE[,KEEP]"; NULL: never */
	uint64_t max_routes;
	/* Sampling. */
	const char *sample_text; /* "1/10" or "10" */
	uint64_t sample, rate, keep_slow_ns;
	bool keep_errors;
	/* Links. */
	bool no_headers; /* trace ids in requests are not looked at */
	bool go_probes; /* uprobes on Go's net/http client */
	/* Secrets and limits. */
	bool no_redact;
	struct opt_list redact_params;
	uint64_t max_header, ring_kib, max_conns, max_open, max_held;
	struct opt_list cpus;
	bool no_seccomp;
};
extern struct settings set;
extern struct redact redact; /* the names to be masked */

/* --- connections, as long as a span of them is kept */
struct hop {
	uint64_t id; /* socket cookie */
	struct flow flow;
	uint64_t opened_ns, connect_ns;
	uint64_t last_ns; /* end of the last transaction: idle time is counted from it */
	uint64_t heard_ns; /* of the connection itself: when it was first heard of */
	uint64_t began_ns; /* httptrace_links.c's: when connect() began; 0: not known */
	uint32_t refs;
	uint32_t spans; /* requests that began on it so far */
	uint8_t proto, role; /* enum cap_proto, enum cap_role */
	bool joined;
	uint64_t peer; /* of a unix socket */
	char *path; /* of a unix socket; owned, NULL: none */
};

enum span_outcome { SPAN_OPEN, SPAN_ANSWERED, SPAN_UNANSWERED, SPAN_RESET, SPAN_OUTCOMES };
extern const char *const span_outcome_names[SPAN_OUTCOMES];

/* How the parent was found, the surest first; man/httptrace.8 says what each means. */
enum span_link {
	LINK_NONE, /* no parent */
	LINK_TRACEPARENT, /* W3C header */
	LINK_B3, /* b3 or X-B3-* */
	LINK_JOIN, /* the other end of the same connection, at the same place */
	LINK_REQUEST_ID, /* the same X-Request-ID came in */
	LINK_GOROUTINE, /* the same goroutine serves the parent */
	LINK_ANCESTRY, /* ... or the goroutine that started it */
	LINK_THREAD, /* the same thread, which serves exactly one */
	LINK_ORDER, /* the last one that this thread read before it connected or sent */
	LINK_CANDIDATES, /* several might be: none is taken */
	LINKS
};
extern const char *const span_link_names[LINKS]; /* "traceparent" ...; NULL for LINK_NONE */

#define MAX_CANDIDATES 8

/* A span that may be the parent, by its ids as they were when that was found. */
struct candidate {
	uint8_t trace_id[16], span_id[8];
};

/* Lists that a server's span is in while it may have children: see httptrace_links.c. */
enum span_index {
	INDEX_PROC,
	INDEX_WHO,
	INDEX_TRACE,
	INDEX_REQUEST_ID,
	INDEX_URL,
	SPAN_INDEXES,
	INDEX_WAIT = INDEX_URL, /* httptrace_hold.c's: one that is over is not found by its URL */
};

struct trace;

/* One transaction, as one end of its connection saw it. */
struct span {
	struct hop *hop; /* a reference */
	struct trace *trace; /* a reference; trace_of() finds the one it was merged into */
	struct span *peer; /* the other end's, joined; a reference, both ways until one is freed */
	struct span *parent; /* a reference; NULL: none, or only parent_id is known */
	struct span *index_next[SPAN_INDEXES], **index_link[SPAN_INDEXES]; /* httptrace_links.c's */
	uint64_t touch_ns; /* httptrace_links.c's: something was last read for it */
	union {
		struct {
			struct span *join_next, **join_link; /* httptrace_join.c's */
		};
		struct {
			struct span *child, *sibling; /* httptrace_tree.c's; not references */
		};
	};
	const struct cap_who *who; /* who moved the request's head; a reference, never NULL */
	/*
	 * Times of the end that saw it (a server reads the request and sends the response): when a
	 * call that moved the bytes ended.
	 */
	uint64_t first_ns, head_ns, last_ns; /* the request's first byte, end of head, last byte */
	uint64_t answer_ns, answered_ns; /* the final response's first and last byte */
	uint64_t interim_ns; /* of a first 1xx */
	uint64_t prev_ns; /* the last byte of the transaction before it on that connection */
	uint64_t over_ns; /* when it was known to be over */
	uint64_t request_bytes, response_bytes; /* on the wire, head and body */
	uint64_t request_body, response_body;
	uint64_t number; /* of the request on its connection, from 1 */
	uint64_t lost_bytes; /* of both messages */
	uint64_t begin; /* position of the request's first byte */
	uint32_t answer_tid;
	uint32_t seq; /* of the request's first byte, in TCP; low bits of begin elsewhere */
	uint32_t waited_us; /* between readable and read; UINT32_MAX: not known */
	uint32_t refs;
	uint8_t trace_id_given : 1; /* by a header */
	uint8_t span_id_given : 1; /* a client's: the header that it sends names it */
	uint8_t parent_given : 1; /* parent_id stands in a header */
	uint8_t over : 1; /* nothing will be added but links */
	uint8_t complete : 1; /* both messages went by whole */
	uint8_t assumed : 1; /* the pair rests on the connection having been idle when joined */
	uint8_t error : 1; /* by OpenTelemetry's rules: 5xx, a client's 4xx, no answer, reset */
	uint8_t early : 1; /* the answer began before the request's body had ended */
	uint8_t nat : 1; /* joined, but the two ends name the server differently */
	uint8_t held : 1, shown : 1, indexed : 1, from_go : 1;
	uint8_t has_child : 1; /* it is a span's parent */
	uint8_t counted : 1; /* in trace->open */
	uint8_t planted : 1; /* it is in the tree at hand: child is valid, join_next is not */
	uint8_t left : 1; /* httptrace_links.c's: it is among those that are over */
	uint8_t used : 1; /* ... it has sent something since it was touched */
	uint8_t from_b3 : 1; /* a client's: its trace id came by b3, not by traceparent */
	uint8_t asked_over : 1, answer_over : 1; /* httptrace_spans.c's */
	uint8_t role; /* enum cap_role: CLIENT or SERVER */
	uint8_t minor; /* HTTP/1.x */
	uint8_t outcome; /* enum span_outcome */
	uint8_t why; /* enum http1_why: of what is not complete */
	uint8_t link; /* enum span_link */
	uint8_t percent; /* confidence of the link, 0 to 100 */
	uint8_t ncandidates; /* how many might be the parent, at most 255 */
	uint8_t calls; /* httptrace_links.c's: that it seems to wait for, at most 255 */
	uint8_t flags; /* traceparent's */
	uint16_t status; /* 0: none */
	uint8_t span_id[8], parent_id[8]; /* all 0: none */
	uint8_t apart : 1; /* its text is not behind it, but where a pointer there says */
	/* Of its text, which is redacted unless --no-redact. Each may hold any byte. */
	uint32_t room; /* bytes behind it */
	uint32_t url_len, host_len;
	uint16_t method_len, request_id_len, state_len;
	struct candidate *candidates; /* the first MAX_CANDIDATES; owned, or NULL */
};
/* Its text, right behind it: one part behind the other, in this order, without NULs. */
static inline char *span_text(const struct span *s)
{
	return s->apart ? *(char **)(s + 1) : (char *)(s + 1);
}
#define SPAN_METHOD(s)	   span_text(s)
#define SPAN_URL(s)	   (SPAN_METHOD(s) + (s)->method_len)
#define SPAN_HOST(s)	   (SPAN_URL(s) + (s)->url_len)
#define SPAN_REQUEST_ID(s) (SPAN_HOST(s) + (s)->host_len)
#define SPAN_STATE(s)	   (SPAN_REQUEST_ID(s) + (s)->request_id_len) /* tracestate */

/* --- httptrace_spans.c */
/* After select_init(): capture_init() with this tool's ops. 0 or -errno with text. */
int spans_init(void);
/* on_record of struct run_tool: capture_record(), then hold_tick() by the record's time. */
int spans_record(uint32_t type, const void *data, size_t len, void *ctx);
void spans_tick(uint64_t now_ns); /* live, 20 times a second */
/* capture_finish(), hold_finish(); the first error that an output function gave, or 0. */
int spans_finish(void);
struct span *span_get(struct span *s); /* another reference */
void span_put(struct span *s); /* NULL is fine */
/* The time of the run: of the last record, or tick. */
uint64_t spans_now(void);
/*
 * Durations in us; UINT64_MAX: not known. On the client's side queue is not known. See
 * man/httptrace.8, FIELDS.
 */
struct span_times {
	uint64_t idle_us, queue_us, request_us, wait_us, response_us, total_us;
	/* Of a client's span whose server's is joined: that one's total and queue, and the rest. */
	uint64_t server_us, network_us;
};
void span_times(const struct span *s, struct span_times *t);

/* Spans that began = shown + each cause below. Weights: see hold. */
struct span_stats {
	uint64_t requests; /* heads of requests that ended here, on each side */
	uint64_t shown;
	uint64_t filtered; /* by --method ... --slower, --role, --uid */
	uint64_t sampled, rate_limited, over_max;
	uint64_t over_max_open, no_memory; /* of these there never was a span */
	uint64_t outcome[SPAN_OUTCOMES]; /* of all spans */
	uint64_t incomplete; /* of those answered */
	uint64_t unpaired; /* responses that answer no request that was seen; not in requests */
	uint64_t joined; /* pairs of ends */
	uint64_t links[LINKS]; /* of all */
	uint64_t early_shown; /* left --max-held before their trace was whole */
	uint64_t events; /* rows of --events */
	uint64_t others; /* connections that turned to TLS, HTTP/2 or the like */
	uint64_t request_bytes, response_bytes; /* of all messages, on the wire */
};
extern struct span_stats span_stats;

/* --- httptrace_select.c */
int select_init(void); /* parses set.methods ... set.sample_text; -EINVAL with text */
bool select_span(const struct span *s); /* is it to be shown? Counts nothing */
/* The same for a connection's rows (--role, --uid, --localhost); who: whom it is told of. */
bool select_conn(const struct cap_conn *c, const struct cap_who *who);
void select_finish(void);

/* --- httptrace_ids.c */
/*
 * The head of a request of s, not redacted: sets trace, ids, flags, what *_given says; makes what
 * is not given. m->text is valid. Ids that are made are the same for whoever sees the same bytes:
 * they come from the addresses, ports and sequence number.
 */
void ids_request(struct span *s, const struct http1_msg *m);

/* --- httptrace_traces.c: traces are merged when a link is found between their spans */
struct trace {
	uint8_t id[16];
	union {
		struct trace *into; /* merged, which is not given: look there. A reference */
		struct trace *hash_next; /* given: httptrace_traces.c's */
	};
	struct pile *pile; /* httptrace_hold.c's: its spans that wait; NULL: none */
	uint64_t last_ns; /* when one of its spans last began or ended */
	uint32_t refs;
	uint32_t spans, open; /* that are of it; that are not over */
	uint8_t given : 1; /* id stands in a header */
	uint8_t keep : 1; /* an error or a slow span is in it: --keep-errors, --keep-slow */
	uint8_t wanted : 1; /* parts of it were shown */
	uint8_t flushed : 1; /* ... before it was whole: the rest follows at once */
	uint8_t rate; /* httptrace_hold.c's: what --rate said to it */
};
struct trace *trace_new(const uint8_t id[16], bool given); /* NULL: no memory */
/* Of those that came with an id, the one that is alive: the same object for all spans with it. */
struct trace *trace_given(const uint8_t id[16]);
struct trace *trace_of(const struct span *s); /* shortens the way there */
/* child and parent are of one trace from now on: parent's, unless only child's id is given. */
void trace_link(struct span *child, struct span *parent);
struct trace *trace_get(struct trace *t);
void trace_put(struct trace *t);
/* Is this trace to be shown by --sample? The same for every span of it, and on every machine. */
bool trace_sampled(const struct trace *t);

/*
 * --- links. All are told of each request once its head is there, and of the span's end; parents
 * are set through link_set(), by the surest that is known.
 */
/* Sets parent (or NULL with parent_id alone), link and percent, if link is surer than what is
 * there. Merges traces. Never makes a circle: false, and nothing is changed. */
bool link_set(struct span *s, struct span *parent, enum span_link link, unsigned percent);
/* The head of a request was read (server) or sent (client). */
void links_request(struct span *s);
/*
 * A span is over, of either side: a server's can have no children any more but those that began
 * before; a client's tells its parent's thread to go on.
 */
void links_over(struct span *s);
/* A client connection's birth: connect() began, by who; before its first request. */
void links_connect(struct hop *h, const struct cap_who *who, uint64_t ns);
void links_finish(void);
/* Joins s with the other end's span, if that is there; else remembers it. */
void join_request(struct span *s);
void join_over(struct span *s); /* s is shown: it is looked for no more */
void join_finish(void);

/*
 * --- hold. A span that is over waits until its other end's is, or JOIN_NS are gone, so that its
 * parent and its trace are what they will be. With --tree, and with --sample together with
 * --keep-errors or --keep-slow, spans wait until none of their trace is open for QUIET_NS. Not more
 * than --max-held wait; beyond, the oldest trace is shown as it is. Order: by over_ns within a
 * trace.
 */
void hold_span(struct span *s); /* it is over; takes a reference */
void hold_tick(uint64_t now_ns);
void hold_finish(void); /* shows all that wait */
int hold_error(void); /* the first that an output function gave, -EPIPE aside, or 0 */
/* 1, or with --sample N: the number of spans that this one stands for. */
uint64_t hold_weight(const struct span *s);

/*
 * --- outputs; each decides by set.* whether it has anything to do. 0 or a negative errno.
 * show_span() is called for each that passes filters and sampling; it calls them.
 */
int rows_begin(void); /* the header, once nothing stands in the way of rows */
int rows_span(const struct span *s);
int csv_span(const struct span *s);
/* A trace is whole: its spans, by their beginning; all of them are kept until this returns. */
int tree_trace(struct span *const *spans, size_t n);
int table_init(void);
void table_span(const struct span *s); /* counts it */
int table_interval(bool last); /* shows the interval, and with last the total */
void table_finish(void);
int otlp_open(void); /* with privileges; resolves names */
int otlp_span(const struct span *s);
void otlp_tick(uint64_t now_ns);
struct otlp_stats {
	uint64_t spans; /* = sent + dropped, after otlp_close() */
	uint64_t own; /* not in spans: our own requests, as the collector received them */
	uint64_t sent, dropped, refused; /* refused: of those dropped, by the collector */
	uint64_t posts, retries;
};
extern struct otlp_stats otlp_stats;
int otlp_close(void);
/* --events: a connection's accept, connect, close, reset */
enum conn_event { CONN_ACCEPT, CONN_CONNECT, CONN_CLOSE, CONN_RESET, CONN_EVENTS };
/* h: what is kept of it, or NULL; h->spans says how many requests came. */
int events_conn(const struct cap_conn *c, const struct hop *h, enum conn_event what);

/* --- account: on_summary of struct run_tool */
bool account_summary(struct json *j, char *text, size_t size, void *ctx);

/* --- live */
int live_run(void);
#endif
