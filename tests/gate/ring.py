#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""usage: ring.py RECORDING TYPE...: bytes of a ring buffer that the records of these types took.

A recording is what common/record.h says. In a ring buffer each record has 8 bytes of its own, and begins at a multiple
of 8."""
import struct
import sys

HEADER, RING_HEADER = 40, 8
wanted = {int(t) for t in sys.argv[2:]}
data = open(sys.argv[1], "rb").read()
at, total = HEADER, 0
while at < len(data):
    kind, size = struct.unpack_from("<II", data, at)
    size = (size + 7) & ~7
    at += 8 + size
    if kind in wanted:
        total += RING_HEADER + size
print(total)
