/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef STANDIN_H
#define STANDIN_H
/* What standin.bpf.c tells standin.c. */

#define STANDIN_MAX 16384 /* bytes of a call */

struct standin_flow {
	__u32 local, remote;
	__u16 local_port, remote_port;
	__u32 dir;
};

struct standin_call {
	__u64 now_ns, latency_ns;
	struct standin_flow flow;
	__u32 pid, bytes;
	char comm[16];
};

struct standin_data {
	__u64 now_ns;
	__u32 pid, file, out, bytes, size, pad;
	char comm[16];
	char d[STANDIN_MAX];
};
#endif
