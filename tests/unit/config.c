// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "../../common/config.h"
#include "../../common/log.h"
#include "t.h"

static const char *const modes[] = {"auto", "perf", NULL};
static const char *mode = "auto";
static uint64_t slower;
static const struct opt rows[] = {
	{"mode", 'm', "MODE", OPT_ENUM, &mode, .help = "how", .choices = modes},
	{"slower", 0, "MS", OPT_MSEC, &slower, .help = "only slower calls"},
	{.kind = OPT_END},
};
static const struct opt_tool tool = {
	.name = "unit", .summary = "test", .opts = rows, .backends = modes, .intervals = true};

static char errors[8192];

static void on_error(const char *msg, void *ctx)
{
	size_t n = strlen(errors);

	T_OK(ctx == errors);
	snprintf(errors + n, sizeof(errors) - n, "%s\n", msg);
}

static int read_bytes(const char *text, size_t len, bool apply)
{
	/* Of the exact size, so that the sanitizer sees a read beyond the text. */
	char *copy = malloc(len ?: 1);
	int n;

	memcpy(copy, text, len);
	errors[0] = 0;
	n = opts_config(&tool, "x.conf", copy, len, apply, on_error, errors);
	free(copy);
	return n;
}

static int read_text(const char *text)
{
	return read_bytes(text, strlen(text), true);
}

static void reset(void)
{
	opts_free();
	std = (struct std_opts){0};
	mode = "auto";
	slower = 0;
}

static void accepted(void)
{
	T_EQ(read_text(""), 0);
	T_EQ(read_text("# only a comment"), 0);
	T_EQ(read_text("\n \t\n\r\n  # x\r\nduration = 2.5\r\njson=yes\n\tmode =perf # why\n"
		       "output = \"a \\\"b\\\" \\\\ # \\x41\"\t# comment\npid = 1,2\npid=3\n"
		       "comm = a#b\nslower = 0.5"),
	     0);
	T_STR(errors, "");
	T_OK(std.duration_ns == 2500000000);
	T_OK(std.json);
	T_STR(mode, "perf");
	T_STR(std.output, "a \"b\" \\ # A");
	T_EQ(std.pids.n, 3);
	T_STR(std.pids.v[2], "3");
	T_STR(std.comms.v[0], "a#b");
	T_EQ(slower, 500000);
	/* checking changes nothing */
	T_EQ(read_bytes("duration = 9\n", 13, false), 0);
	T_OK(std.duration_ns == 2500000000);
	reset();
}

static void refused(void)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{"\nduratoin = 5", "x.conf:2: duratoin: unknown key (did you mean duration?)\n"},
		{"duration = 5x", "x.conf:1: duration: bad value '5x': give seconds above 0, up to "
				  "1000000000\n"},
		{"mode = fast", "x.conf:1: mode: bad value 'fast': give one of auto, perf\n"},
		{"duration = 1\n\nduration = 2", "x.conf:3: duration: given twice, first on line "
						 "1\n"},
		{"duration 5", "x.conf:1: 'duration 5': not of the form key = value\n"},
		{"= 5", "x.conf:1: '= 5': not of the form key = value\n"},
		{"output =", "x.conf:1: output: bad value '': give some text\n"},
		{"output = # x", "x.conf:1: output: bad value '': give some text\n"},
		{"output = \"\"", "x.conf:1: output: bad value '': give some text\n"},
		{"config = x", "x.conf:1: config: belongs on the command line, not in a config "
			       "file\n"},
		{"help = true", "x.conf:1: help: belongs on the command line, not in a config "
				"file\n"},
	};
	static const char *const quotes[] = {
		"output = \"a",	      "output = \"a\" b",   "output = \"a\\n\"",
		"output = \"\\x0g\"", "output = \"\\x00\"", "output = \"a\\",
		"output = \"a\"b",    "output = \"",	    "output = \"\\x4",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		T_EQ(read_text(bad[i].text), 1);
		T_STR(errors, bad[i].error);
	}
	for (size_t i = 0; i < sizeof(quotes) / sizeof(*quotes); i++) {
		T_EQ(read_text(quotes[i]), 1);
		T_OK(strstr(errors, "x.conf:1: output: bad quotes"));
	}
	T_OK(!std.output);
	T_EQ(read_text("a=1\nb=2\nduration=3\nc=4\n"), 3);
	T_OK(std.duration_ns == 3000000000);
	reset();
}

static void hostile(void)
{
	static char line[4200];

	T_EQ(read_bytes("duration = 5\0\njson = 1", 22, true), 1);
	T_STR(errors, "x.conf:1: NUL byte in the line\n");
	T_OK(std.json && !std.duration_ns);
	reset();

	memset(line, 'y', sizeof(line));
	memcpy(line, "output = ", 9);
	T_EQ(read_bytes(line, 4096, true), 0);
	T_EQ(strlen(std.output), 4096 - 9);
	reset();
	T_EQ(read_bytes(line, 4097, true), 1);
	T_STR(errors, "x.conf:1: line longer than 4096 bytes\n");
	memset(line, 'k', 3000);
	T_EQ(read_bytes(line, 4096, true), 1);
	T_OK(strlen(errors) < 200);
	reset();
}

static void files(void)
{
	char path[] = "/tmp/unit-config-XXXXXX";
	struct opt_table t;
	int fd = mkstemp(path);

	T_EQ(opttable_init(&t, &tool), 0);
	errors[0] = 0;
	T_EQ(write(fd, "duration = 5\njson = x\n", 22), 22);
	T_EQ(config_file(&t, OPT_FROM_FILE, path, false, true, on_error, errors), 1);
	T_OK(strstr(errors, path) && strstr(errors, ":2: json: bad value"));
	T_OK(std.duration_ns == 5000000000);

	errors[0] = 0;
	T_EQ(ftruncate(fd, (1 << 20) + 1), 0);
	T_EQ(config_file(&t, OPT_FROM_FILE, path, false, true, on_error, errors), 1);
	T_OK(strstr(errors, ": cannot read the config file: File too large"));
	close(fd);
	unlink(path);
	errors[0] = 0;
	T_EQ(config_file(&t, OPT_FROM_FILE, path, true, true, on_error, errors), 0);
	T_STR(errors, "");
	T_EQ(config_file(&t, OPT_FROM_FILE, path, false, true, on_error, errors), 1);
	T_OK(strstr(errors, ": cannot read the config file: No such file"));
	errors[0] = 0;
	T_EQ(config_file(&t, OPT_FROM_FILE, "/", true, true, on_error, errors), 1);
	T_OK(strstr(errors, "Is a directory"));
	opttable_free(&t);
	reset();
}

static char *print(const struct opt_table *t)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	config_print(t, f);
	fclose(f);
	return text;
}

/* What is printed reads back to the same values, and to the same print. */
static void round_trip(void)
{
	static const char nasty[] = "tab\there, \"quotes\" \\ back\\,slash # and \n newline";
	char *again, *text;
	struct opt_table t;

	T_EQ(opttable_init(&t, &tool), 0);
	T_EQ(opttable_set(opttable_find(&t, "output"), OPT_FROM_CMDLINE, nasty, true), 0);
	T_EQ(opttable_set(opttable_find(&t, "duration"), OPT_FROM_ENV, "0.000000001", true), 0);
	T_EQ(opttable_set(opttable_find(&t, "json"), OPT_FROM_FILE, "on", true), 0);
	T_EQ(opttable_set(opttable_find(&t, "comm"), OPT_FROM_FILE, "a\\,b,c d,e\\*\\,,\\\\,x\\",
			  true),
	     0);
	T_EQ(opttable_set(opttable_find(&t, "max-events"), OPT_FROM_ETC, "18446744073709551615",
			  true),
	     0);
	text = print(&t);
	opttable_free(&t);
	T_OK(strstr(text, "\n#mode = auto\n"));
	T_OK(strstr(text, "\n#interval =\n"));
	T_OK(strstr(text, "(MODE: one of auto, perf)"));
	T_OK(strstr(text, "\nduration = 0.000000001\n"));
	T_OK(strstr(text, "\njson = true\n"));
	T_OK(!strstr(text, "print-config"));
	for (char *line = strtok(strdupa(text), "\n"); line; line = strtok(NULL, "\n"))
		T_OK(strlen(line) <= 79 || *line != '#');

	reset();
	T_EQ(opttable_init(&t, &tool), 0);
	errors[0] = 0;
	T_EQ(config_text(&t, OPT_FROM_FILE, "x", text, strlen(text), true, on_error, errors), 0);
	T_STR(errors, "");
	T_STR(std.output, nasty);
	T_EQ(std.duration_ns, 1);
	T_OK(std.json);
	T_OK(std.max_events == UINT64_MAX);
	T_EQ(std.comms.n, 5);
	T_STR(std.comms.v[0], "a,b");
	T_STR(std.comms.v[1], "c d");
	T_STR(std.comms.v[2], "e\\*,");
	T_STR(std.comms.v[3], "\\\\");
	T_STR(std.comms.v[4], "x\\");
	again = print(&t);
	T_STR(again, text);
	opttable_free(&t);
	free(again);
	free(text);
	reset();
}

/* Every commented default may be uncommented. */
static void defaults_read_back(void)
{
	struct opt_table t;
	char *text, *d;

	T_EQ(opttable_init(&t, &tool), 0);
	text = d = print(&t);
	opttable_free(&t);
	for (char *s = text; *s; s++) {
		if (*s == '#' && s[1] != ' ' && s[1] != '\n' && (s == text || s[-1] == '\n'))
			continue;
		*d++ = *s;
	}
	*d = 0;
	/* what is not set has no value, and says so */
	read_text(text);
	for (char *line = strtok(errors, "\n"); line; line = strtok(NULL, "\n"))
		T_OK(strstr(line, "bad value ''"));
	T_STR(mode, "auto");
	free(text);
	reset();
}

int main(void)
{
	accepted();
	refused();
	hostile();
	files();
	round_trip();
	defaults_read_back();
	return t_done();
}
