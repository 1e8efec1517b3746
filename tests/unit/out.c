// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"
#include "out.h"
#include "unit/t.h"

static int saved;

static void become(int fd)
{
	fflush(stdout);
	saved = dup(1);
	dup2(fd, 1);
	out_init();
}

static void come_back(void)
{
	dup2(saved, 1);
	close(saved);
}

/* SOCK_SEQPACKET keeps writes apart: each row is one, at once, however it was put together. */
static void test_one_write(void)
{
	static char big[100000], got[100000];
	int sv[2];

	T_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	become(sv[0]);
	out_put("a", 1);
	out_put("b\n", 2);
	T_EQ(out_end_row(), 0);
	T_EQ(recv(sv[1], got, sizeof(got), MSG_DONTWAIT), 3);
	memset(big, 'x', sizeof(big));
	out_put(big, sizeof(big) - 1);
	out_put("\n", 1);
	T_EQ(out_end_row(), 0);
	T_EQ(recv(sv[1], got, sizeof(got), MSG_DONTWAIT), sizeof(big));
	out_put("c", 1);
	T_EQ(recv(sv[1], got, sizeof(got), MSG_DONTWAIT), -1);
	T_EQ(out_flush(), 0);
	T_EQ(recv(sv[1], got, sizeof(got), MSG_DONTWAIT), 1);
	come_back();
	close(sv[0]);
	close(sv[1]);
}

/* A file is written in pieces of 64 KiB and when told to. What stdio had goes first. */
static void test_file(void)
{
	static char big[100000];
	char path[] = "/tmp/out.XXXXXX", got[8] = "";
	int fd = mkstemp(path);
	struct stat st;

	unlink(path);
	fflush(stdout);
	saved = dup(1);
	dup2(fd, 1);
	printf("first ");
	out_init();
	out_put("ab\n", 3);
	T_EQ(out_end_row(), 0);
	T_OK(!fstat(fd, &st) && st.st_size == 6);
	T_EQ(out_flush(), 0);
	T_OK(!fstat(fd, &st) && st.st_size == 9);
	for (int i = 0; i < 30000; i++) {
		memcpy(out_reserve(3), "xy\n", 3);
		out_advance(3);
		out_end_row();
	}
	T_OK(!fstat(fd, &st) && st.st_size > 65536 && st.st_size < 90009);
	T_EQ(out_flush(), 0);
	T_OK(!fstat(fd, &st) && st.st_size == 90009);
	/* One row beyond all bounds. */
	for (int i = 0; i < 3; i++)
		out_put(big, sizeof(big));
	T_EQ(out_end_row(), 0);
	T_OK(!fstat(fd, &st) && st.st_size == (off_t)(90009 + 3 * sizeof(big)));
	T_EQ(pread(fd, got, 7, 5), 7);
	come_back();
	T_STR(got, " ab\nxy\n");
	close(fd);
}

static void test_epipe(void)
{
	int p[2];

	T_EQ(pipe(p), 0);
	close(p[0]);
	become(p[1]);
	fail_clear();
	out_put("x\n", 2);
	T_EQ(out_end_row(), -EPIPE);
	T_OK(!out_reserve(1));
	T_EQ(out_end_row(), -EPIPE);
	T_EQ(out_flush(), -EPIPE);
	T_EQ(out_error(), -EPIPE);
	come_back();
	close(p[1]);
	T_STR(fail_text(-EPIPE), "Broken pipe");
}

static void test_full(void)
{
	int fd = open("/dev/full", O_WRONLY);

	T_OK(fd >= 0);
	become(fd);
	out_put("x\n", 2);
	T_EQ(out_end_row(), -ENOSPC);
	fail(-EIO, "something else");
	T_EQ(out_flush(), -ENOSPC);
	come_back();
	close(fd);
	T_STR(fail_text(-ENOSPC), "cannot write to standard output: No space left on device");
	/* A new start. */
	out_init();
	T_EQ(out_error(), 0);
}

#define MANY (1 << 20)
static void *read_slowly(void *arg)
{
	static char buf[50000];
	size_t total = 0;
	ssize_t n;

	while (total < MANY && (n = read(*(int *)arg, buf, sizeof(buf))) > 0) {
		total += n;
		usleep(2000);
	}
	return (void *)total;
}

/* A pipe that somebody made non-blocking: slow is not an error, and nothing is lost. */
static void test_nonblocking(void)
{
	static char row[1024];
	pthread_t thread;
	void *total;
	int p[2];

	T_EQ(pipe2(p, 0), 0);
	T_EQ(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	T_EQ(pthread_create(&thread, NULL, read_slowly, &p[0]), 0);
	become(p[1]);
	memset(row, 'r', sizeof(row));
	for (int i = 0; i < MANY / 1024; i++) {
		out_put(row, sizeof(row));
		out_end_row();
	}
	T_EQ(out_flush(), 0);
	come_back();
	close(p[1]);
	pthread_join(thread, &total);
	T_EQ((size_t)total, MANY);
	close(p[0]);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_one_write();
	test_file();
	test_epipe();
	test_full();
	test_nonblocking();
	return t_done();
}
