// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Framing: where messages end, each exchange in every segmentation. */
#include "unit/http1_t.h"

#define GET(t)	 "GET " t " HTTP/1.1\r\n\r\n"
#define OK(rest) "HTTP/1.1 200 OK\r\n" rest
#define OK0	 OK("Content-Length: 0\r\n\r\n")
#define CL(n)	 "Content-Length: " n "\r\n"
#define TE	 "Transfer-Encoding: chunked\r\n"
#define POST(h)	 "POST /p HTTP/1.1\r\n" h "\r\n"

struct sample {
	const char *name;
	struct step steps[STEPS];
	const char *want;
};

static const struct sample samples[] = {
	{"one", {C(GET("/a")), S(OK(CL("2") "\r\nhi"))}, "Q1 GET /a; q1; R1>1 200; r1=hi; "},
	{"HEAD",
	 {C("HEAD /a HTTP/1.1\r\n\r\n"), S(OK(CL("5") "\r\n")), C(GET("/b")), S(OK0)},
	 "Q1 HEAD /a; q1; R1>1 200; r1; Q2 GET /b; q2; R2>2 200; r2; "},
	{"204 and 304",
	 {C(GET("/a") GET("/b") GET("/c")),
	  S("HTTP/1.1 204 No\r\n" CL("5") "\r\nHTTP/1.1 304 Not\r\n" TE "\r\n" OK0)},
	 "Q1 GET /a; q1; Q2 GET /b; q2; Q3 GET /c; q3; R1>1 204; r1; R2>2 304; r2; R3>3 200; r3; "},
	{"100",
	 {C(POST("Expect: 100-continue\r\n" CL("3"))), S("HTTP/1.1 100 Continue\r\n\r\n"), C("abc"),
	  S(OK0)},
	 "Q1 POST /p; R1>1 100; r1; q1=abc; R2>1 200; r2; "},
	{"several 1xx",
	 {C(GET("/a")), S("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 102 P\r\n\r\n"), S(OK0)},
	 "Q1 GET /a; q1; R1>1 103; r1; R2>1 102; r2; R3>1 200; r3; "},
	{"101",
	 {C(GET("/ws")), S("HTTP/1.1 101 Switch\r\nUpgrade: websocket\r\n\r\n\x81\x01x"),
	  C("\x81\x81GET / HTTP/1.1\r\n\r\n"), END(0), END(1)},
	 "Q1 GET /ws; q1; R1>1 101; r1; O1 upgrade; "},
	{"CONNECT",
	 {C("CONNECT a:1 HTTP/1.1\r\n\r\n"), C("early"), S("HTTP/1.1 200 Go\r\n\r\nxyz"),
	  C("HTTP")},
	 "Q1 CONNECT a:1; q1; R1>1 200; r1; O1 tunnel; "},
	{"CONNECT refused",
	 {C("CONNECT a:1 HTTP/1.1\r\n\r\n"), S("HTTP/1.1 407 P\r\n" CL("1") "\r\nx"), C(GET("/a")),
	  S(OK0)},
	 "Q1 CONNECT a:1; q1; R1>1 407; r1=x; Q2 GET /a; q2; R2>2 200; r2; "},
	{"CONNECT with a body, refused before its end",
	 {C("CONNECT a:1 HTTP/1.1\r\n" CL("3") "\r\na"), S("HTTP/1.1 407 P\r\n" CL("0") "\r\n"),
	  C("bc" GET("/b")), S(OK0)},
	 "Q1 CONNECT a:1; R1>1 407; r1; q1=abc; Q2 GET /b; q2; R2>2 200; r2; "},
	{"CONNECT refused, too early",
	 {C("CONNECT a:1 HTTP/1.1\r\n\r\n"), C("ab\n"), S("HTTP/1.1 407 P\r\n" CL("0") "\r\n"),
	  C(GET("/a")), S(OK0)},
	 "Q1 CONNECT a:1; q1; R1>1 407; r1; S0 24+3; Q2 GET /a; q2; U2 gap; R2>- 200; r2; "},
	{"length and encoding",
	 {C(POST(CL("3") TE) "1\r\nx\r\n0\r\n\r\n"), S(OK0)},
	 "Q1 POST /p; q1=x [length-and-encoding]; R1>1 200; r1; "},
	{"equal lengths",
	 {C(POST(CL("3") CL("3")) "abc"), S(OK(CL("2, 2") "\r\nhi"))},
	 "Q1 POST /p; q1=abc [length-repeated]; R1>1 200; r1=hi [length-repeated]; "},
	{"unequal lengths",
	 {C(POST(CL("3") CL("4")) "abcd\n"), S("HTTP/1.1 400 Bad\r\n" CL("0") "\r\n"), C(GET("/a")),
	  S(OK0)},
	 "Q1 POST /p; q1 resync [length-conflict]; R1>1 400; r1; S0 58+5; Q2 GET /a; "
	 "q2; R2>2 200; r2; "},
	{"length +5",
	 {C(GET("/a")), S(OK(CL("+5") "\r\nhello"))},
	 "Q1 GET /a; q1; R1>1 200; r1 resync [bad-length]; S1 39+5; "},
	{"length empty", {C(POST(CL("")))}, "Q1 POST /p; q1 resync [bad-length]; U1 open; "},
	{"length of 20 digits",
	 {C(POST(CL("18446744073709551617")))},
	 "Q1 POST /p; q1 resync [bad-length]; U1 open; "},
	{"chunks",
	 {C(GET("/a")),
	  S(OK(TE "\r\n5;a=b;c=\"d\"\r\nhello\r\n00000000000000000006\r\n world\r\n0;x\r\n"
		  "A: b\r\nC:\t d \r\n\r\n") OK0)},
	 "Q1 GET /a; q1; R1>1 200; T1 A=b; T1 C=d; r1=hello world; R2>- 200; r2; "},
	{"chunked request",
	 {C(POST(TE) "A\r\n0123456789\r\n0\r\n\r\n" GET("/b")), S(OK0 OK0)},
	 "Q1 POST /p; q1=0123456789; Q2 GET /b; q2; R1>1 200; r1; R2>2 200; r2; "},
	{"chunk size of 17 digits",
	 {C(GET("/a")), S(OK(TE "\r\n10000000000000005\r\nhello"))},
	 "Q1 GET /a; q1; R1>1 200; r1 resync [bad-chunk]; S1 63+8; "},
	{"chunk sizes that are none",
	 {C(GET("/a")), S(OK(TE "\r\n0x5\r\nhello"))},
	 "Q1 GET /a; q1; R1>1 200; r1 resync [bad-chunk]; S1 48+9; "},
	{"chunk longer than its size",
	 {C(GET("/a")), S(OK(TE "\r\n3\r\nabcd\r\n0\r\n\r\n"))},
	 "Q1 GET /a; q1; R1>1 200; r1=abc resync [bad-chunk]; S1 53+8; "},
	{"chunks with bare LF",
	 {C(GET("/a")), S(OK(TE "\r\n3 \nabc\n0\r\n\r\n"))},
	 "Q1 GET /a; q1; R1>1 200; r1=abc [bare-lf]; "},
	{"a chunk ended by bare LF",
	 {C(GET("/a")), S(OK(TE "\r\n3\r\nabc\n0\r\n\r\n"))},
	 "Q1 GET /a; q1; R1>1 200; r1=abc [bare-lf]; "},
	{"CR in an extension",
	 {C(GET("/a")), S(OK(TE "\r\n3;a\rb\r\nabc\r\n0\r\r\n\r\n"))},
	 "Q1 GET /a; q1; R1>1 200; r1=abc [control-byte]; "},
	{"encodings",
	 {C(GET("/a")), S(OK("Transfer-Encoding: gzip,\r\nTransfer-Encoding: , Chunked\r\n\r\n"
			     "1\r\nx\r\n0\r\n\r\n"))},
	 "Q1 GET /a; q1; R1>1 200; r1=x; "},
	{"encoding that is not chunked, in a response",
	 {C(GET("/a")), S(OK("Transfer-Encoding: gzip\r\n" CL("1") "\r\nabc")), END(1)},
	 "Q1 GET /a; q1; R1>1 200; r1=abc [length-and-encoding,bad-encoding]; "},
	{"encoding that is not chunked, in a request",
	 {C(POST("Transfer-Encoding: chunked, gzip\r\n") "abc")},
	 "Q1 POST /p; q1 resync [bad-encoding]; S0 54+3; U1 open; "},
	{"encoding chunked twice",
	 {C(POST("Transfer-Encoding: chunked, chunked\r\n"))},
	 "Q1 POST /p; q1 resync [bad-encoding]; U1 open; "},
	{"encoding that is no word",
	 {C(POST("Transfer-Encoding: a b, chunked\r\n"))},
	 "Q1 POST /p; q1 resync [bad-encoding]; U1 open; "},
	{"encoding xchunked",
	 {C(POST("Transfer-Encoding: \vchunked\r\n"))},
	 "Q1 POST /p; q1 resync [bad-encoding,control-byte]; U1 open; "},
	{"until close",
	 {C(GET("/a")), S(OK("\r\nab")), S("cd"), END(1)},
	 "Q1 GET /a; q1; R1>1 200; r1=abcd; "},
	{"until reset",
	 {C(GET("/a")), S(OK("\r\nab")), RESET(1)},
	 "Q1 GET /a; q1; R1>1 200; r1=ab reset; "},
	{"empty lines",
	 {C("\r\n\r\n" GET("/a") "\r\n" GET("/b")), S(OK0 "\n" OK0)},
	 "S0 0+4; Q1 GET /a; q1; S0 23+2; Q2 GET /b; q2; R1>1 200; r1; S1 38+1; R2>2 200; r2; "},
	{"methods",
	 {C("get /a HTTP/1.1\r\n\r\nM-SEARCH * HTTP/1.1\r\n\r\nX GET HTTP/1.0\r\n\r\n"),
	  S(OK0 OK0 OK0)},
	 "Q1 get /a; q1; Q2 M-SEARCH *; q2; Q3 X GET; q3; R1>1 200; r1; R2>2 200; r2; R3>3 200; "
	 "r3; "},
	{"targets",
	 {C("GET http://host/x?y HTTP/1.1\r\n\r\nOPTIONS * HTTP/1.1\r\n\r\n"), S(OK0 OK0)},
	 "Q1 GET http://host/x?y; q1; Q2 OPTIONS *; q2; R1>1 200; r1; R2>2 200; r2; "},
	{"HTTP/0.9", {C("GET /\r\n"), S("<html>")}, "O1 unknown; "},
	{"HTTP/1.0 keep-alive",
	 {C("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
	  S("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CL("1") "\r\nx"),
	  C("GET /b HTTP/1.0\r\n\r\n"), S("HTTP/1.0 200 OK\r\n\r\nyz"), END(1)},
	 "Q1 GET /a; q1; R1>1 200; r1=x; Q2 GET /b; q2; R2>2 200; r2=yz; "},
	{"bytes after close",
	 {C("GET /a HTTP/1.1\r\nConnection: x, close\r\n\r\n" GET("/b")), S(OK0 OK0)},
	 "Q1 GET /a; q1; Q2 GET /b; q2 [after-close]; R1>1 200; r1; R2>2 200; r2; "},
	{"answer before the body ends",
	 {C(POST(CL("6")) "abc"), S("HTTP/1.1 413 Big\r\n" CL("0") "\r\n"), C("def" GET("/b")),
	  S(OK0)},
	 "Q1 POST /p; R1>1 413; r1; q1=abcdef; Q2 GET /b; q2; R2>2 200; r2; "},
	{"answer to half a head",
	 {C("GET /a HTTP/1.1\r\nCookie: aaaa"), S("HTTP/1.1 431 Big\r\n" CL("0") "\r\n"), RESET(0)},
	 "R1>1 431; r1; Q1 GET /a~; q1 reset; "},
	{"half-close",
	 {C(POST(CL("1")) "x"), END(0), S(OK(CL("1") "\r\ny")), END(1)},
	 "Q1 POST /p; q1=x; R1>1 200; r1=y; "},
	{"reset in a body",
	 {C(POST(CL("9")) "abc"), RESET(0)},
	 "Q1 POST /p; q1=abc reset; U1 reset; "},
	{"close in a head",
	 {C(GET("/a")), S("HTTP/1.1 200 OK\r\nA: b\r\n"), END(1)},
	 "Q1 GET /a; q1; R1>1 200~; r1 closed; U1 closed; "},
	{"close in a start-line", {C("GET /a HTT"), END(0)}, "S0 0+10; "},
	{"open at the end",
	 {C(GET("/a") POST(CL("9")) "abc")},
	 "Q1 GET /a; q1; Q2 POST /p; q2=abc open; U1 open; U2 open; "},
	{"bytes after the end",
	 {C(GET("/a")), END(0), C("xyz")},
	 "Q1 GET /a; q1; U1 open; S0 19+3; "},
	{"skipped body",
	 {C(GET("/a")), S(OK(CL("9") "\r\nab")), SKIP(1, 5), S("yz"), C(GET("/b")),
	  S(OK(TE "\r\n4\r\n")), SKIP(1, 4), S("\r\n0\r\n\r\n"), C(GET("/c")),
	  S(OK(CL("3") "\r\n")), SKIP(1, 3)},
	 "Q1 GET /a; q1; R1>1 200; r1=ab<5>yz; Q2 GET /b; q2; R2>2 200; r2=<4>; Q3 GET /c; q3; "
	 "R3>3 200; r3=<3>; "},
	{"lost in a body",
	 {C(GET("/a")), S(OK(CL("9") "\r\nab")), LOST(1, 7), C(GET("/b")), S(OK0)},
	 "Q1 GET /a; q1; R1>1 200; r1=ab<7> gap -7; Q2 GET /b; q2; R2>2 200; r2; "},
	{"lost until close",
	 {C(GET("/a")), S(OK("\r\nab")), LOST(1, 0), S("c"), END(1)},
	 "Q1 GET /a; q1; R1>1 200; r1=abc gap; "},
	{"HTTP/2", {C("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), S("\0\0\0\4\0\0\0\0\0")}, "O0 http2; "},
	{"redis", {C("GET k\r\n"), S("$1\r\nv\r\n")}, "O1 unknown; "},
	{"memcached", {C("get k\r\n"), S("VALUE k 0 1\r\n")}, "O1 unknown; "},
	{"SMTP", {S("220 hi\r\n"), C("EHLO x\r\n")}, "O0 unknown; "},
	{"SIP", {C("INVITE sip:a SIP/2.0\r\n\r\n"), END(0), END(1)}, "O0 unknown; "},
	{"RTSP",
	 {C("OPTIONS rtsp://a RTSP/1.0\r\n\r\n"), S("RTSP/1.0 200 OK\r\n")},
	 "O1 unknown; "},
	{"bytes", {C("\0\1\2\3"), S("\xff\xfe")}, "O1 unknown; "},
	{"a method for ever",
	 {C("GETTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT"), END(0)},
	 "O0 unknown; "},
	{"a banner, then HTTP",
	 {S("hello\r\n"), C(GET("/a")), S(OK0), C(GET("/b")), S(OK0)},
	 "Q1 GET /a; q1; U1 gap; S1 0+7; R1>- 200; r1; Q2 GET /b; q2; R2>2 200; r2; "},
	{"garbage between",
	 {C(GET("/a")), S(OK0 "garbage\r\n" OK0)},
	 "Q1 GET /a; q1; R1>1 200; r1; S1 38+9; R2>- 200; r2; "},
	{"bare LF everywhere",
	 {C("GET /a HTTP/1.1\nA: b\n\n"), S("HTTP/1.1 200 OK\nContent-Length: 1\n\nx")},
	 "Q1 GET /a; q1 [bare-lf]; R1>1 200; r1=x [bare-lf]; "},
	{"odd start-lines",
	 {C("GET  /a b\t HTTP/1.1  \r\n\r\n"), S("HTTP/1.1  200\r\n" CL("0") "\r\n")},
	 "Q1 GET /a b; q1 [odd-start]; R1>1 200; r1 [odd-start]; "},
	{"responses without requests", {S(OK0 OK0)}, "R1>- 200; r1; R2>- 200; r2; "},
};

static const char hello[] =
	"\x16\x03\x01\x00\x47\x01\x00\x00\x43\x03\x03"
	"0123456789abcdef0123456789abcdef"
	"\x00\x00\x02\x13\x01\x01\x00\x00\x18\x00\x2b\x00\x03\x02\x03\x04\x00\x00\x00\x0d\x00\x0b"
	"\x00\x00\x08host.tld";

static void test_tls(struct http1_parser *p)
{
	struct step s[] = {{OP_DATA, 0, hello, sizeof(hello) - 1}, S("\x16\x03\x03"), {0}};

	check_steps("ClientHello", p, s, -1, false, "O0 tls host.tld; ");
	check_steps("ClientHello, joined", p, s, -1, true, "O0 tls host.tld; ");
	s[0].n = 30;
	s[1] = (struct step)END(0);
	check_steps("half a ClientHello", p, s, -1, false, "O0 tls; ");
	s[0] = (struct step)C("\x17\x03\x03\x00\x10...");
	check_steps("TLS, joined", p, s, -1, true, "O0 tls; ");
	s[0] = (struct step)C("\x16\x03\x07...");
	check_steps("no TLS", p, s, -1, false, "O0 unknown; ");
}

static void test_idle(struct http1_parser *p)
{
	struct told t = {0};
	struct http1 *c = http1_open(p, &t, -1, false);

	T_EQ(http1_client(c), -1);
	T_EQ(http1_data(c, 1, GET("/a"), 19, 1), 0);
	T_EQ(http1_client(c), 1);
	T_EQ(http1_waiting(c), 1);
	http1_free(c);
	http1_free(NULL);
	http1_delete(NULL);
}

int main(void)
{
	struct http1_parser *p = http1_new(&told_ops, NULL);

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		check_steps(samples[i].name, p, samples[i].steps, -1, false, samples[i].want);
	test_tls(p);
	test_idle(p);
	http1_delete(p);
	return t_done();
}
