#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httptrace and one hop: each request is a row at each of its ends, with its own answer, whatever the calls, the sockets, the
# framing and the end of the connection; and the two ends are joined.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
program=httptrace
# shellcheck source=tests/httpsniff-lib.sh
. "$top/tests/httpsniff-lib.sh"
# shellcheck source=tests/httptrace-lib.sh
. "$top/tests/httptrace-lib.sh"

# --- TCP: one run of the tool

ports 120
pending old --old get
pending old-many -c 20 --old --threads get
for part in head body response; do pending "mid$part" "mid$part"; done
tools_start calls -p "$low-$high" --ring-size 65536
tools_ready
begin

# What answers what
run get -n 5 get
run post --size 20000 post
run download --size 200000 download
run echo --size 70000 echo
run late -n 3 --ms 30 late
run pipeline pipeline
run pipeline-100 -n 100 pipeline
run pipeline-half pipeline-half
run methods methods
run words -n 3 words
run statuses statuses
run heads heads
run chunked chunked
run chunked-large -n 2 --size 300000 chunked
run head head
run nobody nobody
run 100-continue continue
run hints hints
run http10 http10
run until-close --size 100000 until-close
run upgrade upgrade
run h2c h2c
run connect connect
run early early
run splits splits
run cut cut
run codings codings
run strange strange
run http2 http2
run halfclose halfclose
run reset reset
run reset-server reset-server

# By which calls
for how in write writev1024 sendmsg300 sendmmsg bytes bytehead more sendfile sendfile-all splice uring-send uring-sqpoll; do
	run "send-$how" --send "$how" -n 2 --size 3000 echo
done
for how in read readv300 recvmmsg peek waitall bytes uring-recv splice trunc; do
	run "recv-$how" --recv "$how" -n 2 --size 3000 echo
done
run large-sendfile --send sendfile --buffer 2097152 --recv waitall echo-1m

# By which addresses and protocols
run ipv4 -4 post
run ipv6 -6 post
run mapped --mapped post
run mptcp --mptcp sizes
run mptcp-6 -6 --mptcp post
run mptcp-server --mptcp-server sizes
run netns --netns get
run netns-6 --netns -6 get

# Who has the connection
run fork --fork get
run prefork prefork
run passed passed
run dup dup
run threads threads
run blocked -c "${crowd:-200}" --hold 500 blocked
run short -c 200 short
run reuse reuse
run idle -c 100 idle
run odd-comm odd-comm
tools_stop
judge calls "" --pause 30

# --- Unix sockets have no ports: the tool is told whose they are

names=
cannot=()
pending unix --unix "$tmp/socket" sizes
pending unix-abstract --unix "@httptrace-$$" sizes
pending unix-old --unix "$tmp/socket-old" --old get
pending unix-short --unix "$tmp/socket-short" -c 20 short
pending unix-pipeline --unix "$tmp/socket-pipeline" pipeline
pending unix-old-pipeline --unix "$tmp/socket-old-pipeline" --old pipeline
pending pair --pair sizes
if [ "${#pending_pid[@]}" != 0 ]; then
	all="${pending_pid[*]}"
	tools_start unix --unix -P "${all// /,}"
	tools_ready
	begin
	tools_stop
	judge unix ""
fi

# --- Two network namespaces and a wire between them: both ends are seen, each in its own.
if wanted namespaces; then
	ns=httptrace-$$
	if ! { ip netns add "$ns" && ip link add "v$$" type veth peer name e netns "$ns" && ip addr add 198.51.100.1/30 dev "v$$" &&
		ip link set "v$$" up && ip -n "$ns" addr add 198.51.100.2/30 dev e && ip -n "$ns" link set e up; } 2>"$tmp/ip"; then
		skip namespaces "$(tail -n 1 "$tmp/ip")"
	else
		service last ip netns exec "$ns" "$LOAD/chain" serve -a 198.51.100.2 --truth "$chain/last"
		start httptrace -j -p "$port"
		ask -a 198.51.100.2 -c 4 -n 200
		chain_end
		stop
		verdict=$(linked)
		if [ "$verdict" != ok ] && [ -n "${IN_GUEST:-}" ] && [ "$(said hooks_missed)" != 0 ]; then
			skip namespaces "hooks did not run, and the tool says so: $verdict"
		else
			check namespaces "$status $verdict" "0 ok"
		fi
		check namespaces-two "$(jq -r 'select(.type == "transaction") | "\(.role) \(.netns)"' "$tmp/out" | sort -u | wc -l) $(
			jq -r 'select(.type == "transaction").netns' "$tmp/out" | sort -u | wc -l)" "2 2"
	fi
	ip netns del "$ns" 2>/dev/null
fi
finish
