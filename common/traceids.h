/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TRACEIDS_H
#define TRACEIDS_H
/*
 * Trace and span ids in requests, by W3C Trace Context (level 1) and by Zipkin's B3; and ids that
 * are made. Nothing outside of what is pointed to is written when an error is returned.
 */
#include <stddef.h>
#include <stdint.h>

/*
 * traceparent: "00-32 digits-16 digits-2 digits", hex with small letters alone. Version ff, ids of
 * zeros and a version 00 of another length are refused; a later version is read by its first four
 * fields (2.2 and 3.2). 0 or -EINVAL.
 */
int ids_traceparent(const char *v, size_t n, uint8_t trace[16], uint8_t parent[8], uint8_t *flags);
/*
 * b3, all in one header: "TRACE-SPAN", "TRACE-SPAN-SAMPLED", "TRACE-SPAN-SAMPLED-PARENT". A trace
 * id of 16 digits has zeros put before it. flags: 1 where it is sampled. 0; -ENOENT for a decision
 * alone ("0"), which has no ids; -EINVAL.
 */
int ids_b3(const char *v, size_t n, uint8_t trace[16], uint8_t span[8], uint8_t *flags);
/* X-B3-TraceId and X-B3-SpanId; ids as in b3. 0 or -EINVAL. */
int ids_b3_trace(const char *v, size_t n, uint8_t trace[16]);
int ids_b3_span(const char *v, size_t n, uint8_t span[8]);
/* X-B3-Sampled ("1", or "true" as of old) or X-B3-Flags ("1"): 1, or 0 for all else. */
uint8_t ids_b3_sampled(const char *v, size_t n);

/* 2 * n small letters and a NUL; returns dst. */
char *ids_hex(char *dst, const uint8_t *id, size_t n);

/*
 * 16 bytes made of n: the same on every machine. SipHash-2-4 with 128 bits of output and a key that
 * is known to all, so it keeps nothing secret; it is taken because its bits are as good as random
 * ones, for sampling goes by them, and ids that differ in a bit alone are common.
 */
void ids_hash(uint8_t id[16], const void *data, size_t n);
#endif
