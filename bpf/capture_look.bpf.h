/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_LOOK_BPF_H
#define CAPTURE_LOOK_BPF_H
/*
 * What does a call begin with, and where does the head end that is in it? Its first bytes are taken
 * once, and looked through where they are then.
 */
#include "payload.bpf.h"

/*
 * The number of "length: 123" at that place of what was taken; -1: it is not that. A global
 * function, as those below: the verifier looks at it once.
 */
__noinline int length_at(__u32 which, __u64 pos)
{
	struct take *t = take_of(which);

	return !t || pos > TAKE_MAX + 32 ? -1 : length_of(t->d + pos);
}

/*
 * A newline, behind which is byte k of the word w at pos: what it and what follows say, added to
 * what was found, which is kept in memory, so that it makes no difference to the verifier. True: it
 * ends the head.
 */
static __always_inline bool scan_line(struct take *t, const __u64 *w, __u64 pos, __u64 k,
				      __u64 after)
{
	if (!(t->found & SCAN_LINE)) {
		t->found |= SCAN_LINE;
		if (ends_start_line(from_byte(w[-2], w[-1], k - 1), from_byte(w[-1], w[0], k - 1)))
			t->found |= SCAN_HTTP;
		else if (t->starts)
			return true;
	}
	if (ends_head(after)) {
		t->found += (t->from + pos + k + 1 + ((after & 0xff) == '\r')) * SCAN_END;
		return true;
	}
	if (begins_transfer_encoding(after))
		t->found |= SCAN_CHUNKED;
	if (t->body < 0 && begins_content(after))
		t->body = length_at(t->src.take, pos + k + 8);
	return false;
}

/* Is it known where the head ends, or that there is none? */
static __always_inline bool scanned(const struct take *t)
{
	return t->found >= SCAN_END ||
	       (t->starts && (t->found & (SCAN_LINE | SCAN_HTTP)) == SCAN_LINE);
}

/* A part of scan(): from byte at on. Nonzero: it is over. */
__noinline int scan_part(__u32 which, __u64 at)
{
	struct take *t = take_of(which);

	if (!t || at > TAKE_MAX)
		return 1;
	barrier_var(at);
	for (__u64 i = 0; i < SCAN_PART; i += 8) {
		const __u64 *w;
		__u64 hit, k, after;

		/* Or else the compiler counts from -8 on, and some verifiers lose the bounds. */
		barrier_var(i);
		w = (const __u64 *)(t->d + at + i);
		if (at + i >= t->taken)
			return 1;
		hit = newlines(w[0]);
		if (!hit)
			continue;
		k = bytes_through(hit);
		after = behind(w[0], w[1], k);
		if ((begins_next(after) | (~t->found & SCAN_LINE)) &&
		    scan_line(t, w, at + i, k, after))
			return 1;
	}
	return 0;
}

/* Looks through what was taken, from byte at on. Zeros are before and behind it. */
static __always_inline void scan(__u32 which, __u64 at)
{
	for (; at < TAKE_MAX; at += SCAN_PART)
		if (scan_part(which, at))
			break;
}

/* Takes n bytes of a call, or enough, from byte from on, with zeros behind them. */
__noinline int take(__u32 which, __u32 from, __u32 n, __u32 enough)
{
	struct take *t = take_of(which);
	__u64 have;

	if (!t)
		return 0;
	have = gather(t, from, n, enough);
	t->from = from;
	t->taken = have;
	__builtin_memset(t->d + have, 0, 24);
	return have;
}

static __always_inline bool may_begin(enum look look)
{
	return look == LOOK_REQUEST || look == LOOK_RESPONSE || look == LOOK_WORD;
}

/*
 * Of 40 bytes, which begin with a word: may it be a method? The user half takes 32 letters for one
 * (METHOD_MAX), and a body without a space need not be looked through for its first line.
 */
static __always_inline bool word_ends(const __u64 *w)
{
	return spaces(w[0]) | spaces(w[1]) | spaces(w[2]) | spaces(w[3]) | spaces(w[4]);
}

#define CRLF	('\r' | '\n' << 8)
#define OVERLAP 24 /* so much of a part of the head is taken with the next one, too */

/*
 * Takes n bytes of the call, which has len, or enough, and says what they begin with: enum look.
 * Where these leave it open it takes all, or parts of a long call one after the other. scans: the
 * end of a head is looked for, whatever they begin with.
 */
__noinline int look_at_taken(__u32 which, __u32 n, __u32 enough, __u32 len, __u32 scans)
{
	struct take *t = take_of(which);
	__u64 have, at = 0;
	enum look look;
	const __u64 *w;

	if (!t)
		return LOOK_SHORT;
	((__u64 *)t->h.comm)[0] = ((__u64 *)t->h.comm)[1] = 0;
	((__u64 *)t->d)[0] = ((__u64 *)t->d)[1] = 0;
	have = take(which, 0, n, enough);
	/* Empty lines before a message are passed over (RFC 9112, section 2.2). */
	if (have > 2 && *(__u16 *)t->d == CRLF)
		at = have > 4 && *(__u16 *)(t->d + 2) == CRLF ? 4 : 2;
	barrier_var(at);
	if (at > 8)
		return LOOK_SHORT;
	w = (const __u64 *)(t->d + at);
	have -= at;
	look = look_at(w[0], w[1], have < 16 ? have : 16);
	if (look == LOOK_WORD && have >= 40 && !word_ends(w))
		look = LOOK_OTHER;
	if (!may_begin(look) && !scans)
		return look;
	t->starts = !scans && look != LOOK_RESPONSE;
	scan(which, at);
	if (!scanned(t) && n < len && n < TAKE_MAX) {
		take(which, 0, len < TAKE_MAX ? len : TAKE_MAX, len);
		t->found = 0;
		scan(which, at);
	}
	for (__u32 from = TAKE_MAX - OVERLAP; from < SCAN_MAX; from += TAKE_MAX - OVERLAP) {
		if (scanned(t) || from + OVERLAP >= len)
			break;
		take(which, from, len - from < TAKE_MAX ? len - from : TAKE_MAX, len);
		scan(which, OVERLAP - 8);
	}
	/* A first line that is whole tells for certain; a word alone says nothing. */
	if (look == LOOK_REQUEST && (t->found & (SCAN_LINE | SCAN_HTTP)) == SCAN_LINE)
		look = LOOK_OTHER;
	if (look == LOOK_WORD)
		look = t->found & SCAN_HTTP ? LOOK_REQUEST : LOOK_OTHER;
	return look;
}

/*
 * Behind a head: is it just the body, or is there another message that must not be left out with
 * it? SCAN_BODY, SCAN_MORE or 0.
 */
__noinline int rest_of(__u32 which, __u32 len)
{
	struct take *t = take_of(which);
	__u32 head, more;

	if (!t || t->found < SCAN_END)
		return 0;
	head = SCAN_HEAD(t->found);
	if (t->body >= 0 && head + (__u64)t->body == len && !(t->found & SCAN_CHUNKED))
		return SCAN_BODY;
	if (head + LITTLE >= len)
		return 0;
	if (t->body >= 0)
		return head + (__u64)t->body < len ? SCAN_MORE : 0;
	if (take(which, head, 16, 16) < 16)
		return 0;
	more = look_at(((__u64 *)t->d)[0], ((__u64 *)t->d)[1], 16);
	return more == LOOK_REQUEST || more == LOOK_RESPONSE ? SCAN_MORE : 0;
}

#define ENOUGH 64 /* a piece of so many bytes has a head in it, if the call does */

/* What a call begins with; found: as scan() does, where that is asked for. */
static __always_inline enum look look_into(struct cap_state *c, __u32 dir, const struct src *s,
					   __u32 len, struct take *t, __u32 *found)
{
	__u32 n = len < TAKE_MAX ? len : TAKE_MAX, enough = n;
	bool in_head = c->in_head[dir & 1] && limited();
	enum look look;

	t->taken = t->found = *found = 0;
	t->from = 0;
	t->body = -1;
	if (s->kind == SRC_NONE)
		return LOOK_SHORT;
	t->src = *s;
	if (c->verdict == CAP_HTTP && !limited())
		return LOOK_SHORT; /* there is nothing to find out */
	if (c->verdict == CAP_HTTP && !in_head && len > ENOUGH &&
	    (!body_limit(dir) || len > TAKE_MAX)) {
		/* A head, most likely, and a body that is not wanted or not taken. */
		n = len < 512 ? len : 512;
		enough = ENOUGH;
	}
	look = look_at_taken(s->take, n, enough, len, in_head);
	*found = t->found;
	if (*found >= SCAN_END && limited() && body_limit(dir) < len && SCAN_HEAD(*found) < len)
		*found |= rest_of(s->take, len);
	return look;
}
#endif
