// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The two ends of a connection as text.
 */
#include "httptrace_rows.h"
#include <string.h>

static uint8_t put_end(char *dst, const __u64 addr[2], uint16_t port, uint64_t cookie, int proto,
		       bool known)
{
	char *p = dst;

	if (proto == CAP_UNIX) {
		p = stpcpy(p, "unix");
		if (cookie) {
			*p++ = ':';
			p = decimal(p, cookie);
			*p = '\0';
		}
		return p - dst;
	}
	dst[0] = '\0';
	return known ? strlen(net_endpoint(dst, addr, port)) : 0;
}

/* Formatting an address takes longer than all else of a row, and connections are used again. */
const struct ends *ends_of(uint64_t id, const struct flow *flow, uint64_t peer, int proto, int role)
{
	static struct known {
		struct flow flow;
		uint64_t id, peer;
		int proto, role;
		bool used;
		struct ends ends;
	} known[1024], *k;
	bool server = role == CAP_ROLE_SERVER, tcp = flow->family;
	struct ends *e;

	k = &known[(id * 2 + server) * 0x9e3779b97f4a7c15 >> 54];
	e = &k->ends;
	if (k->used && k->id == id && k->peer == peer && k->role == role && k->proto == proto &&
	    !memcmp(&k->flow, flow, sizeof(*flow)))
		return e;
	k->used = true;
	k->id = id;
	k->peer = peer;
	k->role = role;
	k->proto = proto;
	k->flow = *flow;
	e->client_len = put_end(e->client, server ? flow->remote : flow->local,
				server ? flow->remote_port : flow->local_port, server ? peer : id,
				proto, tcp);
	e->server_len = put_end(e->server, server ? flow->local : flow->remote,
				server ? flow->local_port : flow->remote_port, server ? id : peer,
				proto, tcp);
	return e;
}
