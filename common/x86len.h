/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef X86LEN_H
#define X86LEN_H
/*
 * Lengths of x86-64 instructions, and which of them leave a function. It knows no operands and no mnemonics: it is there
 * to walk a short stretch of code that is known to start at an instruction.
 */
#include <stddef.h>
#include <stdint.h>

enum x86_kind {
	X86_OTHER = 0,
	X86_NOP, /* 90, 0f 1f */
	X86_RET, /* c3, c2, cb, ca, with or without rep/bnd */
	X86_JMP, /* rel8, rel32 */
	X86_JCC, /* rel8, rel32, loop, jrcxz */
	X86_CALL, /* rel32 */
	X86_JMP_REG, /* jmp *%reg */
	X86_JMP_MEM, /* jmp *disp(%rip): through a GOT or PLT slot */
	X86_JMP_TABLE, /* jmp *(%base,%index): a switch's jump table */
};

struct x86_insn {
	uint8_t len; /* bytes, 1 to 15 */
	uint8_t opcode; /* the opcode's last byte (0x76 and 0x86 are both jbe) */
	enum x86_kind kind;
	int32_t rel; /* JMP, JCC, CALL: target - (address + len) */
};

/*
 * Decodes the instruction at p, of which n bytes can be read. Returns its length, or 0 when the
 * opcode is unknown or invalid in 64-bit mode, or the instruction is cut off. Covers the integer,
 * x87, SSE, AVX and AVX-512 opcode maps (Intel SDM volume 2, appendix A); not 3DNow! and XOP.
 */
int x86_decode(const uint8_t *p, size_t n, struct x86_insn *in);
#endif
