// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include <time.h>
#include "nearest.h"
#include "unit/t.h"

static const char *const go_names[] = {
	"main.(*API).list",	     "main.(*API).listAll",
	"main.API.health",	     "main.main",
	"main.main.func1",	     "net/http.Serve",
	"example.com/x/api.Get",     "main.Map[go.shape.int]",
	"runtime.mallocgc",	     "main.handleRequest",
	"main.Map[go.shape.string]",
};

static const char *go(const char *want)
{
	static char buf[600];
	struct nearest n;
	size_t i;

	nearest_init(&n, want);
	for (i = 0; i < sizeof(go_names) / sizeof(go_names[0]); i++)
		nearest_see(&n, go_names[i]);
	return nearest_text(&n, buf, sizeof(buf));
}

static void ranks(void)
{
	/* As the source says it, without the receiver's star. */
	T_OK(!strncmp(go("main.API.list"), " (did you mean main.(*API).list", 31));
	T_STR(go("main.handlRequest"), " (did you mean main.handleRequest?)");
	T_STR(go("handleRequest"), " (did you mean main.handleRequest?)");
	T_STR(go("MAIN.HANDLEREQUEST"), " (did you mean main.handleRequest?)");
	T_STR(go("api.Get"), " (did you mean example.com/x/api.Get?)");
	T_STR(go("main.nothingOfTheKind"), "");
	/* All shapes of a generic are one suggestion. */
	T_OK(!strncmp(go("main.Map"), " (did you mean main.Map[...] or main.m", 38));
	T_OK(!strncmp(go("main.mian"), " (did you mean main.main", 24));
	T_OK(!strncmp(go("malloc"), " (did you mean runtime.mallocgc?)", 33));
}

static void mangled(void)
{
	char buf[600];
	struct nearest n;

	nearest_init(&n, "area::shape<int>::compute(int)");
	T_STR(n.mangled, "4area5shape7compute");
	nearest_see(&n, "_ZN4area5shapeIiE7computeEi");
	nearest_see(&n, "_ZN4area5shape7computeEi");
	T_STR(nearest_text(&n, buf, sizeof(buf)), " (did you mean _ZN4area5shape7computeEi?)");
	nearest_init(&n, "plain");
	T_STR(n.mangled, "");
}

static void bounds(void)
{
	char longer[400], buf[24];
	struct nearest n;
	int i;

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	nearest_init(&n, longer);
	nearest_see(&n, longer);
	T_EQ(n.n, 0);
	nearest_init(&n, "");
	nearest_see(&n, "");
	nearest_see(&n, "x");
	T_EQ(n.n, 0);
	/* The three best of many, whatever their order; a short buffer is cut, not overrun. */
	nearest_init(&n, "abcdefgh");
	for (i = 0; i < 10; i++) {
		snprintf(longer, sizeof(longer), "abcdef%c%c", 'a' + i, 'b' + i);
		nearest_see(&n, longer);
	}
	T_EQ(n.n, 3);
	T_STR(n.best[0].name, "abcdefgh");
	T_EQ(strlen(nearest_text(&n, buf, sizeof(buf))), sizeof(buf) - 1);
}

/* The distance table is banded; a plain one gives the same answers. */
static int plain_distance(const char *a, const char *b)
{
	int t[32][32], i, j, la = (int)strlen(a), lb = (int)strlen(b);

	for (i = 0; i <= la; i++)
		for (j = 0; j <= lb; j++) {
			t[i][j] = !i ? j : !j ? i : t[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (i && j && t[i - 1][j] + 1 < t[i][j])
				t[i][j] = t[i - 1][j] + 1;
			if (i && j && t[i][j - 1] + 1 < t[i][j])
				t[i][j] = t[i][j - 1] + 1;
		}
	return t[la][lb];
}

static void fill(char *s)
{
	int i, n = 12 + rand() % 6;

	for (i = 0; i < n; i++)
		s[i] = (char)('a' + rand() % 2);
	s[n] = 0;
}

static void distances(void)
{
	char a[32], b[32];
	int i, d, allowed, agree = 0, near = 0;
	struct nearest n;

	srand(1);
	for (i = 0; i < 20000; i++) {
		fill(a);
		fill(b);
		nearest_init(&n, a);
		nearest_see(&n, b);
		d = plain_distance(a, b);
		allowed = 1 + (int)strlen(a) / 6;
		if (d <= allowed) {
			near++;
			agree += n.n == 1 && n.best[0].score == 10 * d + 2;
		} else {
			agree += n.n == 0 || n.best[0].score >= 80;
		}
	}
	T_EQ(agree, 20000);
	T_OK(near > 100);
}

int main(void)
{
	ranks();
	mangled();
	bounds();
	distances();
	return t_done();
}
