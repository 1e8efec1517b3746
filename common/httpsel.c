// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "httpsel.h"
#include "glob.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

static int init_statuses(struct httpsel *s)
{
	const struct opt_list *l = &s->given.statuses;
	int low, high;

	for (size_t i = 0; i < l->n; i++) {
		if (!parse_status(l->v[i], &low, &high))
			return fail(-EINVAL,
				    "--status %s: a status (404), a class of them (5xx) or a range "
				    "(500-599) is wanted",
				    l->v[i]);
		for (; low <= high; low++)
			s->status[low] = true;
	}
	s->of_statuses = l->n;
	return 0;
}

static void small_letters(char *s)
{
	for (; *s; s++)
		*s = *s >= 'A' && *s <= 'Z' ? *s | 0x20 : *s;
}

static int init_globs(struct httpsel *s)
{
	const struct opt_list *l = &s->given.hosts;

	s->text = malloc(s->given.max_text + 1);
	s->hosts = calloc(l->n + 1, sizeof(*s->hosts));
	if (!s->text || !s->hosts)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < l->n; i++) {
		s->hosts[i] = strdup(l->v[i]);
		if (!s->hosts[i])
			return fail(-ENOMEM, "out of memory");
		small_letters(s->hosts[i]);
	}
	return 0;
}

int httpsel_init(struct httpsel *s, const struct httpsel_given *given)
{
	memset(s, 0, sizeof(*s));
	s->given = *given;
	s->of_requests = given->methods.n || given->paths.n || given->hosts.n;
	return init_statuses(s) ?: init_globs(s);
}

void httpsel_free(struct httpsel *s)
{
	for (size_t i = 0; s->hosts && s->hosts[i]; i++)
		free(s->hosts[i]);
	free(s->hosts);
	free(s->text);
	memset(s, 0, sizeof(*s));
}

/* A copy that globs can be held against: a NUL in it becomes another byte that nobody looks for. */
static char *as_text(struct httpsel *sel, const char *s, size_t n)
{
	n = n < sel->given.max_text ? n : sel->given.max_text;
	for (size_t i = 0; i < n; i++)
		sel->text[i] = s[i] ? s[i] : 1;
	sel->text[n] = '\0';
	return sel->text;
}

static bool matches_one(char **globs, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (glob_matches(globs[i], text))
			return true;
	}
	return false;
}

static bool method_passes(const struct opt_list *l, const struct httpsel_request *r)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strlen(l->v[i]) == r->method_len && !memcmp(l->v[i], r->method, r->method_len))
			return true;
	}
	return !l->n;
}

static const char *skip_to(const char *s, const char *end, const char *stop, size_t n)
{
	while (s < end && !memchr(stop, *s, n))
		s++;
	return s;
}

/* Of "http://host/path?query" or "/path?query", the path; of an authority alone, nothing. */
static bool path_passes(struct httpsel *sel, const struct httpsel_request *r)
{
	const char *s = r->url, *end = s + r->url_len, *at;
	const struct opt_list *l = &sel->given.paths;

	if (!l->n)
		return true;
	if (s < end && *s != '/' && *s != '*') {
		at = memmem(s, r->url_len, "://", 3);
		s = at ? skip_to(at + 3, end, "/?#", 3) : end;
		/* RFC 9110, 4.2.3: an empty path is "/". */
		if (at && (s == end || *s != '/'))
			return matches_one(l->v, l->n, "/");
	}
	at = skip_to(s, end, "?#", 2);
	return matches_one(l->v, l->n, as_text(sel, s, at - s));
}

/* "[::1]:80" is ::1 */
static bool host_passes(struct httpsel *sel, const struct httpsel_request *r)
{
	const char *s = r->host, *end = s + r->host_len, *at;
	char *text;

	if (!sel->given.hosts.n)
		return true;
	if (!s)
		return false;
	s += s < end && *s == '[';
	at = memchr(s, s > r->host ? ']' : ':', end - s);
	end = at ?: end;
	text = as_text(sel, s, end - s);
	small_letters(text);
	return matches_one(sel->hosts, sel->given.hosts.n, text);
}

bool httpsel_request(struct httpsel *s, const struct httpsel_request *r)
{
	return !s->of_requests ||
	       (method_passes(&s->given.methods, r) && path_passes(s, r) && host_passes(s, r));
}

bool httpsel_status(const struct httpsel *s, unsigned status)
{
	return !s->of_statuses || (status <= 999 && s->status[status]);
}
