// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../common/log.h"
#include "../../common/proc.h"
#include "t.h"

static char dir[] = "/tmp/unit-proc-XXXXXX";

static int find(pid_t pid, void *ctx)
{
	return pid == *(pid_t *)ctx ? 7 : 0;
}

static pid_t thread_id;
static void *in_thread(void *arg)
{
	thread_id = (pid_t)syscall(SYS_gettid);
	T_EQ(proc_tgid(thread_id), getpid());
	T_EQ(proc_self_threads(), *(int *)arg + 1);
	return NULL;
}

static void self(void)
{
	int before = proc_self_threads();
	pid_t pid = getpid(), none = -1;
	char buf[4096], small[4];
	pthread_t t;

	T_EQ(proc_each(find, &pid), 7);
	T_EQ(proc_each(find, &none), 0);
	T_EQ(prctl(PR_SET_NAME, ") R 1\n2"), 0);
	T_EQ(proc_comm(pid, buf, sizeof(buf)), 0);
	T_STR(buf, ") R 1\n2");
	T_EQ(proc_comm(pid, small, sizeof(small)), 0);
	T_STR(small, ") R");
	/* the name cannot pass itself off as fields */
	T_EQ(proc_state(pid), 'R');
	T_EQ(proc_tgid(pid), pid);
	T_OK(proc_starttime(pid) >= proc_starttime(getppid()));
	T_OK(proc_starttime(getppid()) > 0);
	T_EQ(proc_exe_path(pid, buf, sizeof(buf)), 0);
	T_EQ(access(buf, R_OK), 0);
	T_EQ(proc_exe_path(pid, small, sizeof(small)), -ENAMETOOLONG);
	T_EQ(proc_exe_name(pid, buf, sizeof(buf)), 0);
	T_OK(strstr(buf, "/proc") != NULL);
	T_OK(proc_self_rss() > 100000 && proc_self_peak_rss() >= proc_self_rss() / 2);
	T_OK(before >= 1);
	T_EQ(pthread_create(&t, NULL, in_thread, &before), 0);
	pthread_join(t, NULL);
	T_OK(thread_id != pid);
	T_EQ(proc_root_path(1, "/a b", buf, sizeof(buf)), 0);
	T_STR(buf, "/proc/1/root/a b");
	T_EQ(proc_root_path(1, "/a b", buf, 16), -ENAMETOOLONG);
}

static int count(const struct proc_map *m, void *ctx)
{
	++*(int *)ctx;
	return 0;
}

/* A process that has ended: first a zombie, then nothing. */
static void gone(void)
{
	char buf[4096];
	int n = 0;
	siginfo_t si;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitid(P_PID, pid, &si, WEXITED | WNOWAIT);
	T_EQ(proc_state(pid), 'Z');
	T_OK(proc_starttime(pid) > 0);
	T_EQ(proc_exe_path(pid, buf, sizeof(buf)), -ENOENT);
	T_OK(strstr(fail_text(-ENOENT), "zombie"));
	waitpid(pid, NULL, 0);
	T_EQ(proc_state(pid), -ESRCH);
	T_EQ(proc_starttime(pid), 0);
	T_EQ(proc_tgid(pid), -ESRCH);
	T_EQ(proc_comm(pid, buf, sizeof(buf)), -ESRCH);
	T_EQ(proc_exe_path(pid, buf, sizeof(buf)), -ESRCH);
	T_EQ(proc_exe_name(pid, buf, sizeof(buf)), -ESRCH);
	T_EQ(proc_mem_open(pid), -ESRCH);
	T_EQ(proc_maps(pid, count, &n), -ESRCH);
	T_OK(strstr(fail_text(-ESRCH), "cannot read its mappings: No such process"));
	T_EQ(n, 0);
}

static void memory(void)
{
	static char secret[] = "a word in memory";
	char buf[sizeof(secret)] = "";
	int fd = proc_mem_open(getpid());

	T_OK(fd >= 0);
	T_EQ(pread(fd, buf, sizeof(buf), (off_t)(uintptr_t)secret), sizeof(buf));
	T_STR(buf, "a word in memory");
	T_EQ(write(fd, "x", 1), -1);
	close(fd);
}

struct want {
	uint64_t start;
	struct proc_map found;
};

static int at(const struct proc_map *m, void *ctx)
{
	struct want *w = ctx;

	if (m->start != w->start)
		return 0;
	w->found = *m;
	return 1;
}

/* Maps a file of that name, deleting it when asked, and compares what /proc says of it. */
static void mapped(const char *name, bool deleted)
{
	long page = sysconf(_SC_PAGESIZE);
	char path[8192], want[8300];
	struct want *w = calloc(1, sizeof(*w));
	struct statfs fs;
	struct stat st;
	void *p;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	T_OK(fd >= 0);
	T_EQ(ftruncate(fd, 2 * page), 0);
	p = mmap(NULL, (size_t)page, PROT_READ, MAP_PRIVATE, fd, page);
	T_EQ(fstat(fd, &st), 0);
	T_EQ(fstatfs(fd, &fs), 0);
	close(fd);
	if (deleted)
		unlink(path);
	w->start = (uintptr_t)p;
	T_EQ(proc_maps(getpid(), at, w), 1);
	snprintf(want, sizeof(want), "%s%s", path, deleted ? " (deleted)" : "");
	T_STR(w->found.path, want);
	T_EQ(w->found.end - w->found.start, page);
	T_EQ(w->found.off, page);
	T_EQ(w->found.ino, st.st_ino);
	if (fs.f_type != OVERLAYFS_SUPER_MAGIC)
		T_EQ(w->found.dev, st.st_dev);
	T_STR(w->found.perm, "r--p");
	munmap(p, (size_t)page);
	unlink(path);
	free(w);
}

/* A path of n bytes below dir, made of directories, then mapped. */
static void long_path(size_t n)
{
	char name[4200];
	size_t len = 0, below = n - strlen(dir) - 1;
	int back = open(".", O_RDONLY | O_DIRECTORY);

	T_EQ(chdir(dir), 0);
	while (below - len > 201) {
		memset(name + len, 'd', 200);
		name[len + 200] = 0;
		T_OK(!mkdir(name, 0700) || errno == EEXIST);
		len += 200;
		name[len++] = '/';
	}
	memset(name + len, 'f', below - len);
	name[below] = 0;
	T_EQ(fchdir(back), 0);
	close(back);
	mapped(name, false);
}

static void maps(void)
{
	mapped("plain", false);
	mapped("with blank (and) more", false);
	mapped("line\nbreak", false);
	mapped("not\\040escaped", false);
	mapped("gone", true);
	long_path(4000);
	long_path(4095);
}

static void lines(void)
{
	static char line[4300];
	struct proc_map m;
	int n;

	T_EQ(proc_parse_map("7f66b7082000-7f66b7084000 rw-p 00033000 fe:01 332383      /a  b ", &m),
	     0);
	T_OK(m.start == 0x7f66b7082000 && m.end == 0x7f66b7084000);
	T_EQ(m.off, 0x33000);
	T_EQ(m.dev, makedev(0xfe, 1));
	T_EQ(m.ino, 332383);
	T_STR(m.path, "/a  b ");
	T_EQ(proc_parse_map("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]",
			    &m),
	     0);
	T_OK(m.start == 0xffffffffff600000);
	T_EQ(proc_parse_map("1000-2000 rw-p 00000000 00:00 0 ", &m), 0);
	T_STR(m.path, "");
	T_EQ(proc_parse_map("", &m), -EBADMSG);
	T_EQ(proc_parse_map("1000-2000 rw-p 00000000 00:00", &m), -EBADMSG);
	n = snprintf(line, sizeof(line), "1000-2000 rw-p 0 0:0 0 /");
	memset(line + n, 'x', 4096);
	T_EQ(proc_parse_map(line, &m), 0);
	T_STR(m.path, "");
	line[n + 4094] = 0;
	T_EQ(proc_parse_map(line, &m), 0);
	T_EQ(strlen(m.path), 4095);
}

int main(void)
{
	char cmd[64];

	if (!mkdtemp(dir))
		return 99;
	self();
	gone();
	memory();
	lines();
	maps();
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	if (system(cmd))
		return 99;
	return t_done();
}
