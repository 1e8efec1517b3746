#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/golden/run.sh [--accept] [CASE...]
#
# Replays recordings and compares all that is printed, byte for byte, with tests/golden/expect/CASE.
# --accept writes what is printed there instead: look at the difference before you commit it.
accept=
[ "${1:-}" != --accept ] || { accept=1; shift; }
. "$(dirname "$0")/../lib.sh"
here=$top/tests/golden
tools=$(sed -n 's/^TOOLS := //p' "$top/Makefile")
for tool in $tools; do
	[ -x "$BIN/$tool" ] || bench_broken "no $BIN/$tool: run make"
done
cp "$here"/rec/*.rec "$tmp/" || exit 99
cd "$tmp" || exit 99

# u32 N...: little-endian
u32() { for n; do printf "\\x$(printf %02x $((n & 255)))\\x$(printf %02x $((n >> 8 & 255)))\\x$(printf %02x $((n >> 16 & 255)))\\x$(printf %02x $((n >> 24 & 255)))"; done; }
# head_of TOOL FORMAT: the 40 bytes that a recording begins with
head_of() {
	printf 'reqtrec\n%s' "$1"
	head -c $((16 - ${#1})) /dev/zero
	u32 "$2" 0 0 0
}
head -c 20 http.rec >cut-header
head -c 1000 http.rec >cut-record
head -c 44 http.rec >cut-in-head
{ head_of tcplat 1; tail -c +41 http.rec; } >wrong-tool
{ head_of handlerlat 999; tail -c +41 http.rec; } >wrong-format
{ head_of handlerlat 2; u32 77 8 0 0; } >bad-type
{ head_of handlerlat 2; u32 1 8 1 0; } >bad-size
{ head_of handlerlat 2; u32 1 2000000; head -c 2000000 /dev/zero; } >too-long
# struct hl_call has its outcome at byte 56
{ head_of handlerlat 2; u32 1 64 1 1; head -c 48 /dev/zero; u32 3 0; } >bad-outcome
echo 'TIME PID' >text
: >empty
{ head_of tcplat 999; tail -c +41 tcplat-idle.rec; } >tcplat-wrong-format
head -c 70000 tcplat-mixed.rec >tcplat-cut-record
{ head_of http 999; tail -c +41 httpsniff-idle.rec; } >httpsniff-wrong-format
head -c 5000 httpsniff-mixed.rec >httpsniff-cut-record
head -c 5000 httptrace-mixed.rec >httptrace-cut-record

# tool_of CASE: whose recording it replays
tool_of() {
	case $1 in
	tcplat-* | httpsniff-* | httptrace-*) echo "${1%%-*}" ;;
	*) echo handlerlat ;;
	esac
}
one() {
	local name=$1 tool
	tool=$(tool_of "$1")
	[[ " $tools " = *" $tool "* ]] || { skip "$name" "$tool is not built yet"; return; }
	shift
	env -i TZ=UTC "$BIN/$tool" --config /dev/null --replay "$@" >out 2>err
	status=$?
	{ cat out; echo "--- stderr"; cat err; echo "--- status $status"; } >got
	if [ -n "$accept" ]; then
		cp got "$here/expect/$name"
	elif [ ! -f "$here/expect/$name" ]; then
		not_ok "$name" "no tests/golden/expect/$name: make it with --accept"
	elif cmp -s got "$here/expect/$name"; then
		ok "$name"
	else
		diff -u "$here/expect/$name" got | head -n 40 | sed 's/^/# /'
		not_ok "$name" "differs from tests/golden/expect/$name"
	fi
}

while read -r name args; do
	case $name in '' | '#'*) continue ;; esac
	# shellcheck disable=SC2086
	wanted "$name" && one "$name" $args
done <"$here/cases"
# A reader that goes away, before the first byte or after a line, ends a replay quietly.
early() {
	local i wrong=
	for i in 1 2 3 4 5; do
		env -i "$BIN/$tool" --config /dev/null --replay "$@" 2>>err | $reader >>out
		[ "${PIPESTATUS[0]}" = 0 ] || wrong=$i
	done
	[ -z "$wrong" ] && ! grep -vE ' (calls|rows|probes cost|connections|turns|hooks took|messages|bytes|requests|answered|parents:) ' err
}
gone() {
	wanted "reader-gone ($tool, $reader)" && [ -z "$accept" ] || return
	: >out >err
	check_true "reader-gone ($tool, $reader)" "not status 0, or more than the account on stderr" early "$1"
	check_true "reader-gone ($tool, $reader), JSON" "not status 0, or more than the account on stderr" early "$1" -j
}
for reader in true "head -n 1"; do
	for tool in $tools; do
		case $tool in
		handlerlat) gone http.rec ;;
		tcplat) gone tcplat-mixed.rec ;;
		httpsniff) gone httpsniff-mixed.rec ;;
		httptrace) gone httptrace-mixed.rec ;;
		esac
	done
done
# A file gets tcplat's report alone, and stdout all that it would get without.
report_file() {
	local run=("$BIN/tcplat" --config /dev/null --replay tcplat-mixed.rec)
	env -i "${run[@]}" -j 2>err | grep '"type":"report"' >want
	env -i "${run[@]}" >text 2>>err
	env -i "${run[@]}" -o report.json >out 2>>err
	cmp out text && cmp report.json want
}
if [[ " $tools " = *" tcplat "* ]] && wanted tcplat-report-file && [ -z "$accept" ]; then
	check_true tcplat-report-file "the file is not the report of -j, or stdout differs" report_file
fi
if [ -z "$only" ] && [ -z "$accept" ]; then
	check "every expectation has a case" "$(ls "$here/expect")" "$(sed -n 's/^\([a-z][^ ]*\) .*/\1/p' "$here/cases" | sort)"
	check "every recording is replayed" "$(ls "$here/rec")" "$(grep -o '[a-z-]*\.rec' "$here/cases" | sort -u)"
fi
[ -z "$accept" ] || { git -C "$top" status --short tests/golden; exit 0; }
finish
