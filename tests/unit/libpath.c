// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "libpath.h"
#include "log.h"
#include "unit/t.h"

static char dir[64] = "/tmp/libpath.XXXXXX";

static void sh(const char *fmt, ...) PRINTF(1, 2);
static void sh(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	T_EQ(system(cmd), 0);
}

static void ranks(void)
{
	T_EQ(libpath_rank("libssl.so.3", "libssl.so.3"), 3);
	T_EQ(libpath_rank("libssl", "libssl.so.3"), 2);
	T_EQ(libpath_rank("libssl.so", "libssl.so.3"), 2);
	T_EQ(libpath_rank("libssl.so.3", "libssl.so.3.0.11"), 2);
	T_EQ(libpath_rank("libc", "libc-2.31.so"), 2);
	T_EQ(libpath_rank("ssl", "libssl.so.3"), 1);
	T_EQ(libpath_rank("libc", "libcrypto.so.3"), 0);
	T_EQ(libpath_rank("libssl", "libssl.a"), 0);
	T_EQ(libpath_rank("libssl", "libssl.sorry"), 0);
	T_EQ(libpath_rank("libssl.so.3", "libssl.so.30"), 0);
	T_EQ(libpath_rank("libssl.so.3", "libssl.so.1"), 0);
	T_EQ(libpath_rank("libgcc", "libgcc-base.so"), 0);
}

static int find(const char *lib, char *buf, size_t size)
{
	const char *dirs[] = {NULL, NULL};
	char conf[128], last[128];

	snprintf(conf, sizeof(conf), "%s/ld.so.conf", dir);
	snprintf(last, sizeof(last), "%s/last", dir);
	dirs[0] = last;
	return libpath_find_in(conf, dirs, lib, buf, size);
}

static void expect(const char *lib, const char *want)
{
	char buf[256] = "", full[256];

	snprintf(full, sizeof(full), "%s/%s", dir, want);
	T_EQ(find(lib, buf, sizeof(buf)), 0);
	T_STR(buf, full);
}

/*
 * Shared objects are copies of one; a text file and a 32-bit file of the right name must be passed
 * over.
 */
static void directories(void)
{
	char buf[256];

	sh("cd %s && mkdir one two last d && echo 'void f(void){}' >x.c && ${CC:-cc} -shared -fPIC "
	   "-o x x.c",
	   dir);
	sh("cd %s && printf 'include d/*.conf # and no more\\n%s/two\\n' >ld.so.conf", dir, dir);
	sh("cd %s && echo %s/one >d/a.conf && echo include ../ld.so.conf >d/loop.conf", dir, dir);
	sh("cd %s && echo text >one/libfoo.so && cp x one/libfoo.so.9 && cp x one/libfoo.so.10",
	   dir);
	sh("cd %s && echo text >one/libtext.so.1 && cp x two/libtext.so.1 && cp x last/liblast.so",
	   dir);
	sh("cd %s && cp x one/libold.so.1 && printf '\\001' | dd of=one/libold.so.1 bs=1 seek=4 "
	   "conv=notrunc status=none && cp x two/libold.so.1 && cp x two/libfoo.so.11",
	   dir);
	expect("libfoo.so.9", "one/libfoo.so.9");
	expect("libfoo", "one/libfoo.so.10");
	expect("foo", "one/libfoo.so.10");
	expect("libfoo.so.11", "two/libfoo.so.11");
	expect("libtext.so.1", "two/libtext.so.1");
	expect("libold.so.1", "two/libold.so.1");
	expect("liblast.so", "last/liblast.so");
	T_EQ(find("libnone.so", buf, sizeof(buf)), -ENOENT);
	T_OK(strstr(fail_text(-ENOENT), "libnone.so"));
	T_EQ(find("", buf, sizeof(buf)), -EINVAL);
	T_EQ(find("libfoo", buf, 10), -ENOENT);
}

static void system_wide(void)
{
	char buf[4096];

	T_EQ(libpath_find("libc.so.6", buf, sizeof(buf)), 0);
	T_EQ(access(buf, R_OK), 0);
	T_OK(strstr(buf, "/libc.so.6"));
}

int main(void)
{
	if (!mkdtemp(dir))
		return 99;
	ranks();
	directories();
	system_wide();
	sh("rm -r %s", dir);
	return t_done();
}
