/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef NETSEL_H
#define NETSEL_H
/* From --port, --addr, -4 and the like to what bpf/netsel.bpf.h reads, and the same test here. */
#include <stdbool.h>
#include "flow.h"

/*
 * Fills the constants from the options; call before load. port, local and remote are the bitmaps
 * netsel_port, netsel_local and netsel_remote, of NETSEL_PORT_WORDS words each. n and they may all
 * be NULL: a replay has no kernel half. Also sets what netsel_match() goes by. More than
 * NETSEL_MAX_ADDRS addresses are -E2BIG with text, and nothing changed.
 */
int netsel_constants(struct netsel *n, __u64 *port, __u64 *local, __u64 *remote);
/*
 * netsel_pass() of the kernel half, by the options that netsel_constants() last took; everything
 * passes before.
 */
bool netsel_match(const struct flow *f);
#endif
