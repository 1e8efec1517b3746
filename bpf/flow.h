/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef FLOW_H
#define FLOW_H
/*
 * A connection's two ends, and which connections are looked at: set before load by common/netsel.c,
 * read by bpf/netsel.bpf.h.
 */
#ifndef __VMLINUX_H__
#include <linux/types.h>
#include <stdbool.h>
#endif

/*
 * Addresses are 16 bytes in network byte order; IPv4 is ::ffff:a.b.c.d, whatever the socket's
 * family.
 */
struct flow {
	__u64 local[2], remote[2];
	__u32 netns; /* inode number */
	__u16 local_port, remote_port; /* host byte order */
	__u8 family; /* 4 or 6: what is on the wire */
	__u8 mapped; /* an IPv6 socket that carries IPv4 */
	__u8 pad[2];
};

#define NETSEL_MAX_ADDRS  16
#define NETSEL_PORT_WORDS 1024 /* a bit per port */

/* All that is set must hold. */
struct netsel {
	__u32 ports, local_ports, remote_ports; /* is the bitmap set? */
	__u32 family; /* 0: both, 4, 6 */
	__u32 naddrs, pad;
	struct {
		__u64 mask[2], value[2]; /* as addresses are */
	} addr[NETSEL_MAX_ADDRS];
};

static inline __attribute__((always_inline)) bool netsel_bit(const volatile __u64 *bits, __u16 port)
{
	return bits[port / 64] >> (port % 64) & 1;
}

/* One branch for all 16 bytes: the verifier follows each. */
static inline __attribute__((always_inline)) bool netsel_addr(const volatile struct netsel *n,
							      unsigned int i, const __u64 *a)
{
	return !(((a[0] & n->addr[i].mask[0]) ^ n->addr[i].value[0]) |
		 ((a[1] & n->addr[i].mask[1]) ^ n->addr[i].value[1]));
}

static inline __attribute__((always_inline)) bool netsel_addrs(const volatile struct netsel *n,
							       const struct flow *f)
{
	for (unsigned int i = 0; i < NETSEL_MAX_ADDRS; i++) {
		if (i >= n->naddrs)
			break;
		/* ::/0 has the mapped addresses in it, but who writes it means IPv6. */
		if ((__u32)n->addr[i].mask[1] != ~0U && f->family == 4)
			continue;
		if (netsel_addr(n, i, f->local) || netsel_addr(n, i, f->remote))
			return true;
	}
	return false;
}

/*
 * Is this connection looked at? The one rule of both halves. The bitmaps, NETSEL_PORT_WORDS each,
 * are of ports that either end, the local end and the remote end may have.
 */
static inline __attribute__((always_inline)) bool
netsel_test(const volatile struct netsel *n, const volatile __u64 *either,
	    const volatile __u64 *local, const volatile __u64 *remote, const struct flow *f)
{
	if (n->family && f->family != n->family)
		return false;
	if (n->ports && !netsel_bit(either, f->local_port) && !netsel_bit(either, f->remote_port))
		return false;
	if (n->local_ports && !netsel_bit(local, f->local_port))
		return false;
	if (n->remote_ports && !netsel_bit(remote, f->remote_port))
		return false;
	return !n->naddrs || netsel_addrs(n, f);
}
#endif
