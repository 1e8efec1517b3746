// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "log.h"
#include "proc.h"

#define STATUS_SIZE 4096 /* /proc/PID/status and stat are well below */

/* What /proc answers for a process that is gone: ENOENT at open, ESRCH at read. */
static int gone(int err)
{
	return err == -ENOENT ? -ESRCH : err;
}

static int open_file(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? gone(-errno) : fd;
}

/* Reads a small file whole; the length, NUL-terminated, or a negative errno. */
static ssize_t read_file(pid_t pid, const char *name, char *buf, size_t size)
{
	int fd = open_file(pid, name);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	do {
		n = read(fd, buf + len, size - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		n = gone(-errno);
	close(fd);
	buf[len] = 0;
	return n < 0 ? n : (ssize_t)len;
}

int proc_each(int (*fn)(pid_t pid, void *ctx), void *ctx)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	int ret = 0;

	if (!dir)
		return fail(-errno, "cannot read /proc: %s", strerror(errno));
	while (!ret && (d = readdir(dir))) {
		char *end;
		long pid = strtol(d->d_name, &end, 10);

		if (pid > 0 && !*end)
			ret = fn((pid_t)pid, ctx);
	}
	closedir(dir);
	return ret;
}

int proc_comm(pid_t pid, char *buf, size_t size)
{
	char comm[64];
	ssize_t n = read_file(pid, "comm", comm, sizeof(comm));

	if (n < 0)
		return fail((int)n, "process %d: %s", (int)pid, strerror((int)-n));
	/* One newline is the file's; any other is the name's. */
	if (n && comm[n - 1] == '\n')
		comm[n - 1] = 0;
	snprintf(buf, size, "%s", comm);
	return 0;
}

/* The value of a "Key:\t123 ..." line of /proc/PID/status, or a negative errno. */
static int64_t status_value(pid_t pid, const char *key)
{
	char buf[STATUS_SIZE], *at;
	ssize_t n = read_file(pid, "status", buf, sizeof(buf));

	if (n < 0)
		return n;
	/* The name, in the first line, is the process's own choice; its newlines are escaped. */
	at = strstr(buf, key);
	return at ? strtoll(at + strlen(key), NULL, 10) : -ENODATA;
}

pid_t proc_tgid(pid_t tid)
{
	return (pid_t)status_value(tid, "\nTgid:");
}

/* /proc/PID/stat from the state on: the name before it may hold blanks and parentheses. */
static ssize_t read_stat(pid_t pid, char *buf, size_t size)
{
	ssize_t n = read_file(pid, "stat", buf, size);
	char *at;

	if (n < 0)
		return n;
	at = strrchr(buf, ')');
	if (!at || at[1] != ' ' || !at[2])
		return -ENODATA;
	memmove(buf, at + 2, strlen(at + 2) + 1);
	return 0;
}

int proc_state(pid_t pid)
{
	char buf[STATUS_SIZE];
	ssize_t n = read_stat(pid, buf, sizeof(buf));

	return n < 0 ? (int)n : buf[0];
}

uint64_t proc_starttime(pid_t pid)
{
	char buf[STATUS_SIZE], *s = buf;

	if (read_stat(pid, buf, sizeof(buf)) < 0)
		return 0;
	/* Field 22 of proc(5); the state at the start of buf is field 3. */
	for (int field = 3; field < 22 && s; field++) {
		s = strchr(s, ' ');
		if (s)
			s++;
	}
	return s ? strtoull(s, NULL, 10) : 0;
}

int proc_exe_name(pid_t pid, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, buf, size - 1);
	if (n >= 0) {
		buf[n] = 0;
		return 0;
	}
	buf[0] = 0;
	n = -errno;
	/* The link of a kernel thread or a zombie leads nowhere; that of a vanished process is not
	 * there. The kernel says ENOENT to both. */
	if (n == -ENOENT && proc_state(pid) < 0)
		n = -ESRCH;
	if (n == -ENOENT)
		return fail(-ENOENT, "process %d runs no program (kernel thread or zombie)",
			    (int)pid);
	return fail((int)n, "process %d: %s%s", (int)pid, strerror((int)-n),
		    n == -EACCES ? ": another user's process needs CAP_SYS_PTRACE" : "");
}

int proc_exe_path(pid_t pid, char *buf, size_t size)
{
	char name[4097];
	int err = proc_exe_name(pid, name, sizeof(name));

	if (err)
		return err;
	if ((size_t)snprintf(buf, size, "/proc/%d/exe", (int)pid) >= size)
		return fail(-ENAMETOOLONG, "process %d: path too long", (int)pid);
	return 0;
}

int proc_root_path(pid_t pid, const char *path, char *buf, size_t size)
{
	int n = snprintf(buf, size, "/proc/%d/root%s%s", (int)pid, *path == '/' ? "" : "/", path);

	if (n < 0 || (size_t)n >= size)
		return fail(-ENAMETOOLONG, "process %d: %.200s...: path too long", (int)pid, path);
	return 0;
}

int proc_mem_open(pid_t pid)
{
	int fd = open_file(pid, "mem");

	if (fd < 0)
		return fail(fd, "process %d: cannot read its memory: %s%s", (int)pid, strerror(-fd),
			    fd == -EACCES ? ": another user's process needs CAP_SYS_PTRACE" : "");
	return fd;
}

/* kB is what the kernel always writes there. */
static uint64_t self_kb(const char *key)
{
	int64_t kb = status_value(getpid(), key);

	return kb < 0 ? 0 : (uint64_t)kb * 1024;
}

uint64_t proc_self_rss(void)
{
	return self_kb("\nVmRSS:");
}

uint64_t proc_self_peak_rss(void)
{
	return self_kb("\nVmHWM:");
}

int proc_self_threads(void)
{
	return (int)status_value(getpid(), "\nThreads:");
}
