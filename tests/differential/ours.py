# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What httpsniff says of conversations."""
import base64
import json

from verdict import Message, Verdict


def headers(d):
    return [(name, value) for name, values in (d or {}).items()
            for value in (values if isinstance(values, list) else [values])]


def read(talks, path):
    """The verdict on each side of each conversation, from the JSON lines."""
    said = [{"c": Verdict(), "s": Verdict()} for _ in talks]
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            if r["type"] != "message":
                continue
            request = r["status"] is None
            body = r["body"].encode() if r["body_encoding"] == "utf8" else base64.b64decode(r["body"])
            m = Message(request, r["method"] if request else str(r["status"]),
                        r["url"] if request else None, r["version"], headers(r["headers"]),
                        headers(r.get("trailers")), body, r["complete"],
                        None if request else r["url"],
                        r.get("anomalies", []) + ([] if r["complete"] else [r["why"]]))
            talk = said[int(r["connection"]) - 1]
            talk["c" if r["direction"] == "recv" else "s"].messages.append(m)
    return said
