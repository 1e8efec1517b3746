#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# handlerlat on Go: each call of each function is counted once, whatever the runtime does to goroutines and
# stacks, with every kind of toolchain and link. tests/go-build.sh makes the programs.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
go_versions
small= # fewer calls where all is emulated
[ -z "${IN_GUEST:-}" ] || small=yes

# traced FILE PATTERN ARG...: the workload from start to end, and handlerlat's look at it while it lives.
traced() {
	REQLOAD_STAY=1 load "$GO/$1" -w "${@:3}"
	start handlerlat -j -p "$load" "$2" || return
	go_on
	wait_for 120 grep -q '^{' "$tmp/load" || return
	stop
	kill "$load" 2>/dev/null
	wait "$load" 2>/dev/null
}

# --- 41,000 calls: recursion on stacks that grow, shrink and change threads
calls=41000
[ -z "$small" ] || calls=1850
recurse() {
	go_program "recurse-$1" "$2" || return 0
	traced "$2" main.recurse ${small:+-goroutines 100 -parallel 50}
	agree "recurse-$1" main.recurse
	check "recurse-$1-calls" "$(said calls) $(said returned) $(said missed)" "$calls $calls 0"
}
for v in $versions; do
	recurse "$v" "$v/recurse"
	recurse "$v-stripped" "$v/recurse-stripped"
done
modes="pie extlink cgo race noopt static"
[ -z "$small" ] || modes="pie static"
for v in $oldest $newest; do
	for m in $modes; do
		# Debian's older toolchains have no race runtime; the newest has, and is not excused.
		[ $m != race ] || [ "$v" = "$newest" ] || [ -x "$GO/$v/recurse-race" ] || continue
		recurse "$v-$m" "$v/recurse-$m"
	done
done
if go_program recurse-proof "$newest/recurse" && [ -z "$small" ]; then
	traced "$newest/recurse" main.recurse
	# Did the hard things happen at all?
	check_true recurse-proof "$(grep -o '"migrated.*gcs":[0-9]*' "$tmp/load")" \
		jq -e '[.migrated, .moved, .shrunk, .gcs] | min > 0' <(grep '^{' "$tmp/load")
fi
if go_program recurse-deep "$newest/recurse"; then
	# One goroutine after the other, on stacks of megabytes.
	traced "$newest/recurse" main.recurse -goroutines 60 -depth 60 -parallel 1
	agree recurse-deep main.recurse
fi
if go_program recurse-one-processor "$oldest/recurse" && [ -z "$small" ]; then
	GOMAXPROCS=1 traced "$oldest/recurse" main.recurse -goroutines 400
	agree recurse-one-processor main.recurse
fi

# --- panics and Goexit
for v in $versions; do
	go_program "panics-$v" "$v/panics" || continue
	traced "$v/panics" 'main.*' ${small:+-n 20}
	agree "panics-$v" main.panicSame main.panicCaller main.recoverCaller main.panicNested main.recoverNested \
		main.panicRepanic main.panicNil main.panicDeep main.cleanup main.goexit main.goexitCaller \
		main.panicReuse main.panicFresh
	# What is found out at the next call on the frame is said before that call begins, which is measured from
	# its own start.
	check "panics-$v-order" "$(jq -n -r 'def ns: .timestamp[17:29] | split(".") | (.[0] | tonumber) * 1e9 + (.[1] | tonumber);
		[inputs | select(.type == "call" and .function == "main.panicReuse")] as $r | range(1; $r | length)
		| select($r[. - 1].outcome == "unwound" and $r[.].outcome == "returned")
		| (($r[.] | ns) - $r[.].latency_ns - ($r[. - 1] | ns) + 6e10) % 6e10
		| select(. > 3e10) | "begins before it by \(6e10 - .) ns"' "$tmp/out" | head -n 1)" ""
done
# The program dies inside main.die: in this call it was, and it never left it.
for how in exit panic throw; do
	go_program "die-$how" "$newest/panics" || continue
	load "$GO/$newest/panics" -w -n 3 -die $how
	start handlerlat -j -p "$load" main.die && go_on
	load_done
	await
	check "die-$how" "$status $(said calls) $(said returned) $(said running) $(said balanced)" "0 1 0 1 true"
	check "die-$how-target" "$load_status" "$([ $how = exit ] && echo 3 || echo 2)"
done

# --- every shape of function
for v in $oldest $newest; do
	for m in "" -stripped -noopt; do
		[ -z "$small$m" ] || [ -z "$small" ] || continue
		go_program "shapes-$v$m" "$v/shapes$m" || continue
		traced "$v/shapes$m" 'main.*' ${small:+-n 40}
		# A wrapper that ends in a jump has no end of its own: it is refused, and says so.
		refused=$("$BIN/handlerlat" --list -j "$GO/$v/shapes$m" 'main.*' | jq -r 'select(.refused).name')
		known=$(grep '^{' "$tmp/load" | jq -r '.functions | keys[]' | grep -vxF "${refused:-none}")
		# shellcheck disable=SC2086
		agree "shapes-$v$m" $known
		check "shapes-$v$m-refused" "$(echo "$refused" | grep -vE '^main\.\(\*(Embeds|Points)\)\.Do$|^main\.Points\.Do$')" ""
	done
done
for v in $newest $oldest; do
	go_program "generic-$v" "$v/generic" || continue
	traced "$v/generic" 'main.Map[...]'
	agree "generic-$v" 'main.Map[...]'
	check "generic-$v-bodies" "$(jq -r 'select(.type == "total").function' "$tmp/out" | sed 's/\[go\.shape.*\]/[...]/' | sort | uniq -c | xargs)" "4 main.Map[...]"
done
if go_program generic-stripped "$newest/generic-stripped"; then
	traced "$newest/generic-stripped" 'main.(*Stack[...]).Push'
	agree generic-stripped 'main.(*Stack[...]).Push'
fi

# --- C calls Go
for v in $oldest $newest; do
	go_program "cgocb-$v" "$v/cgocb" || continue
	traced "$v/cgocb" 'main.*' ${small:+-n 20}
	agree "cgocb-$v" main.goCallback main.goNested main.goThread main.callOut
done
if go_program c-in-go "$newest/cgocb"; then
	# A return probe on C code that runs on a goroutine's behalf may meet Go's stacks.
	"$BIN/handlerlat" --list "$GO/$newest/cgocb" c_call_back >"$tmp/out" 2>"$tmp/err"
	check c-in-go "$? $(grep -c 'C code' "$tmp/err")" "1 1"
fi

# --- nothing is changed in the program
if go_program checksum "$newest/bench"; then
	n=20000
	[ -z "$small" ] || n=1000
	want=$("$GO/$newest/bench" -n $n -g 4 -loop 60 | jq -r .checksum)
	load "$GO/$newest/bench" -w -n $n -g 4 -loop 60
	start handlerlat -j -H -p "$load" main.work && go_on
	load_done
	await
	check checksum "$(grep '^{' "$tmp/load" | jq -r .checksum) $(said calls) $(said returned)" \
		"$want $((4 * n)) $((4 * n))"
fi

# What others' return probes do to the same program: it dies, where handlerlat counts every call. This is
# why there must never be one in a Go program.
rival() {
	[ -z "$small" ] && go_program "rival-$1" "$newest/recurse" || return 0
	if ! command -v "$1" >/dev/null; then
		skip "rival-$1" "$1 is not installed"
		return
	fi
	file=$GO/$newest/recurse
	load "$file" -w -goroutines 300
	"$@" >"$tmp/out" 2>"$tmp/err" &
	tool=$!
	pids="$pids $tool"
	# Until the function's first byte is a breakpoint.
	at=$((0x$(readelf -sW "$file" | awk '$8 == "main.recurse" { print $2 }')))
	if ! wait_for 60 sh -c "dd if=/proc/$load/mem bs=1 count=1 skip=$at 2>/dev/null | od -An -tx1 | grep -q cc"; then
		skip "rival-$1" "it does not work on this kernel: $(tail -n 1 "$tmp/err" | cut -c1-100)"
		kill "$tool" "$load"
		return
	fi
	go_on
	load_done
	kill -INT "$tool"
	wait "$tool"
	check_true "rival-$1" "it lived: status $load_status" [ "$load_status" != 0 ]
}
rival bpftrace -e "uretprobe:$GO/$newest/recurse:main.recurse { @ = count(); }"
rival funclatency "$GO/$newest/recurse:main.recurse"

if wanted too-old; then
	if [ -x "$GO/go1.15/recurse" ]; then
		"$BIN/handlerlat" --list "$GO/go1.15/recurse" main.recurse >"$tmp/out" 2>"$tmp/err"
		check too-old "$? $(grep -c 'Go 1.17 or newer is needed' "$tmp/err")" "1 1"
	else
		skip too-old "no Go 1.15 here"
	fi
fi
finish
