/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef NET_H
#define NET_H
/*
 * Addresses and ports as text. An address is 16 bytes in network byte order, IPv4 as
 * ::ffff:a.b.c.d, as struct flow of bpf/flow.h has it.
 */
#include <linux/types.h>
#include <stdint.h>

#define NET_ADDR_SIZE	  46 /* INET6_ADDRSTRLEN */
#define NET_ENDPOINT_SIZE (NET_ADDR_SIZE + 8) /* "[]:65535" more */

/* "10.0.0.1", "2001:db8::1". Writes at most NET_ADDR_SIZE bytes; returns dst. */
char *net_addr(char *dst, const __u64 a[2]);
/*
 * "10.0.0.1:80", "[::1]:80"; port 0 is "*". port in host byte order. Writes at most
 * NET_ENDPOINT_SIZE bytes; returns dst.
 */
char *net_endpoint(char *dst, const __u64 a[2], uint16_t port);

/*
 * "10.0.0.0/8", "2001:db8::/32", or an address alone. A length of IPv4 counts from the IPv4 part.
 * An address x is within when (x & mask) == value. -EINVAL with fail() text, and nothing changed,
 * when s is neither or has bits set beyond the length.
 */
int net_cidr(const char *s, __u64 value[2], __u64 mask[2]);
/*
 * "80" or "8000-8100": 1 <= low <= high <= 65535. -EINVAL with fail() text, and nothing changed,
 * otherwise.
 */
int net_ports(const char *s, uint16_t *low, uint16_t *high);
#endif
