// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include "../../common/log.h"
#include "../../common/opts.h"
#include "../../common/optval.h"
#include "t.h"

static uint64_t u;
static double pct;
static const char *str;
static bool flag;
static struct opt_list list;
static const char *const colours[] = {"red", "green", NULL};

static const struct opt o_uint = {"n", .kind = OPT_UINT, .dst = &u, .min = 1, .max = 65535};
static const struct opt o_any = {"n", .kind = OPT_UINT, .dst = &u};
static const struct opt o_sec = {"s", .kind = OPT_SEC, .dst = &u, .min = 1e-9, .max = 1e9};
static const struct opt o_interval = {"i", .kind = OPT_SEC, .dst = &u, .min = 0.1, .max = 86400};
/* 2.01 * 1e9 is below 2010000000 in floating point. */
static const struct opt o_odd = {"i", .kind = OPT_SEC, .dst = &u, .min = 2.01, .max = 2.01};
static const struct opt o_msec = {"m", .kind = OPT_MSEC, .dst = &u};
static const struct opt o_pct = {"p", .kind = OPT_PERCENT, .dst = &pct};
static const struct opt o_str = {"t", .kind = OPT_STR, .dst = &str};
static const struct opt o_enum = {"e", .kind = OPT_ENUM, .dst = &str, .choices = colours};
static const struct opt o_flag = {"f", .kind = OPT_FLAG, .dst = &flag};
static const struct opt o_pids = {"P", .kind = OPT_PIDS, .dst = &list};
static const struct opt o_ports = {"p", .kind = OPT_PORTS, .dst = &list};
static const struct opt o_cidrs = {"a", .kind = OPT_CIDRS, .dst = &list};
static const struct opt o_list = {"l", .kind = OPT_LIST, .dst = &list};

static void numbers(void)
{
	static const struct {
		const struct opt *o;
		const char *text;
		uint64_t want;
	} good[] = {
		{&o_uint, "1", 1},
		{&o_uint, "65535", 65535},
		{&o_uint, "007", 7},
		{&o_any, "0", 0},
		{&o_any, "18446744073709551615", UINT64_MAX},
		{&o_sec, "5", 5000000000},
		{&o_sec, "0.25", 250000000},
		{&o_sec, ".5", 500000000},
		{&o_sec, "0.000000001", 1},
		{&o_sec, "1.5000000000000", 1500000000},
		{&o_sec, "1000000000", 1000000000000000000},
		{&o_interval, "0.1", 100000000},
		{&o_interval, "86400", 86400000000000},
		{&o_odd, "2.01", 2010000000},
		{&o_msec, "0", 0},
		{&o_msec, "1.000001", 1000001},
	};
	static const struct {
		const struct opt *o;
		const char *text;
	} bad[] = {
		{&o_uint, "0"},
		{&o_uint, "65536"},
		{&o_uint, ""},
		{&o_uint, "1.0"},
		{&o_uint, "0x10"},
		{&o_uint, "1 "},
		{&o_uint, "+1"},
		{&o_any, "18446744073709551616"},
		{&o_any, "-1"},
		{&o_sec, "5x"},
		{&o_sec, "-4"},
		{&o_sec, ""},
		{&o_sec, " 5"},
		{&o_sec, "5 "},
		{&o_sec, "1e3"},
		{&o_sec, "nan"},
		{&o_sec, "inf"},
		{&o_sec, "0x5"},
		{&o_sec, "."},
		{&o_sec, "5."},
		{&o_sec, "1.2.3"},
		{&o_sec, "1,5"},
		{&o_sec, "0"},
		{&o_sec, "0.0"},
		{&o_sec, "1000000000.1"},
		{&o_sec, "0.0000000001"},
		{&o_sec, "99999999999999999999"},
		{&o_interval, "0.099999999"},
		{&o_interval, "86400.1"},
		{&o_msec, "0.0000001"},
		{&o_msec, "18446744073710"},
		{&o_odd, "2.010000001"},
		{&o_odd, "2.009999999"},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		u = 42;
		T_EQ(opts_set(good[i].o, good[i].text), 0);
		T_OK(u == good[i].want);
		u = 42;
		T_EQ(optval_parse(good[i].o, good[i].text, false), 0);
		T_EQ(u, 42);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char quoted[64];

		u = 42;
		fail_clear();
		T_EQ(opts_set(bad[i].o, bad[i].text), -EINVAL);
		T_EQ(u, 42);
		snprintf(quoted, sizeof(quoted), "bad value '%s': give ", bad[i].text);
		T_OK(strstr(fail_text(-EINVAL), quoted));
	}
}

static void percentages(void)
{
	T_EQ(opts_set(&o_pct, "12.5%"), 0);
	T_OK(pct == 12.5);
	T_EQ(opts_set(&o_pct, "100"), 0);
	T_OK(pct == 100);
	T_EQ(opts_set(&o_pct, "0.000000001"), 0);
	T_OK(pct > 0);
	T_EQ(opts_set(&o_pct, "0"), -EINVAL);
	T_EQ(opts_set(&o_pct, "100.1"), -EINVAL);
	T_EQ(opts_set(&o_pct, "%"), -EINVAL);
	T_EQ(opts_set(&o_pct, "5%%"), -EINVAL);
}

static void words(void)
{
	static const char *const yes[] = {"true", "YES", "on", "1"};
	static const char *const no[] = {"false", "no", "Off", "0"};
	char long_text[200];

	for (int i = 0; i < 4; i++) {
		T_EQ(opts_set(&o_flag, yes[i]), 0);
		T_OK(flag);
		T_EQ(opts_set(&o_flag, no[i]), 0);
		T_OK(!flag);
	}
	T_EQ(opts_set(&o_flag, "2"), -EINVAL);
	T_EQ(opts_set(&o_flag, ""), -EINVAL);
	T_EQ(opts_set(&o_str, "a b"), 0);
	T_STR(str, "a b");
	T_EQ(opts_set(&o_str, ""), -EINVAL);
	T_STR(str, "a b");
	T_EQ(opts_set(&o_enum, "green"), 0);
	T_STR(str, "green");
	T_EQ(opts_set(&o_enum, "blue"), -EINVAL);
	T_STR(fail_text(-EINVAL), "bad value 'blue': give one of red, green");
	T_EQ(opts_set(&o_enum, "gre"), -EINVAL);

	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = 0;
	T_EQ(opts_set(&o_enum, long_text), -EINVAL);
	T_OK(strstr(fail_text(-EINVAL), "xxx...': give"));
}

static void lists(void)
{
	T_EQ(opts_set(&o_pids, "1,4194304, 30"), 0);
	T_EQ(list.n, 3);
	T_STR(list.v[1], "4194304");
	T_STR(list.v[2], "30");
	/* adds up, and a bad item adds nothing */
	T_EQ(opts_set(&o_pids, "4,5"), 0);
	T_EQ(list.n, 5);
	T_STR(list.v[4], "5");
	T_EQ(opts_set(&o_pids, "6,0"), -EINVAL);
	T_EQ(opts_set(&o_pids, "6,4194305"), -EINVAL);
	T_EQ(opts_set(&o_pids, "6,"), -EINVAL);
	T_EQ(opts_set(&o_pids, ",6"), -EINVAL);
	T_EQ(opts_set(&o_pids, ""), -EINVAL);
	T_EQ(opts_set(&o_pids, " 6"), -EINVAL);
	T_EQ(opts_set(&o_pids, "-6"), -EINVAL);
	T_EQ(list.n, 5);

	list = (struct opt_list){0};
	T_EQ(opts_set(&o_list, "a\\,b,c\\*,d\\\\,e\\"), 0);
	T_EQ(list.n, 4);
	T_STR(list.v[0], "a,b");
	T_STR(list.v[1], "c\\*");
	T_STR(list.v[2], "d\\\\");
	T_STR(list.v[3], "e\\");
	T_EQ(opts_set(&o_list, "a,,b"), -EINVAL);
	T_EQ(list.n, 4);
	for (int i = 0; i < 1000; i++)
		T_EQ(opts_set(&o_list, "x"), 0);
	T_EQ(list.n, 1004);
	T_STR(list.v[0], "a,b");
	T_STR(list.v[1003], "x");
}

static void networks(void)
{
	list = (struct opt_list){0};
	T_EQ(opts_set(&o_ports, "80, 8000-8100"), 0);
	T_EQ(opts_set(&o_ports, "65535"), 0);
	T_EQ(list.n, 3);
	T_STR(list.v[1], "8000-8100");
	T_STR(list.v[2], "65535");
	T_EQ(opts_set(&o_ports, "1,8100-8000"), -EINVAL);
	T_STR(fail_text(-EINVAL), "bad value '8100-8000': the lower port comes first: 8000-8100");
	T_EQ(opts_set(&o_ports, "1,,2"), -EINVAL);
	T_OK(strstr(fail_text(-EINVAL), "bad value '': give a port from 1 to 65535"));
	T_EQ(opts_set(&o_ports, ""), -EINVAL);
	T_EQ(opts_set(&o_ports, "1,65536"), -EINVAL);
	T_EQ(opts_set(&o_ports, "1,80x"), -EINVAL);
	T_EQ(list.n, 3);

	list = (struct opt_list){0};
	T_EQ(opts_set(&o_cidrs, "10.0.0.0/8,::1, 2001:db8::/32"), 0);
	T_EQ(list.n, 3);
	T_STR(list.v[2], "2001:db8::/32");
	T_EQ(opts_set(&o_cidrs, "::2,10.0.0.1/8"), -EINVAL);
	T_STR(fail_text(-EINVAL),
	      "bad value '10.0.0.1/8': it has bits beyond /8; the network is 10.0.0.0/8");
	T_EQ(opts_set(&o_cidrs, "::2,"), -EINVAL);
	T_EQ(opts_set(&o_cidrs, "::2,host"), -EINVAL);
	T_EQ(list.n, 3);
}

int main(void)
{
	numbers();
	percentages();
	words();
	lists();
	networks();
	opts_free();
	return t_done();
}
