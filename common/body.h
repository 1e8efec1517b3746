/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef BODY_H
#define BODY_H
/*
 * How a body is shown: as text where it is some, else as base64 (the key body_encoding: utf8 or
 * base64).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is it text? All zero is a new one; nothing to free. */
struct body_text {
	bool binary; /* it is not, whatever comes */
	uint8_t need; /* bytes that the last character lacks */
	uint8_t have; /* bytes of it that came */
	uint8_t low, high; /* what the next of them may be */
};

/*
 * The next n bytes. Text is well-formed UTF-8 (RFC 3629) without control bytes, but for those that
 * JSON has letters for (tab, newline, return, backspace, form feed) and ESC, which colours logs.
 * NUL and DEL are binary. A character may be split over calls.
 */
void body_text_feed(struct body_text *t, const void *data, size_t n);
/*
 * What it was. cut: bytes are missing at the end, so that the last character may lack some;
 * t->have tells how many bytes to leave out. Nothing at all is text.
 */
bool body_text_end(const struct body_text *t, bool cut);

/* Room for n bytes as base64, without a NUL. */
#define BODY_BASE64_SIZE(n) (((size_t)(n) + 2) / 3 * 4)
/*
 * Writes n bytes to dst as base64 with padding (RFC 4648, section 4) and returns the length,
 * BODY_BASE64_SIZE(n). No NUL. A body in pieces joins up when all but the last have a multiple of 3
 * bytes.
 */
size_t body_base64(char *dst, const void *src, size_t n);
#endif
