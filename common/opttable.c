// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "nearest.h"
#include "opttable.h"
#include "optval.h"

#define SEC_MIN 1e-9 /* the smallest duration above none */

struct std_opts std;
struct opt_actions opt_actions;

static const struct opt net_rows[] = {
	{.kind = OPT_GROUP, .help = "Which connections"},
	{"port", 'p', "PORT[,PORT]", OPT_PORTS, &std.ports,
	 .help = "only connections with one of these ports at either end; LOW-HIGH is a range"},
	{"local-port", 0, "PORT[,PORT]", OPT_PORTS, &std.local_ports,
	 .help = "only connections with one of these ports at this end"},
	{"remote-port", 0, "PORT[,PORT]", OPT_PORTS, &std.remote_ports,
	 .help = "only connections with one of these ports at the far end"},
	{"addr", 0, "CIDR[,CIDR]", OPT_CIDRS, &std.addrs,
	 .help = "only connections with an address of one of these networks at either end"},
	{"ipv4", '4', NULL, OPT_FLAG, &std.ipv4,
	 .help = "only IPv4, also where an IPv6 socket carries it"},
	{"ipv6", '6', NULL, OPT_FLAG, &std.ipv6, .help = "only IPv6"},
	{.kind = OPT_END},
};

static const struct opt std_rows[] = {
	{.kind = OPT_GROUP, .help = "Which processes"},
	{"pid", 'P', "PID[,PID]", OPT_PIDS, &std.pids, .help = "only these processes"},
	{"exclude-pid", 0, "PID[,PID]", OPT_PIDS, &std.exclude_pids, .help = "not these processes"},
	{"comm", 0, "GLOB", OPT_LIST, &std.comms, .help = "only processes whose name matches"},
	{"exclude-comm", 0, "GLOB", OPT_LIST, &std.exclude_comms,
	 .help = "not processes whose name matches"},
	{"cgroup", 0, "PATH", OPT_LIST, &std.cgroups,
	 .help = "only processes in this cgroup or below it"},
	{"exclude-cgroup", 0, "PATH", OPT_LIST, &std.exclude_cgroups,
	 .help = "not processes in this cgroup or below it"},

	{.kind = OPT_GROUP, .help = "How long"},
	{"duration", 'd', "SEC", OPT_SEC, &std.duration_ns, SEC_MIN, 1e9,
	 .help = "stop after this time"},
	{"interval", 'i', "SEC", OPT_SEC, &std.interval_ns, 0.1, 86400,
	 .help = "report this often"},
	{"max-events", 0, "N", OPT_UINT, &std.max_events,
	 .help = "stop after this many events; 0 for no limit"},

	{.kind = OPT_GROUP, .help = "Output"},
	{"json", 'j', NULL, OPT_FLAG, &std.json, .help = "print one JSON object per line"},
	{"output", 'o', "DEST", OPT_STR, &std.output,
	 .help = "send the JSON lines to FILE, syslog:, tcp://HOST:PORT, udp://HOST:PORT or "
		 "unix:PATH"},
	{"verbose", 'v', NULL, OPT_FLAG, &std.verbose, .help = "say more on stderr"},
	{"record", 0, "FILE", OPT_STR, &std.record, .help = "keep what the kernel sent in FILE"},
	{"replay", 0, "FILE", OPT_STR, &std.replay,
	 .help = "read a recorded FILE instead of the kernel"},

	{.kind = OPT_GROUP, .help = "Running"},
	{"backend", 0, "NAME", OPT_ENUM, &std.backend, .help = "use this way to trace"},
	{"stay-root", 0, NULL, OPT_FLAG, &std.stay_root,
	 .help = "keep the privileges that are otherwise dropped once tracing has begun"},
	{"config", 0, "FILE", OPT_STR, &std.config, .help = "read options from FILE",
	 .flags = OPT_F_CMDLINE},
	{"print-config", 0, NULL, OPT_FLAG, &opt_actions.print_config,
	 .help = "print a config file with the options in force, and exit", .flags = OPT_F_CMDLINE},
	{"check-config", 0, NULL, OPT_FLAG, &opt_actions.check_config,
	 .help = "name every mistake in the environment and the config files, and exit",
	 .flags = OPT_F_CMDLINE},
	{"help", 'h', NULL, OPT_FLAG, &opt_actions.help, .help = "show this help",
	 .flags = OPT_F_CMDLINE},
	{"version", 'V', NULL, OPT_FLAG, &opt_actions.version, .help = "show the version",
	 .flags = OPT_F_CMDLINE},
	{.kind = OPT_END},
};

/* An alias row may have no kind. */
static bool more(const struct opt *o)
{
	return o->name || o->kind != OPT_END;
}

static size_t count(const struct opt *o)
{
	size_t n = 0;

	while (more(o + n))
		n++;
	return n;
}

static bool wanted(const struct opt_tool *tool, const struct opt *o)
{
	if (o->dst == &std.interval_ns)
		return tool->intervals;
	if (o->dst == &std.backend)
		return tool->backends != NULL;
	return true;
}

static int add(struct opt_table *t, const struct opt *o)
{
	struct opt_row *r = &t->rows[t->n];

	for (size_t i = 0; o->kind != OPT_GROUP && i < t->n; i++) {
		if (t->rows[i].o.kind == OPT_GROUP)
			continue;
		if (!strcmp(t->rows[i].o.name, o->name))
			return fail(-EINVAL, "two options are named --%s", o->name);
		if (o->key && t->rows[i].o.key == o->key)
			return fail(-EINVAL, "two options are named -%c", o->key);
	}
	r->o = *o;
	if (o->dst == &std.backend)
		r->o.choices = t->tool->backends;
	t->n++;
	return 0;
}

static int add_alias(struct opt_table *t, const struct opt *o)
{
	struct opt_row *r = opttable_find(t, o->name);

	if (!r)
		return fail(-EINVAL, "-%c is an alias of no option --%s", o->key, o->name);
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].o.key == o->key || t->rows[i].also == o->key)
			return fail(-EINVAL, "two options are named -%c", o->key);
	r->also = (char)o->key;
	return 0;
}

static void set_rivals(struct opt_table *t, const char *one, const char *other)
{
	struct opt_row *a = opttable_find(t, one), *b = opttable_find(t, other);

	a->rival = b;
	b->rival = a;
}

int opttable_init(struct opt_table *t, const struct opt_tool *tool)
{
	static const struct opt none = {.kind = OPT_END};
	const struct opt *own = tool->opts ?: &none, *o;
	int err = 0;

	*t = (struct opt_table){.tool = tool};
	t->rows = calloc(count(own) + count(net_rows) + count(std_rows), sizeof(*t->rows));
	if (!t->rows)
		return fail(-ENOMEM, "out of memory");
	for (o = own; !err && more(o); o++)
		if (!(o->flags & OPT_F_ALIAS))
			err = add(t, o);
	for (o = net_rows; !err && tool->network && more(o); o++)
		err = add(t, o);
	for (o = std_rows; !err && more(o); o++)
		if (wanted(tool, o))
			err = add(t, o);
	/* Last, for an alias may be of a standard row. */
	for (o = own; !err && more(o); o++)
		if (o->flags & OPT_F_ALIAS)
			err = add_alias(t, o);
	if (!err && tool->network)
		set_rivals(t, "ipv4", "ipv6");
	if (err)
		opttable_free(t);
	return err;
}

void opttable_free(struct opt_table *t)
{
	free(t->rows);
	t->rows = NULL;
	t->n = 0;
}

struct opt_row *opttable_find(const struct opt_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].o.kind != OPT_GROUP && !strcmp(t->rows[i].o.name, name))
			return &t->rows[i];
	return NULL;
}

char *opttable_nearest(const struct opt_table *t, const char *name, bool dashes, char *buf,
		       size_t size)
{
	struct nearest near;
	char shown[64];

	snprintf(shown, sizeof(shown), "%s%s", dashes ? "--" : "", name);
	nearest_init(&near, shown);
	for (size_t i = 0; i < t->n; i++) {
		if (t->rows[i].o.kind == OPT_GROUP || (!dashes && !opttable_settable(&t->rows[i])))
			continue;
		snprintf(shown, sizeof(shown), "%s%s", dashes ? "--" : "", t->rows[i].o.name);
		nearest_see(&near, shown);
	}
	return nearest_text(&near, buf, size);
}

/*
 * r, a flag, was just set from that source: it and its rival must not both be true. The farther one
 * gives way, wherever it stands.
 */
static int settle_rivals(struct opt_row *r, enum opt_source from)
{
	bool *mine = r->o.dst, *other = r->rival->o.dst;

	if (!*mine || !*other)
		return 0;
	if (!r->rival->from || r->rival->from > from) {
		*other = false;
		return 0;
	}
	*mine = false;
	return r->rival->from < from ? 0
				     : fail(-EINVAL, "not together with %s; neither means both",
					    r->rival->o.name);
}

int opttable_set(struct opt_row *r, enum opt_source from, const char *value, bool apply)
{
	int err;

	if (r->from && r->from < from)
		apply = false;
	err = optval_parse(&r->o, value, false);
	if (err || !apply)
		return err;
	if (optval_is_list(r->o.kind) && r->from != from)
		*(struct opt_list *)r->o.dst = (struct opt_list){0};
	r->from = from;
	err = optval_parse(&r->o, value, true);
	return err || !r->rival ? err : settle_rivals(r, from);
}

bool opttable_settable(const struct opt_row *r)
{
	return r->o.kind != OPT_GROUP && !(r->o.flags & OPT_F_CMDLINE);
}
