#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# Holds what is written against what is there: man pages and README against the tools' options, columns
# and JSON keys; their examples are run; and the house rules of the source tree.
. "$(dirname "$0")/lib.sh"
top=$(cd "$(dirname "$0")/.." && pwd)
O=$(realpath "${O:-$top/.output}") BIN=$O/bin GO=$O/tests/go
golden=$top/tests/golden
cd "$top" || exit 99
tools=$(sed -n 's/^TOOLS := *//p' Makefile)
[ -n "$tools" ] || tools=$(ls "$BIN" 2>/dev/null)
# What git would take; in a tarball, everything but what was built.
sources() { git ls-files -co --exclude-standard 2>/dev/null || find . -path ./.output -prune -o -type f -print | sed 's|^\./||'; }

# same NAME A B: two lists, one item in a line, are the same set
same() {
	local only_a only_b
	: >"$tmp/out" >"$tmp/err"
	only_a=$(comm -23 <(sort -u <<<"$2") <(sort -u <<<"$3") | paste -sd ' ')
	only_b=$(comm -13 <(sort -u <<<"$2") <(sort -u <<<"$3") | paste -sd ' ')
	if [ -z "$2" ]; then
		not_ok "$1" "found nothing to compare"
	elif [ -n "$only_a$only_b" ]; then
		not_ok "$1" "only in the program: ${only_a:-nothing}; only in the page: ${only_b:-nothing}"
	else
		ok "$1"
	fi
}
# none NAME WHAT TEXT: TEXT, which a search found, must be empty
none() {
	: >"$tmp/out" >"$tmp/err"
	if [ -z "$3" ]; then ok "$1"; else not_ok "$1" "$2: $(head -n 8 <<<"$3" | paste -sd ';' | cut -c1-600)"; fi
}

# --- man pages

# section FILE SECTION [SUBSECTION]: its lines
section() {
	awk -v s="$2" -v ss="${3:-}" '
		/^\.SH / { on = $0 == ".SH " s; sub_on = 0; next }
		/^\.SS / { sub_on = substr($0, 5) == ss; next }
		on && (ss == "" || sub_on)' "$1"
}
# tags: the terms of .TP and .TQ items, one in a line, fonts taken off
tags() { sed -n '/^\.T[PQ]/{n;p}' | sed 's/^\.[A-Z]* //; s/\\f[BIR]//g; s/\\-/-/g' | sed 's/, /\n/g'; }

# "pid=PID[,PID] P p": an option with its argument and letters, in the order of the page
help_options() {
	"$BIN/$1" --help | awk '
		function out() { if (name != "") print name letters; name = "" }
		/^Examples:/ { exit }
		match($0, /^ +(-., )?--[a-z]/) {
			out(); s = $0; letters = ""
			if (match(s, /^ +-., /)) letters = " " substr(s, RSTART + RLENGTH - 3, 1)
			sub(/^ *(-., )?--/, "", s); sub(/ .*/, "", s); name = s
		}
		match($0, /; also -./) { letters = letters " " substr($0, RSTART + RLENGTH - 1, 1) }
		END { out() }'
}
man_options() {
	section "man/$1.8" OPTIONS | sed -n '/^\.TP/{n;p}' | sed 's/^\.B //; s/\\f[BIR]//g; s/\\-/-/g' | awk '
		{ n = split($0, w, ", "); letters = ""; name = ""
		  for (i = 1; i <= n; i++) if (w[i] ~ /^--/) name = substr(w[i], 3); else letters = letters " " substr(w[i], 2)
		  print name letters }'
}
# expect TOOL: the files of what it must print
expect() {
	case $1 in
	tcplat) echo tests/golden/expect/tcplat-* tests/golden/reports/diff.* ;;
	httpsniff) echo tests/golden/expect/httpsniff-* ;;
	httptrace) echo tests/golden/expect/httptrace-* ;;
	*) ls -d tests/golden/expect/* | grep -vE '/(tcplat|httpsniff|httptrace)-' ;;
	esac
}
# shellcheck disable=SC2046
lines() { grep -h "$2" $(expect "$1"); }
# header TOOL REGEX: the columns of the tables whose first one it matches
header() { lines "$1" "^ *$2 " | tr -s ' ' '\n' | sed '/^$/d'; }
# keys TOOL TYPE [FILTER]: of its records, or of the objects that jq's FILTER makes of them
keys() { lines "$1" '^{' | jq -r --arg t "$2" "select(.type == \$t) | ${3:-.} | keys[]"; }
# types TOOL: as reqtools.7 lists them
types() { awk -F '|' -v t="$1" '($2 == t || $2 == "all") && NF == 3 { print $1 }' man/reqtools.7; }
own_keys() { sed -n 's/.*json_[a-z0-9]*(j, "\([a-z_]*\)".*/\1/p' common/run.c; }

for t in $tools; do
	same "$t: options" "$(help_options "$t")" "$(man_options "$t")"
	check "$t: summary" "$("$BIN/$t" --help | sed -n '/^Usage/,/^[a-z]/p' | tail -n 1)" \
		"$(sed -n "s/^$t \\\\- //p" "man/$t.8")"
	check_true "$t: has a test" "no tests/behave/$t*.sh" test -n "$(ls tests/behave/"$t"*.sh)"
	for s in NAME SYNOPSIS DESCRIPTION OPTIONS FIELDS EXAMPLES OVERHEAD CAVEATS "EXIT STATUS" "SEE ALSO"; do
		grep -qx "\.SH $s" "man/$t.8" || { not_ok "$t: sections" "no $s"; continue 2; }
	done
	ok "$t: sections"
	"$BIN/$t" --duration 5 --comm 'a,b*' --print-config >"$tmp/conf" 2>"$tmp/err" &&
		"$BIN/$t" --check-config --config "$tmp/conf" >>"$tmp/err" 2>&1 &&
		"$BIN/$t" --config "$tmp/conf" --print-config >"$tmp/again" 2>>"$tmp/err"
	check "$t: --print-config reads back" "$? $(cmp "$tmp/conf" "$tmp/again" 2>&1)" "0 "
	check "$t: --version" "$("$BIN/$t" --version)" "$t (reqtools) $(sed -n 's/^VERSION := //p' Makefile)"
done
for p in man/*.[0-9]; do
	if command -v mandoc >"$tmp/which"; then
		none "$p: mandoc" "lint" "$(mandoc -T lint "$p" 2>&1)"
	else
		skip "$p: mandoc" "no mandoc here"
	fi
done

page=man/handlerlat.8
list() { "$BIN/handlerlat" --list "$@" 2>"$tmp/err"; }
same "columns: calls" "$(header handlerlat TIME)" "$(section $page FIELDS 'Text: calls' | tags)"
same "columns: tables" "$(header handlerlat CALLS)" "$(section $page FIELDS 'Text: intervals and totals' | tags)"
same "columns: functions" "$(list libc.so.6 malloc | head -n 1 | tr -s ' ' '\n')" \
	"$(section $page FIELDS 'Text: functions' | tags)"
same "keys: call" "$(keys handlerlat call)" "$(section $page FIELDS 'JSON: call' | tags)"
same "keys: interval" "$(keys handlerlat interval)" "$(section $page FIELDS 'JSON: interval' | tags)"
same "keys: total" "$(keys handlerlat total)" "$(section $page FIELDS 'JSON: interval' | tags)"
same "keys: function" "$(list -j libc.so.6 'mem*' | jq -r 'keys[]')" "$(section $page FIELDS 'JSON: function' | tags)"
same "keys: summary" "$(keys handlerlat summary; own_keys)" "$(section $page FIELDS 'JSON: summary' | tags)"
same "keys: types" "$(lines handlerlat '^{' | jq -r .type; echo function)" "$(types handlerlat)"
for k in le_ns count; do
	keys handlerlat interval | grep -qx histogram && lines handlerlat '"histogram":\[{' | grep -q "\"$k\":" &&
		section $page FIELDS 'JSON: interval' | grep -q "^\.B $k" || not_ok "keys: histogram" "$k"
done
none "no key is null in each record" "keys" "$(for t in call interval total; do
	lines handlerlat '^{' | jq -r --arg t $t 'select(.type == $t) | to_entries[] | select(.value != null) | .key' |
		sort -u >"$tmp/seen"
	keys handlerlat $t | sort -u | comm -23 - "$tmp/seen"
done)"

page=man/tcplat.8
# fields TITLE [FILTER OF TYPE]...: the section "JSON: TITLE" has the keys of what FILTER makes of a TYPE
fields() { same "keys: tcplat $1" "$2" "$(section $page FIELDS "JSON: $1" | tags)"; }
report() { keys tcplat report "$1"; }
# Keys that no recording has: names of flags, and what there is only with --sample.
flags=$(sed -n 's/.*{TL_F_[A-Z_]*, "\([a-z_]*\)"}.*/\1/p' tools/tcplat_rows.c; echo mapped)
scaled=$(sed -n 's/.*json_u64(j, "\(scaled_[a-z]*\)".*/\1/p' tools/tcplat_report.c)
same "columns: tcplat intervals" "$(header tcplat ROLE)" "$(section $page FIELDS 'Text: intervals' | tags)"
same "columns: tcplat metrics" "$(lines tcplat '^METRIC .*COUNT' | tr -s ' ' '\n')" \
	"$(section $page FIELDS 'Text: metrics' | tags)"
same "columns: tcplat slowest" "$(header tcplat TIME)" "$(section $page FIELDS 'Text: slowest turns' | tags)"
same "columns: tcplat comparison" "$(lines tcplat '^METRIC .*VERDICT' | tr -s ' ' '\n')" \
	"$(section $page FIELDS 'Text: comparison' | tags)"
rows=$(keys tcplat interval '.connections[]'; echo "$flags")
fields interval "$(keys tcplat interval)"
fields interval.connections "$rows"
fields conn "$(keys tcplat conn | grep -vxF "$rows")"
fields report "$(report .)"
fields report.sample "$(report .sample; echo "$scaled")"
fields report.connections "$(report '.connections[]')"
fields report.metrics "$(report '.metrics[]')"
fields report.split "$(report .split)"
fields report.slowest "$(report '.slowest[]')"
for k in other calls turns cost; do fields report.$k "$(report .$k)"; done
fields diff "$(keys tcplat diff)"
fields summary "$(keys tcplat summary; own_keys)"
same "keys: tcplat accounting" "$(report .accounting; own_keys; echo type; echo finished)" "$(keys tcplat summary; own_keys)"
same "keys: tcplat types" "$(lines tcplat '^{' | jq -r .type)" "$(types tcplat)"
# What is told in the words of one key.
inner() { sed 's/\\f[BIR]//g; s/\\-/-/g' $page | tr -s ' ,.' '\n' >"$tmp/words"; sort -u | grep -vxFf "$tmp/words"; }
none "keys: tcplat, within others" "not in the page" "$({
	keys tcplat interval '.metrics[]'
	keys tcplat interval .split
	report .histogram
	report .percentiles
	report .event_type_breakdown
	report .metrics
	report '.metrics[].buckets[]'
	report '.split.octaves[]'
	keys tcplat diff '.a, .b, (.distribution // {})'
} | inner)"
"$BIN/tcplat" --config /dev/null --replay "$golden/rec/tcplat-mixed.rec" --prometheus "$tmp/prom" >"$tmp/out" 2>"$tmp/err"
same "tcplat: names for Prometheus" "$(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$tmp/prom")" \
	"$(sed -n '/^\.SH PROMETHEUS/,/^\.SH FIELDS/p' $page | tags)"

page=man/httpsniff.8
# A line's keys: values in quotes may have anything in them.
pairs() { sed 's/"\([^"\\]\|\\.\)*"//g' | grep -oE '(^| )[a-z_]+=' | tr -d ' ='; }
if [[ " $tools " = *" httpsniff "* ]]; then
	same "keys: httpsniff text" "$(lines httpsniff '^ts=' | pairs)" "$(section $page FIELDS Text | tags)"
	for k in message gap connection; do
		same "keys: httpsniff $k" "$(keys httpsniff $k)" "$(section $page FIELDS "JSON: $k" | tags)"
	done
	same "keys: httpsniff summary" "$(keys httpsniff summary; own_keys)" "$(section $page FIELDS 'JSON: summary' | tags)"
	same "keys: httpsniff types" "$(lines httpsniff '^{' | jq -r .type)" "$(types httpsniff)"
	same "httpsniff: anomalies" "$(sed -n 's/.*\[HTTP1_BIT_[A-Z_]*\] = "\([a-z-]*\)".*/\1/p' common/http1_name.c)" \
		"$(section $page DESCRIPTION Anomalies | tags)"
fi

page=man/httptrace.8
same "columns: httptrace" "$(header httptrace TIME)" "$(section $page FIELDS Text | tags)"
same "columns: httptrace tables" "$(header httptrace ROLE)" "$(section $page FIELDS 'Text: intervals and totals' | tags)"
# Keys that no recording need have, as the source puts them.
put() { sed -nE "s/.*(json|put)_[a-z0-9]*\(&?j, \"($1)\".*/\2/p" "${@:2}"; }
same "keys: httptrace transaction" "$(keys httptrace transaction; echo candidates
	sed -n 's/^\t[A-Z]*(\([a-z_]*\),.*/\1/p' tools/httptrace_fields.c)" "$(section $page FIELDS 'JSON: transaction' | tags)"
same "keys: httptrace connection" "$(keys httptrace connection; put '[a-z_]*' tools/httptrace_events.c)" \
	"$(section $page FIELDS 'JSON: connection' | tags)"
same "keys: httptrace summary" "$(keys httptrace summary; own_keys; put 'otlp_[a-z]*' tools/httptrace_account.c
	put '[a-z_]*' common/capture_account.c)" "$(section $page FIELDS 'JSON: summary' | tags)"
same "keys: httptrace interval" "$(keys httptrace interval; keys httptrace total; put '[a-z_]*' tools/httptrace_table_rows.c | grep -vx le_us)" \
	"$(section $page FIELDS 'JSON: interval' | tags)"
same "keys: httptrace types" "$(lines httptrace '^{' | jq -r .type)" "$(types httptrace)"
same "httptrace: links" "$(sed -n 's/.*\[LINK_[A-Z0-9_]*\] = "\([a-z0-9_]*\)".*/\1/p; s/.*, *\[LINK_[A-Z0-9_]*\] = "\([a-z0-9_]*\)".*/\1/p' \
	tools/httptrace_links.c)" "$(section $page DESCRIPTION 'What caused a request' | tags)"

# --- examples. A pid 1234 is that of ./server; ./server is a Go program; all is run in a directory of its own.

"$top/tests/go-build.sh" "$GO" >"$tmp/build" 2>&1
server=$(find "$GO" -path '*/go1.*/server' -perm -100 2>/dev/null | sort -V | tail -n 1)
mkdir "$tmp/dir"
[ -z "$server" ] || cp "$server" "$tmp/dir/server"
cp "$golden/rec/http.rec" "$tmp/dir/requests.rec"
cp "$golden/rec/tcplat-mixed.rec" "$tmp/dir/conns.rec"
[ ! -f "$golden/rec/httpsniff-mixed.rec" ] || cp "$golden/rec/httpsniff-mixed.rec" "$tmp/dir/messages.rec"
cp "$golden/reports/before.json" "$tmp/dir/old.json"
for f in new report; do cp "$golden/reports/after.json" "$tmp/dir/$f.json"; done
# can COMMAND...: does this kernel let that tool? "yes", or why not
can() {
	[ "$(id -u)" = 0 ] || { echo "needs root"; return; }
	"$@" >"$tmp/out" 2>"$tmp/err"
	if grep -q ': ready (' "$tmp/err"; then echo yes; else echo "this kernel does not permit tracing"; fi
}
live=$(can "$BIN/handlerlat" -d 0.1 -p $$ libc.so.6 getaddrinfo)
live_tcp=$(can "$BIN/tcplat" -d 0.1 -p 1)
live_http=$([ ! -x "$BIN/httpsniff" ] || can "$BIN/httpsniff" -d 0.1 -p 1)
if [ -n "$server" ]; then
	"$tmp/dir/server" -port 0 -d 300 >"$tmp/server" 2>&1 &
	server_pid=$!
	pids="$pids $server_pid"
	wait_for 20 grep -q listening "$tmp/server" || bench_broken "the Go server does not start"
fi

# example WHERE COMMAND
example() {
	local name="$1: $2" cmd=${2#sudo }
	case $cmd in
	*./server* | *1234*) [ -n "$server" ] || { skip "$name" "no Go toolchain"; return; } ;;
	esac
	case $cmd in
	*tshark*) command -v tshark >"$tmp/which" || { skip "$name" "no tshark here"; return; } ;;
	esac
	case $cmd in
	*--list* | *--replay* | *-config* | *--help* | *--diff* | jq\ *) ;;
	tcplat*) [ "$live_tcp" = yes ] || { skip "$name" "$live_tcp"; return; } ;;
	httpsniff* | httptrace*) [ "$live_http" = yes ] || { skip "$name" "$live_http"; return; } ;;
	*) [ "$live" = yes ] || { skip "$name" "$live"; return; } ;;
	esac
	cmd=${cmd//1234/${server_pid:-}}
	cmd=${cmd/-d 60/-d 1}
	# Nobody speaks on port 1: whatever else this machine does is left alone.
	(cd "$tmp/dir" && export PATH=$BIN:$PATH HANDLERLAT_DURATION=1 TCPLAT_DURATION=1 TCPLAT_PORT=1 \
		HTTPSNIFF_DURATION=1 HTTPSNIFF_PORT=1 HTTPTRACE_DURATION=1 HTTPTRACE_PORT=1 && timeout 60 bash -o pipefail -c "$cmd") \
		>"$tmp/out" 2>"$tmp/err" </dev/null
	check "$name" $? 0
}
# A line of an example block, unescaped.
man_examples() { section "$1" EXAMPLES | awk '/^\.EX/ { on = 1; next } /^\.EE/ { on = 0 } on' | sed 's/\\-/-/g; s/\\e/\\/g'; }
for t in $tools; do
	man_examples "man/$t.8" >"$tmp/examples"
	check_true "$t: has examples" "none in man/$t.8" test -s "$tmp/examples"
	while IFS= read -r line; do example "$t.8" "$line"; done <"$tmp/examples"
done

# README: commands stand in blocks of sh, behind no prompt.
awk '/^```sh/ { on = 1; next } /^```/ { on = 0 } on' README.md | sed 's/ *#.*//; /^$/d' >"$tmp/commands"
check_true "README has commands" "no block of sh" test -s "$tmp/commands"
while IFS= read -r line; do
	# shellcheck disable=SC2086
	set -- ${line#sudo }
	case $1 in
	handlerlat | tcplat | httpsniff | httptrace) example README "$line" ;;
	scripts/* | tests/*) check_true "README: $line" "no such program" test -x "$1" ;;
	make)
		# A variable that names something of the reader's own is left out.
		shift
		make -n O="$tmp/o" $(printf '%s\n' "$@" | grep -vE '^(LIBBPF|VMLINUX_H|CC|DESTDIR)=') >"$tmp/out" 2>"$tmp/err"
		check "README: $line" $? 0 ;;
	man) check_true "README: $line" "no such page" test -f "$2" ;;
	*) not_ok "README: $line" "neither a tool nor a script nor make" ;;
	esac
done <"$tmp/commands"
none "README: files" "no such file" "$(grep -oE '`[a-z]+/[A-Za-z0-9_./-]*`' README.md | grep -v 'X[.]' | tr -d '\`' | while read -r f; do
	[ -e "$f" ] || ls $f >/dev/null 2>&1 || echo "$f"
done)"

# --- the source tree

# What no test of its own name holds, and what holds it instead.
untested="
elfsym:elf gobin_base:gobin gobin_inlined:gobin gobin_open:gobin gobin_sites:gobin
capload_counts:behave capture_who:capture_tasks http1_body:http1 http1_doubt:capture_model http1_frame:http1 http1_msg:http1 http1_name:http1_head
http1_start:http1 http1_tls:http1 procmaps:proc stream_end:stream
httphead:headmask keeper:publish post_curl:post post_url:post publish_keeper:publish publish_place:publish seccomp_emit:seccomp target_c:target tfile:target run:behave"
for f in common/*.c; do
	n=$(basename "$f" .c)
	[ -f "tests/unit/$n.c" ] && continue
	by=$(grep -oE "(^| )$n:[a-z0-9_]+" <<<"$untested" | cut -d: -f2)
	if [ -z "$by" ]; then echo "$n"; elif [ "$by" != behave ] && [ ! -f "tests/unit/$by.c" ]; then echo "$n ($by)"; fi
done >"$tmp/missing"
none "each file of common has a unit test" "none for" "$(cat "$tmp/missing")"

# A prototype is documented by a comment above it in its paragraph, or by the header's own when the
# paragraph is the first; one that is static inline counts like any other.
undocumented() {
	awk -v f="$1" '
		/^$/ { said = 0; next }
		/\/\*/ { said = 1 }
		/^[a-z].*\*?[a-z0-9_]+\(.*(\)|,)( *\{| *;|$| __attribute)/ && !/^(typedef|extern|return|else|if|for|while|switch)/ {
			if (!said && !first) print f ": " $0
		}' "$1"
}
none "each public function is documented" "not documented" "$(for h in common/*.h bpf/hist_slots.h; do undocumented "$h"; done)"

none "each source has its licence" "no SPDX line in" "$(sources | grep -E '\.(c|h|cc|go|s|sh|py|[78])$|^(Makefile|scripts/.*|\.ci/.*)$' |
	while read -r f; do [ ! -f "$f" ] || head -n 4 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0' || echo "$f"; done)"
none "bpf is GPL-2.0-only" "another licence in" "$(grep -LE 'GPL-2.0-only' bpf/*)"
none "lines have 100 columns at most" "longer" "$(for f in common/*.[ch] tools/*.[ch] bpf/*.[ch] tests/*/*.[ch]; do
	expand -t 8 "$f" | awk -v f="$f" 'length > 100 { print f ":" NR }'
done)"
none "nothing is left to do" "found" "$(sources | grep -vx tests/docs.sh | grep -v '^tests/golden/rec/' |
	tr '\n' '\0' | xargs -0 grep -nIE '\b(TODO|FIXME)\b' 2>"$tmp/err")"
none "no paths of one machine" "found" "$(sources | grep -vx tests/docs.sh | tr '\n' '\0' |
	xargs -0 grep -naoE '(/home/)[a-z0-9_/.-]*' 2>"$tmp/err")"
none "no hosts of mirrors" "found" "$(sources | grep -vxE 'tests/docs.sh|LICENSE' | tr '\n' '\0' |
	xargs -0 grep -nIoE '(https?|ftp)://[A-Za-z0-9.-]+' 2>"$tmp/err" |
	grep -vE '://(127\.|localhost|host|HOST|example\.|[a-z0-9-]+\.(test|example|invalid)|\.|[A-Za-z0-9-]+$)')"
if command -v clang-format >"$tmp/which"; then
	make -s check-format >"$tmp/out" 2>&1
	check "clang-format" $? 0
else
	skip "clang-format" "not installed"
fi
finish
