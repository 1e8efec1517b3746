// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "select.h"
#include "glob.h"
#include "log.h"
#include "opts.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct filter_glob) == sizeof(struct glob_bits), "one automaton, two halves");

static int compile(struct filter_glob *g, const struct opt_list *l, const char *option)
{
	int err = l->n ? glob_compile((struct glob_bits *)g, (const char *const *)l->v, l->n) : 0;

	if (err == -E2BIG)
		return fail(err, "--%s: the patterns are too long together (64 characters in all)",
			    option);
	return err ? fail(err, "--%s: a pattern has a broken [set]", option) : 0;
}

int select_constants(struct filter *f, int by_map)
{
	if (std.pids.n > FILTER_MAX_PIDS || std.exclude_pids.n > FILTER_MAX_PIDS)
		return fail(-E2BIG, "at most %d pids", FILTER_MAX_PIDS);
	if (std.cgroups.n > FILTER_MAX_CGROUPS || std.exclude_cgroups.n > FILTER_MAX_CGROUPS)
		return fail(-E2BIG, "at most %d cgroups", FILTER_MAX_CGROUPS);
	memset(f, 0, sizeof(*f));
	if (std.pids.n == 1 && !by_map)
		f->only_pid = atoi(std.pids.v[0]);
	else
		f->pids = std.pids.n + !!by_map;
	f->exclude_pids = std.exclude_pids.n;
	f->cgroups = std.cgroups.n;
	f->exclude_cgroups = std.exclude_cgroups.n;
	f->comms = std.comms.n;
	f->exclude_comms = std.exclude_comms.n;
	return compile(&f->comm, &std.comms, "comm")
		       ?: compile(&f->exclude_comm, &std.exclude_comms, "exclude-comm");
}

static int add_pids(int fd, const struct opt_list *l, unsigned char what)
{
	int err = 0;

	for (size_t i = 0; i < l->n && !err; i++) {
		unsigned int pid = atoi(l->v[i]);

		err = bpf_map_update_elem(fd, &pid, &what, BPF_ANY);
	}
	return err ? fail(err, "cannot fill the pid filter: %s", strerror(-err)) : 0;
}

static int add_cgroups(int fd, const struct opt_list *l, unsigned int slot)
{
	int err = 0;

	for (size_t i = 0; i < l->n && !err; i++, slot++) {
		int dir = open(l->v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0)
			return fail(-errno, "cgroup %s: %s", l->v[i], strerror(errno));
		err = bpf_map_update_elem(fd, &slot, &dir, BPF_ANY);
		close(dir);
		if (err)
			err = fail(err, "cgroup %s: %s (a directory of cgroup v2 is needed)",
				   l->v[i], strerror(-err));
	}
	return err;
}

int select_maps(int pids_fd, int cgroups_fd)
{
	return add_pids(pids_fd, &std.pids, 1) ?:
	       add_pids(pids_fd, &std.exclude_pids, 2) ?:
	       add_cgroups(cgroups_fd, &std.cgroups, 0) ?:
	       add_cgroups(cgroups_fd, &std.exclude_cgroups, FILTER_MAX_CGROUPS);
}
