# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""A message as a parser tells of it, and in what two differ."""
from dataclasses import dataclass, field


@dataclass
class Message:
    request: bool = None
    start: str = ""  # method or status
    target: str = None
    version: str = ""  # "1.1"
    headers: list = field(default_factory=list)  # (name, value)
    trailers: list = field(default_factory=list)
    body: bytes = b""
    complete: bool = None  # None: the parser does not say
    answers: str = None  # of a response: the target of the request that it answers; None: not said
    odd: list = field(default_factory=list)  # what the parser says of it besides

    def __str__(self):
        return " ".join(filter(None, [self.start, self.target and shown(self.target), *self.odd]))


@dataclass
class Verdict:
    """What one side says, as a parser tells it."""
    messages: list = field(default_factory=list)
    refused: str = ""  # why it reads no further


def text(data):
    """Bytes as all of them are compared: what is no UTF-8 is shown in too many ways."""
    return data.decode("utf-8", "replace")


def folded(lines):
    """Headers with what a fold leaves, and what is no text, made the same."""
    return sorted((name.lower(), "".join(c for c in " ".join(value.split()) if c < "\x7f"))
                  for name, value in lines)


def lines_of(data):
    """Header lines, as (name, value)."""
    out = []
    for line in data.replace(b"\r\n", b"\n").split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            out.append((text(name), text(value)))
    return out


def shown(value):
    if isinstance(value, bytes):
        return "%d bytes" % len(value)
    value = str(value)
    return value if len(value) < 120 else value[:100] + "..."


FRAMING = "start", "trailers", "body", "complete"
FIELDS = "target", "version", "headers", "answers"


def unlike(a, b):
    """The fields in which two messages differ, as (key, a's, b's)."""
    for key in FRAMING + FIELDS:
        x, y = getattr(a, key), getattr(b, key)
        if key in ("headers", "trailers"):
            x, y = folded(x), folded(y)
            x, y = [h for h in x if h not in y], [h for h in y if h not in x]
        if x != y and y is not None:
            yield key, x, y


def differences(ours, theirs):
    """Each as one line, for one side of a conversation, until one is of the framing."""
    for number, (a, b) in enumerate(zip(ours.messages, theirs.messages), 1):
        found = list(unlike(a, b))
        for key, x, y in found:
            yield "%d %s: %s is %s, theirs %s" % (number, key, a, shown(x), shown(y))
        if any(key in FRAMING for key, _, _ in found):
            return
    n, m = len(ours.messages), len(theirs.messages)
    why = "; they refuse: " + theirs.refused if theirs.refused else ""
    if n > m:
        yield "%d ours alone: %s%s" % (m + 1, ", ".join(map(str, ours.messages[m:])), why)
    elif m > n:
        yield "%d theirs alone: %s" % (n + 1, ", ".join(map(str, theirs.messages[n:])))
