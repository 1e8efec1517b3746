/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HTTP_TIMES_BPF_H
#define HTTP_TIMES_BPF_H
/*
 * When was a connection established, and since when could the bytes be read that a call has read?
 * Only where config.times asks for it, and apart from struct cap_state: it begins before the first
 * call does. Which process a socket belongs to is not known then, so that filters of processes
 * leave nothing out here.
 */

#define ARRIVALS 8 /* a power of two */

struct times {
	__u64 began_ns; /* connect() */
	__u64 opened_ns, connect_ns;
	/*
	 * What came and was not read yet: bytes before end[i] could be read from ns[i] on (0: not
	 * known). The socket's lock is held where they come, and whoever has read them held it.
	 */
	__u64 ns[ARRIVALS];
	__u32 end[ARRIVALS];
	__u32 put, got; /* how many came and went */
	__u32 full; /* there was no room for the last ones */
	__u32 found; /* times_since(): where it is, + 1 */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct times);
} times SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1); /* the user half sets it */
	__type(key, __u64);
	__type(value, struct times);
} times_by_sock SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct times);
} no_times SEC(".maps");

static __always_inline struct times *times_get(struct sock *sk)
{
	__u64 key = (__u64)sk;

	return use_storage ? bpf_sk_storage_get(&times, sk, NULL, 0)
			   : bpf_map_lookup_elem(&times_by_sock, &key);
}

static __always_inline struct times *times_make(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct times *t;
	__u32 zero = 0;

	if (use_storage)
		return bpf_sk_storage_get(&times, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	t = bpf_map_lookup_elem(&times_by_sock, &key);
	if (t)
		return t;
	t = bpf_map_lookup_elem(&no_times, &zero);
	if (!t || bpf_map_update_elem(&times_by_sock, &key, t, BPF_ANY))
		return NULL;
	return bpf_map_lookup_elem(&times_by_sock, &key);
}

/* Bytes came, up to that place. */
static __always_inline void times_arrived(struct times *t, __u32 end)
{
	__u32 at = t->put & (ARRIVALS - 1), last = (t->put - 1) & (ARRIVALS - 1);

	if (t->put != t->got && t->end[last] == end)
		return;
	if (t->put - t->got >= ARRIVALS) {
		t->full = 1;
		return;
	}
	t->ns[at] = t->full ? 0 : bpf_ktime_get_ns();
	t->end[at] = end;
	t->full = 0;
	t->put++;
}

/*
 * Since when could the first of len bytes at seq be read? 0: not known. They are forgotten. What is
 * found is kept in memory, so that it makes no difference to the verifier.
 */
static __always_inline __u64 times_since(struct times *t, __u32 seq, __u32 len)
{
	t->found = 0;
	for (int i = 0; i < ARRIVALS; i++) {
		__u32 at = t->got & (ARRIVALS - 1), end = t->end[at];

		if (t->got == t->put)
			break;
		if (!t->found && (__s32)(end - seq) > 0)
			t->found = at + 1;
		if ((__s32)(end - seq - len) > 0)
			break;
		t->got++;
	}
	return t->found ? t->ns[(t->found - 1) & (ARRIVALS - 1)] : 0;
}

/* A connection begins or is there. Its local end is not known where it begins. */
static __always_inline void times_state(const bool direct, struct sock *sk, __u32 old, __u32 new)
{
	__u64 key = (__u64)sk, now = bpf_ktime_get_ns();
	struct times *t;

	/* A socket begins where another one was. */
	if (!use_storage && (new == TCP_SYN_SENT || new == TCP_SYN_RECV))
		bpf_map_delete_elem(&times_by_sock, &key);
	if (new == TCP_SYN_SENT) {
		t = may_connect(direct, sk) ? times_make(sk) : NULL;
		if (t) {
			t->began_ns = now;
			t->opened_ns = t->connect_ns = 0;
			t->put = t->got = 0;
		}
	} else if (new == TCP_ESTABLISHED && ends_pass(direct, sk, false)) {
		t = times_make(sk);
		if (t && !t->opened_ns) {
			t->opened_ns = now;
			t->connect_ns = old == TCP_SYN_SENT && t->began_ns ? now - t->began_ns : 0;
		}
	}
}
#endif
