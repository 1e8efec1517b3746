/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPTRACE_ROWS_H
#define HTTPTRACE_ROWS_H
/*
 * What lines of text, JSON lines, --csv, --events and --tree share. Bytes handed out are as they
 * came: hostile.
 */
#include "httptrace_parts.h"
#include "decimal.h"
#include "net.h"
#include "row.h"
#include "route.h"
#include <string.h>

/* n bytes at s; s is NULL where there is nothing. */
struct text {
	const char *s;
	size_t n;
};

#define ROUTE_MAX 256 /* bytes of a route: longer ones are cut, and counted together */

/* Tables are wanted, not single rows. */
static inline bool aggregating(void)
{
	return std.interval_ns || set.histogram;
}

/* Do single rows go to standard output as text? */
static inline bool text_wanted(void)
{
	bool otlp = set.otlp && !strcmp(set.otlp, "-"); /* it has standard output then */

	return !std.json && !set.csv && !set.tree && !otlp && !aggregating();
}

/* And as JSON to wherever that goes? */
static inline bool json_wanted(void)
{
	return row_json() && (std.output || !aggregating());
}

/* The process's name, as far as it is known, or else the thread's. */
static inline struct text comm_of(const struct span *s)
{
	const struct cap_who *w = s->who;
	const char *comm = w->task->comm[0] ? w->task->comm : w->comm;

	return (struct text){comm, strnlen(comm, sizeof(w->comm))};
}

/* --- httptrace_ends.c: the two ends of a connection, as text that needs no escaping */
#define END_SIZE (NET_ENDPOINT_SIZE + 8)
struct ends {
	char client[END_SIZE], server[END_SIZE]; /* "10.0.0.1:80", "unix:77"; "": unknown */
	uint8_t client_len, server_len;
};
/* role: enum cap_role; all but a server count as clients. Valid until the next call. */
const struct ends *ends_of(uint64_t id, const struct flow *flow, uint64_t peer, int proto,
			   int role);

/* --- httptrace_fields.c: the plain values of a transaction, in the order of their columns */
struct view {
	const struct span *s;
	struct span_times t;
	char word[40]; /* of the value at hand */
	char route[ROUTE_MAX];
};
void view_of(struct view *v, const struct span *s);

enum value_kind {
	VALUE_NONE, /* not known, or there is none */
	VALUE_NUMBER,
	VALUE_WORD, /* text of this tool, which nothing in JSON or CSV has to escape */
	VALUE_TEXT, /* hostile */
	VALUE_PERCENT, /* n of 100, shown as a share: 0.95 */
	VALUE_BOOL,
};
struct value {
	enum value_kind kind;
	uint64_t n;
	struct text text;
};
struct field {
	const char *key, *head; /* head: ,"key": */
	uint8_t key_len, head_len;
	bool promised; /* null where there is none; others are left out of JSON */
	struct value (*get)(struct view *v); /* text is valid until the next get() */
};
extern const struct field fields[];
extern const size_t nfields;
/* "0.95": at most 4 bytes, no NUL; returns behind them. */
char *put_percent(char *p, uint64_t percent);

/* --- httptrace_line.c: the cells of a line of text */
struct line {
	char *buf; /* owned, of cap bytes */
	size_t len, cap;
	size_t at, want; /* characters: where the line is, and where it ought to be */
	bool failed; /* no memory */
};
/* What stands left of method and URL. */
struct lead {
	uint64_t wall_ns;
	const char *role;
	uint32_t pid;
	struct text comm;
	const char *state; /* status, or what happened */
	uint64_t total_us, wait_us, other_us; /* UINT64_MAX: not known */
};
void line_begin(struct line *l, const struct lead *lead);
#define METHOD_W 4
/* A cell, aligned to the left. */
void line_cell(struct line *l, struct text t, size_t width);
int line_end(struct line *l);
/* Milliseconds in at most 6 characters up to 99999; "-" for UINT64_MAX. No NUL. */
char *put_ms(char *p, uint64_t us);
/* Prints the header line of rows. */
void lead_header(void);

/*
 * t as text_escape() has it, without a NUL; t itself where it needs nothing. NULL: no memory. Valid
 * until the next call.
 */
const char *escaped(struct text t, size_t *n);

/* --- httptrace_rows.c */
/* "200", or how it ended; dst needs 8 bytes. */
char *state_text(char *dst, const struct span *s);

int csv_header(void); /* --csv's first line */
void tree_init(void);
#endif
