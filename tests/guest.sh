#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/guest.sh [FILE...]
#
# Inside a guest: every behaviour test, or these of them (FILE is a path, or one with cases of it:
# "tests/behave/tcplat-turns.sh rr epoll"), each followed by "== FILE STATUS SECONDS" for tests/run.sh.
# An emulated arm64 processor is slow, so there ARM64 is the default: some minutes of all of them, of
# which most is for what differs between processors. httptrace waits 100 ms for the other end, which
# many threads on such a processor can miss.
cd "$(dirname "$0")/.." || exit 99
ARM64=(
	"tests/golden/run.sh"
	"tests/behave/handlerlat-c.sh"
	"tests/behave/handlerlat-go.sh recurse-go1.* recurse-deep panics-* shapes-go1.* generic-* cgocb-* c-in-go"
	"tests/behave/handlerlat-http.sh requests-* routes-*"
	"tests/behave/tcplat-turns.sh rr epoll pipeline sendfile splice-* *-uring*"
	"tests/behave/httpsniff-calls.sh *-send-* *-recv-* *-calls *-threads *-unix"
	"tests/behave/httptrace-calls.sh !(*-threads|*-idle)"
)
bad=0
export IN_GUEST=1
[ $# != 0 ] || [ "$(uname -m)" != aarch64 ] || set -- "${ARM64[@]}"
[ $# != 0 ] || set -- tests/behave/*.sh
for t; do
	t0=$SECONDS
	set -f # cases are globs
	# shellcheck disable=SC2086
	timeout -k 10 900 $t </dev/null 2>&1
	rc=$?
	name=$(echo "${t%%.sh*}" | sed 's,^tests/\(behave/\)*,,; s,/,-,g')
	echo "== $name $rc $((SECONDS - t0))"
	[ $rc = 0 ] || [ $rc = 77 ] || bad=1
done
exit $bad
