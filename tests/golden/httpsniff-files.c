// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * httpsniff-files DIR: writes DIR/httpsniff-files.rec, of what --har and --pcapng make a difference
 * of. It is too large to be kept, so httpsniff-files.sh makes it.
 */
#include "httpsniff-world.h"

#define OK   "HTTP/1.1 200 OK\r\n"
#define NONE "Content-Length: 0\r\n\r\n"

static char text[300000];

/* Both ends hear of it, the sender first or last. */
static void both(struct conn *from, struct conn *to, const char *data, size_t len, bool late)
{
	if (late)
		says(to, CAP_RECV, data, len);
	says(from, CAP_SEND, data, len);
	if (!late)
		says(to, CAP_RECV, data, len);
}

static void exchange(struct conn *c, struct conn *s, int i, bool late)
{
	int len = snprintf(text, sizeof(text),
			   "GET /both/%d HTTP/1.1\r\nHost: bad host<%d>\r\n\r\n", i, i);

	both(c, s, text, len, late);
	len = sprintf(text, "HTTP/1.1 20%d Both\r\nContent-Length: 40000\r\n\r\n", i);
	memset(text + len, 'a' + i, 40000);
	both(s, c, text, len + 40000, late);
}

/* Sequence numbers wrap; what the server's end could not read, the client's can. */
static void two_ends(struct who client, struct who server)
{
	struct conn c = conn(1, CAP_ROLE_CLIENT, client), s;
	int len;

	c.r.flow.family = 6;
	c.r.flow.local[0] = c.r.flow.remote[0] = 0;
	c.r.flow.local[1] = c.r.flow.remote[1] = 1ULL << 56;
	c.r.flow.remote_port = 8080;
	c.r.seq[0] = c.at[0] = -20;
	c.r.seq[1] = c.at[1] = -50000;
	tell(&c);
	s = peer_of(&c, 2, server);
	for (int i = 0; i < 3; i++)
		exchange(&c, &s, i, i == 1);
	len = sprintf(text, "GET /sendfile HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n");
	both(&c, &s, text, len, false);
	len = sprintf(text, "HTTP/1.1 206 Sent\r\nContent-Length: 50000\r\n\r\n");
	memset(text + len, 's', 50000);
	moved(&s, CAP_SEND, text, len + 50000, len, CAP_SENDFILE);
	says(&c, CAP_RECV, text, len + 50000);
	exchange(&c, &s, 3, false);
	closes(&c, false);
	closes(&s, false);
}

static void unix_ends(struct who client, struct who server)
{
	struct conn c = conn(3, CAP_ROLE_CLIENT, client), s;

	c.r.proto = CAP_UNIX;
	memset(&c.r.flow, 0, sizeof(c.r.flow));
	c.r.seq[0] = c.at[0] = c.r.seq[1] = c.at[1] = 0;
	strcpy(c.r.path, "/run/\x1b[31m app.sock");
	c.r.peer = 3;
	s = peer_of(&c, 4, server);
	c.r.peer = 4;
	c.r.role = CAP_ROLE_UNKNOWN;
	tell(&c);
	exchange(&c, &s, 5, true);
	closes(&s, false);
	closes(&c, false);
}

/* More than --max-body takes, and so much that the sequence numbers seem to go back */
static void large(struct who client)
{
	struct conn c = told(5, CAP_ROLE_CLIENT, client);
	int len = sprintf(text, OK "Content-Type: text/plain\r\nContent-Length: 200000\r\n\r\n");

	for (int i = 0; i < 200000; i++)
		text[len + i] = 'A' + i % 61 % 26;
	SENDS(&c, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
	says(&c, CAP_RECV, text, 90000);
	now += SEC;
	says(&c, CAP_RECV, text + 90000, len + 200000 - 90000);
	SENDS(&c, "GET /3G HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, OK "Content-Length: 3221225472\r\n\r\n");
	for (int i = 0; i < 3; i++)
		moved(&c, CAP_RECV, text, 1 << 30, i ? 0 : 1000, CAP_LIMIT);
	SENDS(&c, "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&c, "HTTP/1.1 404 Behind\r\n" NONE);
	closes(&c, false);
}

/* Requests and responses without each other, or in another order */
static void halves(struct who server)
{
	struct conn c = told(6, CAP_ROLE_SERVER, server);

	READS(&c, "POST /early HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
	SENDS(&c, "HTTP/1.1 413 Early\r\n" NONE);
	now += 7 * MS;
	READS(&c, "defghij");
	READS(&c, "POST /cut HTTP/1.1\r\nContent-Length: 10\r\n\r\n\xff\x00z");
	ends(&c, CAP_RECV);
	closes(&c, false);
	c = conn(7, CAP_ROLE_SERVER, server);
	c.r.flags = CAP_F_JOINED;
	tell(&c);
	READS(&c, "tail\r\n");
	SENDS(&c, "HTTP/1.1 203 Alone\r\nContent-Length: 1\r\n\r\n1");
	READS(&c, "GET /never HTTP/1.0\r\n\r\n");
	closes(&c, true);
}

static void targets(struct who client)
{
	static const char *const odd[][2] = {
		{"GET /", "xn--0.example"},
		{"GET /a", "1.2.3.256"},
		{"GET /b", "a:65536"},
		{"GET /c", "[::1"},
		{"GET /d", "ok.example:81"},
		{"GET http://a b\\@x/", "x"},
		{"GET http://u:p@x:8/?q", ""},
		{"OPTIONS *", "star.example"},
		{"CONNECT far:443", "far"},
		{"GET foo://a/b", "c"},
		{"GET /?a=%41+b&c&=d&%zz#f", "[2001:db8::1]:80"},
	};
	struct conn c = told(8, CAP_ROLE_CLIENT, client);

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		says(&c, CAP_SEND, text,
		     sprintf(text, "%s HTTP/1.1\r\nHost: %s\r\n\r\n", odd[i][0], odd[i][1]));
		READS(&c, "HTTP/1.1 404 Odd\r\n" NONE);
	}
	SENDS(&c, "GET /cookies HTTP/1.1\r\nHost: a\r\nCookie: a=1; b = 2;; c\r\n\r\n");
	READS(&c, OK "Set-Cookie: a=b=c; path=/x; Path=/y; Expires=Wed, 21 Oct 2026 07:28:00 GMT; "
		     "HttpOnly; Max-Age=1\r\nSet-Cookie: n; Expires=never; SameSite=Lax; Secure\r\n"
		     "Location: /to\r\n" NONE);
	closes(&c, false);
}

int main(int argc, char **argv)
{
	struct cap_start_rec s = start();
	struct who client, server;

	if (argc != 2)
		return 2;
	dir = argv[1];
	begin("files", &s);
	client = PROCESS(100, "cu rl\"", "curl\0-s");
	server = process(200, "nginx", "nginx", 6,
			 "docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef."
			 "scope");
	two_ends(client, server);
	unix_ends(client, server);
	large(client);
	halves(server);
	targets(client);
	poll_ends(true);
	end();
	return 0;
}
