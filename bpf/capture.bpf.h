/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_BPF_H
#define CAPTURE_BPF_H
/*
 * Connections as the HTTP tools' kernel half knows them: which are looked at, what is said of each
 * to the user half, and the counts that make up the account.
 */
#include "sockid.bpf.h"

const volatile struct cap_config config = {.max_body = ~0ULL, .sample = 1, .directions = 3};

#define AF_UNIX	    1
#define SOCK_STREAM 1
#define ECONNRESET  104

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct cap_state);
} states SEC(".maps");

/* Linux 5.10, and kprobes, which know no sockets. Who was quiet longest makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1); /* the user half sets it */
	__type(key, __u64);
	__type(value, struct cap_state);
} states_by_sock SEC(".maps");

/* The first is everybody's; behind it each program that takes bytes has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* the user half sets it */
	__type(key, __u32);
	__type(value, struct cap_sums);
} counts SEC(".maps");

/* Which processes the user half was told of: pid -> something that an exec changes. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} tasks SEC(".maps");

/* Connections that began with too few bytes, and are HTTP: the user half found out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); /* id */
	__type(value, __u8);
} known_http SEC(".maps");

/*
 * What a function returns that always returns 0 the compiler does not set, and the verifier refuses
 * it if that register has an address in it.
 */
static __always_inline int zero(void)
{
	int n = 0;

	barrier_var(n);
	return n;
}

/* Of this CPU and program: nobody comes between. */
static __always_inline struct cap_sums *sums_of(__u32 take)
{
	__u32 which = 1 + take;

	return bpf_map_lookup_elem(&counts, &which);
}

static __always_inline void count(__u32 what, __u64 n)
{
	__u32 zero = 0;
	struct cap_sums *sums = bpf_map_lookup_elem(&counts, &zero);

	if (!n || !sums || what >= CAP_COUNTS)
		return;
	/* Where a program may be preempted, another may come between, and the account must hold. */
	if (config.twice && what != CAP_N_FILTERED)
		__sync_fetch_and_add(&sums->n[what], n);
	else
		sums->n[what] += n;
}

/*
 * event_flags() of a record of n bytes. To ask how full the buffer is costs as much as a short
 * record where other CPUs write, too: it is done once in a few.
 */
static __always_inline __u64 flags_of(struct cap_sums *sums, __u64 n)
{
	sums->unasked += n;
	if (sums->unasked < 4096)
		return BPF_RB_NO_WAKEUP;
	sums->unasked = 0;
	return event_flags();
}

static __always_inline struct cap_state *state_get(struct sock *sk)
{
	__u64 key = (__u64)sk;

	return use_storage ? bpf_sk_storage_get(&states, sk, NULL, 0)
			   : bpf_map_lookup_elem(&states_by_sock, &key);
}

static __always_inline struct cap_state *state_make(struct sock *sk)
{
	static const struct cap_state none;
	__u64 key = (__u64)sk;
	struct cap_state s = none;

	/* Another thread may be doing the same: then it is there. */
	if (use_storage)
		return bpf_sk_storage_get(&states, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE)
			       ?: bpf_sk_storage_get(&states, sk, NULL, 0);
	bpf_map_update_elem(&states_by_sock, &key, &s, BPF_NOEXIST);
	return bpf_map_lookup_elem(&states_by_sock, &key);
}

static __always_inline void state_drop(struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (use_storage)
		bpf_sk_storage_delete(&states, sk);
	else
		bpf_map_delete_elem(&states_by_sock, &key);
}

/* --- which connections */

/* enum cap_proto, or -1: none that is looked at */
static __always_inline int proto_of(const bool direct, struct sock *sk)
{
	__u16 family = GET(direct, sk, __sk_common.skc_family), proto;

	if (family == AF_INET || family == AF_INET6) {
		proto = GET(direct, sk, sk_protocol);
		return proto == IPPROTO_TCP ? CAP_TCP : proto == IPPROTO_MPTCP ? CAP_MPTCP : -1;
	}
	if (config.unix_too && family == AF_UNIX && GET(direct, sk, sk_type) == SOCK_STREAM)
		return CAP_UNIX;
	return -1;
}

/* The cheapest question first: most of what is not wanted has another port. */
static __always_inline bool ports_pass(const bool direct, struct sock *sk)
{
	__u16 local, remote;

	if (!netsel.ports && !netsel.local_ports && !netsel.remote_ports)
		return true;
	local = GET(direct, sk, __sk_common.skc_num);
	remote = swap16(GET(direct, sk, __sk_common.skc_dport));
	if (netsel.ports && !netsel_bit(netsel_port, local) && !netsel_bit(netsel_port, remote))
		return false;
	if (netsel.local_ports && !netsel_bit(netsel_local, local))
		return false;
	return !netsel.remote_ports || netsel_bit(netsel_remote, remote);
}

static __noinline bool flow_passes(const bool direct, struct sock *sk, const bool counts)
{
	struct flow f;

	flow_of(direct, sk, NULL, &f);
	if (config.sample > 1 && flow_hash(&f) % config.sample) {
		if (counts)
			count(CAP_N_SAMPLED, 1);
		return false;
	}
	return !config.by_flow || netsel_pass(&f);
}

/* Is it looked at, as far as its ends tell? counts: the answer is of a call. */
static __always_inline bool ends_pass(const bool direct, struct sock *sk, const bool counts)
{
	if (!config.by_flow && config.sample <= 1)
		return true;
	if (!ports_pass(direct, sk))
		return false;
	return (!netsel.family && !netsel.naddrs && config.sample <= 1) ||
	       flow_passes(direct, sk, counts);
}

/* Likewise, of one that is about to connect: its own end may not be known yet. */
static __always_inline bool may_connect(const bool direct, struct sock *sk)
{
	__u16 local = GET(direct, sk, __sk_common.skc_num);
	__u16 remote = swap16(GET(direct, sk, __sk_common.skc_dport));

	if (netsel.ports && !netsel_bit(netsel_port, local) && !netsel_bit(netsel_port, remote))
		return false;
	return !netsel.remote_ports || netsel_bit(netsel_remote, remote);
}

/* Unix sockets have no addresses: filters of those leave them out, but for --sample. */
static __always_inline bool passes(const bool direct, struct sock *sk, int proto)
{
	bool ok = proto == CAP_UNIX ? !config.by_flow : ends_pass(direct, sk, true);

	if (ok && config.by_task)
		ok = filter_pass(bpf_get_current_pid_tgid() >> 32);
	if (!ok)
		count(CAP_N_FILTERED, 1);
	return ok;
}

#include "http_times.bpf.h"

/* --- places in the stream */

/* copied_seq without the FIN, which counts as read when the end of the stream was. */
static __always_inline __u32 read_end(const bool direct, struct sock *sk, struct tcp_sock *tp)
{
	__u32 seq = GET(direct, tp, copied_seq);

	return fin_came(direct, sk) && seq == GET(direct, tp, rcv_nxt) ? seq - 1 : seq;
}

/*
 * Whose place is being taken: a lock, for to add and read at once needs 5.12, and spin locks are
 * not for all programs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u8);
} placing SEC(".maps");

/*
 * 1: taken. Who is interrupted while it holds the lock holds others up for no longer than these few
 * tries. A global function: the verifier looks at it once.
 */
__noinline int lock_place(__u64 key)
{
	__u8 one = 1;

	for (int i = 0; i < 32; i++)
		if (!bpf_map_update_elem(&placing, &key, &one, BPF_NOEXIST))
			return 1;
	return 0;
}

/*
 * Where the socket numbers no bytes: counts len more, and returns where they begin. Threads that
 * use a socket at the same time get places of their own.
 */
static __always_inline __u32 take_place(struct cap_state *c, __u32 dir, __u32 len)
{
	__u64 key = c->id << 1 | (dir & 1);
	__u32 at = c->pos[dir & 1];
	bool mine;

	if (c->proto == CAP_TCP)
		return at; /* whatever it is: nothing that the verifier would follow on its own */
	mine = lock_place(key);
	at = c->pos[dir & 1];
	c->pos[dir & 1] = at + len;
	if (mine)
		bpf_map_delete_elem(&placing, &key);
	return at;
}

/* Behind the last byte of that direction. */
static __always_inline __u32 place(const bool direct, struct sock *sk, struct cap_state *c,
				   __u32 dir)
{
	struct tcp_sock *tp = c->proto == CAP_TCP ? tcp_of(direct, sk) : NULL;

	if (!tp)
		return c->pos[dir & 1];
	return dir == CAP_SEND ? written_end(direct, sk, tp) : read_end(direct, sk, tp);
}

/*
 * Did bytes go by before those of this call? A socket knows how many were acknowledged and how many
 * came, and so where each direction began.
 */
static __always_inline void beginnings(const bool direct, struct sock *sk, struct tcp_sock *tp,
				       __u32 *sent, __u32 *received)
{
	/* One less at the side that opened it: the SYN was acknowledged as if it were a byte. */
	*sent = GET(direct, tp, snd_una) - (__u32)GET(direct, tp, bytes_acked);
	/* Both count the peer's FIN, once it has come. */
	*received = GET(direct, tp, rcv_nxt) - (__u32)GET(direct, tp, bytes_received);
}

/* Who opened it, and is this its beginning? Nothing holds the numbers still. */
static __always_inline void role_of(const bool direct, struct sock *sk, struct tcp_sock *tp,
				    struct cap_conn_rec *r)
{
	__u32 sent, received;
	__s64 opened;

	/* An acknowledgement may come in the midst of it: then the numbers do not fit. */
	for (int i = 0; i < 3 && r->flags; i++) {
		opened = opened_by_us(direct, tp);
		beginnings(direct, sk, tp, &sent, &received);
		sent = r->seq[CAP_SEND] - sent;
		/* While a packet leaves it is counted as sent, but is not on its way yet. */
		if (opened < 0 && sent <= 1)
			opened = sent;
		r->role = opened == 1 ? CAP_ROLE_CLIENT
			  : opened    ? CAP_ROLE_UNKNOWN
				      : CAP_ROLE_SERVER;
		if (sent == opened && received == r->seq[CAP_RECV])
			r->flags = 0;
	}
}

/* --- what is told */

static __always_inline void ring_lost(__u64 bytes)
{
	count(CAP_N_RING, bytes);
	count(CAP_N_RING_RECORDS, 1);
}

static __always_inline void unix_ends(const bool direct, struct sock *sk, struct cap_conn_rec *r)
{
	struct unix_sock *u = (struct unix_sock *)sk;
	struct unix_address *a;
	struct sock *peer;
	__u64 end;
	int len;

	bpf_core_read(&peer, sizeof(peer), &u->peer);
	bpf_core_read(&a, sizeof(a), &u->addr);
	r->role = a ? CAP_ROLE_SERVER : CAP_ROLE_UNKNOWN;
	if (peer) {
		bpf_core_read(&r->peer, sizeof(r->peer), &peer->__sk_common.skc_cookie.counter);
		if (!a)
			bpf_core_read(&a, sizeof(a), &((struct unix_sock *)peer)->addr);
		if (!r->role && a)
			r->role = CAP_ROLE_CLIENT;
	}
	if (!a || bpf_core_read(&len, sizeof(len), &a->len) || len <= 2)
		return;
	bpf_probe_read_kernel(r->path, 108, a->name[0].sun_path);
	/* An abstract name begins with a NUL, has a length and no end. */
	if (r->path[0])
		return;
	r->path[0] = '@';
	end = len - 2; /* sun_family */
	barrier_var(end);
	if (end < 108)
		r->path[end] = 0;
}

/* Tells of a connection whose next byte of dir is at seq; ret bytes of it are over already. */
static __noinline bool tell_conn(const bool direct, struct sock *sk, struct cap_state *c, __u32 dir,
				 __u32 seq)
{
	struct tcp_sock *tp = c->proto == CAP_TCP ? tcp_of(direct, sk) : NULL;
	struct cap_conn_rec *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	__u32 other = place(direct, sk, c, !dir);
	struct times *t;

	if (!r) {
		ring_lost(0);
		return false;
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->type = CAP_REC_CONN;
	r->id = c->id;
	r->proto = c->proto;
	r->now_ns = bpf_ktime_get_ns();
	r->seq[CAP_SEND] = dir == CAP_SEND ? seq : other;
	r->seq[CAP_RECV] = dir == CAP_SEND ? other : seq;
	r->flags = CAP_F_JOINED;
	if (config.unix_too && c->proto == CAP_UNIX) {
		struct net *net = GET(direct, sk, __sk_common.skc_net.net);

		r->flow.netns = GET(direct, net, ns.inum);
		unix_ends(direct, sk, r);
	} else {
		flow_of(direct, sk, tp, &r->flow);
	}
	if (tp)
		role_of(direct, sk, tp, r);
	t = config.times && c->proto != CAP_UNIX ? times_get(sk) : NULL;
	if (t) {
		r->opened_ns = t->opened_ns;
		r->connect_ns = t->connect_ns;
	}
	if (c->verdict == CAP_MAYBE)
		r->flags |= CAP_F_MAYBE;
	c->end[CAP_SEND] = r->seq[CAP_SEND];
	c->end[CAP_RECV] = r->seq[CAP_RECV];
	c->told = 1;
	count(CAP_N_CONNS, 1);
	bpf_ringbuf_submit(r, event_flags());
	return true;
}

/* What of a process an exec changes, and a new process of the same number has otherwise. */
static __always_inline __u64 task_mark(struct task_struct *t, struct mm_struct *mm)
{
	struct task_struct *leader = BPF_CORE_READ(t, group_leader);

	return BPF_CORE_READ(leader, start_boottime) ^ BPF_CORE_READ(mm, arg_start);
}

/* A global function: the verifier looks at it once. */
__noinline int tell_task(__u32 pid)
{
	struct task_struct *t = (void *)bpf_get_current_task(), *leader;
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	__u64 mark = task_mark(t, mm), *old = bpf_map_lookup_elem(&tasks, &pid), start;
	struct cap_task_rec *r;
	const char *name;
	__u64 n;

	if (old && *old == mark)
		return 0;
	r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (!r) {
		ring_lost(0);
		return 0;
	}
	leader = BPF_CORE_READ(t, group_leader);
	r->type = CAP_REC_TASK;
	r->pid = pid;
	r->start_ns = BPF_CORE_READ(leader, start_boottime);
	r->uid = bpf_get_current_uid_gid();
	BPF_CORE_READ_INTO(&r->comm, leader, comm);
	name = BPF_CORE_READ(t, cgroups, dfl_cgrp, kn, name);
	__builtin_memset(r->cgroup, 0, sizeof(r->cgroup));
	if (name)
		bpf_probe_read_kernel_str(r->cgroup, sizeof(r->cgroup), name);
	start = BPF_CORE_READ(mm, arg_start);
	n = BPF_CORE_READ(mm, arg_end) - start;
	if (n > CAP_ARGS)
		n = CAP_ARGS;
	barrier_var(n);
	__builtin_memset(r->args, 0, sizeof(r->args));
	if (n > CAP_ARGS || bpf_probe_read_user(r->args, n, (void *)start))
		n = 0;
	r->args_len = n;
	bpf_ringbuf_submit(r, event_flags());
	bpf_map_update_elem(&tasks, &pid, &mark, BPF_ANY);
	return 0;
}

/* --- the end */

static __always_inline bool told_whole(const struct cap_state *c, __u32 dir)
{
	return c->verdict == CAP_HTTP || c->verdict == CAP_MAYBE;
}

static __noinline void tell_end(const bool direct, struct sock *sk, struct cap_state *c, __u32 dir)
{
	struct cap_end_rec *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);

	if (!r) {
		ring_lost(0);
		return;
	}
	r->type = CAP_REC_END;
	r->dir = dir;
	r->id = c->id;
	r->now_ns = bpf_ktime_get_ns();
	r->seq = told_whole(c, dir) ? place(direct, sk, c, dir) : c->end[dir & 1];
	r->pad = 0;
	bpf_ringbuf_submit(r, event_flags());
}

static __noinline void tell_close(const bool direct, struct sock *sk, struct cap_state *c,
				  __u32 reset)
{
	struct tcp_sock *tp = c->proto == CAP_TCP ? tcp_of(direct, sk) : NULL;
	struct cap_close_rec *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);

	if (!r) {
		ring_lost(0);
		return;
	}
	r->type = CAP_REC_CLOSE;
	r->reset = reset;
	r->id = c->id;
	r->now_ns = bpf_ktime_get_ns();
	for (__u32 dir = 0; dir < 2; dir++) {
		r->seq[dir] = told_whole(c, dir) ? place(direct, sk, c, dir) : c->end[dir];
		r->bytes[dir] = 0;
	}
	if (tp) {
		/* What was acknowledged, the SYN and the FIN too, and what was not yet. */
		r->bytes[CAP_SEND] = GET(direct, tp, bytes_acked) - (opened_by_us(direct, tp) == 1);
		r->bytes[CAP_SEND] +=
			(__s32)(written_end(direct, sk, tp) - GET(direct, tp, snd_una));
		r->bytes[CAP_RECV] = GET(direct, tp, bytes_received) - fin_came(direct, sk);
	}
	bpf_ringbuf_submit(r, event_flags());
}
#endif
