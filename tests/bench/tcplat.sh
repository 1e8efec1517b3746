#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: sudo tests/bench/tcplat.sh [-s] ROUNDS [OPTION...]
#
# A saturated loopback pair ($O/tests/load/tcp saturate OPTION...) under nothing, under the floor (an empty program
# on each of tcplat's hooks) and under tcplat: interleaved, ROUNDS of each, a second each. One JSON object per run:
#   {"tracer": none|floor|tcplat, "round", "turns", "rate": turns a second, "cpu_ns": of CPU per turn}
# The CPU time is the workload's own, hooks included, so that other work on the machine hardly matters to it.
# -s: the kernel counts the hooks (bpf_stats), which slows all of them; without "none", and with "hooks" and "hook_ns"
# per turn. Where "hooks" is not about 10, other traffic ran through them too.
set -u
cd "$(dirname "$0")/../.." || exit 99
O=$(realpath "${O:-.output}")
tcp=$O/tests/load/tcp floor=$O/tests/bench/tcpfloor tcplat=$O/bin/tcplat
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
	sed -n 's/^prog_id:[[:space:]]*//p' /proc/"$1"/fdinfo/* | sort -u
}
# run TRACER ROUND
run() {
	local tracer= counter= ids
	: >"$tmp/load"
	: >"$tmp/floor"
	(
		TIMEFORMAT='cpu %U %S'
		time "$tcp" -w "${options[@]}" saturate -d 1 <"$tmp/go" >"$tmp/load"
	) 2>"$tmp/time" &
	local load=$!
	exec 9>"$tmp/go"
	until grep -q '^pid ' "$tmp/load"; do sleep 0.02; done
	case $1 in
	floor) hold "$tmp/floor" "$floor" ${count:+-s}; tracer=$holder ;;
	tcplat)
		hold "$tmp/tcplat" "$tcplat" -p "$(awk '$2 == "port" { print $3 }' "$tmp/load")"
		tracer=$holder
		ids=$(await_tcplat "$tracer")
		# shellcheck disable=SC2086
		[ -z "$count" ] || { hold "$tmp/floor" "$floor" -s $ids; counter=$holder; } ;;
	esac
	echo >&9
	exec 9>&-
	wait $load
	[ -z "$counter" ] || release "$counter"
	[ -z "$tracer" ] || release "$tracer"
	awk -v tracer="$1" -v round="$2" -v count="$count" '
		$1 == "cpu" { cpu = $2 + $3 }
		$1 == "runs" { runs = $2; ns = $4 }
		$2 == "turns" { turns = $3 }
		$2 == "elapsed_us" { us = $3 }
		END {
			printf "{\"tracer\":\"%s\",\"round\":%d,\"turns\":%d,\"rate\":%.0f,\"cpu_ns\":%.1f", \
				tracer, round, turns, turns * 1e6 / us, cpu * 1e9 / turns
			if (count)
				printf ",\"hooks\":%.3f,\"hook_ns\":%.1f", runs / turns, ns / turns
			print "}"
		}' "$tmp/time" "$tmp/load" "$tmp/floor"
}

options=("$@")
for ((i = 0; i < rounds; i++)); do
	for t in ${count:-none} floor tcplat; do
		[ "$t" = 1 ] || run "$t" "$i"
	done
done
