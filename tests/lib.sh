# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
# For the tests: sourced, not run. A test file prints one line per case, in the manner of TAP:
#   ok - NAME      not ok - NAME: WHY      skip - NAME: WHY
# and ends with `finish`. tests/run.sh adds the lines up.
#
# Exit codes: 0 passed, 1 failed, 77 all skipped, 99 the bench itself is broken.

set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
O=${O:-$top/.output}
BIN=$O/bin
LOAD=$O/tests/load		# C workloads
GO=$O/tests/go			# Go workloads: $GO/goX.Y/PROGRAM[-MODE]
tmp=$(mktemp -d "${TMPDIR:-/tmp}/reqtools-test.XXXXXX") || exit 99
passed=0 failed=0 skipped=0
pids=

cleanup() {
	for p in $pids; do kill "$p" 2>/dev/null; done
	wait 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 99' INT TERM

bench_broken() { echo "bench broken: $*" >&2; exit 99; }
ok() { passed=$((passed + 1)); echo "ok - $1"; }
# not_ok NAME WHY: prints why, and what the tool said.
not_ok() {
	failed=$((failed + 1))
	echo "not ok - $1: $2"
	for f in "$tmp/out" "$tmp/err" "$tmp/load"; do
		[ -s "$f" ] && { echo "#   $(basename "$f"):"; tail -n 25 "$f" | cut -c1-300 | sed 's/^/#     /'; }
	done
	echo "#   alone: sudo $0 '$1'"
}
skip() { skipped=$((skipped + 1)); echo "skip - $1: $2"; }
finish() {
	[ "$failed" = 0 ] || exit 1
	[ "$passed" != 0 ] || exit 77
	exit 0
}

# wanted NAME: is this case to run? Arguments of the test file are globs of names.
only=${*:-}
globs=("$@")
wanted() {
	[ -n "$only" ] || return 0
	# shellcheck disable=SC2053 # they are patterns
	for g in "${globs[@]}"; do
		[[ $1 != $g ]] || return 0
	done
	return 1
}

# check NAME GOT WANT
check() {
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', want '$3'"; fi
}
# check_true NAME WHY COMMAND...
check_true() {
	t_name=$1 t_why=$2
	shift 2
	if "$@" >/dev/null; then ok "$t_name"; else not_ok "$t_name" "$t_why"; fi
}
# contains FILE TEXT: a fixed string
contains() { grep -qF -- "$2" "$1"; }

# wait_for SECONDS COMMAND...: until it succeeds. Guests are slow: the time is a limit, not a delay.
wait_for() {
	t_until=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $t_until ] || return 1
		sleep 0.05
	done
}

# start TOOL ARG...: runs it in the background, stdout to $tmp/out, stderr to $tmp/err; returns when it
# is ready, 1 when it ended before. Its pid is $tool.
start() {
	: >"$tmp/out"
	: >"$tmp/err"
	t_bin=$BIN/$1
	shift
	"$t_bin" "$@" >>"$tmp/out" 2>>"$tmp/err" </dev/null &
	tool=$!
	pids="$pids $tool"
	wait_for 60 sh -c "grep -q ': ready (' '$tmp/err' || ! kill -0 $tool" && grep -q ': ready (' "$tmp/err"
}
# stop: ends the tool as a user would; its exit status is $status.
stop() {
	kill -INT "$tool" 2>/dev/null
	wait "$tool"
	status=$?
}
# await: waits for the tool's own end.
await() {
	wait "$tool"
	status=$?
}
# load FILE ARG...: starts a workload with "-w": it prints "pid PID" and waits; `go_on` lets it run,
# `load_done` waits for its end. Its output is $tmp/load, its pid $load.
load() {
	rm -f "$tmp/fifo"
	: >"$tmp/load"
	mkfifo "$tmp/fifo" || exit 99
	t_bin=$1
	shift
	"$t_bin" "$@" <"$tmp/fifo" >>"$tmp/load" 2>&1 &
	load=$!
	pids="$pids $load"
	exec 9>"$tmp/fifo"
	wait_for 30 grep -q '^pid ' "$tmp/load" || bench_broken "$t_bin did not print its pid"
}
go_on() { echo >&9; exec 9>&-; }
load_done() { wait "$load"; load_status=$?; }
# truth FUNCTION KEY, said KEY (of the summary), total FUNCTION KEY
truth() { sed -n '/^{/p' "$tmp/load" | tail -n 1 | jq -r --arg f "$1" --arg k "$2" '.functions[$f][$k]'; }
said() { jq -r --arg k "$1" 'select(.type == "summary")[$k]' "$tmp/out"; }
total() { jq -r --arg f "$1" --arg k "$2" 'select(.type == "total" and .function == $f and .route == null)[$k]' "$tmp/out"; }

# agree NAME [FUNCTION...]: does what the tool said with -j agree with the workload's truth? For each
# function (default: all that either knows) the same calls, returned, unwound and running (a process that
# ended inside a call is running for the tool); the rows add up to the totals; a latency is no less than what
# the function measured inside itself and, all together, no more than what its caller measured around it;
# the account balances.
agree() {
	t_name=$1
	shift
	t_why=$(disagreement "$@")
	if [ -z "$t_why" ]; then ok "$t_name"; else not_ok "$t_name" "$t_why"; fi
}
disagreement() {
	sed -n '/^{/p' "$tmp/load" | tail -n 1 >"$tmp/truth"
	[ -s "$tmp/truth" ] || { echo "the workload said nothing (status ${load_status:-?})"; return; }
	jq -n -r --slurpfile truth "$tmp/truth" --arg only "$*" '
		def sum(f): map(f) | add // 0;
		[inputs] as $said
		| ($only | split(" ")) as $only
		| ($truth[0].functions | with_entries(select($only == [] or (.key | IN($only[]))))) as $truth
		# The shapes of a generic function are one function for the workload.
		| def shapeless: if .function then .function |= gsub("\\[go\\.shape[^\\]]*\\]"; "[...]") else . end;
		[$said[] | shapeless] as $said
		| [$said[] | select(.type == "total" and .route == null and ($only == [] or (.function | IN($only[]))))]
			as $totals
		| [$said[] | select(.type == "call")] as $rows
		| ($said[] | select(.type == "summary")) as $summary
		| def differ(what; got; want): if got == want then empty else "\(what): got \(got), want \(want)" end;
		  def below(what; lo; hi): if lo <= hi then empty else "\(what): \(lo) > \(hi)" end;
		(($truth | keys) + [$totals[].function] | unique[]) as $f
		| ($truth[$f] // {"calls": 0, "returned": 0, "unwound": 0, "running": 0}) as $t
		| [$totals[] | select(.function == $f)] as $g
		| [$rows[] | select(.function == $f and .outcome == "returned").latency_ns] as $lat
		| ($g | sum((.avg_ns // 0) * .returned)) as $sum
		| differ("\($f) calls"; $g | sum(.calls); $t.calls),
		  differ("\($f) returned"; $g | sum(.returned); $t.returned),
		  differ("\($f) unwound"; $g | sum(.unwound); $t.unwound),
		  differ("\($f) running"; $g | sum(.running); $t.running + ($t.ended // 0)),
		  if $t.returned > 0 and $t.sum_ns > 0 and ($g | sum(.returned)) > 0 then
			below("\($f) sum of latencies, inside and seen"; $t.sum_ns; $sum + $t.returned),
			below("\($f) least latency"; $t.min_ns; $g | map(.min_ns // empty) | min),
			below("\($f) longest latency"; $t.max_ns; $g | map(.max_ns // empty) | max),
			if $t.outer_ns then below("\($f) sum of latencies, seen and around"; $sum; $t.outer_ns) else empty end
		  else empty end,
		  if $rows != [] then
			differ("\($f) rows of calls that returned"; $lat | length; $t.returned),
			below("\($f) sum over rows"; ($lat | add // 0) - $sum | fabs; $t.returned)
		  else empty end,
		differ("balanced"; $summary.balanced; true)
	' "$tmp/out" 2>&1 | sort -u | head -n 5 | paste -sd ';' -
}

# c_workloads: builds those that make does not, but not in a guest.
c_workloads() {
	[ -n "${IN_GUEST:-}" ] || "$top/tests/c-build.sh" "$LOAD" >"$tmp/build" 2>&1 ||
		bench_broken "$(cat "$tmp/build")"
}
# go_versions: sets $versions (those of the Go workloads, go1.X), $oldest and $newest; in a guest only these
# two. Builds what is missing, but not in a guest. Ends the test where there is no toolchain.
go_versions() {
	if [ -z "${IN_GUEST:-}" ]; then
		"$top/tests/go-build.sh" "$GO" >"$tmp/build" 2>&1 || [ $? = 77 ] || bench_broken "$(cat "$tmp/build")"
	fi
	versions=$(cd "$GO" 2>/dev/null && find . -mindepth 1 -maxdepth 1 -name 'go1.*' -printf '%f\n' |
		sort -V | awk -F. '$2 >= 17')
	[ -n "$versions" ] || { skip go "no Go toolchain where tests/go-build.sh ran"; finish; }
	oldest=$(echo "$versions" | head -n 1)
	newest=$(echo "$versions" | tail -n 1)
	[ -z "${IN_GUEST:-}" ] || versions="$oldest $newest"
}
# go_program CASE VERSION/FILE: is the case wanted, and the program there?
go_program() {
	wanted "$1" || return
	[ ! -x "$GO/$2" ] || return 0
	skip "$1" "${2%/*} did not build ${2#*/}"
	return 1
}
