// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tools of the usual designs do in the kernel, for comparison:
 *   calls     each send and each receive of a TCP socket is an event of its own through a perf
 *             buffer; a hash by addresses and ports says when the other call was
 *   syscalls  what read(), write() and their kin were given, with up to 16 KiB of it, through a
 *             perf buffer; a hash by process and file says which files speak HTTP
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "../tests/bench/standin.h"

/* linux/bpf.h: the tools need none of them. */
#define BPF_MAP_TYPE_PERF_EVENT_ARRAY 4
#define BPF_MAP_TYPE_LRU_HASH	      9
#define BPF_F_CURRENT_CPU	      0xffffffffULL

const volatile __u32 wanted = 0; /* calls: a port; syscalls: a process */

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} events SEC(".maps");

/* --- calls */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct standin_flow);
	__type(value, __u64);
} last SEC(".maps");

static __always_inline int call(void *ctx, struct sock *sk, int ret, __u32 dir)
{
	struct standin_call e = {.now_ns = bpf_ktime_get_ns(), .bytes = ret};
	struct standin_flow other;
	__u64 *since;

	if (ret <= 0 || sk->__sk_common.skc_family != 2)
		return 0;
	e.flow.remote = sk->__sk_common.skc_daddr;
	e.flow.local = sk->__sk_common.skc_rcv_saddr;
	e.flow.remote_port = __builtin_bswap16(sk->__sk_common.skc_dport);
	e.flow.local_port = sk->__sk_common.skc_num;
	e.flow.dir = dir;
	if (wanted && e.flow.remote_port != wanted && e.flow.local_port != wanted)
		return 0;
	other = e.flow;
	other.dir = !dir;
	since = bpf_map_lookup_elem(&last, &other);
	e.latency_ns = since ? e.now_ns - *since : 0;
	bpf_map_update_elem(&last, &e.flow, &e.now_ns, BPF_ANY);
	e.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	return 0;
}

SEC("tp_btf/sock_send_length")
int calls_sent(__u64 *ctx)
{
	return call(ctx, (struct sock *)ctx[0], ctx[1], 0);
}

SEC("tp_btf/sock_recv_length")
int calls_received(__u64 *ctx)
{
	return call(ctx, (struct sock *)ctx[0], ctx[1], 1);
}

/* --- syscalls */

struct under_way {
	__u64 buffer, file;
	__u32 out, array;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct under_way);
} calls SEC(".maps");

/* By process and file: it has begun like HTTP. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64);
} files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct standin_data);
} room SEC(".maps");

#if defined(__TARGET_ARCH_x86)
#define ARG(regs, n) ((n) == 0 ? (regs)->di : (regs)->si)
enum {
	READ = 0,
	WRITE = 1,
	READV = 19,
	WRITEV = 20,
	SENDTO = 44,
	RECVFROM = 45,
	SENDMSG = 46,
	RECVMSG = 47,
};
#else
#define ARG(regs, n) ((regs)->user_regs.regs[n])
enum {
	READ = 63,
	WRITE = 64,
	READV = 65,
	WRITEV = 66,
	SENDTO = 206,
	RECVFROM = 207,
	SENDMSG = 211,
	RECVMSG = 212,
};
#endif

SEC("tp_btf/sys_enter")
int syscalls_enter(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	struct under_way u = {};
	__u64 who = bpf_get_current_pid_tgid();

	if (wanted && who >> 32 != wanted)
		return 0;
	switch (ctx[1]) {
	case WRITEV: u.array = 1; /* fall through */
	case WRITE:
	case SENDTO: u.out = 1; break;
	case READV: u.array = 1; break;
	case READ:
	case RECVFROM: break;
	case SENDMSG: u.out = 1; /* fall through */
	case RECVMSG: u.array = 2; break;
	default: return 0;
	}
	u.file = ARG(regs, 0);
	u.buffer = ARG(regs, 1);
	bpf_map_update_elem(&calls, &who, &u, BPF_ANY);
	return 0;
}

/* The first bytes of a message of HTTP/1, as these designs tell them. */
static __always_inline bool is_http(const char *d)
{
	__u32 word = *(__u32 *)d;

	return word == ('H' | 'T' << 8 | 'T' << 16 | 'P' << 24) ||
	       word == ('G' | 'E' << 8 | 'T' << 16 | ' ' << 24) ||
	       word == ('P' | 'O' << 8 | 'S' << 16 | 'T' << 24);
}

SEC("tp_btf/sys_exit")
int syscalls_exit(__u64 *ctx)
{
	__u64 who = bpf_get_current_pid_tgid(), key, now = bpf_ktime_get_ns(), size;
	__u64 iov[2] = {}, buffer;
	struct under_way *u = bpf_map_lookup_elem(&calls, &who);
	struct standin_data *e;
	__s64 ret = ctx[1];
	__u32 zero = 0;

	if (!u)
		return 0;
	buffer = u->buffer;
	key = who >> 32 << 32 | (__u32)u->file;
	e = bpf_map_lookup_elem(&room, &zero);
	if (ret <= 0 || !e)
		goto out;
	if (u->array == 2 && bpf_probe_read_user(&buffer, 8, (void *)(buffer + 16)))
		goto out;
	size = ret;
	if (u->array) {
		/* The first piece alone. */
		if (bpf_probe_read_user(iov, sizeof(iov), (void *)buffer))
			goto out;
		buffer = iov[0];
		size = iov[1] < size ? iov[1] : size;
	}
	if (size > STANDIN_MAX)
		size = STANDIN_MAX;
	if (!size || bpf_probe_read_user(e->d, size, (void *)buffer))
		goto out;
	if (!bpf_map_lookup_elem(&files, &key)) {
		if (!is_http(e->d))
			goto out;
		bpf_map_update_elem(&files, &key, &now, BPF_ANY);
	}
	e->now_ns = now;
	e->pid = who >> 32;
	e->file = key;
	e->out = u->out;
	e->bytes = ret;
	e->size = size;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, e,
			      offsetof(struct standin_data, d) + size);
out:
	bpf_map_delete_elem(&calls, &who);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
