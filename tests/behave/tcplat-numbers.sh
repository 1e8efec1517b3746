#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# What is promised of tcplat in figures: what a turn costs, memory, no leaks, size, time to start. On this machine
# only: a guest's time is not time, and its memory is small. The figures are printed; where a busy machine disturbs
# them, the median or the best of several tries counts.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

if [ -n "${IN_GUEST:-}" ]; then
	for c in cost rate memory-100000 memory-1000 leak start static-size; do
		skip $c "figures are taken natively"
	done
	finish
fi
truth_of() { awk -v k="$1" '$1 == "truth" && $2 == k { print $3; exit }' "$tmp/load"; }
# ports: all that the workload listens on
ports() { awk '$1 == "truth" && $2 ~ /^(more_)?port$/ { print $3 }' "$tmp/load" | paste -sd, -; }
# kib KEY: of the tool's memory
kib() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$tool/status"; }
# resident: KiB, but for the maps that it has in its memory
resident() {
	awk '/^[0-9a-f]+-/ { map = /bpf-map/ } $1 == "Rss:" && !map { s += $2 } END { print s }' "/proc/$tool/smaps"
}
# objects: KiB in the slabs that socket storage comes from, and nothing of the sockets themselves
objects() { awk '$1 ~ /^kmalloc-/ && $4 <= 512 { s += $2 * $4 } END { printf "%d\n", s / 1024 }' /proc/slabinfo; }
objects_below() { [ "$(objects)" -lt "$1" ]; }
sockets() { awk '/^TCP:/ { print $3 }' /proc/net/sockstat; }
# maps: KiB in the tool's maps, each once
maps() {
	for f in /proc/"$tool"/fdinfo/*; do
		awk '$1 == "memlock:" { m = $2 } $1 == "map_id:" { print $2, m }' "$f" 2>/dev/null
	done | sort -u | awk '{ s += $2 } END { printf "%d\n", s / 1024 }'
}

bench() { O=$O TRACERS="none floor tcplat" timeout 100 "$top/tests/bench/tcplat.sh" "$@" || bench_broken "tests/bench/tcplat.sh $*"; }
median='def median: sort | .[(length - 1) / 2 | floor];'
if wanted cost; then
	# By the kernel's count of each program: an empty one costs what counting costs, and that is taken off.
	bench -s 3 --pin 0,0 >"$tmp/runs"
	jq -s -r "$median"'
		# A hook that other traffic runs too says nothing of a turn.
		def ns(who): map(select(.tracer == who) | .hook_ns * 10 / .hooks) | median;
		[ns("floor"), ns("tcplat")] | "\(.[0] | round) \(.[1] | round) \(.[1] - .[0] | round)"' "$tmp/runs" >"$tmp/cost"
	read -r floor all net <"$tmp/cost"
	echo "# a turn's hooks, counted: $all ns, empty programs $floor ns, so $net ns net"
	check_true cost "$net ns a turn, at most twice the empty programs' $floor ns are promised" test "$net" -le $((2 * floor))
fi
if wanted rate; then
	# One CPU for both ends: what a turn takes of it is what the rate of a saturated pair depends on.
	bench 5 --pin 0,0 >"$tmp/runs"
	jq -s -r "$median"'
		def of(who): map(select(.tracer == who).cpu_ns);
		def ratio(a; b): [of(a), of(b)] | transpose | map(.[0] / .[1]) | median | . * 1000 | round / 1000;
		def range(who): of(who) | "\(median | round) (\(min | round) to \(max | round))";
		"\(ratio("floor"; "tcplat")) \(ratio("none"; "tcplat")) \(ratio("none"; "floor"))",
		"# ns of CPU per turn: untraced \(range("none")), empty programs \(range("floor")), tcplat \(range("tcplat"))"' \
		"$tmp/runs" >"$tmp/rate"
	tail -n 1 "$tmp/rate"
	read -r of_floor of_none floor_of_none <"$tmp/rate"
	echo "# request rate: $of_none of untraced, where empty programs alone leave $floor_of_none: $of_floor of theirs"
	# What the kernel takes to call five empty programs at each end is beyond us: man/tcplat.8, OVERHEAD.
	check_true rate "the rate is $of_floor of that with empty programs, at least 0.9 is promised" \
		awk "BEGIN { exit !($of_floor >= 0.9) }"
fi

if wanted memory-100000; then
	# 50,000 pairs are 100,000 ends. They are there before the tool, whose socket storage comes when they speak.
	load "$LOAD/tcp" -w -c 50000 -d 5 many
	go_on
	if ! wait_for 40 grep -q '^open ' "$tmp/load"; then
		skip memory-100000 "50,000 pairs do not open here: $(tail -n 1 "$tmp/load")"
		kill "$load"
	else
		before=$(objects)
		start tcplat -j -i 1 -p "$(ports)"
		most=0 kernel=0
		# As long as they are all open; 1 % may be other programs' business.
		while [ "$(sockets)" -gt 99000 ] && kill -0 "$load" 2>/dev/null; do
			now=$(($(objects) - before)) user=$(resident)
			[ "$(sockets)" -gt 99000 ] || break
			[ $now -le $kernel ] || kernel=$now
			now=$((now + $(maps) + user))
			[ $now -le $most ] || most=$now
			sleep 0.25
		done
		echo "# $kernel KiB with the sockets, $(maps) KiB of maps, $user KiB resident: $most KiB at most at one time"
		load_done
		stop
		# Where the kernel runs no hook at all there is nothing to see: that is said, and is little.
		echo "# $(said connections_vanished) of 100,000 connections vanished, with $(said hooks_missed) hooks that did not run"
		check memory-100000-seen "$(said connections) $(said balanced) $(($(said connections_vanished) <= 2000))" "100000 true 1"
		check_true memory-100000-whole "only $kernel KiB with the sockets: not all of them spoke" test $kernel -gt 25000
		check_true memory-100000 "$most KiB for 100,000 connections, at most 65536 are promised" test "$most" -le 65536
		# Nothing of it stays with the sockets, which are gone, or elsewhere.
		check_true memory-100000-back "$(($(objects) - before)) KiB are still there" \
			wait_for 10 objects_below $((before + 4096))
	fi
fi
if wanted memory-1000; then
	load "$LOAD/tcp" -w -c 500 -d 3 many
	start tcplat -i 1 -p "$(ports)"
	go_on
	sleep 2.5
	anon=$(kib RssAnon)
	load_done
	stop
	echo "# $anon KiB of anonymous memory with 1,000 connections"
	check_true memory-1000 "$anon KiB of anonymous memory, less than 4096 are promised" test "${anon:-9999}" -lt 4096
fi
if wanted leak; then
	# Three times the same: what the first needed once, the others do not. A leak of one connection's storage in two
	# would be 9 MB a time.
	n=20000 # connections of each round, by two clients
	load "$LOAD/tcp" -w -n 10 rr # its port is the next one's, too
	port=$(truth_of port)
	go_on
	load_done
	start tcplat -j -i 1 --ring-size 8192 -p "$port"
	for _ in 1 2 3; do
		load "$LOAD/tcp" -w -p "$port" -c 2 -n $((n / 2)) short
		go_on
		load_done
		sleep 0.5
		echo "$(objects) $(maps) $(kib RssAnon) $(truth_of rate_per_s)"
	done >"$tmp/phases"
	echo "# $(awk '{ print $4 }' "$tmp/phases" | sort -n | tail -n 1) short connections a second"
	stop
	check leak-seen "$status $(said connections) $(said connections_open) $(said connections_lost) $(said balanced)" \
		"0 $((6 * n)) 0 0 true"
	why=$(awk '{ o[NR] = $1; m[NR] = $2; a[NR] = $3 } END {
		d = o[3] - o[2] < o[2] - o[1] ? o[3] - o[2] : o[2] - o[1]
		if (d > 4096) print "slab grows by " d " KiB"
		if (m[3] != m[1]) print "maps grow"
		if (a[3] - a[2] > 512) print "anonymous memory grows by " a[3] - a[2] " KiB" }' "$tmp/phases")
	check leak "$why" ""
fi

if wanted start; then
	for _ in 1 2 3 4 5 6; do
		t0=$(date +%s%N)
		start tcplat -p 1
		echo $((($(date +%s%N) - t0) / 1000000))
		stop
	done >"$tmp/times"
	t=$(sort -n "$tmp/times" | head -n 1)
	echo "# ready after $t ms"
	check_true start "ready after $t ms, at most 500 are promised" test "$t" -lt 500
fi
if wanted static-size; then
	if [ -x "$O/static/bin/tcplat" ]; then
		size=$(stat -c %s "$O/static/bin/tcplat")
		echo "# $size bytes, static"
		check_true static-size "$size bytes, at most 2 MiB are promised" test "$size" -lt 2097152
	else
		skip static-size "no static build: make STATIC=1 O=$O/static"
	fi
fi
finish
