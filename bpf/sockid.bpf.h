/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOCKID_BPF_H
#define SOCKID_BPF_H
/*
 * What a socket is called, and whether it speaks TCP. sock.bpf.h comes first.
 */
const volatile bool use_storage =
	true; /* state is in socket storage, or in a hash: no such thing */
const volatile __u64 salt = 0; /* for the ids of sockets that have no cookie */

static __always_inline __u64 conn_id(const bool direct, struct sock *sk)
{
	__u64 cookie = GET(direct, sk, __sk_common.skc_cookie.counter), address;

	if (!cookie && direct && use_storage)
		cookie = bpf_get_socket_cookie(sk);
	if (cookie)
		return cookie;
	/* A pointer becomes a number by being read. */
	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	/* Not the address: whoever reads the rows need not know where the kernel lies. */
	return (address ^ salt) * 0x9e3779b97f4a7c15ULL | 1ULL << 63;
}

static __always_inline struct tcp_sock *tcp_of(const bool direct, struct sock *sk)
{
	if (GET(direct, sk, sk_protocol) != IPPROTO_TCP)
		return NULL;
	if (!direct)
		return (struct tcp_sock *)sk;
	/*
	 * bpf_rdonly_cast() would cost nothing, but on a kernel that lacks it libbpf looks for it
	 * in all modules, for which CAP_BPF and CAP_PERFMON are not enough.
	 */
	return bpf_skc_to_tcp_sock(sk);
}
#endif
