/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PAYLOAD_BPF_H
#define PAYLOAD_BPF_H
/*
 * The bytes of a call, from wherever they are to the ring buffer, and how much of them is wanted.
 *
 * What was taken (src.bpf.h) leaves as one record. A longer call is walked: its state is an element
 * of a map and a step of it a global function, which the verifier looks at once, however many steps
 * there are. Linux limits a call to 1024 pieces.
 */
#include "src.bpf.h"

#define WALK_STEPS 3600 /* 1024 pieces in three records each, and 16 MB in those of 32 KiB */
#define WALK_MAX   32768
#define LITTLE	   2048 /* bytes that are copied, whether they are wanted or not */

/* A call that is under way, by thread. */
struct act {
	struct src src;
	__u64 sk, msg;
	struct cap_data_rec h; /* of the walk: what its records have in common, but for seq */
	__u64 pieces; /* ... pieces taken */
	__u64 base, seg; /* ... the piece at hand: its rest */
	__u64 remain; /* ... bytes that are wanted still */
	__u32 rest; /* ... bytes behind those, which are not */
	__u8 cause, live, kernel;
	__u8 pad;
	__u32 mmsg_at; /* sendmmsg(), recvmmsg(): which message comes next */
	__u32 flags; /* of a receive */
	__u64 mmsg; /* ... of which call */
	__s64 mmsg_ret; /* ... and what the one before came to */
	__u64 done; /* second programs: the socket of the last call that was seen ... */
	__u64 done_turn; /* ... in which turn of the thread; 0: by a second program */
	__u32 done_seq; /* ... and the end of its bytes */
	struct src begin; /* a receive that is told of by parts: where its bytes go ... */
	__u32 parts; /* ... and how many were told of */
	__u32 len; /* k_do(): bytes that went by */
	__u8 in_parts;
	__u8 way; /* k_do(): enum cap_dir */
	__u8 inside; /* kprobes: a call whose end was not seen yet */
	__u8 pad2;
	__u32 begin_seq, begin_left; /* when a send began that is seen by its parts */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); /* pid and tid */
	__type(value, struct act);
} acts SEC(".maps");

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

/* --- records */

/* Straight from the task much is cheaper (5.11). */
static __always_inline __u64 who_is(const bool direct)
{
	struct task_struct *t;

	if (!direct || !use_storage)
		return bpf_get_current_pid_tgid();
	t = bpf_get_current_task_btf();
	return (__u64)t->tgid << 32 | (__u32)t->pid;
}

static __always_inline void comm_of(const bool direct, char *comm)
{
	if (direct && use_storage) {
		struct task_struct *t = bpf_get_current_task_btf();
		const __u64 *from = (const __u64 *)t->comm;

		((__u64 *)comm)[0] = from[0];
		((__u64 *)comm)[1] = from[1];
		comm[15] = 0;
	} else {
		bpf_get_current_comm(comm, 16);
	}
}

/* A call moved len bytes: what is known of them at once. The rest is filled in as it is found. */
static __always_inline void begin(const bool direct, struct cap_data_rec *h, __u32 dir, __u32 len)
{
	__u64 who = who_is(direct);

	h->type = CAP_REC_DATA;
	h->len = len;
	h->pid = who >> 32;
	h->tid = who;
	h->goid = h->parent_goid = 0;
	h->dir = dir;
	h->flags = h->pad = 0;
	h->other_seq = h->waited_us = h->pad2 = 0;
}

/* The first so many bytes are behind it. */
static __always_inline void end(const bool direct, struct cap_data_rec *h, __u32 captured,
				__u8 cause)
{
	h->captured = captured;
	h->cause = captured < h->len ? cause : CAP_WHOLE;
	comm_of(direct, h->comm);
}

/* Bytes that were taken, and word of those behind them. */
static __always_inline void emit_take(const bool direct, struct take *t, __u64 want,
				      struct cap_sums *sums)
{
	__u32 len = t->h.len;
	__u64 size;

	barrier_var(want);
	if (want > TAKE_MAX)
		return;
	size = sizeof(t->h) + want;
	end(direct, &t->h, want, CAP_LIMIT);
	if (bpf_ringbuf_output(&events, &t->h, size, flags_of(sums, size))) {
		ring_lost(len);
		return;
	}
	sums->n[CAP_N_CAPTURED] += want;
	sums->n[CAP_N_UNREAD + CAP_LIMIT] += len - want;
}

/* Bytes that are not copied at all. */
static __noinline void emit_none(const bool direct, struct take *t, __u8 cause,
				 struct cap_sums *sums)
{
	__u64 why = cause;

	end(direct, &t->h, 0, cause);
	if (bpf_ringbuf_output(&events, &t->h, sizeof(t->h), flags_of(sums, sizeof(t->h)))) {
		ring_lost(t->h.len);
		return;
	}
	barrier_var(why);
	if (why < CAP_CAUSES)
		sums->n[CAP_N_UNREAD + why] += t->h.len;
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
		e->h = a->h;                                                                       \
		e->h.len = len;                                                                    \
		e->h.cause = n < len ? a->cause : CAP_WHOLE;                                       \
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
WALK_EMIT(8192)
WALK_EMIT(16384)
WALK_EMIT(32768)

static __always_inline void walk_emit(struct act *a, __u64 n, __u32 len)
{
	long err = n <= 256	? walk_emit_256(a, n, len)
		   : n <= 1024	? walk_emit_1024(a, n, len)
		   : n <= 4096	? walk_emit_4096(a, n, len)
		   : n <= 8192	? walk_emit_8192(a, n, len)
		   : n <= 16384 ? walk_emit_16384(a, n, len)
				: walk_emit_32768(a, n, len);

	if (err)
		ring_lost(len);
}

/*
 * How much of n bytes goes into one record. These are of few sizes, and the ring buffer has to be
 * filled no more than need be: what would leave a good part of one empty leaves in two.
 */
static __always_inline __u64 part_of(__u64 n)
{
	if (n > WALK_MAX)
		return WALK_MAX;
	if (n > 16384 && n < 28672)
		return 16384;
	return n > 8192 && n < 12288 ? 8192 : n;
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
	n = part_of(n);
	walk_emit(a, n, n);
	a->h.seq += n;
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

static __always_inline void emit_walk(const bool direct, struct take *t, const struct src *s,
				      __u32 want, struct cap_sums *sums)
{
	__u64 who = (__u64)t->h.pid << 32 | t->h.tid;
	struct act *a = act_make(who);

	if (!a) {
		emit_none(direct, t, CAP_FAULT, sums);
		return;
	}
	end(direct, &t->h, 0, CAP_LIMIT);
	a->src = *s;
	a->h = t->h;
	a->pieces = 0;
	a->base = s->base;
	a->seg = is_array(s) ? 0 : want;
	a->remain = want;
	a->rest = t->h.len - want;
	a->cause = CAP_LIMIT;
	a->kernel = in_kernel(s);
	walk(who);
}

/* Sends want bytes of the call, the first of which may be in t, and word of the others. */
static __always_inline void emit(const bool direct, struct take *t, const struct src *s, __u32 want,
				 struct cap_sums *sums)
{
	if (s->kind == SRC_NONE)
		emit_none(direct, t, s->cause, sums);
	else if (!want)
		emit_none(direct, t, CAP_LIMIT, sums);
	else if (!t->from && t->taken >= want)
		emit_take(direct, t, want, sums);
	else
		emit_walk(direct, t, s, want, sums);
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
 * scan() says of them.
 */
static __always_inline __u32 wanted(struct cap_state *c, __u32 dir, __u32 n, bool start,
				    __u32 found)
{
	__u32 head = SCAN_HEAD(found), want;
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
	if (found & SCAN_BODY) {
		want = c->budget[dir] < n - head ? c->budget[dir] : n - head;
		if (c->budget[dir] != ~0U)
			c->budget[dir] -= want;
		return head + want;
	}
	if (head && head < n && !(found & SCAN_MORE))
		return head + wanted_of_body(c, dir, n - head);
	return n < most ? n : most;
}
#endif
