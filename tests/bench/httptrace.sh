#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: sudo tests/bench/httptrace.sh [ROUNDS]        (make bench TOOL=httptrace)
#
# What a request takes of a saturated nginx's CPU, and of the tracer's own, by turns under nothing, empty programs on
# the same hooks, another port, httptrace, httpsniff with heads alone and with bodies, and rivals that are installed
# (tests/bench/http.sh); what the kernel counts of the hooks alone; what the user half makes of recordings on one core;
# its memory with 100,000 transactions under way. Medians of ROUNDS (5). What is added to an untraced request, and
# that against what httpsniff adds, are medians of the rounds' own. JSON in .output/bench/httptrace.json.
# BENCH_SECONDS (3): of each run.
set -u
cd "$(dirname "$0")/../.." || exit 99
O=$(realpath "${O:-.output}")
rounds=${1:-5}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/reqtools-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$O/bench"
json=$O/bench/httptrace.json
jq -n -c --arg kernel "$(uname -r)" --arg date "$(date -u +%F)" --arg cpu "$(sed -n 's/^model name.*: //p' /proc/cpuinfo |
	head -n 1)" --argjson cpus "$(nproc)" '{$kernel, $date, $cpu, $cpus, load: $load}' --arg load "$(cut -d' ' -f1 /proc/loadavg)" >"$json"
echo "httptrace, kernel $(uname -r), $(date -u +%F), $(nproc) CPUs, load $(cut -d' ' -f1 /proc/loadavg), median of $rounds (min .. max)"

rivals=
for r in tcpdump tshark ngrep httpry; do
	command -v $r >/dev/null && rivals="$rivals $r"
done
rivals=${rivals/tshark/tshark tshark-time}

# table WHAT FILE: of each tracer WHAT; what it adds to none's, or else the floor's, and that as a share of bodies'
table() {
	jq -s -r --arg k "$1" '
		def median: sort | .[(length - 1) / 2 | floor];
		def of($t): map(select(.tracer == $t)) | map({key: "\(.round)", value: .[$k]}) | from_entries;
		. as $runs | (of("none") | if . == {} then null else . end) as $none | of("bodies") as $bodies
		| reduce .[].tracer as $t ([]; if index($t) then . else . + [$t] end) | .[] as $t
		| ($runs | of($t)) as $mine | ($mine | [.[]]) as $all
		| ([$mine | to_entries[] | .value - ($none[.key] // 0)]) as $added
		| ([$mine | to_entries[] | (.value - ($none[.key] // 0)) / ($bodies[.key] - ($none[.key] // 0) | if . == 0 then 1 else . end)]) as $share
		| ($runs | map(select(.tracer == $t)) | map(.reported // empty)) as $reported
		| [$t, ($all | median | round), "\($all | min | round) .. \($all | max | round)", ($added | median | round),
			($share | median * 100 | round / 100), (if $reported == [] then "" else $reported | median end)] | @tsv' "$2"
}
show() {
	printf '\n%-24s %9s  %-18s %9s %7s %9s\n' "$2" median spread added "of bodies" reported
	table "$1" "$tmp/runs" | awk -F'\t' '{ printf "%-24s %9s  %-18s %9s %7s %9s\n", $1, $2, $3, $4, $5, $6 }'
}
# shellcheck disable=SC2086
tests/bench/http.sh -d "${BENCH_SECONDS:-3}" -b 1k "$rounds" none floor miss trace trace-server trace-json heads bodies \
	$rivals >"$tmp/runs" || exit 99
cat "$tmp/runs" >>"$json"
show cpu_ns "server, ns a request"
show tool_ns "tracer, ns a request"
show rate "requests a second"
tests/bench/http.sh -s -d "${BENCH_SECONDS:-3}" -b 1k "$rounds" floor miss trace heads bodies >"$tmp/runs" || exit 99
jq -c '.counted = true' "$tmp/runs" >>"$json"
show hook_ns "hooks, ns a request"

# spent FILE OPTION...: "SECONDS KIB" of CPU and most memory, median of the rounds. What python itself takes counts
# before it becomes the tool: 0 KIB stands for no more than that
spent() {
	python3 - "$rounds" "$O/bin/httptrace" --config /dev/null --replay "$@" <<'END'
import os, subprocess, sys
rounds, command = int(sys.argv[1]), sys.argv[2:]
def run(command):
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(p.pid, 0)
    if status:
        sys.exit(1)
    return used.ru_utime + used.ru_stime, used.ru_maxrss
least = run(["true"])[1] * 1.1
runs = []
for _ in range(rounds):
    seconds, kib = run(command)
    runs.append((seconds, kib if kib > least else 0))
print(*sorted(runs)[(rounds - 1) // 2])
END
}
# replay KIND OPTION...: transactions a second
n=300000
replay() {
	local kind=$1 s kib
	shift
	read -r s kib <<<"$(spent "$tmp/httptrace-$kind.rec" "$@")"
	awk -v kind="$kind" -v how="$*" -v n=$n -v s="$s" -v kib="$kib" -v json="$json" 'BEGIN {
		printf "replay %-8s %-26s %9.0f transactions a second, %s\n", kind, how, n / s, kib ? sprintf("%.1f MiB", kib / 1024) : "-"
		printf "{\"replay\":\"%s\",\"options\":\"%s\",\"per_second\":%.0f,\"kib\":%d}\n", kind, how, n / s, kib >>json }'
}
echo
for kind in server both chain; do
	"$O/tests/bench/httptrace-rec" "$tmp" $kind $n || exit 99
	replay $kind
	replay $kind -j
	[ $kind = server ] || replay $kind --tree
	[ $kind != server ] || replay $kind -H
	(cd "$tmp" && replay $kind --otlp otlp -H)
	rm -f "$tmp/otlp" "$tmp/httptrace-$kind.rec"
done
n=100000
for kind in open open10; do
	"$O/tests/bench/httptrace-rec" "$tmp" $kind $n || exit 99
	replay $kind -H
	rm "$tmp/httptrace-$kind.rec"
done
