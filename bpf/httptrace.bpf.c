// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which response answers which request, and what caused it? The same hooks as httpsniff's
 * (capture_hooks.bpf.h): heads of messages, taken where a call has moved them between a process and
 * its socket, and the places of all other bytes. Beside them the goroutine at hand
 * (config.goids), or the one that asked it (goclient.bpf.h), and when bytes could have been read
 * (config.times).
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
#include "goclient.bpf.h"
#include "capture.bpf.h"
#include "capture_hooks.bpf.h"

char LICENSE[] SEC("license") = "GPL";
