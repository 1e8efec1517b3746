// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "log.h"
#include "target.h"
#include "unit/t.h"

static char dir[64] = "/tmp/target_find.XXXXXX";

static int sh(const char *fmt, ...) PRINTF(1, 2);
static int sh(const char *fmt, ...)
{
	char cmd[2048];
	va_list ap;
	int n;

	n = snprintf(cmd, sizeof(cmd), "cd %s && ", dir);
	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof(cmd) - (size_t)n, fmt, ap);
	va_end(ap);
	return system(cmd);
}

static const char *in_dir(const char *base)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, base);
	return path;
}

/* Where the kernel says that the code at p comes from. */
static uint64_t file_offset(const void *p)
{
	uint64_t start, end, off, at = (uint64_t)(uintptr_t)p, found = 0;
	FILE *f = fopen("/proc/self/maps", "r");
	char line[4600];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &off) == 3 &&
		    at >= start && at < end)
			found = at - start + off;
	if (f)
		fclose(f);
	return found;
}

/* One function, found in the right file: at the offset that the running code has. */
static void expect(int err, struct tfile *t, const char *path, const void *code)
{
	T_EQ(err, 0);
	if (err) {
		printf("  %s\n", fail_text(err));
		return;
	}
	T_OK(!strncmp(t->path, path, strlen(path)));
	if (strncmp(t->path, path, strlen(path)))
		printf("  path %s, want %s\n", t->path, path);
	T_EQ(t->nfuncs, 1);
	T_EQ(t->funcs[0].entry_off, file_offset(code));
	target_free(t);
}

static void expect_fail(int got, int err, const char *words)
{
	T_EQ(got, err);
	T_OK(strstr(fail_text(err), words));
	if (!strstr(fail_text(err), words))
		printf("  \"%s\" is not in \"%s\"\n", words, fail_text(err));
}

int main(void);
static const char *const main_only[] = {"main"};

static void *as_thread(void *arg)
{
	*(int *)arg = gettid();
	return NULL;
}

static void *wait_here(void *arg)
{
	struct tfile *t = NULL;
	char path[64];
	int err;

	/* A thread's id means its process. */
	snprintf(path, sizeof(path), "/proc/%d/exe", getpid());
	err = target_pid(&t, gettid(), main_only, 1);
	expect(err, t, path, main);
	return as_thread(arg);
}

static void processes(void)
{
	struct tfile *t = NULL;
	char path[64], exe[4096] = "";
	pthread_t thread;
	int tid, err;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/%d/exe", getpid());
	T_OK(readlink(path, exe, sizeof(exe) - 1) > 0);
	err = target_pid(&t, getpid(), main_only, 1);
	T_STR(t ? t->name : "", exe);
	expect(err, t, path, main);
	T_EQ(pthread_create(&thread, NULL, wait_here, &tid), 0);
	T_EQ(pthread_join(thread, NULL), 0);
	T_OK(tid != getpid());

	expect_fail(target_pid(&t, 0, main_only, 1), -EINVAL, "not a process id");
	expect_fail(target_pid(&t, -4, main_only, 1), -EINVAL, "-4");
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(0);
	/* Ended, but not waited for yet; then gone. */
	siginfo_t si;

	T_EQ(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	expect_fail(target_pid(&t, pid, main_only, 1), -ESRCH, "zombie");
	T_OK(!t);
	T_EQ(waitpid(pid, NULL, 0), pid);
	expect_fail(target_pid(&t, pid, main_only, 1), -ESRCH, "no such process");
}

static void kernel_thread(void)
{
	struct tfile *t;
	char link[8];

	/* 2 is kthreadd, except in a pid namespace of one's own. */
	if (access("/proc/2/exe", F_OK) && readlink("/proc/2/exe", link, sizeof(link)) < 0 &&
	    errno == ENOENT && !access("/proc/2", F_OK))
		expect_fail(target_pid(&t, 2, main_only, 1), -ENOENT, "kernel thread");
}

/* An ordinary user's attempt at root's process. */
static void no_permission(void)
{
	pid_t pid, parent = getpid();
	int status = -1;

	if (geteuid())
		return;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct tfile *t;
		int err;

		if (setgid(65534) || setuid(65534))
			_exit(99);
		err = target_pid(&t, parent, main_only, 1);
		_exit((err == -EACCES || err == -EPERM) && strstr(fail_text(err), "CAP_SYS_PTRACE")
			      ? 0
			      : 1);
	}
	T_EQ(waitpid(pid, &status, 0), pid);
	T_EQ(status, 0);
}

static void libraries(void)
{
	static const char *const names[] = {"libc.so.6", "libc", "libc.so", "c"};
	static const char *const puts_only[] = {"puts"};
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	struct tfile *t = NULL;
	char root[64];
	size_t i;
	int err;

	snprintf(root, sizeof(root), "/proc/%d/", getpid());
	T_OK(libc != NULL);
	for (i = 0; libc && i < sizeof(names) / sizeof(names[0]); i++) {
		err = target_library(&t, getpid(), names[i], puts_only, 1);
		expect(err, t, root, dlsym(libc, "puts"));
		err = target_library(&t, 0, names[i], puts_only, 1);
		expect(err, t, "/", dlsym(libc, "puts"));
	}
	/* Not in the program, but in one of its libraries: says which. */
	expect_fail(target_pid(&t, getpid(), (const char *const[]){"main", "wcsrtombs"}, 2),
		    -ENOENT, "has wcsrtombs in its library libc.so.6");
	expect_fail(target_pid(&t, getpid(), (const char *const[]){"wcsrtombz"}, 1), -ENOENT,
		    "no function of");
	T_OK(!strstr(fail_text(-ENOENT), "in its library"));
	expect_fail(target_library(&t, getpid(), "libnothing.so.1", puts_only, 1), -ENOENT,
		    "libc.so.6");
	expect_fail(target_library(&t, 0, "libnothing.so.1", puts_only, 1), -ENOENT,
		    "libnothing.so.1");
	if (libc)
		dlclose(libc);
}

/* A package upgrade replaces libraries under running processes: the old code is what they run. */
static void replaced(void)
{
	static const char *const work[] = {"work"};
	struct tfile *t = NULL;
	char files[64];
	void *so, *so2;
	int err;

	T_EQ(sh("printf 'int pad(int x){return x*3;}\\nint work(int x){return x+1;}\\n' >new.c && "
		"printf 'int work(int x){return x+1;}\\n' >old.c && "
		"${CC:-cc} -shared -fPIC -o libtf.so.1 old.c && ${CC:-cc} -shared -fPIC -o new.so "
		"new.c"),
	     0);
	so = dlopen(in_dir("libtf.so.1"), RTLD_NOW);
	T_OK(so != NULL);
	if (!so)
		return;
	snprintf(files, sizeof(files), "/proc/%d/root%s", getpid(), in_dir("libtf.so.1"));
	err = target_library(&t, getpid(), "libtf", work, 1);
	expect(err, t, files, dlsym(so, "work"));
	err = target_library(&t, getpid(), in_dir("libtf.so.1"), work, 1);
	expect(err, t, files, dlsym(so, "work"));
	if (geteuid())
		goto out; /* map_files is root's */
	snprintf(files, sizeof(files), "/proc/%d/map_files/", getpid());
	T_EQ(sh("rm libtf.so.1"), 0);
	err = target_library(&t, getpid(), "libtf", work, 1);
	expect(err, t, files, dlsym(so, "work"));
	T_EQ(sh("cp new.so libtf.so.1"), 0);
	err = target_library(&t, getpid(), "libtf", work, 1);
	T_OK(t && strstr(t->name, "libtf.so.1") && !strstr(t->name, "deleted"));
	expect(err, t, files, dlsym(so, "work"));
out:
	T_EQ(sh("cp new.so libtf.so.2"), 0);
	so2 = dlopen(in_dir("libtf.so.2"), RTLD_NOW);
	T_OK(so2 != NULL);
	expect_fail(target_library(&t, getpid(), "libtf", work, 1), -EEXIST, "more than one libtf");
	err = target_library(&t, getpid(), "libtf.so.2", work, 1);
	expect(err, t, "/proc/", so2 ? dlsym(so2, "work") : NULL);
	if (so2)
		dlclose(so2);
	dlclose(so);
}

static void names(void)
{
	static const char *const work[] = {"work"};
	struct tfile *t = NULL;
	char cwd[4096];

	T_OK(getcwd(cwd, sizeof(cwd)) && !chdir(dir));
	T_EQ(sh("mkdir -p bin && cp new.so bin/server && chmod +x bin/server && cp new.so plain"),
	     0);
	T_EQ(target_name(&t, "./plain", work, 1), 0);
	T_STR(t ? t->path : "", in_dir("plain"));
	T_STR(t ? t->name : "", "./plain");
	target_free(t);
	setenv("PATH", in_dir("bin"), 1);
	T_EQ(target_name(&t, "server", work, 1), 0);
	T_STR(t ? t->path : "", in_dir("bin/server"));
	target_free(t);
	T_EQ(target_name(&t, "libc.so.6", (const char *const[]){"puts"}, 1), 0);
	T_OK(t && strstr(t->path, "/libc.so.6"));
	target_free(t);
	expect_fail(target_name(&t, "plain", work, 1), -ENOENT, "./plain");
	expect_fail(target_name(&t, "nowhere", work, 1), -ENOENT, "no program nowhere in PATH");
	expect_fail(target_name(&t, "libnowhere", work, 1), -ENOENT, ".so");
	expect_fail(target_name(&t, "", work, 1), -EINVAL, "empty");
	T_EQ(chdir(cwd), 0);
}

int main(void)
{
	char rm[96];

	if (!mkdtemp(dir))
		return 99;
	if (sh("echo 'int x;' >x.c && ${CC:-cc} -c x.c 2>/dev/null")) {
		printf("skip: no C compiler\n");
		return 77;
	}
	snprintf(rm, sizeof(rm), "/bin/rm -r %s", dir);
	processes();
	kernel_thread();
	no_permission();
	libraries();
	replaced();
	names();
	T_EQ(system(rm), 0);
	return t_done();
}
