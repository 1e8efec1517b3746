// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "net.h"
#include "decimal.h"
#include "log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define V4_BITS	  96 /* before the IPv4 part of a mapped address */
#define SHOWN_MAX 80 /* bytes of a bad value that an error repeats */

_Static_assert(NET_ADDR_SIZE == INET6_ADDRSTRLEN, "room for every address");

static const unsigned char v4_head[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const __u64 a[2])
{
	return !memcmp(a, v4_head, sizeof(v4_head));
}

char *net_addr(char *dst, const __u64 a[2])
{
	const unsigned char *b = (const unsigned char *)a + sizeof(v4_head);
	char *p = dst;

	if (!is_v4(a)) {
		inet_ntop(AF_INET6, a, dst, NET_ADDR_SIZE);
		return dst;
	}
	for (int i = 0; i < 4; i++) {
		p = decimal(p, b[i]);
		*p++ = i < 3 ? '.' : '\0';
	}
	return dst;
}

char *net_endpoint(char *dst, const __u64 a[2], uint16_t port)
{
	bool v4 = is_v4(a);
	char *p = dst;

	if (!v4)
		*p++ = '[';
	net_addr(p, a);
	p += strlen(p);
	if (!v4)
		*p++ = ']';
	*p++ = ':';
	if (port)
		p = decimal(p, port);
	else
		*p++ = '*';
	*p = '\0';
	return dst;
}

/*
 * Decimal digits, at most max, and nothing else in the len bytes at s: strtoul would take blanks
 * and signs. Negative otherwise.
 */
static int take_number(const char *s, size_t len, int max)
{
	int n = 0;

	if (!len)
		return -EINVAL;
	for (; len--; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		n = 10 * n + *s - '0';
		if (n > max)
			return -ERANGE;
	}
	return n;
}

/* Reads the address before the slash. Returns the bits before where its length begins to count. */
static int take_addr(const char *s, size_t len, __u64 a[2])
{
	char text[NET_ADDR_SIZE];
	unsigned char bytes[16];

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = 0;
	if (inet_pton(AF_INET6, text, bytes) == 1) {
		memcpy(a, bytes, sizeof(bytes));
		return 0;
	}
	memcpy(bytes, v4_head, sizeof(v4_head));
	if (inet_pton(AF_INET, text, bytes + sizeof(v4_head)) != 1)
		return -EINVAL;
	memcpy(a, bytes, sizeof(bytes));
	return V4_BITS;
}

static void make_mask(__u64 mask[2], int bits)
{
	unsigned char bytes[16] = {};

	memset(bytes, 0xff, bits / 8);
	if (bits % 8)
		bytes[bits / 8] = 0xff << (8 - bits % 8);
	memcpy(mask, bytes, sizeof(bytes));
}

static int bits_beyond(const char *s, const __u64 network[2], int bits)
{
	/* net_addr() writes a mapped network as IPv4, whose length is shorter. */
	bool v4 = is_v4(network) && bits >= V4_BITS;
	char addr[NET_ADDR_SIZE];

	return fail(-EINVAL, "bad value '%s': it has bits beyond /%s; the network is %s/%d", s,
		    strchr(s, '/') + 1, net_addr(addr, network), v4 ? bits - V4_BITS : bits);
}

int net_cidr(const char *s, __u64 value[2], __u64 mask[2])
{
	size_t len = strcspn(s, "/");
	__u64 a[2], m[2], network[2];
	int first = take_addr(s, len, a), bits = 128 - first;

	if (first < 0)
		return fail(-EINVAL,
			    "bad value '%.*s%s': give an IPv4 or IPv6 address, or a network such "
			    "as 10.0.0.0/8",
			    SHOWN_MAX, s, strlen(s) > SHOWN_MAX ? "..." : "");
	if (s[len])
		bits = take_number(s + len + 1, strlen(s + len + 1), bits);
	if (bits < 0)
		return fail(-EINVAL, "bad value '%.*s%s': after the / give a length from 0 to %d",
			    SHOWN_MAX, s, strlen(s) > SHOWN_MAX ? "..." : "", 128 - first);
	make_mask(m, first + bits);
	network[0] = a[0] & m[0];
	network[1] = a[1] & m[1];
	if (memcmp(network, a, sizeof(a)))
		return bits_beyond(s, network, first + bits);
	memcpy(value, a, sizeof(a));
	memcpy(mask, m, sizeof(m));
	return 0;
}

int net_ports(const char *s, uint16_t *low, uint16_t *high)
{
	size_t len = strcspn(s, "-");
	int first = take_number(s, len, UINT16_MAX), last = first;

	if (s[len])
		last = take_number(s + len + 1, strlen(s + len + 1), UINT16_MAX);
	if (first < 1 || last < 1)
		return fail(-EINVAL,
			    "bad value '%.*s%s': give a port from 1 to 65535, or a range such as "
			    "8000-8100",
			    SHOWN_MAX, s, strlen(s) > SHOWN_MAX ? "..." : "");
	if (first > last)
		return fail(-EINVAL, "bad value '%.*s': the lower port comes first: %d-%d",
			    SHOWN_MAX, s, last, first);
	*low = first;
	*high = last;
	return 0;
}
