// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Links are followed here, not by the kernel, because the directory and the name at their end are
 * needed, and that name may not exist yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "log.h"
#include "publish_int.h"

#define MAX_LINKS 40 /* as the kernel's MAXSYMLINKS */

/* 5.8; headers may be older */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

bool place_trusted(const struct stat *dir, const struct stat *st, uid_t me)
{
	return !(dir->st_mode & S_ISVTX) || st->st_uid == me || st->st_uid == dir->st_uid;
}

int place_above(int fd)
{
	int high;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (high < 0)
		high = -errno;
	close(fd);
	return high;
}

/* Opens the directory of text, which is relative to at, and copies the name in it. */
static int open_dir(int at, const char *text, char name[NAME_MAX + 1], const char *path)
{
	const char *slash = strrchr(text, '/'), *last = slash ? slash + 1 : text;
	char dir[PATH_MAX] = ".";
	int fd;

	if (!*text)
		return fail(-EINVAL, "the name of the file to write is empty");
	if (!strcmp(path, "-"))
		return fail(-EINVAL, "'-' is no file: standard output is /dev/stdout");
	if (!*last || !strcmp(last, ".") || !strcmp(last, ".."))
		return fail(-EISDIR, "cannot write to %s: a directory; give a file's name", path);
	if (strlen(last) > NAME_MAX || (slash && slash - text >= PATH_MAX - 1))
		return fail(-ENAMETOOLONG, "cannot write to %s: %s", path, strerror(ENAMETOOLONG));
	strcpy(name, last);
	if (slash) {
		memcpy(dir, text, slash + 1 - text);
		dir[slash + 1 - text] = '\0';
	}
	fd = openat(at, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return fail(-ENOENT, "cannot write to %s: there is no directory %s; make it first",
			    path, dir);
	return fd < 0 ? fail(-errno, "cannot write to %s: its directory: %m", path) : fd;
}

/*
 * The links of /proc are no paths. One of this process's own descriptors is duplicated, not opened
 * again: that shares its place in a file with stdout, and is the only way for a socket.
 */
static int open_proc(int dir, const char *name, const char *path)
{
	struct stat own, st;
	int fd, mode;

	if (strspn(name, "0123456789") == strlen(name) && !stat("/proc/self/fd", &own) &&
	    !fstat(dir, &st) && own.st_dev == st.st_dev && own.st_ino == st.st_ino) {
		mode = fcntl(atoi(name), F_GETFL);
		if (mode >= 0 && (mode & O_ACCMODE) == O_RDONLY)
			return fail(-EBADF, "cannot write to %s: it was opened for reading", path);
		fd = fcntl(atoi(name), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	} else {
		fd = openat(dir, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
	}
	return fd < 0 ? fail(-errno, "cannot write to %s: %m", path) : fd;
}

/* What is no regular file: written in place where that makes sense. */
static int open_special(int dir, const char *name, mode_t mode, const char *path)
{
	int fd;

	if (S_ISDIR(mode))
		return fail(-EISDIR, "cannot write to %s: a directory; give a file's name", path);
	if (S_ISSOCK(mode) || S_ISBLK(mode))
		return fail(-EINVAL, "cannot write to %s: a %s; give a file's name", path,
			    S_ISSOCK(mode) ? "socket" : "block device");
	fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? fail(-errno, "cannot write to %s: %m", path) : place_above(fd);
}

/*
 * A rename that is bound to fail is better known now than when the measurement is over. Only the
 * rename itself would say so.
 */
static int check_regular(int fd, const struct stat *dir, const struct stat *st, const char *path)
{
	uid_t me = geteuid();
	struct statx sx;

	if (dir->st_mode & S_ISVTX && me && st->st_uid != me && dir->st_uid != me)
		return fail(-EPERM,
			    "cannot replace %s: another user's file in a sticky directory; give "
			    "another name",
			    path);
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx))
		return 0;
	if (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return fail(-EBUSY,
			    "cannot replace %s: it is a mount point; mount its directory instead",
			    path);
	if (sx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		return fail(-EPERM,
			    "cannot replace %s: it is immutable or append-only; see chattr(1)",
			    path);
	return 0;
}

static int read_link(int fd, char next[PATH_MAX], const char *path)
{
	ssize_t n = readlinkat(fd, "", next, PATH_MAX - 1);

	if (n < 0)
		return fail(-errno, "cannot write to %s: a symbolic link: %m", path);
	next[n] = '\0';
	return 0;
}

static bool in_proc(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/*
 * Looks at name in dir. 1: a link, whose text is in next. 0: the end; pl->file is open where that
 * is what to write to.
 */
static int step(struct place *pl, int dir, char next[PATH_MAX], const char *path)
{
	int fd = openat(dir, pl->name, O_PATH | O_NOFOLLOW | O_CLOEXEC), err;
	struct stat at, st;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(-errno, "cannot write to %s: %m", path);
	if (fstat(dir, &at) || fstat(fd, &st)) {
		err = fail(-errno, "cannot write to %s: %m", path);
	} else if (!S_ISDIR(st.st_mode) && !place_trusted(&at, &st, geteuid())) {
		err = fail(-EACCES,
			   "cannot write to %s: another user put it into a sticky directory; "
			   "give another name",
			   path);
	} else if (S_ISLNK(st.st_mode) && in_proc(fd)) {
		err = pl->file = open_proc(dir, pl->name, path);
	} else if (S_ISLNK(st.st_mode)) {
		err = read_link(fd, next, path) ?: 1;
	} else if (S_ISREG(st.st_mode)) {
		err = check_regular(fd, &at, &st, path);
	} else {
		err = pl->file = open_special(dir, pl->name, st.st_mode, path);
	}
	close(fd);
	return pl->file >= 0 ? 0 : err;
}

int place_find(struct place *pl, const char *path)
{
	char next[PATH_MAX];
	const char *rest = path;
	int err = 1, dir = AT_FDCWD, old;

	pl->file = pl->dir = -1;
	for (int links = 0; err == 1 && links <= MAX_LINKS; links++) {
		old = dir;
		dir = open_dir(old, rest, pl->name, path);
		if (old >= 0)
			close(old);
		if (dir < 0)
			return dir;
		err = step(pl, dir, next, path);
		rest = next;
	}
	if (err == 1)
		err = fail(-ELOOP, "cannot write to %s: %s", path, strerror(ELOOP));
	if (!err && pl->file < 0) {
		/* To be able to sync it. One that may not be read will do without. */
		pl->dir = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (pl->dir < 0)
			pl->dir = fcntl(dir, F_DUPFD_CLOEXEC, 0);
		if (pl->dir < 0)
			err = fail(-errno, "cannot write to %s: its directory: %m", path);
	}
	close(dir);
	return err;
}
