// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Any bytes as a body in any coding, and any bytes compressed: the limits on output, ratio and
 * memory hold at every moment, the pieces that the body comes in make no difference, all memory is
 * freed, and what was compressed comes out again.
 */
#include <stdlib.h>
#include <string.h>
#include "inflate_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT (1 << 20)
struct got {
	struct inflater f;
	unsigned char *bytes;
	uint64_t n;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void on_out(void *ctx, const void *data, size_t len)
{
	struct got *g = ctx;

	check(len);
	/* Bytes that nothing could decode grow by nothing. */
	if (len <= OUT - g->n)
		memcpy(g->bytes + g->n, data, len);
	g->n += len;
	check(g->n <= g->f.max_out && g->n <= OUT);
	check(g->f.memory <= INFLATE_STAGES * INFLATE_STAGE_MEMORY);
	check(g->n <= g->f.bytes_in || !g->f.max_ratio || g->n <= g->f.free_out ||
	      g->n <= g->f.bytes_in * g->f.max_ratio);
}

static void body(struct got *g, const char *encoding, const uint8_t *data, size_t size,
		 unsigned int options, size_t piece)
{
	g->n = 0;
	inflater_start(&g->f, encoding, strlen(encoding), on_out, g);
	g->f.max_out = options & 1 ? options * 16 : OUT;
	g->f.max_ratio = options & 2 ? 2 + (options >> 4) : 100;
	g->f.free_out = options & 4 ? options : 65536;
	for (size_t i = 0; i < size; i += piece)
		inflater_feed(&g->f, data + i, piece < size - i ? piece : size - i);
	check(inflater_end(&g->f) == g->f.state && !g->f.memory);
	check(g->f.bytes_out == g->n && g->f.bytes_in == size);
	check(g->f.state != INFLATE_NO_MEMORY);
	check(!g->f.cut || g->n == g->f.max_out);
	check(g->f.cut == (g->f.state == INFLATE_LIMIT) || g->f.state == INFLATE_WRONG);
}

static void there_and_back(struct got *g, const uint8_t *data, size_t size, unsigned int how)
{
	static const int bits[] = {31, 15, -15};
	static unsigned char packed[1 << 16];
	z_stream z = {.next_in = (void *)data, .avail_in = size};
	int b = bits[how % 3];

	z.next_out = packed;
	z.avail_out = sizeof(packed);
	check(deflateInit2(&z, how % 10, Z_DEFLATED, b, 1 + how % 9, how / 10 % 5) == Z_OK);
	check(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	body(g, b == 31 ? "gzip" : "deflate", packed, z.total_out, 0, 1 + how % 50);
	check(g->f.state == INFLATE_OK && g->n == size && !memcmp(g->bytes, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const encodings[] = {"gzip",
						"deflate",
						"deflate, gzip",
						"gzip, deflate",
						"x-gzip, br",
						"gzip, gzip, gzip",
						"br",
						""};
	static unsigned char whole[OUT], pieces[OUT];
	struct got a = {.bytes = whole}, b = {.bytes = pieces};
	const char *encoding;

	if (size < 3 || size > 20000)
		return 0;
	encoding = encodings[data[0] % 8];
	body(&a, encoding, data + 3, size - 3, data[1], size);
	body(&b, encoding, data + 3, size - 3, data[1], 1 + data[2]);
	/* A ratio is told sooner where less came in. */
	if (a.f.state != INFLATE_RATIO && b.f.state != INFLATE_RATIO) {
		check(a.f.state == b.f.state && a.n == b.n && !memcmp(whole, pieces, a.n));
		check(a.f.trailing == b.f.trailing && a.f.cut == b.f.cut);
	}
	there_and_back(&a, data + 3, size - 3, data[0]);
	return 0;
}
