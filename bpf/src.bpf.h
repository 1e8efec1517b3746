/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SRC_BPF_H
#define SRC_BPF_H
/*
 * Where a call's bytes are, and how the first of them are had: those of a call of up to 4 KiB and 4
 * pieces are copied once, to where they are looked at and sent from.
 */
#include "goroutine.bpf.h"
#include "http_start.bpf.h"

/* Where a call's bytes are. */
enum src_kind {
	SRC_NONE, /* not at hand: cause says why */
	SRC_USER, /* one buffer, at base */
	SRC_KERNEL, /* likewise, in the kernel */
	SRC_USER_IOV, /* iov: an array in user memory */
	SRC_KERNEL_IOV, /* iov: the kernel's copy of it */
	SRC_KVEC, /* iov: likewise; the bytes are in the kernel */
	SRC_BVEC, /* iov: array of struct bio_vec: pages */
};

struct src {
	__u64 base, iov, skip; /* skip: in the first piece of iov */
	__u32 segs;
	__u8 kind, cause;
	__u8 take; /* the program's own element of takes */
	__u8 pad;
};

/*
 * Where the kernel keeps its struct pages, and where all memory is mapped; 0: not known, pages are
 * not read. find_pages() sets them, once.
 */
volatile __u64 vmemmap_at, direct_map_at;

/* The address of a page's bytes in the kernel's map of all memory. */
static __always_inline __u64 page_address(__u64 page)
{
	__u64 size = bpf_core_type_size(struct page);

	return size && vmemmap_at ? direct_map_at + (page - vmemmap_at) / size * 4096 : 0;
}

/* Piece k: its address and length. Nonzero: not readable. */
static __always_inline int piece_at(const struct src *s, __u64 k, __u64 *base, __u64 *len)
{
	if (s->kind == SRC_BVEC) {
		struct bio_vec v;

		if (bpf_probe_read_kernel(&v, sizeof(v), (void *)(s->iov + k * sizeof(v))))
			return 1;
		*base = page_address((__u64)v.bv_page) + v.bv_offset;
		*len = v.bv_len;
	} else {
		struct iovec v;
		void *at = (void *)(s->iov + k * sizeof(v));

		if (s->kind == SRC_USER_IOV ? bpf_probe_read_user(&v, sizeof(v), at)
					    : bpf_probe_read_kernel(&v, sizeof(v), at))
			return 1;
		*base = (__u64)v.iov_base;
		*len = v.iov_len;
	}
	return 0;
}

static __always_inline long copy(void *dst, __u32 n, __u64 from, bool kernel)
{
	return kernel ? bpf_probe_read_kernel(dst, n, (void *)from)
		      : bpf_probe_read_user(dst, n, (void *)from);
}

static __always_inline bool in_kernel(const struct src *s)
{
	return s->kind == SRC_KERNEL || s->kind == SRC_KVEC || s->kind == SRC_BVEC;
}

static __always_inline bool is_array(const struct src *s)
{
	return s->kind > SRC_KERNEL;
}

/* An array of one piece is that piece; skip is done away with where it can be. */
static __always_inline void simplify(struct src *s)
{
	__u64 base, len;

	if (s->kind != SRC_USER_IOV && s->kind != SRC_KERNEL_IOV)
		return;
	if (s->segs != 1 || piece_at(s, 0, &base, &len))
		return;
	s->kind = SRC_USER;
	s->base = base + s->skip;
	s->skip = 0;
}

/* --- the first bytes of a call */

#define TAKE_MAX 4096
#define SEGS	 4

/*
 * They are copied here once. A program that is preempted runs for no other task of its CPU, so that
 * each has its own, by CPU and program.
 */
struct take {
	struct src src;
	__u32 from, taken; /* from which byte of the call on, how many are in d */
	__u32 found; /* by scan() */
	__s32 body; /* the head's Content-Length; -1: none was seen */
	__u64 starts; /* it is a head only if its first line ends like a request's */
	struct go go;
	struct cap_data_rec h; /* so that the record can be sent as it stands */
	__u8 d[2 * TAKE_MAX + 32]; /* a piece may begin where there is nearly all of it */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* the user half sets it: programs that take bytes */
	__type(key, __u32);
	__type(value, struct take);
} takes SEC(".maps");

static __always_inline struct take *take_of(__u32 which)
{
	return bpf_map_lookup_elem(&takes, &which);
}

/*
 * Copies bytes of a call out of its first pieces, from byte from on, at most max, until there are
 * enough; how many it were.
 */
static __always_inline __u64 gather(struct take *t, __u32 from, __u32 max, __u32 enough)
{
	const struct src *s = &t->src;
	__u64 skip = s->skip + from, base = s->base + from, n = max, at = 0;

	for (__u32 k = 0; k < SEGS; k++) {
		if (is_array(s)) {
			if (k >= s->segs || piece_at(s, k, &base, &n))
				break;
			if (skip >= n) {
				skip -= n;
				continue;
			}
			base += skip;
			n -= skip;
			skip = 0;
		}
		if (n > max - at)
			n = max - at;
		barrier_var(n);
		barrier_var(at);
		if (at > TAKE_MAX || n > TAKE_MAX || copy(t->d + at, n, base, in_kernel(s)))
			break;
		at += n;
		if (at >= enough || !is_array(s))
			break;
	}
	barrier_var(at);
	return at > 2 * TAKE_MAX ? 0 : at;
}

/* --- where the bytes are: the kernel's iterator, before it is used */

static __always_inline void src_of_iter(const bool direct, struct iov_iter *it, struct src *s)
{
	struct iov_iter___old *old = (void *)it;
	__u32 type;

	if (bpf_core_field_exists(it->iter_type))
		type = GET(direct, it, iter_type);
	else
		type = GET(direct, old, type) & ~1U; /* bit 0 is the direction */
	s->skip = GET(direct, it, iov_offset);
	s->segs = GET(direct, it, nr_segs);
	s->kind = SRC_NONE;
	s->cause = CAP_CALL;
	if (bpf_core_field_exists(it->ubuf) &&
	    bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		s->kind = SRC_USER;
		bpf_core_read(&s->base, sizeof(s->base), &it->ubuf);
		s->base += s->skip;
		s->skip = 0;
		return;
	}
	if (type == bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		s->kind = SRC_KERNEL_IOV;
	else if (type == bpf_core_enum_value(enum iter_type, ITER_KVEC))
		s->kind = SRC_KVEC;
	else if (type == bpf_core_enum_value(enum iter_type, ITER_BVEC))
		s->kind = vmemmap_at ? SRC_BVEC : SRC_NONE;
	if (type == bpf_core_enum_value(enum iter_type, ITER_BVEC))
		s->cause = CAP_SENDFILE;
	/* A pointer becomes a number by being read. Those to arrays share their place. */
	if (bpf_core_field_exists(it->__iov))
		bpf_core_read(&s->iov, sizeof(s->iov), &it->__iov);
	else
		bpf_core_read(&s->iov, sizeof(s->iov), &old->iov);
}
#endif
