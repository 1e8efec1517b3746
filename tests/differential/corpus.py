# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""All conversations: those of talks.py, and others made by a fixed seed; and how they are cut and written."""
import random
import struct
from dataclasses import dataclass, field

from talks import CHUNKED, END, RESET, C, S, cut_short, odd, other, plain, switched


@dataclass
class Talk:
    name: str
    steps: list  # (side, bytes, END or RESET), side being "c" or "s"
    tags: set = field(default_factory=set)  # what is odd about it
    seq: int = 1000  # where both directions count from


def pipelined(steps):
    """The tags of requests that follow on ones that are not answered yet."""
    heads = [(side, what) for side, what in steps if isinstance(what, bytes) and b"HTTP/1" in what]
    if "cc" not in "".join(side for side, _ in heads):
        return set()
    return {"pipelined", "pipelined-head"} if any(w[:5] == b"HEAD " for _, w in heads) else {"pipelined"}


def by_hand():
    for kind in (plain, cut_short, switched, odd, other):
        for name, *steps in kind():
            seq = (1 << 32) - 300 if name == "seq-wrap" else 1000
            yield Talk(name, steps, pipelined(steps), seq)


# ---- made

# What may be odd about a head's line, with its tag.
USUAL = ["A: b", "X-Empty:", "x-tab:\t a b\t ", "!#$%&'*+-.^_`|~0aZ: token", "Cookie: a=b; c=d",
         "Accept: */*", "Set-Cookie: a=b", "Set-Cookie: c=d", "Via: 1.1 \"a, b\" (c)", "a: 1"]
ODD = [("Fold: a\r\n  b\r\n\tc", "obs-fold"), ("A : b", "space-before-colon"),
       ("no colon", "no-colon"), ("C: \x01", "control-byte"), ("N: a\0b", "nul"),
       ("U: \xe4\xff", "no-text"), ("o(d: d", "odd-name")]
TARGETS = ["/", "/a/b?c=d&e=%20", "http://g/x", "/" + "long/" * 60, "/?a=b#c", "/~x!y;z=1"]
METHODS = ["GET", "GET", "GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "REPORT"]
STATUSES = ["200 OK", "200 OK", "404 Not Found", "500 ", "302 Found", "204 No Content",
            "304 Not Modified"]


def some_lines(rng, tags):
    """tags: None where nothing is to be odd."""
    lines = rng.sample(USUAL, rng.randrange(5))
    if tags is not None and rng.randrange(8) == 0:
        line, tag = rng.choice(ODD)
        lines.insert(rng.randrange(len(lines) + 1), line)
        tags.add(tag)
    return lines


def some_body(rng):
    n = rng.choice([0, 1, 2, 5, 17, 64, 300, 1460, 5000])
    return bytes(rng.choice(b"\r\n 0123456789abcdefGETHP/.:;\0\xff") for _ in range(n))


def some_chunks(rng, body):
    out = b""
    while body:
        n = rng.randint(1, len(body))
        size = b"%x" % n if rng.randrange(3) else b"%05X" % n
        out += size + rng.choice([b"", b"", b";a", b";b=c"]) + b"\r\n" + body[:n] + b"\r\n"
        body = body[n:]
    return out + b"0\r\n" + rng.choice([b"", b"", b"T: u\r\n", b"V:w\r\nX:\r\n"]) + b"\r\n"


def framed(rng, none):
    """Headers and bytes of some body; none: may there be no header for it?"""
    body = some_body(rng)
    kind = rng.randrange(5)
    if kind == 0 and none:
        return [], b""
    if kind < 3:
        return [rng.choice(["Content-Length: %d", "content-length:%d", "Content-Length:  %d "])
                % len(body)], body
    return [rng.choice([CHUNKED, "transfer-encoding:\tchunked "])], some_chunks(rng, body)


def shuffled(rng, lines):
    rng.shuffle(lines)
    return lines


def made(seed, count):
    rng = random.Random(seed)
    for number in range(count):
        tags, steps, answers = set(), [], []
        odd = None if number % 4 else tags
        for i in range(rng.randint(1, 5)):
            method = rng.choice(METHODS)
            lines, body = framed(rng, True) if method != "HEAD" else ([], b"")
            steps.append(C("%s %s" % (method, rng.choice(TARGETS)),
                           *shuffled(rng, lines + some_lines(rng, odd)), body=body))
            status = rng.choice(STATUSES)
            lines, body = framed(rng, False)
            if status[:3] == "204":
                lines = []
            if method == "HEAD" or status[:3] in ("204", "304"):
                body = b""
            for _ in range(rng.choice([0, 0, 0, 0, 1, 2])):
                answers.append(S(rng.choice(["100 Continue", "103 Early Hints"]),
                                 *some_lines(rng, odd)))
            answers.append(S(status, *shuffled(rng, lines + some_lines(rng, odd)), body=body))
            if rng.randrange(2):  # else the next one is pipelined
                steps += answers
                answers = []
        steps += answers
        yield Talk("made-%d" % number, steps, tags | pipelined(steps))


# ---- cut and written

def cut(talk, how, rng):
    """The same, in other pieces: byte by byte, or anyhow."""
    steps = []
    for side, what in talk.steps:
        if not isinstance(what, bytes) or how == "calls":
            steps.append((side, what))
            continue
        at = 0
        while at < len(what):
            n = 1 if how == "bytes" else rng.choice([1, 2, 3, 7, 40, 200, 1000, 30000])
            steps.append((side, what[at:at + n]))
            at += n
    return Talk("%s/%s" % (talk.name, how), steps, talk.tags, talk.seq)


def corpus():
    rng = random.Random(1)
    talks = []
    for talk in by_hand():
        small = sum(len(what) for _, what in talk.steps if isinstance(what, bytes)) < 3000
        talks += [cut(talk, how, rng) for how in ("calls", "bytes", "any") if small or how != "bytes"]
    for talk in made(2, 400):
        talks += [cut(talk, how, rng) for how in ("calls", "any")]
    return talks


OPEN, DATA, ENDS, CLOSE, RESETS = range(5)


def record(talks, out):
    """For rec.c."""
    for number, talk in enumerate(talks, 1):
        def step(what, side, n, data=b""):
            out.write(struct.pack("<IBBHI", number, what, side == "c", 0, n) + data)

        step(OPEN, "c", talk.seq)
        ended = set()
        for side, what in talk.steps:
            if what is END or what is RESET:
                step(ENDS if what is END else RESETS, side, 0)
                ended |= {side} if what is END else {"c", "s"}
            else:
                step(DATA, side, len(what), what)
        for side in "cs":
            if side not in ended:
                step(ENDS, side, 0)
        if RESET not in [what for _, what in talk.steps]:
            step(CLOSE, "c", 0)
