// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * standin calls PORT, standin syscalls PID: does what tools of the usual designs do
 * (standin.bpf.c), each event read by itself, and with as little behind it as there can be: of
 * calls the sums by connection, of system calls the messages. Says "ready", and when it is
 * interrupted
 *
 *	standin: events N, lost N, messages N
 *
 * on standard error. Its BPF object is beside it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "../tests/bench/standin.h"

#define PAGES 64 /* of each CPU's buffer: what libbpf-tools take */
#define CONNS 4096

struct sums {
	struct standin_flow flow;
	uint64_t n, ns, max_ns;
	double squares;
};

static struct sums conns[CONNS];
static uint64_t events, lost, messages;
static volatile sig_atomic_t over;

static void on_signal(int sig)
{
	over = 1;
}

/* Where a connection's sums are; where there is no room, somebody else's. */
static struct sums *sums_of(const struct standin_flow *f)
{
	uint32_t h = (f->local_port * 31u + f->remote_port) * 31u + f->local + f->remote;

	for (int i = 0; i < 16; i++) {
		struct sums *s = &conns[(h + i) % CONNS];

		if (!s->n)
			s->flow = *f;
		if (!memcmp(&s->flow, f, sizeof(*f)))
			return s;
	}
	return &conns[h % CONNS];
}

static void on_call(void *ctx, int cpu, void *data, uint32_t size)
{
	const struct standin_call *e = data;
	struct sums *s = sums_of(&e->flow);

	events++;
	s->n++;
	s->ns += e->latency_ns;
	s->squares += (double)e->latency_ns * e->latency_ns;
	if (e->latency_ns > s->max_ns)
		s->max_ns = e->latency_ns;
}

static void on_data(void *ctx, int cpu, void *data, uint32_t size)
{
	const struct standin_data *e = data;

	events++;
	messages += e->size >= 4 && (!memcmp(e->d, "HTTP", 4) || !memcmp(e->d, "GET ", 4) ||
				     !memcmp(e->d, "POST", 4));
}

static void on_lost(void *ctx, int cpu, __u64 n)
{
	lost += n;
}

/* Loads and attaches the programs whose names begin so. Returns the events' map, or -errno. */
static int load(const char *self, const char *which, uint32_t wanted)
{
	struct bpf_program *prog;
	struct bpf_object *obj;
	char path[4096];
	int err;

	snprintf(path, sizeof(path), "%s.bpf.o", self);
	obj = bpf_object__open_file(path, NULL);
	if (!obj)
		return -errno;
	/* wanted is all there is in it. */
	err = bpf_map__set_initial_value(bpf_object__find_map_by_name(obj, ".rodata"), &wanted,
					 sizeof(wanted));
	if (err)
		return err;
	bpf_object__for_each_program (prog, obj)
		bpf_program__set_autoload(prog,
					  !strncmp(bpf_program__name(prog), which, strlen(which)));
	err = bpf_object__load(obj);
	bpf_object__for_each_program (prog, obj) {
		if (!err && bpf_program__autoload(prog) && !bpf_program__attach(prog))
			err = -errno;
	}
	return err ? err : bpf_object__find_map_fd_by_name(obj, "events");
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	bool calls = argc == 3 && !strcmp(argv[1], "calls");
	struct perf_buffer *buffer;
	int fd, n;

	if (!calls && (argc != 3 || strcmp(argv[1], "syscalls"))) {
		fprintf(stderr, "usage: standin calls PORT | syscalls PID\n");
		return 2;
	}
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	fd = load(argv[0], calls ? "calls_" : "syscalls_", atoi(argv[2]));
	if (fd < 0) {
		fprintf(stderr, "standin: %s\n", strerror(-fd));
		return 1;
	}
	buffer = perf_buffer__new(fd, PAGES, calls ? on_call : on_data, on_lost, NULL, NULL);
	if (!buffer) {
		fprintf(stderr, "standin: %s\n", strerror(errno));
		return 1;
	}
	fprintf(stderr, "standin: ready\n");
	do
		n = perf_buffer__poll(buffer, 100);
	while (!over && (n >= 0 || n == -EINTR));
	fprintf(stderr, "standin: events %llu, lost %llu, messages %llu\n",
		(unsigned long long)events, (unsigned long long)lost, (unsigned long long)messages);
	return 0;
}
