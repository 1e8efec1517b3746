# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
# For the tests of httpsniff, and of httptrace with program=httptrace: sourced behind tests/lib.sh. Many workloads of
# tests/load/http run under one start of the tool, one with each backend that loads here, and are told apart by their
# ports; tests/PROGRAM-truth.py says of each whether what was said of it is true. A case is BACKEND-NAME, and BACKEND alone
# the account of that run.

program=${program:-httpsniff}
every_backend=${BACKENDS:-fentry tracepoint kprobe} # BACKENDS: fewer of them
truths=$tmp/truth # NAME.json is what the workload NAME printed
mkdir "$truths"
declare -A tools=() loads=() fds=() pending_pid=() cannot=()
names=	  # workloads that ran
variants= # of the names of cases: what stands before a workload's name, besides nothing

# ports N: N of them that nobody has, $low to $high; next_port is $port.
ports() {
	local i
	for ((i = 0; i < 50; i++)); do
		low=$((10000 + RANDOM % 200 * 100))
		high=$((low + $1 - 1))
		[ -n "$(ss -Htan "( sport ge :$low and sport le :$high ) or ( dport ge :$low and dport le :$high )")" ] || break
	done
	port=$((low - 1))
}

# tools_start RUN ARG...: the tool with each backend, or with those in $with; of each the output is
# $tmp/RUN.BACKEND.out.
tools_start() {
	local b run=$1
	shift
	for b in ${with:-$every_backend}; do
		[[ " $every_backend " == *" $b "* ]] || continue
		"$BIN/$program" -v --backend "$b" -j --no-redact "$@" \
			>"$tmp/$run.$b.out" 2>"$tmp/$run.$b.err" </dev/null &
		tools[$run.$b]=$!
		pids="$pids $!"
	done
}
# tools_ready: waits for all of them; ${loads[RUN.BACKEND]} is set for those that load here.
tools_ready() {
	local id
	for id in "${!tools[@]}"; do
		t_err=$tmp/$id.err
		wait_for 120 sh -c "grep -q ': ready (' '$t_err' || ! kill -0 ${tools[$id]}"
		if grep -q ': ready (' "$t_err"; then
			loads[$id]=1
		else
			wait "${tools[$id]}"
			unset "tools[$id]"
		fi
	done
	[ "${#loads[@]}" != 0 ] || bench_broken "$(cat "$tmp"/*.err)"
}
# tools_stop: ends them all.
tools_stop() {
	local id
	for id in "${!tools[@]}"; do kill -INT "${tools[$id]}"; done
	for id in "${!tools[@]}"; do
		wait "${tools[$id]}"
		echo $? >"$tmp/$id.status"
	done
	tools=()
}

# any_wanted NAME: with some backend
any_wanted() {
	local b v
	for b in $every_backend; do
		wanted "$b-$1" && return
		for v in $variants; do wanted "$b-$v$1" && return; done
	done
	return 1
}
# run NAME ARG...: a workload from begin to end, on a port of its own.
run() {
	local name=$1
	shift
	any_wanted "$name" || return 0
	port=$((port + 1))
	"$LOAD/http" -p "$port" "$@" >"$truths/$name.json" 2>"$truths/$name.err" </dev/null
	load_ended "$name" $?
}
load_ended() {
	case $2 in
	0) names="$names $1" ;;
	77) cannot[$1]=$(tail -n 1 "$truths/$1.err") ;;
	*) bench_broken "http $1: $(cat "$truths/$1.err")" ;;
	esac
}
# pending NAME ARG...: a workload that waits until `begin`; its process is ${pending_pid[NAME]}.
pending() {
	local name=$1
	shift
	any_wanted "$name" || return 0
	port=$((port + 1))
	rm -f "$tmp/fifo"
	mkfifo "$tmp/fifo" || exit 99
	"$LOAD/http" -w -p "$port" "$@" <"$tmp/fifo" >"$truths/$name.json" 2>"$truths/$name.err" &
	pending_pid[$name]=$!
	pids="$pids $!"
	exec {t_fd}>"$tmp/fifo"
	fds[$name]=$t_fd
	wait_for 60 sh -c "grep -q '^pid ' '$truths/$name.json' || ! kill -0 ${pending_pid[$name]}"
}
# begin: all that wait, one after the other.
begin() {
	local name
	for name in "${!pending_pid[@]}"; do
		t_fd=${fds[$name]}
		(echo >&"$t_fd") 2>/dev/null # it may be gone
		exec {t_fd}>&-
		wait "${pending_pid[$name]}"
		load_ended "$name" $?
		unset "pending_pid[$name]"
	done
}

# pages FILE: can this kernel's page cache be read? It must be where it always was, which the tool finds out and says in
# FILE, or the kernel says where it is.
pages() {
	local major minor
	IFS=. read -r major minor _ < <(uname -r)
	[ $((major * 1000 + minor)) -ge 5016 ] || return
	grep -q ' vmemmap_base$' /proc/kallsyms || grep -q 'pages can be read' "$1"
}

# few_returns BACKEND CASE: does it hang on return probes, which before rethooks have room for as many calls at a time as
# there are processors? TCP's receives do not, and what is lost of unix sockets is counted as hooks that did not run.
few_returns() {
	[ "$1" = kprobe ] && ! grep -q ' rethook_try_get$' /proc/kallsyms || return
	case $2 in recv-splice | old-many | threads | calls) ;; *) return 1 ;; esac
}
returns_why="before rethooks a return probe has room for few calls at a time"

# late_hooks CASE, or run-RUN: does it need hooks that run right behind their calls? Where the kernel may be preempted
# anywhere, another thread's call may come between: bytes are told at the wrong place, or as the second of their connection.
late_hooks() {
	case $1 in *together* | run-shared | run-unix) ;; *) return 1 ;; esac
	grep -qsE '\((full|lazy)\)' /sys/kernel/debug/sched/preempt
}
late_why="hooks may run late here, and another thread's call before them"

# judge RUN PREFIX ARG...: what was said of the workloads that ran, against the truth; cases are BACKEND-PREFIXNAME.
# In a guest a hook may find the one before it interrupted, and then does not run. The tool counts these.
judge() {
	local b run=$1 prefix=$2 name why id page files
	shift 2
	for b in $every_backend; do
		id=$run.$b
		page=
		files=()
		for name in $names; do files+=("$truths/$name.json"); done
		[ -e "$tmp/$id.out" ] || continue
		[ -n "${loads[$id]:-}" ] || { skip "$b-$run" "$(grep "^$program: " "$tmp/$id.err" | tail -n 1)"; continue; }
		pages "$tmp/$id.err" && page=--pages
		# shellcheck disable=SC2086
		python3 "$top/tests/$program-truth.py" --backend "$b" $page ${IN_GUEST:+--missed} "${@//BACKEND/$b}" "$tmp/$id.out" \
			"${files[@]}" >"$tmp/verdict" 2>"$tmp/verdict.err" ||
			bench_broken "$(tail -n 3 "$tmp/verdict.err")"
		while read -r name why; do
			[ "$name $why" = "account ok" ] || [ "$name" != account ] || ! few_returns "$b" "$run" ||
				{ skip "$b-$run" "$returns_why"; continue; }
			[ "$name $why" = "account ok" ] || [ "$name" != account ] || ! late_hooks "run-$run" ||
				{ skip "$b-$run" "$late_why"; continue; }
			[ "$name" != account ] || { verdict "$b-$run" "$(cat "$tmp/$id.status") $why" "$tmp/$id.err"; continue; }
			wanted "$b-$prefix$name" || continue
			case $why in
			ok) ok "$b-$prefix$name"; continue ;;
			*)
				! few_returns "$b" "$name" || { skip "$b-$prefix$name" "$returns_why"; continue; }
				! late_hooks "$name" || { skip "$b-$prefix$name" "$late_why"; continue; }
				;;
			esac
			case $why in
			"missed "*) skip "$b-$prefix$name" "hooks did not run, and the tool says so: ${why#missed }"; continue ;;
			esac
			tail -n 2 "$truths/$name.json" >"$tmp/load"
			tail -n 7 "$tmp/$id.err" >"$tmp/err"
			not_ok "$b-$prefix$name" "$why"
		done <"$tmp/verdict"
		for name in "${!cannot[@]}"; do
			! wanted "$b-$prefix$name" || skip "$b-$prefix$name" "${cannot[$name]}"
		done
	done
}
# The run's account.
verdict() {
	tail -n 7 "$3" >"$tmp/err"
	: >"$tmp/load"
	check "$1" "$2" "0 ok"
}
