/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef LOAD_URING_H
#define LOAD_URING_H
/* io_uring without a library: the two queues, for one thread. All return 0 or more, or -errno. */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct uring {
	int fd;
	char *mem; /* both queues: every kernel since 5.4 maps them at once */
	size_t size;
	struct io_uring_sqe *sqes;
	struct io_uring_params p;
	unsigned int queued; /* not submitted yet */
};

static inline uint32_t *uring_at(const struct uring *r, uint32_t offset)
{
	return (uint32_t *)(r->mem + offset);
}

static inline void uring_close(struct uring *r)
{
	if (r->sqes)
		munmap(r->sqes, r->p.sq_entries * sizeof(*r->sqes));
	if (r->mem)
		munmap(r->mem, r->size);
	close(r->fd);
	r->fd = -1;
}

/* p: zeroed but for flags and what belongs to them. */
static inline int uring_open(struct uring *r, unsigned int entries, const struct io_uring_params *p)
{
	size_t sq;
	void *mem;

	memset(r, 0, sizeof(*r));
	r->p = *p;
	r->fd = syscall(SYS_io_uring_setup, entries, &r->p);
	if (r->fd < 0)
		return -errno;
	r->size = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe);
	sq = r->p.sq_off.array + r->p.sq_entries * sizeof(uint32_t);
	r->size = r->size < sq ? sq : r->size;
	mem = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		   IORING_OFF_SQ_RING);
	r->mem = mem == MAP_FAILED ? NULL : mem;
	mem = mmap(NULL, r->p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	r->sqes = mem == MAP_FAILED ? NULL : mem;
	if (r->mem && r->sqes)
		return 0;
	uring_close(r);
	return -ENOMEM;
}

/* The next entry, zeroed; the caller does not queue more than the ring has. */
static inline struct io_uring_sqe *uring_sqe(struct uring *r)
{
	uint32_t tail = *uring_at(r, r->p.sq_off.tail) + r->queued++;
	uint32_t slot = tail & *uring_at(r, r->p.sq_off.ring_mask);

	uring_at(r, r->p.sq_off.array)[slot] = slot;
	memset(&r->sqes[slot], 0, sizeof(*r->sqes));
	return &r->sqes[slot];
}

static inline int uring_enter(struct uring *r, unsigned int submit, unsigned int wait,
			      unsigned int flags)
{
	int n;

	do {
		n = syscall(SYS_io_uring_enter, r->fd, submit, wait, flags, NULL, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Hands over what is queued. */
static inline int uring_submit(struct uring *r)
{
	uint32_t *tail = uring_at(r, r->p.sq_off.tail);
	unsigned int n = r->queued;

	__atomic_store_n(tail, *tail + n, __ATOMIC_RELEASE);
	r->queued = 0;
	if (!(r->p.flags & IORING_SETUP_SQPOLL))
		return uring_enter(r, n, 0, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(uring_at(r, r->p.sq_off.flags), __ATOMIC_RELAXED) &
	    IORING_SQ_NEED_WAKEUP)
		return uring_enter(r, 0, 0, IORING_ENTER_SQ_WAKEUP);
	return n;
}

/* Waits for the next completion, and takes it. */
static inline int uring_wait(struct uring *r, struct io_uring_cqe *cqe)
{
	uint32_t *at = uring_at(r, r->p.cq_off.head), head = *at;
	struct io_uring_cqe *cqes = (void *)(r->mem + r->p.cq_off.cqes);
	int err;

	while (__atomic_load_n(uring_at(r, r->p.cq_off.tail), __ATOMIC_ACQUIRE) == head) {
		err = uring_enter(r, 0, 1, IORING_ENTER_GETEVENTS);
		if (err < 0)
			return err;
	}
	*cqe = cqes[head & *uring_at(r, r->p.cq_off.ring_mask)];
	__atomic_store_n(at, head + 1, __ATOMIC_RELEASE);
	return 0;
}
#endif
