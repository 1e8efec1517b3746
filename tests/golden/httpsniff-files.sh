#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/golden/httpsniff-files.sh [CASE...]
#
# What httpsniff writes with --har and --pcapng, as others read it: jq, Node's URLs, tshark. The truth is
# what it prints of the same recording with -j.
. "$(dirname "$0")/../lib.sh"
[ -x "$BIN/httpsniff" ] || bench_broken "no $BIN/httpsniff: run make"
for t in jq node tshark; do
	[ -n "$(command -v $t)" ] || bench_broken "no $t: run scripts/deps test"
done
cp "$top"/tests/golden/rec/httpsniff-*.rec "$tmp/" || exit 99
(cd "$top" && "${CC:-gcc}" -std=gnu17 -D_GNU_SOURCE -Ibpf -Icommon tests/golden/httpsniff-files.c common/record.c \
	common/log.c common/escape.c -o "$tmp/synth") && "$tmp/synth" "$tmp" || bench_broken "cannot make the recording"
cd "$tmp" || exit 99
whole=(files mixed odd secrets holes others)

# sniff NAME ARG...: replays httpsniff-NAME.rec
sniff() {
	local name=$1
	shift
	env -i TZ=UTC "$BIN/httpsniff" --config /dev/null --replay "httpsniff-$name.rec" "$@"
}
shark() { env -i PATH="$PATH" HOME="$tmp" tshark -n -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE "$@" 2>shark-err; }

for name in "${whole[@]}"; do
	sniff "$name" -j --raw --har "$name.har" --pcapng "$name.pcapng" >"$name.json" 2>err ||
		bench_broken "httpsniff-$name.rec: $(cat err)"
	grep '"type":"message"' "$name.json" >"$name.messages"
	sniff "$name" -j --raw --dedupe 2>err | grep '"type":"message"' >"$name.once"
done

# --- HAR

# Keys and types that HAR 1.2 wants; "time" is the sum of the timings that apply.
cat >har.jq <<'END'
def want(what; ok): if ok then empty else "\(what): \(tojson[0:300])" end;
def string: type == "string";
def natural: type == "number" and . >= 0 and . == floor;
def size: type == "number" and . >= -1;
def time: string and test("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z$");
def pairs: type == "array" and all(.[]; (.name | string) and (.value | string));
def custom(known): [keys[] | select(startswith("_") | not)] - (known | split(" ")) == [];
def cookies: pairs and all(.[]; custom("name value path domain expires httpOnly secure sameSite")
	and (.expires | . == null or time));
def version: IN("", "HTTP/1.0", "HTTP/1.1");
def message: (.cookies | cookies) and (.headers | pairs) and (.headersSize | size) and (.bodySize | size)
	and (.httpVersion | version);
def body: (.mimeType | string) and (.text | . == null or string);
def content: body and (.size | natural) and custom("size mimeType text encoding comment")
	and (.encoding | IN(null, "base64")) and (.encoding == null or .text != null);
def post: body and .text != null and .params == [] and custom("mimeType params text comment");
def ms: type == "number" and . >= 0;
def timings: .blocked == -1 and .dns == -1 and .connect == -1 and .ssl == -1
	and (.send | ms) and (.wait | ms) and (.receive | ms);
want("file"; keys == ["log"]),
(.log | want("log"; .version == "1.2" and .pages == [] and (.creator | .name == "httpsniff" and (.version | string))
	and custom("version creator pages entries"))),
(.log.entries[] | want("entry"; (.startedDateTime | time) and .cache == {} and (.serverIPAddress | . == null or string)
	and (.connection | . == null or string)
	and custom("startedDateTime time request response cache timings serverIPAddress connection"))),
(.log.entries[] | want("times"; (.timings | timings) and (.time - (.timings | .send + .wait + .receive) | fabs < 0.001))),
(.log.entries[].request | want("request"; message and (.method | string) and (.url | test("^(https?|wss?|ftp)://."; "i"))
	and (.queryString | pairs) and (.postData | . == null or post)
	and custom("method url httpVersion cookies headers queryString postData headersSize bodySize comment"))),
(.log.entries[].response | want("response"; message and (.status | natural) and (.statusText | string)
	and (.redirectURL | string) and (.content | content)
	and custom("status statusText httpVersion cookies headers content redirectURL headersSize bodySize"))),
(.log.entries[] | want("own"; (._pid | natural) and (._tid | natural) and (._comm | string)
	and (._direction | IN("send", "recv")) and (._complete | type == "boolean") and (._lost_bytes | natural)
	and (._connectionId | string)))
END
har_valid() { jq -r -f har.jq "$1.har" >out && [ ! -s out ] && [ -s "$1.har" ]; }

# What an entry and a printed message have in common.
cat >same.jq <<'END'
def values: [.[].value] | sort;
def flat: [.[] | if type == "array" then .[] else . end] | sort;
def asked: [._connectionId, .request.method, .request._target // (.request.url | sub("^http://[^/]*"; ""))];
def answered: [.response | .status, .httpVersion, .content.text // "", .content.encoding // "utf8", .content.size,
	(.headers | values)];
def posted: [.request | .httpVersion, .postData.text // "", .postData._encoding // "utf8", (.headers | values)];
def said: ["HTTP/" + .version, .body // "", .body_encoding // "utf8"];
END
pick() { jq -cS -L. "include \"same\"; $1" "$2" | sort; }
# Each response is an entry, with the request that it answers; each request is one half of one.
har_whole() {
	pick '.log.entries[] | select(.response.status != 0) | asked + answered' "$1.har" >got
	pick 'select(.status and (.status >= 200 or .status == 101)) | [.connection, .method // "",
		if .method then .url else "/" end, .status] + said + [.body_size, (.headers | flat)]' "$1.messages" >want
	cmp got want || return
	pick '.log.entries[] | select(.request.httpVersion != "") | asked + posted' "$1.har" >got
	pick 'select(.status == null) | [.connection, .method, .url] + said + [.headers | flat]' "$1.messages" >want
	cmp got want && [ -s got ]
}
# No URL is there that a browser would refuse.
har_urls() {
	jq -r '.log.entries[].request.url | tojson' "$1.har" >urls
	node -e 'for (const l of require("fs").readFileSync("urls", "utf8").trim().split("\n")) new URL(JSON.parse(l))' 2>out
}
for name in "${whole[@]}"; do
	wanted "har-valid ($name)" && check_true "har-valid ($name)" "not HAR 1.2" har_valid "$name"
	wanted "har-whole ($name)" && check_true "har-whole ($name)" "other messages than printed" har_whole "$name"
	wanted "har-urls ($name)" && check_true "har-urls ($name)" "a URL is none" har_urls "$name"
done

one=10.0.0.1 two=10.0.0.2
# har_is CASE FILTER WANT: of the entries of files.har, its values with a blank between two
har_is() { wanted "$1" && check "$1" "$(jq -r "[.log.entries[]] | $2" files.har | paste -sd ' ')" "$3"; }
at() { echo ".[] | select(.request.url | endswith(\"$1\"))"; }
har_is har-targets '.[] | select(._connectionId == "8") | .request.url' "http://$two/ http://$two/a http://$two/b \
http://$two/c http://ok.example:81/d http://x/http://a b\\@x/ http://***@x:8/?q http://star.example/ http://far:443 \
http://c/foo://a/b http://[2001:db8::1]:80/?a=%41+b&c&=d&%zz#f http://a/cookies"
har_is har-query '.[] | select(.request.url | contains("%zz")) | .request.queryString[] | tojson' \
	'{"name":"a","value":"A b"} {"name":"c","value":""} {"name":"","value":"d"} {"name":"%zz","value":""}'
har_is har-cookies "$(at /cookies) | (.request, .response) | .cookies[] | tojson" \
	'{"name":"a","value":"*"} {"name":"b","value":"*"} {"name":"*","value":""} '\
'{"name":"a","value":"***","path":"/y","expires":"2026-10-21T07:28:00.000000000Z","httpOnly":true,"secure":false} '\
'{"name":"*","value":"","httpOnly":false,"secure":true,"sameSite":"Lax"}'
har_is har-redirect "$(at /cookies).response.redirectURL" /to
har_is har-unanswered '.[] | select(.response.status == 0) | .request.url' "http://$one/cut http://$one/never"
har_is har-binary "$(at /cut).request.postData | .text, ._encoding" "/wB6 base64"
har_is har-alone '.[] | select(.request.method == "").request | .method, .url, .headersSize' " http://$one/ -1"
har_is har-early "$(at /early) | .time, (.timings | .send, .wait, .receive), .response.status" "0.1 0.1 0 0 413"
har_is har-times "$(at /large) | .time, (.timings | .send, .wait, .receive)" "1000.2 0 0.1 1000.1"
har_is har-cut "$(at /large) | ._truncated, ._complete, (.response.content | .size, (.text | length))" "true true 200000 65536"
har_is har-lost "$(at /sendfile) | ._direction, ._lost_bytes, .connection" "recv 50000 8080 send 0 8080"
har_is har-who "$(at /both/1) | ._pid, ._comm, ._container" '100 cu rl" null 200 nginx 0123456789ab'
har_is har-unix "$(at /both/5) | .request.url, .serverIPAddress, ._path" \
	"$(printf 'http://localhost/both/5 null /run/\033[31m app.sock http://localhost/both/5 null /run/\033[31m app.sock')"

# Whenever the run is killed, the file can be read.
entries() { jq -e '.log.entries | length > 5' killed.har; }
killed() {
	rm -f fifo killed.har
	mkfifo fifo
	env -i "$BIN/httpsniff" --config /dev/null --replay fifo --har killed.har >out 2>err &
	local sniffer=$! before
	pids="$pids $sniffer"
	exec 8>fifo
	head -c 300000 httpsniff-files.rec >&8
	wait_for 20 grep -q /sendfile killed.har
	entries
	before=$?
	kill -KILL $sniffer
	wait $sniffer 2>>shark-err
	exec 8>&-
	[ $before = 0 ] && entries
}
wanted har-killed && check_true har-killed "not JSON, or too few entries" killed

# full CASE WANT OPTION...: a write error is said, and ends in 1.
full() {
	wanted "$1" || return
	local name=$1 want=$2
	shift 2
	(trap '' XFSZ; ulimit -f 100; sniff files "$@" >/dev/null) 2>err
	status=$?
	if [ $status = 1 ] && contains err "$want"; then ok "$name"; else not_ok "$name" "status $status, or not said: $want"; fi
}
full har-full "cannot write /dev/full: No space left on device" --har /dev/full
full pcapng-full "cannot write /dev/full: No space left on device" --pcapng /dev/full
full har-directory "cannot write $tmp: Is a directory" --har "$tmp"
# ... What was whole can be read.
full har-too-large "cannot write large.har: File too large" --har large.har
wanted har-too-large && check_true "har-too-large, what is there" "not JSON" jq -e '.log.entries | length > 0' large.har
full pcapng-too-large "cannot write large.pcapng: File too large" --pcapng large.pcapng
blocks() { shark -r large.pcapng >out && ! grep -q 'cut short' shark-err && [ -s out ]; }
wanted pcapng-too-large && check_true "pcapng-too-large, what is there" "cut short" blocks

# --- pcapng

# Checksums are right, or cannot be told for what is missing (2); nothing is malformed. (The PNG of mixed is.)
right() {
	shark -r "$1.pcapng" -T fields -E separator=, -e ip.checksum.status -e tcp.checksum.status | sort -u >out
	grep -qE '^1?,1$' out && ! grep -qvE '^1?,[12]$' out &&
		shark -r "$1.pcapng" --disable-protocol png -Y '_ws.malformed && !(http.content_length_header && http.transfer_encoding)' >out && [ ! -s out ]
}
# expert NAME: what is noteworthy about the packets, but ends and comments
expert() {
	shark -r "$1.pcapng" --disable-protocol png -Y '_ws.expert.severity >= 0x400000' -T fields -E aggregator='|' \
		-e _ws.expert.message | tr '|' '\n' | grep -vE '^(Connection (finish|reset)|This frame (init|under)|pid |HTTP/1|[A-Z]+ )'
}
# Who said it stands at the first packet of each message, or at the acknowledgement from the other end; the
# packet went in or out as the process saw it.
comments() {
	shark -r "$1.pcapng" -Y 'frame.comment contains "message"' -T fields -E separator='|' \
		-e frame.packet_flags_direction -e tcp.len -e frame.comment |
		sed -E 's/^0x0*([12])\|([0-9]+)\|pid ([0-9]+) tid [0-9]+ comm .* dir (send|recv) role .* connection ([0-9]+) message ([0-9]+) .*/\6 \3 \4 \5 \1 \2/' |
		awk '{ print $1, $2, $3, $4, $5 == ($3 == "recv" && $6 > 0 ? 1 : 2) }' | sort -n >got
	jq -r '"\(.sequence) \(.pid) \(.direction) \(.connection) 1"' "$1.messages" >want
	cmp got want
}
# Dissectors find the messages, each once. (What one end alone has whole, --dedupe shows of both.)
dissected() {
	shark -r "$1.pcapng" -Y 'http.request || http.response' -T fields -e http.request.method -e http.request.uri \
		-e http.response.code | sort >got
	jq -r 'select(.lost_bytes == 0) | if .status then "\t\t\(.status)" else "\(.method)\t\(.url | sub(" .*"; ""))\t" end' "$1.once" | sort >want
	cmp got want && [ -s got ]
}

# Streams are the bytes that went by, where all of them are here.
cat >streams.py <<'END'
import base64, collections, json, re, subprocess, sys
name, shark = sys.argv[1], sys.argv[2:]
def run(*arg):
    return subprocess.run(shark + ['-r', name + '.pcapng'] + list(arg), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
stream, holes = {}, set()
for line in run('-Y', 'frame.comment', '-T', 'fields', '-e', 'tcp.stream', '-e', 'frame.comment').splitlines():
    found = re.search(r'^(\d+)\t.*connection (\d+) message', line)
    if found:
        stream.setdefault(int(found[1]), found[2])
        if 'not here' in line or 'incomplete' in line:
            holes.add(int(found[1]))
checked = 0
for number, connection in stream.items():
    want, got = [b'', b''], [b'', b'']
    for m in map(json.loads, open(name + '.messages')):
        if m['connection'] == connection:
            raw = m['raw_payload'] or ''
            want[m['status'] is not None] += base64.b64decode(raw) if m.get('raw_encoding') == 'base64' else raw.encode()
    for line in run('-q', '-z', 'follow,tcp,raw,%d' % number).splitlines():
        if re.fullmatch(r'\t?[0-9a-f]+', line):
            got[line[0] == '\t'] += bytes.fromhex(line.strip())
    if number not in holes and got != want:
        sys.exit('connection %s: %r, want %r' % (connection, got, want))
    checked += number not in holes
print(checked, 'streams')
sys.exit(not checked)
END
streams() { env -i PATH="$PATH" HOME="$tmp" python3 streams.py "$1" tshark -n >out 2>&1; }

for name in "${whole[@]}"; do
	wanted "pcapng-right ($name)" && check_true "pcapng-right ($name)" "checksums, or malformed" right "$name"
	wanted "pcapng-comments ($name)" && check_true "pcapng-comments ($name)" "other than printed" comments "$name"
	wanted "pcapng-streams ($name)" && check_true "pcapng-streams ($name)" "other bytes" streams "$name"
done
for name in files mixed secrets others; do
	wanted "pcapng-dissected ($name)" && check_true "pcapng-dissected ($name)" "other messages" dissected "$name"
done
for name in mixed secrets others; do
	wanted "pcapng-clean ($name)" && check "pcapng-clean ($name)" "$(expert "$name")" ""
done
missing=$(printf '%s\n' "ACKed segment that wasn't captured (common at capture start)" \
	"Previous segment(s) not captured (common at capture start)")
wanted pcapng-missing && check pcapng-missing "$(expert holes | sort -u)" "$missing"
# field CASE FILTER FIELD WANT: of files.pcapng
field() { wanted "$1" && check "$1" "$(shark -r files.pcapng -Y "$2" -T fields -e "$3" | sort -u | paste -sd ' ')" "$4"; }
field pcapng-interface 'frame.number == 1' frame.interface_name httpsniff
field pcapng-addresses 'http.request.uri == "/both/0"' ipv6.src ::1
field pcapng-unix 'http.request.uri == "/both/5"' ip.dst 127.0.0.4
field pcapng-unix-port 'http.request.uri == "/both/5"' tcp.dstport 80
field pcapng-sequence 'http.request.uri == "/both/1"' tcp.seq_raw 23
field pcapng-time 'http.request.uri == "/large"' frame.time_epoch 1767323045.002900000
field pcapng-missing-comment 'frame.comment contains "sendfile"' frame.comment "pid 200 tid 200 comm nginx dir send role server \
connection 2 message 15 netns 4026531840 container 0123456789ab; 50000 of its 50044 bytes are not here; 50000 bytes lost (sendfile)"
field pcapng-reset 'tcp.flags.reset == 1' ip.src 10.0.0.1
# What one end could not read, the other's reading fills in, but for the last byte: what follows is taken apart.
filled() {
	shark -r files.pcapng -Y 'tcp.stream == 0 && tcp.srcport == 8080' -T fields -e tcp.payload | tr -d '\n' >hex
	python3 -c 'import re; print(max(map(len, re.findall(b"s+", bytes.fromhex(open("hex").read())))))' >out
	[ "$(cat out)" = 49999 ]
}
wanted pcapng-filled && check_true pcapng-filled "not 49999 bytes of the file" filled

# Standard output has packets alone, as they come, for as long as somebody reads them.
stdout_same() { sniff files --pcapng - >stdout.pcapng 2>err && cmp stdout.pcapng files.pcapng; }
wanted pcapng-stdout && check_true pcapng-stdout "not what the file has" stdout_same
stdout_gone() {
	local i
	for i in 1 2 3 4 5; do
		sniff files --pcapng - 2>err | head -c 100 >out
		[ "${PIPESTATUS[0]}" = 0 ] && [ "$(wc -c <out)" = 100 ] && ! grep -q 'cannot' err || return
		sniff files --pcapng - 2>err | true
		[ "${PIPESTATUS[0]}" = 0 ] && ! grep -q 'cannot' err || return
	done
}
wanted pcapng-reader-gone && check_true pcapng-reader-gone "not quiet" stdout_gone
live() {
	rm -f fifo
	mkfifo fifo
	env -i "$BIN/httpsniff" --config /dev/null --replay fifo --pcapng - 2>err | shark -l -r - -Y http >out &
	pids="$pids $!"
	exec 8>fifo
	head -c 300000 httpsniff-files.rec >&8
	wait_for 20 grep -q 'GET /sendfile' out
	local seen=$?
	exec 8>&-
	wait $!
	return $seen
}
wanted pcapng-live && check_true pcapng-live "packets do not leave at once" live
terminal() {
	env -i PATH="$PATH" python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$BIN/httpsniff" \
		--config /dev/null --replay httpsniff-files.rec --pcapng - >out </dev/null
	[ $? = 1 ] && contains out "standard output is a terminal; give it to tshark -r -, or name a file"
}
wanted pcapng-terminal && check_true pcapng-terminal "written to a terminal" terminal
finish
