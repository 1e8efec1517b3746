#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# tcplat's connections: how they are born and die, whose they are, which are looked at and which are left out, and
# what of them is kept when there is no room. The truth is the workload's; figures are the report's.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
declare -A fd pid
tcp=("$LOAD/tcp" -w)
program=("${tcp[@]}")

# pending NAME ARG...: a workload that is set up and waits; its port is $port. 1: this kernel has it not.
pending() {
	local name=$1
	shift
	rm -f "$tmp/fifo"
	mkfifo "$tmp/fifo" || exit 99
	"${program[@]}" "$@" <"$tmp/fifo" >"$tmp/$name.truth" 2>"$tmp/$name.err" &
	pid[$name]=$!
	pids="$pids $!"
	exec {t_fd}>"$tmp/fifo"
	fd[$name]=$t_fd
	wait_for 60 sh -c "grep -q '^pid ' '$tmp/$name.truth' || ! kill -0 ${pid[$name]}"
	port=$(truth_of "$name" port)
	[ -n "$port" ] && return
	exec {t_fd}>&-
	wait "${pid[$name]}"
	[ $? = 77 ] || bench_broken "tcp $*: $(cat "$tmp/$name.err")"
	return 1
}
# begin NAME...: they may.
begin() {
	for t_name; do
		t_fd=${fd[$t_name]}
		echo >&"$t_fd"
		exec {t_fd}>&-
	done
}
# ended NAME...: waits for them; the truth of each is $tmp/NAME.json.
ended() {
	for t_name; do
		wait "${pid[$t_name]}" || bench_broken "tcp $t_name: $(cat "$tmp/$t_name.err")"
		truths "$t_name"
	done
}
truths() {
	awk '$1 == "truth" { print $2, $3 }' "$tmp/$1.truth" |
		jq -Rn '[inputs | split(" ") | {(.[0]): (.[1] | tonumber? // .)}] | add' >"$tmp/$1.json"
	cp "$tmp/$1.truth" "$tmp/load"
}
truth_of() { awk -v k="$2" '$1 == "truth" && $2 == k { print $3 }' "$tmp/$1.truth"; }

# look ARG...: the tool with these options. $backend is the one that a case asked for.
look() {
	# shellcheck disable=SC2086
	start tcplat -j -o "$tmp/report" ${backend:+--backend $backend} "$@" || bench_broken "$(cat "$tmp/err")"
}
# figures EXPR: of the report; $t is the truth of a.
figures() {
	[ -s "$tmp/report" ] || { echo "no report"; return; }
	jq -r --slurpfile t "$tmp/a.json" "\$t[0] as \$t | . as \$r | $1" "$tmp/report" 2>&1
}
# sound: how the run ended. It is "0 true true" where all is well.
sound() { echo "$status $(jq -r '"\(.accounting.balanced) \(.complete)"' "$tmp/report" 2>&1)"; }
# judge CASE GOT WANT: as check, but in a guest a hook may find the one before it interrupted, and then does not run.
# The tool counts these, and of what was seen the account holds all the same: no more can be asked.
judge() {
	local missed
	missed=$(jq '.accounting.hooks_missed // 0' "$tmp/report" 2>/dev/null)
	if [ "$2" = "$3" ] || [ -z "${IN_GUEST:-}" ] || [ "${missed:-0}" = 0 ] || [[ $(sound) != "0 true"* ]]; then
		check "$@"
	else
		skip "$1" "$missed hooks did not run; the account holds"
	fi
}
# agrees CASE EXPR WANT: the tool has ended; both ends of each connection and all turns were seen, and what EXPR says.
both_ends='"\(.accounting.connections) \(.metrics.client.count) \(.metrics.server.count)"'
# A connection that is recorded too late has lost an end.
nameless='| . + ([$r.connections[] | .source, .destination | select(test(":[*]$"))] | if . == [] then "" else " \(.)" end)'
agrees() {
	judge "$1" "$(sound) $(figures "$both_ends $nameless") $(figures "${2:-empty}")" \
		"0 true true $(figures '"\(2 * $t.connections) \($t.turns) \($t.server_turns)"') ${3:-}"
}
# whole CASE EXPR WANT ARG...: a case of the workload from its begin to its end. 1: it was not wanted, or cannot be.
whole() {
	wanted "$1" || return 0
	local name=$1 expr=$2 want=$3
	shift 3
	pending a "$@" || { skip "$name" "$(tail -n 1 "$tmp/a.err")"; return 0; }
	look -p "$port"
	begin a
	ended a
	stop
	agrees "$name" "$expr" "$want"
}
# has BACKEND: does it load here?
declare -A loads
has() {
	[ -n "${loads[$1]:-}" ] || {
		"$BIN/tcplat" --backend "$1" -p 1 -d 0.1 >/dev/null 2>"$tmp/has-$1"
		loads[$1]=$?
	}
	[ "${loads[$1]}" = 0 ]
}
# chosen: the backend that the tool chooses.
chosen() {
	[ -s "$tmp/chosen" ] || "$BIN/tcplat" -p 1 -d 0.1 2>&1 >/dev/null |
		sed -n 's/.*ready (backend \([a-z]*\).*/\1/p' >"$tmp/chosen"
	cat "$tmp/chosen"
}
# here CASE: is it wanted, and here? What the user half does alone need not be seen in each guest.
here() {
	wanted "$1" || return
	[ -n "${IN_GUEST:-}" ] && ! has tracepoint || return 0
	skip "$1" "it does not depend on the kernel"
	return 1
}
# each_backend CASE FUNCTION [BACKEND...]: FUNCTION CASE with the tool's own choice, and CASE-BACKEND with each of
# the others (all, or those named).
each_backend() {
	backend=
	wanted "$1" && "$2" "$1"
	for backend in ${3:-fentry kprobe}; do
		wanted "$1-$backend" || continue
		if [ "$backend" = "$(chosen)" ]; then
			skip "$1-$backend" "it is the tool's own choice: $1"
		elif [ "$backend" = kprobe ] && [ -n "${IN_GUEST:-}" ] && [ "$(chosen)" = tracepoint ]; then
			skip "$1-$backend" "where there are tracepoints tcplat-turns has it; older kernels have all"
		elif has "$backend"; then "$2" "$1-$backend"; else skip "$1-$backend" "$(tail -n 1 "$tmp/has-$backend")"; fi
	done
	backend=
}
roles='[.connections[].role] | sort | join(" ")'
flags='[.connections[].flags[]] | sort | join(" ")'

# --- born before the tool, alive after it

old() {
	pending a --service 0 old
	look -p "$port"
	begin a
	ended a
	stop
	agrees "$1" "\"\\(.accounting.connections_old) \\($roles) \\($flags)\"" "2 client server old old"
}
each_backend old old

# Many bytes have passed, and data is in flight when the tool comes: each end still knows who it is.
busy() {
	# shellcheck disable=SC2086
	pending a $2
	begin a
	sleep 0.5
	look -p "$port"
	sleep 0.5
	stop
	kill "${pid[a]}"
	wait "${pid[a]}"
	# Of those that are older.
	judge "$1" "$(sound) $(jq -r '[.connections[] | select(.flags | index("old"))] |
		"\([.[].role] | sort | join(" ")) \([.[].flags[]] | unique | join(" "))"' "$tmp/report")" \
		"0 true true $3"
}
turns() { busy "$1" "-d 30 -c 3 saturate" "client client client server server server old"; }
duplex() { busy "$1" "-d 30 duplex" "client server interleaved old"; }
each_backend old-turns turns
each_backend old-duplex duplex

still_open() {
	pending a -c 20 -d 60 many
	begin a
	wait_for 60 grep -q '^open ' "$tmp/a.truth"
	look -p "$port" -i 0.5
	sleep 1.5
	stop
	kill "${pid[a]}"
	wait "${pid[a]}"
	judge "$1" "$(sound) $(jq -r '"\(.accounting.connections_open) \([.connections[] | select(.open == 1)] | length) \(
		.accounting.connections_closed) \(.metrics.client.count > 0)"' "$tmp/report")" "0 true true 40 40 0 true"
}
each_backend still-open still_open

# Between two polls nothing is seen but what the ring buffer brings.
if here between-polls; then
	pending a -c 10 --service 0 rr
	look -p "$port" -i 3600
	begin a
	ended a
	stop
	agrees between-polls '"\(.accounting.connections_closed) \([.connections[] | select(.events == $t.turns / 10)] | length)"' \
		"20 20"
fi


# Both ends in one process: what the workload cannot do.
cat >"$tmp/ends.py" <<'PY'
import socket, struct, subprocess, sys, time

def tc(*what):
    subprocess.run(("tc", "qdisc", what[0], "dev", "lo", "root") + what[1:], check=True)

what = sys.argv[1]
if what == "link-local":
    subprocess.run("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up &&"
                   "ip addr add fe80::77/64 dev v0 nodad", shell=True, check=True)
    at = socket.getaddrinfo("fe80::77%v0", 0, socket.AF_INET6, socket.SOCK_STREAM)[0][4]
    l = socket.create_server(at, family=socket.AF_INET6)
else:
    l = socket.create_server(("127.0.0.1", 0))
connections = turns = 0

def connected():
    global connections
    c = socket.socket(l.family, socket.SOCK_STREAM)
    c.connect(l.getsockname())
    connections += 1
    return c, l.accept()[0]

def turn(ask=True):
    global turns
    if ask:
        c.send(b"q" * 100)
    s.recv(1000)
    s.send(b"a" * 200)
    c.recv(1000)
    turns += 1

if what != "link-local":
    c, s = connected()
    for i in range(5):
        turn()
    if what == "half-closed":
        c.shutdown(socket.SHUT_WR)
    elif what == "half-closed-server":
        s.shutdown(socket.SHUT_WR)
    elif what in ("resent", "in-flight"):
        # What is sent now is lost, and again when it is sent again.
        tc("add", "blackhole")
        c.send(b"l" * 50)
        time.sleep(0.5)
    if what == "resent":
        tc("del")
        s.recv(1000)
        turns = 0
    turns = 0
print("truth port", l.getsockname()[1])
print("pid", 0, flush=True)
sys.stdin.readline()
if what == "half-closed":
    s.recv(1)
    s.send(b"late")
    c.recv(100)
elif what == "half-closed-server":
    c.send(b"late")
    s.recv(100)
elif what == "in-flight":
    c.send(b"q" * 100)
    tc("del")
    # Until the peer has it all: tcpi_unacked of struct tcp_info.
    while struct.unpack_from("I", c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0]:
        time.sleep(0.05)
    turn(False)
    turn()
elif what == "resent":
    turn()
else:
    c, s = connected()
    turn()
c.close()
s.close()
print("truth connections", connections)
print("truth turns", turns)
print("truth server_turns", turns)
PY
# ends CASE WHAT EXPR WANT
ends() {
	program=(python3 "$tmp/ends.py")
	# A listener is found in the tool's own namespace alone.
	[[ $2 == half* ]] || program=(unshare -n sh -c 'ip link set lo up; exec "$@"' sh "${program[@]}")
	pending a "$2" || return
	program=("${tcp[@]}")
	look -p "$port"
	begin a
	ended a
	stop
	judge "$1" "$(sound) $(jq -r "\"\\($roles) \\(.metrics.client.count) \\(.metrics.server.count) \\([.connections[] |
		.flags[]] | sort | join(\" \"))\"" "$tmp/report")" "0 true true $3"
}
half_closed() { ends "$1" half-closed "server unknown 0 0 old old"; }
half_closed_server() { ends "$1" half-closed-server "client server 0 0 old old role_by_port"; }
resent() { ends "$1" resent "client server 1 1 old old"; }
in_flight() { ends "$1" in-flight "client server 2 2 old old"; }
each_backend old-half-closed half_closed
each_backend old-half-closed-server half_closed_server
each_backend old-resent resent
each_backend old-in-flight in_flight
wanted link-local && ends link-local link-local "client server 1 1 "

# --- births and deaths

whole rst '"\(.turns.unanswered) \(.turns.opened)"' "20 20" rst
whole halfclose '.turns.opened' 20 halfclose
whole unread '.turns.opened' 20 unread
whole reuse "\"\\($roles) \\([.connections[].sockets] | unique)\"" "client server [10]" --service 0 reuse
whole reconnect '[.connections[] | select(.role == "client") | .sockets] | add' 10 --service 0 reconnect
whole passed '[.connections[] | [.role, .comm, .writer_pid, .reader_pid]] | sort == [
	["client", "tcp-client", $t.client_pid, $t.client_pid], ["server", "tcp-server", $t.served_pid, $t.served_pid]]' \
	true --service 0 passed
whole threads '[.connections[] | .writer_pid == .reader_pid] | all' true --service 0 threads
whole waiting '.metrics.wait.max_us > 40000' true waiting
whole deferaccept '.turns.opened' 4 deferaccept
whole tfo '"\(.turns.opened) \($t.fastopen == 10) \(.turns.unsolicited)"' "40 true 0" --service 0 tfo
whole netns "\"\\([.connections[]] | length) \\($roles) \\([.connections[].netns] | unique | length) \\(
	[.connections[] | .source, .destination] | unique | length)\"" "4 client client server server 2 2" --service 0 netns
wanted mptcp && if has tracepoint; then
	whole mptcp '[.connections[] | .flags | index("mptcp") != null] | all' true --service 0 mptcp
else
	skip mptcp "only the tracepoints see it"
fi
whole mptcp-plain "$roles" "client server" --service 0 mptcp-plain
whole ktls "$flags" "ktls ktls" --service 0 ktls
whole ipv6 '.connections[] | select(.role == "client") | .destination == "[::1]:\($t.port)"' true --service 0 -6 rr
whole mapped '.connections[] | select(.role == "client") | "\(.destination == "127.0.0.1:\($t.port)") \(.flags[])"' \
	"true mapped" --service 0 --mapped rr

refused() {
	pending a -n 50 refused
	look -P "$(truth_of a client_pid)"
	begin a
	ended a
	stop
	judge "$1" "$(sound) $(figures '"\(.accounting.connections) \(.accounting.connects_failed == $t.refused)"')" \
		"0 true true 0 true"
}
each_backend refused refused

# Nothing is said of who only listens.
if here listener; then
	pending a rr
	look -p "$port"
	kill "${pid[a]}"
	wait "${pid[a]}"
	stop
	judge listener "$(sound) $(jq -r '"\(.accounting.connections) \(.accounting.connections_other)"' "$tmp/report")" \
		"0 true true 0 0"
fi

# Many that live for a moment: none is missed, and with room for few the room is there again and again.
# A guest is quiet enough to see that the states' memory returns.
states() { awk '$1 ~ /^kmalloc(-cg)?-256$/ { n += $2 } END { print n }' /proc/slabinfo; }
short() {
	local n=${IN_GUEST:+100} before
	pending a -n "${n:-1000}" -c 4 short
	look -p "$port" --max-tracked 64 -i 0.5
	before=$(states)
	begin a
	ended a
	sleep 1.2
	[ -z "${IN_GUEST:-}" ] ||
		check_true "$1-memory" "$before states before, $(states) after" [ $(($(states) - before)) -lt 400 ]
	stop
	agrees "$1" '"\(.accounting.connections_closed == 2 * $t.connections) \(.accounting.connections_full)"' "true 0"
	judge "$1-gone" "$(jq -s 'map(select(.type == "interval"))[-1].connections_open' "$tmp/out")" 0
}
each_backend short short

# Who is blocked in recv() does not hold the tool.
if wanted blocked; then
	pending a blocked
	look -p "$port"
	begin a
	wait_for 60 grep -q '^blocked ' "$tmp/a.truth"
	t0=$(date +%s%N)
	stop
	took=$((($(date +%s%N) - t0) / 1000000))
	kill "${pid[a]}"
	wait "${pid[a]}"
	judge blocked "$(sound) $(jq -r '.accounting.connections_open' "$tmp/report") $((took < ${IN_GUEST:+1}3000))" \
		"0 true true 2000 1"
fi

# Who talks to himself is not answered: his turns are kept out, whatever they are called.
if wanted selfconnect; then
	pending a --service 0 selfconnect
	look -P "$(truth_of a client_pid)"
	begin a
	ended a
	stop
	judge selfconnect "$(sound) $(figures '"\(.turns.opened == $t.turns) \(.turns.answered) \(.metrics.client.count) \(
		.connections[] | .source == .destination)"')" "0 true true true 0 0 true"
fi

# Two tools see the same and do not disturb each other.
if here two-tools; then
	pending a --service 0 -c 3 rr
	look -p "$port"
	other=$tool
	start tcplat -o "$tmp/report2" -p "$port"
	begin a
	ended a
	stop
	second=$status tool=$other
	stop
	agrees two-tools
	mv "$tmp/report2" "$tmp/report"
	status=$second
	agrees two-tools-second
fi

# --- filters

# only CASE LOADS FILTER WANT: of the two workloads a and b (their arguments divided by a comma) the filter leaves
# these ends. A is the one's port, B the other's, S and C the pids of the server and the client of a.
only() {
	here "$1" || return 0
	# shellcheck disable=SC2086
	pending a -n 5 --service 0 -p 47201 ${2%,*} rr
	# shellcheck disable=SC2086
	pending b -n 5 --service 0 -p 47203 ${2#*,} rr
	local f=$3
	f=${f//A/47201} f=${f//B/47203}
	f=${f//S/$(truth_of a server_pid)} f=${f//C/$(truth_of a client_pid)}
	set -f
	# shellcheck disable=SC2086
	look $f
	set +f
	begin a b
	ended a b
	stop
	judge "$1" "$(sound) $(jq -r '"\(.metrics.client.count) \(.metrics.server.count) \([.connections[] | "\(.role):\(
		.source, .destination | capture(":(?<p>4720[13])$").p)"] | sort | join(" "))"' "$tmp/report")" "0 true true $4"
}
only port , "-p A" "5 5 client:47201 server:47201"
only ports , "-p A,B" "10 10 client:47201 client:47203 server:47201 server:47203"
only port-range , "-p 47202-47203" "5 5 client:47203 server:47203"
only local-port , "--local-port A" "0 5 server:47201"
only remote-port , "--remote-port A,B" "10 0 client:47201 client:47203"
only addr -4,-6 "-p A,B --addr ::1" "5 5 client:47203 server:47203"
only addr-net -4,-6 "-p A,B --addr 127.0.0.0/8" "5 5 client:47201 server:47201"
only ipv4-only --mapped,-6 "-p A,B -4" "5 5 client:47201 server:47201"
only ipv6-only --mapped,-6 "-p A,B -6" "5 5 client:47203 server:47203"
only pid , "-P S" "0 5 server:47201"
only pids , "-P S,C" "5 5 client:47201 server:47201"
only exclude-pid , "-p A --exclude-pid S" "5 0 client:47201"
only comm , "-p A,B --comm tcp-cl*" "10 0 client:47201 client:47203"
only exclude-comm , "-p A --exclude-comm tcp-cl*" "0 5 server:47201"
# in_cgroup CASE OPTION WANT: a is in it, b is not.
in_cgroup() {
	here "$1" || return 0
	group=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/reqtools-test-$$
	mkdir "$group" 2>/dev/null || { skip "$1" "no cgroup v2 that could be written to"; return 0; }
	program=(sh -c 'echo 0 >"$0/cgroup.procs"; exec "$@"' "$group" "${tcp[@]}")
	pending a -n 5 --service 0 rr
	program=("${tcp[@]}")
	pending b -n 6 --service 0 rr
	look -p "$(truth_of a port),$port" "$2" "$group"
	begin a b
	ended a b
	stop
	rmdir "$group"
	judge "$1" "$(sound) $(figures "$both_ends")" "0 true true $3"
}
in_cgroup cgroup --cgroup "2 5 5"
in_cgroup exclude-cgroup --exclude-cgroup "2 6 6"

# --- samples

if wanted sample; then
	pending a -n 100 -c 4 short
	look -p "$port" --sample 4 --max-conns 10000
	begin a
	ended a
	stop
	# 400 connections: 100, and five times the deviation to either side
	judge sample "$(sound) $(figures '[.connections[] | select(.role == "client") | "\(.source) \(.destination)"] as $c |
		[.connections[] | select(.role == "server") | "\(.destination) \(.source)"] as $s |
		"\(($c | sort) == ($s | sort)) \($c | length | . >= 57 and . <= 143) \(
		.metrics.client.count == .metrics.server.count) \(.sample.scaled) \(
		.accounting.connections_sampled_out + .accounting.connections >= 2 * $t.connections)"')" \
		"0 true true true true true true true"
fi
if here sample-1; then
	pending a -n 20 -c 4 short
	look -p "$port" --sample 1 --sample-turns 1
	begin a
	ended a
	stop
	agrees sample-1 '"\(.sample.scaled) \(.turns.left_out)"' "false 0"
fi
if wanted sample-turns; then
	pending a -n 400 --service 0 rr
	look -p "$port" --sample-turns 4
	begin a
	ended a
	stop
	# of 800 turns
	judge sample-turns "$(sound) $(figures '"\(.accounting.connections) \(.turns.opened == 2 * $t.turns) \(
		.turns.answered | . >= 139 and . <= 261) \(.turns.answered + .turns.left_out == .turns.opened)"')" \
		"0 true true 2 true true true"
fi

# --- room

if here top; then
	pending a -c 10 -d 3 many
	look -p "$port" -i 0.5 --top 3
	begin a
	ended a
	stop
	judge top "$(sound) $(jq -s '[.[] | select(.type == "interval") | .connections | length] | max' "$tmp/out")" "0 true true 3"
fi
if here top-0; then
	pending a -c 10 -d 1 many
	look -p "$port" -i 0.5 --top 0
	begin a
	ended a
	stop
	judge top-0 "$(sound) $(jq -s '[.[] | select(.type == "interval") | .connections | length] | max' "$tmp/out")" "0 true true 0"
fi
if here max-conns; then
	pending a -n 5 -c 20 --service 0 rr
	look -p "$port" --max-conns 6
	begin a
	ended a
	stop
	agrees max-conns '"\(.connections | length) \(.other.connections) \(
		([.connections[].events] | add) + .other.turns == $t.turns + $t.server_turns) \(
		([.connections[].waits] | add) + .other.waits == .metrics.wait.count) \(
		([.connections[].bytes_sent] | add) + .other.bytes_sent == $t.client_bytes_sent + $t.server_bytes_sent) \(
		([.connections[].bytes_received] | add) + .other.bytes_received == $t.client_bytes_received + $t.server_bytes_received)"' \
		"6 34 true true true true"
fi

# A hash that is full: what finds no room is counted, and the account holds.
max_tracked() {
	pending a -c 100 -d 1 many
	look -p "$port" --max-tracked 64
	begin a
	ended a
	stop
	if grep -q 'state in a hash' "$tmp/err"; then
		judge "$1" "$(sound) $(figures '"\(.accounting.connections >= 64) \(.accounting.connections_full > 0) \($t.turns)"')" \
			"0 true false true true 100"
	else
		skip "$1" "the state is in socket storage"
	fi
}
# By choice fentry has a hash on 5.10 alone.
each_backend max-tracked max_tracked kprobe

# No memory for the state: the application does not notice, and each time is counted.
if wanted storage-full; then
	own='ip link set lo up; echo 1 >/proc/sys/net/core/optmem_max && exec "$@"'
	before=
	if unshare -n test -e /proc/sys/net/core/optmem_max; then
		program=(unshare -n sh -c "$own" sh "${tcp[@]}")
	elif [ -n "${IN_GUEST:-}" ]; then
		before=$(cat /proc/sys/net/core/optmem_max)
		echo 1 >/proc/sys/net/core/optmem_max
	fi
	pending a --service 0 rr
	program=("${tcp[@]}")
	look -p "$port"
	begin a
	ended a
	stop
	[ -z "$before" ] || echo "$before" >/proc/sys/net/core/optmem_max
	if grep -q 'state in a hash' "$tmp/err"; then
		skip storage-full "the state is in a hash"
	else
		judge storage-full "$(sound) $(figures '"\(.accounting.connections) \(.accounting.connections_full > 0) \($t.turns)"')" \
			"0 true false 0 true 20"
	fi
fi

# Percentiles of their own
percentiles() { jq -s "[.[] | select(.type == \"conn\") | select(.p50_us != null)] | length | $1" "$tmp/out"; }
if here conn-histograms-0; then
	pending a -c 3 --service 0 rr
	look -p "$port" --conn-histograms 0
	begin a
	ended a
	stop
	agrees conn-histograms-0
	judge conn-histograms-0-none "$(percentiles .)" 0
fi
if wanted conn-histograms; then
	pending a -c 10 rr
	look -p "$port" --conn-histograms 2
	begin a
	ended a
	stop
	agrees conn-histograms
	check_true conn-histograms-round "they did not go round" percentiles 'if . > 2 then . else error end'
fi

# The tool stands still while connections close: what it could not be told is counted, and it goes on afterwards.
ring_full() {
	local n=${IN_GUEST:+150}
	pending a -n "${n:-1000}" -c 4 short
	pending b rr
	look -p "$(truth_of a port),$port" --ring-size 64 --conn-histograms 8
	kill -STOP "$tool"
	begin a
	ended a
	kill -CONT "$tool"
	sleep 1
	begin b
	ended b
	stop
	judge "$1" "$(sound) $(figures '"\(.accounting.connections == 2 * $t.connections + 2) \(.accounting.connections_lost > 0) \(
		.accounting.turns_lost > 0)"')" "0 true false true true true"
	check_true "$1-after" "no histogram was free" percentiles 'if . >= 2 then . else error end'
}
each_backend ring-full ring_full

finish
