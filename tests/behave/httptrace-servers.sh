#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httptrace on the servers and clients that people have: nginx with all that wrk can ask of it, of which no request goes
# uncounted, and curl, which tells how many bytes each transfer had and how long it took. Python, Go and Node call one another in
# httptrace-links.sh.
[ -z "${IN_GUEST:-}" ] || [ $# != 0 ] || set -- 'curl*' 'saturated*'
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/httptrace-lib.sh
. "$top/tests/httptrace-lib.sh"
for t in curl wrk; do [ -n "$(command -v $t)" ] || bench_broken "no $t: run scripts/deps test"; done

# files: nginx with some, by sendfile on $on and without on $off; its count of requests is at /status
files() {
	local work=$tmp/files
	mkdir -p "$work"
	on=$(free_port) off=$(free_port) pages=$(free_port)
	cat >"$work/conf" <<-NGINX
		daemon off; user root; worker_processes 1; pid $work/pid; error_log $work/error;
		events { worker_connections 1024; }
		http {
			access_log off; default_type application/octet-stream; root $tmp; keepalive_requests 100000000;
			client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u;
			scgi_temp_path $work/s;
			server { listen 127.0.0.1:$on backlog=1024; sendfile on; tcp_nopush on; }
			server { listen 127.0.0.1:$off; sendfile off; gzip on; gzip_types *; gzip_min_length 1000; }
			server { listen 127.0.0.1:$pages; location = /status { stub_status; } }
		}
	NGINX
	"$nginx" -p "$work" -c "$work/conf" -e "$work/error" 2>"$tmp/nginx.err" &
	pids="$pids $!"
	wait_for 60 curl -s -o /dev/null "http://127.0.0.1:$on/small" || bench_broken "nginx: $(cat "$work/error" "$tmp/nginx.err")"
}
# How many requests it has had, this one not counted.
requests() { curl -s "http://127.0.0.1:$pages/status" | awk 'NR == 3 { print $3 - 1 }'; }
rows() { jq -r "select(.type == \"transaction\") | $1" "$tmp/out"; }
# judge NAME GOT WANT: as check, but in a guest a hook may find the one before it interrupted, and then does not run.
judge() {
	local missed
	missed=$(said hooks_missed)
	if [ "$2" = "$3" ] || [ -z "${IN_GUEST:-}" ] || [ "${missed:-0}" = 0 ] || [ "$(said balanced)" != true ]; then
		check "$@"
	else
		skip "$1" "$missed hooks did not run; the account holds"
	fi
}
head -c 100000 /dev/urandom >"$tmp/100k"
head -c 3000000 /dev/urandom >"$tmp/3m"
seq 1 30000 >"$tmp/text"
echo small >"$tmp/small"
files

# asked PORT PATH [CURL ARG...]: one request; what curl says of it is a line of $tmp/told, as are the rows of $tmp/heard:
# port, method, path, status, bytes of the request and of the response ("-" where curl does not tell them).
asked() {
	local p=$1 path=$2 method code down head request took code100
	shift 2
	curl -s --max-time 60 -o /dev/null -D "$tmp/head" "$@" -w '%{method} %{response_code} %{size_download} %{size_header} %{size_request} %{time_total}\n' \
		"http://127.0.0.1:$p$path" >"$tmp/curl" || bench_broken "curl $* $path: status $?"
	read -r method code down head request took <"$tmp/curl"
	down=$((down + head))
	! grep -qiE '^(transfer-encoding|content-encoding)' "$tmp/head" || down=-
	code100=$(grep -c '^HTTP/1.1 100' "$tmp/head")
	[ "$code100" = 0 ] || down=-
	[ "${upload:-}" = "" ] || request=-
	echo "$p $method $path $code $request $down" >>"$tmp/told"
	echo "$path $took" >>"$tmp/took"
}
if wanted curl; then
	: >"$tmp/told"
	: >"$tmp/took"
	start httptrace -j -p "$on,$off" --ring-size 65536
	for p in $on $off; do
		for f in small text 100k 3m; do asked "$p" "/$f?$p"; done
		asked "$p" "/none?$p"
		asked "$p" "/small?head$p" -I
		asked "$p" "/text?range$p" -r 100-299
		asked "$p" "/100k?old$p" -0
		upload=yes
		asked "$p" "/small?post$p" --data-binary "@$tmp/100k" -H "Expect: 100-continue"
		upload=
	done
	asked "$off" "/text?gzip" --compressed
	stop
	for role in client server; do
		rows "select(.role == \"$role\") | \"\\(.server | split(\":\")[1]) \\(.method) \\(.url) \\(.status) \\(.request_bytes) \\(.response_bytes)\"" |
			sort >"$tmp/heard"
		judge "curl-$role" "$status $(awk 'NR == FNR { told[$1 " " $2 " " $3] = $0; next }
			{ split(told[$1 " " $2 " " $3], t); n++; heard[$1 " " $2 " " $3] = 1
			  if (t[4] != $4 || t[5] != "-" && t[5] != $5 || t[6] != "-" && t[6] != $6) print $0 " is " told[$1 " " $2 " " $3] ";" }
			END { for (k in told) if (!(k in heard)) print k " is not there;"; print n }' "$tmp/told" "$tmp/heard" | xargs)" "0 $(wc -l <"$tmp/told")"
	done
	# What nginx refuses before it has the body curl does not send.
	judge curl-whole "$(rows 'select(.method != "POST") | "\(.outcome) \(.complete) \(.peer_span_id != null)"' | sort | uniq -c | xargs) $(said balanced)" "$((($(wc -l <"$tmp/told") - 2) * 2)) answered true true true"
	# No longer than for curl itself.
	judge curl-times "$(rows 'select(.role == "client") | "\(.url) \(.total_us)"' | awk 'NR == FNR { took[$1] = $2 * 1000000; next }
		$2 > took[$1] + 1000 { print $1, $2, took[$1] }' "$tmp/took" - | xargs)" ""
fi
if wanted kept; then
	# Several on one connection, idle between; and a large one whose reader takes its time.
	start httptrace -j -p "$on"
	python3 - "$on" <<'PY' || bench_broken "no client"
import http.client, sys, time
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for path in ("/small", "/100k", "/none", "/text"):
    c.request("GET", path)
    c.getresponse().read()
    time.sleep(0.05)
c.request("GET", "/3m")
answer = c.getresponse()
while answer.read(100000):
    time.sleep(0.01)
PY
	stop
	judge kept "$status $(rows 'select(.role == "server") | "\(.number) \(.url) \(.status) \((.idle_us // 0) >= 50000)"' | xargs) $(
		rows .connection | sort -u | wc -l) $(rows 'select(.role == "client" and .url == "/3m").response_us >= 290000')" "0 1 /small 200 false 2 /100k 200 true 3 /none 404 true 4 /text 200 true 5 /3m 200 true 2 true"
fi
if wanted saturated; then
	# As many as there can be. wrk leaves with requests on their way, which nginx has counted, or has not read.
	conns=40 seconds=3
	[ -z "${IN_GUEST:-}" ] || { conns=8 seconds=2; }
	start httptrace -j -i 60 -p "$on" --ring-size 262144
	before=$(requests)
	wrk -t 2 -c $conns -d ${seconds}s "http://127.0.0.1:$on/small" >"$tmp/load" 2>&1 || bench_broken "wrk: $(cat "$tmp/load")"
	sleep 0.2
	after=$(requests)
	stop
	did=$(awk '/requests in/ { print $1 }' "$tmp/load")
	served=$((after - before - 1)) # the first look at /status
	of() { jq -r --arg r "$1" 'select(.type == "total" and .role == $r and .route == "/small").count' "$tmp/out"; }
	s=$(of server) c=$(of client)
	echo "# wrk $did requests, nginx $served; rows: server $s, client $c; $(jq -r 'select(.type == "summary") | "answered \(.answered), unanswered \(
		.unanswered), reset \(.reset), open \(.open), unpaired \(.responses_unpaired), lost \(.bytes_ring_full)"' "$tmp/out")"
	judge saturated-account "$status $(said balanced) $((did > 100))" "0 true 1"
	if [ "$(said complete)" = true ]; then
		judge saturated-server "$s" "$served"
		judge saturated-client "$((c >= did && c <= did + conns))" 1
		judge saturated-answered "$(jq -r 'select(.type == "summary") | "\(.answered >= '"$((2 * did))"') \(.answered + .unanswered + .reset + .open == .requests) \(
			.responses_unpaired) \(.unanswered + .reset + .open <= '"$((2 * conns))"') \(.joined <= '"$served"' and .joined >= '"$did"')"' "$tmp/out")" "true true 0 true true"
	else
		# The ring was full: what was lost is counted, and no more is there than was.
		judge saturated-server "$((s <= served))" 1
		judge saturated-client "$((c <= did + conns))" 1
		judge saturated-answered "$(jq -r 'select(.type == "summary") | "\(.answered + .unanswered + .reset + .open == .requests) \(.bytes_ring_full > 0)"' "$tmp/out")" "true true"
	fi
fi
finish
