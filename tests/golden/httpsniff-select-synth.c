// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * httpsniff-select-synth DIR: writes DIR/httpsniff-select.rec, of what the filters and --dedupe
 * have to tell apart.
 */
#include "httpsniff-world.h"

#define OK   "HTTP/1.1 200 OK\r\n"
#define NONE "Content-Length: 0\r\n\r\n"

/* Both ends tell, the receiver first; and a message that the sender alone saw the beginning of. */
static void receiver_first(struct who client, struct who server)
{
	static const char ask[] = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
	struct conn c = told(1, CAP_ROLE_CLIENT, client);
	struct conn s = peer_of(&c, 2, server);

	READS(&s, ask);
	SENDS(&c, ask);
	READS(&c, OK NONE);
	SENDS(&s, OK NONE);
	SENDS(&c, "GET /cut HTTP/1.1\r\nHo");
	SENDS(&c, "st: a\r\n\r\n");
	lost(&s, CAP_RECV, 21);
	READS(&s, "st: a\r\n\r\n");
	now += SEC;
	SENDS(&s, OK NONE);
	READS(&c, OK NONE);
	closes(&c, false);
	closes(&s, false);
	now += SEC;
}

/* The same numbers again: too late, and then by the same end, for another connection. */
static void numbers_again(struct who client, struct who server)
{
	struct conn c = told(3, CAP_ROLE_CLIENT, client), s, again;

	SENDS(&c, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
	now += 31 * SEC;
	s = peer_of(&c, 4, server);
	s.at[CAP_RECV] = c.r.seq[CAP_SEND];
	READS(&s, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
	again = c;
	again.r.id = 5;
	memcpy(again.at, again.r.seq, sizeof(again.at));
	tell(&again);
	SENDS(&again, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
	closes(&c, true);
	closes(&s, true);
	closes(&again, true);
}

static struct conn unix_end(uint64_t id, uint64_t peer, uint8_t role, uint16_t flags,
			    struct who who)
{
	struct conn c = conn(id, role, who);

	c.r.proto = CAP_UNIX;
	memset(&c.r.flow, 0, sizeof(c.r.flow));
	c.r.flow.netns = NETNS;
	c.r.peer = peer;
	c.r.flags = flags;
	memset(c.r.seq, 0, sizeof(c.r.seq));
	memset(c.at, 0, sizeof(c.at));
	strcpy(c.r.path, "/run/app.sock");
	tell(&c);
	return c;
}

/* Both ends of unix sockets; of the second pair one was joined, and counts from elsewhere. */
static void unix_pairs(struct who client, struct who server)
{
	for (int i = 0; i < 2; i++) {
		uint64_t id = 10 + 2 * i;
		struct conn c = unix_end(id, id + 1, CAP_ROLE_CLIENT, 0, client);
		struct conn s = unix_end(id + 1, id, CAP_ROLE_SERVER, i ? CAP_F_JOINED : 0, server);

		SENDS(&c, "GET /unix HTTP/1.1\r\nHost: a\r\n\r\n");
		READS(&s, "GET /unix HTTP/1.1\r\nHost: a\r\n\r\n");
		SENDS(&s, OK NONE);
		READS(&c, OK NONE);
		closes(&c, false);
		closes(&s, false);
	}
}

/* Two ends whose records were lost: nobody knows that they are none of the same connection. */
static void unknown_ends(struct who client, struct who server)
{
	struct conn a = conn(20, CAP_ROLE_CLIENT, client), b = conn(21, CAP_ROLE_SERVER, server);

	a.at[CAP_SEND] = b.at[CAP_RECV] = 1;
	SENDS(&a, "GET /mine HTTP/1.1\r\nHost: a\r\n\r\n");
	READS(&b, "GET /yours HTTP/1.1\r\nHost: a\r\n\r\n");
	closes(&a, false);
	closes(&b, false);
}

static void requests(struct who server)
{
	static const struct {
		const char *ask;
		size_t len;
	} list[] = {
#define ASK(text) {text, sizeof(text) - 1}
		ASK("GET /static/js/app.js?v=1.css HTTP/1.1\r\nHost: API.Example:8080\r\n\r\n"),
		ASK("get /a\0b HTTP/1.1\r\nHost: api.example\r\n\r\n"),
		ASK("M-SEARCH /#/x.js HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
		ASK("GET http://user@b.example:81/x.js HTTP/1.1\r\n\r\n"),
		ASK("GET http://b.example?x.js HTTP/1.1\r\n\r\n"),
		ASK("GET /[x].js HTTP/1.1\r\nHost: \r\n\r\n"),
		ASK("GET / HTTP/1.0\r\n\r\n"),
		ASK("OPTIONS * HTTP/1.1\r\nHost: b.example\r\n\r\n"),
#undef ASK
	};
	struct conn c = told(30, CAP_ROLE_SERVER, server);

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		says(&c, CAP_RECV, list[i].ask, list[i].len);
		SENDS(&c, OK "Connection: keep-alive\r\n" NONE);
		now += 300 * MS;
	}
	READS(&c, "CONNECT proxied.example:443 HTTP/1.1\r\n\r\n");
	SENDS(&c, OK "\r\n");
	closes(&c, false);
}

static void statuses(struct who client)
{
	static const int list[] = {102, 199, 204, 299, 304, 404, 499, 503, 600, 999};
	struct conn c = told(31, CAP_ROLE_CLIENT, client);
	char answer[64];

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		SENDS(&c, "GET /status HTTP/1.1\r\nHost: a\r\n\r\n");
		says(&c, CAP_RECV, answer,
		     snprintf(answer, sizeof(answer), "HTTP/1.1 %d X\r\n" NONE, list[i]));
		if (list[i] < 200)
			READS(&c, OK NONE);
	}
	closes(&c, false);
}

int main(int argc, char **argv)
{
	struct cap_start_rec s = start();
	struct who client, server;

	if (argc != 2)
		return 2;
	dir = argv[1];
	begin("select", &s);
	client = PROCESS(100, "client", "client");
	server = PROCESS(200, "server", "server");
	receiver_first(client, server);
	numbers_again(client, server);
	unix_pairs(client, server);
	unknown_ends(client, server);
	requests(server);
	statuses(client);
	poll_ends(true);
	end();
	return 0;
}
