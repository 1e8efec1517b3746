#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httptrace and what caused a request: services in Go, Python, C and nginx that call one another, under many clients at
# once. Each request has ids that the tool is told to ignore, by which the services know what caused what: of the links that it
# finds all the same nearly all are right, and none that it is sure of is wrong. With ids that it may look at, all are.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/httptrace-lib.sh
. "$top/tests/httptrace-lib.sh"
go_versions
clients=50 requests=2000
native=yes
[ -z "${IN_GUEST:-}" ] || { clients=20 requests=200 native=; }

some=$((requests / 4)) # where it is not the figure that counts
# links NAME "WHAT IS ASKED OF THE LINKS" "CLIENTS' OPTIONS" [OPTION...]: traffic through the services that there are
links() {
	local name=$1 asked=$2 asking=$3
	shift 3
	start httptrace -j -v -p "$chain_ports" --ring-size 65536 "$@" || bench_broken "$(cat "$tmp/err")"
	# shellcheck disable=SC2086
	ask -c $clients -n "${n:-$some}" $asking
	stop
	chain_end
	# shellcheck disable=SC2086
	verdict=$(linked $asked)
	cat "$tmp/kinds"
	missed=$(said hooks_missed)
	if [ "$status $verdict" != "0 ok" ] && [ -n "${IN_GUEST:-}" ] && [ "${missed:-0}" != 0 ]; then
		skip "$name" "$missed hooks did not run, and the tool says so"
	else
		check "$name" "$status $verdict" "0 ok"
	fi
	chain_new
}
# four [ARG...]: C behind nginx behind Python behind Go, for which the arguments are
four() { serve_c; serve_nginx; serve_threads; serve_go "$@"; }

# --- nothing but what the processes do
if wanted chain; then
	four -trace
	n=$requests links chain "" "--trace --request-id --b3" --no-trace-headers --go-probes
fi
if wanted chain-no-probes && [ -n "$native" ]; then
	# Requests that Go's client sends leave by a goroutine of the connection's: without uprobes it has candidates, and so
	# a third of the links is not there.
	four
	links chain-no-probes "--least 65" "" --no-trace-headers
fi
for version in "$oldest" $(grep -x 'go1.2[12]' <<<"$versions"); do
	wanted "chain-$version" && [ -n "$native" ] || continue
	go_version=$version four
	links "chain-$version" "" "" --no-trace-headers --go-probes
done
if [ -n "$native" ]; then
	if wanted chain-unique; then
		four
		links chain-unique "" "--unique" --go-probes
	fi
	if wanted chain-close; then
		serve_c; serve_nginx 0; serve_threads --close; serve_go -close
		links chain-close "" "--close" --go-probes
	fi
	if wanted chain-calls; then
		serve_c; serve_nginx; serve_threads --calls 2; serve_go -calls 3
		links chain-calls "" "" --go-probes
	fi
	if wanted chain-async; then
		serve_c; serve_nginx; serve_threads; serve_go -async -calls 2
		links chain-async "" "" --go-probes
	fi
	if wanted threads; then
		serve_c; name=middle serve_c --next "$port"; serve_threads
		links threads "--least 100 --kinds thread,join" ""
	fi
	# Who hands work over to others, or has one thread for all, gives nothing away that is sure.
	if wanted workers; then
		serve_c; serve_go -workers 20
		links workers "--least 0" ""
	fi
	if wanted pool; then
		serve_c --delay 1; name=middle serve_c --next "$port" --pool 8
		links pool "--least 0" ""
	fi
	if wanted events; then
		serve_c; serve_events
		links events "--least 50" ""
	fi
	if wanted events-unique; then
		serve_c; serve_events
		links events-unique "--least 99" "--unique"
	fi
	if wanted node && [ -n "$(command -v node)" ]; then
		serve_c; serve_node
		links node "--least 50" ""
	fi
fi

# --- ids in headers
if wanted traceparent; then
	serve_c; serve_nginx; serve_threads --trace; serve_go -trace
	links traceparent "--least 100 --kinds traceparent,join --given" "--trace"
fi
if [ -n "$native" ]; then
	if wanted traceparent-passed; then
		# As it came: two requests of one id, but for what serves the one and sends the other.
		four
		links traceparent-passed "--least 100 --kinds traceparent,join --given" "--trace"
	fi
	if wanted traceparent-events; then
		serve_c; serve_events --trace --calls 2
		links traceparent-events "--least 100 --kinds traceparent,join --given" "--trace"
	fi
	if wanted b3; then
		four
		links b3 "--least 100 --kinds b3,join --given" "--b3"
	fi
	if wanted request-id; then
		serve_c; serve_nginx; serve_events; serve_go -workers 20
		links request-id "--least 100 --kinds request_id,join" "--request-id"
	fi
fi
finish
