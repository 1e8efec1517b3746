#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: sudo tests/bench/tcplat.sh [-s] ROUNDS [OPTION...]
#
# A saturated loopback pair ($O/tests/load/tcp saturate OPTION...) under each of TRACERS, interleaved, ROUNDS of each, a
# second each:
#   none      nothing
#   floor     an empty program on each of tcplat's hooks
#   tcplat
#   standin   the usual design, where each call is an event of its own (standin.bpf.c)
#   tcprtt, tcptop, tcppktlat     of libbpf-tools, where they load: in a guest
# Default: none floor tcplat standin. One JSON object per run:
#   {"tracer", "round", "turns", "rate": turns a second, "cpu_ns": of CPU per turn, "tool_ns": of the tracer's}
# The CPU time is the workload's own, hooks included, so that other work on the machine hardly matters to it.
# -s: the kernel counts the hooks (bpf_stats), which slows all of them; without "none", and with "hooks" and "hook_ns"
# per turn. Where "hooks" is not about 10 (standin: 4), other traffic ran through them too.
set -u
cd "$(dirname "$0")/../.." || exit 99
O=$(realpath "${O:-.output}")
tcp=$O/tests/load/tcp floor=$O/tests/bench/tcpfloor tcplat=$O/bin/tcplat
standin=$O/tests/bench/standin
tracers=${TRACERS:-none floor tcplat standin}
count=
[ "${1:-}" != -s ] || { count=1; shift; }
rounds=${1:?how many rounds}
shift
[ "$(id -u)" = 0 ] || { echo "tests/bench: needs root" >&2; exit 99; }
tmp=$(mktemp -d)
held=
trap 'exec 9>&-; for p in $held; do kill $p; done 2>/dev/null; wait; rm -rf "$tmp"' EXIT
mkfifo "$tmp/go"

# hold FILE COMMAND...: starts a program, and waits until it is ready
hold() {
	local said=$1
	shift
	: >"$said"
	"$@" >"$said" 2>&1 &
	holder=$!
	held="$held $holder"
	for _ in $(seq 400); do
		! grep -q ready "$said" || return 0
		sleep 0.05
	done
	cat "$said" >&2
	exit 99
}
release() {
	kill -INT "$1"
	wait "$1"
}
# Its programs. It measures its own cost for a second or more, with some traffic: that has to be over.
await_tcplat() {
	while readlink /proc/"$1"/fd/* | grep -q bpf-stats; do
		"$tcp" -n 1000 rr >/dev/null
		sleep 0.1
	done
	programs_of "$1"
}
# Of a process: ns of CPU
ran() { cat /proc/"$1"/task/*/schedstat | awk '{ s += $1 } END { printf "%.0f\n", s }'; }
programs_of() { sed -n 's/^prog_id:[[:space:]]*//p' /proc/"$1"/fdinfo/* | sort -u; }
# run TRACER ROUND
run() {
	local tracer= counter= ids= port tool=0
	: >"$tmp/load"
	: >"$tmp/floor"
	(
		TIMEFORMAT='cpu %U %S'
		time "$tcp" -w "${options[@]}" saturate -d 1 <"$tmp/go" >"$tmp/load"
	) 2>"$tmp/time" &
	local load=$!
	exec 9>"$tmp/go"
	until grep -q '^pid ' "$tmp/load"; do sleep 0.02; done
	port=$(awk '$2 == "port" { print $3 }' "$tmp/load")
	case $1 in
	none) ;;
	floor) hold "$tmp/floor" "$floor" ${count:+-s} ;;
	tcplat)
		hold "$tmp/tool" "$tcplat" -p "$port"
		ids=$(await_tcplat "$holder") ;;
	standin)
		hold "$tmp/tool" "$standin" calls "$port"
		ids=$(programs_of "$holder") ;;
	*)
		"$1" >"$tmp/tool" 2>&1 &
		holder=$!
		held="$held $holder"
		until ids=$(programs_of $holder) && [ -n "$ids" ] && sleep 1; do
			kill -0 $holder 2>/dev/null || { cat "$tmp/tool" >&2; exit 99; }
			sleep 0.2
		done ;;
	esac
	[ "$1" = none ] || tracer=$holder
	# shellcheck disable=SC2086
	[ -z "$count" ] || [ -z "$ids" ] || { hold "$tmp/floor" "$floor" -s $ids; counter=$holder; }
	[ -z "$tracer" ] || tool=$(ran "$tracer")
	echo >&9
	exec 9>&-
	wait $load
	[ -z "$tracer" ] || tool=$(($(ran "$tracer") - tool))
	[ -z "$counter" ] || release "$counter"
	[ -z "$tracer" ] || release "$tracer"
	awk -v tracer="$1" -v round="$2" -v count="$count" -v tool="$tool" '
		$1 == "cpu" { cpu = $2 + $3 }
		$1 == "runs" { runs = $2; ns = $4 }
		$2 == "turns" { turns = $3 }
		$2 == "elapsed_us" { us = $3 }
		END {
			printf "{\"tracer\":\"%s\",\"round\":%d,\"turns\":%d,\"rate\":%.0f,\"cpu_ns\":%.1f,\"tool_ns\":%.1f", \
				tracer, round, turns, turns * 1e6 / us, cpu * 1e9 / turns, tool / turns
			if (count)
				printf ",\"hooks\":%.3f,\"hook_ns\":%.1f", runs / turns, ns / turns
			print "}"
		}' "$tmp/time" "$tmp/load" "$tmp/floor"
}

options=("$@")
for ((i = 0; i < rounds; i++)); do
	for t in $tracers; do
		[ "$count $t" = "1 none" ] || run "$t" "$i"
	done
done
