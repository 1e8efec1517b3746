// SPDX-License-Identifier: GPL-2.0-only
/*
 * What HTTP do processes speak? The bytes are taken where a call has moved them between a process
 * and its socket: before TCP has cut them up, and with the process at hand. Which connections, and
 * how much of them, is decided here (capture.bpf.h, payload.bpf.h); hooks are in
 * capture_hooks.bpf.h, for httptrace has the same.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "capture.h"
#include "event.bpf.h"
#include "filter.bpf.h"
#include "netsel.bpf.h"
#include "sock.bpf.h"
#include "capture.bpf.h"
#include "capture_hooks.bpf.h"

char LICENSE[] SEC("license") = "GPL";
