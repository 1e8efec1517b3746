// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "log.h"
#include "unit/t.h"

static int capture, saved;

static void begin(void)
{
	char path[] = "/tmp/log.XXXXXX";

	capture = mkstemp(path);
	unlink(path);
	saved = dup(2);
	dup2(capture, 2);
}

static const char *end(void)
{
	static char got[16384];
	ssize_t n = pread(capture, got, sizeof(got) - 1, 0);

	dup2(saved, 2);
	close(saved);
	close(capture);
	got[n < 0 ? 0 : n] = '\0';
	return got;
}

static void test_fail(void)
{
	char big[3000];

	T_STR(fail_text(-ENOENT), "No such file or directory");
	T_STR(error_text(-ENOENT), "No such file or directory");
	/* The C library knows no such number. */
	T_STR(fail_text(-524), "this kernel cannot do that on this machine (ENOTSUPP)");
	errno = EBUSY;
	T_EQ(fail(-ENOENT, "no function '%s'", "f"), -ENOENT);
	T_EQ(errno, EBUSY);
	T_STR(fail_text(-ENOENT), "no function 'f'");
	/* Words before the old sentence. */
	T_EQ(fail(-EIO, "%s: %s (%d)", "/bin/x", fail_text(-EIO), 3), -EIO);
	T_STR(fail_text(-EIO), "/bin/x: no function 'f' (3)");
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	fail(-EIO, "%s", big);
	T_EQ(strlen(fail_text(-EIO)), 1023);
	fail_clear();
	T_STR(fail_text(-EIO), "Input/output error");
}

static void test_lines(void)
{
	char big[8000];
	const char *got;

	log_name = "tool";
	begin();
	errno = EBUSY;
	log_error("cannot open %s", "x");
	log_warn("%d lost", 3);
	log_info("ready");
	log_debug("not shown");
	log_verbose = true;
	log_debug("libbpf: shown\n");
	T_EQ(errno, EBUSY);
	T_STR(end(),
	      "tool: cannot open x\ntool: warning: 3 lost\ntool: ready\ntool: libbpf: shown\n");
	begin();
	log_info("comm \x1b[31m\n\xff is %s", "h\xc3\xa9");
	T_STR(end(), "tool: comm \\x1b[31m\\x0a\\xff is h\xc3\xa9\n");
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	begin();
	log_info("%s", big);
	got = end();
	T_EQ(strlen(got), 6 + 4095 + 1);
	T_EQ(got[strlen(got) - 1], '\n');
	/* Even a name that is too long leaves a line. */
	log_name = big;
	begin();
	log_info("%s", "x");
	got = end();
	T_EQ(strlen(got), 255 + 1 + 1);
	log_name = "tool";
}

int main(void)
{
	test_fail();
	test_lines();
	return t_done();
}
