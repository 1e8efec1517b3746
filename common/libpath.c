// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "elf.h"
#include "glob.h"
#include "libpath.h"
#include "log.h"

/* Files that include files: deeper than this is taken for a loop. Distributions nest once. */
#define INCLUDE_DEPTH 4
#define PATH_SIZE     4096

#if defined(__x86_64__)
#define MACHINE	  EM_X86_64
#define MULTIARCH "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define MACHINE	  EM_AARCH64
#define MULTIARCH "aarch64-linux-gnu"
#else
#error "x86-64 and AArch64 only"
#endif

struct hunt {
	const char *lib;
	char *buf;
	size_t size;
	bool found;
};

int libpath_rank(const char *asked, const char *base)
{
	const char *so = strstr(base, ".so"), *rest;
	size_t len = strlen(asked);

	if (!strcmp(asked, base))
		return 3;
	if (!so || (so[3] && so[3] != '.'))
		return 0;
	if (!strncmp(base, asked, len)) {
		rest = base + len;
		return *rest == '.' || (*rest == '-' && isdigit((unsigned char)rest[1])) ? 2 : 0;
	}
	if (!strncmp(base, "lib", 3) && strncmp(asked, "lib", 3))
		return libpath_rank(asked, base + 3) == 2;
	return 0;
}

/*
 * What the linker finds may also be a text file (libc.so is a script of ld) or a library for
 * another machine.
 */
static bool loadable(const char *path)
{
	struct elf *e = NULL;
	bool ok = !elf_file_open(&e, path) && e->machine == MACHINE;

	elf_file_close(e);
	return ok;
}

static void look_in(struct hunt *h, const char *dir)
{
	char path[PATH_SIZE], best[sizeof(((struct dirent *)0)->d_name)] = "";
	int rank, best_rank = 0;
	struct dirent *d;
	DIR *dp;

	if (h->found)
		return;
	dp = opendir(dir);
	if (!dp)
		return;
	while ((d = readdir(dp))) {
		rank = libpath_rank(h->lib, d->d_name);
		if (!rank || rank < best_rank ||
		    (rank == best_rank && strverscmp(d->d_name, best) < 0) ||
		    snprintf(path, sizeof(path), "%s/%s", dir, d->d_name) >= (int)sizeof(path) ||
		    !loadable(path))
			continue;
		best_rank = rank;
		strcpy(best, d->d_name);
	}
	closedir(dp);
	if (best_rank)
		h->found = snprintf(h->buf, h->size, "%s/%s", dir, best) < (int)h->size;
}

static void read_conf(struct hunt *h, const char *conf, int depth);

/*
 * "include PATTERN": wildcards are in the last element; the files are taken in the order of their
 * names.
 */
static void include(struct hunt *h, const char *conf, const char *pattern, int depth)
{
	const char *slash = strrchr(pattern, '/'), *base = slash ? slash + 1 : pattern;
	char dir[PATH_SIZE], path[PATH_SIZE + 256];
	struct dirent **names;
	int i, n;

	if (*pattern == '/')
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - pattern), pattern);
	else
		snprintf(dir, sizeof(dir), "%.*s/%.*s", (int)(strrchr(conf, '/') - conf), conf,
			 slash ? (int)(slash - pattern) : 0, pattern);
	n = scandir(dir, &names, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && glob_matches(base, names[i]->d_name)) {
			snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
			read_conf(h, path, depth + 1);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

/*
 * The format of ld.so.conf(8): a directory, or several, or an include in each line; '#' begins a
 * comment.
 */
static void read_conf(struct hunt *h, const char *conf, int depth)
{
	char *line = NULL, *word, *save;
	size_t cap = 0;
	bool includes;
	FILE *f;

	if (depth > INCLUDE_DEPTH || h->found)
		return;
	f = fopen(conf, "re");
	if (!f)
		return;
	while (!h->found && getline(&line, &cap, f) >= 0) {
		line[strcspn(line, "#\n")] = 0;
		includes = false;
		for (word = strtok_r(line, " \t:,", &save); word;
		     word = strtok_r(NULL, " \t:,", &save)) {
			if (includes)
				include(h, conf, word, depth);
			else if (*word == '/')
				look_in(h, word);
			else
				includes = !strcmp(word, "include");
		}
	}
	free(line);
	fclose(f);
}

int libpath_find_in(const char *conf, const char *const *dirs, const char *lib, char *buf,
		    size_t size)
{
	struct hunt h = {.lib = lib, .buf = buf, .size = size};

	if (!*lib)
		return fail(-EINVAL, "empty library name");
	if (conf)
		read_conf(&h, conf, 0);
	for (; *dirs; dirs++)
		look_in(&h, *dirs);
	if (h.found)
		return 0;
	return fail(-ENOENT,
		    "no library %s in the loader's directories: give its path, or the process that "
		    "uses it",
		    lib);
}

int libpath_find(const char *lib, char *buf, size_t size)
{
	static const char *const dirs[] = {"/lib/" MULTIARCH,
					   "/usr/lib/" MULTIARCH,
					   "/lib64",
					   "/usr/lib64",
					   "/lib",
					   "/usr/lib",
					   NULL};

	return libpath_find_in("/etc/ld.so.conf", dirs, lib, buf, size);
}
