#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# usage: tests/c-build.sh [OUTDIR]
#
# Builds those C and C++ workloads of tests/load that are more than one C file each (what is one file, make
# builds by its pattern rule) into OUTDIR (default .output/tests/load):
#   symbols, symbols-stripped	exceptions	library, libwork.so.1
# What is newer than its sources is left alone. With CC=aarch64-linux-gnu-gcc and OUTDIR, for arm64.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-${O:-$top/.output}/tests/load}
cc="${CC:-gcc} -O2 -g -std=gnu17 -Wall -Wextra -D_GNU_SOURCE -fno-omit-frame-pointer"
cross=
[[ ${CC:-} != *-gcc ]] || cross=${CC%gcc}
mkdir -p "$out"
cd "$top/tests/load"

# stale FILE SOURCE...
stale() {
	made=$out/$1
	shift
	for source; do
		[ ! "$source" -nt "$made" ] || return 0
	done
	[ ! -e "$made" ]
}

stale symbols symbols/* load.h && $cc -o "$out/symbols" symbols/main.c symbols/other.c
stale symbols-stripped "$out/symbols" && "${cross}strip" -o "$out/symbols-stripped" "$out/symbols"
stale libwork.so.1 library/work.c &&
	$cc -fPIC -shared -Wl,-soname,libwork.so.1 -o "$out/libwork.so.1" library/work.c
stale library library/main.c load.h "$out/libwork.so.1" &&
	$cc -o "$out/library" library/main.c "$out/libwork.so.1" "-Wl,-rpath,\$ORIGIN"
if stale exceptions exceptions.cc load.h; then
	if command -v "${cross}g++" >/dev/null; then
		"${cross}g++" -O2 -g -Wall -Wextra -D_GNU_SOURCE -fno-omit-frame-pointer -o "$out/exceptions" exceptions.cc
	else
		echo "c-build: no g++: no exceptions" >&2
	fi
fi
exit 0
