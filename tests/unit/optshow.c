// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include "../../common/opts.h"
#include "../../common/optshow.h"
#include "t.h"

static uint64_t u;
static double pct;
static const char *str;
static bool flag;
static struct opt_list list;
static const char *const colours[] = {"red", "green", NULL};

static const char *wanted(struct opt o)
{
	static char buf[512];

	return optval_wanted(&o, buf, sizeof(buf));
}

static const char *shown(struct opt o, size_t i)
{
	static char buf[512];
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	optval_print(&o, i, f);
	fclose(f);
	snprintf(buf, sizeof(buf), "%s", text);
	free(text);
	return buf;
}

static void permitted(void)
{
	char tiny[8];
	struct opt o = {.kind = OPT_ENUM, .choices = colours};

	T_STR(wanted((struct opt){.kind = OPT_UINT, .min = 1, .max = 65535}),
	      "a whole number from 1 to 65535");
	T_STR(wanted((struct opt){.kind = OPT_UINT}), "a whole number, 0 or more");
	T_STR(wanted((struct opt){.kind = OPT_UINT, .min = 2}), "a whole number, 2 or more");
	T_STR(wanted((struct opt){.kind = OPT_SEC, .min = 1e-9, .max = 1e9}),
	      "seconds above 0, up to 1000000000");
	T_STR(wanted((struct opt){.kind = OPT_SEC, .min = 0.1, .max = 86400}),
	      "seconds from 0.1 to 86400");
	T_STR(wanted((struct opt){.kind = OPT_MSEC, .min = 1e-9}), "milliseconds above 0");
	T_STR(wanted((struct opt){.kind = OPT_PERCENT}), "a percentage above 0, up to 100");
	T_STR(wanted((struct opt){.kind = OPT_PORTS}),
	      "ports from 1 to 65535 or ranges such as 8000-8100, separated by commas");
	T_STR(wanted((struct opt){.kind = OPT_CIDRS}),
	      "addresses or networks such as 10.0.0.0/8, separated by commas");
	T_STR(wanted(o), "one of red, green");
	T_STR(optval_wanted(&o, tiny, sizeof(tiny)), "one of ");
}

static void values(void)
{
	const struct opt sec = {.kind = OPT_SEC, .dst = &u, .min = 1e-9};
	const struct opt msec = {.kind = OPT_MSEC, .dst = &u};
	const struct opt text = {.kind = OPT_STR, .dst = &str};
	char *items[] = {"a,b", "c\\*", "d\\\\,x", "e\\", " f"};
	const struct opt globs = {.kind = OPT_LIST, .dst = &list};

	T_EQ(optval_count(&sec), 0);
	T_EQ(optval_count(&msec), 1);
	u = 1500000000;
	T_EQ(optval_count(&sec), 1);
	T_STR(shown(sec, 0), "1.5");
	T_STR(shown(msec, 0), "1500");
	u = 1000001;
	T_STR(shown(sec, 0), "0.001000001");
	T_STR(shown(msec, 0), "1.000001");
	u = UINT64_MAX;
	T_STR(shown((struct opt){.kind = OPT_UINT, .dst = &u}, 0), "18446744073709551615");
	pct = 12.5;
	T_STR(shown((struct opt){.kind = OPT_PERCENT, .dst = &pct}, 0), "12.5");
	T_STR(shown((struct opt){.kind = OPT_FLAG, .dst = &flag}, 0), "false");

	T_EQ(optval_count(&text), 0);
	str = "/var/log/x-1.json";
	T_EQ(optval_count(&text), 1);
	T_STR(shown(text, 0), "/var/log/x-1.json");
	str = "a \"b\" \\ #\n\x01";
	T_STR(shown(text, 0), "\"a \\\"b\\\" \\\\ #\\x0a\\x01\"");

	list = (struct opt_list){items, 5};
	T_EQ(optval_count(&globs), 5);
	T_STR(shown(globs, 0), "\"a\\\\,b\"");
	T_STR(shown(globs, 1), "\"c\\\\*\"");
	T_STR(shown(globs, 2), "\"d\\\\\\\\\\\\,x\"");
	T_STR(shown(globs, 3), "\"e\\\\\"");
	T_STR(shown(globs, 4), "\" f\"");

	items[0] = "8000-8100";
	items[1] = "2001:db8::/32";
	list.n = 2;
	T_EQ(optval_count(&(struct opt){.kind = OPT_PORTS, .dst = &list}), 2);
	T_STR(shown((struct opt){.kind = OPT_PORTS, .dst = &list}, 0), "8000-8100");
	T_EQ(optval_count(&(struct opt){.kind = OPT_CIDRS, .dst = &list}), 2);
	T_STR(shown((struct opt){.kind = OPT_CIDRS, .dst = &list}, 1), "2001:db8::/32");
}

int main(void)
{
	permitted();
	values();
	return t_done();
}
