/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TARGET_EXITS_H
#define TARGET_EXITS_H
/* How the end of a C, C++ or Rust function's call is seen. Go's functions have gobin_sites(). */
#include "elf.h"
#include "target.h"

/*
 * True when exceptions or panics may pass through the file's functions: it defines or imports what
 * C++ or Rust unwind with.
 */
bool target_unwinds(const struct elf *e);

struct code_range {
	uint64_t addr, size; /* virtual; size 0: nothing */
};

/* Addresses of the instructions that leave a function. jump: a tail jump, not a RET. */
struct func_exits {
	uint64_t *va; /* these two: the caller's, free() */
	bool *jump;
	size_t n;
};
/*
 * Finds them for a function; cold: the part that the compiler set aside (NAME.cold). -ENOTSUP with
 * text: size 0, code that cannot be decoded, or a jump of which it is not certain whether it leaves
 * the function.
 */
int target_find_exits(const struct elf *e, struct code_range body, struct code_range cold,
		      struct func_exits *x);
#endif
