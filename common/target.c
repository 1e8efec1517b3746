// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "resolve.h"

static void resolve_free(struct resolve *r)
{
	size_t i;

	for (i = 0; i < r->npats; i++)
		pattern_free(&r->pats[i]);
	free(r->pats);
	free(r->dir);
	hits_free(&r->hits);
}

static int not_elf(const char *path, const char *name)
{
	char head[128] = "", *interp;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, head, sizeof(head) - 1);
		close(fd);
	}
	if (!n)
		return fail(-ENOEXEC, "%s is an empty file", name);
	if (n < 2 || strncmp(head, "#!", 2))
		return fail(-ENOEXEC, "%s is not a program: no ELF file", name);
	interp = head + 2 + strspn(head + 2, " \t");
	interp[strcspn(interp, "\n")] = 0;
	return fail(
		-ENOEXEC,
		"%s is a script run by %s: its functions are not machine code and cannot be probed",
		name, interp);
}

/* Which file it is, with errors in words before any parsing begins. */
static int check_file(const char *path, const char *name)
{
	bool proc = !strncmp(path, "/proc/", 6);
	struct stat st;
	int err;

	if (stat(path, &st)) {
		err = -errno;
		if (err == -EACCES || err == -EPERM)
			return fail(err, "no permission to read %s: %s", name,
				    proc ? "other users' processes need CAP_SYS_PTRACE; run as root"
					 : "run as root");
		if (err == -ENOENT || err == -ENOTDIR)
			return fail(-ENOENT, "no such file: %s", name);
		return fail(err, "%s: %s", name, strerror(-err));
	}
	if (S_ISDIR(st.st_mode))
		return fail(-EISDIR, "%s is a directory, not a program", name);
	if (!S_ISREG(st.st_mode))
		return fail(-EINVAL, "%s is not a regular file", name);
	return 0;
}

static int open_elf(struct elf **e, const char *path, const char *name)
{
	int err = check_file(path, name) ?: elf_file_open(e, path);

	if (err == -ENOEXEC)
		return not_elf(path, name);
	if (!err && elf_packed(*e)) {
		elf_file_close(*e);
		*e = NULL;
		return fail(-ENOEXEC,
			    "%s is packed (UPX or alike): its functions exist in memory only; "
			    "unpack it "
			    "(upx -d) or run an unpacked build",
			    name);
	}
	return err;
}

/* The directory of the file as processes below root see it: what .gnu_debuglink is relative to. */
static char *seen_dir(const char *path, const char *name, const char *root)
{
	char real[PATH_MAX], seen[PATH_MAX];
	size_t len = strlen(root);

	if (!len)
		path = realpath(path, real) ?: path;
	else if (!strncmp(path, root, len) && path[len] == '/')
		path += len;
	else
		path = name;
	snprintf(seen, sizeof(seen), "%s", path);
	return strdup(*path == '/' ? dirname(seen) : "/");
}

static struct tfile *tfile_new(const char *path, const char *name, const struct elf *e)
{
	struct tfile *t = calloc(1, sizeof(*t));
	char real[PATH_MAX];

	if (!t)
		return NULL;
	/*
	 * Links in /proc are kept: what they resolve to may be deleted, or lie in another mount
	 * namespace.
	 */
	if (strncmp(path, "/proc/", 6) && realpath(path, real))
		path = real;
	t->path = strdup(path);
	t->name = strdup(name);
	t->dev = e->dev;
	t->ino = e->ino;
	if (t->path && t->name)
		return t;
	target_free(t);
	return NULL;
}

static void set_go(struct tfile *t, const struct gobin *g)
{
	t->lang = LANG_GO;
	t->go_minor = gobin_minor(g);
	snprintf(t->go_version, sizeof(t->go_version), "%s", gobin_version(g));
	gobin_offsets(g, &t->off);
}

/*
 * Opens the file as what it is and runs the search for its language; known: server entries instead
 * of patterns.
 */
static int search(struct resolve *r, const char *path, const char *name, bool known)
{
	struct gobin *g = NULL;
	struct elf *e = NULL;
	int err;

	err = open_elf(&e, path, name);
	if (err)
		return err;
	r->elf = e;
	r->t = tfile_new(path, name, e);
	r->dir = seen_dir(path, name, r->root);
	if (!r->t || !r->dir) {
		err = fail(-ENOMEM, "out of memory");
		goto out;
	}
	err = gobin_open(&g, e);
	if (err == -ENOENT && !known) {
		err = resolve_c(r);
	} else if (!err) {
		set_go(r->t, g);
		err = known ? resolve_known(r, g) : resolve_go(r, g);
	}
	err = err ?: tfile_note_namesakes(r->t);
	err = err ?: tfile_all_refused(r->t);
out:
	gobin_close(g);
	elf_file_close(e);
	return err;
}

static int hand_over(struct resolve *r, struct tfile **t, int err)
{
	if (err) {
		target_free(r->t);
		r->t = NULL;
	}
	*t = r->t;
	resolve_free(r);
	return err;
}

int target_file(struct tfile **t, const char *path, const char *name, const char *root,
		const char *const *patterns, size_t npatterns)
{
	struct resolve r = {.root = root};
	int err = 0;

	*t = NULL;
	if (!npatterns)
		return fail(-EINVAL, "%s: name a function to time", name);
	r.pats = calloc(npatterns, sizeof(*r.pats));
	if (!r.pats)
		return fail(-ENOMEM, "out of memory");
	while (!err && r.npats < npatterns) {
		err = pattern_init(&r.pats[r.npats], patterns[r.npats]);
		r.npats++;
	}
	return hand_over(&r, t, err ?: search(&r, path, name, false));
}

int target_known(struct tfile **t, const char *path, const char *name)
{
	struct resolve r = {.root = ""};

	return hand_over(&r, t, search(&r, path, name, true));
}
