/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ROTATE_H
#define ROTATE_H
/*
 * A file that is being written is put aside when it has grown enough: FILE.1 becomes FILE.2 and so
 * on, the oldest goes, FILE becomes FILE.1, and FILE is made anew, with the old one's mode and
 * owner. That works after priv_drop(), too: a process that was forked before it does that (see
 * keeper.h).
 */
#include <stdint.h>

struct rotate;

struct rotate_limits {
	uint64_t size; /* bytes, at least 1 */
	unsigned int keep; /* old files, 1 to ROTATE_MAX_KEEP */
};
#define ROTATE_KEEP	5 /* where nothing is said */
#define ROTATE_MAX_KEEP 1000
#define ROTATE_MIN_SIZE 4096

/*
 * "SIZE[,KEEP]", where SIZE is bytes, at least 4096, or has K, M or G behind it (powers of 1024).
 * -EINVAL with text.
 */
int rotate_parse(struct rotate_limits *l, const char *text);
/*
 * Starts the process for the file at path, which was opened as fd. Call it before priv_drop(),
 * threads, rings and maps. 0 or -errno with text: -EINVAL when it is not a regular file, and what
 * publish_open() may say of a place.
 */
int rotate_open(struct rotate **r, const char *path, int fd, unsigned int keep);
/*
 * Puts the file aside. The new one's descriptor, the caller's own; the old file stays open. Or
 * -errno with text, and what is at path is what was there, as far as that could be brought about. A
 * file at path that is not ours any more (somebody renamed that, and made another) is left alone:
 * -EEXIST.
 */
int rotate_now(struct rotate *r);
void rotate_close(struct rotate *r); /* NULL is fine */
#endif
