/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PAYLOAD_BPF_H
#define PAYLOAD_BPF_H
/*
 * The bytes of a call, from wherever they are to the ring buffer, and how much of them is wanted.
 *
 * A call of up to 4 KiB and 4 pieces is copied on the spot, a record for each piece. A longer one
 * is walked: its state is an element of a map and a step of it a global function, which the
 * verifier looks at once, however many steps there are. Linux limits a call to 1024 pieces.
 */
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
	__u8 pad[2];
};

/* A call's bytes and their place. */
struct call {
	struct cap_state *c;
	__u64 goid;
	__u32 seq;
	__u32 len; /* in the stream */
	__u32 want; /* of them, to be copied */
	__u8 dir, cause;
	__u8 kernel; /* the bytes are there */
	__u8 pad;
};

#define WALK_STEPS 1700 /* 1024 pieces, and 20 MB in records of 32 KiB */
#define WALK_MAX   32768
#define LARGE	   4096
#define SEGS	   4
#define LITTLE	   2048 /* bytes that are copied, whether they are wanted or not */

/* A call that is under way, by thread. */
struct act {
	struct src src;
	__u64 sk, msg;
	__u64 id, goid;
	__u64 pieces; /* of the walk: pieces taken */
	__u64 base, seg; /* the piece at hand: its rest */
	__u64 remain; /* bytes that are wanted still */
	__u32 seq;
	__u32 rest; /* bytes behind those, which are not */
	__u32 pid, tid;
	__u8 dir, cause, live, kernel;
	__u32 mmsg_at; /* sendmmsg(), recvmmsg(): which message comes next */
	__u32 flags; /* of a receive */
	__u64 mmsg; /* ... of which call */
	__s64 mmsg_ret; /* ... and what the one before came to */
	__u64 done; /* second programs: the socket of the last call that was seen ... */
	__u32 done_seq; /* ... and the end of its bytes */
	struct src begin; /* a receive that is told of by parts: where its bytes go ... */
	__u32 parts; /* ... and how many were told of */
	__u32 len; /* k_do(): bytes that went by */
	__u8 in_parts;
	__u8 way; /* k_do(): enum cap_dir */
	__u8 pad2[2];
	__u32 begin_seq, begin_left; /* when a send began that is seen by its parts */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); /* pid and tid */
	__type(value, struct act);
} acts SEC(".maps");

/*
 * Where the kernel keeps its struct pages, and where all memory is mapped; 0: not known, pages are
 * not read. find_pages() sets them, once.
 */
volatile __u64 vmemmap_at, direct_map_at;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct act);
} no_act SEC(".maps");

static __always_inline struct act *act_get(__u64 who)
{
	return bpf_map_lookup_elem(&acts, &who);
}

static __noinline struct act *act_make(__u64 who)
{
	struct act *a = bpf_map_lookup_elem(&acts, &who);
	__u32 zero = 0;

	if (a)
		return a;
	a = bpf_map_lookup_elem(&no_act, &zero);
	if (!a)
		return NULL;
	bpf_map_update_elem(&acts, &who, a, BPF_ANY);
	return bpf_map_lookup_elem(&acts, &who);
}

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

/* The first piece of a call that is not empty: where it is and how long. */
static __noinline bool first_piece(const struct src *s, __u32 len, __u64 *base, __u64 *n)
{
	__u64 skip = s->skip;

	*base = s->base;
	*n = len;
	if (s->kind == SRC_NONE)
		return false;
	if (!is_array(s))
		return true;
	for (__u32 k = 0; k < 3; k++) {
		if (k >= s->segs || piece_at(s, k, base, n))
			return false;
		if (*n > skip) {
			*base += skip;
			*n -= skip;
			if (*n > len)
				*n = len;
			return true;
		}
		skip -= *n;
	}
	return false;
}

/* --- records */

static __always_inline void fill(struct cap_data_rec *h, const struct call *p, __u32 captured,
				 __u32 len, __u8 cause)
{
	__u64 who = bpf_get_current_pid_tgid();

	h->type = CAP_REC_DATA;
	h->seq = p->seq;
	h->id = p->c->id;
	h->now_ns = bpf_ktime_get_ns();
	h->len = len;
	h->captured = captured;
	h->pid = who >> 32;
	h->tid = who;
	h->goid = p->goid;
	h->dir = p->dir;
	h->cause = captured < len ? cause : CAP_WHOLE;
	h->parent_goid = 0;
	h->flags = h->pad = 0;
	h->other_seq = h->waited_us = h->pad2 = 0;
	bpf_get_current_comm(h->comm, sizeof(h->comm));
	count(CAP_N_CAPTURED, captured);
	if (captured < len)
		count(CAP_N_UNREAD + (cause & 15), len - captured);
}

/*
 * A record of n bytes at from; it stands for len bytes of the stream, of which those are the first.
 * Sizes are constants, for the verifier's sake.
 */
#define EMIT_ONE(N)                                                                                \
	static __noinline long emit_##N(const struct call *p, __u64 from, __u64 n, __u32 len)      \
	{                                                                                          \
		struct {                                                                           \
			struct cap_data_rec h;                                                     \
			__u8 d[N];                                                                 \
		} *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);                                \
		__u8 cause = p->cause;                                                             \
                                                                                                   \
		if (!e)                                                                            \
			return -1;                                                                 \
		barrier_var(n);                                                                    \
		if (n > N || copy(e->d, n, from, p->kernel)) {                                     \
			n = 0;                                                                     \
			cause = CAP_FAULT;                                                         \
		}                                                                                  \
		fill(&e->h, p, n, len, cause);                                                     \
		bpf_ringbuf_submit(e, event_flags());                                              \
		return 0;                                                                          \
	}

EMIT_ONE(256)
EMIT_ONE(1024)
EMIT_ONE(4096)

static __noinline void emit_one(const struct call *p, __u64 from, __u64 n, __u32 len)
{
	long err = n <= 256    ? emit_256(p, from, n, len)
		   : n <= 1024 ? emit_1024(p, from, n, len)
			       : emit_4096(p, from, n, len);

	if (err)
		ring_lost(len);
}

/* Bytes that are not copied at all. */
static __noinline void emit_none(const struct call *p)
{
	struct cap_data_rec *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		ring_lost(p->len);
		return;
	}
	fill(e, p, 0, p->len, p->cause);
	bpf_ringbuf_submit(e, event_flags());
}

/* A few pieces; the last record stands for what is not wanted, too. */
static __noinline void emit_few(struct call *p, const struct src *s)
{
	__u64 skip = s->skip, base, n;

	for (__u32 k = 0; k < SEGS; k++) {
		if (k >= s->segs || !p->want || piece_at(s, k, &base, &n))
			break;
		if (skip >= n) {
			skip -= n;
			continue;
		}
		base += skip;
		n -= skip;
		skip = 0;
		if (n > p->want)
			n = p->want;
		p->want -= n;
		emit_one(p, base, n, p->want ? n : p->len);
		p->seq += n;
		p->len -= p->want ? n : p->len;
	}
	/* Pieces that could not be read. */
	p->cause = CAP_FAULT;
	if (p->len)
		emit_none(p);
}

/* --- the walk */

/* One record of it: n bytes, of which the memory gives all or none. len may be more. */
#define WALK_EMIT(N)                                                                               \
	static __noinline long walk_emit_##N(struct act *a, __u64 n, __u32 len)                    \
	{                                                                                          \
		struct {                                                                           \
			struct cap_data_rec h;                                                     \
			__u8 d[N];                                                                 \
		} *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);                                \
                                                                                                   \
		if (!e)                                                                            \
			return -1;                                                                 \
		e->h.type = CAP_REC_DATA;                                                          \
		e->h.seq = a->seq;                                                                 \
		e->h.id = a->id;                                                                   \
		e->h.now_ns = bpf_ktime_get_ns();                                                  \
		e->h.len = len;                                                                    \
		e->h.pid = a->pid;                                                                 \
		e->h.tid = a->tid;                                                                 \
		e->h.goid = a->goid;                                                               \
		e->h.dir = a->dir;                                                                 \
		e->h.cause = n < len ? a->cause : CAP_WHOLE;                                       \
		e->h.parent_goid = 0;                                                              \
		e->h.flags = e->h.pad = 0;                                                         \
		e->h.other_seq = e->h.waited_us = e->h.pad2 = 0;                                   \
		bpf_get_current_comm(e->h.comm, sizeof(e->h.comm));                                \
		barrier_var(n);                                                                    \
		if (n > N || copy(e->d, n, a->base, a->kernel)) {                                  \
			n = 0;                                                                     \
			e->h.cause = a->cause = CAP_FAULT;                                         \
		}                                                                                  \
		e->h.captured = n;                                                                 \
		count(CAP_N_CAPTURED, n);                                                          \
		if (n < len)                                                                       \
			count(CAP_N_UNREAD + (a->cause & 15), len - n);                            \
		bpf_ringbuf_submit(e, event_flags());                                              \
		return 0;                                                                          \
	}

WALK_EMIT(256)
WALK_EMIT(1024)
WALK_EMIT(4096)
WALK_EMIT(32768)

static __always_inline void walk_emit(struct act *a, __u64 n, __u32 len)
{
	long err = n <= 256    ? walk_emit_256(a, n, len)
		   : n <= 1024 ? walk_emit_1024(a, n, len)
		   : n <= 4096 ? walk_emit_4096(a, n, len)
			       : walk_emit_32768(a, n, len);

	if (err)
		ring_lost(len);
}

/* Copies the next part, of the piece at hand or of the next one. Nonzero: it is over. */
__noinline int walk_step(__u64 who)
{
	struct act *a = act_get(who);
	__u64 n;

	if (!a || !a->remain)
		return 1;
	if (!a->seg) {
		if (a->pieces >= a->src.segs || piece_at(&a->src, a->pieces, &a->base, &a->seg))
			return 1;
		a->pieces++;
		n = a->src.skip < a->seg ? a->src.skip : a->seg;
		a->src.skip -= n;
		a->base += n;
		a->seg -= n;
	}
	n = a->seg < a->remain ? a->seg : a->remain;
	if (!n)
		return 0;
	if (n > WALK_MAX)
		n = WALK_MAX;
	walk_emit(a, n, n);
	a->seq += n;
	a->remain -= n;
	a->base += n;
	a->seg -= n;
	return 0;
}

/* Fifty of them: loops within loops are shorter to verify. */
__noinline int walk_steps(__u64 who)
{
	for (int i = 0; i < 50; i++)
		if (walk_step(who))
			return 1;
	return 0;
}

/* All of it; what could not be had and what was not wanted is told of, too. */
__noinline int walk(__u64 who)
{
	struct act *a;

	for (int i = 0; i < WALK_STEPS / 50; i++)
		if (walk_steps(who))
			break;
	a = act_get(who);
	if (!a)
		return 1;
	if (a->remain)
		a->cause = CAP_FAULT;
	if (a->remain + a->rest)
		walk_emit(a, 0, a->remain + a->rest);
	return 0;
}

static __always_inline void emit_walk(struct call *p, const struct src *s)
{
	__u64 who = bpf_get_current_pid_tgid();
	struct act *a = act_make(who);

	if (!a) {
		p->cause = CAP_FAULT;
		emit_none(p);
		return;
	}
	a->src = *s;
	a->id = p->c->id;
	a->goid = p->goid;
	a->pieces = 0;
	a->base = s->base;
	a->seg = is_array(s) ? 0 : p->want;
	a->remain = p->want;
	a->seq = p->seq;
	a->rest = p->len - p->want;
	a->pid = who >> 32;
	a->tid = who;
	a->dir = p->dir;
	a->cause = p->cause;
	a->kernel = p->kernel;
	walk(who);
}

/* Sends want bytes of the call, and word of the others. */
static __noinline void emit(struct call *p, const struct src *s)
{
	p->c->end[p->dir & 1] = p->seq + p->len;
	if (s->kind == SRC_NONE)
		p->cause = s->cause;
	if (s->kind == SRC_NONE || !p->want)
		emit_none(p);
	else if (!is_array(s) && p->want <= LARGE)
		emit_one(p, s->base, p->want, p->len);
	else if (is_array(s) && p->want <= LARGE && s->segs <= SEGS)
		emit_few(p, s);
	else
		emit_walk(p, s);
}

/* Is not all wanted? The other direction than the one that is looked at is needed for its heads. */
static __always_inline bool limited(void)
{
	return config.max_body != ~0ULL || config.directions != 3;
}

static __always_inline __u64 body_limit(__u32 dir)
{
	return config.directions >> dir & 1 ? config.max_body : 0;
}

/* How many of n bytes of a body are wanted. */
static __always_inline __u32 wanted_of_body(struct cap_state *c, __u32 dir, __u32 n)
{
	__u32 want = n;

	if (n <= LITTLE || c->chunked[dir])
		return n; /* where a chunked body ends is known by reading it only */
	if (c->budget[dir] < n)
		want = c->budget[dir];
	if (c->budget[dir] != ~0U)
		c->budget[dir] -= want;
	return want;
}

/*
 * How many of the n bytes of a call are wanted. start: they begin like a message; found: what
 * scan_head() says of them.
 */
static __always_inline __u32 wanted(struct cap_state *c, __u32 dir, __u32 n, bool start,
				    __u32 found)
{
	__u32 head = (found & ~SCAN_MORE) / SCAN_END;
	__u64 body = body_limit(dir), most = 2 * config.max_header;

	/* Heads beyond the limit are followed to their ends, too. */
	if (most < 256 << 10)
		most = 256 << 10;
	most += body < 1ULL << 31 ? body : 1ULL << 31;

	if (start)
		c->chunked[dir] = 0;
	if (found & SCAN_CHUNKED)
		c->chunked[dir] = 1;
	if (!start && !c->in_head[dir])
		return wanted_of_body(c, dir, n);
	c->in_head[dir] = !head;
	c->budget[dir] = body < ~0U ? body : ~0U;
	if (head && head < n && !(found & SCAN_MORE))
		return head + wanted_of_body(c, dir, n - head);
	return n < most ? n : most;
}
#endif
