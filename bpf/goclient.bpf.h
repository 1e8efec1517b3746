/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GOCLIENT_BPF_H
#define GOCLIENT_BPF_H
/*
 * Which goroutine asked for the request that another one sends? Go's http.Transport has a goroutine
 * for each connection that writes, to which the one that asks hands its request:
 *
 *   net/http.(*persistConn).roundTrip(pc, req *transportRequest)   who asks; req.Request is first
 *   net/http.(*Request).write(r, ...)                              who sends, with the same r
 *
 * Both stand in every Go since 1.17, where arguments came into registers. So: request -> who asks,
 * then who sends -> who asks, and a call that sends (goroutine.bpf.h) is told of as the latter's.
 */
#include "goroutine.bpf.h"

struct go_who {
	__u64 mark; /* of the process, so that a number that comes again is not the same */
	__u64 v; /* a request's address, or a goroutine's number */
};

struct go_asker {
	__u64 goid, parent_goid;
};

#define GO_MAP(name)                                                                               \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_LRU_HASH);                                               \
		__uint(max_entries, 16384);                                                        \
		__type(key, struct go_who);                                                        \
		__type(value, struct go_asker);                                                    \
	} name SEC(".maps")
GO_MAP(go_requests);
GO_MAP(go_writers);

/*
 * From Linux 6.13 these programs have a stack of each CPU's, but uprobes may be preempted: see
 * bpf/handlerlat.bpf.c. A program with a tail call in it keeps the thread's stack.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} no_programs SEC(".maps");
const volatile bool never = false;

static __always_inline __u64 go_mark(void)
{
	struct task_struct *t = (void *)bpf_get_current_task();

	return BPF_CORE_READ(t, group_leader, start_boottime) ^
	       bpf_get_current_pid_tgid() >> 32 << 48;
}

/* The number of the goroutine whose g this is; 0: it does not look like one. */
static __always_inline __u64 go_number(__u64 g)
{
	__u64 w[3]; /* atomicstatus stands before goid: at 144 or 152 */

	if (bpf_probe_read_user(w, sizeof(w), (void *)(g + 144)))
		return 0;
	return go_runs(w[0]) ? w[1] : go_runs(w[1]) ? w[2] : 0;
}

/* Who started it: where it stands beside two addresses of the program's text. */
static __always_inline __u64 go_starter(__u64 g, __u64 ip)
{
	__u64 w[5]; /* from 272 or 280 on: see goroutine.bpf.h */

	if (bpf_probe_read_user(w, sizeof(w), (void *)(g + 272)))
		return 0;
	return go_parent(w, ip) ?: go_parent(w + 1, ip);
}

SEC("uprobe")
int go_asks(struct pt_regs *ctx)
{
	struct go_who who = {.mark = go_mark()};
	struct go_asker asker = {.goid = go_number(REG_G(ctx))};

	if (never)
		bpf_tail_call(ctx, &no_programs, 0);
	asker.parent_goid = go_starter(REG_G(ctx), REG_IP(ctx));
	if (asker.goid && !bpf_probe_read_user(&who.v, sizeof(who.v), (void *)REG_GO_ARG(ctx, 1)) &&
	    who.v)
		bpf_map_update_elem(&go_requests, &who, &asker, BPF_ANY);
	return 0;
}

SEC("uprobe")
int go_writes(struct pt_regs *ctx)
{
	struct go_who who = {.mark = go_mark(), .v = REG_GO_ARG(ctx, 0)};
	struct go_asker *asks, asked;
	__u64 goid = go_number(REG_G(ctx));

	if (never)
		bpf_tail_call(ctx, &no_programs, 0);
	asks = bpf_map_lookup_elem(&go_requests, &who);
	if (!goid)
		return 0;
	if (asks) {
		asked = *asks;
		bpf_map_delete_elem(&go_requests, &who);
		who.v = goid;
		bpf_map_update_elem(&go_writers, &who, &asked, BPF_ANY);
	} else {
		/* Somebody writes a request by himself. */
		who.v = goid;
		bpf_map_delete_elem(&go_writers, &who);
	}
	return 0;
}

/* Who asked for what this goroutine sends; NULL: nobody else did. */
static __always_inline const struct go_asker *go_asked(__u64 goid)
{
	struct go_who who = {.mark = go_mark(), .v = goid};

	return bpf_map_lookup_elem(&go_writers, &who);
}
#endif
