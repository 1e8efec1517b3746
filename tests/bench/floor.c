// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * floor: the least that probes on these sites can cost. Puts empty programs on them, says "ready",
 * and holds them until it is interrupted.
 *
 *	floor [-r] FILE ENTRY_OFFSET [EXIT_OFFSET...]
 *
 * Offsets are file offsets. -r: a return probe on the entry instead of probes on the exits. As in
 * handlerlat there are two links, uprobe_multi where the kernel has it, else perf events.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRACE_UPROBE_MULTI 48 /* enum bpf_attach_type, Linux 6.6 */

struct link_create_multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, pad;
};

static int load(int attach_type)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach_type);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "floor", "GPL", insns, 2, &opts);
}

static int number(const char *path, const char *fmt)
{
	FILE *f = fopen(path, "re");
	int v = -1;

	if (f) {
		if (fscanf(f, fmt, &v) != 1)
			v = -1;
		fclose(f);
	}
	return v;
}

static int perf(const char *path, uint64_t off, bool ret)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	int fd, prog = load(0);

	attr.type = number("/sys/bus/event_source/devices/uprobe/type", "%d");
	if (ret)
		attr.config = 1ULL << number("/sys/bus/event_source/devices/uprobe/format/retprobe",
					     "config:%d");
	attr.config1 = (uintptr_t)path;
	attr.config2 = off;
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog) ||
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	return 0;
}

static int put(const char *path, const uint64_t *offs, uint32_t n, bool ret)
{
	struct link_create_multi a = {
		.prog_fd = load(TRACE_UPROBE_MULTI),
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offs,
		.cnt = n,
		.multi_flags = ret,
	};
	int err = 0;

	if (!n || syscall(SYS_bpf, BPF_LINK_CREATE, &a, sizeof(a)) >= 0)
		return 0;
	for (uint32_t i = 0; i < n && !err; i++)
		err = perf(path, offs[i], ret);
	return err;
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	bool ret = argc > 1 && !strcmp(argv[1], "-r");
	uint64_t offs[1024];
	uint32_t n = 0;
	int err, sig;
	sigset_t set;

	argv += ret;
	argc -= ret;
	if (argc < 3 || argc > 1000) {
		fprintf(stderr, "usage: floor [-r] FILE ENTRY_OFFSET [EXIT_OFFSET...]\n");
		return 2;
	}
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	for (int i = 2; i < argc; i++)
		offs[n++] = strtoull(argv[i], NULL, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	err = ret ? put(argv[1], offs, 1, true) : put(argv[1], offs + 1, n - 1, false);
	if (!err)
		err = put(argv[1], offs, 1, false);
	if (err) {
		fprintf(stderr, "floor: %s\n", strerror(-err));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	sigwait(&set, &sig);
	return 0;
}
