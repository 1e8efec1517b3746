// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * service: a small HTTP/1.1 server that knows what it did.
 *
 *	service [-p PORT] [-6] [-u UNIX] [-t THREADS] [-d SECONDS]
 *		-p	port on 127.0.0.1 (default 0: any free one)
 *		-6	... on ::1
 *		-u	a Unix socket instead
 *		-t	threads, each of which serves one connection at a time (64); more
 *			connections wait in
 *			the listen queue
 *		-d	ends by itself; SIGTERM and SIGINT end it too
 *
 * Prints "listening PORT" (or the path) when ready, and at the end one JSON line: requests,
 * by_path, by_status, connections, bad (requests answered without the handler) and the truth about
 * handle_request (load.h). Keep-alive, pipelining, HEAD, chunked requests, Expect: 100-continue;
 * 16 KiB of head, 16 MiB of body, 15 s of idleness.
 *
 *	/		a page			/healthz	"ok"
 *	/echo		the request's body	/slow?ms=N	after N ms (100, at most 10000)
 *
 * handle_request makes the response, and the loop sends it once it has returned: a client that has
 * its answer knows that the call is over.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include "load.h"
#include "request.h"

#define IDLE_SEC    15
#define THREADS_MAX 1024

enum { PATH_ROOT, PATH_HEALTHZ, PATH_ECHO, PATH_SLOW, PATH_OTHER, NPATHS };
static const char *const path_names[NPATHS] = {"/", "/healthz", "/echo", "/slow", "other"};

struct response {
	int status;
	const char *type, *data; /* data is borrowed */
	size_t len;
};

struct conn {
	struct stream in;
	struct response out;
	struct request req;
};

/* One per thread. The lock is held while fd changes and while the end shuts it down. */
static struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	int fd;
} workers[THREADS_MAX];

static int listen_fd, stop_fd;
static volatile bool stopping;
static struct truth *handler;
static uint64_t by_path[NPATHS], by_status[600], connections, bad;

void handle_request(struct conn *c, struct request *r);

static void reply(struct conn *c, int status, const char *type, const char *data, size_t len)
{
	c->out = (struct response){status, type, data, len};
}

static void reply_text(struct conn *c, int status, const char *text)
{
	reply(c, status, "text/plain", text, strlen(text));
}

/* Sleeps in poll() so that the end of the server cuts it short. */
static void handle_slow(struct conn *c, const struct request *r)
{
	struct pollfd p = {.fd = stop_fd, .events = POLLIN};
	const char *ms = strstr(r->query, "ms=");
	long n = ms ? strtol(ms + 3, NULL, 10) : 100;

	if (n < 0 || n > 10000) {
		reply_text(c, 400, "ms is 0 to 10000\n");
		return;
	}
	poll(&p, 1, n);
	reply_text(c, 200, "slept\n");
}

WORK void handle_request(struct conn *c, struct request *r)
{
	static const char page[] = "<!doctype html><html><title>service</title>"
				   "<p>/healthz /echo /slow?ms=N</html>\n";
	uint64_t start = truth_enter(handler);
	int path = 0;

	while (path < PATH_OTHER && strcmp(r->target, path_names[path]))
		path++;
	add(&by_path[path], 1);
	if (path == PATH_OTHER)
		reply_text(c, 404, "not found\n");
	else if (path == PATH_ECHO)
		reply(c, 200, "application/octet-stream", r->body.data, r->body.len);
	else if (strcmp(r->method, "GET") && strcmp(r->method, "HEAD"))
		reply_text(c, 405, "GET or HEAD\n");
	else if (path == PATH_SLOW)
		handle_slow(c, r);
	else if (path == PATH_HEALTHZ)
		reply_text(c, 200, "ok\n");
	else
		reply(c, 200, "text/html", page, sizeof(page) - 1);
	truth_leave(handler, start);
}

static int send_response(struct conn *c)
{
	const struct response *o = &c->out;
	bool head = !strcmp(c->req.method, "HEAD");
	char buf[512];
	struct iovec iov[2] = {{.iov_base = buf}, {(char *)o->data, head ? 0 : o->len}};

	iov[0].iov_len = snprintf(buf, sizeof(buf),
				  "HTTP/1.1 %d %s\r\nServer: service\r\nContent-Type: "
				  "%s\r\nContent-Length: %zu\r\n%s%s\r\n",
				  o->status, reason(o->status), o->type, o->len,
				  o->status == 405 ? "Allow: GET, HEAD\r\n" : "",
				  c->req.keep ? "" : "Connection: close\r\n");
	add(&by_status[o->status], 1);
	return send_all(c->in.fd, iov, iov[1].iov_len ? 2 : 1);
}

/* Lets the refusal arrive: closing with unread bytes would reset the connection. */
static void drain(int fd)
{
	const struct timeval second = {.tv_sec = 1};
	char buf[16384];

	shutdown(fd, SHUT_WR);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	for (int i = 0; i < 4096 && recv(fd, buf, sizeof(buf), 0) > 0; i++)
		;
}

static void serve(struct conn *c)
{
	int status;

	do {
		status = request_read(&c->in, &c->req);
		if (status < 0)
			return;
		if (status) {
			add(&bad, 1);
			c->req.keep = false;
			reply_text(c, status, "refused\n");
		} else {
			OUTER(handler, handle_request(c, &c->req));
		}
	} while (!send_response(c) && c->req.keep && !stopping);
	if (status > 0)
		drain(c->in.fd);
}

static void worker_fd(struct worker *w, int fd)
{
	pthread_mutex_lock(&w->lock);
	w->fd = fd;
	if (stopping && fd >= 0)
		shutdown(fd, SHUT_RD);
	pthread_mutex_unlock(&w->lock);
}

/* Wakes a worker that reads; what it is answering still goes out. */
static void worker_stop(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	if (w->fd >= 0)
		shutdown(w->fd, SHUT_RD);
	pthread_mutex_unlock(&w->lock);
}

static void *work(void *arg)
{
	const struct timeval idle = {.tv_sec = IDLE_SEC};
	struct conn *c = calloc(1, sizeof(*c));
	struct worker *w = arg;

	while (c && !stopping) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC), one = 1;

		if (fd < 0) {
			if (!stopping)
				sleep_ns(10000000); /* out of descriptors: wait for others */
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
		c->in.fd = fd;
		c->in.pos = c->in.len = 0;
		add(&connections, 1);
		worker_fd(w, fd);
		serve(c);
		worker_fd(w, -1);
		close(fd);
	}
	if (c)
		free(c->req.body.data);
	free(c);
	return NULL;
}

static int listen_unix(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(un.sun_path)) {
		fprintf(stderr, "%s: longer than a socket's name may be\n", path);
		exit(2);
	}
	strcpy(un.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) || listen(fd, 128)) {
		perror(path);
		exit(1);
	}
	printf("listening %s\n", path);
	return fd;
}

static int listen_tcp(uint16_t port, bool v6)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr *sa = v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in4;
	socklen_t len = v6 ? sizeof(in6) : sizeof(in4);
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in6.sin6_addr = in6addr_loopback;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, sa, len) || listen(fd, 128) || getsockname(fd, sa, &len)) {
		fprintf(stderr, "port %d: %s\n", port, strerror(errno));
		exit(1);
	}
	printf("listening %d\n", ntohs(v6 ? in6.sin6_port : in4.sin_port));
	return fd;
}

/* Runs until a signal or for sec seconds (0: for ever), then lets the requests under way finish. */
static void run(int threads, uint64_t sec)
{
	struct timespec ts = {.tv_sec = sec};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < threads; i++) {
		pthread_mutex_init(&workers[i].lock, NULL);
		workers[i].fd = -1;
		errno = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (errno) {
			perror("pthread_create");
			exit(1);
		}
	}
	while ((sec ? sigtimedwait(&set, NULL, &ts) : sigwaitinfo(&set, NULL)) < 0 &&
	       errno == EINTR)
		;
	stopping = true;
	eventfd_write(stop_fd, 1);
	shutdown(listen_fd, SHUT_RDWR);
	for (int i = 0; i < threads; i++)
		worker_stop(&workers[i]);
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
}

static void report_counts(const char *key, const char *const *names, const uint64_t *n, int size)
{
	const char *comma = "";

	printf("\"%s\":{", key);
	for (int i = 0; i < size; i++) {
		if (!names && !n[i])
			continue;
		if (names)
			printf("%s\"%s\":%llu", comma, names[i], (unsigned long long)n[i]);
		else
			printf("%s\"%d\":%llu", comma, i, (unsigned long long)n[i]);
		comma = ",";
	}
	printf("},");
}

int main(int argc, char **argv)
{
	static const char *const name = "handle_request";
	uint64_t port = 0, sec = 0, threads = 64;
	const char *path = NULL;
	bool v6 = false, bad = false;
	int opt;

	while ((opt = getopt(argc, argv, "p:6u:t:d:")) != -1) {
		switch (opt) {
		case 'p': port = number("-p", optarg, 0, 65535); break;
		case '6': v6 = true; break;
		case 'u': path = optarg; break;
		case 't': threads = number("-t", optarg, 1, THREADS_MAX); break;
		case 'd': sec = number("-d", optarg, 1, 86400); break;
		default: bad = true;
		}
	}
	if (bad || optind != argc) {
		fprintf(stderr,
			"usage: service [-p PORT] [-6] [-u UNIX] [-t THREADS] [-d SECONDS]\n");
		return 2;
	}
	handler = truth_alloc(&name, 1);
	stop_fd = eventfd(0, EFD_CLOEXEC);
	listen_fd = path ? listen_unix(path) : listen_tcp(port, v6);
	fflush(stdout);
	run(threads, sec);
	if (path)
		unlink(path);
	printf("{\"requests\":%llu,", (unsigned long long)(handler->calls + bad));
	report_counts("by_path", path_names, by_path, NPATHS);
	report_counts("by_status", NULL, by_status, 600);
	printf("\"connections\":%llu,\"bad\":%llu,", (unsigned long long)connections,
	       (unsigned long long)bad);
	truth_json(handler);
	printf("}\n");
	return 0;
}
