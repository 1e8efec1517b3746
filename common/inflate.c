// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include <strings.h>
#include "inflate_int.h"

static enum inflate_coding coding_of(const char *name, size_t len)
{
	static const struct {
		const char *name;
		enum inflate_coding coding;
	} known[] = {
		{"identity", CODING_IDENTITY},
		{"gzip", CODING_GZIP},
		{"x-gzip", CODING_GZIP},
		{"deflate", CODING_DEFLATE},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strlen(known[i].name) == len && !strncasecmp(known[i].name, name, len))
			return known[i].coding;
	}
	return CODING_UNKNOWN;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* The last name in s that counts; *len is cut to the end of it. NULL when there is none. */
static const char *last_name(const char *s, size_t *len, size_t *name_len)
{
	size_t n = *len, start;

	while (n && is_space(s[n - 1]))
		n--;
	start = n;
	while (start && s[start - 1] != ',')
		start--;
	while (start < n && is_space(s[start]))
		start++;
	*len = n;
	*name_len = n - start;
	return n ? s + start : NULL;
}

static void not_undone(struct inflater *f, const char *s, size_t len)
{
	while (len && is_space(*s)) {
		s++;
		len--;
	}
	len = len < sizeof(f->undecoded) - 1 ? len : sizeof(f->undecoded) - 1;
	memcpy(f->undecoded, s, len);
	f->undecoded[len] = '\0';
}

void inflater_start(struct inflater *f, const char *encoding, size_t len,
		    void (*out)(void *ctx, const void *data, size_t len), void *ctx)
{
	size_t left = encoding ? len : 0, n;
	const char *name;

	for (int i = 0; i < INFLATE_STAGES; i++)
		inflate_stage_free(f->stage[i]);
	*f = (struct inflater){
		.max_out = UINT64_MAX,
		.free_out = 64 << 10,
		.max_ratio = 100,
		.out = out,
		.ctx = ctx,
	};
	for (; (name = last_name(encoding, &left, &n)); left -= n) {
		enum inflate_coding coding = coding_of(name, n);

		if (coding == CODING_IDENTITY)
			continue;
		if (coding == CODING_UNKNOWN || f->nstages == INFLATE_STAGES) {
			if (coding != CODING_UNKNOWN) {
				f->nstages = 0;
				left = len;
			}
			not_undone(f, encoding, left);
			break;
		}
		f->coding[f->nstages++] = coding;
	}
	f->state = f->nstages ? INFLATE_OK : INFLATE_PLAIN;
}

/* Out of the last stage. */
static void deliver(struct inflater *f, const unsigned char *data, size_t len)
{
	uint64_t room = f->max_out > f->bytes_out ? f->max_out - f->bytes_out : 0;

	if (len > room) {
		len = room;
		f->cut = true;
		if (f->state != INFLATE_WRONG)
			f->state = INFLATE_LIMIT;
	}
	f->bytes_out += len;
	if (len)
		f->out(f->ctx, data, len);
}

void inflate_pass(struct inflater *f, unsigned int index, const unsigned char *data, size_t len)
{
	if (inflate_stopped(f) || !len)
		return;
	if (index == f->nstages) {
		deliver(f, data, len);
		return;
	}
	if (!f->stage[index])
		f->stage[index] = inflate_stage_new(f, index);
	if (f->stage[index])
		inflate_stage_feed(f->stage[index], data, len);
	else
		f->state = INFLATE_NO_MEMORY;
}

void inflater_feed(struct inflater *f, const void *data, size_t len)
{
	f->bytes_in += len;
	inflate_pass(f, 0, data, len);
}

enum inflate_state inflater_end(struct inflater *f)
{
	/* In this order: what a stage kept back is the next one's input. */
	for (int i = 0; i < f->nstages; i++) {
		if (f->stage[i] && !inflate_stopped(f))
			inflate_stage_finish(f->stage[i]);
		inflate_stage_free(f->stage[i]);
		f->stage[i] = NULL;
	}
	f->nstages = 0;
	return f->state;
}

const char *inflate_state_name(enum inflate_state state)
{
	static const char *const names[] = {
		[INFLATE_TRUNCATED] = "truncated",	[INFLATE_CORRUPT] = "corrupt",
		[INFLATE_LIMIT] = "over the limit",	[INFLATE_RATIO] = "grows too much",
		[INFLATE_WRONG] = "not in this coding", [INFLATE_NO_MEMORY] = "no memory",
	};

	return (size_t)state < sizeof(names) / sizeof(*names) ? names[state] : NULL;
}
