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
/* Here it is a type; of our json.h, which the others include, a function. */
#define json_bool json_c_bool
#include <json-c/json.h>
#undef json_bool

#define TOO_LARGE (256 << 20) /* a report of a million connections is larger: name fewer */
#define DEPTH	  64 /* containers within containers; tcplat writes five */
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
	(*text)[*len] = '\0';
	return 0;
}

/* Where the text of len bytes is no JSON, and why. */
static int bad(const char *text, size_t len, size_t at, const char *why)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < len; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	return fail(-EINVAL, "line %zu, column %zu: %s", line, column,
		    at >= len ? "it ends in the middle" : why);
}

/* The one value in text, with its NUL. What may follow a value is looked at here: a NUL too. */
static int parse(struct saved *s, const char *text, size_t len)
{
	struct json_tokener *t = json_tokener_new_ex(DEPTH);
	enum json_tokener_error error;
	size_t end;
	int err = 0;

	if (!t)
		return fail(-ENOMEM, "%s is too large for memory", s->name);
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
					  JSON_TOKENER_ALLOW_TRAILING_CHARS);
	errno = 0;
	s->text = json_tokener_parse_ex(t, text, len + 1);
	error = json_tokener_get_error(t);
	end = json_tokener_get_parse_end(t);
	if (!s->text && errno == ENOMEM) /* json-c 0.16 calls it a success */
		err = fail(-ENOMEM, "%s is too large for memory", s->name);
	else if (error != json_tokener_success)
		err = bad(text, len, end, json_tokener_error_desc(error));
	else if (end != len)
		err = bad(text, len, end, "something follows the value");
	json_tokener_free(t);
	return err;
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
		err = parse(s, text, len);
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

/* NULL where v is no object or has no such member, or it is null. */
static struct json_object *member(const struct json_object *v, const char *key)
{
	struct json_object *m = NULL;

	json_object_object_get_ex(v, key, &m);
	return m;
}

static const char *word(const struct saved *s, const char *key)
{
	struct json_object *v = member(s->text, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "?";
}

/* NAN where v is no number: json-c would read one out of a string. */
static double number(const struct json_object *v)
{
	return json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double)
		       ? json_object_get_double(v)
		       : NAN;
}

static uint64_t whole(const struct json_object *v, uint64_t otherwise)
{
	return json_object_is_type(v, json_type_int) && json_object_get_int64(v) >= 0
		       ? json_object_get_uint64(v)
		       : otherwise;
}

/* Is it what it says, and do we know what its keys mean? */
static int check_kind(const struct saved *s)
{
	if (strcmp(word(s, "type"), "report"))
		return fail(-EINVAL, "%s is not a report: its type is \"%s\"", s->name,
			    word(s, "type"));
	if (strcmp(word(s, "tool"), "tcplat"))
		return fail(-EINVAL, "%s is a report of \"%s\", not of tcplat", s->name,
			    word(s, "tool"));
	if (number(member(s->text, "schema")) != REPORT_SCHEMA)
		return fail(-EINVAL,
			    "%s has another schema than %d, written by tcplat %s: compare reports "
			    "of one version",
			    s->name, REPORT_SCHEMA, word(s, "version"));
	return 0;
}

int saved_open(struct saved *s, const char *file)
{
	struct json_object *v;
	double seconds;
	int err;

	memset(s, 0, sizeof(*s));
	s->name = strcmp(file, "-") ? file : "stdin";
	err = read_file(s, file) ?: check_kind(s);
	if (err)
		return err;
	seconds = number(member(s->text, "duration_seconds"));
	s->seconds = isfinite(seconds) && seconds > 0 ? seconds : NAN;
	v = member(s->text, "complete");
	s->complete = json_object_is_type(v, json_type_boolean) && json_object_get_boolean(v);
	s->headline = word(s, "headline");
	s->backend = word(s, "backend");
	s->kernel = word(s, "kernel");
	s->version = word(s, "version");
	v = member(s->text, "sample");
	s->sample = whole(member(v, "connections_1_in"), 1);
	s->sample_turns = whole(member(v, "turns_1_in"), 1);
	if (!json_object_is_type(member(s->text, "metrics"), json_type_object))
		return fail(-EINVAL, "%s has no metrics: it is damaged", s->name);
	return 0;
}

void saved_close(struct saved *s)
{
	json_object_put(s->text);
	s->text = NULL;
}

static struct lh_table *metrics(const struct saved *s)
{
	return json_object_get_object(member(s->text, "metrics"));
}

const char *saved_next(const struct saved *s, const char *metric)
{
	struct lh_entry *e;

	e = metric ? lh_entry_next(lh_table_lookup_entry(metrics(s), metric))
		   : lh_table_head(metrics(s));
	return e ? lh_entry_k(e) : NULL;
}

bool saved_has(const struct saved *s, const char *metric)
{
	return lh_table_lookup_entry(metrics(s), metric);
}

/* A time of so many us, as ns. */
static int time_of(const struct saved *s, const struct json_object *in, const char *key,
		   uint64_t *ns)
{
	double us = number(member(in, key));

	if (!(us >= 0 && us * 1e3 <= MOST_NS))
		return fail(-EINVAL, "%s: %s is missing or no time: the report is damaged", s->name,
			    key);
	*ns = us * 1e3 + 0.5;
	return 0;
}

/* The last slot has no edge: it is named by the largest value. */
static int add_bucket(const struct saved *s, const struct json_object *b, struct hist *h)
{
	uint64_t le = whole(member(b, "le_ns"), UINT64_MAX);
	uint64_t n = whole(member(b, "count"), 0);
	unsigned int slot = hist_slot(le);

	if (le > MOST_NS || !n || n > 1ULL << 53 ||
	    (slot < HIST_SLOTS - 1 && hist_slot_max(slot) != le) || h->slot[slot])
		return fail(-EINVAL, "%s has a bucket that tcplat never writes: it is damaged",
			    s->name);
	h->slot[slot] = n;
	return 0;
}

int saved_hist(const struct saved *s, const char *metric, struct hist *h)
{
	struct json_object *m = member(member(s->text, "metrics"), metric);
	struct json_object *buckets = member(m, "buckets");
	bool is_array = json_object_is_type(buckets, json_type_array);
	uint64_t n = whole(member(m, "count"), UINT64_MAX);
	int err = 0;

	hist_init(h);
	for (size_t i = 0; is_array && i < json_object_array_length(buckets) && !err; i++)
		err = add_bucket(s, json_object_array_get_idx(buckets, i), h);
	if (err)
		return err;
	if (!is_array || n != hist_count(h))
		return fail(-EINVAL,
			    "%s: the buckets of %s have not as many values as it counts: "
			    "the report is damaged",
			    s->name, metric);
	if (!n)
		return 0;
	err = time_of(s, m, "min_us", &h->min);
	err = err ?: time_of(s, m, "max_us", &h->max);
	err = err ?: time_of(s, m, "sum_us", &h->sum);
	if (!err && h->min > h->max)
		err = fail(-EINVAL, "%s: the least %s is above the most: the report is damaged",
			   s->name, metric);
	return err;
}

int saved_split(const struct saved *s, struct split *split)
{
	struct json_object *v = member(s->text, "split");
	int err;

	split->n = whole(member(v, "turns"), 0);
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
