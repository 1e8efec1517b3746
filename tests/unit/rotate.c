// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Through a sink, as tools use it. Lines are numbered, so that the files say themselves what is
 * gone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../common/log.h"
#include "../../common/priv.h"
#include "../../common/rotate.h"
#include "../../common/sink.h"
#include "t.h"

#define OTHER 1234 /* a user id that is not ours */

static char top[] = "/tmp/unit-rotate.XXXXXX", base[64];
static int next_line, ncases;

static const char *at(const char *name)
{
	static char paths[4][PATH_MAX];
	static int i;
	char *path = paths[i++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", base, name);
	return path;
}

static const char *contents(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return strerror(errno);
	text[n] = '\0';
	return text;
}

/* Does the file hold the lines from first to last, and nothing else? */
static bool holds(const char *name, int first, int last)
{
	char want[1 << 12] = "", *d = want;

	for (int i = first; i <= last; i++)
		d += sprintf(d, "line %04d\n", i);
	if (!strcmp(contents(at(name)), want))
		return true;
	printf("%s: %s", name, contents(at(name)));
	return false;
}

static int entries(void)
{
	DIR *d = opendir(base);
	int n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void make(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	T_EQ(write(fd, text, strlen(text)), strlen(text));
	T_EQ(fchmod(fd, mode), 0);
	close(fd);
}

/* 10 lines to a file. */
static struct sink *opened(unsigned int keep)
{
	struct rotate_limits l = {.size = 100, .keep = keep};
	struct sink *s = NULL;

	next_line = 0;
	T_EQ(sink_open(&s, at("f")), 0);
	T_EQ(sink_rotate(s, &l), 0);
	return s;
}

static void lines(struct sink *s, int n)
{
	char line[16];

	for (int i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "line %04d", next_line++);
		T_EQ(sink_line(s, line, 9), 0);
	}
}

static void closed(struct sink *s, int rotated, int not_rotated)
{
	struct sink_stats st;

	T_EQ(sink_close(s, 0, &st), 0);
	T_EQ(st.rotated, rotated);
	T_EQ(st.not_rotated, not_rotated);
	T_EQ(st.sent, next_line);
	T_EQ(st.dropped, 0);
}

static void keeps(void)
{
	struct sink *s = opened(3);

	lines(s, 10);
	sink_poll(s);
	T_EQ(entries(), 1);
	lines(s, 55);
	closed(s, 6, 0);
	T_EQ(entries(), 4);
	T_OK(holds("f", 60, 64));
	T_OK(holds("f.1", 50, 59));
	T_OK(holds("f.2", 40, 49));
	T_OK(holds("f.3", 30, 39));
	/* The next run's first, and those that are there. */
	s = opened(1);
	lines(s, 11);
	closed(s, 1, 0);
	T_OK(holds("f", 10, 10));
	T_OK(holds("f.1", 0, 9));
	T_OK(holds("f.2", 40, 49));
}

static void long_line(void)
{
	struct sink *s = opened(5);
	char line[300];

	lines(s, 1);
	memset(line, 'x', sizeof(line));
	T_EQ(sink_line(s, line, sizeof(line)), 0);
	next_line++;
	lines(s, 1);
	closed(s, 2, 0);
	T_OK(holds("f.2", 0, 0));
	T_EQ(strlen(contents(at("f.1"))), 301);
	T_OK(holds("f", 2, 2));
	T_EQ(entries(), 3);
}

static void owner(void)
{
	struct sink *s;
	struct stat st;

	make(at("f"), "", 0640);
	if (!geteuid())
		T_EQ(chown(at("f"), OTHER, OTHER), 0);
	s = opened(2);
	lines(s, 11);
	closed(s, 1, 0);
	T_EQ(stat(at("f"), &st), 0);
	T_EQ(st.st_mode & 07777, 0640);
	if (!geteuid())
		T_OK(st.st_uid == OTHER && st.st_gid == OTHER);
}

static void by_a_link(void)
{
	struct sink *s;

	T_EQ(mkdir(at("sub"), 0700), 0);
	T_EQ(symlink("sub/real", at("f")), 0);
	s = opened(2);
	lines(s, 12);
	closed(s, 1, 0);
	T_EQ(entries(), 2);
	T_OK(holds("f", 10, 11));
	T_OK(holds("sub/real.1", 0, 9));
}

/* What cannot be renamed: nothing is lost, and it is tried again later. */
static void in_the_way(void)
{
	struct sink *s = opened(1);

	T_EQ(mkdir(at("f.1"), 0700), 0);
	lines(s, 15);
	T_EQ(entries(), 2);
	T_EQ(rmdir(at("f.1")), 0);
	lines(s, 10);
	closed(s, 1, 1);
	T_OK(holds("f.1", 0, 19));
	T_OK(holds("f", 20, 24));
	T_EQ(entries(), 2);
}

/* Somebody else's file at that place is not ours to put aside. */
static void replaced(void)
{
	struct sink *s = opened(2);

	lines(s, 5);
	T_EQ(rename(at("f"), at("moved")), 0);
	make(at("f"), "not ours", 0600);
	lines(s, 10);
	closed(s, 0, 1);
	T_STR(contents(at("f")), "not ours");
	T_OK(holds("moved", 0, 14));
	T_EQ(entries(), 2);
}

static void moved(void)
{
	struct sink *s = opened(2);

	lines(s, 5);
	T_EQ(rename(at("f"), at("moved")), 0);
	lines(s, 10);
	closed(s, 1, 0);
	T_OK(holds("moved", 0, 9));
	T_OK(holds("f", 10, 14));
	T_EQ(entries(), 2);
}

static void keeper_killed(void)
{
	struct sink *s = opened(2);
	char path[64], pid[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	fd = open(path, O_RDONLY);
	T_OK(fd >= 0 && read(fd, pid, sizeof(pid) - 1) > 0);
	close(fd);
	T_EQ(kill(atoi(pid), SIGKILL), 0);
	lines(s, 35);
	closed(s, 0, 3);
	T_OK(holds("f", 0, 34));
}

static void without_rights(void)
{
	struct sink *s;

	T_EQ(chmod(base, 0700), 0);
	s = opened(2);
	T_EQ(priv_drop(0), 0);
	T_OK(open(at("g"), O_WRONLY | O_CREAT, 0600) < 0);
	lines(s, 25);
	closed(s, 2, 0);
}

/* Runs fn in a child with a directory of its own; its wait status. */
static int in_child(void (*fn)(void))
{
	int status = -1;
	pid_t pid;

	snprintf(base, sizeof(base), "%s/%d", top, ncases++);
	T_EQ(mkdir(base, 0777), 0);
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

static void refused(void)
{
	struct rotate_limits l = {.size = 100, .keep = 1};
	struct sink *s = NULL;

	T_EQ(sink_open(&s, "/dev/null"), 0);
	T_EQ(sink_rotate(s, &l), -EINVAL);
	T_STR(fail_text(-1), "--rotate: /dev/null is not a file that can be put aside");
	sink_close(s, 0, NULL);
	T_EQ(sink_open(&s, "udp://127.0.0.1:9"), 0);
	T_EQ(sink_rotate(s, &l), -EINVAL);
	sink_close(s, 0, NULL);
}

static void parses(void)
{
	static const struct {
		const char *text;
		uint64_t size;
		unsigned int keep;
	} good[] = {
		{"4096", 4096, 5},
		{"10M", 10 << 20, 5},
		{"1g,1", 1 << 30, 1},
		{"8k,1000", 8192, 1000},
	};
	static const char *const bad[] = {"",	   "4095",   "0",    "M",	    "-1M",
					  "10T",   "10MB",   "10M,", "10M,0",	    "1M,1001",
					  "1M,-1", "1M,2,3", "1M 2", "17179869184G"};
	struct rotate_limits l;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		T_EQ(rotate_parse(&l, good[i].text), 0);
		T_EQ(l.size, good[i].size);
		T_EQ(l.keep, good[i].keep);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (rotate_parse(&l, bad[i]) != -EINVAL)
			T_STR(bad[i], "refused");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(top) || chmod(top, 0755))
		return 1;
	parses();
	refused();
	T_EQ(in_child(keeps), 0);
	T_EQ(in_child(long_line), 0);
	T_EQ(in_child(owner), 0);
	T_EQ(in_child(by_a_link), 0);
	T_EQ(in_child(in_the_way), 0);
	T_EQ(in_child(replaced), 0);
	T_EQ(in_child(moved), 0);
	T_EQ(in_child(keeper_killed), 0);
	if (!geteuid()) {
		T_EQ(in_child(without_rights), 0);
		T_OK(holds("f", 20, 24));
		T_OK(holds("f.2", 0, 9));
	}
	snprintf(base, sizeof(base), "rm -rf %s", top);
	T_EQ(system(base), 0);
	return t_done();
}
