#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: sudo tests/bench/httpsniff.sh [-s] [-d SEC] [-b BODY] ROUNDS [TRACER...]
#
# nginx with one worker on one CPU, and wrk on another with 32 connections that are kept open and never idle: SEC
# seconds (3) under each TRACER, interleaved, ROUNDS of each. A TRACER is one of
#   none           nothing
#   floor          an empty program on each hook of httpsniff's tracepoint backend
#   miss           httpsniff -p with another port
#   heads          httpsniff --max-body 0
#   bodies         httpsniff
#   server         httpsniff -P with nginx's worker: the server's end alone
#   heads-server   both
#   heads-json     and so on: with --json
# all of them but miss with -p and nginx's port, and standard output to /dev/null. Default: none miss heads bodies.
# BODY: 0, 1k (default): answers that nginx has ready; 100k: a file that it reads; file1k, file100k: files, sent by
# sendfile().
# One JSON object per run:
#   {"tracer", "body", "round", "requests", "rate": requests a second, "cpu_ns": of the worker's CPU per request,
#    "client_ns": of wrk's, "tool_ns": of httpsniff's, "messages": in httpsniff's account, "lost": its bytes that
#    were lost to a full buffer, "balanced"}
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
# Of all workers, or of a process: ns of CPU
ran() { cat "${@/#//proc/}/schedstat" | awk '{ s += $1 } END { printf "%.0f\n", s }'; }
workers_ran() {
	local p s=0
	for p in $(pgrep -P $master); do s=$((s + $(ran "$p"))); done
	echo $s
}
# hold FILE COMMAND...: starts a program, and waits until it is ready
hold() {
	local said=$1
	shift
	: >"$said"
	"$@" >"${out:-/dev/null}" 2>"$said" &
	holder=$!
	held="$held $holder"
	for _ in $(seq 600); do
		! grep -q ready "$said" "${out:-/dev/null}" || return 0
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
# httpsniff measures its own cost for a second or more of traffic; that has to be over.
settle() {
	local i
	for i in 1 2 3; do
		load 1 >/dev/null
		readlink /proc/"$1"/fd/* | grep -q bpf-stats || return 0
	done
}
load() { taskset -c 1 wrk -t 1 -c 32 -d "${1}s" "http://127.0.0.1:$port/$body"; }
run() {
	local tracer= counter= ids= options="-p $port" before after t0 cpu=0 tool=0
	: >"$tmp/tool"
	: >"$tmp/out"
	case $1 in
	*json*) options="$options -j" ;;
	esac
	case $1 in
	heads*) options="$options --max-body 0" ;;
	esac
	case $1 in
	*server*) options="$options -P $worker" ;;
	miss) options="-p 9" ;;
	esac
	case $1 in
	none) ;;
	floor)
		# shellcheck disable=SC2086
		out=$tmp/out hold "$tmp/tool" "$floor" ${count:+-s} $hooks
		tracer=$holder ;;
	*)
		# shellcheck disable=SC2086
		hold "$tmp/tool" "$O/bin/httpsniff" -v $options
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
	[ -z "$tracer" ] || tool=$(($(ran "$tracer") - tool))
	[ -z "$counter" ] || release "$counter"
	[ -z "$tracer" ] || release "$tracer"
	[ -z "${KEEP:-}" ] || cp "$tmp/tool" "$KEEP/$1.$2"
	awk -v tracer="$1" -v body="$body" -v round="$2" -v cpu="$cpu" -v tool="$tool" -v count="$count" '
		$1 == "cpu" { client = $2 + $3 }
		/requests in/ { requests = $1; seconds = $4; sub("s,$", "", seconds) }
		/Non-2xx/ { bad = 1 }
		$1 == "runs" { runs = $2; ns = $4 }
		/^httpsniff: messages/ { messages = $3 }
		/^httpsniff: bytes/ { n = split($0, part, ", "); for (i = 1; i <= n; i++)
			if (match(part[i], /lost|full/) && match(part[i], /[0-9]+/)) lost += substr(part[i], RSTART, RLENGTH) }
		/does not balance/ { unbalanced = 1 }
		END {
			if (!requests || bad)
				exit 1
			printf "{\"tracer\":\"%s\",\"body\":\"%s\",\"round\":%d,\"requests\":%d,\"rate\":%.0f,\"cpu_ns\":%.1f," \
				"\"client_ns\":%.1f,\"tool_ns\":%.1f", tracer, body, round, requests, requests / seconds,
				cpu / requests, client * 1e9 / requests, tool / requests
			if (tracer !~ /none|floor/)
				printf ",\"messages\":%d,\"lost\":%d,\"balanced\":%s", messages, lost, unbalanced ? "false" : "true"
			if (count)
				printf ",\"hooks\":%.3f,\"hook_ns\":%.1f", runs / requests, ns / requests
			print "}"
		}' "$tmp/time" "$tmp/wrk" "$tmp/out" "$tmp/count" "$tmp/tool" ||
		{ cat "$tmp/wrk" "$tmp/tool" "$tmp/error.log" >&2; exit 99; }
}

: >"$tmp/count"
serve
load 1 >/dev/null
for ((i = 0; i < rounds; i++)); do
	for t in $tracers; do run "$t" "$i"; done
done
