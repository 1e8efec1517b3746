#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# httpsniff as a program: how it ends, what it leaves behind (nothing), who may run it, where its output goes.
# Ports are the kernel's choice, and the tool looks at no other.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

if wanted ends; then
	load "$LOAD/http" -w get
	port=$(awk '$1 == "truth" && $2 == "port" { print $3 }' "$tmp/load")
	start httpsniff -j -p "$port"
	go_on
	load_done
	stop
	check ends "$status $load_status $(said balanced) $(jq -r 'select(.type == "message").direction' "$tmp/out" | sort | uniq -c | xargs)" \
		"0 0 true 6 recv 6 send"
fi
finish
