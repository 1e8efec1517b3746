/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef LOAD_HTTP_H
#define LOAD_HTTP_H
/*
 * The least of HTTP/1.1 that service and traffic both need: buffered reading of one connection, a
 * head, its headers, and a body by length or in chunks. Everything is bounded.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define HEAD_MAX (16 * 1024)
#define BODY_MAX (16 * 1024 * 1024)

struct stream {
	int fd;
	size_t pos, len; /* buf[pos..len) has been received and not been taken */
	char buf[HEAD_MAX];
};

/* Grows to the largest body its connection has seen. */
struct body {
	char *data;
	size_t len, cap;
};

/*
 * Receives more. -EPIPE: the peer closed; -E2BIG: the buffer is full; -EAGAIN: the socket's
 * timeout.
 */
static inline int stream_fill(struct stream *s)
{
	ssize_t n;

	memmove(s->buf, s->buf + s->pos, s->len - s->pos);
	s->len -= s->pos;
	s->pos = 0;
	if (s->len == sizeof(s->buf))
		return -E2BIG;
	do {
		n = recv(s->fd, s->buf + s->len, sizeof(s->buf) - s->len, 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	s->len += n;
	return 0;
}

/*
 * Takes everything up to and including end ("\r\n" or "\r\n\r\n") and copies it without end into
 * dst (HEAD_MAX bytes), NUL-terminated. -EBADMSG when it holds a NUL.
 */
static inline int stream_until(struct stream *s, const char *end, char *dst)
{
	size_t n = strlen(end);
	char *at;
	int err;

	while (!(at = memmem(s->buf + s->pos, s->len - s->pos, end, n))) {
		err = stream_fill(s);
		if (err)
			return err;
	}
	memcpy(dst, s->buf + s->pos, at - s->buf - s->pos);
	dst[at - s->buf - s->pos] = '\0';
	n += at - s->buf - s->pos;
	s->pos += n;
	return strlen(dst) + strlen(end) == n ? 0 : -EBADMSG;
}

/*
 * Finds a header in a head: copies the first one's value, trimmed, and returns how many there are.
 * A value that does not fit is cut.
 */
static inline int header_get(const char *head, const char *name, char *value, size_t size)
{
	size_t len = strlen(name), n;
	int found = 0;

	for (const char *p = strstr(head, "\r\n"); p; p = strstr(p, "\r\n")) {
		p += 2;
		if (strncasecmp(p, name, len) || p[len] != ':' || found++)
			continue;
		p += len + 1;
		p += strspn(p, " \t");
		n = strcspn(p, "\r");
		while (n && isspace((unsigned char)p[n - 1]))
			n--;
		n = n < size ? n : size - 1;
		memcpy(value, p, n);
		value[n] = '\0';
	}
	return found;
}

/* Appends n bytes of the connection to the body. */
static inline int body_read(struct stream *s, struct body *b, size_t n)
{
	int err;

	if (n > BODY_MAX - b->len)
		return -EFBIG;
	if (b->cap < b->len + n) {
		size_t cap = b->len + n < 4096 ? 4096 : (b->len + n) * 3 / 2;
		char *data = realloc(b->data, cap);

		if (!data)
			return -ENOMEM;
		b->data = data;
		b->cap = cap;
	}
	while (n) {
		size_t have = s->len - s->pos;

		have = have < n ? have : n;
		memcpy(b->data + b->len, s->buf + s->pos, have);
		s->pos += have;
		b->len += have;
		n -= have;
		err = n ? stream_fill(s) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* Reads a chunked body with its trailers. -EBADMSG: not chunked encoding. */
static inline int body_read_chunks(struct stream *s, struct body *b)
{
	char line[HEAD_MAX];
	unsigned long long n;
	size_t digits;
	int err;

	do {
		err = stream_until(s, "\r\n", line);
		if (err)
			return err;
		digits = strspn(line, "0123456789abcdefABCDEF");
		if (!digits || digits > 15 || (line[digits] && !strchr("; \t", line[digits])))
			return -EBADMSG;
		n = strtoull(line, NULL, 16);
		if (n > BODY_MAX)
			return -EFBIG;
		err = body_read(s, b, n);
		if (!err && n)
			err = stream_until(s, "\r\n", line);
		if (!err && n && *line)
			err = -EBADMSG;
		if (err)
			return err;
	} while (n);
	do {
		err = stream_until(s, "\r\n", line);
	} while (!err && *line);
	return err;
}

/*
 * How long the body of a head is: >= 0, -1 chunked, -EBADMSG contradictory, -ENOTSUP unknown
 * coding.
 */
static inline int64_t body_length(const char *head)
{
	char v[64], *end;
	int coded = header_get(head, "Transfer-Encoding", v, sizeof(v));
	int sized;
	unsigned long long n;

	if (coded && strcasecmp(v, "chunked"))
		return -ENOTSUP;
	sized = header_get(head, "Content-Length", v, sizeof(v));
	if (coded + sized > 1)
		return -EBADMSG;
	if (coded)
		return -1;
	if (!sized)
		return 0;
	errno = 0;
	n = strtoull(v, &end, 10);
	if (!isdigit((unsigned char)*v) || *end || errno || n > INT64_MAX)
		return -EBADMSG;
	return n;
}

/* Sends all n parts, which it uses up. */
static inline int send_all(int fd, struct iovec *iov, int n)
{
	while (n) {
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
		ssize_t sent = sendmsg(fd, &msg, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		for (; n && (size_t)sent >= iov->iov_len; n--, iov++)
			sent -= iov->iov_len;
		if (n) {
			iov->iov_base = (char *)iov->iov_base + sent;
			iov->iov_len -= sent;
		}
	}
	return 0;
}
#endif
