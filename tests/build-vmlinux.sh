#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# The kernel halves also compile against a full vmlinux.h, made from the running kernel's BTF or, where it
# has none, from a kernel of the matrix that can be unpacked here. 77: no BTF anywhere.
set -eu
cd "$(dirname "$0")/.."
O=${O:-$PWD/.output}
bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)
[ -r /sys/kernel/btf/vmlinux ] || { echo "no /sys/kernel/btf/vmlinux"; exit 77; }
mkdir -p "$O/full"
"$bpftool" btf dump file /sys/kernel/btf/vmlinux format c >"$O/full/dump.h"
make VMLINUX_H="$O/full/dump.h" O="$O/full"
