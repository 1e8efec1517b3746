// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * http: HTTP traffic, and what is like it, of which every byte is known. A client thread and a
 * server thread talk over loopback, each by the kinds of call that are asked for; both check what
 * they get, and the program prints the truth, which http.h describes.
 *
 *	http [OPTION...] CASE [-- IGNORED...]	cases and ways: --help lists the tables
 *		-w, --wait		waits for a line on stdin or SIGUSR1 before the traffic
 *		-p, --port PORT		the server's (default: a free one)
 *		-n, --times N		what the case repeats on each connection
 *		-c, --connections N	one after the other, if the case does not say otherwise
 *		--size BYTES		of a body
 *		--ms MS			of the case's pauses; --hold MS of one when all are connected
 *		--send HOW, --recv HOW	both sides' way; --client-send, --server-recv ... of one
 *		--buffer BYTES		what a receive may take at once (64 KiB)
 *		--threads		all connections at once, a thread for each at both ends
 *		--fork			the client is another process
 *		--old			the connections exist before the program waits
 *		-4, -6, --mapped	127.0.0.1, ::1, ::ffff:127.0.0.1
 *		--mptcp, --unix PATH (@: abstract), --pair (a socketpair)
 *		--mptcp-server		an MPTCP listener whose clients speak plain TCP
 *		--netns			in a network namespace of its own, where fast open is on
 *		--odd-comm		comms with quotes, control bytes and broken UTF-8
 *		--save DIR		CONN.client, CONN.server (bytes) and CONN.steps, then traffic
 *		--limit SEC		what takes longer is stuck (60)
 *		--can			only says whether this kernel has what is asked for
 *	http --self-test			all cases, and all ways, in seconds
 *
 * Exit status: 0, 1 broken or stuck, or what came is not what was sent; 2 usage; 77 this kernel (or
 * user) has it not.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include "http.h"
#include "cases.h"

#define B .build =

/* clang-format off */
const struct http_case cases[] = {
	/* as it should be */
	{"get", "-n small GETs", B build_get},
	{"post", "-n POSTs of --size", B build_post},
	{"download", "-n responses of --size", B build_download},
	{"echo", "--size bytes there and back", B build_echo},
	{"echo-1m", "a megabyte there and back", B build_echo, .times = 1, .size = 1 << 20},
	{"echo-20m", "20 megabytes", B build_echo, .times = 1, .size = 20 << 20},
	{"late", "pauses of --ms before each request and response", B build_late},
	{"pipeline", "-n requests in one write", B build_pipeline, .times = 10},
	{"pipeline-half", "two in one write; an answer and half of the next in one", B build_pipeline_half},
	{"methods", "methods, hosts and targets of all kinds", B build_methods, .times = 1},
	{"words", "long methods, and bodies that begin like them", B build_words},
	{"statuses", "ten statuses", B build_statuses, .times = 1},
	{"secrets", "credentials wherever there may be some", B build_secrets, .times = 1},
	{"heads", "heads of 8 to 100 KiB, of 300 headers", B build_heads, .times = 1, .flags = ENTRIES, .entries = count_heads},
	{"sizes", "requests of exactly 1025, 8193, 30721 ... bytes", B build_sizes},
	/* where a message ends */
	{"chunked", "chunks with extensions, and trailers", B build_chunked, .size = 20000},
	{"head", "HEAD, answered with a length or an encoding", B build_head, .times = 4},
	{"nobody", "204, 304 with a length, a length of 0", B build_nobody},
	{"continue", "Expect: 100-continue", B build_continue},
	{"hints", "102, 103 and 103 before the answer", B build_hints},
	{"http10", "HTTP/1.0, kept alive until it is not", B build_http10},
	{"until-close", "a body of --size that ends with the connection", B build_until_close},
	{"upgrade", "101, then websocket frames", B build_upgrade},
	{"h2c", "101, then HTTP/2", B build_h2c},
	{"connect", "CONNECT, then opaque bytes", B build_connect},
	{"early", "413 while the body is under way", B build_early, .size = 100000},
	{"splits", "cut within words and line ends, each piece read before the next", B build_splits},
	{"cut", "messages that end too early", B build_cut, .flags = ENTRIES, .entries = count_cut},
	{"odd", "anomalies, one to a connection", B build_odd, .flags = ENTRIES, .entries = count_odd},
	/* what is in it */
	{"codings", "gzip, deflate and others, some damaged", B build_codings, .times = 1},
	{"texts", "bodies of all bytes, of broken UTF-8, of other oddities", B build_texts, .times = 1},
	{"odd-comm", "get with --odd-comm", B build_get, .flags = ODD_COMM},
	/* not HTTP/1 */
	{"strange", "redis, memcached, SMTP, SIP, RTSP, TLS, ..., one to a connection", B build_strange, .flags = ENTRIES, .entries = count_strange},
	{"http2", "HTTP/2 with prior knowledge", B build_http2},
	/* lives */
	{"short", "-c connections of one request", B build_short, .conns = 500},
	{"reuse", "the same, from the same port", B build_reuse, .conns = 20, .flags = SAME_PORT},
	{"idle", "-c connections, all open; one request on each, -n times", B build_idle, .conns = 200, .times = 1, .flags = ALL},
	{"blocked", "-c threads wait in a receive for --hold ms", B build_blocked, .conns = 500, .times = 1, .flags = ALL, .hold_ms = 2000},
	{"threads", "-c connections at once", B build_echo, .conns = 16, .times = 20, .flags = THREADS},
	{"halfclose", "shutdown(SHUT_WR) after the request", B build_halfclose},
	{"reset", "the client resets in the middle of its body", B build_reset},
	{"reset-server", "the server does", B build_reset_server},
	{"prefork", "two processes serve a connection in turn: forked after accept()", B build_get, .times = 10, .partner = FORKED},
	{"passed", "... one is handed it by SCM_RIGHTS", B build_get, .times = 10, .partner = PASSED},
	{"dup", "... two threads, one by dup()", B build_get, .times = 10, .partner = DUPPED},
	{"together", "two threads send -n requests each on a connection, and two receive", B build_together, .times = 400, .flags = TOGETHER},
	/* the program says that it waits ... */
	{"midhead", "... when half a request's head has gone", B build_midhead, .times = 2},
	{"midbody", "... when half a request's body has", B build_midbody, .times = 2},
	{"midresponse", "... in a response's chunk", B build_midresponse, .times = 2},
	{},
};
/* clang-format on */

static void stuck(int sig)
{
	static const char text[] = "http: stuck\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

static void build_all(void)
{
	conns = memory(opt.conns * sizeof(*conns));
	for (int64_t i = 0; i < opt.conns; i++) {
		struct conn *c = &conns[i];

		c->id = i;
		script_begin(c);
		if (opt.old)
			gate();
		the_case->build(c);
		script_end(c);
	}
}

static void check_hows(void)
{
	for (int i = 0; i < SIDES; i++) {
		const struct send_how *s = opt.send[i];
		const struct recv_how *r = opt.recv[i];

		errno = s->can ? s->can(s->arg) : 0;
		if (errno)
			skip(s->name);
		errno = r->can ? r->can(r->arg) : 0;
		if (errno)
			skip(r->name);
	}
}

static void *server_thread(void *arg)
{
	(void)arg;
	server_main();
	return NULL;
}

static void *client_thread(void *arg)
{
	(void)arg;
	client_main();
	return NULL;
}

static pthread_t start(void *(*body)(void *))
{
	pthread_t t;

	errno = pthread_create(&t, NULL, body, NULL);
	if (errno)
		die("pthread_create");
	return t;
}

/* The client's thread, or process; *pid is 0 for a thread. */
static pthread_t start_client(pid_t *pid)
{
	if (!opt.fork)
		return start(client_thread);
	*pid = spawn();
	if (*pid)
		return 0;
	alarm(opt.limit_sec + opt.hold_ms / 1000);
	client_main();
	_exit(0);
}

static void await_gate(unsigned int crowd)
{
	while (__atomic_load_n(&shared->at_gate, __ATOMIC_ACQUIRE) < crowd)
		sleep_ms(1);
}

static void run(void)
{
	unsigned int crowd = gate_crowd();
	pthread_t client = 0, server;
	pid_t pid = 0;

	report_setup();
	if (opt.wait && !crowd)
		wait_start();
	alarm(opt.limit_sec + opt.hold_ms / 1000);
	if (opt.fork)
		client = start_client(&pid);
	server = start(server_thread);
	if (!opt.fork)
		client = start_client(&pid);
	if (crowd) {
		await_gate(crowd);
		alarm(0);
		if (opt.wait)
			wait_start();
		alarm(opt.limit_sec + opt.hold_ms / 1000);
		__atomic_store_n(&shared->gate_open, 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, &shared->gate_open, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
	if (pid)
		await_child(pid);
	if (client)
		pthread_join(client, NULL);
	pthread_join(server, NULL);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--self-test"))
		return self_test(argv[0]);
	parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, stuck);
	if (opt.odd_comm)
		odd_name();
	if (opt.netns)
		enter_netns();
	check_hows();
	if (opt.can)
		return 0;
	shared = memory(sizeof(*shared));
	build_all();
	if (opt.save)
		save_streams();
	listen_one();
	run();
	report();
	if (opt.path && opt.path[0] != '@')
		unlink(opt.path);
	return fflush(stdout) ? 1 : 0;
}
