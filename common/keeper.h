/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef KEEPER_H
#define KEEPER_H
/*
 * A process that is forked before priv_drop() and keeps the rights to files (as root
 * CAP_DAC_OVERRIDE, CAP_CHOWN and CAP_FOWNER), for what must be done in one directory afterwards:
 * publish replaces a file there, rotate puts files aside. It enters a seccomp filter of its own,
 * ignores signals, and ends when its end of a socket does, so with the tool, however that ends.
 *
 * It comes from a tool that may have libraries and rings in its memory: between the fork and
 * _exit() it asks for no memory and prints nothing.
 */
#include <limits.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The child's descriptors, and its only ones; 2 is the directory again. */
#define KEEPER_SOCK 0
#define KEEPER_DIR  1

struct keeper {
	pid_t pid;
	int fd; /* the socket, above stderr, close on exec */
};

/*
 * Forks; the child calls work, with what it could not do to confine itself (0 or -errno), and never
 * returns from it. dir is an open directory, and stays the caller's. Call it before threads, rings
 * and maps, which the child would else keep mapped.
 *
 * 0; -errno without text: there is no child, or (k->pid is set) it cannot be talked to.
 */
int keeper_start(struct keeper *k, int dir, const char *name,
		 void (*work)(int err, const void *arg), const void *arg);
/* Closes the socket and waits for the child's end. Returns its wait status. */
int keeper_end(struct keeper *k);

/* --- in the child */
#define KEEPER_TMP	".%.*s.%d.tmp" /* of a name, the first KEEPER_TMP_NAME bytes, and a pid */
#define KEEPER_TMP_NAME 230 /* so that all of it fits into NAME_MAX */
/*
 * Makes a file in the directory; one of that name, left by a child that was killed, goes. like:
 * with that one's mode (without set-id bits) and its owner where that may be given; NULL: 0666 less
 * the umask. A descriptor to write to, or -errno.
 */
int keeper_create(const char *tmp, const struct stat *like);
/* n bytes of the socket; 0: the tool's end, or as good as that. */
size_t keeper_receive(void *buf, size_t n);
/* The seccomp filter. 0 or -errno with text. */
int keeper_filter(void);
#endif
