#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: sudo tests/gate.sh [--accept] [CASE...]
#
# Has something become dearer? Figures that do not depend on the clock, each against the one that is stored in
# tests/gate/figures:
#   insns/KERNEL/BACKEND/TOOL/PROGRAM  instructions that the kernel's verifier went through
#   ring/TOOL/WORKLOAD                 bytes of the ring buffer for each message, connection or call
#   user/MACHINE/TOOL/HOW              instructions of the user half for each of a recording's, by callgrind
#   memory/MACHINE/TOOL/WHAT           KiB that a recording takes of memory at most
# More than the stored one and its tolerance is a failure. A kernel that no figure is of is held against the dearest
# of the others, and half as much again. --accept stores what was measured; CASE is a glob of such names. BACKEND: of
# this one, not of that which the tools choose here.
accept=
[ "${1:-}" != --accept ] || { accept=1; shift; }
. "$(dirname "$0")/lib.sh"
figures=$top/tests/gate/figures
tools=$(sed -n 's/^TOOLS := //p' "$top/Makefile")
kernel=$(uname -r | cut -d. -f1-2)
machine=$(uname -m)
bpftool=$(PATH=$PATH:/usr/sbin:/sbin command -v bpftool)
: >"$tmp/new"

# stored NAME
stored() { awk -v name="$1" '$1 == name { print $2 }' "$figures"; }
# judge NAME VALUE STORED TOLERANCE: in percent
judge() {
	local text
	text=$(awk -v new="$2" -v old="$3" 'BEGIN { printf "%s, stored %s (%+.1f %%)", new, old, 100 * (new / old - 1) }')
	if awk -v new="$2" -v old="$3" -v more="$4" 'BEGIN { exit !(new <= old * (1 + more / 100)) }'; then
		ok "$1: $text"
	else
		not_ok "$1" "$text, may be $4 % more; --accept if it is worth that"
	fi
}
# figure NAME VALUE TOLERANCE
figure() {
	local old
	wanted "$1" || return 0
	echo "$1 $2" >>"$tmp/new"
	[ -z "$accept" ] || { ok "$1: $2, stored before: $(stored "$1")"; return; }
	old=$(stored "$1")
	if [ -n "$old" ]; then
		judge "$1" "$2" "$old" "$3"
		return
	fi
	case $1 in
	insns/*)
		old=$(awk -v name="${1#insns/*/}" '{ n = $1; sub("^insns/[^/]*/", "", n) }
			n == name && $2 > most { most = $2 } END { print most }' "$figures")
		[ -z "$old" ] || { judge "$1" "$2" "$old" 50; return; } ;;
	user/* | memory/*)
		grep -q "^${1%%/*}/$machine/" "$figures" || { skip "$1" "no figures of a $machine yet"; return; } ;;
	esac
	not_ok "$1" "$2, and none is stored: --accept"
}

# --- what the verifier went through

# loads TOOL: starts it on nothing: on a port that nobody has, on a program that nobody runs
loads() {
	local on=(-p 1)
	[ "$1" != handlerlat ] || on=("$LOAD/calls" work_spin)
	start "$1" ${BACKEND:+--backend "$BACKEND"} "${on[@]}"
}
# The programs that a tool has loaded: "NAME INSTRUCTIONS"
programs() {
	local id n
	cat /proc/"$tool"/fdinfo/* 2>/dev/null |
		awk '$1 == "verified_insns:" { n = $2 } $1 == "prog_id:" { id = $2 }
			id && n { print id, n; id = n = "" }' | sort -u |
		while read -r id n; do echo "$("$bpftool" -j prog show id "$id" | jq -r .name) $n"; done | sort
}
insns() {
	local t b name n
	[ -z "$only" ] || [[ " $only" == *" insns"* ]] || return 0
	for t in $tools; do
		if ! loads "$t"; then
			skip "insns/$kernel/$t" "$(grep -v ' waiting' "$tmp/err" | tail -n 1 | cut -c1-150)"
			stop
			continue
		fi
		b=$(sed -n 's/^.*: ready (.*backend \([a-z_-]*\).*/\1/p' "$tmp/err")
		programs >"$tmp/programs"
		stop
		[ -s "$tmp/programs" ] || not_ok "insns/$kernel/$b/$t" "no program says how many (Linux before 5.16?)"
		while read -r name n; do figure "insns/$kernel/$b/$t/$name" "$n" 10; done <"$tmp/programs"
	done
}

# --- what goes through the ring buffer

# ring NAME EVENTS "TYPE..." WORKLOAD -- TOOL OPTION...: of the records of these types
ring() {
	local name=ring/$1 events=$2 types=$3 work=() port
	shift 3
	wanted "$name" || return 0
	while [ "$1" != -- ]; do work+=("$1"); shift; done
	shift
	load "$LOAD/${work[0]}" -w "${work[@]:1}"
	wait_for 30 grep -q ' port ' "$tmp/load" || [ "${work[0]}" = calls ] || bench_broken "no port: $(cat "$tmp/load")"
	port=$(awk '$2 == "port" { print $3 }' "$tmp/load")
	if ! start "$@" ${port:+-p "$port"} --record "$tmp/rec"; then
		skip "$name" "$(tail -n 1 "$tmp/err" | cut -c1-150)"
		go_on
		load_done
		return
	fi
	go_on
	load_done
	stop
	# shellcheck disable=SC2086
	figure "$name" "$(python3 "$top/tests/gate/ring.py" "$tmp/rec" $types | awk -v n="$events" \
		'{ printf "%.1f", $1 / n }')" 10
	rm -f "$tmp/rec"
}
rings() {
	# Both ends are seen; what is so small is read at once. CAP_REC_CONN, _DATA, _END, _CLOSE
	local http="2 4 5 6"
	ring httpsniff/get 4000 "$http" http -n 1000 get -- httpsniff
	ring httpsniff/download 800 "$http" http -n 200 --size 3000 download -- httpsniff
	ring httpsniff/body 800 "$http" http -n 200 --size 20000 download -- httpsniff
	ring httpsniff/heads 800 "$http" http -n 200 --size 3000 download -- httpsniff --max-body 0
	ring httptrace/get 4000 "$http" http -n 1000 get -- httptrace
	ring httptrace/download 800 "$http" http -n 200 --size 3000 download -- httptrace
	# TL_REC_CLOSED. Which turns are the slowest, and who has a histogram left, time decides.
	ring tcplat/short 400 "1 3 4" tcp -n 200 short -- tcplat --slowest 0 --conn-histograms 0
	# HL_REC_CALL, _HTTP_CALL
	ring handlerlat/calls 500 "1 2" calls spin 1 500 -- handlerlat "$LOAD/calls" work_spin
}

# --- what the user half does of recordings

# user NAME EVENTS RECORDING TOOL OPTION...
user() {
	local name=user/$machine/$1 events=$2 file=$tmp/$3.rec total
	shift 3
	wanted "$name" || return 0
	env -i TZ=UTC PATH="$PATH" valgrind --tool=callgrind --callgrind-out-file=/dev/null "$BIN/$1" --config /dev/null \
		--replay "$file" "${@:2}" >/dev/null 2>"$tmp/err" || { not_ok "$name" "exit status $?"; return; }
	total=$(sed -n 's/^==[0-9]*== Collected : //p' "$tmp/err")
	[ -n "$total" ] || { not_ok "$name" "callgrind does not say how many"; return; }
	figure "$name" $((total / events)) 5
}
users() {
	local rec=$O/tests/bench n=2000
	command -v valgrind >/dev/null || bench_broken "no valgrind: run scripts/deps test"
	"$rec/handlerlat-rec" "$tmp" $n && "$rec/tcplat-rec" "$tmp" 1000 && "$rec/httpsniff-rec" "$tmp" small $n &&
		"$rec/httptrace-rec" "$tmp" server $n && "$rec/httptrace-rec" "$tmp" chain $n ||
		bench_broken "no recordings: run make load"
	user handlerlat/text $n handlerlat-calls handlerlat
	user handlerlat/json $n handlerlat-calls handlerlat -j
	user tcplat/json 1000 tcplat-short tcplat -j
	user httpsniff/text $n httpsniff-small httpsniff
	user httpsniff/json $n httpsniff-small httpsniff -j
	user httptrace/text $n httptrace-server httptrace
	user httptrace/chain $n httptrace-chain httptrace -j
	user httptrace/otlp $n httptrace-server httptrace --otlp "$tmp/otlp"
	user httptrace/table $n httptrace-server httptrace -H
}

# memory KIND TRANSACTIONS: of httptrace, while all of them are open
memory() {
	local name=memory/$machine/httptrace/$1
	wanted "$name" || return 0
	"$O/tests/bench/httptrace-rec" "$tmp" "$1" "$2" || bench_broken "no recording: run make load"
	figure "$name" "$(python3 - "$BIN/httptrace" --config /dev/null --replay "$tmp/httptrace-$1.rec" -H <<-'END'
		import os, subprocess, sys
		quiet = subprocess.DEVNULL
		print(os.wait4(subprocess.Popen(sys.argv[1:], stdout=quiet, stderr=quiet).pid, 0)[2].ru_maxrss)
	END
	)" 5
	rm -f "$tmp/httptrace-$1.rec"
}

# store: what was measured takes the place of all that is stored of the same kernel, backend and tool, or has its name.
store() {
	[ -s "$tmp/new" ] || bench_broken "nothing is called so: no figure was measured, and none is stored"
	awk 'NR == FNR { new[$1] = 1; group = $1; if (sub("^insns/", "", group)) { sub("/[^/]*$", "", group); groups[group] = 1 }
			next }
		{ group = $1; if (!sub("^insns/", "", group)) group = ""; sub("/[^/]*$", "", group) }
		/^#/ || (!($1 in new) && !(group in groups))' "$tmp/new" "$figures" >"$tmp/all"
	{ grep '^#' "$tmp/all"; { grep -v '^#' "$tmp/all"; cat "$tmp/new"; } | LC_ALL=C sort; } >"$figures"
}

for t in $tools; do [ -x "$BIN/$t" ] || bench_broken "no $BIN/$t: run make"; done
[ -n "$bpftool" ] || bench_broken "no bpftool: run scripts/deps"
[ -e "$figures" ] || : >"$figures"
if [ "$(id -u)" = 0 ]; then
	insns
	rings
else
	skip insns "needs root"
	skip ring "needs root"
fi
users
memory open 100000 # each on a connection of its own
memory open10 100000
[ -z "$accept" ] || store
finish
