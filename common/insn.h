/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef INSN_H
#define INSN_H
/*
 * Lengths of machine instructions, and which of them leave a function: x86-64 and AArch64. It knows
 * no operands and no mnemonics: it is there to walk code that is known to start at an instruction.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum insn_kind {
	INSN_OTHER = 0,
	INSN_NOP,
	INSN_RET, /* x86: near ones, with or without rep/bnd */
	INSN_JMP, /* direct */
	INSN_JCC, /* any direct jump that may fall through: jcc, loop, jrcxz; b.cond, cbz, tbz */
	INSN_CALL, /* direct */
	INSN_JMP_REG, /* jmp *%reg; br */
	INSN_JMP_MEM, /* x86: jmp *disp(%rip), through a GOT slot */
	INSN_JMP_TABLE, /* a switch's: jmp *(%base,%index); br x27, Go's scratch register */
};

struct insn {
	uint8_t len; /* bytes: 1 to 15, or 4 */
	bool ls; /* JCC: taken when unsigned lower or the same (jbe, b.ls): the stack check's */
	enum insn_kind kind;
	int64_t to; /* JMP, JCC, CALL: target - address of the instruction */
};

/*
 * Decodes the instruction at p, of which n bytes can be read. Returns its length, or 0 when the
 * opcode is unknown or invalid, or the instruction is cut off. x86-64: the integer, x87, SSE, AVX
 * and AVX-512 opcode maps (Intel SDM volume 2, appendix A); not 3DNow! and XOP. AArch64: any word.
 */
int insn_decode_x86(const uint8_t *p, size_t n, struct insn *in);
int insn_decode_arm64(const uint8_t *p, size_t n, struct insn *in);
#endif
