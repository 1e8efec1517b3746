#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What httpsniff said, against the truth of the workload http.

usage: httpsniff-truth.py [OPTION...] OUT TRUTH...

OUT is the JSON lines of one run of the tool, TRUTH what one workload printed (tests/load/http/http.h), of
which there may be several: their connections are told apart by their ports, or their process. For each
TRUTH a line is printed, "NAME ok" or "NAME WHY; WHY ...", the name being that of the file without what is
behind its first dot; and one, "account ...", of the run as a whole.

  --backend NAME   the tool's: fentry, tracepoint or kprobe
  --kernel X.Y     where it ran: which calls' bytes cannot be read there is decided here, and not by what
  --pages          the tool said. --pages: pages of the page cache can be read on this kernel
  --max-body N     of the tool's run; "all" is the default
  --max-header N
  --whole FILE     with --max-body: what a run with --max-body all said at the same time; bodies are beginnings
                   of those that are there
  --missed         hooks may not have run: the tool counts those that did not, and no more than so many TRUTHs differ;
                   "NAME missed WHY" is said of these
"""
import argparse
import base64
import hashlib
import json
import os
import sys
from collections import defaultdict

NOTICES = {"upgrade", "tunnel", "http2", "tls"}
UPGRADES = {"upgrade": "websocket", "h2c": "h2c"}
# Of the workload's case "codings": what is wrong with these, and codings that are not undone.
DAMAGED = {"truncated": "truncated", "not-gzip": "not in this coding", "bad-checksum": "corrupt",
           "bomb": "grows too much"}
UNKNOWN = {"unknown": "br"}


def lines(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        for text in f:
            if text.startswith("{"):
                yield json.loads(text)


# ---- the truth

class End:
    """One end of a connection as the workload knows it."""

    def __init__(self, truth, conn, side):
        self.truth, self.conn, self.side = truth, conn, side
        self.counts = conn[side]
        self.hows = {"send": truth.how(side, "send"), "recv": truth.how(side, "recv")}

    def joined(self):
        return self.counts["sent_before"] + self.counts["received_before"] > 0

    def uncertain(self, m):
        """Does a request before this one, or before that which it answers, end nobody knows where?"""
        number = m["number"] if m["from"] == "client" else m["answers"] or m["number"]
        return any(r["type"] == "message" and r["from"] == "client" and r["number"] <= number and not r["complete"]
                   for r in self.truth.parts[self.conn["conn"]])

    def passed(self, side):
        """How many of a side's messages had begun before the tool."""
        return sum(m["from"] == side and m["type"] == "message" and m["before"] > 0
                   for m in self.truth.parts[self.conn["conn"]])

    def messages(self, direction):
        """Messages and other bytes of a direction, in the order of their bytes."""
        sender = self.side if direction == "send" else ("server" if self.side == "client" else "client")
        return [m for m in self.truth.parts[self.conn["conn"]] if m["from"] == sender]


class Truth:
    def __init__(self, path):
        self.name = os.path.basename(path).split(".")[0]
        self.parts, self.conns, self.sum = defaultdict(list), [], None
        for o in lines(path):
            if o["type"] in ("message", "other"):
                self.parts[o["conn"]].append(o)
            elif o["type"] == "connection":
                self.conns.append(o)
            elif o["type"] == "truth":
                self.sum = o
        self.requests = {(m["conn"], m["number"]): m for p in self.parts.values() for m in p
                         if m["type"] == "message" and m["from"] == "client"}

    def how(self, side, what):
        both = self.sum[what].split("/")
        return both[-1 if side == "server" else 0]


def plain(text):
    """The workload writes bytes, the tool what a reader of UTF-8 sees of them."""
    return None if text is None else text.encode("latin-1").decode("utf-8", "replace")


# ---- what the tool said

class Said:
    def __init__(self, path):
        self.conns, self.open, self.summary, self.sequence = [], {}, None, []
        self.by_key = defaultdict(list)
        for o in lines(path):
            if o["type"] == "summary":
                self.summary = o
                continue
            if o["type"] not in ("message", "gap", "connection"):
                continue
            if o["type"] == "message":
                self.sequence.append(o["sequence"])
            self.add(o)
        for rows in self.conns:
            self.by_key[self.key(rows)].append(rows)

    def add(self, o):
        """Where the kernel gives a socket no cookie, another that comes later may have the same number."""
        name = o["connection"], self.ports(o)
        rows, last = self.open.get(name, (None, None))
        if rows is None or o.get("number", 1 << 60) <= last[o["direction"]]:
            rows, last = self.open[name] = [], {"send": 0, "recv": 0}
            self.conns.append(rows)
        rows.append(o)
        last[o["direction"]] = o.get("number", last[o["direction"]])

    @staticmethod
    def ports(o):
        """This end's and the far end's."""
        ports = o["source_port"], o["dest_port"]
        return ports if o["direction"] == "send" else ports[::-1]

    @classmethod
    def key(cls, rows):
        """Both ports, or process and role of a unix socket."""
        o = rows[0]
        if o["source_port"] is None:
            return o["pid"], next((r["role"] for r in rows if r["type"] == "message"), o["role"])
        return cls.ports(o)

    def take(self, end):
        """The next connection that may be that end: its rows."""
        if end.conn["proto"] in ("unix", "pair"):
            key = end.truth.sum["pid"], end.side
        else:
            key = end.conn["client_port"], end.conn["server_port"]
            key = key if end.side == "client" else key[::-1]
        found = self.by_key.get(key)
        return found.pop(0) if found else []


def body_of(row):
    if row["body"] is None:
        return None
    if row["body_encoding"] == "base64":
        return base64.b64decode(row["body"])
    return row["body"].encode("utf-8", "surrogatepass")


def values(headers):
    return sum(len(v) if isinstance(v, list) else 1 for v in headers.values())


# ---- what can be read

class Machine:
    def __init__(self, args):
        self.backend, self.pages = args.backend, args.pages
        self.kernel = tuple(int(x) for x in args.kernel.split(".")[:2])

    def unread(self, how, direction, proto):
        """None if all bytes can be read; else (the cause, "all" or "some" of the bytes)."""
        traced = self.backend == "tracepoint"
        parts = traced and (self.kernel < (6, 16) or proto != "tcp")
        if direction == "send":
            if how in ("sendfile", "sendfile-all", "splice", "vmsplice") and (parts or not self.pages):
                return "sendfile", "some" if how == "sendfile" else "all"
            # A buffer that was registered is an array of pages.
            if how == "uring-write-fixed" and not self.pages:
                return "io_uring" if traced else "sendfile", "all"
            if how == "compat" and parts:
                return "32-bit", "all"
            if how.startswith("uring") and parts:
                return "io_uring", "all"
        else:
            if how == "splice":
                return "lost" if traced else "splice", "all"
            if how == "trunc":
                return "msg_trunc", "some"
            if how == "mapped":
                return "lost", "some"
            if how == "compat" and traced:
                return "32-bit", "all"
            if how.startswith("uring") and traced:
                return "io_uring", "all"
            if how == "uring-read-fixed" and not self.pages:
                return "sendfile", "all"
        return None


class Direction:
    """One direction of an end: what there was, and what was said of it."""

    def __init__(self, end, rows, direction, machine):
        self.end, self.direction = end, direction
        self.rows = [r for r in rows if r["type"] == "message" and r["direction"] == direction]
        self.gaps = [r for r in rows if r["type"] == "gap" and r["direction"] == direction]
        self.parts = end.messages(direction)
        self.moved = "bytes" if direction == "send" else "received"
        self.unread = machine.unread(end.hows[direction], direction, end.conn["proto"])
        self.total = end.counts["sent" if direction == "send" else "received"]
        self.before = end.counts["sent_before" if direction == "send" else "received_before"]
        at = 0
        for m in self.parts:
            m["at"] = at
            at += m["bytes"]
        self.messages = [m for m in self.parts if m["type"] == "message"]

    def whole(self):
        return not self.unread

    def expected(self):
        """Messages of which bytes went by while the tool looked, and not only before."""
        return [m for m in self.messages if m["before"] == 0 and m[self.moved]]


class Judge:
    def __init__(self, args, said):
        self.args, self.said = args, said
        self.machine = Machine(args)
        self.max_body = None if args.max_body == "all" else int(args.max_body)
        self.whole = {}
        if args.whole:
            for rows in Said(args.whole).conns:
                for r in rows:
                    if r["type"] == "message":
                        self.whole[self.name_of(r)] = r
        self.netns = os.stat("/proc/self/ns/net").st_ino
        self.why = []

    @staticmethod
    def name_of(row):
        return Said.ports(row), row["direction"], row["status"] is None, row["number"]

    def differ(self, where, what, got, want):
        if got != want:
            self.why.append("%s: %s %s, not %s" % (where, what, json.dumps(got), json.dumps(want)))

    # -- one workload
    def truth(self, truth):
        self.why = []
        if not truth.sum:
            return "the workload said nothing"
        for conn in truth.conns:
            for side in ("client", "server"):
                self.one_end(End(truth, conn, side))
        return "; ".join(self.why[:4]) or "ok"

    def one_end(self, end):
        rows = self.said.take(end)
        where = "%s %d%s" % (end.side, end.conn["conn"], end.conn["name"] and " " + end.conn["name"])
        dirs = {d: Direction(end, rows, d, self.machine) for d in ("send", "recv")}
        if not rows:
            if any(d.expected() and d.whole() for d in dirs.values()) or \
                    any(m["what"] in NOTICES for d in dirs.values() for m in d.parts if m["type"] == "other"):
                self.why.append("%s: nothing was said of it" % where)
            return
        self.notices(where, end, dirs, [r for r in rows if r["type"] == "connection"])
        together = end.truth.sum["case"] == "together" and \
            (end.conn["proto"] != "tcp" or any(d.gaps for d in dirs.values()) or self.twice())
        for d in dirs.values():
            other = dirs["recv" if d.direction == "send" else "send"]
            if together:
                self.together(where + " " + d.direction, d)
            elif d.whole():
                self.readable(where + " " + d.direction, d, other.whole())
            else:
                self.unreadable(where + " " + d.direction, d)

    def notices(self, where, end, dirs, rows):
        others = [m for d in dirs.values() for m in d.parts if m["type"] == "other" and m["what"] in NOTICES]
        got = [(r["protocol"], r.get("sni", r.get("name")), r["decoded"]) for r in rows]
        want = []
        if others and (dirs["send"].whole() or dirs["recv"].whole()):
            what, name = others[0]["what"], next((m["sni"] for m in others if m["sni"]), None)
            if what == "upgrade":
                name = UPGRADES[end.truth.sum["case"]]
            if what == "tunnel":
                name = next(m["url"] for m in end.truth.parts[end.conn["conn"]] if m.get("method") == "CONNECT")
            want = [(what, name, False)]
        self.differ(where, "notices", got, want)

    def readable(self, where, d, other_whole):
        """All bytes could be read: the messages are the same."""
        want = d.expected()
        self.differ(where, "gaps", [(g["cause"], g["bytes"]) for g in d.gaps], [])
        if len(d.rows) != len(want):
            self.why.append("%s: %d messages, not %d (%s)" %
                            (where, len(d.rows), len(want), [r["url"] or r["status"] for r in d.rows][:9]))
            return
        for row, m in zip(d.rows, want):
            self.message("%s #%d" % (where, m["number"]), d, row, m, other_whole)
        passed = sum(m[d.moved] for m in d.parts if m["type"] == "other" or m["before"])
        got = sum(r["bytes"] for r in d.rows) + passed
        self.differ(where, "bytes of messages and others", got, d.total)

    def together(self, where, d):
        """
        Threads use the connection at the same time. A hook runs behind its call: another thread's call may have ended
        by then. TCP has moved on, and what was there is told as a gap; elsewhere the order is that of the hooks.
        """
        tcp, requests = d.end.conn["proto"] == "tcp", d.end.truth.requests
        left = {m["url"] or m["body_sha256"]: m for m in d.expected()}
        for row in d.rows:
            request = row["status"] is None
            m = left.pop(row["url"] if request else hashlib.sha256(body_of(row)).hexdigest(), None)
            if not m:
                self.why.append("%s: %s comes twice, or was never sent" % (where, row["url"]))
                continue
            self.differ(where, "complete", (row["complete"], row["bytes"]), (True, m["bytes"]))
            self.who(where, d, row, m)
            self.place(where, d, row, False)
            if tcp and not request and row["url"] is not None:
                self.differ(where, "url", row["url"], requests[m["conn"], m["answers"]]["url"])
        # Or both made the connection's first call at once: it began where the second's bytes were, and the first's are
        # said to be seen twice.
        gaps = sum(g["bytes"] for g in d.gaps if g["cause"] == "lost")
        lost = sum(m["bytes"] for m in left.values())
        if gaps != lost and not lost - gaps == d.messages[0]["bytes"] <= self.twice():
            self.differ(where, "gaps", gaps, lost)
        self.differ(where, "gaps where hooks give bytes their places", bool(d.gaps) and not tcp, False)

    def message(self, where, d, row, m, both_whole, lost=0):
        """both_whole: all bytes of both directions could be read."""
        end = d.end
        self.start(where, end, row, m, both_whole and not end.joined() and not end.uncertain(m))
        self.differ(where, "bytes", row["bytes"] + row["lost_bytes"], m[d.moved])
        self.differ(where, "lost_bytes", row["lost_bytes"], lost)
        self.differ(where, "complete", row["complete"], m["complete"] and m[d.moved] == m["bytes"] and not lost)
        if m[d.moved] != m["bytes"]:
            return
        if both_whole:
            self.differ(where, "number", row["number"], m["number"] - end.passed(m["from"]))
        self.differ(where, "anomalies", sorted(row.get("anomalies", [])), sorted(self.anomalies(m)))
        self.headers(where, end, row, m)
        if not lost:
            request = end.truth.requests.get((m["conn"], m["answers"]), m)
            self.body(where, row, dict(m, case_url=request["url"]))
        self.who(where, d, row, m)
        self.place(where, d, row, both_whole)

    def start(self, where, end, row, m, certain):
        request, number = m, None
        if m["from"] == "server":
            request = end.truth.requests.get((m["conn"], m["answers"]))
            if request and request["before"]:
                request = None
            number = request and m["answers"] - end.passed("client")
        self.differ(where, "status", row["status"], m["status"])
        # Who is not certain says nothing, and nothing that is wrong.
        if certain or m["from"] == "client" or row["url"] is not None or row["method"] is not None:
            self.differ(where, "method", row["method"], request and plain(request["method"]))
            self.differ(where, "url", row["url"], request and plain(request["url"]))
        if certain or row.get("answers") is not None:
            self.differ(where, "answers", row.get("answers"), number)
        for version in ("1.0", "1.1"):
            if ("HTTP/" + version) in m["start"]:
                self.differ(where, "version", row["version"], version)

    def anomalies(self, m):
        """head-limit is the truth's for the default of 64 KiB."""
        got = [a for a in m["anomalies"] if a != "head-limit"]
        return got + ["head-limit"] * self.over_head(m)

    def over_head(self, m):
        return m["head_bytes"] > self.args.max_header

    def headers(self, where, end, row, m):
        if end.truth.sum["case"] == "odd" or self.over_head(m) or not m["complete"]:
            return
        self.differ(where, "headers", values(row["headers"]), m["headers"])
        self.differ(where, "trailers", values(row.get("trailers", {})), m["trailers"])

    def body(self, where, row, m):
        body, whole = body_of(row), self.whole.get(self.name_of(row))
        decoded = m["decoded_bytes"] is not None
        size, sha = (m["decoded_bytes"], m["decoded_sha256"]) if decoded else (m["body_bytes"], m["body_sha256"])
        last = m["case_url"].rpartition("/")[2] if m["coding"] else None
        if self.max_body != 0:
            self.differ(where, "body_coding", row.get("body_coding"), UNKNOWN.get(last))
        if self.max_body is None:
            self.differ(where, "decoding", row.get("decoding"), DAMAGED.get(last))
        if row.get("decoding"):
            self.damaged(where, row, body, size, sha)
            return
        if self.max_body is None:
            self.differ(where, "body", (len(body), hashlib.sha256(body).hexdigest()), (size, sha))
            self.differ(where, "truncated", row["truncated"], self.over_head(m))
            self.differ(where, "body_size", row["body_size"], size)
            return
        if not decoded:
            self.differ(where, "body_size", row["body_size"], size)
            self.differ(where, "truncated", row["truncated"], self.over_head(m) or size > self.max_body)
        if self.max_body == 0:
            self.differ(where, "body", row["body"], None if size else "")
            return
        if whole is None:
            self.why.append("%s: not in %s" % (where, self.args.whole))
            return
        # Where it is cut within a letter, that is left out.
        least = min(size, self.max_body) - 3 * (size > self.max_body and row["body_encoding"] == "utf8")
        if body != body_of(whole)[:len(body)] or not least <= len(body) <= self.max_body:
            self.why.append("%s: body of %d bytes is not a beginning of one of %d" % (where, len(body), size))

    def damaged(self, where, row, body, size, sha):
        if row["decoding"] != "grows too much":
            if self.max_body is None:
                self.differ(where, "body", (len(body), hashlib.sha256(body).hexdigest()), (size, sha))
        elif not (65536 <= row["body_size"] < size and len(body) <= row["body_size"] and
                  (self.max_body is not None or len(body) == row["body_size"])):
            self.why.append("%s: a body of %d bytes, %d of them shown" % (where, row["body_size"], len(body)))

    def who(self, where, d, row, m):
        how = d.end.hows[d.direction]
        mine = "" if d.direction == "send" else "peer_"
        # Before 5.12 io_uring's threads are the kernel's own.
        if not (how in ("uring-async", "uring-sqpoll") and self.machine.kernel < (5, 12)):
            self.differ(where, "pid", row["pid"], m[mine + "pid"])
        if how.startswith("uring") or m[mine + "tid"] == 0:
            return
        self.differ(where, "tid", row["tid"], m[mine + "tid"])
        side = d.end.truth.sum[d.end.side]
        if row["tid"] == side["tid"]:
            self.differ(where, "comm", row.get("thread", row["comm"]), plain(side["comm"]))

    def place(self, where, d, row, both_whole):
        conn = d.end.conn
        self.differ(where, "role", row["role"], d.end.side)
        if conn["proto"] == "unix":
            self.differ(where, "path", row["path"], conn["path"])
        if conn["proto"] in ("unix", "pair"):
            return
        self.differ(where, "mptcp", row.get("mptcp", False), conn["proto"] == "mptcp")
        address = conn["client_address"].replace("::ffff:", "")
        self.differ(where, "addresses", (row["source_ip"], row["dest_ip"]), (address, address))
        if conn["proto"] == "tcp" and both_whole:
            self.differ(where, "joined_mid", row["joined_mid"], d.end.joined())
        self.differ(where, "netns is this one", row["netns"] == self.netns, "netns" not in d.end.truth.name)

    # -- bytes that could not be read
    def unreadable(self, where, d):
        """What is missing is told, byte for byte, and what is there is right."""
        cause, extent = d.unread
        missing = sum(g["bytes"] or 0 for g in d.gaps)
        self.differ(where, "causes", sorted({g["cause"] for g in d.gaps} - {cause}), [])
        shown = sum(r["bytes"] for r in d.rows)
        if extent == "all":
            # Bytes that went by before anything that could be read are not known to be HTTP.
            first = d.messages[0]["bytes"] if d.messages else 0
            self.differ(where, "messages", len(d.rows), 0)
            if missing not in (d.total, d.total - first):
                self.differ(where, "bytes in gaps", missing, d.total)
            return
        if cause == "msg_trunc":
            self.differ(where, "bytes in gaps", missing, d.end.counts["discarded"])
        holes = [(g["position"], g["position"] + g["bytes"]) for g in d.gaps]
        want = [m for m in d.expected() if not any(a < m["at"] + m["head_bytes"] and m["at"] < b for a, b in holes)]
        self.differ(where, "messages", [r["url"] if r["status"] is None else r["status"] for r in d.rows],
                    [m["url"] if m["from"] == "client" else m["status"] for m in want])
        for row, m in zip(d.rows, want):
            begin, stop = m["at"], m["at"] + m["bytes"]
            lost = sum(max(0, min(b, stop) - max(a, begin)) for a, b in holes)
            if extent == "some" and cause == "sendfile":
                self.differ(where, "lost_bytes", lost, m["bytes"] - m["head_bytes"])
            self.message("%s #%d" % (where, m["number"]), d, row, m, False, lost)
            if lost:
                self.differ(where, "lost_cause", row.get("lost_cause"), cause)
                self.differ(where, "truncated", row["truncated"], True)
        self.differ(where, "bytes of messages and gaps", shown + missing, d.total)

    # -- the run
    def twice(self):
        """Bytes that the tool says came twice."""
        return self.said.summary["bytes_duplicate"] if self.said.summary else 0

    def missed(self):
        """How many workloads may differ, as hooks did not run."""
        return self.said.summary["hooks_missed"] if self.args.missed and self.said.summary else 0

    def account(self, truths):
        self.why = []
        s = self.said.summary
        if not s:
            return "no summary"
        self.differ("summary", "balanced", (s["balanced"], s["finished"]), (True, True))
        if s["filtered"] == 0 and s["deduped"] == 0:
            self.differ("messages", "sequence", self.said.sequence, list(range(1, len(self.said.sequence) + 1)))
        keys = ["bytes_ring_full", "records_ring_full", "calls_connections_full", "connections_dropped",
                "no_memory", "records_damaged", "bytes_after_end"]
        # Bytes that were told of at another thread's place are missing at their own, or were before the first.
        first = 256 * 2 * sum(bool(t.sum and t.sum["case"] == "together") for t in truths)
        if s["bytes_duplicate"] > s["bytes_missing"] + first or not first:
            self.differ("summary", "bytes_duplicate", s["bytes_duplicate"], 0)
        for key in keys + ["hooks_missed"] * (not self.args.missed):
            self.differ("summary", key, s[key], 0)
        if self.missed():
            return "; ".join(self.why[:4]) or "ok"
        # What no end of a connection took was said of one that is not there, or of one twice.
        left = [r for found in self.said.by_key.values() for rows in found for r in rows]
        self.differ("others", "records", [(r["type"], r["role"], r["source_port"], r["dest_port"])
                                          for r in left][:3], [])
        for direction, key in (("send", "bytes_sent"), ("recv", "bytes_received")):
            sure = unsure = 0
            for t in truths:
                for conn in t.conns:
                    for side in ("client", "server"):
                        end = End(t, conn, side)
                        counts = end.counts
                        moved = counts["sent"] - counts["sent_before"] if direction == "send" else \
                            counts["received"] - counts["received_before"]
                        u = self.machine.unread(end.hows[direction], direction, conn["proto"])
                        # What is lost is not known to any hook; that which is not HTTP not to all.
                        if u and u[0] == "lost" or self.machine.backend == "kprobe" and \
                                any(m["type"] == "other" for m in end.messages(direction)):
                            unsure += moved
                        else:
                            sure += moved
            if not sure <= s[key] <= sure + unsure:
                self.differ("summary", key, s[key], (sure, sure + unsure))
        return "; ".join(self.why[:4]) or "ok"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--backend", default="tracepoint")
    p.add_argument("--kernel", default=os.uname().release)
    p.add_argument("--pages", action="store_true")
    p.add_argument("--max-body", default="all")
    p.add_argument("--max-header", type=int, default=65536)
    p.add_argument("--whole")
    p.add_argument("--missed", action="store_true")
    p.add_argument("out")
    p.add_argument("truths", nargs="*")
    args = p.parse_args()
    judge = Judge(args, Said(args.out))
    truths = [Truth(t) for t in args.truths]
    verdicts = [(t.name, judge.truth(t)) for t in truths]
    excused = sum(why != "ok" for _, why in verdicts) <= judge.missed()
    for name, why in verdicts:
        print(name, "missed " * (why != "ok" and excused) + why)
    print("account", judge.account(truths))


if __name__ == "__main__":
    sys.exit(main())
