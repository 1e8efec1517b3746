/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CHAIN_ASK_H
#define CHAIN_ASK_H
/* What both ends of chain.c need: options, the truth, and asking. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/syscall.h>
#include "load.h"
#include "http.h"

#define CLIENTS_MAX 4096

static struct {
	uint64_t port, clients, requests, next, calls, pool, delay_ms, rate, fail_each, slow_each;
	uint64_t slow_ms;
	bool serve, close, unique, trace, request_id, b3;
	const char *name, *address;
} opt = {.clients = 1, .requests = 1, .calls = 1, .name = "last", .address = "127.0.0.1"};
static FILE *truth;
static volatile bool broken;

struct head {
	char chain[32], hop[128], path[128], rest[1024]; /* rest: what is passed on */
};

/* A connection, kept. */
struct line {
	struct stream in;
	uint16_t port; /* this end's */
	uint64_t answer_bytes; /* of the last answer, on the wire */
};

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + ts.tv_nsec;
}

static void tell(const char *type, const struct head *h, unsigned int server, unsigned int client,
		 uint64_t begin, uint64_t end, uint64_t bytes)
{
	fprintf(truth,
		"{\"type\":\"%s\",\"service\":\"%s\",\"chain\":\"%s\",\"hop\":\"%s\","
		"\"server_port\":%u,\"client_port\":%u,\"pid\":%d,\"tid\":%d,"
		"\"begin_ns\":%llu,\"end_ns\":%llu,\"answer_bytes\":%llu}\n",
		type, opt.name, h->chain, h->hop, server, client, getpid(),
		(int)syscall(SYS_gettid), (unsigned long long)begin, (unsigned long long)end,
		(unsigned long long)bytes);
}

static uint16_t port_of(int fd, bool peer)
{
	struct sockaddr_in in = {};
	socklen_t len = sizeof(in);

	if (peer)
		getpeername(fd, (struct sockaddr *)&in, &len);
	else
		getsockname(fd, (struct sockaddr *)&in, &len);
	return ntohs(in.sin_port);
}

static struct sockaddr_in address(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (inet_pton(AF_INET, opt.address, &in.sin_addr) != 1) {
		fprintf(stderr, "%s: not an address\n", opt.address);
		exit(2);
	}
	return in;
}

static int set_up(int fd)
{
	const struct timeval limit = {.tv_sec = 60};
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

/* --- asking */
static int dial(struct line *l, uint16_t port)
{
	struct sockaddr_in in = address(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in))) {
		perror("connect");
		return -1;
	}
	l->in.fd = set_up(fd);
	l->in.pos = l->in.len = 0;
	l->port = port_of(fd, false);
	return 0;
}

static void hang_up(struct line *l)
{
	if (l->in.fd > 0)
		close(l->in.fd);
	l->in.fd = 0;
}

static int send_request(struct line *l, const struct head *h)
{
	char buf[2048];
	struct iovec iov = {.iov_base = buf};

	iov.iov_len = snprintf(buf, sizeof(buf),
			       "GET %s HTTP/1.1\r\nHost: chain.example\r\nX-Chain-Id: %s\r\n"
			       "X-Hop: %s\r\n%s%s\r\n",
			       h->path, h->chain, h->hop, h->rest,
			       opt.close ? "Connection: close\r\n" : "");
	return send_all(l->in.fd, &iov, 1);
}

/* The status; it must be the answer to that request. */
static int read_answer(struct line *l, const struct head *h)
{
	static const char *const names[] = {"X-Chain-Id", "X-Hop"};
	const char *want[] = {h->chain, h->hop};
	char head[HEAD_MAX], v[128];
	struct body b = {};
	int64_t n;

	if (stream_until(&l->in, "\r\n\r\n", head))
		return -1;
	n = body_length(head);
	if (n < -1 || (n < 0 ? body_read_chunks(&l->in, &b) : body_read(&l->in, &b, n)))
		return -1;
	l->answer_bytes = strlen(head) + 4 + b.len;
	free(b.data);
	if (header_get(head, "Connection", v, sizeof(v)) && !strcasecmp(v, "close"))
		hang_up(l);
	for (int i = 0; i < 2; i++) {
		if (header_get(head, names[i], v, sizeof(v)) == 1 && !strcmp(v, want[i]))
			continue;
		fprintf(stderr, "chain: %s %s was answered by:\n%.300s\n", h->chain, h->hop, head);
		return -1;
	}
	return atoi(head + 9);
}

/* One request and its answer: the status, or -1. */
static int ask(struct line *l, uint16_t port, const struct head *h, bool made)
{
	uint64_t begin;
	int status;

	if (l->in.fd <= 0 && dial(l, port))
		return -1;
	begin = wall_ns();
	status = send_request(l, h) ? -1 : read_answer(l, h);
	if (made)
		tell("made", h, port, l->port, begin, wall_ns(), l->answer_bytes);
	if (status < 0 || opt.close)
		hang_up(l);
	return status;
}
#endif
