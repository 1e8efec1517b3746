/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTP_LOAD_H
#define HTTP_LOAD_H
/*
 * The HTTP workload's parts. A conversation is written down before it happens: for each connection
 * the bytes of both directions, the messages in them, and the steps in which they go. A client and
 * a server then walk the same steps, one sending and the other receiving, each by a given kind of
 * call, and each byte received is compared with the byte that was written down.
 *
 * The truth on stdout:
 *
 * "truth port N" ("truth path P") before the traffic, then, with -w, "pid N" (the server's, and
 * the client's but for --fork). After it one JSON object a line; of each connection in turn its
 * messages, in the order in which they began, and the connection; at last the sum.
 *
 * {"type":"message"
 *	"conn"		the connection's number, from 0
 *	"name"		what is special about it, where the case has several ("" else)
 *	"from"		"client" or "server"
 *	"number"	from 1: the connection's requests, or its responses (interim ones too)
 *	"answers"	of a response, the request's number; else null. Who only listens may not be
 *			able to tell: not where a request before it is not "complete"
 *	"interim"	1xx but 101
 *	"start"		the start-line without its line end; bytes from 0x80 up as \u00XX
 *	"method","url"	of a request, else null		"status" of a response, else null
 *	"headers","trailers"	how many there are; 0 headers where "name" is one of the case odd
 *	"bytes"		of it on the wire, as its sender's calls say
 *	"received"	of it, as its receiver's calls say
 *	"before"	those of "bytes" that went by before "pid N" was printed
 *	"head_bytes"	to the empty line, with it
 *	"body_bytes","body_sha256"	without the chunks' framing, still compressed
 *	"framing"	"none" (or a length of 0), "length", "chunked", "close", "unknown"
 *	"complete"	false: it is cut short, or where it ends is not known; what follows is "skipped"
 *	"coding"	Content-Encoding, or null; "decoded_bytes", "decoded_sha256": null where there is
 *			nothing to decode; of a damaged body what comes before the damage
 *	"anomalies"	httpsniff's names of what is odd about it
 *	"send_calls","recv_calls"	calls that moved bytes of it
 *	"pid","tid"	who made the first such call to send, "peer_pid", "peer_tid" to receive (0: none)
 * }
 * {"type":"other"	bytes that are in no message: "conn", "name", "from", "start" (the first line
 *			of it), "bytes", "received", "before" as above, and
 *	"what"		"upgrade", "tunnel", "http2", "tls", "not-http"; "skipped": between messages
 *	"sni"		of TLS; else null
 * }
 * {"type":"connection","conn","name"
 *	"proto"		"tcp" (--mptcp-server too), "mptcp", "unix", "pair"
 *	"client_address","client_port","server_address","server_port"	of unix: "path"
 *	"reset"		a side reset it
 *	"bytes"		both sides' "sent"		"unread" sent, and never read
 *	"client","server"	{ "sent","received" bytes, as the calls' return values say;
 *		"sent_before","received_before" the tool was told to start;
 *		"discarded" of those received: never in this program's memory (MSG_TRUNC);
 *		"send_calls","recv_calls" that moved bytes; "short" sends that took less than they were
 *		given; "eagain","eintr" calls; "peeks","peeked" calls with MSG_PEEK, and their bytes }
 * }
 * {"type":"truth","case","send","recv" (client's ways, then the server's, where they differ "A/B"),
 *	"ok"		true: what was received is what was sent (else there is no such line)
 *	"connections","requests","responses","interim","others"
 *	"port","pid","client":{"pid","tid","comm", sums},"server":{...}
 *	"fastopen"	connections whose first bytes were in the SYN
 * }
 */
#include "../load.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "sha256.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum { CLIENT, SERVER, SIDES };
#define NO_SIDE (-1)

/* A message, or other bytes: a range of one direction. */
struct message {
	const char *what; /* NULL: a message */
	const char *name, *framing, *anomalies, *coding, *sni; /* anomalies: "a,b" */
	int side;
	bool cut, interim, decodes;
	unsigned int number, answers, headers, trailers;
	uint64_t begin, end; /* positions in its direction */
	uint64_t head_bytes, body_bytes, decoded_bytes;
	char sha[65], decoded_sha[65];
	/* what happened, in shared memory */
	uint64_t calls[2]; /* 0: to send, 1: to receive */
	pid_t pid[2], tid[2];
};

enum step_kind {
	STEP_SEND, /* side sends to the position end */
	STEP_SHUT, /* side sends no more */
	STEP_RESET, /* side resets the connection, when all it sent has been read */
	STEP_SLEEP, /* side lets ms go by */
	STEP_GATE, /* both wait until the program is told to go */
};
struct step {
	enum step_kind kind;
	int side;
	unsigned int turn; /* requests so far */
	unsigned int ms;
	uint64_t end;
};

/* What one side did. */
struct counts {
	uint64_t bytes[2]; /* sent, received */
	uint64_t before[2], calls[2];
	uint64_t discarded, short_sends, eagain, eintr, peeks, peeked;
};

struct conn {
	unsigned int id;
	const char *name;
	char *data[SIDES]; /* what each side sends */
	size_t len[SIDES], cap[SIDES];
	struct message *messages;
	unsigned int nmessages;
	struct step *steps;
	unsigned int nsteps;
	int closer; /* who closes first */
	bool reset, lockstep; /* lockstep: a step begins when all before it was read */
	/* what happened */
	struct counts counts[SIDES];
	unsigned int cursor[SIDES][2]; /* the message that the last call ended in */
	unsigned int done; /* steps that the server is done with, for the two that share it */
	bool gone[SIDES], connected;
	uint16_t port[SIDES];
	struct talk *talk; /* of the case together */
};

/* Who serves a connection's odd turns. */
enum partner { ALONE, FORKED, PASSED, DUPPED };
enum { /* of struct http_case */
       ALL = 1, /* all connections are open before the first one talks */
       THREADS = 2, /* and they talk at once, a thread for each at both ends */
       SAME_PORT = 4, /* the client's port is the same each time */
       ODD_COMM = 8,
       ENTRIES = 16, /* its connections are a list of its own: -c is not for it */
       TOGETHER = 32, /* its client is four threads to a connection: together.c */
};

struct http_case {
	const char *name, *help;
	void (*build)(struct conn *c);
	int64_t times, conns, size; /* 0: the program's default */
	unsigned int flags;
	enum partner partner;
	int64_t hold_ms;
	unsigned int (*entries)(void);
};

struct options {
	int64_t times, conns, size, ms, hold_ms;
	uint64_t port;
	int family, proto;
	bool mapped, fork, threads, pair, netns, wait, old, can, spoil, odd_comm, mptcp_server;
	const char *path; /* unix */
	const char *save;
	size_t buffer;
	const struct send_how *send[SIDES];
	const struct recv_how *recv[SIDES];
	unsigned int limit_sec;
};

struct ring;
struct channel; /* what a kind of call needs: pipes, maps */

/* One side of a connection, in one thread. */
struct end {
	struct conn *c;
	int side, fd;
	const struct send_how *send;
	const struct recv_how *recv;
	char *buf;
	size_t size;
	unsigned int step, calls;
	bool eof, discarded;
	struct ring *ring[2]; /* of its sends, of its receives */
	struct channel *ch;
};

/*
 * A way to send: call() makes one call and returns what it returned, -1 with errno; or all() sends
 * all n bytes and counts with gave(). can(): 0, or why not (errno).
 */
struct send_how {
	const char *name, *help;
	ssize_t (*call)(struct end *e, const char *p, size_t n);
	void (*all)(struct end *e, const char *p, size_t n);
	unsigned int arg;
	int (*can)(unsigned int arg);
};
/* A way to receive into e->buf: as call() above. want: to the step's end; more may be taken. */
struct recv_how {
	const char *name, *help;
	ssize_t (*call)(struct end *e, size_t want);
	unsigned int arg;
	int (*can)(unsigned int arg);
	void (*setup)(struct end *e);
};

struct shared {
	unsigned int gate_open, at_gate;
	uint64_t fastopen;
	pid_t pid[SIDES], tid[SIDES];
	char comm[SIDES][16];
};

extern struct options opt;
extern struct shared *shared;
extern const struct http_case *the_case;
extern const struct http_case cases[];
extern struct conn *conns;
extern const struct send_how send_hows[];
extern const struct recv_how recv_hows[];

/* base.c */
__attribute__((noreturn)) void die(const char *what); /* with errno; status 1 */
__attribute__((noreturn, format(printf, 1, 2))) void wrong(const char *fmt, ...); /* status 1 */
__attribute__((noreturn)) void skip(const char *what); /* with errno; status 77 */
void *memory(size_t size); /* shared with forked children, zeroed, never freed */
void *need(void *p); /* of malloc: not NULL */
void sleep_ms(unsigned int ms);
pid_t tid(void);
pid_t spawn(void);
void await_child(pid_t pid);

/* script.c: see there */
#include "script.h"

/* sock.c */
void listen_one(void);
void dial(struct end *e); /* the client's end: connected, unless its first send does that */
int accept_for(struct conn *c);
socklen_t peer_address(struct sockaddr_storage *sa); /* the server's */
void note_port(struct end *e);
void set_int(int fd, int level, int name, int value);
void enter_netns(void);
void pass_fd(int over, int fd);
int take_fd(int over);
uint16_t server_port(void);
const char *address_text(void);

/* talk.c: what calls moved; and a connection's walk */
void gave(struct end *e, ssize_t n);
void took(struct end *e, const char *data, ssize_t n);
bool again(struct end *e, short events); /* after -1: is the call to be made again? */
void send_loop(struct end *e, const char *p, size_t n,
	       ssize_t (*call)(struct end *, const char *, size_t));
size_t head_left(const struct end *e, size_t n); /* of the next n bytes, how many are a head */
void compare(struct end *e, const char *data, uint64_t pos, size_t n);
struct end *end_new(struct conn *c, int side);
void end_free(struct end *e);
void walk(struct end *e, bool to_gate, int turns); /* turns: 0 even, 1 odd, -1 all */
void finish(struct end *e);

/* crew.c */
void client_main(void);
void server_main(void);
void odd_name(void); /* of this thread */
unsigned int gate_crowd(void); /* so many wait at the gate when all are there; 0: it has none */

/* together.c: the connection's walk, in its case */
void together_client(struct end *e);
void together_server(struct end *e);

/* uring.c, pipe.c ...: free what a way of sending or receiving has of an end */
void ring_free(struct ring *r);
void channel_free(struct channel *ch);

/* options.c, report.c, selftest.c */
void parse(int argc, char **argv);
void report_setup(void);
void report(void);
void save_streams(void);
int self_test(const char *self);
const struct send_how *send_how(const char *name); /* NULL: none */
const struct recv_how *recv_how(const char *name);
#endif
