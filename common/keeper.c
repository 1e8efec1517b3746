// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "keeper.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "publish_int.h"
#include "seccomp_int.h"

#define CREATE	 (O_CREAT | O_EXCL | O_NOFOLLOW)
#define MODES	 0777 /* what a file hands on */
#define BIT(CAP) (1ULL << (CAP))
#define KEPT	 (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER))
#define COUNT(A) (sizeof(A) / sizeof(*(A)))

/* 5.9; headers may be older */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static const struct seccomp_rule allowed[] = {
	ANY(read),
	ANY(write),
	/* hands a new file's descriptor over */
	ANY(sendmsg),
	/* files are made, never opened: what exists cannot be read */
	ARG(openat, 2, CREATE, CREATE),
	ANY(newfstatat),
	ANY(fstat),
	ANY(fchown),
	ANY(fchmod),
	ANY(fsync),
	ANY(close),
	ANY(renameat),
	ANY(renameat2),
	ANY(unlinkat),
	/* whose files they are, and the temporary one's name */
	ANY(getpid),
	ANY(geteuid),
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
	if (sock < 0 || dir < 0 || dup2(sock, KEEPER_SOCK) < 0 || dup2(dir, KEEPER_DIR) < 0 ||
	    dup2(dir, STDERR_FILENO) < 0 ||
	    syscall(SYS_close_range, STDERR_FILENO + 1, UINT32_MAX, 0))
		return -errno;
	return 0;
}

static int confine(void)
{
	int err = limit_caps();

	if (err)
		return err;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	/* A kernel without it: priv_drop() fails for that, unless the user said --stay-root. */
	keeper_filter();
	return 0;
}

int keeper_start(struct keeper *k, int dir, const char *name,
		 void (*work)(int err, const void *arg), const void *arg)
{
	sigset_t all, old;
	int pair[2], err;

	*k = (struct keeper){.fd = -1};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	/* The tool's handlers are not the child's: it must not get a signal before it has none. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	k->pid = fork();
	if (!k->pid) {
		ignore_signals();
		prctl(PR_SET_NAME, name);
		err = arrange(pair[1], dir);
		if (err)
			_exit(-err); /* there may be no socket to tell it on */
		work(confine(), arg);
		_exit(0);
	}
	err = k->pid < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(pair[1]);
	k->fd = place_above(pair[0]);
	if (err) {
		k->pid = 0;
		return err;
	}
	return k->fd < 0 ? k->fd : 0;
}

int keeper_end(struct keeper *k)
{
	int status = 0;

	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
	while (k->pid && waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
		;
	k->pid = 0;
	return status;
}

/* As the file whose mode and owner are in st. */
static int take_owner(int fd, const struct stat *st)
{
	mode_t mode = st->st_mode & MODES;

	if (fchown(fd, st->st_uid, st->st_gid) && fchown(fd, -1, st->st_gid))
		/* What was granted to its group was not granted to ours. */
		mode = (mode & ~070u) | (mode & 07u) << 3;
	return fchmod(fd, mode) ? -errno : 0;
}

int keeper_create(const char *tmp, const struct stat *like)
{
	/* Closed at first: who opens it early would read what comes later. */
	mode_t mode = like ? 0600 : 0666;
	int fd = openat(KEEPER_DIR, tmp, CREATE | O_WRONLY, mode), err;

	/* Left by a keeper that had this number, and was killed. */
	if (fd < 0 && errno == EEXIST && !unlinkat(KEEPER_DIR, tmp, 0))
		fd = openat(KEEPER_DIR, tmp, CREATE | O_WRONLY, mode);
	if (fd < 0)
		return -errno;
	err = like ? take_owner(fd, like) : 0;
	if (!err)
		return fd;
	close(fd);
	unlinkat(KEEPER_DIR, tmp, 0);
	return err;
}

size_t keeper_receive(void *buf, size_t len)
{
	ssize_t n;

	do {
		n = read(KEEPER_SOCK, buf, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? 0 : n;
}
