// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "ring.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RELEASE (64 << 10) /* bytes that are given back at once */

int ring_open(struct ring *r, int map_fd)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	void *consumer, *rest;

	*r = (struct ring){};
	if (bpf_obj_get_info_by_fd(map_fd, &info, &len))
		return -errno;
	if (info.type != BPF_MAP_TYPE_RINGBUF)
		return -EINVAL;
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	rest = mmap(NULL, page + info.max_entries, PROT_READ, MAP_SHARED, map_fd, page);
	if (rest == MAP_FAILED) {
		int err = -errno;

		munmap(consumer, page);
		return err;
	}
	r->consumer = consumer;
	r->producer = rest;
	r->data = (uint8_t *)rest + page;
	r->size = info.max_entries;
	return 0;
}

void ring_close(struct ring *r)
{
	size_t page = sysconf(_SC_PAGESIZE);

	free(r->cut);
	if (r->consumer) {
		munmap(r->consumer, page);
		munmap((void *)r->producer, page + r->size);
	}
	*r = (struct ring){};
}

/* The bytes of a record, in one piece. */
static void *whole(struct ring *r, size_t at, size_t len)
{
	size_t first = r->size - at;

	if (at == r->size)
		return (void *)r->data;
	if (len <= first)
		return (void *)(r->data + at);
	if (len > r->cut_size) {
		free(r->cut);
		r->cut = malloc(len);
		r->cut_size = r->cut ? len : 0;
	}
	if (!r->cut)
		return NULL;
	memcpy(r->cut, r->data + at, first);
	memcpy((uint8_t *)r->cut + first, r->data, len - first);
	return r->cut;
}

int ring_read(struct ring *r, ring_fn *fn, void *ctx)
{
	uint64_t at = *r->consumer, given = at,
		 end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
	int err = 0;

	while (at < end && !err) {
		const uint32_t *header = (const uint32_t *)(r->data + (at & (r->size - 1)));
		uint32_t len = __atomic_load_n(header, __ATOMIC_ACQUIRE);
		void *data;

		if (len & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(len & BPF_RINGBUF_DISCARD_BIT)) {
			if (len > r->size - BPF_RINGBUF_HDR_SZ)
				err = -EBADMSG;
			data = err ? NULL
				   : whole(r, (at & (r->size - 1)) + BPF_RINGBUF_HDR_SZ, len);
			if (!err)
				err = data ? fn(ctx, data, len) : -ENOMEM;
		}
		len &= ~BPF_RINGBUF_DISCARD_BIT;
		at += (len + BPF_RINGBUF_HDR_SZ + 7) & ~7ULL;
		if (at - given >= RELEASE || at - given >= r->size / 8) {
			__atomic_store_n(r->consumer, at, __ATOMIC_RELEASE);
			given = at;
		}
	}
	__atomic_store_n(r->consumer, at, __ATOMIC_RELEASE);
	return err;
}
