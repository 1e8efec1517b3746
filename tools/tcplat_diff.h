/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TCPLAT_DIFF_H
#define TCPLAT_DIFF_H
/* A report that was written earlier, as --diff reads it. */
#include "tcplat_report.h"

struct json_object; /* json-c's: its header is included by the reader alone */

struct saved {
	const char *name; /* the file's, for people */
	struct json_object *text; /* all of it; what the other members point to is in it */
	double seconds; /* its duration; NAN: unknown */
	bool complete;
	const char *headline, *backend, *kernel, *version; /* "?" where it says nothing */
	uint64_t sample, sample_turns;
};

/* Reads a file, or stdin for "-". 0 or -errno with text. saved_close() also after an error. */
int saved_open(struct saved *s, const char *file);
void saved_close(struct saved *s);
/* The name of the metric after that one, of the first after NULL. s owns it. NULL: no more. */
const char *saved_next(const struct saved *s, const char *metric);
bool saved_has(const struct saved *s, const char *metric);
/* Takes a metric that it has apart. 0, or -EINVAL with text where it contradicts itself. */
int saved_hist(const struct saved *s, const char *metric, struct hist *h);
/* Likewise of the split. */
int saved_split(const struct saved *s, struct split *split);

/* "same", "slower", "faster" or "unclear": b's p-th quantile against a's. NULL: unknown. */
const char *diff_quantile(const struct hist *a, const struct hist *b, double p);
/* How far apart the two distributions are. */
struct distance {
	double d, bound; /* NAN: unknown */
	const char *verdict;
};
struct distance diff_distance(const struct hist *a, const struct hist *b);
#endif
