// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What a coding is named, how codings lie on top of each other, and the limits. */
#include <stdlib.h>
#include "inflate_int.h"
#include "unit/t.h"

static unsigned char got[4 << 20];
static size_t ngot;

static void on_out(void *ctx, const void *data, size_t len)
{
	T_OK(len > 0 && ctx == &ngot && ngot + len <= sizeof(got));
	memcpy(got + ngot, data, len);
	ngot += len;
}

/* bits as zlib's deflateInit2() takes them: 31 gzip, 15 zlib, -15 raw. */
static size_t compress_to(unsigned char *dst, size_t size, const void *src, size_t len, int bits)
{
	z_stream z = {.next_in = (void *)src, .avail_in = len, .next_out = dst, .avail_out = size};

	T_EQ(deflateInit2(&z, 9, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
	T_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static struct inflater f;

static void start(const char *encoding)
{
	ngot = 0;
	inflater_start(&f, encoding, encoding ? strlen(encoding) : 0, on_out, &ngot);
}

/* The whole body in pieces of so many bytes. */
static enum inflate_state feed(const void *data, size_t len, size_t piece)
{
	enum inflate_state state;

	for (size_t i = 0; i < len; i += piece) {
		inflater_feed(&f, (const char *)data + i, piece < len - i ? piece : len - i);
		T_OK(f.memory <= INFLATE_STAGES * INFLATE_STAGE_MEMORY);
	}
	state = inflater_end(&f);
	T_EQ(state, f.state);
	T_EQ(f.memory, 0);
	T_EQ(f.bytes_in, len);
	T_EQ(f.bytes_out, ngot);
	return state;
}

static bool is(const void *want, size_t len)
{
	return ngot == len && !memcmp(got, want, len);
}

static void test_names(void)
{
	static const struct {
		const char *encoding, *undecoded;
		int stages;
		enum inflate_coding first;
	} c[] = {
		{NULL, "", 0, 0},
		{"", "", 0, 0},
		{" , ,", "", 0, 0},
		{"identity", "", 0, 0},
		{"gzip", "", 1, CODING_GZIP},
		{"GZip ", "", 1, CODING_GZIP},
		{"x-gzip", "", 1, CODING_GZIP},
		{"deflate", "", 1, CODING_DEFLATE},
		{"identity, deflate,, identity", "", 1, CODING_DEFLATE},
		{"gzip,deflate", "", 2, CODING_DEFLATE},
		{"gzip,gzip\t, gzip", "", 3, CODING_GZIP},
		{"gzip,gzip,gzip,gzip", "gzip,gzip,gzip,gzip", 0, 0},
		{"br", "br", 0, 0},
		{"zstd", "zstd", 0, 0},
		{"gzip, br", "gzip, br", 0, 0},
		{" br , gzip", "br", 1, CODING_GZIP},
		{"gzipp", "gzipp", 0, 0},
		{"gzi", "gzi", 0, 0},
		{"gzip;q=1", "gzip;q=1", 0, 0},
		{"a234567890b234567890c234567890d234567890", "a234567890b234567890c234567890d", 0,
		 0},
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(*c); i++) {
		start(c[i].encoding);
		T_STR(f.undecoded, c[i].undecoded);
		T_EQ(f.nstages, c[i].stages);
		if (c[i].stages)
			T_EQ(f.coding[0], c[i].first);
		T_EQ(f.state, c[i].stages ? INFLATE_OK : INFLATE_PLAIN);
		T_EQ(f.memory, 0);
		T_EQ(feed("", 0, 1), c[i].stages ? INFLATE_OK : INFLATE_PLAIN);
	}
	/* Not read past its length. */
	inflater_start(&f, "gzipdeflate", 4, on_out, &ngot);
	T_EQ(f.nstages, 1);
	T_OK(!inflate_state_name(INFLATE_OK) && !inflate_state_name(INFLATE_PLAIN));
	T_OK(!inflate_state_name(INFLATE_NO_MEMORY + 1));
	for (enum inflate_state s = INFLATE_TRUNCATED; s <= INFLATE_NO_MEMORY; s++)
		T_OK(inflate_state_name(s));
}

static void test_plain(void)
{
	start("br");
	T_EQ(feed("some bytes", 10, 3), INFLATE_PLAIN);
	T_OK(is("some bytes", 10));
	T_OK(!f.cut);
	start(NULL);
	f.max_out = 4;
	T_EQ(feed("some bytes", 10, 3), INFLATE_LIMIT);
	T_OK(is("some", 4));
	T_OK(f.cut);
	start(NULL);
	f.max_out = 10;
	T_EQ(feed("some bytes", 10, 3), INFLATE_PLAIN);
	T_OK(!f.cut);
}

static void test_stacked(void)
{
	static const char text[] = "a body, a body, a body, and nothing but a body";
	unsigned char a[300], b[300], c[300];
	size_t n = compress_to(a, sizeof(a), text, sizeof(text), -15);

	n = compress_to(b, sizeof(b), a, n, 31);
	for (size_t piece = 1; piece < 70; piece++) {
		start("deflate, gzip");
		T_EQ(feed(b, n, piece), INFLATE_OK);
		T_OK(is(text, sizeof(text)));
	}
	start("br, gzip"); /* the bytes of the coding below come out */
	T_EQ(feed(b, n, 9), INFLATE_OK);
	T_STR(f.undecoded, "br");
	T_OK(ngot > 10 && ngot < sizeof(text) && !memcmp(got, a, ngot));
	n = compress_to(c, sizeof(c), b, n, 15);
	start("deflate, identity, gzip, deflate");
	T_EQ(feed(c, n, 1), INFLATE_OK);
	T_OK(is(text, sizeof(text)));
	/* Named once too often: what is there is undone. */
	start("gzip, deflate");
	T_EQ(feed(c, n, 1), INFLATE_OK);
	n = compress_to(a, sizeof(a), text, sizeof(text), 31);
	start("gzip, gzip");
	T_EQ(feed(a, n, 5), INFLATE_WRONG);
	T_OK(is(text, sizeof(text)));
}

static void test_limits(void)
{
	static unsigned char zeros[4 << 20], bomb[64 << 10], twice[4096];
	size_t n = compress_to(bomb, sizeof(bomb), zeros, sizeof(zeros), 31), m;

	T_OK(n < 5000);
	for (size_t piece = 1; piece < 10000; piece = piece * 3 + 1) {
		start("gzip");
		f.max_out = 1000;
		T_EQ(feed(bomb, n, piece), INFLATE_LIMIT);
		T_EQ(ngot, 1000);
		T_OK(f.cut);
		start("gzip");
		T_EQ(feed(bomb, n, piece), INFLATE_RATIO);
		T_OK(ngot >= 64 << 10 && ngot <= 100 * n);
		T_OK(!f.cut);
		start("gzip");
		f.max_ratio = 2;
		f.free_out = 100;
		T_EQ(feed(bomb, n, piece), INFLATE_RATIO);
		T_OK(ngot >= 100 && ngot <= 2 * n);
	}
	start("gzip");
	f.max_ratio = 0;
	T_EQ(feed(bomb, n, 100), INFLATE_OK);
	T_EQ(ngot, sizeof(zeros));
	start("gzip");
	f.free_out = sizeof(zeros);
	f.max_out = sizeof(zeros);
	T_EQ(feed(bomb, n, n), INFLATE_OK); /* to the byte */
	T_EQ(ngot, sizeof(zeros));
	T_OK(!f.cut);
	/* A bomb in a bomb: the one within is not even unpacked. */
	m = compress_to(twice, sizeof(twice), bomb, n, 31);
	T_OK(m < 200);
	start("gzip, gzip");
	T_EQ(feed(twice, m, 1), INFLATE_RATIO);
	T_EQ(ngot, 64 << 10);
}

/* Begun again with no end: nothing leaks, nothing of the old one is left. */
static void test_again(void)
{
	unsigned char a[64];
	size_t n = compress_to(a, sizeof(a), "abc", 3, 31);

	start("gzip");
	inflater_feed(&f, a, 12);
	T_OK(f.memory > 0);
	start("gzip");
	T_EQ(f.memory, 0);
	T_EQ(feed(a, n, n), INFLATE_OK);
	T_OK(is("abc", 3));
	T_EQ(inflater_end(&f), INFLATE_OK);
}

int main(void)
{
	test_names();
	test_plain();
	test_stacked();
	test_limits();
	test_again();
	return t_done();
}
