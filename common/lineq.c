// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lineq.h"

/* Twice the limit: what waits is moved to the front only after as much was added, and so costs each
 * byte one more copy at most. */
#define ALLOCATED (2 * LINEQ_SIZE)

int lineq_init(struct lineq *q)
{
	memset(q, 0, sizeof(*q));
	q->buf = malloc(ALLOCATED);
	return q->buf ? 0 : -ENOMEM;
}

void lineq_free(struct lineq *q)
{
	free(q->buf);
	q->buf = NULL;
}

size_t lineq_bytes(const struct lineq *q)
{
	return q->end - q->start;
}

bool lineq_add(struct lineq *q, const char *head, size_t nhead, const char *line, size_t nline)
{
	size_t need = nhead + nline + 1;

	if (need > LINEQ_SIZE - lineq_bytes(q))
		return false;
	if (need > ALLOCATED - q->end || q->start == q->end) {
		memmove(q->buf, q->buf + q->start, lineq_bytes(q));
		q->end -= q->start;
		q->start = 0;
	}
	memcpy(q->buf + q->end, head, nhead);
	memcpy(q->buf + q->end + nhead, line, nline);
	q->end += need;
	q->buf[q->end - 1] = '\n';
	q->lines++;
	return true;
}

const char *lineq_first(const struct lineq *q, size_t *len)
{
	const char *first = q->buf + q->start;

	if (!q->lines)
		return NULL;
	*len = (const char *)memchr(first, '\n', lineq_bytes(q)) - first;
	return first;
}

const char *lineq_rest(const struct lineq *q, size_t *len)
{
	*len = lineq_bytes(q) - q->part;
	return q->buf + q->start + q->part;
}

uint64_t lineq_took(struct lineq *q, size_t n)
{
	size_t from = q->start + q->part, to = from + n;
	uint64_t lines = 0;
	const char *nl;

	while ((nl = memchr(q->buf + from, '\n', to - from))) {
		from = q->start = nl + 1 - q->buf;
		lines++;
	}
	q->part = to - q->start;
	q->lines -= lines;
	return lines;
}

void lineq_rewind(struct lineq *q)
{
	q->part = 0;
}
