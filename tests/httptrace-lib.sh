# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
# For the tests of httptrace: sourced behind tests/lib.sh. Services that call one another (tests/load/chain.c), whose
# truth is in $tmp/chain, and the tool's JSON lines held against that by tests/httptrace-links.py.

nginx=$(PATH=$PATH:/usr/sbin:/sbin command -v nginx) || bench_broken "no nginx: run scripts/deps test"
chain=$tmp/chain # what the services say they did
services= chain_ports=
declare -A port_of service_of

# service NAME COMMAND...: starts one that prints "listening PORT"; its port is $port and ${port_of[NAME]}.
service() {
	local name=$1
	shift
	mkdir -p "$chain"
	: >"$tmp/service.$name"
	"$@" >"$tmp/service.$name" 2>"$tmp/service.$name.err" </dev/null &
	service_of[$name]=$!
	pids="$pids $!"
	services="$services $!"
	wait_for 60 sh -c "grep -q '^listening ' '$tmp/service.$name' || ! kill -0 ${service_of[$name]}"
	port=$(sed -n 's/^listening //p' "$tmp/service.$name")
	[ -n "$port" ] || bench_broken "$name does not listen: $(tail -n 3 "$tmp/service.$name.err")"
	port_of[$name]=$port
	chain_ports="$chain_ports${chain_ports:+,}$port"
}
# The services, from the last one to the first; each asks the one that was started before it.
serve_c() { service "${name:-last}" "$LOAD/chain" serve --name "${name:-last}" --truth "$chain/${name:-last}" "$@"; }
serve_threads() { service python python3 -B "$top/tests/load/chain/threads.py" --next "$port" --truth "$chain/python" "$@"; }
serve_events() { service events python3 -B "$top/tests/load/chain/events.py" --name events --next "$port" --truth "$chain/events" "$@"; }
serve_go() { service go "$GO/${go_version:-$newest}/chain" -next "$port" -truth "$chain/go" "$@"; }
serve_node() { service node node "$top/tests/load/chain/node.js" --next "$port" --truth "$chain/node" "$@"; }
# serve_nginx [CONNECTIONS]: that keeps so many to the service behind (0: none)
serve_nginx() {
	local work=$tmp/nginx.$RANDOM keep=${1:-64} own
	mkdir -p "$work" "$chain"
	own=$(free_port)
	cat >"$work/conf" <<-NGINX
		daemon off; user root; worker_processes ${workers:-2}; pid $work/pid; error_log $work/error;
		events { worker_connections 1024; }
		http {
			log_format truth escape=json '{"type":"served","service":"nginx","chain":"\$http_x_chain_id",'
				'"hop":"\$http_x_hop","server_port":\$server_port,"client_port":\$remote_port,"pid":\$pid,"tid":\$pid,'
				'"seconds":\$request_time,"end":\$msec}';
			client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u;
			scgi_temp_path $work/s; keepalive_requests 1000000;
			upstream behind { server 127.0.0.1:$port; $([ "$keep" = 0 ] || echo "keepalive $keep;") }
			server {
				listen 127.0.0.1:$own backlog=1024;
				access_log $chain/nginx truth;
				location / {
					proxy_pass http://behind;
					proxy_http_version $([ "$keep" = 0 ] && echo 1.0 || echo 1.1);
					proxy_set_header Connection "$([ "$keep" != 0 ] || echo close)";
					proxy_set_header X-Hop "\$http_x_hop.n1";
					proxy_hide_header X-Hop;
					add_header X-Hop \$http_x_hop always;
				}
			}
		}
	NGINX
	service nginx sh -c "echo listening $own; exec '$nginx' -p '$work' -c '$work/conf' -e '$work/error'"
	wait_for 60 sh -c "[ -n \"\$(ss -Htln 'sport = :$own')\" ]" || bench_broken "nginx: $(cat "$work/error")"
}
# A port that nobody has.
free_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}
# ask ARG...: the clients, of the service that was started last.
ask() {
	mkdir -p "$chain"
	"$LOAD/chain" ask -p "$port" --truth "$chain/client" "$@" >"$tmp/load" 2>&1 || bench_broken "chain ask: $(tail -n 3 "$tmp/load") $(
		cat "$tmp"/service.*.err | tail -n 3)"
}
# chain_end: the services end, and their truth is whole; chain_new: another chain is to be.
chain_end() {
	local p
	for p in $services; do kill -TERM "$p"; done
	for p in $services; do wait "$p"; done
	services=
}
chain_new() {
	rm -rf "$chain" "$tmp"/service.*
	services='' chain_ports='' port_of=() service_of=()
}
# linked [OPTION...]: "ok" or what is wrong, as tests/httptrace-links.py says of $tmp/out; how many of which kind: $tmp/kinds
linked() {
	python3 "$top/tests/httptrace-links.py" "$@" "$tmp/out" "$chain"/* >"$tmp/links" 2>&1
	sed -n 1p "$tmp/links"
	sed 1d "$tmp/links" >"$tmp/kinds"
}
