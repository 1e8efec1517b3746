#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/gobin-exits.sh [BINARY...]
#
# Holds where gobin would probe against objdump, for every function of a Go binary: see
# tests/gobin/exits.c. Without BINARY it builds programs with each toolchain that there is: those
# named in $GO (paths of go commands, with blanks between), else those that scripts/go-toolchains
# fetched and the one in $PATH. The oldest and the newest also build position-independent, externally
# linked, static, unoptimised, race-detecting, cgo and arm64 programs.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cache=${REQTOOLS_CACHE:-${XDG_CACHE_HOME:-/var/cache}/reqtools}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/gobin-exits.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 99' INT TERM
passed=0 failed=0 skipped=0 functions=0 exits=0

ok() { passed=$((passed + 1)); echo "ok - $1"; }
not_ok() { failed=$((failed + 1)); echo "not ok - $1: $2"; }
skip() { skipped=$((skipped + 1)); echo "skip - $1: $2"; }

finish() {
	echo "$passed passed, $failed failed, $skipped skipped: $functions functions, $exits exits"
	[ "$failed" = 0 ] || exit 1
	[ "$passed" != 0 ] || exit 77
	exit 0
}

# check NAME FILE [OBJDUMP]
check() {
	"${3:-objdump}" -d --no-show-raw-insn "$2" >"$tmp/dump" 2>/dev/null
	if "$tmp/exits" -c "$2" <"$tmp/dump" >"$tmp/out" 2>&1; then
		line=$(tail -n 1 "$tmp/out")
		functions=$((functions + $(echo "$line" | sed 's/.*: \([0-9]*\) functions.*/\1/')))
		exits=$((exits + $(echo "$line" | sed 's/.*; exits \([0-9]*\),.*/\1/')))
		ok "$1: $line"
	else
		not_ok "$1" "$(tail -n 1 "$tmp/out")"
		head -n 20 "$tmp/out" | sed 's/^/#   /'
	fi
}

# build NAME PROGRAM ARG...: $tmp/NAME; false when this toolchain cannot (no race detector, no C compiler).
build() {
	name=$1 dir=$top/tests/gobin/$2
	shift 2
	(cd "$dir" && "$go" build -o "$tmp/$name" "$@" .) >"$tmp/build" 2>&1 && return 0
	skip "$version $name" "$(tail -n 1 "$tmp/build")"
	return 1
}

# mode NAME PROGRAM ARG...
mode() { build "$@" && check "$version $1" "$tmp/$1"; }

# same NAME FILE: its sites are those of the program "default".
same() {
	"$tmp/exits" "$2" >"$tmp/sites" 2>"$tmp/out"
	if [ -s "$tmp/sites" ] && cmp -s "$tmp/sites" "$tmp/sites.default"; then
		ok "$version $1: the same sites"
	else
		not_ok "$version $1" "$(diff "$tmp/sites" "$tmp/sites.default" | head -n 3) $(tail -n 1 "$tmp/out")"
	fi
}

# Stripping moves nothing; nor does cutting off the section headers (e_shoff at 40, e_shnum and e_shstrndx at 60).
check_stripped() {
	"$tmp/exits" "$tmp/default" >"$tmp/sites.default" 2>/dev/null
	build strip prog -ldflags='-s -w' || return
	same strip "$tmp/strip"
	head -c 8 /dev/zero | dd of="$tmp/strip" bs=1 seek=40 conv=notrunc 2>/dev/null
	head -c 4 /dev/zero | dd of="$tmp/strip" bs=1 seek=60 conv=notrunc 2>/dev/null
	same 'strip, no section headers' "$tmp/strip"
}

check_inlined() {
	got=$("$tmp/exits" -i main.small "$1" 2>&1)
	case $got in
	main.callsSmall) ok "$version: main.small inlined into $got" ;;
	*) not_ok "$version: main.small inlined" "$got" ;;
	esac
}

# Older than 1.17: must be refused, with the release in the text.
check_refused() {
	printf 'package main\nfunc main() { println(1) }\n' >"$tmp/old.go"
	GOFLAGS='' "$go" build -o "$tmp/old" "$tmp/old.go" >"$tmp/build" 2>&1 || {
		skip "$version refused" "$(tail -n 1 "$tmp/build")"
		return
	}
	if "$tmp/exits" "$tmp/old" >"$tmp/out" 2>&1 || ! grep -q "Go 1.17 or newer is needed" "$tmp/out"; then
		not_ok "$version refused" "$(tail -n 1 "$tmp/out")"
	else
		ok "$version refused: $(tail -n 1 "$tmp/out")"
	fi
}

all_modes() {
	mode pie prog -buildmode=pie -ldflags='-s -w'
	mode external prog -ldflags=-linkmode=external
	mode external-pie prog -buildmode=pie -ldflags='-linkmode=external -s -w'
	mode external-relr prog -buildmode=pie -ldflags='-linkmode=external -s -w -extldflags=-Wl,-z,pack-relative-relocs'
	mode static prog -ldflags='-linkmode=external -extldflags=-static'
	mode unoptimised prog -gcflags='all=-N -l'
	mode race prog -race
	mode cgo cgo
	mode c-shared cgo -buildmode=c-shared
	case $minor in 17) return ;; esac
	arm_objdump=$(command -v aarch64-linux-gnu-objdump) || {
		skip "$version arm64" "no aarch64-linux-gnu-objdump"
		return
	}
	export GOARCH=arm64 CGO_ENABLED=0
	build arm64 prog && check "$version arm64" "$tmp/arm64" "$arm_objdump"
	build arm64-pie prog -buildmode=pie -ldflags='-s -w' &&
		check "$version arm64-pie" "$tmp/arm64-pie" "$arm_objdump"
	unset GOARCH CGO_ENABLED
}

toolchain() {
	GOROOT=$("$go" env GOROOT)
	GOCACHE=$cache/go/cache GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod GOENV=off
	export GOROOT GOCACHE GOTOOLCHAIN GOPROXY GOFLAGS GOENV
	version=$("$go" version | sed 's/^go version \([^ ]*\).*/\1/')
	minor=$(echo "$version" | sed 's/^go1\.\([0-9]*\).*/\1/')
	if [ "$minor" -lt 17 ]; then
		check_refused
	else
		mode default prog && check_inlined "$tmp/default" && check_stripped
		[ -z "$1" ] || all_modes
	fi
	unset GOROOT
}

# Release and path of each go command, by release, one of each.
toolchains() {
	for go in ${GO:-"$cache"/go/go*/bin/go $(command -v go)}; do
		[ ! -x "$go" ] || echo "$(GOROOT='' GOTOOLCHAIN=local "$go" version | sed 's/^go version go\(1\.[0-9]*\).*/\1/') $go"
	done | sort -t. -k2n | sort -t. -k2n -u -s
}

command -v objdump >/dev/null || { echo "skip - gobin-exits: no objdump"; exit 77; }
"${CC:-gcc}" -O2 -std=gnu17 -D_GNU_SOURCE -I"$top/common" -I"$top/tests" -o "$tmp/exits" \
	"$top/tests/gobin/exits.c" "$top"/common/gobin*.c "$top"/common/elf*.c "$top/common/insn.c" \
	"$top/common/log.c" "$top/common/escape.c" -lz || exit 99

if [ $# -gt 0 ]; then
	for file; do check "$file" "$file"; done
	finish
fi

toolchains >"$tmp/toolchains"
[ -s "$tmp/toolchains" ] || { echo "skip - gobin-exits: no Go toolchain (scripts/go-toolchains fetch)"; exit 77; }
readable=$(awk '{ split($1, v, "."); if (v[2] >= 17) print $1 }' "$tmp/toolchains")
oldest=$(echo "$readable" | head -n 1) newest=$(echo "$readable" | tail -n 1)
while read -r release go; do
	case $release in
	"$oldest" | "$newest") toolchain all ;;
	*) toolchain '' ;;
	esac
done <"$tmp/toolchains"
finish
