/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HTTP_START_BPF_H
#define HTTP_START_BPF_H
/*
 * Does this begin like HTTP, and where does a head end? Only enough of it to decide what to copy:
 * the user half reads messages properly.
 */

/* What the first bytes look like. */
enum look {
	LOOK_OTHER,
	LOOK_SHORT, /* too few to tell, but they may become a start line */
	LOOK_WORD, /* a word, but no target that is one: the line's end will tell */
	LOOK_REQUEST,
	LOOK_RESPONSE,
	LOOK_TLS,
	LOOK_HTTP2,
};

/* Eight bytes as a number; every machine that this runs on is little-endian. */
#define WORD(a, b, c, d, e, f, g, h)                                                               \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 |   \
	 (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)
#define ALL_BYTES(b) (0x0101010101010101ULL * (b))

/* The high bit of each byte of w that is a newline, from the lowest one on exact. */
static __always_inline __u64 newlines(__u64 w)
{
	w ^= ALL_BYTES('\n');
	return (w - ALL_BYTES(0x01)) & ~w & ALL_BYTES(0x80);
}

/* How many bytes there are up to the lowest high bit, its own included. No branch: the verifier
 * would follow each. */
static __always_inline __u64 bytes_through(__u64 w)
{
	return (((w & -w) - 1) & ALL_BYTES(0x01)) * ALL_BYTES(0x01) >> 56 & 15;
}

/* Eight bytes of the sixteen in a and b, from byte n on: 0 to 8. */
static __always_inline __u64 from_byte(__u64 a, __u64 b, __u64 n)
{
	/* A shift by 64 is one by 0. */
	return n < 8 ? a >> 8 * n | b << 8 * (7 - n) << 8 : b;
}

/* The eight bytes behind byte k of a: 1 to 8. Without a branch. */
static __always_inline __u64 behind(__u64 a, __u64 b, __u64 k)
{
	return a >> 8 * (k - 1) >> 8 | b << 8 * (8 - k);
}

/* w: the eight bytes that follow a newline */
static __always_inline bool ends_head(__u64 w)
{
	return (w & 0xff) == '\n' || (w & 0xffff) == ('\r' | '\n' << 8);
}

static __always_inline bool begins_transfer_encoding(__u64 w)
{
	return (w | ALL_BYTES(0x20)) == WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r');
}

static __always_inline bool begins_content(__u64 w)
{
	return (w | ALL_BYTES(0x20)) ==
	       (WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-') | ALL_BYTES(0x20));
}

/* Is the first of these worth a look: CR, LF, c or t? Without a branch. */
static __always_inline __u64 begins_next(__u64 w)
{
	const __u64 of = 1ULL << '\r' | 1ULL << '\n' | 1ULL << ('c' & 63) | 1ULL << ('C' & 63) |
			 1ULL << ('t' & 63) | 1ULL << ('T' & 63);

	return of >> (w & 63) & 1;
}

/* The sixteen bytes before a newline: do they end in " HTTP/1.1", CR or not, a space or not? */
static __always_inline bool ends_start_line(__u64 w1, __u64 w0)
{
	const __u64 end = WORD(' ', 'H', 'T', 'T', 'P', '/', '1', '.');

	return (w1 >> 56 | w0 << 8) == end || (w1 >> 48 | w0 << 16) == end ||
	       ((w1 >> 40 | w0 << 24) == end && (w0 >> 48 & 0xff) == ' ');
}

/* The high bit of each byte of w that is a space, from the lowest one on exact. */
static __always_inline __u64 spaces(__u64 w)
{
	w ^= ALL_BYTES(' ');
	return (w - ALL_BYTES(0x01)) & ~w & ALL_BYTES(0x80);
}

/*
 * Are these eight bytes what a token is made of (RFC 9110, section 5.6.2)? Of both numbers bit c:
 * c, or c + 64, is. No branch: the verifier would follow each.
 */
static __always_inline __u64 is_token(__u64 w)
{
	const __u64 low = 0x03ff6cfa00000000ULL, high = 0x57ffffffc7fffffeULL;
	__u64 ok = !(w & ALL_BYTES(0x80));

	for (int i = 0; i < 8; i++, w >>= 8)
		ok &= (low >> (w & 63) & ~(w >> 6)) | (high >> (w & 63) & w >> 6);
	return ok;
}

/*
 * A request's first word, and what its target may begin with; n bytes are known. Whether the word
 * is a token, and how its line ends, others see.
 */
static __always_inline enum look look_request(__u64 w0, __u64 w1, __u32 n)
{
	const __u64 connect = WORD('C', 'O', 'N', 'N', 'E', 'C', 'T', ' ');
	__u64 hit = spaces(w0), k = bytes_through(hit), next;
	__u8 first = w0;

	/* A letter begins it, and none of it is a control byte or beyond ASCII. */
	if ((first | 0x20) < 'a' || (first | 0x20) > 'z' || w0 & ALL_BYTES(0x80))
		return LOOK_OTHER;
	if (!hit) {
		hit = spaces(w1);
		k = 8 + bytes_through(hit);
	}
	if (!hit && n >= 16)
		return is_token(w0) & is_token(w1) ? LOOK_WORD : LOOK_OTHER;
	if (!hit || k >= n)
		return n < 16 ? LOOK_SHORT : LOOK_WORD;
	next = (k < 8 ? w0 >> 8 * k : w1 >> 8 * (k - 8)) & 0xff;
	if (next == '/' || next == '*' || (next | 0x20) == 'h')
		return LOOK_REQUEST;
	if (next == ' ' || next == '\t')
		return LOOK_WORD;
	return w0 == connect ? LOOK_REQUEST : LOOK_OTHER; /* its target is a host */
}

/*
 * enum look of 16 bytes, of which n are known and the others 0. A global function, so that the
 * verifier does not follow each of its answers to the caller's end.
 */
__noinline int look_at(__u64 w0, __u64 w1, __u32 n)
{
	const __u64 http1 = WORD('H', 'T', 'T', 'P', '/', '1', '.', 0), seven = ~0ULL >> 8;
	__u64 w = w0, known = n >= 8 ? ~0ULL : (1ULL << (n * 8)) - 1;

	if (!n)
		return LOOK_SHORT;
	if (n >= 7 && (w & seven) == http1)
		return LOOK_RESPONSE;
	if (!((w ^ http1) & known & seven) && n < 7)
		return LOOK_SHORT;
	if (n >= 8 && w == WORD('P', 'R', 'I', ' ', '*', ' ', 'H', 'T'))
		return LOOK_HTTP2;
	/* A handshake record with a hello of either side. */
	if ((w & 0xffff) == 0x0316 && (w >> 16 & 0xff) <= 4 &&
	    (n < 6 || (w >> 40 & 0xff) == 1 || (w >> 40 & 0xff) == 2))
		return LOOK_TLS;
	return look_request(w0, w1, n);
}

#define SCAN_MAX  8192 /* a longer head is taken to go on */
#define SCAN_PART 56

/* What scan() found. */
#define SCAN_CHUNKED 1
#define SCAN_LINE    2 /* a line ended */
#define SCAN_HTTP    4 /* ... and the first that did was a start line of HTTP/1 */
#define SCAN_MORE    (1U << 24) /* behind that message another one begins */
#define SCAN_BODY    (1U << 25) /* its body is the rest of the call */
#define SCAN_HEAD(f) (((f) & ~(SCAN_BODY | SCAN_MORE)) / SCAN_END)
#define SCAN_END     8 /* times this: bytes of the head, its empty line included; 0: no end */

/* "length: 123" in 24 bytes: the number, up to 2^31 - 1; -1: it is not that. */
static __always_inline int length_of(const __u8 *b)
{
	__u64 value = 0;
	bool digits = false;

	if (((*(const __u64 *)b | ALL_BYTES(0x20)) << 8) !=
	    WORD(0, 'l', 'e', 'n', 'g', 't', 'h', ':'))
		return -1;
	for (int i = 7; i < 24; i++) {
		if (b[i] >= '0' && b[i] <= '9') {
			digits = true;
			value = value * 10 + (b[i] - '0');
		} else if (digits || (b[i] != ' ' && b[i] != '\t')) {
			break;
		}
		if (value > 0x7fffffff)
			value = 0x7fffffff;
	}
	return digits ? (int)value : -1;
}
#endif
