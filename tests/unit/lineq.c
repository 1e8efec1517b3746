// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include "lineq.h"
#include "unit/t.h"

static bool add(struct lineq *q, const char *s)
{
	return lineq_add(q, "", 0, s, strlen(s));
}

static bool rest_is(const struct lineq *q, const char *want)
{
	size_t n;
	const char *rest = lineq_rest(q, &n);

	return n == strlen(want) && !memcmp(rest, want, n);
}

static void test_parts(void)
{
	const char *first;
	struct lineq q;
	size_t n;

	T_EQ(lineq_init(&q), 0);
	T_OK(!lineq_first(&q, &n));
	T_OK(rest_is(&q, ""));
	T_OK(lineq_add(&q, "<14>", 4, "one", 3));
	T_OK(add(&q, "") && add(&q, "three"));
	T_EQ(q.lines, 3);
	first = lineq_first(&q, &n);
	T_OK(n == 7 && !memcmp(first, "<14>one", 7));
	T_OK(rest_is(&q, "<14>one\n\nthree\n"));
	T_EQ(lineq_took(&q, 0), 0);
	T_EQ(lineq_took(&q, 5), 0);
	T_OK(rest_is(&q, "ne\n\nthree\n"));
	T_EQ(lineq_bytes(&q), 15);
	lineq_rewind(&q);
	T_OK(rest_is(&q, "<14>one\n\nthree\n"));
	T_EQ(lineq_took(&q, 7), 0);
	T_EQ(lineq_took(&q, 4), 2);
	T_EQ(q.lines, 1);
	T_OK(rest_is(&q, "ree\n"));
	lineq_rewind(&q);
	T_OK(rest_is(&q, "three\n"));
	T_EQ(lineq_took(&q, 6), 1);
	T_EQ(lineq_bytes(&q), 0);
	T_EQ(q.lines, 0);
	lineq_free(&q);
}

/* Full to the byte, and no further; room again when something went. */
static void test_limit(void)
{
	static char line[LINEQ_SIZE + 1];
	struct lineq q;

	memset(line, 'x', sizeof(line));
	T_EQ(lineq_init(&q), 0);
	T_OK(!lineq_add(&q, "", 0, line, LINEQ_SIZE));
	T_OK(!lineq_add(&q, "h", 1, line, LINEQ_SIZE - 1));
	T_OK(lineq_add(&q, "", 0, line, LINEQ_SIZE - 1));
	T_OK(!add(&q, ""));
	T_EQ(lineq_took(&q, LINEQ_SIZE), 1);
	T_OK(add(&q, ""));
	T_EQ(q.lines, 1);
	lineq_free(&q);
}

static unsigned int dice(void)
{
	static unsigned int seed = 1;

	seed = seed * 1103515245 + 12345;
	return seed >> 16;
}

/* Takes some bytes, as a stream does, now and then after losing the connection. The first line must
 * be the next number. Returns how many lines went. */
static unsigned int take(struct lineq *q, unsigned int next, unsigned int *bad)
{
	static size_t part;
	const char *first;
	size_t n, before = lineq_bytes(q);
	unsigned int lines;

	if (!(dice() & 7)) {
		lineq_rewind(q);
		part = 0;
	}
	first = lineq_first(q, &n);
	if (!first)
		return 0;
	*bad += *first != '#' || (unsigned int)atoi(first + 1) != next;
	*bad += lineq_rest(q, &n) != first + part || n != before - part;
	n = n > 8000 ? dice() % 8000 : n;
	lines = lineq_took(q, n);
	part += n - (before - lineq_bytes(q));
	return lines;
}

/* A long run, filling up and draining by turns: what comes out is what went in. */
static void test_run(void)
{
	unsigned int in = 0, out = 0, bad = 0, full = 0, empty = 0;
	static char line[5000];
	struct lineq q;

	T_EQ(lineq_init(&q), 0);
	memset(line, '.', sizeof(line));
	for (unsigned int i = 0; in < 20000 || out < in; i++) {
		bool filling = i / 4000 % 2;

		if (in < 20000 && dice() % 8 < (filling ? 7 : 1)) {
			size_t n = sprintf(line, "%u", in);

			line[n] = '.';
			if (lineq_add(&q, "#", 1, line, 10 + dice() % 4900))
				in++;
			else
				full++;
		} else {
			empty += !q.lines;
			out += take(&q, out, &bad);
		}
	}
	T_OK(full && empty);
	T_EQ(bad, 0);
	T_EQ(out, 20000);
	T_EQ(q.lines, 0);
	lineq_free(&q);
}

int main(void)
{
	test_parts();
	test_limit();
	test_run();
	return t_done();
}
