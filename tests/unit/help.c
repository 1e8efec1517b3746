// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include "../../common/help.h"
#include "t.h"

static const char *const modes[] = {"auto", "perf", NULL};
static const char *mode = "auto";
static uint64_t slower, top = 10;
static double share = 100;
static const struct opt rows[] = {
	{.kind = OPT_GROUP, .help = "Own things"},
	{"mode", 'm', "MODE", OPT_ENUM, &mode, .help = "how", .choices = modes},
	{"slower", 0, "MS", OPT_MSEC, &slower, .help = "only slower calls"},
	{"top", 't', "N", OPT_UINT, &top, 1, 50, .help = "show so many"},
	{"share", 0, "PCT", OPT_PERCENT, &share, .help = "sample these"},
	{"a-name-that-is-rather-long", 0, "ARGUMENT", OPT_UINT, &slower, .help = "still shown"},
	{"pid", 'p', .flags = OPT_F_ALIAS},
	{.kind = OPT_END},
};
static const struct opt_tool tool = {
	.name = "unit",
	.args = "[TARGET]\n-- COMMAND",
	.summary = "test the help",
	.examples = "  unit x    does x",
	.opts = rows,
};

static const char head[] =
	"Usage: unit [OPTION...] [TARGET]\n"
	"  or:  unit [OPTION...] -- COMMAND\n"
	"test the help\n\nOwn things:\n"
	"  -m, --mode=MODE           how; one of auto, perf; default auto\n"
	"      --slower=MS           only slower calls\n"
	"  -t, --top=N               show so many; a whole number from 1 to 50; default\n"
	"                            10\n"
	"      --share=PCT           sample these; a percentage above 0, up to 100;\n"
	"                            default 100\n"
	"      --a-name-that-is-rather-long=ARGUMENT\n"
	"                            still shown\n"
	"\nWhich processes:\n"
	"  -P, --pid=PID[,PID]       only these processes; also -p\n";

static char *print(const struct opt_tool *which)
{
	struct opt_table t;
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	T_EQ(opttable_init(&t, which), 0);
	help_print(&t, f);
	fclose(f);
	opttable_free(&t);
	return text;
}

/* "  -x, --long" or "      --long": what tests/docs.sh reads. */
static int regular(const char *line)
{
	if (!strncmp(line, "      --", 8))
		return 1;
	return !strncmp(line, "  -", 3) && !strncmp(line + 4, ", --", 4);
}

int main(void)
{
	static const struct opt_tool bare = {.name = "bare", .summary = "nothing"};
	char *text = print(&tool);
	int options = 0;

	T_OK(!strncmp(text, head, strlen(head)));
	T_OK(strstr(text, "\n\nExamples:\n  unit x    does x\n"));
	T_EQ(text[strlen(text) - 1], '\n');
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		T_OK(strlen(line) <= 80);
		if (strstr(line, " --") && line[strspn(line, " ")] == '-') {
			T_OK(regular(line));
			options++;
		}
	}
	T_EQ(options, 24);
	free(text);

	text = print(&bare);
	T_OK(!strncmp(text, "Usage: bare [OPTION...]\nnothing\n", 32));
	T_OK(!strstr(text, "Examples") && !strstr(text, "--interval"));
	free(text);
	return t_done();
}
