// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* MSG_ZEROCOPY and its like, fast open, 32-bit calls, interruptions. */
#include <linux/tcp.h>
#include <sys/wait.h>
#include "hows.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#define LOW_SIZE 65536

static ssize_t by_send(struct end *e, const char *p, size_t n)
{
	return send(e->fd, p, n, MSG_NOSIGNAL);
}

/* --- MSG_ZEROCOPY; the kernel says in the error queue when it is done with the pages */
static void reap_notices(int fd)
{
	char control[128];
	struct msghdr m = {.msg_control = control, .msg_controllen = sizeof(control)};

	while (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		m.msg_controllen = sizeof(control);
}

static ssize_t by_zerocopy(struct end *e, const char *p, size_t n)
{
	ssize_t k = send(e->fd, p, n, MSG_ZEROCOPY | MSG_NOSIGNAL);

	if (k < 0 &&
	    errno == ENOBUFS) { /* too many notices under way, or too little may be locked */
		reap_notices(e->fd);
		k = send(e->fd, p, n, MSG_NOSIGNAL);
	}
	return k;
}

void all_zerocopy(struct end *e, const char *p, size_t n)
{
	struct channel *ch = channel_of(e);

	if (!ch->zerocopy && setsockopt(e->fd, SOL_SOCKET, SO_ZEROCOPY, &(int){1}, sizeof(int)))
		skip("SO_ZEROCOPY");
	ch->zerocopy = true;
	send_loop(e, p, n, by_zerocopy);
	reap_notices(e->fd);
}

/* --- fast open: the first bytes connect */
static ssize_t by_fastopen(struct end *e, const char *p, size_t n)
{
	struct sockaddr_storage sa;
	socklen_t len = peer_address(&sa);
	struct tcp_info info = {};
	socklen_t size = sizeof(info);
	ssize_t k;

	if (e->side == SERVER || e->c->connected)
		return by_send(e, p, n);
	k = sendto(e->fd, p, n, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&sa, len);
	if (k < 0 && errno == EOPNOTSUPP)
		skip("MSG_FASTOPEN");
	if (k < 0)
		return k;
	note_port(e);
	if (!getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		add(&shared->fastopen, !!(info.tcpi_options & 32 /* TCPI_OPT_SYN_DATA */));
	return k;
}

void all_fastopen(struct end *e, const char *p, size_t n)
{
	if (opt.family == AF_UNIX || opt.proto) {
		errno = EOPNOTSUPP;
		skip("MSG_FASTOPEN");
	}
	send_loop(e, p, n, by_fastopen);
}

/* --- 32-bit calls in a 64-bit program: they reach only the first 4 GiB of memory */
#ifdef __x86_64__
static long call32(long nr, long a, const void *b, long c)
{
	long ret = nr;

	__asm__ volatile("int $0x80"
			 : "+a"(ret)
			 : "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	ret = (int)ret;
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}

/* A kernel without such calls kills who makes one. */
int can_compat(unsigned int arg)
{
	int status;
	pid_t pid = fork();

	(void)arg;
	if (!pid)
		_exit(call32(20 /* getpid */, 0, NULL, 0) != getpid());
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("a child");
	return status ? ENOSYS : 0;
}

static char *low_of(struct end *e)
{
	struct channel *ch = channel_of(e);

	if (!ch->low)
		ch->low = mmap(NULL, LOW_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (ch->low == MAP_FAILED)
		die("mmap of low memory");
	return ch->low;
}

ssize_t by_compat(struct end *e, const char *p, size_t n)
{
	char *low = low_of(e);

	n = n < LOW_SIZE ? n : LOW_SIZE;
	memcpy(low, p, n);
	return call32(4 /* write */, e->fd, low, n);
}

ssize_t from_compat(struct end *e, size_t want)
{
	char *low = low_of(e);
	ssize_t n = call32(3 /* read */, e->fd, low, e->size < LOW_SIZE ? e->size : LOW_SIZE);

	(void)want;
	if (n > 0)
		memcpy(e->buf, low, n);
	return n;
}
#else
int can_compat(unsigned int arg)
{
	(void)arg;
	return ENOSYS;
}

ssize_t by_compat(struct end *e, const char *p, size_t n)
{
	return by_send(e, p, n);
}

ssize_t from_compat(struct end *e, size_t want)
{
	return recv(e->fd, e->buf, want < e->size ? want : e->size, 0);
}
#endif

/* --- a signal each half millisecond, whose handler does not restart the call */
static void nothing(int sig)
{
	(void)sig;
}

void setup_signals(struct end *e)
{
	struct sigaction sa = {.sa_handler = nothing};
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2};
	struct itimerspec each = {{.tv_nsec = 500000}, {.tv_nsec = 500000}};
	struct channel *ch = channel_of(e);

	if (ch->timed)
		return;
	ev._sigev_un._tid = tid();
	sigaction(SIGUSR2, &sa, NULL);
	if (timer_create(CLOCK_MONOTONIC, &ev, &ch->timer))
		die("timer_create");
	ch->timed = true;
	if (timer_settime(ch->timer, 0, &each, NULL))
		die("timer_settime");
}

/* --- TCP_ZEROCOPY_RECEIVE maps whole pages of the stream; the rest is read */
int can_mapped(unsigned int arg)
{
	(void)arg;
	return opt.family == AF_UNIX || opt.proto ? EOPNOTSUPP : 0;
}

ssize_t from_mapped(struct end *e, size_t want)
{
	struct channel *ch = channel_of(e);
	size_t page = sysconf(_SC_PAGESIZE), most = e->size - e->size % page;
	struct tcp_zerocopy_receive zc = {};
	socklen_t size = sizeof(zc);
	struct pollfd p = {.fd = e->fd, .events = POLLIN};

	if (!ch->map) {
		ch->mapped = most;
		ch->map = mmap(NULL, most, PROT_READ, MAP_SHARED, e->fd, 0);
		if (ch->map == MAP_FAILED)
			die("mmap of a socket");
	}
	if (poll(&p, 1, -1) < 0)
		return -1;
	zc.address = (uintptr_t)ch->map;
	zc.length = most;
	if (want >= page && getsockopt(e->fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &size))
		return -1;
	if (want < page || !zc.length)
		return recv(e->fd, e->buf, e->size < page ? e->size : page, 0);
	memcpy(e->buf, ch->map, zc.length);
	madvise(ch->map, most, MADV_DONTNEED);
	return zc.length;
}
