#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# handlerlat as a program: how it ends, what it leaves behind (nothing), where its output goes, and that every way
# to trace, to filter and to replay gives the same numbers.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
calls=$LOAD/calls
entry=$("$BIN/handlerlat" --list -j "$calls" work_spin | jq -r .entry)

# code: the first bytes of work_spin in the memory of $load, which runs $calls.
code() {
	base=$(awk -v f="$calls" '$6 == f { split($1, a, "-"); print a[1]; exit }' "/proc/$load/maps")
	dd if="/proc/$load/mem" bs=1 count=8 skip=$((0x$base + entry)) 2>/dev/null | od -An -tx1
}
# finish_load: lets the workload run to its end.
finish_load() { go_on; load_done; }
# kinds: how many rows of each outcome the output has.
numbers() { jq -r 'select(.type == "total") | [.function, .calls, .returned, .unwound, .running] | join(" ")' "$1" | sort; }

# --- the end
for sig in INT TERM HUP; do
	wanted "signal-$sig" || continue
	load "$calls" -w spin 10 20
	before=$(code)
	start handlerlat -j -p "$load" work_spin
	during=$(code)
	kill -$sig "$tool"
	await
	check "signal-$sig" "$status $(said calls) $(said balanced)" "0 0 true"
	check "signal-$sig-probes" "$(code) $([ "$before" != "$during" ] && echo probed)" "$before probed"
	finish_load
	check "signal-$sig-target" "$load_status" 0
done
if wanted killed; then
	load "$calls" -w spin 10 20
	before=$(code)
	start handlerlat -j -p "$load" work_spin
	during=$(code)
	kill -KILL "$tool"
	wait "$tool" 2>/dev/null
	# The kernel takes them off when the last descriptor is closed, which may be a moment later.
	wait_for 60 sh -c "! ls /proc/$tool 2>/dev/null"
	i=0
	while [ "$(code)" != "$before" ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
	check killed "$(code) $([ "$before" != "$during" ] && echo probed)" "$before probed"
	finish_load
	check killed-target "$load_status" 0
fi
if wanted attaching; then
	# Interrupted wherever it was: no breakpoint stays, and the program goes on.
	load "$calls" -w spin 10 20
	before=$(code)
	delays="0 0.01 0.03 0.05 0.07 0.1 0.15"
	[ -z "${IN_GUEST:-}" ] || delays="0 0.2 0.6" # loading takes its time there
	for delay in $delays; do
		"$BIN/handlerlat" -p "$load" 'work_*' >"$tmp/out" 2>"$tmp/err" &
		tool=$!
		# Before the exec it is a shell, with the shell's handlers.
		wait_for 60 grep -q handlerlat "/proc/$tool/comm"
		sleep $delay
		kill -INT $tool 2>/dev/null
		kill -TERM $tool 2>/dev/null
		wait $tool
	done
	i=0
	while [ "$(code)" != "$before" ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
	check attaching "$(code)" "$before"
	finish_load
	check attaching-target "$load_status" 0
fi
if wanted second-sigint; then
	# The end waits for a sink that takes nothing, but not when it is told twice.
	# A Unix socket takes some 200 KiB ahead of its reader, less than waits for it here.
	perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Listen => 1, Local => $ARGV[0]) or die; $| = 1;
		print "ok\n"; $c = $s->accept; sleep 600' "$tmp/deaf" >"$tmp/port" &
	deaf=$!
	pids="$pids $deaf"
	wait_for 60 test -s "$tmp/port"
	chmod 777 "$tmp" "$tmp/deaf"
	load "$calls" -w spin 0 40000
	start handlerlat -o "unix:$tmp/deaf" "$calls" work_spin
	finish_load
	kill -INT "$tool"
	# The account comes before the last wait.
	wait_for 60 grep -q ': rows ' "$tmp/err"
	kill -INT "$tool" 2>/dev/null
	await
	check second-sigint "$status" 1
	kill $deaf
fi
if wanted one-pid-ends; then
	# The run lasts until the last of them ends, and does not spin meanwhile.
	"$calls" hold 3 >/dev/null &
	long=$!
	"$calls" hold 1 >/dev/null &
	short=$!
	pids="$pids $long $short"
	t0=$(date +%s%N)
	start handlerlat -j -p $long,$short work_hold
	await
	took=$((($(date +%s%N) - t0) / 1000000))
	check_true one-pid-ends "ended after $took ms" [ $took -ge 1500 ]
	if [ -n "${IN_GUEST:-}" ]; then
		skip one-pid-ends-cpu "loading alone takes a guest seconds of CPU"
	else
		check_true one-pid-ends-cpu "it took $(said tool_cpu_ms) ms of CPU in $took ms" \
			awk "BEGIN { exit !($(said tool_cpu_ms) < $took / 3) }"
	fi
fi
if wanted duration; then
	"$calls" hold 600 >"$tmp/load" &
	held=$!
	pids="$pids $held"
	start handlerlat -j -d 1.2 -p $held work_spin
	await
	kill $held
	check duration "$status $(said balanced) $(jq -n '[inputs | select(.type == "summary").traced_s >= 1.2] | all' "$tmp/out")" "0 true true"
fi
if wanted max-events; then
	load "$calls" -w spin 10 50
	start handlerlat -j --max-events 7 -p "$load" work_spin
	finish_load
	await
	check max-events "$status $(grep -c '"type":"call"' "$tmp/out") $(said rows) $(said balanced)" "0 7 7 true"
fi

# --- where the output goes
if wanted head; then
	load "$calls" -w sleep 20 50
	{ "$BIN/handlerlat" -p "$load" work_sleep 2>"$tmp/err"; echo $? >"$tmp/status"; } | head -n 2 >"$tmp/out" &
	wait_for 60 grep -q 'ready (' "$tmp/err"
	go_on
	wait_for 60 test -s "$tmp/status"
	load_done
	check head "$(cat "$tmp/status") $(wc -l <"$tmp/out") $(grep -ciE 'write|pipe|error|balance' "$tmp/err")" "0 2 0"
fi
if wanted full; then
	load "$calls" -w spin 10 50
	"$BIN/handlerlat" -j -p "$load" work_spin >/dev/full 2>"$tmp/err" &
	tool=$!
	wait_for 60 grep -q 'ready (' "$tmp/err"
	finish_load
	await
	check full "$status $(grep -c 'cannot write to standard output: No space left' "$tmp/err") $(grep -c balance "$tmp/err")" "1 1 0"
	load "$calls" -w spin 10 50
	start handlerlat -o /dev/full -p "$load" work_spin
	finish_load
	await
	check_true full-sink "status $status" [ "$status" = 1 ]
	check_true full-sink-said "the error is not named" grep -q 'cannot write to /dev/full: No space left' "$tmp/err"
fi
# listener KIND: takes one connection, or datagrams, and keeps what comes; prints where it listens first.
listener() {
	perl -MIO::Socket -MIO::Socket::UNIX -e '$| = 1; my ($kind, $path) = @ARGV;
		my $s = $kind eq "unix" ? IO::Socket::UNIX->new(Local => $path, Listen => 1)
			: IO::Socket::INET->new(LocalAddr => "127.0.0.1", Proto => $kind, $kind eq "tcp" ? (Listen => 1) : ());
		die $! unless $s; print "$kind:", $kind eq "unix" ? $path : "//127.0.0.1:" . $s->sockport, "\n";
		if ($kind eq "udp") { while ($s->recv($d, 65536)) { print $d; last if $d =~ /"summary"/ } }
		else { my $c = $s->accept; print while <$c> }' "$1" "$tmp/socket" >"$tmp/heard" &
	heard=$!
	pids="$pids $heard"
	wait_for 60 test -s "$tmp/heard"
}
for kind in file tcp udp unix; do
	wanted "output-$kind" || continue
	if [ $kind = file ]; then
		to=$tmp/heard heard=
	else
		listener $kind
		to=$(head -n 1 "$tmp/heard")
	fi
	load "$calls" -w spin 10 30
	start handlerlat -o "$to" -p "$load" work_spin
	finish_load
	await
	[ -z "$heard" ] || wait "$heard"
	grep '^{' "$tmp/heard" >"$tmp/json"
	check "output-$kind" "$status $(jq -r .type "$tmp/json" | sort | uniq -c | xargs)" "0 30 call 1 summary 1 total"
	check "output-$kind-text" "$(grep -c ' calls .* work_spin$' "$tmp/out") $(grep -c '^{' "$tmp/out")" "30 0"
	rm -f "$tmp/heard"
done
if wanted hostile; then
	name=$(printf 'q"\\\n\033[31m\377\t')
	cp "$calls" "$tmp/$name"
	load "$tmp/$name" -w spin 10 5
	start handlerlat -j -p "$load" work_spin
	finish_load
	await
	# The name is in the JSON as it was, but for what is not UTF-8.
	check hostile "$status $(jq -r 'select(.type == "call").comm' "$tmp/out" | head -n 2 | LC_ALL=C tr -d '\200-\377' | od -An -c | tr -d ' \n')" \
		'0 q"\\n033[31m\t\n'
	check hostile-lines "$(jq -c . "$tmp/out" | wc -l)" 7
	load "$tmp/$name" -w spin 10 5
	start handlerlat -v -p "$load" work_spin
	finish_load
	await
	check hostile-text "$(LC_ALL=C grep -c "$(printf '[\001-\010\013-\037\177-\377]')" "$tmp/out" "$tmp/err" | sed 's/.*://' | xargs)" "0 0"
	check hostile-rows "$(grep -c ' work_spin$' "$tmp/out")" 5
fi

# --- the same numbers by every way
if wanted replay; then
	load "$calls" -w sleep 20 60
	start handlerlat -j -i 0.4 --slower 0.001 --record "$tmp/record" -p "$load" work_sleep
	finish_load
	await
	grep -v '"summary"' "$tmp/out" >"$tmp/live"
	jq -S 'select(.type == "summary") | del(.tool_cpu_ms, .tool_rss_bytes)' "$tmp/out" >"$tmp/live.sum"
	"$BIN/handlerlat" -j --replay "$tmp/record" >"$tmp/out" 2>"$tmp/err"
	check replay "$? $(grep -v '"summary"' "$tmp/out" | diff - "$tmp/live" | head -n 3)" "0 "
	check replay-rows "$(jq -r .type "$tmp/live" | grep -v interval | sort | uniq -c | xargs)" "60 call 1 total"
	check replay-account "$(jq -S 'select(.type == "summary")' "$tmp/out" | diff - "$tmp/live.sum")" ""
fi
for be in uprobe_multi perf perf-clone; do
	wanted "backend-$be" || continue
	load "$calls" -w recurse 10 5
	if ! start handlerlat -j --backend $be -p "$load" 'work_*'; then
		if [ -n "${IN_GUEST:-}" ] && contains "$tmp/err" 'this kernel has no'; then
			skip "backend-$be" "$(sed 's/^handlerlat: //' "$tmp/err")"
			kill "$load"
			continue
		fi
	fi
	finish_load
	await
	agree "backend-$be"
	check_true "backend-$be-said" "it is not the backend that was asked for" contains "$tmp/err" "backend $be,"
done
if wanted two; then
	load "$calls" -w recurse 10 5
	"$BIN/handlerlat" -j -p "$load" work_recurse >"$tmp/first" 2>"$tmp/first.err" &
	first=$!
	pids="$pids $first"
	start handlerlat -j -H --comm calls "$calls" work_recurse
	wait_for 60 grep -q 'ready (' "$tmp/first.err"
	finish_load
	wait $first
	stop
	agree two
	check two-first "$(numbers "$tmp/first")" "$(numbers "$tmp/out")"
fi
if wanted filters; then
	cp "$calls" "$tmp/reqtest-a"
	ln "$tmp/reqtest-a" "$tmp/reqtest-b"
	# filter NAME WANT OPTION...: a calls 3 times, b 5 times, of one file.
	filter() {
		start handlerlat -j "${@:3}" "$tmp/reqtest-a" work_spin
		"$tmp/reqtest-a" spin 1 3 >"$tmp/load"
		"$tmp/reqtest-b" spin 1 5 >"$tmp/load"
		stop
		check "$1" "$(said calls) $(said returned) $(said balanced)" "$2 $2 true"
	}
	filter filter-none 8
	filter filter-comm 3 --comm '*-a'
	filter filter-comm-glob 8 --comm 'req*-[ab],nothing'
	filter filter-exclude-comm 5 --exclude-comm 'reqtest-a'
	filter filter-both 0 --comm 'reqtest-?' --exclude-comm '*-a,*b'
	load "$tmp/reqtest-b" -w spin 1 4
	start handlerlat -j --exclude-pid "$load" "$tmp/reqtest-a" work_spin
	go_on
	load_done
	"$tmp/reqtest-a" spin 1 3 >"$tmp/load"
	stop
	check filter-exclude-pid "$(said calls) $(said balanced)" "3 true"
fi

# --- "-- COMMAND"
if wanted command; then
	start handlerlat -j work_spin -- "$calls" spin 10 20
	await
	grep '"case"' "$tmp/out" >"$tmp/load"
	grep -v '"case"' "$tmp/out" >"$tmp/json" && mv "$tmp/json" "$tmp/out"
	agree command
	check command-status "$status" 0
fi
for sig in TERM KILL; do
	wanted "command-$sig" || continue
	start handlerlat -j work_hold -- "$calls" hold 600
	child=$(pgrep -P "$tool" -x calls)
	kill -$sig "$tool"
	wait "$tool" 2>/dev/null
	check_true "command-$sig" "the command outlived it" wait_for 20 sh -c "[ -n '$child' ] && ! kill -0 $child"
done
finish
