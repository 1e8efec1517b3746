#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: build-go.sh GO_BINARY OUTDIR [MODE,MODE...] [PROGRAM...]
#
# Builds the Go workloads (tests/load/go/*/ with package main; default: all) with that toolchain,
# offline, as OUTDIR/PROGRAM for mode plain and OUTDIR/PROGRAM-MODE for the others:
#
#   plain     no cgo                              race      with the race detector
#   stripped  -ldflags='-s -w'                    noopt     -gcflags='all=-N -l'
#   pie       -buildmode=pie                      extlink   linked by gcc
#   cgo       runtime/cgo linked in               static    linked by gcc, statically
#
# With ARCH=arm64 and CC=aarch64-linux-gnu-gcc in the environment, for arm64.
# MODE is a comma-separated list, or "all"; default plain. Prints each file it made. What cannot be
# built by this toolchain (a newer language, no race runtime, no C compiler) is named on stderr with
# the reason and is no error; any other failure is.
set -eu
[ $# -ge 2 ] || { sed -n '3s/^# //p' "$0" >&2; exit 2; }
go=$(command -v "$1") || { echo "build-go: no $1" >&2; exit 2; }
go=$(realpath -s "$go")
mkdir -p "$2"
out=$(cd "$2" && pwd)
modes=$(echo "${3:-plain}" | tr , ' ')
[ "$modes" != all ] || modes="plain stripped pie extlink cgo race noopt static"
if [ $# -lt 3 ]; then
	programs=
else
	shift 3
	programs=$*
fi
here=$(cd "$(dirname "$0")" && pwd)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
cp -R "$here/go" "$tmp/src"
cd "$tmp/src"

unset GOROOT GOPATH GOARCH GOOS GOEXPERIMENT CGO_CFLAGS CGO_LDFLAGS
[ -z "${ARCH:-}" ] || export GOARCH="$ARCH"
export GOENV=off GOFLAGS='' GOPROXY=off GOTOOLCHAIN=local GOWORK=off GO111MODULE=on
export GOCACHE="${GOCACHE:-${XDG_CACHE_HOME:-${HOME:-$tmp}/.cache}/go-build}" GOPATH="$tmp/gopath"
minor=$("$go" version | sed -n 's/.* go1\.\([0-9]*\).*/\1/p')
[ "$minor" ] || { echo "build-go: $go is not a Go 1 toolchain" >&2; exit 1; }
printf 'module reqload\n\ngo 1.%s\n' "$minor" > go.mod
[ "$programs" ] || programs=$(grep -l '^package main$' ./*/main.go | xargs -n1 dirname | xargs -n1 basename)

skip()
{
	echo "build-go: go1.$minor: no $1: $2" >&2
}

# An import that has nothing but runtime/cgo behind it. It is a package of its own, because one that
# uses cgo may not have assembly of Go's kind.
mkdir withcgo
printf 'package withcgo\n\nimport "C"\n' > withcgo/withcgo.go
force_cgo()
{
	case $2 in
	cgo | extlink | static) printf 'package main\n\nimport _ "reqload/withcgo"\n' > "$1/force_cgo.go" ;;
	*) rm -f "$1/force_cgo.go" ;;
	esac
}

build()
{
	program=$1 mode=$2 file=$1-$2 cgo=0
	[ "$mode" != plain ] || file=$program
	case $mode in
	plain) set -- ;;
	stripped) set -- '-ldflags=-s -w' ;;
	pie) set -- -buildmode=pie ;;
	noopt) set -- '-gcflags=all=-N -l' ;;
	race) set -- -race; cgo=1 ;;
	cgo) set --; cgo=1 ;;
	extlink) set -- -ldflags=-linkmode=external; cgo=1 ;;
	static) set -- '-ldflags=-linkmode=external -extldflags=-static' -tags=netgo,osusergo; cgo=1 ;;
	*) echo "build-go: no such mode: $mode" >&2; exit 2 ;;
	esac
	since=$(sed -n 's,^//go:build.*go1\.\([0-9]*\).*,\1,p' "$program/main.go")
	if [ "${since:-0}" -gt "$minor" ]; then
		skip "$file" "it needs go1.$since"
		return
	fi
	! grep -q '^//go:build.*cgo' "$program/main.go" || cgo=1
	if [ $cgo = 1 ] && ! command -v "${CC:-gcc}" > /dev/null; then
		skip "$file" "it needs a C compiler"
		return
	fi
	if [ "$mode" = race ] && ! ls "$("$go" env GOROOT)"/src/runtime/race/*_linux_* \
		"$("$go" env GOROOT)"/src/runtime/race/internal/*/*_linux.syso > /dev/null 2>&1; then
		skip "$file" "the toolchain has no race runtime"
		return
	fi
	force_cgo "$program" "$mode"
	CGO_ENABLED=$cgo "$go" build -trimpath "$@" -o "$out/$file" "./$program"
	echo "$out/$file"
}

for m in $modes; do
	for p in $programs; do
		build "$p" "$m"
	done
done
