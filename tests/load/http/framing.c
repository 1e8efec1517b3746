// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Cases: all that says where a message ends. */
#include "http.h"
#include "cases.h"

static void ok(void)
{
	answer("200 OK", "ok\n", 3);
}

static void chunks(const char *s, size_t n)
{
	static const size_t sizes[] = {1, 15, 16, 17, 255, 256, 4096, 10000};
	static const char *const exts[] = {"", ";a", ";a=b", ";a=\"q;\\\"x\"", " ; spaced = 1", ""};
	size_t at = 0;

	for (unsigned int i = 0; at < n; i++) {
		size_t len = sizes[i % 8] < n - at ? sizes[i % 8] : n - at;
		char line[32];

		if (i % 8 == 2) { /* zeros in front, and capitals */
			snprintf(line, sizeof(line), "000%zX", len);
			chunk_sized(line, s + at, len);
		} else {
			chunk(s + at, len, exts[i % 6]);
		}
		at += len;
	}
}

void build_chunked(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		char *s = text_of(opt.size, i + c->id);

		request("POST /chunked/%lld HTTP/1.1", (long long)i);
		header("Transfer-Encoding: chunked");
		header("Trailer: X-Sum, X-More");
		head_end("chunked");
		chunks(s, opt.size);
		last_chunk("X-Sum: 12\r\nX-More: yes\r\n", 2);
		end_message();
		go();
		response("200 OK");
		header("transfer-encoding: Chunked");
		head_end("chunked");
		chunks(s, opt.size);
		last_chunk("", 0);
		end_message();
		go();
		free(s);
	}
}

void build_head(struct conn *c)
{
	(void)c;
	for (int64_t i = 0; i < opt.times; i++) {
		request("HEAD /head/%lld HTTP/1.1", (long long)i);
		header("Host: load.example");
		head_end("none");
		end_message();
		go();
		response("200 OK");
		if (i % 2)
			header("Transfer-Encoding: chunked");
		else
			header("Content-Length: 1234");
		head_end("none");
		end_message();
		go();
	}
}

void build_nobody(struct conn *c)
{
	(void)c;
	for (int64_t i = 0; i < opt.times; i++) {
		get("/nobody/204");
		response("204 No Content");
		head_end("none");
		end_message();
		go();
		get("/nobody/304");
		response("304 Not Modified");
		header("Content-Length: 1234");
		header("ETag: \"x\"");
		head_end("none");
		end_message();
		go();
		get("/nobody/empty");
		answer("200 OK", "", 0);
	}
}

static void interim(const char *status, bool with_header)
{
	response("%s", status);
	if (with_header)
		header("Link: </a.css>; rel=preload");
	head_end("none");
	end_message();
	go();
}

void build_continue(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		char *s = text_of(opt.size, i + c->id);

		request("PUT /continue/%lld HTTP/1.1", (long long)i);
		header("Expect: 100-continue");
		header("Content-Length: %lld", (long long)opt.size);
		head_end("length");
		go();
		response("100 Continue");
		head_end("none");
		end_message();
		go();
		resume(CLIENT);
		body(s, opt.size);
		end_message();
		go();
		ok();
		free(s);
	}
}

void build_hints(struct conn *c)
{
	(void)c;
	for (int64_t i = 0; i < opt.times; i++) {
		get("/hints");
		interim("102 Processing", false);
		interim("103 Early Hints", true);
		interim("103 Early Hints", true);
		ok();
	}
}

/* Kept alive by wish, then not. */
void build_http10(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		request("GET /http10/%lld HTTP/1.0", (long long)i);
		if (i < opt.times - 1)
			header("Connection: keep-alive");
		head_end("none");
		end_message();
		go();
		response("HTTP/1.0 200 OK");
		if (i < opt.times - 1) {
			header("Connection: keep-alive");
			header("Content-Length: 5");
		}
		head_end(i < opt.times - 1 ? "length" : "close");
		body("hello", 5);
		end_message();
		go();
	}
	c->closer = SERVER;
}

void build_until_close(struct conn *c)
{
	char *s = text_of(opt.size, c->id);

	get("/until-close");
	response("200 OK");
	header("Content-Type: text/plain");
	head_end("close");
	body(s, opt.size);
	end_message();
	split_at(pending() / 2);
	pause_ms(SERVER, opt.ms);
	go();
	c->closer = SERVER;
	free(s);
}

static void frame(int side, const char *s)
{
	unsigned char head[6] = {0x81, strlen(s), 1, 2, 3, 4};

	resume(side);
	if (side == CLIENT)
		head[1] |= 0x80;
	bytes(head, side == CLIENT ? 6 : 2);
	for (size_t i = 0; s[i]; i++) {
		char b = side == CLIENT ? s[i] ^ head[2 + i % 4] : s[i];

		bytes(&b, 1);
	}
	go();
}

static void switched(const char *to)
{
	request("GET /upgrade HTTP/1.1");
	header("Host: load.example");
	header("Connection: Upgrade");
	header("Upgrade: %s", to);
	head_end("none");
	end_message();
	go();
	response("101 Switching Protocols");
	header("Connection: Upgrade");
	header("Upgrade: %s", to);
	head_end("none");
	end_message();
	go();
}

void build_upgrade(struct conn *c)
{
	(void)c;
	get("/before");
	ok();
	switched("websocket");
	other(CLIENT, "upgrade", NULL);
	other(SERVER, "upgrade", NULL);
	for (int64_t i = 0; i < opt.times; i++) {
		frame(CLIENT, "hello, server");
		frame(SERVER, "GET /not-a-request HTTP/1.1\r\n\r\n");
	}
}

/* The upgrade that HTTP/2 had once: its frames follow the 101. */
void build_h2c(struct conn *c)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";

	(void)c;
	switched("h2c");
	other(SERVER, "upgrade", NULL);
	bytes("\0\0\0\4\0\0\0\0\0", 9);
	go();
	other(CLIENT, "upgrade", NULL);
	bytes(preface, sizeof(preface));
	go();
}

void build_connect(struct conn *c)
{
	(void)c;
	request("CONNECT far.example:443 HTTP/1.1");
	header("Host: far.example:443");
	head_end("none");
	end_message();
	go();
	response("200 Connection established");
	head_end("none");
	end_message();
	go();
	other(CLIENT, "tunnel", NULL);
	other(SERVER, "tunnel", NULL);
	for (int64_t i = 0; i < opt.times; i++) {
		resume(CLIENT);
		bytes("\x16\x03\x01 opaque\n", 11);
		go();
		resume(SERVER);
		bytes("HTTP/1.1 200 OK\r\n\r\n", 19);
		go();
	}
}

/* The answer comes when a third of the request has; the rest follows all the same. */
void build_early(struct conn *c)
{
	char *s = text_of(opt.size, c->id);

	request("POST /early HTTP/1.1");
	header("Content-Length: %lld", (long long)opt.size);
	head_end("length");
	body(s, opt.size);
	end_message();
	split_at(pending() / 3);
	answer("413 Payload Too Large", "too much\n", 9);
	resume(CLIENT);
	go();
	c->lockstep = true;
	free(s);
}

/* Cut where it is worst: each piece is read before the next one goes. */
void build_splits(struct conn *c)
{
	static const char *const at[] = {"G",	      "ET /spl", "its HTTP/1.1\r",
					 "\nHost: a", "\r",	 "\n\r"};

	for (int64_t i = 0; i < opt.times; i++) {
		request("GET /splits HTTP/1.1");
		header("Host: a");
		head_end("none");
		end_message();
		for (size_t j = 0; j < sizeof(at) / sizeof(*at); j++)
			split_at(strlen(at[j]));
		go();
		response("200 OK");
		header("Transfer-Encoding: chunked");
		head_end("chunked");
		split_at(pending() - 1);
		chunk("hello", 5, ";ext");
		last_chunk("A: b\r\n", 1);
		end_message();
		while (pending())
			split_at(1);
	}
	c->lockstep = true;
}
