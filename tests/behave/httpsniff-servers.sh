#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httpsniff on the servers and clients that people have: nginx, curl, Python, Node, Go. Each message of a client is seen
# at each of its ends, once, with the bytes that the client counted and the body that it sent or got; and per socket
# the bytes are those that the kernel counted. In a guest nginx and its ways to send alone.
[ -z "${IN_GUEST:-}" ] || [ $# != 0 ] || set -- nginx nginx-account
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
nginx=$(PATH=$PATH:/usr/sbin:/sbin command -v nginx) || bench_broken "no nginx: run scripts/deps test"
for t in curl python3 ss; do [ -n "$(command -v $t)" ] || bench_broken "no $t: run scripts/deps test"; done

# free N: so many ports that nobody has
free() {
	python3 -c 'import socket, sys
s = [socket.socket() for _ in range(int(sys.argv[1]))]
for x in s: x.bind(("127.0.0.1", 0))
print(*[x.getsockname()[1] for x in s])' "$1"
}
# serve COMMAND...: a server that prints "listening PORT": its pid is $server, its port $port
serve() {
	: >"$tmp/served"
	"$@" >"$tmp/served" 2>"$tmp/served.err" </dev/null &
	server=$!
	pids="$pids $server"
	wait_for 60 grep -q '^listening ' "$tmp/served" || bench_broken "$1 does not listen: $(cat "$tmp/served.err")"
	port=$(sed -n 's/^listening //p' "$tmp/served")
}
answers() { curl -s -o /dev/null --max-time 5 "http://127.0.0.1:$1/"; }

# One line for each message as an end saw it: port of the server, end, method, path, status, bytes on the wire ("-" where
# curl does not tell them: of chunks and of requests with a body), SHA-256 of the body. What could not be read has its cause for that.
cat >"$tmp/heard.py" <<'END'
import base64, hashlib, json, sys
for line in sys.stdin:
    m = json.loads(line)
    if m['type'] != 'message':
        continue
    answer = m['status'] is not None
    body = m['body'] or ''
    body = base64.b64decode(body) if m['body_encoding'] == 'base64' else body.encode()
    sha = hashlib.sha256(body).hexdigest()[:16]
    if m['lost_bytes'] or not m['complete'] or m['truncated'] or len(body) != m['body_size']:
        sha = m.get('lost_cause') or m.get('why') or 'cut'
    headers = {k.lower(): v for k, v in m['headers'].items()}
    size = '-' if 'transfer-encoding' in headers or not answer and body else m['bytes'] + m['lost_bytes']
    print(m['source_port'] if answer else m['dest_port'], m['role'], m['direction'], m['method'], m['url'],
        m['status'] or '-', size, sha)
END
sha() { sha256sum "${1:-/dev/null}" | cut -c1-16; }
# told PORT METHOD PATH STATUS REQUEST-BYTES REQUEST-SHA BYTES SHA [FROM]: a request and its answer, at both ends
told() {
	printf "$1 %s $2 $3 %s\n" "client send" "- $5 $6" "server recv" "- $5 $6" "server send" "$4 $7 $8" "client recv" "$4 $7 $8" \
		>>"$tmp/told"
}
# ask PORT PATH [CURL ARG...]: one request, noted in told with what curl says of it. $upload is the file that it sends.
upload=
ask() {
	local p=$1 path=$2 method code down head request
	shift 2
	curl -s --max-time 60 -o "$tmp/body" -D "$tmp/head" -w '%{method} %{response_code} %{size_download} %{size_header} %{size_request}\n' \
		"$@" "http://127.0.0.1:$p$path" >"$tmp/said" || bench_broken "curl $* $path: status $?"
	read -r method code down head request <"$tmp/said"
	{ [ "$method" != HEAD ] && [ -e "$tmp/body" ]; } || : >"$tmp/body"
	down=$((down + head))
	[ -z "$upload" ] || request=-
	! grep -qi '^transfer-encoding' "$tmp/head" || down=-
	! grep -qi '^content-encoding' "$tmp/head" || down=-
	told "$p" "$method" "$path" "$code" "$request" "$(sha "$upload")" "$down" "$(sha "$tmp/body")"
	rm -f "$tmp/body"
}
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
# agree_all NAME: all that was told was heard, and no more.
agree_all() {
	python3 "$tmp/heard.py" <"$tmp/out" | sort >"$tmp/heard"
	sort -o "$tmp/told" "$tmp/told"
	[ -s "$tmp/told" ] || bench_broken "$1: nothing was told"
	judge "$1" "$status $(diff "$tmp/told" "$tmp/heard" | grep '^[<>]' | head -n 6 | paste -sd ';' -)" "0 "
	check "$1-account" "$(said balanced) $(said bytes_ring_full)" "true 0"
}
new() { : >"$tmp/told"; }
head -c 100000 /dev/urandom >"$tmp/100k"
head -c 5000000 /dev/urandom >"$tmp/5m"
seq 1 30000 >"$tmp/text"
echo small >"$tmp/small"

# --- nginx: sendfile and writev, gzip, a second server behind it, TLS, HTTP/2
# nginx_start: its ports are $on (sendfile), $off, $proxy, $tls, $h2, $back
nginx_start() {
	local work=$tmp/nginx secure=
	mkdir -p "$work"
	read -r on off proxy tls h2 back <<<"$(free 6)"
	if [ -n "$1" ]; then
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=name.example -keyout "$work/key" -out "$work/cert" \
			2>"$tmp/openssl" || bench_broken "openssl: $(tail -n 1 "$tmp/openssl")"
		secure="server { listen 127.0.0.1:$tls ssl; ssl_certificate $work/cert; ssl_certificate_key $work/key; }"
	fi
	cat >"$work/conf" <<-END
		daemon off; user root; worker_processes 1; pid $work/pid; error_log $work/error;
		events { worker_connections 64; }
		http {
			access_log off; default_type application/octet-stream; client_max_body_size 20m;
			client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u;
			scgi_temp_path $work/s; root $tmp;
			server { listen 127.0.0.1:$on; sendfile on; tcp_nopush on; }
			server { listen 127.0.0.1:$off; sendfile off; gzip on; gzip_types *; gzip_min_length 1000; }
			server { listen 127.0.0.1:$back; sendfile off; location /empty { return 204; } location /to { return 302 /text; } }
			server { listen 127.0.0.1:$proxy; location / { proxy_pass http://127.0.0.1:$back; } }
			$secure
			server { listen 127.0.0.1:$h2 http2; }
		}
	END
	"$nginx" -p "$work" -c "$work/conf" -e "$work/error" 2>"$tmp/nginx.err" &
	pids="$pids $!"
	wait_for 60 answers "$on" || bench_broken "nginx: $(cat "$work/error" "$tmp/nginx.err")"
}
if wanted nginx; then
	new
	nginx_start ""
	start httpsniff -j --max-body all --ring-size 65536 -p "$on,$off,$proxy,$back"
	for p in $on $off; do
		for f in small text 100k 5m none; do
			[ "$f" = none ] || ask "$p" "/$f"
		done
		ask "$p" /small -I
		ask "$p" "/none" -H 'X-Some: thing'
		ask "$p" /text -r 100-299
	done
	# Pages of an open file that are sent twice; several on one connection.
	for p in $on $off; do
		curl -s --max-time 60 -o "$tmp/a" -o "$tmp/b" -o "$tmp/c" -w '%{response_code} %{size_download} %{size_header} %{size_request} %{num_connects}\n' \
			"http://127.0.0.1:$p/100k?kept=1" "http://127.0.0.1:$p/5m?kept=2" "http://127.0.0.1:$p/small?kept=3" >"$tmp/said"
		for f in "a 100k?kept=1" "b 5m?kept=2" "c small?kept=3"; do
			read -r code down head request _
			told "$p" GET "/${f#* }" "$code" "$request" "$(sha)" $((down + head)) "$(sha "$tmp/${f%% *}")"
		done <"$tmp/said"
		[ "$(awk '{ n += $5 } END { print n }' "$tmp/said")" = 1 ] || bench_broken "curl has not kept its connection"
	done
	ask "$off" "/text?gzip" --compressed
	ask "$off" "/text?old" -0
	stop
	# Before 5.16 the kernel does not tell where a page is.
	[ "$(printf '%s\n' 5.16 "$(uname -r)" | sort -V | head -n 1)" = 5.16 ] ||
		sed -i -E "/^$on server send GET \/(small|text|100k|5m)/s/[^ ]*\$/sendfile/" "$tmp/told"
	agree_all nginx
	judge nginx-complete "$(said complete)" "$(grep -q sendfile "$tmp/told" && echo false || echo true)"
	if [ -z "${IN_GUEST:-}" ]; then
		# A second server behind the first: the messages of both connections, each at both ends.
		new
		start httpsniff -j --max-body all --ring-size 65536 -p "$proxy,$back"
		for f in small 100k 5m empty to; do ask "$proxy" "/$f?proxied"; done
		stop
		python3 "$tmp/heard.py" <"$tmp/out" | grep "^$back " | sort >"$tmp/behind"
		# nginx speaks HTTP/1.0 to it: other heads, the same bodies.
		grep -v "^$back " <(python3 "$tmp/heard.py" <"$tmp/out" | sort) >"$tmp/before"
		check nginx-proxy "$status $(sort "$tmp/told" | diff - "$tmp/before" | grep '^[<>]' | head -n 6) $(said balanced) $(said complete)" "0  true true"
		check nginx-behind "$(cut -d' ' -f 2-6,8 "$tmp/behind" | diff - <(sort "$tmp/told" | cut -d' ' -f 2-6,8) | head -n 6)" ""
	fi
fi
if wanted nginx-slow; then
	# A reader that is slower than the file: sendfile is put off again and again, and goes on where it was.
	nginx_start ""
	start httpsniff -j --max-body all --ring-size 65536 --local-port "$on" --direction send
	for i in 1 2 3 4; do
		python3 -c 'import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100000)
s.connect(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"GET /5m?%s HTTP/1.0\r\n\r\n" % sys.argv[2].encode())
while s.recv(60000): time.sleep(0.001)' "$on" $i
	done
	stop
	check nginx-slow "$status $(python3 "$tmp/heard.py" <"$tmp/out" | cut -d' ' -f 2-6,8 | uniq -c | xargs) $(said balanced) $(said unread_fault)" \
		"0 $(for i in 1 2 3 4; do echo "1 server send GET /5m?$i 200 $(sha "$tmp/5m")"; done | xargs) true 0"
fi
if wanted nginx-bytes; then
	# What the kernel counted of each socket, while both ends are open: ss names them by the cookie that is "connection".
	nginx_start ""
	start httpsniff -j -p "$on,$off"
	cat >"$tmp/held.py" <<'END'
import http.client, subprocess, sys
ports = sys.argv[1:]
held = []
for p in ports:
    c = http.client.HTTPConnection('127.0.0.1', int(p))
    for path in ['/small', '/100k', '/none', '/text']:
        c.request('GET', path)
        c.getresponse().read()
    c.request('HEAD', '/5m')
    c.getresponse().read()
    held.append(c)
for p in ports:
    sys.stdout.write(subprocess.run(['ss', '-tineHO', 'state', 'established', '( sport = :%s or dport = :%s )' % (p, p)],
        stdout=subprocess.PIPE).stdout.decode())
END
	python3 "$tmp/held.py" "$on" "$off" >"$tmp/ss" 2>"$tmp/ss.err" || bench_broken "$(cat "$tmp/ss.err")"
	stop
	# cookie, bytes sent, bytes received
	perl -ne 'my ($c) = /sk:([0-9a-f]+)/; my ($s) = /bytes_sent:(\d+)/; my ($r) = /bytes_received:(\d+)/;
		printf "%d %d %d\n", hex $c, $s, $r if defined $c' "$tmp/ss" | sort >"$tmp/told"
	jq -n -r '[inputs | select(.type == "message")] | group_by(.connection)[] | [.[0].connection,
		([.[] | select(.direction == "send") | .bytes + .lost_bytes] | add), ([.[] | select(.direction == "recv") | .bytes] | add)]
		| join(" ")' "$tmp/out" | sort >"$tmp/heard"
	check nginx-bytes "$status $(wc -l <"$tmp/told") $(diff "$tmp/told" "$tmp/heard" | grep '^[<>]' | xargs) $(said balanced)" "0 4  true"
fi
if wanted not-decoded; then
	# TLS, with the name that was asked for, and HTTP/2: told once at each end, and nothing of what is in them.
	nginx_start tls
	start httpsniff -j -p "$tls,$h2"
	curl -s -k --max-time 60 --http1.1 --resolve "name.example:$tls:127.0.0.1" -o /dev/null -w '%{response_code} ' \
		"https://name.example:$tls/small" "https://name.example:$tls/text" -o /dev/null >"$tmp/said"
	curl -s --max-time 60 --http2-prior-knowledge -o /dev/null -w '%{response_code} %{http_version} ' "http://127.0.0.1:$h2/100k" >>"$tmp/said"
	stop
	check not-decoded-done "$(xargs <"$tmp/said")" "200 200 200 2"
	check not-decoded "$status $(jq -r 'select(.type != "summary") | "\(.type) \(.protocol) \(.sni) \(.decoded) \(.role)"' "$tmp/out" |
		sort | uniq -c | xargs) $(said balanced)" \
		"0 1 connection http2 null false client 1 connection http2 null false server \
1 connection tls name.example false client 1 connection tls name.example false server true"
fi

# --- bodies that are sent, to a server that sends them back
cat >"$tmp/echo.py" <<'END'
import http.server, os
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass
    def do_POST(self):
        body = b''
        if 'chunked' in self.headers.get('Transfer-Encoding', ''):
            while True:
                n = int(self.rfile.readline().split(b';')[0], 16)
                body += self.rfile.read(n)
                self.rfile.readline()
                if not n: break
        else:
            body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_PUT = do_POST
    def do_GET(self):
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        for i in range(300): self.wfile.write(b'5\r\n%05d\r\n' % i)
        self.wfile.write(b'0\r\n\r\n')
s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)
print('listening', s.server_address[1], flush=True)
s.serve_forever()
END
cat >"$tmp/echo.js" <<'END'
// Node hands 300 pieces of a body to the kernel in one call.
const http = require('http');
const server = http.createServer((req, res) => {
	if (req.method === 'GET') {
		res.cork();
		for (let i = 0; i < 300; i++) res.write(String(i).padStart(5, '0'));
		res.uncork();
		return res.end();
	}
	const parts = [];
	req.on('data', (d) => parts.push(d)).on('end', () => {
		const body = Buffer.concat(parts);
		res.writeHead(200, {'Content-Length': body.length});
		res.end(body);
	});
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => console.log('listening', server.address().port));
END
seq -f %05g 0 299 | tr -d '\n' >"$tmp/pieces"
# upload PORT PATH FILE ARG...: curl sends the file
upload() {
	upload=$tmp/$3
	ask "$1" "$2" "${@:4}" --data-binary "@$tmp/$3"
	upload=
}
# uploads NAME PORT: what curl does to an echoing server
uploads() {
	new
	start httpsniff -j --max-body all --ring-size 65536 -p "$2"
	upload "$2" /echo?small small
	upload "$2" /echo?binary 100k
	upload "$2" /echo?large 5m -H Expect:
	upload "$2" /echo?chunked 100k -H "Transfer-Encoding: chunked"
	[ "$1" = go ] || ask "$2" /pieces
	# Expect: 100-continue, by itself beyond a megabyte: an answer more, whose bytes curl counts with the other's head.
	interim=
	upload "$2" /echo?expect 100k -H "Expect: 100-continue"
	interim=$(grep -c '^HTTP/1.1 100' "$tmp/head")
	[ "$interim" = 1 ] || bench_broken "$1: no 100"
	stop
	python3 "$tmp/heard.py" <"$tmp/out" >"$tmp/all"
	# The interim answer has no bytes but its head: taken off the final one's.
	n=$(awk '$2 == "client" && $6 == 100 { print $7 }' "$tmp/all")
	awk -v n="$n" '$5 == "/echo?expect" && $6 == 200 { $7 -= n } { print }' "$tmp/told" >"$tmp/one"
	{
		cat "$tmp/one"
		for end in "client recv" "server send"; do echo "$2 $end POST /echo?expect 100 $n $(sha)"; done
	} | sort >"$tmp/told"
	sort "$tmp/all" >"$tmp/heard"
	check "$1" "$status $(diff "$tmp/told" "$tmp/heard" | grep '^[<>]' | head -n 6 | paste -sd ';' -)" "0 "
	check "$1-account" "$(said balanced) $(said complete)" "true true"
}
if wanted python; then
	serve python3 "$tmp/echo.py"
	uploads python "$port"
	kill $server
fi
if wanted node; then
	if [ -z "$(command -v node)" ]; then
		skip node "no node"
	else
		serve node "$tmp/echo.js"
		uploads node "$port"
		kill $server
	fi
fi
if wanted go; then
	go_versions
	if go_program go "$newest/server"; then
		serve "$GO/$newest/server"
		uploads go "$port"
		# Its mix of paths, by four kept connections: as often as the client says.
		start httpsniff -j -p "$port"
		"$LOAD/traffic" -r 0 -n 400 "127.0.0.1:$port" /healthz=3 /api/list=1 /users/5/orders/7=1 >"$tmp/traffic" || bench_broken traffic
		stop
		kill -TERM $server
		wait $server
		# Five were uploads.
		n=$(tail -n 1 "$tmp/served" | jq '.requests - 5')
		check go-traffic "$n $(jq -r 'select(.type == "message") | "\(.role) \(.direction)"' "$tmp/out" | sort | uniq -c | xargs)" \
			"400 $n client recv $n client send $n server recv $n server send"
		check go-traffic-paths "$(jq -r 'select(.type == "message" and .role == "server" and .status) | "\(.url) \(.status)"' "$tmp/out" | sort |
			uniq -c | xargs)" "$(tail -n 1 "$tmp/served" | jq -r '.by_path | "\(.["/api/list"].calls) /api/list 200 \(.["/healthz"].calls
			) /healthz 200 \(.["/users/"].calls) /users/5/orders/7 200"')"
	fi
fi

# --- other clients
if wanted clients; then
	serve python3 "$tmp/echo.py"
	new
	start httpsniff -j --max-body all --ring-size 65536 -p "$port"
	cat >"$tmp/client.py" <<'END'
import http.client, sys
c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))
for name in sys.argv[2:]:
    data = open(name, 'rb').read()
    c.request('PUT', '/python', body=data)
    assert c.getresponse().read() == data
END
	cat >"$tmp/client.js" <<'END'
const http = require('http'), fs = require('fs');
const agent = new http.Agent({keepAlive: true, maxSockets: 1});
const [, , port, ...names] = process.argv;
const next = () => {
	if (!names.length) return agent.destroy();
	const data = fs.readFileSync(names.shift());
	const req = http.request({port, host: '127.0.0.1', path: '/node', method: 'PUT', agent}, (res) => {
		const parts = [];
		res.on('data', (d) => parts.push(d)).on('end', () => {
			if (!Buffer.concat(parts).equals(data)) process.exit(1);
			next();
		});
	});
	for (let i = 0; i < data.length; i += 1000) req.write(data.subarray(i, i + 1000));
	req.end();
};
next();
END
	clients="python"
	python3 "$tmp/client.py" "$port" "$tmp/small" "$tmp/100k" "$tmp/text" 2>"$tmp/client.err" || bench_broken "$(cat "$tmp/client.err")"
	if [ -n "$(command -v node)" ]; then
		clients="python node"
		node "$tmp/client.js" "$port" "$tmp/small" "$tmp/100k" "$tmp/text" 2>"$tmp/client.err" || bench_broken "$(cat "$tmp/client.err")"
	fi
	stop
	kill $server
	for c in $clients; do
		for f in small 100k text; do
			told "$port" PUT /$c 200 - "$(sha "$tmp/$f")" - "$(sha "$tmp/$f")"
		done
	done
	python3 "$tmp/heard.py" <"$tmp/out" | awk '{ $7 = "-" } { print }' | sort >"$tmp/heard"
	check clients "$status $(sort "$tmp/told" | diff - "$tmp/heard" | grep '^[<>]' | head -n 6 | paste -sd ';' -) $(said balanced) $(said complete)" \
		"0  true true"
	# How node sends 100 pieces is its business: here they are one message.
	check clients-kept "$(jq -r 'select(.type == "message" and .role == "client").connection' "$tmp/out" | sort -u | wc -l)" "$(wc -w <<<"$clients")"
fi
finish
