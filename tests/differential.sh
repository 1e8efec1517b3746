#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/differential.sh
#
# Some 1,300 conversations, those of every edge of HTTP/1's framing among them, through httpsniff --replay, h11 and
# tshark: they read the same, or differential/explained.py says why not. What libhttp-parser makes of the parser's
# own callbacks is tests/unit/http1_oracle.c.
. "$(dirname "$0")/lib.sh"
[ -x "$BIN/httpsniff" ] || bench_broken "no $BIN/httpsniff: run make"
# Debian's python3-h11 is not seen by another Python that comes first in the path.
for python in python3 /usr/bin/python3; do
	"$python" -c 'import h11' 2>"$tmp/err" && break
	python=
done
[ -n "$python" ] && [ -n "$(command -v tshark)" ] || bench_broken "no python3-h11 or no tshark: run scripts/deps test"
export PYTHONDONTWRITEBYTECODE=1
sources=$top/tests/differential

"${CC:-gcc}" -std=gnu17 -D_GNU_SOURCE -I"$top/bpf" -I"$top/common" "$sources/rec.c" \
	"$top"/common/{record,log,escape}.c -o "$tmp/rec" 2>"$tmp/err" || bench_broken "$(cat "$tmp/err")"
"$python" "$sources/compare.py" steps >"$tmp/steps" && "$tmp/rec" "$tmp" <"$tmp/steps" || bench_broken "no recording"
env -i "$BIN/httpsniff" --config /dev/null --replay "$tmp/httpsniff-conversations.rec" -j --no-redact --max-body all \
	>"$tmp/out.json" 2>"$tmp/err"
status=$?
check replay "$status $(jq -r 'select(.type == "summary") | "\(.balanced) \(.messages > 6000)"' "$tmp/out.json")" \
	"0 true true"
env -i PATH="$PATH" HOME="$tmp" PYTHONDONTWRITEBYTECODE=1 "$python" "$sources/compare.py" verdicts "$tmp" \
	>"$tmp/verdicts" 2>"$tmp/err" || not_ok compare "$(tail -n 1 "$tmp/err")"
for case in pieces h11 tshark reasons; do
	why=$(sed -n "s/^$case not: //p" "$tmp/verdicts")
	if grep -qx "$case ok" "$tmp/verdicts"; then ok $case; else not_ok $case "${why:-not said}"; fi
done
grep '^#' "$tmp/verdicts"
finish
