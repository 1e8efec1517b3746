#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/go-build.sh [OUTDIR]
#
# Builds the Go workloads that tests/behave uses into OUTDIR/goX.Y/ (default .output/tests/go), with each
# toolchain that scripts/go-toolchains has in its cache and with the machine's own go. Guests are slow and
# see the tree read-only, so all of it is made beforehand, here. Fetches nothing. What is newer than the
# sources is left alone. Prints one line per toolchain; 77 when there is no toolchain at all. With ARCH=arm64 and
# CC=aarch64-linux-gnu-gcc in the environment, for arm64, and only what guests run: the oldest and the newest.
set -eu
shopt -s nullglob
top=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-${O:-$top/.output}/tests/go}
build=$top/tests/load/build-go.sh
cache=${REQTOOLS_CACHE:-${XDG_CACHE_HOME:-/var/cache}/reqtools}/go
export GOCACHE="${GOCACHE:-$cache/cache}"
mkdir -p "$out"
exec 8>"$out/.lock" # two tests may want the same programs
flock 8
newest_source=$(find "$top/tests/load/go" "$build" "$0" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)

# The toolchains, one GOROOT/bin/go per version, oldest first.
toolchains() {
	local go v
	for go in "$cache"/go1.*/bin/go /usr/bin/go; do
		[ -x "$go" ] || continue
		v=$("$go" version 2>/dev/null | sed -n 's/.* go\(1\.[0-9]*\).*/\1/p')
		[ -z "$v" ] || printf '%s %s\n' "$v" "$go"
	done | sort -V -u -k1,1
}

# made DIR MODES PROGRAM...: are they all there, newer than their sources?
made() {
	[ -e "$1/.made-$(echo "$2-${*:3}" | tr ' ,' '__')" ] &&
		[ ! "$newest_source" -nt "$1/.made-$(echo "$2-${*:3}" | tr ' ,' '__')" ]
}

# want DIR GO MODES PROGRAM...
want() {
	local dir=$1 go=$2
	shift 2
	made "$dir" "$@" && return
	"$build" "$go" "$dir" "$@" >/dev/null 8>&-
	touch "$dir/.made-$(echo "$1-${*:2}" | tr ' ,' '__')"
}

# one VERSION GO EXTREME(yes|no): all programs and modes for the oldest and newest, little for those between,
# where only a layout differs.
one() {
	local dir=$out/go$1
	mkdir -p "$dir"
	if [ "${1#1.}" -lt 17 ]; then
		want "$dir" "$2" plain recurse	# only to be refused
		return
	fi
	want "$dir" "$2" plain,stripped recurse panics server
	want "$dir" "$2" plain chain
	[ "${1#1.}" -lt 22 ] || want "$dir" "$2" plain routes
	[ "$3" = yes ] || return 0
	want "$dir" "$2" plain shapes generic cgocb bench
	want "$dir" "$2" pie,extlink,cgo,race,noopt,static recurse
	want "$dir" "$2" noopt,stripped shapes
	want "$dir" "$2" stripped generic
}

list=$(toolchains)
[ -n "$list" ] || { echo "no Go toolchain: apt install golang-go, or scripts/go-toolchains fetch" >&2; exit 77; }
oldest=$(echo "$list" | awk '{ split($1, v, "."); if (v[2] >= 17) { print $1; exit } }')
newest=$(echo "$list" | tail -n 1 | cut -d' ' -f1)
while read -r version go; do
	extreme=no
	case $version in "$oldest" | "$newest") extreme=yes ;; esac
	[ -z "${ARCH:-}" ] || [ $extreme = yes ] || continue
	one "$version" "$go" $extreme
	echo "go$version: $(find "$out/go$version" -maxdepth 1 -type f -perm -u+x | wc -l) workloads in $out/go$version"
done <<<"$list"
