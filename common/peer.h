/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PEER_H
#define PEER_H
/*
 * Somebody on the network, or behind a Unix socket, who is sent lines: the queue, the connection
 * and its re-making. Nothing here blocks but peer_open(), which resolves names. Used by sink.c
 * alone.
 */
#include "sink.h"

struct peer;
/*
 * Begins to connect to dest, which is one of those of dest.h. -ENOMEM or dest_parse()'s errors,
 * with fail() text. Free with peer_close().
 */
int peer_open(struct peer **p, const char *dest);
/* Queues a line without a newline in it; drops and counts it when the queue is full. */
void peer_line(struct peer *p, const char *line, size_t len);
void peer_poll(struct peer *p);
void peer_stats(const struct peer *p, struct sink_stats *st);
/* Tries for at most timeout_ms to empty the queue; what is left is dropped. */
void peer_close(struct peer *p, int timeout_ms, struct sink_stats *st);
#endif
