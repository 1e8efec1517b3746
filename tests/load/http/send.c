// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Plain ways to send. */
#include "http.h"
#include "hows.h"

#define MAX_IOV 1024 /* UIO_MAXIOV */

static ssize_t by_write(struct end *e, const char *p, size_t n)
{
	return write(e->fd, p, n);
}

static ssize_t by_send(struct end *e, const char *p, size_t n)
{
	return send(e->fd, p, n, MSG_NOSIGNAL);
}

static ssize_t by_sendto(struct end *e, const char *p, size_t n)
{
	return sendto(e->fd, p, n, MSG_NOSIGNAL, NULL, 0);
}

static ssize_t by_byte(struct end *e, const char *p, size_t n)
{
	return write(e->fd, p, n > 0);
}

/* At most a page each, so that a message is many calls. */
static ssize_t by_pages(struct end *e, const char *p, size_t n)
{
	return write(e->fd, p, n < 4096 ? n : 4096);
}

/*
 * n bytes in count pieces, each seventh of them empty, the first among them where there are more
 * than three.
 */
static unsigned int pieces(struct iovec *v, unsigned int count, const char *p, size_t n)
{
	size_t each = n / count + 1, take;

	for (unsigned int i = 0; i < count; i++) {
		bool empty = count > 3 && i % 7 == 0 && i < count - 1;

		take = empty ? 0 : i == count - 1 || n < each ? n : each;
		if (take > 3 && i % 2 && i < count - 1)
			take -= 3; /* no two alike */
		v[i] = (struct iovec){.iov_base = (void *)p, .iov_len = take};
		p += take;
		n -= take;
	}
	return count;
}

static ssize_t by_writev(struct end *e, const char *p, size_t n)
{
	struct iovec v[MAX_IOV];

	return writev(e->fd, v, pieces(v, e->send->arg, p, n));
}

static ssize_t by_pwritev2(struct end *e, const char *p, size_t n)
{
	struct iovec v[MAX_IOV];

	return pwritev2(e->fd, v, pieces(v, e->send->arg, p, n), -1, 0);
}

static ssize_t by_sendmsg(struct end *e, const char *p, size_t n)
{
	struct iovec v[MAX_IOV];
	struct msghdr m = {.msg_iov = v};

	m.msg_iovlen = pieces(v, e->send->arg, p, n);
	return sendmsg(e->fd, &m, MSG_NOSIGNAL);
}

/* Four messages in a call, of two pieces each. */
static ssize_t send_many(struct end *e, const char *p, size_t n, int flags)
{
	struct iovec v[8];
	struct mmsghdr m[4] = {};
	ssize_t sum = 0;
	int sent;

	pieces(v, 8, p, n);
	for (int i = 0; i < 4; i++) {
		m[i].msg_hdr.msg_iov = v + 2 * i;
		m[i].msg_hdr.msg_iovlen = 2;
	}
	sent = sendmmsg(e->fd, m, 4, flags | MSG_NOSIGNAL);
	for (int i = 0; i < sent; i++)
		sum += m[i].msg_len;
	return sent < 0 ? sent : sum;
}

static ssize_t by_sendmmsg(struct end *e, const char *p, size_t n)
{
	return send_many(e, p, n, 0);
}

/* So that a call takes less than it is given. */
static void narrow(struct end *e)
{
	if (!e->c->counts[e->side].bytes[0])
		set_int(e->fd, SOL_SOCKET, SO_SNDBUF, 65536);
}

static ssize_t counted(struct end *e, ssize_t k, size_t n)
{
	if (k >= 0 && (size_t)k < n)
		e->c->counts[e->side].short_sends++;
	return k;
}

static ssize_t by_sendmmsg_partly(struct end *e, const char *p, size_t n)
{
	narrow(e);
	return counted(e, send_many(e, p, n, MSG_DONTWAIT), n);
}

static ssize_t by_nonblock(struct end *e, const char *p, size_t n)
{
	narrow(e);
	return counted(e, send(e->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL), n);
}

static ssize_t by_writev_nonblock(struct end *e, const char *p, size_t n)
{
	struct iovec v[MAX_IOV];
	struct msghdr m = {.msg_iov = v};

	narrow(e);
	m.msg_iovlen = pieces(v, e->send->arg, p, n);
	return counted(e, sendmsg(e->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL), n);
}

/* The head a byte at a time, the rest at once. */
static void all_bytehead(struct end *e, const char *p, size_t n)
{
	size_t head = head_left(e, n);

	send_loop(e, p, head, by_byte);
	send_loop(e, p + head, n - head, by_send);
}

static ssize_t with_more(struct end *e, const char *p, size_t n)
{
	return send(e->fd, p, n, MSG_MORE | MSG_NOSIGNAL);
}

/* The head, and half of the rest, with the promise of more. */
static void all_more(struct end *e, const char *p, size_t n)
{
	size_t head = head_left(e, n), half = (n - head) / 2;

	send_loop(e, p, head, n > head ? with_more : by_send);
	send_loop(e, p + head, half, with_more);
	send_loop(e, p + head + half, n - head - half, by_send);
}

/* Another of the above with each step. */
static void all_mixed(struct end *e, const char *p, size_t n)
{
	static ssize_t (*const calls[])(struct end *, const char *, size_t) = {
		by_write, by_send, by_sendto, by_pages, by_sendmmsg, by_nonblock,
	};

	send_loop(e, p, n, calls[e->calls % (sizeof(calls) / sizeof(*calls))]);
}

#define C .call =

const struct send_how send_hows[] = {
	{"send", "send()", C by_send},
	{"write", "write()", C by_write},
	{"sendto", "sendto() without an address", C by_sendto},
	{"pages", "write() of at most 4096 bytes", C by_pages},
	{"bytes", "write() of one byte", C by_byte},
	{"bytehead", "a message's head byte by byte, the rest at once", .all = all_bytehead},
	{"writev", "writev() of 3 pieces", C by_writev, .arg = 3},
	{"writev300", "of 300, every seventh empty", C by_writev, .arg = 300},
	{"writev1024", "of 1024, the most there may be", C by_writev, .arg = 1024},
	{"pwritev2", "pwritev2() of 3", C by_pwritev2, .arg = 3},
	{"sendmsg", "sendmsg() of 3 pieces", C by_sendmsg, .arg = 3},
	{"sendmsg300", "of 300", C by_sendmsg, .arg = 300},
	{"sendmmsg", "sendmmsg() of 4 messages", C by_sendmmsg},
	{"sendmmsg-partial", "non-blocking: the last message is cut", C by_sendmmsg_partly},
	{"nonblock", "non-blocking, with a small buffer: short counts, EAGAIN", C by_nonblock},
	{"sendmsg300-nonblock", "the same with 300 pieces", C by_writev_nonblock, .arg = 300},
	{"more", "MSG_MORE on all but the last part", .all = all_more},
	{"mixed", "another call for each step", .all = all_mixed},
	{"sendfile", "head with MSG_MORE, the rest by sendfile()", .all = all_sendfile},
	{"sendfile-all", "all of it by sendfile()", .all = all_sendfile_whole},
	{"splice", "write() to a pipe, splice() out of it", .all = all_splice},
	{"vmsplice", "vmsplice() to a pipe, splice() out of it", .all = all_vmsplice},
	{"zerocopy", "MSG_ZEROCOPY", .all = all_zerocopy},
	{"fastopen", "the first bytes by sendto(MSG_FASTOPEN)", .all = all_fastopen},
	{"compat", "write() as a 32-bit call", C by_compat, .can = can_compat},
	{"uring-send", "io_uring SEND", C uring_give, .arg = GIVE_SEND, .can = can_give},
	{"uring-write", "WRITE", C uring_give, .arg = GIVE_WRITE, .can = can_give},
	{"uring-writev", "WRITEV of 3", C uring_give, .arg = GIVE_WRITEV, .can = can_give},
	{"uring-sendmsg", "SENDMSG of 3", C uring_give, .arg = GIVE_SENDMSG, .can = can_give},
	{"uring-sendmsg300", "of 300", C uring_give, .arg = GIVE_SENDMSG300, .can = can_give},
	{"uring-write-fixed", "WRITE_FIXED", C uring_give, .arg = GIVE_FIXED, .can = can_give},
	{"uring-send-zc", "SEND_ZC", C uring_give, .arg = GIVE_ZC, .can = can_give},
	{"uring-sendmsg-zc", "SENDMSG_ZC", C uring_give, .arg = GIVE_MSG_ZC, .can = can_give},
	{"uring-async", "SEND by a worker (IOSQE_ASYNC)", C uring_give, .arg = GIVE_ASYNC,
	 .can = can_give},
	{"uring-sqpoll", "SEND by a kernel thread that polls", C uring_give, .arg = GIVE_SQPOLL,
	 .can = can_give},
	{"uring-linked", "three SENDs linked to a chain", C uring_give, .arg = GIVE_LINKED,
	 .can = can_give},
	{},
};
