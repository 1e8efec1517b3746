// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Cases that change the process are children. Those of other users and mounts need root. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../common/log.h"
#include "../../common/priv.h"
#include "../../common/publish.h"
#include "../../common/publish_int.h"
#include "t.h"

#define BIG   (300 << 10)
#define OTHER 1234 /* a user id that is not ours */

static char top[] = "/tmp/unit-publish.XXXXXX";
static char base[64]; /* a new directory for each case */
static int ncases;

/* Of base; the last few stay valid. */
static const char *at(const char *name)
{
	static char paths[4][PATH_MAX];
	static int i;
	char *path = paths[i++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", base, name);
	return path;
}

static void new_dir(void)
{
	snprintf(base, sizeof(base), "%s/%d", top, ncases++);
	T_EQ(mkdir(base, 0777), 0);
	T_EQ(chmod(base, 0777), 0);
}

/* Runs fn in a child with a directory of its own; its wait status. */
static int in_child(void (*fn)(void))
{
	int status = -1;
	pid_t pid;

	new_dir();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		t_failures = 0;
		alarm(60);
		fn();
		fflush(stdout);
		_exit(t_failures != 0);
	}
	T_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

static const char *contents(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? strerror(errno) : text;
}

static void make(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	T_OK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	T_EQ(fchmod(fd, mode), 0);
	close(fd);
}

static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	T_OK(d != NULL);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_mode & 07777;
}

static struct publish *opened(const char *path)
{
	struct publish *p = NULL;
	int err = publish_open(&p, path);

	if (err)
		printf("%s\n", fail_text(err));
	T_EQ(err, 0);
	if (err)
		_exit(1);
	return p;
}

static int put(struct publish *p, const char *text)
{
	return publish_text(p, text, strlen(text));
}

/* Opening fails so, and leaves nothing. */
static void refused(const char *path, int want, const char *text)
{
	struct publish *p;
	int before = entries(base), err = publish_open(&p, path);

	T_EQ(err, want);
	if (!err)
		publish_close(p);
	if (err && !strstr(fail_text(err), text))
		T_STR(fail_text(err), text);
	T_EQ(entries(base), before);
}

static void become(uid_t uid)
{
	T_EQ(setresgid(uid, uid, uid), 0);
	T_EQ(setresuid(uid, uid, uid), 0);
}

/* --- replacing */

static void replaces(void)
{
	struct publish *p;
	pid_t keeper;

	umask(027);
	p = opened(at("f"));
	keeper = p->keeper;
	T_EQ(entries(base), 0);
	T_EQ(put(p, "one"), 0);
	T_STR(contents(at("f")), "one");
	T_EQ(mode_of(at("f")), 0640);
	T_EQ(put(p, "second text"), 0);
	T_STR(contents(at("f")), "second text");
	T_EQ(put(p, ""), 0);
	T_STR(contents(at("f")), "");
	T_EQ(entries(base), 1);
	publish_close(p);
	T_EQ(entries(base), 1);
	T_EQ(kill(keeper, 0), -1);
	publish_close(NULL);
}

static void unpublished(void)
{
	make(at("f"), "old", 0644);
	publish_close(opened(at("f")));
	publish_close(opened(at("g")));
	T_STR(contents(at("f")), "old");
	T_EQ(entries(base), 1);
}

/* Without a directory before it. */
static void relative(void)
{
	struct publish *p;

	T_EQ(chdir(base), 0);
	p = opened("f");
	T_EQ(chdir("/"), 0);
	T_EQ(put(p, "x"), 0);
	T_STR(contents(at("f")), "x");
	publish_close(p);
}

static void long_name(void)
{
	char name[NAME_MAX + 2];
	struct publish *p;

	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	refused(at(name), -ENAMETOOLONG, "cannot write to ");
	name[NAME_MAX] = '\0';
	p = opened(at(name));
	T_EQ(put(p, "x"), 0);
	T_STR(contents(at(name)), "x");
	T_EQ(entries(base), 1);
	publish_close(p);
}

/* 1: a text that was not wholly one of the two; 2: too few looks */
static int read_until(volatile int *stop, const char *path)
{
	static char text[BIG + 1];
	int looks = 0;

	for (; !*stop; looks++) {
		int fd = open(path, O_RDONLY);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

		close(fd);
		if (n != BIG && n != BIG / 2)
			return 1;
		if (text[0] != (n == BIG ? 'a' : 'b') || memcmp(text, text + 1, n - 1))
			return 1;
	}
	return looks < 20 ? 2 : 0;
}

static void readers_see_whole_texts(void)
{
	volatile int *stop =
		mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct publish *p = opened(at("f"));
	static char a[BIG], b[BIG / 2];
	int status = -1;
	pid_t pid;

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	T_EQ(publish_text(p, a, sizeof(a)), 0);
	pid = fork();
	if (!pid)
		_exit(read_until(stop, at("f")));
	for (int i = 0; i < 150; i++) {
		T_EQ(publish_text(p, b, sizeof(b)), 0);
		T_EQ(publish_text(p, a, sizeof(a)), 0);
	}
	*stop = 1;
	T_EQ(waitpid(pid, &status, 0), pid);
	T_EQ(status, 0);
	publish_close(p);
}

static void keeps_mode(void)
{
	struct publish *p;

	make(at("f"), "old", 0604);
	p = opened(at("f"));
	T_EQ(put(p, "new"), 0);
	T_EQ(mode_of(at("f")), 0604);
	/* changed meanwhile; set-id bits were for the old contents (a write would take them) */
	T_EQ(chmod(at("f"), 06755), 0);
	T_EQ(put(p, ""), 0);
	T_EQ(mode_of(at("f")), 0755);
	publish_close(p);
}

static void keeps_owner(void)
{
	struct publish *p;
	struct stat st;

	make(at("f"), "old", 0640);
	T_EQ(chown(at("f"), OTHER, OTHER + 1), 0);
	p = opened(at("f"));
	T_EQ(priv_drop(0), 0);
	T_EQ(put(p, "new"), 0);
	T_EQ(stat(at("f"), &st), 0);
	T_EQ(st.st_uid, OTHER);
	T_EQ(st.st_gid, OTHER + 1);
	T_EQ(st.st_mode & 07777, 0640);
	publish_close(p);
}

/* An owner that cannot be kept: what its group might read is not for ours. */
static void other_group(void)
{
	struct publish *p;

	make(at("f"), "old", 0664);
	T_EQ(chown(at("f"), OTHER + 1, OTHER + 1), 0);
	become(OTHER);
	p = opened(at("f"));
	T_EQ(put(p, "new"), 0);
	T_STR(contents(at("f")), "new");
	T_EQ(mode_of(at("f")), 0644);
	publish_close(p);
}

static void symlinks(void)
{
	struct publish *p;
	struct stat st;

	T_EQ(mkdir(at("d"), 0777), 0);
	make(at("d/f"), "old", 0644);
	T_EQ(symlink("d/l2", at("l1")), 0);
	T_EQ(symlink("f", at("d/l2")), 0);
	T_EQ(symlink(at("d/new"), at("dangling")), 0);
	T_EQ(symlink("loop", at("loop")), 0);
	T_EQ(symlink("missing/f", at("nowhere")), 0);
	p = opened(at("l1"));
	T_EQ(put(p, "new"), 0);
	publish_close(p);
	T_STR(contents(at("d/f")), "new");
	T_OK(!lstat(at("l1"), &st) && S_ISLNK(st.st_mode));
	T_OK(!lstat(at("d/l2"), &st) && S_ISLNK(st.st_mode));
	p = opened(at("dangling"));
	T_EQ(put(p, "made"), 0);
	publish_close(p);
	T_STR(contents(at("d/new")), "made");
	refused(at("loop"), -ELOOP, "/loop");
	refused(at("nowhere"), -ENOENT, "there is no directory missing/");
}

/* --- in place */

static void in_place(void)
{
	int pair[2], fd;
	struct publish *p = opened("/dev/null");
	char got[16] = "";

	T_EQ(p->keeper, 0);
	T_EQ(put(p, "x"), 0);
	publish_close(p);
	T_EQ(mkfifo(at("fifo"), 0600), 0);
	fd = open(at("fifo"), O_RDONLY | O_NONBLOCK);
	p = opened(at("fifo"));
	T_EQ(put(p, "one"), 0);
	T_EQ(put(p, "two"), 0);
	T_EQ(read(fd, got, sizeof(got)), 6);
	T_STR(got, "onetwo");
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	T_EQ(put(p, "three"), -EIO);
	T_OK(strstr(fail_text(-EIO), "/fifo: Broken pipe"));
	publish_close(p);
	/* a socket can only be duplicated */
	T_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fflush(stdout);
	fd = dup(1);
	T_EQ(dup2(pair[0], 1), 1);
	p = opened("/dev/stdout");
	T_EQ(dup2(fd, 1), 1);
	T_EQ(put(p, "four"), 0);
	T_EQ(read(pair[1], got, 4), 4);
	T_OK(!memcmp(got, "four", 4));
	publish_close(p);
}

/* "tool -o /dev/stdout > FILE": among the rows, not over them. */
static void stdout_file(void)
{
	int fd = open(at("f"), O_WRONLY | O_CREAT, 0644), saved = dup(1);
	struct publish *p;

	fflush(stdout);
	T_EQ(dup2(fd, 1), 1);
	T_EQ(write(1, "row\n", 4), 4);
	p = opened("/dev/stdout");
	T_EQ(put(p, "text\n"), 0);
	T_EQ(write(1, "last\n", 5), 5);
	publish_close(p);
	T_EQ(dup2(saved, 1), 1);
	T_STR(contents(at("f")), "row\ntext\nlast\n");
}

/* A pipe that is full and non-blocking is waited for. */
static void slow_pipe(void)
{
	static char big[BIG];
	char path[32], got[4096];
	size_t sum = 0;
	struct publish *p;
	int fds[2];
	ssize_t n;
	pid_t pid;

	T_EQ(pipe2(fds, O_NONBLOCK), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
	p = opened(path);
	pid = fork();
	if (!pid)
		_exit(publish_text(p, big, sizeof(big)) != 0);
	publish_close(p);
	close(fds[1]);
	T_EQ(fcntl(fds[0], F_SETFL, 0), 0);
	while ((n = read(fds[0], got, sizeof(got))) > 0)
		sum += n;
	T_EQ(sum, BIG);
	waitpid(pid, NULL, 0);
}

/* --- refusals */

static void bad_paths(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	char path[32];

	refused("", -EINVAL, "empty");
	refused("-", -EINVAL, "/dev/stdout");
	refused(base, -EISDIR, "a directory");
	refused(at(""), -EISDIR, "a directory");
	refused(at("."), -EISDIR, "a directory");
	refused(at("missing/f"), -ENOENT, "missing/; make it first");
	make(at("file"), "", 0644);
	refused(at("file/f"), -ENOTDIR, "Not a directory");
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", at("sock"));
	T_EQ(bind(s, (struct sockaddr *)&un, sizeof(un)), 0);
	refused(at("sock"), -EINVAL, "a socket");
	fd = open("/dev/null", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	refused(path, -EBADF, "opened for reading");
	/* a file system that takes no file */
	refused("/proc/self/unit-publish", -ENOENT, "no file can be made in its directory");
}

static void unwritable(void)
{
	T_EQ(chmod(base, 0555), 0);
	if (!geteuid())
		become(OTHER);
	refused(at("f"), -EACCES, "no file can be made in its directory: Permission denied");
}

static void lost_directory(void)
{
	struct publish *p;

	T_EQ(mkdir(at("d"), 0777), 0);
	p = opened(at("d/f"));
	T_EQ(rmdir(at("d")), 0);
	T_EQ(put(p, "x"), -ENOENT);
	T_OK(strstr(fail_text(-ENOENT), "/d/f: no file can be made in its directory"));
	publish_close(p);
	T_EQ(mkdir(at("d"), 0777), 0);
	p = opened(at("d/f"));
	T_EQ(mkdir(at("d/f"), 0777), 0);
	T_EQ(put(p, "x"), -EISDIR);
	T_OK(strstr(fail_text(-EISDIR), "cannot replace "));
	T_EQ(entries(at("d")), 1);
	publish_close(p);
}

static void sticky(void)
{
	T_EQ(chmod(base, 01777), 0);
	make(at("theirs"), "old", 0666);
	T_EQ(lchown(at("theirs"), OTHER, OTHER), 0);
	T_EQ(symlink("ours", at("trap")), 0);
	T_EQ(lchown(at("trap"), OTHER, OTHER), 0);
	make(at("ours"), "old", 0666);
	T_EQ(mkfifo(at("fifo"), 0666), 0);
	T_EQ(lchown(at("fifo"), OTHER, OTHER), 0);
	refused(at("theirs"), -EACCES, "another user put it into a sticky directory");
	refused(at("trap"), -EACCES, "another user put it into a sticky directory");
	refused(at("fifo"), -EACCES, "another user put it into a sticky directory");
	publish_close(opened(at("ours")));
	become(OTHER);
	refused(at("ours"), -EPERM, "another user's file in a sticky directory");
	publish_close(opened(at("theirs")));
}

/* Put there later by somebody who would like to own the report, or to be told it. */
static void sticky_later(void)
{
	struct publish *p;
	struct stat st;

	umask(077);
	T_EQ(chmod(base, 01777), 0);
	p = opened(at("f"));
	make(at("f"), "trap", 0666);
	T_EQ(chown(at("f"), OTHER, OTHER), 0);
	T_EQ(put(p, "x"), 0);
	T_EQ(stat(at("f"), &st), 0);
	T_EQ(st.st_uid, 0);
	T_EQ(st.st_mode & 0777, 0600);
	T_EQ(unlink(at("f")), 0);
	make(at("other"), "other", 0600);
	T_EQ(symlink("other", at("f")), 0);
	T_EQ(put(p, "y"), 0);
	T_OK(!lstat(at("f"), &st) && S_ISREG(st.st_mode));
	T_STR(contents(at("other")), "other");
	publish_close(p);
}

static void special_files(void)
{
	make(at("f"), "old", 0644);
	make(at("g"), "other", 0644);
	if (mknod(at("disk"), S_IFBLK | 0600, makedev(7, 250)))
		printf("skipped: a block device: %s\n", strerror(errno));
	else
		refused(at("disk"), -EINVAL, "a block device");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(at("g"), at("f"), NULL, MS_BIND, NULL)) {
		printf("skipped: a file as a mount point: %s\n", strerror(errno));
		return;
	}
	refused(at("f"), -EBUSY, "mount its directory instead");
}

/* --- failing writes */

static void over_limit(void)
{
	struct rlimit lim = {BIG / 2, BIG / 2};
	static char big[BIG];
	struct publish *p;

	make(at("f"), "old", 0644);
	T_EQ(setrlimit(RLIMIT_FSIZE, &lim), 0);
	p = opened(at("f"));
	T_EQ(publish_text(p, big, sizeof(big)), -EFBIG);
	T_OK(strstr(fail_text(-EFBIG), "/f: File too large"));
	T_STR(contents(at("f")), "old");
	T_EQ(entries(base), 1);
	T_EQ(put(p, "new"), 0);
	T_STR(contents(at("f")), "new");
	publish_close(p);
}

static void disk_full(void)
{
	static char big[BIG];
	struct publish *p;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", base, "tmpfs", 0, "size=128k,mode=0700")) {
		printf("skipped: disk full: %s\n", strerror(errno));
		return;
	}
	make(at("f"), "old", 0644);
	p = opened(at("f"));
	T_EQ(publish_text(p, big, sizeof(big)), -ENOSPC);
	T_OK(strstr(fail_text(-ENOSPC), "/f: No space left on device"));
	T_STR(contents(at("f")), "old");
	T_EQ(entries(base), 1);
	/* and it goes on when there is space again */
	T_EQ(publish_text(p, big, 64 << 10), 0);
	T_EQ(entries(base), 1);
	publish_close(p);
}

/* --- the keeper's life */

static uint64_t status_hex(pid_t pid, const char *key)
{
	char path[64], line[256];
	uint64_t v = UINT64_MAX;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	T_OK(f != NULL);
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			v = strtoull(line + strlen(key), NULL, 16);
	if (f)
		fclose(f);
	return v;
}

static void confined(void)
{
	struct publish *p = opened(at("f"));

	T_EQ(status_hex(p->keeper, "NoNewPrivs:"), 1);
	T_EQ(status_hex(p->keeper, "Seccomp:"), 2);
	T_EQ(status_hex(p->keeper, "CapInh:"), 0);
	/* CAP_CHOWN 0, CAP_DAC_OVERRIDE 1, CAP_FOWNER 3 */
	T_EQ(status_hex(p->keeper, "CapPrm:") & ~0xbULL, 0);
	T_EQ(status_hex(p->keeper, "CapEff:"), status_hex(getpid(), "CapEff:") & 0xb);
	publish_close(p);
}

/* As root: an undumpable process' descriptors are for root to see. */
static void few_descriptors(void)
{
	struct publish *p = opened(at("f"));
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->keeper);
	T_EQ(entries(path), 3);
	publish_close(p);
}

static void filtered(void)
{
	int dir = open(base, O_PATH | O_DIRECTORY);
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

	make(at("old"), "old", 0644);
	T_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	T_EQ(keeper_filter(), 0);
	T_OK(openat(dir, "new", flags, 0600) >= 0);
	T_EQ(openat(dir, "old", O_RDONLY), -1);
	T_EQ(errno, EPERM);
	T_EQ(openat(dir, "more", O_WRONLY | O_CREAT, 0600), -1);
	T_EQ(errno, EPERM);
	T_EQ(socket(AF_UNIX, SOCK_STREAM, 0), -1);
	T_EQ(errno, EPERM);
	T_EQ(kill(getppid(), 0), -1);
	T_EQ(errno, EPERM);
	T_EQ(renameat(dir, "new", dir, "old"), 0);
	fflush(stdout);
	if (!t_failures)
		execl("/bin/true", "true", NULL); /* kills */
}

/* What a tool does: everything dropped, and the directory is root's alone. */
static void unprivileged(void)
{
	struct publish *p;
	struct stat st;

	T_EQ(chmod(base, 0700), 0);
	p = opened(at("f"));
	T_EQ(priv_drop(0), 0);
	T_EQ(open(at("f"), O_RDONLY), -1);
	T_EQ(errno, EACCES);
	T_EQ(put(p, "one"), 0);
	T_EQ(put(p, "two"), 0);
	T_EQ(stat(at("f"), &st), -1);
	publish_close(p);
}

static void unprivileged_result(void)
{
	struct stat st;

	T_EQ(in_child(unprivileged), 0);
	T_STR(contents(at("f")), "two");
	T_EQ(entries(base), 1);
	T_OK(!stat(at("f"), &st) && st.st_uid == 0);
}

static void group_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE};
	struct publish *p;

	T_EQ(setpgid(0, 0), 0);
	p = opened(at("f"));
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		signal(signals[i], SIG_IGN);
		T_EQ(kill(0, signals[i]), 0);
	}
	T_EQ(put(p, "x"), 0);
	T_STR(contents(at("f")), "x");
	publish_close(p);
}

static void keeper_killed(void)
{
	struct publish *p = opened(at("f"));

	T_EQ(put(p, "old"), 0);
	T_EQ(kill(p->keeper, SIGKILL), 0);
	for (int i = 0; i < 2; i++) {
		T_EQ(put(p, "new"), -EIO);
		T_OK(strstr(fail_text(-EIO), "/f: the process that does it ("));
		T_OK(strstr(fail_text(-EIO), ") is gone; was it killed?"));
	}
	T_STR(contents(at("f")), "old");
	publish_close(p);
}

/* Sends the keeper a half, and waits until it has begun to write it. */
static const char *half_text(struct publish *p)
{
	static char name[64];
	uint64_t len = BIG;

	T_EQ(write(p->fd, &len, sizeof(len)), sizeof(len));
	T_EQ(write(p->fd, "half", 4), 4);
	snprintf(name, sizeof(name), ".f.%d.tmp", (int)p->keeper);
	for (int i = 0; i < 5000 && strcmp(contents(at(name)), "half"); i++)
		usleep(1000);
	T_STR(contents(at(name)), "half");
	return name;
}

static void keeper_killed_writing(void)
{
	struct publish *p = opened(at("f"));
	const char *name = half_text(p);

	T_EQ(kill(p->keeper, SIGKILL), 0);
	publish_close(p);
	/* as the header says */
	T_EQ(access(at(name), F_OK), 0);
	T_EQ(entries(base), 1);
}

/* What such a one left does not stop the next that has its number. */
static void stale(void)
{
	struct publish *p = opened(at("f"));
	char name[64];

	snprintf(name, sizeof(name), ".f.%d.tmp", (int)p->keeper);
	make(at(name), "a longer text from before", 0400);
	T_EQ(put(p, "x"), 0);
	T_STR(contents(at("f")), "x");
	T_EQ(entries(base), 1);
	publish_close(p);
}

/* A tool that is killed (in the middle of a text: half): its keeper's end. */
static bool half;
static void killed(void)
{
	struct publish *p = opened(at("f"));

	if (half)
		half_text(p);
	fflush(stdout);
	if (!t_failures)
		kill(getpid(), SIGKILL);
}

static void tool_killed(void)
{
	int status = -1;

	/* Orphans become ours. */
	T_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int i = 0; i < 2; i++) {
		half = i;
		T_EQ(in_child(killed), SIGKILL);
		alarm(60);
		T_OK(waitpid(-1, &status, 0) > 0);
		alarm(0);
		T_EQ(status, 0);
		T_EQ(entries(base), 0);
	}
}

/* Each ends with its own: a later keeper does not hold the socket of an earlier one. */
static void two(void)
{
	struct publish *a = opened(at("a")), *b = opened(at("b"));

	T_EQ(put(a, "1"), 0);
	T_EQ(put(b, "2"), 0);
	publish_close(a);
	T_EQ(put(b, "3"), 0);
	publish_close(b);
	T_STR(contents(at("a")), "1");
	T_STR(contents(at("b")), "3");
}

/* "tool <&- >&- 2>&-": what the tool prints must not become a message. */
static void closed_stdio(void)
{
	struct publish *p = NULL;

	fflush(stdout);
	close(0);
	close(1);
	close(2);
	if (publish_open(&p, at("f")) || p->fd <= 2 || put(p, "x"))
		_exit(2);
	publish_close(p);
	if (strcmp(contents(at("f")), "x"))
		_exit(3);
}

#define PASSES(FN) T_EQ(in_child(FN), 0)

static void as_root(void)
{
	PASSES(keeps_owner);
	PASSES(other_group);
	PASSES(sticky);
	PASSES(sticky_later);
	PASSES(special_files);
	PASSES(disk_full);
	PASSES(few_descriptors);
	unprivileged_result();
}

static void clean_up(void)
{
	char cmd[96];

	snprintf(cmd, sizeof(cmd), "chmod -R u+w %s && rm -rf %s", top, top);
	T_EQ(system(cmd), 0);
}

int main(void)
{
	if (!mkdtemp(top) || chmod(top, 0755))
		return 99;
	PASSES(replaces);
	PASSES(unpublished);
	PASSES(relative);
	PASSES(long_name);
	PASSES(readers_see_whole_texts);
	PASSES(keeps_mode);
	PASSES(symlinks);
	PASSES(in_place);
	PASSES(stdout_file);
	PASSES(slow_pipe);
	PASSES(bad_paths);
	PASSES(unwritable);
	PASSES(lost_directory);
	PASSES(over_limit);
	PASSES(confined);
	T_EQ(in_child(filtered) & 0x7f, SIGSYS);
	PASSES(group_signals);
	PASSES(keeper_killed);
	PASSES(keeper_killed_writing);
	PASSES(stale);
	PASSES(two);
	PASSES(closed_stdio);
	tool_killed();
	if (geteuid())
		printf("not root: other users, mounts, dropped privileges not tried\n");
	else
		as_root();
	clean_up();
	return t_done();
}
