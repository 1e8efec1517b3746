#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: sudo tests/golden/make.sh SERVER CALLS, or tests/golden/make.sh
#
# Makes the recordings of tests/golden/rec anew: the records' layout is part of their format, so that a
# change of bpf/handlerlat.h, bpf/tcplat.h or bpf/capture.h needs it. With no arguments it makes those
# alone that are made up, which all of tcplat's, httpsniff's and httptrace's are. SERVER is tests/load/go/server, built
# with Go 1.22 or newer; CALLS is tests/load/calls. Then look at what run.sh --accept writes before you
# commit it.
set -eu
[ $# = 2 ] || [ $# = 0 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
[ $# = 0 ] || { server=$(realpath "$1") calls=$(realpath "$2"); }
cd "$(dirname "$0")/../.."
O=$(realpath "${O:-.output}")
rec=$PWD/tests/golden/rec
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for synth in synth tcplat-synth httpsniff-synth httpsniff-select-synth httptrace-synth; do
	"${CC:-gcc}" -std=gnu17 -D_GNU_SOURCE -Ibpf -Icommon tests/golden/$synth.c common/record.c common/log.c \
		common/escape.c -o "$tmp/$synth"
	"$tmp/$synth" "$rec"
done
[ $# != 0 ] || { ls -l "$rec"; exit 0; }
# Recordings hold file names: short ones that are the same on each machine.
cp "$server" "$tmp/server"
cp "$calls" "$tmp/calls"
cd "$tmp"
unset "${!HANDLERLAT_@}"

# get PATH...: one request each, one after another
get() {
	for p in "$@"; do curl -s -o "$tmp/body" --path-as-is "http://127.0.0.1:$port$p" || true; done
}
# serve NAME ARG...: starts the server, traced and recorded; its port is $port
serve() {
	name=$1
	rm -f "$tmp/out"
	: >"$tmp/out"
	shift
	"$O/bin/handlerlat" --record "$rec/$name" "$@" -- ./server -port 0 -d 30 >"$tmp/out" 2>"$tmp/err" &
	tool=$!
	until grep -q '^listening' "$tmp/out"; do kill -0 $tool; sleep 0.05; done
	port=$(sed -n 's/^listening //p' "$tmp/out")
}
stop() {
	kill -INT $tool
	wait $tool || { cat "$tmp/err" >&2; exit 1; }
}

long=/long
for i in $(seq 30); do long=$long/segment; done
serve http.rec
get / /healthz '/slow?ms=20' /users/17/orders/9 /nope "$long" '/a%0ab%1b%5b31mred%ff%22' /panic /abort /api/list
curl -s -o "$tmp/body" -d hello "http://127.0.0.1:$port/echo"
curl -s -o "$tmp/body" "http://127.0.0.1:$port/slow?ms=9000" &
sleep 0.5
stop

serve tables.rec -i 1
sleep 0.3
for i in 1 2 3 4 5 6 7 8; do get /healthz /users/$i/orders/$i; done
get '/slow?ms=30' /panic
sleep 1
get /healthz
stop

serve histogram.rec -H main.handleRequest 'main.(*API).list'
for i in 1 2 3 4 5 6 7 8; do get /healthz; done
get '/slow?ms=3' '/slow?ms=30' /api/list
stop

serve both.rec -i 1 -s 10
get /healthz '/slow?ms=20'
sleep 1
get '/slow?ms=40'
stop

"$O/bin/handlerlat" --record "$rec/calls.rec" 'work_*' -- ./calls recurse 70 1 >"$tmp/out" 2>&1
"$O/bin/handlerlat" --record "$rec/unwound.rec" 'work_*' -- ./calls longjmp 6 >"$tmp/out" 2>&1
ls -l "$rec"
