#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""A collector for tests: takes OTLP/HTTP with JSON and writes each body, a line each, to FILE.

usage: otlp-collector.py [--port N] [--cert FILE] [--plan STEP,STEP...] FILE

Prints "PORT" when it listens. What it does to each request in turn, then "ok" for good:
  ok            200, {}
  503           503, without Retry-After (any status)
  503:2         503, Retry-After: 2 (seconds)
  503:date2     503, Retry-After as a date in about 2 seconds
  partial:N     200, with N spans refused (partial:sN: as a string)
  slow:MS       200, after MS milliseconds
  close         the connection is closed without an answer
A body is written for 2xx alone. Each request is told on stderr: method, path, status, bytes, the
local and remote port, spans, and selected headers; as JSON.
"""
import argparse
import email.utils
import http.server
import json
import ssl
import sys
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--cert", help="certificate and key, for https")
parser.add_argument("--plan", default="")
parser.add_argument("file")
args = parser.parse_args()
plan = [step for step in args.plan.split(",") if step]
lock = threading.Lock()
out = open(args.file, "ab", buffering=0)


def count(body):
    try:
        batch = json.loads(body)
    except ValueError:
        return -1
    return sum(len(scope.get("spans", [])) for resource in batch.get("resourceSpans", [])
               for scope in resource.get("scopeSpans", []))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body, retry_after=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        with lock:
            step = plan.pop(0) if plan else "ok"
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        what, _, arg = step.partition(":")
        status, text, after = 200, b"{}", None
        if what == "slow":
            time.sleep(int(arg) / 1000)
        elif what == "partial":
            n = arg[1:] if arg[0] == "s" else int(arg)
            text = json.dumps({"partialSuccess": {"rejectedSpans": n, "errorMessage": "test"}}).encode()
        elif what == "close":
            status = 0
        elif what != "ok":
            status, text, after = int(what), b'{"message":"test"}', arg or None
            if after and after.startswith("date"):
                after = email.utils.formatdate(time.time() + int(after[4:]), usegmt=True)
        with lock:
            if status == 200:
                out.write(body + b"\n")
            print(json.dumps({
                "method": self.command, "path": self.path, "status": status, "bytes": len(body),
                "spans": count(body), "peer": self.client_address[1], "time": time.time(),
                "type": self.headers.get("Content-Type"), "agent": self.headers.get("User-Agent"),
                "auth": self.headers.get("Authorization"), "expect": self.headers.get("Expect"),
            }), file=sys.stderr, flush=True)
        if status:
            self.answer(status, text, after)
        else:
            self.close_connection = True
            self.connection.close()

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (OSError, ValueError):
            self.close_connection = True


server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
server.daemon_threads = True
if args.cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
