// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "httpsniff_msg.h"
#include <stdlib.h>
#include <string.h>

#define IDLE_KEEP 1024 /* a connection between messages keeps no longer buffer */

static bool goes_on(const struct raw *r)
{
	return !r->closed && r->pos + r->kept == r->piece_pos;
}

void raw_drop(struct raw *r, uint64_t pos)
{
	uint64_t n = pos > r->pos ? pos - r->pos : 0;

	if (n < r->kept) {
		r->at += n;
		r->pos += n;
		r->kept -= n;
		return;
	}
	n = pos > r->piece_pos ? pos - r->piece_pos : 0;
	n = n < r->piece ? n : r->piece;
	r->at += r->kept + n;
	r->piece_pos += n;
	r->piece -= n;
	r->kept = 0;
	r->pos = r->piece_pos;
	r->closed = false;
}

/* Of the last piece, what the message under way may need becomes part of what is kept. */
static void settle(struct raw *r, uint64_t max)
{
	uint64_t room = max > r->kept ? max - r->kept : 0;

	if (goes_on(r))
		r->kept += r->piece < room ? r->piece : room;
	r->piece = 0;
	if (r->at && r->kept)
		memmove(r->buf, r->buf + r->at, r->kept);
	r->at = 0;
}

void raw_add(struct raw *r, uint64_t pos, const void *data, uint64_t len, uint64_t max)
{
	bool there;

	settle(r, max);
	there = data && hold_grow(&r->buf, &r->cap, r->kept + len);
	if (there) {
		memcpy(r->buf + r->kept, data, len);
		r->piece = len;
	}
	r->piece_pos = there ? pos : pos + len;
	if (!r->kept)
		r->pos = r->piece_pos;
	r->closed |= r->kept && !data;
}

char *raw_take(struct raw *r, uint64_t begin, uint64_t end, uint64_t max, size_t *len)
{
	uint64_t want = end - begin < max ? end - begin : max, have;

	raw_drop(r, begin);
	have = r->kept + (goes_on(r) ? r->piece : 0);
	*len = r->pos != begin ? 0 : want < have ? want : have;
	return *len ? r->buf + r->at : NULL;
}

void raw_done(struct raw *r, uint64_t end)
{
	raw_drop(r, end);
	if (!r->kept && !r->piece)
		hold_trim(&r->buf, &r->cap, IDLE_KEEP);
}

void raw_free(struct raw *r)
{
	hold_trim(&r->buf, &r->cap, 0);
	memset(r, 0, sizeof(*r));
}
