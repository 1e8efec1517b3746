#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# tcplat as a program: how it ends, what it leaves behind (nothing), who may run it, where its output goes, and that
# its percentiles are those of the values. Ports are the kernel's choice, and the tool looks at no other.
# In a guest those cases alone that depend on the kernel.
[ -z "${IN_GUEST:-}" ] || [ $# != 0 ] || set -- 'killed*' 'nobody*' 'dropped*' 'backend*' 'cleanup*' 'two*' 'ring-full*' 'cpus*' clock
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
report=$tmp/report.json
bpftool=$(PATH=$PATH:/usr/sbin:/sbin command -v bpftool) || bench_broken "no bpftool"

# truth_of KEY: a number that the workload told
truth_of() { awk -v k="$1" '$1 == "truth" && $2 == k { print $3; exit }' "$tmp/load"; }
# traffic ARG...: the TCP workload, waiting; its port is $port
traffic() {
	load "$LOAD/tcp" -w "$@"
	port=$(truth_of port)
}
finish_load() { go_on; load_done; }
# traced "WORKLOAD" OPTION...: one run of it with a report; false when the tool was not ready
traced() {
	local what=$1
	shift
	rm -f "$report"
	# shellcheck disable=SC2086
	traffic $what
	start tcplat -p "$port" -o "$report" "$@" || { kill "$load"; return 1; }
	finish_load
	stop
}
# of FILTER: from the report
of() { jq -r "$1" "$report"; }
# Is every line JSON, of a type that tcplat has?
valid() {
	jq -e -n '[inputs | .type | IN("interval", "conn", "report", "summary")] | length > 0 and all' "$1" >/dev/null
}
# hooks: the programs that the tool holds; still NUMBER...: which of them there are
hooks() { sed -n 's/^prog_id:[[:space:]]*//p' /proc/"$tool"/fdinfo/* | sort -nu; }
still() { "$bpftool" prog show id "$1" >/dev/null 2>&1; }
gone() { for h; do ! still "$h" || return 1; done; }
# run ARG...: the tool to its own end, with its words in $tmp/err
run() {
	timeout 60 "$BIN/tcplat" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# --- the end
for sig in INT TERM HUP; do
	wanted "signal-$sig" || continue
	traffic -n 20 rr
	rm -f "$report"
	start tcplat -j -p "$port" -o "$report"
	held=$(hooks)
	there=$(for h in $held; do still "$h" && echo yes; done | sort -u)
	finish_load
	kill -$sig "$tool"
	await
	check "signal-$sig" "$status $(said turns) $(said balanced) $(of .turns.answered)" "0 40 true 40"
	# shellcheck disable=SC2086
	check_true "signal-$sig-left" "of the programs $held some are still there" wait_for 20 gone $held
	check "signal-$sig-held" "$there" yes
done
if wanted killed; then
	mkdir "$tmp/killed"
	traffic -n 20 rr
	start tcplat -i 0.1 -p "$port" -o "$tmp/killed/r" --prometheus "$tmp/killed/p"
	held=$(hooks)
	keepers=$(pgrep -P "$tool")
	kill -KILL "$tool"
	wait "$tool" 2>/dev/null
	# shellcheck disable=SC2086
	check_true killed "of the programs $held some are still there" wait_for 20 gone $held
	check killed-keepers "$(for k in $keepers; do wait_for 20 sh -c "! kill -0 $k" && echo ended; done | xargs)" "ended ended"
	check killed-files "$(find "$tmp/killed" -name '.*.tmp' | wc -l)" 0
	finish_load
	check killed-target "$load_status" 0
fi
if wanted starting; then
	# Interrupted wherever it was: as a whole it is there or not.
	mkdir "$tmp/starting"
	delays="0 0.01 0.03 0.06 0.1 0.15 0.25"
	keepers=
	[ -z "${IN_GUEST:-}" ] || delays="0 0.5 1.5" # loading takes its time there
	for delay in $delays; do
		"$BIN/tcplat" -p 1 -o "$tmp/starting/r" >"$tmp/out" 2>"$tmp/err" &
		tool=$!
		# Before the exec it is a shell, with the shell's handlers.
		wait_for 60 grep -q tcplat "/proc/$tool/comm"
		sleep "$delay"
		keepers="$keepers $(pgrep -P "$tool" | xargs)"
		kill -INT "$tool"
		kill -INT "$tool" 2>/dev/null
		wait "$tool"
		echo $?
	done >"$tmp/status"
	check starting "$(grep -vxE '0|1|130' "$tmp/status" | xargs)" ""
	check starting-keepers "$(for k in $keepers; do wait_for 20 sh -c "! kill -0 $k" || echo "$k outlived its tool"; done)" ""
	check starting-files "$(find "$tmp/starting" -name '.*.tmp' | wc -l)" 0
fi
if wanted second-sigint; then
	# The end waits for a sink that takes nothing, but not when it is told twice.
	# A Unix socket takes some 200 KiB ahead of its reader, less than waits for it here.
	perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Listen => 1, Local => $ARGV[0]) or die; $| = 1;
		print "ok\n"; $c = $s->accept; sleep 600' "$tmp/deaf" >"$tmp/port" &
	deaf=$!
	pids="$pids $deaf"
	wait_for 60 test -s "$tmp/port"
	chmod 777 "$tmp" "$tmp/deaf"
	traffic -n 500 short
	start tcplat -p "$port" -o "unix:$tmp/deaf"
	finish_load
	kill -INT "$tool"
	# The account comes before the last wait.
	wait_for 60 grep -q ': turns ' "$tmp/err"
	kill -INT "$tool" 2>/dev/null
	await
	check second-sigint "$status $(grep -c 'could not be delivered' "$tmp/err")" "1 0"
	kill $deaf
fi
if wanted duration; then
	traced "-n 5 rr" -j -d 1.2
	check duration "$status $(said balanced) $(of '.duration_seconds < 1.2')" "0 true true"
	traffic -n 5 rr
	start tcplat -d 1.2 -p "$port" -o "$report"
	finish_load
	await
	check duration-whole "$status $(of '.duration_seconds >= 1.2') $(of .turns.answered)" "0 true 10"
fi
if wanted max-events; then
	# Connections that closed.
	traffic -n 40 short
	rm -f "$report"
	start tcplat -j --max-events 30 -p "$port" -o "$report" -d 60
	t0=$SECONDS
	finish_load
	await
	check max-events "$status $(said balanced) $((SECONDS - t0 < 30)) $(of '.accounting.connections_closed >= 30')" "0 true 1 true"
fi
if wanted refused; then
	# case OPTION...: what is no option, or has no such value, ends with 2 before anything is traced
	refuse() {
		run "${@:2}"
		[ $status = 2 ] && contains "$tmp/err" "$1" || echo "${*:2}: status $status"
	}
	check refused "$(
		refuse "bad value '0'" -d 0
		refuse "bad value '5x'" -d 5x
		refuse "bad value '-1'" -d -1
		refuse "bad value ''" -d ''
		refuse "bad value '0'" -i 0
		refuse "bad value '0'" --sample 0
		refuse "bad value '0'" -p 0
		refuse "bad value '9-8'" -p 9-8
		refuse "bad value '1001'" --slowest 1001
		refuse "bad value 'magic'" --backend magic
		refuse "unknown option '--colour'" --colour
		refuse "no arguments are expected: left" left over
		refuse "takes two reports" --diff "$tmp/one"
		refuse "exclude each other" --record "$tmp/r" --replay "$tmp/r"
	)" ""
fi

# --- who may run it
if wanted nobody; then
	nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
	$nobody "$BIN/tcplat" -d 1 -p 1 >"$tmp/out" 2>"$tmp/err"
	check nobody "$? $(grep -c 'missing CAP_BPF, CAP_PERFMON; run as root' "$tmp/err")" "1 1"
	for cap in bpf perfmon; do
		setpriv --bounding-set=-$cap,-sys_admin "$BIN/tcplat" -d 1 -p 1 >"$tmp/out" 2>"$tmp/err"
		check nobody-no-$cap "$? $(grep -c "missing CAP_${cap^^};" "$tmp/err")" "1 1"
	done
	# Before Linux 5.11 maps are charged to the limit of locked memory.
	(
		ulimit -l unlimited
		exec $nobody --inh-caps=+bpf,+perfmon --ambient-caps=+bpf,+perfmon \
			"$BIN/tcplat" -d 0.3 -p 1 >"$tmp/out" 2>"$tmp/err"
	)
	check nobody-with "$? $(grep -c 'ready (' "$tmp/err")" "0 1"
fi
if wanted dropped; then
	# me PID: its user, its capabilities, its seccomp mode
	me() { awk '/^(Uid|CapEff|CapPrm|CapBnd|Seccomp):/ { printf "%s ", $2 }' "/proc/$1/status"; }
	start tcplat -p 1
	is=$(me "$tool")
	stop
	check dropped "$is$status" "65534 0000008000000000 0000008000000000 0000000000000000 2 0"
	start tcplat --stay-root -p 1
	is=$(me "$tool")
	stop
	check stay-root "${is%% *} ${is: -2:1} $status" "0 0 0"
fi
if wanted no-btf; then
	# What the kernel's own file says may also lie in these places.
	if [ -n "$(find /boot /lib/modules /usr/lib/debug -name 'vmlinux*' 2>/dev/null | grep -F "$(uname -r)")" ]; then
		skip no-btf "there is another copy of the kernel's BTF"
	else
		unshare -m sh -c "mount -t tmpfs none /sys/kernel/btf && exec '$BIN/tcplat' -d 1 -p 1" >"$tmp/out" 2>"$tmp/err"
		check no-btf "$? $(grep -c 'no BTF of the kernel: it needs CONFIG_DEBUG_INFO_BTF' "$tmp/err")" "1 1"
	fi
fi
for be in tracepoint fentry kprobe; do
	wanted "backend-$be" || continue
	if traced "-n 30 rr" -j --backend $be; then
		# Before 6.16 the tracepoints borrow one function: that is a tracepoint backend too.
		check "backend-$be" "$status $(said balanced) \
$(of '(.backend | split("+")[0]) + " \(.metrics.client.count) \(.metrics.server.count)"')" "0 true $be 30 30"
		check_true "backend-$be-said" "it is not the backend that was asked for" grep -q "(backend $be[,+]" "$tmp/err"
	else
		await
		check "backend-$be-refused" "$status" 1
		check_true "backend-$be-why" "neither the backend nor a hook is named" grep -qE "backend $be: |kprobe/" "$tmp/err"
		skip "backend-$be" "$(sed 's/^tcplat: //' "$tmp/err" | tail -n 1)"
		skip "backend-$be-said" "the backend is refused"
	fi
done
if wanted cleanup; then
	# Counted where fentry or a kprobe can be put beside the backend; otherwise null, and said so.
	traced "-n 30 rr" -j --cleanup
	check cleanup "$status $(said balanced) $(of .turns.answered)" "0 true 60"
	n=$(of .event_type_breakdown.tcp_cleanup_rbuf)
	if [ "$n" = null ]; then
		check_true cleanup-why "nothing says that it is not counted" grep -q 'tcp_cleanup_rbuf' "$tmp/err"
		skip cleanup-count "$(sed -n 's/^tcplat: warning: //p' "$tmp/err" | head -n 1)"
	else
		check_true cleanup-count "$n calls of tcp_cleanup_rbuf for 60 reads" test "$n" -ge 60
	fi
	traced "-n 30 rr" -j
	check cleanup-not "$(of .event_type_breakdown.tcp_cleanup_rbuf)" null
fi
if wanted two; then
	traffic -n 40 rr
	"$BIN/tcplat" -p "$port" -o "$tmp/first.json" >/dev/null 2>"$tmp/first.err" &
	first=$!
	pids="$pids $first"
	start tcplat -p "$port" -o "$report"
	wait_for 60 grep -q 'ready (' "$tmp/first.err"
	finish_load
	stop
	kill -INT $first
	wait $first
	check two "$? $status $(jq -r .turns.answered "$tmp/first.json") $(of .turns.answered)" "0 0 80 80"
fi
if wanted ring-full; then
	# While the tool stands still, the ring holds some two hundred closed connections.
	traffic -n 1000 short
	rm -f "$report"
	start tcplat -j --ring-size 64 --slowest 0 -p "$port" -o "$report"
	kill -STOP "$tool"
	finish_load
	kill -CONT "$tool"
	stop
	check ring-full "$status $load_status $(said balanced) $(of '.complete | tostring') $(of '.accounting |
		"\(.connections) \(.connections_closed + .connections_lost) \(.connections_lost > 1000)"')" \
		"0 0 true false 2000 2000 true"
fi

# --- where the output goes
if wanted head; then
	traffic -n 100 --service 20 rr
	rm -f "$tmp/status"
	{ "$BIN/tcplat" -i 0.1 -p "$port" 2>"$tmp/err"; echo $? >"$tmp/status"; } | head -n 2 >"$tmp/out" &
	wait_for 60 grep -q 'ready (' "$tmp/err"
	go_on
	wait_for 60 test -s "$tmp/status"
	check head "$(cat "$tmp/status") $(wc -l <"$tmp/out") $(grep -ciE 'write|pipe|error|balance' "$tmp/err")" "0 2 0"
	load_done
fi
if wanted full; then
	for j in '' -j; do
		traffic -n 20 rr
		# shellcheck disable=SC2086
		"$BIN/tcplat" $j -p "$port" >/dev/full 2>"$tmp/err" &
		tool=$!
		pids="$pids $tool"
		wait_for 60 grep -q 'ready (' "$tmp/err"
		finish_load
		stop
		check "full$j" "$status $(grep -cE 'cannot write to (stdout|standard output): No space left' "$tmp/err")" "1 1"
	done
	traced "-n 20 rr" -j -o /dev/full
	check full-device "$status $(grep -c 'cannot write to /dev/full: No space left' "$tmp/err")" "1 1"
fi
if wanted disk-full; then
	# A small disk of its own, without room for the report: what was there stays.
	mkdir "$tmp/disk"
	for option in output prometheus; do
		traffic -n 20 rr
		: >"$tmp/err"
		# shellcheck disable=SC2016 # the inner shell's
		unshare -m sh -c 'mount -t tmpfs -o size=64k none "$1" && cd "$1" && echo old >file || exit 99
			cat /dev/zero >rest 2>/dev/null
			"$2" -d 2 -i 0.5 -p "$3" --$4 "$1/file"
			echo "$? $(cat file) $(ls -A | xargs)" >"$5"' \
			sh "$tmp/disk" "$BIN/tcplat" "$port" $option "$tmp/status" >"$tmp/out" 2>"$tmp/err" &
		tool=$!
		pids="$pids $tool"
		wait_for 60 grep -q 'ready (' "$tmp/err"
		finish_load
		await
		check "disk-full-$option" "$(cat "$tmp/status") $(grep -c "cannot write to $tmp/disk/file: .*o space left" "$tmp/err")" \
			"1 old file rest 1"
	done
fi
if wanted unwritable; then
	for o in -o --prometheus; do
		run $o "$tmp/none/file" -d 1 -p 1
		check "unwritable$o" "$status $(grep -c "cannot write to $tmp/none/file: there is no directory" "$tmp/err") \
$(grep -c 'ready (' "$tmp/err")" "1 1 0"
		run $o "$tmp" -d 1 -p 1
		check "unwritable$o-directory" "$status $(grep -c "cannot write to $tmp: a directory" "$tmp/err")" "1 1"
	done
fi
if wanted atomic; then
	# A reader that never rests sees the old text or the new one, whole, and the report at the end alone.
	mkdir "$tmp/atomic"
	echo old >"$tmp/atomic/r"
	exec 8<"$tmp/atomic/r"
	traffic -n 60 --service 20 rr
	start tcplat -i 0.1 -p "$port" -o "$tmp/atomic/r" --prometheus "$tmp/atomic/p"
	perl -e 'my ($p, $r, $pid) = @ARGV; local $/; my ($reads, $bad, $early, %seen);
		while (kill 0, $pid) {
			if (open my $f, "<", $p) { $_ = <$f>; $reads++; $seen{$_} = 1;
				$bad++ unless /^# HELP / && /^tcplat_lost_total\{what="hooks"\} \d+\n(.*\n)*\z/m }
			if (open my $f, "<", $r) { $_ = <$f>; $early++ unless $_ eq "old\n" || /^\{.*\}\n\z/s }
		}
		printf "%d %d %s\n", $bad, $early, $reads > 20 && keys %seen > 5 ? "often" : "seldom: $reads reads"' \
		"$tmp/atomic/p" "$tmp/atomic/r" "$tool" >"$tmp/reads" &
	reads=$!
	pids="$pids $reads"
	finish_load
	was=$(cat "$tmp/atomic/r")
	stop
	wait $reads
	check atomic "$(cat "$tmp/reads") $was $(cat <&8)" "0 0 often old old"
	exec 8<&-
	check atomic-whole "$(jq -r .turns.answered "$tmp/atomic/r") \
$(sed -n 's/^tcplat_turns_total{class="answered"} //p' "$tmp/atomic/p") $(ls -A "$tmp/atomic" | xargs)" "120 120 p r"
	check atomic-buckets "$(sed -n 's/^tcplat_turn_seconds_bucket{.*client",.*le="+Inf"} //p
		s/^tcplat_turn_seconds_count{.*client"} //p' "$tmp/atomic/p" | xargs)" "60 60"
fi
# listener KIND: takes one connection, or datagrams, and keeps what comes; prints where it listens first.
listener() {
	: >"$tmp/heard"
	perl -MIO::Socket -MIO::Socket::UNIX -e '$| = 1; my ($kind, $path) = @ARGV; unlink $path;
		my $s = $kind eq "unix" ? IO::Socket::UNIX->new(Local => $path, Listen => 1)
			: $kind eq "syslog" ? IO::Socket::UNIX->new(Local => $path, Type => SOCK_DGRAM)
			: IO::Socket::INET->new(LocalAddr => "127.0.0.1", Proto => $kind, $kind eq "tcp" ? (Listen => 1) : ());
		die $! unless $s;
		print "$kind:", $kind =~ /unix|syslog/ ? $path : "//127.0.0.1:" . $s->sockport, "\n";
		if ($kind =~ /udp|syslog/) { while (defined $s->recv($d, 1 << 20)) { print "$d\n"; last if $d =~ /"summary"/ } }
		else { my $c = $s->accept; print while <$c> }' "$1" "$tmp/socket" >"$tmp/heard" &
	heard=$!
	pids="$pids $heard"
	wait_for 60 test -s "$tmp/heard"
	chmod 777 "$tmp" "$tmp/socket" 2>/dev/null
}
for kind in tcp udp unix syslog; do
	wanted "output-$kind" || continue
	listener $kind
	traffic -n 30 rr
	start tcplat -p "$port" -o "$(head -n 1 "$tmp/heard")"
	finish_load
	stop
	wait_for 20 sh -c "! kill -0 $heard" || kill $heard
	sed -n 's/^[^{]*{/{/p' "$tmp/heard" | grep -v '^$' >"$tmp/json"
	check "output-$kind" "$status $(jq -r .type "$tmp/json" | grep -v interval | sort | uniq -c | xargs) \
$(jq -r 'select(.type == "report").turns.answered' "$tmp/json")" "0 2 conn 1 report 1 summary 60"
	check "output-$kind-text" "$(grep -c '^{' "$tmp/out") $(grep -c '^total of ' "$tmp/out")" "0 1"
done
if wanted json; then
	# The report of -o is that of -j; the lines come in the promised order.
	traced "-n 100 --service 10 rr" -j -i 0.2
	check json "$(jq -r .type "$tmp/out" | uniq | xargs) $(valid "$tmp/out" && echo valid)" "interval conn report summary valid"
	check json-report "$(jq -S 'select(.type == "report") | del(.cost)' "$tmp/out" | diff - <(jq -S 'del(.cost)' "$report"))" ""
fi
if wanted nothing; then
	rm -f "$report"
	run -j -d 0.3 -p 1 -o "$report" --prometheus "$tmp/nothing"
	check nothing "$status $(valid "$tmp/out" && echo valid) $(of '[.total_events, .percentiles.p50, .connections, .slowest,
		.metrics.client.count, .metrics.client.min_us] | tojson')" '0 valid [0,null,{},[],0,null]'
	check_true nothing-prometheus "it is no text for Prometheus" grep -qx 'tcplat_turns_total{class="answered"} 0' "$tmp/nothing"
	run -d 0.3 -p 1
	check nothing-text "$status $(grep -c '^total of 0.[0-9] s: 0 connections' "$tmp/out")" "0 1"
fi
if wanted hostile; then
	# Names of processes: quotes, control bytes, UTF-8 and what is none.
	hostile() {
		load perl -MIO::Socket::INET -e '$| = 1; $0 = "q\"\\\n\033[31m\377\t\303\251";
			my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1) or die;
			print "truth port ", $l->sockport, "\npid $$\n"; <STDIN>;
			if (!fork) { my $c = $l->accept; syswrite $c, "r" while sysread $c, $_, 1; exit }
			my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $l->sockport) or die;
			for (1 .. 5) { syswrite $c, "q"; sysread $c, $_, 1; select undef, undef, undef, 0.1 }
			close $c; wait'
		port=$(truth_of port)
	}
	hostile
	rm -f "$report"
	start tcplat -j -i 0.1 -p "$port" -o "$report"
	finish_load
	stop
	# The name is in the JSON as it was, but for what is not UTF-8.
	check hostile "$status $(valid "$tmp/out" && echo valid) $(of '[.connections[], .slowest[]] |
		map(.comm) | unique[]' | LC_ALL=C tr -d '\200-\377' | od -An -c | tr -d ' \n')" '0 valid q"\\n033[31m\t\n'
	check hostile-utf8 "$(of '[.connections[].comm | endswith("\té")] | tojson')" '[true,true]'
	hostile
	start tcplat -v -i 0.1 -p "$port"
	finish_load
	stop
	check hostile-text "$(cat "$tmp/out" "$tmp/err" | LC_ALL=C grep -c "$(printf '[\001-\010\013-\037\177]')") \
$(cat "$tmp/out" "$tmp/err" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1 && echo utf8) $(grep -c 'q"' "$tmp/out" | sed 's/[1-9].*/rows/')" \
		"0 utf8 rows"
fi
if wanted histogram; then
	traced "-n 20 rr"
	n=$(grep -c 'distribution$' "$tmp/out")
	traced "-n 20 rr" --histogram
	# The headline's alone, or all that have values.
	check histogram "$n $(grep -c 'distribution$' "$tmp/out")" "1 $(of '[.metrics[] | select(.count > 0)] | length')"
fi

# --- figures
if wanted percentiles; then
	# The workload's stamps enclose what the tool sees: none of its values is more than the client's own, or less
	# than the server's. So it is with each percentile, and a bucket makes it 1/32 more at most. The same for the
	# standard deviation: two series that differ by so much in the mean square cannot differ more in it.
	traced "-n 1500 -c 2 --service 1 --stamps rr"
	awk '$1 == "turn" { print $3 / 1e3, $4 / 1e3 }' "$tmp/load" | jq -R 'split(" ") | map(tonumber)' | jq -s . >"$tmp/stamps"
	why=$(jq -r --slurpfile s "$tmp/stamps" '
		def rank(p): sort | .[(p * length - 1e-9 | ceil) - 1];
		($s[0] | map(.[0])) as $c | ($s[0] | map(.[1])) as $v
		| ({p50: 0.5, p75: 0.75, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999} | to_entries[]) as $p
		| .metrics.client.percentiles_us[$p.key] as $got
		| ($v | rank($p.value)) as $low | ($c | rank($p.value)) as $high
		| select($got < $low - 0.001 or $got > $high * 33 / 32 + 0.001)
		| "\($p.key) is \($got), not from \($low) to \($high)"' "$report")
	check percentiles "$why" ""
	check percentiles-count "$(jq -r length "$tmp/stamps") $(of '.metrics.client.count') $(of '(.percentiles | map_values(. * 1e6 | round))
		== (.metrics.client.percentiles_us | map_values(. * 1e3 | round))')" "3000 3000 true"
	why=$(jq -r --slurpfile s "$tmp/stamps" '
		def mean: add / length;
		def dev: mean as $m | map((. - $m) * (. - $m)) | mean | sqrt;
		($s[0] | map(.[0]) | dev) as $want | ($s[0] | map((.[0] - .[1]) * (.[0] - .[1])) | mean | sqrt) as $tolerance
		| .metrics.client | (.max_us / 32) as $bucket
		| select((.std_dev_us - $want | fabs) > $tolerance + $bucket)
		| "got \(.std_dev_us), want \($want) within \($tolerance) and a bucket"' "$report")
	check std-dev "$why" ""
fi
if wanted p999; then
	traced "-n 999 rr"
	few=$(of '[.metrics.client.count, .percentiles.p99 > 0, .percentiles.p999] | tojson')
	traced "-n 1000 rr"
	check p999 "$few $(of '[.metrics.client.count, .percentiles.p999 > 0] | tojson')" "[999,true,null] [1000,true]"
fi
if wanted cpus; then
	# Each side counts on a CPU of its own: the report has the sum.
	if [ "$(nproc)" -lt 2 ]; then
		skip cpus "there is one CPU"
	else
		traced "-n 2000 -c 2 --pin 0,1 rr" -j
		check cpus "$(of '[.turns.answered, .metrics.client.count, .metrics.server.count,
			.event_type_breakdown.tcp_sendmsg, ([.connections[].events] | add)] | tojson') $(said balanced)" \
			"[8000,4000,4000,$(($(truth_of client_sends) + $(truth_of server_sends))),8000] true"
	fi
fi
if wanted slowest; then
	traced "-n 300 --service 1 --stamps rr" --slowest 3
	# A turn as either end sees it took as long as the server's stamps say, or longer, but not longer than the client's.
	awk '$1 == "turn" { print "[" $4 / 1e3 ", " $3 / 1e3 "]" }' "$tmp/load" | jq -s . >"$tmp/stamps"
	check slowest "$(jq -r --slurpfile s "$tmp/stamps" '[.slowest[].total_us] as $got
		| def most(i): $s[0] | map(.[i], .[i]) | sort | reverse[:3];
		[($got | length), $got == ($got | sort | reverse), $got[0] == ([.metrics.client.max_us, .metrics.server.max_us] | max),
		([most(0), $got, most(1)] | transpose | map(.[0] <= .[1] + 0.001 and .[1] <= .[2] + 0.001) | all)]
		| tojson' "$report")" "[3,true,true,true]"
	check slowest-split "$(of '[.slowest[] | select(.metric == "client")
		| (.local_us + .network_us + .remote_us - .total_us | fabs) < 0.01] | all')" true
	traced "-n 30 rr" --slowest 0
	check slowest-none "$(of '.slowest | length') $(grep -c 'slowest turns' "$tmp/out")" "0 0"
fi
if wanted diff; then
	for ms in 5 20; do
		traced "-n 60 --service $ms rr"
		mv "$report" "$tmp/$ms.json"
	done
	verdicts() { run -j --diff "$@" && jq -r 'select(.metric == "server").verdict.p50' "$tmp/out"; }
	check diff "$(verdicts "$tmp/5.json" "$tmp/20.json") $(verdicts "$tmp/20.json" "$tmp/5.json")" "slower faster"
	run --diff "$tmp/5.json" "$tmp/20.json"
	check diff-text "$status $(grep -cE '^server +p50 .* slower$' "$tmp/out")" "0 1"
	traced "-n 60 --service 20 rr"
	if [ -n "${IN_GUEST:-}" ]; then
		skip diff-same "an emulated CPU sleeps as it likes"
	else
		check diff-same "$(verdicts "$tmp/20.json" "$report")" same
	fi
	run --diff "$tmp/5.json" "$tmp/nothing-there"
	check diff-missing "$status $(grep -c 'nothing-there' "$tmp/err")" "1 1"
fi
if wanted replay; then
	for j in '' -j; do
		# shellcheck disable=SC2086
		traced "-n 40 --service 10 rr" $j -i 0.2 --record "$tmp/record"
		mv "$report" "$tmp/live.json"
		grep -v '"summary"' "$tmp/out" | sed 's/"tool_cpu_ms":[^,]*,"tool_rss_bytes":[^}]*/"tool_cpu_ms":null,"tool_rss_bytes":null/' \
			>"$tmp/live"
		# shellcheck disable=SC2086
		run $j --replay "$tmp/record" -o "$report"
		check "replay$j" "$status $(grep -v '"summary"' "$tmp/out" | diff - "$tmp/live" | head -n 3 | cut -c1-300)" "0 "
		check "replay$j-report" "$(jq 'del(.cost.tool_cpu_ms, .cost.tool_rss_bytes)' "$report" |
			diff - <(jq 'del(.cost.tool_cpu_ms, .cost.tool_rss_bytes)' "$tmp/live.json") | head -n 3)" ""
		check_true "replay$j-rows" "there was nothing to compare" test "$(wc -l <"$tmp/live")" -gt 3
	done
fi

# --- options from elsewhere
if wanted config; then
	run -p 5432 --sample 3 -i 0.5 --comm 'po*,"q' --print-config
	cp "$tmp/out" "$tmp/conf"
	run --config "$tmp/conf" --print-config
	check config "$status $(cmp "$tmp/out" "$tmp/conf" && echo same)" "0 same"
	run --config "$tmp/conf" --check-config
	check config-valid "$status" 0
	printf 'port = 5432\nsample = many\n' >"$tmp/conf"
	run --config "$tmp/conf" --check-config
	check config-bad "$status $(grep -c "$tmp/conf:2: sample: bad value 'many'" "$tmp/err")" "2 1"
	traffic -n 10 rr
	rm -f "$report"
	printf 'port = %s\noutput = %s\nslowest = 2\n' "$port" "$report" >"$tmp/conf"
	start tcplat --config "$tmp/conf"
	finish_load
	stop
	check config-used "$status $(of '"\(.turns.answered) \(.slowest | length)"')" "0 20 2"
fi
if wanted environment; then
	traffic -n 10 rr
	rm -f "$report"
	TCPLAT_PORT=1 TCPLAT_OUTPUT=$report TCPLAT_JSON=1 TCPLAT_SLOWEST=1 start tcplat -p "$port"
	finish_load
	stop
	# The command line goes before it.
	check environment "$status $(of '"\(.turns.answered) \(.slowest | length)"') $(said balanced)" "0 20 1 true"
	TCPLAT_PORT=70000 run --check-config
	check environment-bad "$status $(grep -c "TCPLAT_PORT: bad value '70000'" "$tmp/err")" "2 1"
fi
if wanted clock; then
	# The wall clock jumps by an hour: times of turns are not its business.
	if [ -z "${IN_GUEST:-}" ]; then
		skip clock "the clock of this machine is not ours to set"
	else
		traffic -n 10 --service 50 rr
		rm -f "$report"
		start tcplat -p "$port" -o "$report"
		go_on
		sleep 0.2
		date -s '+1 hour' >/dev/null
		load_done
		stop
		date -s '-1 hour' >/dev/null
		check clock "$status $(of '"\(.metrics.client.count) \(.metrics.client.max_us < 60e6) \(.duration_seconds < 600)"')" \
			"0 10 true true"
	fi
fi
finish
