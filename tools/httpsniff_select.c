// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which messages are shown, and how many were not, by reason.
 */
#include "httpsniff_select.h"
#include "glob.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct {
	bool of_requests, of_statuses; /* is there such a filter? */
	bool status[1000];
	int dir; /* -1: both */
	char **hosts; /* in small letters */
	char *text; /* for globs: room for a head, and a NUL */
	uint64_t second, passed; /* --rate: of this second so many were let through */
} sel;

/* Three digits; 0: they are not there. */
static int three(const char *s)
{
	int n = 0;

	for (int i = 0; i < 3; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		n = n * 10 + (s[i] - '0');
	}
	return n;
}

/* "404", "5xx", "500-599": *low to *high. */
static bool parse_status(const char *s, int *low, int *high)
{
	bool range = strlen(s) == 7 && s[3] == '-';

	if (s[0] >= '1' && s[0] <= '9' && !strcasecmp(s + 1, "xx")) {
		*low = (s[0] - '0') * 100;
		*high = *low + 99;
		return true;
	}
	if (strlen(s) != 3 && !range)
		return false;
	*low = three(s);
	*high = range ? three(s + 4) : *low;
	return *low >= 100 && *low <= *high;
}

static int init_statuses(void)
{
	int low, high;

	for (size_t i = 0; i < set.statuses.n; i++) {
		if (!parse_status(set.statuses.v[i], &low, &high))
			return fail(-EINVAL,
				    "--status %s: a status (404), a class of them (5xx) or a range "
				    "(500-599) is wanted",
				    set.statuses.v[i]);
		for (; low <= high; low++)
			sel.status[low] = true;
	}
	sel.of_statuses = set.statuses.n;
	return 0;
}

static void small_letters(char *s)
{
	for (; *s; s++)
		*s = *s >= 'A' && *s <= 'Z' ? *s | 0x20 : *s;
}

static int init_globs(void)
{
	sel.text = malloc(set.max_header + 1);
	sel.hosts = calloc(set.hosts.n + 1, sizeof(*sel.hosts));
	if (!sel.text || !sel.hosts)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < set.hosts.n; i++) {
		sel.hosts[i] = strdup(set.hosts.v[i]);
		if (!sel.hosts[i])
			return fail(-ENOMEM, "out of memory");
		small_letters(sel.hosts[i]);
	}
	return 0;
}

int select_init(void)
{
	int err = init_statuses() ?: init_globs();

	sel.of_requests = set.methods.n || set.paths.n || set.hosts.n;
	sel.dir = strcmp(set.direction, "both")
			  ? strcmp(set.direction, "send") ? CAP_RECV : CAP_SEND
			  : -1;
	if (!err && set.dedupe)
		err = dedupe_init();
	return err;
}

void select_finish(void)
{
	for (size_t i = 0; sel.hosts && sel.hosts[i]; i++)
		free(sel.hosts[i]);
	free(sel.hosts);
	free(sel.text);
	memset(&sel, 0, sizeof(sel));
	dedupe_free();
}

/* A copy that globs can be held against: a NUL in it becomes another byte that nobody looks for. */
static const char *as_text(const char *s, size_t n)
{
	n = n < set.max_header ? n : set.max_header;
	for (size_t i = 0; i < n; i++)
		sel.text[i] = s[i] ? s[i] : 1;
	sel.text[n] = '\0';
	return sel.text;
}

static bool matches_one(char **globs, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (glob_matches(globs[i], text))
			return true;
	}
	return false;
}

static bool method_passes(const struct request *r)
{
	for (size_t i = 0; i < set.methods.n; i++) {
		if (strlen(set.methods.v[i]) == r->method_len &&
		    !memcmp(set.methods.v[i], r->method, r->method_len))
			return true;
	}
	return !set.methods.n;
}

static const char *skip_to(const char *s, const char *end, const char *stop, size_t n)
{
	while (s < end && !memchr(stop, *s, n))
		s++;
	return s;
}

/* Of "http://host/path?query" or "/path?query", the path; of an authority alone, nothing. */
static bool path_passes(const struct request *r)
{
	const char *s = r->url, *end = s + r->url_len, *at;

	if (!set.paths.n)
		return true;
	if (s < end && *s != '/' && *s != '*') {
		at = memmem(s, r->url_len, "://", 3);
		s = at ? skip_to(at + 3, end, "/?#", 3) : end;
		/* RFC 9110, 4.2.3: an empty path is "/". */
		if (at && (s == end || *s != '/'))
			return matches_one(set.paths.v, set.paths.n, "/");
	}
	at = skip_to(s, end, "?#", 2);
	return matches_one(set.paths.v, set.paths.n, as_text(s, at - s));
}

/* "[::1]:80" is ::1 */
static bool host_passes(const struct request *r)
{
	const char *s = r->host, *end = s + r->host_len, *at;

	if (!set.hosts.n)
		return true;
	if (!s)
		return false;
	s += *s == '[';
	at = memchr(s, s > r->host ? ']' : ':', end - s);
	end = at ?: end;
	as_text(s, end - s);
	small_letters(sel.text);
	return matches_one(sel.hosts, set.hosts.n, sel.text);
}

bool select_request(const struct request *r)
{
	return !sel.of_requests || (method_passes(r) && path_passes(r) && host_passes(r));
}

static bool filters_pass(const struct message *msg)
{
	const struct http1_msg *m = msg->m;

	if (sel.of_requests && !(msg->request && msg->request->passed))
		return false;
	if (sel.of_statuses && (m->request || m->status > 999 || !sel.status[m->status]))
		return false;
	return m->wire_bytes >= set.min_size && (!set.anomalies || m->anomalies);
}

/* Messages end nearly in order: one that is late counts in the second at hand. */
static bool rate_passes(const struct message *msg)
{
	uint64_t second = msg->end_ns / 1000000000;

	if (!set.rate)
		return true;
	if (second > sel.second) {
		sel.second = second;
		sel.passed = 0;
	}
	if (sel.passed >= set.rate)
		return false;
	sel.passed++;
	return true;
}

static bool count(uint64_t *reason)
{
	++*reason;
	return false;
}

bool select_message(const struct message *msg)
{
	if ((sel.dir >= 0 && msg->m->dir != sel.dir) || !filters_pass(msg))
		return count(&msg_stats.filtered);
	if (set.dedupe && dedupe_seen(msg))
		return count(&msg_stats.deduped);
	if (!rate_passes(msg))
		return count(&msg_stats.rate_limited);
	if (std.max_events && msg_stats.shown >= std.max_events)
		return count(&msg_stats.over_max);
	return true;
}

bool select_gap(const struct gap *g)
{
	return sel.dir < 0 || g->dir == sel.dir;
}
