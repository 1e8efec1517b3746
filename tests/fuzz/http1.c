// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Any bytes as a connection: copied, skipped and lost pieces of both directions and their ends.
 * Each byte is accounted for, each head has its end, each request is answered or given up, once;
 * and the same comes out when the copied pieces are fed byte by byte.
 *
 * The first byte sets options; then, again and again: what (3 bits) and direction, a length, and of
 * copied pieces the bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)
#define REQUESTS 1024

struct seen {
	uint64_t sum; /* of all that was told, in order */
	uint64_t body_sum[2], body[2], wire[2], skipped[2];
	uint64_t end[2]; /* position behind the last message, or bytes skipped over */
	const struct http1_msg *open[2];
	uint64_t heads, requests;
	uint8_t told[REQUESTS]; /* of a request: 1 its head, 2 its answer or why there is none */
	bool over;
};

static uint64_t mix(uint64_t sum, uint64_t v)
{
	sum = (sum ^ v) * 0x9e3779b97f4a7c15;
	return sum ^ sum >> 29;
}

static uint64_t mix_bytes(uint64_t sum, const char *s, size_t n)
{
	while (n--)
		sum = mix(sum, (unsigned char)*s++);
	return sum;
}

static uint64_t mix_span(uint64_t sum, const struct http1_msg *m, struct http1_span s)
{
	return mix_bytes(mix(sum, s.len), m->text + s.at, s.len);
}

static void settle(struct seen *s, uint64_t number, int what)
{
	MUST(number);
	if (number >= REQUESTS)
		return;
	MUST(!(s->told[number] & what));
	s->told[number] |= what;
}

static uint64_t mix_message(uint64_t sum, const struct http1_msg *m)
{
	sum = mix(sum, m->dir | m->request << 1 | m->interim << 2 | m->head_whole << 3 |
			       m->truncated << 4 | m->close << 5 | m->assumed << 6);
	sum = mix(mix(mix(sum, m->number), m->answers), m->status | m->minor << 16);
	sum = mix(mix(mix(sum, m->begin), m->head_bytes), m->content_length);
	sum = mix(mix(mix(sum, m->first_ns), m->head_ns), m->anomalies);
	for (uint32_t i = 0; i < m->nheaders + m->ntrailers; i++) {
		sum = mix_span(sum, m, m->headers[i].name);
		sum = mix_span(sum, m, m->headers[i].value);
	}
	sum = mix_span(mix_span(sum, m, m->method), m, m->target);
	return mix_span(sum, m, m->reason);
}

static void on_head(void *ctx, struct http1_msg *m)
{
	struct seen *s = ctx;

	MUST(!s->over && !s->open[m->dir] && m->begin >= s->end[m->dir]);
	s->open[m->dir] = m;
	s->body_sum[m->dir] = s->body[m->dir] = 0;
	s->sum = mix_message(s->sum, m);
	s->heads++;
	m->user = (void *)(uintptr_t)m->number;
	if (m->request) {
		MUST(m->number > s->requests && !m->answers);
		s->requests = m->number;
		settle(s, m->number, 1);
		return;
	}
	MUST(!m->answers || !m->request_user || (uintptr_t)m->request_user == m->answers);
	if (m->answers && m->head_whole && !m->interim)
		settle(s, m->answers, 2);
}

static void on_body(void *ctx, struct http1_msg *m, const void *data, uint64_t n)
{
	struct seen *s = ctx;

	MUST(s->open[m->dir] == m && n);
	s->body[m->dir] += n;
	if (data)
		s->body_sum[m->dir] = mix_bytes(s->body_sum[m->dir], data, n);
	else
		s->body_sum[m->dir] = mix(s->body_sum[m->dir], n);
}

static void on_trailers(void *ctx, struct http1_msg *m)
{
	struct seen *s = ctx;

	MUST(s->open[m->dir] == m && m->ntrailers);
}

static void on_end(void *ctx, struct http1_msg *m)
{
	struct seen *s = ctx;

	MUST(s->open[m->dir] == m);
	MUST(m->end - m->begin == m->wire_bytes + m->lost);
	MUST(s->body[m->dir] == m->body_bytes + m->lost);
	MUST(m->head_bytes + m->body_bytes <= m->wire_bytes);
	MUST(m->complete == (m->why == HTTP1_COMPLETE));
	if (m->complete && m->framing == HTTP1_LENGTH)
		MUST(m->body_bytes == m->content_length);
	s->open[m->dir] = NULL;
	s->wire[m->dir] += m->wire_bytes;
	s->end[m->dir] = m->end;
	s->sum = mix_message(s->sum, m);
	s->sum = mix(mix(s->sum, m->why), s->body_sum[m->dir]);
	s->sum = mix(mix(s->sum, m->body_ns), m->last_ns);
}

static void on_unanswered(void *ctx, uint64_t number, void *user, enum http1_why why)
{
	struct seen *s = ctx;

	settle(s, number, 2);
	MUST(!user || (uintptr_t)user == number);
	s->sum = mix(mix(s->sum, number), why);
}

static void on_skipped(void *ctx, int dir, uint64_t pos, uint64_t n)
{
	struct seen *s = ctx;

	MUST(n && pos >= s->end[dir]);
	s->end[dir] = pos + n;
	s->skipped[dir] += n;
	s->sum = mix(mix(mix(s->sum, pos), n), dir);
}

static void on_other(void *ctx, int dir, enum http1_other what, const char *name, size_t n)
{
	struct seen *s = ctx;

	MUST(!s->over && !s->open[0] && !s->open[1]);
	s->over = true;
	s->sum = mix_bytes(mix(mix(s->sum, dir), what), name, n);
}

static int data_bytes(struct http1 *c, int dir, const uint8_t *p, size_t n, uint64_t ns)
{
	int err = 0;

	for (size_t i = 0; i < n; i++)
		err |= http1_data(c, dir, p + i, 1, ns);
	return err;
}

static void pieces(struct http1 *c, const uint8_t *p, size_t size, bool bytes)
{
	for (uint64_t ns = 1; size >= 2; ns++) {
		int what = p[0] & 7, dir = p[0] >> 3 & 1, err;
		size_t n = p[1];

		p += 2;
		size -= 2;
		switch (what) {
		case 4: err = http1_skipped(c, dir, n, ns); break;
		case 5: err = http1_lost(c, dir, n, ns); break;
		case 6: err = http1_end(c, dir, n == 1, ns); break;
		default:
			n = n < size ? n : size;
			err = bytes ? data_bytes(c, dir, p, n, ns) : http1_data(c, dir, p, n, ns);
			p += n;
			size -= n;
		}
		MUST(!err);
	}
}

static uint64_t run(const uint8_t *data, size_t size, bool bytes)
{
	static const struct http1_ops ops = {on_head,	    on_body,	on_trailers, on_end,
					     on_unanswered, on_skipped, on_other};
	struct http1_options o = {.max_header = *data & 16 ? 256 : 0,
				  .max_requests = *data & 32 ? 3 : 0};
	struct http1_parser *p = http1_new(&ops, &o);
	struct seen s = {0};
	struct http1 *c = http1_open(p, &s, *data % 3 - 1, *data & 64);

	pieces(c, data + 1, size - 1, bytes);
	http1_finish(c);
	MUST(!s.open[0] && !s.open[1] && !http1_waiting(c));
	for (int i = 0; i < 2; i++) {
		const struct http1_bytes *b = http1_bytes(c, i);

		MUST(b->fed == b->messages + b->skipped + b->opaque + b->lost);
		MUST(b->messages == s.wire[i] && b->skipped == s.skipped[i]);
		MUST(s.end[i] <= b->fed);
		s.sum = mix(mix(s.sum, b->opaque), b->lost);
	}
	for (size_t i = 1; i < REQUESTS; i++)
		MUST(!(s.told[i] & 1) || s.told[i] == 3);
	http1_free(c);
	http1_delete(p);
	return s.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		MUST(run(data, size, false) == run(data, size, true));
	return 0;
}
