/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CHAIN_SERVE_H
#define CHAIN_SERVE_H
/* The serving end of chain.c. */
#include "chain_ask.h"

struct job {
	const struct head *h;
	int status;
	bool done;
	struct job *next;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static struct job *jobs, **last_job = &jobs;

static void *pool_thread(void *arg)
{
	struct line l = {};

	pthread_mutex_lock(&lock);
	for (;;) {
		struct job *j = jobs;

		if (!j) {
			pthread_cond_wait(&wanted, &lock);
			continue;
		}
		jobs = j->next;
		if (!jobs)
			last_job = &jobs;
		pthread_mutex_unlock(&lock);
		j->status = ask(&l, opt.next, j->h, false);
		pthread_mutex_lock(&lock);
		j->done = true;
		pthread_cond_broadcast(&done);
	}
	return arg;
}

static int ask_by_pool(const struct head *h)
{
	struct job j = {.h = h};

	pthread_mutex_lock(&lock);
	*last_job = &j;
	last_job = &j.next;
	pthread_cond_signal(&wanted);
	while (!j.done)
		pthread_cond_wait(&done, &lock);
	pthread_mutex_unlock(&lock);
	return j.status;
}

static int ask_next(struct line *l, const struct head *h)
{
	struct head h2 = *h;
	int status = 200;

	for (uint64_t i = 1; i <= opt.calls && status >= 0; i++) {
		snprintf(h2.hop, sizeof(h2.hop), "%.100s.%c%llu", h->hop, opt.name[0],
			 (unsigned long long)i);
		status = opt.pool ? ask_by_pool(&h2) : ask(l, opt.next, &h2, false);
	}
	return status;
}

/* What is to be passed on: as it came. */
static void pass_on(const char *head, struct head *h)
{
	static const char *const names[] = {"traceparent", "b3", "X-Request-ID"};
	char v[200], *p = h->rest;

	*p = '\0';
	for (int i = 0; i < 3; i++)
		if (header_get(head, names[i], v, sizeof(v)))
			p += sprintf(p, "%s: %s\r\n", names[i], v);
}

static int read_request(struct line *l, struct head *h, bool *keep)
{
	char head[HEAD_MAX], v[64], version[16];

	if (stream_until(&l->in, "\r\n\r\n", head))
		return -1;
	if (sscanf(head, "GET %127s %15s", h->path, version) != 2 ||
	    header_get(head, "X-Chain-Id", h->chain, sizeof(h->chain)) != 1 ||
	    header_get(head, "X-Hop", h->hop, sizeof(h->hop)) != 1) {
		fprintf(stderr, "chain: not a request:\n%.300s\n", head);
		return -1;
	}
	*keep = !strcmp(version, "HTTP/1.1");
	if (header_get(head, "Connection", v, sizeof(v)))
		*keep = strcasecmp(v, "close") && (*keep || !strcasecmp(v, "keep-alive"));
	pass_on(head, h);
	return 0;
}

/* Where each request has a path of its own, each answer has a length by which it is known. */
static int answer(struct line *l, const struct head *h, int status, bool keep)
{
	char buf[512], body[4096 + 7];
	struct iovec iov[2] = {{.iov_base = buf}, {.iov_base = body}};
	unsigned int item = 0;

	sscanf(h->path, "/item/%u", &item);
	iov[1].iov_len = 7 + item % 4096;
	memset(body, '.', sizeof(body));
	memcpy(body, "chain.\n", 7);
	iov[0].iov_len = snprintf(buf, sizeof(buf),
				  "HTTP/1.1 %d %s\r\nX-Chain-Id: %s\r\nX-Hop: %s\r\n"
				  "Content-Length: %zu\r\n%s\r\n",
				  status, status == 200 ? "OK" : "Failed", h->chain, h->hop,
				  iov[1].iov_len, keep ? "" : "Connection: close\r\n");
	return send_all(l->in.fd, iov, 2);
}

static int work(struct line *out, const struct head *h)
{
	unsigned int ms;

	if (opt.delay_ms)
		sleep_ns(opt.delay_ms * 1000000);
	if (opt.next)
		return ask_next(out, h);
	if (sscanf(h->path, "/slow/%u", &ms) == 1)
		sleep_ns(ms * 1000000ull);
	return strcmp(h->path, "/fail") ? 200 : 500;
}

static void *serve(void *arg)
{
	struct line *l = arg, *out = calloc(1, sizeof(*out));
	uint16_t peer = port_of(l->in.fd, true);
	struct head h;
	bool keep = true;

	while (out && keep && !read_request(l, &h, &keep)) {
		uint64_t begin = wall_ns();
		int status = work(out, &h);

		tell("served", &h, opt.port, peer, begin, wall_ns(), 0);
		if (status < 0 || answer(l, &h, status, keep))
			break;
	}
	hang_up(l);
	free(l);
	if (out)
		hang_up(out);
	free(out);
	return NULL;
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in in = address(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) || listen(fd, 1024)) {
		perror("listen");
		exit(1);
	}
	opt.port = port_of(fd, false);
	printf("listening %llu\n", (unsigned long long)opt.port);
	fflush(stdout);
	return fd;
}

static void thread(void *(*body)(void *), void *arg)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&a, 256 << 10);
	errno = pthread_create(&t, &a, body, arg);
	if (errno) {
		perror("pthread_create");
		exit(1);
	}
}

static void *accept_all(void *arg)
{
	for (;;) {
		struct line *l = calloc(1, sizeof(*l));

		if (!l)
			break;
		l->in.fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC);
		if (l->in.fd < 0) {
			free(l);
			sleep_ns(10000000); /* out of descriptors: wait for others */
			continue;
		}
		set_up(l->in.fd);
		thread(serve, l);
	}
	return NULL;
}

static int serve_all(void)
{
	int fd = listen_on(opt.port), sig;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (uint64_t i = 0; i < opt.pool; i++)
		thread(pool_thread, NULL);
	thread(accept_all, &fd);
	sigwait(&set, &sig);
	return 0;
}
#endif
