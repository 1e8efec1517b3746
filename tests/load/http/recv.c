// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Plain ways to receive. All put what they got at the start of e->buf. */
#include "http.h"
#include "hows.h"

#define MAX_IOV 300

static ssize_t from_recv(struct end *e, size_t want)
{
	(void)want;
	return recv(e->fd, e->buf, e->size, 0);
}

static ssize_t from_read(struct end *e, size_t want)
{
	(void)want;
	return read(e->fd, e->buf, e->size);
}

static ssize_t from_recvfrom(struct end *e, size_t want)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	(void)want;
	return recvfrom(e->fd, e->buf, e->size, 0, (struct sockaddr *)&sa, &len);
}

static ssize_t from_bytes(struct end *e, size_t want)
{
	(void)want;
	return read(e->fd, e->buf, 1);
}

/* As parsers do that know how much they want. */
static ssize_t from_exact(struct end *e, size_t want)
{
	return recv(e->fd, e->buf, want < e->size ? want : e->size, 0);
}

static ssize_t from_waitall(struct end *e, size_t want)
{
	return recv(e->fd, e->buf, want < e->size ? want : e->size, MSG_WAITALL);
}

static ssize_t from_nonblock(struct end *e, size_t want)
{
	(void)want;
	return recv(e->fd, e->buf, e->size, MSG_DONTWAIT);
}

/* Of 100 bytes each but the last, with empty ones; in e->buf one stands behind the other. */
static unsigned int pieces(struct iovec *v, unsigned int count, struct end *e)
{
	size_t at = 0, len;

	for (unsigned int i = 0; i < count; i++) {
		len = count > 3 && i % 7 == 0 ? 0 : i == 0 ? 10 : 100;
		if (i == count - 1)
			len = e->size - at;
		v[i] = (struct iovec){.iov_base = e->buf + at, .iov_len = len};
		at += len;
	}
	return count;
}

static ssize_t from_readv(struct end *e, size_t want)
{
	struct iovec v[MAX_IOV];

	(void)want;
	return readv(e->fd, v, pieces(v, e->recv->arg, e));
}

static ssize_t from_preadv2(struct end *e, size_t want)
{
	struct iovec v[MAX_IOV];

	(void)want;
	return preadv2(e->fd, v, pieces(v, e->recv->arg, e), -1, 0);
}

static ssize_t from_recvmsg(struct end *e, size_t want)
{
	struct iovec v[MAX_IOV];
	char control[256];
	struct msghdr m = {.msg_iov = v, .msg_control = control, .msg_controllen = sizeof(control)};

	(void)want;
	m.msg_iovlen = pieces(v, e->recv->arg, e);
	return recvmsg(e->fd, &m, 0);
}

/* Four messages of 50 and 950 bytes: what does not fill the first goes no further. */
static ssize_t from_recvmmsg(struct end *e, size_t want)
{
	struct iovec v[8];
	struct mmsghdr m[4] = {};
	ssize_t sum = 0;
	int got;

	(void)want;
	for (int i = 0; i < 4; i++) {
		v[2 * i] = (struct iovec){e->buf + 1000 * i, 50};
		v[2 * i + 1] = (struct iovec){e->buf + 1000 * i + 50, 950};
		m[i].msg_hdr.msg_iov = v + 2 * i;
		m[i].msg_hdr.msg_iovlen = 2;
	}
	got = recvmmsg(e->fd, m, 4, MSG_WAITFORONE, NULL);
	for (int i = 0; i < got; i++) {
		memmove(e->buf + sum, e->buf + 1000 * i, m[i].msg_len);
		sum += m[i].msg_len;
	}
	return got < 0 ? got : sum;
}

static ssize_t from_peek(struct end *e, size_t want)
{
	struct counts *k = &e->c->counts[e->side];
	ssize_t n;

	(void)want;
	n = recv(e->fd, e->buf, e->size, MSG_PEEK);
	if (n < 0)
		return n;
	k->peeks++;
	k->peeked += n;
	compare(e, e->buf, k->bytes[1], n);
	return recv(e->fd, e->buf, e->size, 0);
}

/* Heads are read, bodies are thrown away: the kernel copies them nowhere. */
static ssize_t from_trunc(struct end *e, size_t want)
{
	const struct conn *c = e->c;
	uint64_t pos = c->counts[e->side].bytes[1], end = pos;

	for (unsigned int i = 0; i < c->nmessages; i++) {
		const struct message *m = &c->messages[i];

		if (m->side != e->side && pos >= m->begin && pos < m->end)
			end = pos < m->begin + m->head_bytes ? m->begin + m->head_bytes : m->end;
		if (m->side != e->side && end == m->end)
			e->discarded = pos >= m->begin + m->head_bytes;
	}
	if (end > pos && want > end - pos)
		want = end - pos;
	if (want > e->size)
		want = e->size;
	return recv(e->fd, e->buf, want, e->discarded ? MSG_TRUNC : 0);
}

static int can_trunc(unsigned int arg)
{
	(void)arg;
	/* A unix socket copies all the same, and so did MPTCP once. */
	return opt.family == AF_UNIX || opt.proto ? EOPNOTSUPP : 0;
}

#define C .call =

const struct recv_how recv_hows[] = {
	{"recv", "recv()", C from_recv},
	{"read", "read()", C from_read},
	{"recvfrom", "recvfrom() with room for an address", C from_recvfrom},
	{"bytes", "read() of one byte", C from_bytes},
	{"exact", "recv() of no more than the step has", C from_exact},
	{"waitall", "the same with MSG_WAITALL", C from_waitall},
	{"nonblock", "non-blocking: recv(), else poll() and recv()", C from_nonblock},
	{"readv", "readv() of 3 pieces", C from_readv, .arg = 3},
	{"readv300", "readv() of 300, every seventh empty", C from_readv, .arg = 300},
	{"preadv2", "preadv2() of 3", C from_preadv2, .arg = 3},
	{"recvmsg", "recvmsg() of 3", C from_recvmsg, .arg = 3},
	{"recvmsg300", "recvmsg() of 300", C from_recvmsg, .arg = 300},
	{"recvmmsg", "recvmmsg() of 4 messages of 1000 bytes", C from_recvmmsg},
	{"peek", "MSG_PEEK before each recv()", C from_peek},
	{"trunc", "bodies thrown away with MSG_TRUNC", C from_trunc, .can = can_trunc},
	{"signals", "recv() that signals interrupt all the time", C from_recv,
	 .setup = setup_signals},
	{"splice", "splice() to a pipe", C from_splice},
	{"mapped", "TCP_ZEROCOPY_RECEIVE, and recv() of the rest", C from_mapped,
	 .can = can_mapped},
	{"compat", "read() as a 32-bit call", C from_compat, .can = can_compat},
	{"uring-recv", "io_uring RECV", C uring_get, .arg = GET_RECV, .can = can_get},
	{"uring-read", "READ", C uring_get, .arg = GET_READ, .can = can_get},
	{"uring-readv", "READV of 3", C uring_get, .arg = GET_READV, .can = can_get},
	{"uring-recvmsg", "RECVMSG of 3", C uring_get, .arg = GET_RECVMSG, .can = can_get},
	{"uring-read-fixed", "READ_FIXED", C uring_get, .arg = GET_FIXED, .can = can_get},
	{"uring-async", "RECV by a worker (IOSQE_ASYNC)", C uring_get, .arg = GET_ASYNC,
	 .can = can_get},
	{"uring-sqpoll", "RECV by a kernel thread that polls", C uring_get, .arg = GET_SQPOLL,
	 .can = can_get},
	{"uring-select", "RECV into a buffer that the kernel selects", C uring_get,
	 .arg = GET_SELECT, .can = can_get},
	{"uring-multishot", "one RECV for all", C uring_get, .arg = GET_MULTI, .can = can_get},
	{},
};
