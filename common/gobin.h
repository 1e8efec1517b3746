/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef GOBIN_H
#define GOBIN_H
/*
 * Go binaries: functions, where to probe their entry and where they return, from .gopclntab alone:
 * the table that Go's own stack walker needs at run time, which stripping leaves in place. No
 * symbols, no DWARF. amd64 from Go 1.17, arm64 from Go 1.18. The formats are in gobin_int.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "elf.h"

struct gobin;

/*
 * -ENOENT: not a Go binary (no fail text wanted). Other errors are refusals with fail() text: Go
 * older than 1.17, gccgo, TinyGo (-EPROTONOSUPPORT), a text base that cannot be verified or a
 * damaged table (-EBADMSG). The elf is borrowed and must outlive it. Not for several threads at
 * once.
 */
int gobin_open(struct gobin **g, const struct elf *e);
/* Takes NULL too. */
void gobin_close(struct gobin *g);

const char *gobin_version(const struct gobin *g); /* "go1.22.12", from build info; "" unknown */
/*
 * Minor of the Go release (22 for go1.22.x); from build info, else a lower bound from the table's
 * magic.
 */
int gobin_minor(const struct gobin *g);
size_t gobin_count(const struct gobin *g);

struct gofunc {
	const char *name; /* owned by gobin */
	uint64_t entry; /* virtual address of the symbol's first instruction */
	uint64_t size;
	int32_t args; /* bytes of arguments on the ABI0 view, from _func.args; -1 unknown */
};
/*
 * Function i, by rising address. The name stays valid until gobin_close: each one asked for is
 * kept, so that asking for all of 35,000 takes some 2.5 MB. gobin_each keeps none.
 */
int gobin_func(const struct gobin *g, size_t i, struct gofunc *f);
/*
 * Calls fn for each function, by rising address, until it returns non-zero, which is returned. The
 * name is valid during the callback only, and not after other calls on g in it.
 */
int gobin_each(const struct gobin *g, int (*fn)(size_t i, const struct gofunc *f, void *ctx),
	       void *ctx);
/* Index of the function that has address va, or -ENOENT. */
ssize_t gobin_at(const struct gobin *g, uint64_t va);
/*
 * Index of the function with that exact name, or -ENOENT. First one wins; ABI0/ABIInternal pairs:
 * the larger body.
 */
ssize_t gobin_find(const struct gobin *g, const char *name);
/*
 * True when name is in the name table but has no body of its own: it was inlined everywhere. into
 * (may be NULL) receives the name of a function it was inlined into, where the inline tree tells,
 * else "".
 */
bool gobin_inlined(const struct gobin *g, const char *name, char *into, size_t size);

enum site_kind {
	SITE_FIRST = 0, /* first instruction, of a function without a stack check; single-stepped */
	SITE_PUSH = 1, /* amd64: push after the stack check, or first; the kernel emulates it */
	SITE_BRANCH = 2, /* the stack check's own branch: ignore the hit when it is taken */
	SITE_STEPPED =
		3, /* after the check, an instruction that the kernel single-steps (not Go) */
};

struct gosites {
	/*
	 * VA to probe: an instruction that each call passes exactly once (a taken SITE_BRANCH
	 * apart), though the stack check may send it back to the start. Taken is, on amd64, CF or
	 * ZF set (jbe); on arm64, C clear or Z set (b.ls).
	 */
	uint64_t entry;
	enum site_kind kind;
	/*
	 * SP at the probe is (SP at the function's first instruction) - depth. depth is what must
	 * be added to SP at the entry probe so that it equals SP at the RET.
	 */
	uint32_t depth;
	uint64_t *exits; /* VAs of RET instructions, rising; owned by the caller: free() */
	size_t nexits;
	/*
	 * "ends in a tail jump to X" (such calls are not seen to return), "never returns: ...", or
	 * NULL. Owned by g.
	 */
	const char *note;
};
/*
 * Finds the probe sites of function i. Refusals with fail() text: -ENOTSUP (assembly that moves the
 * stack or has no frame information, only tail jumps, a loop back to the first instruction, code
 * that could not be decoded), -EBADMSG (table).
 */
int gobin_sites(const struct gobin *g, size_t i, struct gosites *s);

/* Offsets the kernel half needs, by Go release. 0 means "this release has none". */
struct gooffsets {
	uint16_t goid; /* runtime.g.goid */
	uint16_t atomicstatus; /* runtime.g.atomicstatus */
	uint16_t sched_sp; /* runtime.g.sched.sp */
	uint16_t resp_status; /* net/http.response.status */
	uint16_t req_pattern; /* net/http.Request.Pattern (>= 1.23) */
	uint16_t req_pat; /* net/http.Request.pat (1.22: *pattern, whose str is at 0) */
};
void gobin_offsets(const struct gobin *g, struct gooffsets *o);
#endif
