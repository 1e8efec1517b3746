// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "dest.h"
#include "lineq.h"
#include "log.h"
#include "peer.h"

#define NS_PER_MS     1000000ULL
#define BACKOFF_MIN   (100 * NS_PER_MS)
#define BACKOFF_MAX   (5000 * NS_PER_MS)
#define CONNECT_LIMIT (5000 * NS_PER_MS) /* then the next address has its turn */
#define SEND_EVERY    (16 << 10) /* bytes */
#define SYSLOG_PRI    (1 << 3 | 6) /* user.info, RFC 3164 4.1.1 */

struct peer {
	struct dest to;
	size_t addr; /* the address in use, or to be tried next */
	int fd; /* -1 between connections */
	bool connected; /* false with an fd: being connected */
	bool told; /* stderr knows of this outage */
	uint64_t next_ns; /* no fd: when to try; being connected: when to give up */
	uint64_t backoff_ns;
	struct lineq q;
	size_t send_at; /* bytes waiting that are not left to the next poll */
	struct sink_stats st; /* lines is sink's */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

int peer_open(struct peer **peer, const char *dest)
{
	struct peer *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return fail(-ENOMEM, "no memory for the output");
	p->fd = -1;
	p->backoff_ns = BACKOFF_MIN;
	err = lineq_init(&p->q) ? fail(-ENOMEM, "no memory for the output") : 0;
	err = err ?: dest_parse(&p->to, dest);
	if (err) {
		peer_close(p, 0, NULL);
		return err;
	}
	*peer = p;
	peer_poll(p);
	return 0;
}

/* The connection, or the attempt, is over. */
static void lost(struct peer *p, const char *why)
{
	bool tried = !p->connected;

	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->connected = false;
	lineq_rewind(&p->q);
	p->addr++;
	if (tried && p->addr < p->to.naddrs) {
		p->next_ns = 0;
		return;
	}
	p->addr = 0;
	p->next_ns = now_ns() + p->backoff_ns;
	p->backoff_ns = p->backoff_ns * 2 < BACKOFF_MAX ? p->backoff_ns * 2 : BACKOFF_MAX;
	if (!p->told)
		log_warn("output %s: %s; trying again", p->to.text, why);
	p->told = true;
}

/*
 * A TCP connection to a port of this host where nobody listens may get that very port for its
 * own and meet itself: every line would come back to us.
 */
static bool met_itself(int fd)
{
	struct sockaddr_storage us = {}, them = {};
	socklen_t n = sizeof(us), m = sizeof(them);

	return !getsockname(fd, (struct sockaddr *)&us, &n) &&
	       !getpeername(fd, (struct sockaddr *)&them, &m) && n == m && !memcmp(&us, &them, n);
}

static void connected(struct peer *p)
{
	if (p->to.kind == DEST_TCP && met_itself(p->fd)) {
		lost(p, strerror(ECONNREFUSED));
		return;
	}
	p->connected = true;
	p->backoff_ns = BACKOFF_MIN;
	if (p->told)
		log_info("output %s: connected", p->to.text);
	p->told = false;
}

/* Begins to connect to the address whose turn it is. */
static void start(struct peer *p)
{
	const struct sockaddr *sa = (const struct sockaddr *)&p->to.addrs[p->addr].sa;
	int other = p->to.type == SOCK_STREAM ? SOCK_DGRAM : SOCK_STREAM;

	for (int i = 0; i < 2; i++) {
		p->fd = socket(sa->sa_family, p->to.type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (p->fd < 0)
			break;
		if (!connect(p->fd, sa, p->to.addrs[p->addr].len)) {
			connected(p);
			return;
		}
		if (errno == EINPROGRESS) {
			p->next_ns = now_ns() + CONNECT_LIMIT;
			return;
		}
		/* A Unix socket of the other type is there, which is as good. */
		if (errno != EPROTOTYPE || i)
			break;
		close(p->fd);
		p->to.type = other;
	}
	lost(p, strerror(errno));
}

static void check_connecting(struct peer *p)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int err = 0;

	if (poll(&pfd, 1, 0) <= 0) {
		if (now_ns() >= p->next_ns)
			lost(p, strerror(ETIMEDOUT));
		return;
	}
	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (err)
		lost(p, strerror(err));
	else
		connected(p);
}

/*
 * Takes what a stream's other side says, for nobody: unread bytes would turn our close into a
 * reset, which destroys lines on their way. Its end of file means that it is gone: the first line
 * sent after that would be accepted by the socket and lost.
 */
static void discard(struct peer *p)
{
	char bytes[4096];

	for (int i = 0; p->connected && p->to.type == SOCK_STREAM && i < 16; i++) {
		ssize_t n = recv(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (!n)
			lost(p, "closed by the other side");
		else if (n < 0 && errno != EINTR && errno != EAGAIN)
			lost(p, strerror(errno));
		else if (n < 0)
			break;
	}
}

static void send_stream(struct peer *p)
{
	while (p->q.lines) {
		size_t len;
		const char *rest = lineq_rest(&p->q, &len);
		ssize_t n = send(p->fd, rest, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			p->st.sent += lineq_took(&p->q, n);
		} else if (errno != EINTR) {
			if (errno != EAGAIN)
				lost(p, strerror(errno));
			return;
		}
	}
}

static void send_datagrams(struct peer *p)
{
	const char *line;
	size_t len, errors = 0;

	while (p->connected && (line = lineq_first(&p->q, &len))) {
		ssize_t n = send(p->fd, line, len + (p->to.kind != DEST_SYSLOG),
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			p->st.sent += lineq_took(&p->q, len + 1);
			errors = 0;
		} else if (errno == EMSGSIZE) {
			p->st.dropped += lineq_took(&p->q, len + 1);
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			return;
		} else if (errno != EINTR) {
			int err = errno;

			/* For UDP it is the echo of an earlier datagram. This one goes to the next
			 * address: "localhost" is two, and the reader may have only one of them. */
			if (p->to.kind != DEST_UDP || errors++ >= p->to.naddrs) {
				lost(p, strerror(err));
				return;
			}
			close(p->fd);
			p->connected = false;
			p->addr = (p->addr + 1) % p->to.naddrs;
			start(p);
		}
	}
}

void peer_poll(struct peer *p)
{
	if (p->fd >= 0 && !p->connected)
		check_connecting(p);
	discard(p);
	for (size_t i = 0; p->fd < 0 && i < p->to.naddrs && now_ns() >= p->next_ns; i++)
		start(p);
	if (p->connected && p->to.type == SOCK_STREAM)
		send_stream(p);
	else if (p->connected)
		send_datagrams(p);
	/* Where the peer takes no more, not every line is worth two system calls to find out. */
	p->send_at = lineq_bytes(&p->q) + SEND_EVERY;
}

/* "<14>Jan  2 03:04:05 tool[123]: ", RFC 3164. */
static size_t syslog_head(char *head, size_t size)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	return snprintf(head, size, "<%d>%.3s %2d %02d:%02d:%02d %.32s[%d]: ", SYSLOG_PRI,
			months + 3 * tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			log_name, (int)getpid());
}

void peer_line(struct peer *p, const char *line, size_t len)
{
	char head[128];
	size_t nhead = p->to.kind == DEST_SYSLOG ? syslog_head(head, sizeof(head)) : 0;

	if (!lineq_add(&p->q, head, nhead, line, len)) {
		p->st.dropped++;
		return;
	}
	if (lineq_bytes(&p->q) >= p->send_at && p->connected)
		peer_poll(p);
}

void peer_stats(const struct peer *p, struct sink_stats *st)
{
	*st = p->st;
}

void peer_close(struct peer *p, int timeout_ms, struct sink_stats *st)
{
	uint64_t deadline = now_ns() + timeout_ms * NS_PER_MS, now;

	for (;;) {
		struct pollfd pfd = {.fd = p->fd, .events = POLLOUT};
		int wait_ms;

		now = now_ns();
		if (!p->q.lines || now >= deadline)
			break;
		/* poll() skips an fd of -1: then this is the wait for the next attempt. */
		wait_ms = (deadline - now) / NS_PER_MS + 1;
		poll(&pfd, 1, wait_ms < 20 ? wait_ms : 20);
		peer_poll(p);
	}
	p->st.dropped += p->q.lines;
	if (st)
		*st = p->st;
	discard(p);
	if (p->connected)
		shutdown(p->fd, SHUT_WR);
	if (p->fd >= 0)
		close(p->fd);
	lineq_free(&p->q);
	dest_free(&p->to);
	free(p);
}
