#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httpsniff and what is said: where messages end, what is in them and what is odd about them, and what is no HTTP at
# all; with whole bodies, with bodies cut at different lengths, and with none.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/httpsniff-lib.sh
. "$top/tests/httpsniff-lib.sh"

native=
[ -n "${IN_GUEST:-}" ] || native=yes

contents() {
	run get -n 5 get
	run post --size 20000 post
	run download --size 200000 download
	run echo --size 70000 echo
	run late -n 2 late
	run pipeline pipeline
	run pipeline-100 -n 100 pipeline
	run pipeline-half pipeline-half
	run methods methods
	run words -n 3 words
	run statuses statuses
	run secrets secrets
	run heads heads
	run sizes sizes
	run chunked chunked
	run chunked-large -n 2 --size 300000 chunked
	run head head
	run nobody nobody
	run 100-continue continue
	run hints hints
	run http10 http10
	run until-close --size 100000 until-close
	run upgrade upgrade
	run h2c h2c
	run connect connect
	run early early
	run splits splits
	run cut cut
	run odd odd
	run codings codings
	run texts texts
	run strange strange
	run http2 http2
	run halfclose halfclose
	run reset reset
	run reset-server reset-server
}

# Several of them at once, each with other limits, look at the same messages. In guests, where starts take long, each
# backend looks once: what the user half does with bodies is the same everywhere.
variants="body0- body100- body64K-"
ports 60
with="kprobe ${native:+tracepoint}" tools_start content -p "$low-$high" --max-body all
with="fentry tracepoint" tools_start body0 -p "$low-$high" --max-body 0
if [ -n "$native" ]; then
	with=tracepoint tools_start body100 -p "$low-$high" --max-body 100 --max-header 4096
	with=tracepoint tools_start body64K -p "$low-$high" --max-header 200000
fi
tools_ready
contents
tools_stop
judge content ""
judge body0 body0- --max-body 0
if [ -n "$native" ]; then
	judge body100 body100- --max-body 100 --max-header 4096 --whole "$tmp/content.BACKEND.out"
	judge body64K body64K- --max-body 65536 --max-header 200000 --whole "$tmp/content.BACKEND.out"
fi
finish
