// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dest.h"
#include "log.h"
#include "peer.h"
#include "rotate.h"
#include "sink.h"

#define FILE_CHUNK (64 << 10)

struct sink {
	struct peer *peer; /* or, where it is NULL, a file: */
	char *path;
	int fd, err;
	char *buf;
	size_t len, cap;
	uint64_t waiting; /* lines in buf */
	uint64_t whole; /* bytes of whole lines in the file */
	struct rotate *rotate; /* NULL: never */
	uint64_t size; /* it is put aside at so many bytes ... */
	uint64_t limit; /* ... next at so many: more than size after a failure */
	struct sink_stats st;
};

static int file_open(struct sink *s, const char *path)
{
	if (!*path)
		return fail(-EINVAL, "the output's file name is empty");
	if (!strcmp(path, "-"))
		return fail(-EINVAL, "output '-': use -j for JSON lines on standard output");
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (s->fd < 0)
		return fail(-errno, "cannot write to %s: %m", path);
	s->path = strdup(path);
	return s->path ? 0 : fail(-ENOMEM, "no memory for the output");
}

int sink_open(struct sink **sink, const char *dest)
{
	struct sink *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail(-ENOMEM, "no memory for the output");
	s->fd = -1;
	err = dest_is_peer(dest) ? peer_open(&s->peer, dest) : file_open(s, dest);
	if (err)
		sink_close(s, 0, NULL);
	else
		*sink = s;
	return err;
}

/* The first n bytes of the buffer are in the file: counts the lines that are whole. */
static void file_wrote(struct sink *s, size_t n)
{
	const char *p = s->buf, *end = p + n, *nl;

	while ((nl = memchr(p, '\n', end - p))) {
		s->st.sent++;
		s->waiting--;
		s->whole += nl + 1 - p;
		p = nl + 1;
	}
}

static void file_flush(struct sink *s)
{
	size_t done = 0;
	struct stat st;

	if (!s->len)
		return;
	while (done < s->len && !s->err) {
		ssize_t n = write(s->fd, s->buf + done, s->len - done);

		if (n >= 0)
			done += n;
		else if (errno != EINTR)
			s->err = errno == EPIPE ? -EIO : -errno;
	}
	file_wrote(s, done);
	/* A full disk may have taken a part of a line: readers are to see whole ones. */
	if (s->err && done && !fstat(s->fd, &st) && S_ISREG(st.st_mode) &&
	    ftruncate(s->fd, s->whole))
		log_warn("%s ends in a part of a line", s->path);
	s->st.dropped += s->waiting;
	s->waiting = 0;
	s->len = 0;
}

static int file_result(const struct sink *s)
{
	return s->err ? fail(s->err, "cannot write to %s: %s", s->path, strerror(-s->err)) : 0;
}

/* Makes room for a line of len bytes, newline included, by putting the file aside. */
static void file_rotate(struct sink *s, size_t len)
{
	uint64_t have = s->whole + s->len;
	int err;

	if (!have || have + len <= s->limit)
		return;
	file_flush(s);
	if (s->err)
		return;
	err = rotate_now(s->rotate);
	if (err >= 0) {
		if (close(s->fd) && errno != EINTR)
			s->err = -errno;
		s->fd = err;
		s->st.rotated++;
		s->whole = 0;
		s->limit = s->size;
		return;
	}
	if (!s->st.not_rotated++)
		log_warn("%s; it grows on", fail_text(err));
	s->limit = s->whole + s->size;
}

static int file_line(struct sink *s, const char *line, size_t len)
{
	size_t cap = s->cap ?: FILE_CHUNK;
	char *buf;

	if (s->rotate)
		file_rotate(s, len + 1);

	while (cap < s->len + len + 1)
		cap *= 2;
	buf = cap == s->cap || s->err ? s->buf : realloc(s->buf, cap);
	if (!buf && !s->err)
		s->err = -ENOMEM;
	if (s->err) {
		s->st.dropped++;
		return file_result(s);
	}
	s->buf = buf;
	s->cap = cap;
	memcpy(s->buf + s->len, line, len);
	s->buf[s->len + len] = '\n';
	s->len += len + 1;
	s->waiting++;
	if (s->len >= FILE_CHUNK)
		file_flush(s);
	return file_result(s);
}

int sink_line(struct sink *s, const char *line, size_t len)
{
	s->st.lines++;
	if (memchr(line, '\n', len)) {
		s->st.dropped++;
		return fail(-EINVAL, "a line of output with a newline in it");
	}
	if (!s->peer)
		return file_line(s, line, len);
	peer_line(s->peer, line, len);
	return 0;
}

void sink_poll(struct sink *s)
{
	if (s->peer)
		peer_poll(s->peer);
	else
		file_flush(s);
}

int sink_rotate(struct sink *s, const struct rotate_limits *l)
{
	if (s->peer)
		return fail(-EINVAL, "--rotate is for files, not for what is sent elsewhere");
	s->size = s->limit = l->size;
	return rotate_open(&s->rotate, s->path, s->fd, l->keep);
}

int sink_error(const struct sink *s)
{
	return s->peer ? 0 : file_result(s);
}

void sink_stats(const struct sink *s, struct sink_stats *st)
{
	struct sink_stats peer = {};

	if (s->peer)
		peer_stats(s->peer, &peer);
	*st = s->st;
	st->sent += peer.sent;
	st->dropped += peer.dropped;
}

int sink_close(struct sink *s, int timeout_ms, struct sink_stats *st)
{
	struct sink_stats peer = {};
	int err = 0;

	if (s->peer) {
		peer_close(s->peer, timeout_ms, &peer);
	} else if (s->fd >= 0) {
		file_flush(s);
		/* Some file systems tell of a failed write only now, not of which. */
		if (close(s->fd) && errno != EINTR && !s->err)
			s->err = -errno;
		err = s->path ? file_result(s) : 0;
	}
	if (s->st.not_rotated > 1)
		log_warn("%s could not be rotated %llu times", s->path,
			 (unsigned long long)s->st.not_rotated);
	rotate_close(s->rotate);
	if (st) {
		*st = s->st;
		st->sent += peer.sent;
		st->dropped += peer.dropped;
	}
	free(s->path);
	free(s->buf);
	free(s);
	return err;
}
