/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PUBLISH_INT_H
#define PUBLISH_INT_H
/*
 * What the parts of publish share: publish.c is the tool's side, publish_place.c finds what a path
 * means, publish_keeper.c is the process that keeps the rights.
 *
 * On the socket: the keeper sends one answer when it is ready; then, for each uint64_t length and
 * as many bytes, one more.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "keeper.h"

struct publish {
	char *path; /* as given; owned */
	pid_t keeper; /* 0 when written in place */
	int fd; /* the socket, or the file that is written in place */
};

/* Where a path leads. */
struct place {
	int dir; /* open directory of the file; -1 when written in place */
	int file; /* what is written in place; -1 otherwise */
	char name[NAME_MAX + 1]; /* in dir; not a symbolic link */
};

/* What failed: publish.c has the words. */
enum keeper_step { KEEPER_START, KEEPER_CREATE, KEEPER_WRITE, KEEPER_RENAME };

struct keeper_answer {
	int32_t err; /* 0 or negative errno */
	int32_t step;
};

/*
 * Finds the file, and refuses what could not be replaced. 0 (close dir or file), or -errno with
 * fail() text.
 */
int place_find(struct place *pl, const char *path);
/*
 * False for what somebody else put into a sticky directory, such as /tmp, for others to walk into:
 * it belongs neither to user me nor to the directory's owner. (As the sysctls
 * fs.protected_symlinks, _regular and _fifos; but here whatever they say.)
 */
bool place_trusted(const struct stat *dir, const struct stat *st, uid_t me);
/* A duplicate above stderr, close on exec; fd itself is closed. -errno. fd may be negative. */
int place_above(int fd);

/* The keeper's life: the work of keeper_start(); arg is a struct place. */
void publish_keep(int err, const void *arg);
#endif
