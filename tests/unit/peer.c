// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Real sockets on this host; the reader lives in this thread too, so that each step is known. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "lineq.h"
#include "log.h"
#include "peer.h"
#include "unit/t.h"

static char dir[] = "/tmp/peer.XXXXXX", path[64], dest[96];
static char got[8 << 20]; /* what the reader read */
static size_t ngot;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* A socket bound to a loopback port, to the same one again when *port is given; fills dest. */
static int bound(int family, int type, in_port_t *port)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = *port, .sin6_addr = in6addr_loopback};
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = *port,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	void *sa = family == AF_INET ? (void *)&in : &in6;
	socklen_t len = family == AF_INET ? sizeof(in) : sizeof(in6);
	int fd = socket(family, type, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, sa, len) || getsockname(fd, sa, &len)) {
		close(fd);
		return -1;
	}
	*port = family == AF_INET ? in.sin_port : in6.sin6_port;
	snprintf(dest, sizeof(dest), "%s://%s:%d", type == SOCK_STREAM ? "tcp" : "udp",
		 family == AF_INET ? "127.0.0.1" : "[::1]", ntohs(*port));
	return fd;
}

static int bound_unix(int type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	unlink(path);
	strcpy(un.sun_path, path);
	T_EQ(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

/* Waits, polling p as a tool does, for a connection to the listener. */
static int accept_polling(struct peer *p, int listener)
{
	double end = now() + 20;
	int fd;

	fcntl(listener, F_SETFL, O_NONBLOCK);
	while ((fd = accept(listener, NULL, NULL)) < 0 && now() < end) {
		peer_poll(p);
		usleep(2000);
	}
	T_OK(fd >= 0);
	return fd;
}

/* Reads what there is into got. Returns false at the end of file or on a reset. */
static bool read_some(int fd)
{
	ssize_t n;

	while ((n = recv(fd, got + ngot, sizeof(got) - ngot - 1, MSG_DONTWAIT)) > 0)
		ngot += n;
	got[ngot] = '\0';
	return n < 0 && errno == EAGAIN;
}

/* Reads until the queue is empty and what was sent is here. */
static void read_all(struct peer *p, int fd, size_t bytes)
{
	double end = now() + 20;

	while (ngot < bytes && now() < end) {
		peer_poll(p);
		read_some(fd);
	}
	T_EQ(ngot, bytes);
}

static void read_to_eof(int fd)
{
	double end = now() + 20;

	while (read_some(fd) && now() < end)
		usleep(1000);
	close(fd);
}

#define LINE 100
/* Line i, LINE bytes with its newline, which is not added. */
static void line(struct peer *p, unsigned int i)
{
	char text[LINE];

	memset(text, '.', sizeof(text));
	text[sprintf(text, "line %u", i)] = ' ';
	peer_line(p, text, LINE - 1);
}

/* got holds whole lines only, whose numbers rise. Returns how many; *first and *last tell which. */
static unsigned int whole_lines(const char *text, unsigned int *first, unsigned int *last)
{
	unsigned int n = 0, i;

	for (; *text; text += LINE, n++) {
		if (strlen(text) < LINE || text[LINE - 1] != '\n' ||
		    sscanf(text, "line %u ", &i) != 1 || (n && i <= *last)) {
			T_STR(text, "a whole line");
			break;
		}
		if (!n)
			*first = i;
		*last = i;
	}
	return n;
}

static void balanced(const struct sink_stats *st, uint64_t lines)
{
	T_EQ(st->sent + st->dropped, lines);
}

static void test_tcp(int family)
{
	unsigned int first = 0, last = 0;
	struct sink_stats st;
	struct peer *p = NULL;
	in_port_t port = 0;
	int listener = bound(family, SOCK_STREAM, &port), fd;

	if (listener < 0) {
		printf("no IPv%d on the loopback: not checked\n", family == AF_INET ? 4 : 6);
		return;
	}
	ngot = 0;
	listen(listener, 5);
	T_EQ(peer_open(&p, dest), 0);
	fd = accept_polling(p, listener);
	for (int i = 0; i < 1000; i++)
		line(p, i);
	read_all(p, fd, 1000 * LINE);
	/* What the reader says does no harm, also at the close. */
	T_EQ(send(fd, "hello", 5, 0), 5);
	line(p, 1000);
	peer_close(p, 1000, &st);
	read_to_eof(fd);
	T_EQ(whole_lines(got, &first, &last), 1001);
	T_OK(st.sent == 1001 && !st.dropped && first == 0);
	close(listener);
}

/* A peer that is not there yet is no error; everything waits for it. */
static void test_late(void)
{
	unsigned int first = 0, last = 0;
	struct sink_stats st;
	struct peer *p = NULL;
	in_port_t port = 0;
	int listener = bound(AF_INET, SOCK_STREAM, &port), fd;

	ngot = 0;
	close(listener);
	T_EQ(peer_open(&p, dest), 0);
	for (int i = 0; i < 100; i++) {
		line(p, i);
		peer_poll(p);
	}
	peer_stats(p, &st);
	T_OK(!st.sent && !st.dropped);
	listener = bound(AF_INET, SOCK_STREAM, &port);
	listen(listener, 5);
	fd = accept_polling(p, listener);
	peer_close(p, 5000, &st);
	read_to_eof(fd);
	T_EQ(whole_lines(got, &first, &last), 100);
	T_OK(st.sent == 100 && !st.dropped);
	close(listener);
}

/*
 * The reader stops in the middle of a line, resets, and comes back: the new connection begins
 * with a whole line, and only what the old socket had accepted is missing.
 */
static void test_reset(void)
{
	unsigned int first = 0, last = 0, n;
	struct linger linger = {.l_onoff = 1};
	struct sink_stats st, before;
	struct peer *p = NULL;
	in_port_t port = 0;
	int listener = bound(AF_INET, SOCK_STREAM, &port), fd, small = 4096;

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	listen(listener, 5);
	T_EQ(peer_open(&p, dest), 0);
	fd = accept_polling(p, listener);
	/* Until the socket takes no more, which is in the middle of a line in all likelihood. */
	n = 0;
	do {
		peer_stats(p, &before);
		for (int i = 0; i < 1000; i++)
			line(p, n++);
		peer_poll(p);
		peer_stats(p, &st);
	} while (st.sent > before.sent);
	T_OK(!st.dropped && st.sent && st.sent < n);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	ngot = 0;
	peer_poll(p);
	fd = accept_polling(p, listener);
	read_all(p, fd, (n - st.sent) * LINE);
	peer_close(p, 1000, &st);
	read_to_eof(fd);
	T_OK(whole_lines(got, &first, &last) == n - first && last == n - 1 && first == before.sent);
	T_OK(st.sent == n && !st.dropped);
	close(listener);
}

/* A reader that ends in good order loses nothing of what comes after. */
static void test_eof(void)
{
	unsigned int first = 0, last = 0;
	struct sink_stats st;
	struct peer *p = NULL;
	in_port_t port = 0;
	int listener = bound(AF_INET, SOCK_STREAM, &port), fd;

	listen(listener, 5);
	T_EQ(peer_open(&p, dest), 0);
	fd = accept_polling(p, listener);
	ngot = 0;
	line(p, 0);
	read_all(p, fd, LINE);
	close(fd);
	ngot = 0;
	for (int i = 1; i < 300; i++)
		line(p, i);
	fd = accept_polling(p, listener);
	peer_close(p, 5000, &st);
	read_to_eof(fd);
	T_EQ(whole_lines(got, &first, &last), 299);
	T_OK(first == 1 && st.sent == 300 && !st.dropped);
	close(listener);
}

/* The reader is stuck: the queue fills, lines are dropped and counted, and nobody waits. */
static void test_slow(void)
{
	unsigned int first = 0, last = 0, n = 200000;
	struct sink_stats st;
	struct peer *p = NULL;
	in_port_t port = 0;
	int listener = bound(AF_INET, SOCK_STREAM, &port), fd, small = 4096;
	double start;

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	listen(listener, 5);
	T_EQ(peer_open(&p, dest), 0);
	fd = accept_polling(p, listener);
	peer_poll(p);
	start = now();
	for (unsigned int i = 0; i < n; i++)
		line(p, i);
	T_OK(now() - start < 5);
	peer_stats(p, &st);
	T_OK(st.dropped > n / 4 && st.sent);
	T_OK((n - st.dropped - st.sent) * LINE <= LINEQ_SIZE);
	/* It wakes up, and gets each line that was not dropped. */
	ngot = 0;
	read_all(p, fd, (n - st.dropped) * LINE);
	peer_close(p, 1000, &st);
	balanced(&st, n);
	T_EQ(whole_lines(got, &first, &last), st.sent);
	close(fd);
	close(listener);
}

/* Stuck until the end: closing takes its time-out and no more; what is left is dropped. */
static void test_stuck(void)
{
	struct sink_stats st;
	struct peer *p = NULL;
	in_port_t port = 0;
	int listener = bound(AF_INET, SOCK_STREAM, &port), fd, small = 4096;
	double start;

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	listen(listener, 5);
	T_EQ(peer_open(&p, dest), 0);
	fd = accept_polling(p, listener);
	peer_poll(p);
	for (unsigned int i = 0; i < 200000; i++)
		line(p, i);
	start = now();
	peer_close(p, 200, &st);
	T_OK(now() - start >= 0.2 && now() - start < 5);
	balanced(&st, 200000);
	T_OK(st.dropped);
	close(fd);
	close(listener);
}

static void test_nobody(const char *to)
{
	struct sink_stats st;
	struct peer *p = NULL;
	double start = now();

	T_EQ(peer_open(&p, to), 0);
	for (int i = 0; i < 20000; i++)
		line(p, i);
	peer_poll(p);
	T_OK(now() - start < 2);
	start = now();
	peer_close(p, 300, &st);
	T_OK(now() - start >= 0.3 && now() - start < 5);
	T_OK(!st.sent && st.dropped == 20000);
}

/* A connection that is neither made nor refused: the listener's queue is full. */
static void test_black_hole(void)
{
	in_port_t port = 0;
	int listener = bound(AF_INET, SOCK_STREAM, &port), fill[3];
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	listen(listener, 0);
	for (int i = 0; i < 3; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], (struct sockaddr *)&in, sizeof(in));
	}
	usleep(10000);
	test_nobody(dest);
	for (int i = 0; i < 3; i++)
		close(fill[i]);
	close(listener);
}

static int attempts;
static bool from_same_port;

/* Instead of the C library's: peer.c's calls come here. */
int connect(int fd, __CONST_SOCKADDR_ARG sa, socklen_t len)
{
	attempts++;
	if (from_same_port)
		T_EQ(bind(fd, sa, len), 0);
	return syscall(SYS_connect, fd, sa.__sockaddr__, len);
}

/* Attempts at 0, 0.1, 0.3, 0.7 and 1.5 s, however often it is polled. */
static void test_backoff(void)
{
	struct peer *p = NULL;
	double end = now() + 1;

	attempts = 0;
	snprintf(dest, sizeof(dest), "unix:%s", path);
	T_EQ(peer_open(&p, dest), 0);
	while (now() < end) {
		peer_poll(p);
		usleep(1000);
	}
	T_OK(attempts >= 2 && attempts <= 4);
	peer_close(p, 0, NULL);
}

/* What chance does now and then to who connects again and again to a port of this host. */
static void test_itself(void)
{
	struct sink_stats st;
	struct peer *p = NULL;
	in_port_t port = 0;

	close(bound(AF_INET, SOCK_STREAM, &port));
	from_same_port = true;
	T_EQ(peer_open(&p, dest), 0);
	line(p, 0);
	peer_close(p, 50, &st);
	from_same_port = false;
	T_OK(!st.sent && st.dropped == 1);
}

static void test_udp(void)
{
	static char big[70000];
	struct sink_stats st;
	struct peer *p = NULL;
	in_port_t port = 0;
	int fd = bound(AF_INET, SOCK_DGRAM, &port);

	T_EQ(peer_open(&p, dest), 0);
	peer_line(p, "one", 3);
	memset(big, 'x', sizeof(big));
	peer_line(p, big, sizeof(big));
	peer_line(p, "two", 3);
	peer_poll(p);
	T_EQ(recv(fd, got, sizeof(got), MSG_DONTWAIT), 4);
	T_OK(!memcmp(got, "one\n", 4));
	T_EQ(recv(fd, got, sizeof(got), MSG_DONTWAIT), 4);
	T_OK(!memcmp(got, "two\n", 4));
	peer_stats(p, &st);
	T_OK(st.sent == 2 && st.dropped == 1);
	/* It goes, and its kernel says so; the next line is sent all the same. */
	close(fd);
	peer_line(p, "three", 5);
	peer_poll(p);
	fd = bound(AF_INET, SOCK_DGRAM, &port);
	peer_line(p, "four", 4);
	peer_poll(p);
	T_EQ(recv(fd, got, sizeof(got), MSG_DONTWAIT), 5);
	T_OK(!memcmp(got, "four\n", 5));
	peer_close(p, 1000, &st);
	T_OK(st.sent == 4 && st.dropped == 1);
	close(fd);
}

static void test_unix_stream(void)
{
	unsigned int first = 0, last = 0;
	struct sink_stats st;
	struct peer *p = NULL;
	int listener = bound_unix(SOCK_STREAM), fd;

	ngot = 0;
	listen(listener, 5);
	snprintf(dest, sizeof(dest), "unix:%s", path);
	T_EQ(peer_open(&p, dest), 0);
	fd = accept_polling(p, listener);
	for (int i = 0; i < 1000; i++)
		line(p, i);
	read_all(p, fd, 1000 * LINE);
	peer_close(p, 1000, &st);
	read_to_eof(fd);
	T_EQ(whole_lines(got, &first, &last), 1000);
	T_OK(st.sent == 1000 && !st.dropped);
	close(listener);
	unlink(path);
}

/* A datagram socket at the path is found out; its short queue makes lines wait, not go. */
static void test_unix_datagrams(const char *scheme, const char *head, const char *tail)
{
	struct sink_stats st;
	struct peer *p = NULL;
	int fd = bound_unix(SOCK_DGRAM), n = 0;
	double end = now() + 20;

	snprintf(dest, sizeof(dest), "%s:%s", scheme, path);
	attempts = 0;
	T_EQ(peer_open(&p, dest), 0);
	for (int i = 0; i < 500; i++)
		line(p, i);
	while (n < 500 && now() < end) {
		char text[256], want[64];
		ssize_t len;

		peer_poll(p);
		while ((len = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT)) > 0) {
			const char *body = strstr(text, "line ");

			text[len] = '\0';
			if (*head) {
				snprintf(want, sizeof(want), " tool[%d]: line ", (int)getpid());
				T_OK(!strncmp(text, head, strlen(head)));
				T_OK(strstr(text, want) && text[4 + 15] == ' ');
			} else {
				T_OK(body == text);
			}
			snprintf(want, sizeof(want), "line %d ", n++);
			T_OK(body && !strncmp(body, want, strlen(want)));
			T_OK(body && !strcmp(body + LINE - 2, tail));
		}
	}
	T_EQ(n, 500);
	T_OK(attempts <= 2);
	/* The reader goes: what comes now waits, and is dropped by the end. */
	close(fd);
	unlink(path);
	line(p, 500);
	peer_close(p, 50, &st);
	T_OK(st.sent == 500 && st.dropped == 1);
}

int main(void)
{
	in_port_t port = 0;

	log_name = "tool";
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/s", dir);
	test_tcp(AF_INET);
	test_tcp(AF_INET6);
	test_late();
	test_reset();
	test_eof();
	test_slow();
	test_stuck();
	close(bound(AF_INET, SOCK_STREAM, &port));
	test_nobody(dest);
	snprintf(dest, sizeof(dest), "unix:%s", path);
	test_nobody(dest);
	test_black_hole();
	test_backoff();
	test_itself();
	test_udp();
	test_unix_stream();
	test_unix_datagrams("unix", "", ".\n");
	test_unix_datagrams("syslog", "<14>", ".");
	unlink(path);
	rmdir(dir);
	return t_done();
}
