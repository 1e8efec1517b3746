// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Bytes that go by a file or a pipe: sendfile, splice, vmsplice. */
#include <fcntl.h>
#include <sys/sendfile.h>
#include "hows.h"

struct channel *channel_of(struct end *e)
{
	if (!e->ch) {
		e->ch = need(calloc(1, sizeof(*e->ch)));
		e->ch->file = -1;
	}
	return e->ch;
}

void channel_free(struct channel *ch)
{
	if (ch->in) {
		close(ch->in);
		close(ch->out);
	}
	if (ch->file >= 0)
		close(ch->file);
	if (ch->low)
		munmap(ch->low, 65536);
	if (ch->map)
		munmap(ch->map, ch->mapped);
	if (ch->timed)
		timer_delete(ch->timer);
	free(ch);
}

static struct channel *with_pipe(struct end *e)
{
	struct channel *ch = channel_of(e);
	int p[2];

	if (ch->in)
		return ch;
	if (pipe2(p, O_CLOEXEC))
		die("pipe");
	ch->out = p[0];
	ch->in = p[1];
	return ch;
}

/* A file in memory: of all that this side sends, at the places that it has in the stream. */
static int file_of(struct end *e)
{
	struct channel *ch = channel_of(e);
	const struct conn *c = e->c;
	size_t at = 0;

	if (ch->file >= 0)
		return ch->file;
	ch->file = memfd_create("stream", MFD_CLOEXEC);
	if (ch->file < 0)
		die("memfd_create");
	while (at < c->len[e->side]) {
		ssize_t n = write(ch->file, c->data[e->side] + at, c->len[e->side] - at);

		if (n <= 0)
			die("a file in memory");
		at += n;
	}
	return ch->file;
}

static ssize_t by_sendfile(struct end *e, const char *p, size_t n)
{
	off_t at = p - e->c->data[e->side];

	return sendfile(e->fd, file_of(e), &at, n);
}

static ssize_t by_more(struct end *e, const char *p, size_t n)
{
	return send(e->fd, p, n, MSG_MORE | MSG_NOSIGNAL);
}

static ssize_t by_send(struct end *e, const char *p, size_t n)
{
	return send(e->fd, p, n, MSG_NOSIGNAL);
}

void all_sendfile(struct end *e, const char *p, size_t n)
{
	size_t head = head_left(e, n);

	send_loop(e, p, head, n > head ? by_more : by_send);
	send_loop(e, p + head, n - head, by_sendfile);
}

void all_sendfile_whole(struct end *e, const char *p, size_t n)
{
	send_loop(e, p, n, by_sendfile);
}

/* What the pipe holds; its bytes leave in as many calls as it takes. */
static void out_of_pipe(struct end *e, int out, size_t n)
{
	while (n) {
		ssize_t k = splice(out, NULL, e->fd, NULL, n, 0);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			die("splice to the socket");
		gave(e, k);
		n -= k;
	}
}

void all_splice(struct end *e, const char *p, size_t n)
{
	struct channel *ch = with_pipe(e);

	while (n) {
		ssize_t k = write(ch->in, p, n < 65536 ? n : 65536);

		if (k <= 0)
			die("write to a pipe");
		out_of_pipe(e, ch->out, k);
		p += k;
		n -= k;
	}
}

void all_vmsplice(struct end *e, const char *p, size_t n)
{
	struct channel *ch = with_pipe(e);

	while (n) {
		struct iovec v = {.iov_base = (void *)p, .iov_len = n < 32768 ? n : 32768};
		ssize_t k = vmsplice(ch->in, &v, 1, 0);

		if (k <= 0)
			die("vmsplice");
		out_of_pipe(e, ch->out, k);
		p += k;
		n -= k;
	}
}

ssize_t from_splice(struct end *e, size_t want)
{
	struct channel *ch = with_pipe(e);
	ssize_t n = splice(e->fd, NULL, ch->in, NULL, e->size < 65536 ? e->size : 65536, 0);

	(void)want;
	for (ssize_t got = 0; got < n;) {
		ssize_t k = read(ch->out, e->buf + got, n - got);

		if (k <= 0)
			die("read from a pipe");
		got += k;
	}
	return n;
}
