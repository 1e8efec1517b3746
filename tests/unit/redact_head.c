// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Raw heads, whole and split at every point. */
#include <stdlib.h>
#include "redact_int.h"
#include "unit/t.h"

static const struct redact none;

/* What is behind the head is "BODY". */
static const char *const heads[][2] = {
	{"GET / HTTP/1.1\r\n\r\nBODY", "GET / HTTP/1.1\r\n\r\nBODY"},
	{"GET /?a=b&token=cd HTTP/1.1\r\nHost: h\r\nAuthorization: Basic eHl6\r\nCookie: a=b; "
	 "c=d\r\n"
	 "X-Api-Key: abc\r\nAccept: */*\r\n\r\nBODY?key=x",
	 "GET /?a=b&token=** HTTP/1.1\r\nHost: h\r\nAuthorization: Basic ****\r\nCookie: a=*; "
	 "c=*\r\n"
	 "X-Api-Key: ***\r\nAccept: */*\r\n\r\nBODY?key=x"},
	{"HTTP/1.1 302 Found\r\nSet-Cookie: a=b; Path=/\r\nLocation: http://u:p@h/?sig=x\r\n\r\n",
	 "HTTP/1.1 302 Found\r\nSet-Cookie: a=*; Path=/\r\nLocation: http://***@h/?sig=*\r\n\r\n"},
	{"CONNECT u:p@h:443 HTTP/1.1\r\nProxy-Authorization: Bearer x\r\n\r\n",
	 "CONNECT ***@h:443 HTTP/1.1\r\nProxy-Authorization: Bearer *\r\n\r\n"},
	{"GET http://u:p@h/ HTTP/1.0\r\nReferer: /?pwd=a b\r\n\r\n",
	 "GET http://***@h/ HTTP/1.0\r\nReferer: /?pwd=* *\r\n\r\n"},
	/* Blanks in a target; another version; none. */
	{"GET /?token=a b HTTP/1.1\r\n\r\n", "GET /?token=* * HTTP/1.1\r\n\r\n"},
	{"GET /?token=a HTTP/1.1 \r\n\r\n", "GET /?token=* ******** \r\n\r\n"},
	{"GET /?token=a b\n\nBODY", "GET /?token=* *\n\nBODY"},
	{"GET /?token=a HTTP/x\r\n\r\n", "GET /?token=* HTTP/x\r\n\r\n"},
	/* Odd line ends and names. */
	{"\r\n\n\rGET /?key=x HTTP/1.1\nCookie: a=b\n\nBODY",
	 "\r\n\n\rGET /?key=* HTTP/1.1\nCookie: a=*\n\nBODY"},
	{"A b c\r\nAuthorization : Basic x\r\nAUTHORIZATION:y\r\n\tz\r\n\r\n",
	 "A b c\r\nAuthorization : Basic *\r\nAUTHORIZATION:*\r\n\t*\r\n\r\n"},
	{"A b c\r\nX: a\rCookie: a=b\r\nnone of it\r\n Cookie: a=b\r\nno\rX-Api-Key: a\r\n\r\n",
	 "A b c\r\nX: a\rCookie: a=*\r\nnone of it\r\n Cookie: a=*\r\nno\rX-Api-Key: *\r\n\r\n"},
	{"A b c\r\n Authorization: Basic x\r\n X-Api-Key: a\r\n\r\n",
	 "A b c\r\n Authorization: Basic *\r\n ********** *\r\n\r\n"},
	{"A b c\r\nX-Api-Key: a\r\n b\r\n\tc\r\nX: d\r\n\r\n",
	 "A b c\r\nX-Api-Key: *\r\n *\r\n\t*\r\nX: d\r\n\r\n"},
	{"A b c\r\nX-Api-Key: a\rb\r\rX: c\r\n\r\n", "A b c\r\nX-Api-Key: *\r*\r\r** *\r\n\r\n"},
	{"A b c\r\nX-Api-Key:\r\n\r\nBODY", "A b c\r\nX-Api-Key:\r\n\r\nBODY"},
	{"A b c\r\n\rX-Api-Key: a\r\n\r\n", "A b c\r\n\rX-Api-Key: *\r\n\r\n"},
	{"A b c\r\n: a\r\nX: /?token=a\r\n b: c\r\n\r\n",
	 "A b c\r\n: a\r\nX: /?token=*\r\n ** *\r\n\r\n"},
	{"A b c\r\nno\rSid: a\r\nsid: b\r\n\r\n", "A b c\r\nno\rSid: *\r\nsid: *\r\n\r\n"},
	/* A line end is none to who wants two bytes for it: the path goes on. */
	{"A b c\r\nX: a/b\rx;sid=c\r\n\r\n", "A b c\r\nX: a/b\rx;sid=*\r\n\r\n"},
	{"A b c\r\nX: a@b/cdefghijk\rx;sid=d\r\n\r\n",
	 "A b c\r\nX: a@b/cdefghijk\rx;sid=*\r\n\r\n"},
	{"A b c\r\nX: a/b c\rx;sid=d\r\n\r\n", "A b c\r\nX: a/b c\rx;sid=d\r\n\r\n"},
	{"A b c\r\nX: /a\rbcd\rx;sid=e\r\n\r\n", "A b c\r\nX: /a\rbcd\rx;sid=*\r\n\r\n"},
	/* A scheme alone is as in the header's value: masked. */
	{"A b c\r\nAuthorization: Basic\r\nAuthorization: Token \nAuthorization: JWT \tx\n\n",
	 "A b c\r\nAuthorization: *****\r\nAuthorization: ***** \nAuthorization: JWT \t*\n\n"},
	/* In the midst of a head; no end. */
	{"Authorization: Basic x\r\nCookie: a=b", "Authorization: Basic *\r\nCookie: a=*"},
	{"word\r\nCookie: a=b\r\n", "word\r\nCookie: a=*\r\n"},
	{"http://u:p@h/ x\r\n\r\n", "http://***@h/ x\r\n\r\n"},
};
static const char *const trailers[][2] = {
	{"X-Checksum: ab\r\nX-Api-Key: cd\r\n\r\nBODY",
	 "X-Checksum: ab\r\nX-Api-Key: **\r\n\r\nBODY"},
	{"\r\nBODY", "\r\nBODY"},
};

/* Up to two points where a new piece begins. Returns the head's length. */
static size_t in_pieces(const char *in, char *out, size_t a, size_t b, bool trailer,
			uint64_t *masked)
{
	size_t len = strlen(in), at[] = {0, a, b, len}, used = 0;
	struct redact_head h;

	redact_head_start(&h, &none, !trailer);
	for (int i = 0; i < 3; i++) {
		size_t n = at[i + 1] - at[i];
		char *copy = malloc(n + !n);

		memcpy(copy, in + at[i], n);
		used += redact_head_feed(&h, copy, n);
		memcpy(out + at[i], copy, n);
		free(copy);
	}
	out[len] = '\0';
	*masked = h.masked;
	T_EQ(h.ended, strstr(in, "\n\r\n") || strstr(in, "\n\n") || *in == '\r');
	return used;
}

static void check(const char *in, const char *want, bool trailer)
{
	size_t len = strlen(in), stars = 0;
	const char *body = strstr(in, "BODY");
	size_t head = body ? (size_t)(body - in) : len;
	bool fine = true;
	uint64_t masked;
	char out[512];

	T_EQ(in_pieces(in, out, len, len, trailer, &masked), head);
	T_STR(out, want);
	for (size_t i = 0; i < len; i++)
		stars += in[i] != want[i];
	T_EQ(masked, stars);
	for (size_t a = 0; a <= len && fine; a++) {
		for (size_t b = a; b <= len && fine; b += 1 + (b > a + 12) * 5) {
			fine &= in_pieces(in, out, a, b, trailer, &masked) == head;
			for (size_t i = 0; i < len; i++)
				fine &= want[i] != in[i] ? out[i] == '*'
							 : out[i] == in[i] || out[i] == '*';
		}
	}
	T_OK(fine);
	if (!fine)
		T_STR(out, want);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		check(heads[i][0], heads[i][1], false);
	for (size_t i = 0; i < sizeof(trailers) / sizeof(*trailers); i++)
		check(trailers[i][0], trailers[i][1], true);
	return t_done();
}
