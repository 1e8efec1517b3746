#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What httptrace said of a chain of services, against what these did.

usage: httptrace-links.py [OPTION...] OUT TRUTH...

OUT is the tool's JSON lines, TRUTH what services and clients printed (tests/load/chain.c). A request is known by its
connection's two ports and its place on that; a row by the same. Of each row it is known which other row's transaction
caused it: the server's end was caused by the client's end of the same request, a request of a service by the request
that it served then, which X-Hop names.

Prints "ok", or what is wrong: rows that are missing or too many, times that cannot be, links that are wrong though the tool
was sure of them, and too few that are right. A second line, "# ...", counts links by kind.

  --least PERCENT  so many of the links that a service's own requests should have are right (99)
  --sure N         a confidence from which on nothing may be wrong (0.8)
  --kinds A,B      links of these kinds alone may there be
  --ends WHICH     rows are expected of "both" ends (the default), or of "client" or "server"
  --subset         rows may be missing (filters, sampling): those that are there are judged
  --answered       rows of what was not seen to its end may be there, and are not judged
  --whole          ... but of a chain either all rows, or none
  --given          trace ids are those that the clients sent: one for each chain, and no chain has another's
"""
import argparse
import collections
import datetime
import json
import sys

WRONG, RIGHT, NONE, LISTED, UNLISTED = "wrong", "right", "none", "candidates", "candidates without it"


def lines(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        for text in f:
            if text.startswith("{"):
                yield json.loads(text)


def port(address):
    return int(address.rpartition(":")[2]) if address else 0


def nanoseconds(timestamp):
    whole, _, rest = timestamp.rstrip("Z").partition(".")
    seconds = int(datetime.datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 10**9 + int((rest + "0" * 9)[:9])


class Truth:
    """Requests by (chain, hop): what was served, and what was made."""

    def __init__(self, paths):
        self.by_conn = collections.defaultdict(list)  # in order
        self.made = {}
        for path in paths:
            for o in lines(path):
                if "end" in o:  # nginx tells milliseconds
                    o["end_ns"] = round(o["end"] * 1e9)
                    o["begin_ns"] = round((o["end"] - o["seconds"]) * 1e9)
                    o["coarse"] = True
                key = o["chain"], o["hop"]
                if o["type"] == "made":
                    self.made[key] = o
                else:
                    self.by_conn[o["server_port"], o["client_port"]].append(o)
        # A connection's requests follow each other, and a service tells of each before it answers.
        self.requests = {(o["chain"], o["hop"]): o for served in self.by_conn.values() for o in served}
        self.server_ports = {server for server, _ in self.by_conn}


class Judge:
    def __init__(self, args):
        self.args, self.why = args, []
        self.truth = Truth(args.truth)
        self.rows = collections.defaultdict(list)
        self.summary = None
        self.by_span, self.row_of, self.name_of = {}, {}, {}
        for o in lines(args.out):
            if o["type"] == "summary":
                self.summary = o
            elif o["type"] != "transaction":
                continue
            elif o["server"] is None and self.args.subset:
                continue  # its connection was forgotten meanwhile, and with it the addresses
            elif port(o["server"]) in self.truth.server_ports:
                self.rows[o["role"], port(o["server"]), port(o["client"])].append(o)

    def wrong(self, text):
        self.why.append(text)

    def place(self):
        """Which request each row is."""
        for (role, server, client), rows in self.rows.items():
            rows.sort(key=lambda o: (o["timestamp"], o["number"]))
            served = self.truth.by_conn.get((server, client), [])
            if len(rows) == len(served):
                pairs = zip(rows, served)
            elif self.args.subset:
                # Connections that were seen from their beginning, each with ports of its own.
                pairs = [(row, served[row["number"] - 1]) for row in rows if row["number"] <= len(served)]
            else:
                self.wrong("%s %d>%d: %d rows, %d requests" % (role, client, server, len(rows), len(served)))
                continue
            for row, request in pairs:
                name = request["chain"], request["hop"], role
                self.row_of[name] = row
                self.name_of[id(row)] = name
                if row["span_id"] in self.by_span:
                    self.wrong("span %s is two rows'" % row["span_id"])
                self.by_span[row["span_id"]] = name

    def missing(self):
        ends = ["client", "server"] if self.args.ends == "both" else [self.args.ends]
        if not self.args.subset:
            absent = [(c, h, e) for c, h in self.truth.requests for e in ends if (c, h, e) not in self.row_of]
            if absent:
                self.wrong("%d rows are missing: %s ..." % (len(absent), absent[:3]))
        if self.args.whole:
            want, got = collections.Counter(), collections.Counter()
            for chain, _ in self.truth.requests:
                want[chain] += len(ends)
            for chain, _, _ in self.row_of:
                got[chain] += 1
            parts = [(c, got[c], want[c]) for c in got if got[c] != want[c]]
            if parts:
                self.wrong("%d chains are there in part: %s ..." % (len(parts), parts[:3]))

    def times(self, name, row):
        """Lower bounds, and those that hold whatever the machine does."""
        chain, hop, role = name
        begin = nanoseconds(row["timestamp"])
        total = row["total_us"] * 1000
        request, made = self.truth.requests[chain, hop], self.truth.made.get((chain, hop))
        # What the service took is a part of the whole. nginx's clock stands still for as long as it is busy.
        took = request["end_ns"] - request["begin_ns"] - 2e3
        if took > total and not request.get("coarse"):
            self.wrong("%s: took %d us, and %d in the service" % (name, total / 1000, took / 1000))
        if made and role == "client":
            if made["end_ns"] - made["begin_ns"] + 2e3 < total:
                self.wrong("%s: took %d us, %d for who asked" % (name, total / 1000, (made["end_ns"] - made["begin_ns"]) / 1000))
            if not made["begin_ns"] - 1e6 <= begin <= made["end_ns"] + 1e6:
                self.wrong("%s: began %d us after it was made" % (name, (begin - made["begin_ns"]) / 1000))
        parts = [row["request_us"] or 0, row["wait_us"] or 0, row["response_us"] or 0]
        if any(p < 0 for p in parts) or not sum(parts) - 3 <= row["total_us"] <= sum(parts) + 3:
            self.wrong("%s: %s is %d us?" % (name, parts, row["total_us"]))

    def cause(self, name):
        chain, hop, role = name
        if role == "server":
            return chain, hop, "client"
        return (chain, hop.rpartition(".")[0], "server") if "." in hop else None

    def link(self, name, row):
        """How right its link is; None where that cannot be told, or where there is rightly none."""
        want, parent = self.cause(name), row["parent_span_id"]
        if want is None:
            return None if parent is None else WRONG
        if want not in self.row_of:  # that row is not shown: it may be named all the same
            return WRONG if parent in self.by_span else None
        if parent is not None:
            return RIGHT if self.by_span.get(parent) == want else WRONG
        if row["link"] == "candidates":
            return LISTED if self.row_of[want]["span_id"] in (row.get("candidates") or []) else UNLISTED
        return NONE

    def judge(self):
        self.place()
        self.missing()
        kinds, own = collections.Counter(), collections.Counter()
        allowed = set(self.args.kinds.split(",")) if self.args.kinds else None
        traces = collections.defaultdict(set)
        for name, row in self.row_of.items():
            if row["outcome"] != "answered" or not row["complete"]:
                if not self.args.answered:
                    self.wrong("%s: %s, complete %s" % (name, row["outcome"], row["complete"]))
                continue
            self.times(name, row)
            traces[row["trace_id"]].add(name[0])
            said = self.link(name, row)
            if said is None:
                continue
            kind, sure = row["link"] or "none", row["confidence"] or 0
            kinds[kind, sure, said] += 1
            if name[2] == "client":
                own[said] += 1
            if said == WRONG and sure >= self.args.sure:
                self.wrong("%s: a %s at %s to %s" % (name, kind, sure, self.by_span.get(row["parent_span_id"])))
            if allowed is not None and kind not in allowed:
                self.wrong("%s: a link of kind %s" % (name, kind))
            if name[2] == "server" and said != RIGHT:
                self.wrong("%s: its other end is %s" % (name, said))
        total = sum(own.values())
        if total and own[RIGHT] * 100 < self.args.least * total:
            self.wrong("%d of %d links are right" % (own[RIGHT], total))
        if not self.row_of:
            self.wrong("no rows")
        if self.args.given:
            chains = collections.defaultdict(set)
            for trace, of in traces.items():
                for chain in of:
                    chains[chain].add(trace)
            if any(int(t[16:], 16) != int(c) + 1 for t, of in traces.items() for c in of):
                self.wrong("trace ids are not those that were sent")
            mixed = [t for t, of in traces.items() if len(of) > 1]
            split = [c for c, of in chains.items() if len(of) > 1]
            if mixed or split:
                self.wrong("%d traces are of several chains, %d chains are of several traces" % (len(mixed), len(split)))
        s = self.summary
        if not s or not s["balanced"]:
            self.wrong("the account does not balance" if s else "no summary")
        return kinds, own


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--least", type=float, default=99)
    p.add_argument("--sure", type=float, default=0.8)
    p.add_argument("--kinds")
    p.add_argument("--ends", default="both")
    p.add_argument("--subset", action="store_true")
    p.add_argument("--answered", action="store_true")
    p.add_argument("--whole", action="store_true")
    p.add_argument("--given", action="store_true")
    p.add_argument("out")
    p.add_argument("truth", nargs="+")
    judge = Judge(p.parse_args())
    kinds, own = judge.judge()
    print("; ".join(judge.why[:4] + ["and %d more" % (len(judge.why) - 4)] * (len(judge.why) > 4)) or "ok")
    print("# %d rows; own requests: %s; all: %s" % (
        len(judge.row_of), ", ".join("%s %d" % o for o in sorted(own.items())),
        ", ".join("%s@%g %s %d" % (k + (n,)) for k, n in sorted(kinds.items()))))


sys.exit(main())
