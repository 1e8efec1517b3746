// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Addresses and sockets. */
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include "tcp.h"

int listeners[LISTENERS], nlisteners;
uint16_t ports[LISTENERS];

socklen_t address(struct sockaddr_storage *sa, uint16_t port)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	sa->ss_family = opt.family;
	if (opt.family == AF_INET) {
		in4->sin_port = htons(port);
		in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*in4);
	}
	in6->sin6_port = htons(port);
	inet_pton(AF_INET6, opt.mapped ? "::ffff:127.0.0.1" : "::1", &in6->sin6_addr);
	return sizeof(*in6);
}

uint16_t port_of(int fd, bool peer)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if ((peer ? getpeername : getsockname)(fd, (struct sockaddr *)&sa, &len))
		return 0; /* reset before it was accepted */
	return ntohs(opt.family == AF_INET ? ((struct sockaddr_in *)&sa)->sin_port
					   : ((struct sockaddr_in6 *)&sa)->sin6_port);
}

void set_int(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		die("setsockopt");
}

void nodelay(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

int new_socket(void)
{
	int fd = socket(opt.family, SOCK_STREAM | SOCK_CLOEXEC, opt.proto);

	if (fd < 0)
		die("socket");
	return fd;
}

void bind_port(int fd, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = address(&sa, port);

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, port != 0);
	if (bind(fd, (struct sockaddr *)&sa, len))
		die("bind");
}

int listen_on(uint16_t port)
{
	int fd = new_socket();

	bind_port(fd, port);
	if (listen(fd, 4096))
		die("listen");
	return fd;
}

void listen_all(int n)
{
	for (nlisteners = 0; nlisteners < n; nlisteners++) {
		int fd = listen_on(opt.port ? opt.port + nlisteners : 0);

		listeners[nlisteners] = fd;
		ports[nlisteners] = port_of(fd, false);
	}
}

int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		die("accept");
	nodelay(fd);
	return fd;
}

void dial_on(int fd, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = address(&sa, port);
	uint64_t start = now_ns();

	if (connect(fd, (struct sockaddr *)&sa, len))
		die("connect");
	series_add(CONNECT, now_ns() - start);
	add(&shared->connections, 1);
	nodelay(fd);
}

int dial(unsigned int conn)
{
	int fd = new_socket();

	bind_port(fd, 0);
	__atomic_store_n(&shared->conns[conn].port, port_of(fd, false), __ATOMIC_RELEASE);
	dial_on(fd, ports[0]);
	return fd;
}

unsigned int conn_of(int fd)
{
	uint16_t port = port_of(fd, true);

	for (unsigned int i = 0; i < opt.conns; i++) {
		if (__atomic_load_n(&shared->conns[i].port, __ATOMIC_ACQUIRE) == port)
			return i;
	}
	return opt.conns; /* whose turns are the spare one */
}

int loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}
