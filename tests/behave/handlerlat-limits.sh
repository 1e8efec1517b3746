#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# handlerlat within limits: of privileges, of its maps and buffers, of what it may cost.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
calls=$LOAD/calls
n=20000
[ -z "${IN_GUEST:-}" ] || n=3000
chmod 711 "$tmp"

# --- privileges: what it has when it runs
# key KEY: of the tool's status
key() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$tool/status" | tr '\t' ' '; }
if wanted dropped; then
	load "$calls" -w spin 10 20
	start handlerlat -j -p "$load" work_spin
	# CAP_BPF alone, which reading maps needs where unprivileged bpf() is off.
	check dropped "$(key Uid) $(key Gid) $(key Groups) $(key NoNewPrivs) $(key Seccomp)" \
		"65534 65534 65534 65534 65534 65534 65534 65534  1 2"
	check dropped-caps "$(key CapInh) $(key CapPrm) $(key CapEff) $(key CapBnd) $(key CapAmb)" \
		"0000000000000000 0000008000000000 0000008000000000 0000000000000000 0000000000000000"
	go_on
	load_done
	await
	agree dropped-works
fi
if wanted stay-root; then
	load "$calls" -w spin 10 20
	start handlerlat -j --stay-root -p "$load" work_spin
	check stay-root "$(key Uid) $(key Seccomp)" "0 0 0 0 0"
	go_on
	load_done
	await
	agree stay-root-works
fi
cp "$BIN/handlerlat" "$tmp/handlerlat"
chmod 755 "$tmp/handlerlat"
if wanted unprivileged; then
	setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/handlerlat" -p $$ work_spin >"$tmp/out" 2>"$tmp/err"
	check unprivileged "$? $(grep -c 'missing CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE; run as root' "$tmp/err")" "1 1"
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +bpf,+sys_ptrace --ambient-caps +bpf,+sys_ptrace \
		"$tmp/handlerlat" -p $$ work_spin >"$tmp/out" 2>"$tmp/err"
	check unprivileged-one "$? $(grep -c 'missing CAP_PERFMON; run as root' "$tmp/err")" "1 1"
fi
# with CAP[,CAP...]: not root, but with these.
with() {
	load "$calls" -w spin 10 20
	: >"$tmp/out"
	: >"$tmp/err"
	(ulimit -l unlimited; exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$1" --ambient-caps "$1" \
		"$tmp/handlerlat" -j -p "$load" work_spin) >"$tmp/out" 2>"$tmp/err" &
	tool=$!
	wait_for 60 sh -c "grep -q 'ready (' '$tmp/err' || ! kill -0 $tool"
	go_on
	load_done
	await
}
if wanted capabilities; then
	with +bpf,+perfmon,+sys_ptrace
	if [ $status != 0 ] && contains "$tmp/err" 'CAP_SYS_ADMIN'; then
		# Perf events want more here, and it says so.
		with +bpf,+perfmon,+sys_ptrace,+sys_admin
	fi
	agree capabilities
fi

# --- limits of memory: what does not fit is counted
if wanted running-full; then
	go=$(find "$GO" -path '*go1.1[79]*' -name recurse 2>/dev/null | head -n 1)
	if [ -z "$go" ]; then
		skip running-full "no Go workload"
	else
		REQLOAD_STAY=1 load "$go" -w -goroutines 1000 -depth 3 -parallel 1000
		start handlerlat -j --max-running 64 -p "$load" main.recurse
		go_on
		wait_for 120 grep -q '^{' "$tmp/load"
		stop
		kill "$load"
		# An exit whose entry found no room was seen all the same.
		check running-full "$(said calls) $(($(said returned) + $(said untracked))) $(said unwound) $(said running) $(($(said untracked) - $(said missed))) $(said balanced)" \
			"$(truth main.recurse calls) $(truth main.recurse calls) 0 0 0 true"
		check_true running-full-some "the map was never full" [ "$(said untracked)" -gt 0 ]
	fi
fi
if wanted running-full-c; then
	load "$calls" -w hold 1 200
	start handlerlat -j --max-running 64 -p "$load" work_hold
	go_on
	load_done
	await
	# The kernel's map holds a few more than asked for, one or so for each processor.
	check running-full-c "$(said calls) $(($(said returned) + $(said untracked))) $(($(said untracked) - $(said missed))) $(said balanced)" "200 200 0 true"
	check_true running-full-c-some "returned $(said returned)" [ "$(said returned)" -ge 64 -a "$(said returned)" -lt 190 ]
fi
if wanted running-ended; then
	# 80 calls whose threads or processes end inside them fill 80 of 128 places for good; those of
	# processes that are gone make room within some seconds.
	start handlerlat -j --max-running 64 "$calls" work_pthread_exit work_exit
	"$calls" exit 40 >"$tmp/load"
	sleep 6
	"$calls" exit 40 >"$tmp/load"
	stop
	check running-ended "$(said calls) $(said untracked) $(($(said unwound) + $(said running))) $(said balanced)" \
		"160 0 160 true"
fi
if wanted running-swept; then
	# The same of threads whose process lives on: unwound, each with its row.
	start handlerlat -j --max-running 64 "$calls" work_pthread_exit
	"$calls" -k exit 80 >"$tmp/load" &
	pids="$pids $!"
	kept=$!
	sleep 7
	stop
	kill $kept
	check running-swept "$status $(said calls) $(said unwound) $(said rows) $(said balanced)" "0 80 80 80 true"
fi
if wanted ring-full; then
	load "$calls" -w spin 0 $n
	start handlerlat -j --ring-size 64 -p "$load" work_spin
	kill -STOP "$tool"
	go_on
	load_done
	kill -CONT "$tool"
	await
	rows=$(grep -c '"type":"call"' "$tmp/out")
	check ring-full "$(said calls) $(said returned) $((rows + $(said ring_full))) $(said balanced)" "$n $n $n true"
	# 64 KiB hold no more than 910 records of 64 bytes with headers of 8.
	check_true ring-full-some "$rows rows" [ "$rows" -gt 100 -a "$rows" -le 910 ]
	# Counted all the same: what was not shown is in the total.
	check ring-full-total "$(total work_spin returned)" $n
fi
if wanted ring-full-not; then
	# In the kernel's histogram nothing gets lost.
	load "$calls" -w spin 0 $n
	start handlerlat -j -H --ring-size 64 -p "$load" work_spin
	kill -STOP "$tool"
	go_on
	load_done
	kill -CONT "$tool"
	await
	check ring-full-not "$(said calls) $(said ring_full) $(jq '[select(.type == "total").histogram[].count] | add' <(grep '"total"' "$tmp/out"))" "$n 0 $n"
fi

# --- the cost
if wanted overhead; then
	bare=$("$LOAD/rate" 0 1 | jq .calls)
	load "$LOAD/rate" -w 0 4
	start handlerlat -j -H --max-overhead 2 -p "$load" work_tick
	go_on
	load_done
	await
	sed -i '/^pid/d' "$tmp/load"
	made=$(jq .calls "$tmp/load")
	check overhead "$status $(said balanced) $(grep -c 'tracing .*% of the time from now on' "$tmp/err")" "0 true 1"
	check_true overhead-off "it traced all the time" \
		jq -e -n '[inputs] | (map(select(.type == "summary"))[0].traced_s) < (map(select(.type == "total"))[0].seconds * 0.75)' "$tmp/out"
	check_true overhead-part "it saw $(said calls) of $made calls" [ "$(said calls)" -gt 0 -a "$(said calls)" -lt "$made" ]
	# Free of probes for most of the time, it makes most of its calls.
	[ -n "${IN_GUEST:-}" ] || check_true overhead-speed "$made calls in 4 s, $bare in one without probes" [ "$made" -gt "$bare" ]
fi
if wanted overhead-server; then
	go_versions
	if go_program overhead-server "$newest/server"; then
		"$GO/$newest/server" >"$tmp/load" 2>&1 </dev/null &
		load=$!
		pids="$pids $load"
		wait_for 60 grep -q '^listening ' "$tmp/load"
		start handlerlat -j -H --max-overhead 0.01 -p "$load"
		# Requests are under way when the probes come off: they are cut, not lost.
		"$LOAD/traffic" -r 0 -d 4 -c 8 "127.0.0.1:$(sed -n 's/^listening //p' "$tmp/load")" '/slow?ms=300=1' /healthz=1 >"$tmp/traffic"
		stop
		kill -TERM "$load"
		wait "$load"
		check overhead-server "$status $(said balanced) $(jq '.failed + .wrong' "$tmp/traffic")" "0 true 0"
		check_true overhead-server-cut "none was under way: cut $(said cut)" [ "$(said cut)" -gt 0 ]
		check_true overhead-server-part "it saw all" [ "$(said calls)" -lt "$(jq .answered "$tmp/traffic")" ]
	fi
fi
# Times under emulation say nothing about a machine.
if wanted cost && [ -z "${IN_GUEST:-}" ]; then
	# What it says that a probed call costs, against what a program that is probed loses by it.
	go_versions
	if go_program cost "$newest/bench"; then
		bare=$("$GO/$newest/bench" -n 300000 -loop 60 | jq .ns_per_call)
		load "$GO/$newest/bench" -w -n 30000 -loop 60
		start handlerlat -j -H -p "$load" main.work
		go_on
		load_done
		await
		lost=$(grep '^{' "$tmp/load" | jq ".ns_per_call - $bare")
		check_true cost "it says $(said entry_cost_ns) + $(said exit_cost_ns) ns; the program lost $lost" \
			jq -n -e "($(said entry_cost_ns) + $(said exit_cost_ns)) / $lost | . > 0.5 and . < 2"
		check cost-calls "$(said calls) $(said returned)" "30000 30000"
	fi
fi
finish
