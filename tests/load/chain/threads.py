#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""A service in Python of those that call one another, with a thread for each connection. tests/load/chain.c says what
they have in common.

usage: threads.py --next PORT [--port PORT] [--truth FILE] [--name NAME] [--calls N] [--close] [--trace]

Each of its threads keeps a connection to the service behind; --close: has one for each call. --trace: makes a traceparent
of its own for each call where one came in.
"""
import http.client
import http.server
import signal
import sys
import threading
import time

import common

args = common.arguments(__doc__)
truth = common.Truth(args)
own = threading.local()


def ask(headers, path, hop):
    if args.close or not hasattr(own, "connection"):
        own.connection = http.client.HTTPConnection("127.0.0.1", args.next)
    own.connection.request("GET", path, headers=dict(common.pass_on(headers, args.trace), **{"X-Hop": hop}))
    answer = own.connection.getresponse()
    answer.read()
    if answer.headers["X-Hop"] != hop:
        sys.exit("%s was answered by %s" % (hop, answer.headers["X-Hop"]))
    if args.close:
        own.connection.close()
    return answer.status


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def log_message(self, *_):
        pass

    def do_GET(self):
        begin = time.time_ns()
        chain, hop = self.headers["X-Chain-Id"], self.headers["X-Hop"]
        status = max(ask(self.headers, self.path, h) for h in common.hops(args, hop))
        truth.tell(chain, hop, self.server.server_address[1], self.client_address[1], begin)
        self.send_response(status)
        self.send_header("X-Chain-Id", chain)
        self.send_header("X-Hop", hop)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"chain.\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


server = Server(("127.0.0.1", args.port), Handler)
print("listening %d" % server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
signal.sigwait({signal.SIGTERM, signal.SIGINT})
truth.close()
