#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/golden/httpsniff.sh [CASE...]
#
# What must hold of all that httpsniff prints, whatever it is: read back by others, it says what was said.
. "$(dirname "$0")/../lib.sh"
[ -x "$BIN/httpsniff" ] || bench_broken "no $BIN/httpsniff: run make"
cp "$top"/tests/golden/rec/httpsniff-*.rec "$tmp/" || exit 99
cd "$tmp" || exit 99
whole=(mixed odd secrets holes others)

# replay NAME ARG...: stdout to out, stderr to err
replay() {
	local name=$1
	shift
	env -i TZ=UTC "$BIN/httpsniff" --config /dev/null --replay "httpsniff-$name.rec" "$@" >out 2>err
}

# Lines of text, by a strict reader: keys come once, quoted values are JSON strings. Printed as JSON.
cat >logfmt.py <<'END'
import json, re, sys
pair = re.compile(rb'([a-z_]+)=(?:("(?:[^"\\\x00-\x1f\x7f]|\\.)*")|([^ "=\'`\\\x00-\x20\x7f-\xff]+))(?: |$)')
for line in sys.stdin.buffer.read().split(b'\n')[:-1]:
    at, got = 0, {}
    while at < len(line):
        m = pair.match(line, at)
        if not m:
            sys.exit('not logfmt: %r' % line[at:])
        key = m[1].decode()
        if key in got:
            sys.exit('%s comes twice: %r' % (key, line))
        got[key] = json.loads(m[2].decode()) if m[2] else m[3].decode()
        at = m.end()
    print(json.dumps(got))
END

# The text says what the JSON does, message by message.
same() {
	replay "$1" --raw && python3 logfmt.py <out >text || return
	replay "$1" --raw -j && python3 "$top/tests/golden/lines.py" out || return
	jq -c 'def at(ip; port): if ip == null then null elif ip | contains(":") then "[\(ip)]:\(port)" else "\(ip):\(port)" end;
		select(.type != "summary") | {ts: .timestamp, pid: "\(.pid)", comm, dir: .direction,
		src: at(.source_ip; .source_port), dst: at(.dest_ip; .dest_port), path,
		bytes: (if .bytes == null then null else "\(.bytes)" end), method, url,
		status: (if .status == null then null else "\(.status)" end),
		gap: (if .type == "gap" then .cause else null end), notice: .protocol, sni, name,
		not_decoded: (if .decoded == false then "true" else null end),
		complete: (if .complete == false then "false" else null end), why,
		truncated: (if .truncated then "true" else null end),
		lost: (if .lost_bytes == 0 or .lost_bytes == null then null else "\(.lost_bytes)" end),
		cause: .lost_cause, coding: .body_coding, decoding,
		anomalies: (if .anomalies then .anomalies | join(",") else null end),
		encoding: (if .body_encoding == "base64" then .body_encoding else null end),
		body: (if .body == "" then null else .body end), raw_encoding, raw: .raw_payload}
		| with_entries(select(.value != null))' out | jq -cS . >from-json
	# Of a unix socket the text has its cookies where JSON has null.
	jq -cS 'if (.src // "") | startswith("unix") then del(.src, .dst) else . end' text >from-text
	cmp from-json from-text
}
for name in "${whole[@]}"; do
	wanted "text-is-json ($name)" &&
		check_true "text-is-json ($name)" "text is no logfmt, JSON no JSON, or they differ" same "$name"
done

# --pretty has nothing that a terminal obeys, but for colours of its own.
tame() {
	replay "$1" --pretty --raw --color always || return
	python3 - <<'END'
import re, sys
text = re.sub('\x1b\\[(?:0|1|2|3[1-6])m', '', open('out', encoding='utf-8').read())
bad = re.search('[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]', text)
sys.exit('%r' % text[bad.start():][:40] if bad else 0)
END
}
for name in "${whole[@]}"; do
	wanted "pretty-is-tame ($name)" &&
		check_true "pretty-is-tame ($name)" "a byte that acts on a terminal" tame "$name"
done

# Secrets are in the recording, and come out where they are asked for alone.
hidden() {
	local how
	grep -qa hide1 httpsniff-secrets.rec || return
	for how in "" -j --pretty; do
		# shellcheck disable=SC2086
		replay secrets --raw --redact-header X-Mine --redact-param mine $how || return
		! grep hide out || return
		# shellcheck disable=SC2086
		replay secrets --raw --no-redact $how || return
		[ "$(grep -o 'hide[0-9]*' out | sort -u | wc -l)" = 17 ] || return
	done
}
wanted secrets-hidden && check_true secrets-hidden "a secret came out, or none with --no-redact" hidden

# -o gets the lines of -j, whatever stdout has.
to_file() {
	local how
	replay mixed -j && mv out want || return
	replay mixed -j -o file && cmp file want && cmp out want || return
	for how in "" --pretty; do
		# shellcheck disable=SC2086
		replay mixed $how && mv out text || return
		# shellcheck disable=SC2086
		replay mixed $how -o file && cmp file want && cmp out text || return
	done
}
wanted output-file && check_true output-file "-o FILE is not what -j prints, or stdout differs with it" to_file

# Every byte is in a message, or the account says where it went.
sums() {
	replay "$1" -j && jq -e -s '([.[] | select(.type == "message") | .bytes] | add) as $sum
		| .[-1] | .balanced and .message_bytes == $sum
		and .bytes_sent + .bytes_received - .bytes_not_http - .bytes_ring_full - .bytes_duplicate
			== $sum + .message_unread_bytes + .bytes_skipped + .bytes_opaque' out
}
for name in "${whole[@]}"; do
	wanted "bytes-add-up ($name)" && check_true "bytes-add-up ($name)" "bytes are missing" sums "$name"
done
finish
