# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Where h11 and tshark read conversations otherwise than we do, and why.

(names and tags of conversations, with bars and globs; what compare.py says of the difference, as a regular
expression; the reason). Each entry must explain something.
"""
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass
class Reason:
    names: str
    says: str
    why: str
    used: int = 0

    def explains(self, talk, difference):
        words = {talk.name.split("/")[0]} | talk.tags
        if not any(fnmatchcase(w, n) for n in self.names.split("|") for w in words):
            return False
        if not re.fullmatch(self.says, difference):
            return False
        self.used += 1
        return True


def refused(anomaly, what):
    """h11's word for a message that we show with an anomaly."""
    return r". \d+ ours alone: [^,]*%s.*; they refuse: %s.*" % (anomaly, what)


H11 = [Reason(*r) for r in (
    # It is one end of a connection, and refuses what is odd: 400, and the end. Who watches others must go on.
    ("*", r"s \d+ ours alone: .*; they refuse: the request",
     "what answers a request that it refused is not read"),
    ("space-before-colon|encoding-space-colon", refused("space-before-colon", "illegal header line"), "RFC 9112 5.1"),
    ("no-colon|no-name|odd-name", refused("bad-line", "illegal header line"), "no header has such a name"),
    ("nul|bare-cr-in-value", refused("control-byte", "illegal header line"), "RFC 9110 5.5"),
    ("fold-first", refused("obs-fold bad-line", "continuation line at start"), "RFC 9112 2.2"),
    ("target-control", refused("control-byte", "illegal request line"), "RFC 9112 3.2"),
    ("target-space|spaces|space-after-version|version-http-1.1", refused("odd-start", "illegal request line"),
     "a blank is the end of a target; RFC 9112 3 lets others be lenient"),
    ("status-two-spaces", refused("odd-start", "illegal status line"), "RFC 9112 4"),
    ("target-utf8", r"c 1 ours alone: GET /.; they refuse: illegal request line.*",
     "not a URI, but browsers and servers send and take it"),
    ("empty-line*", r"[cs] \d ours alone: .*; they refuse: .*(no re.* line received|illegal request line)",
     "RFC 9112 2.2: a server should ignore an empty line before a request; ours counts it as skipped"),
    ("no-host|two-hosts", r"c 1 ours alone: GET /; they refuse: .*Host: headers?",
     "a server must refuse these (RFC 9112 3.2), one can watch them all the same"),
    ("*length-*", refused("bad-length resync", "bad Content-Length"),
     "the end is not known to either; we show the head"),
    ("*lengths-differ", refused("length-conflict resync", "conflicting Content-Length"),
     "the end is not known to either; we show the head"),
    ("*length-huge", r"[cs] 1 body: .* bad-length resync is 0 bytes, theirs 5 bytes",
     "its numbers have no limit, ours end at 2^63; no such body has an end"),
    ("encoding-gzip-chunked|encoding-two-lines", r"s 1 ours alone: 200, 200; they refuse: Only .*chunked.*",
     "RFC 9112 6.1 allows codings before chunked"),
    ("encoding-*", refused("bad-encoding", "(Only .*chunked|multiple Transfer-Encoding)"),
     "such a response goes on to the close, such a request ends nobody knows when (RFC 9112 6.3)"),
    ("chunk-17-digits", r"s 1 body: 200 bad-chunk resync is 0 bytes, theirs 1 bytes",
     "it takes 20 digits, we numbers below 2^64"),
    ("chunk-bare-lf", r"s 1 (body|complete): 200 bare-lf is (1 bytes|True), .*", "bare LF in chunks it refuses"),
    ("chunk-trailer-bad", r"s 1 complete: 200 bad-line is True, theirs False", "of this message we drop a line"),
    ("after-close|old-and-more", refused("after-close", "Got data when expecting EOF"),
     "the end that says close reads no more; who watches sees what comes"),
    ("old-keep-alive", r"c 2 ours alone: GET /2; they refuse: Got data.*", "it has no keep-alive of HTTP/1.0"),
    ("answer-first|answer-too-many", r"s 2 ours alone: 200", "what answers nothing it does not read"),
    ("continue-unasked", r"s [23] answers: (100|200) is None, theirs /2",
     "what comes before its request puts requests and answers out of step: we pair nothing then, it reads later"),
    ("closed-in-*head", r"[cs] 1 ours alone: .* closed; they refuse: peer unexpectedly closed connection",
     "of a head that is cut we show what came"),
    ("closed-in-trailers", r"s 1 trailers: 200 closed is \[\('x', 'y'\)\], theirs \[\]", "likewise of trailers"),
    # Other things that it does.
    ("length-list", r"[cs] 1 headers: .* is \[\('content-length', '2, ?2'\)\], theirs .*'2'\)\]",
     "it hands a list of equal lengths over as one"),
    ("chunked-in-capitals", r"s 1 headers: .*'CHUNKED'\)\], theirs .*'chunked'\)\]", "it writes the value small"),
    ("version-HTTP-2.0|answer-HTTP-2.0", r"[cs] 1 theirs alone: (GET /|200)",
     "it takes any version; we take HTTP/1.x alone for HTTP/1, and not SIP/2.0 and the like"),
    ("head-of-70k", r"c 1 headers: GET / head-limit is .*", "beyond --max-header, here 64 KiB, we keep nothing"),
)]

TSHARK = [Reason(*r) for r in (
    ("pipelined|two-in-one", r"s \d+ answers: .*", "tshark 4.0 gives a response to the last request that it has seen"),
    ("pipelined-head", r"s \d+ .*", "so it does not know which one answers HEAD, and has no body"),
    ("closed-in-*|reset-in-*", r"[cs] 1 ours alone: .* (closed|reset).*",
     "it shows a message when it is whole, we show what came"),
    ("chunk-end-split", r"s 1 .*", "where the end of a chunk is in two segments it loses the message; h11 does not"),
    ("chunked-in-capitals", r"s 1 body: 200 is 1 bytes, theirs 11 bytes", "codings are to be compared in any case"),
    ("encoding-gzip-chunked", r"s 1 (body|answers): .*", "it takes this for a body until the close"),
    ("encoding-chunked-twice|encoding-not-last", r"s 1 body: 200 bad-encoding is 11 bytes, .*",
     "it reads chunks; but with chunked twice, or not last, a body goes on to the close (RFC 9112 6.3)"),
    ("length-list", r"[cs] 1 body: .* is 2 bytes, theirs (0|42) bytes", "it does not know lists of equal lengths"),
    ("*length-*|*lengths-differ", r"[cs] 1 body: .* (bad-length|length-conflict) resync is 0 bytes, .*",
     "it takes what digits there are, the last length, or all there is"),
    ("chunk-0x|chunk-blank-before", r"s 1 body: 200 bad-chunk resync is 0 bytes, theirs 1 bytes",
     "it takes what strtoul() takes for a size"),
    ("encoding-space-colon", r"s 1 body: .* is 1 bytes, theirs 11 bytes", "to it this is another header"),
    ("space-before-colon|encoding-space-colon", r". \d+ headers: .*",
     "to it the blank belongs to the name"),
    ("obs-fold|chunk-trailer-fold", r". \d+ (headers|trailers|body): .* obs-fold is .*",
     "it does not know folds: what follows is no header to it"),
    ("no-colon", r". \d+ (headers|trailers|body|ours alone): .*bad-line.*",
     "a line without a colon ends the head for it"),
    ("no-name", r"c 1 headers: .* is \[\], theirs \[\('', 'no name'\)\]", "to it there is a header without a name"),
    ("fold-first", r"c 1 headers: .* is \[\], theirs \[\(' x', 'y'\)\]", "to it this is a header"),
    ("bare-cr-in-value", r"c 1 headers: GET / control-byte is .*, theirs .*", "it ends the line at a CR"),
    ("empty-lines", r"c 1 ours alone: GET /", "RFC 9112 2.2: a server should ignore them"),
    ("target-utf8|target-control|two-hosts", r"s 1 answers: 200 is /.*, theirs .*", "the URI as it shows it"),
    ("target-space|spaces|version-http-1.1", r"[cs] 1 (target|version|answers): .*",
     "the target ends at the first blank for it, at the version for us"),
    ("space-after-version", r"c 1 version: GET / odd-start is 1.1, theirs 1.1 ", "it keeps the blank"),
    ("method-small|method-unknown", r"c 1 ours alone: (get|FETCH) /", "it knows some methods, we take any token"),
    ("method-odd|no-target|version-*|answer-HTTP*|status-long|status-0", r"[cs] 1 theirs alone: .*",
     "to us a connection that begins so is not HTTP/1"),
    ("rtsp", r"c 1 theirs alone: OPTIONS rtsp://h/", "it is told by port 80 that this is HTTP"),
    ("answer-first|answer-too-many|continue-unasked", r"s [23] answers: (100|200) is None, theirs /2?",
     "it gives any response to the last request"),
    ("head-of-70k", r"c 1 headers: GET / head-limit is .*", "beyond --max-header, here 64 KiB, we keep nothing"),
)]
