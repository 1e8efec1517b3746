#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What httptrace said, against the truth of the workload http.

usage: httptrace-truth.py [OPTION...] OUT TRUTH...

As httpsniff-truth.py, whose reading of the truth, and of which calls can be read where, this takes: OUT is the JSON lines
of one run of the tool, TRUTH what one workload printed. For each TRUTH a line is printed, "NAME ok" or "NAME WHY; WHY ...",
and one, "account ...", of the run as a whole.

Each request is a row at each end that was seen, with its own response or with none, and the two ends of one are joined.

  --backend NAME, --kernel X.Y, --pages, --missed	as httpsniff-truth.py
  --pause MS	the workload "late" was told of that --ms
"""
import argparse
import collections
import importlib.util
import json
import os
import sys

spec = importlib.util.spec_from_file_location("sniff", os.path.join(os.path.dirname(__file__), "httpsniff-truth.py"))
sniff = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sniff)
plain = sniff.plain


def port(address):
    return int(address.rpartition(":")[2]) if address and not address.startswith(("unix", "@", "/")) else None


class Said:
    def __init__(self, path):
        self.rows, self.summary = collections.defaultdict(list), None
        for o in sniff.lines(path):
            if o["type"] == "summary":
                self.summary = o
            elif o["type"] == "transaction":
                self.rows[self.key(o)].append(o)
        # The kernel may give no cookies, and ports may come again: connections of one key stand one after the other.
        self.conns = {key: self.split(rows) for key, rows in self.rows.items()}

    @staticmethod
    def key(o):
        if port(o["server"]) is None:
            return o["pid"], o["role"]
        return o["role"], port(o["client"]), port(o["server"])

    @staticmethod
    def split(rows):
        """Connections: rows leave the tool as they end, so a number that is there already is another's."""
        conns, current = [], {}
        for o in rows:
            name = o.get("connection")
            if name not in current or any(r["number"] == o["number"] for r in current[name]):
                current[name] = []
                conns.append(current[name])
            current[name].append(o)
        for rows in conns:
            rows.sort(key=lambda o: o["number"])
        return sorted(conns, key=lambda rows: rows[0]["timestamp"])

    def take(self, end):
        if end.conn["proto"] in ("unix", "pair"):
            key = end.truth.sum["pid"], end.side
        else:
            key = end.side, end.conn["client_port"], end.conn["server_port"]
        found = self.conns.get(key)
        return found.pop(0) if found else []


class Judge:
    def __init__(self, args):
        self.args, self.said = args, Said(args.out)
        self.machine = sniff.Machine(args)
        self.why, self.ends = [], {}

    def wrong(self, text):
        self.why.append(text)

    def differ(self, where, what, got, want):
        if got != want:
            self.wrong("%s: %s %s, not %s" % (where, what, json.dumps(got), json.dumps(want)))

    def truth(self, truth):
        self.why = []
        if not truth.sum:
            return "the workload said nothing"
        for conn in truth.conns:
            rows = {side: self.one_end(sniff.End(truth, conn, side)) for side in ("client", "server")}
            self.joined("%d" % conn["conn"], conn, rows)
        return "; ".join(self.why[:4]) or "ok"

    # -- one end of a connection
    def one_end(self, end):
        """Rows by the number of the request in the truth."""
        where = "%s %d%s" % (end.side, end.conn["conn"], end.conn["name"] and " " + end.conn["name"])
        rows = self.said.take(end)
        asked, answered = ("send", "recv") if end.side == "client" else ("recv", "send")
        moved = {"send": "bytes", "recv": "received"}
        unread = {d: self.machine.unread(end.hows[d], d, end.conn["proto"]) for d in ("send", "recv")}
        requests = [m for m in end.messages(asked) if m["type"] == "message"]
        answers = {m["answers"]: m for m in end.messages(answered)
                   if m["type"] == "message" and not m["interim"] and m[moved[answered]]}
        seen = [m for m in requests if m["before"] == 0 and m[moved[asked]]]
        # Of bodies the lengths are enough.
        bodies = {d: u == ("sendfile", "some") for d, u in unread.items()}
        if unread[asked] and not bodies[asked]:
            # What there is was read between holes: it must be one of them, and right.
            seen = self.guess(where, rows, seen)
        elif len(rows) != len(seen):
            self.wrong("%s: %d rows, %d requests (%s)" % (where, len(rows), len(seen), [r["url"] for r in rows][:6]))
            return {}
        # Of a unix socket nobody knows whether it is new: pipelined requests may not be the first ones.
        certain = not end.joined() and not (end.conn["proto"] == "unix" and end.truth.sum["case"] == "pipeline") and \
            not any(u and not bodies[d] for d, u in unread.items())
        for row, m in zip(rows, seen):
            here = "%s #%d" % (where, m["number"])
            self.request(here, end, row, m, m[moved[asked]], unread[asked] and not bodies[asked])
            answer = answers.get(m["number"])
            self.answer(here, end, row, m, answer, answer and answer[moved[answered]],
                        certain and not end.uncertain(m), m[moved[asked]] == m["bytes"])
            self.times(here, end, row, m, answer)
        if certain and rows and not end.conn["name"]:
            self.differ(where, "numbers", [r["number"] for r in rows], [m["number"] for m in seen])
        return {m["number"]: row for row, m in zip(rows, seen)}

    def guess(self, where, rows, seen):
        left, found = list(seen), []
        for row in rows:
            same = [m for m in left if plain(m["url"]) == row["url"] and m["method"] == row["method"]]
            if not same:
                self.wrong("%s: a row of %s %s that was not asked for" % (where, row["method"], row["url"]))
                continue
            found.append(same[0])
            left = left[left.index(same[0]) + 1:]
        return found

    def request(self, where, end, row, m, moved, unread):
        self.differ(where, "role", row["role"], end.side)
        if moved >= m["head_bytes"] and m["complete"] or moved == m["bytes"]:
            self.differ(where, "method", row["method"], plain(m["method"]))
            self.differ(where, "url", row["url"], plain(m["url"]))
        if not unread:
            self.differ(where, "request_bytes", row["request_bytes"], moved)
        mine = "" if end.side == "client" else "peer_"
        how = end.hows["send" if end.side == "client" else "recv"]
        if not how.startswith("uring"):
            self.differ(where, "pid", row["pid"], m[mine + "pid"])
            if m[mine + "tid"]:
                self.differ(where, "tid", row["tid"], m[mine + "tid"])
        if end.conn["proto"] not in ("unix", "pair"):
            address = end.conn["server_address"].replace("::ffff:", "")
            self.differ(where, "server", row["server"].rpartition(":")[0].strip("[]"), address)

    def answer(self, where, end, row, m, answer, moved, certain, whole):
        """answer: what there was of the final response, None: nothing. Who is not certain says nothing that is wrong."""
        if row["status"] is None and not certain and answer:
            return
        if row["status"] is not None and not answer:
            self.wrong("%s: answered by %s, and it was not" % (where, row["status"]))
            return
        if not answer:
            outcomes = ["reset"] if end.conn["reset"] else ["unanswered"]
            # A reset may come when all is over on this side.
            outcomes += ["unanswered"] * (end.conn["reset"] and not certain)
            if row["outcome"] not in outcomes:
                self.wrong("%s: outcome %s, not %s" % (where, row["outcome"], outcomes))
            self.differ(where, "complete", row["complete"], False)
            return
        self.differ(where, "status", row["status"], answer["status"])
        if not certain:
            return
        self.differ(where, "response_bytes", row["response_bytes"], moved)
        entire = whole and m["complete"] and answer["complete"] and moved == answer["bytes"]
        self.differ(where, "complete", row["complete"], entire)
        if entire:
            self.differ(where, "outcome", row["outcome"], "answered")
        elif row["outcome"] not in ("answered", "reset") + ("unanswered",) * (moved <= answer["head_bytes"]):
            self.wrong("%s: outcome %s of what was answered in part" % (where, row["outcome"]))
        if end.truth.sum["case"] == "early":
            self.differ(where, "early_response", row.get("early_response"), True)

    def times(self, where, end, row, m, answer):
        parts = [row["request_us"], row["wait_us"], row["response_us"]]
        if row["outcome"] != "answered" or not row["complete"] or row.get("early_response"):
            return
        if None in parts or min(parts) < 0:
            self.wrong("%s: times %s" % (where, parts))
        elif not sum(parts) - 3 <= row["total_us"] <= sum(parts) + 3:
            self.wrong("%s: times %s, together %d" % (where, parts, row["total_us"]))
        elif end.truth.sum["case"] == "late":
            pause = self.args.pause * 1000
            if row["wait_us"] < pause - 100:
                self.wrong("%s: waited for %d us" % (where, row["wait_us"]))
            if m["number"] > 1 and (row.get("idle_us") or 0) < pause - 100:
                self.wrong("%s: idle for %s us" % (where, row.get("idle_us")))

    # -- both
    def joined(self, where, conn, rows):
        if conn["proto"] == "pair":
            return
        # Before 5.12 unix sockets have no numbers of their own, by which one could know the other.
        if any(int(row["connection"]) >> 63 for end in rows.values() for row in end.values()):
            return
        both = rows["client"].keys() & rows["server"].keys()
        for n in both:
            client, server = rows["client"][n], rows["server"][n]
            here = "%s #%d" % (where, n)
            self.differ(here, "peers", (client.get("peer_span_id"), server.get("peer_span_id")),
                        (server["span_id"], client["span_id"]))
            self.differ(here, "the server's link", (server["link"], server["parent_span_id"], server["trace_id"]),
                        ("join", client["span_id"], client["trace_id"]))
            for row, other in ((client, server), (server, client)):
                if row["outcome"] == "answered" and other["outcome"] == "answered":
                    self.differ(here, "statuses of both ends", row["status"], other["status"])
            if client["outcome"] == server["outcome"] == "answered" and client["complete"] and server["complete"]:
                self.split(here, client, server)
        for side in rows:
            for n in rows[side].keys() - both:
                self.differ("%s %s #%d" % (side, where, n), "peer", rows[side][n].get("peer_span_id"), None)

    def split(self, where, client, server):
        """The client's total is the server's and the network's."""
        took, network = client.get("server_us"), client.get("network_us")
        if took is None or network is None:
            self.wrong("%s: joined, but server_us %s, network_us %s" % (where, took, network))
            return
        want = server["total_us"] + (server["queue_us"] or 0)
        if not want - 3 <= took <= want + 3:
            self.wrong("%s: server_us %d, not %d" % (where, took, want))
        if network != max(0, client["total_us"] - took) and abs(network - client["total_us"] + took) > 3:
            self.wrong("%s: network_us %d of %d, server %d" % (where, network, client["total_us"], took))

    # -- the run
    def account(self, truths):
        self.why = []
        s = self.said.summary
        if not s:
            return "no summary"
        self.differ("summary", "balanced", s["balanced"], True)
        for key in ("bytes_ring_full", "records_ring_full", "connections_dropped", "no_memory", "records_damaged"):
            self.differ("summary", key, s[key], 0)
        rows = [r for found in self.said.conns.values() for conn in found for r in conn]
        if not (self.args.missed and s["hooks_missed"]):
            self.differ("others", "rows", [(r["role"], r["client"], r["server"], r["url"]) for r in rows][:3], [])
        spans = collections.Counter(r["span_id"] for rows in self.said.rows.values() for r in rows)
        self.differ("spans", "ids that several have", [i for i, n in spans.items() if n > 1][:3], [])
        return "; ".join(self.why[:4]) or "ok"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--backend", default="tracepoint")
    p.add_argument("--kernel", default=os.uname().release)
    p.add_argument("--pages", action="store_true")
    p.add_argument("--missed", action="store_true")
    p.add_argument("--pause", type=int, default=20)
    p.add_argument("out")
    p.add_argument("truths", nargs="*")
    args = p.parse_args()
    judge = Judge(args)
    truths = [sniff.Truth(t) for t in args.truths]
    verdicts = [(t.name, judge.truth(t)) for t in truths]
    missed = judge.said.summary["hooks_missed"] if args.missed and judge.said.summary else 0
    excused = sum(why != "ok" for _, why in verdicts) <= missed
    for name, why in verdicts:
        print(name, "missed " * (why != "ok" and excused) + why)
    print("account", judge.account(truths))


sys.exit(main())
