// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "log.h"
#include "sink.h"
#include "unit/t.h"

static char dir[] = "/tmp/sink.XXXXXX", path[64];

static const char *content(void)
{
	static char buf[1 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

static void test_file(void)
{
	static char big[200000];
	struct sink *s = NULL;
	struct sink_stats st;
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	T_EQ(write(fd, "old content", 11), 11);
	close(fd);
	T_EQ(sink_open(&s, path), 0);
	T_STR(content(), "");
	T_EQ(sink_line(s, "{\"a\":1}", 7), 0);
	T_STR(content(), "");
	sink_stats(s, &st);
	T_OK(st.lines == 1 && !st.sent && !st.dropped);
	sink_poll(s);
	T_STR(content(), "{\"a\":1}\n");
	sink_stats(s, &st);
	T_OK(st.lines == 1 && st.sent == 1);
	T_EQ(sink_line(s, "", 0), 0);
	/* Longer than the buffer. */
	memset(big, 'x', sizeof(big));
	T_EQ(sink_line(s, big, sizeof(big)), 0);
	T_EQ(strlen(content()), 9 + sizeof(big) + 1);
	T_EQ(sink_line(s, "not\none", 7), -EINVAL);
	T_EQ(sink_line(s, "last", 4), 0);
	T_EQ(sink_close(s, 0, &st), 0);
	T_EQ(strlen(content()), 9 + sizeof(big) + 1 + 5);
	T_STR(content() + 9 + sizeof(big), "\nlast\n");
	T_OK(st.lines == 5 && st.sent == 4 && st.dropped == 1);
}

static void test_full(void)
{
	struct sink *s = NULL;
	struct sink_stats st;

	T_EQ(sink_open(&s, "/dev/full"), 0);
	T_EQ(sink_line(s, "a", 1), 0);
	T_EQ(sink_line(s, "b", 1), 0);
	sink_poll(s);
	fail_clear();
	T_EQ(sink_line(s, "c", 1), -ENOSPC);
	T_STR(fail_text(-ENOSPC), "cannot write to /dev/full: No space left on device");
	T_EQ(sink_close(s, 0, &st), -ENOSPC);
	T_OK(st.lines == 3 && !st.sent && st.dropped == 3);
	/* An error that only the close meets. */
	T_EQ(sink_open(&s, "/dev/full"), 0);
	T_EQ(sink_line(s, "a", 1), 0);
	T_EQ(sink_close(s, 0, &st), -ENOSPC);
	T_OK(st.lines == 1 && st.dropped == 1);
}

/* The disk fills up in the middle of a line: the file ends with a whole one. */
static void test_half_line(void)
{
	struct rlimit old, limit;
	struct sink *s = NULL;
	struct sink_stats st;
	struct stat file;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 1005;
	T_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	T_EQ(sink_open(&s, path), 0);
	for (int i = 0; i < 30; i++) {
		T_EQ(sink_line(s, "123456789", 9), 0);
		sink_poll(s);
	}
	for (int i = 0; i < 90; i++)
		T_EQ(sink_line(s, "123456789", 9), 0);
	T_EQ(sink_close(s, 0, &st), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	T_OK(st.lines == 120 && st.sent == 100 && st.dropped == 20);
	T_OK(!stat(path, &file) && file.st_size == 1000);
}

/* A reader of a FIFO that goes away is not stdout's: an error, not a quiet end. */
static void test_fifo(void)
{
	char got[16] = "";
	struct sink *s = NULL;
	struct sink_stats st;
	int fd;

	unlink(path);
	T_EQ(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	T_EQ(sink_open(&s, path), 0);
	T_EQ(sink_line(s, "one", 3), 0);
	sink_poll(s);
	T_EQ(read(fd, got, sizeof(got)), 4);
	T_STR(got, "one\n");
	close(fd);
	T_EQ(sink_line(s, "two", 3), 0);
	sink_poll(s);
	T_EQ(sink_line(s, "three", 5), -EIO);
	T_EQ(sink_close(s, 0, &st), -EIO);
	T_OK(st.lines == 3 && st.sent == 1 && st.dropped == 2);
	unlink(path);
}

static void test_bad(void)
{
	static const struct {
		const char *dest;
		int err;
		const char *says;
	} cases[] = {
		{"", -EINVAL, "empty"},
		{"-", -EINVAL, "use -j"},
		{"/tmp", -EISDIR, "cannot write to /tmp: Is a directory"},
		{"/no/such/dir/file", -ENOENT, "cannot write to /no/such/dir/file: No such file"},
		{"ftp://host:21", -EINVAL, "unknown scheme"},
		{"tcp://localhost", -EINVAL, "port is missing"},
		{"udp://localhost:0", -EINVAL, "bad port"},
		{"unix:/tmp", -ENOTSOCK, "not a socket"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sink *s = NULL;

		fail_clear();
		T_EQ(sink_open(&s, cases[i].dest), cases[i].err);
		T_OK(!s);
		if (!strstr(fail_text(-1), cases[i].says))
			T_STR(fail_text(-1), cases[i].says);
	}
}

/* A peer through the same four functions. What happens on the way is in peer.c's test. */
static void test_peer(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char dest[80], got[16] = "";
	struct sink *s = NULL;
	struct sink_stats st;

	strcpy(un.sun_path, path);
	T_EQ(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	snprintf(dest, sizeof(dest), "unix:%s", path);
	T_EQ(sink_open(&s, dest), 0);
	T_EQ(sink_line(s, "one", 3), 0);
	T_EQ(sink_line(s, "t\nwo", 4), -EINVAL);
	sink_poll(s);
	T_EQ(recv(fd, got, sizeof(got), MSG_DONTWAIT), 4);
	T_STR(got, "one\n");
	sink_stats(s, &st);
	T_OK(st.lines == 2 && st.sent == 1 && st.dropped == 1);
	close(fd);
	T_EQ(sink_line(s, "two", 3), 0);
	T_EQ(sink_close(s, 0, &st), 0);
	T_OK(st.lines == 3 && st.sent == 1 && st.dropped == 2);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/f", dir);
	test_file();
	test_full();
	test_half_line();
	test_fifo();
	test_bad();
	test_peer();
	unlink(path);
	rmdir(dir);
	return t_done();
}
