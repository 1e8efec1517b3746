/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef LIBPATH_H
#define LIBPATH_H
/* Where the dynamic loader would find a library, without loading it. */
#include <stdbool.h>
#include <stddef.h>

/*
 * How well a file's base name answers to what was asked: 3 the same, 2 with a version behind it
 * (libssl.so.3 or libssl-3.so for libssl, libssl.so.3.0 for libssl.so.3), 1 the same with "lib"
 * before it (ssl), 0 not at all.
 */
int libpath_rank(const char *asked, const char *base);
/*
 * Writes the path of the library into buf: the directories of /etc/ld.so.conf, then the
 * architecture's own, /lib and /usr/lib, of which the first with a fitting file for this machine
 * counts, and in it the highest version. A program's own RUNPATH and LD_LIBRARY_PATH are unknown
 * here: ask for the library of a process for those. -ENOENT with fail() text.
 */
int libpath_find(const char *lib, char *buf, size_t size);
/*
 * For tests: the same in the directories that conf (a file like /etc/ld.so.conf, or NULL) and dirs
 * (NULL-terminated) name.
 */
int libpath_find_in(const char *conf, const char *const *dirs, const char *lib, char *buf,
		    size_t size);
#endif
