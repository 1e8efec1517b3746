// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "glob.h"
#include "log.h"
#include "unit/t.h"

/* The definition, without sets: slow and obvious. */
static bool defined_match(const char *p, const char *t)
{
	if (*p == '*')
		return defined_match(p + 1, t) || (*t && defined_match(p, t + 1));
	if (!*p || !*t)
		return !*p && !*t;
	return (*p == '?' || *p == *t) && defined_match(p + 1, t + 1);
}

static bool bits(const char *pat, const char *text)
{
	static struct glob_bits g;

	return !glob_compile(&g, &pat, 1) && glob_bits_match(&g, text);
}

/* The i-th string over the alphabet, shortest first; buf has room for it. */
static void nth(char *buf, unsigned int i)
{
	size_t len = 0;

	for (; i; i = (i - 1) / 4)
		buf[len++] = "ab*?"[(i - 1) % 4];
	buf[len] = '\0';
}

#define UP_TO_5 (1 + 4 + 16 + 64 + 256 + 1024)

static void test_exhaustive(void)
{
	unsigned int differ = 0, matched = 0;
	char p[8], t[8];

	for (unsigned int i = 0; i < UP_TO_5; i++) {
		struct glob_bits g;
		const char *pat = p;

		nth(p, i);
		T_EQ(glob_compile(&g, &pat, 1), 0);
		for (unsigned int k = 0; k < UP_TO_5; k++) {
			bool want;

			nth(t, k);
			want = defined_match(p, t);
			matched += want;
			if (glob_matches(p, t) == want && glob_bits_match(&g, t) == want)
				continue;
			if (!differ++)
				printf("first: pattern \"%s\" text \"%s\" want %d\n", p, t, want);
		}
	}
	T_EQ(differ, 0);
	T_OK(matched > UP_TO_5);
}

/* Pairs of patterns in one automaton: either matches, and neither leaks into the other. */
static void test_pairs(void)
{
	unsigned int differ = 0;
	char a[8], b[8], t[8];

	for (unsigned int i = 0; i < 85; i++) {
		for (unsigned int k = 0; k < 85; k++) {
			const char *pats[] = {a, b};
			struct glob_bits g;

			nth(a, i);
			nth(b, k);
			T_EQ(glob_compile(&g, pats, 2), 0);
			for (unsigned int n = 0; n < 341; n++) {
				nth(t, n);
				differ += glob_bits_match(&g, t) !=
					  (defined_match(a, t) || defined_match(b, t));
			}
		}
	}
	T_EQ(differ, 0);
}

static void test_sets(void)
{
	static const struct {
		const char *pat, *text;
		bool match;
	} cases[] = {
		{"[a-c]x", "bx", true},
		{"[a-c]x", "dx", false},
		{"[!a-c]x", "dx", true},
		{"[^a-c]x", "bx", false},
		{"[!a-c]", "", false},
		{"[]a]", "]", true},
		{"[]a]", "a", true},
		{"[!]a]", "]", false},
		{"[!]a]", "b", true},
		{"[a-]", "-", true},
		{"[a-]", "b", false},
		{"[-a]", "-", true},
		{"[\\]]", "]", true},
		{"[\\]]", "\\", false},
		{"[a\\-z]", "-", true},
		{"[a\\-z]", "m", false},
		{"[a-\\]]", "^", false},
		{"[A-\\]]", "Z", true},
		{"[*?]", "*", true},
		{"[*?]", "x", false},
		{"*[0-9]*", "abc7def", true},
		{"*[0-9]*", "abcdef", false},
		{"[\x80-\xff]", "\xe9", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"a\\?b", "a?b", true},
		{"a\\?b", "axb", false},
		{"\\[a]", "[a]", true},
		{"\\\\", "\\", true},
		{"a\\", "a\\", true},
		{"a\\", "a", false},
		{"nginx*", "nginx: worker", true},
		{"*.ServeHTTP", "net/http.(*ServeMux).ServeHTTP", true},
		{"*.ServeHTTP", "net/http.(*ServeMux).ServeHTTP.func1", false},
		{"", "", true},
		{"", "a", false},
		{"**", "", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (glob_matches(cases[i].pat, cases[i].text) != cases[i].match ||
		    bits(cases[i].pat, cases[i].text) != cases[i].match)
			printf("case %zu: pattern %s\n", i, cases[i].pat);
		T_EQ(glob_matches(cases[i].pat, cases[i].text), cases[i].match);
		T_EQ(bits(cases[i].pat, cases[i].text), cases[i].match);
	}
	T_OK(glob_matches("a[b", "a[b"));
	T_OK(!glob_matches("a[b", "ab"));
	T_OK(glob_matches("[a][b", "a[b"));
	T_OK(!glob_matches("[z-a]", "m"));
	T_OK(glob_matches("[!z-a]", "m"));
}

static void test_errors(void)
{
	const char *sixty_three = "123456789012345678901234567890123456789012345678901234567890123";
	const char *two[] = {"1234567890123456789012345678901", "1234567890123456789012345678901*"};
	const char *long_pat = "1234567890123456789012345678901234567890123456789012345678901234";
	const char *bad[] = {"a[b", "[", "[]", "[!]", "[z-a]", "[a\\]"};
	struct glob_bits g;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fail_clear();
		T_EQ(glob_compile(&g, &bad[i], 1), -EINVAL);
		T_OK(strstr(fail_text(-EINVAL), bad[i]));
	}
	T_EQ(glob_compile(&g, &sixty_three, 1), 0);
	T_OK(glob_bits_match(&g, sixty_three));
	T_OK(g.accept == 1ULL << 63);
	T_EQ(glob_compile(&g, two, 2), 0);
	T_OK(glob_bits_match(&g, two[0]));
	T_OK(glob_bits_match(&g, "1234567890123456789012345678901 and more"));
	fail_clear();
	T_EQ(glob_compile(&g, &long_pat, 1), -E2BIG);
	T_OK(strstr(fail_text(-E2BIG), long_pat));
	T_EQ(glob_compile(&g, NULL, 0), 0);
	T_OK(!glob_bits_match(&g, ""));
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Inputs that make a recursive or a rescanning matcher take years. */
static void test_linear(void)
{
	static char pat[4001], text[4001];
	double start = seconds();

	memset(text, 'a', 4000);
	for (int i = 0; i < 400; i++)
		memcpy(pat + 2 * i, "*a", 2);
	memcpy(pat + 800, "b", 2);
	T_OK(!glob_matches(pat, text));
	memset(pat, '[', 4000);
	pat[0] = '*';
	memset(text, '[', 4000);
	text[3999] = 'x';
	T_OK(!glob_matches(pat, text));
	T_OK(seconds() - start < 5);
}

int main(void)
{
	T_OK(glob_has_magic("a*") && glob_has_magic("?") && glob_has_magic("x[y]"));
	T_OK(glob_has_magic("a\\*"));
	T_OK(!glob_has_magic("main.(T).f-2]") && !glob_has_magic(""));
	test_sets();
	test_errors();
	test_linear();
	test_exhaustive();
	test_pairs();
	return t_done();
}
