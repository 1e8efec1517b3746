/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPTRACE_GO_H
#define HTTPTRACE_GO_H
/* Probes on the clients of Go programs: see httptrace_go.c. */
#include <stdint.h>

struct bpf_program;
/* Before the object is loaded. 0 or -errno. */
int go_prepare(struct bpf_program *ask, struct bpf_program *write);
/* Probes the programs of all processes that run. 0 or -errno with text. */
int go_start(void);
/* A process was heard of: probes its program, if that has not been done. */
void go_process(uint32_t pid);
/* Takes all probes off. */
void go_stop(void);
#endif
