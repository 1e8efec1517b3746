// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Addresses and sockets. */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include "http.h"

static int listener = -1;
static int (*pairs)[2];
static uint16_t port;

static socklen_t unix_address(struct sockaddr_un *un)
{
	size_t n = strlen(opt.path);

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	if (n >= sizeof(un->sun_path))
		wrong("--unix: the path is longer than %zu bytes", sizeof(un->sun_path) - 1);
	memcpy(un->sun_path, opt.path, n);
	if (un->sun_path[0] == '@')
		un->sun_path[0] = '\0';
	else
		n++;
	return offsetof(struct sockaddr_un, sun_path) + n;
}

const char *address_text(void)
{
	return opt.family == AF_INET ? "127.0.0.1" : opt.mapped ? "::ffff:127.0.0.1" : "::1";
}

static socklen_t address(struct sockaddr_storage *sa, uint16_t number)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;

	if (opt.family == AF_UNIX)
		return unix_address((struct sockaddr_un *)sa);
	memset(sa, 0, sizeof(*sa));
	sa->ss_family = opt.family;
	if (opt.family == AF_INET) {
		in4->sin_port = htons(number);
		inet_pton(AF_INET, address_text(), &in4->sin_addr);
		return sizeof(*in4);
	}
	in6->sin6_port = htons(number);
	inet_pton(AF_INET6, address_text(), &in6->sin6_addr);
	return sizeof(*in6);
}

socklen_t peer_address(struct sockaddr_storage *sa)
{
	return address(sa, port);
}

static uint16_t port_of(int fd, bool peer)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (opt.family == AF_UNIX ||
	    (peer ? getpeername : getsockname)(fd, (struct sockaddr *)&sa, &len))
		return 0;
	return ntohs(opt.family == AF_INET ? ((struct sockaddr_in *)&sa)->sin_port
					   : ((struct sockaddr_in6 *)&sa)->sin6_port);
}

uint16_t server_port(void)
{
	return port;
}

void set_int(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		die("setsockopt");
}

static int new_socket(int proto)
{
	int fd = socket(opt.family, SOCK_STREAM | SOCK_CLOEXEC, proto);

	if (fd < 0 && proto)
		skip("MPTCP");
	if (fd < 0 && opt.family == AF_INET6)
		skip("IPv6");
	if (fd < 0)
		die("socket");
	return fd;
}

static void nodelay(int fd)
{
	if (opt.family != AF_UNIX)
		set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static void make_pairs(void)
{
	pairs = need(calloc(opt.conns, sizeof(*pairs)));
	for (int64_t i = 0; i < opt.conns; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]))
			die("socketpair");
	}
}

void listen_one(void)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (opt.pair) {
		make_pairs();
		return;
	}
	len = address(&sa, opt.port);
	listener = new_socket(opt.mptcp_server ? IPPROTO_MPTCP : opt.proto);
	set_int(listener, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(listener, (struct sockaddr *)&sa, len)) {
		if (errno == EADDRNOTAVAIL)
			skip("the address");
		die("bind");
	}
	if (listen(listener, 4096))
		die("listen");
	port = port_of(listener, false);
	/* It serves those who know it too, but it may be forbidden: then the bytes just follow. */
	if (opt.family != AF_UNIX)
		setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &(int){16}, sizeof(int));
}

/* The port of the last connection, which a server that closed first leaves at once. */
static void bind_again(int fd)
{
	static uint16_t mine;
	struct sockaddr_storage sa;
	socklen_t len = address(&sa, mine);
	int tries = 0;

	if (opt.family == AF_UNIX)
		return;
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	while (bind(fd, (struct sockaddr *)&sa, len)) {
		if (errno != EADDRINUSE || tries++ == 1000)
			die("bind to the last port");
		sleep_ms(1);
	}
	mine = port_of(fd, false);
}

void note_port(struct end *e)
{
	__atomic_store_n(&e->c->port[CLIENT], port_of(e->fd, false), __ATOMIC_RELEASE);
	e->c->port[SERVER] = port;
	e->c->connected = true;
}

void dial(struct end *e)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int tries = 0;

	if (opt.pair) {
		e->fd = pairs[e->c->id][CLIENT];
		return;
	}
	len = peer_address(&sa);
	e->fd = new_socket(opt.proto);
	if (the_case->flags & SAME_PORT)
		bind_again(e->fd);
	if (!strcmp(e->send->name, "fastopen"))
		return;
	while (connect(e->fd, (struct sockaddr *)&sa, len)) {
		if (errno != EADDRNOTAVAIL || tries++ == 1000)
			die("connect");
		sleep_ms(1);
	}
	nodelay(e->fd);
	note_port(e);
}

int accept_for(struct conn *c)
{
	uint16_t client;
	int fd;

	if (opt.pair)
		return pairs[c->id][SERVER];
	do {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		die("accept");
	nodelay(fd);
	/* They come in the order in which the one client made them. */
	client = __atomic_load_n(&c->port[CLIENT], __ATOMIC_ACQUIRE);
	if (client && client != port_of(fd, true) && port_of(fd, true))
		wrong("connection %u came from another port", c->id);
	return fd;
}

static int loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -1;
	err = ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return err;
}

void enter_netns(void)
{
	/* client, server, and neither asks for a cookie (ip-sysctl: 1, 2, 4, 0x200) */
	static const char all[] = "519";
	int fd;

	if (unshare(CLONE_NEWNET) || loopback_up())
		skip("a network namespace");
	fd = open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, all, sizeof(all) - 1) < 0)
		fprintf(stderr, "http: net.ipv4.tcp_fastopen: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

void pass_fd(int over, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {};
	struct iovec iov = {.iov_base = "f", .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	if (sendmsg(over, &m, 0) != 1)
		die("SCM_RIGHTS");
}

int take_fd(int over)
{
	char space[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))), byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};
	int fd;

	if (recvmsg(over, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}
