// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * traffic: bounded HTTP/1.1 requests to a server on this machine, and what came back.
 *
 *	traffic [-c CONNS] [-n REQUESTS] [-r RATE] [-d SECONDS] [-b BYTES] HOST:PORT
 *	[PATH=WEIGHT...]
 *		-c	keep-alive connections, one request at a time on each (4)
 *		-n	ends after so many requests (100000)
 *		-r	requests per second over all connections; 0 is as fast as they are answered
 *			(50)
 *		-d	ends after so many seconds (60)
 *		-b	bytes of body that are posted to a path that begins with /echo (200)
 *		HOST	a loopback address: 127.x.x.x, [::1] or localhost; unix:PATH instead of
 *			HOST:PORT
 *		PATH	default: /=5 /healthz=3 /echo=2; =1 may be left out after a path without one
 *
 * The paths are taken in turn by weight, so that N requests of one run are those of any other.
 * Responses are checked: 2xx has its whole body, /echo returns what was posted, /healthz says ok.
 *
 * Prints one JSON line: requests (sent), answered, failed (no valid response), wrong (body not as
 * posted), retried (a kept connection had been closed), connects, bytes, by_status, by_path,
 * elapsed_ns, and the latencies of the answered ones in us. Exit status 1 if any request failed or
 * was wrong.
 */
#include <netinet/tcp.h>
#include <pthread.h>
#include "http.h"
#include "load.h"
#include "traffic_options.h"

struct client {
	pthread_t thread;
	struct stream in;
	struct body body;
	char head[HEAD_MAX];
};

static char *post_data;
static uint64_t start_ns, taken, sent, failed, wrong, retried, connects, bytes, by_status[600];
static uint64_t *latency, answered; /* ns of each answered request, in no order */

static int connect_client(struct client *c)
{
	const struct timeval limit = {.tv_sec = 15};
	int one = 1;

	c->in.pos = c->in.len = 0;
	c->in.fd = socket(opt.addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->in.fd < 0)
		return -errno;
	setsockopt(c->in.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(c->in.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(c->in.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(c->in.fd, (struct sockaddr *)&opt.addr, opt.addrlen)) {
		close(c->in.fd);
		c->in.fd = -1;
		return -errno;
	}
	add(&connects, 1);
	return 0;
}

static int send_request(struct client *c, const char *path)
{
	bool post = !strncmp(path, "/echo", 5);
	struct iovec iov[2] = {{.iov_base = c->head}, {post_data, opt.post}};

	iov[0].iov_len = snprintf(c->head, sizeof(c->head),
				  "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: traffic\r\n",
				  post ? "POST" : "GET", path, opt.host);
	iov[0].iov_len += snprintf(c->head + iov[0].iov_len, sizeof(c->head) - iov[0].iov_len,
				   post ? "Content-Length: %llu\r\n\r\n" : "\r\n",
				   (unsigned long long)opt.post);
	return send_all(c->in.fd, iov, post && opt.post ? 2 : 1);
}

/* Returns the status or -errno; keep: the connection may be used again. */
static int read_response(struct client *c, bool *keep)
{
	int64_t len;
	int status, err;
	char v[64];

	err = stream_until(&c->in, "\r\n\r\n", c->head);
	if (err)
		return err;
	if (strncmp(c->head, "HTTP/1.", 7) || sscanf(c->head + 8, " %3d", &status) != 1 ||
	    status < 100 || status > 599)
		return -EBADMSG;
	*keep = !header_get(c->head, "Connection", v, sizeof(v)) || strcasecmp(v, "close");
	c->body.len = 0;
	len = body_length(c->head);
	if (len < -1)
		return len;
	err = len < 0 ? body_read_chunks(&c->in, &c->body) : body_read(&c->in, &c->body, len);
	return err ?: status;
}

static void check_body(const struct client *c, const char *path)
{
	bool ok = true;

	if (!strncmp(path, "/echo", 5))
		ok = c->body.len == opt.post && !memcmp(c->body.data, post_data, opt.post);
	else if (!strcmp(path, "/healthz"))
		ok = c->body.len == 3 && !memcmp(c->body.data, "ok\n", 3);
	add(&wrong, !ok);
}

/* A server may close an idle connection at any time, so only a fresh one's failure is a failure. */
static void exchange(struct client *c, const char *path)
{
	bool keep = false, reused = c->in.fd >= 0;
	uint64_t start = now_ns();
	int status;

	status = reused ? 0 : connect_client(c);
	status = status ?: send_request(c, path);
	status = status ?: read_response(c, &keep);
	if (status > 0) {
		latency[__atomic_fetch_add(&answered, 1, __ATOMIC_RELAXED)] = now_ns() - start;
		add(&by_status[status], 1);
		add(&bytes, c->body.len);
		if (status / 100 == 2)
			check_body(c, path);
	}
	if (!keep && c->in.fd >= 0) {
		close(c->in.fd);
		c->in.fd = -1;
	}
	if ((status == -EPIPE || status == -ECONNRESET) && reused && c->in.pos == c->in.len) {
		add(&retried, 1);
		exchange(c, path);
	} else if (status <= 0) {
		if (__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED) < 10)
			fprintf(stderr, "%s: %s\n", path, strerror(-status));
	}
}

static void *drive(void *arg)
{
	struct client *c = arg;
	uint64_t end = start_ns + opt.sec * 1000000000, due, now, n;
	int path;

	for (;;) {
		n = __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
		due = opt.rate ? start_ns + n * 1000000 / opt.rate * 1000 : 0;
		now = now_ns();
		if (n >= opt.requests || now >= end || due >= end)
			break;
		if (due > now)
			sleep_ns(due - now);
		path = schedule[n % weights];
		add(&paths[path].sent, 1);
		add(&sent, 1);
		exchange(c, paths[path].name);
	}
	if (c->in.fd >= 0)
		close(c->in.fd);
	free(c->body.data);
	return NULL;
}

static void run(void)
{
	struct client *c = calloc(opt.conns, sizeof(*c));

	if (!c || !latency || !post_data) {
		perror("memory");
		exit(1);
	}
	start_ns = now_ns();
	for (uint64_t i = 0; i < opt.conns; i++) {
		c[i].in.fd = -1;
		errno = pthread_create(&c[i].thread, NULL, drive, &c[i]);
		if (errno) {
			perror("pthread_create");
			exit(1);
		}
	}
	for (uint64_t i = 0; i < opt.conns; i++)
		pthread_join(c[i].thread, NULL);
	free(c);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report_latency(void)
{
	uint64_t sum = 0, n = answered;

	qsort(latency, n, sizeof(*latency), by_value);
	for (uint64_t i = 0; i < n; i++)
		sum += latency[i];
	if (!n)
		return;
	printf(",\"min_us\":%.1f,\"avg_us\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f",
	       latency[0] / 1e3, sum / 1e3 / n, latency[(n - 1) / 2] / 1e3,
	       latency[(n * 99 + 99) / 100 - 1] / 1e3, latency[n - 1] / 1e3);
}

static void report(void)
{
	const char *comma = "";

	printf("{\"requests\":%llu,\"answered\":%llu,\"failed\":%llu,\"wrong\":%llu,\"retried\":%"
	       "llu,"
	       "\"connects\":%llu,\"bytes\":%llu,\"by_status\":{",
	       (unsigned long long)sent, (unsigned long long)answered, (unsigned long long)failed,
	       (unsigned long long)wrong, (unsigned long long)retried, (unsigned long long)connects,
	       (unsigned long long)bytes);
	for (int i = 0; i < 600; i++) {
		if (!by_status[i])
			continue;
		printf("%s\"%d\":%llu", comma, i, (unsigned long long)by_status[i]);
		comma = ",";
	}
	printf("},\"by_path\":{");
	for (int i = 0; i < npaths; i++)
		printf("%s\"%s\":%llu", i ? "," : "", paths[i].name,
		       (unsigned long long)paths[i].sent);
	printf("},\"elapsed_ns\":%llu", (unsigned long long)(now_ns() - start_ns));
	report_latency();
	printf("}\n");
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	latency = calloc(opt.requests, sizeof(*latency));
	post_data = malloc(opt.post + 1);
	for (uint64_t i = 0; post_data && i < opt.post; i++)
		post_data[i] = 'a' + i % 26;
	run();
	report();
	return failed || wrong;
}
