/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef GOBIN_H
#define GOBIN_H
/*
 * Go binaries: functions, where to probe their entry and where they return, from .gopclntab alone. No
 * symbols, no DWARF, no disassembler. See notes in gobin.c for the formats (Go 1.2 to the newest).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "elf.h"

struct gobin;

/*
 * -ENOENT: not a Go binary (no fail text wanted). Other errors are refusals with fail() text: Go
 * older than 1.17 (-EPROTONOSUPPORT), gccgo/tinygo, a text base that cannot be verified (-EBADMSG),
 * a damaged table. The elf is borrowed and must outlive it.
 */
int gobin_open(struct gobin **g, const struct elf *e);
void gobin_close(struct gobin *g);

const char *gobin_version(const struct gobin *g);	/* "go1.22.12", from build info; "" unknown */
/* Minor of the Go release (22 for go1.22.x); from build info, else a lower bound from the table's magic. */
int gobin_minor(const struct gobin *g);
size_t gobin_count(const struct gobin *g);

struct gofunc {
	const char *name;	/* owned by gobin, valid until gobin_close */
	uint64_t entry;		/* virtual address of the symbol's first instruction */
	uint64_t size;
	int32_t args;		/* bytes of arguments on the ABI0 view, from _func.args; -1 unknown */
};
int gobin_func(const struct gobin *g, size_t i, struct gofunc *f);
/* Index of the function with that exact name, or -ENOENT. First one wins; ABI0/ABIInternal pairs: the larger body. */
ssize_t gobin_find(const struct gobin *g, const char *name);
/* True when name is in the name table but has no body of its own: it was inlined everywhere. into (may
 * be NULL) receives the name of a function it was inlined into, where the inline tree tells. */
bool gobin_inlined(const struct gobin *g, const char *name, char *into, size_t size);

enum site_kind {
	SITE_FIRST = 0,		/* first instruction (nosplit function) */
	SITE_PUSH = 1,		/* amd64: push %rbp after the stack check; emulated */
	SITE_BRANCH = 2,	/* the stack check's conditional branch itself: ignore the hit when it is taken */
	SITE_STEPPED = 3,	/* after the check, an instruction that the kernel single-steps */
};

struct gosites {
	uint64_t entry;		/* VA to probe */
	enum site_kind kind;
	/* SP at the probe is (SP at the function's first instruction) - depth. depth is what must be added to
	 * SP at the entry probe so that it equals SP at the RET. */
	uint32_t depth;
	uint64_t *exits;	/* VAs of RET instructions; owned by the caller: free() */
	size_t nexits;
	const char *note;	/* e.g. "ends in a tail jump to X", or NULL */
};
/*
 * Finds the probe sites of function i. Refusals with fail() text: -ENOTSUP (assembly without frame
 * information, only tail jumps, frameless body that could not be decoded), -EBADMSG (table).
 */
int gobin_sites(const struct gobin *g, size_t i, struct gosites *s);

/* Offsets the kernel half needs, by Go release. 0 means "this release has none". */
struct gooffsets {
	uint16_t goid;			/* runtime.g.goid */
	uint16_t atomicstatus;		/* runtime.g.atomicstatus */
	uint16_t sched_sp;		/* runtime.g.sched.sp */
	uint16_t resp_status;		/* net/http.response.status */
	uint16_t req_pattern;		/* net/http.Request.Pattern (>= 1.23) */
	uint16_t req_pat;		/* net/http.Request.pat (1.22: *pattern, whose str is at 0) */
};
void gobin_offsets(const struct gobin *g, struct gooffsets *o);
#endif
