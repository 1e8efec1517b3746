/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef RING_H
#define RING_H
/*
 * The reading end of a BPF ring buffer (Linux, Documentation/bpf/ringbuf.rst).
 *
 * libbpf's maps the data twice, one behind the other, so that no record is cut at the end; it counts
 * twice as resident memory, too. Here it is mapped once, and the few records that are cut are put
 * together. Room is given back for many records at once: where the kernel half writes at the same
 * time, each word to it makes the writer wait.
 */
#include <stddef.h>
#include <stdint.h>

struct ring {
	uint64_t *consumer; /* where to read next */
	const uint64_t *producer; /* where the kernel writes next */
	const uint8_t *data; /* size bytes */
	size_t size; /* a power of two */
	uint64_t *cut; /* a record that is, put together */
	size_t cut_size;
};

/* A record of len bytes, aligned to 8; nonzero ends the reading, the record is over all the same. */
typedef int ring_fn(void *ctx, void *data, size_t len);

/* Maps the ring buffer. 0 or -errno. */
int ring_open(struct ring *r, int map_fd);
void ring_close(struct ring *r);
/*
 * Reads what is there by now, at most the ring's size: who writes faster than this reads does not
 * keep it for ever. 0, what fn returned, or -EBADMSG for a buffer that makes no sense, or -ENOMEM.
 */
int ring_read(struct ring *r, ring_fn *fn, void *ctx);
#endif
