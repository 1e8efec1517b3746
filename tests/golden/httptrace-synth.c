// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * httptrace-synth DIR: writes the recordings of httptrace that the golden tests replay:
 *   DIR/httptrace-mixed.rec   transactions of each kind, and each way in which they may end
 *   DIR/httptrace-holes.rec   bytes that were lost: no answer goes to a wrong request
 *   DIR/httptrace-chain.rec   services that ask one another, and what tells which for which
 *   DIR/httptrace-select.rec  something for each filter to take and to leave
 * Each record is 100 us behind the one before it, unless it says otherwise.
 */
#include "httpsniff-world.h"

#define OK   "HTTP/1.1 200 OK\r\n"
#define NONE "Content-Length: 0\r\n\r\n"

/* --- transactions of each kind */

static void opens(struct conn *c, uint64_t connect_us)
{
	c->r.opened_ns = now;
	c->r.connect_ns = connect_us * US;
	tell(c);
}

/* The other end of c, which is told of now. */
static struct conn accepts(const struct conn *c, uint64_t id, struct who who)
{
	struct conn p = *c;

	p.r.opened_ns = now;
	p.r.connect_ns = 0;
	return peer_of(&p, id, who);
}

/*
 * Both ends are seen. Client: request 0, wait 250, response 100, total 350 us. Server: queue 40,
 * request 0, wait 100, response 100, total 200 us. So 240 are the server's, 110 the network's. The
 * second comes 2000 us after the client had the first answer.
 */
static void both_ends(struct who client, struct who server)
{
	static const char ask[] = "GET /echo?q=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n";
	struct conn c = conn(1, CAP_ROLE_CLIENT, client), s;

	opens(&c, 150);
	s = accepts(&c, 2, server);
	waited_us = 40;
	for (int i = 0; i < 2; i++) {
		SENDS(&c, ask);
		READS(&s, ask);
		SENDS(&s, OK "Content-Length: 6\r\n\r\n");
		/* It is there before the rest is sent. */
		now -= 50 * US;
		READS(&c, OK "Content-Length: 6\r\n\r\n");
		now -= 50 * US;
		SENDS(&s, "hello\n");
		now -= 50 * US;
		READS(&c, "hello\n");
		now += i ? 0 : 1900 * US;
	}
	waited_us = UINT32_MAX;
	closes(&c, false);
	closes(&s, false);
}

/* Three in one call; the first answer in one with the half of the second. */
static void pipelined(struct who server)
{
	struct conn c = told(3, CAP_ROLE_SERVER, server);

	READS(&c, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
		  "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK "Content-Length: 3\r\n\r\none" OK "Conte");
	SENDS(&c, "nt-Length: 3\r\n\r\ntwo");
	SENDS(&c, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nthree");
	closes(&c, false);
}

static void framings(struct who client)
{
	struct conn c = told(4, CAP_ROLE_CLIENT, client);

	SENDS(&c, "HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, OK "Content-Length: 100000\r\n\r\n");
	SENDS(&c, "GET /cached HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\n\r\n");
	READS(&c, "HTTP/1.1 304 Not Modified\r\nContent-Length: 777\r\n\r\n");
	SENDS(&c, "POST /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		  "Content-Length: 5\r\n\r\n");
	READS(&c, "HTTP/1.1 100 Continue\r\n\r\n");
	READS(&c, "HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n");
	SENDS(&c, "12345");
	READS(&c, "HTTP/1.1 201 Created\r\n" NONE);
	SENDS(&c, "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "5\r\nhello\r\n0\r\n\r\n");
	READS(&c, OK "Transfer-Encoding: chunked\r\n\r\n");
	READS(&c, "3\r\nabc\r\n");
	READS(&c, "0\r\nX-Sum: 1\r\n\r\n");
	SENDS(&c, "GET http://u:p@other.example/abs?token=hide1 HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, "HTTP/1.1 502 Bad Gateway\r\n" NONE);
	closes(&c, false);
}

/* The answer is there before the body is; what comes of it still counts. */
static void early(struct who server)
{
	struct conn c = told(5, CAP_ROLE_SERVER, server);

	READS(&c, "PUT /big HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
	SENDS(&c, "HTTP/1.1 413 Content Too Large\r\n" NONE);
	READS(&c, "56789");
	READS(&c, "PUT /bigger HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
	SENDS(&c, "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n" NONE);
	closes(&c, false);
}

/* What was sent is told after what was read, but was before it: two threads have the socket. */
static void told_late(struct who client)
{
	struct conn c = told(19, CAP_ROLE_CLIENT, client);

	SENDS(&c, "PUT /late HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
	READS(&c, OK NONE);
	now -= 150 * US;
	SENDS(&c, "56789");
	closes(&c, false);
}

/* The second began before the first was answered, but its head had no end then. */
static void begun_before(struct who server)
{
	struct conn c = told(20, CAP_ROLE_SERVER, server);

	READS(&c, "GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /seco");
	SENDS(&c, OK NONE);
	READS(&c, "nd HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK NONE);
	closes(&c, false);
}

/* How long the first byte of a request had waited: 40, 7 and 8 us. */
static void waits(struct who server)
{
	struct conn c = told(21, CAP_ROLE_SERVER, server);

	waited_us = 40;
	READS(&c, "GET /in-two HTTP/1.1\r\nHo");
	waited_us = 5;
	READS(&c, "st: a\r\n\r\n");
	SENDS(&c, OK NONE);
	waited_us = 7;
	READS(&c, "\r\nGET /behind-a-line HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK NONE);
	waited_us = 3;
	READS(&c, "\r\n");
	waited_us = 8;
	READS(&c, "GET /behind-a-call HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK NONE);
	waited_us = UINT32_MAX;
	closes(&c, false);
}

static void until_close(struct who client)
{
	struct conn c = told(6, CAP_ROLE_CLIENT, client);

	SENDS(&c, "GET /old HTTP/1.0\r\n\r\n");
	READS(&c, "HTTP/1.0 200 OK\r\n\r\nsome ");
	READS(&c, "bytes");
	ends(&c, CAP_RECV);
	closes(&c, false);
}

/* Bytes that nobody could read, where they need not be. */
static void sent_file(struct who server)
{
	struct conn c = told(7, CAP_ROLE_SERVER, server);

	READS(&c, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK "Content-Length: 100000\r\n\r\n");
	moved(&c, CAP_SEND, "", 60000, 0, CAP_SENDFILE);
	moved(&c, CAP_SEND, "", 40000, 0, CAP_SENDFILE);
	READS(&c, "POST /splice HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
	moved(&c, CAP_RECV, "", 5000, 0, CAP_SPLICE);
	SENDS(&c, "HTTP/1.1 500 Internal Server Error\r\n" NONE);
	closes(&c, false);
}

static void ended(struct who client, struct who server)
{
	struct conn c = told(8, CAP_ROLE_SERVER, server);

	READS(&c, "GET /unanswered HTTP/1.1\r\nHost: a\r\n\r\n");
	closes(&c, false);
	c = told(9, CAP_ROLE_CLIENT, client);
	SENDS(&c, "POST /unfinished HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
	closes(&c, true);
	c = told(10, CAP_ROLE_CLIENT, client);
	SENDS(&c, "GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, OK "Content-Length: 9\r\n\r\nhalf");
	closes(&c, true);
	c = told(11, CAP_ROLE_SERVER, server);
	READS(&c, "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK "Content-Length: 9\r\n\r\nhalf");
	closes(&c, false);
	c = told(12, CAP_ROLE_SERVER, server);
	READS(&c, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK NONE);
	READS(&c, "GET /never-sent-to-the-end HTTP/1.1\r\nHost");
	closes(&c, false);
}

static void others(struct who client, struct who server)
{
	struct conn c = conn(13, CAP_ROLE_SERVER, server);

	c.r.flow.family = 6;
	c.r.flow.local[0] = c.r.flow.remote[0] = 0xb80d0120;
	c.r.flow.local[1] = 1ULL << 56;
	c.r.flow.remote[1] = 2ULL << 56;
	tell(&c);
	READS(&c, "GET /v6 HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n");
	SENDS(&c, OK NONE);
	closes(&c, false);
	c = conn(14, CAP_ROLE_CLIENT, client);
	c.r.proto = CAP_UNIX;
	c.r.flow = (struct flow){.netns = NETNS};
	c.r.peer = 99;
	strcpy(c.r.path, "/run/app\t.sock");
	tell(&c);
	SENDS(&c, "GET /unix HTTP/1.1\r\nHost: localhost\r\n\r\n");
	READS(&c, OK NONE);
	closes(&c, false);
	c = told(15, CAP_ROLE_CLIENT, client);
	SENDS(&c,
	      "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	READS(&c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		  "Upgrade: websocket\r\n\r\n");
	SENDS(&c, "\x81\x05hello");
	closes(&c, false);
}

/* What others may put into names and texts. */
static void hostile(void)
{
	struct who odd = process(666, "a\033[2Jb\n\"\xff", "x", 2, "");
	struct conn c = told(16, CAP_ROLE_SERVER, odd);

	READS(&c, "G\x27|^`T /\x01\xff\"x\\y HTTP/1.1\r\nHost: =cmd\x7f\r\nX-Request-ID: "
		  "\xe2\x80\xae<id>\r\n"
		  "tracestate: a=\x1b[31m\r\ntracestate: b=2\r\n\r\n");
	SENDS(&c, OK NONE);
	closes(&c, false);
}

static void mixed(void)
{
	struct cap_start_rec s = start();
	struct who client, server;
	struct conn c;

	s.max_body = 0;
	begin("mixed", &s);
	client = PROCESS(100, "curl", "curl");
	server = process(
		200, "nginx", "nginx", 6,
		"docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope");
	both_ends(client, server);
	pipelined(server);
	framings(client);
	early(server);
	until_close(client);
	sent_file(server);
	ended(client, server);
	others(client, server);
	hostile();
	told_late(client);
	begun_before(server);
	waits(server);
	/* Under way at the end: a request, and an answer. */
	c = told(17, CAP_ROLE_SERVER, server);
	READS(&c, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	c = told(18, CAP_ROLE_CLIENT, client);
	SENDS(&c, "GET /slower HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, OK "Content-Length: 9\r\n\r\nhalf");
	poll_ends(true);
	end();
}

/* --- holes */

static void lose(struct conn *c, int to, const char *text)
{
	lost(c, to, strlen(text));
	now += 100 * US;
}

static void holes(void)
{
	static const char ask[] = "GET /lost HTTP/1.1\r\nHost: a\r\n\r\n";
	struct cap_start_rec s = start();
	struct who server;
	struct conn c;

	begin("holes", &s);
	server = PROCESS(200, "server", "server");
	/* An answer is lost: the next one is not the first request's. */
	c = told(1, CAP_ROLE_SERVER, server);
	READS(&c, "GET /answer-lost HTTP/1.1\r\nHost: a\r\n\r\n");
	lose(&c, CAP_SEND, OK NONE);
	READS(&c, "GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, "HTTP/1.1 202 Accepted\r\n" NONE);
	READS(&c, "GET /third HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, "HTTP/1.1 203 Third\r\n" NONE);
	closes(&c, false);
	/* A request is lost: its answer is nobody's. */
	c = told(2, CAP_ROLE_SERVER, server);
	lose(&c, CAP_RECV, ask);
	SENDS(&c, "HTTP/1.1 201 Lost\r\n" NONE);
	READS(&c, "GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, "HTTP/1.1 202 After\r\n" NONE);
	READS(&c, "GET /in-step HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, "HTTP/1.1 203 In Step\r\n" NONE);
	closes(&c, false);
	/* Within bodies the place is kept. */
	c = told(3, CAP_ROLE_SERVER, server);
	READS(&c, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234");
	lose(&c, CAP_RECV, "0123456789");
	READS(&c, "56789");
	SENDS(&c, OK "Content-Length: 10\r\n\r\n");
	lose(&c, CAP_SEND, "01234");
	SENDS(&c, "56789");
	READS(&c, "GET /after-it HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, "HTTP/1.1 202 After It\r\n" NONE);
	closes(&c, false);
	/* It was there before: first an answer to what nobody saw. */
	c = conn(4, CAP_ROLE_SERVER, server);
	c.r.flags = CAP_F_JOINED;
	tell(&c);
	SENDS(&c, "HTTP/1.1 201 To Nobody\r\n" NONE);
	READS(&c, "GET /joined HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, "HTTP/1.1 202 Joined\r\n" NONE);
	closes(&c, false);
	/* ... and it may have been idle. */
	c = conn(5, CAP_ROLE_UNKNOWN, server);
	c.r.flags = CAP_F_JOINED;
	tell(&c);
	READS(&c, "GET /idle HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, "HTTP/1.1 202 Idle\r\n" NONE);
	closes(&c, false);
	/* Between two transactions: nobody knows for how long it was idle. */
	c = told(6, CAP_ROLE_SERVER, server);
	READS(&c, "GET /before HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK NONE);
	lose(&c, CAP_RECV, ask);
	lose(&c, CAP_SEND, OK NONE);
	READS(&c, "GET /not-idle HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, "HTTP/1.1 202 Not Idle\r\n" NONE);
	closes(&c, false);
	poll_ends(true);
	end();
}

/* --- what caused what */

#define ID     "0af7651916cd43dd8448eb211c80319c"
#define PARENT "traceparent: 00-" ID "-b7ad6b7169203331-01\r\n"
#define CHILD  "traceparent: 00-" ID "-00f067aa0ba902b7-01\r\n"

/* A request from c to s, which are the two ends. */
#define ASKS(c, s, text)                                                                           \
	do {                                                                                       \
		SENDS(c, text);                                                                    \
		READS(s, text);                                                                    \
	} while (0)
#define ANSWERS(s, c, text)                                                                        \
	do {                                                                                       \
		SENDS(s, text);                                                                    \
		READS(c, text);                                                                    \
	} while (0)

struct link {
	struct conn c, s;
};

static struct link linked(uint64_t id, struct who client, struct who server)
{
	struct link l = {.c = told(id, CAP_ROLE_CLIENT, client)};

	l.s = peer_of(&l.c, id + 1, server);
	return l;
}

static void chain(void)
{
	struct cap_start_rec s = start();
	struct who curl, nginx, go, python, worker;
	struct link front, middle, back, more;

	begin("chain", &s);
	curl = PROCESS(100, "curl", "curl");
	nginx = PROCESS(200, "nginx", "nginx");
	go = PROCESS(300, "shop", "shop");
	go.goid = 17;
	python = PROCESS(400, "python3", "python3");
	/* No headers: by thread, by goroutine, by the goroutine that started another. */
	front = linked(1, curl, nginx);
	ASKS(&front.c, &front.s, "GET /page HTTP/1.1\r\nHost: shop\r\n\r\n");
	middle = linked(3, nginx, go);
	ASKS(&middle.c, &middle.s, "GET /page HTTP/1.1\r\nHost: shop\r\n\r\n");
	back = linked(5, go, python);
	ASKS(&back.c, &back.s, "GET /stock/17 HTTP/1.1\r\nHost: stock\r\n\r\n");
	worker = go;
	worker.tid = 301;
	worker.goid = 18;
	worker.parent_goid = 17;
	more = linked(7, worker, python);
	ASKS(&more.c, &more.s, "GET /price/17 HTTP/1.1\r\nHost: stock\r\n\r\n");
	ANSWERS(&back.s, &back.c, OK NONE);
	ANSWERS(&more.s, &more.c, "HTTP/1.1 503 Busy\r\n" NONE);
	ANSWERS(&middle.s, &middle.c, OK NONE);
	ANSWERS(&front.s, &front.c, OK NONE);
	now += SEC;
	/* traceparent, with a child's id of its own; b3; X-Request-ID. */
	ASKS(&front.c, &front.s,
	     "GET /traced HTTP/1.1\r\nHost: shop\r\n" PARENT "tracestate: a=1\r\n\r\n");
	ASKS(&middle.c, &middle.s, "GET /traced HTTP/1.1\r\nHost: shop\r\n" CHILD "\r\n");
	ANSWERS(&middle.s, &middle.c, OK NONE);
	ANSWERS(&front.s, &front.c, OK NONE);
	now += SEC;
	ASKS(&front.c, &front.s,
	     "GET /b3 HTTP/1.1\r\nHost: shop\r\nb3: 80f198ee56343ba864fe8b2a57d3eff7-"
	     "e457b5a2e4d86bd1-1\r\n\r\n");
	ANSWERS(&front.s, &front.c, OK NONE);
	now += SEC;
	ASKS(&front.c, &front.s,
	     "GET /by-id HTTP/1.1\r\nHost: shop\r\nX-Request-ID: 5f2c9a7e-0001\r\n\r\n");
	worker = nginx;
	worker.tid = 201;
	back = linked(9, worker, python);
	ASKS(&back.c, &back.s,
	     "GET /by-id HTTP/1.1\r\nHost: stock\r\nX-Request-ID: 5f2c9a7e-0001\r\n\r\n");
	ANSWERS(&back.s, &back.c, OK NONE);
	ANSWERS(&front.s, &front.c, OK NONE);
	poll_ends(true);
	end();
}

/* --- filters */

static void turn(struct conn *c, const char *ask, uint64_t think_us, const char *answer)
{
	bool server = c->r.role == CAP_ROLE_SERVER;

	says(c, server ? CAP_RECV : CAP_SEND, ask, strlen(ask));
	now += think_us * US;
	says(c, server ? CAP_SEND : CAP_RECV, answer, strlen(answer));
}

static void select_some(void)
{
	struct cap_start_rec s = start();
	struct who root, user;
	struct conn c;

	begin("select", &s);
	root = PROCESS(200, "nginx", "nginx");
	uid = 1000;
	user = PROCESS(100, "curl", "curl");
	c = told(1, CAP_ROLE_SERVER, root);
	turn(&c, "GET /api/users/1 HTTP/1.1\r\nHost: Shop.example:80\r\n\r\n", 0, OK NONE);
	turn(&c, "POST /api/users?x=1 HTTP/1.1\r\nHost: shop.example\r\n" NONE, 20000,
	     "HTTP/1.1 201 Created\r\n" NONE);
	turn(&c, "GET /static/app.js HTTP/1.1\r\nHost: cdn.example\r\n\r\n", 0,
	     "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n"
	     "0123456789012345678901234567890123456789012345678901234567890123456789"
	     "012345678901234567890123456789");
	turn(&c, "GET /broken HTTP/1.1\r\nHost: shop.example\r\n\r\n", 50000,
	     "HTTP/1.1 503 Busy\r\n" NONE);
	closes(&c, false);
	c = conn(2, CAP_ROLE_CLIENT, user);
	c.r.flow.local[1] = c.r.flow.remote[1] = v4(127, 0, 0, 1);
	tell(&c);
	turn(&c, "DELETE /api/users/2 HTTP/1.1\r\nHost: localhost\r\n\r\n", 0,
	     "HTTP/1.1 204 No Content\r\n\r\n");
	turn(&c, "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 0, "HTTP/1.1 302 Found\r\n" NONE);
	SENDS(&c, "GET /hangs HTTP/1.1\r\nHost: localhost\r\n\r\n");
	now += 2 * SEC;
	closes(&c, false);
	poll_ends(true);
	end();
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: httptrace-synth DIR\n");
		return 2;
	}
	dir = argv[1];
	tool = "httptrace";
	mixed();
	holes();
	chain();
	select_some();
	return 0;
}
