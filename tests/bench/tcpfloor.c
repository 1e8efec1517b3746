// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * tcpfloor: the least that a tool's hooks can cost. Puts an empty program on each tracepoint that
 * tcplat's tracepoint backend uses, says "ready", and holds them until it is interrupted.
 *
 *	tcpfloor [-s]		-s: lets the kernel count them (bpf_stats), which has a cost of
 *				its own; at the end "runs N ns N" is printed, summed over them
 *	tcpfloor [-s] NAME...	on these tracepoints instead, where the kernel has them
 *	tcpfloor -s ID...	puts nothing anywhere: counts these programs instead
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MAX_PROGS 64

/* Twice what tcplat has there twice. */
static const char *const hooks[] = {
	"tcp_sendmsg_locked",	"sock_send_length",    "sk_data_ready",	   "sock_recv_length",
	"tcp_rcv_space_adjust", "inet_sock_set_state", "tcp_destroy_sock", "tcp_destroy_sock",
};

static int progs[MAX_PROGS], nprogs;

struct sums {
	uint64_t runs, ns;
};

static int put(const char *tracepoint)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);
	int fd, id = libbpf_find_vmlinux_btf_id(tracepoint, BPF_TRACE_RAW_TP);

	if (id < 0)
		return id;
	opts.attach_btf_id = id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "floor", "GPL", insns, 2, &opts);
	if (fd < 0)
		return fd;
	progs[nprogs++] = fd;
	fd = bpf_raw_tracepoint_open(NULL, fd);
	return fd < 0 ? fd : 0;
}

static int put_all(void)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks) && !err; i++) {
		err = put(hooks[i]);
		if (err)
			fprintf(stderr, "tcpfloor: %s: %s\n", hooks[i], strerror(-err));
	}
	return err;
}

static int put_named(char **names)
{
	int err = 0;

	for (; *names && !err; names++) {
		err = put(*names);
		if (err == -ENOENT || err == -ESRCH)
			err = 0;
		if (err)
			fprintf(stderr, "tcpfloor: %s: %s\n", *names, strerror(-err));
	}
	return err;
}

static int open_ids(char **ids)
{
	for (; *ids && nprogs < MAX_PROGS; ids++) {
		progs[nprogs] = bpf_prog_get_fd_by_id(strtoul(*ids, NULL, 10));
		if (progs[nprogs] < 0) {
			fprintf(stderr, "tcpfloor: program %s: %s\n", *ids, strerror(errno));
			return -errno;
		}
		nprogs++;
	}
	return 0;
}

static struct sums sum_up(void)
{
	struct bpf_prog_info info;
	struct sums s = {};
	uint32_t len;

	for (int i = 0; i < nprogs; i++) {
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (bpf_obj_get_info_by_fd(progs[i], &info, &len))
			continue;
		s.runs += info.run_cnt;
		s.ns += info.run_time_ns;
	}
	return s;
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	bool count = argc > 1 && !strcmp(argv[1], "-s");
	char **args = argv + 1 + count;
	struct sums before, after;
	sigset_t set;
	int sig, err;

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (!*args)
		err = put_all();
	else
		err = isdigit(**args) ? open_ids(args) : put_named(args);
	if (err)
		return 1;
	if (count && bpf_enable_stats(BPF_STATS_RUN_TIME) < 0) {
		fprintf(stderr, "tcpfloor: the kernel does not count: %s\n", strerror(errno));
		return 1;
	}
	before = sum_up();
	puts("ready");
	fflush(stdout);
	sigwait(&set, &sig);
	after = sum_up();
	if (count)
		printf("runs %llu ns %llu\n", (unsigned long long)(after.runs - before.runs),
		       (unsigned long long)(after.ns - before.ns));
	return 0;
}
