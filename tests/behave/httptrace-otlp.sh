#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httptrace's OpenTelemetry: what files and a collector get is the protocol's, and tells of each request; what a collector does
# not take is counted; and --rotate, after the tool has given up its rights.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
export PYTHONDONTWRITEBYTECODE=1
asked=20 # requests with each status

# A server: GET /STATUS/... is answered with that.
python3 -c '
import http.server
class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def log_message(self, *_):
        pass
    def do_GET(self):
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
print(server.server_address[1], flush=True)
server.serve_forever()' >"$tmp/server" &
pids="$pids $!"
server_pid=$!
wait_for 30 test -s "$tmp/server" || bench_broken "the server does not start"
port=$(cat "$tmp/server")

ask() {
	local i urls=()
	for ((i = 0; i < asked; i++)); do
		urls+=("http://127.0.0.1:$port/200/users/$i?token=secret$i" "http://127.0.0.1:$port/404/" "http://127.0.0.1:$port/503/")
	done
	curl -s "${urls[@]}" >/dev/null
}
# collector PLAN [PORT]: starts one; $collected is its file, $collector_port its port.
collector() {
	collected=$tmp/collected
	: >"$collected"
	: >"$tmp/collector"
	python3 "$top/tests/otlp-collector.py" --plan "$1" --port "${2:-0}" "$collected" >"$tmp/collector" 2>"$tmp/posts" &
	collector=$!
	pids="$pids $!"
	wait_for 30 test -s "$tmp/collector" || bench_broken "the collector does not start"
	collector_port=$(cat "$tmp/collector")
}
collector_end() {
	kill "$collector"
	wait "$collector" 2>/dev/null
}
account() { jq -r --arg k "$1" 'select(.type == "summary")[$k]' "$tmp/json"; }
# waited N: until so many spans were collected
waited() { wait_for 30 sh -c "[ \$(grep -o '\"spanId\"' '$1' | wc -l) -ge $2 ]"; }

# agree NAME FILE...: by the schema; and of each request that was made there is a span of each end, the server's in the
# client's trace and with it as its parent; statuses and errors by the conventions.
agree() {
	local name=$1 why
	shift
	why=$("$top/tests/otlp-schema.py" "$@" 2>&1 >/dev/null) || { not_ok "$name" "schema: $why"; return; }
	why=$(cat "$@" | jq -n -r --argjson n $asked --arg port "$port" --arg server "$server_pid" '
		def differ(what; got; want): if got == want then empty else "\(what): got \(got), want \(want)" end;
		def attr(k): .attributes[] | select(.key == k).value | (.intValue // .stringValue);
		[inputs.resourceSpans[] | .resource as $r | .scopeSpans[].spans[] | . + {pid: ($r | attr("process.pid"))}
			| select(attr("network.peer.port") == $port or attr("network.local.port") == $port)] as $all
		| ($all | map(select(.kind == 2))) as $servers | ($all | map(select(.kind == 3))) as $clients
		| ($clients | INDEX(.spanId)) as $by_id
		| differ("spans of servers"; $servers | length; 3 * $n),
		differ("spans of clients"; $clients | length; 3 * $n),
		differ("ids"; $all | map(.spanId) | unique | length; 6 * $n),
		differ("traces"; $all | map(.traceId) | unique | length; 3 * $n),
		differ("servers with the client as parent"; $servers
			| map(select($by_id[.parentSpanId // ""].traceId == .traceId)) | length; 3 * $n),
		differ("pids of the server"; $servers | map(.pid) | unique; [$server]),
		differ("paths"; $servers | map(attr("url.path")) | unique | length; $n + 2),
		differ("statuses"; $all | map(attr("http.response.status_code")) | group_by(.) | map([.[0], length]);
			[["200", 2 * $n], ["404", 2 * $n], ["503", 2 * $n]]),
		differ("errors of servers"; $servers | map(select(.status.code == 2) | attr("error.type")) | unique; ["503"]),
		differ("errors of clients"; $clients | map(select(.status.code == 2) | attr("error.type")) | unique; ["404", "503"])
		' 2>&1 | paste -sd ';')
	if [ -n "$why" ]; then
		not_ok "$name" "$why"
	elif cat "$@" | grep -q 'secret'; then
		not_ok "$name" "a token is not masked"
	else
		ok "$name"
	fi
}

if wanted file; then
	start httptrace -p "$port" --otlp "$tmp/spans.jsonl" -o "$tmp/json" || bench_broken "$(cat "$tmp/err")"
	ask
	waited "$tmp/spans.jsonl" $((6 * asked)) # at once, not at the end alone
	seen=$?
	stop
	agree file "$tmp/spans.jsonl"
	check file-at-once $seen 0
	check file-account "$status $(account otlp_spans) $(account otlp_sent) $(account otlp_dropped)" "0 $((6 * asked)) $((6 * asked)) 0"
fi
if wanted stdout; then
	start httptrace -p "$port" --otlp - || bench_broken "$(cat "$tmp/err")"
	ask
	stop
	agree stdout "$tmp/out"
fi
if wanted full; then
	start httptrace -p "$port" --otlp /dev/full || bench_broken "$(cat "$tmp/err")"
	ask
	wait_for 30 sh -c "! kill -0 $tool"
	await
	check full "$status $(grep -c 'cannot write to /dev/full: No space left' "$tmp/err")" "1 1"
fi

# The collector's own transactions are seen (it is on a port that is traced), but those with us are no spans.
if wanted collector; then
	collector ''
	start httptrace -p "$port,$collector_port" --otlp "http://localhost:$collector_port" --otlp-header 'Authorization: Bearer x' \
		-o "$tmp/json" || bench_broken "$(cat "$tmp/err")"
	ask
	waited "$collected" $((6 * asked))
	seen=$?
	sleep 2.5 # time for a loop, if there were one
	stop
	agree collector "$collected"
	check collector-at-once $seen 0
	check collector-no-loop "$(grep -c '/v1/traces' "$collected") $(($(wc -l <"$tmp/posts") < 9))" "0 1"
	check collector-request "$(jq -r '[.path, .type, .auth, .expect] | map(. // "none") | join(" ")' "$tmp/posts" | sort -u)" \
		"/v1/traces application/json Bearer x none"
	check collector-account "$status $(account otlp_sent) $(account otlp_dropped) $(account otlp_posts)" \
		"0 $((6 * asked)) 0 $(wc -l <"$tmp/posts")"
	collector_end
fi
if wanted collector-busy; then
	collector 503,429:2,503,ok
	start httptrace -p "$port" --otlp "http://127.0.0.1:$collector_port" -o "$tmp/json" || bench_broken "$(cat "$tmp/err")"
	ask
	waited "$collected" $((6 * asked))
	stop
	agree collector-busy "$collected"
	check collector-busy-account "$status $(account otlp_sent) $(account otlp_dropped) $(account otlp_retries)" "0 $((6 * asked)) 0 3"
	check_true collector-busy-after "asked to wait 2 s: $(cat "$tmp/posts")" \
		jq -s -e '.[2].time - .[1].time >= 2' "$tmp/posts"
	collector_end
fi
if wanted collector-later; then
	collector ''
	collector_end
	start httptrace -p "$port" --otlp "http://127.0.0.1:$collector_port" -o "$tmp/json" || bench_broken "$(cat "$tmp/err")"
	ask
	wait_for 30 contains "$tmp/err" 'it is tried again'
	collector '' "$collector_port"
	waited "$collected" $((6 * asked))
	stop
	agree collector-later "$collected"
	check collector-later-account "$status $(account otlp_sent) $(account otlp_dropped)" "0 $((6 * asked)) 0"
	collector_end
fi
if wanted collector-refuses; then
	collector 400,partial:7
	start httptrace -p "$port" --otlp "http://127.0.0.1:$collector_port" -o "$tmp/json" || bench_broken "$(cat "$tmp/err")"
	ask
	wait_for 30 test -s "$tmp/posts"
	ask
	stop
	check collector-refuses "$status $(account otlp_spans) $(($(account otlp_sent) + $(account otlp_dropped))) $(account otlp_refused)" \
		"0 $((12 * asked)) $((12 * asked)) $(($(head -n 1 "$tmp/posts" | jq .spans) + 7))"
	collector_end
fi
if wanted collector-none; then
	collector ''
	collector_end
	start httptrace -p "$port" --otlp "http://127.0.0.1:$collector_port" -o "$tmp/json" || bench_broken "$(cat "$tmp/err")"
	ask
	stop
	check collector-none "$status $(account otlp_sent) $(account otlp_dropped) $(account balanced)" "0 0 $((6 * asked)) true"
	check_true collector-none-said "the drop is not said" grep -q "$((6 * asked)) of $((6 * asked)) spans could not be delivered" "$tmp/err"
fi

# Files in a directory that the tool, without its rights, cannot write to.
if wanted rotate; then
	mkdir -m 700 "$tmp/private"
	start httptrace -p "$port" --otlp "$tmp/private/spans" --rotate 16K,3 -o "$tmp/private/rows" || bench_broken "$(cat "$tmp/err")"
	# A batch is bigger than a file is to be, and has one of its own.
	for i in 1 2 3 4 5; do
		ask
		wait_for 10 sh -c "[ \$(ls '$tmp/private' | grep -c spans) -ge $((i < 4 ? i : 4)) ]"
	done
	stop
	why=$("$top/tests/otlp-schema.py" "$tmp"/private/spans{.3,.2,.1,} 2>&1 >/dev/null)
	check rotate "$status$why $(ls "$tmp/private" | grep -c spans)" "0 4"
	cat "$tmp"/private/rows{.3,.2,.1,} >"$tmp/rows" 2>/dev/null
	check rotate-rows "$(ls "$tmp/private" | grep -c rows) $(find "$tmp/private" -name 'rows*' -size +16k | wc -l) $(jq -s \
		'all(.type) and .[-1].type == "summary"' "$tmp/rows")" "4 0 true"
	check rotate-user "$(stat -c %U "$tmp/private/spans")" root
fi
finish
