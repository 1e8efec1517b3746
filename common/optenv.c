// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "optenv.h"

extern char **environ;

/* "HANDLERLAT_EXCLUDE_PID"; without an option "HANDLERLAT_". */
static void env_name(const char *tool, const char *option, char *buf, size_t size)
{
	snprintf(buf, size, "%s_%s", tool, option);
	for (; *buf; buf++)
		*buf = *buf == '-' ? '_' : (char)toupper((unsigned char)*buf);
}

int optenv_check(const struct opt_table *t, config_error_fn *on_error, void *ctx)
{
	char prefix[64], name[128], msg[512];
	int mistakes = 0;

	env_name(t->tool->name, "", prefix, sizeof(prefix));
	for (char **e = environ; *e; e++) {
		size_t len = strcspn(*e, "="), i;

		if (strncmp(*e, prefix, strlen(prefix)))
			continue;
		for (i = 0; i < t->n; i++) {
			if (!opttable_settable(&t->rows[i]))
				continue;
			env_name(t->tool->name, t->rows[i].o.name, name, sizeof(name));
			if (strlen(name) == len && !strncmp(*e, name, len))
				break;
		}
		if (i < t->n)
			continue;
		snprintf(msg, sizeof(msg), "%.*s: names no option that the environment may set",
			 (int)(len < 128 ? len : 128), *e);
		on_error(msg, ctx);
		mistakes++;
	}
	return mistakes;
}

int optenv_read(struct opt_table *t, config_error_fn *on_error, void *ctx)
{
	char name[128], msg[1280];
	int mistakes = 0;

	for (size_t i = 0; i < t->n; i++) {
		const char *value;

		if (!opttable_settable(&t->rows[i]))
			continue;
		env_name(t->tool->name, t->rows[i].o.name, name, sizeof(name));
		value = getenv(name);
		if (!value || !opttable_set(&t->rows[i], OPT_FROM_ENV, value, true))
			continue;
		snprintf(msg, sizeof(msg), "%s: %s", name, fail_text(-EINVAL));
		on_error(msg, ctx);
		mistakes++;
	}
	return mistakes;
}
