#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/golden/tcplat-diff.sh [--accept] [CASE...]
#
# tcplat --diff of tests/golden/reports/before.json and after.json, byte for byte, and of reports that
# are damaged in one way each: jq makes them from the good ones.
accept=
[ "${1:-}" != --accept ] || { accept=1; shift; }
. "$(dirname "$0")/../lib.sh"
reports=$top/tests/golden/reports
[ -x "$BIN/tcplat" ] || bench_broken "no $BIN/tcplat: run make"
cp "$reports"/*.json "$tmp/" || exit 99
cd "$tmp" || exit 99

# diff_of ARG...: stdout to out, stderr to err, exit status to $status
diff_of() {
	env -i "$BIN/tcplat" --config /dev/null --diff "$@" >out 2>err
	status=$?
}

# same_as NAME FILE ARG...: prints what tests/golden/reports/FILE holds
same_as() {
	local name=$1 want=$reports/$2
	shift 2
	wanted "$name" || return
	diff_of "$@"
	if [ -n "$accept" ]; then
		cp out "$want"
	elif [ "$status" = 0 ] && [ ! -s err ] && cmp -s out "$want"; then
		ok "$name"
	else
		diff -u "$want" out | head -n 40 | sed 's/^/# /'
		not_ok "$name" "status $status, or differs from $want"
	fi
}
same_as tcplat-diff-text diff.txt before.json after.json
same_as tcplat-diff-json diff.jsonl -j before.json after.json
[ -z "$accept" ] || { git -C "$top" status --short tests/golden; exit 0; }
same_as tcplat-diff-stdin-a diff.txt - after.json <before.json
same_as tcplat-diff-stdin-b diff.txt before.json - <after.json

# The objects are JSON by another's judgement, and one per metric.
objects() {
	diff_of -j before.json after.json
	python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <out &&
		[ "$(jq -r .metric out)" = "$(jq -r '(.metrics | keys_unsorted[]), "split"' before.json)" ] &&
		[ "$(jq -r .type out | sort -u)" = diff ]
}
wanted tcplat-diff-objects && check_true tcplat-diff-objects "not an object per metric" objects

# Nothing differs from itself, in whichever order; what is slower one way is faster the other.
itself() {
	diff_of -j "$1.json" "$1.json"
	jq -e -s 'all(.[]; all(.change_percent[]; . == 0 or . == null)
		and all(.verdict // {} | .[]; . == "same" or . == null)
		and (.distribution | . == null or (.verdict | IN("no evidence", "too few"))))' out
}
backwards() {
	diff_of -j after.json before.json
	[ "$(jq -c .verdict out | sed 's/slower/FASTER/g; s/faster/slower/g; s/FASTER/faster/g')" = \
		"$(jq -c .verdict "$reports/diff.jsonl")" ]
}
for r in before after; do
	wanted "tcplat-diff-itself-$r" && check_true "tcplat-diff-itself-$r" "finds a difference" itself $r
done
wanted tcplat-diff-backwards && check_true tcplat-diff-backwards "other verdicts" backwards

# The percentiles that it takes from the buckets are those that the report states.
percentiles() {
	diff_of -j before.json after.json
	jq -s -r '.[] | select(.metric != "split") | "\(.metric) \(.a.p50_us) \(.b.p90_us) \(.b.p99_us)"' out >got
	jq -n -r --slurpfile a before.json --slurpfile b after.json '$a[0].metrics | keys_unsorted[] |
		"\(.) \($a[0].metrics[.].percentiles_us.p50) \($b[0].metrics[.].percentiles_us.p90) \(
		$b[0].metrics[.].percentiles_us.p99)"' >want
	[ -s got ] && cmp got want
}
wanted tcplat-diff-percentiles && check_true tcplat-diff-percentiles "others than in the reports" percentiles

# says NAME TEXT [jq FILTER for bad.json]: exit status 1, nothing on stdout, TEXT on stderr
says() {
	wanted "tcplat-diff-$1" || return
	[ $# = 2 ] || jq -c "$3" before.json >bad.json || exit 99
	diff_of "${files[@]}"
	if [ "$status" = 1 ] && [ ! -s out ] && contains err "$2" && [ "$(wc -l <err)" = 1 ]; then
		ok "tcplat-diff-$1"
	else
		not_ok "tcplat-diff-$1" "status $status, stdout, or not said: $2"
	fi
}
files=(missing.json after.json)
says missing "cannot open missing.json: No such file"
files=(before.json /)
says directory "cannot read /: Is a directory"
files=(- -)
says stdin-twice "only one of the two reports can come from stdin"
: >empty
files=(empty after.json)
says empty "empty is not a report: line 1, column 1: it ends in the middle"
head -c 3000 before.json >cut.json
files=(before.json cut.json)
says truncated "cut.json is not a report: line 1, column 3001: it ends in the middle"
{ echo '{"type":"interval"}'; cat before.json; } >lines.json
files=(lines.json after.json)
says lines "line 2, column 1: something follows the value; tcplat -o FILE writes one"
# damaged NAME TEXT SED: as says(), of before.json when sed has edited its text
files=(bad.json after.json)
damaged() {
	sed "$3" before.json >bad.json || exit 99
	says "$1" "$2"
}
deep=$(printf '[%.0s' {1..64})
damaged comma-at-end "line 1, column $(wc -c <before.json): unexpected character" 's/}$/,}/'
damaged no-comma "separator ',' expected" 's/"type":"report",/"type":"report" /'
damaged bare-key "line 1, column 2: quoted object property name expected" 's/"type"/type/'
damaged comment "line 1, column 1: unexpected character" 's:^:/*x*/:'
damaged number "number expected" 's/"schema":1/"schema":01/'
damaged word "boolean expected" 's/:true/:True/'
damaged utf8 "invalid utf-8 string" 's/"tcplat"/"tcp\xff"/'
damaged nul-within "unexpected end of data" 's/"tcplat"/"tc\x00plat"/'
damaged nul-behind "line 1, column $(wc -c <before.json): something follows the value" 's/$/\x00/'
damaged deep "nesting too deep" "s/{/{\"x\":$deep${deep//[/]},/"
damaged time-nan "min_us is missing or no time" 's/"min_us":[0-9.]*/"min_us":NaN/'
damaged time-infinite "max_us is missing or no time" 's/"max_us":[0-9.]*/"max_us":1e999/'
damaged count-largest "the buckets of client have not as many" 's/"count":[0-9]*/"count":18446744073709551615/'
printf 5 >bad.json
says number-alone "its type is \"?\""
says other-value "its type is \"?\"" '[.]'
says other-type "its type is \"interval\"" '.type = "interval"'
says other-tool "bad.json is a report of \"handlerlat\", not of tcplat" '.tool = "handlerlat"'
says hostile 'report of "\x1b[31m\xc2\x9b", not' '.tool = "\u001b[31m\u009b"'
says other-schema "bad.json has another schema than 1, written by tcplat 9.9" '.schema = 2 | .version = "9.9"'
says no-schema "bad.json has another schema" 'del(.schema)'
says no-metrics "bad.json has no metrics" 'del(.metrics)'
says metrics-list "bad.json has no metrics" '.metrics = [.metrics]'
says schema-string "bad.json has another schema" '.schema = "1"'
says metric-null "the buckets of client have not as many values" '.metrics.client = null'
says metric-missing-a "after.json has the metric server, bad.json has not" 'del(.metrics.server)'
says metric-missing-b "bad.json has the metric spare, after.json has not" '.metrics.spare = .metrics.wait'
says count "the buckets of client have not as many values" '.metrics.client.count += 1'
says no-buckets "the buckets of client have not as many values" 'del(.metrics.client.buckets)'
says buckets-object "the buckets of client have not as many values" '.metrics.client.buckets = {}'
says count-string "the buckets of client have not as many values" '.metrics.client.count |= tostring'
says bucket-null "has a bucket that tcplat never writes" '.metrics.client.buckets[0] = null'
says bucket-edge "has a bucket that tcplat never writes" '.metrics.client.buckets[0].le_ns += 1'
says bucket-negative "has a bucket that tcplat never writes" '.metrics.client.buckets[0].le_ns = -1'
says bucket-twice "has a bucket that tcplat never writes" '.metrics.client.buckets[1] = .metrics.client.buckets[0]'
says bucket-count "has a bucket that tcplat never writes" '.metrics.client.buckets[0].count = -1'
says time-missing "max_us is missing or no time" '.metrics.client.max_us = null'
says time-string "max_us is missing or no time" '.metrics.client.max_us |= tostring'
says time-negative "sum_us is missing or no time" '.metrics.client.sum_us = -1'
says least-above-most "the least client is above the most" '.metrics.client.min_us = 1e9'
says split "the parts of the split are more than the whole" '.split.network_sum_us = .split.total_sum_us'
says split-local "the parts of the split are more than the whole" '.split.local_sum_us = 2 * .split.total_sum_us'
says split-list "total_sum_us is missing" '.split = [.split]'
says no-split "total_sum_us is missing" 'del(.split)'

# notes NAME TEXT FILTER: compared all the same, and said
notes() {
	wanted "tcplat-diff-$1" || return
	jq -c "$3" before.json >like.json || exit 99
	diff_of like.json after.json
	if [ "$status" = 0 ] && contains err "$2" && [ "$(wc -l <err)" = 1 ] && cmp -s out "$reports/diff.txt"; then
		ok "tcplat-diff-$1"
	else
		not_ok "tcplat-diff-$1" "status $status, stdout, or not said: $2"
	fi
}
notes headline "A saw this machine as a server above all, B as a client" '.headline = "server"'
notes backend "A was measured by kprobe, B by tracepoint" '.backend = "kprobe"'
notes sampling "connections 1 in 8 and 1 in 1, turns" '.sample.connections_1_in = 8'
notes complete-string "A (like.json) is not complete" '.complete = "true"'
notes sampling-string "turns 1 in 1 and" '.sample = {connections_1_in: 2, turns_1_in: "8"}'
notes incomplete "A (like.json) is not complete" '.complete = false'

# As deep as it may be; and of a key that comes twice, the last is meant, as jq has it.
spare() {
	sed "s/{/{\"schema\":9,\"x\":${deep:1}${deep//[/]},/; s/\]\(,\"type\)/\1/" before.json >bad.json
	diff_of bad.json after.json
	[ "$status" = 0 ] && [ ! -s err ] && cmp out "$reports/diff.txt"
}
wanted tcplat-diff-spare && check_true tcplat-diff-spare "not compared" spare

# Too much of it for the memory that there is.
memory() {
	jq -nc '[range(200000) | {}]' >bad.json
	(ulimit -v 60000 && diff_of bad.json after.json; exit "$status")
	[ $? = 1 ] && [ ! -s out ] && contains err "bad.json is too large for memory"
}
wanted tcplat-diff-memory && check_true tcplat-diff-memory "not said" memory

# Reading is the same whatever the reader of stdout does.
gone() {
	env -i "$BIN/tcplat" --config /dev/null --diff "$@" before.json after.json 2>err | true
	[ "${PIPESTATUS[0]}" = 0 ] && [ ! -s err ]
}
wanted tcplat-diff-reader-gone && check_true tcplat-diff-reader-gone "not quiet" gone -j
if wanted tcplat-diff-usage; then
	diff_of before.json
	check tcplat-diff-usage "$status" 2
fi
finish
