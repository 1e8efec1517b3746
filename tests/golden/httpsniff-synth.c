// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * httpsniff-synth DIR: writes the recordings of httpsniff that the golden tests replay:
 *   DIR/httpsniff-mixed.rec       messages in each framing, on each kind of connection
 *   DIR/httpsniff-odd.rec         each anomaly, and hostile bytes wherever they may be
 *   DIR/httpsniff-secrets.rec     secrets wherever they may be
 *   DIR/httpsniff-holes.rec       bytes that were lost, or that could not be read
 *   DIR/httpsniff-others.rec      connections that carry something else, from here on or at all
 *   DIR/httpsniff-idle.rec        nothing happens
 *   DIR/httpsniff-unbalanced.rec  bytes are missing from the account
 *   DIR/httpsniff-bad-*.rec       damage that is refused
 */
#include "httpsniff-world.h"

#define OK   "HTTP/1.1 200 OK\r\n"
#define NONE "Content-Length: 0\r\n\r\n"

/* --- messages in each framing */

/* Both ends are on this machine, and tell of the same bytes, the sender first. */
static void both_ends(struct who client, struct who server)
{
	static const char ask[] = "GET /echo?q=1 HTTP/1.1\r\nHost: 10.0.0.2\r\nAccept: */*\r\n\r\n";
	static const char answer[] =
		OK "Content-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";
	struct conn c = told(1, CAP_ROLE_CLIENT, client);
	struct conn s = peer_of(&c, 2, server);

	for (int i = 0; i < 2; i++) {
		SENDS(&c, ask);
		READS(&s, ask);
		SENDS(&s, answer);
		READS(&c, answer);
	}
	closes(&c, false);
	closes(&s, false);
}

static void bodies(struct who server)
{
	struct conn c = told(3, CAP_ROLE_SERVER, server);

	READS(&c, "POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
		  "Content-Length: 27\r\n\r\n[\"item\", \"a\\\\b\", \n");
	READS(&c, "\t\"caf\xc3\xa9\"]");
	SENDS(&c, "HTTP/1.1 201 Created\r\nSet-Thing: a\r\nset-thing: b\r\nServer: x\r\n"
		  "SET-THING: c\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
		  "5;name=value\r\nHello\r\n0007\r\n, world\r\n");
	SENDS(&c, "0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n");
	READS(&c, "GET /zipped HTTP/1.1\r\nHost: shop\r\n\r\n");
	SENDS(&c, OK "Content-Encoding: gzip\r\nContent-Length: 54\r\n\r\n"
		     "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x8b\x56\xaa\xca\x2c\x28\x48\x4d\x51"
		     "\xd2\x51\x28\x29\x2a\x4d\xd5\x51\x50\x4a\x07\x0a\x28\x64\x16\x2b\x94\xe6\xa5"
		     "\xe4\xe7\xa5\x2a\xc5\x72\x01\x00\x0c\x5a\xa9\x09\x23\x00\x00\x00");
	READS(&c, "GET /zip/broken HTTP/1.1\r\nHost: shop\r\n\r\n");
	SENDS(&c, OK "Content-Encoding: gzip\r\nContent-Length: 30\r\n\r\n"
		     "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x8b\x56\xaa\xca\x2c\x28\x48\x4d\x51"
		     "\xd2\x51\x28\x29\x2a\x4d\xd5\x51\x50\x4a\x07");
	READS(&c, "GET /brotli HTTP/1.1\r\nHost: shop\r\n\r\n");
	SENDS(&c, OK "Content-Encoding: br\r\nContent-Length: 5\r\n\r\n\x0b\x00\x80hi");
	READS(&c, "GET /binary HTTP/1.1\r\nHost: shop\r\n\r\n");
	SENDS(&c,
	      OK "Content-Type: image/x\r\nContent-Length: 38\r\n\r\n\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
		 "\xff\xfe\xfd 0123456789 abcdef\x7f");
	closes(&c, false);
}

/* Bodies of 300 bytes, which --max-body may cut in the middle of a character. */
static void long_body(struct who server)
{
	char body[300];
	struct conn c = told(4, CAP_ROLE_SERVER, server);

	for (size_t i = 0; i < sizeof(body); i += 4)
		memcpy(body + i, "\xe2\x82\xac\n", 4);
	READS(&c, "PUT /long HTTP/1.1\r\nHost: shop\r\nContent-Length: 300\r\n\r\n");
	says(&c, CAP_RECV, body, 110);
	says(&c, CAP_RECV, body + 110, 190);
	SENDS(&c, "HTTP/1.1 204 No Content\r\n\r\n");
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = i;
	READS(&c, "PUT /bytes HTTP/1.1\r\nHost: shop\r\nContent-Length: 300\r\n\r\n");
	says(&c, CAP_RECV, body, sizeof(body));
	SENDS(&c, "HTTP/1.1 413 \r\nContent-Length: 9\r\n\r\ntoo long\n");
	closes(&c, false);
}

/* Whose framing is not what their headers say alone */
static void bodiless(struct who client)
{
	struct conn c = told(5, CAP_ROLE_CLIENT, client);

	SENDS(&c, "HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, OK "Content-Length: 1234\r\n\r\n");
	SENDS(&c, "GET /cached HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\n\r\n");
	READS(&c, "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"x\"\r\n\r\n");
	SENDS(&c, "POST /slowly HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		  "Content-Length: 3\r\n\r\n");
	READS(&c, "HTTP/1.1 100 Continue\r\n\r\n");
	SENDS(&c, "abc");
	READS(&c, "HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n" OK NONE);
	SENDS(&c, "DELETE /it HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, "HTTP/1.1 204 No Content\r\n\r\n");
	SENDS(&c, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, OK "Allow: GET\r\n" NONE);
	SENDS(&c, "GET http://proxied.example/abs HTTP/1.0\r\n\r\n");
	READS(&c, "HTTP/1.0 200 OK\r\n\r\nuntil the ");
	READS(&c, "close");
	ends(&c, CAP_RECV);
	now += SEC;
	closes(&c, false);
}

/* Three requests in one call, the answers in two; then a reset, with a request under way. */
static void pipelined(struct who server)
{
	struct conn c = told(6, CAP_ROLE_SERVER, server);

	READS(&c, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
		  "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK "Content-Length: 3\r\n\r\none" OK "Content-Length: 3\r\n\r\nt");
	SENDS(&c, "wo" OK "Content-Length: 5\r\n\r\nthree");
	READS(&c, "GET /unanswered HTTP/1.1\r\nHost: a\r\n\r\nPOST /unfinished HTTP/1.1\r\n"
		  "Host: a\r\nContent-Length: 10\r\n\r\nhalf");
	closes(&c, true);
}

static void addresses(struct who server, struct who client)
{
	struct conn c = conn(7, CAP_ROLE_SERVER, server);

	c.r.flow.family = 6;
	c.r.flow.local[0] = c.r.flow.remote[0] = 0xb80d0120;
	c.r.flow.local[1] = 1ULL << 56;
	c.r.flow.remote[1] = 2ULL << 56;
	tell(&c);
	READS(&c, "GET /v6 HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n");
	SENDS(&c, OK NONE);
	closes(&c, false);
	c = conn(8, CAP_ROLE_SERVER, server);
	/* Both addresses have one place in the table that remembers them as text. */
	c.r.flow.remote[1] = v4(10, 0, 1, 117);
	c.r.flow.mapped = 1;
	c.r.proto = CAP_MPTCP;
	tell(&c);
	READS(&c, "GET /mptcp HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK NONE);
	closes(&c, false);
	c = conn(9 | 1ULL << 63, CAP_ROLE_CLIENT, client);
	c.r.proto = CAP_UNIX;
	memset(&c.r.flow, 0, sizeof(c.r.flow));
	c.r.flow.netns = NETNS;
	c.r.peer = 10;
	strcpy(c.r.path, "/run/app.sock");
	tell(&c);
	SENDS(&c, "GET /unix HTTP/1.1\r\nHost: localhost\r\n\r\n");
	READS(&c, OK NONE);
	closes(&c, false);
	c = conn(11, CAP_ROLE_UNKNOWN, server);
	c.r.proto = CAP_UNIX;
	memset(&c.r.flow, 0, sizeof(c.r.flow));
	strcpy(c.r.path, "@abstract one");
	tell(&c);
	READS(&c, "GET /abstract HTTP/1.1\r\nHost: localhost\r\n\r\n");
	SENDS(&c, OK NONE);
}

static void mixed(void)
{
	static const char worker[] = "/usr/bin/app\0--listen\0:80";
	struct cap_start_rec s = start();
	struct who client, server, go, boxed;

	begin("mixed", &s);
	client = PROCESS(100, "curl", "curl\0-s\0http://server.example/echo");
	server = PROCESS(200, "nginx", "nginx: worker process");
	both_ends(client, server);
	go = PROCESS(300, "app", worker);
	go.tid = 305;
	go.thread = "iou-wrk-300";
	go.goid = 77;
	bodies(go);
	boxed = process(400, "python3", worker, sizeof(worker),
			"docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef."
			"scope");
	long_body(boxed);
	bodiless(client);
	pipelined(server);
	addresses(server, client);
	poll_ends(true);
	end();
}

/* --- odd ones */

static void anomalies(struct who server)
{
	static const char *const odd[] = {
		"POST /both HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /same HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: "
		"2\r\n\r\nok",
		"GET /lf HTTP/1.1\nHost: a\n\n",
		"GET /fold HTTP/1.1\r\nHost: a\r\nX-Long: one\r\n  two\r\n\tthree\r\n\r\n",
		"GET /space HTTP/1.1\r\nHost : a\r\n\r\n",
		"GET /control HTTP/1.1\r\nHost: a\r\nX-Bell: \a\x1b[31mred\r\n\r\n",
		"GET /static/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /%2e%2e/x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /line HTTP/1.1\r\nHost: a\r\nno colon here\r\n\r\n",
		"GET   /start  HTTP/1.1\r\nHost: a\r\n\r\n",
		"\r\n\r\nBREW /pot HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET /after HTTP/1.1\r\nHost: a\r\n\r\n",
	};
	struct conn c = told(1, CAP_ROLE_SERVER, server);

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		says(&c, CAP_RECV, odd[i], strlen(odd[i]));
		SENDS(&c, OK NONE);
	}
	closes(&c, false);
	/* Those where nobody knows what follows, on connections of their own */
	c = told(2, CAP_ROLE_SERVER, server);
	READS(&c, "POST /conflict HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
		  "Content-Length: 3\r\n\r\nabc");
	closes(&c, false);
	c = told(7, CAP_ROLE_SERVER, server);
	READS(&c, "POST /plus HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde");
	SENDS(&c, OK NONE);
	closes(&c, false);
	c = told(3, CAP_ROLE_SERVER, server);
	READS(&c,
	      "POST /coding HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\nabc");
	closes(&c, false);
	c = told(4, CAP_ROLE_SERVER, server);
	READS(&c, "POST /chunk HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "3\r\nabc\r\nzz\r\nabc");
	closes(&c, false);
}

/* A head of 80 headers, some in other words, and a long one; --max-header may cut it. */
static void long_head(struct who server)
{
	struct conn c = told(5, CAP_ROLE_SERVER, server);
	char line[64], wide[600];

	READS(&c, "GET /head HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 80; i++)
		says(&c, CAP_RECV, line,
		     snprintf(line, sizeof(line), "%c-Header-%d: %d\r\n", i & 1 ? 'x' : 'X', i % 40,
			      i));
	READS(&c, "X-Wide: .");
	for (size_t i = 0; i < sizeof(wide); i++)
		wide[i] = "\xe2\x82\xac"[i % 3];
	says(&c, CAP_RECV, wide, sizeof(wide));
	READS(&c, "\r\n\r\n");
	SENDS(&c, OK NONE);
	closes(&c, false);
}

static void hostile(void)
{
	static const char args[] = "\x1b]0;title\a\0\xff\xfe\0--x=\"y\"\0\xe2\x80\xae\0\n";
	struct who who = process(666, "e\x1b[31m\xff\"\\\n=", args, sizeof(args), "");
	struct conn c = conn(6, CAP_ROLE_SERVER, who);

	c.who.thread = "\xe2\x80\xa8 x";
	c.r.proto = CAP_UNIX;
	strcpy(c.r.path, "@\x1b[2J\xff \"=");
	tell(&c);
	READS(&c,
	      "G'\x7c^`T /\x1b[2J\"\\=\xff\xe2\x80\xa8 HTTP/1.1\r\n"
	      "Host: \"a\\b\"\xff\r\nX-\xc3\xa9: utf-8\r\nX-\xff: 1\r\nX-\xfe: 2\r\nX-\\xff: 3\r\n"
	      "x-\xff: 4\r\nConstructor: \xe2\x80\xae\xc2\x9b\r\nContent-Length: 59\r\n\r\n"
	      "\"quotes\" \\back\\ \x1b[31mred\x1b[0m\ttab\r\nline\xe2\x80\xa8 \xe2\x80\xae"
	      "line\rcr\bback\n\n");
	SENDS(&c, "HTTP/1.1 599 \x1b[31m\xff\r\nContent-Length: 12\r\nX-Nul: a\0b\r\n\r\n"
		  "a\0b\xff\xfe\x1b[2J\"\\\n");
	closes(&c, false);
}

static void odd(void)
{
	struct cap_start_rec s = start();
	struct who server;

	begin("odd", &s);
	server = PROCESS(200, "server", "server");
	anomalies(server);
	long_head(server);
	hostile();
	poll_ends(true);
	end();
}

/* --- secrets: each of them has "hide" in it */

static void secrets(void)
{
	struct cap_start_rec s = start();
	struct conn c;

	begin("secrets", &s);
	c = told(1, CAP_ROLE_CLIENT, PROCESS(100, "curl", "curl"));
	SENDS(&c, "GET http://user:hide1@host/a?x=1&token=hide2&y=2 HTTP/1.1\r\n"
		  "Host: host\r\nAuthorization: Basic aGlkZQ==hide3\r\n"
		  "Proxy-Authorization: Bearer hide4\r\nCookie: name=hide5; other=hide6\r\n"
		  "X-Api-Key: hide7\r\nX-Plain: shown\r\nX-Mine: hide8-if-asked\r\n"
		  "Referer: https://a/?mine=hide9-if-asked&X-Amz-Signature=hide10&z=3\r\n\r\n");
	READS(&c, OK "Set-Cookie: sid=hide11; Path=/; HttpOnly\r\nSet-Cookie: b=hide12\r\n"
		     "Location: /next?api_key=hide13\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "4\r\nbody\r\n0\r\nX-Auth-Token: hide14\r\n\r\n");
	/* Cut in the middle of one */
	SENDS(&c, "POST /b?password=hi");
	SENDS(&c, "de15 HTTP/1.1\r\nHost: host\r\nAuthor");
	SENDS(&c, "ization: hid");
	SENDS(&c, "e16\r\n folded-hide17\r\nContent-Length: 5\r\n\r\nshown");
	READS(&c, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"shown\"\r\n" NONE);
	closes(&c, false);
	poll_ends(true);
	end();
}

/* --- holes */

static void lost_bytes(struct who server)
{
	struct conn c = told(1, CAP_ROLE_SERVER, server);

	/* In a body whose length is known: framing goes on. */
	READS(&c, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n0123456789");
	lost(&c, CAP_RECV, 10);
	now += SEC;
	READS(&c, "abcdefghij");
	SENDS(&c, OK NONE);
	/* In a head: the place is lost, and found again at the next one. */
	READS(&c, "GET /head HTTP/1.1\r\nHo");
	lost(&c, CAP_RECV, 100);
	SENDS(&c, OK NONE);
	now += SEC;
	READS(&c, "GET /found HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK "Content-Length: 2\r\n\r\n/?");
	READS(&c, "GET /paired HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK "Content-Length: 6\r\n\r\npaired");
	closes(&c, false);
	now += SEC;
	/* At the end, where nothing comes after it */
	c = told(2, CAP_ROLE_SERVER, server);
	READS(&c, "POST /end HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n0123456789");
	lost(&c, CAP_RECV, 20);
	closes(&c, false);
	now += SEC;
}

static void unread(struct who server)
{
	struct conn c = told(3, CAP_ROLE_SERVER, server);
	char head[100];

	for (int cause = CAP_LIMIT; cause < CAP_CAUSES; cause++) {
		READS(&c, "GET /unread HTTP/1.1\r\nHost: a\r\n\r\n");
		says(&c, CAP_SEND, head,
		     snprintf(head, sizeof(head), OK "X-Cause: %d\r\nContent-Length: 25\r\n\r\n",
			      cause));
		moved(&c, CAP_SEND, "begin", 20, 5, cause);
		SENDS(&c, "-end-");
	}
	/* The head itself */
	READS(&c, "GET /head HTTP/1.1\r\nHost: a\r\n\r\n");
	moved(&c, CAP_SEND, OK "X-Fault", 80, 20, CAP_FAULT);
	READS(&c, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK NONE);
	closes(&c, false);
}

/* Bytes that come twice, and late */
static void disorder(struct who server)
{
	struct conn c = told(4, CAP_ROLE_SERVER, server);
	struct conn late;

	READS(&c, "GET /twice HTTP/1.1\r\n");
	c.at[CAP_RECV] -= 10;
	READS(&c, "HTTP/1.1\r\nHost: a\r\n");
	late = c;
	c.at[CAP_RECV] += strlen("X-In: 1\r\n");
	READS(&c, "X-Behind: 2\r\n\r\n");
	READS(&late, "X-In: 1\r\n");
	SENDS(&c, OK NONE);
	closes(&c, false);
}

/* Connections that were there before, and one that is there at the end */
static void unbounded(struct who server)
{
	struct conn c = conn(5, CAP_ROLE_UNKNOWN, server);

	c.r.flags = CAP_F_JOINED;
	tell(&c);
	READS(&c, "e end of a body that began before\r\n");
	SENDS(&c, OK "Content-Length: 5\r\n\r\nfirst");
	READS(&c, "GET /joined HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK "Content-Length: 6\r\n\r\njoined");
	READS(&c, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK "Content-Length: 4\r\n\r\nnext");
	/* Idle when it was joined, as far as one can tell */
	c = conn(7, CAP_ROLE_CLIENT, server);
	c.r.flags = CAP_F_JOINED;
	tell(&c);
	SENDS(&c, "GET /idle HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, OK NONE);
	closes(&c, false);
	/* The record that tells of it was lost. */
	c = conn(8, CAP_ROLE_CLIENT, server);
	READS(&c, "GET /unknown HTTP/1.1\r\nHost: a\r\n\r\n");
	SENDS(&c, OK NONE);
	closes(&c, false);
	/* No task record, no end: under way when the recording ends */
	c = conn(6, CAP_ROLE_CLIENT, (struct who){4321, 4322, "unknown", 0});
	tell(&c);
	SENDS(&c, "GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, OK "Content-Length: 100\r\n\r\nunder way");
}

static void holes(void)
{
	struct cap_start_rec s = start();
	struct who server;

	begin("holes", &s);
	server = PROCESS(200, "server", "server");
	lost_bytes(server);
	unread(server);
	disorder(server);
	unbounded(server);
	counts.missed = 3;
	counts.n[CAP_N_PEEKS] = 2;
	counts.n[CAP_N_NOT_HTTP] = 512;
	counts.n[CAP_N_RECEIVED] += 512;
	counts.n[CAP_N_CONNS_NOT_HTTP] = 1;
	counts.n[CAP_N_FILTERED] = 4;
	counts.n[CAP_N_SAMPLED] = 5;
	counts.n[CAP_N_NO_ENTRY] = 6;
	counts.n[CAP_N_CONNS_FULL] = 7;
	counts.hook_window_ns = SEC;
	counts.hooks = 20000;
	counts.hook_ns = 2 * MS;
	poll_ends(true);
	end();
}

/* --- other protocols */

static void others(void)
{
	/* A ClientHello for www.example.com, without what does not matter here */
	static const char hello[] =
		"\x16\x03\x01\x00\x47\x01\x00\x00\x43\x03\x03" /* record, handshake, version */
		"0123456789abcdef0123456789abcdef\x00" /* random, no session */
		"\x00\x02\x13\x01\x01\x00" /* one cipher, no compression */
		"\x00\x18\x00\x00\x00\x14\x00\x12\x00\x00\x0fwww.example.com";
	struct cap_start_rec s = start();
	struct who client, server;
	struct conn c;

	begin("others", &s);
	client = PROCESS(100, "curl", "curl");
	server = PROCESS(200, "server", "server");
	c = told(1, CAP_ROLE_CLIENT, client);
	says(&c, CAP_SEND, hello, sizeof(hello) - 1);
	READS(&c, "\x16\x03\x03\x00\x02\x02\x00");
	counts.n[CAP_N_CONNS_TLS]++;
	closes(&c, false);
	c = told(2, CAP_ROLE_CLIENT, client);
	SENDS(&c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0");
	counts.n[CAP_N_CONNS_HTTP2]++;
	closes(&c, false);
	c = told(3, CAP_ROLE_SERVER, server);
	READS(&c,
	      "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	SENDS(&c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		  "Upgrade: websocket\r\n\r\n\x81\x05hello");
	READS(&c, "\x81\x85mask!!!!!");
	closes(&c, false);
	c = told(4, CAP_ROLE_CLIENT, client);
	SENDS(&c, "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n");
	READS(&c, "HTTP/1.1 200 Connection established\r\n\r\n");
	SENDS(&c, "anything");
	closes(&c, false);
	/* What is not HTTP is told of by counts alone. */
	c = told(5, CAP_ROLE_CLIENT, client);
	SENDS(&c, "EHLO mail\r\n");
	READS(&c, "250 mail\r\n");
	counts.n[CAP_N_CONNS_NOT_HTTP]++;
	closes(&c, false);
	poll_ends(true);
	end();
}

/* --- nothing, and too little */

static void idle(const char *name, int missing)
{
	struct cap_start_rec s = start();

	s.backend = CAP_BE_TRACEPOINT;
	begin(name, &s);
	counts.n[CAP_N_SENT] = missing;
	now = START + 5 * SEC;
	poll_ends(false);
	now = START + 6 * SEC;
	poll_ends(true);
	end();
}

/* --- damage */

static void bad(const char *what, uint32_t type, const void *data, size_t len, bool started)
{
	struct cap_start_rec s = start();
	char name[64];

	snprintf(name, sizeof(name), "bad-%s", what);
	begin(name, started ? &s : NULL);
	put(type, data, len);
	end();
}

static void bad_conns(void)
{
	struct conn c = conn(1, CAP_ROLE_CLIENT, (struct who){});

	bad("size", CAP_REC_CONN, &c.r, sizeof(c.r) - 1, true);
	bad("order", CAP_REC_CONN, &c.r, sizeof(c.r), false);
	c.r.role = CAP_ROLES;
	bad("role", CAP_REC_CONN, &c.r, sizeof(c.r), true);
	c.r.role = CAP_ROLE_CLIENT;
	memset(c.r.path, 'x', sizeof(c.r.path));
	bad("path", CAP_REC_CONN, &c.r, sizeof(c.r), true);
	c = conn(0, CAP_ROLE_CLIENT, (struct who){});
	bad("id", CAP_REC_CONN, &c.r, sizeof(c.r), true);
}

static void bad_data(void)
{
	struct cap_data_rec r = {.type = CAP_REC_DATA, .id = 1, .len = 10, .captured = 10};

	bad("beyond", CAP_REC_DATA, &r, sizeof(r), true);
	r.captured = 0;
	bad("no-cause", CAP_REC_DATA, &r, sizeof(r), true);
	r.cause = CAP_CAUSES;
	bad("cause", CAP_REC_DATA, &r, sizeof(r), true);
	r.cause = CAP_LIMIT;
	r.dir = 2;
	bad("dir", CAP_REC_DATA, &r, sizeof(r), true);
}

static void damage(void)
{
	struct cap_start_rec s = start();
	struct cap_task_rec task = {.type = CAP_REC_TASK, .args_len = CAP_ARGS + 1};
	struct cap_end_rec over = {.type = CAP_REC_END, .id = 1, .dir = 2};
	struct cap_close_rec closed = {.type = CAP_REC_CLOSE, .id = 1, .reset = 2};
	struct cap_counts_rec last = {.now_ns = START, .last = 1};

	bad("type", 77, &s, 8, true);
	bad("again", CAP_REC_START, &s, sizeof(s), true);
	bad_conns();
	bad_data();
	bad("args", CAP_REC_TASK, &task, sizeof(task), true);
	bad("end", CAP_REC_END, &over, sizeof(over), true);
	bad("close", CAP_REC_CLOSE, &closed, sizeof(closed), true);
	begin("bad-poll", &s);
	put(CAP_REC_COUNTS, &last, sizeof(last));
	put(CAP_REC_COUNTS, &last, sizeof(last));
	end();
	s.backend = CAP_BACKENDS;
	bad("backend", CAP_REC_START, &s, sizeof(s), false);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: httpsniff-synth DIR\n");
		return 2;
	}
	dir = argv[1];
	mixed();
	odd();
	secrets();
	holes();
	others();
	idle("idle", 0);
	idle("unbalanced", 1);
	damage();
	return 0;
}
