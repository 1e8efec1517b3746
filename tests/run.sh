#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/run.sh [--quick] [--native] [--guest KERNEL] [LAYER...]
#
# Runs the tests and ends with "N passed, N failed, N skipped".
#   LAYER     unit golden docs gate differential fuzz exits behave matrix; default: all of them, in this order
#   --quick   all but exits (Go binaries against objdump) and the guests
#   --guest   one guest alone, for the layer matrix
# A behaviour case that was skipped everywhere counts as failed: nothing has shown that it works.
set -u
cd "$(dirname "$0")/.." || exit 99
O=${O:-.output}
export O=$(realpath "$O")
layers= kernels= quick=
while [ $# -gt 0 ]; do
	case $1 in
	--quick) quick=1 ;;
	--guest) shift; kernels="$kernels $1" ;;
	-h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
	unit | golden | docs | gate | differential | fuzz | exits | behave | matrix) layers="$layers $1" ;;
	*) echo "tests/run.sh: what is '$1'?" >&2; exit 2 ;;
	esac
	shift
done
layers=${layers:-unit golden docs gate differential fuzz exits behave matrix}
[ -z "$quick" ] || layers=${layers/exits behave matrix/behave}
log=$O/tests/log
mkdir -p "$log"
results=$log/results
: >"$results"

# run LAYER WHERE FILE ARG...: one test file; its case lines go to $results as "WHERE LINE".
run() {
	local layer=$1 where=$2 name out rc t0=$SECONDS
	name=$(basename "$3" .sh)
	out=$log/$layer-$where-$name.log
	shift 2
	timeout -k 10 "${LIMIT:-900}" "$@" >"$out" 2>&1 </dev/null
	rc=$?
	note "$layer" "$where" "$name" "$out" $rc $((SECONDS - t0))
}

# Adds up a finished file. A file with no case lines is one case, told by its exit status.
note() {
	local layer=$1 where=$2 name=$3 out=$4 rc=$5 took=$6 n
	if grep -qE '^(ok|not ok|skip) - ' "$out"; then
		grep -E '^(ok|not ok|skip) - ' "$out" | sed "s|^|$where $layer/$name |" >>"$results"
		n=$(grep -cE '^(ok|not ok|skip) - ' "$out")
		if [ "$rc" != 0 ] && [ "$rc" != 77 ] && ! grep -q '^not ok' "$out"; then
			echo "$where $layer/$name not ok - $name: exit status $rc" >>"$results"
		fi
	else
		n=1
		case $rc in
		0) echo "$where $layer/$name ok - $name" ;;
		77) echo "$where $layer/$name skip - $name: $(tail -n 1 "$out")" ;;
		*) echo "$where $layer/$name not ok - $name: exit status $rc" ;;
		esac >>"$results"
	fi
	if [ "$rc" = 0 ] || [ "$rc" = 77 ]; then
		printf '  %-12s %-22s %-12s %3d case(s) %4d s\n' "$layer" "$name" "$where" "$n" "$took"
	else
		printf '  %-12s %-22s %-12s FAILED (%d) %4d s; log: %s\n' "$layer" "$name" "$where" "$rc" "$took" "$out"
		tail -n 40 "$out" | cut -c1-400 | sed 's/^/    | /'
	fi
}

layer_unit() { for t in tests/unit/*.c; do run unit host "$O/tests/unit/$(basename "$t" .c)"; done; }
layer_golden() {
	run golden host tests/golden/run.sh
	run golden host tests/golden/tcplat-diff.sh
	run golden host tests/golden/httpsniff.sh
	run golden host tests/golden/httpsniff-files.sh
	run golden host tests/golden/httptrace.sh
}
layer_docs() { run docs host tests/docs.sh; }
layer_gate() { run gate host tests/gate.sh; }
layer_differential() { run differential host tests/differential.sh; }
layer_fuzz() {
	for t in tests/fuzz/*.c; do
		n=$(basename "$t" .c)
		corpus=$log/corpus-$n
		mkdir -p "$corpus" "$O/tests/fuzz"
		if [ ! -x "$O/tests/fuzz/$n" ]; then
			make -s fuzz >"$log/fuzz-build.log" 2>&1 || { echo "host fuzz/$n not ok - $n: does not build, see $log/fuzz-build.log" >>"$results"; continue; }
		fi
		seeds=; [ -d "tests/fuzz/corpus/$n" ] && seeds=tests/fuzz/corpus/$n
		# shellcheck disable=SC2086
		run fuzz host "$O/tests/fuzz/$n" -error_exitcode=1 -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 \
			-rss_limit_mb=2048 -artifact_prefix="$log/crash-$n-" "$corpus" $seeds
	done
}
layer_exits() { LIMIT=1200 run exits host tests/gobin-exits.sh; }
layer_behave() {
	if [ "$(id -u)" != 0 ]; then
		echo "  behave: needs root; try: sudo tests/run.sh behave"
		echo "host behave/all not ok - behave: needs root" >>"$results"
		return
	fi
	for t in tests/behave/*.sh; do run behave native "$t"; done
}

# All behaviour tests in one guest; the guest prints "== FILE STATUS SECONDS" after each file's lines.
guest() {
	local k=$1 out=$log/guest-$1.log rc name= f where=
	[[ $k != *-arm64 ]] || where=/host$O/arm64 # see scripts/vm
	LIMIT=2400 timeout -k 10 2400 scripts/vm -t 2300 -m 2048 "$k" env ${where:+"O=$where"} tests/guest.sh >"$out" 2>&1 \
		</dev/null
	rc=$?
	name=
	f=$log/guest-$k.part
	: >"$f"
	while IFS= read -r line; do
		case $line in
		"== "*)
			# shellcheck disable=SC2086
			set -- $line
			mv "$f" "$log/behave-$k-$2.log"
			note behave "$k" "$2" "$log/behave-$k-$2.log" "$3" "$4" >>"$log/guest-$k.txt"
			name=$2
			: >"$f" ;;
		*) printf '%s\n' "$line" >>"$f" ;;
		esac
	done <"$out"
	if [ "$rc" != 0 ] && { [ -z "$name" ] || ! grep -q "^$k .*not ok" "$results"; }; then
		echo "$k matrix/guest not ok - guest: exit status $rc" >>"$results"
		{ echo "  guest $k ended with status $rc; log: $out"; tail -n 30 "$out" | sed 's/^/    | /'; } >>"$log/guest-$k.txt"
	fi
}
layer_matrix() {
	local k running=0
	kernels=${kernels:-$(scripts/kernels names)}
	[ -n "$kernels" ] || { echo "host matrix/guest not ok - matrix: no kernels" >>"$results"; return; }
	for k in $kernels; do
		: >"$log/guest-$k.txt"
		guest "$k" &
		running=$((running + 1))
		[ $running -lt 2 ] || { wait -n; running=$((running - 1)); }
	done
	wait
	for k in $kernels; do cat "$log/guest-$k.txt"; done
}

for l in $layers; do "layer_$l"; done

# Skipped wherever it could have run? Then it did not run at all.
sed -n 's/^\([^ ]*\) \(behave[^ ]*\) skip - \([^:]*\):.*/\2 \3/p' "$results" | sort -u >"$log/skipped"
sed -n 's/^\([^ ]*\) \(behave[^ ]*\) ok - \(.*\)/\2 \3/p' "$results" | sort -u >"$log/done"
never=$(comm -23 "$log/skipped" "$log/done")
if [ -n "$never" ] && [ -z "$quick" ] && [[ $layers == *matrix* && $layers == *behave* ]]; then
	echo "skipped on every kernel, so never shown to work:"
	echo "$never" | sed 's/^/  /'
	echo "$never" | sed 's/^/all matrix not ok - never run: /' >>"$results"
fi
p=$(grep -c '^[^ ]* [^ ]* ok - ' "$results")
f=$(grep -c '^[^ ]* [^ ]* not ok - ' "$results")
s=$(grep -c '^[^ ]* [^ ]* skip - ' "$results")
[ "$f" = 0 ] || { echo; grep '^[^ ]* [^ ]* not ok - ' "$results"; }
[ "$s" = 0 ] || { echo "skipped:"; sed -n 's/^\([^ ]* [^ ]*\) skip - /  \1: /p' "$results" | sort | uniq -c | sort -rn | head -n 40; }
echo "$p passed, $f failed, $s skipped"
[ "$f" = 0 ] && [ "$p" != 0 ]
