#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: sudo tests/soak.sh              (make soak; SOAK_SECONDS=600)
#
# All tools at once, for ten minutes, on servers of its own: nginx in front of a Go server (where one can be built), and
# a server in C. Requests at a bounded rate, connections that come and go, servers that are killed and started again,
# readers of the tools' output that stand still for some seconds, recordings that begin and end, and are replayed.
# Nothing else on the machine is looked at. Then:
#   - no tool has grown: the most memory in the last part against the first, each a tenth of the time or a minute
#   - each ended with status 0 and an account that balances, also where a reader stood still
#   - none of their programs, links or maps is left in the kernel
#   - the kernel has complained of nothing
# SOAK_RATE: requests a second to each server (300). Ends with a table: memory, CPU, events, what was lost.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || bench_broken "needs root"
seconds=${SOAK_SECONDS:-600}
rate=${SOAK_RATE:-300}
window=$((seconds / 10 > 60 ? 60 : seconds / 10 < 10 ? 10 : seconds / 10))
nginx=$(PATH=$PATH:/usr/sbin:/sbin command -v nginx) || bench_broken "no nginx: run scripts/deps test"
bpftool=$(PATH=$PATH:/usr/sbin:/sbin command -v bpftool) || bench_broken "no bpftool: run scripts/deps"
declare -A pid_of=() reader_of=() status_of=()
names=
# One that stands still does not end.
trap 'for p in "${reader_of[@]}"; do kill -CONT "$p"; done 2>/dev/null; cleanup' EXIT

free_port() { python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'; }
c_port=$(free_port) go_port=$(free_port) nginx_port=$(free_port) churn_port=$(free_port) reset_port=$(free_port)
ports=$c_port,$go_port,$nginx_port,$churn_port,$reset_port

# --- servers

# Copies of them, so that nobody else's processes run these files.
cp "$LOAD/service" "$tmp/service" || bench_broken "no service: run make load"
newest_go() { find "$GO" -mindepth 2 -maxdepth 2 -path '*/go1.*/server' 2>/dev/null | sort -V | tail -n 1; }
[ -n "$(newest_go)" ] || "$top/tests/go-build.sh" "$GO" >"$tmp/build" 2>&1
go_server=$(newest_go)
[ -z "$go_server" ] || cp "$go_server" "$tmp/server"

serve_c() {
	"$tmp/service" -p "$c_port" -t 32 >/dev/null 2>&1 &
	c_server=$!
	pids="$pids $!"
}
serve_go() {
	[ -n "$go_server" ] || return 0
	"$tmp/server" -port "$go_port" -d $((seconds + 300)) >/dev/null 2>&1 &
	go_pid=$!
	pids="$pids $!"
}
serve_nginx() {
	local work=$tmp/nginx
	mkdir -p "$work/www"
	chmod 755 "$tmp" "$work"
	head -c 1000 /dev/zero | tr '\0' x >"$work/www/small"
	head -c 100000 /dev/zero | tr '\0' y >"$work/www/large"
	cat >"$work/conf" <<-NGINX
		daemon off; user root; worker_processes 1; pid $work/pid; error_log $work/error crit;
		events { worker_connections 1024; }
		http {
			access_log off; sendfile on; keepalive_requests 1000; client_body_temp_path $work/b;
			proxy_temp_path $work/p; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u; scgi_temp_path $work/s;
			upstream behind { server 127.0.0.1:$([ -n "$go_server" ] && echo "$go_port" || echo "$c_port"); keepalive 8; }
			server {
				listen 127.0.0.1:$nginx_port;
				root $work/www;
				location /healthz { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }
			}
		}
	NGINX
	"$nginx" -p "$work" -c "$work/conf" -e "$work/error" 2>/dev/null &
	pids="$pids $!"
	nginx_pid=$!
}
listens() { [ -n "$(ss -Htln "sport = :$1")" ]; }

# --- what they are asked

# keep COMMAND...: again and again, until the end
keep() {
	(
		trap 'kill $! 2>/dev/null; exit' TERM
		while :; do
			"$@" >/dev/null 2>&1 &
			wait $!
			sleep 0.2
		done
	) &
	pids="$pids $!"
	askers="$askers $!"
}
askers=
ask() {
	keep "$LOAD/traffic" -c 8 -n 1000000 -r "$rate" -d 10 "127.0.0.1:$c_port" /healthz=8 /echo=1 '/slow?ms=2'
	keep "$LOAD/traffic" -c 8 -n 1000000 -r "$rate" -d 10 "127.0.0.1:$nginx_port" /small=6 /large=1 /healthz=4 /nope=1
	[ -z "$go_server" ] ||
		keep "$LOAD/traffic" -c 8 -n 1000000 -r "$rate" -d 10 "127.0.0.1:$go_port" /healthz=8 '/users/17/orders/9=2'
	keep "$LOAD/http" -p "$churn_port" -c 100 short
	keep "$LOAD/tcp" -p "$reset_port" -n 50 rst
}

# --- the tools

# tool NAME COMMAND...: its JSON goes through a pipe to a reader that keeps the summary
tool() {
	local name=$1
	shift
	mkfifo "$tmp/$name.pipe"
	grep --line-buffered '"type":"summary"' <"$tmp/$name.pipe" >"$tmp/$name.summary" &
	reader_of[$name]=$!
	"$BIN/$1" "${@:2}" -j >"$tmp/$name.pipe" 2>"$tmp/$name.err" </dev/null &
	pid_of[$name]=$!
	pids="$pids $! ${reader_of[$name]}"
	names="$names $name"
	wait_for 120 sh -c "grep -q ': ready (' '$tmp/$name.err' || ! kill -0 ${pid_of[$name]}"
	grep -q ': ready (' "$tmp/$name.err" || bench_broken "$name: $(tail -n 2 "$tmp/$name.err")"
}
start_tools() {
	tool handlerlat handlerlat "$tmp/service" handle_request
	[ -z "$go_server" ] || tool handlerlat-go handlerlat -i 5 "$tmp/server" main.handleRequest
	tool tcplat tcplat -p "$ports" -i 5
	tool httpsniff httpsniff -p "$ports"
	tool httptrace httptrace -p "$ports" --events --otlp "$tmp/otlp" --rotate 1M,2 -o "$tmp/spans"
	tool httptrace-table httptrace -p "$ports" -i 5 --sample 1/4 --keep-errors
}
# What they have in the kernel: "KIND ID"
in_kernel() {
	local n
	for n in $names; do
		cat /proc/"${pid_of[$n]}"/fdinfo/* 2>/dev/null
	done | sed -n 's/^\(prog\|link\|map\)_id:[[:space:]]*/\1 /p' | sort -u
}
left_in_kernel() {
	local kind id
	while read -r kind id; do
		"$bpftool" "$kind" show id "$id" 2>/dev/null | head -n 1
	done <"$tmp/kernel"
}
# sample SECOND: "SECOND NAME KIB"
sample() {
	local n
	for n in $names; do
		awk -v t="$1" -v n="$n" '$1 == "VmRSS:" { print t, n, $2 }' /proc/"${pid_of[$n]}"/status 2>/dev/null
	done >>"$tmp/memory"
}
# recorded TOOL: a recording of some seconds, that begins in the middle, and what is made of it; says what is wrong
recorded() {
	local how
	for how in "-p $ports -d 3 --record" --replay; do
		# shellcheck disable=SC2086
		timeout 120 "$BIN/$1" -j $how "$tmp/rec" >"$tmp/rec.out" 2>"$tmp/rec.err" ||
			echo "$1 $how: exit status $?: $(tail -n 1 "$tmp/rec.err")"
		jq -e -s '.[-1].balanced' "$tmp/rec.out" >/dev/null || echo "$1 $how: $(tail -n 1 "$tmp/rec.out")"
	done
}

# --- what goes on

# Its port is free again.
ends() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null
	:
}
# At a second of the run: one thing of each kind in 20 seconds, so that each is in the first part already.
happens() {
	local n
	case $(($1 % 20)) in
	3) for n in $names; do kill -STOP "${reader_of[$n]}"; done ;;
	6) for n in $names; do kill -CONT "${reader_of[$n]}"; done ;;
	8) ends "$c_server" && serve_c ;;
	10) pkill -KILL -P "$nginx_pid" ;; # it starts another worker
	12) [ -z "$go_server" ] || { ends "$go_pid" && serve_go; } ;;
	14)
		# Unless the one before it is still at it.
		[ -z "$recording" ] || ! kill -0 "$recording" 2>/dev/null || return 0
		t=${recorders[$(($1 / 20 % 2))]}
		{
			recorded "$t" >>"$tmp/rec.bad"
			echo >>"$tmp/rec.all"
		} &
		recording=$! ;;
	esac
}

complaints() { dmesg 2>/dev/null | grep -cE 'BUG:|WARNING:|Oops|general protection|rcu.*stall|blocked for more|lockup'; }

serve_c
serve_go
serve_nginx
for p in $c_port $nginx_port ${go_server:+$go_port}; do wait_for 30 listens "$p" || bench_broken "nobody listens on $p"; done
complained=$(complaints)
start_tools
in_kernel >"$tmp/kernel"
ask
recording=''
recorders=(httpsniff httptrace)
t0=$SECONDS last=-1
while now=$((SECONDS - t0)) && [ $now -lt "$seconds" ]; do
	# Each second has its turn, however late.
	while [ $last -lt $now ]; do
		last=$((last + 1))
		happens $last
	done
	sample $now
	sleep 0.9
done
for n in $names; do kill -CONT "${reader_of[$n]}"; done
[ -z "$recording" ] || wait "$recording"
for n in $names; do kill -INT "${pid_of[$n]}"; done
for n in $names; do
	wait "${pid_of[$n]}"
	status_of[$n]=$?
	wait "${reader_of[$n]}"
done
for p in $askers; do kill "$p"; done

# --- what came of it

# grown NAME: "FIRST LAST" KiB
grown() {
	awk -v n="$1" -v w="$window" -v end="$((seconds - window))" '$2 == n {
		if ($1 < w && $3 > first) first = $3
		if ($1 >= end && $3 > last) last = $3 }
		END { print first + 0, last + 0 }' "$tmp/memory"
}
cp "$tmp/memory" "$O/tests/soak.memory" # for who wants to see how
printf '# %-16s %12s %12s %10s %12s %12s\n' tool "KiB first" "KiB last" "CPU s" events lost
for n in $names; do
	read -r first last <<<"$(grown "$n")"
	jq -r '[((.tool_cpu_ms // 0) / 1000 | floor), .messages // .requests // .turns // .calls // 0,
		(.records_ring_full // 0) + (.ring_full // 0) + (.connections_lost // 0) + (.slowest_lost // 0)] | @tsv' \
		"$tmp/$n.summary" >"$tmp/figures"
	read -r cpu events lost <"$tmp/figures"
	printf '# %-16s %12s %12s %10s %12s %12s\n' "$n" "$first" "$last" "$cpu" "$events" "$lost"
	# A quarter of what is asked of its servers at the least, or there was nothing to look at.
	check_true "$n: events" "only $events" [ "${events:-0}" -ge $((seconds * rate / 4)) ]
	check "$n: exit status" "${status_of[$n]}" 0
	check_true "$n: account" "it does not balance: $(tail -n 1 "$tmp/$n.summary" | cut -c1-300)" \
		jq -e -s 'length == 1 and .[0].balanced' "$tmp/$n.summary"
	# A tenth, and what one more chunk of the allocator's may be.
	check_true "$n: memory" "it grew from $first to $last KiB" \
		[ $((last * 10)) -le $((first * 11 + 20480)) ]
done
check_true "recordings" "$(cat "$tmp/rec.bad" 2>/dev/null)" sh -c "[ -s '$tmp/rec.all' ] && ! [ -s '$tmp/rec.bad' ]"
# The kernel frees them when it may.
check_true "left in the kernel" "$(left_in_kernel)" \
	wait_for 30 sh -c "[ -z \"\$(while read -r k i; do $bpftool \$k show id \$i 2>/dev/null; done <'$tmp/kernel')\" ]"
check "the kernel's complaints" "$(complaints)" "$complained"
finish
