/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REGS_BPF_H
#define REGS_BPF_H
/* The user registers of a probe, by the role that they have in Go's and C's calling conventions. */

#if defined(__TARGET_ARCH_x86)

/* Go's ABIInternal (>= 1.17) keeps g in R14 at call and return. */
#define REG_G(ctx)  ((ctx)->r14)
#define REG_SP(ctx) ((ctx)->sp)
#define REG_IP(ctx) ((ctx)->ip)
/* The first argument of a kernel function, at its first instruction. */
#define REG_ARG1(ctx) ((ctx)->di)
/* Integer arguments 0..3 of ABIInternal. */
#define REG_GO_ARG(ctx, n)                                                                         \
	((n) == 0 ? (ctx)->ax : (n) == 1 ? (ctx)->bx : (n) == 2 ? (ctx)->cx : (ctx)->di)
/* RET has popped the return address when a return probe runs. */
#define REG_SP_AT_RETURN(ctx) ((ctx)->sp - 8)

/* Will the "jbe morestack" at the probe be taken? CF or ZF. */
static __always_inline bool branch_taken(struct pt_regs *ctx)
{
	return ctx->flags & 0x41;
}

#elif defined(__TARGET_ARCH_arm64)

#define REG_G(ctx)	      ((ctx)->user_regs.regs[28])
#define REG_SP(ctx)	      ((ctx)->user_regs.sp)
#define REG_IP(ctx)	      ((ctx)->user_regs.pc)
#define REG_ARG1(ctx)	      ((ctx)->user_regs.regs[0])
#define REG_GO_ARG(ctx, n)    ((ctx)->user_regs.regs[n])
#define REG_SP_AT_RETURN(ctx) ((ctx)->user_regs.sp)

/* Will the "b.ls morestack" at the probe be taken? C clear or Z set. */
static __always_inline bool branch_taken(struct pt_regs *ctx)
{
	__u64 pstate = ctx->user_regs.pstate;

	return !(pstate & (1ULL << 29)) || (pstate & (1ULL << 30));
}

#else
#error "x86-64 and arm64 only"
#endif
#endif
