// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "attach.h"
#include "log.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/bpf.h of Linux 6.6; build hosts have older headers. */
#define TRACE_UPROBE_MULTI  48 /* enum bpf_attach_type */
#define UPROBE_MULTI_RETURN 1

/* The members of union bpf_attr that BPF_LINK_CREATE reads for uprobe_multi. */
struct link_create_multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, pad;
};

struct attach_set {
	int *fds;
	size_t n;
	bool perf;
};

static int link_multi(int prog_fd, const char *path, const uint64_t *offsets,
		      const uint64_t *cookies, uint32_t n, bool ret, pid_t pid)
{
	struct link_create_multi a = {
		.prog_fd = prog_fd,
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.cnt = n,
		.multi_flags = ret ? UPROBE_MULTI_RETURN : 0,
		.pid = pid,
	};
	int fd = syscall(SYS_bpf, BPF_LINK_CREATE, &a, sizeof(a));

	return fd < 0 ? -errno : fd;
}

/* r0 = 0; exit; */
static int load_empty(int attach_type)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach_type);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "probe", "GPL", insns, 2, &opts);
}

/*
 * A directory is no file to probe: a kernel that knows the link type says EBADF. One whose pid
 * filter means the process also refuses pid -1 (EINVAL); those before let it pass (commit
 * 46ba0e49b642, 2024).
 */
static void ask_multi(struct attach_caps *c)
{
	int fd = load_empty(TRACE_UPROBE_MULTI);
	uint64_t zero = 0;

	if (fd < 0)
		return;
	c->multi = link_multi(fd, "/", &zero, NULL, 1, false, 0) == -EBADF;
	c->multi_pid = c->multi && link_multi(fd, "/", &zero, NULL, 1, false, -1) == -EINVAL;
	close(fd);
}

const struct attach_caps *attach_caps(void)
{
	static struct attach_caps caps;
	static bool asked;

	if (!asked) {
		asked = true;
		ask_multi(&caps);
		caps.cookie = libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE,
						      BPF_FUNC_get_attach_cookie, NULL) == 1;
	}
	return &caps;
}

enum attach_backend attach_choose(enum attach_backend asked)
{
	const struct attach_caps *c = attach_caps();

	if (asked != ATTACH_AUTO)
		return asked;
	return c->multi ? ATTACH_MULTI : c->cookie ? ATTACH_PERF : ATTACH_CLONE;
}

int attach_prepare(struct bpf_program *prog, enum attach_backend be)
{
	return be == ATTACH_MULTI ? bpf_program__set_expected_attach_type(prog, TRACE_UPROBE_MULTI)
				  : 0;
}

static int read_number(const char *path, const char *fmt, unsigned int *v)
{
	FILE *f = fopen(path, "re");
	int n;

	if (!f)
		return fail(-errno, "%s: %s (has this kernel CONFIG_UPROBE_EVENTS?)", path,
			    strerror(errno));
	n = fscanf(f, fmt, v);
	fclose(f);
	return n == 1 ? 0 : -EINVAL;
}

static int perf_uprobe(const char *path, uint64_t off, bool ret, pid_t pid)
{
	static unsigned int type, ret_bit;
	struct perf_event_attr attr = {.size = sizeof(attr)};
	int fd, err;

	if (!type) {
		err = read_number("/sys/bus/event_source/devices/uprobe/format/retprobe",
				  "config:%u", &ret_bit);
		err = err ?: read_number("/sys/bus/event_source/devices/uprobe/type", "%u", &type);
		if (err)
			return err;
	}
	attr.type = type;
	attr.config = ret ? 1ULL << ret_bit : 0;
	attr.config1 = (uintptr_t)path;
	attr.config2 = off;
	fd = syscall(SYS_perf_event_open, &attr, pid ?: -1, pid ? -1 : 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * The same program with its cookie built in: the one instruction that loads ATTACH_COOKIE_MAGIC
 * gets the cookie instead.
 */
static int load_clone(struct bpf_program *prog, uint64_t cookie)
{
	size_t n = bpf_program__insn_cnt(prog);
	struct bpf_insn *insns = calloc(n, sizeof(*insns));
	int fd = -ENOENT;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), n * sizeof(*insns));
	for (size_t i = 0; i + 1 < n; i++) {
		if (insns[i].code != (BPF_LD | BPF_DW | BPF_IMM) || insns[i].src_reg ||
		    insns[i].imm != (int32_t)ATTACH_COOKIE_MAGIC ||
		    insns[i + 1].imm != (int32_t)(ATTACH_COOKIE_MAGIC >> 32))
			continue;
		insns[i].imm = cookie;
		insns[i + 1].imm = cookie >> 32;
		fd = 0;
	}
	if (!fd)
		fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, bpf_program__name(prog), "GPL", insns, n,
				   NULL);
	free(insns);
	return fd < 0 ? fail(fd, "cannot load program %s for one probe: %s",
			     bpf_program__name(prog), error_text(fd))
		      : fd;
}

static int attach_perf_one(struct attach_set *s, struct bpf_program *prog, bool clone,
			   const char *path, const struct attach_point *pt, bool ret, pid_t pid)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = pt->cookie);
	int prog_fd, link, fd = perf_uprobe(path, pt->off, ret, pid);

	if (fd < 0)
		return fail(fd, "cannot probe %s at file offset 0x%llx: %s%s", path,
			    (unsigned long long)pt->off, error_text(fd),
			    fd == -EACCES ? " (this kernel wants CAP_SYS_ADMIN for it)" : "");
	s->fds[s->n++] = fd;
	if (clone) {
		prog_fd = load_clone(prog, pt->cookie);
		if (prog_fd < 0)
			return prog_fd;
		link = ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd) ? -errno : 0;
		close(prog_fd);
		if (!link && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
			link = -errno;
	} else {
		link = bpf_link_create(bpf_program__fd(prog), fd, BPF_PERF_EVENT, &opts);
		/* Before 5.15 perf events have no links, and who needs no cookie needs none. */
		if (link == -EINVAL && !pt->cookie)
			link = ioctl(fd, PERF_EVENT_IOC_SET_BPF, bpf_program__fd(prog)) ? -errno
											: 0;
		else if (link >= 0)
			s->fds[s->n++] = link;
		if (link >= 0) {
			link = ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) ? -errno : 0;
		}
	}
	return link < 0 ? fail(link, "cannot attach to the probe at %s+0x%llx: %s", path,
			       (unsigned long long)pt->off, error_text(link))
			: 0;
}

static int attach_perf(struct attach_set *s, struct bpf_program *prog, bool clone, const char *path,
		       const struct attach_point *pts, size_t n, bool ret, pid_t pid)
{
	int err = 0;

	s->perf = true;
	s->fds = calloc(2 * n, sizeof(*s->fds));
	if (!s->fds)
		return -ENOMEM;
	for (size_t i = 0; i < n && !err; i++)
		err = attach_perf_one(s, prog, clone, path, &pts[i], ret, pid);
	return err;
}

/* Which point does the kernel refuse? Halves the range until one is left. */
static size_t refused_point(int prog_fd, const char *path, const uint64_t *offsets,
			    const uint64_t *cookies, size_t n, bool ret)
{
	size_t first = 0;

	while (n > 1) {
		int fd = link_multi(prog_fd, path, offsets + first, cookies + first, n / 2, ret, 0);

		if (fd >= 0) {
			close(fd);
			first += n / 2;
			n -= n / 2;
		} else {
			n /= 2;
		}
	}
	return first;
}

static int attach_multi(struct attach_set *s, struct bpf_program *prog, const char *path,
			const struct attach_point *pts, size_t n, bool ret, pid_t pid)
{
	uint64_t *offsets = calloc(2 * n, sizeof(*offsets)), *cookies = offsets + n;
	size_t bad;
	int fd;

	s->fds = calloc(1, sizeof(*s->fds));
	if (!offsets || !s->fds) {
		free(offsets);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		offsets[i] = pts[i].off;
		cookies[i] = pts[i].cookie;
	}
	fd = link_multi(bpf_program__fd(prog), path, offsets, cookies, n, ret,
			attach_caps()->multi_pid ? pid : 0);
	if (fd >= 0) {
		s->fds[s->n++] = fd;
	} else {
		bad = refused_point(bpf_program__fd(prog), path, offsets, cookies, n, ret);
		fail(fd, "cannot probe %s at file offset 0x%llx: %s", path,
		     (unsigned long long)offsets[bad], error_text(fd));
	}
	free(offsets);
	return fd < 0 ? fd : 0;
}

int attach_uprobes(struct attach_set **out, struct bpf_program *prog, enum attach_backend be,
		   const char *path, const struct attach_point *pts, size_t n, bool ret, pid_t pid)
{
	struct attach_set *s;
	int err;

	*out = NULL;
	if (!n)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	if (be == ATTACH_MULTI)
		err = attach_multi(s, prog, path, pts, n, ret, pid);
	else
		err = attach_perf(s, prog, be == ATTACH_CLONE, path, pts, n, ret, pid);
	if (err)
		attach_close(s);
	else
		*out = s;
	return err;
}

struct closer {
	int *fds;
	size_t n, step;
};

static void *close_some(void *arg)
{
	struct closer *c = arg;

	for (size_t i = 0; i < c->n; i += c->step)
		close(c->fds[i]);
	return NULL;
}

/*
 * Each perf uprobe waits for RCU when it goes; waiting at the same time is what makes it bearable.
 */
static void close_parallel(int *fds, size_t n)
{
	enum { THREADS = 32 };
	struct closer c[THREADS];
	pthread_t t[THREADS];
	bool started[THREADS];
	size_t m = n < THREADS ? n : THREADS;

	for (size_t i = 0; i < m; i++) {
		c[i] = (struct closer){fds + i, n - i, m};
		started[i] = !pthread_create(&t[i], NULL, close_some, &c[i]);
		if (!started[i])
			close_some(&c[i]);
	}
	for (size_t i = 0; i < m; i++) {
		if (started[i])
			pthread_join(t[i], NULL);
	}
}

void attach_close(struct attach_set *s)
{
	if (!s)
		return;
	if (s->perf && s->n > 2)
		close_parallel(s->fds, s->n);
	else
		for (size_t i = 0; i < s->n; i++)
			close(s->fds[i]);
	free(s->fds);
	free(s);
}
