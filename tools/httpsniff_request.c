// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Requests, kept for the responses that answer them.
 */
#include "httpsniff_msg.h"
#include "httphead.h"
#include <stdlib.h>
#include <string.h>

#define SPARES	   1024
#define SPARE_KEEP 512 /* bytes of a spare one's buffer */

static struct {
	struct asked *first;
	unsigned int n;
} spares;

static struct asked *spare(void)
{
	struct asked *a = spares.first;

	if (!a)
		return calloc(1, sizeof(*a));
	spares.first = a->next;
	spares.n--;
	return a;
}

static void release(struct asked *a)
{
	char *buf;
	size_t cap;

	hold_trim(&a->buf, &a->cap, spares.n < SPARES ? SPARE_KEEP : 0);
	if (spares.n >= SPARES) {
		free(a);
		return;
	}
	buf = a->buf;
	cap = a->cap;
	*a = (struct asked){.buf = buf, .cap = cap, .next = spares.first};
	spares.first = a;
	spares.n++;
}

void asked_free_spares(void)
{
	while (spares.first) {
		struct asked *a = spare();

		hold_trim(&a->buf, &a->cap, 0);
		free(a);
	}
}

/* The part of len bytes of text that is there; a NUL behind it, for whom it helps. */
static char *keep(char **to, const char *text, size_t len, struct http1_span s, size_t *kept)
{
	char *p = *to;

	*kept = s.at >= len ? 0 : s.len < len - s.at ? s.len : len - s.at;
	memcpy(p, text + s.at, *kept);
	p[*kept] = '\0';
	*to = p + *kept + 1;
	return p;
}

struct asked *asked_new(const struct http1_msg *m, const char *text, size_t len, bool due)
{
	struct http1_span h = head_host(m);
	struct asked *a = spare();
	char *to;

	if (!a)
		return NULL;
	if (!hold_grow(&a->buf, &a->cap, (size_t)m->method.len + m->target.len + h.len + 3)) {
		release(a);
		return NULL;
	}
	to = a->buf;
	a->r.method = keep(&to, text, len, m->method, &a->r.method_len);
	a->r.url = keep(&to, text, len, m->target, &a->r.url_len);
	a->r.host = keep(&to, text, len, h, &a->r.host_len);
	if (!a->r.host_len)
		a->r.host = NULL;
	a->r.number = m->number;
	a->r.refs = 1 + due;
	a->r.passed = select_request(&a->r);
	return a;
}

int asked_put(struct asked *a)
{
	int err = 0;

	if (!a || --a->r.refs)
		return 0;
	if (a->r.har)
		err = har_unanswered(&a->r);
	release(a);
	return err;
}
