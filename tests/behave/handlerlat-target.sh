#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# handlerlat's targets: files that are gone, elsewhere or oddly named are found all the same, and what cannot be
# traced is refused with a sentence that helps.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
c_workloads
calls=$LOAD/calls

# refused NAME STATUS TEXT ARG...: these arguments end with that status and that in the error.
refused() {
	wanted "$1" || return 0
	: >"$tmp/out"
	timeout 60 "$BIN/handlerlat" "${@:4}" >"$tmp/out" 2>"$tmp/err"
	status=$?
	check "$1" "$status $(contains "$tmp/err" "$3" && echo "says so") $(wc -c <"$tmp/out")" "$2 says so 0"
}

"$LOAD/calls" hold 600 >/dev/null 2>&1 &
held=$!
pids="$pids $held"
refused not-found 1 'did you mean work_recurse?' "$calls" work_recurs
refused not-found-pid 1 'did you mean work_recurse?' -p $held work_recurs
refused in-a-library 1 'in its library libc.so.6' -p $held nanosleep
refused no-known-entry 1 'name a function' -p $held
refused no-file 1 'no such file: /nonexistent/x' /nonexistent/x main
refused no-program 1 'no program reqtest-none in PATH' reqtest-none main
refused no-library 1 'libreqtest.so.9' libreqtest.so.9 main
refused no-mapped-library 1 'has no library libreqtest.so.9 mapped' -p $held libreqtest.so.9 main
refused directory 1 'is a directory' / main
refused script 1 'is a script run by /bin/bash' "$0" main
refused stripped 1 'has no symbols: install its debug symbols' "$LOAD/symbols-stripped" work_cold
refused indirect 1 'indirect function' "$LOAD/symbols" work_ifunc
refused no-pid 1 'no such process: 4194300' -p 4194300 main
refused kernel-thread 1 'is a kernel thread' -p 2 main
refused no-cgroup 1 '/nonexistent' --cgroup /nonexistent "$calls" work_spin
refused no-recording 1 'is not a recording' --replay "$0"
refused no-command 1 'reqtest-none' work_spin -- reqtest-none
refused option-unknown 2 "unknown option '--nosuch'" --nosuch
refused option-junk 2 "bad value '5x'" -d 5x
refused option-range 2 "--max-running" --max-running 63
refused option-backend 2 'uprobe_multi' --backend magic
refused option-percent 2 '--max-overhead' --max-overhead 0
refused option-pid 2 '--pid' -p 12a
refused option-conflict 2 'exclude each other' -p $held work_spin -- true
refused replay-target 2 '--replay takes no target' --replay x y
export HANDLERLAT_DURATION=soon
refused environment 2 'HANDLERLAT_DURATION' "$calls" work_spin
unset HANDLERLAT_DURATION
printf 'slower = many\n' >"$tmp/conf"
refused config 2 "$tmp/conf:1" --config "$tmp/conf" "$calls" work_spin

# Files that are not what they seem.
cp "$calls" "$tmp/32bit"
printf '\001' | dd of="$tmp/32bit" bs=1 seek=4 conv=notrunc 2>/dev/null
refused 32-bit 1 '32-bit' "$tmp/32bit" main
cp "$calls" "$tmp/packed"
printf 'UPX!' | dd of="$tmp/packed" bs=1 seek=1000 conv=notrunc 2>/dev/null
refused packed 1 'is packed' "$tmp/packed" main
head -c 3000 "$calls" >"$tmp/truncated"
refused truncated 1 "$tmp/truncated" "$tmp/truncated" work_spin
: >"$tmp/empty"
refused empty 1 'is an empty file' "$tmp/empty" main
printf 'main() {}\n' >"$tmp/text"
refused text 1 'no ELF file' "$tmp/text" main
if wanted zombie; then
	sh -c 'sleep 0 & echo $!; exec sleep 600' >"$tmp/zombie" &
	parent=$!
	pids="$pids $parent"
	wait_for 20 sh -c "grep -q 'State:.Z' /proc/\$(cat '$tmp/zombie')/status"
	refused zombie 1 'zombie' -p "$(cat "$tmp/zombie")" main
	kill $parent
fi
kill $held
wait $held 2>/dev/null

# traced NAME PATTERN FILE [ARG...]: runs a workload with -w; moves FILE out of the way if $remove is set.
remove=
traced() {
	wanted "$1" || return 0
	load "${@:3}"
	[ -z "$remove" ] || eval "$remove"
	start handlerlat -j -p "$(sed -n 's/^pid //p' "$tmp/load")" "$2" && go_on
	load_done
	await
	agree "$1"
}
cp "$calls" "$tmp/gone"
remove='rm "$tmp/gone"'
traced deleted work_spin "$tmp/gone" -w spin 10 20
cp "$calls" "$tmp/gone"
remove='mv "$tmp/other" "$tmp/gone"'
cp "$LOAD/symbols" "$tmp/other"
traced replaced work_spin "$tmp/gone" -w spin 10 20
remove=
mkdir "$tmp/a b  c"
cp "$calls" "$tmp/a b  c/d \"e\" é"
traced blanks work_spin "$tmp/a b  c/d \"e\" é" -w spin 10 20
ln -s "$calls" "$tmp/link"
traced symlink work_spin "$tmp/link" -w spin 10 20
if wanted symlink-file; then
	load "$calls" -w spin 10 20
	start handlerlat -j -P "$load" "$tmp/link" work_spin
	stop
	start handlerlat -j --comm calls "$tmp/link" work_spin && go_on
	load_done
	stop
	agree symlink-file
fi
if wanted long-path; then
	deep=$tmp
	(cd "$tmp" && for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		d=$(printf "%0250d" $i)
		mkdir "$d" && cd "$d" || exit
	done && cp "$calls" calls)
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do deep=$deep/$(printf "%0250d" $i); done
	traced long-path work_spin "$deep/calls" -w spin 10 20
fi
# Another mount namespace, in which the file is where nobody else sees it.
traced mount-namespace work_spin unshare -m sh -c "mount -t tmpfs none '$tmp/a b  c' && cp '$calls' '$tmp/a b  c/x' && exec '$tmp/a b  c/x' -w spin 10 20"
go=$(find "$GO" -name recurse 2>/dev/null | grep -v 1.15 | sort -V | tail -n 1)
if [ -n "$go" ]; then
	mkdir "$tmp/root"
	cp "$go" "$tmp/root/recurse"
	traced chroot main.recurse unshare -m chroot "$tmp/root" /recurse -w -goroutines 40 -depth 20
	if wanted pid-namespace; then
		load unshare -p -f "$go" -w -goroutines 40 -depth 20
		start handlerlat -j -p "$(pgrep -P "$load")" main.recurse && go_on
		load_done
		await
		agree pid-namespace
	fi
else
	skip chroot "no Go workload"
	skip pid-namespace "no Go workload"
fi
if wanted thread-id; then
	load "$calls" -w hold 1 3
	start handlerlat -j -p "$load" work_hold && go_on
	wait_for 60 grep -q inside "$tmp/load"
	thread=$(find "/proc/$load/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$load" | head -n 1)
	"$BIN/handlerlat" --list -p "$thread" work_hold >"$tmp/list" 2>"$tmp/warning"
	check thread-id "$? $(grep -c work_hold "$tmp/list") $(grep -c "is a thread of process $load" "$tmp/warning")" "0 1 1"
	load_done
	await
	agree thread-id-process
fi
if wanted exec-into; then
	# The file is probed before the process runs it.
	cp "$calls" "$tmp/later"
	start handlerlat -j "$tmp/later" work_spin
	sh -c "exec '$tmp/later' spin 10 20" >"$tmp/load"
	stop
	agree exec-into
	check_true exec-into-waiting "it did not say that it waits" contains "$tmp/err" "no process runs $tmp/later yet"
fi
if wanted exec-away; then
	# A shell that becomes something else in the midst: the probes of the old program see nothing more.
	cp "$calls" "$tmp/before"
	start handlerlat -j "$tmp/before" 'work_*'
	"$tmp/before" exec 2 >"$tmp/load"
	stop
	check exec-away "$(said calls) $(said returned) $(said balanced)" "2 0 true"
fi
if wanted several-files; then
	cp "$calls" "$tmp/one"
	load "$tmp/one" -w spin 10 20
	"$calls" hold 60 >/dev/null &
	other=$!
	pids="$pids $other"
	start handlerlat -j -p "$load,$other" work_spin && go_on
	load_done
	kill $other
	await
	agree several-files
fi
if wanted list; then
	"$BIN/handlerlat" --list -j "$calls" 'work_s*' >"$tmp/out" 2>"$tmp/err"
	check list "$? $(jq -r .name "$tmp/out" | sort | xargs)" "0 work_signal work_sleep work_spin"
	# It needs no privilege: it only reads.
	chmod 755 "$tmp"
	cp "$BIN/handlerlat" "$calls" "$tmp"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/handlerlat" --list "$tmp/calls" work_spin >"$tmp/out" 2>"$tmp/err"
	check list-unprivileged "$? $(grep -c work_spin "$tmp/out")" "0 1"
fi
finish
