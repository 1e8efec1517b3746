/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSNIFF_PARTS_H
#define HTTPSNIFF_PARTS_H
/*
 * httpsniff's user half in parts:
 *   httpsniff.c         options, main
 *   httpsniff_live.c    the life of a run
 *   httpsniff_msg.c     from common/capture to struct message: bodies, raw bytes, whose response
 *   httpsniff_raw.c     the bytes as on the wire, kept until their message ends
 *   httpsniff_select.c  filters of messages, --rate, --dedupe; counts what they leave out
 *   httpsniff_rows.c    JSON lines, and the lines of text
 *   httpsniff_pretty.c  --pretty
 *   httpsniff_har.c     --har
 *   httpsniff_pcapng.c  --pcapng
 *   httpsniff_account.c the closing account
 * Kernel half and backends: bpf/capture*.bpf.h, common/capload.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../common/capture.h" /* -Ibpf has one of that name, too */
#include "json.h"
#include "opts.h"
#include "redact.h"

struct settings {
	uint64_t max_header; /* bytes of a head */
	const char *max_body_text; /* "64K", "0", "all" */
	uint64_t max_body; /* bytes of a body that are shown; UINT64_MAX: all */
	bool raw, pretty, anomalies, dedupe, no_redact, unix_sockets;
	const char *color; /* "auto", "always", "never" */
	const char *har, *pcapng;
	const char *direction; /* "both", "send", "recv" */
	struct opt_list methods, paths, hosts, statuses; /* as given */
	struct opt_list redact_headers, redact_params;
	uint64_t min_size; /* bytes on the wire */
	uint64_t sample, rate;
	uint64_t ring_kib;
	uint64_t max_conns;
};
extern struct settings set;
extern struct redact redact; /* the names to be masked */

/* What is kept of a request for the response that answers it. */
struct request {
	char *method, *url, *host; /* owned; redacted unless --no-redact; NULL: not known */
	size_t method_len, url_len, host_len; /* they may hold any byte */
	uint64_t number;
	uint32_t refs;
	bool passed; /* the filters that look at requests let it through */
	void *har; /* httpsniff_har.c's: its half of an entry; see har_unanswered() */
};

/* A message that is over. All pointers are valid until the output functions return. */
struct message {
	struct cap_conn *conn;
	const struct http1_msg *m; /* text and headers in it are not redacted: see below */
	struct cap_who who; /* of its head's last byte */
	uint64_t time_ns, end_ns; /* wall clock, ns since the epoch: first and last byte */
	uint64_t sequence; /* of all messages of the run, from 1, in the order of their ends */
	/*
	 * The head as on the wire, redacted unless --no-redact, with the same length as m->text:
	 * spans of m (method, target, reason, headers) are spans of it too.
	 */
	const char *text;
	/* Of a request: its own. Of a response: those of the request that it answers, or NULL. */
	struct request *request;
	/* The body, de-chunked and decoded, cut at --max-body. */
	const char *body;
	size_t body_len;
	uint64_t body_size; /* decoded bytes there were, as far as they came by; >= body_len */
	bool body_text; /* it is UTF-8; else it is shown as base64 */
	const char *body_coding; /* Content-Encoding that was not undone ("br"), or NULL */
	const char *decoding; /* what went wrong in decoding ("truncated", "ratio" ...), or NULL */
	bool truncated; /* head or body are longer than what is shown */
	uint64_t bytes; /* on the wire, without lost_bytes */
	bool complete; /* all of it went by, and nothing of it is lost */
	uint64_t lost_bytes; /* lost, or unreadable, of this message */
	const char *lost_cause; /* "lost", "io_uring" ..., of the first of them; NULL: none */
	/* As on the wire, redacted; only where set.raw or set.pcapng asks for it, else NULL. */
	const char *raw;
	size_t raw_len; /* cut at max_header + max_body */
};

/* A hole in a connection. */
struct gap {
	struct cap_conn *conn;
	struct cap_who who;
	uint64_t time_ns;
	int dir;
	uint64_t position, bytes; /* 0 bytes: an unknown number */
	enum cap_cause cause;
};

/* What a connection turned out to carry: TLS, HTTP/2, a tunnel, another protocol by upgrade. */
struct notice {
	struct cap_conn *conn;
	struct cap_who who;
	uint64_t time_ns;
	int dir;
	enum http1_other what;
	const char *name; /* SNI, or the protocol of an upgrade; NULL: none */
	size_t name_len;
};

/* --- messages */
int messages_init(void); /* after select_init(); capture_init() with this tool's ops, as that */
/*
 * on_record of struct run_tool: capture_record(), and what the output functions had to say, but
 * -EPIPE, which row_flush() tells.
 */
int messages_record(uint32_t type, const void *data, size_t len, void *ctx);
/*
 * capture_finish(), select_finish() and what comes after them; the first error of an output
 * function, or 0.
 */
int messages_finish(void);
struct msg_stats {
	uint64_t messages; /* ended; = shown + each cause below */
	uint64_t shown;
	uint64_t filtered; /* by --method ... --anomalies, --direction */
	uint64_t rate_limited, deduped, over_max; /* over_max: beyond --max-events */
	uint64_t no_memory; /* to show it with */
	uint64_t incomplete; /* of shown: complete is false */
	uint64_t unanswered, gaps, notices;
	uint64_t bytes; /* on the wire, of all messages, without lost ones */
	uint64_t unread; /* in messages: that went by, but could not be read */
	uint64_t lost; /* in messages or between them */
};
extern struct msg_stats msg_stats;

/*
 * --- raw bytes of one direction, as long as their message is not over; all zero is a new one. What
 * is kept are the first bytes of the message under way, and all of the piece that came last, for
 * other messages may begin in it.
 */
struct raw {
	char *buf; /* owned */
	size_t cap, at; /* at: where in buf the kept bytes begin; the last piece is behind them */
	size_t kept, piece; /* their lengths */
	uint64_t pos, piece_pos; /* their positions */
	bool closed; /* there was a hole: the piece does not go on where kept ends */
};
/* The next piece; data NULL: a hole. max: bytes of one message that are wanted. */
void raw_add(struct raw *r, uint64_t pos, const void *data, uint64_t len, uint64_t max);
/* What stands before pos is of no message that is still under way. */
void raw_drop(struct raw *r, uint64_t pos);
/*
 * The bytes of [begin, end) that are kept: *len of them, from begin on, at most max; NULL: none.
 * Valid until the next call; the caller may mask them in place, and calls raw_done().
 */
char *raw_take(struct raw *r, uint64_t begin, uint64_t end, uint64_t max, size_t *len);
/* The message that ends there is over. */
void raw_done(struct raw *r, uint64_t end);
void raw_free(struct raw *r);

/* --- selection */
int select_init(void); /* parses set.methods ...; -EINVAL with text */
/* Is this message to be shown? Counts the reason when it is not. It may lack text, body and raw. */
bool select_message(const struct message *msg);
bool select_gap(const struct gap *g);
/* Do the filters that look at requests let this one through? */
bool select_request(const struct request *r);
void select_finish(void);

/* --- output: each decides by set.* whether it has anything to do. 0 or a negative errno. */
int rows_message(const struct message *msg);
int rows_gap(const struct gap *g);
int rows_notice(const struct notice *n);
/* --pretty, to stdout, through row_text(). */
int pretty_init(void);
int pretty_message(const struct message *msg);
int pretty_gap(const struct gap *g);
int pretty_notice(const struct notice *n);
/*
 * FILE is opened (with privileges), written to as messages come, and ended with what makes it
 * whole.
 */
int har_open(const char *file);
int har_message(const struct message *msg);
/* No response will come to r, which is about to be freed. Called where r->har is set only. */
int har_unanswered(struct request *r);
int har_close(void);
int pcapng_open(const char *file); /* "-": standard output, which then has nothing else */
int pcapng_message(const struct message *msg);
int pcapng_gap(const struct gap *g);
int pcapng_gone(struct cap_conn *c, bool reset, uint64_t time_ns); /* FIN or RST */
int pcapng_close(void);

/* --- account: on_summary of struct run_tool */
bool account_summary(struct json *j, char *text, size_t size, void *ctx);

/* --- live */
int live_run(void);
#endif
