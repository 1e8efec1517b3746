// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The command line, on argp; then the other sources, nearest first, each giving only what no
 * nearer one gave. argp's own help and messages are off: it would add --usage and --HANG, exit
 * with 64, and not name the option that was meant.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "help.h"
#include "log.h"
#include "opts.h"
#include "opttable.h"
#include "optenv.h"
#include "optshow.h"
#include "optval.h"

#ifndef VERSION
#error "VERSION comes from the Makefile"
#endif
#define EXIT_USAGE 2
#define KEY_LONG   0x100 /* argp key of row 0's long name; letters are below */

const char *opts_confdir = "/etc/reqtools";

struct given {
	struct opt_row *row;
	const char *value;
};

struct cmdline {
	struct opt_table t;
	struct given *given; /* in the order of the command line */
	size_t ngiven, room;
	struct opt_words *words;
	int next; /* argv index that argp had reached when it last made sense of something */
	int culprit; /* argv index of what it made no sense of; 0: none */
};

static void __attribute__((noreturn)) usage_error(const struct opt_table *t)
{
	log_error("%s; try '%s --help'", fail_text(-EINVAL), t->tool->name);
	exit(EXIT_USAGE);
}

/* Ends after printing to stdout; what did not get there is an error. */
static void __attribute__((noreturn)) finish_stdout(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		log_error("cannot write to stdout: %s", strerror(errno));
		exit(1);
	}
	exit(0);
}

static struct opt_row *row_of_key(const struct opt_table *t, int key)
{
	if (key >= KEY_LONG && key < KEY_LONG + (int)t->n)
		return &t->rows[key - KEY_LONG];
	for (size_t i = 0; i < t->n && key > ' ' && key < KEY_LONG; i++)
		if (t->rows[i].o.key == key || t->rows[i].also == key)
			return &t->rows[i];
	return NULL;
}

static int take_option(struct cmdline *c, struct opt_row *r, const char *value)
{
	if (r->o.dst == &opt_actions.help) {
		help_print(&c->t, stdout);
		finish_stdout();
	}
	if (r->o.dst == &opt_actions.version) {
		printf("%s (reqtools) %s\n", c->t.tool->name, VERSION);
		finish_stdout();
	}
	if (c->ngiven == c->room) {
		size_t room = c->room ? 2 * c->room : 16;
		struct given *g = realloc(c->given, room * sizeof(*g));

		if (!g)
			return ENOMEM;
		c->given = g;
		c->room = room;
	}
	c->given[c->ngiven++] = (struct given){r, value ?: "true"};
	return 0;
}

static error_t on_key(int key, char *arg, struct argp_state *state)
{
	struct cmdline *c = state->input;
	struct opt_row *r;

	switch (key) {
	case ARGP_KEY_ARG:
		/* quoted is the index after "--" */
		if (state->quoted && state->next > state->quoted)
			c->words->cmd[c->words->ncmd++] = arg;
		else
			c->words->args[c->words->nargs++] = arg;
		c->next = state->next;
		return 0;
	case ARGP_KEY_ERROR:
		/* getopt goes on to the next argument after the last letter of one. */
		c->culprit = state->next > c->next ? state->next - 1 : state->next;
		return 0;
	default: break;
	}
	r = row_of_key(&c->t, key);
	if (!r)
		return ARGP_ERR_UNKNOWN;
	c->next = state->next;
	return take_option(c, r, arg);
}

/*
 * Letter and long name are two entries, so that "-jv" stays two flags where "--json=no" is
 * allowed.
 */
static struct argp_option *argp_rows(const struct opt_table *t)
{
	struct argp_option *rows = calloc(3 * t->n + 1, sizeof(*rows)), *a = rows;

	for (size_t i = 0; rows && i < t->n; i++) {
		const struct opt_row *r = &t->rows[i];
		bool flag = r->o.kind == OPT_FLAG;

		if (r->o.kind == OPT_GROUP)
			continue;
		*a++ = (struct argp_option){
			.name = r->o.name,
			.key = KEY_LONG + (int)i,
			.arg = flag && opttable_settable(r) ? "BOOL" : r->o.arg,
			.flags = flag && opttable_settable(r) ? OPTION_ARG_OPTIONAL : 0};
		if (r->o.key)
			*a++ = (struct argp_option){.key = r->o.key, .arg = flag ? NULL : r->o.arg};
		if (r->also)
			*a++ = (struct argp_option){.key = r->also, .arg = flag ? NULL : r->o.arg};
	}
	return rows;
}

/* Says what is wrong with a long option that getopt refused: arg is without its dashes. */
static void explain_long(const struct opt_table *t, const char *arg)
{
	size_t len = strcspn(arg, "="), n = 0;
	const struct opt_row *hit = NULL, *r;
	char name[64], text[256] = "";

	for (size_t i = 0; i < t->n; i++) {
		r = &t->rows[i];
		if (r->o.kind == OPT_GROUP || strncmp(r->o.name, arg, len))
			continue;
		hit = r;
		n++;
		if (!r->o.name[len]) {
			n = 1;
			break;
		}
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " --%s", r->o.name);
	}
	snprintf(name, sizeof(name), "%.*s", (int)len, arg);
	if (n > 1 && len)
		fail(-EINVAL, "ambiguous option '--%s': it may be%s", name, text);
	else if (n == 1 && arg[len])
		fail(-EINVAL, "option --%s takes no value", hit->o.name);
	else if (n == 1)
		fail(-EINVAL, "option --%s needs a value: %s", hit->o.name,
		     optval_wanted(&hit->o, text, sizeof(text)));
	else
		fail(-EINVAL, "unknown option '--%s'%s", name,
		     opttable_nearest(t, name, true, text, sizeof(text)));
}

/* The same for a bundle of letters. */
static void explain_letters(const struct opt_table *t, const char *letters)
{
	const struct opt_row *r = NULL;
	char text[256];

	for (; *letters; letters++) {
		r = row_of_key(t, (unsigned char)*letters);
		if (!r)
			break;
		if (r->o.arg) {
			fail(-EINVAL, "option -%c needs a value: %s", *letters,
			     optval_wanted(&r->o, text, sizeof(text)));
			return;
		}
	}
	fail(-EINVAL, "unknown option '-%c'", *letters);
}

static void parse_argv(struct cmdline *c, int argc, char **argv)
{
	struct argp argp = {.options = argp_rows(&c->t), .parser = on_key};
	int err = ENOMEM;

	c->words->args = optval_alloc((size_t)(argc + 1) * sizeof(char *));
	c->words->cmd = optval_alloc((size_t)(argc + 1) * sizeof(char *));
	/* In order, or getopt would move the words before "--" behind it. */
	if (argp.options && c->words->args && c->words->cmd)
		err = argp_parse(&argp, argc, argv, ARGP_SILENT | ARGP_IN_ORDER, NULL, c);
	free((void *)argp.options);
	if (!c->words->ncmd)
		c->words->cmd = NULL;
	if (!err)
		return;
	if (c->culprit > 0 && c->culprit < argc && !strncmp(argv[c->culprit], "--", 2))
		explain_long(&c->t, argv[c->culprit] + 2);
	else if (c->culprit > 0 && c->culprit < argc && argv[c->culprit][0] == '-')
		explain_letters(&c->t, argv[c->culprit] + 1);
	else
		fail(-err, "cannot parse the command line: %s", strerror(err));
	usage_error(&c->t);
}

static void apply_argv(struct cmdline *c)
{
	char why[1024];

	for (size_t i = 0; i < c->ngiven; i++) {
		if (!opttable_set(c->given[i].row, OPT_FROM_CMDLINE, c->given[i].value, true))
			continue;
		snprintf(why, sizeof(why), "%s", fail_text(-EINVAL));
		fail(-EINVAL, "--%s: %s", c->given[i].row->o.name, why);
		usage_error(&c->t);
	}
	if (!c->t.tool->args && c->words->nargs + c->words->ncmd) {
		fail(-EINVAL, "unexpected word '%s'",
		     c->words->nargs ? c->words->args[0] : c->words->cmd[0]);
		usage_error(&c->t);
	}
}

static void on_mistake(const char *msg, void *ctx)
{
	log_error("%s", msg);
}

static void on_doubt(const char *msg, void *ctx)
{
	log_warn("%s", msg);
}

static int read_sources(struct opt_table *t)
{
	char etc[256];
	int mistakes = 0;

	mistakes += optenv_check(t, opt_actions.check_config ? on_mistake : on_doubt, NULL);
	if (!opt_actions.check_config)
		mistakes = 0;
	mistakes += optenv_read(t, on_mistake, NULL);
	if (std.config)
		mistakes +=
			config_file(t, OPT_FROM_FILE, std.config, false, true, on_mistake, NULL);
	snprintf(etc, sizeof(etc), "%s/%s.conf", opts_confdir, t->tool->name);
	mistakes += config_file(t, OPT_FROM_ETC, etc, true, true, on_mistake, NULL);
	return mistakes;
}

void opts_parse(const struct opt_tool *tool, int argc, char **argv, struct opt_words *words)
{
	struct cmdline c = {.words = words, .next = 1};
	int mistakes;

	*words = (struct opt_words){0};
	log_name = tool->name;
	if (opttable_init(&c.t, tool)) {
		log_error("%s", fail_text(-EINVAL));
		exit(1);
	}
	parse_argv(&c, argc, argv);
	apply_argv(&c);
	mistakes = read_sources(&c.t);
	log_verbose = std.verbose;
	if (mistakes)
		exit(EXIT_USAGE);
	if (opt_actions.check_config) {
		puts("configuration is valid");
		finish_stdout();
	}
	if (opt_actions.print_config) {
		config_print(&c.t, stdout);
		finish_stdout();
	}
	free(c.given);
	opttable_free(&c.t);
}
