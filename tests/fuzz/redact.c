// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Heads with secrets in them, built from parts that any bytes choose, and any bytes as a head,
 * header, URL: no byte of a secret survives, whole or in pieces; only '*' is ever written; line
 * ends and blanks stay; what is split is not masked less than what is whole; the raw head shows
 * nothing that the values, masked one by one, do not.
 *
 * A secret is made of ~, which no other part has.
 */
#include <stdlib.h>
#include <string.h>
#include "redact_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX 8192
static const struct redact none;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* b is a with some bytes masked. */
static void check_masked(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(b[i] == a[i] || (b[i] == '*' && !blank(a[i])));
}

/* Buffers of the very size, so that a byte beside them is seen. Returns the head's length. */
static size_t feed(const char *in, char *out, size_t n, const uint8_t *cuts, size_t ncuts)
{
	struct redact_head h;
	size_t used = 0, len;

	redact_head_start(&h, &none, true);
	for (size_t i = 0, c = 0; i < n; i += len, c++) {
		len = ncuts ? cuts[c % ncuts] % 64 + 1 : n;
		len = len < n - i ? len : n - i;
		char *copy = malloc(len);

		memcpy(copy, in + i, len);
		used += redact_head_feed(&h, copy, len);
		memcpy(out + i, copy, len);
		free(copy);
	}
	check_masked(in, out, n);
	check(!memcmp(in + used, out + used, n - used));
	check(used == n || h.ended);
	return used;
}

/* The lines as a strict parser would hand them over, against the raw ones. */
static void check_values(const char *in, const char *raw, size_t n)
{
	static char value[MAX];
	const char *line, *end, *colon;
	size_t start = 0;

	while (start < n && (in[start] == '\r' || in[start] == '\n'))
		start++;
	line = memchr(in + start, '\n', n - start);
	for (; line; line = end) {
		line++;
		end = memchr(line, '\n', in + n - line);
		if (!end || end == line || *line == '\r' || *line == ' ' || *line == '\t')
			return;
		colon = memchr(line, ':', end - line);
		if (!colon || (end + 1 < in + n && (end[1] == ' ' || end[1] == '\t')))
			return;
		if (memchr(line, '\r', colon - line))
			return;
		colon++;
		memcpy(value, colon, end - colon);
		redact_header(&none, line, colon - 1 - line, value, end - colon);
		for (size_t i = 0; i < (size_t)(end - colon); i++)
			check(value[i] != '*' || colon[i] == '*' || raw[colon - in + i] == '*');
	}
}

static const char *const parts[] = {"Authorization: Basic ~",
				    "Authorization: ~~~",
				    "Proxy-Authorization:\tBearer ~~.~~",
				    "Cookie: a=~; b=~;c=\"~;~=~\"",
				    "Cookie: ~; a=~",
				    "Set-Cookie: id=~~; Path=/; HttpOnly",
				    "Set-Cookie: a=~; other=~; Domain=h, b=~",
				    "X-Api-Key: ~ ~",
				    "x-auth-token :~\r\n\t~",
				    "Referer: http://~:~@h/a?token=~&b=c",
				    "Location: /?%74oken=~~&state=1#id_token=~",
				    "Link: <//~~@h/?sig=~>; rel=x",
				    "X: a\r\n Authorization: Basic ~",
				    "Y: b\rCookie: a=~",
				    "Z: /?next=https%3A%2F%2F~%3A~%40h%2F%3Fkey%3D~%26c%3D~",
				    "W: /;jsessionid=~",
				    "V: /?X-Amz-Credential=~%2F~&X-Amz-Signature=~",
				    "Host: h",
				    "Accept: */*",
				    "U: a=b&c=d",
				    "T: https://h/?u=http://~@h/&password=~",
				    "cookie:\r\n a=~\r\n ;b=~",
				    "R: /?a%3Fpwd%3D~"};
static const char *const starts[] = {"GET / HTTP/1.1",
				     "GET /?token=~ HTTP/1.1",
				     "GET http://~:~@h/?a=b&key=~ HTTP/1.0",
				     "CONNECT ~:~@h:443 HTTP/1.1",
				     "HTTP/1.1 200 OK",
				     "\r\nPOST /?sig=~ ~ HTTP/1.1",
				     "GET /?key=~"};

static size_t build(char *dst, const uint8_t *data, size_t size)
{
	size_t n = 0, len;

	for (size_t i = 0; i < size && n < MAX - 300; i++) {
		const char *s = i ? parts[data[i] % (sizeof(parts) / sizeof(*parts))]
				  : starts[data[0] % (sizeof(starts) / sizeof(*starts))];

		len = strlen(s);
		memcpy(dst + n, s, len);
		n += len;
		/* Bare line ends too. */
		if (data[i] < 250)
			dst[n++] = '\r';
		dst[n++] = '\n';
	}
	memcpy(dst + n, "\r\nbody", 6);
	return n + 6;
}

static void try(const char *in, size_t n, const uint8_t *cuts, size_t ncuts, bool secrets)
{
	static char whole[MAX], split[MAX];
	size_t used = feed(in, whole, n, NULL, 0);

	check(feed(in, split, n, cuts, ncuts) == used);
	for (size_t i = 0; i < n; i++) {
		check(whole[i] == in[i] || split[i] == '*');
		check(!secrets || (whole[i] != '~' && split[i] != '~'));
	}
	check_values(in, whole, used);
}

/* Any bytes as a single value or URL. */
static void values(const char *in, size_t n)
{
	static const char *const names[] = {"Authorization", "Cookie", "Set-Cookie", "X-Api-Key",
					    "Referer"};
	char *copy = malloc(n + 1), *again = malloc(n + 1);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		memcpy(copy, in, n);
		redact_header(&none, names[i], strlen(names[i]), copy, n);
		check_masked(in, copy, n);
	}
	memcpy(copy, in, n);
	redact_url(&none, copy, n);
	check_masked(in, copy, n);
	/* A secret put in front of it, and it put in front of one. */
	if (n >= 8 && !memchr(in, '&', n)) {
		memcpy(again, in, n);
		memcpy(again, "?token=", 7);
		redact_url(&none, again, n);
		for (size_t i = 7; i < n; i++)
			check(again[i] == '*' || blank(again[i]));
	}
	free(copy);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char head[MAX];
	size_t ncuts, n;

	if (size < 5 || size > MAX - 64)
		return 0;
	ncuts = 1 + data[0] % 3;
	n = build(head, data + 1 + ncuts, size - 1 - ncuts < 24 ? size - 1 - ncuts : 24);
	try(head, n, data + 1, ncuts, true);
	memcpy(head, data + 1 + ncuts, size - 1 - ncuts);
	try(head, size - 1 - ncuts, data + 1, ncuts, false);
	values(head, size - 1 - ncuts);
	return 0;
}
