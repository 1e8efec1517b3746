// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Bodies as they are shown: decoded, and cut at --max-body, at a hole, or where memory ends.
 */
#include "httpsniff_msg.h"
#include "body.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIRST	   512 /* bytes of a buffer at first */
#define LARGE	   (64 << 10) /* the kernel takes its time to find memory for longer ones ... */
#define LARGE_KEEP (4 << 20) /* ... so that some of those up to here are used again */
#define SPARES	   4

static size_t held; /* bytes of all buffers, spare ones too */
static struct {
	char *buf;
	size_t cap;
} spares[SPARES];

static bool use_spare(char **buf, size_t *cap, size_t need)
{
	for (int i = 0; i < SPARES; i++) {
		char *p = spares[i].buf;

		if (spares[i].cap < need)
			continue;
		if (*cap)
			memcpy(p, *buf, *cap);
		held -= *cap;
		free(*buf);
		*buf = p;
		*cap = spares[i].cap;
		spares[i].buf = NULL;
		spares[i].cap = 0;
		return true;
	}
	return false;
}

bool hold_grow(char **buf, size_t *cap, size_t need)
{
	size_t more = *cap ? *cap : FIRST;
	char *p;

	if (need <= *cap)
		return true;
	if (need > HOLD_MAX)
		return false;
	while (more < need)
		more *= 2;
	if (more > LARGE && use_spare(buf, cap, more))
		return true;
	if (held + (more - *cap) > HOLD_MAX)
		more = need;
	if (held + (more - *cap) > HOLD_MAX)
		return false;
	p = realloc(*buf, more);
	if (!p)
		return false;
	held += more - *cap;
	*buf = p;
	*cap = more;
	return true;
}

void hold_trim(char **buf, size_t *cap, size_t keep)
{
	int i = SPARES;

	if (*cap <= keep)
		return;
	if (*cap > LARGE && *cap <= LARGE_KEEP) {
		for (i = 0; i < SPARES && spares[i].cap; i++)
			;
	}
	if (i < SPARES) {
		spares[i].buf = *buf;
		spares[i].cap = *cap;
	} else {
		held -= *cap;
		free(*buf);
	}
	*buf = NULL;
	*cap = 0;
}

void hold_free_spares(void)
{
	for (int i = 0; i < SPARES; i++) {
		held -= spares[i].cap;
		free(spares[i].buf);
		spares[i].buf = NULL;
		spares[i].cap = 0;
	}
}

static void append(void *ctx, const void *data, size_t n)
{
	struct draft *d = ctx;
	uint64_t room = set.max_body - d->body_len;

	if (d->cut)
		return;
	if (n > room) {
		n = room;
		d->cut = true;
	}
	if (!n)
		return;
	if (!hold_grow(&d->body, &d->body_cap, d->body_len + n)) {
		d->cut = true;
		return;
	}
	memcpy(d->body + d->body_len, data, n);
	d->body_len += n;
}

/*
 * Content-Encoding, of several such headers joined. One too long for that ends in a name that
 * nobody knows, so that nothing is undone.
 */
static size_t content_encoding(const struct http1_msg *m, char *dst, size_t size)
{
	size_t len = 0;

	for (uint32_t i = 0; i < m->nheaders; i++) {
		const struct http1_header *h = &m->headers[i];
		size_t n = h->value.len;

		if (h->name.len != 16 || strncasecmp(m->text + h->name.at, "Content-Encoding", 16))
			continue;
		if (len)
			dst[len++] = ',';
		if (n > size - 4 - len) {
			memcpy(dst + len, m->text + h->value.at, size - 4 - len);
			memcpy(dst + size - 4, ",?", 2);
			return size - 2;
		}
		memcpy(dst + len, m->text + h->value.at, n);
		len += n;
	}
	return len;
}

static void begin(struct draft *d, const struct http1_msg *m)
{
	char encoding[256];
	size_t len = content_encoding(m, encoding, sizeof(encoding));

	d->begun = true;
	if (!len)
		return;
	inflater_start(&d->in, encoding, len, append, d);
	d->coded = d->in.state != INFLATE_PLAIN && set.max_body;
	if (d->coded || d->in.state == INFLATE_PLAIN) {
		memcpy(d->coding, d->in.undecoded, sizeof(d->coding));
	} else {
		/* It could be undone, but nothing is to be shown. */
		inflater_end(&d->in);
		len = len < sizeof(d->coding) ? len : sizeof(d->coding) - 1;
		memcpy(d->coding, encoding, len);
		d->coding[len] = '\0';
	}
}

static void end_decoding(struct draft *d)
{
	enum inflate_state state;

	if (!d->coded || d->ended)
		return;
	d->ended = true;
	state = inflater_end(&d->in);
	d->decoding = inflate_state_name(state);
	/* Of a body that is not whole, or not coded so, all that came is there. */
	d->cut |= d->decoding && state != INFLATE_TRUNCATED && state != INFLATE_WRONG;
	memcpy(d->coding, d->in.undecoded, sizeof(d->coding));
}

void body_add(struct draft *d, const struct http1_msg *m, const void *data, uint64_t n)
{
	if (!d->begun)
		begin(d, m);
	if (data && d->coded) {
		if (!d->ended)
			inflater_feed(&d->in, data, n);
	} else if (data) {
		append(d, data, n);
	} else {
		/* What is behind a hole cannot be decoded, nor shown as if it were not there. */
		end_decoding(d);
		d->cut = true;
	}
}

void body_over(struct draft *d)
{
	end_decoding(d);
}

void body_show(struct draft *d, struct message *msg)
{
	struct body_text t = {};

	msg->body = d->body;
	msg->body_len = d->body_len;
	msg->body_size = d->coded ? d->in.bytes_out : msg->m->body_bytes;
	msg->truncated |= d->cut || msg->body_size > msg->body_len;
	msg->body_coding = d->coding[0] ? d->coding : NULL;
	msg->decoding = d->decoding;
	body_text_feed(&t, d->body, d->body_len);
	msg->body_text = body_text_end(&t, msg->truncated || !msg->m->complete);
	if (msg->body_text)
		msg->body_len -= t.have;
}
