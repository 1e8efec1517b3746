#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: sudo tests/bench/http.sh [-s] [-d SEC] [-b BODY] ROUNDS [TRACER...]
#
# nginx with one worker on one CPU, and wrk on another with 32 connections that are kept open and never idle: SEC
# seconds (3) under each TRACER, interleaved, ROUNDS of each. A TRACER is one of
#   none           nothing
#   floor          an empty program on each hook of the tools' tracepoint backend
#   miss           httpsniff -p with another port
#   heads          httpsniff --max-body 0
#   bodies         httpsniff
#   server         httpsniff -P with nginx's worker: the server's end alone
#   heads-server   both
#   heads-json     and so on: with --json
#   trace, trace-server, trace-json, trace-server-json     httptrace likewise; trace-table: httptrace -i 1
#   syscalls-server  a stand-in of the usual design: system calls and a perf buffer (standin.bpf.c), for the worker
#   tcpdump        tcpdump -w of the port
#   tshark         tshark -Y http; tshark-time: tshark -Y http.time, a line for each response
#   ngrep, httpry  that print each message
# all of them but miss with -p and nginx's port, and standard output to /dev/null; that of tshark, ngrep and httpry is a
# file, whose lines are counted. Default: none miss heads bodies.
# BODY: 0, 1k (default): answers that nginx has ready; 100k: a file that it reads; file1k, file100k: files, sent by
# sendfile().
# One JSON object per run:
#   {"tracer", "body", "round", "requests", "rate": requests a second, "cpu_ns": of the worker's CPU per request,
#    "client_ns": of wrk's, "tool_ns": of the tracer's, "messages": that it tells of, "reported": share of those that
#    went by, "lost": bytes (tcpdump: packets) that were lost to a full buffer, "balanced"}
# The rate is the worker's, which has a CPU for itself only where nothing else runs; its CPU time per request, hooks
# included, hardly depends on that, and the rate that a saturated worker can have is its inverse.
# All of them run at nice -15, so that other work on the machine disturbs them less.
# -s: the kernel counts what runs on the hooks (bpf_stats), which makes all of them slower: "hooks" and "hook_ns" per
# request.
set -u
cd "$(dirname "$0")/../.." || exit 99
O=$(realpath "${O:-.output}")
floor=$O/tests/bench/tcpfloor
count= seconds=3 body=1k
while getopts sd:b: o; do
	case $o in
	s) count=1 ;;
	d) seconds=$OPTARG ;;
	b) body=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
rounds=${1:?how many rounds}
shift
tracers=${*:-none miss heads bodies}
[ "$(id -u)" = 0 ] || { echo "tests/bench: needs root" >&2; exit 99; }
command -v nginx >/dev/null && command -v wrk >/dev/null || { echo "tests/bench: needs nginx and wrk" >&2; exit 77; }
renice -n -15 -p $$ >/dev/null
# Where each session has its share of the CPU, however nice its processes are.
autogroup=/proc/$$/autogroup
nice=$(sed -n 's/.* nice //p' $autogroup 2>/dev/null)
[ -z "$nice" ] || echo -15 >$autogroup
tmp=$(mktemp -d "${TMPDIR:-/tmp}/reqtools-bench.XXXXXX")
chmod 755 "$tmp"
held= master=
trap 'for p in $held $master; do kill $p; done 2>/dev/null; wait; rm -rf "$tmp"
	[ -z "$nice" ] || echo "$nice" >$autogroup' EXIT

# The hooks of the tracepoint backend, where the kernel has them.
hooks="inet_sock_set_state sock_send_length sock_recv_length tcp_sendmsg_locked"

serve() {
	mkdir -p "$tmp/www" "$tmp/var"
	head -c 750 /dev/zero | base64 -w 0 >"$tmp/www/file1k"
	head -c 76800 /dev/zero | base64 -w 0 >"$tmp/www/file100k"
	local try
	for try in 1 2 3 4 5; do
		port=$((20000 + (RANDOM * 7 + try) % 12000))
		cat >"$tmp/nginx.conf" <<-END
			daemon off;
			worker_processes ${WORKERS:-1};
			pid $tmp/pid;
			error_log $tmp/error.log crit;
			events { worker_connections 1024; }
			http {
				access_log off;
				sendfile on;
				tcp_nopush on;
				keepalive_requests 1000000000;
				client_body_temp_path $tmp/var/body;
				proxy_temp_path $tmp/var/proxy;
				fastcgi_temp_path $tmp/var/fastcgi;
				uwsgi_temp_path $tmp/var/uwsgi;
				scgi_temp_path $tmp/var/scgi;
				server {
					listen 127.0.0.1:$port;
					root $tmp/www;
					location = /0 { return 204; }
					location = /1k { return 200 $(cat "$tmp/www/file1k"); }
					location = /100k {
						sendfile off;
						alias $tmp/www/file100k;
					}
				}
			}
		END
		taskset -c 0 nginx -p "$tmp" -c "$tmp/nginx.conf" 2>"$tmp/nginx.err" &
		master=$!
		for _ in $(seq 100); do
			worker=$(pgrep -P $master | head -n 1)
			[ -z "$worker" ] || ! [ -s "$tmp/pid" ] || return 0
			kill -0 $master 2>/dev/null || break
			sleep 0.05
		done
		wait $master
	done
	cat "$tmp/nginx.err" >&2
	exit 99
}
# Of a process, its threads and what it started: ns of CPU
ran() {
	local p
	for p in "$1" $(pgrep -P "$1"); do cat /proc/"$p"/task/*/schedstat; done 2>/dev/null |
		awk '{ s += $1 } END { printf "%.0f\n", s }'
}
workers_ran() {
	local p s=0
	for p in $(pgrep -P $master); do s=$((s + $(ran "$p"))); done
	echo $s
}
# hold FILE COMMAND...: starts a program, and waits until it is ready, or says $sign
sign='(^|: )ready' # not libbpf on a program of such a name
hold() {
	local said=$1
	shift
	: >"$said"
	"$@" >"${out:-/dev/null}" 2>"$said" &
	holder=$!
	held="$held $holder"
	for _ in $(seq 600); do
		! grep -qE "$sign" "$said" "${out:-/dev/null}" || return 0
		kill -0 $holder 2>/dev/null || break
		sleep 0.05
	done
	cat "$said" >&2
	exit 99
}
release() {
	kill -INT "$1"
	wait "$1"
}
# The tools measure their own cost for a second or more of traffic; that has to be over.
settle() {
	local i
	for i in 1 2 3; do
		load 1 >>"$tmp/settled"
		readlink /proc/"$1"/fd/* | grep -q bpf-stats || return 0
	done
}
load() { taskset -c 1 wrk -t 1 -c 32 -d "${1}s" "http://127.0.0.1:$port/$body"; }
# Rivals have a queue, for half a minute at the most.
worked_off() {
	local i before now
	now=$(ran "$1")
	for ((i = 0; i < 30; i++)); do
		before=$now
		sleep 1
		now=$(ran "$1")
		[ $((now - before)) -gt 5000000 ] || return
	done
}
# rival NAME: it is started; $lines is what its lines about messages match
rival() {
	case $1 in
	tcpdump) sign='listening on' hold "$tmp/tool" tcpdump -n -i lo -w "$tmp/lines" port "$port" ;;
	tshark)
		lines=HTTP
		sign='Capturing on' out=$tmp/lines hold "$tmp/tool" tshark -n -l -i lo -f "port $port" \
			-d "tcp.port==$port,http" -Y http ;;
	tshark-time)
		lines='^[0-9]'
		sign='Capturing on' out=$tmp/lines hold "$tmp/tool" tshark -n -l -i lo -f "port $port" \
			-d "tcp.port==$port,http" -Y http.time -T fields -e http.time ;;
	ngrep)
		lines='^T '
		sign='filter:' out=$tmp/lines hold "$tmp/tool" ngrep -l -d lo '^(GET|HTTP)' "port $port" ;;
	httpry)
		lines='HTTP/1'
		sign='Starting capture' out=$tmp/lines hold "$tmp/tool" httpry -i lo -F "port $port" ;;
	*) return 1 ;;
	esac
	tracer=$holder
}
# The awk script of a run's line
# shellcheck disable=SC2016
line='
	$1 == "cpu" { client = $2 + $3 }
	/requests in/ { all += $1 }
	FILENAME ~ /settled$/ { next }
	/requests in/ { requests = $1; seconds = $4; sub("s,$", "", seconds) }
	/Non-2xx/ { bad = 1 }
	$1 == "runs" { runs = $2; ns = $4 }
	/^httpsniff: messages/ { messages = $3 }
	/^httptrace: requests/ { messages = 2 * $3 }
	/^standin: events/ { messages = $7; lost = $5 + 0 }
	/packets? captured/ { packets = $1 }
	/packets? dropped by kernel/ { lost = $1 }
	/^http(sniff|trace): bytes/ { n = split($0, part, ", "); for (i = 1; i <= n; i++)
		if (match(part[i], /lost|full/) && match(part[i], /[0-9]+/)) lost += substr(part[i], RSTART, RLENGTH) }
	/does not balance/ { unbalanced = 1 }
	END {
		if (!requests || bad)
			exit 1
		printf "{\"tracer\":\"%s\",\"body\":\"%s\",\"round\":%d,\"requests\":%d,\"rate\":%.0f,\"cpu_ns\":%.1f," \
			"\"client_ns\":%.1f,\"tool_ns\":%.1f", tracer, body, round, requests, requests / seconds,
			cpu / requests, client * 1e9 / requests, tool / requests
		# The tools see both ends unless they are told to see one; tshark-time tells of responses alone.
		of = tracer ~ /^(heads|bodies|trace)/ && tracer !~ /server/ ? 4 : tracer == "tshark-time" ? 1 : 2
		if (lines != "")
			messages = lines
		reported = messages / of / all
		if (tracer == "tcpdump") {
			messages = packets
			reported = packets / (packets + lost + !packets)
		}
		# What was under way when wrk ended it does not count.
		if (reported > 1)
			reported = 1
		if (tracer !~ /none|floor|miss/)
			printf ",\"messages\":%d,\"reported\":%.4f,\"lost\":%d,\"balanced\":%s", messages,
				reported, lost, unbalanced ? "false" : "true"
		if (count)
			printf ",\"hooks\":%.3f,\"hook_ns\":%.1f", runs / requests, ns / requests
		print "}"
	}'
run() {
	local tracer='' counter='' ids='' options="-p $port" before cpu=0 tool=0 program=httpsniff lines=''
	: >"$tmp/tool"
	: >"$tmp/out"
	: >"$tmp/settled"
	case $1 in
	*json*) options="$options -j" ;;
	esac
	case $1 in
	heads*) options="$options --max-body 0" ;;
	trace*) program=httptrace ;;
	esac
	case $1 in
	*table*) options="$options -i 1" ;;
	esac
	case $1 in
	*server*) options="$options -P $worker" ;;
	miss) options="-p 9" ;;
	esac
	case $1 in
	none) ;;
	tcpdump | tshark* | ngrep | httpry) rival "$1" ;;
	syscalls-server)
		hold "$tmp/tool" "$O/tests/bench/standin" syscalls "$worker"
		tracer=$holder ;;
	floor)
		# shellcheck disable=SC2086
		out=$tmp/out hold "$tmp/tool" "$floor" ${count:+-s} $hooks
		tracer=$holder ;;
	*)
		# shellcheck disable=SC2086
		hold "$tmp/tool" "$O/bin/$program" -v $options
		tracer=$holder
		ids=$(sed -n 's/^prog_id:[[:space:]]*//p' /proc/"$tracer"/fdinfo/* | sort -u)
		settle "$tracer"
		# shellcheck disable=SC2086
		[ -z "$count" ] || { out=$tmp/out hold "$tmp/count" "$floor" -s $ids; counter=$holder; } ;;
	esac
	before=$(workers_ran)
	[ -z "$tracer" ] || tool=$(ran "$tracer")
	TIMEFORMAT='cpu %U %S'
	{ time load "$seconds" >"$tmp/wrk" 2>&1; } 2>"$tmp/time"
	cpu=$(($(workers_ran) - before))
	case $1 in
	tshark* | ngrep | httpry) worked_off "$tracer" ;;
	esac
	[ -z "$tracer" ] || tool=$(($(ran "$tracer") - tool))
	[ -z "$counter" ] || release "$counter"
	[ -z "$tracer" ] || release "$tracer"
	[ -z "$lines" ] || lines=$(grep -cE "$lines" "$tmp/lines")
	rm -f "$tmp/lines"
	[ -z "${KEEP:-}" ] || cp "$tmp/tool" "$KEEP/$1.$2"
	awk -v tracer="$1" -v body="$body" -v round="$2" -v cpu="$cpu" -v tool="$tool" -v count="$count" \
		-v lines="$lines" "$line" "$tmp/settled" "$tmp/time" "$tmp/wrk" "$tmp/out" "$tmp/count" "$tmp/tool" ||
		{ cat "$tmp/wrk" "$tmp/tool" "$tmp/error.log" >&2; exit 99; }
}

: >"$tmp/count"
serve
load 1 >/dev/null
for ((i = 0; i < rounds; i++)); do
	for t in $tracers; do run "$t" "$i"; done
done
