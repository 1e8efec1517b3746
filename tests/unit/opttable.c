// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include "../../common/log.h"
#include "../../common/opttable.h"
#include "t.h"

static bool b;
static const char *const backends[] = {"one", "two", NULL};
#define FLAG(NAME, KEY)                                                                            \
	{                                                                                          \
		NAME, KEY, NULL, OPT_FLAG, &b, .help = "x"                                         \
	}
#define END                                                                                        \
	{                                                                                          \
		.kind = OPT_END                                                                    \
	}

static int try(const struct opt *rows, struct opt_table *t)
{
	const struct opt_tool tool = {.name = "unit", .opts = rows};

	fail_clear();
	return opttable_init(t, &tool);
}

static void clashes(void)
{
	static const struct opt name[] = {FLAG("json", 0), END};
	static const struct opt letter[] = {FLAG("jump", 'j'), END};
	static const struct opt own[] = {FLAG("a", 'a'), FLAG("b", 'a'), END};
	static const struct opt orphan[] = {{"nothing", 'n', .flags = OPT_F_ALIAS}, END};
	static const struct opt taken[] = {{"pid", 'j', .flags = OPT_F_ALIAS}, END};
	static const struct opt alias[] = {{"pid", 'p', .flags = OPT_F_ALIAS}, END};
	struct opt_table t;

	T_EQ(try(name, &t), -EINVAL);
	T_STR(fail_text(-EINVAL), "two options are named --json");
	T_EQ(try(letter, &t), -EINVAL);
	T_STR(fail_text(-EINVAL), "two options are named -j");
	T_EQ(try(own, &t), -EINVAL);
	T_EQ(try(orphan, &t), -EINVAL);
	T_STR(fail_text(-EINVAL), "-n is an alias of no option --nothing");
	T_EQ(try(taken, &t), -EINVAL);
	T_EQ(try(alias, &t), 0);
	T_EQ(opttable_find(&t, "pid")->also, 'p');
	opttable_free(&t);
}

static void standard(void)
{
	struct opt_tool tool = {.name = "unit"};
	char text[256];
	struct opt_table t;

	T_EQ(opttable_init(&t, &tool), 0);
	T_OK(!opttable_find(&t, "interval"));
	T_OK(!opttable_find(&t, "backend"));
	T_OK(!opttable_find(&t, "durat"));
	T_OK(opttable_settable(opttable_find(&t, "duration")));
	T_OK(!opttable_settable(opttable_find(&t, "config")));
	T_STR(opttable_nearest(&t, "duratoin", true, text, sizeof(text)),
	      " (did you mean --duration?)");
	T_STR(opttable_nearest(&t, "zzzzzz", true, text, sizeof(text)), "");
	T_STR(opttable_nearest(&t, "help", false, text, sizeof(text)), "");
	opttable_free(&t);

	tool.intervals = true;
	tool.backends = backends;
	T_EQ(opttable_init(&t, &tool), 0);
	T_OK(opttable_find(&t, "interval") != NULL);
	T_OK(opttable_find(&t, "backend")->o.choices == backends);
	opttable_free(&t);
}

static void precedence(void)
{
	static char *dflt[] = {"9"};
	const struct opt_tool tool = {.name = "unit"};
	struct opt_row *pid, *dur;
	struct opt_table t;

	std.pids = (struct opt_list){dflt, 1};
	T_EQ(opttable_init(&t, &tool), 0);
	pid = opttable_find(&t, "pid");
	dur = opttable_find(&t, "duration");
	T_EQ(opttable_set(pid, OPT_FROM_ENV, "1,2", false), 0);
	T_EQ(std.pids.n, 1);
	T_EQ(opttable_set(pid, OPT_FROM_ENV, "1,2", true), 0);
	T_EQ(std.pids.n, 2);
	T_EQ(opttable_set(pid, OPT_FROM_ENV, "3", true), 0);
	T_EQ(std.pids.n, 3);
	T_EQ(opttable_set(pid, OPT_FROM_ETC, "4", true), 0);
	T_EQ(std.pids.n, 3);
	T_EQ(opttable_set(pid, OPT_FROM_ETC, "x", true), -EINVAL);
	T_EQ(opttable_set(dur, OPT_FROM_CMDLINE, "1", true), 0);
	T_EQ(opttable_set(dur, OPT_FROM_CMDLINE, "2", true), 0);
	T_EQ(opttable_set(dur, OPT_FROM_FILE, "3", true), 0);
	T_OK(std.duration_ns == 2000000000);
	opttable_free(&t);
	opts_free();
}

int main(void)
{
	clashes();
	standard();
	precedence();
	return t_done();
}
