#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/golden/httptrace.sh [CASE...]
#
# What httptrace must make of its recordings, written down from what tests/golden/httptrace-synth.c puts
# into them, and what must hold of all that it prints.
. "$(dirname "$0")/../lib.sh"
[ -x "$BIN/httptrace" ] || bench_broken "no $BIN/httptrace: run make"
cp "$top"/tests/golden/rec/http{sniff,trace}-*.rec "$tmp/" || exit 99
cd "$tmp" || exit 99
whole=(httptrace-{mixed,holes,chain,select} httpsniff-{mixed,odd,secrets,holes,others,select})

# replay NAME ARG...: stdout to out, stderr to err
replay() {
	local name=$1
	shift
	env -i TZ=UTC "$BIN/httptrace" --config /dev/null --replay "$name.rec" "$@" >out 2>err
}

# Connection, number, role, outcome, why, early, status, URL; idle, queue, request, wait, response, total;
# the server's part and the network's; all in us.
cat >mixed-wants <<'END'
1 1 client answered - - 200 /echo?q=1 - - 0 250 100 350 240 110
1 2 client answered - - 200 /echo?q=1 2000 - 0 250 100 350 240 110
2 1 server answered - - 200 /echo?q=1 - 40 0 100 100 200 - -
2 2 server answered - - 200 /echo?q=1 2150 40 0 100 100 200 - -
3 1 server answered - - 200 /1 - - 0 100 0 100 - -
3 2 server answered - - 200 /2 - - 0 100 100 200 - -
3 3 server answered - - 404 /3 - - 0 300 0 300 - -
4 1 client answered - - 200 /head - - 0 100 0 100 - -
4 2 client answered - - 304 /cached 100 - 0 100 0 100 - -
4 3 client answered - - 201 /upload 100 - 300 100 0 400 - -
4 4 client answered - - 200 /chunks 100 - 0 100 200 300 - -
4 5 client answered - - 502 http://***@other.example/abs?token=***** 100 - 0 100 0 100 - -
5 1 server answered - true 413 /big - - 200 0 0 100 - -
5 2 server answered closed true 413 /bigger 100 - 0 0 0 100 - -
6 1 client answered - - 200 /old - - 0 100 100 200 - -
7 1 server answered - - 200 /file - - 0 100 200 300 - -
7 2 server answered - - 500 /splice 100 - 100 100 0 200 - -
8 1 server unanswered closed - - /unanswered - - 0 - - - - -
9 1 client reset reset - - /unfinished - - 0 - - - - -
10 1 client reset reset - 200 /half - - 0 100 0 100 - -
11 1 server answered closed - 200 /cut - - 0 100 0 100 - -
12 1 server answered - - 200 /ok - - 0 100 0 100 - -
12 2 server unanswered closed - - /never-sent-to-the-end 100 - 0 - - - - -
13 1 server answered - - 200 /v6 - - 0 100 0 100 - -
14 1 client answered - - 200 /unix - - 0 100 0 100 - -
15 1 client answered - - 101 /chat - - 0 100 0 100 - -
17 1 server open open - - /slow - - 0 - - - - -
18 1 client open open - 200 /slower - - 0 100 - - - -
19 1 client answered - - 200 /late - - 50 50 0 100 - -
20 1 server answered - - 200 /first - - 0 100 0 100 - -
20 2 server answered - - 200 /second - - 200 100 0 300 - -
21 1 server answered - - 200 /in-two - 40 100 100 0 200 - -
21 2 server answered - - 200 /behind-a-line 100 7 0 100 0 100 - -
21 3 server answered - - 200 /behind-a-call 200 8 0 100 0 100 - -
END
transactions() {
	replay httptrace-mixed -j && jq -r 'select(.type == "transaction" and .connection != "16")
		| [.connection, .number, .role, .outcome, .why, .early_response, .status, .url, .idle_us, .queue_us,
		.request_us, .wait_us, .response_us, .total_us, .server_us, .network_us]
		| map(. // "-" | tostring) | join(" ")' out | sort -n -k 1,1 -k 2,2 >got && diff mixed-wants got >&2
}
wanted transactions && check_true transactions "they are not what the recording has" transactions

# What a whole transaction is: both messages went by. Bodies that nobody could read did.
complete() {
	jq -e -s '[.[] | select(.complete == false) | .url] | sort == ["/bigger", "/cut", "/half",
		"/never-sent-to-the-end", "/slow", "/slower", "/unanswered", "/unfinished"]' out &&
		jq -e -s 'any(.[]; .url == "/file" and .response_bytes == 100043) and
			any(.[]; .url == "/splice" and .request_bytes == 5056)' out
}
wanted complete && check_true complete "they are not those that are whole" eval 'replay httptrace-mixed -j && complete'

# The transaction that caused it, how that is known, and how surely.
cat >chain-wants <<'END'
1 1 - - -
1 2 - - -
1 3 - - -
1 4 - - -
2 1 1/1 join 1
2 2 1/2 traceparent 1
2 3 1/3 b3 1
2 4 1/4 join 1
3 1 2/1 thread 0.9
3 2 2/2 traceparent 1
4 1 3/1 join 1
4 2 3/2 traceparent 1
5 1 4/1 goroutine 0.98
6 1 5/1 join 1
7 1 4/1 ancestry 0.9
8 1 7/1 join 1
9 1 2/4 request_id 0.95
10 1 9/1 join 1
END
causes() {
	replay httptrace-chain -j && jq -r -s '(map(select(.span_id) | {key: .span_id, value: "\(.connection)/\(.number)"})
		| from_entries) as $name | .[] | select(.type == "transaction")
		| [.connection, .number, $name[.parent_span_id // ""], .link, .confidence]
		| map(. // "-" | tostring) | join(" ")' out | sort -n -k 1,1 -k 2,2 >got && diff chain-wants got >&2
}
wanted causes && check_true causes "they are not what the recording has" causes

# One trace for what one request caused, by the id that the headers give it.
traces() {
	replay httptrace-chain -j && jq -e -s '[.[] | select(.type == "transaction")] | group_by(.trace_id)
		| map(map("\(.connection)/\(.number)") | sort) | sort == [
		["1/1", "2/1", "3/1", "4/1", "5/1", "6/1", "7/1", "8/1"], ["1/2", "2/2", "3/2", "4/2"],
		["1/3", "2/3"], ["1/4", "10/1", "2/4", "9/1"]]' out &&
		jq -e -s 'any(.[]; .trace_id == "0af7651916cd43dd8448eb211c80319c" and .connection == "3" and
			.span_id == "00f067aa0ba902b7") and
			any(.[]; .trace_id == "80f198ee56343ba864fe8b2a57d3eff7" and .number == 3)' out
}
wanted traces && check_true traces "they are not what the recording has" traces

# No answer is given to a request that it may not answer: statuses say whose they are.
never_wrong() {
	replay httptrace-holes -j && jq -e -s '[.[] | select(.type == "transaction" and .status)
		| {url, status}] | length > 0 and all(.[]; {"/answer-lost": 200, "/second": 202, "/third": 203,
		"/after": 202, "/in-step": 203, "/body": 200, "/after-it": 202, "/joined": 202, "/idle": 202,
		"/before": 200, "/not-idle": 202}[.url] == .status)' out &&
		jq -e -s 'any(.[]; .url == "/not-idle") and all(.[]; .url != "/not-idle" or .idle_us == null)' out &&
		jq -e -s '[.[] | select(.url == "/body")] | length == 1 and .[0].lost_bytes == 15 and
			.[0].complete == false and .[0].why == "gap"' out
}
wanted never-wrong && check_true never-wrong "an answer is given to another's request" never_wrong

# chosen NUMBER OPTION...: "connection/number ..." of those that are left of httptrace-select
chosen() {
	local want=$1
	shift
	wanted "chosen ($*)" || return 0
	replay httptrace-select -j "$@"
	check "chosen ($*)" "$(jq -r 'select(.type == "transaction") | "\(.connection)/\(.number)"' out | sort | tr '\n' ' ')" "$want"
	check_true "chosen ($*): account" "it does not add up" jq -e -s '.[-1] | .balanced and .requests == 7 and
		.requests == .shown + .filtered + .rate_limited + .over_max_events + .sampled_out' out
}
chosen "1/1 1/2 1/3 1/4 2/1 2/2 2/3 "
chosen "2/1 2/2 2/3 " --role client
chosen "1/1 1/2 1/3 1/4 " --role server
chosen "1/2 2/1 " --method POST,DELETE
chosen "1/1 1/2 2/1 2/2 " --path '/api/*,/'
chosen "1/1 1/2 1/4 2/2 " --host 'SHOP.*,::1'
chosen "1/3 1/4 2/1 " --status 5xx,204,400-404
chosen "1/2 1/3 " --min-size 114
chosen "1/2 1/4 2/3 " --slower 20.1
chosen "2/3 " --slower 50.101
chosen "" --slower 2001
chosen "2/1 2/2 2/3 " --uid 1000
chosen "1/1 1/2 1/3 1/4 " --uid root
chosen "1/1 1/2 1/3 1/4 " --exclude-uid 1000
chosen "" --uid 1000 --exclude-uid 1000
chosen "2/1 2/2 2/3 " --localhost
chosen "1/1 1/2 " --max-events 2
chosen "2/2 " --role client --method GET --status 3xx

# refused TEXT OPTION...: a mistake in an option is told, with status 2
refused() {
	local text=$1
	shift
	wanted "refused ($*)" || return 0
	replay httptrace-select "$@"
	check "refused ($*)" "$? $(grep -cF -- "$text" err)" "2 1"
}
refused "--status 600-500" --status 600-500
refused "no such user" --uid nobody-of-that-name
refused "no such user" --exclude-uid 4294967295
refused "--sample 1/0" --sample 1/0
refused "--sample 1/2/3" --sample 1/2/3
refused "--sample x" --sample x

# Sampling: each trace is whole or absent, and those of 1/4 are among those of 1/2.
sampled() {
	local n
	replay httptrace-chain -j && jq -r 'select(.trace_id) | "\(.trace_id) \(.span_id)"' out | sort >all || return
	cp all before
	for n in 2 4 8 16; do
		replay httptrace-chain -j --sample 1/$n || return
		jq -e -s '.[-1] | .balanced and .requests == .shown + .sampled_out' out || return
		jq -e -s "all(.[]; .type != \"transaction\" or .weight == $n)" out || return
		jq -r 'select(.trace_id) | "\(.trace_id) \(.span_id)"' out | sort >some
		join -j 1 all <(cut -d' ' -f1 some | uniq) | diff - some >&2 || return
		[ -z "$(comm -13 before some)" ] || return
		cp some before
	done
	[ "$(wc -l <some)" -lt "$(wc -l <all)" ]
}
wanted sampled && check_true sampled "a trace is not whole, or one that is not in the larger sample" sampled

# Everything is told in JSON that nothing on a terminal obeys, and in CSV likewise.
tame() {
	replay "$1" -j --events && python3 "$top/tests/golden/lines.py" out || return
	replay "$1" --csv && python3 - <<'END'
import csv, re, sys
text = open('out', encoding='utf-8', newline='').read()
if re.search('[\x00-\x09\x0b-\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]', text):
    sys.exit('not escaped')
rows = list(csv.reader(text.splitlines(True), strict=True))
for row in rows[1:]:
    if len(row) != len(rows[0]) or any(re.match('[=+@-]', cell) for cell in row):
        sys.exit('%r' % row)
END
}
for name in "${whole[@]}"; do
	wanted "tame ($name)" && check_true "tame ($name)" "something acts on a terminal or in a spreadsheet" tame "$name"
done

# Each request and each byte is somewhere.
adds_up() {
	replay "$1" -j && jq -e -s '[.[] | select(.type == "transaction")] as $all | .[-1] | .balanced
		and .requests == ($all | length) and .shown == .requests
		and .requests == .answered + .unanswered + .reset + .open
		and .request_bytes + .response_bytes == .bytes_in_messages
		and .request_bytes == ($all | map(.request_bytes) | add // 0)
		and (.links | add) == .requests' out
}
for name in "${whole[@]}"; do
	[ "$name" != httpsniff-secrets ] || continue
	wanted "adds-up ($name)" && check_true "adds-up ($name)" "something is missing" adds_up "$name"
done

# However few may wait, each of the 18 is in a tree.
drawn() {
	local held
	for held in 1 2 3 4 5 7 11 17 18 100; do
		replay httptrace-chain --tree --max-held $held && [ "$(awk '$1 == "trace" { n += $3 } END { print n }' out)" = 18 ] || return
	done
}
wanted drawn && check_true drawn "what is counted as shown is not drawn" drawn

# Secrets are in the recordings, and come out where they are asked for alone.
hidden() {
	local how
	grep -qa hide1 httptrace-mixed.rec && grep -qa hide1 httpsniff-secrets.rec || return
	for how in "" -j --csv --tree "-i 1" "-H --events"; do
		for name in httptrace-mixed httpsniff-secrets; do
			# shellcheck disable=SC2086
			replay $name --redact-param mine $how || return
			! grep hide out || return
		done
	done
	replay httptrace-mixed -j --no-redact && grep -q 'u:p@other.example/abs?token=hide1' out
}
wanted secrets-hidden && check_true secrets-hidden "a secret came out, or none with --no-redact" hidden

# -o gets the lines of -j, whatever stdout has.
to_file() {
	local how
	replay httptrace-mixed -j && mv out want || return
	for how in -j "" --csv --tree; do
		# shellcheck disable=SC2086
		replay httptrace-mixed $how -o file && diff want file >&2 || return
	done
}
wanted output-file && check_true output-file "-o FILE is not what -j prints" to_file
finish
