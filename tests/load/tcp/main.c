// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * tcp: TCP conversations whose times are known. A server and a client process talk over loopback,
 * each stamps its own calls (tcp.h says what a stamp is worth), and the program prints the truth.
 *
 *	tcp [OPTION...] CASE		the cases are the table below, which is what --help prints
 *		-n, --turns N		turns (or what the case repeats) on each connection
 *		-c, --connections N	one after the other
 *		--threads		... all at once, a thread for each at both ends
 *		--service MS		the server sleeps between request and answer
 *		--slow-read MS		the slow reader sleeps once there is something to read
 *		--size REQ,RESP		bytes of a request and of an answer
 *		-d, --duration SEC	of the cases that run for a time
 *		-s, --seconds S		--service in seconds, with a fraction: 2.5
 *		-4, -6, --mapped	127.0.0.1, ::1, ::ffff:127.0.0.1 in IPv6 sockets at both ends
 *		-p, --port PORT		the server's (default: a free one)
 *		--pin CLIENT,SERVER	CPUs
 *		--stamps		a line "turn N CLIENT_NS SERVER_NS WAIT_NS" for each turn
 *		-w, --wait		waits for a line on stdin or SIGUSR1 before the traffic
 *		--can			only says whether this kernel has what the case needs
 *
 * Prints "truth port", "truth client_pid" and "truth server_pid" and, with -w, "pid PID" before the
 * first packet (old: after the handshake); then, at the end, "truth KEY VALUE" lines: what both
 * sides counted, and min, avg, p50, p99 and max in microseconds of each series. SIGTERM ends it
 * early: the truth so far is printed, with "truth complete 0".
 *
 * Exit status: 0, 1 broken or stuck, 2 usage, 77 this kernel (or user) has it not.
 */
#include <sys/wait.h>
#include "tcp.h"
#include "cases.h"
#include "process.h"

#define MARGIN_SEC 60 /* a guest is slow; a case that takes longer than it should is stuck */
#define S	   .serve =
#define C	   .client =
#define SM	   .server_main =
#define CM	   .client_main =

/* clang-format off */
const struct tcp_case cases[] = {
	/* one request, one answer */
	{"rr", "blocking", S serve_rr},
	{"epoll", "non-blocking client: five recv() in vain, then epoll_wait()", C client_epoll,
	 .service_ms = 5},
	{"slowread-server", "the request waits in the server's socket: --slow-read", S serve_slow,
	 .service_ms = NONE},
	{"slowread-client", "the answer waits in the client's socket", C client_slow},
	{"twosends", "the request in two sends, 1 ms apart", C client_twosends},
	{"partial", "the answer in five partial reads", C client_partial},
	{"bigresp", "answers larger than the receive buffer", CM client_smallbuf_main, .turns = 5,
	 .resp = 4 << 20},
	{"bytewise", "both read one byte at a time", S serve_bytewise, C client_bytewise},
	{"peek", "both look five times with MSG_PEEK before they read", S serve_peek, C client_peek},
	{"waitall", "five pieces, 1 ms apart, one MSG_WAITALL read", S serve_pieces, C client_waitall},
	{"lowat", "the same pieces, SO_RCVLOWAT of a whole answer", S serve_pieces, C client_lowat},
	{"trunc", "answers thrown away with MSG_TRUNC", C client_trunc},
	{"oob", "a request's last byte is urgent", S serve_oob, C client_oob},
	{"zerosend", "and empty sends and reads", C client_zerosend},
	{"pipeline", "ten requests, then ten answers (-n batches)", C client_pipeline,
	 .service_ms = 1, .turns = 10, .prepare = prepare_pipeline},
	{"banner", "the server speaks first", S serve_banner, C client_banner},
	{"nagle", "write, write, read: Nagle against the delayed acknowledgement", S serve_nagle,
	 C client_nagle},
	{"cork", "write, 2 ms, write under TCP_CORK", C client_cork},
	{"quickack", "TCP_QUICKACK toggled between all calls", C client_quickack},
	{"idle", "a turn, a second of silence, a turn", C client_idle, .turns = 2},
	{"hugelat", "one turn of -s seconds", .turns = 1, .service_ms = 2500},
	{"threads", "one thread writes, another reads", C client_threads},
	/* streams */
	{"duplex", "both ends write and read all the time, for -d", S both_duplex, C both_duplex,
	 .req = 1000},
	{"oneway", "bulk to the server: --size BYTES,0", S serve_oneway, C client_oneway,
	 .req = 64 << 20},
	{"oneway-down", "bulk from the server: --size 0,BYTES", S serve_oneway_down,
	 C client_oneway_down, .resp = 64 << 20},
	/* births and deaths */
	{"old", "the connection exists before the start", SM server_old_main, CM client_old_main},
	{"short", "-n connections of one turn, by -c clients", SM server_short_main,
	 CM client_short_main, .turns = 500, .service_ms = NONE},
	{"refused", "-n connects to a port where nobody listens", SM server_none_main,
	 CM client_refused_main},
	{"rst", "the server resets instead of answering", S serve_rst, C client_rst, .turns = 1,
	 .conns = 10},
	{"halfclose", "shutdown(SHUT_WR) after the request, then the answer", S serve_halfclose,
	 C client_halfclose, .turns = 1, .conns = 10},
	{"unread", "the client closes with an answer unread", C client_unread, .turns = 1,
	 .conns = 10},
	{"reuse", "the same addresses and ports for each connection", SM server_first_main,
	 CM client_reuse_main, .turns = 2, .conns = 10},
	{"reconnect", "connect(AF_UNSPEC), then the same socket again", SM server_counted_main,
	 CM client_reconnect_main, .turns = 2, .conns = 10},
	{"passed", "accepted by one process, served by another", SM server_passed_main},
	{"waiting", "data is there 50 ms before accept()", SM server_waiting_main, .turns = 2},
	{"deferaccept", "TCP_DEFER_ACCEPT", SM server_deferaccept_main, C client_deferaccept,
	 .turns = 2},
	{"selfconnect", "a socket connected to itself", SM server_none_main,
	 CM client_selfconnect_main, .prepare = prepare_selfconnect},
	/* bytes by other ways */
	{"sendfile", "the answer by sendfile()", S serve_sendfile, .resp = 20000},
	{"splice-in", "both read by splice()", S serve_splice_in, C client_splice_in},
	{"splice-out", "the answer by splice()", S serve_splice_out, .resp = 20000},
	{"zerocopy", "the answer by MSG_ZEROCOPY", S serve_zerocopy, .resp = 65536},
	{"zcrecv", "and read by TCP_ZEROCOPY_RECEIVE", S serve_zerocopy, C client_zcrecv,
	 .resp = 65536},
	{"uring", "both by io_uring", S serve_uring, C client_uring, .prepare = prepare_uring},
	/* other kinds */
	{"tfo", "requests in the SYN, in a network namespace", SM server_tfo_main,
	 CM client_tfo_main, .turns = 2, .conns = 10, .prepare = prepare_tfo},
	{"mptcp", "Multipath TCP", C client_mptcp, .prepare = prepare_mptcp},
	{"mptcp-plain", "an MPTCP listener, plain clients", C client_mptcp,
	 .prepare = prepare_mptcp_plain},
	{"ktls", "TLS in the kernel", S serve_ktls, C client_ktls, .prepare = prepare_ktls},
	{"netns", "the same addresses and ports in two network namespaces", SM server_netns_main,
	 CM client_netns_main, .prepare = prepare_netns},
	/* crowds */
	{"saturate", "-c pairs as fast as they can for -d", SM server_saturate_main,
	 CM client_saturate_main, .req = 1, .resp = 1, .service_ms = NONE, .sec = 1},
	{"many", "-c connections open, one turn on each a second for -d", SM server_many_main,
	 CM client_many_main, .conns = 1000, .turns = 1, .sec = 2, .prepare = prepare_many},
	{"blocked", "-c readers blocked in recv() until the signal", SM server_blocked_main,
	 CM client_blocked_main, .conns = 1000, .turns = 1, .sec = 60, .prepare = prepare_files},
	{}
};
/* clang-format on */

/* The longest that this case may take. */
static uint64_t limit_ns(void)
{
	uint64_t ms = opt.turns * opt.conns * (opt.service_ms + opt.slow_ms + 50);

	if (ms > 300000)
		ms = 300000;
	ms += opt.turns * opt.conns * opt.service_ms;
	return (ms + (opt.sec + MARGIN_SEC) * 1000) * 1000000;
}

static void end_roles(const pid_t *pids)
{
	for (int i = 0; i < 2; i++) {
		if (pids[i])
			kill(pids[i], SIGKILL);
	}
}

/* A role that ended: its exit status, 0 where this program killed it. */
static int reap(pid_t *pids, bool ending)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	if (pid <= 0)
		return -1;
	pids[pid == pids[1]] = 0;
	if (ending && WIFSIGNALED(status))
		return 0;
	if (WIFSIGNALED(status))
		fprintf(stderr, "tcp: a role died of signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Waits for both roles; returns the exit status. *complete: none was ended early. */
static int supervise(bool started, bool *complete)
{
	const struct timespec tick = {.tv_nsec = 100000000};
	pid_t pids[2] = {shared->client.pid, shared->server.pid};
	uint64_t end = now_ns() + limit_ns();
	int result = 0, status, sig;
	bool ending = false;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (*complete = started; pids[0] || pids[1];) {
		status = reap(pids, ending);
		if (status > 0)
			result = result ?: status;
		if (status >= 0 && !result)
			continue;
		sig = result || !started ? 0 : sigtimedwait(&set, NULL, &tick);
		if (now_ns() > end && !ending) {
			fprintf(stderr, "tcp: stuck\n");
			result = 1;
		}
		if (sig == SIGTERM || sig == SIGINT || result || !started) {
			*complete = false;
			ending = true;
			end_roles(pids);
			sleep_ns(1000000);
		}
	}
	return result;
}

/* Before the fork: what the case needs, and the listeners where it made none of its own. */
static void prepare(void)
{
	int status = the_case->prepare ? the_case->prepare() : 0;

	if (status)
		exit(status);
	if (opt.can)
		exit(0);
	if (!nlisteners)
		listen_all(1);
}

int main(int argc, char **argv)
{
	bool started, complete;
	int status;

	parse(argc, argv);
	prepare();
	shared_alloc();
	roles_start();
	started = roles_ready();
	if (started) {
		report_setup();
		if (opt.wait)
			wait_start();
		fflush(stdout);
		roles_go();
	}
	status = supervise(started, &complete);
	if (!started || status)
		return status ?: 1;
	return report(complete);
}
