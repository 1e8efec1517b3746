// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * insn_decode_x86() against encodings written down by hand, and against objdump on whole programs.
 */
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>
#include "unit/t.h"
#include "insn.h"

static const struct {
	const char *bytes;
	uint8_t n, len;
	enum insn_kind kind;
	int32_t to;
} vectors[] = {
	{"\x90", 1, 1, INSN_NOP, 0},
	{"\x66\x0f\x1f\x84\x00\x00\x00\x00\x00", 9, 9, INSN_NOP, 0},
	{"\xc3", 1, 1, INSN_RET, 0},
	{"\xf3\xc3", 2, 2, INSN_RET, 0},
	{"\xc2\x08\x00", 3, 3, INSN_RET, 0},
	{"\xca\x08\x00", 3, 3, INSN_OTHER, 0}, /* lret: not a function's */
	{"\xeb\xfe", 2, 2, INSN_JMP, 0},
	{"\xe9\x00\x01\x00\x00", 5, 5, INSN_JMP, 261},
	{"\x76\x10", 2, 2, INSN_JCC, 18},
	{"\x0f\x86\xf0\xff\xff\xff", 6, 6, INSN_JCC, -10},
	{"\xe3\x05", 2, 2, INSN_JCC, 7},
	{"\xe8\x04\x00\x00\x00", 5, 5, INSN_CALL, 9},
	{"\xff\xe0", 2, 2, INSN_JMP_REG, 0},
	{"\x41\xff\xe3", 3, 3, INSN_JMP_REG, 0},
	{"\xff\x25\x00\x00\x00\x00", 6, 6, INSN_JMP_MEM, 0},
	{"\xff\x24\xc1", 3, 3, INSN_JMP_TABLE, 0},
	{"\xff\xd0", 2, 2, INSN_OTHER, 0}, /* call *%rax */
	{"\x49\x3b\x66\x10", 4, 4, INSN_OTHER, 0}, /* cmp 0x10(%r14),%rsp */
	{"\x64\x48\x8b\x0c\x25\xf8\xff\xff\xff", 9, 9, INSN_OTHER, 0},
	{"\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", 10, 10, INSN_OTHER, 0},
	{"\x66\xb8\x01\x02", 4, 4, INSN_OTHER, 0},
	{"\x48\xf7\xc0\x00\x00\x00\x80", 7, 7, INSN_OTHER, 0}, /* test imm32,%rax */
	{"\x48\xf7\xd8", 3, 3, INSN_OTHER, 0}, /* neg %rax */
	{"\xf6\x40\x10\x01", 4, 4, INSN_OTHER, 0},
	{"\xc5\xf8\x77", 3, 3, INSN_OTHER, 0}, /* vzeroupper */
	{"\xc4\xe3\x7d\x39\xc1\x01", 6, 6, INSN_OTHER, 0}, /* vextracti128 */
	{"\x62\xf1\x7c\x48\x10\x47\x01", 7, 7, INSN_OTHER, 0}, /* vmovups 64(%rdi),%zmm0 */
	{"\xc5\x7a\x7f\x0c\x25\x00\x00\x00\x00", 9, 9, INSN_OTHER, 0},
	{"\x0f\x0b", 2, 2, INSN_OTHER, 0}, /* ud2 */
	/* Cut off, invalid in 64-bit mode, unknown, longer than the processor takes. */
	{"\xe9\x00\x01\x00", 4, 0, 0, 0},
	{"\x48\x8b", 2, 0, 0, 0},
	{"\x48\x8b\x84\x24\x00\x00", 6, 0, 0, 0},
	{"\x66", 1, 0, 0, 0},
	{"", 0, 0, 0, 0},
	{"\x06", 1, 0, 0, 0},
	{"\x0f\x04", 2, 0, 0, 0},
	{"\xc5\xf8\x86\x00\x00\x00\x00", 7, 0, 0, 0},
	{"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16, 0, 0, 0},
};

static void test_vectors(void)
{
	struct insn in;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		int len = insn_decode_x86((const uint8_t *)vectors[i].bytes, vectors[i].n, &in);

		if (len != vectors[i].len)
			printf("vector %zu:\n", i);
		T_EQ(len, vectors[i].len);
		if (len) {
			T_EQ(in.kind, vectors[i].kind);
			T_EQ(in.to, vectors[i].to);
		}
	}
}

static const struct {
	uint32_t word;
	enum insn_kind kind;
	bool ls;
	int64_t to;
} words[] = {
	{0xd65f03c0, INSN_RET, false, 0},	{0xd65f0060, INSN_RET, false, 0}, /* ret x3 */
	{0xd503201f, INSN_NOP, false, 0},	{0x54000089, INSN_JCC, true, 16}, /* b.ls +16 */
	{0x54ffffa9, INSN_JCC, true, -12},	{0x54000083, INSN_JCC, false, 16}, /* b.lo */
	{0x17ffffff, INSN_JMP, false, -4},	{0x94000010, INSN_CALL, false, 64},
	{0xb4000043, INSN_JCC, false, 8}, /* cbz x3 */
	{0x37f80040, INSN_JCC, false, 8}, /* tbnz w0, #31 */
	{0xd61f0100, INSN_JMP_REG, false, 0}, /* br x8 */
	{0xd61f0360, INSN_JMP_TABLE, false, 0}, /* br x27 */
	{0xd63f0100, INSN_OTHER, false, 0}, /* blr x8 */
	{0xf81f0ffe, INSN_OTHER, false, 0}, /* str x30, [sp, #-16]! */
};

static void test_arm64(void)
{
	struct insn in;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		T_EQ(insn_decode_arm64((const uint8_t *)&words[i].word, 4, &in), 4);
		T_EQ(in.kind, words[i].kind);
		T_EQ(in.ls, words[i].ls);
		T_EQ(in.to, words[i].to);
	}
	T_EQ(insn_decode_arm64((const uint8_t *)&words[0].word, 3, &in), 0);
}

/* Parses "  addr:\t8b 45 f8 \tmov ..." of objdump; returns how many bytes, 0 for other lines. */
static size_t parse_line(const char *line, uint8_t *bytes, const char **text)
{
	const char *p = strchr(line, ':');
	size_t n = 0;
	char *end;

	if (line[0] != ' ' || !p || p[1] != '\t')
		return 0;
	for (p += 2; n < 15 && isxdigit((unsigned char)p[0]); p = end + 1) {
		bytes[n++] = strtoul(p, &end, 16);
		if (end != p + 2 || *end != ' ')
			return 0;
	}
	while (*p == ' ')
		p++;
	*text = *p == '\t' ? p + 1 : "";
	return n;
}

static enum insn_kind kind_of_text(const char *s)
{
	static const char *const prefix[] = {"repz ", "bnd ", "notrack ", "cs ", "data16 ", "ds "};

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (!strncmp(s, prefix[i], strlen(prefix[i])))
			s += strlen(prefix[i]);
	if (!strncmp(s, "ret", 3))
		return INSN_RET;
	if (!strncmp(s, "jmp", 3))
		return INSN_JMP;
	if (s[0] == 'j' || !strncmp(s, "loop", 4))
		return INSN_JCC;
	return INSN_OTHER;
}

static void test_objdump(const char *path)
{
	size_t n, seen = 0, wrong = 0;
	const char *text;
	char cmd[256], line[4096];
	uint8_t bytes[16];
	FILE *f;

	snprintf(cmd, sizeof(cmd), "objdump -d -w --insn-width=15 -j .text %s 2>/dev/null", path);
	f = popen(cmd, "r");
	T_OK(f);
	while (f && fgets(line, sizeof(line), f)) {
		enum insn_kind kind, want;
		struct insn in;

		n = parse_line(line, bytes, &text);
		if (!n || strstr(text, "(bad)") || !text[0])
			continue;
		seen++;
		want = kind_of_text(text);
		kind = insn_decode_x86(bytes, n, &in) ? in.kind : INSN_OTHER;
		if (kind == INSN_JMP_MEM || kind == INSN_JMP_REG || kind == INSN_JMP_TABLE)
			kind = INSN_JMP;
		else if (kind == INSN_NOP || kind == INSN_CALL)
			kind = INSN_OTHER;
		if (in.len != n || kind != want) {
			wrong++;
			printf("%s: length %d kind %d: %s", path, in.len, in.kind, line);
		}
	}
	if (f)
		pclose(f);
	T_OK(seen > 1000);
	T_EQ(wrong, 0);
}

int main(void)
{
	char self[64];

	test_vectors();
	test_arm64();
#ifdef __x86_64__
	if (system("command -v objdump >/dev/null") == 0) {
		snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
		test_objdump(self);
		if (access("/lib/x86_64-linux-gnu/libc.so.6", R_OK) == 0)
			test_objdump("/lib/x86_64-linux-gnu/libc.so.6");
	} else {
		printf("no objdump: checked against the table only\n");
	}
#endif
	return t_done();
}
