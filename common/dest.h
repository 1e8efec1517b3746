/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef DEST_H
#define DEST_H
/* The words for a peer that lines are sent to (see sink.h), resolved to addresses. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define DEST_ADDRS 8 /* more addresses of one name are not tried */

enum dest_kind { DEST_TCP, DEST_UDP, DEST_UNIX, DEST_SYSLOG };

struct dest {
	enum dest_kind kind;
	char *text; /* as given; owned */
	struct {
		struct sockaddr_storage sa;
		socklen_t len;
	} addrs[DEST_ADDRS];
	size_t naddrs;
	int type; /* SOCK_STREAM or SOCK_DGRAM */
};

/*
 * True when text has the form of a peer, right or wrong: SCHEME://..., tcp:, udp:, unix:, syslog:.
 */
bool dest_is_peer(const char *text);
/*
 * Waits for the resolver. With fail() text: -EINVAL; -EHOSTUNREACH, no such host; -ENAMETOOLONG;
 * -ENOTSOCK, a path at which there is something else. dest_free() also after an error.
 */
int dest_parse(struct dest *d, const char *text);
void dest_free(struct dest *d);
#endif
