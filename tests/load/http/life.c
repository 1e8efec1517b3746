// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Cases: births and deaths of connections, and tools that come in the middle. */
#include "http.h"
#include "cases.h"

static void ok(void)
{
	answer("200 OK", "ok\n", 3);
}

static void get_closing(const struct conn *c)
{
	request("GET /short/%u HTTP/1.1", c->id);
	header("Connection: close");
	head_end("none");
	end_message();
	go();
	response("200 OK");
	header("Connection: close");
	header("Content-Length: 3");
	head_end("length");
	body("ok\n", 3);
	end_message();
	go();
}

void build_short(struct conn *c)
{
	get_closing(c);
	c->closer = c->id % 2;
}

/* The server closes first: it keeps the TIME_WAIT, and the client's port is free. */
void build_reuse(struct conn *c)
{
	get_closing(c);
	c->closer = SERVER;
}

/* One turn, then nothing for a while on any of them, then one more. */
void build_idle(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		if (i && !c->id)
			pause_ms(CLIENT, opt.ms);
		get("/idle");
		ok();
	}
}

void build_blocked(struct conn *c)
{
	build_idle(c);
}

void build_halfclose(struct conn *c)
{
	char *s = text_of(opt.size, c->id);

	post("/halfclose", s, opt.size);
	shut(CLIENT);
	pause_ms(SERVER, opt.ms);
	answer("200 OK", s, opt.size);
	free(s);
}

void build_reset(struct conn *c)
{
	char *s = text_of(opt.size, c->id);

	get("/before");
	ok();
	request("POST /reset HTTP/1.1");
	header("Content-Length: %lld", (long long)opt.size * 2);
	head_end("length");
	body(s, opt.size);
	cut_message();
	go();
	reset_by(CLIENT);
	free(s);
}

void build_reset_server(struct conn *c)
{
	char *s = text_of(opt.size, c->id);

	get("/reset-server");
	response("200 OK");
	header("Content-Length: %lld", (long long)opt.size * 2);
	head_end("length");
	body(s, opt.size);
	cut_message();
	go();
	reset_by(SERVER);
	free(s);
}

/* --- the tool starts at the gate */
static void after(const struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		request("GET /after/%u/%lld HTTP/1.1", c->id, (long long)i);
		header("Host: load.example");
		head_end("none");
		end_message();
		go();
		ok();
	}
}

void build_midhead(struct conn *c)
{
	get("/before");
	ok();
	request("GET /midhead HTTP/1.1");
	header("Host: load.example");
	header("X-Other: 1");
	head_end("none");
	end_message();
	split_at(pending() - 20);
	gate();
	go();
	ok();
	after(c);
}

void build_midbody(struct conn *c)
{
	char *s = text_of(opt.size, c->id);

	request("POST /midbody HTTP/1.1");
	header("Content-Length: %lld", (long long)opt.size);
	head_end("length");
	body(s, opt.size);
	end_message();
	split_at(pending() - opt.size / 2);
	gate();
	go();
	ok();
	after(c);
	free(s);
}

void build_midresponse(struct conn *c)
{
	char *s = text_of(opt.size, c->id);

	get("/midresponse");
	response("200 OK");
	header("Transfer-Encoding: chunked");
	head_end("chunked");
	chunk(s, opt.size / 2, "");
	bytes("5\r\nhe", 5);
	go();
	gate();
	bytes("llo\r\n", 5);
	body_is("hello", 5);
	last_chunk("", 0);
	end_message();
	go();
	after(c);
	free(s);
}
