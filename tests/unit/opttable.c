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

/* -p is a port in the network tools, and may be an alias of -P in the others. */
static void network(void)
{
	static const struct opt alias[] = {{"pid", 'p', .flags = OPT_F_ALIAS}, END};
	static const struct opt own[] = {FLAG("four", '4'), END};
	struct opt_tool tool = {.name = "unit"};
	struct opt_table t;

	T_EQ(opttable_init(&t, &tool), 0);
	T_OK(!opttable_find(&t, "port") && !opttable_find(&t, "ipv4"));
	opttable_free(&t);
	tool.network = true;
	T_EQ(opttable_init(&t, &tool), 0);
	T_OK(t.rows[0].o.kind == OPT_GROUP);
	T_STR(t.rows[0].o.help, "Which connections");
	T_EQ(opttable_find(&t, "port")->o.key, 'p');
	T_EQ(opttable_find(&t, "ipv6")->o.key, '6');
	T_OK(opttable_find(&t, "local-port") && opttable_find(&t, "remote-port"));
	T_OK(opttable_settable(opttable_find(&t, "addr")));
	opttable_free(&t);

	tool.opts = own;
	T_EQ(opttable_init(&t, &tool), -EINVAL);
	T_STR(fail_text(-EINVAL), "two options are named -4");
	tool.opts = alias;
	T_EQ(opttable_init(&t, &tool), -EINVAL);
	T_STR(fail_text(-EINVAL), "two options are named -p");
	tool.network = false;
	T_EQ(opttable_init(&t, &tool), 0);
	T_EQ(opttable_find(&t, "pid")->also, 'p');
	opttable_free(&t);
}

static void rivals(void)
{
	const struct opt_tool tool = {.name = "unit", .network = true};
	struct opt_row *four, *six;
	struct opt_table t;

	T_EQ(opttable_init(&t, &tool), 0);
	four = opttable_find(&t, "ipv4");
	six = opttable_find(&t, "ipv6");
	/* the nearer source stands, whichever comes first */
	T_EQ(opttable_set(four, OPT_FROM_FILE, "yes", true), 0);
	T_EQ(opttable_set(six, OPT_FROM_ETC, "yes", true), 0);
	T_OK(std.ipv4 && !std.ipv6);
	T_EQ(opttable_set(six, OPT_FROM_ENV, "yes", true), 0);
	T_OK(!std.ipv4 && std.ipv6);
	/* from one source both are too many, unless one is off */
	T_EQ(opttable_set(four, OPT_FROM_ENV, "yes", true), -EINVAL);
	T_STR(fail_text(-EINVAL), "not together with ipv6; neither means both");
	T_OK(!std.ipv4 && std.ipv6);
	T_EQ(opttable_set(six, OPT_FROM_ENV, "no", true), 0);
	T_EQ(opttable_set(four, OPT_FROM_ENV, "yes", true), 0);
	T_OK(std.ipv4 && !std.ipv6);
	/* a default gives way */
	opttable_free(&t);
	T_EQ(opttable_init(&t, &tool), 0);
	T_EQ(opttable_set(opttable_find(&t, "ipv6"), OPT_FROM_ETC, "yes", true), 0);
	T_OK(!std.ipv4 && std.ipv6);
	opttable_free(&t);
}

int main(void)
{
	clashes();
	standard();
	precedence();
	network();
	rivals();
	return t_done();
}
