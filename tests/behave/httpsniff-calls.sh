#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httpsniff and the ways in which bytes go: each call that sends and that receives, each kind of socket, connections
# that are older than the tool, and those that several processes or many threads have. All that a backend can read is
# there; what it cannot read is marked, byte for byte.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/httpsniff-lib.sh
. "$top/tests/httpsniff-lib.sh"

# ways send|receive: those that the workload has.
ways() { "$LOAD/http" --help | sed -n "/^ways to $1:/,/^\$/s/^  \([a-z0-9-]*\) .*/\1/p"; }
# content HOW: small messages and large ones, but few bytes where they go one by one.
content() {
	case $1 in
	bytes) echo "-n 2 --size 3000 echo" ;;
	*) echo "sizes" ;;
	esac
}

# --- TCP: one run of the tool

ports 120
pending old --old get
pending old-mptcp --old --mptcp get
pending old-many -c 20 --old --threads get
for part in head body response; do pending "mid$part" "mid$part"; done
tools_start calls -p "$low-$high" --max-body all --ring-size 65536
tools_ready
begin
for how in $(ways send); do
	# shellcheck disable=SC2046
	run "send-$how" --send "$how" $(content "$how")
done
for how in $(ways receive); do
	# shellcheck disable=SC2046
	run "recv-$how" --recv "$how" $(content "$how")
done

# A megabyte at a time, and more than the tool takes in one piece.
run large --buffer 2097152 --recv waitall echo-1m
for how in writev1024 sendmsg300 sendfile uring-send uring-sendmsg300; do
	run "large-$how" --send "$how" --buffer 2097152 --recv waitall echo-1m
done

# Addresses and protocols
run ipv4 -4 post
run ipv6 -6 post
run mapped --mapped post
run mptcp --mptcp sizes
run mptcp-6 -6 --mptcp post
run mptcp-sendmsg300 --mptcp --send sendmsg300 --recv readv300 sizes
run mptcp-server --mptcp-server sizes
run netns --netns get
run netns-6 --netns -6 get

# Who has the connection
run fork --fork get
run prefork prefork
run passed passed
run dup dup
run dup-bytehead --send bytehead -n 4 dup
run threads threads
run blocked -c "${crowd:-500}" --hold 1000 blocked
run short -c 200 short
run reuse reuse
run idle -c 100 idle
run odd-comm odd-comm
tools_stop
judge calls ""

# --- Threads that use a connection at the same time

names=
cannot=()
if any_wanted shared || any_wanted together || any_wanted together-msg || any_wanted together-mptcp; then
	tools_start shared -p "$low-$high" --max-body all --ring-size 65536
	tools_ready
	run together together
	run together-msg -6 --client-send sendmsg300 together
	run together-mptcp --mptcp together
	tools_stop
	judge shared ""
fi

# --- Unix sockets have no ports: the tool is told whose they are

names=
cannot=()
pending unix --unix "$tmp/socket" sizes
pending unix-abstract --unix "@httpsniff-$$" sizes
pending unix-old --unix "$tmp/socket-old" --old get
pending unix-short --unix "$tmp/socket-short" -c 20 short
pending unix-sendmsg300 --unix "$tmp/socket-300" --send sendmsg300 --recv readv300 sizes
pending unix-uring-send --unix "$tmp/socket-send" --send uring-send sizes
pending unix-uring-recv --unix "$tmp/socket-recv" --recv uring-recv sizes
pending unix-peek --unix "$tmp/socket-peek" --recv peek get
pending unix-together --unix "$tmp/socket-together" together
pending pair --pair sizes
pending pair-old --pair --old get
if [ "${#pending_pid[@]}" != 0 ]; then
	all="${pending_pid[*]}"
	tools_start unix --unix -P "${all// /,}" --max-body all
	tools_ready
	begin
	tools_stop
	judge unix ""
fi
finish
