// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nearest.h"

#define FAR INT_MAX
/* More edits than this are another name. Also the half width of the band of the distance table. */
#define EDITS_MAX 6

/*
 * What people leave out or get wrong is left out of the comparison: case, (*) around a receiver,
 * type arguments and wildcards.
 */
static bool fold(char *dst, const char *src)
{
	size_t n = 0;
	int depth = 0;

	for (; *src; src++) {
		if (*src == '[')
			depth++;
		if (!depth && !strchr("(*)?", *src)) {
			if (n + 1 >= NEAREST_LEN)
				return false;
			if (!strncmp(src, "%2e", 3)) {
				dst[n++] = '.';
				src += 2;
			} else {
				dst[n++] = (char)tolower((unsigned char)*src);
			}
		}
		if (*src == ']' && depth)
			depth--;
	}
	dst[n] = 0;
	return n > 0;
}

/* The name as it would be asked for: type arguments become [...]. */
static bool ask_for(char *dst, const char *src)
{
	size_t n = 0;
	int depth = 0;

	for (; *src; src++) {
		if (n + 6 >= NEAREST_LEN)
			return false;
		if (*src == '[' && !depth++) {
			memcpy(dst + n, "[...]", 5);
			n += 5;
		}
		if (!depth)
			dst[n++] = *src;
		if (*src == ']' && depth)
			depth--;
	}
	dst[n] = 0;
	return true;
}

/*
 * area::shape::compute(int) -> 4area5shape7compute, which both C++ and Rust have in their mangled
 * names.
 */
static void mangle(char *dst, size_t size, const char *want)
{
	size_t len, n = 0;

	*dst = 0;
	if (!strstr(want, "::"))
		return;
	while (*want && *want != '(') {
		len = strcspn(want, ":(<");
		if (len && n < size)
			n += (size_t)snprintf(dst + n, size - n, "%zu%.*s", len, (int)len, want);
		want += len;
		if (*want == '<')
			want += strcspn(want, ">");
		want += strspn(want, ":>");
	}
	if (n >= size)
		*dst = 0;
}

void nearest_init(struct nearest *n, const char *want)
{
	memset(n, 0, sizeof(*n));
	if (!fold(n->want, want))
		n->want[0] = 0;
	mangle(n->mangled, sizeof(n->mangled), want);
}

static int edits_allowed(size_t len)
{
	size_t k = 1 + len / 6;

	return k < EDITS_MAX ? (int)k : EDITS_MAX;
}

/*
 * Edit distance, or FAR beyond max: only the band of the table within max of its diagonal is
 * filled.
 */
static int distance(const char *a, size_t la, const char *b, size_t lb, int max)
{
	int row[NEAREST_LEN + 1], up, diag, low;
	size_t i, j, from, to;

	if ((la > lb ? la - lb : lb - la) > (size_t)max)
		return FAR;
	for (j = 0; j <= lb; j++)
		row[j] = (int)j;
	for (i = 1; i <= la; i++) {
		from = i > (size_t)max ? i - max : 1;
		to = i + max < lb ? i + max : lb;
		diag = row[from - 1];
		low = row[from - 1] = from == 1 ? (int)i : max + 1;
		for (j = from; j <= to; j++) {
			up = j == i + max ? max + 1 : row[j];
			row[j] = diag + (a[i - 1] != b[j - 1]);
			diag = up;
			if (up + 1 < row[j])
				row[j] = up + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			if (row[j] < low)
				low = row[j];
		}
		if (low > max)
			return FAR;
	}
	return row[lb] <= max ? row[lb] : FAR;
}

static const char *last_part(const char *s)
{
	const char *dot = strrchr(s, '.');

	return dot && dot[1] ? dot + 1 : s;
}

/* Closures, method values and the compiler's own helpers are rarely what is meant. */
static int generated(const char *name)
{
	return strstr(name, ".func") || strstr(name, "-fm") || !strncmp(name, "type:", 5) ||
			       !strncmp(name, "type.", 5) || strstr(name, ".deferwrap")
		       ? 7
		       : 0;
}

/* Smaller is nearer; the steps are wide enough for ties to be broken in favour of package main. */
static int score(const struct nearest *n, const char *name)
{
	const char *want_last, *last;
	size_t lw = strlen(n->want), ln, ll;
	char folded[NEAREST_LEN];
	int d;

	if (n->mangled[0] && strstr(name, n->mangled))
		return 0;
	if (!lw || !fold(folded, name))
		return FAR;
	ln = strlen(folded);
	if (ln > lw && folded[ln - lw - 1] == '/' && !strcmp(folded + ln - lw, n->want))
		return 10;
	d = distance(n->want, lw, folded, ln, edits_allowed(lw));
	if (d != FAR)
		return 10 * d;
	want_last = last_part(n->want);
	last = last_part(folded);
	ll = strlen(want_last);
	d = distance(want_last, ll, last, strlen(last), edits_allowed(ll) / 2);
	if (d != FAR && ll > 1)
		return 80 + 10 * d;
	if (lw > 2 && strstr(folded, n->want))
		return 120 + (int)(ln - lw);
	return FAR;
}

void nearest_see(struct nearest *n, const char *name)
{
	int s = score(n, name);
	char shown[NEAREST_LEN];
	size_t i, at;

	if (s == FAR || !ask_for(shown, name))
		return;
	s += generated(name) + (strncmp(name, "main.", 5) ? 2 : 0);
	for (at = 0; at < n->n && n->best[at].score <= s; at++)
		if (!strcmp(n->best[at].name, shown))
			return;
	if (at == NEAREST_MAX)
		return;
	/* The same name further down is moved up, not listed twice. */
	for (i = at; i < n->n && strcmp(n->best[i].name, shown); i++)
		;
	if (i == n->n && n->n < NEAREST_MAX)
		n->n++;
	if (i == n->n)
		i--;
	memmove(&n->best[at + 1], &n->best[at], (i - at) * sizeof(n->best[0]));
	n->best[at].score = s;
	strcpy(n->best[at].name, shown);
}

char *nearest_text(const struct nearest *n, char *buf, size_t size)
{
	size_t i, len = 0;

	*buf = 0;
	for (i = 0; i < n->n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
					!i	       ? " (did you mean "
					: i + 1 < n->n ? ", "
						       : " or ",
					n->best[i].name);
	if (n->n && len < size)
		snprintf(buf + len, size - len, "?)");
	return buf;
}
