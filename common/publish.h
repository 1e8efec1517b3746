/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef PUBLISH_H
#define PUBLISH_H
/*
 * Replaces a file in one step, also after priv_drop(): who reads it sees the old text or the new
 * one, whole. The new text is written to .NAME.PID.tmp in the same directory, brought to disk and
 * renamed.
 *
 * A process does that, the keeper, forked while the rights are there: it keeps those to files
 * (as root CAP_DAC_OVERRIDE, CAP_CHOWN and CAP_FOWNER), enters a seccomp filter of its own,
 * and never looks at what it writes. It ends when its end of a socket does, so with the tool,
 * however that ends. A keeper that is killed while it writes leaves its .NAME.PID.tmp behind (PID
 * is the keeper's): it may be removed.
 *
 * A device, a FIFO, and what a descriptor of this process's own stands for (/dev/stdout) are not
 * replaced but written to, each text after the other, by a descriptor opened at once.
 */
#include <stddef.h>

struct publish;

/*
 * Starts what will replace path, in *p. Nothing is there at path until the first publish_text(),
 * but a file was made in its directory and removed, to see that it can be. A symbolic link stays:
 * what it points to is replaced, or made.
 *
 * Call it before priv_drop() and before threads, rings and maps, which the keeper would else keep
 * mapped. A FIFO without a reader makes it wait for one.
 *
 * Returns 0 or, with fail() text that names path, -EINVAL (a block device, a socket, no name),
 * -EISDIR, -ENOENT (no such directory), -EBUSY (a mount point), -EACCES (also: in a sticky
 * directory, a file or link of neither this user nor the directory's owner), -EPERM (immutable, or
 * another user's in a sticky directory), -ELOOP, -ENAMETOOLONG, or what else the file system or
 * fork() says.
 */
int publish_open(struct publish **p, const char *path);
/*
 * Replaces the file with text of len bytes, which may be anything, and waits until it is on disk.
 * The file keeps its mode (without set-id bits) and its owner where that may be given; a new one
 * has mode 0666 less the umask. Its other names (hard links) keep the old text; access lists and
 * extended attributes are not carried over.
 *
 * Returns 0 or -errno with fail() text that names the path: -ENOSPC, -EDQUOT, -EIO and so on, and
 * -EIO too when the keeper was killed or a FIFO's reader left (SIGPIPE must be ignored for that;
 * nobody here returns -EPIPE). A file that could not be replaced is as it was, and the next call
 * may do better.
 */
int publish_text(struct publish *p, const char *text, size_t len);
/* Waits for the keeper's end, and frees. NULL is allowed. What was not published left no trace. */
void publish_close(struct publish *p);
#endif
