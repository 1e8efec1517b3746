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
	char *name; /* as the file has it; of several at one address, the one asked for */
	uint64_t addr; /* the symbol's address */
	uint64_t entry_off; /* file offset of the entry probe; 0 when refused */
	uint64_t va_off; /* virtual address minus file offset, for entry and exits alike */
	/*
	 * File offsets of the RETs. Never NULL for Go, whatever nexits is: a return probe kills Go
	 * programs. NULL for others: a return probe at entry_off. The last njumps are tail jumps.
	 */
	uint64_t *exit_off;
	size_t nexits, njumps;
	bool stepped; /* the kernel single-steps the instruction at the entry probe */
	enum site_kind kind; /* with depth, as gobin_sites() says; SITE_FIRST and 0 for C */
	uint32_t depth;
	int32_t args; /* Go: see struct gofunc; -1 unknown, as for C */
	char *refused; /* why it cannot be timed; NULL when it can */
	char *note; /* what to know about its figures, or NULL; shown by --list */
};

struct tfile {
	char *path; /* what the kernel is given to attach: /proc/PID/exe, an absolute path */
	char *name; /* for people */
	uint64_t dev, ino; /* as stat(2) has them: files of the same numbers are probed once */
	enum lang lang;
	int go_minor; /* these three: Go only, as gobin_minor(), _version() and _offsets() */
	char go_version[24];
	struct gooffsets off;
	struct tfunc *funcs; /* by rising address, each once */
	size_t nfuncs;
};

/*
 * How the returns of functions that are not Go's are seen: by the kernel's return probe, or by
 * probes on their RETs, which cost more where the kernel single-steps them but leave the stack
 * alone. AUTO: RETs where exceptions or panics may pass, because they would end the program at a
 * return probe.
 */
enum exits_mode { EXITS_AUTO, EXITS_RETURN, EXITS_RET };
extern enum exits_mode target_exits_mode; /* set before anything is resolved */

/*
 * Resolves patterns in the file at path. Each pattern is first an exact name, then, if none is, a
 * glob; "pkg.F[...]" is every instance of a generic; "(*T)" is Go's pointer receiver and no
 * wildcard, "(*)" any receiver; foo without a symbol foo is foo.constprop.0 and its like. A
 * function that matched but cannot be timed is there with refused set. name: for people, in
 * messages. root: "" or "/proc/PID/root", below which separate debug files are looked for.
 *
 * 0 with *t to be freed by target_free(), or *t NULL and, each with fail() text: -ENOENT no such
 * file, no symbols, or a pattern without a match (the first such is named with the names nearest
 * to it, "exists only inlined", or what to install); -ENOTSUP all that matched is refused, or is C
 * code in a Go file; -ENOEXEC not a program, a script, packed; -EACCES, -EISDIR, -EINVAL; and what
 * elf_file_open() and gobin_open() refuse.
 */
int target_file(struct tfile **t, const char *path, const char *name, const char *root,
		const char *const *patterns, size_t npatterns);
/* NULL is allowed. */
void target_free(struct tfile *t);

/*
 * The file of a running process, attached through /proc/PID/exe, which is right after an upgrade
 * and in containers. A thread's id means its process (with a warning on stderr). -ESRCH gone or
 * zombie, -ENOENT also for kernel threads.
 */
int target_pid(struct tfile **t, pid_t pid, const char *const *patterns, size_t npatterns);
/*
 * A library as mapped by that process, or, with pid 0, as the dynamic loader would find it. lib is
 * a path, a file name, or less: "libssl.so.3", "libssl" and "ssl" all do when one file fits;
 * -EEXIST when a process has several. A file that was replaced since is reached through
 * /proc/PID/map_files.
 */
int target_library(struct tfile **t, pid_t pid, const char *lib, const char *const *patterns,
		   size_t npatterns);
/*
 * "./server" (a slash: a path), "server" (found through PATH), else "libssl.so.3" (".so": found as
 * the loader would).
 */
int target_name(struct tfile **t, const char *word, const char *const *patterns, size_t npatterns);

/* The known server entries: a table that is easy to add to. */
struct known {
	const char *function; /* its exact name; vendored copies ("x/vendor/NAME") count as well */
	const char *framework; /* for people */
	const char *on; /* the server library below it: groups rows for cannot */
	bool http; /* arguments are (ResponseWriter, *Request) after the receiver */
	/*
	 * Not NULL: a server with this function, and no other row's with the same on, cannot be
	 * timed as it is; the sentence says what to do.
	 */
	const char *cannot;
};
extern const struct known known_entries[];
extern const size_t known_count;
/*
 * Looks in path for known entries: 0 with *t; -ENOENT when the file is not a Go program or has
 * none (quietly: fail_text() means nothing); -ENOTSUP with fail() text when it is a server that
 * can only be timed by naming its handler; other errors as target_file(). Files that are not Go
 * cost the reading of their headers.
 */
int target_known(struct tfile **t, const char *path, const char *name);
/* The row of a function, or NULL. */
const struct known *known_find(const char *function);
#endif
