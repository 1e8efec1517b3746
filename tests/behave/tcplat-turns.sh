#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# What is a turn, and how long did it take? tcplat beside a client and a server that stamp their own calls.
# Each line below is a case: its name, the workload's arguments, and what must be true of the report. The
# counts are exact everywhere. Times are compared turn by turn: what the applications can bound, holds for
# every turn on every kernel; that the tool is near it holds natively, where a clock is a clock.
. "$(dirname "$0")/../lib.sh"

# A fact is "LEFT OP RIGHT", both in jq, with these words: $t (the workload's truth), $r (the report), $s
# (the summary), and those defined here. With "?" it also holds where a kprobe cannot see the left side.
# Where the kernel left hooks out (it does not run a program that interrupts itself, which Linux 7 lets happen
# on one processor) the tool says how many, and a count may be off by as many.
words='
def abs: if . < 0 then -. else . end;
def all_of(f): [f] | add // 0;
def n(m): $r.metrics[m].count;
def sum(m): $r.metrics[m].sum_us;
def client: n("client"); def last: n("client_last"); def multi: n("client_multi"); def server: n("server");
def waits: n("wait"); def idle: n("idle");
def conns(role): $r.connections[] | select(.role == role);
def only(role): [conns(role)] | if length == 1 then .[0] else error("\(length) rows of a \(role)") end;
def slow(m): [$r.slowest[] | select(.metric == m)] | sort_by(.begin);
def flagged(m; f): [slow(m)[] | select(f)] | length;
def none_missed: $s.hooks_missed == 0;
def sends: $r.calls.sends; def receives: $r.calls.receives;
def true_sends: $t.client_sends + $t.server_sends;
def true_receives: $t.client_recvs + $t.server_recvs;
# Pairs of the tool and the truth, in us, turn by turn; or an end to the comparison.
def pairs(m; column):
	(slow(m) | map(.total_us)) as $a | ($turns | map(.[column]) | map(select(. != 0) / 1000)) as $b
	| if ($a | length) == ($b | length) then [$a, $b] | transpose
	  else error("\($a | length) turns of \(m), \($b | length) in truth") end;
# How many turns took longer than the client that waited for them, or less than the server that served.
def longer(m): [pairs(m; 1)[] | select(.[0] > .[1] + 0.002)] | length;
def shorter: [pairs("server"; 2)[] | select(.[0] < .[1] - 0.002)] | length;
# How many in 100 are not within 50 us; now and then somebody else is given the processor in between.
def far(m; column): pairs(m; column)
	| ([.[] | select((.[0] - .[1] | abs) > 50)] | length) * 100 / ([length, 1] | max);
# By how much a percentile is off, less what it may be: a bucket, or 50 us.
def off(m; truth; p): $t["\(truth)_\(p)_us"] as $want
	| ($r.metrics[m].percentiles_us[p] - $want | abs) - ([$want / 32, 50] | max);
def parts: .local_us + .network_us + .remote_us - .total_us | abs;
def part_sums: .local_sum_us + .network_sum_us + .remote_sum_us - .total_sum_us | abs;
def same($a; $b): $a == $b
	or ([$a, $b | type] == ["number", "number"] and ($a - $b | abs) <= $s.hooks_missed);
def fact($what; $l; $op; $r_):
	($op | rtrimstr("?")) as $o
	| if ($op != $o and $l == null and $r.backend == "kprobe") or ($o == "==" and same($l; $r_))
		or ($o == "<=" and $l <= $r_) or ($o == ">=" and $l >= $r_)
		or ($o == "<" and $l < $r_) or ($o == ">" and $l > $r_) then empty
	else "\($what): \($l) and \($r_)" end;
'
# Always: the account, and that whatever is said in two places is the same in both.
always=('$s.balanced == true' '$s.complete == none_missed' '$r.complete == $s.complete'
	'$t.complete == 1'
	'$s.turns_answered == client + server' '$r.turns.answered == $s.turns_answered'
	'$r.turns.opened == all_of($r.turns | .answered, .multi, .interleaved, .unknown_role, .unanswered, .open)'
	'all_of($r.connections[].events) + $r.other.turns == client + server'
	'all_of($r.connections[].waits) + $r.other.waits == waits'
	'all_of($r.histogram[]) == n($r.headline)' 'last == client'
	'[$r.metrics[] | .count - all_of(.buckets[].count) | select(. != 0)] == []'
	'$r.split.turns == client' '$r.split.total_sum_us == sum("client")'
	'[$r.split, $r.split.octaves[] | part_sums | select(. > 0.01)] == []'
	'all_of($r.split.octaves[].turns) == client'
	'[$r.slowest[] | select(.local_us) | parts | select(. > 0.002)] == []'
	'all_of(conns("client").bytes_sent) == $t.client_bytes_sent'
	'all_of(conns("server").bytes_sent) == $t.server_bytes_sent'
	'all_of(conns("client").bytes_received) == $t.client_bytes_received')
# All turns are among the slowest 1,000, and their figures are the metrics'.
kept=('[("client", "client_multi", "server") as $m | slow($m) | length] == [client, multi, server]'
	'(all_of(slow("client")[].total_us) - sum("client") | abs) < 0.1'
	'(all_of(slow("server")[].total_us) - sum("server") | abs) < 0.1')
# One answer to each request, and nothing else.
plain=('client == $t.turns' 'server == $t.server_turns' 'multi == 0' '$r.turns.opened == client + server'
	'$r.turns.unsolicited == 0' 'idle == client + server - 2' "${kept[@]}")
# Each call that moved bytes, once.
calls=('sends ==? true_sends' 'receives == true_receives' '$r.calls.sends_eagain ==? 0')
# The bounds that the applications know.
bounds=('longer("client") == 0' 'shorter == 0')
near=('far("client"; 1) <= 10' 'far("server"; 2) <= 10' 'off("client"; "client"; "p50") <= 0'
	'off("server"; "server"; "p50") <= 0' 'off("client_last"; "last"; "p50") <= 0')
one_wait=('only("server").wait_avg_us <= $t.wait_avg_us + 0.1'
	'only("client").wait_avg_us <= $t.local_avg_us + 0.1')
[ -z "${IN_GUEST:-}" ] || near=()

# doubts FACT...: those that do not hold. The files are the last run's.
doubts() {
	local f program='' re='^(.*) ((==|[<>]=?)\??) (.*)$'
	for f in "$@"; do
		[[ $f =~ $re ]] || bench_broken "no fact: $f"
		program+="${program:+, }fact(\"${f//\"/\\\"}\"; ${BASH_REMATCH[1]}; \"${BASH_REMATCH[2]}\"; "
		program+="${BASH_REMATCH[4]})"
	done
	awk '$1 == "truth" && $2 !~ /ports$/ { printf "%s{\"%s\":%s}", n++ ? "," : "[", $2, $3 } END { print "]" }' \
		"$tmp/load" | jq -c add >"$tmp/truth"
	awk '$1 == "turn" { printf "%s[%s,%s,%s,%s]", n++ ? "," : "[", $2, $3, $4, $5 } END { print n ? "]" : "[]" }' \
		"$tmp/load" >"$tmp/stamps"
	jq -n -r --slurpfile r_ "$tmp/report" --slurpfile t_ "$tmp/truth" --slurpfile turns_ "$tmp/stamps" \
		--slurpfile out "$tmp/out" '$r_[0] as $r | $t_[0] as $t | $turns_[0] as $turns
		| ($out[] | select(.type == "summary")) as $s | '"$words $program" 2>&1 |
		cut -c1-250 | head -n 5 | paste -sd ';' -
}

# trace: the tool beside a workload that was loaded; both run to their ends.
trace() {
	local port
	port=$(awk '$2 == "port" { print $3; exit }' "$tmp/load")
	rm -f "$tmp/report"
	start tcplat -j -i 3600 --slowest 1000 -p "$port" -o "$tmp/report" --backend "$backend" || return
	go_on
	load_done
	stop
}
# judge FACT...: sets $why.
judge() {
	[ "$load_status" = 0 ] || bench_broken "the workload ended with status $load_status: $(tail -n 1 "$tmp/load")"
	why=$(doubts "${always[@]}" "$@")
	[ "$status" = 0 ] || why="exit status $status; $why"
}
verdict() { if [ -z "$why" ]; then ok "$1"; else not_ok "$1" "$why"; fi; }

# turns NAME ARGUMENTS FACT...: one case. It is tried again where hooks were left out, and duplex, which is
# what it says only if both ends have a processor, where the machine is busy with other things.
turns() {
	local name=$prefix$1 args
	wanted "$name" || return
	read -ra args <<<"$2"
	if ! "$LOAD/tcp" --can "${args[@]}" >"$tmp/can" 2>&1; then
		skip "$name" "$(tail -n 1 "$tmp/can")"
		return
	fi
	for _ in 1 2 3; do
		load "$LOAD/tcp" -w --stamps "${args[@]}"
		trace || { not_ok "$name" "tcplat did not start"; return; }
		judge "${@:3}"
		[ -n "$why" ] || break
		[ "$1" = duplex ] || [ "$(said hooks_missed)" != 0 ] || break
	done
	verdict "$name"
}

# What every backend must get right.
for_each() {
	turns rr "rr" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${one_wait[@]}" "${near[@]}" 'waits == 2 * client'
	turns epoll "epoll --service 20" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${one_wait[@]}" "${near[@]}" \
		'$t.client_eagain == 5 * $t.turns' '$r.calls.receives_eagain ==? $t.client_eagain'
	turns twosends "twosends" "${calls[@]}" "${kept[@]}" "${bounds[@]//client/client_multi}" 'client == 0' \
		'multi == $t.turns' 'server == $t.server_turns' \
		'[$r.slowest[] | select(.metric == "client_multi").sends] | unique == [2]'
	turns peek "peek" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}" \
		'$r.calls.receives_peek ==? $t.client_peeks + $t.server_peeks'
	turns pipeline "pipeline -n 3 --service 20" "${calls[@]}" 'client + server == 0' 'multi == $t.turns' \
		'$r.turns.interleaved == $t.server_turns' 'only("server").flags == ["interleaved"]'
	turns oneway "oneway" 'sends ==? true_sends' 'receives >= true_receives' 'client + server + multi == 0' \
		'$r.turns.unanswered == 2' '$r.turns.opened == 2' '$r.turns.unsolicited == 0'
	turns sendfile "sendfile" "${plain[@]}" "${bounds[@]}" "${near[@]}" 'sends >=? true_sends'
	turns splice-in "splice-in" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}"
}

# Where both ends write all the time, all but a few turns are known not to be any. On one processor they
# may take turns indeed: then there is the account alone.
duplex=('$r.turns.interleaved > 0' 'client + multi + server <= $r.turns.opened / 100')
[ "$(nproc)" != 1 ] || duplex=()

# What does not depend on the backend.
for_one() {
	turns partial "partial" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}" 'receives == 6 * client' \
		'sum("client_last") >= sum("client")'
	turns bytewise "bytewise" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}" 'receives == 300 * client'
	turns duplex "duplex -d 1" '$r.turns.opened > 0' "${duplex[@]}"
	turns oneway-down "oneway-down" 'sends ==? true_sends' 'receives >= true_receives' '$r.turns.opened == 0' \
		'$r.turns.unsolicited == 1 + receives'
	turns banner "banner" "${calls[@]}" "${kept[@]}" 'client == $t.turns' 'server == $t.server_turns' \
		'multi == 0' '$r.turns.opened == client + server' '$r.turns.unsolicited == 2'
	turns splice-out "splice-out" "${plain[@]}" "${bounds[@]}" "${near[@]}" 'sends >=? true_sends'
	turns zerocopy "zerocopy" "${plain[@]}" "${bounds[@]}" "${near[@]}" 'sends ==? true_sends' \
		'$r.calls.receives_eof ==? 1'
	turns uring "uring" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}"
	turns service "rr --service 20" "${plain[@]}" "${bounds[@]}" "${near[@]}" '$r.split.remote_percent > 80' \
		'$r.split.local_percent < 10'
	turns slowread-server "slowread-server --slow-read 20" "${plain[@]}" "${calls[@]}" "${bounds[@]}" \
		"${near[@]}" "${one_wait[@]}" 'only("server").wait_avg_us >= 20000' '$r.split.local_percent < 50' \
		'sum("server") < sum("client") / 2'
	turns slowread-client "slowread-client --slow-read 20" "${plain[@]}" "${calls[@]}" "${bounds[@]}" \
		"${near[@]}" "${one_wait[@]}" 'only("client").wait_avg_us >= 20000' '$r.split.local_percent > 50' \
		'$r.split.local_sum_us >= 20000 * client'
	turns bigresp "bigresp" "${plain[@]}" "${bounds[@]}" 'receives >= true_receives' \
		'sum("client_last") > sum("client")'
	# The first byte is read inside one long recv(): the truth of it is too early by a wake-up.
	turns waitall "waitall" "${plain[@]}" 'shorter == 0' "${near[@]}" 'sends ==? true_sends' \
		'sum("client_last") >= sum("client") + 4000 * client'
	turns lowat "lowat" "${plain[@]}" "${bounds[@]}" "${near[@]}" 'sends ==? true_sends' \
		'$r.split.local_sum_us >= 0' 'sum("client") >= 6000 * client'
	turns trunc "trunc" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}"
	turns oob "oob" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}" '$t.oob == $t.turns'
	turns zerosend "zerosend" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}" \
		'$r.calls.sends_failed == $t.turns' '$r.calls.receives_eof == 1 + $t.turns'
	# Now and then the first half is acknowledged before there is a second to hold, or both are there when the
	# server reads: one call, two segments.
	turns nagle "nagle" 'sends ==? true_sends' 'receives >= true_receives' 'receives <= true_receives + $t.turns' \
		'$r.calls.sends_eagain ==? 0' "${kept[@]}" "${bounds[@]//client/client_multi}" 'client == 0' \
		'multi == $t.turns' 'server == $t.server_turns' 'flagged("client_multi"; .held) >= multi * 3 / 4' \
		'flagged("server"; .held) == 0'
	turns cork "cork" "${calls[@]}" "${kept[@]}" "${bounds[@]//client/client_multi}" 'client == 0' \
		'multi == $t.turns' 'server == $t.server_turns' 'flagged("client_multi"; .held) == multi' \
		'flagged("server"; .held) == 0' 'sum("client_multi") >= 4000 * multi'
	turns quickack "quickack" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}" 'waits == 2 * client'
	turns zcrecv "zcrecv" "${plain[@]}" "${bounds[@]}" "${near[@]}" 'receives >= true_receives' \
		'$t.mapped_bytes > 0'
	turns hugelat-2.5 "hugelat -s 2.5" "${plain[@]}" "${bounds[@]}" "${near[@]:2}" '$r.histogram["100ms+"] == 1' \
		'only("client").std_dev_us < 1000' 'only("server").min_latency_us >= 2500000'
	turns hugelat-4.5 "hugelat -s 4.5" "${plain[@]}" "${bounds[@]}" "${near[@]:2}" '$r.histogram["100ms+"] == 1' \
		'only("client").std_dev_us < 1000' 'only("server").min_latency_us >= 4500000'
	turns idle "idle" "${plain[@]}" "${calls[@]}" "${bounds[@]}" "${near[@]}" 'idle == 2' \
		'$r.metrics.idle.min_us >= 900000' 'sum("client") < sum("idle") / 2'
}

# loss: the second request is sent into a black hole, which goes away: only that turn has it. Everything in
# a network namespace of its own.
inside() { nsenter -t "$load" -n "$@"; }
swallowed() { inside tc -s qdisc show dev lo | grep -q 'dropped [1-9]'; }
loss() {
	local port
	wanted loss || return
	# shellcheck disable=SC2016
	if ! unshare -n sh -c 'ip link set lo up && tc qdisc replace dev lo root blackhole' >"$tmp/can" 2>&1; then
		skip loss "$(tail -n 1 "$tmp/can")"
		return
	fi
	load unshare -n sh -c 'ip link set lo up; exec "$@"' sh "$LOAD/tcp" -w --stamps -n 3 idle
	port=$(awk '$2 == "port" { print $3; exit }' "$tmp/load")
	rm -f "$tmp/report"
	start tcplat -j -i 0.1 --slowest 1000 -p "$port" -o "$tmp/report" ||
		{ not_ok loss "tcplat did not start"; return; }
	go_on
	wait_for 30 grep -q '"turns":1' "$tmp/out" || bench_broken "no turn was seen"
	inside tc qdisc replace dev lo root blackhole
	wait_for 30 swallowed || bench_broken "nothing was lost"
	inside tc qdisc del dev lo root
	load_done
	stop
	judge "${plain[@]}" "${bounds[@]}" 'flagged("client"; .retransmission) == 1' \
		'[slow("client")[].retransmission] == [false, true, false]' 'slow("client")[1].total_us >= 200000' \
		'only("client").retransmissions >= 1' 'flagged("server"; .retransmission) == 0'
	verdict loss
}

prefix='' backend=auto
for_each
for_one
loss
chosen=$(sed -n 's/.*ready (backend \([a-z+]*\).*/\1/p' "$tmp/err")
for backend in fentry kprobe; do
	prefix=$backend-
	[ "$backend" != "$chosen" ] || continue
	if start tcplat -p 1 --backend $backend; then
		stop
		check "$backend" "$status" 0
		for_each
	else
		skip "$backend" "$(tail -n 1 "$tmp/err")"
	fi
done
finish
