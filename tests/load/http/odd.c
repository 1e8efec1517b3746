// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Case: anomalies, one to a connection. What a strict reader makes of each is in RFC 9112 (6.3 for
 * lengths, 5.1, 5.2 and 2.2 for lines); how the place is lost is as common/http1.h has it.
 */
#include "http.h"
#include "cases.h"

#define L(s)	  s, sizeof(s) - 1
#define REQ(url)  "POST " url " HTTP/1.1\r\nHost: h\r\n"
#define GET_(url) "GET " url " HTTP/1.1\r\nHost: h\r\n"
#define RES	  "HTTP/1.1 200 OK\r\n"
#define CHUNKED	  "Transfer-Encoding: chunked\r\n\r\n"

/*
 * body: what the message's is; wire: what stands for it on the wire (NULL: itself); rest: what
 * follows in no message.
 */
static const struct {
	const char *name, *head;
	size_t len;
	const char *framing, *anomalies, *body, *wire, *rest, *before;
	bool cut;
} requests[] = {
	{"both", L(REQ("/both") "Content-Length: 5\r\n" CHUNKED), "chunked", "length-and-encoding",
	 .body = "hello", .wire = "5\r\nhello\r\n0\r\n\r\n"},
	{"same-length-twice", L(REQ("/twice") "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	 "length", "length-repeated", .body = "hello"},
	{"length-list", L(REQ("/list") "Content-Length: 5, 5\r\n\r\n"), "length", "length-repeated",
	 .body = "hello"},
	{"lengths-differ", L(REQ("/differ") "Content-Length: 5\r\nContent-Length: 7\r\n\r\n"),
	 "unknown", "length-conflict", .body = "", .rest = "hello"},
	{"length-plus", L(REQ("/plus") "Content-Length: +5\r\n\r\n"), "unknown", "bad-length",
	 .body = "", .rest = "hello"},
	{"length-minus", L(REQ("/minus") "Content-Length: -1\r\n\r\n"), "unknown", "bad-length",
	 .body = "", .rest = "hello"},
	{"length-hex", L(REQ("/hex") "Content-Length: 0x5\r\n\r\n"), "unknown", "bad-length",
	 .body = "", .rest = "hello"},
	{"length-empty", L(REQ("/empty") "Content-Length:\r\n\r\n"), "unknown", "bad-length",
	 .body = "", .rest = "hello"},
	{"length-huge", L(REQ("/huge") "Content-Length: 99999999999999999999\r\n\r\n"), "unknown",
	 "bad-length", .body = "", .rest = "hello"},
	{"encoding-not-chunked", L(REQ("/gzip") "Transfer-Encoding: gzip\r\n\r\n"), "unknown",
	 "bad-encoding", .body = "", .rest = "hello"},
	{"encoding-chunked-first", L(REQ("/first") "Transfer-Encoding: chunked, gzip\r\n\r\n"),
	 "unknown", "bad-encoding", .body = "", .rest = "hello"},
	{"encoding-twice", L(REQ("/twice") "Transfer-Encoding: chunked, chunked\r\n\r\n"),
	 "unknown", "bad-encoding", .body = "", .rest = "5\r\nhello\r\n0\r\n\r\n"},
	{"encoding-gzip-chunked", L(REQ("/ok") "Transfer-Encoding: gzip, chunked\r\n\r\n"),
	 "chunked", "", .body = "hello", .wire = "5\r\nhello\r\n0\r\n\r\n"},
	{"bare-lf", L("POST /lf HTTP/1.1\nHost: h\nContent-Length: 5\n\n"), "length", "bare-lf",
	 .body = "hello"},
	{"one-bare-lf", L("POST /lf HTTP/1.1\r\nHost: h\nContent-Length: 5\r\n\r\n"), "length",
	 "bare-lf", .body = "hello"},
	{"bare-lf-chunks", L(REQ("/lf-chunks") CHUNKED), "chunked", "bare-lf", .body = "hello",
	 .wire = "5\nhello\n0\n\n"},
	{"obs-fold", L(GET_("/fold") "X-Long: one\r\n two\r\n\tthree\r\n\r\n"), "none", "obs-fold",
	 .body = ""},
	{"space-before-colon", L(REQ("/space") "Content-Length : 5\r\n\r\n"), "length",
	 "space-before-colon", .body = "hello"},
	{"control-in-value", L(GET_("/control") "X-C: a\001b\r\n\r\n"), "none", "control-byte",
	 .body = ""},
	{"nul-in-value", L(GET_("/nul") "X-C: a\0b\r\n\r\n"), "none", "control-byte", .body = ""},
	{"cr-in-value", L(GET_("/cr") "X-C: a\rb\r\n\r\n"), "none", "control-byte", .body = ""},
	{"escape-in-url", L(GET_("/e\033[31m") "\r\n"), "none", "control-byte", .body = ""},
	{"traversal", L(GET_("/a/../../etc/passwd") "\r\n"), "none", "path-traversal", .body = ""},
	{"traversal-encoded", L(GET_("/a/%2e%2E/etc/passwd") "\r\n"), "none", "path-traversal",
	 .body = ""},
	{"traversal-slash", L(GET_("/a/..%2fetc") "\r\n"), "none", "path-traversal", .body = ""},
	{"traversal-twice", L(GET_("/a/%252e%252e%252fetc") "\r\n"), "none", "path-traversal",
	 .body = ""},
	{"no-traversal", L(GET_("/a..b/c../...") "\r\n"), "none", "", .body = ""},
	{"no-colon", L(GET_("/no-colon") "what is this\r\n\r\n"), "none", "bad-line", .body = ""},
	{"no-name", L(GET_("/no-name") ": value\r\n\r\n"), "none", "bad-line", .body = ""},
	{"odd-name", L(GET_("/odd-name") "X{Y}: value\r\n\r\n"), "none", "bad-line", .body = ""},
	{"two-spaces", L("GET  /two HTTP/1.1\r\nHost: h\r\n\r\n"), "none", "odd-start", .body = ""},
	{"space-at-end", L("GET /end HTTP/1.1 \r\nHost: h\r\n\r\n"), "none", "odd-start",
	 .body = ""},
	{"empty-lines-before", L(GET_("/lines") "\r\n"), "none", "", .body = "",
	 .before = "\r\n\r\n"},
	{"bad-chunk-size", L(REQ("/size") CHUNKED), "chunked", "bad-chunk", .body = "hello",
	 .wire = "5\r\nhello\r\n", .rest = "xyz\r\n", .cut = true},
	{"chunk-too-long", L(REQ("/long") CHUNKED), "chunked", "bad-chunk", .body = "hello",
	 .wire = "5\r\nhello", .rest = "world\r\n0\r\n\r\n", .cut = true},
	{"chunk-17-digits", L(REQ("/17") CHUNKED), "chunked", "bad-chunk", .body = "hello",
	 .wire = "5\r\nhello\r\n1000000000000000", .rest = "5\r\nhello\r\n0\r\n\r\n", .cut = true},
	{"chunk-zeros", L(REQ("/zeros") CHUNKED), "chunked", "", .body = "hello",
	 .wire = "00000000000000000000005\r\nhello\r\n000\r\n\r\n"},
	{"control-in-extension", L(REQ("/ext") CHUNKED), "chunked", "control-byte", .body = "hello",
	 .wire = "5;a=\001\r\nhello\r\n0\r\n\r\n"},
	{"lower-case-method", L("get /lower HTTP/1.1\r\nHost: h\r\n\r\n"), "none", "", .body = ""},
	{"no-headers", L("GET /none HTTP/1.1\r\n\r\n"), "none", "", .body = ""},
	{"several", L("GET  /../several HTTP/1.1\nX : a\n b\n\n"), "none",
	 "bare-lf,obs-fold,odd-start,path-traversal,space-before-colon", .body = ""},
};

static const struct {
	const char *name, *head;
	size_t len;
	const char *framing, *anomalies, *body, *wire;
} responses[] = {
	{"r-both", L(RES "Content-Length: 5\r\n" CHUNKED), "chunked", "length-and-encoding",
	 .body = "hello", .wire = "5\r\nhello\r\n0\r\n\r\n"},
	{"r-bare-lf", L("HTTP/1.1 200 OK\nContent-Length: 5\n\n"), "length", "bare-lf",
	 .body = "hello"},
	{"r-obs-fold", L(RES "X-Long: one\r\n two\r\nContent-Length: 5\r\n\r\n"), "length",
	 "obs-fold", .body = "hello"},
	{"r-two-spaces", L("HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\n"), "length", "odd-start",
	 .body = "hello"},
	{"r-no-reason", L("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n"), "length", "",
	 .body = "hello"},
	{"r-empty-reason", L("HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n"), "length", "",
	 .body = "hello"},
	{"r-encoding-not-chunked", L(RES "Transfer-Encoding: gzip\r\n\r\n"), "close",
	 "bad-encoding", .body = "hello"},
	{"r-control-in-reason", L("HTTP/1.1 200 O\033K\r\nContent-Length: 5\r\n\r\n"), "length",
	 "control-byte", .body = "hello"},
	{"r-lengths-differ", L(RES "Content-Length: 5\r\nContent-Length: 7\r\n\r\n"), "unknown",
	 "length-conflict", .body = ""},
	{"r-repeated-headers",
	 L(RES "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\n"
	       "Content-Length: 5\r\n\r\n"),
	 "length", "", .body = "hello"},
};

#define REQUESTS  (sizeof(requests) / sizeof(*requests))
#define RESPONSES (sizeof(responses) / sizeof(*responses))

unsigned int count_odd(void)
{
	return REQUESTS + RESPONSES + 1;
}

static void contents(const char *plain, const char *wire)
{
	if (!wire) {
		body(plain, strlen(plain));
		return;
	}
	body_is(plain, strlen(plain));
	bytes(wire, strlen(wire));
}

static void odd_request(struct conn *c, unsigned int i)
{
	c->name = requests[i].name;
	if (requests[i].before) {
		other(CLIENT, "skipped", NULL);
		bytes(requests[i].before, strlen(requests[i].before));
	}
	resume(CLIENT);
	raw_head(requests[i].head, requests[i].len, requests[i].framing, requests[i].anomalies);
	contents(requests[i].body, requests[i].wire);
	if (requests[i].cut)
		cut_message();
	else
		end_message();
	if (requests[i].rest) {
		other(CLIENT, "skipped", NULL);
		bytes(requests[i].rest, strlen(requests[i].rest));
		end_message();
	}
	go();
	answer("200 OK", "ok\n", 3);
}

static void odd_response(struct conn *c, unsigned int i)
{
	c->name = responses[i].name;
	request("GET /%s HTTP/1.1", responses[i].name);
	header("Host: h");
	head_end("none");
	end_message();
	go();
	resume(SERVER);
	raw_head(responses[i].head, responses[i].len, responses[i].framing, responses[i].anomalies);
	contents(responses[i].body, responses[i].wire);
	end_message();
	go();
	c->closer = SERVER;
}

/* Another request where the one before said that it was the last. */
static void after_close(struct conn *c)
{
	c->name = "after-close";
	request("GET /last HTTP/1.1");
	header("Connection: close");
	head_end("none");
	end_message();
	go();
	answer("200 OK", "ok\n", 3);
	request("GET /one-more HTTP/1.1");
	head_end("none");
	odd("after-close");
	end_message();
	go();
	answer("200 OK", "ok\n", 3);
}

void build_odd(struct conn *c)
{
	if (c->id < REQUESTS)
		odd_request(c, c->id);
	else if (c->id < REQUESTS + RESPONSES)
		odd_response(c, c->id - REQUESTS);
	else
		after_close(c);
}
