// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which file: of a process, of one of its libraries, or of a name. What is in the file is
 * target.c's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "libpath.h"
#include "log.h"
#include "proc.h"
#include "target.h"

#define PATH_SIZE 4200 /* PATH_MAX behind "/proc/PID/root" */
#define DELETED	  " (deleted)"

/* "1234 (nginx)" */
static const char *who(pid_t pid, char *buf, size_t size)
{
	char comm[32];

	if (proc_comm(pid, comm, sizeof(comm)) < 0)
		snprintf(buf, size, "%d", pid);
	else
		snprintf(buf, size, "%d (%s)", pid, comm);
	return buf;
}

/* The process that a pid or thread id of the user belongs to, when it can be traced. */
static int check_pid(pid_t *pid)
{
	char name[64];
	pid_t tgid;

	if (*pid <= 0)
		return fail(-EINVAL, "%d is not a process id", *pid);
	tgid = proc_tgid(*pid);
	if (tgid < 0)
		return fail(tgid, "no such process: %d", *pid);
	if (tgid != *pid) {
		log_warn("%d is a thread of process %s: the whole process is traced", *pid,
			 who(tgid, name, sizeof(name)));
		*pid = tgid;
	}
	if (proc_state(tgid) == 'Z')
		return fail(-ESRCH, "process %s has ended already (zombie): nothing left to trace",
			    who(tgid, name, sizeof(name)));
	return 0;
}

/* The name of a deleted file without the kernel's remark. */
static void undelete(char *name)
{
	size_t len = strlen(name), tail = strlen(DELETED);

	if (len > tail && !strcmp(name + len - tail, DELETED))
		name[len - tail] = 0;
}

/* Which of the process's libraries has a function that its program lacks. */
struct exporter {
	pid_t pid;
	const char *missing;
	uint64_t ino; /* of the mapping before: a library has several */
	char lib[256];
};

static int see_exporter(const struct proc_map *m, void *ctx)
{
	struct exporter *x = ctx;
	struct elf *e = NULL;
	char path[PATH_SIZE];

	if (m->path[0] != '/' || !strstr(m->path, ".so") || m->ino == x->ino)
		return 0;
	x->ino = m->ino;
	if (proc_root_path(x->pid, m->path, path, sizeof(path)) || elf_file_open(&e, path))
		return 0;
	if (!elf_find_symbol(e, x->missing, NULL, NULL))
		snprintf(x->lib, sizeof(x->lib), "%s", strrchr(m->path, '/') + 1);
	elf_file_close(e);
	return x->lib[0] != 0;
}

/* Adds to the sentence of err where a function that was not found in the program is. */
static int hint_library(pid_t pid, int err, const char *const *patterns, size_t npatterns)
{
	struct exporter x = {.pid = pid};
	char text[1024];

	snprintf(text, sizeof(text), "%s", fail_text(err));
	for (size_t i = 0; i < npatterns && !x.lib[0]; i++) {
		x.missing = patterns[i];
		x.ino = 0;
		if (strstr(text, x.missing))
			proc_maps(pid, see_exporter, &x);
	}
	if (x.lib[0])
		return fail(err, "%s; this process has %s in its library %s", text, x.missing,
			    x.lib);
	return fail(err, "%s", text);
}

int target_pid(struct tfile **t, pid_t pid, const char *const *patterns, size_t npatterns)
{
	char exe[64], name[PATH_SIZE], root[64], proc[64];
	int err;

	*t = NULL;
	err = check_pid(&pid);
	if (err)
		return err;
	who(pid, proc, sizeof(proc));
	err = proc_exe_path(pid, exe, sizeof(exe));
	if (err >= 0)
		err = proc_exe_name(pid, name, sizeof(name));
	if (err == -ENOENT)
		return fail(err, "%s is a kernel thread: it has no program file", proc);
	if (err == -EACCES || err == -EPERM)
		return fail(err,
			    "no permission to look into process %s: run as root, or with "
			    "CAP_SYS_PTRACE",
			    proc);
	if (err < 0)
		return fail(err, "process %s: cannot read its program's name: %s", proc,
			    strerror(-err));
	undelete(name);
	snprintf(root, sizeof(root), "/proc/%d/root", pid);
	err = target_file(t, exe, name, root, patterns, npatterns);
	return err == -ENOENT ? hint_library(pid, err, patterns, npatterns) : err;
}

struct mapped {
	const char *lib;
	struct proc_map map; /* the best so far */
	int rank;
	bool twice; /* another file of the same rank */
	char other[4096];
	char seen[640]; /* other libraries, for the error text */
};

static int see_map(const struct proc_map *m, void *ctx)
{
	struct mapped *found = ctx;
	const char *base = strrchr(m->path, '/');
	char path[sizeof(m->path)];
	size_t len;
	int rank;

	if (m->path[0] != '/' || !base || !strchr(m->perm, 'x'))
		return 0;
	snprintf(path, sizeof(path), "%s", m->path);
	undelete(path);
	base = path + (base - m->path) + 1;
	rank = strcmp(found->lib, path) ? libpath_rank(found->lib, base) : 4;
	if (!rank && !strncmp(base, "lib", 3) && !strstr(found->seen, base)) {
		len = strlen(found->seen);
		if (len + strlen(base) + 3 < sizeof(found->seen))
			sprintf(found->seen + len, "%s%s", len ? ", " : "", base);
	}
	if (!rank || rank < found->rank)
		return 0;
	if (rank > found->rank) {
		found->map = *m;
		found->rank = rank;
		found->twice = false;
	} else if (m->dev != found->map.dev || m->ino != found->map.ino) {
		found->twice = true;
		snprintf(found->other, sizeof(found->other), "%s", path);
	}
	return 0;
}

/*
 * A path through which the mapped file itself can be opened. The name is tried first: it needs no
 * privilege and stays readable for people. Another file may have taken the name since (a package
 * upgrade); then only the mapping leads to the file whose code runs. Overlay file systems may
 * report another device for the same file, so equal numbers prove sameness, while unequal ones
 * prove nothing.
 */
static int mapped_path(pid_t pid, const struct proc_map *m, char *buf, size_t size)
{
	struct stat st;
	bool same_ino;
	int fd;

	proc_root_path(pid, m->path, buf, size);
	same_ino = !stat(buf, &st) && st.st_ino == m->ino;
	if (same_ino && st.st_dev == m->dev)
		return 0;
	snprintf(buf, size, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, m->start, m->end);
	fd = open(buf, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (same_ino)
		return proc_root_path(pid, m->path, buf, size) < 0 ? -ENAMETOOLONG : 0;
	return fail(-ENOENT,
		    "%s of process %d was replaced or deleted, and %s cannot be opened: %s",
		    m->path, pid, buf, strerror(errno));
}

static int library_of(struct tfile **t, pid_t pid, const char *lib, const char *const *patterns,
		      size_t npatterns)
{
	char path[PATH_SIZE], root[64], proc[64];
	struct mapped *found;
	int err;

	err = check_pid(&pid);
	if (err)
		return err;
	who(pid, proc, sizeof(proc));
	found = calloc(1, sizeof(*found));
	if (!found)
		return fail(-ENOMEM, "out of memory");
	found->lib = lib;
	err = proc_maps(pid, see_map, found);
	if (err < 0)
		err = fail(err, "cannot read the mappings of process %s: %s", proc, strerror(-err));
	else if (!found->rank)
		err = fail(-ENOENT, "process %s has no library %s mapped%s%s", proc, lib,
			   found->seen[0] ? "; it has "
					  : ": it has none, so it is linked statically",
			   found->seen);
	else if (found->twice)
		err = fail(-EEXIST, "process %s has more than one %s: %s, %s; give the path", proc,
			   lib, found->map.path, found->other);
	else
		err = mapped_path(pid, &found->map, path, sizeof(path));
	if (!err) {
		snprintf(root, sizeof(root), "/proc/%d/root", pid);
		undelete(found->map.path);
		err = target_file(t, path, found->map.path, root, patterns, npatterns);
	}
	free(found);
	return err;
}

int target_library(struct tfile **t, pid_t pid, const char *lib, const char *const *patterns,
		   size_t npatterns)
{
	char path[PATH_SIZE];
	int err;

	*t = NULL;
	if (pid)
		return library_of(t, pid, lib, patterns, npatterns);
	if (strchr(lib, '/'))
		return target_file(t, lib, lib, "", patterns, npatterns);
	err = libpath_find(lib, path, sizeof(path));
	return err ?: target_file(t, path, path, "", patterns, npatterns);
}

/*
 * As the shell does, except that an empty element of PATH is not the current directory: tools run
 * as root.
 */
static bool in_path(const char *word, char *buf, size_t size)
{
	const char *path =
		getenv("PATH") ?: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	struct stat st;
	int len;

	for (; *path; path += len + (path[len] == ':')) {
		len = (int)strcspn(path, ":");
		if (len && snprintf(buf, size, "%.*s/%s", len, path, word) < (int)size &&
		    !stat(buf, &st) && S_ISREG(st.st_mode) && !access(buf, X_OK))
			return true;
	}
	return false;
}

int target_name(struct tfile **t, const char *word, const char *const *patterns, size_t npatterns)
{
	char path[PATH_SIZE];

	*t = NULL;
	if (!*word)
		return fail(-EINVAL, "empty program name");
	if (strchr(word, '/'))
		return target_file(t, word, word, "", patterns, npatterns);
	if (in_path(word, path, sizeof(path)))
		return target_file(t, path, word, "", patterns, npatterns);
	if (strstr(word, ".so"))
		return target_library(t, 0, word, patterns, npatterns);
	return fail(-ENOENT, "no program %s in PATH%s%s%s", word,
		    access(word, F_OK) ? "" : "; the file in this directory is ./",
		    access(word, F_OK) ? "" : word,
		    strncmp(word, "lib", 3) ? "" : "; a library's name has .so in it");
}
