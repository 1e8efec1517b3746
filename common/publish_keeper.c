// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The keeper is forked from a tool that may have libraries and rings in its memory: from here to
 * _exit() it asks for no memory and prints nothing. Its descriptors are 0, the socket, and 1, the
 * directory; 2 is the directory again, so that no stray output can go anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "publish_int.h"
#include "seccomp_int.h"

#define SOCK	    0
#define DIR	    1
#define CREATE	    (O_CREAT | O_EXCL | O_NOFOLLOW)
#define CHUNK	    (64 << 10)
#define MODES	    0777 /* what a replaced file hands on */
#define BIT(CAP)    (1ULL << (CAP))
#define KEPT	    (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER))
#define COUNT(A)    (sizeof(A) / sizeof(*(A)))
#define TMP_FORMAT  ".%.*s.%d.tmp"
#define TMP_MAXNAME 230 /* of NAME, so that all of it fits into NAME_MAX */

/* 5.9; headers may be older */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static struct {
	const char *name;
	char tmp[NAME_MAX + 1];
	uid_t me;
	struct stat dir;
	char buf[CHUNK];
} k;

static const struct seccomp_rule allowed[] = {
	ANY(read),
	ANY(write),
	/* files are made, never opened: what exists cannot be read */
	ARG(openat, 2, CREATE, CREATE),
	ANY(newfstatat),
	ANY(fchown),
	ANY(fchmod),
	ANY(fsync),
	ANY(close),
	ANY(renameat),
	ANY(renameat2),
	ANY(unlinkat),
	ANY(restart_syscall),
	ANY(rt_sigreturn),
	/* the sanitizers ask where the stack is before they let it exit */
	ANY(sigaltstack),
	ANY(exit_group),
};

int keeper_filter(void)
{
	struct seccomp_program p;

	seccomp_begin(&p);
	seccomp_allow(&p, allowed, COUNT(allowed), 0);
	return seccomp_end(&p);
}

/* The terminal's signals go to the whole group, and the tool still wants its last report. */
static void ignore_signals(void)
{
	static const int signals[] = {SIGINT,  SIGTERM, SIGHUP,	 SIGQUIT, SIGPIPE,
				      SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ};
	sigset_t none;

	for (size_t i = 0; i < COUNT(signals); i++)
		signal(signals[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int limit_caps(void)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		return -errno;
	/* All three are in the first word. */
	d[0].permitted = d[0].effective &= KEPT;
	d[1] = (struct __user_cap_data_struct){0};
	d[0].inheritable = 0;
	return syscall(SYS_capset, &h, d) ? -errno : 0;
}

/* Keeps no descriptor but the two: a pipe that it held open would never end for its reader. */
static int arrange(int sock, int dir)
{
	/* What stdin, stdout and stderr were may be among them. */
	sock = fcntl(sock, F_DUPFD, STDERR_FILENO + 1);
	dir = fcntl(dir, F_DUPFD, STDERR_FILENO + 1);
	if (sock < 0 || dir < 0 || dup2(sock, SOCK) < 0 || dup2(dir, DIR) < 0 ||
	    dup2(dir, STDERR_FILENO) < 0 ||
	    syscall(SYS_close_range, STDERR_FILENO + 1, UINT32_MAX, 0))
		return -errno;
	return 0;
}

static int confine(void)
{
	int err = fstat(DIR, &k.dir) ? -errno : limit_caps();

	if (err)
		return err;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	/* A kernel without it: priv_drop() fails for that, unless the user said --stay-root. */
	keeper_filter();
	return 0;
}

/* As the file that is to be replaced, whose mode and owner are in st. */
static int take_owner(int fd, const struct stat *st)
{
	mode_t mode = st->st_mode & MODES;

	if (fchown(fd, st->st_uid, st->st_gid) && fchown(fd, -1, st->st_gid))
		/* What was granted to its group was not granted to ours. */
		mode = (mode & ~070u) | (mode & 07u) << 3;
	return fchmod(fd, mode) ? -errno : 0;
}

static int create(void)
{
	struct stat st;
	bool old = !fstatat(DIR, k.name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
		   place_trusted(&k.dir, &st, k.me);
	/* Closed at first: who opens it early would read what comes later. */
	mode_t mode = old ? 0600 : 0666;
	int fd = openat(DIR, k.tmp, CREATE | O_WRONLY, mode), err;

	/* Left by a keeper that had this number, and was killed. */
	if (fd < 0 && errno == EEXIST && !unlinkat(DIR, k.tmp, 0))
		fd = openat(DIR, k.tmp, CREATE | O_WRONLY, mode);
	if (fd < 0)
		return -errno;
	err = old ? take_owner(fd, &st) : 0;
	if (!err)
		return fd;
	close(fd);
	unlinkat(DIR, k.tmp, 0);
	return err;
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

/* Of the socket. 0 is the tool's end, or as good as that. */
static size_t receive(void *buf, size_t len)
{
	ssize_t n;

	do {
		n = read(SOCK, buf, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? 0 : n;
}

/* len bytes to fd, unless err; they are taken from the socket all the same. */
static int copy(int fd, uint64_t len, int err)
{
	while (len) {
		size_t n = receive(k.buf, len < CHUNK ? len : CHUNK);

		if (!n) {
			/* The tool is gone in the middle of its text. */
			if (fd >= 0)
				unlinkat(DIR, k.tmp, 0);
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
		a.err = renameat(DIR, k.tmp, DIR, k.name) ? -errno : 0;
	}
	if (a.err)
		unlinkat(DIR, k.tmp, 0);
	else
		/* Replaced it is, whatever becomes of this: not every file system can. */
		fsync(DIR);
	return a;
}

static void answer(struct keeper_answer a)
{
	if (write(SOCK, &a, sizeof(a)) != sizeof(a))
		_exit(0);
}

/* A length, in however many pieces. */
static bool next_length(uint64_t *len)
{
	size_t got = 0;

	while (got < sizeof(*len)) {
		size_t n = receive((char *)len + got, sizeof(*len) - got);

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
	return unlinkat(DIR, k.tmp, 0) ? -errno : 0;
}

void keeper_run(int sock, const struct place *pl)
{
	struct keeper_answer a = {.step = KEEPER_START};
	uint64_t len;
	int err;

	ignore_signals();
	prctl(PR_SET_NAME, "publish");
	k.name = pl->name;
	k.me = geteuid();
	snprintf(k.tmp, sizeof(k.tmp), TMP_FORMAT, TMP_MAXNAME, pl->name, (int)getpid());
	err = arrange(sock, pl->dir);
	if (err)
		_exit(-err); /* there may be no socket to tell it on */
	a.err = confine();
	if (!a.err)
		a = (struct keeper_answer){.step = KEEPER_CREATE, .err = probe()};
	answer(a);
	while (!a.err && next_length(&len))
		answer(replace(len));
	_exit(0);
}
