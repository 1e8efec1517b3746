// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Reads a report back. It may come from anywhere: nothing in it is believed that can be checked.
 */
#include "tcplat_diff.h"
#include "log.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOO_LARGE (256 << 20) /* a report of a million connections is larger: name fewer */
#define MOST_NS	  1e18 /* 32 years; of sums too */

/* All of f, NUL-terminated, to be freed. */
static int read_all(FILE *f, const char *name, char **text, size_t *len)
{
	size_t cap = 0;

	*text = NULL;
	*len = 0;
	do {
		char *more = NULL;

		cap = cap ? cap * 2 : 1 << 16;
		if (cap <= TOO_LARGE)
			more = realloc(*text, cap);
		if (!more)
			return fail(-EFBIG, "%s is too large for a report", name);
		*text = more;
		*len += fread(*text + *len, 1, cap - *len, f);
	} while (*len == cap);
	if (ferror(f))
		return fail(-errno, "cannot read %s: %s", name, strerror(errno));
	return 0;
}

static int read_file(struct saved *s, const char *file)
{
	bool is_stdin = !strcmp(file, "-");
	FILE *f = is_stdin ? stdin : fopen(file, "re");
	char *text = NULL;
	size_t len = 0;
	int err;

	if (!f)
		return fail(-errno, "cannot open %s: %s", file, strerror(errno));
	err = read_all(f, s->name, &text, &len);
	if (!err)
		err = jsonread(&s->text, text, len);
	if (err == -EINVAL)
		fail(err,
		     "%s is not a report: %s; tcplat -o FILE writes one, and from its -j output "
		     "jq 'select(.type == \"report\")' takes it",
		     s->name, fail_text(err));
	free(text);
	if (!is_stdin)
		fclose(f);
	return err;
}

static const struct jval *get(const struct saved *s, const char *key)
{
	return jval_get(&s->text, s->text.vals, key);
}

static const char *word(const struct saved *s, const char *key)
{
	return jval_str(get(s, key)) ?: "?";
}

/* Is it what it says, and do we know what its keys mean? */
static int check_kind(const struct saved *s)
{
	const struct jval *schema = get(s, "schema");

	if (strcmp(word(s, "type"), "report"))
		return fail(-EINVAL, "%s is not a report: its type is \"%s\"", s->name,
			    word(s, "type"));
	if (strcmp(word(s, "tool"), "tcplat"))
		return fail(-EINVAL, "%s is a report of \"%s\", not of tcplat", s->name,
			    word(s, "tool"));
	if (!schema || schema->kind != JVAL_NUM || schema->num != REPORT_SCHEMA)
		return fail(-EINVAL,
			    "%s has another schema than %d, written by tcplat %s: compare reports "
			    "of one version",
			    s->name, REPORT_SCHEMA, word(s, "version"));
	return 0;
}

static uint64_t whole(const struct jval *v, uint64_t otherwise)
{
	return v && v->kind == JVAL_NUM && v->whole ? v->u : otherwise;
}

int saved_open(struct saved *s, const char *file)
{
	const struct jval *v;
	int err;

	memset(s, 0, sizeof(*s));
	s->name = strcmp(file, "-") ? file : "stdin";
	err = read_file(s, file) ?: check_kind(s);
	if (err)
		return err;
	v = get(s, "duration_seconds");
	s->seconds = v && v->kind == JVAL_NUM && v->num > 0 ? v->num : NAN;
	v = get(s, "complete");
	s->complete = v && v->kind == JVAL_BOOL && v->b;
	s->headline = word(s, "headline");
	s->backend = word(s, "backend");
	s->kernel = word(s, "kernel");
	s->version = word(s, "version");
	v = get(s, "sample");
	s->sample = whole(jval_get(&s->text, v, "connections_1_in"), 1);
	s->sample_turns = whole(jval_get(&s->text, v, "turns_1_in"), 1);
	v = get(s, "metrics");
	if (!v || v->kind != JVAL_OBJECT)
		return fail(-EINVAL, "%s has no metrics: it is damaged", s->name);
	return 0;
}

void saved_close(struct saved *s)
{
	jsonread_free(&s->text);
}

const struct jval *saved_metrics(const struct saved *s)
{
	return get(s, "metrics");
}

/* A time of so many us, as ns. */
static int time_of(const struct saved *s, const struct jval *in, const char *key, uint64_t *ns)
{
	const struct jval *v = jval_get(&s->text, in, key);

	if (!v || v->kind != JVAL_NUM || !(v->num >= 0) || v->num * 1e3 > MOST_NS)
		return fail(-EINVAL, "%s: %s is missing or no time: the report is damaged", s->name,
			    key);
	*ns = v->num * 1e3 + 0.5;
	return 0;
}

/* The last slot has no edge: it is named by the largest value. */
static int add_bucket(const struct saved *s, const struct jval *b, struct hist *h)
{
	uint64_t le = whole(jval_get(&s->text, b, "le_ns"), UINT64_MAX);
	uint64_t n = whole(jval_get(&s->text, b, "count"), 0);
	unsigned int slot = hist_slot(le);

	if (le > MOST_NS || !n || n > 1ULL << 53 ||
	    (slot < HIST_SLOTS - 1 && hist_slot_max(slot) != le) || h->slot[slot])
		return fail(-EINVAL, "%s has a bucket that tcplat never writes: it is damaged",
			    s->name);
	h->slot[slot] = n;
	return 0;
}

int saved_hist(const struct saved *s, const struct jval *m, struct hist *h)
{
	const struct jval *buckets = jval_get(&s->text, m, "buckets");
	uint64_t n = whole(jval_get(&s->text, m, "count"), UINT64_MAX);
	int err;

	hist_init(h);
	for (const struct jval *b = jval_first(&s->text, buckets); b; b = jval_next(&s->text, b)) {
		err = add_bucket(s, b, h);
		if (err)
			return err;
	}
	if (!buckets || n != hist_count(h))
		return fail(-EINVAL,
			    "%s: the buckets of %s have not as many values as it counts: "
			    "the report is damaged",
			    s->name, m->key);
	if (!n)
		return 0;
	err = time_of(s, m, "min_us", &h->min);
	err = err ?: time_of(s, m, "max_us", &h->max);
	err = err ?: time_of(s, m, "sum_us", &h->sum);
	if (!err && h->min > h->max)
		err = fail(-EINVAL, "%s: the least %s is above the most: the report is damaged",
			   s->name, m->key);
	return err;
}

int saved_split(const struct saved *s, struct split *split)
{
	const struct jval *v = get(s, "split");
	int err;

	split->n = whole(jval_get(&s->text, v, "turns"), 0);
	err = time_of(s, v, "total_sum_us", &split->total_ns);
	err = err ?: time_of(s, v, "local_sum_us", &split->local_ns);
	err = err ?: time_of(s, v, "network_sum_us", &split->network_ns);
	if (!err && (split->local_ns > split->total_ns ||
		     split->network_ns > split->total_ns - split->local_ns))
		err = fail(-EINVAL,
			   "%s: the parts of the split are more than the whole: the report "
			   "is damaged",
			   s->name);
	return err;
}
