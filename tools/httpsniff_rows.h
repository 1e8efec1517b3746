/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSNIFF_ROWS_H
#define HTTPSNIFF_ROWS_H
/*
 * What lines of text, JSON lines and --pretty share. Bytes handed out are as they came: hostile.
 */
#include "httpsniff_parts.h"
#include "net.h"

/* n bytes at s; s is NULL where there is nothing. */
struct text {
	const char *s;
	size_t n;
};

/* One end of a connection: the sender's or the receiver's, of bytes that went in direction dir. */
struct end {
	const char *addr; /* NULL: a unix socket, or not known. Valid until the next row_end() */
	size_t addr_len;
	bool v6;
	uint16_t port;
	uint64_t cookie; /* of a unix socket; 0: unknown */
};
/* They are not, where the record that tells of the connection was lost. */
bool row_ends_known(const struct cap_conn *c);
struct end row_end(const struct cap_conn *c, int dir, bool sender);
/* "10.0.0.1:80", "[::1]:80", "unix:77", "unknown": n bytes in buf; it needs no quotes in logfmt. */
#define ROW_END_SIZE (NET_ENDPOINT_SIZE + 8)
size_t row_end_text(char buf[ROW_END_SIZE], const struct cap_conn *c, int dir, bool sender);

/* The process's name, as far as it is known, or else the thread's. */
struct text row_comm(const struct cap_who *w);
/* A request's own, or of the request that a response answers. */
struct text row_method(const struct message *msg);
struct text row_url(const struct message *msg);
/* Where a unix socket is bound; nothing for others. */
struct text row_path(const struct cap_conn *c);
/* The raw bytes, and whether they are text; without what a cut left of the last character. */
struct text row_raw(const struct message *msg, bool *is_text);
/* What there was of a body is not shown at all, by --max-body 0. */
bool row_body_hidden(const struct message *msg);
/* "tls" and the like. */
const char *row_protocol(enum http1_other what);

/* Each makes a line, with its newline, in j, which is empty. */
void text_message(struct json *j, const struct message *msg);
void text_gap(struct json *j, const struct gap *g);
void text_notice(struct json *j, const struct notice *n);
/* Each makes an object in j, which is empty. */
void json_message(struct json *j, const struct message *msg);
void json_gap(struct json *j, const struct gap *g);
void json_notice(struct json *j, const struct notice *n);
/*
 * Headers or trailers as an object: n from the first on. The values of a name that comes again are
 * an array, under the first spelling.
 */
void json_headers(struct json *j, const char *key, const struct message *msg, uint32_t first,
		  uint32_t n);
#endif
