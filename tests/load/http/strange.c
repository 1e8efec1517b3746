// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Cases: what is not HTTP/1, one to a connection, however much it may look like it. */
#include "http.h"
#include "cases.h"

#define TURNS 4
/* Turn by turn; the first of a pair is the client's. "" says nothing. */
static const struct {
	const char *name, *lines[TURNS];
} talks[] = {
	{"redis-inline", {"GET key\r\n", "$5\r\nvalue\r\n", "SET key HTTP/1.1\r\n", "+OK\r\n"}},
	{"redis", {"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", "$18\r\nGET / HTTP/1.1\r\n\r\n\r\n"}},
	{"memcached",
	 {"get k\r\n", "VALUE k 0 18\r\nGET / HTTP/1.1\r\n\r\n\r\nEND\r\n",
	  "set k 0 0 5\r\nhello\r\n", "STORED\r\n"}},
	{"memcached-delete", {"delete k\r\n", "NOT_FOUND\r\n"}},
	{"smtp",
	 {"", "220 mail.example ESMTP\r\n", "HELO load.example\r\n", "250 mail.example\r\n"}},
	{"pop3", {"", "+OK ready\r\n", "LIST\r\n", "+OK 0 messages\r\n.\r\n"}},
	{"sip",
	 {"OPTIONS sip:bob@sip.example SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nContent-Length: 0\r\n\r\n",
	  "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
	  "INVITE sip:bob@sip.example SIP/2.0\r\nContent-Length: 0\r\n\r\n",
	  "SIP/2.0 180 Ringing\r\nContent-Length: 0\r\n\r\n"}},
	{"rtsp",
	 {"OPTIONS rtsp://cam.example/1 RTSP/1.0\r\nCSeq: 1\r\n\r\n",
	  "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"}},
	{"icap",
	 {"REQMOD icap://icap.example/r ICAP/1.0\r\nHost: icap.example\r\n\r\n",
	  "ICAP/1.0 204 No Content\r\n\r\n"}},
	{"http09", {"GET /old\r\n", "<html>so it was</html>\n"}},
	{"get-only", {"GET ", ""}},
	{"ssh", {"", "SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-load\r\n", ""}},
	{"file", {"", "HTTP/1.1 is a protocol for hypertext.\nThis is a file about it.\n"}},
	{"file-put", {"PUT it there, said he.\n", ""}},
	{"gopher", {"/GET HTTP/1.1\r\n", "iinfo\tfake\tnull\t1\r\n.\r\n"}},
	{"json", {"{\"method\":\"GET\",\"path\":\"/ HTTP/1.1\"}\n", "{\"result\":1}\n"}},
};
#define TALKS (sizeof(talks) / sizeof(*talks))
enum { TLS_SNI = TALKS, TLS_SPLIT, TLS_NO_SNI, RANDOM, ZEROS, ONE_BYTE, SILENT, STRANGE };

unsigned int count_strange(void)
{
	return STRANGE;
}

static void say(int side, const void *p, size_t n)
{
	resume(side);
	bytes(p, n);
	go();
}

static void talk(const char *const *lines)
{
	bool begun[SIDES] = {};

	for (int i = 0; i < TURNS; i++) {
		int side = i % 2;

		if (!lines[i] || !lines[i][0])
			continue;
		if (!begun[side])
			other(side, "not-http", NULL);
		begun[side] = true;
		say(side, lines[i], strlen(lines[i]));
	}
}

/* --- TLS: records by hand (RFC 8446, 4.1.2, 5.1; RFC 6066, 3) */
static size_t hello(unsigned char *p, const char *sni)
{
	static const unsigned char versions[] = {0, 43, 0, 3, 2, 3, 4};
	size_t name = sni ? strlen(sni) : 0, ext = sizeof(versions) + (sni ? 9 + name : 0);
	size_t body_len = 2 + 32 + 1 + 4 + 2 + 2 + ext, at = 0;
	const unsigned char head[] = {
		22, 3, 1, (body_len + 4) >> 8, body_len + 4, 1, 0, body_len >> 8, body_len, 3, 3};
	const unsigned char middle[] = {0, 0, 2, 0x13, 1, 1, 0, ext >> 8, ext};
	const unsigned char server_name[] = {0, 0, 0, name + 5, 0, name + 3, 0, 0, name};

	memcpy(p, head, sizeof(head));
	at += sizeof(head);
	memset(p + at, 0x5a, 32); /* random */
	at += 32;
	memcpy(p + at, middle, sizeof(middle));
	at += sizeof(middle);
	if (sni) {
		memcpy(p + at, server_name, sizeof(server_name));
		at += sizeof(server_name);
		memcpy(p + at, sni, name);
		at += name;
	}
	memcpy(p + at, versions, sizeof(versions));
	return at + sizeof(versions);
}

static void tls(struct conn *c, const char *sni, bool split)
{
	static const unsigned char answer_record[] = {22, 3, 3, 0, 6, 2, 0, 0, 2, 3, 3};
	static const unsigned char secret[] = {23, 3, 3, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
	unsigned char p[512];
	size_t n = hello(p, sni);

	other(CLIENT, "tls", sni);
	bytes(p, n);
	if (split)
		split_at(50);
	c->lockstep = split;
	go();
	other(SERVER, "tls", NULL);
	say(SERVER, answer_record, sizeof(answer_record));
	for (int64_t i = 0; i < opt.times; i++) {
		say(CLIENT, secret, sizeof(secret));
		say(SERVER, secret, sizeof(secret));
	}
}

static void noise(const void *p, size_t n)
{
	other(CLIENT, "not-http", NULL);
	say(CLIENT, p, n);
	other(SERVER, "not-http", NULL);
	say(SERVER, p, n);
}

void build_strange(struct conn *c)
{
	static const char *const names[] = {"tls",   "tls-split", "tls-no-sni", "random",
					    "zeros", "one-byte",  "silent"};
	char *s;

	c->name = c->id < TALKS ? talks[c->id].name : names[c->id - TALKS];
	switch (c->id) {
	case TLS_SNI: tls(c, "load.example", false); break;
	case TLS_SPLIT: tls(c, "split.load.example", true); break;
	case TLS_NO_SNI: tls(c, NULL, false); break;
	case RANDOM:
		s = noise_of(100000, 5);
		noise(s, 100000);
		free(s);
		break;
	case ZEROS: noise(memset(alloca(5000), 0, 5000), 5000); break;
	case ONE_BYTE: noise("G", 1); break;
	case SILENT: break;
	default: talk(talks[c->id].lines);
	}
}

/* --- HTTP/2: preface, settings, and requests of static-table headers (RFC 9113, 3.4; RFC 7541, A) */
static void h2_frame(int side, int type, int flags, int stream, const void *p, size_t n)
{
	unsigned char head[9] = {n >> 16, n >> 8, n, type, flags, 0, 0, 0, stream};

	resume(side);
	bytes(head, 9);
	bytes(p, n);
}

void build_http2(struct conn *c)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	(void)c;
	other(CLIENT, "http2", NULL);
	bytes(preface, sizeof(preface) - 1);
	h2_frame(CLIENT, 4, 0, 0, "\0\3\0\0\0\x64", 6);
	go();
	other(SERVER, "http2", NULL);
	h2_frame(SERVER, 4, 0, 0, "", 0);
	h2_frame(SERVER, 4, 1, 0, "", 0);
	go();
	for (int64_t i = 0; i < opt.times; i++) {
		h2_frame(CLIENT, 1, 5, 2 * i + 1, "\x82\x86\x84\x41\x01h", 6); /* GET http / h */
		go();
		h2_frame(SERVER, 1, 4, 2 * i + 1, "\x88", 1); /* 200 */
		h2_frame(SERVER, 0, 1, 2 * i + 1, "hello", 5);
		go();
	}
}
