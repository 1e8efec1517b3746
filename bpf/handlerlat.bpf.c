// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long do calls of a function take? Measured between its entry and its exit, in the thread that
 * runs it, by uprobes that the user half placed.
 *
 * Go. A goroutine changes threads inside a call and its stack moves, so neither the thread nor the
 * stack pointer names a call. Its frame does: (process, function, g, g.stack.hi - SP). copystack
 * keeps hi - SP, every level of a recursion has its own, and SP at the RET equals SP at the entry.
 * The entry probe sits behind the stack check: at the symbol itself a call would be seen again each
 * time the stack grows. So an entry that finds its own frame taken proves that the earlier call
 * never came back: a panic went through it. A return probe is never used: it puts a foreign address
 * on a stack that Go's runtime walks.
 *
 * C. Entry probe and return probe, paired by (thread, function, SP): recursion has other SPs, and a
 * frame that longjmp left is found taken by the next call there. A tail call re-enters on the same
 * SP with the trampoline as its return address; it is told from an unwound frame by just that.
 * Where exceptions may pass, which a return probe would make fatal, the RETs are probed instead.
 *
 * The clock is read last at the entry and first at the exit.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "handlerlat.h"
#include "regs.bpf.h"
#include "event.bpf.h"
#include "filter.bpf.h"
#include "stats.bpf.h"
#include "gohttp.bpf.h"
#include "watch.bpf.h"

#define MAX_PENDING_RETURNS 64 /* MAX_URETPROBE_DEPTH of kernel/events/uprobes.c */

const volatile bool emit_calls = false; /* one record per call */
const volatile bool want_http = false; /* read method, path, status where the function has them */
const volatile bool have_cookie = false; /* bpf_get_attach_cookie exists */
const volatile __u64 slower_ns = 0;

/*
 * The calls that are going on. A frame stays in the map when its call ends (start_ns is 0 then):
 * the next call of this goroutine or thread to get here finds it, and two lookups per call do
 * without the locks of an insertion and a deletion. Once frames_keep are there, frames go with
 * their call.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct hl_key);
	__type(value, struct hl_frame);
} frames SEC(".maps");

const volatile __u64 frames_keep = 32768; /* half of max_entries: the rest is for running calls */
__u64 nframes = 0; /* how many there are */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct hl_key);
	__type(value, struct hl_request);
} requests SEC(".maps");

/* What a request starts from: 200 bytes are much for a 512-byte stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hl_request);
} no_request SEC(".maps");

/*
 * A tail call that is never made. From Linux 6.13 on x86 gives a program of this type a stack of
 * its own for each CPU ("private stack", kernel/bpf/verifier.c bpf_enable_priv_stack()). But
 * uprobes may be preempted, and another thread's then runs on the very same stack: wrong keys and
 * wrong times, and with a pointer spilled there an oops (seen on 7.2 with PREEMPT_LAZY). A program
 * with a tail call in it keeps the thread's stack.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} no_programs SEC(".maps");
const volatile bool never = false;

static __always_inline __u64 cookie_of(void *ctx)
{
	__u64 v;

	if (never)
		bpf_tail_call(ctx, &no_programs, 0);

	if (have_cookie)
		return bpf_get_attach_cookie(ctx);
	asm volatile("%0 = 0x72657174636f6f6b ll"
		     : "=r"(v)); /* ATTACH_COOKIE_MAGIC of common/attach.h */
	return v;
}

/* Sends one ended call, with what is known of its request. */
static __always_inline void send_call(struct hl_stats *st, __u32 fn, const struct hl_frame *f,
				      const struct hl_request *req, __u64 end_ns, __u32 outcome)
{
	struct hl_call *c;
	void *rec;

	if (req)
		rec = bpf_ringbuf_reserve(&events, sizeof(struct hl_http_call), 0);
	else
		rec = bpf_ringbuf_reserve(&events, sizeof(struct hl_call), 0);
	if (!rec) {
		count(&st->ring_full);
		return;
	}
	c = rec;
	c->type = req ? HL_REC_HTTP_CALL : HL_REC_CALL;
	c->fn = fn;
	c->end_ns = end_ns;
	c->lat_ns = outcome == HL_RETURNED ? end_ns - f->start_ns : 0;
	c->tgid = f->tgid;
	c->tid = f->tid;
	c->goid = f->goid;
	c->outcome = outcome;
	c->pad = 0;
	bpf_get_current_comm(c->comm, sizeof(c->comm));
	if (req)
		__builtin_memcpy(&((struct hl_http_call *)rec)->req, req, sizeof(*req));
	bpf_ringbuf_submit(rec, event_flags());
}

/* Keeps method and path of the request that the function was called with. */
static __always_inline bool keep_request(struct hl_stats *st, const struct hl_key *key, __u64 p)
{
	struct hl_request *r, *none;
	__u32 zero = 0;

	none = bpf_map_lookup_elem(&no_request, &zero);
	if (!none)
		return false;
	r = bpf_map_lookup_elem(&requests, key);
	if (r) {
		__builtin_memcpy(r, none, sizeof(*r));
	} else {
		bpf_map_update_elem(&requests, key, none, BPF_NOEXIST);
		r = bpf_map_lookup_elem(&requests, key);
	}
	if (!r) {
		count(&st->attr_full);
		return false;
	}
	if (!read_request(p, r))
		return false;
	if (aggregate)
		fold_path(r);
	return true;
}

/* The frame of this key, made where there is none: NULL when the map is full. */
static __always_inline struct hl_frame *frame_of(const struct hl_key *key)
{
	struct hl_frame *f = bpf_map_lookup_elem(&frames, key), none = {};

	if (f)
		return f;
	if (bpf_map_update_elem(&frames, key, &none, BPF_NOEXIST))
		return NULL;
	__sync_fetch_and_add(&nframes, 1);
	return bpf_map_lookup_elem(&frames, key);
}

static __always_inline void leave_frame(const struct hl_key *key, struct hl_frame *f)
{
	f->start_ns = 0;
	if (nframes <= frames_keep)
		return;
	/* It may have one also where what it was called with turned out to be no request. */
	if (want_http)
		bpf_map_delete_elem(&requests, key);
	if (!bpf_map_delete_elem(&frames, key))
		__sync_fetch_and_add(&nframes, -1);
}

/* A frame is found taken: the call that took it never returned. */
static __always_inline void unwound(struct hl_stats *st, const struct hl_key *key,
				    const struct hl_frame *f)
{
	count(&st->unwound);
	if (emit_calls)
		send_call(st, key->fn, f, f->has_http ? bpf_map_lookup_elem(&requests, key) : NULL,
			  bpf_ktime_get_ns(), HL_UNWOUND);
}

static __always_inline int go_key(struct pt_regs *ctx, __u64 pid_tgid, __u64 cookie, __u64 depth,
				  struct hl_key *key)
{
	__u64 hi;

	key->id = pid_tgid >> 32;
	key->fn = cookie & HL_FN_MASK;
	key->g = REG_G(ctx);
	if (bpf_probe_read_user(&hi, sizeof(hi), (void *)(key->g + 8)))
		return -1;
	key->pos = hi - (REG_SP(ctx) + depth);
	return 0;
}

static __always_inline bool takes(__u64 cookie, __u64 pid_tgid)
{
	return (cookie & HL_FN_MASK) == HL_FN_CALIBRATE || filter_pass(pid_tgid >> 32);
}

SEC("uprobe")
int go_entry(struct pt_regs *ctx)
{
	__u64 cookie = cookie_of(ctx), id = bpf_get_current_pid_tgid();
	struct hl_frame *f;
	struct hl_stats *st;
	struct hl_key key;

	if (((cookie & HL_F_BRANCH) && branch_taken(ctx)) || !takes(cookie, id))
		return 0;
	st = stats_of(cookie & HL_FN_MASK);
	if (!st)
		return 0;
	count(&st->entered);
	if (go_key(ctx, id, cookie, HL_DEPTH(cookie), &key)) {
		count(&st->untracked);
		return 0;
	}
	f = frame_of(&key);
	if (!f) {
		count(&st->untracked);
		return 0;
	}
	if (f->start_ns)
		unwound(st, &key, f);
	f->tgid = id >> 32;
	f->tid = id;
	f->goid = 0;
	f->has_http = 0;
#if defined(__TARGET_ARCH_x86)
	f->ra = 0;
	bpf_probe_read_user(&f->ra, sizeof(f->ra), (void *)(REG_SP(ctx) + HL_DEPTH(cookie)));
#endif
	bpf_probe_read_user(&f->goid, sizeof(f->goid),
			    (void *)(key.g + (cookie & HL_F_GOID_160 ? 160 : 152)));
	if (want_http && (cookie & HL_F_HTTP)) {
		__u64 a1 = REG_GO_ARG(ctx, 1), a2 = REG_GO_ARG(ctx, 2), a3 = REG_GO_ARG(ctx, 3);
		bool method = cookie & HL_F_HTTP_METHOD;

		/* Keeps clang from choosing the offset first: the verifier wants it constant. */
		barrier_var(a1);
		barrier_var(a2);
		barrier_var(a3);
		f->req = method ? a3 : a2;
		f->rw = method ? a2 : a1;
		f->has_http = keep_request(st, &key, f->req);
	}
	f->start_ns = bpf_ktime_get_ns();
	return 0;
}

/* The end of a call that returned: into the histogram, and out as a record. */
static __always_inline void returned(struct hl_stats *st, const struct hl_key *key,
				     const struct hl_frame *f, struct hl_request *req, __u64 now)
{
	__u64 lat = now - f->start_ns;

	stats_add(st, lat);
	if (aggregate && req)
		route_add(st, key->fn, req, lat);
	if (!emit_calls)
		return;
	if (slower_ns && lat < slower_ns)
		count(&st->below);
	else
		send_call(st, key->fn, f, req, now, HL_RETURNED);
}

SEC("uprobe")
int go_exit(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns(), cookie = cookie_of(ctx), id = bpf_get_current_pid_tgid();
	struct hl_request *req = NULL;
	struct hl_frame *f;
	struct hl_stats *st;
	struct hl_key key;

	st = stats_of(cookie & HL_FN_MASK);
	if (!st)
		return 0;
	if (go_key(ctx, id, cookie, 0, &key))
		return 0;
	f = bpf_map_lookup_elem(&frames, &key);
	if (!f || !f->start_ns) {
		if (takes(cookie, id))
			count(&st->missed);
		return 0;
	}
	if (want_http && f->has_http) {
		req = bpf_map_lookup_elem(&requests, &key);
		if (req)
			finish_request(f, req, cookie);
	}
	returned(st, &key, f, req, now);
	leave_frame(&key, f);
	return 0;
}

/* How many return probes this thread has pending; the kernel drops those beyond 64. */
static __always_inline __u32 pending_returns(struct task_struct *task)
{
	struct uprobe_task *utask = BPF_CORE_READ(task, utask);

	return utask ? BPF_CORE_READ(utask, depth) : 0;
}

/* Entered by a tail call from a function whose return is probed: it returns to the trampoline. */
static __always_inline bool entered_by_tail_call(struct task_struct *task, __u64 sp)
{
	__u64 ra = 0;

#if defined(__TARGET_ARCH_x86)
	bpf_probe_read_user(&ra, sizeof(ra), (void *)sp);
#endif
	return ra && ra == BPF_CORE_READ(task, mm, uprobes_state.xol_area, vaddr);
}

/* longjmp left a frame that tail calls shared: each of its levels is gone. */
static __always_inline void drop_levels(struct hl_stats *st, struct hl_key *key, __u32 levels)
{
	struct hl_frame *f;

	for (__u32 i = 1; i < MAX_PENDING_RETURNS; i++) {
		if (i > levels)
			break;
		key->g = i;
		f = bpf_map_lookup_elem(&frames, key);
		if (f && f->start_ns) {
			f->start_ns = 0;
			count(&st->unwound);
		}
	}
	key->g = 0;
}

SEC("uprobe")
int c_entry(struct pt_regs *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 cookie = cookie_of(ctx), id = bpf_get_current_pid_tgid();
	struct hl_stats *st;
	struct hl_frame *f;
	struct hl_key key;

	if (!takes(cookie, id))
		return 0;
	st = stats_of(cookie & HL_FN_MASK);
	if (!st)
		return 0;
	count(&st->entered);
	if (!(cookie & HL_F_RETS) && pending_returns(task) >= MAX_PENDING_RETURNS) {
		count(&st->undepthed);
		return 0;
	}
	key.id = id;
	key.fn = cookie & HL_FN_MASK;
	key.g = 0;
	key.pos = REG_SP(ctx);
	f = frame_of(&key);
	if (f && f->start_ns) {
		if (!(cookie & HL_F_RETS) && entered_by_tail_call(task, key.pos)) {
			key.g = ++f->levels;
			f = frame_of(&key);
		} else {
			unwound(st, &key, f);
			if (f->levels)
				drop_levels(st, &key, f->levels);
			f->levels = 0;
		}
	}
	if (!f) {
		count(&st->untracked);
		return 0;
	}
	f->tgid = id >> 32;
	f->tid = id;
	f->start_ns = bpf_ktime_get_ns();
	return 0;
}

/* The call of this thread whose frame is at pos has ended. */
static __always_inline int c_left(__u64 pos, __u64 cookie, __u64 now)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct hl_frame *f, *level;
	struct hl_stats *st;
	struct hl_key key;

	st = stats_of(cookie & HL_FN_MASK);
	if (!st)
		return 0;
	key.id = id;
	key.fn = cookie & HL_FN_MASK;
	key.g = 0;
	key.pos = pos;
	f = bpf_map_lookup_elem(&frames, &key);
	if (f && f->levels) {
		key.g = f->levels--;
		level = bpf_map_lookup_elem(&frames, &key);
		if (level)
			f = level;
		else
			key.g = 0;
	}
	if (!f || !f->start_ns) {
		if (!(cookie & HL_F_JUMP) && takes(cookie, id))
			count(&st->missed);
		return 0;
	}
	returned(st, &key, f, NULL, now);
	leave_frame(&key, f);
	return 0;
}

SEC("uretprobe")
int c_return(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	return c_left(REG_SP_AT_RETURN(ctx), cookie_of(ctx), now);
}

/* On a RET, or a jump that leaves the function: SP is what it was at the entry. */
SEC("uprobe")
int c_exit(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	return c_left(REG_SP(ctx), cookie_of(ctx), now);
}

char LICENSE[] SEC("license") = "GPL";
