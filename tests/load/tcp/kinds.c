// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Other kinds of TCP: fast open, Multipath, TLS in the kernel, other network namespaces. */
#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <sched.h>
#include "tcp.h"
#include "cases.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif
#ifndef MPTCP_INFO
#define MPTCP_INFO 1
#endif
#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

static int refused(const char *what)
{
	fprintf(stderr, "skip: %s: %s\n", what, strerror(errno));
	return 77;
}

/* --- tfo: the request is in the SYN */

/* In a network namespace of its own, so that the machine's setting stays as it is. */
int prepare_tfo(void)
{
	/* client, server, and neither asks for a cookie (ip-sysctl: 1, 2, 4, 0x200) */
	static const char all[] = "519";
	int fd;

	if (unshare(CLONE_NEWNET) || loopback_up())
		return refused("a network namespace");
	fd = open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, all, sizeof(all) - 1) < 0)
		return refused("net.ipv4.tcp_fastopen");
	close(fd);
	return 0;
}

void server_tfo_main(void)
{
	set_int(listeners[0], IPPROTO_TCP, TCP_FASTOPEN, 16);
	server_counted_main();
}

static bool syn_had_data(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
	       (info.tcpi_options & TCPI_OPT_SYN_DATA);
}

/* The first request connects: its time has the handshake in it. */
void client_tfo_main(void)
{
	setup_client();
	for (int64_t c = 0; c < opt.conns; c++) {
		struct end *e = end_new(new_socket(), c, &shared->client);
		struct turn *t = turn_at(c, 0);
		struct sockaddr_storage sa;
		socklen_t len = address(&sa, ports[0]);

		t->c_send = now_ns();
		if (sendto(e->fd, e->buf, opt.req, MSG_FASTOPEN, (struct sockaddr *)&sa, len) !=
		    opt.req)
			die("MSG_FASTOPEN");
		t->c_sent = now_ns();
		gave(e, opt.req);
		add(&shared->connections, 1);
		shared->conns[c].port = port_of(e->fd, false);
		hear(e, t, opt.resp);
		add(&shared->extra[FASTOPEN], syn_had_data(e->fd));
		for (int64_t i = 1; i < opt.turns; i++) {
			ask(e, turn_at(c, i));
			hear(e, turn_at(c, i), opt.resp);
		}
		end_free(e);
	}
}

/* --- mptcp, mptcp-plain */
int prepare_mptcp(void)
{
	int fd = socket(opt.family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (fd < 0)
		return refused("MPTCP");
	close(fd);
	opt.proto = IPPROTO_MPTCP;
	return 0;
}

/* multipath: on how many connections the peers agreed on it. Linux tells since 5.16. */
void client_mptcp(struct end *e)
{
	char info[256];
	socklen_t len = sizeof(info);

	add(&shared->extra[MULTIPATH], !getsockopt(e->fd, SOL_MPTCP, MPTCP_INFO, info, &len));
	client_rr(e);
}

/* An MPTCP listener whose clients speak plain TCP: only the listener is made with the protocol. */
int prepare_mptcp_plain(void)
{
	int status = prepare_mptcp();

	if (status || opt.can)
		return status;
	listen_all(1);
	opt.proto = 0;
	return 0;
}

/* --- ktls: the kernel encrypts, with keys that both ends know from the start */
int prepare_ktls(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	/* Where there is TLS, an unconnected socket is what is wrong. */
	err = setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 4) ? errno : 0;
	close(fd);
	errno = err;
	return err && err != ENOTCONN ? refused("TCP_ULP tls") : 0;
}

static void set_key(int fd, int direction, int which)
{
	struct tls12_crypto_info_aes_gcm_128 key = {
		.info.version = TLS_1_2_VERSION,
		.info.cipher_type = TLS_CIPHER_AES_GCM_128,
	};

	memset(key.key, which, sizeof(key.key));
	memset(key.salt, which, sizeof(key.salt));
	if (setsockopt(fd, SOL_TLS, direction, &key, sizeof(key)))
		die("a TLS key");
}

static void encrypt(int fd, bool client)
{
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 4))
		die("TCP_ULP tls");
	set_key(fd, TLS_TX, client ? 1 : 2);
	set_key(fd, TLS_RX, client ? 2 : 1);
}

void client_ktls(struct end *e)
{
	encrypt(e->fd, true);
	client_rr(e);
}

void serve_ktls(struct end *e)
{
	encrypt(e->fd, false);
	serve_rr(e);
}

/*
 * --- netns: two pairs, each in a namespace of its own, with the same addresses and ports. A role's
 * process is a pair's server here, and its child the pair's client.
 */
int prepare_netns(void)
{
	if (unshare(CLONE_NEWNET) || loopback_up())
		return refused("a network namespace");
	opt.conns = 2;
	opt.port = opt.port ?: 45450;
	return 0;
}

static void netns_pair(int which, uint64_t *client_pid)
{
	uint16_t port = opt.port;
	pid_t pid;

	if (unshare(CLONE_NEWNET) || loopback_up())
		die("a network namespace");
	listeners[0] = listen_on(port);
	ready();
	await_go();
	pid = spawn();
	if (!pid) {
		struct end *e = end_new(new_socket(), which, &shared->client);

		bind_port(e->fd, port + 1);
		shared->conns[which].port = port + 1;
		dial_on(e->fd, port);
		client_rr(e);
		_exit(0);
	}
	*client_pid = pid;
	serve_rr(end_new(accept_one(listeners[0]), which, &shared->server));
	await_child(pid);
}

void client_netns_main(void)
{
	netns_pair(0, &shared->extra[CLIENT1_PID]);
}

void server_netns_main(void)
{
	netns_pair(1, &shared->extra[CLIENT2_PID]);
}
