# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What the services in Python have in common."""
import argparse
import json
import os
import signal
import threading
import time


def arguments(doc):
    p = argparse.ArgumentParser(description=doc)
    p.add_argument("--next", type=int, required=True)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--truth", default="/dev/stdout")
    p.add_argument("--name", default="python")
    p.add_argument("--calls", type=int, default=1)
    p.add_argument("--close", action="store_true")
    p.add_argument("--trace", action="store_true")
    args = p.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    return args


class Truth:
    def __init__(self, args):
        self.name, self.file, self.lock = args.name, open(args.truth, "a"), threading.Lock()

    def tell(self, chain, hop, server, client, begin):
        line = json.dumps({
            "type": "served", "service": self.name, "chain": chain, "hop": hop, "server_port": server,
            "client_port": client, "pid": os.getpid(), "tid": threading.get_native_id(), "begin_ns": begin,
            "end_ns": time.time_ns()}) + "\n"
        with self.lock:
            self.file.write(line)

    def close(self):
        with self.lock:
            self.file.close()
            os._exit(0)  # threads may be in the middle of something


def hops(args, hop):
    return ["%s.%s%d" % (hop, args.name[0], i + 1) for i in range(args.calls)]


def pass_on(headers, trace):
    """Headers that tracers look at, as they came; the traceparent with a span id of this call's own, as an SDK does."""
    to = {h: headers[h] for h in ("X-Chain-Id", "X-Request-ID", "b3", "traceparent") if headers.get(h)}
    if trace and "traceparent" in to:
        parts = to["traceparent"].split("-")
        parts[2] = os.urandom(8).hex()
        to["traceparent"] = "-".join(parts)
    return to
