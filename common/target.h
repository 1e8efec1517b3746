/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TARGET_H
#define TARGET_H
/*
 * What to probe: from the words of the command line to files, functions and addresses.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "elf.h"
#include "gobin.h"

enum lang { LANG_C, LANG_GO };

struct tfunc {
	char *name;
	uint64_t addr;		/* the symbol's address */
	uint64_t entry_off;	/* file offset of the entry probe */
	uint64_t *exit_off;	/* file offsets of the RETs (Go); NULL for C: a return probe at entry_off */
	size_t nexits;
	uint64_t va_off;	/* virtual address minus file offset, for all of them */
	enum site_kind kind;
	uint32_t depth;
	int32_t args;
	char *refused;		/* why it cannot be timed; NULL when it can */
	char *note;		/* shown by --list */
};

struct tfile {
	char *path;	/* what the kernel is given to attach: /proc/PID/exe, a path */
	char *name;	/* for people */
	uint64_t dev, ino;
	enum lang lang;
	int go_minor;
	char go_version[24];
	struct gooffsets off;
	struct tfunc *funcs;
	size_t nfuncs;
	/* bias of the addresses against file offsets is per function (through PT_LOAD) */
};

/*
 * Resolves patterns in the file at path. Each pattern is first an exact name, then a glob; "pkg.F[...]" is every
 * instance of a generic. A function that matched but cannot be timed is there with refused set. Errors teach
 * (fail() text): not found with the nearest names, only inlined, stripped, packed, not an ELF ...
 * root: "" or "/proc/PID/root", where separate debug files are looked for. Free with target_free().
 */
int target_file(struct tfile **t, const char *path, const char *name, const char *root,
		const char *const *patterns, size_t npatterns);
void target_free(struct tfile *t);

/* The file of a running process, attached through /proc/PID/exe. */
int target_pid(struct tfile **t, pid_t pid, const char *const *patterns, size_t npatterns);
/* A library (soname, file name or path) as mapped by that process, or, with pid 0, as the dynamic loader would find it. */
int target_library(struct tfile **t, pid_t pid, const char *lib, const char *const *patterns, size_t npatterns);
/* "./server", "server" (found through PATH) or "libssl.so.3" (found as the loader would). */
int target_name(struct tfile **t, const char *word, const char *const *patterns, size_t npatterns);

/* The known server entries: a table that is easy to add to. */
struct known {
	const char *function;	/* its exact name; vendored copies ("x/vendor/NAME") count as well */
	const char *framework;	/* for people */
	const char *on;		/* the server library below it: groups rows for cannot */
	bool http;		/* arguments are (ResponseWriter, *Request) after the receiver */
	const char *cannot;	/* not NULL: nothing can be timed in a server that has this function and no other row's
				 * with the same on; the sentence says what to do */
};
extern const struct known known_entries[];
extern const size_t known_count;
/*
 * Looks in path for known entries: 0 with *t; -ENOENT when the file is not a Go program or has none (quietly: fail_text()
 * means nothing); -ENOTSUP with fail() text when it is a server that can only be timed by naming its handler; other errors
 * as target_file(). Files that are not Go cost the reading of their headers.
 */
int target_known(struct tfile **t, const char *path, const char *name);
/* The row of a function, or NULL. */
const struct known *known_find(const char *function);
#endif
