/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_HOOKS_BPF_H
#define CAPTURE_HOOKS_BPF_H
/*
 * The hooks. All of them are at the socket, not at system calls: it needs no table of descriptors,
 * sees connections that are older than the tool, and any way into the socket.
 *
 *   tracepoint  sock_send_length, sock_recv_length: the end of each call. The bytes are found by
 *               the thread's saved registers, which say what call it is and where its buffers
 *               are. From 6.16 tcp_sendmsg_locked shows what is sent by other ways (io_uring,
 *               sendfile).
 *   fentry      the protocols' sendmsg and recvmsg: the iterator is saved where they begin, and
 *               what it points to read where they end, when it is known how many bytes it was.
 *               Before 6.5 pages are sent one by one by sendpage.
 *   kprobe      the same, where there are no trampolines. What TCP receives is taken as it is
 *               read, for a return probe has room for few calls at a time, and those that wait
 *               for data take it
 *
 * Where times are asked for, sk_data_ready (6.3) or tcp_data_ready tell when bytes have come.
 *
 * A program that is preempted in the middle runs for no other task of its CPU until it goes on.
 * Kernels differ in whether tracepoints and trampolines may be preempted. Where they may, a second
 * program stands behind each that takes bytes, and does what the first one did not.
 */
#include "capture_tp.bpf.h"
#include "capture_fn.bpf.h"
#include "capture_kprobe.bpf.h"
#include "capture_pages.bpf.h"

/* What an empty program costs to run and to be measured: taken off what hooks are said to cost. */
SEC("tp_btf/inet_sock_set_state")
int nothing(__u64 *ctx)
{
	return 0;
}
#endif
