// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdbool.h>
#include <string.h>
#include "x86len.h"

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

static void take_operands(struct cursor *c, char form, struct x86_insn *in, uint8_t *modrm)
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
	case 'j': in->rel = take_rel(c, 1); break;
	case 'J': in->rel = take_rel(c, 4); break;
	case 'v': skip(c, c->size64 ? 8 : z); break;
	case 'w': skip(c, 2); break;
	case 'e': skip(c, 3); break;
	case 'o': skip(c, c->addr32 ? 4 : 8); break;
	case 'g': skip(c, *modrm & 0x30 ? 0 : 1); break;
	case 'G': skip(c, *modrm & 0x30 ? 0 : z); break;
	default: c->bad = true;
	}
}

static enum x86_kind kind_of(int map, uint8_t op, uint8_t modrm)
{
	if (map == 1)
		return op == 0x1f ? X86_NOP : (op & 0xf0) == 0x80 ? X86_JCC : X86_OTHER;
	if (map)
		return X86_OTHER;
	switch (op) {
	case 0x90: return X86_NOP;
	case 0xc2:
	case 0xc3:
	case 0xca:
	case 0xcb: return X86_RET;
	case 0xe9:
	case 0xeb: return X86_JMP;
	case 0xe8: return X86_CALL;
	case 0xff:
		if ((modrm >> 3 & 7) != 4)
			return X86_OTHER;
		return modrm >> 6 == 3 ? X86_JMP_REG : modrm == 0x25 ? X86_JMP_MEM : X86_JMP_TABLE;
	default: return (op & 0xf0) == 0x70 || (op & 0xfc) == 0xe0 ? X86_JCC : X86_OTHER;
	}
}

int x86_decode(const uint8_t *p, size_t n, struct x86_insn *in)
{
	/* The processor refuses an instruction of more than 15 bytes. */
	struct cursor c = {.p = p, .n = n < 15 ? n : 15};
	uint8_t modrm = 0;
	char form;
	int map;

	memset(in, 0, sizeof(*in));
	form = take_opcode(&c, take_prefixes(&c), &in->opcode, &map);
	take_operands(&c, form, in, &modrm);
	if (c.bad)
		return 0;
	in->len = c.at;
	in->kind = c.vex ? X86_OTHER : kind_of(map, in->opcode, modrm);
	return in->len;
}
