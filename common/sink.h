/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef SINK_H
#define SINK_H
/*
 * Where -o sends JSON lines:
 *   FILE              created or truncated; written when 64 KiB are waiting and at each sink_poll()
 *   tcp://HOST:PORT   lines; [HOST] for IPv6
 *   udp://HOST:PORT   a datagram for each line
 *   unix:PATH         a stream socket's lines, or datagrams where PATH is a datagram socket
 *   syslog:[PATH]     RFC 3164 datagrams, user.info, tag log_name[PID], to PATH or /dev/log
 * A network sink never blocks the tool: it has a bounded queue (1 MiB), reconnects (0.1 s doubling
 * to 5 s) and counts the lines it had to drop. A whole line is sent or none of it: a line of which
 * a connection took only a part is sent again from its start over the next one.
 */
#include <stddef.h>
#include <stdint.h>

struct sink;
/*
 * Resolves and opens dest; names are resolved once, here, which may take as long as the resolver
 * does. A destination that can never work is an error now (-errno, fail() text); a peer that is
 * merely not there yet is not. Free with sink_close(). SIGPIPE must be ignored (row_init() does)
 * when FILE may be a FIFO.
 */
int sink_open(struct sink **s, const char *dest);
/*
 * Queues or writes one line (newline added). Returns 0, also when the line was dropped and counted;
 * a file's write error is returned with fail() text (-ENOSPC ...; -EIO for -EPIPE), also for all
 * lines after it. -EINVAL, and dropped: the line has a newline in it.
 */
int sink_line(struct sink *s, const char *line, size_t len);
/*
 * Writes what is waiting, as far as that goes, and makes connections; call it some ten times a
 * second. Never blocks on a network.
 */
void sink_poll(struct sink *s);

/*
 * The file is put aside as often as it would grow beyond l->size (see rotate.h): before a line,
 * never within one; a line that is longer has a file of its own. To be called once, before anything
 * is written and before priv_drop(). -EINVAL with text for a network sink, and what rotate_open()
 * says. When it fails later that is said, and counted, and lines go on to the old file for as many
 * bytes again.
 */
struct rotate_limits;
int sink_rotate(struct sink *s, const struct rotate_limits *l);
/* The write error so far, with text; 0: none. */
int sink_error(const struct sink *s);

struct sink_stats {
	uint64_t lines; /* handed in; always sent + dropped after sink_close() */
	uint64_t sent; /* written, or accepted by the socket */
	uint64_t dropped; /* queue full, too long for a datagram, or never delivered by the end */
	uint64_t rotated, not_rotated; /* how often; failed */
};
/* The counts so far: what neither was sent nor dropped is waiting. */
void sink_stats(const struct sink *s, struct sink_stats *st);
/* Flushes for at most timeout_ms, closes, frees, and fills st (may be NULL). Returns 0 or the first
 * write error. */
int sink_close(struct sink *s, int timeout_ms, struct sink_stats *st);
#endif
