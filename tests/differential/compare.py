#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Conversations as httpsniff, h11 and tshark read them.

usage: compare.py steps | compare.py verdicts DIR

steps: the conversations for rec.c, to standard output. verdicts: DIR has out.json, which is what httpsniff made
of them; prints "NAME ok", or "NAME not: WHY" for each thing that is not as it should be:
  pieces   each conversation reads the same however it is cut
  h11, tshark   they say the same, or explained.py says why not
  reasons  each of those explains something
Then what there was, behind "#".
"""
import os
import sys

import corpus
import explained
import ours
import peer
import shark
from verdict import differences


def complain(name, lines):
    for line in lines[:20]:
        print("%s not: %s" % (name, line))
    if len(lines) > 20:
        print("%s not: and %d more" % (name, len(lines) - 20))
    if not lines:
        print("%s ok" % name)


def pieces(talks, verdicts_of):
    first, bad = {}, []
    for talk, verdicts in zip(talks, verdicts_of):
        known = first.setdefault(talk.name.split("/")[0], verdicts)
        for side in "cs":
            bad += ["%s %s %s" % (talk.name, side, d)
                    for d in differences(verdicts[side], known[side])]
            said, before = (", ".join(map(str, v[side].messages)) for v in (verdicts, known))
            if said != before:
                bad.append("%s %s: %s, not %s" % (talk.name, side, said, before))
    complain("pieces", bad)


def against(name, reasons, talks, said, theirs):
    """Prints the verdict; returns the number of messages that are the same to both."""
    bad, same = [], 0
    for talk, a, b in zip(talks, said, theirs):
        for side in "cs":
            found = list(differences(a[side], b[side]))
            same += min(len(a[side].messages), len(b[side].messages)) - len({d.split()[0] for d in found})
            bad += ["%s %s %s" % (talk.name, side, d) for d in found
                    if not any(r.explains(talk, "%s %s" % (side, d)) for r in reasons)]
    complain(name, bad)
    return same


def verdicts(directory):
    talks = corpus.corpus()
    said = ours.read(talks, os.path.join(directory, "out.json"))
    pieces(talks, said)
    same = {"h11": against("h11", explained.H11, talks, said, peer.read(talks))}
    # tshark puts together by itself what is cut, and is not what is tested.
    whole = [i for i, talk in enumerate(talks) if talk.name.endswith("/calls")]
    talks, said = [talks[i] for i in whole], [said[i] for i in whole]
    same["tshark"] = against("tshark", explained.TSHARK, talks, said,
                             shark.read(talks, os.path.join(directory, "packets")))
    every = explained.H11 + explained.TSHARK
    complain("reasons", ["%s %s explains nothing" % (r.names, r.says) for r in every if not r.used])
    for name, n in same.items():
        print("# %s: %d messages are the same" % (name, n))
    for name, reasons in ("h11", explained.H11), ("tshark", explained.TSHARK):
        for r in reasons:
            print("# %s: %4d %s: %s" % (name, r.used, r.names, r.why))


if sys.argv[1:] == ["steps"]:
    corpus.record(corpus.corpus(), sys.stdout.buffer)
elif len(sys.argv) == 3 and sys.argv[1] == "verdicts":
    verdicts(sys.argv[2])
else:
    sys.exit(__doc__)
