/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NETSEL_BPF_H
#define NETSEL_BPF_H
/*
 * Is this connection one that the user asked for? What is not set costs nothing: struct netsel is a
 * constant by the time the verifier sees it.
 */
#include "flow.h"

const volatile struct netsel netsel = {};
const volatile __u64 netsel_port[NETSEL_PORT_WORDS] = {};
const volatile __u64 netsel_local[NETSEL_PORT_WORDS] = {};
const volatile __u64 netsel_remote[NETSEL_PORT_WORDS] = {};

static __always_inline bool netsel_pass(const struct flow *f)
{
	return netsel_test(&netsel, netsel_port, netsel_local, netsel_remote, f);
}
#endif
