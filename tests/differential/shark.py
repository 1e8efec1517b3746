# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Conversations as packets, and what tshark reads in them."""
import struct
import subprocess
import xml.etree.ElementTree as tree

from talks import END, RESET
from verdict import Message, Verdict, lines_of, text

CLIENT, SERVER = b"\x0a\0\0\2", b"\x0a\0\0\1"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
FIRST_PORT = 20000
MTU = 60000


class Packets:
    """A file of packets (pcap, raw IPv4), a microsecond apart."""

    def __init__(self, out):
        self.out, self.time = out, 0
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))

    def put(self, port, side, seq, ack, flags, data=b""):
        client = side == "c"
        tcp = struct.pack(">HHIIBBHHH", *((port, 80) if client else (80, port)),
                          seq & 0xffffffff, ack & 0xffffffff, 5 << 4, flags, 65535, 0, 0)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0)
        ip += CLIENT + SERVER if client else SERVER + CLIENT
        packet = ip + tcp + data
        self.time += 1
        self.out.write(struct.pack("<IIII", self.time // 1000000, self.time % 1000000,
                                   len(packet), len(packet)) + packet)

    def talk(self, port, talk):
        seq = {"c": talk.seq, "s": talk.seq}
        other = {"c": "s", "s": "c"}

        def say(side, flags, data=b""):
            self.put(port, side, seq[side], seq[other[side]], flags, data)
            seq[side] += len(data) + bool(flags & (SYN | FIN))

        ended = set()
        seq = {side: n - 1 for side, n in seq.items()}
        self.put(port, "c", seq["c"], 0, SYN)
        seq["c"] += 1
        say("s", SYN | ACK)
        say("c", ACK)
        for side, what in talk.steps:
            if what is END or what is RESET:
                say(side, FIN | ACK if what is END else RST | ACK)
                ended |= {side} if what is END else {"c", "s"}
                continue
            for at in range(0, len(what), MTU):
                say(side, PSH | ACK, what[at:at + MTU])
        for side in "sc":
            if side not in ended:
                say(side, FIN | ACK)


def value(field):
    """The bytes of a field, or what is shown of one that has none."""
    data = field.get("value")
    return bytes.fromhex(data) if data else field.get("show", "").encode()


def message_of(proto):
    """Of a layer "http", or None where it is bytes that tshark cannot make sense of."""
    m = Message()
    for f in proto.iter("field"):
        name = f.get("name")
        if name in ("http.request.method", "http.response.code"):
            m.request = name == "http.request.method"
            m.start = text(value(f))
        elif name == "http.request.uri" and m.target is None:
            m.target = text(value(f))
        elif name in ("http.request.version", "http.response.version"):
            m.version = text(value(f)).removeprefix("HTTP/")
        elif name in ("http.request.line", "http.response.line"):
            m.headers += lines_of(value(f))
        elif name == "http.chunked_trailer_part":
            m.trailers += lines_of(value(f))
        elif name == "http.response_for.uri":
            m.answers = f.get("show").removeprefix("http://h")
        elif name == "http.file_data":
            m.body = value(f)
    return m if m.start else None


def read(talks, path):
    """The verdict on each side of each conversation."""
    with open(path, "wb") as out:
        packets = Packets(out)
        for i, talk in enumerate(talks):
            packets.talk(FIRST_PORT + i, talk)
    args = ["tshark", "-n", "-r", path, "-Y", "http", "-T", "pdml", "-J", "tcp http",
            "-o", "http.decompress_body:FALSE"]
    p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = [{"c": Verdict(), "s": Verdict()} for _ in talks]
    for _, packet in tree.iterparse(p.stdout):
        if packet.tag != "packet":
            continue
        ports = [int(f.get("show")) for f in packet.iter("field")
                 if f.get("name") in ("tcp.srcport", "tcp.dstport")]
        side = said[max(ports) - FIRST_PORT]["s" if ports[0] == 80 else "c"]
        for m in (message_of(x) for x in packet.iter("proto") if x.get("name") == "http"):
            if m:
                side.messages.append(m)
            else:
                side.refused = "bytes of no message"
        packet.clear()
    if p.wait():
        raise SystemExit("tshark: %s" % p.stderr.read().decode(errors="replace"))
    return said
