/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TCP_H
#define TCP_H
/*
 * The TCP workload's parts. A server and a client process share one block of memory, in which both
 * leave their stamps and counts: they run on one machine, so CLOCK_MONOTONIC is one clock.
 *
 * An application cannot see the kernel's own instants, only its calls around them. Hence what a
 * stamp is worth (report.c folds them):
 *	client	before send() to after the recv() that got the first byte: never less than the turn
 *	server	after the last recv() to before the first send(): never more than the service
 *	wait	before the client's send() to after the server's recv(): never less than the wait
 *	wait_floor	after the client's send() to before the server's recv(): never more, as
 *		loopback delivers inside send()
 *	local, local_floor	the same for the answer and the client
 */
#include "../load.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#define SAMPLES	  (2u << 20) /* kept per series; what is beyond only counts */
#define LISTENERS 16

struct options {
	int64_t turns, conns, service_ms, slow_ms, sec; /* -1: not given */
	int64_t req, resp; /* bytes */
	uint64_t port;
	int family, proto;
	bool mapped, threads, wait, stamps, can;
	int pin_client, pin_server; /* -1: anywhere */
};

/* ns of CLOCK_MONOTONIC; 0: not taken. c_ is the client's, s_ the server's. */
struct turn {
	uint64_t c_send, c_sent; /* before and after the request's first send() */
	uint64_t c_enter, c_first, c_last; /* before the recv() of the first byte, after, at last */
	uint64_t s_enter, s_first, s_got; /* the same for the request */
	uint64_t s_send, s_sent; /* before and after the answer's first send() */
};

/* What one side did. Calls that moved no byte are not in sends and recvs. */
struct side {
	uint64_t sends, recvs, bytes_sent, bytes_received;
	uint64_t eagain, peeks, zeros, resets, eofs;
	pid_t pid;
} __attribute__((aligned(64)));

enum { CLIENT, LAST, SERVER, WAIT, WAIT_FLOOR, LOCAL, LOCAL_FLOOR, CONNECT, NSERIES };

struct series {
	uint64_t n, sum, min, max;
	uint64_t *samples;
} __attribute__((aligned(64)));

struct conn {
	uint16_t port; /* the client's */
};

/* A number that only one case has: "truth NAME VALUE". */
enum {
	REFUSED,
	REQUESTS,
	BANNERS,
	BLOCKED,
	OPEN,
	MAPPED_BYTES,
	FASTOPEN,
	OOB,
	WRITER_TID,
	READER_TID,
	SERVED_PID,
	MULTIPATH,
	CLIENT1_PID,
	CLIENT2_PID,
	ELAPSED_US,
	EXTRA
};
extern const char *const extra_names[EXTRA];

struct shared {
	struct side client, server;
	struct series series[NSERIES];
	uint64_t connections; /* established, as the client sees it */
	uint64_t extra[EXTRA];
	struct conn *conns;
	struct turn *turns;
	uint64_t nturns;
};

/* One end of a connection. buf is of the largest message's size, at least 64 KiB. */
struct end {
	int fd;
	unsigned int conn;
	struct side *side;
	char *buf;
	size_t size;
};

struct tcp_case {
	const char *name, *help;
	void (*serve)(struct end *e); /* one connection each; NULL: serve_rr and client_rr */
	void (*client)(struct end *e);
	void (*server_main)(void); /* instead of one connection after the other */
	void (*client_main)(void);
	int (*prepare)(void); /* before the listener and the fork; 77: not on this kernel */
	/* 0: the program's default; NONE: zero */
	int64_t turns, conns, service_ms, slow_ms, sec, req, resp;
};
#define NONE (-1)

extern struct options opt;
extern struct shared *shared;
extern const struct tcp_case *the_case;
extern int listeners[LISTENERS], nlisteners;
extern uint16_t ports[LISTENERS];

/* base.c: all of these end the process with a message when the kernel refuses. */
__attribute__((noreturn)) void die(const char *what);
__attribute__((noreturn)) void skip(const char *why);
void shared_alloc(void);
struct turn *turn_at(unsigned int conn, uint64_t i); /* a spare one beyond the last */
void series_add(int series, uint64_t ns);
void ready(void); /* this process is set up: the program may say so */
void await_go(void); /* until the program is told to begin */
void setup_client(void); /* ready, then await_go */
pid_t spawn(void); /* a fork that dies with its parent; 0 in the child */
void await_child(pid_t pid); /* which must exit with 0 */
struct end *end_new(int fd, unsigned int conn, struct side *side); /* owned by the caller */
void end_free(struct end *e); /* closes the socket */
void run_thread(pthread_t *t, void *(*body)(void *), void *arg);
void client_default(void);
void server_default(void);

/* sock.c */
socklen_t address(struct sockaddr_storage *sa, uint16_t port); /* this run's loopback address */
uint16_t port_of(int fd, bool peer);
void set_int(int fd, int level, int name, int value);
void nodelay(int fd);
int new_socket(void);
void listen_all(int n);
int listen_on(uint16_t port);
int accept_one(int listener); /* with TCP_NODELAY */
void bind_port(int fd, uint16_t port); /* the loopback address and that port, 0: any */
void dial_on(int fd, uint16_t port); /* connects and counts it */
int dial(unsigned int conn); /* a bound, connected socket whose port the server finds */
unsigned int conn_of(int fd); /* the server's way from a socket to its number */
int loopback_up(void); /* in a fresh network namespace; 0 or -errno */

/* talk.c: sends and reads that count themselves. */
void put(struct end *e, const void *data, size_t len, int flags); /* until all is sent */
ssize_t get(struct end *e, size_t len, int flags); /* one recv(): bytes, 0 at the end, -EAGAIN */
void took(struct end *e, ssize_t n); /* counts a read made another way */
void gave(struct end *e, ssize_t n);
void await_in(int fd, short events); /* poll() */
void ask(struct end *e, struct turn *t);
void ask_len(struct end *e, struct turn *t, size_t len, int flags);
void hear(struct end *e, struct turn *t, size_t chunk); /* recv()s of at most chunk bytes */
bool take(struct end *e, struct turn *t, size_t chunk); /* false at the end of the stream */
void serve_sleep(void); /* --service */
void slow_sleep(void); /* --slow-read */
void answer(struct end *e, struct turn *t);
void answer_pieces(struct end *e, struct turn *t, int pieces, int gap_ms);
void await_eof(struct end *e);
void serve_rr(struct end *e);
void client_rr(struct end *e);

/*
 * report.c: what is known before the traffic; then all, with the turns folded into the series.
 * Returns the exit status: 1 when the sides' bytes contradict, which is a broken bench.
 */
void report_setup(void);
int report(bool complete);

/* The cases. */
extern const struct tcp_case cases[];
#endif
