// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Cases: Content-Encoding, and bodies that are hard to show. */
#include <zlib.h>
#include "http.h"
#include "cases.h"

#define BOMB (16 << 20)

struct piece {
	char *data;
	size_t len;
};

/* wbits: 15 zlib, 31 gzip, -15 raw deflate. The caller frees. */
static struct piece packed(const char *p, size_t n, int wbits)
{
	z_stream z = {};
	struct piece out;

	if (deflateInit2(&z, 9, Z_DEFLATED, wbits, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		die("deflateInit2");
	out.len = deflateBound(&z, n) + 64;
	out.data = need(malloc(out.len));
	z.next_in = (Bytef *)p;
	z.avail_in = n;
	z.next_out = (Bytef *)out.data;
	z.avail_out = out.len;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		die("deflate");
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}

/* What comes out of the first n bytes: of a stream that is cut, as much as there is. */
static size_t unpacked(const char *p, size_t n, int wbits, char *out, size_t size)
{
	z_stream z = {};

	if (inflateInit2(&z, wbits) != Z_OK)
		die("inflateInit2");
	z.next_in = (Bytef *)p;
	z.avail_in = n;
	z.next_out = (Bytef *)out;
	z.avail_out = size;
	inflate(&z, Z_SYNC_FLUSH);
	n = z.total_out;
	inflateEnd(&z);
	return n;
}

/* plain NULL: not to be decoded. */
static void coded_answer(const char *name, const char *coding, struct piece p, const char *plain,
			 size_t n)
{
	request("GET /coding/%s HTTP/1.1", name);
	header("Accept-Encoding: gzip, deflate");
	head_end("none");
	named(name);
	end_message();
	go();
	response("200 OK");
	header("Content-Type: text/plain");
	header("Content-Encoding: %s", coding);
	header("Content-Length: %zu", p.len);
	head_end(p.len ? "length" : "none");
	body(p.data, p.len);
	coded(coding, plain, n);
	named(name);
	end_message();
	go();
}

static void upload(const char *name, const char *coding, struct piece p, const char *plain,
		   size_t n)
{
	request("POST /coding/%s HTTP/1.1", name);
	header("Content-Encoding: %s", coding);
	header("Transfer-Encoding: chunked");
	head_end("chunked");
	for (size_t at = 0; at < p.len; at += 100)
		chunk(p.data + at, p.len - at < 100 ? p.len - at : 100, "");
	last_chunk("", 0);
	coded(coding, plain, n);
	named(name);
	end_message();
	go();
	answer("200 OK", "ok\n", 3);
}

static void good(const char *s, size_t n)
{
	struct piece gz = packed(s, n, 31), z = packed(s, n, 15), raw = packed(s, n, -15);
	struct piece twice = packed(gz.data, gz.len, 15);

	coded_answer("gzip", "gzip", gz, s, n);
	coded_answer("x-gzip", "X-GZip", gz, s, n);
	coded_answer("deflate-zlib", "deflate", z, s, n);
	coded_answer("deflate-raw", "deflate", raw, s, n);
	coded_answer("stacked", "gzip, deflate", twice, s, n);
	coded_answer("identity", "identity", (struct piece){(char *)s, n}, s, n);
	upload("gzip-chunked", "gzip", gz, s, n);
	upload("deflate-chunked", "deflate", z, s, n);
	free(gz.data);
	free(z.data);
	free(raw.data);
	free(twice.data);
}

static void members(const char *s, size_t n)
{
	struct piece a = packed(s, n / 2, 31), b = packed(s + n / 2, n - n / 2, 31), both;

	both.len = a.len + b.len;
	both.data = need(malloc(both.len));
	memcpy(both.data, a.data, a.len);
	memcpy(both.data + a.len, b.data, b.len);
	coded_answer("two-members", "gzip", both, s, n);
	free(a.data);
	free(b.data);
	free(both.data);
}

static void damaged(const char *s, size_t n)
{
	struct piece gz = packed(s, n, 31);
	char *out = need(malloc(n));
	size_t whole = gz.len, got;

	gz.len /= 2;
	got = unpacked(gz.data, gz.len, 31, out, n);
	coded_answer("truncated", "gzip", gz, out, got);
	gz.len = whole;
	coded_answer("not-gzip", "gzip", (struct piece){(char *)s, n}, NULL, 0);
	gz.data[whole - 8] ^= 1; /* of the checksum */
	coded_answer("bad-checksum", "gzip", gz, s, n);
	coded_answer("unknown", "br", (struct piece){(char *)s, n}, NULL, 0);
	coded_answer("empty", "gzip", (struct piece){gz.data, 0}, NULL, 0);
	free(gz.data);
	free(out);
}

static void bomb(void)
{
	char *zeros = need(calloc(1, BOMB));
	struct piece gz = packed(zeros, BOMB, 31);

	coded_answer("bomb", "gzip", gz, zeros, BOMB);
	free(gz.data);
	free(zeros);
}

void build_codings(struct conn *c)
{
	char *s = text_of(5000, c->id);

	for (int64_t i = 0; i < opt.times; i++) {
		good(s, 5000);
		members(s, 5000);
		damaged(s, 5000);
		if (!i && !c->id)
			bomb();
	}
	free(s);
}

/* --- texts */
static void text(const char *name, const char *s, size_t n)
{
	request("POST /text/%s HTTP/1.1", name);
	header("Content-Length: %zu", n);
	head_end("length");
	body(s, n);
	named(name);
	end_message();
	go();
	answer("200 OK", s, n);
}
#define TEXT(name, s) text(name, s, sizeof(s) - 1)

void build_texts(struct conn *c)
{
	char all[256], *noise;

	for (int i = 0; i < 256; i++)
		all[i] = i;
	for (int64_t i = 0; i < opt.times; i++) {
		TEXT("utf8", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
		TEXT("line-separators", "a\xe2\x80\xa8"
					"b\xe2\x80\xa9"
					"c\xc2\x85"
					"d");
		TEXT("surrogate", "a\xed\xa0\x80z");
		TEXT("overlong", "a\xc0\xafz");
		TEXT("cut-sequence", "a\xe2\x82");
		TEXT("beyond-unicode", "a\xf4\x90\x80\x80z");
		TEXT("latin1", "caf\xe9");
		TEXT("nul", "a\0b");
		TEXT("escapes", "\x1b[31mred\x1b[0m\x1b]0;title\x07 \x7f \b\b");
		TEXT("quotes", "\"'`\\ \\\" \\n $(id) %s %n");
		TEXT("crlf", "a\r\nb\nc\rd\r\n\r\nGET /inside HTTP/1.1\r\n\r\n");
		TEXT("json", "{\"a\": [1, 2, {\"b\": null}], \"c\": \"\\u0000\"}");
		TEXT("bidi", "\xe2\x80\xae"
			     "evil\xe2\x80\xac");
		TEXT("bom", "\xef\xbb\xbf"
			    "bom");
		text("all-bytes", all, 256);
		noise = noise_of(10000, c->id + i);
		text("noise", noise, 10000);
		free(noise);
	}
}
