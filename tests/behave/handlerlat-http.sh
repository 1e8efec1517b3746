#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# handlerlat on HTTP servers: each request is one call, with its method, path, route and status.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
known=net/http.serverHandler.ServeHTTP

# serve FILE ARG...: starts a server that prints "listening PORT": its pid is $load, its port $port.
serve() {
	: >"$tmp/load"
	"$@" >>"$tmp/load" 2>&1 </dev/null &
	load=$!
	pids="$pids $load"
	wait_for 60 grep -q '^listening ' "$tmp/load" || bench_broken "$1 does not listen"
	port=$(sed -n 's/^listening //p' "$tmp/load")
}
# served: ends the server, which then prints its truth.
served() {
	kill -TERM "$load"
	wait "$load"
	load_status=$?
}
# get PATH [CURL ARG...]: one request on a connection of its own. A panicking handler closes it.
get() { curl -s -o /dev/null --max-time 60 "${@:2}" "http://127.0.0.1:$port$1" || true; }
# traffic N PATH=WEIGHT...: N requests over 4 kept connections; how often each path was asked is $tmp/traffic.
traffic() {
	"$LOAD/traffic" -r 0 -n "$1" "127.0.0.1:$port" "${@:2}" >"$tmp/traffic" || bench_broken "traffic failed"
}
rows() {
	jq -r 'select(.type == "call") | [.outcome, .method, .path, .status // "-"] | join(" ")' "$tmp/out" | sort | uniq -c | sed 's/^ *//'
}
# sums NAME: the intervals of each function and route add up to its total, histogram and all.
sums() {
	got=$(jq -n -r 'reduce (inputs | select(.type == "interval" or .type == "total")) as $r ({};
			[$r.function, $r.method // "", $r.route // ""] as $k | .[$k | join(" ")][$r.type] +=
			([$r.calls, $r.returned, $r.unwound, ([$r.histogram[]?.count] | add // 0)] | [.]))
		| to_entries[] | .value | if (.interval | transpose | map(add)) == .total[0] then empty else tojson end' "$tmp/out")
	check "$1" "$got" ""
	got=$(jq -r 'select(.type == "interval") | .timestamp' "$tmp/out" | sort -u | wc -l)
	check_true "$1-intervals" "only $got interval(s)" [ "$got" -ge 2 ]
}

go_versions
n=300
[ -z "${IN_GUEST:-}" ] || n=40

for v in $versions; do
	go_program "requests-$v" "$v/server" || continue
	for m in "" -stripped; do
		serve "$GO/$v/server$m"
		start handlerlat -j -p "$load"
		get /healthz
		get '/slow?ms=1' -X PUT
		get /users/123/orders/5
		get /nope -I
		get /echo -d hello
		get '/slow?ms=x'
		get /panic
		get /abort
		get "/$(printf '%0150d' 7)"
		get /api/list
		stop
		served
		check "requests-$v$m" "$(rows)" "$(sort <<-END
			1 returned GET /healthz 200
			1 returned PUT /slow 200
			1 returned GET /users/123/orders/5 200
			1 returned HEAD /nope 404
			1 returned POST /echo 200
			1 returned GET /slow 400
			1 unwound GET /panic -
			1 unwound GET /abort -
			1 returned GET /$(printf '%0127d' 0) 404
			1 returned GET /api/list 200
		END
		)"
		check "requests-$v$m-account" "$(said calls) $(said returned) $(said unwound) $(said balanced)" "10 8 2 true"
		check "requests-$v$m-cut" "$(jq -r 'select(.path_truncated).status' "$tmp/out")" 404
		[ -z "${IN_GUEST:-}" ] || break
	done
done

if go_program handlers "$newest/server"; then
	serve "$GO/$newest/server"
	start handlerlat -j -p "$load" main.handleRequest 'main.(*API).list' 'main.main.func*'
	traffic $n /healthz=3 /echo=2 /api/list=1 /closure=1 '/slow?ms=1=1'
	for _ in 1 2 3; do get /panic; get /abort; done
	stop
	served
	agree handlers main.handleRequest 'main.(*API).list'
	check handlers-paths "$(jq -r 'select(.type == "call" and .function == "main.(*API).list") | .path + " \(.status)"' "$tmp/out" | sort -u)" \
		"/api/list 200"
	check handlers-all "$(said calls)" "$(tail -n 1 "$tmp/load" | jq .requests)"
fi

# What panicked leaves an entry behind; the same goroutine's next call must not be measured from there.
if go_program after-panic "$oldest/server" && [ -z "${IN_GUEST:-}" ]; then
	serve "$GO/$oldest/server"
	start handlerlat -j -p "$load"
	for _ in 1 2 3 4; do get /panic; sleep 0.4; get /healthz; get /healthz; done
	stop
	served
	check_true after-panic "a call took longer than the pause before it" jq -e -n \
		'[inputs | select(.type == "call" and .outcome == "returned").latency_ns] | length == 8 and max < 3e8' "$tmp/out"
	check after-panic-unwound "$(said unwound) $(said returned)" "4 8"
fi

# --- counted in the kernel
if go_program intervals "$newest/server"; then
	serve "$GO/$newest/server"
	start handlerlat -j -i 0.3 -p "$load"
	traffic $((2 * n)) /=2 /healthz=2 /echo=1 /users/1/orders/22=1 /users/0/orders/f00dfeed0123abcd=1 '/slow?ms=20=2'
	# In a guest all of that may pass within one interval: the panic makes a second one.
	wait_for 60 grep -q '"type":"interval"' "$tmp/out"
	get /panic
	stop
	served
	sums intervals
	check intervals-account "$(said calls) $(said returned) $(said unwound) $(said balanced)" \
		"$((2 * n + 1)) $((2 * n)) 1 true"
	want=$(jq -r '.by_path | to_entries[] | "\(.key) \(.value)"' "$tmp/traffic" | sed 's/?[^ ]*//' |
		awk '{ $1 = $1 ~ /^\/users/ ? "/users/{id}/orders/{id}" : $1; n[$1] += $2 } END { for (p in n) print p, n[p] }' | sort)
	check intervals-routes "$(jq -r 'select(.type == "total" and .route) | "\(.route) \(.calls)"' "$tmp/out" | sort)" "$want"
fi
for v in $versions; do
	[ "${v#go1.}" -ge 22 ] || continue
	go_program "routes-$v" "$v/routes" || continue
	serve "$GO/$v/routes"
	start handlerlat -j -H -p "$load"
	traffic $((n / 2)) /users/7=2 /users/x/orders/y=2 /files/a/b/c=1 /healthz=1
	get /users -d x=y
	get /users -d x=y
	stop
	served
	# The last request's handler has answered before serverHandler.ServeHTTP returns; served waits for both.
	check "routes-$v" "$(jq -r 'select(.type == "total" and .route) | "\(.method) \(.route) \(.calls)"' "$tmp/out" | sort)" \
		"$(tail -n 1 "$tmp/load" | jq -r '.by_path | to_entries[] | "\(.key) \(.value.calls)"' | sort)"
done
if go_program routes-lost "$newest/server"; then
	serve "$GO/$newest/server"
	start handlerlat -j -H --max-routes 2 -p "$load"
	for p in a b c d e f g h i j k l; do get /$p; done
	stop
	served
	listed=$(jq -n '[inputs | select(.type == "total" and .route).calls] | add' "$tmp/out")
	check routes-lost "$(said calls) $((listed + $(said routes_lost))) $(said balanced)" "12 12 true"
	check_true routes-lost-some "none was lost" [ "$(said routes_lost)" -gt 0 ]
fi
if go_program histogram "$newest/server"; then
	serve "$GO/$newest/server"
	start handlerlat -H -p "$load"
	for _ in 1 2 3; do get '/slow?ms=20'; done
	stop
	served
	check_true histogram "no bar was drawn" grep -qE '^ *[0-9.]+m?s +-> [0-9.]+m?s .*3 .*\*' "$tmp/out"
	check_true histogram-route "no row for the route" grep -qE ' GET /slow$' "$tmp/out"
fi
if go_program slower "$newest/server"; then
	serve "$GO/$newest/server"
	start handlerlat -j --slower 700 -p "$load"
	for _ in 1 2 3; do get '/slow?ms=800' & done
	for _ in 1 2 3 4 5 6; do get /healthz; done
	wait_for 60 sh -c "[ \$(grep -c '/slow' '$tmp/out') = 3 ]"
	stop
	served
	slow=$(jq -n '[inputs | select(.type == "call" and .path == "/slow" and .latency_ns >= 800000000)] | length' "$tmp/out")
	check slower "$slow $(($(said rows) + $(said below_slower))) $(said balanced)" "3 9 true"
	[ -n "${IN_GUEST:-}" ] || check slower-below "$(said below_slower)" 6
fi

# --- calls that had begun, and that have not ended
if go_program in-flight "$newest/server"; then
	serve "$GO/$newest/server"
	get '/slow?ms=2000' &
	began=$!
	wait_for 20 sh -c "grep -q ':$(printf %04X "$port") .* 01 ' /proc/$load/net/tcp"
	sleep 0.3
	start handlerlat -j -p "$load"
	wait $began
	get '/slow?ms=9000' --max-time 10 &
	late=$!
	pids="$pids $late"
	sleep 1
	stop
	check in-flight "$(said calls) $(said returned) $(said running) $(said missed) $(said balanced)" "1 0 1 1 true"
	check in-flight-row "$(rows)" "1 running GET /slow -"
	check_true in-flight-age "the running call is younger than it must be" [ "$(said oldest_running_ns)" -gt 300000000 ]
	kill $late
	served
fi

# --- without a target: what is running, and what starts later
if go_program watch "$newest/server"; then
	cp "$GO/$newest/server" "$tmp/reqtest-one"
	cp "$GO/$oldest/server" "$tmp/reqtest-two"
	serve "$tmp/reqtest-one"
	one=$load
	first=$port
	start handlerlat -j --comm 'reqtest-*'
	get /healthz
	serve "$tmp/reqtest-two" # a file that was not there before
	wait_for 60 grep -q "pid $load: $known" "$tmp/err"
	# The probes come right after the line.
	wait_for 60 sh -c "curl -s http://127.0.0.1:$port/late >/dev/null; grep -q /late '$tmp/out'"
	get /two
	port=$first
	get /one
	stop
	served
	kill "$one"
	check watch "$(rows | grep -v /late)" "1 returned GET /healthz 200
1 returned GET /one 404
1 returned GET /two 404"
	check watch-balanced "$status $(said balanced) $(grep -c "pid $one: $known" "$tmp/err")" "0 true 1"
fi
if wanted watch-nothing; then
	start handlerlat -j --comm reqtest-nobody -d 0.5
	await
	check watch-nothing "$status $(said calls) $(said balanced)" "0 0 true"
fi
if go_program cgroup "$newest/server"; then
	group=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/reqtools-test-$$
	if ! mkdir "$group" 2>/dev/null; then
		skip cgroup "no cgroup v2 that could be written to"
	else
		serve "$GO/$newest/server"
		inside=$load there=$port
		echo "$inside" >"$group/cgroup.procs"
		serve "$GO/$newest/server"
		start handlerlat -j --cgroup "$group" "$GO/$newest/server" $known
		get /outside
		port=$there
		get /inside
		stop
		check cgroup "$(rows) $(said calls)" "1 returned GET /inside 404 1"
		start handlerlat -j --exclude-cgroup "$group" "$GO/$newest/server" $known
		get /inside
		stop
		check cgroup-exclude "$(said calls)" 0
		served
		kill "$inside"
		wait "$inside" 2>/dev/null
		rmdir "$group"
	fi
fi

# --- others' servers
if wanted service; then
	serve "$LOAD/service"
	start handlerlat -j -p "$load" handle_request
	traffic $n /=2 /healthz=2 /echo=1 /slow?ms=3=1
	stop
	served
	check service "$(said calls) $(said returned) $(said balanced)" "$(tail -n 1 "$tmp/load" | jq -r '"\(.handle_request.calls) \(.handle_request.returned) true"')"
fi
if wanted nginx; then
	if ! command -v nginx >/dev/null; then
		skip nginx "nginx is not installed"
	else
		port=$((20000 + $$ % 20000))
		printf 'daemon off; worker_processes 1; pid %s/nginx.pid; error_log %s/nginx.log;\nevents {}\nhttp { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s; server { listen 127.0.0.1:%s; location / { return 200 "ok\\n"; } } }\n' \
			"$tmp" "$tmp" "$tmp" "$tmp" "$tmp" "$tmp" "$tmp" $port >"$tmp/nginx.conf"
		nginx -c "$tmp/nginx.conf" 2>/dev/null &
		master=$!
		pids="$pids $master"
		wait_for 60 curl -s "http://127.0.0.1:$port/"
		start handlerlat -j -p "$(pgrep -P $master | head -n 1)" ngx_http_process_request
		traffic $n /a=1 /b=1
		stop
		kill $master
		wait $master 2>/dev/null
		check nginx "$(said calls) $(said returned) $(said balanced)" "$n $n true"
	fi
fi
finish
