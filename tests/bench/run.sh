#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: sudo tests/bench/run.sh [ROUNDS]        (make bench; make bench TOOL=tcplat)
#
# The tool is handlerlat or, by the environment's TOOL, tcplat, httpsniff or httptrace (tests/bench/httptrace.sh).
#
# tcplat: what a turn of a saturated loopback pair takes, and the request rate that is left, under nothing, the floor
# (empty programs on the same hooks), tcplat and a stand-in of the per-event design (tests/bench/tcplat.sh): on one CPU, on two, and four pairs anywhere.
# Then what the kernel counts of the hooks alone. Medians of ROUNDS (7); ratios are medians of the rounds' own.
#
# httpsniff: what a request takes of a saturated nginx, and the request rate, under nothing, the floor, a filter that
# misses, httpsniff with heads alone, bodies, JSON, the server's end alone, a stand-in of the usual design, and what the
# distribution has of its rivals (tests/bench/http.sh), for bodies of several sizes; what the kernel counts of the hooks alone; and what its user half
# does of recordings, on one core.
#
# handlerlat:
# What a traced call costs, side by side: nothing, the floor (empty programs on the same sites),
# handlerlat, and what the distribution has of its rivals. CPU time of the traced program per call, in
# ns; interleaved, ROUNDS (7) of each, medians; the ratios are medians of the rounds' own ratios to the
# floor. Rows: a C function that begins with a push (which kernels emulate), one that does not (which
# they single-step), a Go function. Ends with JSON in .output/bench/handlerlat.json.
set -u
cd "$(dirname "$0")/../.." || exit 99
O=$(realpath "${O:-.output}")
rounds=${1:-7}
seconds=1
tmp=$(mktemp -d)
held=
trap 'for p in $held; do kill $p 2>/dev/null; done; wait 2>/dev/null; rm -rf "$tmp"' EXIT
[ "$(id -u)" = 0 ] || { echo "tests/bench: needs root"; exit 99; }

# spread FILE FIGURE: "TRACER MEDIAN MIN MAX RATIO" of each tracer, its ratio to the untraced of the same round
spread() {
	jq -s -r --arg k "$2" '
		def median: sort | .[(length - 1) / 2 | floor];
		group_by(.tracer) as $all | ($all[] | select(.[0].tracer == (if $k == "hook_ns" then "floor" else "none" end))) as $base
		| $all[] | . as $runs | map(.[$k])
		| [$runs[0].tracer, (median | round), (min | round), (max | round),
		  ([$runs, $base] | transpose | map(.[0][$k] / ([.[1][$k], 1] | max)) | median * 1000 | round / 1000)] | @tsv' "$1"
}
if [ "${TOOL:-}" = tcplat ]; then
	mkdir -p "$O/bench"
	: >"$O/bench/tcplat.json"
	echo "tcplat, kernel $(uname -r), $(date -u +%F), $(nproc) CPUs, median of $rounds (min .. max), ratio"
	for how in "--pin 0,0" "--pin 0,1" "-c 4" "-s"; do
		# shellcheck disable=SC2086
		if [ "$how" = -s ]; then
			tests/bench/tcplat.sh -s "$rounds" --pin 0,0
		else
			tests/bench/tcplat.sh "$rounds" $how
		fi >"$tmp/runs" || exit 99
		jq -c --arg how "$how" '.options = $how' "$tmp/runs" >>"$O/bench/tcplat.json"
		for figure in cpu_ns rate tool_ns hook_ns; do
			# Counting makes the rest slow.
			case $how:$figure in
			-s:hook_ns) ;;
			-s:* | *:hook_ns) continue ;;
			esac
			spread "$tmp/runs" $figure | awk -F'\t' -v how="$how" -v figure=$figure '
				figure == "tool_ns" && ($1 == "none" || $1 == "floor") { next }
				{ printf "%-10s %-8s %-8s %8s  %-18s %6s\n", how, figure, $1, $2, $3 " .. " $4,
					figure == "tool_ns" ? "" : $5 }'
		done
	done
	exit 0
fi

[ "${TOOL:-}" != httptrace ] || exec tests/bench/httptrace.sh "$@"
if [ "${TOOL:-}" = httpsniff ]; then
	mkdir -p "$O/bench"
	: >"$O/bench/httpsniff.json"
	echo "httpsniff, kernel $(uname -r), $(date -u +%F), $(nproc) CPUs, median of $rounds (min .. max), ratio"
	for how in "-b 1k" "-b 0" "-b file1k" "-b 100k" "-b file100k" "-s -b 1k"; do
		tracers="none floor miss heads bodies"
		case $how in
		"-b 1k")
			tracers="$tracers bodies-json heads-server bodies-server syscalls-server"
			for r in tcpdump tshark ngrep httpry; do
				command -v $r >/dev/null && tracers="$tracers $r"
			done ;;
		-s*) tracers="floor miss heads bodies" ;;
		esac
		# shellcheck disable=SC2086
		tests/bench/http.sh $how "$rounds" $tracers >"$tmp/runs" || exit 99
		jq -c --arg how "$how" '.options = $how' "$tmp/runs" >>"$O/bench/httpsniff.json"
		for figure in cpu_ns rate tool_ns hook_ns; do
			# Counting makes the rest slow.
			case $how:$figure in
			-s*:hook_ns) ;;
			-s*:* | *:hook_ns) continue ;;
			esac
			spread "$tmp/runs" $figure | awk -F'\t' -v how="$how" -v figure=$figure '
				# nothing has no time of a tool
				figure == "tool_ns" && ($1 == "none" || $1 == "floor") { next }
				{ printf "%-12s %-8s %-13s %8s  %-18s %6s\n", how, figure, $1, $2, $3 " .. " $4, figure == "tool_ns" ? "" : $5 }'
		done
	done
	replay() { # NAME OPTION...: s of CPU
		local name=$1
		shift
		TIMEFORMAT='%U %S'
		for ((i = 0; i < rounds; i++)); do
			{ time "$O/bin/httpsniff" --replay "$tmp/httpsniff-$name.rec" "$@" >/dev/null 2>&1; } 2>&1
		done | awk '{ print $1 + $2 }' | sort -n | sed -n "$(((rounds + 1) / 2))p"
	}
	"$O/tests/bench/httpsniff-rec" "$tmp" small 400000
	for options in "" -j "--max-body 0" "--max-body 0 -j"; do
		# shellcheck disable=SC2086
		echo "replay small $options: $(replay small $options | awk '{ printf "%.0f messages a second", 400000 / $1 }')"
	done
	rm "$tmp/httpsniff-small.rec"
	"$O/tests/bench/httpsniff-rec" "$tmp" large 1000
	bytes=$(stat -c %s "$tmp/httpsniff-large.rec")
	for options in "" -j "--max-body all" "--max-body all -j"; do
		# shellcheck disable=SC2086
		echo "replay large $options: $(replay large $options | awk -v b="$bytes" '{ printf "%.1f GB a second", b / 1e9 / $1 }')"
	done
	exit 0
fi

HL=$O/bin/handlerlat
FLOOR=$O/tests/bench/floor
go=$(ls -d "$O"/tests/go/go1.*/bench 2>/dev/null | sort -V | tail -n 1)

# One run of the workload; prints ns of CPU per call.
workload() {
	case $1 in
	framed) "$O/tests/load/rate" -f 0 $seconds | jq '.cpu_ns / .calls' ;;
	plain) "$O/tests/load/rate" 0 $seconds | jq '.cpu_ns / .calls' ;;
	go) "$go" -n 60000 -loop 1 | jq '.ns_per_call' ;;
	esac
}
# sites CASE: its file and function, and the file offsets of entry and exits for the floor
sites() {
	case $1 in
	framed) file=$O/tests/load/rate fn=work_framed ;;
	plain) file=$O/tests/load/rate fn=work_tick ;;
	go) file=$go fn=main.work ;;
	esac
	local line e va
	line=$("$HL" -l -j "$file" $fn)
	e=$(jq -r .entry <<<"$line") offsets=$(jq -r .entry_offset <<<"$line")
	for va in $(jq -r '.exits[]' <<<"$line"); do offsets="$offsets $((va - e + ${offsets%% *}))"; done
}
# hold PATTERN COMMAND...: starts a tracer and waits for the line that says it is there.
hold() {
	local pattern=$1
	shift
	: >"$tmp/say"
	"$@" >"$tmp/out" 2>"$tmp/say" &
	tracer=$!
	held="$held $tracer"
	for _ in $(seq 100); do
		grep -qE "$pattern" "$tmp/say" "$tmp/out" && break
		sleep 0.05
	done
	[ "$pattern" != . ] || sleep 1.5
}
release() { kill -INT "$tracer" 2>/dev/null; kill "$tracer" 2>/dev/null; wait "$tracer" 2>/dev/null; }
under() {
	local who=$1 ret=
	[ "$2" = go ] || ret=-r
	case $who in
	none) tracer= ;;
	# shellcheck disable=SC2086
	floor) hold ready "$FLOOR" $ret "$file" $offsets ;;
	handlerlat-H) hold ready "$HL" -H "$file" $fn ;;
	handlerlat-slower) hold ready "$HL" --slower 1000 "$file" $fn ;;
	handlerlat-rows) hold ready "$HL" -j "$file" $fn ;;
	funclatency) hold . funclatency "$file:$fn" ;;
	bpftrace) hold Attaching bpftrace -e "uprobe:$file:$fn { @s[tid] = nsecs; } uretprobe:$file:$fn /@s[tid]/ { @ = hist(nsecs - @s[tid]); delete(@s[tid]); }" ;;
	esac
	workload "$2" >"$tmp/ns"
	[ -z "$tracer" ] || release
	cat "$tmp/ns"
}

cases="framed plain ${go:+go}"
for c in $cases; do
	sites "$c"
	tracers="none floor handlerlat-H handlerlat-slower handlerlat-rows"
	# A return probe would kill the Go program.
	[ "$c" = go ] || for r in funclatency bpftrace; do
		command -v $r >/dev/null && tracers="$tracers $r"
	done
	for ((i = 0; i < rounds; i++)); do
		for t in $tracers; do
			echo "{\"case\":\"$c\",\"tracer\":\"$t\",\"round\":$i,\"ns\":$(under "$t" "$c")}"
		done
	done
done >"$tmp/all"
mkdir -p "$O/bench"
jq -s --arg kernel "$(uname -r)" --arg date "$(date -u +%F)" '
	def median: sort | .[(length - 1) / 2 | floor];
	{kernel: $kernel, date: $date, rows: [group_by([.case, .tracer])[] | {case: .[0].case, tracer: .[0].tracer,
	  ns: map(.ns) | median, min: map(.ns) | min, max: map(.ns) | max, runs: map({round, ns})}]}
	| .rows as $r | .rows |= map(. as $x | ($r[] | select(.case == $x.case and .tracer == "floor")) as $f
	  | .ratio = ([$x.runs[] as $a | $f.runs[] | select(.round == $a.round) | $a.ns / .ns] | median) | del(.runs))' \
	"$tmp/all" >"$O/bench/handlerlat.json"
echo "ns of CPU per traced call, kernel $(uname -r), $(date -u +%F), median of $rounds (min .. max), ratio to the floor"
jq -r '.rows[] | [.case, .tracer, (.ns | round), "\(.min | round) .. \(.max | round)", (.ratio * 1000 | round / 1000)] | @tsv' \
	"$O/bench/handlerlat.json" | sort -t"$(printf '\t')" -k1,1 -s | awk -F'\t' '{ printf "%-8s %-18s %8s  %-18s %6s\n", $1, $2, $3, $4, $5 }'
