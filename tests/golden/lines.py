# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""lines.py FILE: JSON lines, in which no key comes twice and nothing acts on a terminal."""
import json, re, sys
def once(pairs):
    d = dict(pairs)
    if len(d) != len(pairs):
        sys.exit('a key comes twice: %r' % pairs)
    return d
for line in open(sys.argv[1], 'rb').read().split(b'\n')[:-1]:
    if re.search('[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]', line.decode()):
        sys.exit('not escaped: %r' % line)
    json.loads(line, object_pairs_hook=once)
