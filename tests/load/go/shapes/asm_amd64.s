// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// func asmAdd(a, b int) int
TEXT ·asmAdd(SB), 4, $0-24	// 4: NOSPLIT
	MOVQ	a+0(FP), AX
	ADDQ	b+8(FP), AX
	MOVQ	AX, ret+16(FP)
	RET
