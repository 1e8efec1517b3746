# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Conversations, written down: who says what. Kinds of them, each as (name, step, ...)."""
END = "end"  # of what one side sends
RESET = "reset"


def message(start, headers, body):
    lines = [start if isinstance(start, bytes) else start.encode("latin-1")]
    lines += [h if isinstance(h, bytes) else h.encode("latin-1") for h in headers]
    body = body if isinstance(body, bytes) else body.encode("latin-1")
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def C(start, *headers, body=""):
    """What the client sends: a request of HTTP/1.1 with a Host, if it is not said otherwise."""
    if "HTTP/" not in start:
        start += " HTTP/1.1"
    return "c", message(start, ("Host: h",) + headers, body)


def S(start, *headers, body=""):
    return "s", message("HTTP/1.1 " + start, headers, body)


OK = S("200 OK", "Content-Length: 2", body="ok")
CHUNKED = "Transfer-Encoding: chunked"


def raw(side, data):
    return side, data if isinstance(data, bytes) else data.encode("latin-1")


def length(n):
    return "Content-Length: %d" % n


def plain():
    """Framing as everybody agrees on it."""
    yield "get", C("GET /"), OK
    yield "keep-alive", C("GET /1"), OK, C("GET /2"), OK, C("GET /3"), OK
    yield "post", C("POST /p", length(5), body="hello"), S("201 Created", length(0))
    yield "two-in-one", raw("c", C("GET /1")[1] + C("GET /2")[1]), raw("s", OK[1] + OK[1])
    yield ("ten-pipelined", *[C("GET /%d" % i) for i in range(10)],
           *[S("200 OK", length(i), body="x" * i) for i in range(10)])
    yield ("one-and-a-half", C("GET /1"), C("GET /2"),
           raw("s", OK[1] + b"HTTP/1.1 200 OK\r\nContent-Le"), raw("s", "ngth: 4\r\n\r\nha"),
           raw("s", "lf"))
    yield ("header-end-split", raw("c", "GET / HTTP/1.1\r\nHost: h\r"), raw("c", "\n\r"),
           raw("c", "\n"), raw("s", "HTTP/1.1 200 OK\r"), raw("s", "\nContent-Length: 0\r\n\r"),
           raw("s", "\n"))
    yield "head", C("HEAD /"), S("200 OK", length(10)), C("GET /"), OK
    yield "head-chunked", C("HEAD /"), S("200 OK", CHUNKED), C("GET /"), OK
    yield ("head-pipelined", C("GET /1"), C("HEAD /2"), C("GET /3"), OK, S("200 OK", length(3)),
           S("200 OK", length(3), body="one"))
    yield "no-content", C("DELETE /"), S("204 No Content"), C("GET /"), OK
    yield "not-modified", C("GET /"), S("304 Not Modified", length(10)), C("GET /"), OK
    yield ("continue", C("POST /", length(4), "Expect: 100-continue"), S("100 Continue"),
           raw("c", "body"), OK)
    yield "early-hints", C("GET /"), S("103 Early Hints", "Link: </s>; rel=preload"), OK
    yield ("several-interim", C("GET /"), S("100 Continue"), S("102 Processing"),
           S("103 Early Hints"), OK, C("GET /2"), OK)
    yield ("chunks", C("POST /", CHUNKED, body="5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
           S("200 OK", CHUNKED, body="a\r\n0123456789\r\n0\r\n\r\n"))
    yield ("chunk-extensions", C("GET /"),
           S("200 OK", CHUNKED, body='5;a=b\r\nhello\r\n1;q="x;y"\r\n!\r\n0;last\r\n\r\n'))
    yield ("trailers", C("POST /", CHUNKED, body="1\r\nx\r\n0\r\nT: u\r\nV:w\r\n\r\n"),
           S("200 OK", CHUNKED, "Trailer: X", body="0\r\nX: y\r\n\r\n"), C("GET /"), OK)
    yield "chunk-zeros", C("GET /"), S("200 OK", CHUNKED, body="0005\r\nhello\r\n000\r\n\r\n")
    yield "chunk-capitals", C("GET /"), S("200 OK", CHUNKED, body="0A\r\n0123456789\r\n0\r\n\r\n")
    yield ("chunk-end-split", C("GET /"), raw("s", S("200 OK", CHUNKED)[1] + b"1\r\nx\r"),
           raw("s", "\n0"), raw("s", "\r\n\r"), raw("s", "\n"), C("GET /2"), OK)
    yield "chunked-in-capitals", C("GET /"), S("200 OK", "TRANSFER-ENCODING: CHUNKED",
                                               body="1\r\nx\r\n0\r\n\r\n")
    yield "until-close", C("GET /"), S("200 OK", "Connection: close", body="all the rest")
    yield "until-close-empty", C("GET /"), S("200 OK", "Connection: close")
    yield "half-close", C("GET /"), ("c", END), S("200 OK", length(3), body="yes")
    yield "absolute-form", C("GET http://g:80/a?b=c"), OK
    yield "asterisk-form", C("OPTIONS *"), OK
    yield "any-method", C("M-SEARCH /"), OK, C("PROPFIND /x"), S("207 Multi-Status", length(0))
    yield ("old", C("GET / HTTP/1.0"), raw("s", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    yield "old-until-close", C("GET / HTTP/1.0"), raw("s", "HTTP/1.0 200 OK\r\n\r\nthe rest")
    yield "refused-early", C("POST /", length(6), body="ab"), S("413 Too Large", length(1),
                                                              body="!"), raw("c", "cdef")
    yield "connect-refused", C("CONNECT h:443"), S("407 Authenticate", length(2), body="no")
    yield "empty-values", C("GET /", "X-Empty:", "X-Blank: \t "), S("200 OK", "Y:", length(0))
    yield "values", C("GET /", "A:b", "a:\t c  d \t", "!#$%&'*+-.^_`|~0aZ: x"), OK
    yield "repeated", C("GET /"), S("200 OK", "Set-Cookie: a=b", "Set-Cookie: c=d", length(0))
    yield "no-reason", C("GET /"), S("200 ", length(0)), C("GET /"), S("299 A  b", length(0))
    yield "statuses", *[m for n in (201, 301, 404, 418, 500, 503, 999)
                        for m in (C("GET /%d" % n), S("%d X" % n, length(1), body="x"))]
    yield "get-body", C("GET /", length(3), body="abc"), OK, C("DELETE /", CHUNKED,
                                                              body="1\r\nx\r\n0\r\n\r\n"), OK
    yield "no-length-request", C("POST /"), OK
    yield "body-like-http", C("POST /", length(18), body="GET / HTTP/1.1\r\n\r\n"), S(
        "200 OK", length(19), body="HTTP/1.1 200 OK\r\n\r\n")
    yield "300-headers", C("GET /", *["X-%d: %d" % (i, i * i) for i in range(300)]), OK
    yield "head-of-9k", C("GET /", "X: " + "y" * 9000), OK
    yield "target-of-9k", C("GET /" + "z" * 9000), OK
    for n in (1025, 8193, 16385, 30721, 122881):
        yield ("body-of-%d" % n, C("POST /", length(n), body="b" * n),
               S("200 OK", length(n), body="c" * n))
    yield "seq-wrap", C("POST /", length(400), body="x" * 400), S("200 OK", length(500),
                                                                  body="y" * 500), C("GET /2"), OK


def cut_short():
    yield "reset-in-body", C("GET /"), S("200 OK", length(9), body="abc"), ("s", RESET)
    yield "closed-in-body", C("GET /"), S("200 OK", length(9), body="abc")
    yield "closed-in-chunk", C("GET /"), S("200 OK", CHUNKED, body="9\r\nabc")
    yield "closed-in-chunk-size", C("GET /"), S("200 OK", CHUNKED, body="3\r\nabc\r\n0")
    yield "closed-in-trailers", C("GET /"), S("200 OK", CHUNKED, body="0\r\nX: y\r\n")
    yield "closed-in-request-body", C("POST /", length(9), body="abc")
    yield "closed-in-head", C("GET /"), raw("s", "HTTP/1.1 200 OK\r\nContent-")
    yield "closed-in-request-head", raw("c", "GET / HTTP/1.1\r\nHost: h\r\nA: b")
    yield "four-gib", C("GET /"), S("200 OK", length(1 << 32), body="abc")
    yield "unanswered", C("GET /1"), C("GET /2"), OK


def switched():
    yield ("upgrade", C("GET /", "Connection: Upgrade", "Upgrade: websocket"),
           S("101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"),
           raw("s", b"\x81\x02hi"), raw("c", b"\x81\x82abcd\x09\x0b"))
    yield ("upgrade-refused", C("GET /", "Connection: Upgrade", "Upgrade: websocket"), OK,
           C("GET /2"), OK)
    yield "connect", C("CONNECT h:443"), S("200 OK"), raw("c", b"\x01\x02"), raw("s", b"\x03\x04")


def odd():
    """What the standard forbids, or leaves to whom reads it."""
    yield "both-lengths", C("POST /", length(3), CHUNKED, body="1\r\nx\r\n0\r\n\r\n"), S(
        "200 OK", CHUNKED, length(3), body="2\r\nxy\r\n0\r\n\r\n"), C("GET /2"), OK
    yield "length-twice", C("POST /", length(2), length(2), body="hi"), S(
        "200 OK", length(2), length(2), body="hi"), C("GET /2"), OK
    yield "length-list", C("POST /", "Content-Length: 2, 2", body="hi"), S(
        "200 OK", "Content-Length: 2,2", body="hi"), C("GET /2"), OK
    for name, value in (("plus", "+5"), ("empty", ""), ("hex", "0x5"), ("minus", "-5"),
                        ("words", "five"), ("huge", "99999999999999999999"), ("blank", "5 5")):
        yield "length-" + name, C("POST /", "Content-Length: " + value, body="hello"), OK
        yield "answer-length-" + name, C("GET /"), S("200 OK", "Content-Length: " + value,
                                                     body="hello")
    yield "lengths-differ", C("POST /", length(2), length(3), body="hi!"), OK
    yield "answer-lengths-differ", C("GET /"), S("200 OK", length(2), length(3), body="hi!")
    yield "encoding-gzip-chunked", C("GET /"), S("200 OK", "Transfer-Encoding: gzip, chunked",
                                                 body="1\r\nx\r\n0\r\n\r\n"), C("GET /2"), OK
    yield "encoding-two-lines", C("GET /"), S("200 OK", "Transfer-Encoding: gzip", CHUNKED,
                                              body="1\r\nx\r\n0\r\n\r\n"), C("GET /2"), OK
    yield "encoding-chunked-twice", C("GET /"), S("200 OK", CHUNKED, CHUNKED,
                                                  body="1\r\nx\r\n0\r\n\r\n")
    yield "encoding-not-last", C("GET /"), S("200 OK", "Transfer-Encoding: chunked, gzip",
                                             body="1\r\nx\r\n0\r\n\r\n")
    yield "encoding-identity", C("GET /"), S("200 OK", "Transfer-Encoding: identity", length(2),
                                             body="hi")
    yield "encoding-unknown", C("GET /"), S("200 OK", "Transfer-Encoding: xchunked", body="hi")
    yield "encoding-request-gzip", C("POST /", "Transfer-Encoding: gzip", body="hi"), OK
    yield "encoding-old", C("GET / HTTP/1.0"), raw(
        "s", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
    yield "encoding-space-colon", C("GET /"), S("200 OK", "Transfer-Encoding : chunked",
                                                body="1\r\nx\r\n0\r\n\r\n")
    for name, body in (("17-digits", "10000000000000001\r\nx"), ("no-size", "x\r\n"),
                       ("minus", "-1\r\nx\r\n0\r\n\r\n"), ("0x", "0x1\r\nx\r\n0\r\n\r\n"),
                       ("too-long", "1\r\nxyz\r\n0\r\n\r\n"), ("bare-lf", "1\nx\n0\n\n"),
                       ("blank", "1 \r\nx\r\n0\r\n\r\n"), ("blank-before", " 1\r\nx\r\n0\r\n\r\n"),
                       ("extension-nul", "1;\0\r\nx\r\n0\r\n\r\n"),
                       ("trailer-fold", "0\r\nA: b\r\n c\r\n\r\n"),
                       ("trailer-bad", "0\r\nno colon\r\n\r\n")):
        yield "chunk-" + name, C("GET /"), S("200 OK", CHUNKED, body=body)
    yield "empty-lines", raw("c", b"\r\n\r\n" + C("GET /")[1]), OK
    yield "empty-line-after", C("POST /", length(2), body="hi\r\n"), OK, C("GET /"), OK
    yield "empty-line-answer", C("GET /"), raw("s", b"\r\n" + OK[1])
    yield "obs-fold", C("GET /", "X: a", "  b", "\tc"), S("200 OK", "Y: d", " e", length(0))
    yield "fold-first", raw("c", "GET / HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n"), OK
    yield "bare-lf", raw("c", "GET / HTTP/1.1\nHost: h\n\n"), raw("s", OK[1].replace(b"\r", b""))
    yield "bare-cr", raw("c", "GET / HTTP/1.1\rHost: h\r\r"), OK
    yield "bare-cr-in-value", C("GET /", "X: a\rb"), OK
    yield "nul", C("GET /", "X: a\0b"), OK, C("GET /2"), OK
    yield "control-byte", C("GET /", "X: a\x01\x7fb"), OK
    yield "no-text", C("GET /", "X: \xe4\xff"), S("200 \xe4", "Y: \xe4", length(0))
    yield "target-utf8", C("GET /\xc3\xa4"), OK
    yield "target-control", C("GET /\x01"), OK
    yield "target-space", C("GET /a b"), OK
    yield "space-before-colon", C("GET /", "A : b"), S("200 OK", "B\t: c", length(0))
    yield "no-colon", C("GET /", "no colon"), OK
    yield "no-name", C("GET /", ": no name"), OK
    yield "odd-name", C("GET /", "a(b): c", "d e: f"), OK
    yield "no-host", raw("c", "GET / HTTP/1.1\r\n\r\n"), OK
    yield "two-hosts", C("GET /", "Host: i"), OK
    yield "method-small", C("get /"), OK
    yield "method-unknown", C("FETCH /"), OK
    yield "method-odd", C("G(T /"), OK
    yield "spaces", raw("c", "GET  /  HTTP/1.1\r\nHost: h\r\n\r\n"), OK
    yield "space-after-version", C("GET / HTTP/1.1 "), OK
    yield "no-target", raw("c", "GET HTTP/1.1\r\nHost: h\r\n\r\n"), OK
    yield "http-0.9", raw("c", "GET /\r\n"), raw("s", "<p>hello")
    for version in ("HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1", "HTTP/1.10", "HTTP/11"):
        name = version.replace("/", "-")
        yield "version-" + name, C("GET / " + version), OK
        yield "answer-" + name, C("GET /"), raw("s", OK[1].replace(b"HTTP/1.1", version.encode()))
    yield "status-short", C("GET /"), S("99 X", length(0))
    yield "status-long", C("GET /"), S("2000 X", length(0))
    yield "status-words", C("GET /"), S("OK", length(0))
    yield "status-0", C("GET /"), S("000 X", length(0))
    yield "status-alone", C("GET /"), S("200", length(0))
    yield "status-two-spaces", C("GET /"), raw("s", "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n")
    yield "reset-content", C("GET /"), S("205 Reset Content", length(2), body="hi"), C("GET /"), OK
    yield "no-content-chunked", C("GET /"), S("204 No Content", CHUNKED), C("GET /"), OK
    yield "no-content-length", C("GET /"), S("204 No Content", length(2)), C("GET /"), OK
    yield "interim-length", C("GET /"), S("100 Continue", length(2)), OK
    yield "after-close", C("GET /1", "Connection: close"), S("200 OK", length(0),
                                                            "Connection: close"), C("GET /2"), OK
    yield "old-keep-alive", C("GET / HTTP/1.0", "Connection: keep-alive"), raw(
        "s", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"), C(
            "GET /2 HTTP/1.0", "Connection: keep-alive"), raw(
                "s", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
    yield "old-and-more", C("GET /1 HTTP/1.0"), OK, C("GET /2 HTTP/1.0"), OK
    yield "more-than-length", C("GET /"), S("200 OK", length(2), body="hi there"), C("GET /"), OK
    yield "answer-first", OK, C("GET /"), OK
    yield "answer-too-many", C("GET /"), OK, OK
    yield "continue-unasked", C("GET /"), OK, S("100 Continue"), C("GET /2"), OK
    yield "head-of-70k", C("GET /", "X: " + "y" * 70000), OK, C("GET /2"), OK
    yield "path-traversal", C("GET /a/../../etc/passwd"), OK


def other():
    """Not HTTP."""
    yield "redis", raw("c", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), raw("s", "$1\r\nv\r\n")
    yield "redis-inline", raw("c", "GET k\r\n"), raw("s", "$1\r\nv\r\n")
    yield "memcached", raw("c", "get k\r\n"), raw("s", "VALUE k 0 1\r\nv\r\nEND\r\n")
    yield "smtp", raw("s", "220 h ESMTP\r\n"), raw("c", "EHLO x\r\n"), raw("s", "250 h\r\n")
    yield "sip", raw("c", "INVITE sip:a@h SIP/2.0\r\nVia: x\r\n\r\n"), raw("s", "SIP/2.0 200 OK\r\n\r\n")
    yield "rtsp", raw("c", "OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"), raw(
        "s", "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
    yield "bytes", raw("c", bytes(range(256))), raw("s", bytes(range(255, -1, -1)))
