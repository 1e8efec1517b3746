// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* One coding: whole, in pieces, cut, damaged, followed by something, and not what it claims. */
#include <stdlib.h>
#include "inflate_int.h"
#include "unit/t.h"

#define TEXT 20000
static unsigned char text[TEXT], got[1 << 18];
static size_t ngot;

static void on_out(void *ctx, const void *data, size_t len)
{
	memcpy(got + ngot, data, len);
	ngot += len;
}

static size_t compress_to(unsigned char *dst, size_t size, const void *src, size_t len, int bits)
{
	z_stream z = {.next_in = (void *)src, .avail_in = len, .next_out = dst, .avail_out = size};

	T_EQ(deflateInit2(&z, 6, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
	T_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static struct inflater f;

static enum inflate_state run(const char *encoding, const void *data, size_t len, size_t piece)
{
	enum inflate_state state;

	ngot = 0;
	inflater_start(&f, encoding, strlen(encoding), on_out, NULL);
	for (size_t i = 0; i < len; i += piece)
		inflater_feed(&f, (const char *)data + i, piece < len - i ? piece : len - i);
	state = inflater_end(&f);
	T_EQ(f.memory, 0);
	return state;
}

static bool is(const void *want, size_t len)
{
	return ngot == len && !memcmp(got, want, len);
}

static const struct {
	const char *encoding;
	int bits;
} codings[] = {{"gzip", 31}, {"deflate", 15}, {"deflate", -15}};
static const size_t pieces[] = {1, 2, 3, 7, 100, 511, 512, 1023, 1024, 1025, 4096, 1 << 20};
#define EACH(i, array) for (size_t i = 0; i < sizeof(array) / sizeof(*(array)); i++)

static void test_whole(void)
{
	static const size_t lengths[] = {0, 1, 2, 100, 1023, 1024, 1025, 8191, 8192, 8193, TEXT};
	static unsigned char z[2 * TEXT];

	EACH(c, codings)
	{
		EACH(l, lengths)
		{
			size_t n = compress_to(z, sizeof(z), text, lengths[l], codings[c].bits);

			EACH(p, pieces)
			{
				T_EQ(run(codings[c].encoding, z, n, pieces[p]), INFLATE_OK);
				T_OK(is(text, lengths[l]));
				T_OK(!f.trailing);
			}
		}
	}
}

/* Cut anywhere: what came is decoded, and it says so. A single byte comes out as it is. */
static void test_cut(void)
{
	static unsigned char z[2 * TEXT];

	EACH(c, codings)
	{
		size_t n = compress_to(z, sizeof(z), text, 3000, codings[c].bits);
		size_t longest = 0;

		for (size_t i = 2; i < n; i += i < 80 ? 1 : 37) {
			enum inflate_state s = run(codings[c].encoding, z, i, 50);

			if (s == INFLATE_WRONG && codings[c].bits < 0) {
				/* Raw, and nothing came out yet: it could be anything. */
				T_OK(is(z, i) && i < 100);
				continue;
			}
			T_EQ(s, INFLATE_TRUNCATED);
			T_OK(ngot <= 3000 && !memcmp(got, text, ngot));
			T_OK(ngot >= longest);
			longest = ngot;
		}
		T_OK(longest > 2500);
		T_EQ(run(codings[c].encoding, z, 1, 1), INFLATE_WRONG);
		T_OK(is(z, 1));
	}
}

static void test_damaged(void)
{
	static unsigned char z[2 * TEXT];

	EACH(c, codings)
	{
		size_t n = compress_to(z, sizeof(z), text, TEXT, codings[c].bits);

		T_OK(n > 8000);
		memset(z + n / 2, 0xff, 200);
		EACH(p, pieces)
		{
			enum inflate_state state = run(codings[c].encoding, z, n, pieces[p]);

			/* Raw deflate has no checksum: damage may go unseen. */
			T_OK(state == INFLATE_CORRUPT || (state == INFLATE_OK && c == 2));
			T_OK(ngot > TEXT / 4 && !memcmp(got, text, TEXT / 4));
		}
	}
	/* The checksum alone. */
	for (int c = 0; c < 2; c++) {
		size_t n = compress_to(z, sizeof(z), text, 100, codings[c].bits);

		z[n - 5 * (codings[c].bits > 15) - 1]++;
		T_EQ(run(codings[c].encoding, z, n, 10), INFLATE_CORRUPT);
		T_OK(is(text, 100));
	}
}

static void test_members(void)
{
	static const char *const tails[] = {"\n",	"\037",
					    "\037\213", "\037\213\010\377",
					    "\0\0\0",	"garbage that is longer than a header"};
	static const int trailing[] = {1, 0, 0, 1, 1, 1};
	static unsigned char z[2 * TEXT];
	size_t n = compress_to(z, sizeof(z), text, 1000, 31), all;

	all = n + compress_to(z + n, sizeof(z) - n, text + 1000, 0, 31);
	all += compress_to(z + all, sizeof(z) - all, text + 1000, 5000, 31);
	EACH(p, pieces)
	{
		T_EQ(run("gzip", z, all, pieces[p]), INFLATE_OK);
		T_OK(is(text, 6000));
		EACH(t, tails)
		{
			size_t len = t == 3 || t == 2 ? t + 1 : t == 4 ? 3 : strlen(tails[t]);
			unsigned char keep[40];

			len = t == 2 ? 2 : t == 3 ? 4 : len;
			memcpy(keep, z + n, len);
			memcpy(z + n, tails[t], len);
			T_EQ(run("gzip", z, n + len, pieces[p]),
			     trailing[t] ? INFLATE_OK : INFLATE_TRUNCATED);
			T_OK(is(text, 1000));
			T_EQ(f.trailing, trailing[t]);
			memcpy(z + n, keep, len);
		}
		T_EQ(run("gzip", z, all - 200, pieces[p]), INFLATE_TRUNCATED);
	}
	/* The others have one member. */
	for (int c = 1; c < 3; c++) {
		n = compress_to(z, sizeof(z), text, 1000, codings[c].bits);
		memcpy(z + n, z, n);
		EACH(p, pieces)
		{
			T_EQ(run("deflate", z, 2 * n, pieces[p]), INFLATE_OK);
			T_OK(is(text, 1000));
			T_OK(f.trailing);
		}
	}
}

/* Bodies that are in no coding, or in another, whatever the header says. */
static void test_wrong(void)
{
	static const char *const plain[] = {
		"x",
		"hi",
		"{}",
		"[]",
		"{\"a\":1}",
		"[1,2,3]",
		"Hello, world!\n",
		"{\"error\":\"not found\",\"code\":404,\"path\":\"/items/1\",\"more\":[1,2,3,4,5]}",
		"<html><body>It works!</body></html>",
		"sk\xc3\xa5l, {\"a\":\"\xe2\x82\xac\"}",
		"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
		"78787878",
		"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj",
		"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
		"\xff\xd8\xff\xe0\0\x10JFIF",
		"x\x9c",
		"x\x9cxxxxxxxxxxxxxx"};
	static unsigned char z[2 * TEXT];
	size_t n;

	EACH(i, plain)
	{
		for (int c = 0; c < 2; c++) {
			/* A header of zlib alone is the start of one. */
			bool header = c && !memcmp(plain[i], "x\x9c", 2) && !plain[i][2];

			for (size_t piece = 1; piece < 20; piece += 6) {
				T_EQ(run(c ? "deflate" : "gzip", plain[i], strlen(plain[i]), piece),
				     header ? INFLATE_TRUNCATED : INFLATE_WRONG);
				T_OK(header || is(plain[i], strlen(plain[i])));
			}
		}
	}
	/* A long text that may look like deflate for a while. */
	for (size_t i = 0; i < sizeof(z); i++)
		z[i] = "{\"key\":\"value\",\n"[i % 16];
	EACH(p, pieces)
	{
		T_EQ(run("deflate", z, sizeof(z), pieces[p]), INFLATE_WRONG);
		T_OK(is(z, sizeof(z)));
	}
	n = compress_to(z, sizeof(z), text, 1000, 31);
	T_EQ(run("deflate", z, n, 7), INFLATE_WRONG);
	T_OK(is(z, n));
	n = compress_to(z, sizeof(z), text, 1000, 15);
	T_EQ(run("gzip", z, n, 7), INFLATE_WRONG);
	T_OK(is(z, n));
}

int main(void)
{
	unsigned int dice = 1;

	/* Text that shrinks to a half or so. */
	for (size_t i = 0; i < TEXT; i++) {
		dice = dice * 1664525 + 1013904223;
		text[i] = "etaoin shrdlu,\n{}"[(dice >> 16) % 17];
	}
	test_whole();
	test_cut();
	test_damaged();
	test_members();
	test_wrong();
	return t_done();
}
