// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* x86_decode() against encodings written down by hand, and against objdump on whole programs. */
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>
#include "unit/t.h"
#include "x86len.h"

static const struct {
	const char *bytes;
	uint8_t n, len;
	enum x86_kind kind;
	int32_t rel;
} vectors[] = {
	{"\x90", 1, 1, X86_NOP, 0},
	{"\x66\x0f\x1f\x84\x00\x00\x00\x00\x00", 9, 9, X86_NOP, 0},
	{"\xc3", 1, 1, X86_RET, 0},
	{"\xf3\xc3", 2, 2, X86_RET, 0},
	{"\xc2\x08\x00", 3, 3, X86_RET, 0},
	{"\xeb\xfe", 2, 2, X86_JMP, -2},
	{"\xe9\x00\x01\x00\x00", 5, 5, X86_JMP, 256},
	{"\x76\x10", 2, 2, X86_JCC, 16},
	{"\x0f\x86\xf0\xff\xff\xff", 6, 6, X86_JCC, -16},
	{"\xe3\x05", 2, 2, X86_JCC, 5},
	{"\xe8\x04\x00\x00\x00", 5, 5, X86_CALL, 4},
	{"\xff\xe0", 2, 2, X86_JMP_REG, 0},
	{"\x41\xff\xe3", 3, 3, X86_JMP_REG, 0},
	{"\xff\x25\x00\x00\x00\x00", 6, 6, X86_JMP_MEM, 0},
	{"\xff\x24\xc1", 3, 3, X86_JMP_TABLE, 0},
	{"\xff\xd0", 2, 2, X86_OTHER, 0}, /* call *%rax */
	{"\x49\x3b\x66\x10", 4, 4, X86_OTHER, 0}, /* cmp 0x10(%r14),%rsp */
	{"\x64\x48\x8b\x0c\x25\xf8\xff\xff\xff", 9, 9, X86_OTHER, 0},
	{"\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", 10, 10, X86_OTHER, 0},
	{"\x66\xb8\x01\x02", 4, 4, X86_OTHER, 0},
	{"\x48\xf7\xc0\x00\x00\x00\x80", 7, 7, X86_OTHER, 0}, /* test imm32,%rax */
	{"\x48\xf7\xd8", 3, 3, X86_OTHER, 0}, /* neg %rax */
	{"\xf6\x40\x10\x01", 4, 4, X86_OTHER, 0},
	{"\xc5\xf8\x77", 3, 3, X86_OTHER, 0}, /* vzeroupper */
	{"\xc4\xe3\x7d\x39\xc1\x01", 6, 6, X86_OTHER, 0}, /* vextracti128 */
	{"\x62\xf1\x7c\x48\x10\x47\x01", 7, 7, X86_OTHER, 0}, /* vmovups 64(%rdi),%zmm0 */
	{"\xc5\x7a\x7f\x0c\x25\x00\x00\x00\x00", 9, 9, X86_OTHER, 0},
	{"\x0f\x0b", 2, 2, X86_OTHER, 0}, /* ud2 */
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
	struct x86_insn in;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		int len = x86_decode((const uint8_t *)vectors[i].bytes, vectors[i].n, &in);

		if (len != vectors[i].len)
			printf("vector %zu:\n", i);
		T_EQ(len, vectors[i].len);
		if (len) {
			T_EQ(in.kind, vectors[i].kind);
			T_EQ(in.rel, vectors[i].rel);
		}
	}
}

/* Parses "  addr:\t8b 45 f8 \tmov ..." of objdump; returns the number of bytes, 0 for other lines. */
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

static enum x86_kind kind_of_text(const char *s)
{
	static const char *const prefix[] = {"repz ", "bnd ", "notrack ", "cs ", "data16 ", "ds "};

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (!strncmp(s, prefix[i], strlen(prefix[i])))
			s += strlen(prefix[i]);
	if (!strncmp(s, "ret", 3) || !strncmp(s, "lret", 4))
		return X86_RET;
	if (!strncmp(s, "jmp", 3))
		return X86_JMP;
	if (s[0] == 'j' || !strncmp(s, "loop", 4))
		return X86_JCC;
	return X86_OTHER;
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
		enum x86_kind kind, want;
		struct x86_insn in;

		n = parse_line(line, bytes, &text);
		if (!n || strstr(text, "(bad)") || !text[0])
			continue;
		seen++;
		want = kind_of_text(text);
		kind = x86_decode(bytes, n, &in) ? in.kind : X86_OTHER;
		if (kind == X86_JMP_MEM || kind == X86_JMP_REG || kind == X86_JMP_TABLE)
			kind = X86_JMP;
		else if (kind == X86_NOP || kind == X86_CALL)
			kind = X86_OTHER;
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
