/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef OPTS_H
#define OPTS_H
/*
 * Options. One row of a table is one option; the row drives argp, --help, the range check, the
 * environment variable (TOOL_LONG_NAME, '-' becomes '_'), the config-file key (the long name),
 * --print-config and --check-config. Precedence: command line, environment, --config FILE,
 * /etc/reqtools/TOOL.conf, default. A list given by a nearer source replaces the farther one's;
 * repeated or comma-separated on the command line it adds up.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum opt_kind {
	OPT_END,
	OPT_GROUP, /* a heading in --help: help is its text */
	OPT_FLAG, /* bool; true/false/yes/no/on/off/1/0; --name=no undoes a config file's */
	OPT_UINT, /* uint64_t within [min, max] */
	OPT_SEC, /* uint64_t ns, given in seconds, decimals allowed */
	OPT_MSEC, /* uint64_t ns, given in milliseconds, decimals allowed */
	OPT_PERCENT, /* double, 0 < v <= max, an optional % at the end */
	OPT_STR, /* const char * */
	OPT_ENUM, /* const char *, one of choices */
	OPT_PIDS, /* struct opt_list of decimal pids, each checked 1..4194304 */
	OPT_LIST, /* struct opt_list of strings (globs, paths); "\," is a comma within one */
	OPT_PORTS, /* struct opt_list of "80" or "8000-8100", each checked by net_ports() */
	OPT_CIDRS, /* struct opt_list of "10.0.0.0/8" or "::1", each checked by net_cidr() */
};

struct opt_list {
	char **v;
	size_t n;
};

enum {
	OPT_F_CMDLINE = 1, /* neither environment nor config file (--config, --help ...) */
	/* Only name and key count: another letter for that row, which may be a standard one. */
	OPT_F_ALIAS = 2,
};

struct opt {
	const char *name; /* long option, config key, environment name */
	int key; /* short letter, or 0 */
	const char *arg; /* what --help calls its value; NULL for flags */
	enum opt_kind kind;
	void *dst;
	/*
	 * OPT_UINT, OPT_SEC, OPT_MSEC, OPT_PERCENT, in the unit that is given; max 0: no upper
	 * limit (100 for a percentage). A time's min of 1e-9 or less reads "above 0".
	 */
	double min, max;
	const char *help; /* one sentence, no full stop, lower case */
	const char *const *choices; /* OPT_ENUM, NULL-terminated */
	unsigned flags;
};

/* Options that all tools have. */
struct std_opts {
	uint64_t duration_ns, interval_ns; /* 0: not given */
	bool json, stay_root;
	const char *output, *record, *replay, *backend, *config;
	struct opt_list pids, exclude_pids, comms, exclude_comms, cgroups, exclude_cgroups;
	uint64_t max_events; /* 0: no limit */
	bool verbose;
	/* Network tools: which connections. ipv4 and ipv6 are never both set. */
	struct opt_list ports, local_ports, remote_ports, addrs;
	bool ipv4, ipv6;
};
extern struct std_opts std;

struct opt_tool {
	const char *name;
	/* Usage after the options: "[TARGET] [FUNCTION...]", several with \n; NULL: none */
	const char *args;
	const char *summary; /* one line */
	const char *examples; /* printed at the end of --help */
	const struct opt *opts; /* the tool's own rows, up to {.kind = OPT_END}; may be NULL */
	const char *const *backends; /* choices of --backend; NULL: the option does not exist */
	bool intervals; /* has -i */
	bool network; /* has -p, --local-port, --remote-port, --addr, -4, -6 */
};

/*
 * Parses everything and sets log_name and log_verbose. --help, --version, --print-config and
 * --check-config print to stdout and exit 0; a mistake on the command line, in the environment or
 * in a config file is said on stderr and exits 2 (every mistake of the latter two is named). Words
 * that are not options are left in args; words after "--" in cmd (argv-style, NULL-terminated).
 * Both are refused when tool->args is NULL. What words point to lives until opts_free().
 */
struct opt_words {
	char **args;
	size_t nargs;
	char **cmd; /* NULL when there was no "--" or nothing followed it */
	size_t ncmd;
};
void opts_parse(const struct opt_tool *tool, int argc, char **argv, struct opt_words *words);

/* Where TOOL.conf is looked for; /etc/reqtools unless a test changes it. */
extern const char *opts_confdir;

/*
 * The parts, for tests: parse one value for a row and store it, or add it to a list. -EINVAL with
 * fail() text naming value, range or choices, and nothing changed; -ENOMEM.
 */
int opts_set(const struct opt *o, const char *value);
/*
 * Reads a config file's text (len bytes, no NUL needed). on_error is called for each mistake
 * ("FILE:LINE: key: ..."); returns the number of mistakes, or a negative errno with fail() text
 * when tool's own rows contradict each other. apply: false only checks.
 */
int opts_config(const struct opt_tool *tool, const char *file, const char *text, size_t len,
		bool apply, void (*on_error)(const char *msg, void *ctx), void *ctx);
/* Frees every string and list that options were set to; they dangle afterwards. */
void opts_free(void);
#endif
