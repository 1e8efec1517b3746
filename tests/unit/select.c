// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The constants need nothing; the maps need bpf(), and are left out, loudly, where it is refused.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include "glob.h"
#include "log.h"
#include "opts.h"
#include "select.h"
#include "unit/t.h"

#define CGROUP2_MAGIC 0x63677270 /* linux/magic.h */

static char *words[FILTER_MAX_PIDS + 1];

static struct opt_list list(size_t n, char **v)
{
	return (struct opt_list){v, n};
}

static bool takes(const struct filter_glob *g, const char *name)
{
	return glob_bits_match((const struct glob_bits *)g, name);
}

static void test_nothing(void)
{
	static const struct filter none;
	struct filter f;

	std = (struct std_opts){0};
	memset(&f, 0xff, sizeof(f));
	T_EQ(select_constants(&f, 0), 0);
	T_OK(!memcmp(&f, &none, sizeof(f)));
	T_EQ(select_constants(&f, 1), 0);
	T_EQ(f.pids, 1);
}

static void test_pids(void)
{
	char *two[] = {"4194304", "17"};
	struct filter f;

	std = (struct std_opts){.pids = list(1, two), .exclude_pids = list(2, two)};
	T_EQ(select_constants(&f, 0), 0);
	/* One alone is a constant and needs no map; excluded ones always do. */
	T_OK(f.only_pid == 4194304 && !f.pids && f.exclude_pids == 2);
	T_EQ(select_constants(&f, 1), 0);
	T_OK(!f.only_pid && f.pids == 2);
	std.pids = list(2, two);
	T_EQ(select_constants(&f, 0), 0);
	T_OK(!f.only_pid && f.pids == 2);
}

static void test_comms(void)
{
	char *want[] = {"nginx", "go*"}, *not [] = {"*[0-9]"};
	struct filter f;

	std = (struct std_opts){.comms = list(2, want), .exclude_comms = list(1, not )};
	T_EQ(select_constants(&f, 0), 0);
	T_OK(f.comms == 2 && f.exclude_comms == 1);
	T_OK(takes(&f.comm, "nginx") && takes(&f.comm, "gopher") && !takes(&f.comm, "nginx:"));
	T_OK(takes(&f.exclude_comm, "kworker1") && !takes(&f.exclude_comm, "nginx"));
}

static void test_too_many(void)
{
	char *wide[] = {"0123456789012345678901234567890123456789",
			"abcdefghijklmnopqrstuvwxyzabcdefghijklmn"};
	struct filter f;

	for (size_t i = 0; i <= FILTER_MAX_PIDS; i++)
		words[i] = "1";
	std = (struct std_opts){.pids = list(FILTER_MAX_PIDS, words)};
	T_EQ(select_constants(&f, 0), 0);
	std.pids.n++;
	T_EQ(select_constants(&f, 0), -E2BIG);
	T_STR(fail_text(0), "at most 1024 pids");
	std = (struct std_opts){.exclude_pids = list(FILTER_MAX_PIDS + 1, words)};
	T_EQ(select_constants(&f, 0), -E2BIG);
	std = (struct std_opts){.cgroups = list(FILTER_MAX_CGROUPS, words)};
	T_EQ(select_constants(&f, 0), 0);
	std.cgroups.n++;
	T_EQ(select_constants(&f, 0), -E2BIG);
	T_STR(fail_text(0), "at most 16 cgroups");
	std = (struct std_opts){.exclude_comms = list(2, wide)};
	T_EQ(select_constants(&f, 0), -E2BIG);
	T_OK(strstr(fail_text(0), "--exclude-comm: the patterns are too long"));
}

static int look(int fd, uint32_t pid)
{
	uint8_t v;

	return bpf_map_lookup_elem(fd, &pid, &v) ? 0 : v;
}

static void test_pid_map(int pids)
{
	char *want[] = {"4194304", "17"}, *not [] = {"18"};

	std = (struct std_opts){.pids = list(2, want), .exclude_pids = list(1, not )};
	T_EQ(select_maps(pids, -1), 0);
	T_OK(look(pids, 4194304) == 1 && look(pids, 17) == 1 && look(pids, 18) == 2);
	T_EQ(look(pids, 19), 0);
	T_OK(select_maps(-1, -1) < 0);
	T_OK(strstr(fail_text(0), "pid filter"));
}

/* A place in a cgroup array is taken when deleting from it succeeds; it cannot be read. */
static bool taken(int fd, uint32_t slot)
{
	return !bpf_map_delete_elem(fd, &slot);
}

static void test_cgroup_map(int cgroups)
{
	char *none[] = {"/no/such/cgroup"}, *plain[] = {"/proc"}, *real[] = {"/sys/fs/cgroup"};
	struct statfs fs;

	std = (struct std_opts){.cgroups = list(1, none)};
	T_EQ(select_maps(-1, cgroups), -ENOENT);
	T_OK(strstr(fail_text(0), "/no/such/cgroup"));
	std = (struct std_opts){.exclude_cgroups = list(1, plain)};
	T_OK(select_maps(-1, cgroups) < 0);
	T_OK(strstr(fail_text(0), "a directory of cgroup v2 is needed"));
	if (statfs(real[0], &fs) || fs.f_type != CGROUP2_MAGIC) {
		printf("no cgroup v2 at %s: its place in the map was not tested\n", real[0]);
		return;
	}
	std = (struct std_opts){.cgroups = list(1, real), .exclude_cgroups = list(1, real)};
	T_EQ(select_maps(-1, cgroups), 0);
	T_OK(taken(cgroups, 0) && !taken(cgroups, 1));
	T_OK(taken(cgroups, FILTER_MAX_CGROUPS) && !taken(cgroups, FILTER_MAX_CGROUPS + 1));
}

int main(void)
{
	int pids, cgroups;

	test_nothing();
	test_pids();
	test_comms();
	test_too_many();
	pids = bpf_map_create(BPF_MAP_TYPE_HASH, "pids", 4, 1, 16, NULL);
	cgroups = bpf_map_create(BPF_MAP_TYPE_CGROUP_ARRAY, "cgroups", 4, 4, 2 * FILTER_MAX_CGROUPS,
				 NULL);
	if (pids < 0 || cgroups < 0) {
		printf("no bpf() here: the maps were not tested\n");
	} else {
		test_pid_map(pids);
		test_cgroup_map(cgroups);
	}
	return t_done();
}
