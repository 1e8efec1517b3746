/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TCPLAT_MODEL_H
#define TCPLAT_MODEL_H
/* What the parts of a replay share among themselves. */
#include "net.h"
#include "row.h"
#include "tcplat_parts.h"

/*
 * Connections by their two ends, network namespace and role: at most twice max are kept; then those
 * with the fewest turns go into other, until max are left.
 */
struct ends {
	struct conn_total *v;
	uint32_t *index; /* hash of the key -> 1 + place in v; 0: free */
	size_t n, max, mask;
	struct conn_total other; /* its sockets, open, turns and sums alone mean something */
};

/* Adds what one socket came to, or several. 0 or -ENOMEM. e->max is set by the caller before. */
int ends_add(struct ends *e, const struct conn_total *t);
/* Takes back a socket that was added, where no other has its ends. */
void ends_sub(struct ends *e, const struct conn_total *t);
/* Adds to what has no name. */
void ends_other(struct ends *e, const struct conn_total *t);
/* Leaves max, those with the most turns, and puts these first. */
void ends_sort(struct ends *e);
void ends_clear(struct ends *e);
void ends_free(struct ends *e);
/* A socket's record as a total. */
void ends_total(struct conn_total *t, const struct tl_conn_rec *r);

/* A duration in a COL_FN: UINT64_MAX is unknown; JSON in microseconds. */
void duration_cell(uint64_t ns, struct json *j, const char *key, char *buf, size_t size);
/* Two ends as text. */
void ends_text(char *local, char *remote, const struct flow *f);
/* Shares of a split in percent; 0 where there is nothing to share. */
struct percent {
	double local, network, remote;
};
struct percent split_percent(const struct split *s);
/* --- the busiest of the interval */

/*
 * c, with what is new of it, has its place if it is busy enough. h: its histogram now, or NULL;
 * before: its slots at the last poll, or NULL. 0 or -ENOMEM.
 */
int busiest_offer(struct conn *c, const struct tl_hist_rec *h, const uint32_t *before);
/*
 * It was polled and has closed now: if it has a place, adds to it what is new since, which is
 * little, and returns true.
 */
bool busiest_again(const struct conn *c);
void busiest_clear(void);
/*
 * Percentiles of slots, less before (NULL: nothing). c->max_ns, where it is UINT64_MAX, becomes the
 * edge of the highest slot.
 */
void conn_percentiles(struct conn *c, const uint32_t *slots, const uint32_t *before);

/* --- output */

/* A connection, in an interval or in all. */
struct conn_row {
	const struct conn *c;
	char local[NET_ENDPOINT_SIZE], remote[NET_ENDPOINT_SIZE], comm[16];
	uint32_t pid;
	double seconds; /* 0: unknown */
	uint64_t local_ns, network_ns, remote_ns; /* UINT64_MAX: no client's */
	uint64_t srtt_ns, min_rtt_ns;
	struct percent percent;
};
/* c within so many seconds (0: unknown), with what can be said of it at once. */
void conn_row(struct conn_row *r, const struct conn *c, double seconds);
extern const struct table conn_table;
/* a - b, never below 0: what a damaged recording says may not add up. */
static inline uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}
#endif
