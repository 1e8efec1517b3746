// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Against a server of our own that answers by a script, and tells on a pipe what it was sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../common/log.h"
#include "../../common/post.h"
#include "../../common/post_int.h"
#include "../../common/priv.h"
#include "t.h"

#define OK	"200 OK\r\n"
#define BODY(S) (S), sizeof(S) - 1

/* What it does to each request: status and headers, "close" or "stall"; NULL: OK from now on. */
struct server {
	const char *const *script;
	pid_t pid;
	int fd, told; /* listening; what it was sent: a line "CONNECTION REQUEST-LINE BODY" */
	uint16_t port;
	char url[64];
};

static struct server srv;

/* --- the server, in a child */

static char request[1 << 20];

/* Reads a request of connection fd: its length, 0 at the end. */
static size_t read_request(int fd)
{
	size_t n = 0, want = SIZE_MAX;

	while (n < want) {
		ssize_t got = read(fd, request + n, sizeof(request) - 1 - n);
		char *end, *len;

		if (got <= 0)
			return 0;
		n += (size_t)got;
		request[n] = '\0';
		end = strstr(request, "\r\n\r\n");
		len = strstr(request, "Content-Length: ");
		if (end && len)
			want = (size_t)(end + 4 - request) + strtoul(len + 16, NULL, 10);
	}
	return n;
}

static void tell(int fd, int conn)
{
	char *body = strstr(request, "\r\n\r\n") + 4;

	dprintf(fd, "%d %.*s %.20s %s\n", conn, (int)strcspn(request, "\r"), request, body,
		strstr(request, "\r\nX-Mine: yes\r\n") &&
				strstr(request, "\r\nContent-Type: application/json\r\n") &&
				strstr(request, "\r\nUser-Agent: unit/1\r\n") &&
				!strstr(request, "\r\nExpect:")
			? "good"
			: request);
}

static _Noreturn void serve(int fd, int tell_fd)
{
	const char *const *step = srv.script;
	int conns = 0;

	for (;;) {
		int c = accept(fd, NULL, NULL);

		conns++;
		while (c >= 0 && read_request(c)) {
			const char *what = *step ? *step++ : OK;

			tell(tell_fd, conns);
			if (!strcmp(what, "stall"))
				pause();
			if (!strcmp(what, "close"))
				break;
			/* A body may stand behind the status, separated by a bar. */
			const char *bar = strchrnul(what, '|');
			const char *body = *bar ? bar + 1 : "{}";

			dprintf(c, "HTTP/1.1 %.*sContent-Length: %zu\r\n\r\n%s", (int)(bar - what),
				what, strlen(body), body);
		}
		close(c);
	}
}

static void start_server(const char *const *script)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int pipes[2];

	srv.script = script;
	srv.fd = socket(AF_INET, SOCK_STREAM, 0);
	T_EQ(bind(srv.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	T_EQ(listen(srv.fd, 8), 0);
	T_EQ(getsockname(srv.fd, (struct sockaddr *)&a, &len), 0);
	srv.port = ntohs(a.sin_port);
	snprintf(srv.url, sizeof(srv.url), "http://127.0.0.1:%u", srv.port);
	T_EQ(pipe(pipes), 0);
	fflush(stdout);
	srv.pid = fork();
	if (!srv.pid) {
		alarm(60);
		serve(srv.fd, pipes[1]);
	}
	close(pipes[1]);
	srv.told = pipes[0];
}

/* Ends it; what it was sent. */
static const char *stop_server(void)
{
	static char text[1 << 16];
	size_t n = 0;
	ssize_t got;

	if (srv.fd >= 0)
		close(srv.fd);
	kill(srv.pid, SIGKILL);
	waitpid(srv.pid, NULL, 0);
	while ((got = read(srv.told, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	close(srv.told);
	text[n] = '\0';
	return text;
}

/* --- the tests */

/* "[N]": the body's, else none. */
static uint64_t rejected(const char *body, size_t len, uint64_t n)
{
	return len > 2 && body[0] == '[' ? strtoul(body + 1, NULL, 10) : 0;
}

static char *mine[] = {"X-Mine: yes"};

static struct post *opened(const char *url)
{
	const struct post_options o = {
		.url = url,
		.path = "/v1/x",
		.headers = mine,
		.nheaders = 1,
		.agent = "unit/1",
		.queue_bytes = 1000,
		.rejected = rejected,
	};
	struct post *p = NULL;

	T_EQ(post_open(&p, &o), 0);
	if (!p)
		printf("%s\n", fail_text(-1));
	return p;
}

/* As a tool's loop does it, until all is answered or ms are over. */
static void run(struct post *p, int ms)
{
	uint64_t end = post_now_ms() + (uint64_t)ms, before;
	struct post_stats st;

	do {
		struct pollfd fd = {.fd = post_fd(p), .events = POLLIN};

		poll(&fd, 1, 50);
		before = post_now_ms();
		post_poll(p);
		T_OK(post_now_ms() - before < 500);
		post_stats(p, &st);
	} while (st.sent + st.dropped < st.items && post_now_ms() < end);
}

static void is(const struct post_stats *st, uint64_t sent, uint64_t dropped, uint64_t refused,
	       uint64_t posts, uint64_t retries)
{
	T_EQ(st->items, sent + dropped);
	T_EQ(st->sent, sent);
	T_EQ(st->dropped, dropped);
	T_EQ(st->refused, refused);
	T_EQ(st->posts, posts);
	T_EQ(st->retries, retries);
}

/* In order, one at a time, over one connection. */
static void well(void)
{
	static const char *const script[] = {NULL};
	struct post_stats st;
	struct post *p;

	start_server(script);
	p = opened(srv.url);
	T_OK(post_add(p, BODY("{\"n\":1}"), 3));
	T_OK(post_add(p, BODY("{\"n\":2}"), 4));
	run(p, 5000);
	T_OK(!post_stuck_ms(p));
	post_stats(p, &st);
	is(&st, 7, 0, 0, 2, 0);
	T_OK(post_add(p, BODY("{\"n\":3}"), 5));
	post_close(p, 5000, &st);
	is(&st, 12, 0, 0, 3, 0);
	T_STR(stop_server(), "1 POST /v1/x HTTP/1.1 {\"n\":1} good\n"
			     "1 POST /v1/x HTTP/1.1 {\"n\":2} good\n"
			     "1 POST /v1/x HTTP/1.1 {\"n\":3} good\n");
}

static void path_and_name(void)
{
	static const char *const script[] = {NULL};
	struct post_stats st;
	struct post *p;
	char url[96];

	start_server(script);
	snprintf(url, sizeof(url), "http://localhost:%u/in?x=1", srv.port);
	p = opened(url);
	T_OK(post_add(p, BODY("{}"), 1));
	post_close(p, 5000, &st);
	is(&st, 1, 0, 0, 1, 0);
	T_STR(stop_server(), "1 POST /in?x=1 HTTP/1.1 {} good\n");
}

static void trouble(void)
{
	static const char *const script[] = {"503 Busy\r\n",
					     "429 Slower\r\nRetry-After: 1\r\n",
					     OK,
					     "400 Bad\r\n|{\"message\":\"no\"}",
					     "200 OK\r\n|[2]",
					     "500 Broken\r\n",
					     "307 There\r\nLocation: /x\r\n",
					     NULL};
	struct post_stats st;
	struct post *p;
	uint64_t begin = post_now_ms();

	start_server(script);
	p = opened(srv.url);
	for (int i = 0; i < 6; i++)
		T_OK(post_add(p, BODY("{}"), 10));
	run(p, 8000);
	/* 0.25 to 0.75 s, then 1 s at least */
	T_OK(post_now_ms() - begin >= 1250);
	post_close(p, 0, &st);
	is(&st, 28, 32, 32, 6, 2);
	T_OK(!strstr(stop_server(), " /x "));
}

/* What was not answered is sent again, once there is somebody. */
static void comes_back(void)
{
	static const char *const script[] = {"close", "close", "close", NULL};
	struct post_stats st;
	struct post *p;

	start_server(script);
	p = opened(srv.url);
	T_OK(post_add(p, BODY("{\"n\":1}"), 3));
	run(p, 8000);
	T_OK(post_stuck_ms(p) == 0);
	post_close(p, 0, &st);
	T_OK(st.retries >= 1);
	T_EQ(st.sent, 3);
	T_OK(strstr(stop_server(), "4 POST /v1/x HTTP/1.1 {\"n\":1} good\n"));
}

/* Nobody is there: the queue is bounded, the end is in time, nothing is forgotten. */
static void nobody(void)
{
	static const char *const script[] = {NULL};
	char body[400], url[64];
	struct post_stats st;
	struct post *p;
	uint64_t begin;

	start_server(script);
	snprintf(url, sizeof(url), "%s", srv.url);
	stop_server();
	memset(body, ' ', sizeof(body));
	p = opened(url);
	T_OK(post_add(p, body, sizeof(body), 1));
	post_poll(p);
	T_OK(post_room(p, 600));
	T_OK(!post_room(p, 601));
	T_OK(post_add(p, body, sizeof(body), 10));
	T_OK(!post_add(p, body, sizeof(body), 100));
	T_OK(!post_add(p, body, 1001, 1000));
	run(p, 300);
	T_OK(post_stuck_ms(p) >= 290);
	begin = post_now_ms();
	post_close(p, 1000, &st);
	T_OK(post_now_ms() - begin >= 1000 && post_now_ms() - begin < 2000);
	T_OK(st.items == 1111 && st.dropped == 1111 && !st.sent && !st.refused && !st.posts);
	T_OK(st.retries >= 2);
}

/* One that takes its time does not hold up the tool: run() looks at that. */
static void stalls(void)
{
	static const char *const script[] = {"stall", NULL};
	struct post_stats st;
	struct post *p;
	uint64_t begin;

	start_server(script);
	p = opened(srv.url);
	T_OK(post_add(p, BODY("{}"), 1));
	run(p, 500);
	begin = post_now_ms();
	post_close(p, 300, &st);
	T_OK(post_now_ms() - begin < 1000);
	is(&st, 0, 1, 0, 0, 0);
	stop_server();
}

/* As a tool is when it posts: without rights, in the filter. */
static void dropped(void)
{
	static const char *const script[] = {"503 Busy\r\n", NULL};
	struct post_stats st;
	struct post *p;
	char url[96];
	int status;
	pid_t pid;

	start_server(script);
	/* By name: nothing is looked up any more. */
	snprintf(url, sizeof(url), "http://localhost:%u", srv.port);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		t_failures = 0;
		p = opened(url);
		T_EQ(priv_drop(PRIV_KEEP_BPF), 0);
		T_OK(post_add(p, BODY("{}"), 1));
		run(p, 5000);
		post_close(p, 1000, &st);
		is(&st, 1, 0, 0, 1, 1);
		fflush(stdout);
		_exit(t_failures != 0);
	}
	T_EQ(waitpid(pid, &status, 0), pid);
	T_EQ(status, 0);
	stop_server();
}

static void refused(void)
{
	static const struct {
		const char *url, *says;
		int err;
	} cases[] = {
		{"ftp://h", "http:// or https:// is wanted", -EINVAL},
		{"http://", "the host is missing", -EINVAL},
		{"http://:80", "the host is missing", -EINVAL},
		{"http://h:", "bad port", -EINVAL},
		{"http://h:0/", "bad port", -EINVAL},
		{"http://h:80x/", "bad port", -EINVAL},
		{"http://h:65536", "bad port", -EINVAL},
		{"http://::1:80", "goes in brackets", -EINVAL},
		{"http://[::1", "goes in brackets", -EINVAL},
		{"http://[]:1", "goes in brackets", -EINVAL},
		{"http://u:p@h", "no user and password here", -EINVAL},
		{"http://h/a b", "a blank", -EINVAL},
		{"http://h/a\r\nX: y", "a blank, control", -EINVAL},
		{"http://no-such-host.invalid:1", "cannot resolve 'no-such-host.invalid'",
		 -EHOSTUNREACH},
	};
	static char *const headers[] = {"",
					"x",
					"x:",
					"x:  ",
					": y",
					"a b: c",
					"x: a\nb",
					"x: \x7f",
					"x: a\rb",
					"Content-Length: 1",
					"content-type: a"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct post_options o = {.url = cases[i].url, .queue_bytes = 1};
		struct post *p = NULL;

		T_EQ(post_open(&p, &o), cases[i].err);
		if (!strstr(fail_text(-1), cases[i].says))
			T_STR(fail_text(-1), cases[i].says);
		t_checks++;
	}
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		if (post_header_check(headers[i]) != -EINVAL)
			T_STR(headers[i], "refused");
	T_EQ(post_header_check("Authorization: Bearer abc.def=="), 0);
}

static void words(void)
{
	struct post_url u;

	T_EQ(post_url_parse(&u, "http://127.0.0.1", "/p"), 0);
	T_STR(u.url, "http://127.0.0.1/p");
	T_STR(u.host, "127.0.0.1");
	T_OK(u.port == 80 && !u.https && !u.resolve);
	post_url_free(&u);
	T_EQ(post_url_parse(&u, "HTTPS://[::1]:4318/", "/p"), 0);
	T_STR(u.url, "HTTPS://[::1]:4318/");
	T_STR(u.host, "::1");
	T_OK(u.port == 4318 && u.https);
	post_url_free(&u);
	T_EQ(post_url_parse(&u, "https://localhost", NULL), 0);
	T_EQ(u.port, 443);
	T_OK(u.resolve && !strncmp(u.resolve, "localhost:443:", 14) && strpbrk(u.resolve, "1"));
	post_url_free(&u);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_name = "post";
	words();
	refused();
	well();
	path_and_name();
	trouble();
	comes_back();
	nobody();
	stalls();
	if (!geteuid())
		dropped();
	return t_done();
}
