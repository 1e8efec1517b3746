#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httptrace as a program: how it ends and what it leaves behind, which transactions are shown, which traces are sampled, and
# that all its outputs say the same. Ports are the kernel's choice, and the tool looks at no other. In a guest those cases
# alone that depend on the kernel.
[ -z "${IN_GUEST:-}" ] || [ $# != 0 ] || set -- 'backend-*' ring-full
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/httptrace-lib.sh
. "$top/tests/httptrace-lib.sh"
bpftool=$(PATH=$PATH:/usr/sbin:/sbin command -v bpftool) || bench_broken "no bpftool"

# run ARG...: the tool to its own end
run() {
	timeout 60 "$BIN/httptrace" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}
# one, two: a service in C; one that asks another
one() { chain_new; serve_c "$@"; }
two() { chain_new; serve_c "$@"; name=middle serve_c --next "$port"; }
# traced "CLIENTS' OPTIONS" OPTION...: what the services that there are do, seen by the tool from before to the end
traced() {
	local asking=$1
	shift
	start httptrace -p "$chain_ports" "$@" || bench_broken "$(cat "$tmp/err")"
	# shellcheck disable=SC2086
	ask $asking
	stop
	chain_end
}
# judge NAME GOT WANT: as check, but in a guest a hook may find the one before it interrupted, and then does not run. The
# tool counts these; of what was seen the account holds all the same.
judge() {
	local missed
	missed=$(jq 'select(.type == "summary" and .balanced).hooks_missed' "$tmp/out" 2>/dev/null)
	if [ "$2" = "$3" ] || [ -z "${IN_GUEST:-}" ] || [ "${missed:-0}" = 0 ]; then
		check "$1" "$2" "$3"
	else
		skip "$1" "$missed hooks did not run; the account holds"
	fi
}
# rows FILTER [FILE]: a number or text for each transaction
rows() { jq -r "select(.type == \"transaction\") | $1" "${2:-$tmp/out}"; }
# sums KEY...: of the summary, with blanks between
sums() { jq -r --args 'select(.type == "summary") as $s | [$ARGS.positional[] | $s[.] | tostring] | join(" ")' "$@" <"$tmp/out"; }

# recorded: one look at three services under ten clients, of which all that needs no kernel is judged: $tmp/rec, what was said
# live is $tmp/live, the truth $tmp/recorded. Of 200 requests each tenth fails, and of the others each 25th takes 30 ms.
recorded() {
	[ ! -e "$tmp/rec" ] || return 0
	chain_new
	serve_c; name=middle serve_c --next "$port"; serve_threads
	traced "-c 10 -n 200 --unique --fail 10 --slow 25,30" -j --no-trace-headers --record "$tmp/rec"
	cp "$tmp/out" "$tmp/live"
	cp -r "$chain" "$tmp/recorded"
	[ "$status" = 0 ] || bench_broken "no recording: $(tail -n 3 "$tmp/err")"
}
# again ARG...: the tool's view of it; again_linked: as linked
again() {
	recorded
	run --replay "$tmp/rec" "$@"
}
again_linked() { chain=$tmp/recorded linked "$@"; }

# --- the end
hooks() { sed -n 's/^prog_id:[[:space:]]*//p' /proc/"$tool"/fdinfo/* | sort -nu; }
still() { "$bpftool" prog show id "$1" >/dev/null 2>&1; }
gone() { for h; do ! still "$h" || return 1; done; }
for sig in INT TERM; do
	wanted "signal-$sig" || continue
	two
	start httptrace -j -p "$chain_ports"
	held=$(hooks)
	ask -c 4 -n 40
	kill -$sig "$tool"
	await
	chain_end
	judge "signal-$sig" "$status $(linked --least 100)" "0 ok"
	# shellcheck disable=SC2086
	check_true "signal-$sig-left" "of the programs $held some are still there" wait_for 20 gone $held
	check_true "signal-$sig-held" "it held no program" test -n "$held"
done
if wanted open; then
	# What is under way when the tool ends is told as such, at both ends.
	one --delay 3000
	start httptrace -j -p "$port"
	ask -c 3 -n 3 &
	asker=$!
	wait_for 60 sh -c "[ \"\$(ss -Htn state established 'sport = :$port' | awk '\$1 == 0' | wc -l)\" = 3 ]"
	sleep 0.3 # read by now
	stop
	judge open "$status $(rows '"\(.role) \(.outcome) \(.status) \(.url) \(.complete)"' | sort | uniq -c | xargs) $(sums balanced open shown)" \
		"0 3 client open null /item false 3 server open null /item false true 6 6"
	wait $asker
	chain_end
fi
if wanted duration; then
	one
	t0=$(date +%s%N)
	start httptrace -j -d 1.2 -p "$port"
	ask -n 20
	await
	chain_end
	check duration "$((($(date +%s%N) - t0) / 1000000 >= 1200)) $status $(linked)" "1 0 ok"
fi
if wanted max-events; then
	one
	t0=$SECONDS
	start httptrace -j --max-events 30 -p "$port" -d 60
	ask -n 200
	await
	chain_end
	check max-events "$status $(rows .role | wc -l) $((SECONDS - t0 < 30)) $(sums balanced shown)" "0 30 1 true 30"
fi
if wanted refused; then
	refuse() {
		run "${@:2}"
		[ $status = 2 ] && contains "$tmp/err" "$1" && [ ! -s "$tmp/out" ] || echo "${*:2}: status $status: $(head -n 1 "$tmp/err")"
	}
	check refused "$(
		refuse "bad value '0'" -d 0
		refuse "bad value 'everyone'" --role everyone
		refuse "bad value '255'" --ring-size 255
		refuse "bad value 'magic'" --backend magic
		refuse "--status 50" --status 50
		refuse "--sample" --sample 0
		refuse "--sample" --sample 1/x
		refuse "--sample" --sample 2/3
		refuse "--slower" --slower -1
		refuse "--cpus" --cpus 3-1
		refuse "--rotate" --rotate 10Q -o "$tmp/o"
		refuse "no-such-user" --uid no-such-user
		refuse "unknown option '--colour'" --colour always
		refuse "unexpected word 'left'" left over
		refuse "only one can have standard output" --csv -j
		refuse "exclude each other" --record "$tmp/r" --replay "$tmp/r"
	)" ""
fi

# --- who runs it, and how
me() { awk '/^(Uid|CapEff|CapPrm|CapBnd|Seccomp):/ { printf "%s ", $2 }' "/proc/$1/status"; }
if wanted dropped; then
	mkdir -m 700 "$tmp/root"
	two
	start httptrace -j -p "$chain_ports" -o "$tmp/root/o" --otlp "$tmp/root/otlp" --record "$tmp/root/rec"
	is=$(me "$tool")
	ask -c 4 -n 40
	stop
	chain_end
	judge dropped "$status $(linked --least 100)" "0 ok"
	check dropped-is "$is" "65534 0000008000000000 0000008000000000 0000000000000000 2 "
	check dropped-output "$(cmp "$tmp/out" "$tmp/root/o" && echo same) $(test -s "$tmp/root/rec" && echo recorded) $(jq -s '[.[].resourceSpans[].scopeSpans[].spans[]] | length' "$tmp/root/otlp")" \
		"same recorded $(rows .role | wc -l)"
fi
# The header says that rows may come: where no backend loads there is none.
if wanted header; then
	run --backend fentry -p 1 -d 0.1
	text="$status $(wc -l <"$tmp/out")"
	run --csv --backend fentry -p 1 -d 0.1
	check header "$text, $status $(wc -l <"$tmp/out")" "$([ "$status" = 0 ] && echo "0 1, 0 1" || echo "1 0, 1 0")"
fi
if wanted stay-root; then
	start httptrace --stay-root --no-seccomp --cpus 0 -p 1
	is="$(me "$tool") $(awk '/^Cpus_allowed_list:/ { print $2 }' "/proc/$tool/status")"
	stop
	check stay-root "$(awk '{ print $1, $5, $6 }' <<<"$is") $status" "0 0 0 0"
fi
for be in tracepoint fentry kprobe; do
	wanted "backend-$be" || continue
	two
	if start httptrace -j --backend $be -p "$chain_ports"; then
		ask -c 4 -n 40
		stop
		chain_end
		judge "backend-$be" "$status $(linked --least 100)" "0 ok"
		check_true "backend-$be-said" "it is not the backend that was asked for" grep -qE "ready \(backend ${be}[,+ ]" "$tmp/err"
	else
		await
		chain_end
		check "backend-$be-refused" "$status $(wc -c <"$tmp/out")" "1 0"
		skip "backend-$be" "$(sed 's/^httptrace: //' "$tmp/err" | tail -n 1)"
		skip "backend-$be-said" "the backend is refused"
	fi
done

# --- too slow, too small
if wanted ring-full; then
	# While the tool stands still the ring takes a part of what is said. Each answer has a length by which it is known: those
	# that are shown are with their own request, at both ends, and what is missing is counted.
	one
	start httptrace -j --ring-size 256 -p "$port"
	ask -c 8 -n 64 --unique
	kill -STOP "$tool"
	ask -c 8 -n 4000 --unique
	kill -CONT "$tool"
	sleep 1 # for what it is behind
	ask -c 8 -n 64 --unique
	stop
	chain_end
	python3 - "$chain/client" "$tmp/out" >"$tmp/found" <<'PY'
import json, sys
of = {}
for line in open(sys.argv[1]):
    o = json.loads(line)
    of.setdefault("/item/%s" % o["chain"], set()).add(o["answer_bytes"])
rows = [json.loads(line) for line in open(sys.argv[2])]
full = [r for r in rows if r["type"] == "transaction" and r["outcome"] == "answered" and r["complete"]]
print("mistaken", sum(r["response_bytes"] not in of[r["url"]] for r in full))
print("pairs", sum(r.get("peer_span_id") is not None for r in full) > 100)
by = {r["span_id"]: r for r in rows if r["type"] == "transaction"}
print("ends", sum(by.get(r["peer_span_id"], r)["url"] != r["url"] for r in full if r.get("peer_span_id")))
PY
	judge ring-full "$status $(sums balanced complete) $(jq -r 'select(.type == "summary").bytes_ring_full > 0' "$tmp/out") $(xargs <"$tmp/found")" \
		"0 true false true mistaken 0 pairs True ends 0"
fi
# limited NAME OPTION KEY: with room for few of them what is beyond is counted, and what is there is right.
limited() {
	wanted "$1" || return 0
	# shellcheck disable=SC2086
	again -j $2
	check "$1" "$status $(again_linked --subset --answered --least 0) $(jq -r --arg k "$3" 'select(.type == "summary") | "\(.balanced) \(.[$k] > 0)"' "$tmp/out")" \
		"0 ok true true"
}
limited max-open "--max-open 5" over_max_open
limited max-conns "--max-conns 5" connections_dropped
limited max-held "--max-held 5 --sample 1/2 --keep-errors" shown_early

# --- where the output goes
if wanted head; then
	for form in -j '' --csv --tree; do
		recorded
		# shellcheck disable=SC2086
		{ "$BIN/httptrace" $form --replay "$tmp/rec" 2>"$tmp/err"; echo $? >"$tmp/status"; } | head -n 2 >"$tmp/out"
		check "head$form" "$(cat "$tmp/status") $(wc -l <"$tmp/out") $(grep -ciE 'write|pipe|error|not equal' "$tmp/err")" "0 2 0"
	done
	one
	rm -f "$tmp/status"
	: >"$tmp/err"
	{ "$BIN/httptrace" -j -p "$port" 2>"$tmp/err"; echo $? >"$tmp/status"; } | head -n 2 >"$tmp/out" &
	wait_for 60 grep -q 'ready (' "$tmp/err"
	ask -c 2 -n 100 --rate 200
	wait_for 60 test -s "$tmp/status"
	check head-live "$(cat "$tmp/status") $(wc -l <"$tmp/out") $(grep -ciE 'write|pipe|error|not equal' "$tmp/err")" "0 2 0"
	chain_end
fi
if wanted full; then
	recorded
	for form in -j '' --csv --tree '--otlp -'; do
		# shellcheck disable=SC2086
		"$BIN/httptrace" $form --replay "$tmp/rec" >/dev/full 2>"$tmp/err"
		check "full$form" "$? $(grep -c 'No space left' "$tmp/err")" "1 1"
	done
	for o in -o --otlp; do
		again -j $o /dev/full
		check "full-file$o" "$status $(grep -c 'No space left' "$tmp/err")" "1 1"
	done
	one
	traced "-n 30" -j --record /dev/full
	check full-file--record "$status $(grep -c 'No space left' "$tmp/err")" "1 1"
	for o in -o --otlp --record; do
		run $o "$tmp/none/file" -d 1 -p 1
		check "unwritable$o" "$status $(grep -c "$tmp/none/file" "$tmp/err") $(grep -c 'ready (' "$tmp/err")" "1 1 0"
	done
fi
if wanted rotate; then
	mkdir -m 755 "$tmp/rotated"
	again -o "$tmp/rotated/o" --rotate 20K,2
	check rotate "$status $(cd "$tmp/rotated" && echo o*) $(stat -c %s "$tmp"/rotated/o* | awk '$1 > 21000')" "0 o o.1 o.2 "
	check rotate-lines "$(cat "$tmp"/rotated/o* | jq -r .type | sort -u | xargs)" "summary transaction"
fi
if wanted text; then
	# A line for each, and nothing beyond 80 columns where the URL is short.
	again
	check text "$status $(grep -cE ' (client|server) .* 200 .* GET +/(item|slow)/[0-9]+$' "$tmp/out") $(awk 'length > 80' "$tmp/out" | wc -l) $(
		grep -c '^TIME ' "$tmp/out") $(grep -c ' 500 .*/fail$' "$tmp/out")" "0 1080 0 1 120"
fi

# --- all outputs say the same: of one recording
if wanted replay; then
	again -j --no-trace-headers
	# Uids, containers and comms are in the recording; ids are made of what is on the wire.
	check replay "$status $(diff <(rows . "$tmp/live" | sort) <(rows . | sort) | head -n 3 | cut -c1-300) $(rows .role | wc -l)" "0  1200"
	check replay-links "$(again_linked --least 100 --kinds join,thread)" ok
fi
if wanted replay-httpsniff; then
	# Each tool reads what the other wrote.
	recorded
	"$BIN/httpsniff" -j --max-body 0 --replay "$tmp/rec" >"$tmp/out" 2>"$tmp/err"
	check httpsniff-of-httptrace "$? $(jq -r 'select(.type == "message") | "\(.role) \(.direction)"' "$tmp/out" | sort | uniq -c | xargs) $(said balanced)" \
		"0 600 client recv 600 client send 600 server recv 600 server send true"
	one
	: >"$tmp/err"
	"$BIN/httpsniff" -p "$port" --record "$tmp/sniffed" >"$tmp/sniff" 2>"$tmp/err" &
	tool=$!
	pids="$pids $tool"
	wait_for 60 grep -q 'ready (' "$tmp/err"
	ask -c 5 -n 100
	stop
	chain_end
	run -j --replay "$tmp/sniffed"
	check httptrace-of-httpsniff "$status $(linked)" "0 ok"
fi
cat >"$tmp/same.py" <<'PY'
# usage: same.py csv|otlp|tree JSON OTHER: are its transactions those of JSON?
import collections, csv, json, re, sys
kind, path, other = sys.argv[1:]
rows = {}
for line in open(path):
    o = json.loads(line)
    if o["type"] == "transaction":
        rows[o["span_id"]] = o
wrong = []
if kind == "csv":
    text = open(other, newline="").read()
    if text.count("\r\n") != text.count("\n"):
        wrong.append("lines end in LF alone")
    said = {r["span_id"]: r for r in csv.DictReader(text.splitlines(keepends=True))}
    plain = lambda v: "" if v is None else {True: "true", False: "false"}.get(v, v) if isinstance(v, bool) else "%g" % v if isinstance(v, float) else str(v)
    for i, o in rows.items():
        for k, v in o.items():
            if k not in ("type", "candidates") and (k not in said.get(i, {}) or plain(v) != said[i][k]):
                wrong.append("%s: %s" % (k, said.get(i, {}).get(k)))
elif kind == "otlp":
    said = {}
    for line in open(other):
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for s in scope["spans"]:
                    s["attr"] = {a["key"]: a["value"] for a in s["attributes"]}
                    if s["spanId"] in said:
                        wrong.append("span %s twice" % s["spanId"])
                    said[s["spanId"]] = s
    for i, o in rows.items():
        s = said.get(i)
        if not s:
            continue
        took = (int(s["endTimeUnixNano"]) - int(s["startTimeUnixNano"])) // 1000
        parent = o["parent_span_id"] or ""
        if s["traceId"] != o["trace_id"] or s["kind"] != {"client": 3, "server": 2}[o["role"]] or \
                abs(took - o["total_us"]) > 1 or s.get("parentSpanId", "") != parent or \
                s["attr"]["http.request.method"]["stringValue"] != o["method"] or \
                int(s["attr"]["http.response.status_code"]["intValue"]) != o["status"]:
            wrong.append("%s: %s" % (i, json.dumps(s)[:300]))
        if (s.get("status", {}).get("code") == 2) != bool(o.get("error")):
            wrong.append("%s: status %s" % (i, s.get("status")))
else:
    # Each line of a tree is one hop, both ends in one; URLs are those of one client's request.
    said, heads = {}, 0
    by_trace = collections.Counter(o["trace_id"] for o in rows.values())
    for line in open(other):
        m = re.search(r"\b([0-9a-f]{32})\b", line)
        if m:
            trace, heads = m.group(1), heads + 1
            if trace not in by_trace:
                wrong.append("trace %s" % trace)
        elif re.search(r" GET /\S+", line):
            said.setdefault(trace, []).append(re.search(r" GET (/\S+)", line).group(1))
    for t, urls in said.items():
        if len(set(urls)) != 1 or len(urls) * 2 != by_trace[t]:
            wrong.append("trace %s: %s" % (t, urls))
    if heads != len(by_trace):
        wrong.append("%d trees of %d traces" % (heads, len(by_trace)))
    rows, said = by_trace, said
if len(said) != len(rows):
    wrong.append("%d, not %d" % (len(said), len(rows)))
print("; ".join(wrong[:4]) or "ok %d" % len(rows))
PY
same() { python3 "$tmp/same.py" "$@" 2>&1 | tail -n 1; }
if wanted csv; then
	again --csv --no-trace-headers
	check csv "$status $(same csv "$tmp/live" "$tmp/out")" "0 ok 1200"
fi
if wanted tree; then
	recorded
	LC_ALL=C.UTF-8 run --tree --replay "$tmp/rec"
	check tree "$status $(same tree "$tmp/live" "$tmp/out")" "0 ok 200"
	cp "$tmp/out" "$tmp/utf8"
	LC_ALL=C run --tree --replay "$tmp/rec"
	check tree-ascii "$(LC_ALL=C grep -c '[^ -~]' "$tmp/out") $(wc -l <"$tmp/out")" "0 $(wc -l <"$tmp/utf8")"
	# As deep as the services go, and the last one's failures are there at each hop.
	check tree-depth "$(grep -cE ' chain\[[0-9]+\] -> python3?\[[0-9]+\] GET' "$tmp/out") $(grep -cE '^.* python3?\[[0-9]+\] -> chain\[[0-9]+\] GET' "$tmp/out") $(
		grep -cE '  .* chain\[[0-9]+\] -> chain\[[0-9]+\] GET' "$tmp/out") $(grep -c ' /fail 500' "$tmp/out")" "200 200 200 60"
fi
if wanted otlp; then
	again -j --no-trace-headers --otlp "$tmp/otlp"
	check otlp "$status $(same otlp "$tmp/live" "$tmp/otlp") $(sums otlp_spans otlp_sent otlp_dropped)" "0 ok 1200 1200 1200 0"
	python3 "$top/tests/otlp-schema.py" "$tmp/otlp" >"$tmp/schema" 2>&1
	check otlp-schema "$? $(head -n 1 "$tmp/schema" | cut -d, -f1)" "0 1200 spans"
	again -j --otlp -
	check otlp-stdout "$status $(grep -c 'only one can have standard output' "$tmp/err")" "2 1"
	again --no-trace-headers --otlp -
	check otlp-alone "$status $(same otlp "$tmp/live" "$tmp/out")" "0 ok 1200"
fi
# collector [PLAN]: its port is $to
collector() {
	rm -f "$tmp/collected"
	: >"$tmp/collector"
	python3 "$top/tests/otlp-collector.py" --plan "${1:-}" "$tmp/collected" >"$tmp/collector" 2>"$tmp/collector.err" &
	collects=$!
	pids="$pids $collects"
	wait_for 60 test -s "$tmp/collector"
	to=$(grep -o '[0-9]*' "$tmp/collector" | head -n 1)
}
if wanted otlp-post; then
	# A collector that fails at first gets all of it, with the header that was asked for; its own traffic is not shown.
	two
	collector 503,close
	traced "-c 5 -n 200" -j --otlp "http://127.0.0.1:$to" --otlp-header "Authorization: me"
	check otlp-post "$status $(linked --least 100) $(same otlp "$tmp/out" "$tmp/collected") $(sums otlp_sent otlp_dropped)" \
		"0 ok ok 800 800 0"
	check_true otlp-post-header "$(head -n 1 "$tmp/collector.err")" grep -q '"auth": "me"' "$tmp/collector.err"
	kill $collects
	# One that is not there costs nothing but the spans, which are counted.
	again -j --no-trace-headers --otlp "http://127.0.0.1:$(free_port)"
	check otlp-nobody "$(again_linked --least 100) $(sums balanced otlp_spans otlp_sent otlp_dropped)" "ok true 1200 0 1200"
fi
if wanted sinks; then
	# As text is on standard output, JSON lines go elsewhere.
	perl -MIO::Socket -e '$| = 1; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Proto => "tcp", Listen => 1) or die;
		print $s->sockport, "\n"; my $c = $s->accept; print while <$c>' >"$tmp/heard" &
	heard=$!
	pids="$pids $heard"
	wait_for 60 test -s "$tmp/heard"
	again --no-trace-headers -o "tcp://127.0.0.1:$(head -n 1 "$tmp/heard")"
	wait $heard
	sed 1d "$tmp/heard" >"$tmp/out"
	check sinks "$status $(again_linked --least 100)" "0 ok"
fi

# --- tables
if wanted table; then
	one
	traced "-c 4 -n 400 --unique --fail 10 --slow 40,30 --rate 200" -j -i 0.5 --histogram -o "$tmp/json"
	jq -n -r '[inputs] as $all | [$all[] | select(.type == "total")] as $t | [$all[] | select(.type == "interval")] as $i
		| def of(r; p): [$t[] | select(.role == r and .route == p)] | if length == 1 then .[0] else {} end;
		def by(f): group_by(f) | map("\(.[0] | f) \(map(.count) | add)") | join(" ");
		"routes \($t | map("\(.role) \(.route) \(.count) \(.errors)") | sort | join(", "))",
		"intervals \(($i | by("\(.role) \(.route)")) == ($t | by("\(.role) \(.route)"))) \($i | map(.timestamp) | unique | length >= 4)",
		"slow \(of("client"; "/slow/{id}").min_us >= 30000) \(of("server"; "/slow/{id}").p50_us >= 30000)",
		"order \([$t[] | .min_us <= .p50_us and .p50_us <= .p90_us and .p90_us <= .p99_us and .p99_us <= .p999_us and .p999_us <= .max_us] | all)",
		"histogram \([$t[] | .count == ([.histogram[].count] | add)] | all)"' "$tmp/out" >"$tmp/found" 2>"$tmp/found.err"
	found() { sed -n "s/^$1 //p" "$tmp/found"; }
	# Each tenth fails; of the others each fortieth would be slow, but that is a tenth, too.
	check table "$status $(found routes)" "0 client /fail 40 40, client /item/{id} 360 0, server /fail 40 40, server /item/{id} 360 0"
	check table-intervals "$(found intervals) $(found order) $(found histogram)" "true true true true"
	# Single rows go to -o; what a table adds up is there, too.
	check table-rows "$(rows .route "$tmp/json" | sort | uniq -c | xargs)" "80 /fail 720 /item/{id}"
	again -j -i 60 --max-routes 1
	check table-other "$status $(jq -s '[.[] | select(.type == "total")] | "\(map(.count) | add) \(length) \(map(select(.routes)) | length)"' -r "$tmp/out")" "0 1200 3 2"
	again -j -i 60
	check table-slow "$status $(jq -r 'select(.type == "total" and .route == "/slow/{id}") | "\(.role) \(.count) \(.min_us >= 30000)"' "$tmp/out" | sort | xargs)" \
		"0 client 12 true server 12 true"
	again -i 60
	check table-text "$status $(grep -cE '^(client|server) +528 .* GET  */item/.id.$' "$tmp/out")" "0 4"
	again -H
	check histogram "$status $(grep -cE '^(client|server) +528 .* GET  */item/.id.$' "$tmp/out") $(grep -c '[*@#|]' "$tmp/out" | sed 's/^[1-9].*/drawn/')" "0 2 drawn"
fi

# --- which transactions: of one look at ten methods, ten statuses, and large bodies (tests/load/http/plain.c)
looked() {
	[ ! -e "$tmp/looked" ] || return 0
	local what
	declare -gA pid_of=() fd=()
	for what in methods statuses "--size 50000 download"; do
		rm -f "$tmp/fifo"
		mkfifo "$tmp/fifo" || exit 99
		# shellcheck disable=SC2086
		"$LOAD/http" -w $what <"$tmp/fifo" >"$tmp/told.${what##* }" 2>&1 &
		pid_of[${what##* }]=$!
		pids="$pids $!"
		exec {t_fd}>"$tmp/fifo"
		fd[${what##* }]=$t_fd
		wait_for 60 grep -q '^pid ' "$tmp/told.${what##* }" || bench_broken "http $what"
	done
	start httptrace -p "$(awk '$2 == "port" { print $3 }' "$tmp"/told.* | paste -sd ,)" --record "$tmp/looked"
	for what in "${!pid_of[@]}"; do
		t_fd=${fd[$what]}
		echo >&"$t_fd"
		exec {t_fd}>&-
		wait "${pid_of[$what]}" || bench_broken "http $what: $(tail -n 1 "$tmp/told.$what")"
	done
	stop
}
# chosen CASE WORKLOAD FILTER OPTION...: of the workload's requests, .q, and their responses, .a, those for which FILTER holds
# are shown, of both ends; the others are counted.
chosen() {
	wanted "chosen-$1" || return 0
	local name=$1 what=$2 filter=$3 ours
	shift 3
	looked
	run -j --no-redact --replay "$tmp/looked" "$@"
	ours=$(awk '$2 == "port" { print $3 }' "$tmp/told.$what")
	sed -n '/^{/p' "$tmp/told.$what" | jq -n -r '[inputs | select(.type == "message")] as $m | $m[] | select(.from == "client") | . as $q
		| {q: $q, a: ($m[] | select(.from == "server" and .answers == $q.number and .conn == $q.conn)), role: ("client", "server")}
		| select('"$filter"') | "\(.role) \(.q.method) \(.q.number) \(.a.status)"' | sort >"$tmp/told"
	rows 'select(.server | endswith(":'"$ours"'")) | "\(.role) \(.method) \(.number) \(.status)"' | sort >"$tmp/heard"
	check "chosen-$name" "$status $(diff "$tmp/told" "$tmp/heard" | grep '^[<>]' | head -n 4 | paste -sd ';' -) $(
		jq 'select(.type == "summary") | [.balanced, .requests == .shown + .filtered, .requests] | tostring' -r "$tmp/out")" \
		"0  [true,true,$(($(cat "$tmp"/told.* | grep -c '"type":"message".*"from":"client"') * 2))]"
	[ -s "$tmp/told" ] || bench_broken "nothing is chosen"
}
chosen all methods true
chosen role-client methods '.role == "client"' --role client
chosen role-server methods '.role == "server"' --role server
chosen method methods '.q.number | IN(1, 2)' --method GET,POST
chosen path methods '.q.number | IN(2, 7)' --path '/api/*'
chosen path-absolute methods '.q.number | IN(4, 9)' --path '/absolute'
chosen host methods '.q.number | IN(2, 5, 8)' --host 'TWO.*'
chosen host-absolute methods '.q.number | IN(4, 9)' --host three.example
chosen status statuses '.a.status == 404' --status 404
chosen status-class statuses '.a.status >= 400 and .a.status < 500' --status 4xx
chosen status-range statuses '.a.status | . >= 300 and . <= 500' --status 300-500
chosen status-two statuses '.a.status | IN(201, 503)' --status 201,503
chosen min-size methods '.q.bytes + .a.bytes >= 150' --min-size 150
chosen min-size-large download true --min-size 50000
chosen both methods '.role == "server" and .q.method == "PUT"' --role server --method PUT
chosen localhost methods true --localhost
if wanted localhost; then
	# An address that is not loopback's, at one of the two ends.
	mine=$(ip -4 -o addr show scope global | awk '{ sub("/.*", "", $4); print $4; exit }')
	if [ -z "$mine" ]; then
		skip localhost "this machine has no address but loopback's"
	else
		chain_new
		service last "$LOAD/chain" serve -a 0.0.0.0 --truth "$chain/last"
		start httptrace -j -p "$port" --localhost
		ask -n 5
		ask -a "$mine" -n 6 # from that very address
		stop
		chain_end
		check localhost "$status $(rows '"\(.role) \(.server)"' | sed 's/:[0-9]*$//' | sort | uniq -c | xargs) $(sums filtered)" \
			"0 5 client 127.0.0.1 6 client $mine 5 server 127.0.0.1 6 server $mine 0"
	fi
fi
if wanted slower; then
	again -j --slower 30
	check slower "$status $(rows '"\(.role) \(.url) \(.total_us >= 30000)"' | grep ' /slow/' | sort | uniq -c | xargs) $(
		rows '.total_us < 30000' | grep -c true) $(sums balanced requests)" "0 12 client /slow/30 true 12 server /slow/30 true 0 true 1200"
fi
if wanted uid; then
	one
	start httptrace -j -p "$port" --record "$tmp/uids"
	setpriv --reuid=65534 --clear-groups "$LOAD/chain" ask -p "$port" -n 7 >/dev/null || bench_broken "no client as nobody"
	stop
	chain_end
	for u in "--uid nobody" "--exclude-uid 65534" "--uid 65534,0 --exclude-uid nobody"; do
		# shellcheck disable=SC2086
		run -j --replay "$tmp/uids" $u
		rows '"\(.role) \(.uid)"' | sort | uniq -c | xargs
	done >"$tmp/found"
	check uid "$(paste -sd '|' "$tmp/found")" "7 client 65534|7 server 0|7 server 0"
fi

# --- sampling: a trace is whole, or not there
if wanted sample; then
	again -j --no-trace-headers --sample 1/4
	# 200 traces: 50, and five times the deviation to either side.
	n=$(rows .trace_id | sort -u | wc -l)
	check sample "$status $(again_linked --subset --whole --least 100) $((n >= 20 && n <= 80)) $(rows .weight | sort -u) $(
		sums balanced requests) $(jq 'select(.type == "summary") | .shown + .sampled_out' "$tmp/out")" "0 ok 1 4 true 1200 1200"
	# By its id, and so the same ones for whoever looks: --sample 4 is another way to say it.
	two
	: >"$tmp/other.err"
	"$BIN/httptrace" -j --sample 4 -p "$chain_ports" >"$tmp/other" 2>"$tmp/other.err" &
	other=$!
	pids="$pids $other"
	wait_for 60 grep -q 'ready (' "$tmp/other.err"
	traced "-c 8 -n 200 --trace" -j --sample 1/4
	kill -INT $other
	wait $other
	check sample-same "$(linked --subset --whole --least 100 --given) $(diff <(rows .span_id | sort) <(rows .span_id "$tmp/other" | sort) | wc -l)" "ok 0"
	# 528 of them: four deviations are 160, for traces are sampled, and not rows.
	again -j --no-trace-headers -i 60 --sample 1/4
	check sample-scaled "$status $(jq -r 'select(.type == "total" and .route == "/item/{id}") | "\(.role) \(.count >= 368 and .count <= 688) \(.scaled)"' \
		"$tmp/out" | sort | xargs)" "0 client true true server true true"
fi
if wanted keep; then
	again -j --no-trace-headers --sample 1/1000000 --keep-errors --keep-slow 30
	# Whatever else took so long on a busy machine is kept, too: those traces that have such a row.
	traces() { jq -n -r '[inputs | select(.type == "transaction")] | group_by(.trace_id)[] | select(any(.[]; '"$1"')) | .[0].trace_id' "$2"; }
	check keep "$status $(again_linked --subset --whole --least 100) $(diff <(traces '.status == 500 or .total_us >= 30000' "$tmp/live") <(traces true "$tmp/out")) $(
		rows 'select(.role == "client" and (.url | test("item") | not) and (.parent_span_id | not)).url' | sort | uniq -c | xargs)" \
		"0 ok  20 /fail 4 /slow/30"
	check keep-weight "$(rows .weight | sort -u | xargs) $(sums balanced)" "1 true"
fi
if wanted rate; then
	one
	traced "-c 4 -n 600 --rate 300" -j --rate 50
	# Two seconds of it, and what the first one has ahead.
	n=$(rows .role | wc -l)
	check rate "$status $((n >= 50 && n <= 250)) $(sums balanced requests) $(jq 'select(.type == "summary") | .shown + .rate_limited' "$tmp/out")" \
		"0 1 true 1200 1200"
fi
if wanted rate-replay; then
	# By the times of what was seen: the same ones, however fast they are read again. One end waits for the other.
	one
	traced "-c 4 -n 300 --rate 300" -j --rate 50 --local-port "$port" --record "$tmp/rate.rec"
	rows .span_id | sort >"$tmp/rate.live"
	run --replay "$tmp/rate.rec" -j --rate 50
	check rate-replay "$status $(($(rows .span_id | wc -l) < 300)) $(rows .span_id | sort | diff "$tmp/rate.live" - | grep -c '^[<>]')" "0 1 0"
fi

# --- connections
if wanted events; then
	one
	served=$port
	load "$LOAD/http" -w reset
	start httptrace -j --events -p "$port,$(awk '$2 == "port" { print $3 }' "$tmp/load")"
	go_on
	load_done
	ask -c 5 -n 50
	# A busy machine lets the service come to its own closing later.
	wait_for 60 sh -c "! ss -Htan '( sport = :$port or dport = :$port )' | grep -qv '^\(LISTEN\|TIME-WAIT\)'"
	stop
	chain_end
	# of KEY: of the connections to the service
	of() { jq -r "select(.type == \"connection\") | select((.server | endswith(\":$served\"))$1) | $2" "$tmp/out"; }
	check events "$status $(of '' '"\(.role) \(.event)"' | sort | uniq -c | xargs)" \
		"0 5 client close 5 client connect 5 server accept 5 server close"
	check events-requests "$(of ' and .event == "close"' '"\(.role) \(.requests)"' | awk '{ n[$1] += $2 } END { print n["client"], n["server"] }') $(linked)" \
		"50 50 ok"
	# What the clients counted, at both ends.
	n=$(jq -s 'map(.answer_bytes) | add' "$chain/client")
	check events-bytes "$(of ' and .event == "close"' '"\(.role) \(.bytes_sent) \(.bytes_received)"' |
		awk '$1 == "client" { n += $3 } $1 == "server" { m += $2 } END { print n, m }')" "$n $n"
	check events-times "$(of ' and .event == "close"' '.duration_us > 0' | sort -u)" true
	check events-reset "$(of ' | not' '"\(.role) \(.event)"' | sort | uniq -c | xargs)" \
		"1 client connect 1 client reset 1 server accept 1 server reset"
fi

# --- secrets
if wanted secrets; then
	secret=s3cr3t-VALUE-0123456789
	one
	load "$LOAD/http" -w secrets
	start httptrace -p "$port,$(awk '$2 == "port" { print $3 }' "$tmp/load")" -v -o "$tmp/json" --otlp "$tmp/otlp" --record "$tmp/secret.rec"
	go_on
	load_done
	curl -s -o /dev/null -H 'X-Chain-Id: 1' -H 'X-Hop: c' "http://127.0.0.1:$port/item?mine=hidden&yours=seen"
	stop
	chain_end
	hidden() {
		check "secrets${1:-}" "$status $(cat "$tmp/out" "$tmp/err" "$tmp/json" "$tmp/otlp" | grep -aoF "$secret" | wc -l) $(
			grep -c public "$tmp/json" | sed 's/^[1-9].*/some/')" "0 0 some"
	}
	hidden
	for form in -j --csv --tree '-i 60 -j'; do
		rm -f "$tmp/otlp"
		# shellcheck disable=SC2086
		run --replay "$tmp/secret.rec" -v $form -o "$tmp/json" --otlp "$tmp/otlp"
		hidden " $form"
	done
	run -j --no-redact --replay "$tmp/secret.rec"
	check secrets-no-redact "$status $(grep -aoF "$secret" "$tmp/out" | wc -l | sed 's/^[1-9].*/some/')" "0 some"
	run -j --redact-param mine --replay "$tmp/secret.rec"
	check secrets-param "$status $(rows .url | grep '^/item' | sort -u)" "0 /item?mine=******&yours=seen"
fi

# --- options from elsewhere
if wanted config; then
	run -p 5432 --sample 1/3 --method 'GET,"q' --path '/a*b' --keep-slow 20 --otlp-header 'A: b' --print-config
	cp "$tmp/out" "$tmp/conf"
	run --config "$tmp/conf" --print-config
	check config "$status $(cmp "$tmp/out" "$tmp/conf" && echo same)" "0 same"
	printf 'port = 5432\nrole = many\n' >"$tmp/conf"
	run --config "$tmp/conf" --check-config
	check config-bad "$status $(grep -c "$tmp/conf:2: role: bad value 'many'" "$tmp/err")" "2 1"
	recorded
	printf 'replay = %s\njson = yes\nrole = client\n' "$tmp/rec" >"$tmp/conf"
	run --config "$tmp/conf"
	check config-used "$status $(rows .role | uniq -c | xargs)" "0 600 client"
	HTTPTRACE_OUTPUT=$tmp/json HTTPTRACE_JSON=1 HTTPTRACE_ROLE=server run --replay "$tmp/rec"
	check environment "$status $(rows .role | uniq -c | xargs) $(cmp "$tmp/out" "$tmp/json" && echo same)" "0 600 server same"
fi
finish
