// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// func asmAdd(a, b int) int
TEXT ·asmAdd(SB), 4, $0-24	// 4: NOSPLIT
	MOVD	a+0(FP), R0
	MOVD	b+8(FP), R1
	ADD	R1, R0, R0
	MOVD	R0, ret+16(FP)
	RET
