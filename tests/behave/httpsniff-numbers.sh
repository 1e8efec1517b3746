#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# What is promised of httpsniff in figures: what a server pays, that nothing is missing at saturation, how fast the
# user half is, memory, size, time to start. On this machine only: a guest's time is not time, and its memory is
# small. The figures are printed; what is asked for leaves room for a busy machine, and medians or the best of several
# tries count.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

cases="rate-heads rate-miss saturation saturation-lost short replay-small replay-large memory-10000 memory-start start static-size"
if [ -n "${IN_GUEST:-}" ]; then
	for c in $cases; do skip "$c" "figures are taken natively"; done
	finish
fi
for p in nginx wrk; do
	command -v $p >/dev/null || { for c in $cases; do skip "$c" "there is no $p"; done; finish; }
done
chmod 755 "$tmp"
# kib KEY: of the tool's memory
kib() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$tool/status"; }

# serve [LOG]: nginx with one worker on $port, and what it counts on $status_port; $worker is its pid. With LOG it
# writes down each request: bytes sent, bytes of the request.
serve() {
	local i log=off
	[ $# = 0 ] || log="$tmp/requests bytes buffer=1m"
	mkdir -p "$tmp/var"
	for ((i = 0; i < 20; i++)); do
		port=$((20000 + (RANDOM * 7 + i) % 12000))
		status_port=$((port + 1))
		cat >"$tmp/nginx.conf" <<-END
			daemon off;
			worker_processes 1;
			worker_rlimit_nofile 20000;
			pid $tmp/nginx.pid;
			error_log $tmp/nginx.log crit;
			events { worker_connections 12000; }
			http {
				log_format bytes '\$server_port \$bytes_sent \$request_length';
				access_log $log;
				keepalive_requests 1000000000;
				client_body_temp_path $tmp/var/1;
				proxy_temp_path $tmp/var/2;
				fastcgi_temp_path $tmp/var/3;
				uwsgi_temp_path $tmp/var/4;
				scgi_temp_path $tmp/var/5;
				server {
					listen 127.0.0.1:$port backlog=10000;
					location / { return 200 "$(head -c 750 /dev/zero | base64 -w 0)"; }
				}
				server {
					listen 127.0.0.1:$status_port;
					location / { stub_status; }
				}
			}
		END
		rm -f "$tmp/nginx.pid" "$tmp/requests"
		nginx -p "$tmp" -c "$tmp/nginx.conf" 2>"$tmp/nginx.err" &
		nginx=$!
		pids="$pids $nginx"
		wait_for 10 sh -c "[ -s '$tmp/nginx.pid' ] && pgrep -P $nginx || ! kill -0 $nginx"
		worker=$(pgrep -P $nginx | head -n 1)
		[ -z "$worker" ] || return 0
	done
	bench_broken "nginx: $(cat "$tmp/nginx.err")"
}
serve_end() {
	kill -QUIT "$nginx"
	wait "$nginx"
}
# counted: connections that nginx accepted, and requests that it had, but for those that ask for it
asked=0
counted() {
	asked=$((asked + 1))
	curl -s "http://127.0.0.1:$status_port/" | awk -v own=$asked 'NR == 3 { print $1 - own, $3 - own }'
}

if wanted rate-heads || wanted rate-miss; then
	O=$O timeout 120 "$top/tests/bench/httpsniff.sh" -d 1 5 none heads miss >"$tmp/runs" ||
		bench_broken tests/bench/httpsniff.sh
	jq -s -r '
		def median: sort | .[(length - 1) / 2 | floor];
		def of(who; k): map(select(.tracer == who)[k]);
		def ratio(a; b): [of(a; "cpu_ns"), of(b; "cpu_ns")] | transpose | map(.[0] / .[1]) | median | . * 1000 | round / 1000;
		def range(who): of(who; "cpu_ns") | "\(median | round) (\(min | round) to \(max | round))";
		"\(ratio("none"; "heads")) \(ratio("none"; "miss")) \(map(select(.balanced == false)) | length)",
		"# ns of CPU that a request takes of nginx: untraced \(range("none")), heads alone \(range("heads")), another port \(range("miss"))",
		"# requests a second: untraced \(of("none"; "rate") | median), heads alone \(of("heads"; "rate") | median), another port \(of("miss"; "rate") | median); lost \(of("heads"; "lost") | add) bytes"' \
		"$tmp/runs" >"$tmp/rate"
	tail -n 2 "$tmp/rate"
	read -r heads miss unbalanced <"$tmp/rate"
	echo "# of the rate of a worker that has a CPU for itself: $heads with heads alone, $miss with another port"
	# What the kernel takes to call empty programs there is beyond us: man/httpsniff.8, OVERHEAD.
	check_true rate-heads "the rate is $heads of the untraced, or $unbalanced runs do not balance" \
		awk "BEGIN { exit !($heads >= 0.72 && $unbalanced == 0) }"
	check_true rate-miss "the rate is $miss of the untraced" awk "BEGIN { exit !($miss >= 0.90) }"
fi

# saturate OPTION...: nginx counts requests, and writes down the bytes of each; the tool looks at all that its worker
# does on its port. Sets $requests, $sent and $received; $account is what the tool says of it.
saturate() {
	serve log
	start httpsniff -j --max-body 0 --rate 1 -p "$port" -P "$worker" "$@"
	wrk -t 1 -c 32 -d 4s "http://127.0.0.1:$port/" >"$tmp/load" 2>&1 &
	load=$!
	pids="$pids $load"
	if [ -n "${hold:-}" ]; then
		sleep 2
		kill -STOP "$tool"
		sleep 1
		kill -CONT "$tool"
	fi
	wait $load
	sleep 0.5
	stop
	requests=$(counted)
	requests=${requests#* }
	serve_end
	read -r lines sent received <<<"$(awk -v p="$port" '$1 == p { n++; s += $2; r += $3 }
		END { printf "%.0f %.0f %.0f\n", n, s, r }' "$tmp/requests")"
	[ "$lines" = "$requests" ] || bench_broken "nginx counted $requests requests and wrote down $lines"
	echo "# $requests requests, $(awk '/Requests\/sec/ { print $2 }' "$tmp/load") a second; $(said messages) messages;" \
		"$(said records_ring_full) records and $(said bytes_ring_full) bytes lost"
	# Each byte that the sockets moved is captured, or has a name.
	account=$(jq -r 'select(.type == "summary") | "\(.balanced) \(.bytes_sent) \(.bytes_received) \(
		.bytes_sent + .bytes_received == .bytes_captured + .bytes_not_http + .bytes_ring_full
			+ ([to_entries[] | select(.key | startswith("unread_")).value] | add))"' "$tmp/out")
}
if wanted saturation; then
	saturate --ring-size 32768
	check saturation "$status $account" "0 true $sent $received true"
	why=$(jq -r --argjson n "$requests" 'select(.type == "summary")
		| if .records_ring_full == 0 and (.messages != 2 * $n or .shown_incomplete > 0 or .lost_bytes > 0) then
			"\(.messages) messages of \($n) requests and as many responses, \(.lost_bytes) bytes lost"
		  elif .messages < $n then "only \(.messages) messages" else empty end' "$tmp/out")
	check saturation-whole "$why" ""
fi
if wanted saturation-lost; then
	# The same with a reader that sleeps for a second, and a buffer that is full by then.
	hold=1 saturate --ring-size 1024
	check saturation-lost "$status $account" "0 true $sent $received true"
	why=$(jq -r --argjson n "$requests" 'select(.type == "summary")
		| if .records_ring_full == 0 or .lost_bytes == 0 then "nothing was lost"
		  elif .complete then "it says that nothing is missing"
		  elif .messages >= 2 * $n then "\(.messages) messages of \($n) requests" else empty end' "$tmp/out")
	check saturation-lost-seen "$why" ""
fi

if wanted short; then
	serve
	start httpsniff -j --max-body 0 --rate 1 --ring-size 32768 -p "$port" -P "$worker"
	for _ in 1 2 3; do
		wrk -t 1 -c 16 -d 2s -H 'Connection: close' "http://127.0.0.1:$port/" >"$tmp/load" 2>&1
		sleep 0.3
		echo "$(kib RssAnon) $(awk '/Requests\/sec/ { print $2 }' "$tmp/load")"
	done >"$tmp/phases"
	stop
	read -r accepted requests <<<"$(counted)"
	serve_end
	echo "# $accepted short connections, up to $(awk '{ print $2 }' "$tmp/phases" | sort -n | tail -n 1) a second;" \
		"$(said records_ring_full) records lost; KiB of anonymous memory: $(awk '{ print $1 }' "$tmp/phases" | xargs)"
	# Of one that nginx accepted and that said nothing there is nothing to tell.
	got=$(jq -r --argjson n "$requests" --argjson a "$accepted" 'select(.type == "summary")
		| "\(.balanced) \(.messages + .lost_bytes >= 2 * $n) \(.connections <= $a and .connections + .records_ring_full >= $n)"' "$tmp/out")
	check short "$status $got" "0 true true true"
	check_true short-memory "it grows" awk '{ m[NR] = $1 } END { exit !(NR == 3 && m[3] - m[2] < 1024 && m[3] < 32768) }' "$tmp/phases"
fi

# replay NAME OPTION...: ms of CPU that a recording takes, the least of three
replay() {
	local name=$1 t best=999999
	shift
	for _ in 1 2 3; do
		t=$(TIMEFORMAT='%U %S'; { time "$BIN/httpsniff" --replay "$tmp/httpsniff-$name.rec" "$@" >/dev/null 2>"$tmp/err"; } 2>&1 |
			awk '{ printf "%.0f\n", ($1 + $2) * 1000 }')
		[ "$t" -ge "$best" ] || best=$t
	done
	echo "$best"
}
if wanted replay-small; then
	n=200000
	"$O/tests/bench/httpsniff-rec" "$tmp" small $n || bench_broken httpsniff-rec
	text=$(replay small) json=$(replay small -j)
	echo "# messages a second, from a recording on one core: $((n * 1000 / text)), as JSON $((n * 1000 / json))"
	check_true replay-small "$((n * 1000 / text)) and $((n * 1000 / json)) messages a second" \
		test $((n * 1000 / text)) -ge 400000 -a $((n * 1000 / json)) -ge 300000
	contains "$tmp/err" "messages $n = shown $n" || not_ok replay-small-whole "$(tail -n 3 "$tmp/err")"
	rm -f "$tmp/httpsniff-small.rec"
fi
if wanted replay-large; then
	n=400
	"$O/tests/bench/httpsniff-rec" "$tmp" large $n || bench_broken httpsniff-rec
	mb=$(($(stat -c %s "$tmp/httpsniff-large.rec") / 1000000))
	short=$(replay large) whole=$(replay large -j --max-body all)
	echo "# MB a second of bodies, from a recording on one core: $((mb * 1000 / short)), all shown as JSON $((mb * 1000 / whole))"
	check_true replay-large "$((mb * 1000 / short)) and $((mb * 1000 / whole)) MB a second" \
		test $((mb * 1000 / short)) -ge 1000 -a $((mb * 1000 / whole)) -ge 600
	contains "$tmp/err" "messages $n = shown $n" || not_ok replay-large-whole "$(tail -n 3 "$tmp/err")"
	rm -f "$tmp/httpsniff-large.rec"
fi

if wanted memory-10000; then
	# 5,000 connections of which both ends are here.
	serve
	start httpsniff -j --rate 1000 -p "$port"
	wrk -t 1 -c 5000 -d 4s --timeout 5s "http://127.0.0.1:$port/" >"$tmp/load" 2>&1 &
	load=$!
	pids="$pids $load"
	most=0
	while kill -0 $load 2>/dev/null; do
		now=$(kib VmRSS)
		[ "${now:-0}" -le $most ] || most=$now
		sleep 0.2
	done
	wait $load
	stop
	serve_end
	echo "# $most KiB resident with $(said connections) connections, $(said messages) messages"
	check memory-10000-seen "$(said balanced) $(jq 'select(.type == "summary").connections >= 10000' "$tmp/out")" "true true"
	check_true memory-10000 "$most KiB, less than 65536 are promised" test "$most" -gt 4096 -a "$most" -lt 65536
fi

if wanted start || wanted memory-start; then
	for _ in 1 2 3 4 5; do
		t0=$(date +%s%N)
		start httpsniff -p 1
		echo "$((($(date +%s%N) - t0) / 1000000)) $(kib VmRSS)"
		stop
	done >"$tmp/times"
	t=$(awk '{ print $1 }' "$tmp/times" | sort -n | head -n 1) rss=$(awk '{ print $2 }' "$tmp/times" | sort -n | tail -n 1)
	echo "# ready after $t ms, $rss KiB resident then"
	check_true start "ready after $t ms" test "$t" -lt 2000
	check_true memory-start "$rss KiB resident at the start" test "$rss" -lt 32768
fi
if wanted static-size; then
	if [ -x "$O/static/bin/httpsniff" ]; then
		size=$(stat -c %s "$O/static/bin/httpsniff")
		echo "# $size bytes, static"
		check_true static-size "$size bytes, at most 3 MB are promised" test "$size" -lt 3000000
	else
		skip static-size "no static build: make STATIC=1 O=$O/static"
	fi
fi
finish
