#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httpsniff as a program: how it ends, what it leaves behind (nothing), who may run it, where its output goes, which
# messages are left out, and that no secret and no control byte is on any output. Ports are the kernel's choice, and
# the tool looks at no other. In a guest those cases alone that depend on the kernel.
[ -z "${IN_GUEST:-}" ] || [ $# != 0 ] ||
	set -- killed nobody dropped 'backend-*' two ring-full only-pid clock
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
bpftool=$(PATH=$PATH:/usr/sbin:/sbin command -v bpftool) || bench_broken "no bpftool"
declare -A fd pid_of

# truth_of KEY: a number that the workload told
truth_of() { awk -v k="$1" '$1 == "truth" && $2 == k { print $3; exit }' "$tmp/load"; }
# traffic ARG...: the HTTP workload, waiting; its port is $port
traffic() {
	load "$LOAD/http" -w "$@"
	port=$(truth_of port)
}
finish_load() {
	go_on
	load_done
	[ "$load_status" = 0 ] || bench_broken "http: status $load_status: $(tail -n 3 "$tmp/load")"
}
# traced "WORKLOAD" OPTION...: one run of it; false when the tool was not ready
traced() {
	local what=$1
	shift
	# shellcheck disable=SC2086
	traffic $what
	start httpsniff -p "$port" "$@" || { kill "$load"; return 1; }
	finish_load
	stop
}
# Is every line JSON, of a type that httpsniff has?
valid() { jq -e -n '[inputs | .type | IN("message", "gap", "connection", "summary")] | length > 0 and all' "$1" >/dev/null; }
# hooks: the programs that the tool holds; still NUMBER...: which of them there are
hooks() { sed -n 's/^prog_id:[[:space:]]*//p' /proc/"$tool"/fdinfo/* | sort -nu; }
still() { "$bpftool" prog show id "$1" >/dev/null 2>&1; }
gone() { for h; do ! still "$h" || return 1; done; }
# run ARG...: the tool to its own end, with its words in $tmp/err
run() {
	timeout 60 "$BIN/httpsniff" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# One line for each end of each message, as the workload wrote it down, and as the tool said it. A response has the
# method and URL of the request that it answers.
cat >"$tmp/ends.jq" <<'END'
# Of which messages; nth is the number of the request, or of the one that is answered.
def nth: .answers // .number;
# The workload writes bytes; this is the only letter beyond ASCII in its URLs.
def text: gsub("\u00c3\u00a9"; "\u00e9");
def told(f): [inputs] as $all
	| ($all | map(select(.type == "connection") | {(.conn | tostring): [.server_port, .client_port]}) | add) as $ports
	| ($all | map(select(.type == "message" and .from == "client") | {"\(.conn) \(.number)": [.method, (.url | text)]}) | add)
		as $asked
	| $all[] | select(.type == "message") | select(f)
	| ($ports[.conn | tostring] + $asked["\(.conn) \(nth)"]
		+ [.number, .status, .bytes, .decoded_bytes // .body_bytes] | tojson) as $line
	| if .from == "client" then "client send", "server recv" else "server send", "client recv" end
	| "\(.) \($line)";
def heard: inputs | select(.type == "message")
	| (if .status then [.source_port, .dest_port] else [.dest_port, .source_port] end) as $ports
	| "\(.role) \(.direction) \($ports + [.method, .url, .number, .status, .bytes, .body_size] | tojson)";
END
# ends_told [FILE [FILTER]], ends_heard [FILE]
ends_told() { sed -n '/^{/p' "${1:-$tmp/load}" | jq -n -r -L "$tmp" "include \"ends\"; told(${2:-true})" | sort; }
ends_heard() { jq -n -r -L "$tmp" 'include "ends"; heard' "${1:-$tmp/out}" | sort; }
# differs FILE FILE: the first lines of what is only in one of them; nothing where they are alike
differs() { diff "$1" "$2" | grep '^[<>]' | head -n 4 | paste -sd ';' -; }
# judge NAME GOT WANT [FILE]: as check, but in a guest a hook may find the one before it interrupted, and then does not
# run. The tool counts these, and of what was seen the account holds all the same: no more can be asked.
judge() {
	local missed
	missed=$(jq 'select(.type == "summary" and .balanced).hooks_missed' "${4:-$tmp/out}" 2>/dev/null)
	if [ "$2" = "$3" ] || [ -z "${IN_GUEST:-}" ] || [ "${missed:-0}" = 0 ]; then
		check "$1" "$2" "$3"
	else
		skip "$1" "$missed hooks did not run; the account holds"
	fi
}
# whole NAME [FILE]: each end of each message of the workload is there once, and nothing else; the account holds.
whole() {
	local file=${2:-$tmp/out}
	ends_told >"$tmp/told"
	ends_heard "$file" >"$tmp/heard"
	judge "$1" "$status $(differs "$tmp/told" "$tmp/heard") $(jq -r 'select(.type == "summary") | "\(.balanced) \(.complete)"' "$file")" \
		"0  true true" "$file"
	[ -s "$tmp/told" ] || bench_broken "the workload told nothing"
}

# --- the end
for sig in INT TERM HUP; do
	wanted "signal-$sig" || continue
	traffic -n 10 get
	start httpsniff -j -p "$port"
	held=$(hooks)
	there=$(for h in $held; do still "$h" && echo yes; done | sort -u)
	finish_load
	kill -$sig "$tool"
	await
	whole "signal-$sig"
	# shellcheck disable=SC2086
	check_true "signal-$sig-left" "of the programs $held some are still there" wait_for 20 gone $held
	check "signal-$sig-held" "$there" yes
done
if wanted open; then
	# What is under way when the tool ends is told as such.
	traffic --size 100000 --hold 0 --ms 2000 halfclose
	start httpsniff -j -p "$port"
	go_on
	wait_for 20 sh -c "grep -q ':.*\"url\":\"/halfclose\"' '$tmp/out'"
	traffic_load=$load
	stop
	wait "$traffic_load"
	check open "$status $(said balanced) $(said requests_unanswered | sed 's/^[1-9].*/some/')" "0 true some"
fi
if wanted killed; then
	mkdir "$tmp/killed"
	traffic -n 20 get
	start httpsniff -p "$port" --har "$tmp/killed/h" --pcapng "$tmp/killed/p" -o "$tmp/killed/o"
	held=$(hooks)
	kill -KILL "$tool"
	wait "$tool" 2>/dev/null
	# shellcheck disable=SC2086
	check_true killed "of the programs $held some are still there" wait_for 20 gone $held
	check_true killed-held "it held no program" test -n "$held"
	finish_load
	check killed-target "$load_status" 0
fi
if wanted starting; then
	# Interrupted wherever it was: it ends, and leaves no program.
	for delay in 0 0.01 0.03 0.06 0.1 0.15 0.25; do
		"$BIN/httpsniff" -p 1 >"$tmp/out" 2>"$tmp/err" &
		tool=$!
		# Before the exec it is a shell, with the shell's handlers.
		wait_for 60 grep -q httpsniff "/proc/$tool/comm"
		sleep "$delay"
		kill -INT "$tool"
		kill -INT "$tool" 2>/dev/null
		wait "$tool"
		echo $?
	done >"$tmp/status"
	check starting "$(grep -vxE '0|1|130' "$tmp/status" | xargs) $(wc -l <"$tmp/status")" " 7"
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
	for times in 1 2; do
		traffic -n 500 get
		start httpsniff -p "$port" -o "unix:$tmp/deaf"
		finish_load
		kill -INT "$tool"
		if [ $times = 2 ]; then
			# The account comes before the last wait.
			wait_for 60 grep -q ': messages ' "$tmp/err"
			kill -INT "$tool" 2>/dev/null
		fi
		await
		said=$(sed -n 's/.* \([0-9]*\) of \([0-9]*\) lines could not be delivered.*/\1 \2/p' "$tmp/err")
		# 2000 messages and the account; some of them are in the socket.
		if [ $times = 1 ]; then
			check first-sigint "$status $(awk '{ print ($1 > 0 && $1 < $2), $2 }' <<<"$said")" "0 1 2001"
		else
			check second-sigint "$status $said" "1 "
		fi
	done
	kill $deaf
fi
if wanted duration; then
	traffic -n 5 get
	t0=$(date +%s%N)
	start httpsniff -j -d 1.2 -p "$port"
	finish_load
	await
	check duration "$((($(date +%s%N) - t0) / 1000000 >= 1200))" 1
	whole duration-whole
fi
if wanted max-events; then
	traffic -n 40 get
	t0=$SECONDS
	start httpsniff -j --max-events 30 -p "$port" -d 60
	finish_load
	await
	check max-events "$status $(jq -r 'select(.type == "message").type' "$tmp/out" | wc -l) $((SECONDS - t0 < 30)) $(
		jq -r 'select(.type == "summary") | "\(.balanced) \(.shown) \(.messages == .shown + .over_max_events)"' "$tmp/out")" \
		"0 30 1 true 30 true"
fi
if wanted refused; then
	# case OPTION...: what is no option, or has no such value, ends with 2 before anything is traced
	refuse() {
		run "${@:2}"
		[ $status = 2 ] && contains "$tmp/err" "$1" && [ ! -s "$tmp/out" ] || echo "${*:2}: status $status: $(head -n 1 "$tmp/err")"
	}
	check refused "$(
		refuse "bad value '0'" -d 0
		refuse "bad value '5x'" -d 5x
		refuse "bad value ''" -d ''
		refuse "bad value '0'" --sample 0
		refuse "bad value '255'" --ring-size 255
		refuse "bad value '255'" --max-header 255
		refuse "bad value '0'" -p 0
		refuse "bad value '9-8'" -p 9-8
		refuse "bad value 'magic'" --backend magic
		refuse "bad value 'up'" --direction up
		refuse "--max-body 5x" --max-body 5x
		refuse "--max-body -1" --max-body -1
		refuse "--max-body 1025M" --max-body 1025M
		refuse "--status 50" --status 50
		refuse "--status 599-500" --status 599-500
		refuse "unknown option '--colour'" --colour always
		refuse "unexpected word 'left'" left over
		refuse "only one can have standard output" --pretty -j
		refuse "only one can have standard output" --pcapng - -j
		refuse "exclude each other" --record "$tmp/r" --replay "$tmp/r"
	)" ""
fi

# --- who may run it
if wanted nobody; then
	nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
	$nobody "$BIN/httpsniff" -d 1 -p 1 >"$tmp/out" 2>"$tmp/err"
	check nobody "$? $(grep -c 'missing CAP_BPF, CAP_PERFMON; run as root' "$tmp/err")" "1 1"
	for cap in bpf perfmon; do
		setpriv --bounding-set=-$cap,-sys_admin "$BIN/httpsniff" -d 1 -p 1 >"$tmp/out" 2>"$tmp/err"
		check nobody-no-$cap "$? $(grep -c "missing CAP_${cap^^};" "$tmp/err")" "1 1"
	done
	# Before Linux 5.11 maps are charged to the limit of locked memory.
	traffic -n 5 get
	: >"$tmp/err"
	(
		ulimit -l unlimited 2>/dev/null
		exec $nobody --inh-caps=+bpf,+perfmon --ambient-caps=+bpf,+perfmon \
			"$BIN/httpsniff" -j -p "$port" >"$tmp/out" 2>"$tmp/err"
	) &
	tool=$!
	pids="$pids $tool"
	wait_for 60 grep -q 'ready (' "$tmp/err"
	finish_load
	stop
	whole nobody-with
fi
# me PID: its user, its capabilities, its seccomp mode
me() { awk '/^(Uid|CapEff|CapPrm|CapBnd|Seccomp):/ { printf "%s ", $2 }' "/proc/$1/status"; }
if wanted dropped; then
	# All that it writes to is open by then: of a directory that root alone may enter, too.
	mkdir -m 700 "$tmp/root"
	traffic -n 10 get
	start httpsniff -j -p "$port" -o "$tmp/root/o" --har "$tmp/root/har" --pcapng "$tmp/root/pcapng" --record "$tmp/root/rec"
	is=$(me "$tool")
	finish_load
	stop
	whole dropped
	check dropped-is "$is" "65534 0000008000000000 0000008000000000 0000000000000000 2 "
	check dropped-output "$(cmp "$tmp/out" "$tmp/root/o" && echo same)" same
	check dropped-har "$(jq -r '.log.entries | "\(length) \(map(.response.status) | unique | tojson)"' "$tmp/root/har")" "20 [200]"
	check dropped-record "$("$BIN/httpsniff" --replay "$tmp/root/rec" -j 2>>"$tmp/err" | ends_heard - | diff -q - "$tmp/told")" ""
	if [ -n "${IN_GUEST:-}" ]; then
		skip dropped-pcapng "tshark takes its time there"
	else
		check dropped-pcapng "$(env -i PATH="$PATH" HOME="$tmp" tshark -n -r "$tmp/root/pcapng" -Y http -T fields -e http.request.uri \
			-e http.response.code 2>>"$tmp/err" | grep -c .)" 20
	fi
fi
if wanted stay-root; then
	start httpsniff --stay-root -p 1
	is=$(me "$tool")
	stop
	check stay-root "${is%% *} ${is: -2:1} $status" "0 0 0"
fi
if wanted no-btf; then
	# What the kernel's own file says may also lie in these places.
	if [ -n "$(find /boot /lib/modules /usr/lib/debug -name 'vmlinux*' 2>/dev/null | grep -F "$(uname -r)")" ]; then
		skip no-btf "there is another copy of the kernel's BTF"
	else
		unshare -m sh -c "mount -t tmpfs none /sys/kernel/btf && exec '$BIN/httpsniff' -d 1 -p 1" >"$tmp/out" 2>"$tmp/err"
		check no-btf "$? $(grep -c 'no BTF of the kernel: it needs CONFIG_DEBUG_INFO_BTF' "$tmp/err")" "1 1"
	fi
fi
for be in tracepoint fentry kprobe; do
	wanted "backend-$be" || continue
	traffic -n 30 -c 2 get
	if start httpsniff -j --backend $be -p "$port"; then
		finish_load
		stop
		whole "backend-$be"
		check_true "backend-$be-said" "it is not the backend that was asked for" grep -qE "ready \(backend ${be}[,+ ]" "$tmp/err"
	else
		await
		finish_load
		check "backend-$be-refused" "$status" 1
		check_true "backend-$be-why" "no reason is named" grep -qE "backend $be: ..*" "$tmp/err"
		skip "backend-$be" "$(sed 's/^httpsniff: //' "$tmp/err" | tail -n 1)"
		skip "backend-$be-said" "the backend is refused"
	fi
done
if wanted two; then
	traffic -n 20 get
	: >"$tmp/first.err"
	"$BIN/httpsniff" -j -p "$port" >"$tmp/first.json" 2>"$tmp/first.err" &
	first=$!
	pids="$pids $first"
	start httpsniff -j -p "$port"
	wait_for 60 grep -q 'ready (' "$tmp/first.err"
	finish_load
	stop
	whole two
	kill -INT $first
	wait $first
	status=$?
	whole two-first "$tmp/first.json"
fi

# --- one call of 1024 pieces of 20 KB, none of which fills a record of those that there are
if wanted long-call; then
	traced "--send writev1024 -n 1 echo-20m" -j --max-body all --ring-size 131072
	tail -n 1 "$tmp/load" >"$tmp/sum"
	judge long-call "$status $(jq -r 'select(.type == "summary") | "\(.balanced) \(.bytes_captured)"' "$tmp/out")" \
		"0 true $(jq -r '2 * (.client.sent + .server.sent)' "$tmp/sum")"
fi

# --- too slow
# moved BYTES: has the workload written so many?
moved() { [ "$(awk '$1 == "wchar:" { print $2 }' "/proc/$load/io")" -ge "$1" ]; }
if wanted ring-full; then
	# While the tool stands still the ring holds a third of what is said; it is there again before the end.
	traffic --threads -c 40 -n 150 --ms 10 --send write --recv read late
	start httpsniff -j --ring-size 256 -p "$port"
	at=$(awk '$1 == "wchar:" { print $2 }' "/proc/$load/io")
	kill -STOP "$tool"
	go_on
	wait_for 60 moved $((at + 250000))
	kill -CONT "$tool"
	load_done
	stop
	tail -n 1 "$tmp/load" >"$tmp/sum"
	jq -n -r '[inputs] as $all | [$all[] | select(.type == "message")] as $m | ($all[] | select(.type == "summary")) as $s
		| "account \($s | "\(.balanced) \(.complete) \(.bytes_ring_full > 0) \(.records_ring_full > 0) \(.bytes_sent) \(.bytes_received)")",
		# Each answer names its turn and its connection: is it shown with that request?
		"mistaken \([$m[] | select(.status and .url and .complete) | [.body, "this is answer \(.url / "/" | .[3]) of connection \(
			.url / "/" | .[2])\n"] | select(.[0] != .[1])] | length)",
		"answers \([$m[] | select(.status and .url and .complete)] | length | . > 100)",
		# Both ends of both messages of the last turn of each connection.
		"after \([$m[] | select(.complete and .url != null) | select(.url | endswith("/149")) | "\(.url) \(.direction) \(.status)"] |
			unique | length)",
		"causes \([$all[] | select(.type == "gap").cause] | unique | join(" "))"' "$tmp/out" >"$tmp/found" 2>>"$tmp/err"
	found() { sed -n "s/^$1 //p" "$tmp/found"; }
	judge ring-full "$status $load_status $(found account)" \
		"0 0 true false true true $(jq -r '.client.sent + .server.sent | "\(.) \(.)"' "$tmp/sum")"
	judge ring-full-mistaken "$(found mistaken) $(found answers)" "0 true"
	# All 160 where the machine has time for the tool; emulated ones go on to lose some.
	judge ring-full-after "$(($(found after) >= 40))" 1
	judge ring-full-causes "$(found causes)" lost
fi
if wanted slow-reader; then
	# With a reader that sleeps it goes on as with one that reads, but for what the machine has else to do: a
	# workload that waits would wait for the reader.
	# $took is the workload's time in ms. It prints 130 MB.
	pace() {
		: >"$tmp/err"
		traffic -n 2000 --size 16000 echo
		"$BIN/httpsniff" -j --ring-size 1024 -p "$port" 2>"$tmp/err" > >(exec "$@") &
		tool=$!
		pids="$pids $tool"
		wait_for 60 grep -q 'ready (' "$tmp/err"
		local t0
		t0=$(date +%s%N)
		finish_load
		took=$((($(date +%s%N) - t0) / 1000000))
	}
	best_awake=1000000 best_asleep=1000000 grown=0 account=
	for _ in 1 2 3; do
		pace cat >/dev/null
		stop
		[ "$took" -ge $best_awake ] || best_awake=$took
		rm -f "$tmp/hold"
		mkfifo "$tmp/hold"
		# shellcheck disable=SC2016 # the inner shell's
		pace sh -c 'read -r _ <"$0"; cat >"$1"' "$tmp/hold" "$tmp/out"
		[ "$took" -ge $best_asleep ] || best_asleep=$took
		kb=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$tool/status")
		[ "$kb" -le $grown ] || grown=$kb
		kill -INT "$tool"
		echo >"$tmp/hold"
		await
		wait_for 20 grep -q '"summary"' "$tmp/out"
		account="$account$status $(jq -r 'select(.type == "summary") | "\(.balanced) \(.complete) \(.bytes_ring_full > 0) \(
			.bytes_sent)"' "$tmp/out") "
	done
	echo "# with a reader $best_awake ms, asleep $best_asleep ms, at most $grown KiB"
	check_true slow-reader "the workload took $best_asleep ms, and $best_awake with a reader" \
		test $best_asleep -le $((best_awake * 3 + 500))
	check_true slow-reader-memory "$grown KiB" test $grown -lt 65536
	sent=$(tail -n 1 "$tmp/load" | jq '.client.sent + .server.sent')
	check slow-reader-account "$account" "$(for _ in 1 2 3; do printf '0 true false true %d ' "$sent"; done)"
fi

# --- where the output goes
if wanted head; then
	for form in -j --pretty ''; do
		traffic -n 200 --ms 5 late
		rm -f "$tmp/status"
		: >"$tmp/err"
		# shellcheck disable=SC2086
		{ "$BIN/httpsniff" $form -p "$port" 2>"$tmp/err"; echo $? >"$tmp/status"; } | head -n 2 >"$tmp/out" &
		wait_for 60 grep -q 'ready (' "$tmp/err"
		go_on
		wait_for 60 test -s "$tmp/status"
		check "head$form" "$(cat "$tmp/status") $(wc -l <"$tmp/out") $(grep -ciE 'write|pipe|error|not equal' "$tmp/err")" "0 2 0"
		load_done
	done
fi
if wanted full; then
	# full NAME OPTION...: standard output is a device without room
	full() {
		traffic -n 20 get
		: >"$tmp/err"
		"$BIN/httpsniff" "${@:2}" -p "$port" >/dev/full 2>"$tmp/err" &
		tool=$!
		pids="$pids $tool"
		# The packets' header does not wait for the first of them.
		wait_for 60 grep -qE 'ready \(|No space left' "$tmp/err"
		finish_load
		stop
		check "full$1" "$status $(grep -cE 'cannot write .*(stdout|standard output): No space left' "$tmp/err")" "1 1"
	}
	full ""
	full -j -j
	full -pretty --pretty
	full -pcapng --pcapng -
	for o in -o --har --pcapng --record; do
		traced "-n 20 get" -j $o /dev/full
		# What is kept in a buffer is written at the end, or when it is full.
		check "full-file$o" "$status $(grep -cE '(cannot write|/dev/full).*: No space left' "$tmp/err")" "1 1"
	done
fi
if wanted unwritable; then
	for o in -o --har --pcapng --record; do
		run $o "$tmp/none/file" -d 1 -p 1
		check "unwritable$o" "$status $(grep -c "$tmp/none/file" "$tmp/err") $(grep -c 'ready (' "$tmp/err")" "1 1 0"
		run $o "$tmp" -d 1 -p 1
		check "unwritable$o-directory" "$status $(grep -c "$tmp: .*directory" "$tmp/err") $(grep -c 'ready (' "$tmp/err")" "1 1 0"
	done
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
for kind in tcp udp unix syslog file; do
	wanted "output-$kind" || continue
	if [ $kind = file ]; then
		echo "$tmp/json" >"$tmp/heard"
	else
		listener $kind
	fi
	to=$(head -n 1 "$tmp/heard")
	traced "-n 30 get" -o "$to"
	if [ $kind != file ]; then
		wait_for 20 sh -c "! kill -0 $heard" || kill $heard
		sed -n 's/^[^{]*{/{/p' "$tmp/heard" | grep -v '^$' >"$tmp/json"
	fi
	whole "output-$kind" "$tmp/json"
	# Standard output stays for people.
	check "output-$kind-text" "$(grep -c '^{' "$tmp/out") $(grep -cE '^ts=.* status=200' "$tmp/out")" "0 60"
done
if wanted pcapng-live; then
	# Packets leave as they come, not at the end.
	traffic -n 12 --size 2000 echo
	: >"$tmp/err"
	mkfifo "$tmp/packets"
	env -i PATH="$PATH" HOME="$tmp" tshark -l -n -r "$tmp/packets" -Y http -T fields -e http.request.uri -e http.response.code \
		>"$tmp/shark" 2>/dev/null &
	shark=$!
	pids="$pids $shark"
	"$BIN/httpsniff" --pcapng - -p "$port" >"$tmp/packets" 2>"$tmp/err" &
	tool=$!
	pids="$pids $tool"
	wait_for 60 grep -q 'ready (' "$tmp/err"
	finish_load
	lines() { [ "$(grep -c . "$tmp/shark")" -ge 24 ]; }
	wait_for 30 lines
	check pcapng-live "$(grep -c '^/echo/0/' "$tmp/shark") $(grep -c '200$' "$tmp/shark")" "12 12"
	stop
	wait $shark
	check pcapng-live-end "$status $(wc -l <"$tmp/shark") $(grep -cE '^httpsniff: messages 48 = shown 48$' "$tmp/err")" "0 24 1"
fi
if wanted replay; then
	for form in '' -j '-j --raw' --pretty; do
		# shellcheck disable=SC2086
		traced "-n 10 -c 3 --size 3000 chunked" $form --record "$tmp/record"
		mv "$tmp/out" "$tmp/live"
		# shellcheck disable=SC2086
		run $form --replay "$tmp/record"
		check "replay$form" "$status $(diff <(grep -v '"type":"summary"' "$tmp/live") <(grep -v '"type":"summary"' "$tmp/out") |
			head -n 3 | cut -c1-300)" "0 "
		check_true "replay$form-rows" "there was nothing to compare" test "$(wc -l <"$tmp/live")" -gt 100
		# But for the cost of the run, the account is that of the live one.
		[[ $form != -j* ]] || check "replay$form-account" "$(diff <(jq -S 'select(.type == "summary") |
			del(.tool_cpu_ms, .tool_rss_bytes)' "$tmp/live") <(jq -S 'select(.type == "summary")' "$tmp/out") | head -n 3)" ""
	done
fi
if wanted nothing; then
	run -j -d 0.3 -p 1 --har "$tmp/har" --pcapng "$tmp/pcapng"
	check nothing "$status $(jq -r '"\(.type) \(.messages) \(.balanced) \(.complete)"' "$tmp/out") \
$(jq -c '.log.entries' "$tmp/har") $(env -i PATH="$PATH" HOME="$tmp" tshark -r "$tmp/pcapng" 2>/dev/null | wc -l)" \
		"0 summary 0 true true [] 0"
	run -d 0.3 -p 1
	check nothing-text "$status $(wc -l <"$tmp/out") $(grep -c '^httpsniff: messages 0 = shown 0$' "$tmp/err")" "0 0 1"
fi

# --- options from elsewhere
if wanted config; then
	run -p 5432 --sample 3 --max-body 2K --method 'GET,"q' --path '/a*b' --unix --redact-param x --print-config
	cp "$tmp/out" "$tmp/conf"
	run --config "$tmp/conf" --print-config
	check config "$status $(cmp "$tmp/out" "$tmp/conf" && echo same)" "0 same"
	run --config "$tmp/conf" --check-config
	check config-valid "$status" 0
	printf 'port = 5432\nsample = many\n' >"$tmp/conf"
	run --config "$tmp/conf" --check-config
	check config-bad "$status $(grep -c "$tmp/conf:2: sample: bad value 'many'" "$tmp/err")" "2 1"
	traffic -n 10 --size 3000 post
	printf 'port = %s\njson = yes\nmax-body = 10\nmethod = POST\n' "$port" >"$tmp/conf"
	start httpsniff --config "$tmp/conf"
	finish_load
	stop
	check config-used "$status $(jq -r 'select(.type == "message" and .status == null) | "\(.method) \(.body | length) \(.body_size)"' \
		"$tmp/out" | sort | uniq -c | xargs) $(said shown)" "0 20 POST 10 3000 40"
fi
if wanted environment; then
	traffic -n 10 get
	HTTPSNIFF_PORT=1 HTTPSNIFF_OUTPUT=$tmp/json HTTPSNIFF_JSON=1 HTTPSNIFF_DIRECTION=send start httpsniff -p "$port"
	finish_load
	stop
	# The command line goes before it.
	check environment "$status $(jq -r 'select(.type == "message").direction' "$tmp/out" | sort | uniq -c | xargs) \
$(cmp "$tmp/out" "$tmp/json" && echo same)" "0 20 send same"
	HTTPSNIFF_PORT=70000 run --check-config
	check environment-bad "$status $(grep -c "HTTPSNIFF_PORT: bad value '70000'" "$tmp/err")" "2 1"
fi

# --- which connections, which processes: filters in the kernel
# pending NAME ARG...: a workload that waits, with a pipe of its own: its truth is $tmp/NAME.truth
program=("$LOAD/http" -w)
pending() {
	local name=$1
	shift
	rm -f "$tmp/fifo"
	mkfifo "$tmp/fifo" || exit 99
	"${program[@]}" "$@" <"$tmp/fifo" >"$tmp/$name.truth" 2>&1 &
	pid_of[$name]=$!
	pids="$pids $!"
	exec {t_fd}>"$tmp/fifo"
	fd[$name]=$t_fd
	wait_for 60 grep -q '^pid ' "$tmp/$name.truth" || bench_broken "http $*: $(cat "$tmp/$name.truth")"
}
port_of() { awk '$2 == "port" { print $3 }' "$tmp/$1.truth"; }
begin() {
	for t_name in a b; do
		t_fd=${fd[$t_name]}
		echo >&"$t_fd"
		exec {t_fd}>&-
	done
	for t_name in a b; do
		wait "${pid_of[$t_name]}" || bench_broken "http $t_name: $(tail -n 2 "$tmp/$t_name.truth")"
	done
}
# only CASE LOADS FILTER WANT: of the two workloads a and b (what their arguments differ in, divided by a comma) the
# filter leaves the ends of WANT: "a:client b:server ...". A and B are their ports, S and C the pids of a's server and
# client.
only() {
	wanted "only-$1" || return 0
	local f=$3 w
	# shellcheck disable=SC2086
	pending a -n 5 --fork ${2%,*} get
	# shellcheck disable=SC2086
	pending b -n 6 --fork ${2#*,} get
	f=${f//A/$(port_of a)} f=${f//B/$(port_of b)}
	f=${f//S/${pid_of[a]}}
	set -f
	# shellcheck disable=SC2086
	start httpsniff -j $f || bench_broken "$(cat "$tmp/err")"
	set +f
	begin
	stop
	for w in $4; do ends_told "$tmp/${w%:*}.truth" | grep "^${w#*:} "; done | sort >"$tmp/told"
	ends_heard >"$tmp/heard"
	judge "only-$1" "$status $(differs "$tmp/told" "$tmp/heard") $(jq -r 'select(.type == "summary") | "\(.balanced) \(.complete) \(
		.filtered)"' "$tmp/out") $(($(wc -l <"$tmp/told") > 0))" \
		"0  true true 0 $((${#4} > 0))"
}
only port , "-p A" "a:client a:server"
only ports , "-p A,B" "a:client a:server b:client b:server"
only local-port , "--local-port A" "a:server"
only remote-port , "--remote-port A,B" "a:client b:client"
only port-and-local , "-p A,B --local-port B" "b:server"
only addr -4,-6 "-p A,B --addr ::1" "b:client b:server"
only addr-net -4,-6 "-p A,B --addr 127.0.0.0/8" "a:client a:server"
only ipv4 --mapped,-6 "-p A,B -4" "a:client a:server"
only ipv6 --mapped,-6 "-p A,B -6" "b:client b:server"
only pid , "-P S" "a:server"
only pid-and-port , "-P S -p B" ""
only exclude-pid , "-p A --exclude-pid S" "a:client"
only comm , "-p A,B --comm http-cl*" "a:client b:client"
only exclude-comm , "-p A --exclude-comm http-cl*" "a:server"
# in_cgroup CASE OPTION WANT: a is in it, b is not.
in_cgroup() {
	wanted "only-$1" || return 0
	group=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/reqtools-test-$$
	mkdir "$group" 2>/dev/null || { skip "only-$1" "no cgroup v2 that could be written to"; return 0; }
	program=(sh -c 'echo 0 >"$0/cgroup.procs"; exec "$@"' "$group" "$LOAD/http" -w)
	pending a -n 5 get
	program=("$LOAD/http" -w)
	pending b -n 6 get
	start httpsniff -j -p "$(port_of a),$(port_of b)" "$2" "$group"
	begin
	stop
	rmdir "$group"
	ends_told "$tmp/$3.truth" >"$tmp/told"
	ends_heard >"$tmp/heard"
	judge "only-$1" "$status $(differs "$tmp/told" "$tmp/heard") $(said balanced) $(said complete)" "0  true true"
}
in_cgroup cgroup --cgroup a
in_cgroup exclude-cgroup --exclude-cgroup b
if wanted only-unix; then
	# A unix socket and a TCP one, of two programs: without --unix, with it, and with a port, which the first has not.
	for options in "" --unix "--unix -p PORT"; do
		pending a --unix "@reqtools-test-$$" -n 5 get
		pending b -n 6 get
		# shellcheck disable=SC2086
		start httpsniff -j -P "${pid_of[a]},${pid_of[b]}" ${options//PORT/$(port_of b)}
		begin
		stop
		{
			[ "$options" != --unix ] || ends_told "$tmp/a.truth"
			ends_told "$tmp/b.truth"
		} | sort >"$tmp/told"
		ends_heard >"$tmp/heard"
		check "only-unix${options:+ ${options%PORT}}" "$status $(differs "$tmp/told" "$tmp/heard") $(said balanced)" "0  true"
		[ -z "${IN_GUEST:-}" ] || break
	done
fi
if wanted sample; then
	traffic -c 400 short
	start httpsniff -j -p "$port" --sample 4
	finish_load
	stop
	# 400 connections: 100, and five times the deviation to either side. Both ends of one, and both messages, or none.
	ends_told >"$tmp/told"
	ends_heard >"$tmp/heard"
	check sample "$status $(comm -13 "$tmp/told" "$tmp/heard" | head -n 2) $(jq -n -r '[inputs] |
		([.[] | select(.type == "message") | if .status then .dest_port else .source_port end] | group_by(.) | map(length)) as $ends
		| (.[] | select(.type == "summary")) as $s
		| "\($ends | unique | tojson) \($ends | length | . >= 57 and . <= 143) \($s.balanced) \($s.complete) \(
			$s.calls + $s.calls_sampled_out >= 1600)"' "$tmp/out")" "0  [4] true true true true"
fi
for dir in send recv; do
	wanted "direction-$dir" || continue
	traced "-n 10 --size 2000 post" -j --direction $dir
	ends_told | grep " $dir " >"$tmp/told"
	ends_heard >"$tmp/heard"
	check "direction-$dir" "$status $(differs "$tmp/told" "$tmp/heard") $(said balanced) $(said complete) $(wc -l <"$tmp/heard")" "0  true true 20"
done

# --- which messages: filters of what was said
# chosen CASE WORKLOAD FILTER OPTION...: of the workload's messages those are shown for which FILTER holds. The others
# are counted. The first case of a workload looks at it; what it recorded of it is there for the others.
chosen() {
	wanted "chosen-$1" || return 0
	local name=$1 what=$2 filter=$3 all
	shift 3
	if [ -e "$tmp/$what.rec" ]; then
		cp "$tmp/$what.load" "$tmp/load"
		run -j --replay "$tmp/$what.rec" "$@"
	else
		traced "$what" -j --record "$tmp/$what.rec" "$@"
		cp "$tmp/load" "$tmp/$what.load"
	fi
	all=$(ends_told | wc -l)
	ends_told "$tmp/load" "$filter" >"$tmp/told"
	ends_heard >"$tmp/heard"
	check "chosen-$name" "$status $(differs "$tmp/told" "$tmp/heard") $(jq -r 'select(.type == "summary") | "\(.balanced) \(.messages) \(
		.shown) \(.shown + .filtered)"' "$tmp/out")" "0  true $all $(wc -l <"$tmp/told") $all"
	[ -s "$tmp/told" ] || bench_broken "nothing is chosen"
}
# tests/load/http/plain.c, build_methods(): which of its ten requests has what
chosen method methods 'nth | IN(1, 2)' --method GET,POST
chosen method-case methods 'nth == 10' --method get
chosen path methods 'nth | IN(2, 7)' --path '/api/*'
chosen path-absolute methods 'nth | IN(4, 9)' --path '/absolute'
chosen path-star methods 'nth == 6' --path '\*'
chosen host methods 'nth | IN(1, 7, 10)' --host ONE.example
chosen host-port methods 'nth | IN(2, 5, 8)' --host 'two.*'
chosen host-ipv6 methods 'nth | IN(3, 6)' --host '::1'
chosen host-absolute methods 'nth | IN(4, 9)' --host three.example
chosen two-filters methods 'nth == 7' --path '/api/*' --host one.example
chosen status statuses '.status | IN(400, 404, 429, 500, 503, 599)' --status 4xx,500-599
chosen status-one statuses '.status == 799' --status 799
chosen min-size sizes '.bytes >= 8193' --min-size 8193
chosen anomalies odd '.anomalies != []' --anomalies
if wanted dedupe; then
	traced "-n 30 -c 4 get" -j --dedupe
	ends_told | sed 's/^[a-z ]*//' | sort -u >"$tmp/told"
	ends_heard | sed 's/^[a-z ]*//' | sort >"$tmp/heard"
	check dedupe "$status $(differs "$tmp/told" "$tmp/heard") $(said shown) $(said deduped) $(said messages) $(said balanced)" \
		"0  240 240 480 true"
fi
if wanted rate; then
	traced "-n 30 -c 4 get" -j --rate 50
	# It takes less than a second: of one, or of two when it turns meanwhile.
	check rate "$status $(jq -n -r '[inputs] | map(select(.type == "message") | .timestamp[:19]) as $s | .[] | select(.type == "summary")
		| "\(.shown == ($s | length)) \(.shown >= 50 and .shown <= 200) \([$s | group_by(.)[] | length] | max) \(
		.shown + .rate_limited) \(.balanced)"' "$tmp/out")" "0 true true 50 480 true"
fi

# --- what must not be on any output
# raw FILE...: lines with control bytes (C1 as well), or with what is not UTF-8
raw() {
	LC_ALL=C grep -c "$(printf '[\001-\010\013-\037\177]')" "$@"
	LC_ALL=C grep -cP '\xc2[\x80-\x9f]' "$@"
	for f; do iconv -f UTF-8 -t UTF-8 "$f" >/dev/null 2>&1 || echo "no UTF-8"; done
}
if wanted hostile; then
	# Names of processes and threads, their arguments, and bodies: quotes, control bytes, UTF-8 and what is none.
	for form in -j --raw '--pretty --raw'; do
		traffic --odd-comm texts -- $'\033[31m"q\\\n\377\302\233\177' $'a\tb'
		# shellcheck disable=SC2086
		start httpsniff $form -v --har "$tmp/har" -o "$tmp/json" -p "$port"
		finish_load
		stop
		check "hostile$form" "$status $(for f in out err json har; do raw "$tmp/$f"; done | sort -u | xargs)" "0 0"
		check "hostile$form-valid" "$(valid "$tmp/json" && jq -r '"entries \(.log.entries | length)"' "$tmp/har")" \
			"entries $(($(jq -r 'select(.type == "message" and .from == "client").type' <(sed -n '/^{/p' "$tmp/load") | wc -l) * 2))"
	done
	# It is there, as it was but for what is not UTF-8.
	check hostile-there "$(jq -c 'select(.type == "message").cmdline | split(" texts -- ")[1] | [startswith("\u001b[31m\"q\\\n"),
		endswith("\u007f a\tb")]' "$tmp/json" | sort -u)" "[true,true]"
fi
if wanted secrets; then
	secret=s3cr3t-VALUE-0123456789
	for redact in "" --no-redact; do
		for form in --raw "-j --raw" "--pretty --raw"; do
			name=secrets$redact${form:+ $form}
			# shellcheck disable=SC2086
			traced secrets $form $redact -v -o "$tmp/json" --har "$tmp/har" --pcapng "$tmp/pcapng"
			# Unmasked, they are all there; masked, their names of what was asked for are others than the truth's.
			[ -z "$redact" ] || whole "$name-messages" "$tmp/json"
			counts='' seen=''
			for f in out err json har pcapng; do
				counts="$counts $f:$(grep -aoF "$secret" "$tmp/$f" | wc -l)"
				seen="$seen $f:$(grep -aoE 'X-Visible|/userinfo' "$tmp/$f" | wc -l)"
			done
			if [ -z "$redact" ]; then
				check "$name" "$status$counts" "0 out:0 err:0 json:0 har:0 pcapng:0"
			else
				# Wherever the others are.
				check "$name" "$status $(for f in $counts; do [ "${f#*:}" = 0 ] && echo "$f"; done | xargs)" "0 err:0"
			fi
			# What is no secret is there.
			check "$name-rest" "$(for f in $seen; do [ "${f#*:}" = 0 ] && echo "$f"; done | xargs)" "err:0"
		done
	done
	# The recording is what the kernel sent; its replay is masked. Lengths stay.
	traced secrets -j --record "$tmp/record"
	check secrets-record "$(grep -aoF "$secret" "$tmp/record" | wc -l | sed 's/^[1-9].*/some/')" some
	run -j --raw --replay "$tmp/record"
	check secrets-replay "$status $(grep -aoF "$secret" "$tmp/out" | wc -l)" "0 0"
	long() { jq -n -c -L "$tmp" 'include "ends"; [inputs | '"$1"'] | sort | .[]'; }
	check secrets-lengths "$(diff <(long 'select(.type == "message" and .status == null) | .url | length' <"$tmp/out") \
		<(sed -n '/^{/p' "$tmp/load" | long 'select(.type == "message" and .url) | .url | length, length') | head -n 3)" ""
fi
if wanted clock; then
	# The wall clock jumps by an hour: nothing is lost by it.
	if [ -z "${IN_GUEST:-}" ]; then
		skip clock "the clock of this machine is not ours to set"
	else
		traffic -n 10 --ms 20 late
		start httpsniff -j -p "$port"
		go_on
		sleep 0.2
		date -s '+1 hour' >/dev/null
		load_done
		stop
		date -s '-1 hour' >/dev/null
		whole clock
		check clock-times "$(jq -n '[inputs | select(.type == "message").duration_ns] | max < 60e9' "$tmp/out")" true
	fi
fi
finish
