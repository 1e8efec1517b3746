/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef SELECT_H
#define SELECT_H
/* From -P, --comm, --cgroup and their --exclude twins to what bpf/filter.bpf.h reads. */
#include "filter.h"

/*
 * Fills the constants; call before load. More than FILTER_MAX_PIDS pids, more than
 * FILTER_MAX_CGROUPS cgroups or globs that are too long together are -E2BIG with text. by_map: the
 * tool will add pids to the map itself while it runs.
 */
int select_constants(struct filter *f, int by_map);
/* Fills the maps; call after load. A cgroup that is not there is an error with text. */
int select_maps(int pids_fd, int cgroups_fd);
#endif
