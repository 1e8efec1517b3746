#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""A service in Python of those that call one another, where one thread serves all connections in turn: what caused a
request can only be guessed from outside. tests/load/chain.c says what the services have in common.

usage: events.py --next PORT [--port PORT] [--truth FILE] [--name NAME] [--calls N] [--close] [--trace]

Connections to the service behind are kept by whoever is done with one; --close: each call has its own.
"""
import asyncio
import signal
import time

import common

args = common.arguments(__doc__)
truth = common.Truth(args)
idle = []  # connections to the service behind


async def head_of(reader):
    """The first line, and the headers with names in small letters."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head[:-4].split("\r\n")
    return first, {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in rest)}


class Headers(dict):
    def __getitem__(self, name):
        return dict.__getitem__(self, name.lower())

    def get(self, name):
        return dict.get(self, name.lower())


async def ask(headers, path, hop):
    if idle and not args.close:
        reader, writer = idle.pop()
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", args.next)
    to = dict(common.pass_on(headers, args.trace), **{"X-Hop": hop, "Host": "chain.example"})
    if args.close:
        to["Connection"] = "close"
    lines = ["GET %s HTTP/1.1" % path] + ["%s: %s" % h for h in to.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    first, answer = await head_of(reader)
    await reader.readexactly(int(answer["content-length"]))
    if answer["x-hop"] != hop:
        raise SystemExit("%s was answered by %s" % (hop, answer["x-hop"]))
    if args.close or answer.get("connection", "").lower() == "close":
        writer.close()
    else:
        idle.append((reader, writer))
    return int(first.split()[1])


async def serve(reader, writer):
    peer, own = writer.get_extra_info("peername")[1], writer.get_extra_info("sockname")[1]
    keep = True
    while keep:
        try:
            first, headers = await head_of(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            break
        begin = time.time_ns()
        headers = Headers(headers)
        chain, hop = headers["X-Chain-Id"], headers["X-Hop"]
        keep = first.endswith("/1.1") and (headers.get("Connection") or "").lower() != "close"
        status = max([await ask(headers, first.split()[1], h) for h in common.hops(args, hop)])
        truth.tell(chain, hop, own, peer, begin)
        writer.write(("HTTP/1.1 %d %s\r\nX-Chain-Id: %s\r\nX-Hop: %s\r\nContent-Length: 7\r\n%s\r\nchain.\n" % (
            status, "OK" if status == 200 else "Failed", chain, hop, "" if keep else "Connection: close\r\n")).encode())
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", args.port, backlog=1024)
    for sig in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sig, truth.close)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    print("listening %d" % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
