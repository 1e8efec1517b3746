// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include "../../common/optenv.h"
#include "t.h"

static char errors[1024];

static void on_error(const char *msg, void *ctx)
{
	snprintf(errors + strlen(errors), sizeof(errors) - strlen(errors), "%s\n", msg);
}

int main(void)
{
	static const struct opt_tool tool = {.name = "unit-env"};
	struct opt_table t;

	T_EQ(opttable_init(&t, &tool), 0);
	setenv("UNIT_ENV_PID", "1,2", 1);
	setenv("UNIT_ENV_EXCLUDE_PID", "3", 1);
	setenv("UNIT_ENV_JSON", "1", 1);
	setenv("UNIT_ENVY", "other", 1);
	T_EQ(opttable_set(opttable_find(&t, "json"), OPT_FROM_CMDLINE, "no", true), 0);
	T_EQ(optenv_check(&t, on_error, NULL), 0);
	T_EQ(optenv_read(&t, on_error, NULL), 0);
	T_STR(errors, "");
	T_EQ(std.pids.n, 2);
	T_STR(std.exclude_pids.v[0], "3");
	T_OK(!std.json);

	setenv("UNIT_ENV_DURATION", "5x", 1);
	setenv("UNIT_ENV_OUTPUT", "", 1);
	T_EQ(optenv_read(&t, on_error, NULL), 2);
	T_STR(errors, "UNIT_ENV_DURATION: bad value '5x': give seconds above 0, up to 1000000000\n"
		      "UNIT_ENV_OUTPUT: bad value '': give some text\n");

	errors[0] = 0;
	setenv("UNIT_ENV_HELP", "1", 1);
	setenv("UNIT_ENV_PIDS", "1", 1);
	T_EQ(optenv_check(&t, on_error, NULL), 2);
	T_OK(strstr(errors, "UNIT_ENV_HELP: names no option"));
	T_OK(strstr(errors, "UNIT_ENV_PIDS: names no option"));
	opttable_free(&t);
	opts_free();
	return t_done();
}
