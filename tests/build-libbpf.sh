#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# make LIBBPF=DIR, with the installed development files laid out as a source tree's build is.
set -eu
cd "$(dirname "$0")/.."
O=${O:-$PWD/.output}
tree=$O/libbpf-tree
rm -rf "$tree"
mkdir -p "$tree/src" "$tree/include/uapi"
cp /usr/include/bpf/*.h "$tree/src/"
cp "$(${CC:-gcc} -print-file-name=libbpf.a)" "$tree/src/"
make LIBBPF="$tree" O="$O/own-libbpf"
"$O/own-libbpf/bin/handlerlat" --version
! ldd "$O/own-libbpf/bin/handlerlat" | grep libbpf
