# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What h11 reads in conversations: it plays the server to the client's bytes, and the client to the server's."""
import h11

from talks import END, RESET
from verdict import Message, Verdict, text

LIMIT = 1 << 20  # of a head; its default is 16 KiB


class Reader:
    """One side's bytes."""

    def __init__(self, role):
        self.conn = h11.Connection(role, max_incomplete_event_size=LIMIT)
        self.verdict, self.open = Verdict(), None

    def feed(self, data):
        if not self.verdict.refused:
            self.guard(self.conn.receive_data, data)

    def guard(self, call, *args):
        """Whatever h11 refuses, the message that is open ends there."""
        try:
            return call(*args)
        except h11.ProtocolError as e:
            self.verdict.refused = str(e)
            self.open = None
            return None

    def next(self):
        if self.verdict.refused:
            return None
        event = self.guard(self.conn.next_event)
        if event in (None, h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
            return None
        if isinstance(event, h11.Data):
            self.open.body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            self.open.trailers = lines(event.headers)
            self.open.complete = True
            self.open = None
        return event

    def begin(self, event, **what):
        self.open = Message(version=text(event.http_version), headers=lines(event.headers),
                            complete=False, **what)
        self.verdict.messages.append(self.open)


def lines(headers):
    return [(text(name), text(value)) for name, value in headers]


class Play:
    def __init__(self):
        self.readers = {"c": Reader(h11.SERVER), "s": Reader(h11.CLIENT)}
        self.server, self.client = self.readers["c"].conn, self.readers["s"].conn
        self.waiting = []  # requests whose answer is still to come
        self.asked = None  # the one that the client plays

    def run(self, talk):
        over = set()
        for side, what in talk.steps:
            if what is RESET:
                over = {"c", "s"}
            elif what is END:
                over.add(side)
                self.readers[side].feed(b"")
            else:
                self.readers[side].feed(what)
            self.turn()
        for side in "sc":
            if side not in over:
                self.readers[side].feed(b"")
                self.turn()
        self.leave()
        return {side: r.verdict for side, r in self.readers.items()}

    def turn(self):
        """Reads what there is, of both sides, as long as one makes the other go on."""
        while self.requests() or self.ask() or self.responses():
            pass

    def requests(self):
        r, any_event = self.readers["c"], False
        while event := r.next():
            any_event = True
            if isinstance(event, h11.Request):
                r.begin(event, request=True, start=text(event.method), target=text(event.target))
                self.waiting.append(event)
        return any_event

    def ask(self):
        """The client has sent the next request, as far as an answer depends on it."""
        if self.asked or not self.waiting or self.readers["s"].verdict.refused:
            return False
        if self.client.our_state is h11.DONE and self.client.their_state is h11.DONE:
            self.client.start_next_cycle()
        if self.client.our_state is not h11.IDLE or self.client.their_state is not h11.IDLE:
            return False
        self.asked = self.waiting.pop(0)
        keep = [(n, v) for n, v in self.asked.headers if n in (b"upgrade", b"connection")
                and b"close" not in v.lower()]
        self.client.send(h11.Request(method=self.asked.method, target=self.asked.target,
                                     headers=[("Host", "h"), *keep]))
        self.client.send(h11.EndOfMessage())
        return True

    def responses(self):
        r, any_event = self.readers["s"], False
        if self.readers["c"].verdict.refused and not self.asked:
            r.verdict.refused = r.verdict.refused or "the request"
        while event := r.next():
            any_event = True
            if isinstance(event, (h11.InformationalResponse, h11.Response)):
                r.begin(event, request=False, start=str(event.status_code),
                        answers=text(self.asked.target) if self.asked else None)
                # No end is told of these.
                r.open.complete = (isinstance(event, h11.InformationalResponse) or
                                   self.client.their_state is h11.SWITCHED_PROTOCOL)
                self.answer(event.status_code)
            if isinstance(event, h11.EndOfMessage):
                self.asked = None
        return any_event

    def answer(self, status):
        """Tells the server's h11 that it has answered so."""
        if self.readers["c"].verdict.refused or not self.asked:
            return
        if status == 101:
            self.server.send(h11.InformationalResponse(status_code=101, headers=[]))
        if status < 200:
            return
        self.server.send(h11.Response(status_code=status, headers=[]))
        if self.server.our_state is not h11.SWITCHED_PROTOCOL:
            self.server.send(h11.EndOfMessage())
            self.next_request()

    def next_request(self):
        if self.server.our_state is h11.DONE and self.server.their_state is h11.DONE:
            self.server.start_next_cycle()

    def leave(self):
        """Requests that never had an answer are read, too."""
        while self.server.our_state in (h11.SEND_RESPONSE, h11.DONE):
            if self.server.our_state is h11.SEND_RESPONSE:
                self.server.send(h11.Response(status_code=200, headers=[]))
                self.server.send(h11.EndOfMessage())
            if self.server.their_state is not h11.DONE:
                break
            self.next_request()
            self.requests()


def read(talks):
    return [Play().run(talk) for talk in talks]
