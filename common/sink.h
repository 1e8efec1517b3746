/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef SINK_H
#define SINK_H
/*
 * Where -o sends JSON lines: FILE, syslog:, tcp://HOST:PORT, udp://HOST:PORT, unix:PATH.
 * A network sink never blocks the tool: it has a bounded queue, reconnects (0.1 s doubling to 5 s)
 * and counts the lines it had to drop. A whole line is sent or none of it.
 */
#include <stddef.h>
#include <stdint.h>

struct sink;
/* Resolves and opens dest; names are resolved once, here. A file is created or truncated; an
 * unusable destination is an error now (-errno, fail() text), a peer that is merely not there yet
 * is not. */
int sink_open(struct sink **s, const char *dest);
/* Queues or writes one line (newline added). Returns 0, also when the line was dropped and counted;
 * a file's write error is returned (-ENOSPC ...). */
int sink_line(struct sink *s, const char *line, size_t len);
/* Gives waiting data another chance; call it regularly. Never blocks. */
void sink_poll(struct sink *s);
struct sink_stats {
	uint64_t lines;		/* handed in */
	uint64_t sent;		/* written, or accepted by the socket */
	uint64_t dropped;	/* queue full, or never delivered by the end */
};
/* Flushes for at most timeout_ms, closes, frees, and fills st. Returns 0 or the first write error. */
int sink_close(struct sink *s, int timeout_ms, struct sink_stats *st);
#endif
