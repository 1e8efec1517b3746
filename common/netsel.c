// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "netsel.h"
#include "log.h"
#include "net.h"
#include "opts.h"
#include <errno.h>
#include <string.h>

static struct selection {
	struct netsel n;
	__u64 port[NETSEL_PORT_WORDS], local[NETSEL_PORT_WORDS], remote[NETSEL_PORT_WORDS];
} chosen;

static int add_ports(__u32 *set, __u64 *bits, const struct opt_list *l)
{
	uint16_t low, high;
	int err = 0;

	for (size_t i = 0; i < l->n && !err; i++) {
		err = net_ports(l->v[i], &low, &high);
		for (unsigned int p = low; !err && p <= high; p++)
			bits[p / 64] |= 1ULL << (p % 64);
	}
	*set = l->n > 0;
	return err;
}

static int add_addrs(struct netsel *n, const struct opt_list *l)
{
	int err = 0;

	if (l->n > NETSEL_MAX_ADDRS)
		return fail(-E2BIG, "--addr: at most %d addresses or networks", NETSEL_MAX_ADDRS);
	for (size_t i = 0; i < l->n && !err; i++)
		err = net_cidr(l->v[i], n->addr[i].value, n->addr[i].mask);
	n->naddrs = l->n;
	return err;
}

int netsel_constants(struct netsel *n, __u64 *port, __u64 *local, __u64 *remote)
{
	struct selection s = {.n.family = std.ipv4 ? 4 : std.ipv6 ? 6 : 0};
	int err = add_ports(&s.n.ports, s.port, &std.ports) ?:
		  add_ports(&s.n.local_ports, s.local, &std.local_ports) ?:
		  add_ports(&s.n.remote_ports, s.remote, &std.remote_ports) ?:
		  add_addrs(&s.n, &std.addrs);

	if (err)
		return err;
	chosen = s;
	if (!n)
		return 0;
	*n = s.n;
	memcpy(port, s.port, sizeof(s.port));
	memcpy(local, s.local, sizeof(s.local));
	memcpy(remote, s.remote, sizeof(s.remote));
	return 0;
}

bool netsel_match(const struct flow *f)
{
	return netsel_test(&chosen.n, chosen.port, chosen.local, chosen.remote, f);
}
