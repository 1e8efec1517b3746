// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdbool.h>
#include <string.h>
#include "insn.h"

/*
 * What follows an opcode, one letter for each of 256:
 *   .  nothing		M  ModRM		x  invalid, or handled before the table is asked
 *   b  imm8		B  ModRM, imm8		j  rel8
 *   z  imm16/32	Z  ModRM, imm16/32	J  rel32
 *   v  imm16/32/64	w  imm16		e  imm16, imm8 (enter)
 *   o  address64	g  ModRM, imm8 if /0 /1	G  ModRM, imm16/32 if /0 /1
 */
static const char map_one[] = "MMMMbzxxMMMMbzxx" /* 0 */
			      "MMMMbzxxMMMMbzxx"
			      "MMMMbzxxMMMMbzxx"
			      "MMMMbzxxMMMMbzxx"
			      "xxxxxxxxxxxxxxxx" /* 4: REX */
			      "................"
			      "xxxMxxxxzZbB...."
			      "jjjjjjjjjjjjjjjj"
			      "BZxBMMMMMMMMMMMM" /* 8 */
			      "..........x....."
			      "oooo....bz......"
			      "bbbbbbbbvvvvvvvv"
			      "BBw.xxBZe.w..bx." /* c */
			      "MMMMxxx.MMMMMMMM"
			      "jjjjbbbbJJxj...."
			      "x.xx..gG......MM";

static const char map_0f[] = "MMMMx.....x.xM.x" /* 0 */
			     "MMMMMMMMMMMMMMMM"
			     "MMMMxxxxMMMMMMMM"
			     "......x.xxxxxxxx"
			     "MMMMMMMMMMMMMMMM" /* 4 */
			     "MMMMMMMMMMMMMMMM"
			     "MMMMMMMMMMMMMMMM"
			     "BBBBMMM.MMxxMMMM"
			     "JJJJJJJJJJJJJJJJ" /* 8 */
			     "MMMMMMMMMMMMMMMM"
			     "...MBMxx...MBMMM"
			     "MMMMMMMMMMBMMMMM"
			     "MMBMBBBM........" /* c */
			     "MMMMMMMMMMMMMMMM"
			     "MMMMMMMMMMMMMMMM"
			     "MMMMMMMMMMMMMMMM";

/* The state of one decoding; take() is the only way to move on, so nothing is read beyond n. */
struct cursor {
	const uint8_t *p;
	size_t n, at;
	bool size16, size64, addr32, vex, bad;
};

static uint8_t take(struct cursor *c)
{
	if (c->at >= c->n) {
		c->bad = true;
		return 0;
	}
	return c->p[c->at++];
}

static void skip(struct cursor *c, size_t n)
{
	if (n > c->n - c->at)
		c->bad = true;
	else
		c->at += n;
}

static int32_t take_rel(struct cursor *c, size_t size)
{
	int32_t rel = 0;

	if (c->at + size <= c->n) {
		if (size == 1)
			rel = (int8_t)c->p[c->at];
		else
			memcpy(&rel, c->p + c->at, 4);
	}
	skip(c, size);
	return rel;
}

static uint8_t take_modrm(struct cursor *c)
{
	uint8_t modrm = take(c), mod = modrm >> 6, rm = modrm & 7;

	if (mod == 3)
		return modrm;
	if (rm == 4) {
		uint8_t sib = take(c);

		if (mod == 0 && (sib & 7) == 5)
			skip(c, 4);
	} else if (mod == 0 && rm == 5) {
		skip(c, 4);
	}
	if (mod)
		skip(c, mod == 1 ? 1 : 4);
	return modrm;
}

/* Legacy and REX prefixes; returns the first byte after them. */
static uint8_t take_prefixes(struct cursor *c)
{
	for (;;) {
		uint8_t b = take(c);

		switch (b) {
		case 0x66: c->size16 = true; break;
		case 0x67: c->addr32 = true; break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0xf0:
		case 0xf2:
		case 0xf3: break;
		default:
			if ((b & 0xf0) != 0x40)
				return b;
			c->size64 = b & 8;
			return take(c);
		}
		if (c->bad)
			return b;
	}
}

/* Reads the rest of the opcode after its first byte b; returns the letter of its operands. */
static char take_opcode(struct cursor *c, uint8_t b, uint8_t *opcode, int *map)
{
	*map = 0;
	if (b == 0x0f) {
		*map = 1;
		b = take(c);
		if (b == 0x38 || b == 0x3a) {
			*map = b == 0x38 ? 2 : 3;
			b = take(c);
		}
	} else if (b == 0xc5) {
		c->vex = true;
		skip(c, 1);
		*map = 1;
		b = take(c);
	} else if (b == 0xc4 || b == 0x62) {
		c->vex = true;
		*map = take(c) & (b == 0xc4 ? 0x1f : 7);
		skip(c, b == 0xc4 ? 1 : 2);
		b = take(c);
	}
	*opcode = b;
	switch (*map) {
	case 0: return c->vex ? 'x' : map_one[b];
	case 1: return c->vex && map_0f[b] == 'J' ? 'x' : map_0f[b];
	case 3: return 'B';
	case 2:
	case 5:
	case 6: return 'M';
	default: return 'x';
	}
}

static void take_operands(struct cursor *c, char form, struct insn *in, uint8_t *modrm)
{
	size_t z = c->size16 && !c->size64 ? 2 : 4;

	if (strchr("MBZgG", form))
		*modrm = take_modrm(c);
	switch (form) {
	case '.':
	case 'M': break;
	case 'b':
	case 'B': skip(c, 1); break;
	case 'z':
	case 'Z': skip(c, z); break;
	case 'j': in->to = take_rel(c, 1); break;
	case 'J': in->to = take_rel(c, 4); break;
	case 'v': skip(c, c->size64 ? 8 : z); break;
	case 'w': skip(c, 2); break;
	case 'e': skip(c, 3); break;
	case 'o': skip(c, c->addr32 ? 4 : 8); break;
	case 'g': skip(c, *modrm & 0x30 ? 0 : 1); break;
	case 'G': skip(c, *modrm & 0x30 ? 0 : z); break;
	default: c->bad = true;
	}
}

static enum insn_kind kind_of(int map, uint8_t op, uint8_t modrm)
{
	if (map == 1)
		return op == 0x1f ? INSN_NOP : (op & 0xf0) == 0x80 ? INSN_JCC : INSN_OTHER;
	if (map)
		return INSN_OTHER;
	switch (op) {
	case 0x90: return INSN_NOP;
	case 0xc2:
	case 0xc3: return INSN_RET;
	case 0xe9:
	case 0xeb: return INSN_JMP;
	case 0xe8: return INSN_CALL;
	case 0xff:
		if ((modrm >> 3 & 7) != 4)
			return INSN_OTHER;
		if (modrm >> 6 == 3)
			return INSN_JMP_REG;
		return modrm == 0x25 ? INSN_JMP_MEM : INSN_JMP_TABLE;
	default: return (op & 0xf0) == 0x70 || (op & 0xfc) == 0xe0 ? INSN_JCC : INSN_OTHER;
	}
}

int insn_decode_x86(const uint8_t *p, size_t n, struct insn *in)
{
	/* The processor refuses an instruction of more than 15 bytes. */
	struct cursor c = {.p = p, .n = n < 15 ? n : 15};
	uint8_t modrm = 0, op;
	char form;
	int map;

	memset(in, 0, sizeof(*in));
	form = take_opcode(&c, take_prefixes(&c), &op, &map);
	take_operands(&c, form, in, &modrm);
	if (c.bad)
		return 0;
	in->len = c.at;
	in->kind = c.vex ? INSN_OTHER : kind_of(map, op, modrm);
	in->ls = in->kind == INSN_JCC && (op == 0x76 || op == 0x86);
	if (in->kind == INSN_JMP || in->kind == INSN_JCC || in->kind == INSN_CALL)
		in->to += in->len;
	return in->len;
}

/* A signed field of `bits` bits at bit `at`, in instructions. */
static int64_t field(uint32_t word, int at, int bits)
{
	return ((int64_t)((uint64_t)word << (64 - at - bits)) >> (64 - bits)) * 4;
}

/*
 * Encodings: Arm Architecture Reference Manual, C4.1.66 "Branches, Exception Generating and
 * System".
 */
int insn_decode_arm64(const uint8_t *p, size_t n, struct insn *in)
{
	uint32_t w;

	memset(in, 0, sizeof(*in));
	if (n < sizeof(w))
		return 0;
	memcpy(&w, p, sizeof(w));
	if (w == 0xd503201f) {
		in->kind = INSN_NOP;
	} else if ((w & 0xfffffc1f) == 0xd65f0000) {
		in->kind = INSN_RET;
	} else if ((w & 0xfffffc1f) == 0xd61f0000) {
		in->kind = (w >> 5 & 31) == 27 ? INSN_JMP_TABLE : INSN_JMP_REG;
	} else if ((w & 0x7c000000) == 0x14000000) {
		in->kind = w >> 31 ? INSN_CALL : INSN_JMP;
		in->to = field(w, 0, 26);
	} else if ((w & 0xff000000) == 0x54000000) {
		in->kind = INSN_JCC;
		in->ls = (w & 15) == 9;
		in->to = field(w, 5, 19);
	} else if ((w & 0x7e000000) == 0x34000000) { /* cbz, cbnz */
		in->kind = INSN_JCC;
		in->to = field(w, 5, 19);
	} else if ((w & 0x7e000000) == 0x36000000) { /* tbz, tbnz */
		in->kind = INSN_JCC;
		in->to = field(w, 5, 14);
	}
	return in->len = 4;
}
