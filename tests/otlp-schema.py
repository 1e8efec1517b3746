#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Holds lines of OpenTelemetry's JSON against the protocol's schema, strictly.

usage: otlp-schema.py [--plain] [FILE...]

Each line is one TracesData (file exporter) or ExportTraceServiceRequest. The tables are the messages
of opentelemetry-proto (trace/v1/trace.proto, common/v1/common.proto, resource/v1/resource.proto), with
the JSON mapping of proto3 and what OTLP's specification changes in it: ids are hex, enums are numbers.
A receiver must skip fields that it does not know; here they are mistakes, as are a 64-bit number that
is no string, an id of another length or of zeros, a value that is two.

Then the spans are held against the semantic conventions for HTTP spans: names, kinds, required
attributes, the types of all that are known, error.type and status. --plain: not that.

Prints "N spans, M lines" and exits 0, or names what is wrong (at most 20 times) and exits 1.
"""
import base64
import json
import re
import sys

# message -> field (JSON name) -> type; "[]" before it: repeated. keyStrindex and stringValueStrindex are
# for profiles alone, so mistakes here.
SCHEMA = {
    "TracesData": {"resourceSpans": "[]ResourceSpans"},
    "ResourceSpans": {"resource": "Resource", "scopeSpans": "[]ScopeSpans", "schemaUrl": "string"},
    "ScopeSpans": {"scope": "InstrumentationScope", "spans": "[]Span", "schemaUrl": "string"},
    "Span": {
        "traceId": "id16", "spanId": "id8", "traceState": "string", "parentSpanId": "id8",
        "flags": "fixed32", "name": "string", "kind": "SpanKind", "startTimeUnixNano": "fixed64",
        "endTimeUnixNano": "fixed64", "attributes": "[]KeyValue", "droppedAttributesCount": "uint32",
        "events": "[]Event", "droppedEventsCount": "uint32", "links": "[]Link",
        "droppedLinksCount": "uint32", "status": "Status",
    },
    "Event": {"timeUnixNano": "fixed64", "name": "string", "attributes": "[]KeyValue",
              "droppedAttributesCount": "uint32"},
    "Link": {"traceId": "id16", "spanId": "id8", "traceState": "string", "attributes": "[]KeyValue",
             "droppedAttributesCount": "uint32", "flags": "fixed32"},
    "Status": {"message": "string", "code": "StatusCode"},
    "Resource": {"attributes": "[]KeyValue", "droppedAttributesCount": "uint32",
                 "entityRefs": "[]EntityRef"},
    "EntityRef": {"schemaUrl": "string", "type": "string", "idKeys": "[]string",
                  "descriptionKeys": "[]string"},
    "InstrumentationScope": {"name": "string", "version": "string", "attributes": "[]KeyValue",
                             "droppedAttributesCount": "uint32"},
    "KeyValue": {"key": "string", "value": "AnyValue"},
    "AnyValue": {"stringValue": "string", "boolValue": "bool", "intValue": "int64",
                 "doubleValue": "double", "arrayValue": "ArrayValue", "kvlistValue": "KeyValueList",
                 "bytesValue": "bytes"},
    "ArrayValue": {"values": "[]AnyValue"},
    "KeyValueList": {"values": "[]KeyValue"},
}
ONE_OF = {"AnyValue"}
ENUMS = {"SpanKind": range(0, 6), "StatusCode": range(0, 3)}
REQUIRED = {"Span": ("traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"),
            "Link": ("traceId", "spanId"), "KeyValue": ("key", "value"),
            "ResourceSpans": ("resource", "scopeSpans"), "ScopeSpans": ("scope", "spans"),
            "TracesData": ("resourceSpans",), "InstrumentationScope": ("name",)}
INTEGERS = {"uint32": (0, 2**32 - 1), "fixed32": (0, 2**32 - 1)}
LONGS = {"fixed64": (0, 2**64 - 1), "int64": (-2**63, 2**63 - 1)}

errors = []


def wrong(where, text):
    errors.append(f"{where}: {text}")


def scalar(where, kind, v):
    if kind == "string":
        if not isinstance(v, str):
            wrong(where, f"no string: {v!r}")
        elif any(0xd800 <= ord(c) < 0xe000 for c in v):
            wrong(where, "half a surrogate pair")
    elif kind == "bool":
        if not isinstance(v, bool):
            wrong(where, f"no boolean: {v!r}")
    elif kind == "double":
        if isinstance(v, bool) or not isinstance(v, (int, float)):
            wrong(where, f"no number: {v!r}")
    elif kind == "bytes":
        try:
            base64.b64decode(v, validate=True)
        except (TypeError, ValueError):
            wrong(where, f"no base64: {v!r}")
    elif kind in ("id16", "id8"):
        n = 32 if kind == "id16" else 16
        if not isinstance(v, str) or not re.fullmatch("[0-9a-fA-F]{%d}" % n, v):
            wrong(where, f"not {n} hex digits: {v!r}")
        elif not int(v, 16):
            wrong(where, "an id of zeros")
    elif kind in INTEGERS or kind in ENUMS:
        low, high = INTEGERS.get(kind) or (ENUMS[kind][0], ENUMS[kind][-1])
        if isinstance(v, bool) or not isinstance(v, int) or not low <= v <= high:
            wrong(where, f"no {kind}: {v!r}")
    elif kind in LONGS:
        low, high = LONGS[kind]
        if not isinstance(v, str) or not re.fullmatch(r"-?(0|[1-9][0-9]*)", v):
            wrong(where, f"no decimal string: {v!r}")
        elif not low <= int(v) <= high:
            wrong(where, f"out of {kind}'s range: {v}")
    else:
        raise KeyError(kind)


def check(where, kind, v):
    if kind.startswith("[]"):
        if not isinstance(v, list):
            wrong(where, f"no array: {v!r}")
            return
        for i, item in enumerate(v):
            check(f"{where}[{i}]", kind[2:], item)
        if kind == "[]KeyValue":
            keys = [item.get("key") for item in v if isinstance(item, dict)]
            for key in keys:
                if not key:
                    wrong(where, "an attribute without a key")
            for key in {key for key in keys if keys.count(key) > 1}:
                wrong(where, f"two attributes {key}")
        return
    fields = SCHEMA.get(kind)
    if fields is None:
        scalar(where, kind, v)
        return
    if not isinstance(v, dict):
        wrong(where, f"no {kind}: {v!r}")
        return
    for key, item in v.items():
        if key in fields:
            check(f"{where}.{key}", fields[key], item)
        else:
            wrong(where, f"{kind} has no field {key}")
    for key in REQUIRED.get(kind, ()):
        if key not in v:
            wrong(where, f"{kind} without {key}")
    if kind in ONE_OF and len(v) != 1:
        wrong(where, f"{kind} with {len(v)} values")


# --- the semantic conventions: attribute -> type of its value
ATTRIBUTES = {
    "http.request.method": "string", "http.request.method_original": "string",
    "http.request.body.size": "int", "http.response.body.size": "int",
    "http.response.status_code": "int", "error.type": "string",
    "url.full": "string", "url.path": "string", "url.query": "string", "url.scheme": "string",
    "server.address": "string", "server.port": "int", "client.address": "string",
    "client.port": "int", "network.peer.address": "string", "network.peer.port": "int",
    "network.local.address": "string", "network.local.port": "int",
    "network.protocol.version": "string", "network.transport": "string",
    "thread.id": "int", "thread.name": "string",
}
RESOURCE = {"service.name": "string", "process.pid": "int", "process.executable.name": "string",
            "host.name": "string", "container.id": "string"}
METHODS = {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "QUERY"}
NEEDED = {2: ("url.path", "url.scheme"), 3: ("server.address", "url.full")}
CLIENT, SERVER = 3, 2


def attributes(where, items, known):
    out = {}
    for item in items:
        key, value = item["key"], item["value"]
        kind = next(iter(value))
        if key in known:
            if kind != known[key] + "Value":
                wrong(where, f"{key} is a {kind}")
        elif not key.startswith("reqtools."):
            wrong(where, f"an attribute of no convention: {key}")
        out[key] = int(value[kind]) if kind == "intValue" else value[kind]
    # A name must not be that of a group of names.
    for key in out:
        for other in out:
            if other.startswith(key + "."):
                wrong(where, f"{key} is the group of {other}")
    return out


def convention(where, span):
    a = attributes(where, span.get("attributes", []), ATTRIBUTES)
    kind, method = span["kind"], a.get("http.request.method")
    status, error = a.get("http.response.status_code"), a.get("error.type")
    if kind not in (CLIENT, SERVER):
        wrong(where, f"kind {kind}")
        return
    for key in ("http.request.method", *NEEDED[kind]):
        if key not in a:
            wrong(where, f"no {key}")
    if method not in METHODS | {"_OTHER"}:
        wrong(where, f"method {method!r}")
    if (method == "_OTHER") != ("http.request.method_original" in a):
        wrong(where, "http.request.method_original")
    if span["name"] != ("HTTP" if method == "_OTHER" else method):
        wrong(where, f"name {span['name']!r} of method {method!r}")
    if status is not None and not 100 <= status <= 999:
        wrong(where, f"status {status}")
    if error is not None and error.isdigit() and error != str(status):
        wrong(where, f"error.type {error} of status {status}")
    failed = status is not None and (status >= 500 or (status >= 400 and kind == CLIENT))
    if failed and error is None:
        wrong(where, f"no error.type of status {status}")
    if (error is not None) != (span.get("status", {}).get("code", 0) == 2):
        wrong(where, f"error.type {error!r}, but status {span.get('status')}")
    for part in ("server", "network.peer"):
        if f"{part}.port" in a and not 1 <= a[f"{part}.port"] <= 65535:
            wrong(where, f"{part}.port {a[part + '.port']}")
    if "@" in a.get("url.full", "").partition("//")[2].partition("/")[0].partition("?")[0]:
        userinfo = a["url.full"].partition("//")[2].partition("@")[0]
        if set(userinfo) - set("*:"):
            wrong(where, "url.full with a user or password")
    if kind == CLIENT and not re.match(r"(https?:)?//.", a.get("url.full", ""), re.I | re.S):
        wrong(where, f"url.full {a.get('url.full')!r} is not absolute")
    if "?" in a.get("url.path", ""):
        wrong(where, "url.path with a query")


def spans_of(batch):
    for r, resource in enumerate(batch["resourceSpans"]):
        for s, scope in enumerate(resource["scopeSpans"]):
            for i, span in enumerate(scope["spans"]):
                yield f"resourceSpans[{r}].scopeSpans[{s}].spans[{i}]", span


def line_ok(where, line, plain):
    before = len(errors)
    try:
        batch = json.loads(line, parse_constant=lambda name: wrong(where, f"{name} is not JSON"))
    except ValueError as e:
        wrong(where, f"no JSON: {e}")
        return 0
    check(where, "TracesData", batch)
    if len(errors) != before:
        return 0
    n = 0
    for at, span in spans_of(batch):
        n += 1
        at = f"{where}: {at}"
        if int(span["endTimeUnixNano"]) < int(span["startTimeUnixNano"]):
            wrong(at, "ends before it begins")
        if span.get("parentSpanId") == span["spanId"]:
            wrong(at, "is its own parent")
        if not span["name"]:
            wrong(at, "has no name")
        if not plain:
            convention(at, span)
    for r, resource in enumerate(batch["resourceSpans"]):
        if not plain:
            a = attributes(f"{where}: resourceSpans[{r}]", resource["resource"]["attributes"], RESOURCE)
            if not a.get("service.name"):
                wrong(f"{where}: resourceSpans[{r}]", "no service.name")
        if not any(scope["spans"] for scope in resource["scopeSpans"]):
            wrong(f"{where}: resourceSpans[{r}]", "no spans")
    return n


def main():
    args = sys.argv[1:]
    plain = "--plain" in args
    spans = lines = 0
    for name in [a for a in args if a != "--plain"] or ["/dev/stdin"]:
        try:
            with open(name, "rb") as f:
                data = f.read()
        except OSError as e:
            wrong(name, e.strerror)
            continue
        if data and not data.endswith(b"\n"):
            wrong(name, "the last line does not end")
        for i, line in enumerate(data.split(b"\n")[:-1], 1):
            lines += 1
            try:
                spans += line_ok(f"{name}:{i}", line.decode(), plain)
            except UnicodeDecodeError as e:
                wrong(f"{name}:{i}", f"no UTF-8: {e}")
    for text in errors[:20]:
        print(text[:400], file=sys.stderr)
    if errors:
        print(f"{len(errors)} mistakes", file=sys.stderr)
        return 1
    print(f"{spans} spans, {lines} lines")
    return 0


sys.exit(main())
