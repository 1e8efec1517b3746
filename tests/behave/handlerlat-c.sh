#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# handlerlat on C and C++: each call of each function is counted once, as what it was.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
c_workloads

# traced PROGRAM ARG...: the workload runs from start to end under handlerlat -p, which ends with it.
traced() {
	load "$1" -w "${@:2}"
	start handlerlat -j -p "$load" 'work_*' || return
	go_on
	load_done
	await
}
# simple CASE ARG...: a case of calls, of which nothing but the truth is asked.
simple() {
	wanted "$1" || return 0
	traced "$LOAD/calls" "${@:2}"
	agree "$1"
}
# alive ARG...: a case of calls whose process is still there when handlerlat looks for what did not return.
alive() {
	load "$LOAD/calls" -w -k "$@"
	start handlerlat -j -p "$load" 'work_*' || return
	go_on
	wait_for 60 grep -q '^{' "$tmp/load"
	stop
	kill "$load"
	wait "$load" 2>/dev/null
}
# together CASE ARG...: with a file of its own, so that children are seen too. Leaves the tool's output.
together() {
	cp "$LOAD/calls" "$tmp/calls"
	load "$tmp/calls" -w "$@"
	start handlerlat -j "$tmp/calls" 'work_*' || return
	go_on
	load_done
	stop
}

simple spin spin 100 23
simple sleep-50ms sleep 50 3 # above 33.5 ms, where funclatency's histogram ends
simple recurse recurse 40 5
simple threads threads 8 200
simple longjmp longjmp 501
simple signal signal 30
simple tail tail 50

if wanted recurse-100; then
	# The kernel keeps 64 pending return probes for a thread; it drops those beyond.
	traced "$LOAD/calls" recurse 100 3
	check recurse-100 "$(said calls) $(said returned) $(said depth_dropped) $(said running) $(said balanced)" \
		"300 192 108 0 true"
fi
if wanted recurse-64; then
	traced "$LOAD/calls" recurse 64 2
	agree recurse-64
	check recurse-64-dropped "$(said depth_dropped)" 0
fi
if wanted histogram; then
	load "$LOAD/calls" -w sleep 20 5
	start handlerlat -j -H -p "$load" work_sleep && go_on
	load_done
	await
	agree histogram
	check histogram-slots "$(jq -r 'select(.type == "total") | [.histogram[].count] | add' "$tmp/out")" 5
	check_true histogram-edges "a slot's edge is below 20 ms" jq -e -n \
		'[inputs | select(.type == "total").histogram[].le_ns] | min >= 20000000' "$tmp/out"
fi

if wanted longjmp-last; then
	# The last call left by longjmp: no later one shows it, only where the thread stands.
	alive longjmp 500
	agree longjmp-last
fi

# --- a thread, a process or its image ends or doubles inside a call
if wanted pthread-exit; then
	alive exit 5
	agree pthread-exit work_pthread_exit
fi
if wanted exit; then
	together exit 5
	agree exit work_exit
	check exit-rows "$(jq -r 'select(.type == "call" and .function == "work_exit") | "\(.function) \(.outcome)"' "$tmp/out" | sort | uniq -c |
		xargs)" "5 work_exit running"
fi
if wanted fork; then
	together fork 7
	agree fork
	# The child returns from a call that it never entered.
	check fork-missed "$(said missed)" "$(sed -n '/^{/p' "$tmp/load" | jq .child_returned)"
fi
if wanted fork-pid; then
	traced "$LOAD/calls" fork 7
	agree fork-pid
	check fork-pid-missed "$(said missed)" 0
fi
if wanted vfork; then
	together vfork 7
	agree vfork
fi
if wanted exec; then
	traced "$LOAD/calls" exec 4
	# The old image is gone: whether its calls still run or were unwound, nobody can say any more.
	check exec "$(said calls) $(said returned) $(($(said unwound) + $(said running))) $(said balanced)" "4 0 4 true"
fi
if wanted killed; then
	load "$LOAD/calls" -w hold 600 3
	start handlerlat -j -p "$load" work_hold && go_on
	wait_for 60 grep -q inside "$tmp/load"
	kill -KILL "$load"
	wait "$load" 2>/dev/null
	await
	check killed "$status $(said calls) $(said running) $(said unwound) $(said balanced)" "0 3 3 0 true"
fi
if wanted killed-command; then
	# The tool's own child: dead, but not yet reaped.
	start handlerlat -j work_hold -- "$LOAD/calls" hold 600 2
	wait_for 60 grep -q inside "$tmp/out"
	pkill -KILL -P "$tool" -x calls
	await
	sed -i '/^{/!d' "$tmp/out"
	check killed-command "$(said calls) $(said running) $(said unwound) $(said balanced)" "2 2 0 true"
fi

# hazard NAME PROGRAM ARG...: what return probes do not survive, because they hide a function's caller: the
# program may die of it (CAVEATS), but the account of what happened until then holds.
hazard() {
	wanted "$1" || return 0
	traced "${@:2}" 2>/dev/null
	check "$1" "$status $(said balanced)" "0 true"
}
hazard coroutines "$LOAD/calls" coro 20

# --- exits seen on the RETs: nothing on the stack is touched, and there is no limit of nesting
# ended_well NAME FUNCTION: as the truth, but that what was unwound last may still count as running.
ended_well() {
	check "$1" "$(total "$2" calls) $(total "$2" returned) $(($(total "$2" unwound) + $(total "$2" running)))" \
		"$(truth "$2" calls) $(truth "$2" returned) $(($(truth "$2" unwound) + $(truth "$2" running)))"
}
rets() {
	wanted "rets-$1" || return 0
	load "$LOAD/calls" -w "${@:3}"
	start handlerlat -j --exits=ret -p "$load" "$2" && go_on
	load_done
	await
	ended_well "rets-$1" "$2"
	check "rets-$1-target" "$load_status $(said depth_dropped) $(said balanced)" "0 0 true"
}
rets recurse work_recurse recurse 100 3
rets coroutines work_coro coro 20
rets longjmp work_longjmp longjmp 100
rets tail work_tail tail 40
rets signal work_signal signal 20
if wanted exceptions-through && [ -x "$LOAD/exceptions" ]; then
	load "$LOAD/exceptions" -w 200
	start handlerlat -j -p "$load" 'work_*' && go_on
	load_done
	await
	for f in work_throw work_through work_catch work_rethrow; do ended_well exceptions-through $f; done
	check exceptions-through-target "$load_status $(said balanced)" "0 true"
fi

# --- which code is the function
if wanted symbols; then
	load "$LOAD/symbols" -w 60
	start handlerlat -j -p "$load" 'work_*' && go_on
	load_done
	await
	got=$(jq -r 'select(.type == "total") | "\(.function) \(.calls) \(.returned)"' "$tmp/out" | sort | xargs)
	check symbols "$got" "work_alias 120 120 work_cold 60 60 work_const.constprop.0 60 60 work_ifunc_chosen 60 60 \
work_same 120 120 work_same 60 60"
fi
if wanted symbols-one-name; then
	load "$LOAD/symbols" -w 60
	start handlerlat -j -p "$load" work_same work_const && go_on
	load_done
	await
	check symbols-one-name "$(said calls) $(said returned)" "240 240"
fi
if wanted exceptions; then
	if [ ! -x "$LOAD/exceptions" ]; then
		skip exceptions "there was no C++ compiler"
	else
		# work_catch catches what is thrown below it: no exception passes through it.
		load "$LOAD/exceptions" -w 200
		start handlerlat -j -p "$load" work_catch && go_on
		load_done
		await
		agree exceptions work_catch
	fi
fi
if wanted library-pid; then
	load "$LOAD/library" -w 40
	start handlerlat -j -p "$load" libwork.so.1 work_library && go_on
	load_done
	await
	agree library-pid
fi
if wanted library-path; then
	cp "$LOAD/library" "$LOAD/libwork.so.1" "$tmp"
	load "$tmp/library" -w 40
	start handlerlat -j "$tmp/libwork.so.1" work_library && go_on
	load_done
	stop
	agree library-path
fi
if wanted library-soname; then
	# One that hardly anybody maps, found as the dynamic loader finds it.
	if ! command -v file >/dev/null; then
		skip library-soname "file, which calls magic_load once, is not installed"
	else
		start handlerlat -j --comm reqtest-file libmagic.so.1 magic_load
		ln -s "$(command -v file)" "$tmp/reqtest-file"
		for _ in 1 2 3; do "$tmp/reqtest-file" -b "$0" >"$tmp/load"; done
		file -b "$0" >/dev/null
		stop
		check library-soname "$(said calls) $(said returned) $(said balanced)" "3 3 true"
	fi
fi
finish
