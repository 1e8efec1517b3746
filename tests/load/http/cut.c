// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Case: messages whose sender closes before they are whole. */
#include "http.h"
#include "cases.h"

static void response_head(const char *one_header, const char *framing)
{
	get("/cut");
	response("200 OK");
	header("%s", one_header);
	head_end(framing);
}

static void response_length(void)
{
	response_head("Content-Length: 1000", "length");
	body("four", 4);
	cut_message();
}

static void response_huge(void)
{
	char *s = text_of(100000, 1);

	response_head("Content-Length: 5000000000", "length");
	body(s, 100000);
	cut_message();
	free(s);
}

static void response_chunked(void)
{
	response_head("Transfer-Encoding: chunked", "chunked");
	chunk("hello", 5, "");
	bytes("a\r\n", 3);
	body("wor", 3);
	cut_message();
}

static void response_last_chunk(void)
{
	response_head("Transfer-Encoding: chunked", "chunked");
	chunk("hello", 5, "");
	bytes("0\r\n", 3);
	cut_message();
}

static void response_in_head(void)
{
	get("/cut");
	response("200 OK");
	header("Content-Length: 5");
	bytes("X-Half", 6);
	cut_message();
}

static void request_length(void)
{
	request("POST /cut HTTP/1.1");
	header("Content-Length: 1000");
	head_end("length");
	body("four", 4);
	cut_message();
}

static void request_in_head(void)
{
	request("GET /cut HTTP/1.1");
	header("Host: load.example");
	bytes("X-Half", 6);
	cut_message();
}

static void request_unanswered(void)
{
	get("/unanswered");
}

static void response_empty(void)
{
	get("/until-close-with-nothing");
	response("200 OK");
	head_end("close");
	end_message();
}

static const struct {
	const char *name;
	void (*build)(void);
	int closer;
} cuts[] = {
	{"response-length", response_length, SERVER},
	{"response-huge", response_huge, SERVER},
	{"response-chunked", response_chunked, SERVER},
	{"response-last-chunk", response_last_chunk, SERVER},
	{"response-in-head", response_in_head, SERVER},
	{"response-empty", response_empty, SERVER},
	{"request-length", request_length, CLIENT},
	{"request-in-head", request_in_head, CLIENT},
	{"request-unanswered", request_unanswered, SERVER},
};

unsigned int count_cut(void)
{
	return sizeof(cuts) / sizeof(*cuts);
}

void build_cut(struct conn *c)
{
	c->name = cuts[c->id].name;
	c->closer = cuts[c->id].closer;
	cuts[c->id].build();
}
