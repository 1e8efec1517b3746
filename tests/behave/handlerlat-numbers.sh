#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# What is promised in figures: time to attach and detach, memory, time to the first event, size. On this
# machine only: a guest's time is not time. The best of several tries counts, because the machine may be
# busy with other things; the figure is printed.
. "$(dirname "$0")/../lib.sh"

if [ -n "${IN_GUEST:-}" ]; then
	for c in attach-6000 resident-35000 first-event static-size; do skip $c "figures are taken natively"; done
	finish
fi

# A program with 35,000 functions, 3,100 of which are called many_N.
big=$tmp/big
if wanted 'attach-6000' || wanted 'resident-35000'; then
	{
		echo '.text'
		for i in $(seq 35000); do
			n=few_$i
			[ "$i" -gt 3100 ] || n=many_$i
			printf '.globl %s\n.type %s,@function\n%s: push %%rbp\n pop %%rbp\n ret\n.size %s, .-%s\n' $n $n $n $n $n
		done
		printf '.globl main\n.type main,@function\nmain: xor %%eax,%%eax\n ret\n.size main, .-main\n.section .note.GNU-stack,"",@progbits\n'
	} >"$tmp/big.s"
	gcc -o "$big" "$tmp/big.s" || bench_broken "no gcc for $big"
fi

best() { sort -n | head -n 1; }

if wanted attach-6000; then
	# 3,100 functions: an entry probe and a return probe each.
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		start handlerlat -v "$big" 'many_*' || break
		stop
		sed -n 's/.*tached in \([0-9.]*\) ms$/\1/p' "$tmp/err" | awk '{ s += $1 } END { print s }'
	done >"$tmp/times"
	t=$(best <"$tmp/times")
	if ! grep -q 'ready (3100 functions, backend uprobe_multi' "$tmp/err"; then
		skip attach-6000 "this kernel has no uprobe_multi"
	else
		check_true attach-6000 "attached and detached 6,200 probes in $t ms, at most 100 are promised" \
			awk "BEGIN { exit !($t > 0 && $t < 100) }"
		echo "# 6,200 probes attached and detached in $t ms"
	fi
fi

if wanted resident-35000; then
	start handlerlat "$big" many_7
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$tool/status")
	stop
	check_true resident-35000 "$rss KiB resident, at most 10240 are promised" test "${rss:-99999}" -lt 10240
	echo "# $rss KiB resident with a target of 35,000 functions"
fi

if wanted first-event; then
	"$LOAD/rate" 1000 60 >/dev/null &
	pids="$pids $!"
	rate=$!
	for _ in 1 2 3 4 5 6 7 8; do
		t0=$(date +%s%N)
		"$BIN/handlerlat" -p $rate work_tick 2>/dev/null >"$tmp/rows" &
		tool=$!
		pids="$pids $tool"
		until [ "$(wc -l <"$tmp/rows")" -ge 2 ] || ! kill -0 $tool; do :; done 2>/dev/null
		echo $((($(date +%s%N) - t0) / 1000000))
		stop
	done >"$tmp/times"
	t=$(best <"$tmp/times")
	kill $rate
	check_true first-event "the first row came after $t ms, at most 300 are promised" test "$t" -lt 300
	echo "# first row after $t ms"
fi

if wanted static-size; then
	if [ -x "$O/static/bin/handlerlat" ]; then
		size=$(stat -c %s "$O/static/bin/handlerlat")
		check_true static-size "$size bytes, at most 2000000 are promised" test "$size" -lt 2000000
	else
		skip static-size "no static build: make STATIC=1 O=$O/static"
	fi
fi
finish
