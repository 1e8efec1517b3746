// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What publish has its keeper do: see keeper.h for what it must not do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "keeper.h"
#include "publish_int.h"

#define CHUNK (64 << 10)

static struct {
	const char *name;
	char tmp[NAME_MAX + 1];
	uid_t me;
	struct stat dir;
	char buf[CHUNK];
} k;

static int create(void)
{
	struct stat st;
	bool old = !fstatat(KEEPER_DIR, k.name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
		   place_trusted(&k.dir, &st, k.me);

	return keeper_create(k.tmp, old ? &st : NULL);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= n;
		}
	}
	return 0;
}

/* len bytes to fd, unless err; they are taken from the socket all the same. */
static int copy(int fd, uint64_t len, int err)
{
	while (len) {
		size_t n = keeper_receive(k.buf, len < CHUNK ? len : CHUNK);

		if (!n) {
			/* The tool is gone in the middle of its text. */
			if (fd >= 0)
				unlinkat(KEEPER_DIR, k.tmp, 0);
			_exit(0);
		}
		if (!err)
			err = write_all(fd, k.buf, n);
		len -= n;
	}
	return err;
}

static struct keeper_answer replace(uint64_t len)
{
	struct keeper_answer a = {.step = KEEPER_CREATE};
	int fd = create();

	a.err = copy(fd, len, fd < 0 ? fd : 0);
	if (fd < 0)
		return a;
	a.step = KEEPER_WRITE;
	/* EINVAL: a file system that has no notion of it */
	if (!a.err && fsync(fd) && errno != EINVAL)
		a.err = -errno;
	if (close(fd) && !a.err && errno != EINTR)
		a.err = -errno;
	if (!a.err) {
		a.step = KEEPER_RENAME;
		a.err = renameat(KEEPER_DIR, k.tmp, KEEPER_DIR, k.name) ? -errno : 0;
	}
	if (a.err)
		unlinkat(KEEPER_DIR, k.tmp, 0);
	else
		/* Replaced it is, whatever becomes of this: not every file system can. */
		fsync(KEEPER_DIR);
	return a;
}

static void answer(struct keeper_answer a)
{
	if (write(KEEPER_SOCK, &a, sizeof(a)) != sizeof(a))
		_exit(0);
}

/* A length, in however many pieces. */
static bool next_length(uint64_t *len)
{
	size_t got = 0;

	while (got < sizeof(*len)) {
		size_t n = keeper_receive((char *)len + got, sizeof(*len) - got);

		if (!n)
			return false;
		got += n;
	}
	return true;
}

/* Whether a file can be made there: only the making tells. */
static int probe(void)
{
	int fd = create();

	if (fd < 0)
		return fd;
	close(fd);
	return unlinkat(KEEPER_DIR, k.tmp, 0) ? -errno : 0;
}

void publish_keep(int err, const void *arg)
{
	const struct place *pl = arg;
	struct keeper_answer a = {.step = KEEPER_START, .err = err};
	uint64_t len;

	k.name = pl->name;
	k.me = geteuid();
	snprintf(k.tmp, sizeof(k.tmp), KEEPER_TMP, KEEPER_TMP_NAME, pl->name, (int)getpid());
	if (!a.err && fstat(KEEPER_DIR, &k.dir))
		a.err = -errno;
	if (!a.err)
		a = (struct keeper_answer){.step = KEEPER_CREATE, .err = probe()};
	answer(a);
	while (!a.err && next_length(&len))
		answer(replace(len));
	_exit(0);
}
