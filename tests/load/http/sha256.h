/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTP_SHA256_H
#define HTTP_SHA256_H
/* SHA-256 (FIPS 180-4), so that a shell can compare bodies with sha256sum. */
#include <stddef.h>
#include <stdint.h>

struct sha256 {
	uint32_t h[8];
	uint64_t len;
	uint8_t block[64];
};
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_hex(struct sha256 *s, char hex[65]); /* s is used up */
#endif
