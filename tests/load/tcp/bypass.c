// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Bytes that move without a plain send() or recv(): sendfile, splice, zero-copy. */
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <sys/sendfile.h>
#include "tcp.h"
#include "cases.h"

static size_t whole_pages(size_t len)
{
	return len - len % sysconf(_SC_PAGESIZE);
}

/* --- sendfile: the answer comes out of a file in memory */
static void send_file(struct end *e, struct turn *t, int file)
{
	off_t at = 0;

	t->s_send = now_ns();
	while (at < opt.resp) {
		ssize_t n = sendfile(e->fd, file, &at, opt.resp - at);

		if (n <= 0)
			die("sendfile");
		gave(e, n);
		t->s_sent = t->s_sent ?: now_ns();
	}
}

void serve_sendfile(struct end *e)
{
	int file = memfd_create("answer", MFD_CLOEXEC);

	if (file < 0 || ftruncate(file, opt.resp))
		die("memfd_create");
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		if (!take(e, t, opt.req))
			return;
		serve_sleep();
		send_file(e, t, file);
	}
	await_eof(e);
	close(file);
}

/* --- splice-in: both read by splice() into a pipe */
struct tube {
	int out, in;
};

static struct tube tube_new(void)
{
	int p[2];

	if (pipe(p))
		die("pipe");
	return (struct tube){p[0], p[1]};
}

static void tube_free(struct tube p)
{
	close(p.out);
	close(p.in);
}

/* len bytes of the socket; false at the end of the stream. Stamps as hear() and take() have them. */
static bool splice_in(struct end *e, struct tube p, size_t len, uint64_t *stamp)
{
	while (len) {
		uint64_t enter = now_ns();
		ssize_t n = splice(e->fd, NULL, p.in, NULL, len, 0);

		if (n < 0)
			die("splice");
		if (!n)
			return false;
		stamp[2] = now_ns();
		if (!stamp[1]) {
			stamp[0] = enter;
			stamp[1] = stamp[2];
		}
		took(e, n);
		len -= n;
		for (ssize_t left = n; left;)
			left -= read(p.out, e->buf, left);
	}
	return true;
}

void client_splice_in(struct end *e)
{
	struct tube p = tube_new();

	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);
		uint64_t stamp[3] = {};

		ask(e, t);
		if (!splice_in(e, p, opt.resp, stamp))
			die("the answer's end");
		t->c_enter = stamp[0];
		t->c_first = stamp[1];
		t->c_last = stamp[2];
	}
	tube_free(p);
}

void serve_splice_in(struct end *e)
{
	struct tube p = tube_new();

	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);
		uint64_t stamp[3] = {};

		if (!splice_in(e, p, opt.req, stamp))
			break;
		t->s_enter = stamp[0];
		t->s_first = stamp[1];
		t->s_got = stamp[2];
		serve_sleep();
		answer(e, t);
	}
	await_eof(e);
	tube_free(p);
}

/* --- splice-out: the answer goes out of a pipe */
static void splice_out(struct end *e, struct tube p, struct turn *t)
{
	size_t left = opt.resp;

	while (left) {
		ssize_t n = write(p.in, e->buf, left < 65536 ? left : 65536);

		if (n <= 0)
			die("a pipe");
		left -= n;
		t->s_send = t->s_send ?: now_ns();
		while (n) {
			ssize_t moved = splice(p.out, NULL, e->fd, NULL, n, 0);

			if (moved <= 0)
				die("splice");
			gave(e, moved);
			t->s_sent = t->s_sent ?: now_ns();
			n -= moved;
		}
	}
}

void serve_splice_out(struct end *e)
{
	struct tube p = tube_new();

	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		if (!take(e, t, opt.req))
			break;
		serve_sleep();
		splice_out(e, p, t);
	}
	await_eof(e);
	tube_free(p);
}

/* --- zerocopy: MSG_ZEROCOPY; the kernel says in the error queue when it is done with the pages */
static void reap_notices(int fd)
{
	char control[128];
	struct msghdr m = {.msg_control = control, .msg_controllen = sizeof(control)};

	while (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		m.msg_controllen = sizeof(control);
}

void serve_zerocopy(struct end *e)
{
	char *pages =
		mmap(NULL, whole_pages(opt.resp) + sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (pages == MAP_FAILED)
		die("mmap");
	set_int(e->fd, SOL_SOCKET, SO_ZEROCOPY, 1);
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		if (!take(e, t, opt.req))
			return;
		serve_sleep();
		t->s_send = now_ns();
		put(e, pages, opt.resp, MSG_ZEROCOPY);
		t->s_sent = now_ns();
		reap_notices(e->fd);
	}
	await_eof(e);
}

/* --- zcrecv: TCP_ZEROCOPY_RECEIVE maps whole pages; what is no whole page is read */
static size_t receive_pages(struct end *e, char *map, size_t len)
{
	struct tcp_zerocopy_receive zc = {.address = (uintptr_t)map, .length = whole_pages(len)};
	socklen_t size = sizeof(zc);

	if (!zc.length)
		return 0;
	if (getsockopt(e->fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &size))
		die("TCP_ZEROCOPY_RECEIVE");
	if (!zc.length)
		return 0;
	took(e, zc.length);
	add(&shared->extra[MAPPED_BYTES], zc.length);
	madvise(map, whole_pages(len), MADV_DONTNEED);
	return zc.length;
}

static void hear_pages(struct end *e, struct turn *t, char *map)
{
	size_t left = opt.resp;

	while (left) {
		size_t n;

		await_in(e->fd, POLLIN);
		t->c_enter = t->c_enter ?: now_ns();
		n = receive_pages(e, map, left);
		if (!n)
			n = get(e, left < 4096 ? left : 4096, 0);
		t->c_last = now_ns();
		t->c_first = t->c_first ?: t->c_last;
		left -= n;
	}
}

void client_zcrecv(struct end *e)
{
	char *map = mmap(NULL, whole_pages(opt.resp) + sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED,
			 e->fd, 0);

	if (map == MAP_FAILED)
		die("mmap of a socket");
	for (int64_t i = 0; i < opt.turns; i++) {
		struct turn *t = turn_at(e->conn, i);

		ask(e, t);
		hear_pages(e, t, map);
	}
}
