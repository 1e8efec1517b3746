#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# Inside a guest: every behaviour test, each followed by "== FILE STATUS SECONDS" for tests/run.sh.
cd "$(dirname "$0")/.." || exit 99
bad=0
export IN_GUEST=1
for t in tests/behave/*.sh; do
	t0=$SECONDS
	timeout -k 10 900 "$t" </dev/null 2>&1
	rc=$?
	echo "== $(basename "$t" .sh) $rc $((SECONDS - t0))"
	[ $rc = 0 ] || [ $rc = 77 ] || bad=1
done
exit $bad
