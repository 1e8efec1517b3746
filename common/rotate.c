// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The keeper's side: between a byte from the socket and its answer, which has the new file's
 * descriptor with it when all went well. See keeper.h for what it must not do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "keeper.h"
#include "log.h"
#include "publish_int.h"
#include "rotate.h"

enum step { STEP_START, STEP_CREATE, STEP_RENAME, STEP_MINE };

struct answer {
	int32_t err, step;
};

struct rotate {
	struct keeper keeper;
	char *path; /* as given; owned */
};

/* What the keeper starts with. */
struct task {
	struct place place;
	struct stat file;
	unsigned int keep;
};

static struct {
	const char *name;
	char tmp[NAME_MAX + 1];
	struct stat file; /* that is being written */
} k;

/* NAME.N. Its length was checked. */
static const char *old_name(char dst[NAME_MAX + 1], unsigned int n)
{
	snprintf(dst, NAME_MAX + 1, "%.*s.%u", NAME_MAX - 12, k.name, n);
	return dst;
}

/* Makes way for NAME.1: the oldest goes. A number that is missing is no harm. */
static int shift(unsigned int keep)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];

	for (unsigned int n = keep; n > 1; n--)
		if (renameat(KEEPER_DIR, old_name(from, n - 1), KEEPER_DIR, old_name(to, n)) &&
		    errno != ENOENT)
			return -errno;
	return 0;
}

/* What is at NAME, if anything, goes to NAME.1, and the new file to NAME. */
static int put_in_place(unsigned int keep, bool there)
{
	char first[NAME_MAX + 1];
	int err = there ? shift(keep) : 0;

	old_name(first, 1);
	if (!err && there && renameat(KEEPER_DIR, k.name, KEEPER_DIR, first))
		err = -errno;
	if (!err && renameat(KEEPER_DIR, k.tmp, KEEPER_DIR, k.name)) {
		err = -errno;
		if (there)
			renameat(KEEPER_DIR, first, KEEPER_DIR, k.name);
	}
	return err;
}

/* The new file's descriptor, or -errno. */
static int rotate_file(unsigned int keep, int32_t *step)
{
	struct stat st;
	bool there = !fstatat(KEEPER_DIR, k.name, &st, AT_SYMLINK_NOFOLLOW);
	int fd, err;

	*step = STEP_MINE;
	if (there && (st.st_dev != k.file.st_dev || st.st_ino != k.file.st_ino))
		return -EEXIST;
	*step = STEP_CREATE;
	/* The new one comes first: where it cannot be made, nothing is to change. */
	fd = keeper_create(k.tmp, there ? &st : &k.file);
	if (fd < 0)
		return fd;
	*step = STEP_RENAME;
	err = put_in_place(keep, there);
	if (!err && fstat(fd, &k.file))
		err = -errno;
	if (!err)
		return fd;
	unlinkat(KEEPER_DIR, k.tmp, 0);
	close(fd);
	return err;
}

/* fd: negative for none. */
static void answer(struct answer a, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec iov = {&a, sizeof(a)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c = &control.align;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.buf);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (sendmsg(KEEPER_SOCK, &m, 0) != sizeof(a))
		_exit(0);
}

/* As publish does it: only the making tells whether a file can be made. */
static int probe(void)
{
	int fd = keeper_create(k.tmp, &k.file);

	if (fd < 0)
		return fd;
	close(fd);
	return unlinkat(KEEPER_DIR, k.tmp, 0) ? -errno : 0;
}

static void keep_rotating(int err, const void *arg)
{
	const struct task *t = arg;
	struct answer a = {err, STEP_START};
	char byte;
	int fd;

	k.name = t->place.name;
	k.file = t->file;
	snprintf(k.tmp, sizeof(k.tmp), KEEPER_TMP, KEEPER_TMP_NAME, k.name, (int)getpid());
	if (!a.err)
		a = (struct answer){probe(), STEP_CREATE};
	answer(a, -1);
	while (!a.err && keeper_receive(&byte, 1)) {
		fd = rotate_file(t->keep, &a.step);
		answer((struct answer){fd < 0 ? fd : 0, a.step}, fd);
		if (fd >= 0)
			close(fd);
	}
	_exit(0);
}

/* --- the tool's side */

/* Takes the keeper's answer, and in *fd what came with it. False: it is gone. */
static bool receive(struct rotate *r, struct answer *a, int *fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec iov = {a, sizeof(*a)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(r->keeper.fd, &m, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	*fd = -1;
	c = n == sizeof(*a) ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	*fd = place_above(*fd);
	return n == sizeof(*a);
}

static int explain(const struct rotate *r, struct answer a)
{
	const char *why = strerror(-a.err);

	if (a.step == STEP_START)
		return fail(a.err, "cannot start the process that rotates %s: %s", r->path, why);
	if (a.step == STEP_CREATE)
		return fail(a.err, "cannot rotate %s: no file can be made in its directory: %s",
			    r->path, why);
	if (a.step == STEP_MINE)
		return fail(a.err, "cannot rotate %s: it was replaced by another file", r->path);
	return fail(a.err, "cannot rotate %s: its files cannot be renamed: %s", r->path, why);
}

static int gone(struct rotate *r)
{
	return fail(-EIO, "cannot rotate %s: the process that does it (%d) is gone; was it killed?",
		    r->path, (int)r->keeper.pid);
}

static int start(struct rotate *r, struct task *t)
{
	struct answer a;
	int fd, err = keeper_start(&r->keeper, t->place.dir, "rotate", keep_rotating, t);

	if (err)
		return explain(r, (struct answer){err, STEP_START});
	if (!receive(r, &a, &fd))
		return gone(r);
	return a.err ? explain(r, a) : 0;
}

/* Is what is at the place the file that is open? */
static int check(const struct task *t, const char *path)
{
	struct stat at;

	if (t->place.file >= 0 || !S_ISREG(t->file.st_mode))
		return fail(-EINVAL, "--rotate: %s is not a file that can be put aside", path);
	if (strlen(t->place.name) > NAME_MAX - 12)
		return fail(-ENAMETOOLONG, "--rotate: %s: the name is too long to get a number",
			    path);
	if (fstatat(t->place.dir, t->place.name, &at, AT_SYMLINK_NOFOLLOW))
		return fail(-errno, "--rotate: %s: %m", path);
	if (at.st_dev != t->file.st_dev || at.st_ino != t->file.st_ino)
		return fail(-EEXIST, "--rotate: %s was replaced by another file", path);
	return 0;
}

int rotate_open(struct rotate **out, const char *path, int fd, unsigned int keep)
{
	struct rotate *r = calloc(1, sizeof(*r));
	struct task t = {.keep = keep};
	int err;

	if (!r)
		return fail(-ENOMEM, "no memory for --rotate");
	r->keeper.fd = -1;
	r->path = strdup(path);
	t.place.dir = t.place.file = -1;
	err = !r->path		   ? fail(-ENOMEM, "no memory for --rotate")
	      : fstat(fd, &t.file) ? fail(-errno, "--rotate: %s: %m", path)
				   : place_find(&t.place, path);
	err = err ?: check(&t, path) ?: start(r, &t);
	if (t.place.dir >= 0)
		close(t.place.dir);
	if (t.place.file >= 0)
		close(t.place.file);
	if (err)
		rotate_close(r);
	else
		*out = r;
	return err;
}

int rotate_now(struct rotate *r)
{
	struct answer a;
	int fd;

	/* Half an answer may be on its way from one that went: it is asked no more. */
	if (r->keeper.fd < 0 || send(r->keeper.fd, "", 1, MSG_NOSIGNAL) != 1 ||
	    !receive(r, &a, &fd)) {
		if (r->keeper.fd >= 0)
			close(r->keeper.fd);
		r->keeper.fd = -1;
		return gone(r);
	}
	/* It was sent, but there was no room for one more here. */
	if (!a.err && fd < 0)
		a = (struct answer){-EMFILE, STEP_CREATE};
	return a.err ? explain(r, a) : fd;
}

void rotate_close(struct rotate *r)
{
	if (!r)
		return;
	keeper_end(&r->keeper);
	free(r->path);
	free(r);
}

int rotate_parse(struct rotate_limits *l, const char *text)
{
	char *end;
	unsigned long long size = strtoull(text, &end, 10), unit = 1;
	unsigned long keep = ROTATE_KEEP;
	bool good = *text >= '0' && *text <= '9';

	if (*end == 'K' || *end == 'k')
		unit = 1ULL << 10;
	else if (*end == 'M' || *end == 'm')
		unit = 1ULL << 20;
	else if (*end == 'G' || *end == 'g')
		unit = 1ULL << 30;
	end += unit > 1;
	if (*end == ',') {
		good = good && end[1] >= '0' && end[1] <= '9';
		keep = strtoul(end + 1, &end, 10);
	}
	if (!good || *end || size > INT64_MAX / unit || size * unit < ROTATE_MIN_SIZE || !keep ||
	    keep > ROTATE_MAX_KEEP)
		return fail(-EINVAL,
			    "--rotate '%s': SIZE[,KEEP] is wanted: at least %d bytes (K, M and G "
			    "are understood), and 1 to %d files",
			    text, ROTATE_MIN_SIZE, ROTATE_MAX_KEEP);
	*l = (struct rotate_limits){size * unit, (unsigned int)keep};
	return 0;
}
